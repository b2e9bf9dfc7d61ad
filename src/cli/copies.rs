//! Copies of invoices, in words: for `check` whether they are there, for `explain` what became of one.

use crate::config::settings::DocumentSettings;
use crate::domain::attempt::Outcome;
use crate::domain::document::NoCopy;
use crate::domain::invoice::Invoice;
use crate::flow::copies::ATTACHED;
use crate::source::document::look;
use crate::store::attempts::AttemptRow;
use std::collections::BTreeMap;

/// So many files are looked at, and so many of those named that could not be attached.
const LOOKED_AT: usize = 100;
const NAMED: usize = 5;

/// How many of some open invoices name a document, and whether the files are there: each with its id and its document.
/// `None` where no document is named and none is wanted.
pub(super) fn told(settings: Option<&DocumentSettings>, invoices: &[(String, Option<String>)]) -> Option<String> {
    let named: Vec<(&str, &str)> =
        invoices.iter().filter_map(|(id, document)| Some((id.as_str(), document.as_deref()?.trim()))).collect();
    let mut text = format!("{} of {} open invoices name a document", named.len(), invoices.len());
    let Some(settings) = settings else {
        text.push_str("; no copy is attached, because there is no section [documents]");
        return (!named.is_empty()).then_some(text);
    };
    if !settings.folder.is_dir() {
        return Some(format!("CAUTION: {text}, but the folder {} cannot be entered", settings.folder.display()));
    }
    let looked: Vec<(&str, Result<u64, NoCopy>)> =
        named.iter().take(LOOKED_AT).map(|(id, name)| (*id, look(&settings.folder, name))).collect();
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, why) in looked.iter().filter_map(|(id, found)| Some((*id, found.err()?))) {
        missing.entry(why.text()).or_default().push(id);
    }
    text.push_str(&format!(
        "; of {} looked at, {} can be attached",
        looked.len(),
        looked.iter().filter(|(_, f)| f.is_ok()).count()
    ));
    for (why, ids) in &missing {
        let more = if ids.len() > NAMED { ", …" } else { "" };
        let some = ids.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        text.push_str(&format!("; {}: {why} ({some}{more})", ids.len()));
    }
    Some(if missing.is_empty() { text } else { format!("CAUTION: {text}") })
}

/// What became of an invoice's copy, and what would become of it now.
pub(super) fn notes(settings: Option<&DocumentSettings>, invoice: &Invoice, attempts: &[AttemptRow]) -> Vec<String> {
    let Some(settings) = settings else { return Vec::new() };
    let mut notes = Vec::new();
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    for attempt in attempts.iter().filter(|a| matches!(a.outcome, Outcome::Accepted | Outcome::Unknown)) {
        let about = super::log::invoices(attempt).into_iter().find(|i| i["id"] == invoice.id.as_str());
        if let Some(word) = about.as_ref().and_then(|i| i["copy"].as_str()) {
            *left.entry(word.to_owned()).or_default() += 1;
        }
    }
    if !left.is_empty() {
        let with = left.remove(ATTACHED).unwrap_or_default();
        let without: Vec<String> = left.iter().map(|(word, n)| format!("{n} without it ({word})")).collect();
        let without = if without.is_empty() { String::new() } else { format!(", {}", without.join(", ")) };
        notes.push(format!("its copy: {with} {} left with it{without}", if with == 1 { "message" } else { "messages" }));
    }
    let name = invoice.document.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if let Some(why) = name.ok_or(NoCopy::None).and_then(|name| look(&settings.folder, name)).err() {
        notes.push(format!("its copy cannot be attached: {}", why.text()));
    }
    notes
}
