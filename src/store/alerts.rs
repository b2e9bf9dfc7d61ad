//! Alerts to the creditor: one for each condition while it lasts.

use super::db::{Store, instant};
use super::error::StoreError;
use super::sql::{Row, query};
use super::{keys, statements};
use jiff::Timestamp;

statements! {
    ALERT_RAISE = "INSERT INTO alert (key, at, subject, text, next_at) VALUES ($1, $2, $3, $4, $2) ON CONFLICT (key) WHERE ended_at IS NULL DO NOTHING";
    ALERT_RAISE_TO = "INSERT INTO alert (key, at, subject, text, next_at, address) VALUES ($1, $2, $3, $4, $2, $5) ON CONFLICT (key) WHERE ended_at IS NULL DO NOTHING";
    ALERT_ONCE = "INSERT INTO alert (key, at, subject, text, next_at, ended_at) VALUES ($1, $2, $3, $4, $2, $2)";
    ALERT_END = "UPDATE alert SET ended_at = $2 WHERE key = $1 AND ended_at IS NULL";
    ALERT_UNSENT = "SELECT pk, key, subject, text, tries, address FROM alert WHERE sent_at IS NULL AND next_at <= $1 ORDER BY pk LIMIT 10000";
    ALERT_SENT = "UPDATE alert SET sent_at = $2 WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    ALERT_LATER = "UPDATE alert SET tries = tries + 1, next_at = $2 WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    ALERT_LAST_SENT = "SELECT max(sent_at) FROM alert WHERE key >= $1 || ':' AND key < $1 || ';'";
    ALERT_LASTING = "SELECT key, text FROM alert WHERE ended_at IS NULL ORDER BY pk";
}

/// A letter to the creditor that has not left yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its number.
    pub pk: i64,
    /// What it is about.
    pub key: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
    /// How often it was tried.
    pub tries: u32,
    /// Whom it goes to; the creditor's own address, when there is none.
    pub address: Option<String>,
}

impl Store {
    /// Raises an alert; while one with the same key lasts, nothing happens.
    pub async fn raise_alert(&self, key: &str, now: Timestamp, subject: &str, text: &str) -> Result<(), StoreError> {
        let query = query(ALERT_RAISE).bind(key).bind(now.as_millisecond()).bind(subject).bind(text);
        self.write(query).await?;
        Ok(())
    }

    /// Raises an alert for somebody of the creditor's firm; while one with the same key lasts, nothing happens.
    pub async fn raise_alert_to(
        &self,
        address: Option<&str>,
        key: &str,
        now: Timestamp,
        subject: &str,
        text: &str,
    ) -> Result<(), StoreError> {
        let query = query(ALERT_RAISE_TO).bind(key).bind(now.as_millisecond()).bind(subject).bind(text).bind(address);
        self.write(query).await?;
        Ok(())
    }

    /// Tells of something that has happened and does not last.
    pub async fn tell_once(&self, key: &str, now: Timestamp, subject: &str, text: &str) -> Result<(), StoreError> {
        let query = query(ALERT_ONCE).bind(key).bind(now.as_millisecond()).bind(subject).bind(text);
        self.write(query).await?;
        Ok(())
    }

    /// The condition is over; the next time raises a new alert.
    pub async fn end_alert(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(query(ALERT_END).bind(key).bind(now.as_millisecond())).await?;
        Ok(())
    }

    /// Alerts that have not left yet and whose time has come.
    pub async fn unsent_alerts(&self, now: Timestamp) -> Result<Vec<Alert>, StoreError> {
        let rows = query(ALERT_UNSENT).bind(now.as_millisecond()).all(&self.reader).await?;
        let alert = |row: &Row| {
            Ok(Alert {
                pk: row.get("pk")?,
                key: row.get("key")?,
                subject: row.get("subject")?,
                text: row.get("text")?,
                tries: row.count("tries")? as u32,
                address: row.get("address")?,
            })
        };
        rows.iter().map(alert).collect()
    }

    /// When an alert about one of a group (what stands before the colon of a key) has left last.
    pub async fn last_told(&self, group: &str) -> Result<Option<Timestamp>, StoreError> {
        let last: Option<i64> = query(ALERT_LAST_SENT).bind(group).sure(&self.reader).await?;
        last.map(instant).transpose()
    }

    /// Alerts have left.
    pub async fn alerts_sent(&self, alerts: &[i64], now: Timestamp) -> Result<(), StoreError> {
        self.write(query(ALERT_SENT).bind(keys(alerts.iter().copied())).bind(now.as_millisecond())).await?;
        Ok(())
    }

    /// Alerts could not leave; they are tried again later.
    pub async fn alerts_later(&self, alerts: &[i64], next: Timestamp) -> Result<(), StoreError> {
        self.write(query(ALERT_LATER).bind(keys(alerts.iter().copied())).bind(next.as_millisecond())).await?;
        Ok(())
    }

    /// The conditions that last: key and text.
    pub async fn lasting_alerts(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = query(ALERT_LASTING).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("key")?, r.get("text")?))).collect()
    }
}
