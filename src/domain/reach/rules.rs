//! What evidence weighs: the numbers of reach.toml. A hundred is one whole sign, or one whole contact.

use crate::domain::cadence::YearRange;

/// What counts against one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Against {
    /// From so much on an address is suspect.
    pub suspect: u32,
    /// Its box cannot take it, or is full.
    pub mailbox: u32,
    /// The other side did not want the message.
    pub message: u32,
    /// Others tried for their whole time and gave up.
    pub expired: u32,
    /// Others still try.
    pub delayed: u32,
    /// A message that was taken and did not come back takes so much away again.
    pub accepted: u32,
}

/// What a sign of life weighs. From 100 on it ends all silence; less takes that share of it away; 0 is no sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// A payment.
    pub paid: u32,
    /// A payment of a part.
    pub part_paid: u32,
    /// An answer that bears a mark of ours.
    pub reply: u32,
    /// A call that was taken up.
    pub call_reached: u32,
    /// A call that was taken up by one who would not talk.
    pub call_refused: u32,
    /// An answer on the answer page.
    pub page_answer: u32,
    /// A STOP by SMS.
    pub stop: u32,
    /// The telephone has a message.
    pub delivered: u32,
}

/// When silence has lasted too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// So many whole contacts …
    pub contacts: u32,
    /// … over so many days make a debtor unreachable.
    pub days: u32,
    /// After so many whole contacts without an answer a debtor is quiet.
    pub quiet: u32,
    /// What an e-mail weighs.
    pub email: u32,
    /// What an SMS weighs.
    pub sms: u32,
    /// What a message weighs that came back because of its address, its box or itself.
    pub returned: u32,
    /// What a message on an answering machine weighs.
    pub voicemail: u32,
    /// What a call weighs that nobody took up.
    pub no_answer: u32,
    /// What is left, in hundredths, of a contact on a day that does not count.
    pub away: u32,
    /// Stretches of the year whose days do not count.
    pub ranges: Vec<YearRange>,
    /// The most days that one automatic answer takes out.
    pub longest_absence: u32,
}

/// What becomes of a suspect address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SuspectUse {
    /// It is used when no other address of the step is better.
    Last,
    /// It is used like any other.
    AsGood,
}

/// Something that a person is asked to do about a debtor who cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskWanted {
    /// Look up the address.
    Address,
    /// Call.
    Call,
    /// Write on paper.
    Letter,
}

impl TaskWanted {
    /// All of them.
    pub const ALL: [TaskWanted; 3] = [TaskWanted::Address, TaskWanted::Call, TaskWanted::Letter];

    /// The word in reach.toml.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskWanted::Address => "address",
            TaskWanted::Call => "call",
            TaskWanted::Letter => "letter",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<TaskWanted> {
        TaskWanted::ALL.into_iter().find(|t| t.as_str() == text)
    }
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Then {
    /// What becomes of a suspect address.
    pub suspect: SuspectUse,
    /// Whether the creditor gets a letter when a debtor can no longer be reached.
    pub notice: bool,
    /// What people are then asked to do.
    pub tasks: Vec<TaskWanted>,
    /// Within how many working days.
    pub within: u32,
}

/// All of reach.toml.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `[address]`
    pub against: Against,
    /// `[life]`
    pub life: Life,
    /// `[silence]`
    pub silence: Silence,
    /// `[then]`
    pub then: Then,
}

impl Default for Rules {
    /// As config/reach.toml has them, with the reason for each there.
    fn default() -> Rules {
        Rules {
            against: Against { suspect: 100, mailbox: 50, message: 25, expired: 60, delayed: 10, accepted: 50 },
            life: Life {
                paid: 100,
                part_paid: 100,
                reply: 100,
                call_reached: 100,
                call_refused: 100,
                page_answer: 100,
                stop: 50,
                delivered: 30,
            },
            silence: Silence {
                contacts: 5,
                days: 45,
                quiet: 2,
                email: 100,
                sms: 100,
                returned: 100,
                voicemail: 50,
                no_answer: 50,
                away: 0,
                ranges: vec![YearRange { from: (8, 1), to: (8, 31) }, YearRange { from: (12, 20), to: (1, 5) }],
                longest_absence: 62,
            },
            then: Then { suspect: SuspectUse::Last, notice: true, tasks: vec![TaskWanted::Address], within: 2 },
        }
    }
}
