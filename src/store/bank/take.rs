//! An entry with all that follows from it, in one transaction; and a person's word on one.

use crate::domain::bank::Entry;
use crate::store::access::Tx;
use crate::store::db::Store;
use crate::store::error::StoreError;
use crate::store::packed::json;
use crate::store::settle::SETTLE_LOOK;
use crate::store::sql::query;
use crate::store::{keys, statements};
use jiff::Timestamp;
use jiff::civil::Date;

statements! {
    BANK_NEW = "INSERT INTO bank_entry (key, at, account, statement, bank_ref, kind, booked_on, currency, amount, reference, text, end_to_end, name, iban, state, why, undoes_pk)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (key) DO NOTHING RETURNING pk";
    BANK_STATE = "UPDATE bank_entry SET state = $2, why = coalesce($3, why) WHERE pk = $1 AND state = $4 RETURNING pk";
    /// Of an invoice that was closed meanwhile nothing is held.
    BANK_MATCH = "INSERT INTO bank_match (entry_pk, debtor_pk, invoice_pk, state, amount, balance, until_day, at)
        SELECT $1, i.debtor_pk, i.pk, $3, $4, i.balance, $5, $6 FROM invoice i WHERE i.pk = $2 AND i.presence <> 'closed'
        ON CONFLICT (entry_pk, invoice_pk) DO UPDATE SET state = excluded.state, amount = excluded.amount, balance = excluded.balance, until_day = excluded.until_day,
            asked_at = NULL, ended_at = NULL
        RETURNING debtor_pk";
    BANK_EVENT = "INSERT INTO event (debtor_pk, invoice_pk, at, kind, text, amount) SELECT i.debtor_pk, i.pk, $2, $3, $4, $5 FROM invoice i WHERE i.pk = $1";
    BANK_SIGN = "UPDATE debtor SET last_sign_at = $2, unreachable_since = NULL, unreachable_why = NULL WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    BANK_TAKEN_BACK = "UPDATE bank_match SET state = 'reversed', ended_at = $2 WHERE entry_pk = $1 AND ended_at IS NULL RETURNING invoice_pk, debtor_pk, amount, pk";
    BANK_WAS_BOOKED = "SELECT m.invoice_pk, m.debtor_pk, m.amount, m.pk FROM bank_match m WHERE m.entry_pk = $1 AND m.state = 'booked'";
    BANK_REVERSED = "UPDATE bank_entry SET state = 'reversed' WHERE pk = $1 AND kind = 'credit' AND state <> 'reversed' RETURNING pk";
    BANK_OUT_OVER = "UPDATE bank_match SET state = 'ended', ended_at = $2 WHERE ended_at IS NULL AND state = 'perhaps' AND entry_pk IN (SELECT pk FROM bank_entry WHERE undoes_pk = $1 AND kind = 'debit')";
    BANK_OUT_DONE = "UPDATE bank_entry SET state = 'done' WHERE undoes_pk = $1 AND kind = 'debit' AND state = 'proposed'";
    BANK_BOOKED = "UPDATE bank_match SET state = 'booked', ended_at = $2 WHERE state = 'live' AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) RETURNING entry_pk, debtor_pk, pk";
    BANK_ALL_BOOKED = "UPDATE bank_entry SET state = 'booked' WHERE state = 'matched' AND pk = $1 AND NOT EXISTS (SELECT 1 FROM bank_match m WHERE m.entry_pk = $1 AND m.state = 'live')";
    BANK_LATER = "UPDATE bank_match SET until_day = $2, asked_at = coalesce(asked_at, CAST($3 AS BIGINT)) WHERE pk = $1 AND state = 'live'";
    BANK_ENDS = "UPDATE bank_match SET state = 'ended', ended_at = $2 WHERE entry_pk = $1 AND ended_at IS NULL RETURNING debtor_pk, pk";
    BANK_SAID = "UPDATE bank_entry SET state = $2, said_at = $3, said_by = $4, remark = $5 WHERE pk = $1 AND state IN ('proposed', 'matched', 'unmatched') RETURNING pk";
    BANK_ALERTS_END = "UPDATE alert SET ended_at = $2 WHERE ended_at IS NULL AND key IN (SELECT 'bank:' || CAST(m.pk AS TEXT) FROM bank_match m WHERE m.ended_at IS NOT NULL AND m.entry_pk = $1)";
}

/// What an entry pays, or may pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The invoice, by store key.
    pub invoice_pk: i64,
    /// `live`, `paused`, `perhaps` or `returned`.
    pub state: &'static str,
    /// How much, in minor units.
    pub amount: i64,
    /// Until when it is held.
    pub until: Option<Date>,
    /// What `explain` tells of it: a word for the kind, and words.
    pub event: Option<(&'static str, String)>,
}

/// An entry with what follows.
#[derive(Clone, Debug)]
pub struct Taking<'e> {
    /// What it shows.
    pub entry: &'e Entry,
    /// What it is known by.
    pub key: &'e str,
    /// The state in which it is put on record.
    pub state: &'static str,
    /// Why it is no more than that.
    pub why: Option<String>,
    /// What it pays, or may pay.
    pub matched: Vec<Matched>,
    /// The credit that it takes back, or may.
    pub undoes: Option<i64>,
}

impl Store {
    /// Puts an entry on record with all that follows; `None` when it has come before.
    pub async fn bank_take(&self, t: &Taking<'_>, now: Timestamp) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        let e = t.entry;
        // Of what pays nothing that is known no words are kept: they are none of relance's business.
        let ours = !matches!(t.state, "unmatched");
        let kept = |text: &Option<String>| text.clone().filter(|_| ours);
        let new = query(BANK_NEW).bind(t.key).bind(now.as_millisecond()).bind(&e.account).bind(&e.statement).bind(&e.bank_ref);
        let new = new.bind(e.kind.as_str()).bind(e.booked_on.to_string()).bind(e.amount.currency.code()).bind(e.amount.minor);
        let references = if ours { e.references.clone() } else { crate::domain::bank::references(e) };
        let new = new.bind(json(&references)?).bind(if ours { e.text.as_str() } else { "" }).bind(kept(&e.end_to_end));
        let new = new.bind(kept(&e.name)).bind(kept(&e.iban)).bind(t.state).bind(&t.why).bind(t.undoes);
        let Some(pk) = new.value::<i64>(&mut tx).await? else {
            tx.undo().await?;
            return Ok(None);
        };
        matches(&mut tx, pk, &t.matched, now).await?;
        if let (Some(credit), "done") = (t.undoes, t.state) {
            take_back(&mut tx, credit, &e.booked_on.to_string(), now).await?;
        }
        tx.commit().await?;
        Ok(Some(pk))
    }

    /// What pays nothing that was known by then does so now. False when it has been settled meanwhile.
    pub async fn bank_again(
        &self,
        pk: i64,
        state: &str,
        why: Option<&str>,
        list: &[Matched],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed: Option<i64> = query(BANK_STATE).bind(pk).bind(state).bind(why).bind("unmatched").value(&mut tx).await?;
        if changed.is_none() {
            tx.undo().await?;
            return Ok(false);
        }
        matches(&mut tx, pk, list, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// A reversal that came before its credit has taken it back.
    pub async fn bank_met(&self, reversal: i64) -> Result<(), StoreError> {
        self.write(query(BANK_STATE).bind(reversal).bind("done").bind(None::<String>).bind("waiting")).await?;
        Ok(())
    }

    /// The ledger has booked these payments; their customers are looked at.
    pub async fn bank_booked(&self, list: &[i64], now: Timestamp) -> Result<u64, StoreError> {
        if list.is_empty() {
            return Ok(0);
        }
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        let rows = query(BANK_BOOKED).bind(keys(list.iter().copied())).bind(at).all(&mut tx).await?;
        let mut debtors = Vec::new();
        for row in &rows {
            let entry: i64 = row.get("entry_pk")?;
            query(BANK_ALL_BOOKED).bind(entry).execute(&mut tx).await?;
            query(BANK_ALERTS_END).bind(entry).bind(at).execute(&mut tx).await?;
            debtors.push(row.get("debtor_pk")?);
        }
        query(SETTLE_LOOK).bind(keys(debtors)).bind(at).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// A payment is held for longer, because a person has not said yet what became of it.
    pub async fn bank_later(&self, pk: i64, until: Date, now: Timestamp) -> Result<(), StoreError> {
        self.write(query(BANK_LATER).bind(pk).bind(until.to_string()).bind(now.as_millisecond())).await?;
        Ok(())
    }

    /// A person says what an entry pays: nothing else of it is held any more. False when there is nothing to say about it.
    pub async fn bank_said(
        &self,
        pk: i64,
        (state, matched): (&str, &[Matched]),
        (by, remark): (Option<&str>, Option<&str>),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        let said: Option<i64> = query(BANK_SAID).bind(pk).bind(state).bind(at).bind(by).bind(remark).value(&mut tx).await?;
        if said.is_none() {
            tx.undo().await?;
            return Ok(false);
        }
        let rows = query(BANK_ENDS).bind(pk).bind(at).all(&mut tx).await?;
        let debtors: Vec<i64> = rows.iter().map(|row| row.get("debtor_pk")).collect::<Result<_, StoreError>>()?;
        query(BANK_ALERTS_END).bind(pk).bind(at).execute(&mut tx).await?;
        matches(&mut tx, pk, matched, now).await?;
        query(SETTLE_LOOK).bind(keys(debtors)).bind(at).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// A person says that money that went out took a credit back.
    pub async fn bank_taken_back(
        &self,
        pk: i64,
        credit: i64,
        by: Option<&str>,
        remark: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        let said: Option<i64> = query(BANK_SAID).bind(pk).bind("done").bind(at).bind(by).bind(remark).value(&mut tx).await?;
        if said.is_none() {
            tx.undo().await?;
            return Ok(false);
        }
        query(BANK_ENDS).bind(pk).bind(at).all(&mut tx).await?;
        take_back(&mut tx, credit, "a day that a person knows", now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Writes what an entry pays or may pay; whom it concerns is looked at, and money that came is a sign of life.
async fn matches(tx: &mut Tx, pk: i64, list: &[Matched], now: Timestamp) -> Result<(), StoreError> {
    let at = now.as_millisecond();
    let (mut touched, mut paid) = (Vec::new(), Vec::new());
    for m in list {
        let put = query(BANK_MATCH).bind(pk).bind(m.invoice_pk).bind(m.state).bind(m.amount);
        let put = put.bind(m.until.map(|d| d.to_string())).bind(at);
        let Some(debtor) = put.value::<i64>(&mut *tx).await? else { continue };
        touched.push(debtor);
        if m.state == "live" {
            paid.push(debtor);
        }
        if let Some((kind, text)) = &m.event {
            query(BANK_EVENT).bind(m.invoice_pk).bind(at).bind(*kind).bind(text).bind(m.amount).execute(&mut *tx).await?;
        }
    }
    if !paid.is_empty() {
        query(BANK_SIGN).bind(keys(paid)).bind(at).execute(&mut *tx).await?;
    }
    if !touched.is_empty() {
        query(SETTLE_LOOK).bind(keys(touched)).bind(at).execute(tx).await?;
    }
    Ok(())
}

/// A credit was taken back: what it held is let go. What the ledger had booked it opens again itself.
async fn take_back(tx: &mut Tx, credit: i64, on: &str, now: Timestamp) -> Result<(), StoreError> {
    let at = now.as_millisecond();
    if query(BANK_REVERSED).bind(credit).value::<i64>(&mut *tx).await?.is_none() {
        return Ok(());
    }
    query(BANK_OUT_OVER).bind(credit).bind(at).execute(&mut *tx).await?;
    query(BANK_OUT_DONE).bind(credit).execute(&mut *tx).await?;
    let mut rows = query(BANK_TAKEN_BACK).bind(credit).bind(at).all(&mut *tx).await?;
    rows.extend(query(BANK_WAS_BOOKED).bind(credit).all(&mut *tx).await?);
    let mut debtors = Vec::new();
    for row in &rows {
        let (invoice, amount): (i64, i64) = (row.get("invoice_pk")?, row.get("amount")?);
        let text = format!("the bank took a payment back on {on}");
        query(BANK_EVENT).bind(invoice).bind(at).bind("bank_reversed").bind(text).bind(amount).execute(&mut *tx).await?;
        debtors.push(row.get("debtor_pk")?);
    }
    query(BANK_ALERTS_END).bind(credit).bind(at).execute(&mut *tx).await?;
    query(SETTLE_LOOK).bind(keys(debtors)).bind(at).execute(tx).await.map(drop)
}
