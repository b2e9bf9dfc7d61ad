//! Numbers whose owners want no more SMS.

use super::access::Tx;
use super::db::Store;
use super::error::StoreError;
use super::packed::json;
use super::returns::RETURN_EVENT;
use super::settle::SETTLE_LOOK;
use super::sql::query;
use super::{keys, statements};
use crate::domain::case::{ContactPoint, DebtorFile, PointState};
use crate::domain::step::Channel;
use jiff::Timestamp;

statements! {
    STOPPED_NEW = "INSERT INTO stopped (channel, address, at) VALUES ('sms', $1, $2) ON CONFLICT (channel, address) DO NOTHING";
    STOPPED_NO_MORE = "DELETE FROM stopped WHERE channel = 'sms' AND address = $1 RETURNING address";
    STOPPED_AMONG = "SELECT address FROM stopped WHERE channel = 'sms' AND address IN (SELECT value ->> 0 FROM json_each($1))";
}

impl Store {
    /// Whether a number's owner wants no more SMS.
    pub async fn is_stopped(&self, number: &str) -> Result<bool, StoreError> {
        let found: Option<String> = query(STOPPED_AMONG).bind(json(&[[number]])?).value(&self.reader).await?;
        Ok(found.is_some())
    }

    /// A person takes a STOP back, which stays in the customer's history; false where there is none.
    pub async fn allow_sms(
        &self,
        debtor_pk: i64,
        number: &str,
        reason: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        if query(STOPPED_NO_MORE).bind(number).value::<String>(&mut tx).await?.is_none() {
            tx.undo().await?;
            return Ok(false);
        }
        let text = format!("SMS to {number} again: {reason}{}", by.map(|by| format!(" ({by})")).unwrap_or_default());
        query(RETURN_EVENT).bind(debtor_pk).bind(at).bind("allowed").bind(text).execute(&mut tx).await?;
        query(SETTLE_LOOK).bind(keys([debtor_pk])).bind(at).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Marks the numbers whose owners want no more SMS.
pub(super) async fn stop(tx: &mut Tx, files: &mut [DebtorFile]) -> Result<(), StoreError> {
    let is_number = |p: &ContactPoint| p.channel == Channel::Sms && p.state.may_be_used();
    let numbers: Vec<[&str; 1]> =
        files.iter().flat_map(|f| &f.points).filter(|p| is_number(p)).map(|p| [p.address.as_str()]).collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let stopped: Vec<String> = query(STOPPED_AMONG).bind(json(&numbers)?).list(tx).await?;
    let points = files.iter_mut().flat_map(|f| &mut f.points).filter(|p| is_number(p));
    points.filter(|p| stopped.contains(&p.address)).for_each(|p| p.state = PointState::Stopped);
    Ok(())
}
