//! Many rows as one text. SQLite's driver hands every row of a statement over from the database's own thread to the
//! task that waits for it: two wake-ups a row, which cost more than reading it. Where a statement reads rows for
//! many debtors or messages at once, it gives them as one JSON array instead.

use super::error::StoreError;
use super::sql::{Query, Target};
use serde::de::DeserializeOwned;

/// A SELECT that gives one row with one text: an array with an array of the columns for each row.
macro_rules! packed {
    ($columns:literal $from:literal $(by $order:literal)?) => {
        $crate::store::sql::Sql::each(
            concat!("SELECT json_group_array(json_array(", $columns, ")", $(" ORDER BY ", $order,)? ") ", $from),
            concat!("SELECT coalesce(CAST(json_agg(json_build_array(", $columns, ")", $(" ORDER BY ", $order,)? ") AS TEXT), '[]') ", $from),
        )
    };
    // What stands behind the rows' own statement differs.
    ($columns:literal sqlite $sqlite:literal postgres $postgres:literal by $order:literal) => {
        $crate::store::sql::Sql::each(
            concat!("SELECT json_group_array(json_array(", $columns, ") ORDER BY ", $order, ") ", $sqlite),
            concat!("SELECT coalesce(CAST(json_agg(json_build_array(", $columns, ") ORDER BY ", $order, ") AS TEXT), '[]') ", $postgres),
        )
    };
}
pub(super) use packed;

/// Reads the rows of such a statement. The fields of `T` stand in the order of its columns.
pub(super) async fn unpack<T: DeserializeOwned>(query: Query, on: impl Target) -> Result<Vec<T>, StoreError> {
    let text: String = query.sure(on).await?;
    serde_json::from_str(&text).map_err(|e| StoreError::Corrupt(format!("a row cannot be read: {e}")))
}

/// Rows for a statement that takes many at once, as one text.
pub(super) fn json(list: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// Texts for a statement that takes many at once: each in a list of its own, which both databases take apart alike.
pub(super) fn names<T: AsRef<str>>(list: &[T]) -> Result<String, StoreError> {
    json(&list.iter().map(|name| [name.as_ref()]).collect::<Vec<_>>())
}
