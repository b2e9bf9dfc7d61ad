//! The operator's word on a message that may or may not have left.

use crate::channel::email::build::thread_of;
use crate::domain::attempt::Outcome;
use crate::domain::reason::Reason;
use crate::domain::step::Channel;
use crate::store::recovery::Doubtful;
use crate::store::settle::After;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use jiff::civil::Date;

/// What a person may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It has arrived.
    Sent,
    /// It is to be sent (again).
    Resend,
    /// It shall not leave.
    Drop,
}

impl Word {
    /// The word as the log keeps it.
    pub fn text(self) -> &'static str {
        match self {
            Word::Sent => "the operator says that it has arrived",
            Word::Resend => "the operator says to send it again",
            Word::Drop => "the operator says that it shall not leave",
        }
    }
}

/// Settles an uncertain message; false when it is not uncertain (any more).
pub async fn say(store: &Store, message: i64, word: Word, today: Date, now: Timestamp) -> Result<bool, StoreError> {
    let Some(doubtful) = store.doubtful(message, today).await? else { return Ok(false) };
    let threads = match word {
        Word::Sent => threads(store, &doubtful).await?,
        Word::Resend | Word::Drop => vec![],
    };
    let (outcome, after) = match word {
        Word::Sent => (Outcome::Accepted, After::Accepted),
        Word::Resend => (Outcome::Deferred, After::Retry { at: now, ours: true }),
        Word::Drop => (Outcome::Cancelled, After::Dropped),
    };
    let mut settlement = doubtful.settle(outcome, after, word.text(), now);
    settlement.threads = threads;
    settlement.attempt.why = (word == Word::Drop).then(|| Reason::Dropped.code().to_owned());
    store.resolve_uncertain(&settlement, now).await
}

/// A mail that has arrived is the one under which the next ones about its invoices are threaded, as with any
/// mail that was accepted.
async fn threads(store: &Store, doubtful: &Doubtful) -> Result<Vec<(i64, String)>, StoreError> {
    let (Some(own), payload) = doubtful.message() else { return Ok(vec![]) };
    if doubtful.redirected || doubtful.channel != Channel::Email.as_str() {
        return Ok(vec![]);
    }
    let kept = match payload {
        Some(pk) => store.payload(pk).await?,
        None => None,
    };
    let thread = kept.and_then(|k| k.message).and_then(|m| thread_of(&m)).unwrap_or_else(|| own.to_owned());
    Ok(doubtful.unthreaded.iter().map(|pk| (*pk, thread.clone())).collect())
}
