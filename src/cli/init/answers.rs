//! What was answered, by what it is about.

use crate::config::{Environment, Setup};
use std::collections::BTreeMap;
use std::path::Path;

/// What an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Name,
    Country,
    Language,
    Timezone,
    Contact,
    Iban,
    EnterpriseNo,
    Ledger,
    LedgerPassword,
    Query,
    Store,
    StorePassword,
    Smtp,
    SmtpTls,
    SmtpUser,
    SmtpPassword,
    From,
    SmsGateway,
    SmsUrl,
    SmsUser,
    SmsPassword,
    SmsFrom,
    Start,
    RedirectTo,
    MaxMessages,
    OldDebts,
}

impl Key {
    /// The flag that says it.
    pub(super) fn flag(self) -> String {
        let mut flag = "-".to_owned();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() {
                flag.push('-');
            }
            flag.push(c.to_ascii_lowercase());
        }
        flag
    }

    /// What stands in place of an answer that is still to come, so that the others can be judged.
    fn sample(self) -> Option<&'static str> {
        Some(match self {
            Key::Name => "Firm",
            Key::Country => "BE",
            Key::Language => "en",
            Key::Timezone => "Europe/Brussels",
            Key::Contact => "accounts@firm.example",
            Key::Ledger => "/ledger.db",
            Key::Store => "sqlite:///relance.db",
            Key::From => "accounts@firm.example",
            Key::Start => "dry",
            Key::MaxMessages => "50",
            _ => return None,
        })
    }
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers(BTreeMap<Key, String>);

impl Answers {
    /// Keeps an answer.
    pub(super) fn set(&mut self, key: Key, answer: impl Into<String>) {
        self.0.insert(key, answer.into());
    }

    /// Whether there is an answer.
    pub(super) fn has(&self, key: Key) -> bool {
        self.0.contains_key(&key)
    }

    /// An answer.
    pub(super) fn get(&self, key: Key) -> Option<&str> {
        self.0.get(&key).map(String::as_str)
    }

    /// An answer, or what stands in its place.
    pub(super) fn said(&self, key: Key) -> &str {
        self.get(key).or(key.sample()).unwrap_or_default()
    }

    /// Whether the ledger is a PostgreSQL database.
    pub(super) fn is_postgres(&self) -> bool {
        is_postgres(self.said(Key::Ledger))
    }

    /// Whether a relance.toml of these answers can be used, as `check` would say; the words of what cannot.
    pub(super) fn judged(&self, config: &Path, environment: &Environment) -> Result<Setup, String> {
        let told = |e: crate::config::problem::ConfigError| e.0.into_iter().map(|p| p.text).collect::<Vec<_>>().join("\n");
        Setup::draft(config, &super::render::toml(self), environment.clone()).map_err(told)
    }
}

/// Whether a ledger or store is a PostgreSQL database.
pub(super) fn is_postgres(place: &str) -> bool {
    place.starts_with("postgres://") || place.starts_with("postgresql://")
}

/// Reads `credential NAME` or `file PATH`, with a colon or a blank between, into what the configuration writes.
pub(super) fn secret(said: &str) -> Option<(&'static str, &str)> {
    let (kind, place) = said.split_once([':', ' '])?;
    let place = place.trim();
    let kind = ["credential", "file"].into_iter().find(|k| *k == kind)?;
    (!place.is_empty()).then_some((kind, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_named_after_what_they_say() {
        assert_eq!(Key::EnterpriseNo.flag(), "--enterprise-no");
        assert_eq!(Key::Iban.flag(), "--iban");
    }

    #[test]
    fn a_password_is_named_by_its_place() {
        assert_eq!(secret("credential smtp"), Some(("credential", "smtp")));
        assert_eq!(secret("file:/etc/relance/smtp password"), Some(("file", "/etc/relance/smtp password")));
        for word in ["open sesame", "s3cr3t", "", "file", "file:", "credential "] {
            assert_eq!(secret(word), None, "{word}");
        }
    }
}
