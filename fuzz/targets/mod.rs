//! What outside data may do to the program, as functions over bytes: none may panic, take long or grow without bound, and what
//! is read must have the properties that the rest relies on. `tests/run` calls them with the corpus and some mutations,
//! `tests/fuzz` for as long as one likes, guided by coverage. Nothing of this is in the shipped program.

pub mod bank;
pub mod hooks;
pub mod inbox;
pub mod ledger;
pub mod letters;
pub mod settings;
pub mod small;
pub mod wire;

/// A target: it panics on an input that shows a fault.
pub type Target = fn(&[u8]);

/// All targets by the name of their corpus, with how many mutated inputs the short run tries: the slower, the fewer.
pub const TARGETS: &[(&str, Target, usize)] = &[
    ("address", small::address, 3000),
    ("back_on", inbox::back_on, 4000),
    ("bank", bank::bank, 2000),
    ("cadence", settings::cadence, 400),
    ("cadence_test", settings::cadence_test, 300),
    ("calendar", settings::calendar, 200),
    ("contacts", ledger::contacts, 3000),
    ("cron", small::cron, 300),
    ("csv", bank::csv, 2000),
    ("document", small::document, 3000),
    ("form", hooks::page_form, 3000),
    ("gateway", settings::gateway, 1000),
    ("gateway_answer", wire::gateway_answer, 2000),
    ("imap_answer", inbox::imap_answer, 3000),
    ("item", ledger::item, 1000),
    ("law", settings::law, 600),
    ("letter", letters::letter, 40),
    ("mail_back", wire::mail_back, 2000),
    ("mail_built", wire::mail_built, 1000),
    ("mail_in", inbox::mail_in, 2000),
    ("money", small::money, 5000),
    ("own_words", inbox::own_words, 2000),
    ("receipt", hooks::receipt, 3000),
    ("row", ledger::row, 1500),
    ("setting", settings::setting, 40),
    ("settings", settings::settings, 40),
    ("smtp_reply", wire::smtp_reply, 2000),
    ("source_file", settings::source_file, 300),
    ("url", small::url, 2000),
    ("values", letters::values, 60),
    ("when", small::when, 3000),
    ("words", settings::words, 200),
];

/// Bytes as text, as a file or a server's words are read.
fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// A text in two, at its first line end.
fn halves(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}
