//! Who lives: the daemons that share a store. Each has a session, whose number is the token that everything it claims
//! bears. It gives signs of life (`beat`); whoever has not seen one for longer than the lease ends the session, and from
//! then on every transaction of it is refused. What one does at a time is a duty.

use super::db::{Store, instant};
use super::error::StoreError;
use super::sql::query;
use super::statements;
use jiff::Timestamp;
use std::time::Duration;

statements! {
    /// On PostgreSQL the beat is the time by the server's clock, for people; what counts is only that it changes.
    SESSION_BEGIN = each!(sqlite "INSERT INTO session (name, started_at, agreement) VALUES ($1, $2, $3) RETURNING pk",
        postgres "INSERT INTO session (name, started_at, agreement, beat) VALUES ($1, $2, $3, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)) RETURNING pk");
    SESSION_BEAT = each!(sqlite "UPDATE session SET beat = beat + 1 WHERE pk = $1 AND $2 = (SELECT user_version FROM pragma_user_version)",
        postgres "UPDATE session SET beat = greatest(beat + 1, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)) WHERE pk = $1 AND $2 = (SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'version')");
    SESSIONS = each!(sqlite "SELECT pk, name, started_at, agreement, beat, CAST(NULL AS INTEGER) AS silent FROM session ORDER BY pk",
        postgres "SELECT pk, name, started_at, agreement, beat, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) - beat AS silent FROM session ORDER BY pk");
    /// While one of its transactions is open the session is not ended: a later try will do.
    SESSION_TAKE = each!(sqlite "SELECT beat FROM session WHERE pk = $1", postgres "SELECT beat FROM session WHERE pk = $1 FOR UPDATE SKIP LOCKED");
    SESSION_END = "DELETE FROM session WHERE pk = $1";
    DUTY_TAKE = "INSERT INTO duty (name, session_pk) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET session_pk = excluded.session_pk WHERE duty.session_pk = excluded.session_pk";
    DUTY_LEAVE = "DELETE FROM duty WHERE name = $1 AND session_pk = $2";
}

/// A daemon at work, or one that is no more and has not been ended yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number, never given twice.
    pub pk: i64,
    /// Where it runs.
    pub name: String,
    /// Since when.
    pub started_at: Timestamp,
    /// A digest over what must be the same for all daemons.
    pub agreement: String,
    /// Changes as long as it lives.
    pub beat: i64,
    /// How long ago its last sign of life arrived, by the server's clock; a file's one daemon gives none.
    pub silent: Option<Duration>,
}

/// Something that one session does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// To read the ledger.
    Collect,
    /// To plan, and to count what is planned.
    Plan,
    /// To write to the creditor.
    Tell,
    /// To erase what has been kept long enough.
    Retain,
    /// To send the morning report.
    Report,
    /// To read the mailbox.
    Inbox,
    /// To read the bank's statements.
    Bank,
}

impl Duty {
    fn as_str(self) -> &'static str {
        match self {
            Duty::Collect => "collect",
            Duty::Plan => "plan",
            Duty::Tell => "tell",
            Duty::Retain => "retain",
            Duty::Report => "report",
            Duty::Inbox => "inbox",
            Duty::Bank => "bank",
        }
    }
}

impl Store {
    /// Begins a session: a handle that may claim and send.
    pub async fn join(&self, name: &str, agreement: &str, now: Timestamp) -> Result<Store, StoreError> {
        // Anew each time: the store may have been brought up to date by a newer program meanwhile.
        super::migrate::check(self).await?;
        let anonymous = Store { session: None, ..self.clone() };
        let mut tx = anonymous.begin().await?;
        let pk: i64 = query(SESSION_BEGIN).bind(name).bind(now.as_millisecond()).bind(agreement).sure(&mut tx).await?;
        tx.commit().await?;
        Ok(Store { session: Some(pk), ..anonymous })
    }

    /// The session of this handle; verbs have none.
    pub fn session(&self) -> Option<i64> {
        self.session
    }

    /// Gives a sign of life; false when others have ended the session, or the store is of a newer program by now.
    pub async fn beat(&self) -> Result<bool, StoreError> {
        let beaten = query(SESSION_BEAT).bind(self.own_session()?).bind(super::migrate::KNOWN).execute(&self.heart).await?;
        Ok(beaten > 0)
    }

    /// The sessions that have not been ended.
    pub async fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        let rows = query(SESSIONS).all(&self.heart).await?;
        rows.iter()
            .map(|row| {
                Ok(Session {
                    pk: row.get("pk")?,
                    name: row.get("name")?,
                    started_at: instant(row.get("started_at")?)?,
                    agreement: row.get("agreement")?,
                    beat: row.get("beat")?,
                    silent: row.get::<Option<i64>>("silent")?.map(|ms| Duration::from_millis(ms.max(0) as u64)),
                })
            })
            .collect()
    }

    /// Takes a duty; false while another session has it.
    pub async fn take_duty(&self, duty: Duty) -> Result<bool, StoreError> {
        // Whoever holds the lock of a file is alone.
        if !self.is_shared() {
            return Ok(true);
        }
        let mut tx = self.begin_apart().await?;
        let taken = query(DUTY_TAKE).bind(duty.as_str()).bind(self.own_session()?).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Leaves a duty to others.
    pub async fn leave_duty(&self, duty: Duty) -> Result<(), StoreError> {
        if !self.is_shared() {
            return Ok(());
        }
        let mut tx = self.begin_apart().await?;
        query(DUTY_LEAVE).bind(duty.as_str()).bind(self.own_session()?).execute(&mut tx).await?;
        tx.commit().await
    }
}
