//! The whole ledger in one statement: a cursor in a transaction, from which page after page is fetched.

use super::super::row::{Cell, Columns, RawRow};
use super::super::{Page, SourceError, doubled};
use super::connections::Lease;
use super::relation::Relation;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgRow;
use std::sync::Arc;

/// A reading under way.
#[derive(Debug)]
pub struct Cursor {
    /// `None` when the last page has been read, or the reading broke off.
    lease: Option<Lease>,
    ended: bool,
    columns: Columns,
    ledger: Arc<Relation>,
    limit: usize,
    edge: Edge,
    /// Rows without any id so far.
    nameless: usize,
}

/// What the last page left for the next, so that an id that stands twice is always seen whole.
#[derive(Debug)]
enum Edge {
    Clean,
    /// The last row: what comes next may have its id.
    Held(Box<RawRow>),
    /// The last row's id stood twice already; what else has it adds nothing.
    Skip(String),
}

impl Cursor {
    /// Begins to read. Nothing is worked out before the first page.
    pub(super) async fn declare(
        mut lease: Lease,
        columns: &Columns,
        ledger: Arc<Relation>,
        limit: usize,
    ) -> Result<Cursor, SourceError> {
        let sql = format!(
            "DECLARE relance_rows NO SCROLL CURSOR WITHOUT HOLD FOR {} ORDER BY {}",
            ledger.select(),
            ledger.ids.in_order()
        );
        // Prepared, so that it can be one statement only; not kept, because it is used once.
        lease.run("query", async |c| sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(c).await).await?;
        Ok(Cursor { lease: Some(lease), ended: false, columns: columns.clone(), ledger, limit, edge: Edge::Clean, nameless: 0 })
    }

    /// The next page. An error, like not waiting for the answer, closes the connection, and with it the transaction.
    pub async fn next_page(&mut self) -> Result<Option<Page>, SourceError> {
        let Some(mut lease) = self.lease.take() else {
            let broken = SourceError::Query { what: "query", why: "its reading was broken off".to_owned() };
            return if self.ended { Ok(None) } else { Err(broken) };
        };
        // With the row that is held, or is going to be, one more than the page takes.
        let count = self.limit + usize::from(!matches!(self.edge, Edge::Held(_)));
        let fetch = format!("FETCH FORWARD {count} FROM relance_rows");
        let fetched = lease.run("query", async |c| sqlx::raw_sql(AssertSqlSafe(fetch)).fetch_all(c).await).await?;
        let (page, more) = self.page(&fetched, fetched.len() == count);
        if more {
            self.lease = Some(lease);
        } else {
            self.ended = true;
            lease.end().await;
        }
        Ok(Some(page))
    }

    /// Ends the reading before its last page.
    pub async fn end(self) {
        if let Some(lease) = self.lease {
            lease.end().await;
        }
    }

    /// Makes a page of what was fetched; says whether there may be more.
    fn page(&mut self, fetched: &[PgRow], mut more: bool) -> (Page, bool) {
        let (mut rows, skip) = match std::mem::replace(&mut self.edge, Edge::Clean) {
            Edge::Clean => (Vec::with_capacity(fetched.len()), None),
            Edge::Held(row) => (vec![*row], None),
            Edge::Skip(id) => (Vec::with_capacity(fetched.len()), Some(id)),
        };
        let place = self.columns.place("invoice_id").unwrap_or(0);
        for row in fetched {
            let cells = self.ledger.cells(row);
            if cells.get(place) == Some(&Cell::Null) {
                // They come last; as many as a page holds are enough to report.
                self.nameless += 1;
                if self.nameless > self.limit {
                    more = false;
                    break;
                }
            }
            let row = RawRow::new(&self.columns, cells);
            if !row.has_id() || skip.as_ref() != Some(&row.id) {
                rows.push(row);
            }
        }
        let doubled = doubled(&rows);
        if more {
            self.edge = match rows.last() {
                // All that was fetched has the id that is passed over.
                None => skip.map_or(Edge::Clean, Edge::Skip),
                Some(last) if doubled.last() == Some(&last.id) => Edge::Skip(last.id.clone()),
                Some(_) => rows.pop().map_or(Edge::Clean, |row| Edge::Held(Box::new(row))),
            };
        }
        (Page { rows, doubled }, more)
    }
}
