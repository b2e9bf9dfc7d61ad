//! What customers do: whether and when an invoice is paid by itself, and what they do about a message.

use super::people::{Customer, Habit};
use super::year::{Event, Year};
use crate::domain::attempt::Outcome;
use crate::domain::time::plus_days;
use crate::store::attempts::AttemptRow;
use jiff::civil::{Date, date};

/// What is remembered of a customer.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Messages about something overdue since the last payment.
    pub(super) reminded: u32,
    pub(super) promises: u32,
    /// Its address does not exist any more.
    pub(super) moved: bool,
    /// The firm is looking for its new address.
    pub(super) searched: bool,
    /// It pays nothing any more.
    pub(super) gone: bool,
}

impl Year<'_> {
    /// The day on which an invoice is paid by itself, if it is.
    pub(super) fn pays_by_itself(&mut self, customer: &Customer, due: Date) -> Option<Date> {
        let habit = customer.habit;
        let mut later = |low, high| plus_days(due, self.chance.between(low, high));
        match (habit, customer.state) {
            (Habit::Forgetful, Some("key_account")) => None,
            (_, Some("public_body")) => Some(later(5, 50)),
            (Habit::Prompt, _) => Some(later(-6, 0)),
            (Habit::Slow, _) => Some(later(7, 27)),
            (Habit::August, _) => {
                let day = later(-4, 0);
                let away = day.month() == 8 || (day.month() == 7 && day.day() > 28);
                Some(if away { plus_days(date(day.year(), 9, 2), self.chance.between(0, 4)) } else { day })
            }
            (Habit::PayRuns, _) => Some(pay_run(customer.pay_runs.unwrap_or_default(), due)),
            (Habit::Debit, _) => Some(later(1, 2)),
            (Habit::Insolvent, _) => (due < self.goes_under).then(|| later(-3, 10)),
            (Habit::Moved, _) => (due < self.moves).then(|| later(-4, 6)),
            _ => None,
        }
    }

    /// What a customer does about a row of the log.
    pub(super) fn react(&mut self, i: usize, row: &AttemptRow, today: Date) {
        let (habit, state) = (self.customers[i].habit, self.customers[i].state);
        if row.outcome == Outcome::Refused && self.memory[i].moved && !self.memory[i].searched {
            self.memory[i].searched = true;
            let day = plus_days(today, self.chance.between(9, 16));
            self.plan(day, self.morning(), Event::Found(i));
        }
        let felt = row.outcome == Outcome::Accepted && matches!(row.channel.as_deref(), Some("email" | "sms"));
        if !felt || row.step == "courtesy" {
            return;
        }
        self.memory[i].reminded += 1;
        match (habit, state) {
            (Habit::Forgetful, Some("key_account")) => self.pay_all(i, today, 3, 9),
            (Habit::Forgetful, _) if self.chance.odds(85) => self.pay_all(i, today, 2, 6),
            (Habit::Moved, _) if self.memory[i].searched => self.pay_all(i, today, 2, 6),
            (Habit::InParts, _) => self.pay_half(i, today),
            (Habit::Disputing, _) if self.chance.odds(45) => self.object(i, today),
            (Habit::Disputing, _) => self.pay_all(i, today, 4, 9),
            (Habit::Called, _) if matches!(row.step.as_str(), "final" | "second") => self.pay_all(i, today, 3, 8),
            (Habit::Slow, None) if self.memory[i].reminded == 2 && self.chance.odds(30) => {
                let (day, hour) = (self.next_working_day(today), self.morning());
                self.plan(day, hour, Event::AsksForTime(i));
            }
            _ => {}
        }
    }

    /// All that is overdue and not yet under way is paid within some days.
    pub(super) fn pay_all(&mut self, i: usize, today: Date, soonest: i64, latest: i64) {
        let day = plus_days(today, self.chance.between(soonest, latest));
        for number in self.overdue(i, today) {
            self.transfer(&number, None, day);
        }
    }

    /// Half of the oldest invoice the first time, then all.
    fn pay_half(&mut self, i: usize, today: Date) {
        let day = plus_days(today, self.chance.between(2, 5));
        let Some(oldest) = self.overdue(i, today).into_iter().next() else { return };
        let whole = self.books.papers.get(&oldest).is_some_and(|p| p.balance == p.total);
        match self.books.papers.get(&oldest).map(|p| p.balance / 2) {
            Some(half) if whole => self.transfer(&oldest, Some(half), day),
            _ => self.pay_all(i, today, 2, 5),
        }
    }

    /// Something is wrong with the oldest invoice; the others are paid.
    fn object(&mut self, i: usize, today: Date) {
        let mut overdue = self.overdue(i, today).into_iter();
        if let Some(number) = overdue.next() {
            let (day, hour) = (plus_days(today, self.chance.between(1, 2)), self.morning());
            self.plan(day, hour, Event::Dispute(number));
        }
        let day = plus_days(today, self.chance.between(3, 6));
        overdue.for_each(|number| self.transfer(&number, None, day));
    }

    /// The customer's invoices that are late, of which no payment is under way and nothing is in dispute; the oldest first.
    pub(super) fn overdue(&self, i: usize, today: Date) -> Vec<String> {
        let late = self.books.papers.iter().filter(|(_, p)| {
            p.customer == i && p.kind == "invoice" && p.balance > 0 && p.due_on < today && !p.under_way && !p.disputed
        });
        let mut late: Vec<(Date, &String)> = late.map(|(number, p)| (p.due_on, number)).collect();
        late.sort();
        late.into_iter().map(|(_, number)| number.clone()).collect()
    }
}

/// The first day of the month in `runs` on or after the due date.
fn pay_run(runs: &str, due: Date) -> Date {
    let pays = |day: Date| match runs {
        "last" => day == day.last_of_month(),
        _ => runs.split(", ").any(|r| r.parse() == Ok(day.day())),
    };
    (0..40).map(|n| plus_days(due, n)).find(|day| pays(*day)).unwrap_or(due)
}
