//! What is counted for whoever watches the daemon: numbers by code, and nobody's name.

use super::db::{Store, instant};
use super::error::StoreError;
use super::sql::query;
use super::statements;
use jiff::Timestamp;

statements! {
    /// How old something is that waits: since its first try, or since it should have left.
    FIGURES_OUTBOX = "SELECT channel, CASE WHEN awaits = 1 THEN 'awaiting' ELSE state END AS waits, count(*) AS messages,
            min(coalesce(first_try_at, not_before)) AS oldest
        FROM message WHERE settled_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2";
    FIGURES_TASKS = "SELECT kind, count(*) AS tasks FROM task WHERE settled_at IS NULL AND state = 'open' AND redirected = $1
        GROUP BY kind ORDER BY kind";
    FIGURES_QUESTIONS = "SELECT q.kind, count(*) AS questions FROM question q LEFT JOIN contact c ON c.pk = q.contact_pk
        LEFT JOIN task t ON t.pk = q.task_pk WHERE q.state = 'waiting' AND coalesce(c.redirected, t.redirected) = $1
        GROUP BY q.kind ORDER BY q.kind";
    FIGURES_UNREACHABLE = "SELECT count(*) FROM debtor WHERE unreachable_since IS NOT NULL";
}

/// Messages of one channel and state that are not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Channel.
    pub channel: String,
    /// The state in the store; `awaiting` of those whose step waits for a person's yes.
    pub state: String,
    /// How many.
    pub messages: u64,
    /// Since when the oldest of them waits: its first try, or the moment at which it should have left.
    pub oldest: Timestamp,
}

impl Store {
    /// Messages that are not settled, by channel and state.
    pub async fn outbox_figures(&self) -> Result<Vec<Waiting>, StoreError> {
        let rows = query(FIGURES_OUTBOX).all(&self.reader).await?;
        rows.iter()
            .map(|r| {
                let (channel, state) = (r.get("channel")?, r.get("waits")?);
                Ok(Waiting { channel, state, messages: r.count("messages")?, oldest: instant(r.get("oldest")?)? })
            })
            .collect()
    }

    /// Calls and tasks that are to be done, by kind.
    pub async fn task_figures(&self, redirected: bool) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = query(FIGURES_TASKS).bind(i64::from(redirected)).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("kind")?, r.count("tasks")?))).collect()
    }

    /// Questions that wait for an answer, by kind.
    pub async fn question_figures(&self, redirected: bool) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = query(FIGURES_QUESTIONS).bind(i64::from(redirected)).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("kind")?, r.count("questions")?))).collect()
    }

    /// How many customers cannot be reached. Reads every customer.
    pub async fn unreachable_figure(&self) -> Result<u64, StoreError> {
        let count: i64 = query(FIGURES_UNREACHABLE).sure(&self.reader).await?;
        Ok(count.max(0) as u64)
    }
}
