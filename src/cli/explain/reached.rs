//! What `explain` tells of reaching a customer: returned steps whose time no longer counts (R2), and addresses that are not
//! used, each with the evidence and its day.

use crate::cli::CliError;
use crate::domain::case::{DebtorFile, MarkKind};
use crate::domain::reach::{Kind, PointIs};
use crate::domain::time::local_date;
use crate::flow::Desk;
use crate::flow::reach::folded;
use jiff::Timestamp;

/// So many returned steps are told, the newest.
const MOST: usize = 3;

pub(super) async fn notes(desk: &Desk, file: &DebtorFile, now: Timestamp) -> Result<Vec<String>, CliError> {
    let zone = &desk.setup.settings.creditor.timezone;
    let Some(one) = folded(desk, &[file.debtor.pk], now).await?.pop() else { return Ok(vec![]) };
    let mut notes = Vec::new();
    let returned = one.reach.evidence.iter().rev().filter(|e| matches!(e.kind, Kind::Returned { .. })).take(MOST);
    for e in returned {
        // Where the step has left since by another way, its time counts from there.
        let step = e.text.split(": ").next().unwrap_or_default();
        let again = file.rows.iter().flat_map(|r| &r.marks).any(|m| m.step.as_str() == step && m.kind == MarkKind::Left);
        let void = if again { "its time counts from when it left again" } else { "the time that it began does not count" };
        let to = e.point.as_ref().map(|p| format!(" from {}", p.address)).unwrap_or_default();
        let words = e.text.split_once(": ").map(|(_, words)| format!(" ({words})")).unwrap_or_default();
        notes.push(format!("step {step} came back on {}{to}{words}: {void}", local_date(e.at, zone)));
    }
    for p in one.reach.people.iter().filter(|p| p.role.is_some()).flat_map(|p| &p.points) {
        if matches!(p.found.state, PointIs::Suspect | PointIs::Dead) {
            notes.push(format!("{} {} is {}: {}", p.point.channel, p.point.address, p.found.state.as_str(), p.found.why));
        }
    }
    Ok(notes)
}
