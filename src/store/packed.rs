//! Many rows as one text. The driver hands every row of a statement over from the database's own thread to the
//! task that waits for it: two wake-ups a row, which cost more than reading it. Where a statement reads rows for
//! many debtors or messages at once, it gives them as one JSON array instead.

use super::db::StoreError;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{Sqlite, SqliteArguments};

/// A SELECT that gives one row with one text: an array with an array of the columns for each row.
macro_rules! packed {
    ($columns:literal $from:literal) => {
        concat!("SELECT json_group_array(json_array(", $columns, ")) ", $from)
    };
    ($columns:literal $from:literal by $order:literal) => {
        concat!("SELECT json_group_array(json_array(", $columns, ") ORDER BY ", $order, ") ", $from)
    };
}
pub(super) use packed;

/// Reads the rows of such a statement. The fields of `T` stand in the order of its columns.
pub(super) async fn unpack<'q, T: DeserializeOwned>(
    query: sqlx::query::Query<'q, Sqlite, SqliteArguments>,
    connection: &mut sqlx::SqliteConnection,
) -> Result<Vec<T>, StoreError> {
    let row = query.fetch_one(connection).await?;
    let text: &str = sqlx::Row::try_get(&row, 0)?;
    serde_json::from_str(text).map_err(|e| StoreError::Corrupt(format!("a row cannot be read: {e}")))
}

/// Rows for a statement that takes many at once, as one text.
pub(super) fn json(list: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(|e| StoreError::Corrupt(e.to_string()))
}
