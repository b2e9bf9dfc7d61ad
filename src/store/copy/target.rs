//! The database that a store is copied to: seeing that nothing is there, the text that COPY wants, and what makes a
//! store of it that can go on.

use super::tables::{Column, LEFT, TABLES, Table, quoted};
use super::{CopyError, Places};
use crate::store::access::Tx;
use crate::store::error::StoreError;
use crate::store::migrate::{self, KNOWN};
use crate::store::postgres::SCHEMA;
use crate::store::sql::{Sql, Value, built, query};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

const THERE: Sql = Sql::same(
    "SELECT CAST(c.relname AS TEXT) FROM pg_class c WHERE c.relnamespace = to_regnamespace('relance') AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1",
);

const NUMBERED: Sql = Sql::same(
    "SELECT CAST(c.relname AS TEXT) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = to_regnamespace('relance') AND a.attname = 'pk' AND a.attidentity <> '' ORDER BY 1",
);

/// Sees that nobody uses the place, keeps everybody else out until the end of the transaction, and makes the schema.
pub(super) async fn prepare(into: &mut Tx, places: &Places) -> Result<(), CopyError> {
    let refused = |e| places.refused(e);
    migrate::wait_turn(into).await.map_err(refused)?;
    let there: Vec<String> = query(THERE).list(&mut *into).await.map_err(refused)?;
    if there.is_empty() {
        return migrate::make(into, &places.to).await.map_err(refused);
    }
    if !there.iter().any(|table| table == "meta") {
        return Err(places.in_use(format!("it has tables that are not relance's ({})", there.join(", "))));
    }
    let found = migrate::version_within(into).await.map_err(refused)?;
    if found != KNOWN {
        return Err(places.in_use(format!("its tables are of version {found}, and this program's of {KNOWN}")));
    }
    let tables: Vec<&str> = TABLES.iter().map(|t| t.name).chain(LEFT).collect();
    let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", quoted(tables));
    into.script(AssertSqlSafe(lock).into_sql_str()).await.map_err(refused)?;
    let left = LEFT.iter().map(|name| (*name, "TRUE"));
    for (name, only) in left.chain(TABLES.iter().map(|t| (t.name, t.only))) {
        let rows = built(format!("SELECT 1 FROM \"{name}\" WHERE {only} LIMIT 1"));
        if rows.optional(&mut *into).await.map_err(refused)?.is_some() {
            return Err(places.in_use(format!("its table {name} has rows")));
        }
    }
    Ok(())
}

/// The COPY of a table.
pub(super) fn statement(table: &Table, columns: &[Column]) -> String {
    format!("COPY {SCHEMA}.\"{}\" ({}) FROM STDIN", table.name, quoted(columns.iter().map(|c| c.name.as_str())))
}

/// A row as COPY reads it (https://www.postgresql.org/docs/current/sql-copy.html, text format).
pub(super) fn line(out: &mut Vec<u8>, row: &[Value]) {
    for (i, value) in row.iter().enumerate() {
        if i > 0 {
            out.push(b'\t');
        }
        match value {
            Value::Int(Some(number)) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Text(Some(text)) => text.bytes().for_each(|byte| escaped(out, byte)),
            Value::Bytes(Some(bytes)) => {
                out.extend_from_slice(b"\\\\x");
                out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
            }
            Value::Int(None) | Value::Text(None) | Value::Bytes(None) => out.extend_from_slice(b"\\N"),
        }
    }
    out.push(b'\n');
}

fn escaped(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        plain => out.push(plain),
    }
}

fn digit(half: u8) -> u8 {
    if half < 10 { b'0' + half } else { b'a' + half - 10 }
}

/// Lets new numbers begin behind those that are there, and gathers the statistics without which the first plans of the
/// server would be bad.
pub(super) async fn finish(into: &mut Tx) -> Result<(), StoreError> {
    let numbered: Vec<String> = query(NUMBERED).list(&mut *into).await?;
    for name in numbered {
        let last: i64 = built(format!("SELECT coalesce(max(pk), 0) FROM \"{name}\"")).sure(&mut *into).await?;
        // Not by setval, which would outlive a transaction that is taken back.
        let next = last.max(0).saturating_add(1);
        let restart = format!("ALTER TABLE {SCHEMA}.\"{name}\" ALTER COLUMN pk RESTART WITH {next}");
        into.script(AssertSqlSafe(restart).into_sql_str()).await?;
    }
    let tables = quoted(TABLES.iter().map(|t| t.name));
    into.script(AssertSqlSafe(format!("ANALYZE {tables}")).into_sql_str()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_as_copy_reads_it() {
        let mut out = Vec::new();
        let row = [
            Value::Int(Some(-7)),
            Value::Int(None),
            Value::Text(Some("a\tb\nc\rd\\e\\.\\N".to_owned())),
            Value::Text(Some(String::new())),
            Value::Text(None),
            Value::Bytes(Some(vec![0, 9, 10, 92, 255])),
            Value::Bytes(Some(vec![])),
            Value::Bytes(None),
        ];
        line(&mut out, &row);
        let expected = "-7\t\\N\ta\\tb\\nc\\rd\\\\e\\\\.\\\\N\t\t\\N\t\\\\x00090a5cff\t\\\\x\t\\N\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
