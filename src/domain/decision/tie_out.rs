//! Where every open amount stands: the states add up to the ledger (rule R27).

use super::World;
use super::choice::{is_out_of_reach, unreached};
use super::demand::demands;
use super::ladder::Ladder;
use super::survey::{Place, Placed, debtor_obstacle, survey};
use super::verdict::under_way;
use crate::domain::case::{Contact, ContactState, DebtorFile, Task};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::time::local_date;

/// The one state in which each open row of a debtor is, with its signed balance (rule R27).
/// `world_of` gives the world of a cadence by name, `None` when that cadence no longer exists.
pub fn tie_out<'w>(file: &DebtorFile, world_of: impl Fn(&str) -> Option<World<'w>>) -> Vec<(i64, String, Money)> {
    let mut states = Vec::with_capacity(file.rows.len());
    for row in file.rows.iter().filter(|r| r.invoice.is_open()) {
        if row.invoice.cadence.as_deref().and_then(&world_of).is_none() {
            let state = if row.invoice.is_credit() { "credit" } else { Reason::NoCadence.code() };
            states.push((row.invoice.pk, state.to_owned(), row.invoice.balance));
        }
    }
    for case in file.cases() {
        let Some(world) = world_of(&case.cadence) else { continue };
        let today = local_date(world.now, world.zone);
        let obstacle = debtor_obstacle(file, today).map(|o| o.0);
        let placed = survey(file, &case, &world, today);
        let contact = under_way(&world, file, &case);
        let mut worth = vec![false; placed.len()];
        demands(&world, &case, &placed).iter().flat_map(|d| &d.rows).for_each(|i| worth[*i] = true);
        for (p, worth) in placed.iter().zip(worth) {
            let state = match (&p.place, obstacle) {
                (Place::Credit, _) => "credit".to_owned(),
                (Place::Held(reason, _), _) => held(*reason),
                (Place::Covered, _) => "covered".to_owned(),
                (Place::Rounding, _) => "rounding".to_owned(),
                (Place::Live(_), Some(reason)) => held(reason),
                (Place::Live(ladder), None) => on_its_cadence(file, &world, contact, p, ladder, worth),
            };
            let (pk, balance) = (p.row.invoice.pk, p.row.invoice.balance);
            // A part in dispute is held, and the rest is where it is (R18).
            let whole = matches!(p.place, Place::Held(..) | Place::Credit | Place::Rounding);
            let aside = if whole { 0 } else { p.disputed };
            if aside > 0 {
                states.push((pk, held(Reason::Disputed), Money::new(aside, balance.currency)));
            }
            states.push((pk, state, Money::new(balance.minor - aside, balance.currency)));
        }
    }
    states
}

fn held(reason: Reason) -> String {
    format!("held:{reason}")
}

/// The state of a row that nothing holds but, perhaps, its own progress: what keeps its next step from leaving says
/// more than the step it has had.
fn on_its_cadence(
    file: &DebtorFile,
    world: &World,
    contact: Option<&Contact>,
    p: &Placed,
    ladder: &Ladder,
    worth: bool,
) -> String {
    let pk = p.row.invoice.pk;
    let proposed = |t: &Task| t.invoices.contains(&pk) && t.word.as_ref().is_some_and(|w| !w.given);
    if file.tasks.iter().any(proposed) {
        return held(Reason::AwaitsApproval);
    }
    if let Some(contact) = contact {
        // What is under way has not been had; what may have left holds all of the case that would go on.
        let its_own = contact.invoices.contains(&pk);
        match contact.state {
            ContactState::Maybe if its_own || ladder.due.is_some() => return held(Reason::Uncertain),
            ContactState::InHand if its_own && contact.word.as_ref().is_some_and(|w| !w.given && !w.silence_is_yes) => {
                return held(Reason::AwaitsApproval);
            }
            ContactState::InHand if its_own => return format!("in_hand:{}", contact.step),
            _ => {}
        }
    }
    let is_late_for = |step: usize| p.is_overdue() && world.cadence.steps[step].overdue;
    match (ladder.due.filter(|step| is_late_for(*step)), ladder.due, ladder.blocked) {
        (Some(_), _, _) if !worth => return Reason::BelowMinimum.code().to_owned(),
        (Some(step), _, _) => {
            if let Some(reason) = unreached(world, file, step, pk) {
                return held(reason);
            }
        }
        (_, None, Some(block)) if block.until.is_none() => return held(block.reason),
        (_, None, _) if p.is_overdue() && ladder.next.is_some() && is_out_of_reach(file) => return held(Reason::NoAddress),
        _ => {}
    }
    match ladder.stage {
        Some(step) => format!("step:{}", world.cadence.steps[step].id),
        None if p.is_overdue() => "late".to_owned(),
        None => "not_due".to_owned(),
    }
}
