//! The morning report: what it says over a ledger with everything in it, when it leaves, and that it leaves once (R28).

mod forms;
pub mod full;
mod send;
mod tie;
mod words;

use crate::support::World;
use relance::flow::report;

/// The morning after a holiday, half past seven.
pub const MORNING: &str = "2026-11-12T07:30:00+01:00";

/// The report as text in a language.
pub async fn text(world: &World, language: &str) -> String {
    let built = report::build(world.desk()).await.unwrap();
    report::page(world.desk(), &built, language, report::Form::Table).unwrap().text(80)
}

/// The report as JSON.
pub async fn object(world: &World) -> serde_json::Value {
    let built = report::build(world.desk()).await.unwrap();
    report::json(world.desk(), &built, |at| at.to_string())
}
