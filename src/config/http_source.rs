//! `[source]` of the kind "http": which system, where, and what it asks for by name.

use super::read::{has_login, is_loopback, schedule};
use super::secret::SecretSource;
use super::section::Section;
use super::settings::{HttpSettings, Values};
use super::system::{Auth, Grant, Name, System};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// All systems, by the names of their files.
pub(super) type Systems = BTreeMap<String, Arc<System>>;

/// What a full reading is done by, where a system can also tell what changed: at night.
const FULL: &str = "40 2 * * *";

/// The keys that only this kind has.
pub(super) const KEYS: [&str; 13] =
    ["preset", "key", "secret", "user", "database", "tenant", "company", "client_id", "currency", "zone", "full", "tokens", "ca"];

pub(super) fn read(s: &Section, systems: &Systems, base: &Path) -> Option<HttpSettings> {
    s.misplaced("path", "an HTTP source is named by \"preset\" and \"url\"; wanted the line taken out");
    for key in ["query", "reread", "booked_through"] {
        s.misplaced(key, "an HTTP source is asked no SQL; what it is asked stands in its file in sources/");
    }
    let name = s.required("preset", "the name of a system, such as \"dolibarr\"");
    let system = name.as_deref().and_then(|name| {
        let found = systems.get(name).cloned();
        if found.is_none() {
            let known: Vec<&str> = systems.keys().map(String::as_str).collect();
            s.problem("preset", format!("there is no system \"{name}\"; wanted one of: {}", known.join(", ")));
        }
        found
    });
    let insecure = s.bool("insecure").unwrap_or(false);
    let url = s.required("url", "the system's base URL, such as \"https://erp.canal.example\"");
    let url = url.map(|url| url.trim().trim_end_matches('/').to_owned());
    let url = url.and_then(|url| match unfit(&url, insecure) {
        Some(why) => {
            s.problem("url", why);
            None
        }
        None => Some(url),
    });
    let secrets = [(Name::Key, SecretSource::read(s, "key", base)), (Name::Secret, SecretSource::read(s, "secret", base))];
    let said = [Name::User, Name::Database, Name::Tenant, Name::Company, Name::ClientId, Name::Currency]
        .map(|name| (name, s.text(name.as_str(), "text").filter(|text| !text.trim().is_empty())));
    let values = Values {
        secrets: secrets.into_iter().filter_map(|(name, found)| Some((name, found?))).collect(),
        words: said.into_iter().filter_map(|(name, found)| Some((name, found?))).collect(),
    };
    let zone = s.parse("zone", "an IANA time zone such as \"Europe/Brussels\"", |text| TimeZone::get(text).ok());
    let full = if s.has("full") { s.parse_with("full", schedule) } else { schedule(FULL).ok() };
    let tokens = s.text("tokens", "a path").map(|path| base.join(path));
    let ca = s.text("ca", "a path").map(|path| base.join(path));
    let system = system?;
    let fits = needed(s, &system, &values);
    if let Auth::OAuth(oauth) = &system.auth
        && oauth.grant == Grant::Refresh
        && tokens.is_none()
    {
        s.missing("tokens", "the path of a file into which relance may write: this system gives another token each time");
        return None;
    }
    fits.then_some(())?;
    Some(HttpSettings { system, url: url?, values, zone, full: full?, tokens, ca })
}

/// Everything that the system asks for is there, and nothing that it has no use for.
fn needed(s: &Section, system: &System, values: &Values) -> bool {
    let needs = system.needs();
    let mut fits = true;
    for name in Name::SETTINGS {
        let key = name.as_str();
        match (needs.contains(&name), s.has(key)) {
            (true, false) => {
                let wanted = if name.is_secret() { "{ file = \"/path\" } or { credential = \"name\" }" } else { "text" };
                s.missing(key, &format!("{wanted}: {} asks for it", system.title));
                fits = false;
            }
            (false, true) => {
                s.problem(key, format!("{} has no use for \"{key}\"; wanted the line taken out", system.title));
                fits = false;
            }
            (true, true) => fits &= values.secrets.contains_key(&name) || values.words.contains_key(&name),
            (false, false) => {}
        }
    }
    fits
}

/// Why a URL cannot be the base. One with a login is not repeated. A key goes to another machine only encrypted, unless
/// somebody says in so many words that he means it: on the wire in between it could be read, and the ledger forged.
fn unfit(url: &str, insecure: bool) -> Option<String> {
    if has_login(url) {
        return Some("\"url\" holds a login, and a secret never stands in the configuration; wanted key = { file = \"/path\" } or { credential = \"name\" } beside it".to_owned());
    }
    let wanted = "wanted the base URL, such as \"https://erp.canal.example\"";
    if url.contains(['?', '#']) || url.contains(char::is_whitespace) {
        return Some(format!("\"url\" holds more than a base URL; {wanted}"));
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(host) = rest.map(|rest| rest.split('/').next().unwrap_or_default()).filter(|host| !host.is_empty()) else {
        return Some(format!("\"url\" is \"{url}\"; {wanted}"));
    };
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let clear = url.starts_with("http://") && !is_loopback(bare) && !insecure;
    clear.then(|| {
        format!("\"url\" is \"{url}\"; http:// is only for a system on this machine, because the key and all invoices go in the clear; wanted https://, or insecure = true where the network between is your own")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_to_another_machine_only_encrypted() {
        assert_eq!(unfit("https://erp.canal.example/sub", false), None);
        assert_eq!(unfit("http://127.0.0.1:8080", false), None);
        assert_eq!(unfit("http://[::1]:8080", false), None);
        assert_eq!(unfit("http://erp.lan", true), None);
        assert!(unfit("http://erp.lan", false).unwrap().contains("insecure = true"));
        assert!(unfit("http://127.0.0.1.evil.example", false).is_some());
        for bad in ["ftp://x", "https://", "https://x/?key=1", "erp.canal.example"] {
            assert!(unfit(bad, true).unwrap().contains("wanted the base URL"), "{bad}");
        }
        let login = unfit("https://user:hunter2@erp.example", false).unwrap();
        assert!(login.contains("holds a login") && !login.contains("hunter2"));
    }
}
