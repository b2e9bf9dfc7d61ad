//! All SQL on our own store, written once for SQLite and PostgreSQL. One file per part of the schema; one pen; nothing
//! is kept open across the network.

mod access;
pub mod alerts;
pub mod attempts;
pub mod bank;
pub mod calls;
pub mod chain;
pub mod copy;
pub mod db;
pub mod documents;
mod error;
pub mod figures;
pub mod files;
pub mod holds;
pub mod ledger;
mod migrate;
pub mod outbox;
mod packed;
pub mod payloads;
pub mod person;
pub mod plan;
pub mod polls;
mod postgres;
pub mod proposals;
pub mod questions;
pub mod reach;
pub mod receipts;
pub mod recovery;
pub mod reports;
pub mod returns;
pub mod said;
pub mod sessions;
pub mod settle;
pub mod sql;
pub mod sqlite;
pub mod standings;
pub mod stopped;
pub mod tasks;
pub mod views;

pub use db::{Store, is_there};
pub use error::StoreError;

/// Declares the SQL of a file by name, and lists it for the test that prepares every statement. A text is the same for
/// both databases; `each!` and `packed!` give one for each.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:tt $(! $body:tt)?;)+) => {
        $($(#[$doc])* pub(crate) const $name: $crate::store::sql::Sql = $crate::store::statement!($text $(! $body)?);)+
        /// Every statement of this file, by name.
        pub const STATEMENTS: &[(&str, $crate::store::sql::Sql)] = &[$((stringify!($name), $name),)+];
    };
}
pub(crate) use statements;

/// The words of a statement.
macro_rules! statement {
    ($text:literal) => {
        $crate::store::sql::Sql::same($text)
    };
    (each ! { sqlite $sqlite:literal, postgres $postgres:literal }) => {
        $crate::store::sql::Sql::each($sqlite, $postgres)
    };
    (each ! ( sqlite $sqlite:literal, postgres $postgres:literal )) => {
        $crate::store::sql::Sql::each($sqlite, $postgres)
    };
    ($other:ident ! $body:tt) => {
        $other! $body
    };
}
pub(crate) use statement;

/// Every statement of the store, by name.
pub fn all_statements() -> Vec<(&'static str, sql::Sql)> {
    [
        alerts::STATEMENTS,
        attempts::STATEMENTS,
        bank::STATEMENTS,
        bank::files::STATEMENTS,
        bank::hold::STATEMENTS,
        bank::take::STATEMENTS,
        calls::STATEMENTS,
        db::STATEMENTS,
        documents::STATEMENTS,
        figures::STATEMENTS,
        files::rows::STATEMENTS,
        holds::STATEMENTS,
        ledger::STATEMENTS,
        outbox::STATEMENTS,
        payloads::STATEMENTS,
        person::erase::STATEMENTS,
        person::export::STATEMENTS,
        person::places::STATEMENTS,
        person::retention::STATEMENTS,
        plan::STATEMENTS,
        polls::STATEMENTS,
        proposals::STATEMENTS,
        questions::STATEMENTS,
        reach::STATEMENTS,
        recovery::STATEMENTS,
        reports::STATEMENTS,
        receipts::STATEMENTS,
        returns::STATEMENTS,
        stopped::STATEMENTS,
        sessions::STATEMENTS,
        settle::STATEMENTS,
        tasks::STATEMENTS,
        views::STATEMENTS,
        standings::STATEMENTS,
        said::STATEMENTS,
    ]
    .concat()
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
