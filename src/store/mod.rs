//! All SQL. One file per part of the schema; one writer; nothing is kept open across the network.

pub mod alerts;
pub mod attempts;
pub mod chain;
pub mod db;
pub mod files;
pub mod holds;
pub mod ledger;
pub mod outbox;
mod packed;
pub mod payloads;
pub mod polls;
pub mod recovery;
pub mod settle;
pub mod views;

pub use db::{Store, StoreError, is_there};

/// Declares the SQL of a file by name, and lists it for the test that prepares every statement.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* pub(crate) const $name: &str = $sql;)+
        /// Every statement of this file, by name.
        pub const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name),)+];
    };
}
pub(crate) use statements;

/// Every statement of the store, by name.
pub fn all_statements() -> Vec<(&'static str, &'static str)> {
    [
        alerts::STATEMENTS,
        attempts::STATEMENTS,
        db::STATEMENTS,
        files::STATEMENTS,
        holds::STATEMENTS,
        ledger::STATEMENTS,
        outbox::STATEMENTS,
        payloads::STATEMENTS,
        polls::STATEMENTS,
        recovery::STATEMENTS,
        settle::STATEMENTS,
        views::STATEMENTS,
    ]
    .concat()
}

/// An INSERT of one row, opened for many: what stands before its VALUES.
pub(crate) fn many_rows(insert: &'static str) -> sqlx::QueryBuilder<sqlx::Sqlite> {
    sqlx::QueryBuilder::new(insert.split("VALUES").next().unwrap_or(insert))
}

/// Cuts rows into chunks of few different sizes, so that few different statements are prepared.
pub(crate) fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = [64, 16, 4, 1].into_iter().find(|size| rows.len() >= *size)?;
        let (chunk, rest) = rows.split_at(size);
        rows = rest;
        Some(chunk)
    })
}

/// A list of keys as JSON, for statements that take many at once.
pub(crate) fn keys(list: impl IntoIterator<Item = i64>) -> String {
    let parts: Vec<String> = list.into_iter().map(|k| k.to_string()).collect();
    format!("[{}]", parts.join(","))
}
