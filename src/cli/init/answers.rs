//! What was answered, by what it is about.

use crate::config::system::{Auth, Grant, Name, System};
use crate::config::{Environment, Setup, known_systems};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What an answer is about.
#[allow(clippy::enum_variant_names, reason = "each is the name of its flag")]
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
    Preset,
    LedgerKey,
    LedgerSecret,
    LedgerUser,
    LedgerDatabase,
    LedgerTenant,
    LedgerCompany,
    LedgerClientId,
    LedgerCurrency,
    LedgerTokens,
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
            Key::Preset => "list",
            Key::LedgerKey => "credential ledger",
            Key::LedgerSecret => "credential ledger-secret",
            Key::LedgerUser | Key::LedgerCompany => "1",
            Key::LedgerDatabase | Key::LedgerTenant | Key::LedgerClientId => "name",
            Key::LedgerCurrency => "EUR",
            Key::LedgerTokens => "ledger.tokens",
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

    /// What kind of ledger it is, as the configuration names it.
    pub(super) fn kind(&self) -> &'static str {
        kind(self.said(Key::Ledger))
    }

    /// The invoicing system that was named, by its file.
    pub(super) fn system(&self, config: &Path) -> Option<Arc<System>> {
        let mut known = known_systems(config.parent().unwrap_or(Path::new(".")));
        (self.kind() == "http").then(|| known.remove(self.said(Key::Preset))).flatten()
    }

    /// With something in the place of all that the system will ask for.
    fn whole(&self, config: &Path) -> Answers {
        let mut whole = self.clone();
        for key in self.system(config).iter().flat_map(|system| asked(system)) {
            let sample = key.sample().unwrap_or_default();
            whole.0.entry(key).or_insert_with(|| sample.to_owned());
        }
        whole
    }

    /// Whether a relance.toml of these answers can be used, as `check` would say; the words of what cannot.
    pub(super) fn judged(&self, config: &Path, environment: &Environment) -> Result<Setup, String> {
        let told = |e: crate::config::problem::ConfigError| e.0.into_iter().map(|p| p.text).collect::<Vec<_>>().join("\n");
        Setup::draft(config, &super::render::toml(&self.whole(config)), environment.clone()).map_err(told)
    }
}

/// What `[source]` says of an invoicing system, by the key of the answer.
pub(super) const OF_SYSTEM: [(Key, Name); 8] = [
    (Key::LedgerUser, Name::User),
    (Key::LedgerDatabase, Name::Database),
    (Key::LedgerTenant, Name::Tenant),
    (Key::LedgerCompany, Name::Company),
    (Key::LedgerClientId, Name::ClientId),
    (Key::LedgerKey, Name::Key),
    (Key::LedgerSecret, Name::Secret),
    (Key::LedgerCurrency, Name::Currency),
];

/// What a system asks for, in the order of the questions.
pub(super) fn asked(system: &System) -> Vec<Key> {
    let needs = system.needs();
    let refreshes = matches!(&system.auth, Auth::OAuth(oauth) if oauth.grant == Grant::Refresh);
    let named = OF_SYSTEM.iter().filter(|(_, name)| needs.contains(name)).map(|(key, _)| *key);
    named.chain(refreshes.then_some(Key::LedgerTokens)).collect()
}

/// What kind of ledger a place is, as the configuration names it.
pub(super) fn kind(place: &str) -> &'static str {
    let is_export = || place.to_ascii_lowercase().ends_with(".csv") || Path::new(place).is_dir();
    match place {
        _ if is_postgres(place) => "postgres",
        _ if place.starts_with("https://") || place.starts_with("http://") => "http",
        _ if is_export() => "csv",
        _ => "sqlite",
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
    fn a_ledger_is_known_by_its_place() {
        for (place, kind_of) in [
            ("/srv/books.db", "sqlite"),
            ("postgres://u@h/d", "postgres"),
            ("https://erp.canal.example", "http"),
            ("/srv/export.CSV", "csv"),
            ("/", "csv"),
        ] {
            assert_eq!(kind(place), kind_of, "{place}");
        }
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
