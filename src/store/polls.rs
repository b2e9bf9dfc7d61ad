//! Polls, and the brakes that a bad one puts on.

use super::db::{Store, day, instant};
use super::error::StoreError;
use super::sql::{Sql, query};
use super::statements;
use jiff::Timestamp;
use jiff::civil::Date;

statements! {
    POLL_RECORD = "INSERT INTO poll (started_at, finished_at, outcome, rows, unreadable, vanished, booked_through, text, kind)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    POLL_TRIM = "DELETE FROM poll WHERE finished_at < $1 AND pk NOT IN (SELECT max(pk) FROM poll GROUP BY outcome, kind)";
    POLL_LAST = "SELECT started_at, finished_at, outcome, rows, unreadable, vanished, booked_through, text, kind FROM poll ORDER BY pk DESC LIMIT 1";
    POLL_LAST_GOOD = "SELECT started_at, finished_at, outcome, rows, unreadable, vanished, booked_through, text, kind FROM poll
        WHERE outcome = 'good' ORDER BY pk DESC LIMIT 1";
    POLL_LAST_FULL = "SELECT started_at, finished_at, outcome, rows, unreadable, vanished, booked_through, text, kind FROM poll
        WHERE outcome = 'good' AND kind = 'full' ORDER BY pk DESC LIMIT 1";
    BRAKE_SET = "INSERT INTO brake (kind, since, until_at, tries, text) VALUES ($1, $2, $3, 1, $4)
        ON CONFLICT (kind) DO UPDATE SET until_at = excluded.until_at, tries = brake.tries + 1, text = excluded.text";
    BRAKE_END = "DELETE FROM brake WHERE kind = $1";
    BRAKES = "SELECT kind, since, until_at, tries, text FROM brake ORDER BY kind";
}

/// The name under which it is kept as of when the ledger was true that was read last, where that is not when it was read.
const AS_OF: &str = "ledger_as_of";

/// How a poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollOutcome {
    /// Read to the end.
    Good,
    /// Read to the end, but too much had vanished (R14); nothing was closed for not being there.
    Shrunk,
    /// Not read to the end.
    Failed,
}

impl PollOutcome {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            PollOutcome::Good => "good",
            PollOutcome::Shrunk => "shrunk",
            PollOutcome::Failed => "failed",
        }
    }
}

/// How much of the ledger a poll reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollKind {
    /// All that is open: what it does not show may be gone.
    Full,
    /// What has changed since the last poll: nothing follows for what it does not show.
    Changes,
}

impl PollKind {
    /// The word in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            PollKind::Full => "full",
            PollKind::Changes => "changes",
        }
    }
}

/// A poll of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// When it began: data is as old as this.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How.
    pub outcome: PollOutcome,
    /// How much it was to read.
    pub kind: PollKind,
    /// Rows read.
    pub rows: i64,
    /// Rows that could not be read.
    pub unreadable: i64,
    /// Rows that were open and are gone.
    pub vanished: i64,
    /// Receipts are booked up to here, where the source says so.
    pub booked_through: Option<Date>,
    /// What went wrong.
    pub text: String,
}

/// A condition that stops sending, or a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrakeRow {
    /// `ledger_shrunk`, `too_many`, `channel:email`.
    pub kind: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when, if it ends by itself.
    pub until: Option<Timestamp>,
    /// How often in a row it was put.
    pub tries: u32,
    /// In words.
    pub text: String,
}

impl Store {
    /// Records a poll; polls of more than 90 days ago are let go, but for the last of each outcome.
    pub async fn record_poll(&self, poll: &Poll) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        query(POLL_RECORD)
            .bind(poll.started_at.as_millisecond())
            .bind(poll.finished_at.as_millisecond())
            .bind(poll.outcome.as_str())
            .bind(poll.rows)
            .bind(poll.unreadable)
            .bind(poll.vanished)
            .bind(poll.booked_through.map(|d| d.to_string()))
            .bind(&poll.text)
            .bind(poll.kind.as_str())
            .execute(&mut tx)
            .await?;
        let old = poll.finished_at.as_millisecond() - 90 * 86_400_000;
        query(POLL_TRIM).bind(old).execute(&mut tx).await?;
        tx.commit().await
    }

    /// The last poll, however it ended.
    pub async fn last_poll(&self) -> Result<Option<Poll>, StoreError> {
        self.poll(POLL_LAST).await
    }

    /// The last poll that read the ledger to its end. Of a ledger that is a file it counts from when the file was written:
    /// to read an old export again makes it no younger.
    pub async fn last_good_poll(&self) -> Result<Option<Poll>, StoreError> {
        let Some(mut poll) = self.poll(POLL_LAST_GOOD).await? else { return Ok(None) };
        if let Some(as_of) = self.ledger_as_of().await? {
            poll.started_at = poll.started_at.min(as_of);
        }
        Ok(Some(poll))
    }

    /// As of when the ledger is that was read to its end last, where it is a file.
    pub async fn ledger_as_of(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.meta(AS_OF).await?.and_then(|text| text.parse().ok()))
    }

    /// The ledger that was read is as of an instant; `None`: as of when it was read.
    pub async fn read_as_of(&self, as_of: Option<Timestamp>) -> Result<(), StoreError> {
        let text = as_of.map(|at| at.to_string());
        if self.meta(AS_OF).await? != text {
            self.set_meta(AS_OF, text.as_deref()).await?;
        }
        Ok(())
    }

    /// The last poll that read the whole ledger.
    pub async fn last_full_poll(&self) -> Result<Option<Poll>, StoreError> {
        self.poll(POLL_LAST_FULL).await
    }

    async fn poll(&self, sql: Sql) -> Result<Option<Poll>, StoreError> {
        let Some(row) = query(sql).optional(&self.reader).await? else { return Ok(None) };
        let (outcome, kind): (String, String) = (row.get("outcome")?, row.get("kind")?);
        Ok(Some(Poll {
            started_at: instant(row.get("started_at")?)?,
            finished_at: instant(row.get("finished_at")?)?,
            outcome: match outcome.as_str() {
                "good" => PollOutcome::Good,
                "shrunk" => PollOutcome::Shrunk,
                _ => PollOutcome::Failed,
            },
            kind: if kind == PollKind::Changes.as_str() { PollKind::Changes } else { PollKind::Full },
            rows: row.get("rows")?,
            unreadable: row.get("unreadable")?,
            vanished: row.get("vanished")?,
            booked_through: row.get::<Option<String>>("booked_through")?.map(|d| day(&d)).transpose()?,
            text: row.get("text")?,
        }))
    }

    /// Puts a brake on, or renews it.
    pub async fn set_brake(&self, kind: &str, now: Timestamp, until: Option<Timestamp>, text: &str) -> Result<(), StoreError> {
        let until = until.map(|t| t.as_millisecond());
        self.write(query(BRAKE_SET).bind(kind).bind(now.as_millisecond()).bind(until).bind(text)).await?;
        Ok(())
    }

    /// Takes a brake off; whether it was on.
    pub async fn end_brake(&self, kind: &str) -> Result<bool, StoreError> {
        Ok(self.write(query(BRAKE_END).bind(kind)).await? > 0)
    }

    /// The brakes that are on.
    pub async fn brakes(&self) -> Result<Vec<BrakeRow>, StoreError> {
        let rows = query(BRAKES).all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                Ok(BrakeRow {
                    kind: row.get("kind")?,
                    since: instant(row.get("since")?)?,
                    until: row.get::<Option<i64>>("until_at")?.map(instant).transpose()?,
                    tries: row.count("tries")? as u32,
                    text: row.get("text")?,
                })
            })
            .collect()
    }
}
