//! The decision: what, if anything, leaves for a case now, and why.
//!
//! [`decide`] is pure. The planner asks it what to put into the outbox, the
//! deliverer asks it again just before a message leaves, and `preview` asks it day
//! after day. All of them want the decision alone, which ends at the first rule that
//! blocks. `explain` hands in a [`Trace`]: then, beside the decision, every rule is
//! weighed in words, from the same parts and also behind the first block.

mod announce;
mod choice;
mod demand;
mod ladder;
mod netting;
mod pace;
mod sections;
mod standing;
mod survey;
#[cfg(test)]
mod tests;
mod tie_out;
mod verdict;
mod weigh;
mod weigh_step;
mod words;

pub use announce::announced;
pub use netting::net;
pub use pace::counts_from;
pub use standing::{Ground, Promised, Standing, now as standing_now};
pub use tie_out::tie_out;
pub use verdict::decide;

use super::cadence::Cadence;
use super::calendar::Calendar;
use super::debtor::Role;
use super::money::{Money, Threshold};
use super::reason::Reason;
use super::step::{Channel, Rank, StepId, TaskKind};
use super::when::Delay;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Settings that hold for every case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Bank working days after the due date that receipts must be booked up to (R10).
    pub grace: Delay,
    /// A remainder up to this is rounding (R12).
    pub tolerance: Threshold,
    /// What an old debt first seen late does (R3).
    pub old_debts: OldDebts,
    /// Contacts over all channels, per debtor (R6).
    pub ceilings: Ceilings,
}

/// What happens to an old debt that is first seen late (rule R3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldDebts {
    /// It enters at the first step after due.
    FirstStep,
    /// It waits for `release DEBTOR`.
    Hold,
}

/// The most contacts in a period over all channels (rule R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceilings {
    /// On one day.
    pub day: u32,
    /// In 7 days.
    pub week: u32,
    /// In 30 days.
    pub month: u32,
    /// In 30 days, for consumers.
    pub month_consumer: u32,
}

/// Up to which day receipts are in the ledger (rule R10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booked {
    /// This long before any given day.
    Lag(Delay),
    /// Up to this day, as the source says; for later days the same distance is assumed.
    Through(Date),
    /// By the lag, but no more than the ledger had on the day on which it was last read. By later days it is read again.
    Read {
        /// The lag.
        lag: Delay,
        /// The day of the last reading.
        on: Date,
    },
}

/// Something that stops all sending, or a channel, with the sentence that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brake {
    /// Which brake.
    pub reason: Reason,
    /// The value that blocks and where it comes from.
    pub text: String,
    /// The only channel that it stops; all, and tasks for people, when there is none.
    pub channel: Option<Channel>,
    /// When it ends by itself, if it does.
    pub until: Option<Timestamp>,
    /// What others said of it, as they said it and without our words around it: for whoever tells it in another language.
    pub said: Option<String>,
    /// How many it is about, where that is what tells.
    pub count: Option<i64>,
}

impl Brake {
    /// One that stops everything, until something changes.
    pub fn new(reason: Reason, text: String) -> Brake {
        Brake { reason, text, channel: None, until: None, said: None, count: None }
    }

    /// Whether it lets none of these channels pass.
    pub fn stops(&self, to: &[To]) -> bool {
        self.channel.is_none_or(|stopped| !to.is_empty() && to.iter().all(|t| t.channel == stopped))
    }
}

/// The world around a case at the moment of decision.
#[derive(Clone, Debug)]
pub struct World<'a> {
    /// The instant for which is decided.
    pub now: Timestamp,
    /// The debtor's zone (R9).
    pub zone: &'a TimeZone,
    /// The cadence of the case.
    pub cadence: &'a Cadence,
    /// Settings.
    pub policy: &'a Policy,
    /// Receipts are booked up to here.
    pub booked: Booked,
    /// The creditor's holidays: bank working days.
    pub bank: Option<&'a Calendar>,
    /// The holidays of the creditor, of the debtor's country and of the cadence, together (R20).
    pub calendar: Option<&'a Calendar>,
    /// What stops sending.
    pub brakes: &'a [Brake],
    /// The channels that are configured.
    pub channels: &'a [Channel],
    /// The contact about to leave, when it is decided once more just before: its own traces do not stand in its way.
    pub own: Option<i64>,
}

/// Who acts next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// relance itself, at the date given.
    Relance,
    /// A person of the creditor's firm.
    Operator,
    /// Nobody: nothing is open.
    Nobody,
}

impl Actor {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Actor::Relance => "relance",
            Actor::Operator => "operator",
            Actor::Nobody => "nobody",
        }
    }
}

/// What is decided for a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A contact leaves now.
    Send(Plan),
    /// Nothing yet; relance looks again by itself.
    Wait,
    /// A person must act, or a hold must end.
    Hold,
    /// Nothing more will come.
    Done,
}

impl Verdict {
    /// The word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Verdict::Send(_) => "send",
            Verdict::Wait => "wait",
            Verdict::Hold => "hold",
            Verdict::Done => "done",
        }
    }
}

/// A decision with its reason and the next moment to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// When something happens next; `None` when only an event can change anything.
    pub next: Option<Timestamp>,
    /// Who acts next.
    pub next_by: Actor,
    /// Steps that turn out to have no usable address: recorded once each, and shown (R2).
    pub undeliverable: Vec<Undeliverable>,
}

/// A step for which no address is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undeliverable {
    /// Place of the step in the cadence.
    pub step: usize,
    /// The invoices concerned, by store key.
    pub invoices: Vec<i64>,
    /// [`Reason::NoAddress`] where nothing reaches the debtor or nothing is lost with the step, else
    /// [`Reason::CannotReach`]: firmer steps need it (R2).
    pub reason: Reason,
    /// Why: the addresses there are and what is wrong with each.
    pub text: String,
}

/// Somebody whom a message goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct To {
    /// By which channel.
    pub channel: Channel,
    /// The address.
    pub address: String,
    /// What the person is for the debtor.
    pub role: Role,
    /// The person's name.
    pub name: Option<String>,
    /// The person's language, where it is not the debtor's.
    pub language: Option<String>,
    /// Gets a copy of the e-mail that goes to another: whether this one arrives moves nothing.
    pub copy: bool,
}

/// How a contact is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// One message to each.
    Messages(Vec<To>),
    /// A person has something to do.
    Task(TaskKind),
}

impl Way {
    /// Whom messages go to; nobody, where a person has something to do.
    pub fn to(&self) -> &[To] {
        match self {
            Way::Messages(to) => to,
            Way::Task(_) => &[],
        }
    }
}

/// A contact that may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Place in the cadence of the step whose letter is used: the furthest one.
    pub step: usize,
    /// Where it goes, or who has to do it.
    pub way: Way,
    /// The rows that the message shows.
    pub lines: Vec<Line>,
    /// What is asked for: the net of the rows under [`Section::Asked`].
    pub asked: Money,
    /// Steps passed over for good when this leaves: invoice, step and why.
    pub skipped: Vec<(i64, StepId, &'static str)>,
}

/// Where a row stands in a message (rule R5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// At the stage of the letter, or further and not worth a letter of its own: asked for.
    Asked,
    /// Late, at another stage.
    Late,
    /// Due soon; or late, and never asked for yet: too recent, or below the minimum.
    DueSoon,
    /// In dispute or held: nothing is asked.
    Disputed,
    /// Credits and payments without an invoice.
    Credit,
}

/// A row in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The row, by store key.
    pub pk: i64,
    /// Where it stands.
    pub section: Section,
    /// The step that this message gives it, by place in the cadence.
    pub mark: Option<usize>,
    /// Its stage: the step just given, or the furthest had.
    pub stage: Option<StepId>,
    /// The rank of that stage.
    pub rank: Option<Rank>,
    /// Days past due; negative before.
    pub days_late: i64,
    /// What is owed on it after credits without an invoice were set off, and without what is in dispute.
    pub net: Money,
    /// The part of it that is in dispute, and set aside (R18).
    pub disputed: Money,
}

/// Listens to a decision being made.
pub trait Trace {
    /// May have all rules weighed in words, which costs far more than the decision.
    fn weighed(&mut self, weigh: impl FnOnce() -> Explanation);
}

/// Wants the decision alone; costs nothing.
pub struct NoTrace;

impl Trace for NoTrace {
    fn weighed(&mut self, _: impl FnOnce() -> Explanation) {}
}

/// A rule weighed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleWeighed {
    /// The rule's name, such as `R6`.
    pub rule: &'static str,
    /// Whether it lets the message pass.
    pub holds: bool,
    /// The reason that it gives where it does not.
    pub reason: Reason,
    /// The value that decides, and where it comes from.
    pub text: String,
}

/// Every rule weighed for the step that is next, for `explain`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The step for which the rules were weighed; none when no further step can come by itself.
    pub step: Option<StepId>,
    /// The rule that decides goes first; the others follow in the order in which they are weighed.
    pub rules: Vec<RuleWeighed>,
    /// What comes for each row that is on its cadence, the oldest first.
    pub coming: Vec<Coming>,
}

/// What comes next for one row, as far as dates tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coming {
    /// The row, by store key.
    pub pk: i64,
    /// The step.
    pub step: StepId,
    /// The first day on which it may leave; `None` when that day has come.
    pub on: Option<Date>,
    /// What keeps this row from it, now that its day has come.
    pub blocked: Option<Reason>,
}

impl Trace for Explanation {
    fn weighed(&mut self, weigh: impl FnOnce() -> Explanation) {
        *self = weigh();
    }
}

impl Booked {
    /// The day up to which receipts are booked when it is `on`.
    pub fn through(&self, on: Date, today: Date, bank: Option<&Calendar>) -> Date {
        match self {
            Booked::Lag(delay) => delay.before(on, bank),
            Booked::Through(day) => super::time::plus_days(*day, super::time::days_between(today, on)),
            Booked::Read { lag, .. } if on > today => lag.before(on, bank),
            Booked::Read { lag, on: read } => lag.before(on.min(*read), bank),
        }
    }
}
