//! All SQL. One file per part of the schema; one writer; nothing is kept open across the network.

pub mod alerts;
pub mod attempts;
pub mod db;
pub mod files;
pub mod holds;
pub mod ledger;
pub mod outbox;
pub mod payloads;
pub mod polls;
pub mod recovery;
pub mod settle;
pub mod views;

pub use db::{Store, StoreError};

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

/// A list of keys as JSON, for statements that take many at once.
pub(crate) fn keys(list: impl IntoIterator<Item = i64>) -> String {
    let parts: Vec<String> = list.into_iter().map(|k| k.to_string()).collect();
    format!("[{}]", parts.join(","))
}
