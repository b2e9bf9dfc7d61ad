//! The story: debtors, their invoices, and what happens to them, in days from the beginning.

use anyhow::Context as _;
use serde::Deserialize;

/// All of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    pub(super) debtor: Vec<Customer>,
}

/// A customer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) language: Option<String>,
    pub(super) country: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) enterprise_no: Option<String>,
    pub(super) state: Option<String>,
    /// For the reader of the story only.
    #[serde(rename = "habit")]
    _habit: Option<String>,
    #[serde(default)]
    pub(super) invoice: Vec<Row>,
}

/// A row of the ledger.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) number: String,
    pub(super) issued: i64,
    pub(super) due: i64,
    pub(super) total: String,
    pub(super) currency: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) for_invoice: Option<String>,
    pub(super) received: Option<String>,
    pub(super) status: Option<String>,
    pub(super) visible: Option<i64>,
    #[serde(default)]
    pub(super) events: Vec<Event>,
}

/// Something that happens to a row on a day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    pub(super) day: i64,
    pub(super) paid: Option<bool>,
    pub(super) received: Option<String>,
    pub(super) due: Option<i64>,
    pub(super) reopened: Option<bool>,
    pub(super) status: Option<String>,
}

impl Row {
    /// The day on which the row appears in the ledger.
    pub(super) fn appears(&self) -> i64 {
        self.visible.unwrap_or(self.issued.max(0))
    }
}

/// Reads the story that is compiled in.
pub(super) fn load() -> anyhow::Result<Story> {
    toml::from_str(include_str!("story.toml")).context("the demo's story cannot be read")
}
