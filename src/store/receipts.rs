//! What a receipt of an SMS says about a message in doubt: that it arrived is as good as a person's word.

use super::access::Tx;
use super::error::StoreError;
use super::recovery::in_doubt;
use super::returns::Ours;
use super::settle::{After, Hands, SETTLE_IN_HAND, SETTLE_IN_HAND_MARKS, settle};
use super::sql::query;
use super::statements;
use crate::domain::attempt::Outcome;
use crate::domain::step::Channel;
use jiff::Timestamp;
use jiff::civil::Date;

statements! {
    /// What came first counts: an SMS that arrived is not taken back.
    RECEIPT_HAS_ARRIVED = "SELECT 1 FROM message WHERE pk = $1 AND channel = 'sms' AND delivered_at IS NOT NULL";
    /// It was to be sent once more because nobody knew whether it had left.
    RECEIPT_IN_DOUBT = "UPDATE message SET state = 'uncertain' WHERE pk = $1 AND channel = 'sms' AND state = 'deferred' AND doubts > 0 AND session_pk IS NULL";
}

/// Whether a message is an SMS that has arrived.
pub(super) async fn has_arrived(tx: &mut Tx, ours: &Ours) -> Result<bool, StoreError> {
    Ok(query(RECEIPT_HAS_ARRIVED).bind(ours.pk).value::<i64>(tx).await?.is_some())
}

/// An SMS of which nobody knew whether it had left has arrived: it was accepted, as a person would say, and leaves no more.
pub(super) async fn settle_doubt(tx: &mut Tx, ours: &Ours, words: &str, today: Date, now: Timestamp) -> Result<(), StoreError> {
    if ours.channel != Channel::Sms.as_str() {
        return Ok(());
    }
    query(RECEIPT_IN_DOUBT).bind(ours.pk).execute(&mut *tx).await?;
    let found = in_doubt(tx, "uncertain", Some(ours.pk), None, None, today).await?;
    let Some(doubtful) = found.into_iter().next() else { return Ok(()) };
    let accepted = doubtful.settle(Outcome::Accepted, After::Accepted, words, now);
    settle(tx, &[accepted], Hands::Operator, now).await?;
    query(SETTLE_IN_HAND).bind(ours.contact_pk).execute(&mut *tx).await?;
    query(SETTLE_IN_HAND_MARKS).bind(ours.contact_pk).execute(tx).await?;
    Ok(())
}
