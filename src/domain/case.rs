//! All that is known of a debtor when a decision is made: rows, marks, holds, contacts, addresses.

use super::currency::Currency;
use super::debtor::{Debtor, Role, State};
use super::invoice::Invoice;
use super::reason::Reason;
use super::step::{Channel, Rank, StepId, TaskKind};
use jiff::Timestamp;
use jiff::civil::Date;

/// A case: a debtor's open invoices of one currency under one cadence, seen together (rule R1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseKey {
    /// The cadence's name.
    pub cadence: String,
    /// The currency; amounts in different currencies never meet.
    pub currency: Currency,
}

/// What became of a step for one invoice in one term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// A message with it is in hand.
    InHand,
    /// It left and was accepted by the other side.
    Left,
    /// It may have left.
    Maybe,
    /// It could not be delivered.
    Undelivered,
    /// It was passed over, with the reason recorded.
    Skipped,
}

impl MarkKind {
    const ALL: [MarkKind; 5] = [MarkKind::InHand, MarkKind::Left, MarkKind::Maybe, MarkKind::Undelivered, MarkKind::Skipped];

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            MarkKind::InHand => "in_hand",
            MarkKind::Left => "left",
            MarkKind::Maybe => "maybe",
            MarkKind::Undelivered => "undelivered",
            MarkKind::Skipped => "skipped",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<MarkKind> {
        MarkKind::ALL.into_iter().find(|k| k.as_str() == text)
    }

    /// Whether the invoice's progress includes this step.
    pub fn is_progress(self) -> bool {
        matches!(self, MarkKind::InHand | MarkKind::Left | MarkKind::Maybe)
    }
}

/// A step that an invoice has had in its present term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which step.
    pub step: StepId,
    /// Its rank when the mark was made; survives a change of cadence.
    pub rank: Option<Rank>,
    /// What became of it.
    pub kind: MarkKind,
    /// The day, in the debtor's zone.
    pub on: Date,
    /// The contact that gave it, by store key.
    pub contact: Option<i64>,
    /// It came from a cadence for customers of another kind than this one is by now.
    pub other_kind: bool,
}

impl Mark {
    /// Whether the cadence that takes the invoice now may build on it. What was written to a firm is no reminder of a
    /// private person, to whom the law may owe one of its own; a note before the due date is one to anybody.
    pub fn counts(&self) -> bool {
        !self.other_kind || self.rank == Some(Rank::Courtesy)
    }
}

/// A standstill with a reason and an end (rule R19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The hold's number.
    pub id: i64,
    /// What kind of hold.
    pub kind: HoldKind,
    /// The day on which things move again, in the debtor's zone.
    pub until: Date,
    /// Why, in the words of the person who put it.
    pub reason: String,
    /// Of a dispute about a part: how much of the invoice it is about, in minor units (rule R18).
    pub part: Option<i64>,
}

/// The hold that keeps things still on a day: of several, the one that lasts longest. A dispute about a part keeps
/// nothing still. Whoever has paid is not written to because a day has come: of such a hold a person is asked then.
pub fn in_force(holds: &[Hold], today: Date) -> Option<&Hold> {
    let lasts = |h: &&Hold| h.kind == HoldKind::Bank || today < h.until;
    holds.iter().filter(|h| lasts(h) && h.part.is_none()).max_by_key(|h| h.until)
}

/// What a hold is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldKind {
    /// The operator wants it.
    Operator,
    /// The debtor promised to pay.
    Promise,
    /// The debtor was reached by phone: it goes on from the day that was agreed.
    Call,
    /// The debtor disputes the invoice, or a part of it.
    Dispute,
    /// The debtor wrote, and nobody has read it yet.
    Reply,
    /// The debtor answered on the answer page, and a person has yet to decide.
    Answer,
    /// The bank has the money, and the ledger does not know yet. It lasts until that has changed, or until a person says.
    Bank,
    /// The bank has money that is likely meant for it.
    BankNear,
}

impl HoldKind {
    /// All kinds.
    pub const ALL: [HoldKind; 8] = [
        HoldKind::Operator,
        HoldKind::Promise,
        HoldKind::Call,
        HoldKind::Dispute,
        HoldKind::Reply,
        HoldKind::Answer,
        HoldKind::Bank,
        HoldKind::BankNear,
    ];

    /// The word in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            HoldKind::Operator => "operator",
            HoldKind::Promise => "promise",
            HoldKind::Call => "call",
            HoldKind::Dispute => "dispute",
            HoldKind::Reply => "reply",
            HoldKind::Answer => "answer",
            HoldKind::Bank => "bank",
            HoldKind::BankNear => "bank_near",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<HoldKind> {
        HoldKind::ALL.into_iter().find(|k| k.as_str() == text)
    }

    /// The reason that such a hold gives.
    pub fn reason(self) -> Reason {
        match self {
            HoldKind::Operator => Reason::Held,
            HoldKind::Promise => Reason::Promised,
            HoldKind::Call => Reason::Answered,
            HoldKind::Dispute => Reason::Disputed,
            HoldKind::Reply => Reason::ReplyUnread,
            HoldKind::Answer => Reason::PageAnswered,
            HoldKind::Bank => Reason::PaidUnbooked,
            HoldKind::BankNear => Reason::PaidPerhaps,
        }
    }
}

/// A row of the ledger with what has happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseInvoice {
    /// The row.
    pub invoice: Invoice,
    /// Steps had in the present term.
    pub marks: Vec<Mark>,
    /// Holds on this invoice alone.
    pub holds: Vec<Hold>,
    /// Fingerprint of the row as it was last read: tells at the re-read whether it changed (R13).
    pub digest: i64,
}

/// How a contact went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContactState {
    /// Planned or under way.
    InHand,
    /// It left and was accepted.
    Left,
    /// It may have left; a person has yet to say.
    Maybe,
    /// It may have left; a person said that it shall not leave (again).
    Dropped,
}

/// One step on one or more channels: what the debtor feels as one contact (rule R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The key in relance's store.
    pub pk: i64,
    /// When it left (or was planned).
    pub at: Timestamp,
    /// How it went.
    pub state: ContactState,
    /// The case it belongs to.
    pub case: CaseKey,
    /// The step whose letter it was.
    pub step: StepId,
    /// The invoices that it gave a mark, by store key.
    pub invoices: Vec<i64>,
    /// What it waits for, or waited for, before it may leave.
    pub word: Option<Asked>,
}

/// A person's word that a contact waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The number under which it is asked for.
    pub pk: i64,
    /// Whether silence means yes: the owner was told and may hold it (`notify_owner`).
    pub silence_is_yes: bool,
    /// The day on which the question lapses, or silence becomes a yes, in the debtor's zone.
    pub until: Date,
    /// Whether yes was said.
    pub given: bool,
    /// When who may object was told; silence of nobody means nothing.
    pub told_at: Option<Timestamp>,
    /// The balances that it was asked about: invoice by store key, minor units. Another balance is another question.
    pub balances: Vec<(i64, i64)>,
}

/// Something that a person of the creditor's firm has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub pk: i64,
    /// What kind.
    pub kind: TaskKind,
    /// The case that it belongs to.
    pub case: CaseKey,
    /// The step of the cadence that it came from.
    pub step: StepId,
    /// Waits for a yes before it is there to be done.
    pub word: Option<Asked>,
    /// The invoices that it is about, by store key.
    pub invoices: Vec<i64>,
    /// The day on which it is to be done.
    pub due_on: Date,
    /// A person chose that day.
    pub agreed: bool,
}

/// The task that a customer's state made (R15): open, or kept in mind so that it is not given out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateTask {
    /// Its number.
    pub pk: i64,
    /// The state.
    pub state: State,
    /// The invoices that were open then, by store key.
    pub invoices: Vec<i64>,
    /// Whether it is still to be done.
    pub open: bool,
}

/// What a debtor promised, as long as it is not known whether it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Its number.
    pub pk: i64,
    /// The day on which it was to be paid.
    pub until: Date,
    /// The day by which the money is in the ledger, in the debtor's zone: then it is known.
    pub known_on: Date,
    /// What it is about, by store key.
    pub invoices: Vec<i64>,
}

/// Whether an address may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointState {
    /// It may.
    Usable,
    /// It cannot be one: the text says why.
    Invalid(String),
    /// Too much speaks against it: it is used when no other is better. The text is the evidence.
    Suspect(String),
    /// The other side said that it does not exist: the text is the evidence.
    Dead(String),
    /// Its owner wants no more SMS. It may be called.
    Stopped,
}

impl PointState {
    /// Whether anything may go there at all.
    pub fn may_be_used(&self) -> bool {
        matches!(self, PointState::Usable | PointState::Suspect(_))
    }
}

/// An address of a person on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactPoint {
    /// The channel.
    pub channel: Channel,
    /// The address as it is used on the wire, or as it stands in the ledger when it is invalid.
    pub address: String,
    /// Whether it may be used.
    pub state: PointState,
    /// What the person is for the debtor.
    pub role: Role,
    /// The person's name.
    pub name: Option<String>,
    /// The person's language, where it is not the debtor's.
    pub language: Option<String>,
}

/// A permanent refusal: it ends a contact point for the step and the invoices concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The step that was refused.
    pub step: StepId,
    /// The channel.
    pub channel: Channel,
    /// The address.
    pub address: String,
    /// The invoices it was about, by store key.
    pub invoices: Vec<i64>,
}

/// All that is known of a debtor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DebtorFile {
    /// The debtor.
    pub debtor: Debtor,
    /// Every row of the ledger that is not closed, in all currencies.
    pub rows: Vec<CaseInvoice>,
    /// Holds on the debtor as a whole.
    pub holds: Vec<Hold>,
    /// Contacts that ceilings and spacing may still count, and those in hand or uncertain however old.
    pub contacts: Vec<Contact>,
    /// Addresses.
    pub points: Vec<ContactPoint>,
    /// Refusals of steps.
    pub refusals: Vec<Refusal>,
    /// What people have to do about it.
    pub tasks: Vec<Task>,
    /// What they have to do, or have done, because of the customer's state.
    pub state_tasks: Vec<StateTask>,
    /// What it promised.
    pub promises: Vec<Promise>,
    /// The operator let old debts of this debtor enter (`release DEBTOR`): those known by then, whose store keys go up
    /// to this one.
    pub entry_released: i64,
}

impl DebtorFile {
    /// Whether the operator let this row enter, should it be an old debt (R3).
    pub fn is_released(&self, row: &CaseInvoice) -> bool {
        row.invoice.pk <= self.entry_released
    }

    /// The cases among the open rows, in a stable order.
    pub fn cases(&self) -> Vec<CaseKey> {
        let mut keys: Vec<CaseKey> = self
            .rows
            .iter()
            .filter_map(|r| Some(CaseKey { cadence: r.invoice.cadence.clone()?, currency: r.invoice.balance.currency }))
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }
}
