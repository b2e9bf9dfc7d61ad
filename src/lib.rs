//! relance watches a firm's invoices and writes to its customers before and
//! after the due date. See ARCHITECTURE.md for the map.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: `cli/out.rs` does not.

pub mod bank;
pub mod channel;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod domain;
pub mod flow;
pub mod inbox;
pub mod journal;
pub mod letter;
pub mod observe;
pub mod postgres;
pub mod rehearsal;
pub mod source;
pub mod store;
pub mod tls;
pub mod web;
