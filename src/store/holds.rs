//! Holds that people put, and the words by which they name debtors and invoices.

use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::sql::{Row, query};
use super::statements;
use crate::domain::case::HoldKind;
use jiff::Timestamp;
use jiff::civil::Date;

statements! {
    HOLD_PUT = "INSERT INTO hold (debtor_pk, invoice_pk, kind, until_day, reason, created_at, part) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING pk";
    HOLD_END = "UPDATE hold SET ended_at = $3 WHERE ended_at IS NULL AND debtor_pk = $1 AND coalesce(invoice_pk, 0) = coalesce($2, 0) RETURNING pk";
    /// Another moment than the one that a look may be under way for, or that look would write over it.
    HOLD_LOOK = "UPDATE debtor SET next_at = CAST($2 AS BIGINT) - CASE WHEN next_at = $2 THEN 1 ELSE 0 END WHERE pk = $1";
    HOLDS = "SELECT h.pk, h.kind, h.part, d.source_id, d.name, i.number, h.until_day, h.reason, h.created_at FROM hold h
        JOIN debtor d ON d.pk = h.debtor_pk LEFT JOIN invoice i ON i.pk = h.invoice_pk
        WHERE h.ended_at IS NULL AND h.until_day >= $1 ORDER BY h.until_day, h.pk";
    NAME_INVOICE = "SELECT i.pk, i.debtor_pk, i.source_id, d.source_id AS debtor, i.source_id = $1 AS by_id, i.presence = 'closed' AS closed
        FROM invoice i JOIN debtor d ON d.pk = i.debtor_pk WHERE i.source_id = $1 OR i.number = $1 ORDER BY 5 DESC, 6, i.pk DESC LIMIT 10";
    NAME_DEBTOR = "SELECT pk FROM debtor WHERE source_id = $1";
    /// Keys only grow: a debt that comes to be known later has a higher one.
    RELEASE_ENTRY = "UPDATE debtor SET entry_released = (SELECT coalesce(max(pk), 0) FROM invoice), next_at = CAST($2 AS BIGINT) - CASE WHEN next_at = $2 THEN 1 ELSE 0 END WHERE pk = $1";
}

/// A debtor or an invoice that a person named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The debtor.
    pub debtor_pk: i64,
    /// The invoice, if one was named.
    pub invoice_pk: Option<i64>,
}

/// What a word names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// One thing.
    One(Named),
    /// A number that several invoices have: their ids, each with its debtor's.
    Several(Vec<(String, String)>),
}

/// A hold, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub kind: HoldKind,
    /// Of a dispute about a part: how much, in minor units.
    pub part: Option<i64>,
    /// The debtor's id in the source.
    pub debtor: String,
    /// The debtor's name.
    pub name: String,
    /// The invoice's number, if it is about one alone.
    pub invoice: Option<String>,
    /// The day on which things move again.
    pub until: Date,
    /// Why.
    pub reason: String,
    /// When it was put.
    pub created_at: Timestamp,
}

impl Store {
    /// Finds an invoice by id or number, or a debtor by id. An invoice goes first, by its id before its number, and one
    /// that is open before those that are not.
    pub async fn find(&self, name: &str) -> Result<Found, StoreError> {
        let rows = query(NAME_INVOICE).bind(name).all(&self.reader).await?;
        let Some(first) = rows.first() else {
            let debtor = self.find_debtor(name).await?;
            return Ok(debtor.map_or(Found::Nothing, |debtor_pk| Found::One(Named { debtor_pk, invoice_pk: None })));
        };
        let rank = |row: &Row| Ok::<_, StoreError>((row.get::<bool>("by_id")?, row.get::<bool>("closed")?));
        let best = rank(first)?;
        let mut alike = Vec::new();
        for row in &rows {
            if rank(row)? == best {
                alike.push(row);
            }
        }
        Ok(match alike.as_slice() {
            [one] => Found::One(Named { debtor_pk: one.get("debtor_pk")?, invoice_pk: Some(one.get("pk")?) }),
            several => {
                let names = several.iter().map(|row| Ok((row.get("source_id")?, row.get("debtor")?)));
                Found::Several(names.collect::<Result<_, StoreError>>()?)
            }
        })
    }

    /// Finds a debtor by its id in the source.
    pub async fn find_debtor(&self, id: &str) -> Result<Option<i64>, StoreError> {
        query(NAME_DEBTOR).bind(id).value(&self.reader).await
    }

    /// Puts a hold; the debtor is looked at at once.
    pub async fn put_hold(&self, on: Named, until: Date, reason: &str, now: Timestamp) -> Result<i64, StoreError> {
        self.hold(on, HoldKind::Operator, None, until, reason, now).await
    }

    /// An invoice is disputed, or a part of it, in minor units (R18); the debtor is looked at at once.
    pub async fn put_dispute(
        &self,
        on: Named,
        part: Option<i64>,
        until: Date,
        reason: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.hold(on, HoldKind::Dispute, part, until, reason, now).await
    }

    async fn hold(
        &self,
        on: Named,
        kind: HoldKind,
        part: Option<i64>,
        until: Date,
        reason: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        let put = query(HOLD_PUT).bind(on.debtor_pk).bind(on.invoice_pk).bind(kind.as_str());
        let id = put.bind(until.to_string()).bind(reason).bind(at).bind(part).sure(&mut tx).await?;
        query(HOLD_LOOK).bind(on.debtor_pk).bind(at).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Ends the holds on a debtor as a whole, or on one invoice; gives their numbers.
    pub async fn end_holds(&self, on: Named, now: Timestamp) -> Result<Vec<i64>, StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        let ended = query(HOLD_END).bind(on.debtor_pk).bind(on.invoice_pk).bind(at).list(&mut tx).await?;
        query(HOLD_LOOK).bind(on.debtor_pk).bind(at).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// The holds that last on a day, those that end first coming first.
    pub async fn holds(&self, today: Date) -> Result<Vec<HoldRow>, StoreError> {
        let rows = query(HOLDS).bind(today.to_string()).all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                Ok(HoldRow {
                    id: row.get("pk")?,
                    kind: {
                        let kind: String = row.get("kind")?;
                        word(HoldKind::parse(&kind), &kind)?
                    },
                    part: row.get("part")?,
                    debtor: row.get("source_id")?,
                    name: row.get("name")?,
                    invoice: row.get("number")?,
                    until: day(&row.get::<String>("until_day")?)?,
                    reason: row.get("reason")?,
                    created_at: instant(row.get("created_at")?)?,
                })
            })
            .collect()
    }

    /// Lets the old debts of a debtor enter that are known now (R3).
    pub async fn release_entry(&self, debtor_pk: i64, now: Timestamp) -> Result<(), StoreError> {
        self.write(query(RELEASE_ENTRY).bind(debtor_pk).bind(now.as_millisecond())).await?;
        Ok(())
    }
}
