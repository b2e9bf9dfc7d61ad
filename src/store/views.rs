//! Read-only views for status, explain and review.

use super::db::{Store, instant, word};
use super::error::StoreError;
use super::sql::{Row, query};
use super::{keys, packed, statements};
use crate::domain::case::CaseKey;
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::step::Channel;
use jiff::Timestamp;

statements! {
    VIEW_DOCUMENTS = "SELECT source_id, document FROM invoice WHERE presence <> 'closed' AND kind = 'invoice' ORDER BY pk DESC LIMIT $1";
    VIEW_QUEUE = "SELECT state, count(*) AS messages FROM message
        WHERE settled_at IS NULL GROUP BY state ORDER BY state";
    VIEW_LEDGER = "SELECT currency, CAST(sum(balance) AS BIGINT) AS total, count(*) AS open_rows FROM invoice WHERE presence <> 'closed' GROUP BY currency ORDER BY currency";
    VIEW_DEBTORS = "SELECT pk FROM debtor d WHERE pk > $1 AND EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = d.pk AND i.presence <> 'closed')
        ORDER BY pk LIMIT 500";
    VIEW_UNREACHABLE = "SELECT source_id, name, unreachable_since, unreachable_why FROM debtor WHERE unreachable_since IS NOT NULL
        ORDER BY unreachable_since, pk LIMIT 1000";
    VIEW_EVENTS = "SELECT e.at, e.kind, e.text, i.number FROM event e LEFT JOIN invoice i ON i.pk = e.invoice_pk
        WHERE e.debtor_pk = $1 ORDER BY e.pk DESC LIMIT $2";
    /// A step that a person dropped holds the case as well, but says nothing about the addresses.
    VIEW_CANNOT_REACH = "SELECT pk, source_id, name FROM debtor d WHERE unreachable_since IS NULL AND (reason = 'no_address'
        OR (reason = 'cannot_reach' AND EXISTS (SELECT 1 FROM invoice i JOIN mark m ON m.invoice_pk = i.pk AND m.term = i.term
            WHERE i.debtor_pk = d.pk AND i.presence <> 'closed' AND m.kind = 'undelivered')))
        AND NOT EXISTS (SELECT 1 FROM last_refusal r WHERE r.debtor_pk = d.pk) LIMIT 500";
    VIEW_REFUSED = "SELECT d.source_id, d.name, r.step, r.answer FROM debtor d JOIN last_refusal r ON r.debtor_pk = d.pk
        WHERE d.reason IN ('no_address', 'cannot_reach')
          AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.key = 'refused:' || d.source_id AND a.ended_at IS NULL) LIMIT 500";
    VIEW_REFUSED_ENDED = "UPDATE alert SET ended_at = $1 WHERE ended_at IS NULL AND key LIKE 'refused:%' AND NOT EXISTS (
        SELECT 1 FROM debtor d WHERE d.source_id = substr(alert.key, 9) AND d.reason IN ('no_address', 'cannot_reach'))";
    VIEW_REACHABLE_AGAIN = "UPDATE debtor SET unreachable_since = NULL, unreachable_why = NULL
        WHERE unreachable_since IS NOT NULL AND unreachable_why LIKE 'no usable address%' AND reason NOT IN ('no_address', 'cannot_reach')";
    VIEW_REACHED_ALERTS = "UPDATE alert SET ended_at = $1 WHERE ended_at IS NULL AND key LIKE 'unreachable:%'
        AND NOT EXISTS (SELECT 1 FROM debtor d WHERE d.unreachable_since IS NOT NULL AND d.source_id = substr(alert.key, 13))";
    SET_UNREACHABLE = "UPDATE debtor SET unreachable_since = $2, unreachable_why = $3 WHERE pk = $1 AND unreachable_since IS NULL";
    VIEW_STEPS_IN_USE = "SELECT DISTINCT m.cadence, m.step FROM mark m JOIN invoice i ON i.pk = m.invoice_pk AND i.term = m.term
        WHERE i.presence <> 'closed' ORDER BY 1, 2";
    VIEW_REASONS = "SELECT reason, count(*) AS debtors FROM debtor d WHERE reason IS NOT NULL
        AND EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = d.pk AND i.presence <> 'closed') GROUP BY reason ORDER BY 2 DESC";
    VIEW_SENT = "SELECT step, channel, count(*) AS messages FROM attempt WHERE outcome = 'accepted' GROUP BY step, channel ORDER BY 1, 2";
    VIEW_UNDER_WAY = "SELECT m.pk, m.contact_pk, m.debtor_pk, m.channel, m.address, m.step, m.letter, m.cadence, m.message_id, m.state,
            m.not_before, m.tries, c.currency FROM contact c JOIN message m ON m.contact_pk = c.pk AND m.settled_at IS NULL AND m.state <> 'uncertain'
        WHERE c.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) ORDER BY m.pk";
    VIEW_UNREADABLE = "SELECT count(*) AS rows, count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM invoice i WHERE i.source_id = u.source_id AND i.presence <> 'closed'))
        AS unknown FROM unreadable u";
    VIEW_UNREADABLE_ROW = "SELECT text FROM unreadable WHERE source_id = $1";
    VIEW_OWNER = "SELECT d.source_id FROM invoice i JOIN debtor d ON d.pk = i.debtor_pk
        WHERE i.source_id = $1 OR i.number = $1 ORDER BY (i.presence = 'closed'), i.pk DESC LIMIT 1";
    VIEW_NAMED_BY = "SELECT i.number, i.for_invoice, d.source_id AS debtor FROM invoice i JOIN debtor d ON d.pk = i.debtor_pk
        WHERE i.for_invoice IN (SELECT value ->> 0 FROM json_each($1)) AND i.presence <> 'closed' AND i.debtor_pk <> $2 ORDER BY i.pk LIMIT 100";
    VIEW_ACCEPTED_SINCE = "SELECT EXISTS (SELECT 1 FROM attempt WHERE at >= $2 AND channel = $1 AND outcome = 'accepted')";
    VIEW_BAD_MESSAGES = "SELECT count(*) FROM attempt a LEFT JOIN words w ON w.attempt_pk = a.pk WHERE a.at >= $1 AND a.outcome = 'deferred'
        AND coalesce(w.why, a.why) LIKE 'bad_message%'";
    VIEW_DATABASE = "SELECT 1";
}

/// A debtor who cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// Id in the source.
    pub debtor: String,
    /// Name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// The evidence.
    pub why: String,
}

/// Something that happened to a debtor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// When it was seen.
    pub at: Timestamp,
    /// `paid`, `part_paid`, `reopened`, `due_moved`.
    pub kind: String,
    /// In words.
    pub text: String,
    /// The invoice's number.
    pub invoice: Option<String>,
}

/// A message that is planned and not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// Its contact, by store key.
    pub contact_pk: i64,
    /// Its debtor, by store key.
    pub debtor_pk: i64,
    /// Channel.
    pub channel: Channel,
    /// Address.
    pub address: String,
    /// The case that it is about.
    pub case: CaseKey,
    /// Step.
    pub step: String,
    /// Letter.
    pub letter: String,
    /// Message-ID.
    pub message_id: String,
    /// `planned`, `braked`, `queued`, `deferred`, `leased`, `sending`.
    pub state: String,
    /// Not before this.
    pub not_before: Timestamp,
    /// Tries so far.
    pub tries: u32,
}

/// A payment or credit note that names another customer's invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misnamed {
    /// Its number.
    pub number: String,
    /// What it names.
    pub names: String,
    /// Whose it is: the customer's id in the source.
    pub debtor: String,
}

/// A debtor to whom a step could not go because of the message, not of the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Id in the source.
    pub debtor: String,
    /// Name.
    pub name: String,
    /// The step.
    pub step: String,
    /// The other side's words.
    pub answer: String,
}

/// A debtor whom nothing can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Store key.
    pub pk: i64,
    /// Id in the source.
    pub debtor: String,
    /// Name.
    pub name: String,
}

impl Store {
    /// The newest open invoices: id, and the document that the ledger names.
    pub async fn documents_named(&self, most: i64) -> Result<Vec<(String, Option<String>)>, StoreError> {
        let rows = query(VIEW_DOCUMENTS).bind(most).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("source_id")?, r.get("document")?))).collect()
    }

    /// Messages not settled, by state.
    pub async fn queue(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = query(VIEW_QUEUE).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("state")?, r.count("messages")?))).collect()
    }

    /// What is open, by currency, with the number of rows: summed by the database, apart from every rule (R27).
    pub async fn ledger_totals(&self) -> Result<Vec<(Money, u64)>, StoreError> {
        let rows = query(VIEW_LEDGER).all(&self.reader).await?;
        rows.iter()
            .map(|r| {
                let code: String = r.get("currency")?;
                let currency = word(Currency::parse(&code), &code)?;
                Ok((Money::new(r.get("total")?, currency), r.count("open_rows")?))
            })
            .collect()
    }

    /// Debtors with something open, above a key, at most 500.
    pub async fn open_debtors_after(&self, pk: i64) -> Result<Vec<i64>, StoreError> {
        query(VIEW_DEBTORS).bind(pk).list(&self.reader).await
    }

    /// Debtors who cannot be reached; at most 1,000.
    pub async fn unreachable(&self) -> Result<Vec<Unreachable>, StoreError> {
        let rows = query(VIEW_UNREACHABLE).all(&self.reader).await?;
        rows.iter()
            .map(|r| {
                let since = instant(r.get("unreachable_since")?)?;
                let why: Option<String> = r.get("unreachable_why")?;
                Ok(Unreachable { debtor: r.get("source_id")?, name: r.get("name")?, since, why: why.unwrap_or_default() })
            })
            .collect()
    }

    /// What happened to a debtor, the newest first.
    pub async fn events(&self, debtor_pk: i64, limit: i64) -> Result<Vec<EventRow>, StoreError> {
        let rows = query(VIEW_EVENTS).bind(debtor_pk).bind(limit).all(&self.reader).await?;
        rows.iter()
            .map(|r| {
                Ok(EventRow { at: instant(r.get("at")?)?, kind: r.get("kind")?, text: r.get("text")?, invoice: r.get("number")? })
            })
            .collect()
    }

    /// Debtors who have no usable address left for what is due, and of whom that is not on record.
    pub async fn without_address(&self) -> Result<Vec<Lost>, StoreError> {
        let lost = query(VIEW_CANNOT_REACH).all(&self.reader).await?;
        lost.iter().map(|r| Ok(Lost { pk: r.get("pk")?, debtor: r.get("source_id")?, name: r.get("name")? })).collect()
    }

    /// Debtors whose last refusal was of the message, and of whom that has not been told; ends what is over.
    pub async fn refused_for_the_message(&self, now: Timestamp) -> Result<Vec<Refused>, StoreError> {
        self.write(query(VIEW_REFUSED_ENDED).bind(now.as_millisecond())).await?;
        let rows = query(VIEW_REFUSED).all(&self.reader).await?;
        let refused = |r: &Row| {
            Ok(Refused {
                debtor: r.get("source_id")?,
                name: r.get("name")?,
                step: r.get("step")?,
                answer: r.get::<Option<String>>("answer")?.unwrap_or_default(),
            })
        };
        rows.iter().map(refused).collect()
    }

    /// Marks a debtor as unreachable, with the evidence.
    pub async fn set_unreachable(&self, debtor_pk: i64, now: Timestamp, why: &str) -> Result<(), StoreError> {
        self.write(query(SET_UNREACHABLE).bind(debtor_pk).bind(now.as_millisecond()).bind(why)).await?;
        Ok(())
    }

    /// Debtors whose address came back are no longer unreachable; the alerts about all who can be reached end.
    pub async fn reachable_again(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        query(VIEW_REACHABLE_AGAIN).execute(&mut tx).await?;
        query(VIEW_REACHED_ALERTS).bind(now.as_millisecond()).execute(&mut tx).await?;
        tx.commit().await
    }

    /// Cadence and step names that open invoices have had (R8).
    pub async fn steps_in_use(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = query(VIEW_STEPS_IN_USE).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("cadence")?, r.get("step")?))).collect()
    }

    /// How the last look at each open debtor ended: reason code and how many.
    pub async fn reasons(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = query(VIEW_REASONS).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("reason")?, r.count("debtors")?))).collect()
    }

    /// What was accepted, by step and channel.
    pub async fn sent(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        let rows = query(VIEW_SENT).all(&self.reader).await?;
        let channel = |r: &Row| Ok::<_, StoreError>(r.get::<Option<String>>("channel")?.unwrap_or_default());
        rows.iter().map(|r| Ok((r.get("step")?, channel(r)?, r.count("messages")?))).collect()
    }

    /// Messages of some debtors that are planned and not settled.
    pub async fn under_way(&self, debtors: &[i64]) -> Result<Vec<UnderWay>, StoreError> {
        let rows = query(VIEW_UNDER_WAY).bind(keys(debtors.iter().copied())).all(&self.reader).await?;
        rows.iter()
            .map(|r| {
                let (channel, code): (String, String) = (r.get("channel")?, r.get("currency")?);
                Ok(UnderWay {
                    contact_pk: r.get("contact_pk")?,
                    debtor_pk: r.get("debtor_pk")?,
                    channel: word(Channel::parse(&channel), &channel)?,
                    address: r.get("address")?,
                    case: CaseKey { cadence: r.get("cadence")?, currency: word(Currency::parse(&code), &code)? },
                    step: r.get("step")?,
                    letter: r.get("letter")?,
                    message_id: r.get("message_id")?,
                    state: r.get("state")?,
                    not_before: instant(r.get("not_before")?)?,
                    tries: r.count("tries")? as u32,
                })
            })
            .collect()
    }

    /// How many rows of the source cannot be read, and how many of them never could: of those no money is known.
    pub async fn unreadable_count(&self) -> Result<(u64, u64), StoreError> {
        let row = query(VIEW_UNREADABLE).one(&self.reader).await?;
        Ok((row.count("rows")?, row.count("unknown")?))
    }

    /// Why a row of the source cannot be read, if it cannot.
    pub async fn unreadable_row(&self, id: &str) -> Result<Option<String>, StoreError> {
        query(VIEW_UNREADABLE_ROW).bind(id).value(&self.reader).await
    }

    /// The customer, by id in the source, to whom the invoice of an id or number belongs.
    pub async fn owner_of(&self, invoice: &str) -> Result<Option<String>, StoreError> {
        query(VIEW_OWNER).bind(invoice).value(&self.reader).await
    }

    /// Other customers' payments and credit notes that name one of these invoices, by id or number.
    pub async fn named_by_others(&self, names: &[&str], debtor_pk: i64) -> Result<Vec<Misnamed>, StoreError> {
        let rows = query(VIEW_NAMED_BY).bind(packed::names(names)?).bind(debtor_pk).all(&self.reader).await?;
        let misnamed =
            |r: &Row| Ok(Misnamed { number: r.get("number")?, names: r.get("for_invoice")?, debtor: r.get("debtor")? });
        rows.iter().map(misnamed).collect()
    }

    /// Whether a channel has taken anything since an instant, in milliseconds.
    pub async fn accepted_since(&self, channel: &str, since: i64) -> Result<bool, StoreError> {
        query(VIEW_ACCEPTED_SINCE).bind(channel).bind(since).sure(&self.reader).await
    }

    /// Tries since an instant at which a message could not be made.
    pub async fn bad_messages_since(&self, since: Timestamp) -> Result<u64, StoreError> {
        let count: i64 = query(VIEW_BAD_MESSAGES).bind(since.as_millisecond()).sure(&self.reader).await?;
        Ok(count as u64)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        query(VIEW_DATABASE).all(&self.reader).await?;
        Ok(())
    }
}
