//! After a crash: what was leased goes back, what was being sent is in doubt.

use super::attempts::NewAttempt;
use super::db::{Store, StoreError, day, instant, word};
use super::outbox::Claimed;
use super::settle::{After, Settlement, settle};
use super::{keys, statements};
use crate::domain::attempt::{Outcome, about};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::step::Channel;
use crate::domain::time::days_between;
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::Row;

statements! {
    RECOVER_LEASED = "UPDATE message SET state = 'queued', lease_until = NULL WHERE state = 'leased' AND settled_at IS NULL
        AND ($1 IS NULL OR channel = $1)";
    /// What may have left is what was in doubt last: a later try may have been marked and not begun, or refused.
    RECOVER_SENDING = "SELECT m.pk, m.contact_pk, m.debtor_pk, m.channel, m.step, m.cadence, m.letter, m.message_id, m.doubts,
            d.source_id, d.language AS wanted, c.invoices, c.redirected, p.pk AS payload_pk, p.salt, p.address, p.body_hash,
            (SELECT a.language FROM attempt a WHERE a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk AND a.language IS NOT NULL
                ORDER BY a.pk DESC LIMIT 1) AS language
        FROM message m JOIN contact c ON c.pk = m.contact_pk JOIN debtor d ON d.pk = m.debtor_pk
        LEFT JOIN payload p ON p.pk = CASE m.state WHEN 'sending' THEN m.payload_pk ELSE coalesce((
            SELECT a.payload_pk FROM attempt a WHERE a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk AND a.outcome = 'unknown'
                AND a.payload_pk IS NOT NULL ORDER BY a.pk DESC LIMIT 1), m.payload_pk) END
        WHERE m.state = $1 AND m.settled_at IS NULL AND ($2 IS NULL OR m.pk = $2) AND ($3 IS NULL OR m.channel = $3) ORDER BY m.pk";
    /// With the stage of each: what is not due yet may stand in a reminder with a mark of its own.
    RECOVER_INVOICES = "SELECT pk, source_id, number, balance, currency, due_on, thread,
            (SELECT k.step FROM mark k WHERE k.contact_pk = $2 AND k.invoice_pk = invoice.pk
                AND (k.kind <> 'skipped' OR k.why = 'dropped')) AS stage FROM invoice
        WHERE pk IN (SELECT value FROM json_each($1)) ORDER BY pk";
    UNCERTAIN = "SELECT m.pk, d.source_id, d.name, m.channel, m.address, m.step, m.message_id, c.at FROM message m
        JOIN contact c ON c.pk = m.contact_pk JOIN debtor d ON d.pk = m.debtor_pk WHERE m.state = 'uncertain' AND m.settled_at IS NULL ORDER BY m.pk";
}

/// A message that may or may not have left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncertainRow {
    /// Its number.
    pub id: i64,
    /// The debtor's id.
    pub debtor: String,
    /// The debtor's name.
    pub name: String,
    /// Channel.
    pub channel: String,
    /// Address.
    pub address: String,
    /// Step.
    pub step: String,
    /// Message-ID.
    pub message_id: String,
    /// Since when.
    pub at: Timestamp,
}

/// What recovery found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Claims that went back.
    pub leased: u64,
    /// Messages that were being sent.
    pub doubtful: u64,
}

/// An invoice as the log keeps it.
fn about_invoice(row: &sqlx::sqlite::SqliteRow, step: &str, today: Date) -> Result<serde_json::Value, StoreError> {
    let code: String = row.get("currency");
    let currency = word(Currency::parse(&code), &code)?;
    let late = days_between(day(row.get("due_on"))?, today);
    let (id, number): (String, String) = (row.get("source_id"), row.get("number"));
    Ok(about(
        &id,
        &number,
        Money::new(row.get("balance"), currency),
        Some(row.get::<Option<&str>, _>("stage").unwrap_or(step)),
        late,
    ))
}

/// A message whose fate is unknown, ready to be settled.
pub struct Doubtful {
    /// Channel.
    pub channel: String,
    /// How often it has been in doubt before.
    pub doubts: u32,
    /// It went to `redirect_to`.
    pub redirected: bool,
    /// The customer's language, as the source gives it.
    wanted: Option<String>,
    /// Its invoices that have no thread yet, by store key.
    pub unthreaded: Vec<i64>,
    settlement: Settlement,
}

impl Doubtful {
    /// What may have left: Message-ID, and the number of the payload where it is still known.
    pub fn message(&self) -> (Option<&str>, Option<i64>) {
        (self.settlement.attempt.message_id.as_deref(), self.settlement.attempt.payload_pk)
    }

    /// The settlement with an outcome and what becomes of the message.
    pub fn settle(self, outcome: Outcome, after: After, answer: &str, now: Timestamp) -> Settlement {
        let mut s = self.settlement;
        s.after = after;
        s.attempt.outcome = outcome;
        s.attempt.answer = Some(answer.to_owned());
        s.attempt.at = now.as_millisecond();
        s
    }
}

impl Store {
    /// Frees all claims, and settles what was being sent, of a channel or of all: an `unknown` attempt is appended
    /// before anything is sent again. `after` says by channel and former doubts what becomes of it, `language` by the customer's
    /// language, letter and channel in which one the letter was.
    pub async fn recover(
        &self,
        channel: Option<Channel>,
        now: Timestamp,
        today: Date,
        after: impl Fn(&str, u32) -> After,
        language: impl Fn(Option<&str>, &str, &str) -> Option<String>,
    ) -> Result<Recovered, StoreError> {
        let channel = channel.map(Channel::as_str);
        let doubtful = self.in_doubt("sending", None, channel, today).await?;
        let mut tx = self.begin().await?;
        let leased = sqlx::query(RECOVER_LEASED).bind(channel).execute(&mut *tx).await?.rows_affected();
        let count = doubtful.len() as u64;
        let text = "the program stopped while this message was being sent";
        let list: Vec<Settlement> = doubtful
            .into_iter()
            .map(|mut d| {
                let after = after(&d.channel, d.doubts);
                let attempt = &mut d.settlement.attempt;
                attempt.language = attempt.language.take().or_else(|| language(d.wanted.as_deref(), &attempt.letter, &d.channel));
                d.settle(Outcome::Unknown, after, text, now)
            })
            .collect();
        if !list.is_empty() {
            settle(&mut tx, &list, now).await?;
        }
        tx.commit().await?;
        Ok(Recovered { leased, doubtful: count })
    }

    /// A message that waits for the operator's word; `None` when it is not uncertain (any more).
    pub async fn doubtful(&self, message: i64, today: Date) -> Result<Option<Doubtful>, StoreError> {
        Ok(self.in_doubt("uncertain", Some(message), None, today).await?.into_iter().next())
    }

    /// Messages in a state of doubt: `sending` after a crash, `uncertain` for the operator.
    async fn in_doubt(
        &self,
        state: &str,
        message: Option<i64>,
        channel: Option<&str>,
        today: Date,
    ) -> Result<Vec<Doubtful>, StoreError> {
        let query = sqlx::query(RECOVER_SENDING).bind(state).bind(message).bind(channel);
        let rows = query.fetch_all(&self.writer).await?;
        let mut list = Vec::with_capacity(rows.len());
        for row in &rows {
            let about =
                sqlx::query(RECOVER_INVOICES).bind(row.get::<String, _>("invoices")).bind(row.get::<i64, _>("contact_pk"));
            let about = about.fetch_all(&self.writer).await?;
            let unthreaded =
                about.iter().filter(|i| i.get::<Option<String>, _>("thread").is_none()).map(|i| i.get("pk")).collect();
            let about = about.iter().map(|i| about_invoice(i, row.get("step"), today)).collect::<Result<Vec<_>, _>>()?;
            let invoices = serde_json::Value::from(about).to_string();
            let attempt = NewAttempt {
                at: 0,
                debtor_pk: row.get("debtor_pk"),
                debtor: row.get("source_id"),
                person: None,
                channel: row.get("channel"),
                cadence: row.get("cadence"),
                step: row.get("step"),
                letter: row.get("letter"),
                language: row.get("language"),
                invoices,
                outcome: Outcome::Unknown,
                class: None,
                why: None,
                answer: None,
                message_id: row.get("message_id"),
                message_pk: row.get("pk"),
                payload_pk: row.get("payload_pk"),
                digest: None,
            };
            let sealed = row.get::<Option<String>, _>("address").map(|address| (row.get("salt"), address, row.get("body_hash")));
            let settlement = Settlement {
                message_pk: row.get("pk"),
                contact_pk: row.get("contact_pk"),
                after: After::Uncertain,
                day: today,
                attempt,
                payload: None,
                sealed,
                threads: vec![],
                dead: None,
            };
            list.push(Doubtful {
                channel: row.get("channel"),
                doubts: row.get::<i64, _>("doubts") as u32,
                redirected: row.get::<i64, _>("redirected") != 0,
                wanted: row.get("wanted"),
                unthreaded,
                settlement,
            });
        }
        Ok(list)
    }

    /// The invoices of a message as the log keeps them, whatever has become of them.
    pub async fn rows_about(&self, of: &Claimed, today: Date) -> Result<Vec<serde_json::Value>, StoreError> {
        let query = sqlx::query(RECOVER_INVOICES).bind(keys(of.invoices.iter().copied())).bind(of.contact_pk);
        let rows = query.fetch_all(&self.reader).await?;
        rows.iter().map(|row| about_invoice(row, &of.step, today)).collect()
    }

    /// The messages that wait for the operator's word.
    pub async fn uncertain(&self) -> Result<Vec<UncertainRow>, StoreError> {
        let rows = sqlx::query(UNCERTAIN).fetch_all(&self.reader).await?;
        rows.iter()
            .map(|r| {
                Ok(UncertainRow {
                    id: r.get("pk"),
                    debtor: r.get("source_id"),
                    name: r.get("name"),
                    channel: r.get("channel"),
                    address: r.get("address"),
                    step: r.get("step"),
                    message_id: r.get("message_id"),
                    at: instant(r.get("at"))?,
                })
            })
            .collect()
    }
}
