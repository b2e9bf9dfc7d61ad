//! Spacing and ceilings: how often one debtor may be contacted (rule R6).

use super::{Trace, World};
use crate::domain::cadence::{Cadence, Group};
use crate::domain::case::{Contact, DebtorFile};
use crate::domain::invoice::CustomerKind;
use crate::domain::reason::Reason;
use crate::domain::time::{days_between, local_date, plus_days};
use jiff::civil::Date;

/// Days over which the longest ceiling counts.
const LONGEST_CEILING: i64 = 30;

/// Whether the pace lets a contact about these invoices go today; else the reason and the first day that does.
pub(super) fn pace<T: Trace>(
    world: &World,
    file: &DebtorFile,
    about: &[i64],
    today: Date,
    trace: &mut T,
) -> Option<(Reason, Date)> {
    let counted: Vec<&Contact> = file.contacts.iter().filter(|c| Some(c.pk) != world.own).collect();
    let spacing = spacing_ends(world, &counted, about);
    match spacing {
        Some((last, free)) => trace.rule("R6", free <= today, || {
            format!(
                "last contact on {last}; the spacing of \"{}\" is {}, so the next is possible from {free}",
                world.cadence.name, world.cadence.spacing
            )
        }),
        None => trace.rule("R6", true, || "no contact yet that the spacing would count from".to_owned()),
    }
    if let Some((_, free)) = spacing.filter(|(_, free)| *free > today) {
        return Some((Reason::Spacing, free));
    }
    let days: Vec<Date> = counted.iter().map(|c| local_date(c.at, world.zone)).collect();
    let limits = limits(world, file);
    let full = |on: Date| {
        limits.into_iter().find(|(span, most)| {
            let inside = days.iter().filter(|d| (0..*span).contains(&days_between(**d, on))).count();
            inside as u64 >= u64::from(*most)
        })
    };
    let blocked = full(today);
    trace.rule("R6", blocked.is_none(), || {
        let count = |span: i64| days.iter().filter(|d| (0..span).contains(&days_between(**d, today))).count();
        format!(
            "contacts: {} today (at most {}), {} in 7 days (at most {}), {} in 30 days (at most {})",
            count(1),
            limits[0].1,
            count(7),
            limits[1].1,
            count(30),
            limits[2].1
        )
    });
    blocked?;
    let free = (1..=31).map(|n| plus_days(today, n)).find(|day| full(*day).is_none());
    Some((Reason::Ceiling, free.unwrap_or_else(|| plus_days(today, 1))))
}

/// The first day on which a contact may still count, for a cadence: by the longest ceiling or by its spacing.
pub fn counts_from(cadence: &Cadence, today: Date) -> Date {
    let spaced = cadence.spacing.before(today, cadence.calendar.as_deref());
    spaced.min(plus_days(today, -LONGEST_CEILING))
}

fn limits(world: &World, file: &DebtorFile) -> [(i64, u32); 3] {
    let c = world.policy.ceilings;
    let month = if file.debtor.kind == Some(CustomerKind::Consumer) { c.month_consumer } else { c.month };
    [(1, c.day), (7, c.week), (LONGEST_CEILING, month)]
}

/// The last contact that counts and the first day on which its spacing has run.
fn spacing_ends(world: &World, contacts: &[&Contact], about: &[i64]) -> Option<(Date, Date)> {
    let concerns = |c: &&&Contact| match world.cadence.group {
        Group::Debtor => true,
        Group::Invoice => c.invoices.iter().any(|pk| about.contains(pk)),
    };
    let last = contacts.iter().filter(concerns).map(|c| c.at).max()?;
    let day = local_date(last, world.zone);
    Some((day, world.cadence.spacing.after(day, world.cadence.calendar.as_deref())))
}
