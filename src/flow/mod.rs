//! The pumps: collect, plan, deliver, review, and what listens (inbox, bank). Each is one step that a test calls by hand and that the
//! daemon calls when the bell rings. What is due is decided by the database and the clock, never by the bell.

pub mod absorb;
pub mod account;
pub mod answers;
pub mod approvals;
pub mod bank;
pub mod brake;
pub mod called;
pub mod calls;
pub mod collect;
mod common;
pub mod compose;
mod contact;
pub mod copies;
pub mod deliver;
pub mod desk;
mod error;
mod gone;
pub mod guard;
pub mod hook;
pub mod listen;
mod look;
mod outcome;
pub mod plan;
pub mod points;
mod prepare;
pub mod presence;
pub mod pulse;
pub mod reach;
mod record;
pub mod report;
mod reread;
pub mod rest;
pub mod retain;
pub mod review;
pub mod rules;
pub mod simulate;
pub mod tally;
pub mod tell;
pub mod tie;
pub mod told;
pub mod word;
pub mod work;
mod workers;

pub use desk::{Desk, DeskError};
