//! Ways to reach people. Each adapter takes a ready message and says, in one vocabulary, what came of it.

pub mod email;
pub mod outlet;
pub mod sms;
pub mod token;

use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::tame::tamed;
use std::io;

/// What came of a transmission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The other side answered, or fell silent after the message may have left.
    Answered(Answer),
    /// Nothing left: the dialogue about this message broke off, or was none. It may be this message that the other
    /// side stumbles over; only when it happens to several in a row, the channel is to blame.
    Interrupted(Fault),
    /// Nothing left, and it is not about this message: the channel is broken for all.
    NotBegun(Fault),
    /// Nothing left: with its copies the message is larger than the bytes that the other side takes.
    TooLarge(u64),
}

impl From<Answer> for Sent {
    /// An answer about our login, our sender or the way there is about no message.
    fn from(answer: Answer) -> Sent {
        match answer.class {
            Some(class) if class.stops_channel() && matches!(answer.outcome, Outcome::Deferred | Outcome::Refused) => {
                Sent::NotBegun(Fault { class, text: answer.text })
            }
            _ => Sent::Answered(answer),
        }
    }
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
    /// What the other side calls the message from now on, where it says so and has accepted it.
    pub id: Option<String>,
}

/// Why nothing could be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    /// Network, authentication, sender or throttling: ours.
    pub class: FaultClass,
    /// What happened, and what to do.
    pub text: String,
}

impl Answer {
    /// The message was taken.
    pub fn accepted(text: impl Into<String>) -> Answer {
        Answer { outcome: Outcome::Accepted, class: None, text: text.into(), id: None }
    }

    /// Nobody can say whether it was taken.
    pub fn unknown(text: impl Into<String>) -> Answer {
        Answer { outcome: Outcome::Unknown, class: Some(FaultClass::Network), text: text.into(), id: None }
    }
}

impl Fault {
    /// A fault on the way.
    pub fn network(text: impl Into<String>) -> Fault {
        Fault { class: FaultClass::Network, text: text.into() }
    }

    /// The same, told of the channel as a whole: without the address of the message that met with it.
    pub fn without_address(&self, address: &str) -> Fault {
        Fault { class: self.class, text: crate::domain::mail::without_address(&self.text, address) }
    }
}

/// Writes to the disk off the threads that others wait for; its error is the disk's own.
pub(crate) async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(io::Error::other(e)))
}

/// The other side's words in one line of bounded length.
pub(crate) fn words(text: &str) -> String {
    let one = tamed(text);
    let one = one.split_whitespace().collect::<Vec<_>>().join(" ");
    one.chars().take(1000).collect()
}
