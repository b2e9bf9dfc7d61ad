//! After a crash: what was leased goes back, what was being sent is in doubt.

use super::access::{Begin, Tx};
use super::attempts::NewAttempt;
use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::outbox::Claimed;
use super::sessions::{SESSION_END, SESSION_TAKE};
use super::settle::{After, Hands, Settlement, by_receipt, settle};
use super::sql::{Row, query};
use super::{keys, statements};
use crate::domain::attempt::{Outcome, about};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::step::Channel;
use crate::domain::time::days_between;
use jiff::Timestamp;
use jiff::civil::Date;

statements! {
    RECOVER_ANY = "SELECT EXISTS (SELECT 1 FROM message WHERE session_pk = $1 AND channel = $2)";
    RECOVER_LEASED = "UPDATE message SET state = 'queued', session_pk = NULL WHERE state = 'leased' AND session_pk = $2
        AND (CAST($1 AS TEXT) IS NULL OR channel = $1)";
    /// What may have left is what was in doubt last: a later try may have been marked and not begun, or refused.
    RECOVER_SENDING = "SELECT m.pk, m.contact_pk, m.debtor_pk, m.channel, m.step, m.cadence, m.letter, m.message_id, m.doubts, m.copy, m.role,
            d.source_id, d.language AS wanted, c.invoices, c.redirected, p.pk AS payload_pk, p.salt, p.address, p.body_hash,
            (SELECT a.language FROM attempt a WHERE a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk AND a.language IS NOT NULL
                ORDER BY a.pk DESC LIMIT 1) AS language
        FROM message m JOIN contact c ON c.pk = m.contact_pk JOIN debtor d ON d.pk = m.debtor_pk
        LEFT JOIN payload p ON p.pk = CASE m.state WHEN 'sending' THEN m.payload_pk ELSE coalesce((
            SELECT a.payload_pk FROM attempt a WHERE a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk AND a.outcome = 'unknown'
                AND a.payload_pk IS NOT NULL ORDER BY a.pk DESC LIMIT 1), m.payload_pk) END
        WHERE m.state = $1 AND m.settled_at IS NULL AND (CAST($2 AS BIGINT) IS NULL OR m.pk = $2) AND (CAST($3 AS TEXT) IS NULL OR m.channel = $3) AND (CAST($4 AS BIGINT) IS NULL OR m.session_pk = $4) ORDER BY m.pk";
    /// With the stage of each: what is not due yet may stand in a reminder with a mark of its own.
    RECOVER_INVOICES = "SELECT pk, source_id, number, balance, currency, due_on, thread,
            (SELECT k.step FROM mark k WHERE k.contact_pk = $2 AND k.invoice_pk = invoice.pk
                AND (k.kind <> 'skipped' OR k.why = 'dropped')) AS stage FROM invoice
        WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) ORDER BY pk";
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
fn about_invoice(row: &Row, step: &str, today: Date) -> Result<serde_json::Value, StoreError> {
    let (code, due): (String, String) = (row.get("currency")?, row.get("due_on")?);
    let currency = word(Currency::parse(&code), &code)?;
    let late = days_between(day(&due)?, today);
    let (id, number): (String, String) = (row.get("source_id")?, row.get("number")?);
    let stage: Option<String> = row.get("stage")?;
    Ok(about(&id, &number, Money::new(row.get("balance")?, currency), Some(stage.as_deref().unwrap_or(step)), late))
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

/// Who settles what a session left half done decides what becomes of it.
pub trait Heir: Sync {
    /// By channel and former doubts: what becomes of a message that may have left.
    fn after(&self, channel: &str, doubts: u32) -> After;

    /// By the customer's language, letter and channel: in which language the letter was.
    fn language(&self, wanted: Option<&str>, letter: &str, channel: &str) -> Option<String>;

    /// The day in the creditor's zone.
    fn today(&self) -> Date;
}

impl Store {
    /// Frees what this session has claimed on a channel and settles what it was sending, when nothing of that is under
    /// way any more: an `unknown` attempt is appended before anything is sent again.
    pub async fn recover(&self, channel: Channel, now: Timestamp, heir: &dyn Heir) -> Result<Recovered, StoreError> {
        let session = self.own_session()?;
        // Asked each second and nearly always in vain: that must keep nobody from the pen.
        if !query(RECOVER_ANY).bind(session).bind(channel.as_str()).sure::<bool>(&self.reader).await? {
            return Ok(Recovered::default());
        }
        let mut tx = self.begin().await?;
        let recovered = inherit(&mut tx, session, Some(channel.as_str()), now, heir).await?;
        tx.commit().await?;
        Ok(recovered)
    }

    /// Ends a session: what it claimed goes back, what it was sending is in doubt, its duties are anybody's. `None` when
    /// it is over already, has given a sign of life since `beat` was seen, or has a transaction open at this moment.
    pub async fn end_session(
        &self,
        session: i64,
        beat: Option<i64>,
        now: Timestamp,
        heir: &dyn Heir,
    ) -> Result<Option<Recovered>, StoreError> {
        let mut tx = self.begin().await?;
        let found: Option<i64> = query(SESSION_TAKE).bind(session).value(&mut tx).await?;
        if found.is_none() || beat.is_some_and(|seen| found != Some(seen)) {
            tx.undo().await?;
            return Ok(None);
        }
        let recovered = inherit(&mut tx, session, None, now, heir).await?;
        query(SESSION_END).bind(session).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(recovered))
    }

    /// A message that waits for the operator's word; `None` when it is not uncertain (any more).
    pub async fn doubtful(&self, message: i64, today: Date) -> Result<Option<Doubtful>, StoreError> {
        let mut tx = self.reader.begin(Begin::Read).await?;
        let found = in_doubt(&mut tx, "uncertain", Some(message), None, None, today).await?;
        tx.undo().await?;
        Ok(found.into_iter().next())
    }

    /// The invoices of a message as the log keeps them, whatever has become of them.
    pub async fn rows_about(&self, of: &Claimed, today: Date) -> Result<Vec<serde_json::Value>, StoreError> {
        let query = query(RECOVER_INVOICES).bind(keys(of.invoices.iter().copied())).bind(of.contact_pk);
        let rows = query.all(&self.reader).await?;
        rows.iter().map(|row| about_invoice(row, &of.step, today)).collect()
    }

    /// The messages that wait for the operator's word.
    pub async fn uncertain(&self) -> Result<Vec<UncertainRow>, StoreError> {
        let rows = query(UNCERTAIN).all(&self.reader).await?;
        rows.iter()
            .map(|r| {
                Ok(UncertainRow {
                    id: r.get("pk")?,
                    debtor: r.get("source_id")?,
                    name: r.get("name")?,
                    channel: r.get("channel")?,
                    address: r.get("address")?,
                    step: r.get("step")?,
                    message_id: r.get("message_id")?,
                    at: instant(r.get("at")?)?,
                })
            })
            .collect()
    }
}

/// Frees and settles what a session has in hand.
async fn inherit(
    tx: &mut Tx,
    session: i64,
    channel: Option<&str>,
    now: Timestamp,
    heir: &dyn Heir,
) -> Result<Recovered, StoreError> {
    let doubtful = in_doubt(tx, "sending", None, channel, Some(session), heir.today()).await?;
    let leased = query(RECOVER_LEASED).bind(channel).bind(session).execute(&mut *tx).await?;
    let count = doubtful.len() as u64;
    let text = "the program stopped while this message was being sent";
    let list: Vec<Settlement> = doubtful
        .into_iter()
        .map(|mut d| {
            let after = heir.after(&d.channel, d.doubts);
            let attempt = &mut d.settlement.attempt;
            attempt.language =
                attempt.language.take().or_else(|| heir.language(d.wanted.as_deref(), &attempt.letter, &d.channel));
            d.settle(Outcome::Unknown, after, text, now)
        })
        .collect();
    if !list.is_empty() {
        let list = by_receipt(tx, &list).await?.unwrap_or(list);
        settle(tx, &list, Hands::Session(session), now).await?;
    }
    Ok(Recovered { leased, doubtful: count })
}

/// Messages in a state of doubt: `sending` after a crash, `uncertain` for the operator.
pub(super) async fn in_doubt(
    tx: &mut Tx,
    state: &str,
    message: Option<i64>,
    channel: Option<&str>,
    session: Option<i64>,
    today: Date,
) -> Result<Vec<Doubtful>, StoreError> {
    let rows = query(RECOVER_SENDING).bind(state).bind(message).bind(channel).bind(session).all(&mut *tx).await?;
    let mut list = Vec::with_capacity(rows.len());
    for row in &rows {
        let about = query(RECOVER_INVOICES).bind(row.get::<String>("invoices")?).bind(row.get::<i64>("contact_pk")?);
        let about = about.all(&mut *tx).await?;
        list.push(doubtful(row, &about, today)?);
    }
    Ok(list)
}

fn doubtful(row: &Row, invoices: &[Row], today: Date) -> Result<Doubtful, StoreError> {
    let step: String = row.get("step")?;
    let (mut unthreaded, mut about) = (Vec::new(), Vec::new());
    for invoice in invoices {
        if invoice.get::<Option<String>>("thread")?.is_none() {
            unthreaded.push(invoice.get("pk")?);
        }
        about.push(about_invoice(invoice, &step, today)?);
    }
    let attempt = NewAttempt {
        at: 0,
        debtor_pk: row.get("debtor_pk")?,
        debtor: row.get("source_id")?,
        person: row.get("role")?,
        channel: row.get("channel")?,
        cadence: row.get("cadence")?,
        step,
        letter: row.get("letter")?,
        language: row.get("language")?,
        invoices: serde_json::Value::from(about).to_string(),
        outcome: Outcome::Unknown,
        class: None,
        why: None,
        answer: None,
        message_id: row.get("message_id")?,
        message_pk: row.get("pk")?,
        payload_pk: row.get("payload_pk")?,
        digest: None,
    };
    let sealed = match row.get::<Option<String>>("address")? {
        Some(address) => Some((row.get("salt")?, address, row.get("body_hash")?)),
        None => None,
    };
    let settlement = Settlement {
        message_pk: row.get("pk")?,
        contact_pk: row.get("contact_pk")?,
        copy: row.get::<i64>("copy")? != 0,
        after: After::Uncertain,
        day: today,
        attempt,
        payload: None,
        sealed,
        threads: vec![],
        dead: None,
        gateway_id: None,
    };
    Ok(Doubtful {
        channel: row.get("channel")?,
        doubts: row.count("doubts")? as u32,
        redirected: row.get::<i64>("redirected")? != 0,
        wanted: row.get("wanted")?,
        unthreaded,
        settlement,
    })
}
