//! The year: what the firm books and what its customers do, and the pumps a few times a day, at odd hours too.

use super::books::{Books, Paper};
use super::chance::Chance;
use super::habit::Memory;
use super::people::{self, Customer, Habit};
use super::{DAYS, Telling};
use crate::channel::outlet::Outlet;
use crate::demo::Progress;
use crate::domain::calendar::{is_working_day, plus_working_days};
use crate::domain::currency::Currency;
use crate::domain::time::{instant, plus_days};
use crate::flow::{Desk, collect, deliver, plan, report, review};
use crate::store::attempts::LogFilter;
use anyhow::Context as _;
use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use std::collections::BTreeMap;
use std::path::Path;

/// When the books are opened: before the first poll of the day, and between that and the first messages.
const BOOKINGS: [i16; 2] = [7 * 60, 10 * 60 + 30];

/// When relance looks, in minutes of the day, and whether the ledger is read then. On Sundays and holidays only [`REST`].
const LOOKS: [(i16, bool); 7] = [
    (3 * 60 + 10, false),
    (7 * 60 + 31, true),
    (9 * 60 + 2, false),
    (10 * 60 + 40, false),
    (14 * 60 + 5, true),
    (17 * 60 + 20, false),
    (19 * 60 + 30, false),
];

/// The looks of a day on which nobody works.
const REST: [i16; 2] = [7 * 60 + 31, 10 * 60 + 40];

/// When the firm's own people are at it.
const DESK_WORK: i16 = 8 * 60 + 45;
const CALLS: i16 = 10 * 60 + 20;

/// Days of the year on which something goes wrong: the ledger cannot be read, its export forgets half, relance stands still.
const AWAY: std::ops::Range<i64> = 96..99;
const HALVED: i64 = 141;
const STANDSTILL: std::ops::Range<i64> = 203..208;

/// The ledger begins so many days before relance.
const HISTORY: i64 = 75;

/// Something that happens in the books.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// An invoice, or a row like it, is written.
    Row(String, Box<Paper>),
    /// Money is booked: on an invoice, all of what is open or a part.
    Received(String, Option<i64>),
    /// Money is booked that nobody can place yet.
    Unplaced(String),
    /// … and now they can: the payment's number, the invoice's.
    Placed(String, String),
    /// A payment comes back.
    Returned(String),
    Dispute(String),
    Settled(String),
    AsksForTime(usize),
    GoesUnder(usize),
    Moves(usize),
    Found(usize),
    KindFound(usize),
    WriteOff(usize),
}

/// A year being lived.
pub(super) struct Year<'d> {
    pub(super) desk: Desk,
    pub(super) outlet: &'d Outlet,
    pub(super) chance: Chance,
    pub(super) customers: Vec<Customer>,
    pub(super) memory: Vec<Memory>,
    pub(super) books: Books,
    /// From this due date on, those who go under pay nothing.
    pub(super) goes_under: Date,
    /// From this day on, those who move are not where they were.
    pub(super) moves: Date,
    first: Date,
    queue: BTreeMap<(Date, i16), Vec<Event>>,
    log: i64,
    sent: u64,
    pub(super) payments: u32,
}

impl<'d> Year<'d> {
    /// The customers, and all invoices of the year.
    pub(super) async fn begin(desk: Desk, outlet: &'d Outlet, folder: &Path, first: Date, seed: u64) -> anyhow::Result<Year<'d>> {
        let mut chance = Chance::new(seed);
        let customers = people::all(&mut chance)?;
        let books = Books::create(folder, &desk.setup.settings.creditor.timezone).await?;
        let memory = vec![Memory::default(); customers.len()];
        let (queue, goes_under, moves) = (BTreeMap::new(), plus_days(first, 170), plus_days(first, 120));
        let mut year = Year {
            desk,
            outlet,
            chance,
            customers,
            memory,
            books,
            goes_under,
            moves,
            first,
            queue,
            log: 0,
            sent: 0,
            payments: 0,
        };
        year.write_invoices(folder).await?;
        Ok(year)
    }

    async fn write_invoices(&mut self, folder: &Path) -> anyhow::Result<()> {
        let mut rows: Vec<(Date, usize)> = Vec::new();
        for i in 0..self.customers.len() {
            let late = self.chance.odds(15);
            let from = if late { self.chance.between(20, 250) } else { self.chance.between(-HISTORY, 0) };
            let mut day = from;
            while day < DAYS {
                rows.push((plus_days(self.first, day), i));
                let every = self.customers[i].every;
                day += self.chance.between(every / 2, every * 3 / 2).max(1);
            }
            // What is very old when relance begins.
            if matches!(self.customers[i].habit, Habit::Never | Habit::InParts) && self.chance.odds(50) {
                rows.push((plus_days(self.first, -320), i));
            }
            let since = plus_days(self.first, if late { from } else { -900 });
            let at = self.at(self.first, 0)?;
            self.books.add_customer(&self.customers[i].clone(), since, at).await?;
            let event = match self.customers[i].habit {
                Habit::Insolvent => Some(Event::GoesUnder(i)),
                Habit::Moved => Some(Event::Moves(i)),
                _ => None,
            };
            if let Some(event) = event {
                let day = if matches!(event, Event::Moves(_)) { self.moves } else { plus_days(self.goes_under, 60) };
                let day = plus_days(day, self.chance.between(0, 40));
                self.plan(day, BOOKINGS[0], event);
            }
        }
        rows.sort();
        let papers = folder.join("pdf");
        std::fs::create_dir_all(&papers).with_context(|| format!("cannot make {}", papers.display()))?;
        let mut number = 0;
        for (issued_on, i) in rows {
            number += 1;
            self.write_invoice(&papers, &format!("{}-{number:04}", issued_on.year()), issued_on, i)?;
        }
        Ok(())
    }

    fn write_invoice(&mut self, papers: &Path, number: &str, issued_on: Date, i: usize) -> anyhow::Result<()> {
        let customer = self.customers[i].clone();
        let currency = Currency::parse(customer.currency).context("an unknown currency")?;
        let total = self.chance.amount(customer.usual / 2, customer.usual * 2);
        let due_on = plus_days(issued_on, customer.terms);
        let document = self.chance.odds(60).then(|| format!("{number}.pdf"));
        if let Some(name) = &document {
            std::fs::write(papers.join(name), super::pdf::invoice(number, &customer.name)).context("cannot write a PDF")?;
        }
        let mut paper = Paper {
            customer: i,
            kind: "invoice",
            issued_on,
            due_on,
            currency,
            total,
            balance: total,
            for_invoice: None,
            document,
            under_way: false,
            disputed: false,
        };
        if let Some(day) = self.pays_by_itself(&customer, due_on) {
            let booked = self.booked_on(day);
            if booked < self.first {
                paper.balance = 0;
            } else {
                paper.under_way = true;
                let hour = self.hour();
                self.plan(booked, hour, Event::Received(number.to_owned(), None));
                // Of debits some come back.
                if customer.habit == Habit::Debit && self.chance.odds(20) {
                    self.plan(plus_days(booked, 5), BOOKINGS[0], Event::Returned(number.to_owned()));
                }
            }
        } else if due_on < plus_days(self.first, -20) && self.chance.odds(80) {
            paper.balance = 0;
        }
        self.plan(issued_on.max(self.first), BOOKINGS[0] - 1, Event::Row(number.to_owned(), Box::new(paper)));
        Ok(())
    }

    /// Lives through it.
    pub(super) async fn live(mut self, tell: Telling<'_>) -> anyhow::Result<Desk> {
        for day in 0..=DAYS {
            let date = plus_days(self.first, day);
            match day {
                _ if day == AWAY.start => self.books.hide(true, self.at(date, 5 * 60)?).await?,
                _ if day == AWAY.end => self.books.hide(false, self.at(date, 5 * 60)?).await?,
                _ if day == STANDSTILL.start => self.books.note(self.at(date, 0)?, "stands_still", serde_json::json!({})),
                _ if day == STANDSTILL.end => self.books.note(self.at(date, 0)?, "runs_again", serde_json::json!({})),
                HALVED => self.books.lose(true, self.at(date, 5 * 60)?).await?,
                _ if day == HALVED + 1 => self.books.lose(false, self.at(date, 5 * 60)?).await?,
                _ => {}
            }
            self.day(date, !STANDSTILL.contains(&day)).await?;
            if date.day() == 1 {
                self.books.archive(plus_days(date, -40)).await?;
            }
            tell(Progress { day, date, sent: self.sent });
        }
        self.books.close().await?;
        Ok(self.desk)
    }

    async fn day(&mut self, date: Date, runs: bool) -> anyhow::Result<()> {
        let works = runs && is_working_day(date, self.desk.setup.settings.creditor.calendar.as_deref());
        let rests = !works && date.weekday() != Weekday::Saturday;
        let mut moments: Vec<i16> = LOOKS.iter().map(|l| l.0).chain([DESK_WORK, CALLS]).collect();
        moments.sort_unstable();
        for minute in moments {
            self.happen(date, minute).await?;
            self.desk.clock.set(self.at(date, minute)?);
            match minute {
                DESK_WORK if works => self.desk_work(date).await?,
                CALLS if works => self.calls().await?,
                DESK_WORK | CALLS => {}
                _ if rests && !REST.contains(&minute) => {}
                _ if runs => self.look(date, LOOKS.contains(&(minute, true))).await?,
                _ => {}
            }
        }
        self.happen(date, 24 * 60).await
    }

    async fn look(&mut self, date: Date, polls: bool) -> anyhow::Result<()> {
        if polls {
            collect::poll(&self.desk).await?;
        }
        report::step(&self.desk).await?;
        plan::step(&self.desk).await?;
        self.sent += deliver::step(&self.desk).await?.accepted;
        review::step(&self.desk).await?;
        let mut rows = self.desk.store.log_page(self.log, &LogFilter::default()).await?;
        self.log = rows.last().map_or(self.log, |row| row.id);
        // Messages leave side by side, and are in the log as they were done: the same seed is the same year all the same.
        rows.sort_by(|a, b| (&a.debtor, &a.step, &a.channel, &a.address).cmp(&(&b.debtor, &b.step, &b.channel, &b.address)));
        for row in rows {
            if let Some(i) = self.customer(&row.debtor) {
                self.react(i, &row, date);
            }
        }
        Ok(())
    }

    /// The place of a customer.
    pub(super) fn customer(&self, id: &str) -> Option<usize> {
        self.customers.iter().position(|c| c.id == id)
    }

    /// A moment of a day, in the firm's zone.
    pub(super) fn at(&self, day: Date, minute: i16) -> anyhow::Result<Timestamp> {
        let time = Time::midnight().saturating_add(jiff::SignedDuration::from_mins(i64::from(minute)));
        instant(day, time, &self.desk.setup.settings.creditor.timezone).context("no such moment")
    }

    /// The hour at which the books are opened.
    pub(super) fn morning(&self) -> i16 {
        BOOKINGS[0]
    }

    pub(super) fn hour(&mut self) -> i16 {
        BOOKINGS[usize::from(self.chance.odds(30))]
    }

    pub(super) fn working_days_on(&self, day: Date, days: i32) -> Date {
        plus_working_days(day, days, self.desk.setup.settings.creditor.calendar.as_deref())
    }

    pub(super) fn next_working_day(&self, day: Date) -> Date {
        self.working_days_on(day, 1)
    }

    /// What is paid on a day is in the books one working day later.
    fn booked_on(&self, day: Date) -> Date {
        self.next_working_day(day)
    }

    pub(super) fn plan(&mut self, day: Date, minute: i16, event: Event) {
        self.queue.entry((day, minute)).or_default().push(event);
    }

    /// A transfer on a day: all of an invoice, or a part. One in twenty names no invoice.
    pub(super) fn transfer(&mut self, number: &str, part: Option<i64>, day: Date) {
        let Some(paper) = self.books.papers.get_mut(number) else { return };
        paper.under_way = true;
        let (booked, hour) = (self.booked_on(day), self.hour());
        let event = match part {
            None if self.chance.odds(5) => Event::Unplaced(number.to_owned()),
            _ => Event::Received(number.to_owned(), part),
        };
        self.plan(booked, hour, event);
    }

    /// All that has come by a moment.
    async fn happen(&mut self, date: Date, minute: i16) -> anyhow::Result<()> {
        while let Some(entry) = self.queue.first_entry().filter(|e| *e.key() <= (date, minute)) {
            let ((day, hour), events) = entry.remove_entry();
            for event in events {
                let at = self.at(day, hour)?;
                self.one(event, day, at).await?;
            }
        }
        Ok(())
    }
}
