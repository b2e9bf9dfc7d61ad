//! Ways to reach people. Each adapter takes a ready message and says, in one vocabulary, what came of it.

pub mod email;
pub mod sms;
pub mod token;

use crate::domain::attempt::{FaultClass, Outcome};

/// What came of a transmission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The other side answered, or fell silent after the message may have left.
    Answered(Answer),
    /// Nothing left: the fault is on the way to the server, not with this message.
    NotBegun(Fault),
}

/// The other side's answer to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Accepted, deferred, refused or unknown.
    pub outcome: Outcome,
    /// What a failure is about.
    pub class: Option<FaultClass>,
    /// The other side's words.
    pub text: String,
}

/// Why nothing could be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    /// Network, authentication or throttling: ours.
    pub class: FaultClass,
    /// What happened, and what to do.
    pub text: String,
}

impl Answer {
    /// The message was taken.
    pub fn accepted(text: impl Into<String>) -> Answer {
        Answer { outcome: Outcome::Accepted, class: None, text: text.into() }
    }

    /// Nobody can say whether it was taken.
    pub fn unknown(text: impl Into<String>) -> Answer {
        Answer { outcome: Outcome::Unknown, class: Some(FaultClass::Network), text: text.into() }
    }
}

impl Fault {
    /// A fault on the way.
    pub fn network(text: impl Into<String>) -> Fault {
        Fault { class: FaultClass::Network, text: text.into() }
    }
}

/// The other side's words in one line of bounded length.
pub(crate) fn words(text: &str) -> String {
    let one: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let one = one.split_whitespace().collect::<Vec<_>>().join(" ");
    one.chars().take(1000).collect()
}
