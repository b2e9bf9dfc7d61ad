//! Playing a test: the pumps, from one moment at which something is due to the next.

use super::books::{Books, CUSTOMER};
use super::event::{Event, What};
use super::script::Test;
use super::seen::{Eyes, Seen};
use super::stage::{Common, Folder};
use crate::channel::outlet::Outlet;
use crate::clock::Clock;
use crate::config::{Setup, Stage};
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, TaskKind};
use crate::domain::time::{instant, local_date, plus_days};
use crate::flow::called::{self, Report};
use crate::flow::collect::{self, LEDGER_RELEASED};
use crate::flow::{Desk, deliver, plan, review};
use crate::store::holds::{Found, Named};
use crate::store::polls::PollOutcome;
use crate::store::questions::Answer;
use crate::store::tasks::TaskEnd;
use anyhow::{Context as _, bail};
use jiff::Timestamp;
use jiff::civil::{Date, Time};

/// A test that comes to no end by then has gone wrong.
const MOST_LOOKS: u32 = 20_000;

/// While a poll stops all sending, one looks again after this, in seconds: it is the same all the time.
const BLIND_S: i64 = 4 * 3600;

/// What a test came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Played {
    /// What happened, in the order of time.
    pub(super) seen: Vec<Seen>,
    /// Why nothing (more) left, at each look.
    pub(super) reasons: Vec<(Date, Vec<Reason>)>,
    /// What could not be done as the test says: the place and a sentence.
    pub(super) trouble: Vec<String>,
}

/// A test being played.
struct Play<'t> {
    test: &'t Test,
    common: &'t Common,
    setup: &'t Setup,
    folder: Folder,
    clock: Clock,
    outlet: Outlet,
    books: Books,
    desk: Desk,
    eyes: Eyes,
    played: Played,
}

/// Plays a test from its start to its end.
pub(super) async fn play(common: &Common, setup: &Setup, test: &Test) -> anyhow::Result<Played> {
    let folder = Folder::new()?;
    let staged = staged(setup, test, folder.path(), None);
    let zone = staged.settings.creditor.timezone.clone();
    let start = instant(test.start.date(), test.start.time(), &zone).context("no such start")?;
    let (clock, outlet) = (Clock::manual(start), Outlet::default());
    let books = Books::create(&folder.path().join("ledger.db"), &test.customer).await?;
    let desk = common.desk(staged, folder.path(), clock.clone(), outlet.clone()).await?;
    let (eyes, played) = (Eyes::default(), Played::default());
    let mut play = Play { test, common, setup, folder, clock, outlet, books, desk, eyes, played };
    let end = play.through(start).await;
    play.desk.store.close().await;
    play.books.close().await;
    end.map(|()| play.played)
}

fn staged(setup: &Setup, test: &Test, folder: &std::path::Path, edited: Option<&[crate::config::CadenceFile]>) -> Setup {
    setup.rehearsed(&Stage {
        folder,
        country: test.country.as_deref(),
        channels: test.channels,
        cadences: edited.or(test.cadences.as_deref()),
        old_debts: test.old_debts,
    })
}

impl Play<'_> {
    fn at(&self, day: Date, time: Time) -> anyhow::Result<Timestamp> {
        instant(day, time, &self.desk.setup.settings.creditor.timezone).context("no such day")
    }

    async fn through(&mut self, start: Timestamp) -> anyhow::Result<()> {
        let end = self.at(plus_days(self.test.until, 1), Time::midnight())?;
        let mut rows: Vec<_> = self.test.rows.iter().collect();
        rows.sort_by_key(|r| std::cmp::Reverse(r.seen));
        let mut events: Vec<&Event> = self.test.events.iter().rev().collect();
        let mut now = start;
        for _ in 0..MOST_LOOKS {
            self.clock.set(now);
            while let Some(row) = rows.pop_if(|r| self.at(r.seen, Time::midnight()).is_ok_and(|at| at <= now)) {
                self.books.add(row).await?;
            }
            while let Some(event) = events.pop_if(|e| self.at(e.on, e.time).is_ok_and(|at| at <= now)) {
                if let Err(why) = self.happen(event).await {
                    self.played.trouble.push(format!("{}: {}: {why:#}", event.at, event.word));
                }
            }
            let good = self.look().await?;
            let row = rows.last().map(|r| self.at(r.seen, Time::constant(7, 0, 0, 0))).transpose()?;
            let event = events.last().map(|e| self.at(e.on, e.time)).transpose()?;
            let by_itself = self.next_look(now, good).await?;
            match [row, event, by_itself].into_iter().flatten().filter(|at| *at > now).min() {
                Some(next) if next < end => now = next,
                _ => return Ok(()),
            }
        }
        bail!("{MOST_LOOKS} looks and no end: this is a fault of relance")
    }

    /// The pumps, and what came of them. False when the ledger could not be read, or shrank too much.
    async fn look(&mut self) -> anyhow::Result<bool> {
        let poll = collect::poll(&self.desk).await?;
        plan::step(&self.desk).await?;
        deliver::step(&self.desk).await?;
        // Owners are told here: silence is a yes only of one who was.
        review::step(&self.desk).await?;
        self.eyes.look(&self.desk, &self.outlet, &mut self.played.seen).await?;
        let reasons = self.desk.store.reasons().await?;
        let reasons: Vec<Reason> = reasons.iter().filter_map(|(code, _)| Reason::parse(code)).collect();
        let today = local_date(self.clock.now(), &self.desk.setup.settings.creditor.timezone);
        self.played.reasons.push((today, reasons));
        Ok(poll.outcome == PollOutcome::Good)
    }

    /// When something is due by itself.
    async fn next_look(&self, now: Timestamp, good: bool) -> anyhow::Result<Option<Timestamp>> {
        let far = Timestamp::from_second(now.as_second() + 4 * 366 * 86_400)?;
        let debtor = self.desk.store.due_debtors(far, 1).await?.first().map(|d| d.1);
        let (mail, text) = (self.desk.store.next_ready(Channel::Email).await?, self.desk.store.next_ready(Channel::Sms).await?);
        let soonest = if good { now.as_millisecond() + 1 } else { now.as_millisecond() + BLIND_S * 1000 };
        let next = [debtor, mail, text].into_iter().flatten().map(|at| at.max(soonest)).min();
        Ok(next.and_then(|at| Timestamp::from_millisecond(at).ok()))
    }

    async fn happen(&mut self, event: &Event) -> anyhow::Result<()> {
        match &event.what {
            What::Paid(id) => self.books.pay(id).await,
            What::PartPaid(id, amount) => self.books.pay_part(id, amount).await,
            What::Reopened(id) => self.books.reopen(id).await,
            What::DueMoved(id, to) => self.books.set(id, "due_on", &to.to_string()).await,
            What::Credited(amount, names) => self.books.credit(amount, names.as_deref(), event.on).await,
            What::Disputed(id, Some(part)) => self.books.set(id, "disputed_amount", part).await,
            What::Disputed(id, None) => self.books.set(id, "status", "disputed").await,
            What::Settled(id) => {
                self.books.set(id, "disputed_amount", "0").await?;
                self.books.set(id, "status", "open").await
            }
            What::Column(column, value) => self.books.set_all(column, value).await,
            What::Gone(count) => self.books.remove(*count).await,
            What::PollFails => self.books.hide(true).await,
            What::PollWorks => self.books.hide(false).await,
            What::Bounced(address) => {
                self.outlet.refuse(address);
                Ok(())
            }
            What::Edited(cadences) => self.edit(cadences).await,
            _ => self.a_person(event).await,
        }
    }

    /// What people say and do.
    async fn a_person(&mut self, event: &Event) -> anyhow::Result<()> {
        let (desk, now) = (&self.desk, self.clock.now());
        let today = event.on;
        match &event.what {
            What::LedgerReleased => Ok(desk.store.set_meta(LEDGER_RELEASED, Some("1")).await?),
            What::Released => {
                let debtor = desk.store.find_debtor(CUSTOMER).await?.context("nothing was seen of the customer yet")?;
                Ok(desk.store.release_entry(debtor, now).await?)
            }
            What::Held(name, until, reason) => {
                desk.store.put_hold(self.named(name.as_deref()).await?, *until, reason, now).await?;
                Ok(())
            }
            What::Resumed(name) => {
                desk.store.end_holds(self.named(name.as_deref()).await?, now).await?;
                Ok(())
            }
            What::Called(reached, promise, excuse, next) => {
                let task = self.open_task(TaskKind::Call, None).await?;
                let (note, number, by) = (None, None, None);
                let report = Report { reached: *reached, promise: *promise, excuse: *excuse, note, next: *next, number, by };
                called::record(desk, task, &report, now).await?;
                Ok(())
            }
            What::Approved(step) => self.answer(Answer::Yes, step.as_deref(), today).await,
            What::Refused(step) => self.answer(Answer::No, step.as_deref(), today).await,
            What::Done(step) => {
                let task = self.open_task(TaskKind::Task, step.as_deref()).await?;
                desk.store.end_task(task, TaskEnd::Done, "done in a test", today, now).await?;
                Ok(())
            }
            What::Dropped(step) => {
                let task = self.open_task(TaskKind::Task, step.as_deref()).await?;
                desk.store.end_task(task, TaskEnd::Dropped, "dropped in a test", today, now).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn named(&self, name: Option<&str>) -> anyhow::Result<Named> {
        match self.desk.store.find(name.unwrap_or(CUSTOMER)).await? {
            Found::One(named) => Ok(named),
            _ => bail!("nothing of that name was seen yet: {}", name.unwrap_or("the customer")),
        }
    }

    /// An open task; the oldest, where several would do.
    async fn open_task(&self, kind: TaskKind, step: Option<&str>) -> anyhow::Result<i64> {
        let tasks = self.desk.store.open_tasks(false, Date::MAX).await?;
        let mut fitting = tasks.iter().filter(|t| !t.proposed && step.is_none_or(|s| t.step.as_deref() == Some(s)));
        let found = fitting.find(|t| step.is_some() || t.kind == kind);
        Ok(found.with_context(|| format!("there is no open {} {}", kind.as_str(), step.unwrap_or_default()))?.id)
    }

    async fn answer(&self, answer: Answer, step: Option<&str>, today: Date) -> anyhow::Result<()> {
        let waiting = self.desk.store.questions(false, None).await?;
        let asked = waiting.iter().filter(|q| step.is_none_or(|s| q.step.as_deref() == Some(s)));
        let mut answered = false;
        for question in asked {
            answered |=
                self.desk.store.answer(question.id, answer, None, Some("said in a test"), today, self.clock.now()).await?;
        }
        anyhow::ensure!(answered, "nobody is asked for a yes {}", step.unwrap_or_default());
        Ok(())
    }

    /// Other cadences from now on, as after a restart of the program.
    async fn edit(&mut self, cadences: &[crate::config::CadenceFile]) -> anyhow::Result<()> {
        let staged = staged(self.setup, self.test, self.folder.path(), Some(cadences));
        self.desk.store.close().await;
        self.desk = self.common.desk(staged, self.folder.path(), self.clock.clone(), self.outlet.clone()).await?;
        Ok(())
    }
}
