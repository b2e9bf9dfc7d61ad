//! What comes back, whatever the way: a report on a message of ours, a machine's answer, a person's. Rooms that read mail and
//! gateways make these; what follows from them is decided elsewhere, and nothing in here is believed before it was matched.

use super::attempt::FaultClass;
use jiff::Timestamp;
use jiff::civil::Date;
use std::fmt;

/// The most characters that are kept of what somebody wrote.
pub const MOST_TEXT: usize = 8_000;

/// The most characters that are kept of a subject, and of a server's words.
pub const MOST_LINE: usize = 300;

/// The most clues of one kind that are looked at: who sends more of them is guessing.
pub const MOST_CLUES: usize = 20;

/// The way on which something came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// A mailbox, a folder of mails, a mail handed in.
    Mail,
    /// An SMS gateway.
    Sms,
    /// The answer page.
    Page,
}

impl Via {
    /// All ways.
    pub const ALL: [Via; 3] = [Via::Mail, Via::Sms, Via::Page];

    /// The word in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Via::Mail => "mail",
            Via::Sms => "sms",
            Via::Page => "page",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Via> {
        Via::ALL.into_iter().find(|v| v.as_str() == text)
    }
}

/// An enhanced status: class, subject, detail (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(pub u8, pub u16, pub u16);

impl Status {
    /// Reads `5.1.1`; nothing but a class of 2, 4 or 5 is one.
    pub fn parse(text: &str) -> Option<Status> {
        let mut parts = text.trim().splitn(3, '.');
        let class = parts.next()?.parse().ok().filter(|c| matches!(c, 2 | 4 | 5))?;
        let mut number = || parts.next().filter(|t| t.len() <= 3 && t.bytes().all(|b| b.is_ascii_digit()))?.parse().ok();
        Some(Status(class, number()?, number()?))
    }

    /// The mailbox, its domain or its form is not there: nobody will ever get anything under this address.
    pub fn kills_address(self) -> bool {
        matches!(self, Status(5, 1, 1 | 2 | 3 | 6 | 10) | Status(5, 2, 1))
    }

    /// What a report with this status is about. A message that could not be delivered in its time (4.x.x) says nothing
    /// for good about its address.
    pub fn class(self) -> FaultClass {
        match self {
            s if s.kills_address() => FaultClass::Address,
            Status(_, 1, 7 | 8) | Status(_, 7, 20..=27) => FaultClass::Sender,
            Status(_, 2, _) => FaultClass::Mailbox,
            Status(_, 3, 4) | Status(_, 6 | 7, _) => FaultClass::Message,
            Status(_, 4, _) => FaultClass::Network,
            _ => FaultClass::Server,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why something did not arrive, as the other side says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// What it is about. Only [`FaultClass::Address`] ends a contact point.
    pub class: FaultClass,
    /// It was tried for as long as the other side tries, and then given up.
    pub expired: bool,
    /// The other side's words and codes: one tame line.
    pub words: String,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// A message of ours did not arrive, and will not.
    Failed(Returned),
    /// It has not arrived yet and is still being tried: no failure.
    Delayed(Returned),
    /// It arrived.
    Delivered,
    /// A machine answered. A sign of life of nobody; where it names the day on which somebody is back, that is kept.
    Automatic {
        /// The first day on which somebody is there again.
        back_on: Option<Date>,
    },
    /// A person wrote.
    Reply,
    /// A person wants no more SMS (STOP in its forms).
    Stop,
    /// Nothing of the above can be said of it.
    Other,
}

impl Came {
    /// The word in the store and in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Came::Failed(_) => "failed",
            Came::Delayed(_) => "delayed",
            Came::Delivered => "delivered",
            Came::Automatic { .. } => "automatic",
            Came::Reply => "reply",
            Came::Stop => "stop",
            Came::Other => "other",
        }
    }
}

/// A keyed mark in an address of ours to which something came. Whether it is genuine is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenClue {
    /// What addresses of this kind are for: `bounce` or `reply`.
    pub purpose: &'static str,
    /// The token as it stood in the address, in small letters.
    pub token: String,
}

/// What points to a message of ours, each in the order in which it is believed. At most [`MOST_CLUES`] of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clues {
    /// Tokens in the addresses to which it came. One that does not verify ends the matching.
    pub tokens: Vec<TokenClue>,
    /// Original-Envelope-Id of a delivery report (RFC 3464): the part of our Message-ID before the @.
    pub envelope_id: Option<String>,
    /// Message-ID of the mail that a report gives back, without angle brackets.
    pub returned_id: Option<String>,
    /// In-Reply-To and References, the nearest first, without angle brackets.
    pub answers: Vec<String>,
    /// The id that a gateway gave to a message.
    pub gateway_id: Option<String>,
    /// Who wrote: an address or a number. The weakest clue of all, and none for reports.
    pub from: Option<String>,
    /// Whose message it was, as a report says.
    pub recipient: Option<String>,
}

/// Something that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The same for the same thing whenever it comes again: a digest, or the gateway's own ids.
    pub key: String,
    /// The way.
    pub via: Via,
    /// What it is.
    pub came: Came,
    /// What it belongs to, perhaps.
    pub clues: Clues,
    /// One tame line of at most [`MOST_LINE`] characters.
    pub subject: String,
    /// What a person wrote (or a machine that answers in somebody's place), the quoted part cut off: tame lines, at most
    /// [`MOST_TEXT`] characters. Nothing of reports.
    pub text: String,
    /// When it was written, by its own account: to be shown, and for nothing else.
    pub dated: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_the_address_kills_it() {
        let class = |text: &str| Status::parse(text).map(Status::class);
        for dead in ["5.1.1", "5.1.2", "5.2.1"] {
            assert_eq!(class(dead), Some(FaultClass::Address), "{dead}");
        }
        for alive in ["5.2.2", "5.3.4", "5.7.1", "4.1.1", "4.2.1", "4.4.1", "5.0.0", "2.0.0"] {
            assert_ne!(class(alive), Some(FaultClass::Address), "{alive}");
        }
        assert_eq!((class("5.2.2"), class("5.3.4")), (Some(FaultClass::Mailbox), Some(FaultClass::Message)));
    }

    #[test]
    fn a_status_is_three_numbers_and_nothing_else() {
        assert_eq!(Status::parse(" 5.1.10 ").map(|s| s.to_string()).as_deref(), Some("5.1.10"));
        for bad in ["", "5", "5.1", "5.1.x", "3.1.1", "5.1.1.1", "5.1.9999", "-5.1.1", "5.+1.1"] {
            assert_eq!(Status::parse(bad), None, "{bad}");
        }
    }
}
