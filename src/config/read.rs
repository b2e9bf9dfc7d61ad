//! From the tree of relance.toml to [`Settings`].

use super::database::{self, DatabaseSettings};
use super::documents;
use super::gateway::Gateway;
use super::node::Node;
use super::problem::Problems;
use super::secret::SecretSource;
use super::section::Section;
use super::settings::*;
use crate::domain::calendar::Calendar;
use crate::domain::country::is_country;
use crate::domain::decision::{Ceilings, OldDebts, Policy};
use crate::domain::money::Threshold;
use crate::domain::when::Delay;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// What settings may name: calendars and gateways, already read.
pub(super) struct Shelf<'a> {
    pub(super) calendars: &'a BTreeMap<String, Arc<Calendar>>,
    pub(super) gateways: &'a BTreeMap<String, Arc<Gateway>>,
    /// Languages that have words for letters.
    pub(super) languages: BTreeSet<&'a str>,
    /// Relative paths are taken from here: the folder of relance.toml.
    pub(super) systems: &'a super::http_source::Systems,
    pub(super) base: &'a Path,
}

/// Reads the whole tree; `None` when something needed is missing or wrong (the problems say what).
pub(super) fn settings(root: &Node, shelf: &Shelf, problems: &Problems) -> Option<Settings> {
    let top = Section::new("", root, problems);
    let part = |key: &str| {
        let section = top.section(key);
        if section.is_none() && !top.has(key) && matches!(key, "creditor" | "source" | "store") {
            top.problem(key, format!("the section [{key}] is missing"));
        }
        section
    };
    let creditor = part("creditor").and_then(|s| creditor(s, shelf));
    let source = part("source").and_then(|s| super::source::read(s, shelf.systems, shelf.base));
    let store = part("store").and_then(|s| store(s, shelf));
    let email = part("email").map(|s| email(s, shelf));
    let sms = part("sms").map(|s| sms(s, shelf));
    let inbox = part("inbox").map(|s| super::inbox::read(s, shelf.base));
    let bank = part("bank").map(|s| super::bank::read(s, shelf.base));
    let documents = part("documents").map(|s| documents::read(s, shelf.base));
    let guard = guard(part("guard"));
    let people = part("people").map(super::people::read);
    let retention = super::retention::read(part("retention"));
    let observe = part("observe").map(super::observe::read);
    let listen = part("listen").map(|s| super::listen::read(s, shelf.base));
    let answers = part("answers").map(super::answers::read);
    let report = super::report::read(part("report"), creditor.as_ref().map(|c| c.contact.as_str()));
    if let (Some(Some(listen)), Some(Some(sms))) = (&listen, &sms)
        && let Some(why) = listen.unfit(sms)
    {
        top.problem("listen", why);
    }
    top.finish();
    if let (Some((source, _)), Some(store)) = (&source, &store)
        && let StorePlace::Sqlite(own) = &store.place
        && let SourceKind::Sqlite(path) = &source.kind
        && same_file(path, own)
        && let Some((at, _)) = root.find(&["store", "url"])
    {
        problems.add(at, "\"url\" is the ledger itself; wanted a file of its own, into which relance may write");
    }
    let (source, grace) = source?;
    let (guard, mut policy) = guard?;
    policy.grace = grace;
    let people = optional(people)?.unwrap_or_default();
    let (email, sms, retention, report) = (optional(email)?, optional(sms)?, retention?, report?);
    let (observe, listen) = (optional(observe)?.unwrap_or_default(), optional(listen)?);
    let answers = optional(answers)?;
    let bank = optional(bank)?;
    let (creditor, store, documents, inbox) = (creditor?, store?, optional(documents)?, optional(inbox)?);
    Some(Settings {
        creditor,
        source,
        store,
        email,
        sms,
        inbox,
        bank,
        documents,
        guard,
        policy,
        people,
        retention,
        report,
        observe,
        listen,
        answers,
    })
}

/// Whether two paths lead to one file, there or not yet.
fn same_file(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| {
        let folder = path.parent().and_then(|p| p.canonicalize().ok());
        path.canonicalize().ok().or_else(|| Some(folder?.join(path.file_name()?))).unwrap_or_else(|| path.to_path_buf())
    };
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    whole(a) == whole(b) || (identity(a).is_some() && identity(a) == identity(b))
}

/// Text that goes onto one line of a letter or a header.
fn on_one_line(s: &Section, key: &str, text: Option<String>) -> Option<String> {
    text.filter(|text| {
        let tame = !text.chars().any(char::is_control);
        if !tame {
            s.problem(key, format!("\"{key}\" holds a line end or another control character; wanted plain text on one line"));
        }
        tame
    })
}

/// A section that is there must be right.
pub(super) fn optional<T>(section: Option<Option<T>>) -> Option<Option<T>> {
    match section {
        None => Some(None),
        Some(None) => None,
        Some(Some(read)) => Some(Some(read)),
    }
}

fn creditor(s: Section, shelf: &Shelf) -> Option<Creditor> {
    let name = on_one_line(&s, "name", s.required("name", "the firm's name as it stands in letters"));
    let country = s.required("country", "an ISO 3166 code such as \"BE\"").filter(|c| {
        let fits = is_country(c);
        if !fits {
            s.problem("country", format!("\"country\" is \"{c}\"; wanted an ISO 3166 code such as \"BE\""));
        }
        fits
    });
    let spoken = format!("a language with letters: {}", shelf.languages.iter().copied().collect::<Vec<_>>().join(", "));
    let language = s.required("language", &spoken).filter(|language| {
        let lower = language.to_ascii_lowercase();
        let base = lower.split(['-', '_']).next().unwrap_or_default();
        let known = [lower.as_str(), base].into_iter().any(|l| shelf.languages.contains(l));
        if !known {
            s.problem("language", format!("\"language\" is \"{language}\"; wanted {spoken}"));
        }
        known
    });
    let timezone = match s.has("timezone") {
        true => s.parse("timezone", "an IANA time zone such as \"Europe/Brussels\"", |t| TimeZone::get(t).ok()),
        false => {
            s.missing("timezone", "an IANA time zone such as \"Europe/Brussels\"");
            None
        }
    };
    let iban = s.parse_with("iban", |text| {
        let iban: iban::Iban = text.parse().map_err(|e: iban::ParseIbanError| format!("not a valid IBAN ({e})"))?;
        Ok(iban::IbanLike::electronic_str(&iban).to_owned())
    });
    let has_iban = s.has("iban");
    let enterprise_no =
        on_one_line(&s, "enterprise_no", s.text("enterprise_no", "the firm's number in the register of enterprises"));
    let contact = s.required("contact", "an e-mail address for replies and alerts").and_then(|text| {
        let address = lettre::Address::from_str(&text).ok();
        if address.is_none() {
            s.problem("contact", format!("\"contact\" is \"{text}\"; wanted an e-mail address"));
        }
        address.map(|a| a.to_string())
    });
    s.finish();
    let country = country?;
    let calendar = shelf.calendars.get(&country).cloned();
    let iban = if has_iban { Some(iban?) } else { None };
    Some(Creditor {
        name: name?,
        language: language?,
        timezone: timezone?,
        iban,
        enterprise_no,
        contact: contact?,
        calendar,
        country,
    })
}

/// Reads a cron expression of five fields, or six with seconds first.
pub fn schedule(text: &str) -> Result<Schedule, String> {
    let wanted = "wanted a cron expression of five fields (minute hour day month weekday), or six with seconds first, e.g. \"*/10 * * * *\"";
    if !matches!(text.split_ascii_whitespace().count(), 5 | 6) {
        return Err(wanted.to_owned());
    }
    let parser = croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Optional).build();
    let cron = parser.parse(text).map_err(|e| format!("{}; {wanted}", e.to_string().trim_end_matches('.')))?;
    // Any moment will do to see whether there is a next one at all; a leap day is at most eight years away.
    if cron.find_next_occurrence(&chrono::DateTime::UNIX_EPOCH, false).is_err() {
        return Err("there is no such day; wanted an expression that comes true".to_owned());
    }
    Ok(Schedule { text: text.to_owned(), cron })
}

fn store(s: Section, shelf: &Shelf) -> Option<StoreSettings> {
    let wanted = "\"sqlite:///path/to/relance.db\" or \"postgres://user@host/database\"";
    if !s.has("url") {
        s.missing("url", wanted);
    }
    let shared = s.word("url").is_some_and(|url| database::is_postgres(url.trim()));
    let place = match shared {
        true => DatabaseSettings::read(&s, shelf.base).map(StorePlace::Postgres),
        false => s
            .parse("url", wanted, |url| url.strip_prefix("sqlite://").filter(|p| !p.is_empty()).map(|p| shelf.base.join(p)))
            .map(StorePlace::Sqlite),
    };
    let lease = match shared {
        true => s.parse("lease", "a time from \"1s\" to \"10m\"", |t| duration(t).filter(|s| (1..=600).contains(s))),
        false => None,
    };
    if !shared && s.has("password") {
        s.problem("password", "\"password\" is for a store in PostgreSQL; wanted none beside a file");
    }
    s.finish();
    Some(StoreSettings { place: place?, lease: Duration::from_secs(lease.unwrap_or(10) as u64) })
}

fn uncertain(s: &Section, default: WhenUncertain) -> WhenUncertain {
    s.parse("when_uncertain", "\"resend\" or \"hold\"", |t| match t {
        "resend" => Some(WhenUncertain::Resend),
        "hold" => Some(WhenUncertain::Hold),
        _ => None,
    })
    .unwrap_or(default)
}

fn retry_for(s: &Section) -> i64 {
    s.parse("retry_for", "a time such as \"2d\" or \"36h\"", duration).unwrap_or(2 * 86_400)
}

/// Reads `90m`, `36h`, `2d` or `45s` into seconds.
pub fn duration(text: &str) -> Option<i64> {
    let unit = text.chars().last().filter(char::is_ascii)?;
    let number = &text[..text.len() - 1];
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| number.parse::<i64>().ok()).flatten().filter(|n| (1..=100_000).contains(n)).map(|n| n * seconds)
}

fn email(s: Section, shelf: &Shelf) -> Option<EmailSettings> {
    let from_wanted = "an address such as \"Accounts <accounts@example.org>\"";
    if !s.has("from") {
        s.missing("from", from_wanted);
    }
    let from = s.parse("from", from_wanted, |t| t.parse::<lettre::message::Mailbox>().ok());
    let transport = mail_transport(&s, shelf);
    let user = s.text("user", "a login");
    let password = SecretSource::read(&s, "password", shelf.base);
    if user.is_some() != s.has("password") {
        s.problem("user", "\"user\" and \"password\" go together; one of them is missing");
    }
    let ca = s.text("ca", "a PEM file").map(|p| shelf.base.join(p));
    let connections = s.integer("connections", 1..=64).unwrap_or(4) as usize;
    let max_per_minute = s.integer("max_per_minute", 1..=1_000_000).map(|n| n as u32);
    let when_uncertain = uncertain(&s, WhenUncertain::Resend);
    let bounce_address = s.parse("bounce_address", "an e-mail address", |t| t.parse().ok());
    let retry_for = retry_for(&s);
    let timeout = s.parse("timeout", "a time such as \"60s\"", duration).unwrap_or(60) as u64;
    s.finish();
    Some(EmailSettings {
        from: from?,
        transport: transport?,
        user,
        password,
        ca,
        connections,
        max_per_minute,
        when_uncertain,
        bounce_address,
        retry_for,
        timeout,
    })
}

fn mail_transport(s: &Section, shelf: &Shelf) -> Option<MailTransport> {
    let wanted = "\"smtp://host:587\", \"smtps://host:465\" or \"file:///folder\"";
    if !s.has("smtp") {
        s.missing("smtp", wanted);
    }
    let tls = s.parse("tls", "\"required\" or \"none\"", |t| match t {
        "required" => Some(Tls::StartTls),
        "none" => Some(Tls::None),
        _ => None,
    });
    if s.word("smtp").is_some_and(|url| !url.starts_with("file://") && has_login(&url)) {
        s.problem("smtp", LOGIN.replacen("url", "smtp", 1));
        return None;
    }
    let transport = s.parse("smtp", wanted, |url| {
        if let Some(path) = url.strip_prefix("file://") {
            return Some(MailTransport::Folder(shelf.base.join(path)));
        }
        let (rest, port, tls) = match url.strip_prefix("smtps://") {
            Some(rest) => {
                if tls == Some(Tls::None) {
                    s.problem("tls", "tls = \"none\" contradicts smtps://, which is encrypted; wanted one of the two");
                }
                (rest, 465, Tls::Implicit)
            }
            None => (url.strip_prefix("smtp://")?, 587, tls.unwrap_or(Tls::StartTls)),
        };
        let (host, port) = host_port(rest, port)?;
        Some(MailTransport::Smtp { host, port, tls })
    })?;
    if let MailTransport::Smtp { host, tls: Tls::None, .. } = &transport
        && !is_loopback(host)
    {
        s.problem(
            "tls",
            format!("tls = \"none\" is only for a relay on this machine, and \"{host}\" is not; wanted \"required\""),
        );
        return None;
    }
    Some(transport)
}

pub(super) fn host_port(text: &str, default: u16) -> Option<(String, u16)> {
    let text = text.trim_end_matches('/');
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = if port.is_empty() { default } else { port.strip_prefix(':')?.parse().ok()? };
        return Some((host.to_owned(), port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, default),
    };
    let legal = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    legal.then(|| (host.to_owned(), port))
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Why a gateway's URL cannot be used. One with a login is not repeated, and a login goes to another machine only encrypted.
fn not_web(url: &str) -> Option<String> {
    let web = ["http://", "https://"].into_iter().find_map(|scheme| Some((scheme, url.strip_prefix(scheme)?)));
    let Some((scheme, rest)) = web else {
        return Some(if has_login(url) { LOGIN.to_owned() } else { format!("\"url\" is \"{url}\"; wanted http:// or https://") });
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Some(LOGIN.to_owned());
    }
    let host = host_port(authority, 0).map(|(host, _)| host).unwrap_or_default();
    let clear = scheme == "http://" && !is_loopback(&host);
    clear.then(|| {
        format!("\"url\" is \"{url}\"; http:// is only for a gateway on this machine, because login and text go in the clear; wanted https://")
    })
}

/// What is said of a URL with a login in it.
pub(super) const LOGIN: &str = "\"url\" holds a login, and a secret never stands in the configuration; wanted user and password = { file = \"/path\" } or { credential = \"name\" } beside it";

/// Whether a URL of any kind may hold a login.
pub(super) fn has_login(url: &str) -> bool {
    url.contains('@')
}

fn sms(s: Section, shelf: &Shelf) -> Option<SmsSettings> {
    let gateway = s.required("gateway", "the name of a gateway, such as \"kannel\", or \"file\"");
    let url = s.required("url", "the gateway's base URL, or \"file:///path\"");
    let transport = match (gateway.as_deref(), url) {
        (Some("file"), Some(url)) => {
            let path = url.strip_prefix("file://");
            if path.is_none() {
                s.problem("url", format!("\"url\" is \"{url}\"; wanted \"file:///path\" for the gateway \"file\""));
            }
            path.map(|p| SmsTransport::File(shelf.base.join(p)))
        }
        (Some(name), Some(url)) => {
            let gateway = shelf.gateways.get(name).cloned();
            if gateway.is_none() {
                let known: Vec<&str> = shelf.gateways.keys().map(String::as_str).collect();
                s.problem("gateway", format!("there is no gateway \"{name}\"; wanted one of: file, {}", known.join(", ")));
            }
            let url = url.trim_end_matches('/').to_owned();
            let why = not_web(&url);
            let good = why.is_none();
            why.into_iter().for_each(|why| s.problem("url", why));
            gateway.filter(|_| good).map(|gateway| SmsTransport::Gateway { gateway, url })
        }
        _ => None,
    };
    let user = s.text("user", "a login");
    let account = s.text("account", "an account");
    let password = SecretSource::read(&s, "password", shelf.base);
    let from = on_one_line(&s, "from", s.text("from", "a sender number or name"));
    let connections = s.integer("connections", 1..=64).unwrap_or(2) as usize;
    let max_per_minute = s.integer("max_per_minute", 1..=1_000_000).map(|n| n as u32);
    let when_uncertain = uncertain(&s, WhenUncertain::Hold);
    let retry_for = retry_for(&s);
    let timeout = s.parse("timeout", "a time such as \"30s\"", duration).unwrap_or(30) as u64;
    s.finish();
    Some(SmsSettings {
        transport: transport?,
        user,
        account,
        password,
        from,
        connections,
        max_per_minute,
        when_uncertain,
        retry_for,
        timeout,
    })
}

fn guard(section: Option<Section>) -> Option<(Guard, Policy)> {
    let empty = Node { at: super::problem::At::start(""), value: super::node::Value::Table(vec![]) };
    let nowhere = Problems::default();
    let s = section.unwrap_or_else(|| Section::new("[guard]", &empty, &nowhere));
    let age = s.parse("max_data_age", "a time such as \"36h\"", duration).unwrap_or(36 * 3600);
    let most = s.integer("max_messages_per_cycle", 1..=10_000_000).map(|n| n as u64);
    let vanished = s.integer("max_vanished", 1..=100).unwrap_or(30) as u32;
    let redirect_to = s.parse("redirect_to", "an e-mail address", |t| t.parse::<lettre::Address>().ok());
    let redirect_wrong = s.has("redirect_to") && redirect_to.is_none();
    let dry_run = s.bool("dry_run").unwrap_or(false);
    let old_debts = s.parse("old_debts", "\"first-step\" or \"hold\"", |t| match t {
        "first-step" => Some(OldDebts::FirstStep),
        "hold" => Some(OldDebts::Hold),
        _ => None,
    });
    let amount = "an amount such as \"1.00\"";
    let tolerance = s.parse("tolerance", amount, |t| Threshold::parse(t).ok()).or(Threshold::parse("1.00").ok())?;
    let ceiling = |key: &str, default: u32| s.integer(key, 1..=1000).map_or(default, |n| n as u32);
    let month = ceiling("contacts_per_30_days", 5);
    let ceilings = Ceilings {
        day: ceiling("contacts_per_day", 1),
        week: ceiling("contacts_per_7_days", 3),
        month,
        month_consumer: ceiling("contacts_per_30_days_consumer", 4.min(month)),
    };
    for (old, new) in [("unreachable_attempts", "contacts"), ("unreachable_days", "days")] {
        s.misplaced(old, &format!("it is \"{new}\" under [silence] in reach.toml beside this file; wanted it there"));
    }
    s.finish();
    if redirect_wrong {
        return None; // Never fall back to the real addresses because the redirection was mistyped.
    }
    let guard = Guard { max_data_age: age, max_messages_per_cycle: most, max_vanished: vanished, redirect_to, dry_run };
    let policy = Policy { grace: Delay::NONE, tolerance, old_debts: old_debts.unwrap_or(OldDebts::FirstStep), ceilings };
    Some((guard, policy))
}
