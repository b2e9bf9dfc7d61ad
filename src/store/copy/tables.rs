//! The tables that are copied, and how they are read: in the order of their primary keys, which is the same on both
//! databases, and a page at a time.

use crate::store::access::Tx;
use crate::store::error::StoreError;
use crate::store::sql::{Query, Row, Sql, Value, built, query};
use sha2::{Digest as _, Sha256};

/// A table.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Its primary key.
    key: &'static [&'static str],
    /// Which of its rows come along; those that do not belong to the one database or the other.
    pub(super) only: &'static str,
}

const fn all(name: &'static str, key: &'static [&'static str]) -> Table {
    Table { name, key, only: "TRUE" }
}

/// What comes along, each behind all that it refers to. Left behind are `session` and `duty`: who is at work there is
/// not at work here.
pub(super) const TABLES: [Table; 33] = [
    // The version and the count of what others have written are each store's own; the mark stays with the file.
    Table { name: "meta", key: &["key"], only: "key NOT IN ('version', 'written', 'moved_to')" },
    all("poll", &["pk"]),
    all("debtor", &["pk"]),
    all("invoice", &["pk"]),
    all("unreadable", &["source_id"]),
    all("event", &["pk"]),
    all("contact", &["pk"]),
    all("mark", &["invoice_pk", "term", "step"]),
    all("dictionary", &["pk"]),
    all("payload", &["pk"]),
    all("document", &["pk"]),
    all("payload_document", &["payload_pk", "place"]),
    all("message", &["pk"]),
    all("inbound", &["pk"]),
    all("proposal", &["pk"]),
    all("hold", &["pk"]),
    all("bank_file", &["pk"]),
    all("bank_entry", &["pk"]),
    all("bank_match", &["pk"]),
    all("bookmark", &["name"]),
    all("stopped", &["channel", "address"]),
    all("attempt", &["pk"]),
    all("words", &["attempt_pk"]),
    all("tombstone", &["pk"]),
    all("point", &["debtor_pk", "channel", "address"]),
    all("brake", &["kind"]),
    all("alert", &["pk"]),
    all("standing", &["pk"]),
    all("task", &["pk"]),
    all("call", &["pk"]),
    all("promise", &["pk"]),
    all("question", &["pk"]),
    all("report", &["day", "address"]),
];

/// The tables that are left behind.
pub(super) const LEFT: [&str; 2] = ["session", "duty"];

/// The tables that are copied, and those that are not.
pub fn names() -> (Vec<&'static str>, Vec<&'static str>) {
    (TABLES.iter().map(|t| t.name).collect(), LEFT.to_vec())
}

/// A column as SQLite has it.
pub(super) struct Column {
    pub(super) name: String,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Bytes,
}

const COLUMNS: Sql = Sql::same("SELECT name, type FROM pragma_table_info($1) ORDER BY cid");

impl Table {
    /// The columns, as the file has them.
    pub(super) async fn columns(&self, from: &mut Tx) -> Result<Vec<Column>, StoreError> {
        let rows = query(COLUMNS).bind(self.name).all(from).await?;
        rows.iter().map(column).collect()
    }

    /// A text of a row that PostgreSQL cannot hold: its column, and what the row is known by. Of a key of several
    /// columns the first, so that no address stands in an error.
    pub(super) fn nul(&self, columns: &[Column], row: &[Value]) -> Option<(String, String)> {
        let at = row.iter().position(|value| matches!(value, Value::Text(Some(text)) if text.contains('\0')))?;
        let known = match self.key_of(columns, row).into_iter().next() {
            Some(Value::Int(Some(number))) => number.to_string(),
            Some(Value::Text(Some(text))) => format!("{text:?}"),
            _ => "no key".to_owned(),
        };
        Some((columns.get(at)?.name.clone(), format!("{} {known}", self.key.first()?)))
    }

    fn key_of(&self, columns: &[Column], row: &[Value]) -> Vec<Value> {
        let place = |name: &&str| columns.iter().position(|column| column.name == **name);
        self.key.iter().filter_map(place).filter_map(|i| row.get(i).cloned()).collect()
    }
}

fn column(row: &Row) -> Result<Column, StoreError> {
    let (name, kind): (String, String) = (row.get("name")?, row.get("type")?);
    let kind = match kind.as_str() {
        "INTEGER" => Kind::Int,
        "TEXT" => Kind::Text,
        "BLOB" => Kind::Bytes,
        other => return Err(StoreError::Corrupt(format!("the column {name} is of the type {other}"))),
    };
    Ok(Column { name, kind })
}

/// Names in quotation marks, as a list.
pub(super) fn quoted<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

/// So many bytes a page is to have, more or less.
const PAGE: usize = 1 << 20;

/// And so many rows at first and at most. The first page is small: nobody knows yet how long a row is.
const ROWS: (usize, usize) = (16, 4000);

/// Reads a table from its beginning to its end.
pub(super) struct Pages<'t> {
    table: &'t Table,
    columns: &'t [Column],
    limit: usize,
    /// The key of the last row that was read.
    after: Option<Vec<Value>>,
}

impl<'t> Pages<'t> {
    pub(super) fn new(table: &'t Table, columns: &'t [Column]) -> Pages<'t> {
        Pages { table, columns, limit: ROWS.0, after: None }
    }

    /// The next rows; none at the end.
    pub(super) async fn next(&mut self, tx: &mut Tx) -> Result<Vec<Vec<Value>>, StoreError> {
        let rows = self.query().all(tx).await?;
        let page: Result<Vec<Vec<Value>>, StoreError> = rows.iter().map(|row| self.values(row)).collect();
        let page = page?;
        if let Some(last) = page.last() {
            self.after = Some(self.table.key_of(self.columns, last));
            let bytes: usize = page.iter().flatten().map(size).sum();
            self.limit = (PAGE / (bytes / page.len()).max(1)).clamp(1, ROWS.1);
        }
        Ok(page)
    }

    fn query(&self) -> Query {
        let Table { name, key, only } = self.table;
        let (columns, key) = (quoted(self.columns.iter().map(|c| c.name.as_str())), quoted(key.iter().copied()));
        let after = self.after.iter().flatten();
        let places: Vec<String> = (2..=after.clone().count() + 1).map(|n| format!("${n}")).collect();
        let behind = if places.is_empty() { String::new() } else { format!(" AND ({key}) > ({})", places.join(", ")) };
        let text = format!("SELECT {columns} FROM \"{name}\" WHERE {only}{behind} ORDER BY {key} LIMIT $1");
        after.fold(built(text).bind(self.limit as i64), |query, value| query.bind(value.clone()))
    }

    fn values(&self, row: &Row) -> Result<Vec<Value>, StoreError> {
        let value = |(i, column): (usize, &Column)| {
            Ok(match column.kind {
                Kind::Int => Value::Int(row.at(i)?),
                Kind::Text => Value::Text(row.at(i)?),
                Kind::Bytes => Value::Bytes(row.at(i)?),
            })
        };
        self.columns.iter().enumerate().map(value).collect()
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Int(_) => 8,
        Value::Text(text) => text.as_ref().map_or(1, String::len),
        Value::Bytes(bytes) => bytes.as_ref().map_or(1, Vec::len),
    }
}

/// A SHA-256 over all values of a table, each with its length; what is not there goes in otherwise than what is empty.
#[derive(Default)]
pub(super) struct Digest {
    pub(super) rows: u64,
    hash: Sha256,
}

impl Digest {
    /// Adds a row.
    pub(super) fn add(&mut self, row: &[Value]) {
        self.rows += 1;
        for value in row {
            match value {
                Value::Int(number) => self.add_bytes(number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice)),
                Value::Text(text) => self.add_bytes(text.as_deref().map(str::as_bytes)),
                Value::Bytes(bytes) => self.add_bytes(bytes.as_deref()),
            }
        }
    }

    fn add_bytes(&mut self, bytes: Option<&[u8]>) {
        self.hash.update(bytes.map_or(u64::MAX, |b| b.len() as u64).to_be_bytes());
        self.hash.update(bytes.unwrap_or_default());
    }

    /// The hash of what was added.
    pub(super) fn hash(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }
}
