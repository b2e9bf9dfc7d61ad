//! `[retention]`: how long personal data is kept.

use super::section::Section;
use super::settings::Retention;
use crate::domain::keep::Keep;

/// The default of every class. What is settled serves nothing but answering questions about it, and those end with the
/// claim's limitation: 3 years is what German law gives most claims (BGB section 195), more than French law gives those of
/// firms against consumers (Code de la consommation L218-2), and what data-protection authorities take as the measure for
/// customers of the past. The books, which must be kept for longer, are the ledger's and not relance's.
const DEFAULT: Keep = Keep::For { days: 0, months: 36 };

const WANTED: &str = "\"forever\" or a time such as \"3 years\", \"18 months\" or \"90 days\", at least 30 days";

/// Reads the section; left out, every class has its default.
pub(super) fn read(section: Option<Section>) -> Option<Retention> {
    let Some(s) = section else {
        return Some(Retention { messages: DEFAULT, notes: DEFAULT, customers: DEFAULT });
    };
    // Never the default because a word was mistyped: what is erased does not come back.
    let class = |key: &str| if s.has(key) { s.parse(key, WANTED, Keep::parse) } else { Some(DEFAULT) };
    let (messages, notes, customers) = (class("messages"), class("notes"), class("customers"));
    s.finish();
    Some(Retention { messages: messages?, notes: notes?, customers: customers? })
}
