//! Who can still be reached: what is known of each contact point, of each person and of the debtor as a whole, folded from
//! evidence by rules that can be read.
//!
//! Only what concerns an address counts against it, and our own failures never do. Evidence alone makes a debtor reachable
//! again; time does not. More signs of life never make anything worse (a property test holds that).

mod fold;
mod rules;
mod silence;
mod words;

#[cfg(test)]
mod tests;

pub use fold::fold;
pub use rules::{Against, Life, Rules, Silence, SuspectUse, TaskWanted, Then};

use super::attempt::FaultClass;
use super::debtor::Role;
use super::step::Channel;
use jiff::Timestamp;
use jiff::civil::Date;

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallCame {
    /// Somebody talked.
    Reached,
    /// A machine took a message.
    Voicemail,
    /// Nobody took it up.
    NoAnswer,
    /// The number is not the debtor's.
    WrongNumber,
    /// Somebody was there and would not talk.
    Refused,
}

impl CallCame {
    /// Reads the word of the store.
    pub fn parse(text: &str) -> Option<CallCame> {
        Some(match text {
            "reached" => CallCame::Reached,
            "voicemail" => CallCame::Voicemail,
            "no_answer" => CallCame::NoAnswer,
            "wrong_number" => CallCame::WrongNumber,
            "refused" => CallCame::Refused,
            _ => return None,
        })
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The other side took a message, and it did not come back.
    Accepted,
    /// It said no for good, or our own tries came to an end.
    Refused(FaultClass),
    /// A report came after it had been taken. Expired: others tried for their whole time and gave up.
    Returned {
        /// What it is about.
        class: FaultClass,
        /// Given up after its time, and not refused.
        expired: bool,
    },
    /// It is still being tried elsewhere.
    Delayed(FaultClass),
    /// A machine answered, and perhaps said when somebody is back.
    Automatic {
        /// The first day on which somebody is there again.
        back_on: Option<Date>,
    },
    /// A call.
    Call(CallCame),
    /// A person of the creditor's firm said that the address is no longer to be used.
    Retired,
    /// A person said, or the ledger says since then, that this address is to be used as well.
    Added,
    /// The same, in place of another one.
    Corrected,
    /// The gateway says that the telephone has it. Nobody need have read it.
    Delivered,
    /// The number's owner wants no more SMS.
    Stop,
    /// A person wrote. Sure: the answer bears a mark of ours, and not merely the debtor's address, which anybody can write.
    Reply {
        /// Whether it bears a mark of ours.
        sure: bool,
    },
    /// A person answered on the answer page.
    PageAnswer,
    /// Somebody said there that they are not the one to write to: that speaks neither for the address nor against it.
    WrongPerson,
    /// A part was paid.
    PartPaid,
    /// Something was paid.
    Paid,
}

impl Kind {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Accepted => "accepted",
            Kind::Refused(_) => "refused",
            Kind::Returned { .. } => "returned",
            Kind::Delayed(_) => "delayed",
            Kind::Automatic { .. } => "automatic",
            Kind::Call(CallCame::Reached) => "call_reached",
            Kind::Call(CallCame::Voicemail) => "call_voicemail",
            Kind::Call(CallCame::NoAnswer) => "call_no_answer",
            Kind::Call(CallCame::WrongNumber) => "call_wrong_number",
            Kind::Call(CallCame::Refused) => "call_refused",
            Kind::Retired => "retired",
            Kind::Added => "added",
            Kind::Corrected => "corrected",
            Kind::Delivered => "delivered",
            Kind::Stop => "stop",
            Kind::Reply { .. } => "reply",
            Kind::PageAnswer => "page_answer",
            Kind::WrongPerson => "wrong_person",
            Kind::PartPaid => "part_paid",
            Kind::Paid => "paid",
        }
    }
}

/// An address on a channel. A telephone number is one point, whether it is written to or called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// The channel.
    pub channel: Channel,
    /// The address as it is used on the wire.
    pub address: String,
}

/// Something that speaks for or against reaching somebody. The order is that in which evidence is weighed: by time, and at
/// one time what speaks for somebody behind what speaks against, so that it does not matter in which order it is handed in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: Kind,
    /// Which contact point; none where it is about the debtor as a whole.
    pub point: Option<Point>,
    /// What the person is for the debtor, where it is known.
    pub role: Option<Role>,
    /// The words of whoever said it.
    pub text: String,
}

/// A person at the debtor's with the contact points of today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// What for.
    pub role: Role,
    /// The name.
    pub name: Option<String>,
    /// The addresses.
    pub points: Vec<Point>,
}

/// What is known of a contact point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PointIs {
    /// It takes what is sent, or somebody answered from it.
    Good,
    /// Nothing was ever sent there, or nothing came of it yet.
    Unknown,
    /// Too much speaks against it; it may still be somebody's.
    Suspect,
    /// There is nobody behind it.
    Dead,
}

impl PointIs {
    /// The word in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            PointIs::Good => "good",
            PointIs::Unknown => "unknown",
            PointIs::Suspect => "suspect",
            PointIs::Dead => "dead",
        }
    }
}

/// What is known of a person or a debtor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answers {
    /// Has given a sign of life, or has not been asked often enough since the last one.
    Responsive,
    /// Was written to several times and gave none.
    Quiet,
    /// Cannot be reached.
    Unreachable,
}

impl Answers {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Answers::Responsive => "responsive",
            Answers::Quiet => "quiet",
            Answers::Unreachable => "unreachable",
        }
    }
}

/// What was found out, in a word, in a sentence, and by which evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<S> {
    /// The state.
    pub state: S,
    /// Why, in words.
    pub why: String,
    /// The places in [`Reach::evidence`] of what decided.
    pub by: Vec<usize>,
}

/// A contact point with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointReach {
    /// Which.
    pub point: Point,
    /// What is known.
    pub found: Found<PointIs>,
    /// The places in [`Reach::evidence`] of all that is about it, in order.
    pub evidence: Vec<usize>,
}

/// A person with what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonReach {
    /// What for; none of addresses that are no longer anybody's here.
    pub role: Option<Role>,
    /// The name.
    pub name: Option<String>,
    /// What is known.
    pub found: Found<Answers>,
    /// The contact points.
    pub points: Vec<PointReach>,
}

/// Who can still be reached, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Of the debtor as a whole.
    pub found: Found<Answers>,
    /// Of each person, those that there are first.
    pub people: Vec<PersonReach>,
    /// All that was weighed, in order.
    pub evidence: Vec<Evidence>,
}

impl Reach {
    /// Whether nobody is reached because no address is left, and not for silence.
    pub fn has_no_address(&self) -> bool {
        let of_today = || self.people.iter().filter(|p| p.role.is_some()).flat_map(|p| &p.points);
        of_today().all(|p| p.found.state == PointIs::Dead)
    }

    /// What is known of a contact point.
    pub fn point(&self, channel: Channel, address: &str) -> Option<&PointReach> {
        let is = |p: &&PointReach| p.point.channel == channel && p.point.address == address;
        self.people.iter().flat_map(|p| &p.points).find(is)
    }
}
