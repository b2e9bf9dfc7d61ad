//! Spacing and ceilings: how often one debtor may be contacted (rule R6).

use super::World;
use crate::domain::cadence::{Cadence, Group};
use crate::domain::calendar::{Calendar, is_working_day, plus_working_days};
use crate::domain::case::{Contact, ContactState, DebtorFile};
use crate::domain::reason::Reason;
use crate::domain::time::{days_between, local_date, plus_days};
use jiff::civil::Date;

/// Days over which the longest ceiling counts.
const LONGEST_CEILING: i64 = 30;

/// Whether the pace lets a contact about these invoices go today; else the reason and the first day that does.
/// `overdue`: the step lies after the due date, so that a near pay day of the debtor stands against it.
pub(super) fn pace(world: &World, file: &DebtorFile, overdue: bool, about: &[i64], today: Date) -> Option<(Reason, Date)> {
    if let Some((_, free)) = pay_run(world, file, today).filter(|_| overdue) {
        return Some((Reason::PayRun, free));
    }
    if let Some((_, free)) = spacing(world, file, about).filter(|(_, free)| *free > today) {
        return Some((Reason::Spacing, free));
    }
    let ceilings = Ceiled::new(world, file);
    ceilings.full(today)?;
    let free = (1..=31).map(|n| plus_days(today, n)).find(|day| ceilings.full(*day).is_none());
    Some((Reason::Ceiling, free.unwrap_or_else(|| plus_days(today, 1))))
}

/// What left, may have left, or is about to: a draft that waits for a word is none of these.
fn counted<'a>(world: &World, file: &'a DebtorFile) -> impl Iterator<Item = &'a Contact> {
    let own = world.own;
    let waits = |c: &Contact| c.state == ContactState::InHand && c.word.as_ref().is_some_and(|w| !w.given);
    file.contacts.iter().filter(move |c| Some(c.pk) != own && !waits(c))
}

/// The contacts of a debtor by day, and how many there may be.
pub(super) struct Ceiled {
    days: Vec<Date>,
    /// Days over which is counted, and the most contacts in them.
    pub(super) limits: [(i64, u32); 3],
}

impl Ceiled {
    pub(super) fn new(world: &World, file: &DebtorFile) -> Ceiled {
        let days = counted(world, file).map(|c| local_date(c.at, world.zone)).collect();
        let c = world.policy.ceilings;
        let month = if is_consumer(file) { c.month_consumer } else { c.month };
        Ceiled { days, limits: [(1, c.day), (7, c.week), (LONGEST_CEILING, month)] }
    }

    /// Contacts in the days that end with one.
    pub(super) fn count(&self, on: Date, span: i64) -> u64 {
        self.days.iter().filter(|d| (0..span).contains(&days_between(**d, on))).count() as u64
    }

    fn full(&self, on: Date) -> Option<&(i64, u32)> {
        self.limits.iter().find(|(span, most)| self.count(on, *span) >= u64::from(*most))
    }
}

pub(super) fn is_consumer(file: &DebtorFile) -> bool {
    file.debtor.is_consumer()
}

/// The day on which the debtor pays anyway, if it is near, and the first day on which it is known whether it did (R22).
pub(super) fn pay_run(world: &World, file: &DebtorFile, today: Date) -> Option<(Date, Date)> {
    let near = world.cadence.pay_run_guard;
    // What is booked late is known late: at the longest a fortnight is looked back.
    let days = (-14..=31).map(|n| plus_days(today, n)).filter(|day| is_pay_day(&file.debtor.pay_runs, *day));
    let run = |day: Date| (1..=10).map(|n| plus_days(day, n - 1)).find(|d| is_working_day(*d, world.calendar)).unwrap_or(day);
    let window = |day: Date| {
        let run = run(day);
        let known = (1..=31).map(|n| plus_days(run, n)).find(|on| world.booked.through(*on, today, world.bank) >= run);
        // A day that is no working day is moved, but its own days before it stay guarded.
        (
            near.before(day, world.calendar).min(near.before(run, world.calendar)),
            run,
            known.unwrap_or_else(|| plus_working_days(run, 2, world.bank)),
        )
    };
    days.map(window).find(|(from, _, free)| (*from..*free).contains(&today)).map(|(_, run, free)| (run, free))
}

/// Whether the debtor pays on this day of the month; 31 is the last of any.
fn is_pay_day(runs: &[u8], day: Date) -> bool {
    let last = day.day() == day.days_in_month();
    runs.iter().any(|run| *run as i8 == day.day() || (last && *run as i8 > day.day()))
}

/// The first day on which a contact may still count, for a cadence: by the longest ceiling or by its spacing.
pub fn counts_from(cadence: &Cadence, today: Date, calendar: Option<&Calendar>) -> Date {
    let spaced = cadence.spacing.before(today, calendar);
    spaced.min(plus_days(today, -LONGEST_CEILING))
}

/// The last contact that counts for these invoices, and the first day on which its spacing has run.
pub(super) fn spacing(world: &World, file: &DebtorFile, about: &[i64]) -> Option<(Date, Date)> {
    let concerns = |c: &&Contact| match world.cadence.group {
        Group::Debtor => true,
        Group::Invoice => c.invoices.iter().any(|pk| about.contains(pk)),
    };
    let last = counted(world, file).filter(concerns).map(|c| c.at).max()?;
    let day = local_date(last, world.zone);
    Some((day, world.cadence.spacing.after(day, world.calendar)))
}
