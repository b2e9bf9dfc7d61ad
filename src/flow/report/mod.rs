//! The morning report (rule R28): may I send, what must I decide, whom do I call; what leaves today, what happened since the
//! last one, what nobody sees to, and whether every euro is accounted for.
//!
//! It is built once, as a [`Report`], and shown as words on a page (for the mail and the terminal) or as JSON.

mod gather;
mod json;
mod page;
mod send;

pub use json::json;
pub use page::{Form, page, spoken};
pub use send::step;

use super::calls::{self, Ranked};
use super::desk::{Conditions, Desk, DeskError};
use super::tie::{AGAIN, Ties};
use crate::config::report::MORNING;
use crate::domain::calendar::plus_working_days;
use crate::domain::currency::Currency;
use crate::domain::debtor::State;
use crate::domain::decision::{Brake, Standing};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, Rank, TaskKind};
use crate::domain::time::{instant, local_date};
use crate::store::bank::BankRow;
use crate::store::proposals::{Proposal, ProposalFilter};
use crate::store::questions::Waiting;
use crate::store::recovery::UncertainRow;
use crate::store::reports::{AcceptedRow, Few, Happened, PromiseCounts, Told};
use crate::store::returns::{Inbound, InboundFilter};
use crate::store::tasks::OpenTask;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// So many of each kind are named; of the others it is said how many they are.
pub const FEW: usize = 5;

/// Amounts by currency, in minor units.
pub type Sums = BTreeMap<Currency, i64>;

/// The report of a morning.
#[derive(Clone, Debug)]
pub struct Report {
    /// When it was made.
    pub at: Timestamp,
    /// The day, in the creditor's zone.
    pub day: Date,
    /// What happened is told from this instant on: the hour of the report on the last working day before.
    pub since: Timestamp,
    /// May relance send.
    pub sending: Sending,
    /// What waits for a person.
    pub decide: Decide,
    /// What is to be done and what leaves today.
    pub today: Today,
    /// What happened.
    pub past: Past,
    /// What nobody sees to.
    pub silence: Silence,
    /// Every open amount in one state.
    pub ties: Ties,
    /// The day before it whose report did not leave.
    pub lost: Option<Date>,
    /// An earlier sending of this one may have arrived.
    pub resent: bool,
}

/// May relance send.
#[derive(Clone, Debug)]
pub struct Sending {
    /// When the ledger was read to its end last, and how many rows it had.
    pub read: Option<(Timestamp, i64)>,
    /// Receipts are in the ledger up to this day.
    pub booked: Date,
    /// What stops or holds messages.
    pub stops: Vec<Brake>,
    /// All messages go here.
    pub redirected: Option<String>,
    /// Rows that cannot be read, and how many of them never could be.
    pub unreadable: (u64, u64),
}

impl Sending {
    /// Whether nothing leaves at all.
    pub fn is_stopped(&self) -> bool {
        self.stops.iter().any(|s| s.channel.is_none() && s.reason != Reason::TooMany)
    }
}

/// Customers in one situation: how many, how much, and those it is most about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Customers.
    pub customers: u64,
    /// Rows of the ledger.
    pub rows: u64,
    /// How much.
    pub sums: Sums,
    /// The largest.
    pub few: Vec<Who>,
}

/// A customer in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The id in the source.
    pub debtor: String,
    /// The name.
    pub name: String,
    /// Numbers of the invoices; at most a few.
    pub invoices: Vec<String>,
    /// How much.
    pub amount: Money,
}

/// A question, with what it is about.
#[derive(Clone, Debug)]
pub struct Question {
    /// The question.
    pub asked: Waiting,
    /// The rank of its step, where that has one.
    pub rank: Option<Rank>,
    /// What its invoices come to.
    pub amount: Option<Money>,
}

/// What waits for a person.
#[derive(Clone, Debug, Default)]
pub struct Decide {
    /// Questions that want a yes: how many, and those that lapse first.
    pub approvals: (u64, Vec<Question>),
    /// Notices that leave unless somebody objects.
    pub notices: (u64, Vec<Question>),
    /// Messages that may or may not have left.
    pub uncertain: (u64, Vec<UncertainRow>),
    /// What customers wrote and nobody has read, the oldest first.
    pub answers: (u64, Vec<Inbound>),
    /// What customers answered on the page and nobody has decided on, the oldest first.
    pub proposals: (u64, Vec<Proposal>),
    /// What the bank's statements show and a person decides on, the oldest first.
    pub bank: (u64, Vec<BankRow>),
    /// Holds that end since the last report.
    pub holds: Few,
    /// Something is not known that a step needs.
    pub needs_data: Group,
    /// A step was not delivered, and nothing firmer may leave.
    pub cannot_reach: Group,
    /// Customers who cannot be reached at all, since the last report.
    pub unreachable: Few,
    /// Those of whom an earlier report told.
    pub known_unreachable: Few,
    /// In dispute as a whole.
    pub disputed: Group,
    /// In dispute in part: that part.
    pub disputed_part: Group,
    /// Covered by payments that are to be allocated.
    pub covered: Group,
    /// Old debts that wait to be released.
    pub old_debt: Group,
    /// Every step has been had, or a person passed one over.
    pub finished: Group,
    /// Customers whose state forbids messages.
    pub state: Group,
    /// Not known whether a firm or a private person.
    pub kind_unknown: Group,
}

impl Decide {
    /// How many matters wait today: questions, messages, holds and customers. What stands for longer is not counted.
    pub fn count(&self) -> u64 {
        let groups: u64 =
            [&self.needs_data, &self.cannot_reach, &self.covered, &self.finished].into_iter().map(|g| g.customers).sum();
        self.approvals.0
            + self.uncertain.0
            + self.answers.0
            + self.proposals.0
            + self.bank.0
            + self.holds.count
            + self.unreachable.count
            + groups
    }
}

/// Messages of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaving {
    /// How many; a step on two channels is one.
    pub count: u64,
    /// What they ask for.
    pub sums: Sums,
}

/// What is to be done and what leaves today.
#[derive(Clone, Debug, Default)]
pub struct Today {
    /// Calls: how many, and the most urgent.
    pub calls: (u64, Vec<Ranked>),
    /// Other tasks: how many, and the oldest; with the customer's state where the task is about that.
    pub tasks: (u64, Vec<(OpenTask, Option<State>)>),
    /// Messages by rank and step.
    pub leaving: BTreeMap<(Option<Rank>, String), Leaving>,
    /// Those of them to customers never written to before.
    pub first: Group,
    /// Those of them to key accounts.
    pub key: Group,
}

impl Today {
    /// How many messages leave.
    pub fn messages(&self) -> u64 {
        self.leaving.values().map(|l| l.count).sum()
    }
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// What happened to invoices: `paid`, `void`, `part_paid`, `reopened`.
    pub events: BTreeMap<String, Happened>,
    /// The largest that are open again.
    pub reopened: Vec<Told>,
    /// Messages that were accepted.
    pub accepted: Vec<AcceptedRow>,
    /// Messages that were refused.
    pub refused: Few,
    /// Promises.
    pub promises: PromiseCounts,
    /// The last that were broken.
    pub broken: Vec<Told>,
}

/// What nobody sees to.
#[derive(Clone, Debug, Default)]
pub struct Silence {
    /// No cadence takes it.
    pub no_cadence: Group,
    /// There is no usable address.
    pub no_address: Group,
    /// The step that is due asks for too little.
    pub below_minimum: Group,
}

/// Makes the report of this moment.
pub async fn build(desk: &Desk) -> Result<Report, DeskError> {
    let now = desk.clock.now();
    let settings = &desk.setup.settings;
    let zone = &settings.creditor.timezone;
    let day = local_date(now, zone);
    let before = plus_working_days(day, -1, settings.creditor.calendar.as_deref());
    let hour = settings.report.morning.unwrap_or(MORNING);
    // What happened while none was sent (relance stood still) is told by the next one.
    let last = desk.store.last_report_before(day).await?.map_or(before, |last| last.min(before));
    let since = instant(last, hour, zone).unwrap_or(now).min(now);
    let conditions = desk.conditions(now).await?;
    let (mut ties, mut found) = gather::gather(desk, &conditions, now).await?;
    for _ in 0..AGAIN {
        if !ties.hold() {
            (ties, found) = gather::gather(desk, &conditions, now).await?;
        }
    }
    let gather::Found { mut decide, silence, mut today } = found;
    questions(desk, &mut decide, now).await?;
    let mut uncertain = desk.store.uncertain().await?;
    decide.uncertain = (uncertain.len() as u64, cut(&mut uncertain));
    let mut answers = desk.store.inbound(0, InboundFilter { unread: true, ..InboundFilter::default() }).await?;
    decide.answers = (desk.store.unread().await?, cut(&mut answers));
    let mut proposals = desk.store.proposals(0, ProposalFilter { open: true, ..ProposalFilter::default() }).await?;
    decide.proposals = (desk.store.open_proposals().await?, cut(&mut proposals));
    let mut bank = desk.store.bank_rows(0, true, None).await?;
    decide.bank = (desk.store.bank_to_decide().await?, cut(&mut bank));
    decide.holds = desk.store.holds_ending((before, day), desk.is_redirected(), FEW as i64).await?;
    (decide.unreachable, decide.known_unreachable) = unreachable(desk, since, now).await?;
    let mut calls = calls::ranked(desk, now).await?;
    today.calls = (calls.len() as u64, cut(&mut calls));
    let mut tasks = desk.store.tasks_to_do(TaskKind::Task, desk.is_redirected(), day).await?;
    let standings = super::work::standings(desk, &tasks, now).await?;
    let mut standing = standings.iter().map(|s| *s == Standing::Stands);
    tasks.retain(|_| standing.next().unwrap_or(true));
    today.tasks = (tasks.len() as u64, with_states(desk, cut(&mut tasks), now).await?);
    let sending = sending(desk, conditions, day, now).await?;
    Ok(Report {
        at: now,
        day,
        since,
        sending,
        decide,
        today,
        past: past(desk, since, now).await?,
        silence,
        ties,
        lost: None,
        resent: false,
    })
}

/// Of so many customers who cannot be reached it is looked up whether their state forbids messages anyway.
const MOST_UNREACHABLE: i64 = 500;

/// Customers who cannot be reached and should be, those of late and those known before: to whom nothing may be written,
/// nobody looks for an address.
async fn unreachable(desk: &Desk, since: Timestamp, now: Timestamp) -> Result<(Few, Few), DeskError> {
    let (mut found, keys) = desk.store.out_of_reach(MOST_UNREACHABLE).await?;
    for file in desk.files(&keys, now).await? {
        if file.debtor.state.is_some_and(State::silences) {
            found.list.retain(|told| told.debtor != file.debtor.id);
            found.count = found.count.saturating_sub(1);
        }
    }
    let all = found.count;
    let (mut new, mut known): (Vec<Told>, Vec<Told>) =
        found.list.into_iter().partition(|told| told.since.is_some_and(|at| at >= since));
    let count = new.len() as u64;
    new.truncate(FEW);
    known.truncate(FEW);
    Ok((Few { count, list: new }, Few { count: all.saturating_sub(count), list: known }))
}

/// The first few.
fn cut<T>(list: &mut Vec<T>) -> Vec<T> {
    list.truncate(FEW);
    std::mem::take(list)
}

/// Tasks, with the state of the customer where they come from no step: it is what they are about.
async fn with_states(desk: &Desk, tasks: Vec<OpenTask>, now: Timestamp) -> Result<Vec<(OpenTask, Option<State>)>, DeskError> {
    let debtors: Vec<i64> = tasks.iter().filter(|t| t.step.is_none()).map(|t| t.debtor_pk).collect();
    let files = if debtors.is_empty() { vec![] } else { desk.files(&debtors, now).await? };
    let state = |t: &OpenTask| {
        files
            .iter()
            .find(|f| t.step.is_none() && t.reach.is_none() && !t.answer && f.debtor.pk == t.debtor_pk)
            .and_then(|f| f.debtor.state)
    };
    Ok(tasks.into_iter().map(|t| (state(&t), t)).map(|(state, t)| (t, state)).collect())
}

async fn sending(desk: &Desk, conditions: Conditions, day: Date, now: Timestamp) -> Result<Sending, DeskError> {
    let good = desk.store.last_good_poll().await?;
    let booked = conditions.booked_through(day, &desk.setup.settings);
    let (told, _) = super::guard::told(desk, now).await?;
    Ok(Sending {
        read: good.map(|g| (g.started_at, g.rows)),
        booked,
        stops: told.brakes,
        redirected: desk.setup.settings.guard.redirect_to.as_ref().map(ToString::to_string),
        unreadable: desk.store.unreadable_count().await?,
    })
}

/// Questions that wait, of which those that lapse first are told with their amounts.
async fn questions(desk: &Desk, decide: &mut Decide, now: Timestamp) -> Result<(), DeskError> {
    let (mut notices, mut approvals): (Vec<Waiting>, Vec<Waiting>) =
        desk.store.questions(desk.is_redirected(), None).await?.into_iter().partition(|q| q.silence_is_yes);
    for (list, into) in [(&mut approvals, &mut decide.approvals), (&mut notices, &mut decide.notices)] {
        into.0 = list.len() as u64;
        list.sort_by_key(|q| !q.is_untold()); // Nobody has heard of these yet, so they go first.
        let first = cut(list);
        let debtors: Vec<i64> = first.iter().map(|q| q.debtor_pk).collect();
        let files = if debtors.is_empty() { vec![] } else { desk.files(&debtors, now).await? };
        for asked in first {
            let file = files.iter().find(|f| f.debtor.pk == asked.debtor_pk);
            let amount = file.and_then(|f| super::approvals::balance_of(f, &asked));
            let cadence = asked.case.as_ref().and_then(|c| desk.setup.cadence(&c.cadence));
            let step = cadence.and_then(|c| c.steps.iter().find(|s| Some(s.id.to_string()) == asked.step));
            into.1.push(Question { rank: step.and_then(|s| s.rank), amount, asked });
        }
    }
    Ok(())
}

async fn past(desk: &Desk, since: Timestamp, now: Timestamp) -> Result<Past, DeskError> {
    let (stretch, most) = ((since, now), FEW as i64);
    let (promises, broken) = desk.store.promises(stretch, most).await?;
    Ok(Past {
        events: desk.store.happened(stretch).await?,
        reopened: desk.store.reopened(stretch, most).await?,
        accepted: desk.store.accepted(stretch).await?,
        refused: desk.store.refused(stretch, most).await?,
        promises,
        broken,
    })
}

/// The channel's name in the store, read.
fn channel(name: &str) -> Option<Channel> {
    Channel::parse(name)
}
