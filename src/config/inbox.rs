//! `[inbox]`: where mail comes back to, and what becomes of it there. Off unless it is said.

use super::read::{LOGIN, duration, has_login, host_port, is_loopback};
use super::secret::SecretSource;
use super::section::Section;
use super::settings::Tls;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Mail that comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxSettings {
    /// Where it is.
    pub place: InboxPlace,
    /// How long to wait from one look to the next; also where the server would tell of news.
    pub poll: Duration,
    /// What becomes of a mail that was read and recorded.
    pub after: After,
    /// Of a mail larger than so many bytes only the beginning is read.
    pub max_size: u64,
}

/// Where mail is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxPlace {
    /// A mailbox on a server.
    Imap(ImapSettings),
    /// A Maildir on this machine, which nobody else reads.
    Maildir(PathBuf),
}

/// A mailbox on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImapSettings {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Encryption.
    pub tls: Tls,
    /// Login.
    pub user: String,
    /// Password.
    pub password: SecretSource,
    /// The folder that is read.
    pub folder: String,
    /// A PEM file of certificate authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// A deadline for each phase on the wire.
    pub timeout: Duration,
}

/// What becomes of a mail that was read and recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing: on a server it is not even marked as read.
    Leave,
    /// It is marked as read.
    Seen,
    /// It is moved into this folder.
    Move(String),
}

/// What is read of a mail when nothing is said: servers of firms take 10 to 25 MB, and what is worth reading stands in front.
const MAX_SIZE: u64 = 10_000_000;

/// The least and the most that may be said.
const SIZES: std::ops::RangeInclusive<u64> = 100_000..=25_000_000;

/// Reads the section; `None`: something in it is wrong.
pub(super) fn read(s: Section, base: &Path) -> Option<InboxSettings> {
    let kinds = "\"imap\" or \"maildir\"";
    if !s.has("kind") {
        s.missing("kind", kinds);
    }
    let imap = s.parse("kind", kinds, |t| match t {
        "imap" => Some(true),
        "maildir" => Some(false),
        _ => None,
    });
    let place = match imap? {
        true => {
            s.misplaced("path", "a mailbox on a server has a url; wanted none, or kind = \"maildir\"");
            self::imap(&s, base).map(InboxPlace::Imap)
        }
        false => {
            for key in ["url", "tls", "user", "password", "folder", "ca", "timeout"] {
                s.misplaced(key, "that is for a mailbox on a server; wanted none beside kind = \"maildir\"");
            }
            s.required("path", "the folder of a Maildir, in which new/ and cur/ are").map(|p| InboxPlace::Maildir(base.join(p)))
        }
    };
    let poll = match s.has("poll") {
        true => s.parse("poll", "a time from \"10s\" to \"1d\", such as \"5m\"", |t| seconds(t, 10..=86_400)),
        false => Some(Duration::from_secs(300)),
    };
    let after = match s.has("after") {
        true => s.parse("after", "\"leave\", \"seen\" or \"move:FOLDER\"", after),
        false => Some(After::Leave),
    };
    let wanted = "a size from \"100 kB\" to \"25 MB\", such as \"10 MB\"";
    let max_size = match s.has("max_size") {
        true => s.parse("max_size", wanted, |t| super::documents::size(t).filter(|size| SIZES.contains(size))),
        false => Some(MAX_SIZE),
    };
    if let (Some(InboxPlace::Imap(imap)), Some(After::Move(to))) = (&place, &after)
        && imap.folder.eq_ignore_ascii_case(to)
    {
        s.problem("after", format!("\"after\" moves mail into \"{to}\", where it was read; wanted another folder"));
    }
    s.finish();
    Some(InboxSettings { place: place?, poll: poll?, after: after?, max_size: max_size? })
}

fn imap(s: &Section, base: &Path) -> Option<ImapSettings> {
    let server = server(s);
    let user = s.required("user", "the login of the mailbox");
    if !s.has("password") {
        s.missing("password", "{ file = \"/path\" } or { credential = \"name\" }");
    }
    let password = SecretSource::read(s, "password", base);
    let folder = match s.has("folder") {
        true => s.parse("folder", "the name of a folder such as \"INBOX\"", |t| is_folder(t).then(|| t.to_owned())),
        false => Some("INBOX".to_owned()),
    };
    let ca = s.text("ca", "a PEM file").map(|p| base.join(p));
    let timeout = match s.has("timeout") {
        true => s.parse("timeout", "a time from \"1s\" to \"10m\", such as \"60s\"", |t| seconds(t, 1..=600)),
        false => Some(Duration::from_secs(60)),
    };
    let (host, port, tls) = server?;
    Some(ImapSettings { host, port, tls, user: user?, password: password?, folder: folder?, ca, timeout: timeout? })
}

fn server(s: &Section) -> Option<(String, u16, Tls)> {
    let wanted = "\"imaps://host:993\" or \"imap://host:143\"";
    if !s.has("url") {
        s.missing("url", wanted);
    }
    let tls = s.parse("tls", "\"required\" or \"none\"", |t| match t {
        "required" => Some(Tls::StartTls),
        "none" => Some(Tls::None),
        _ => None,
    });
    if s.word("url").is_some_and(|url| has_login(&url)) {
        s.problem("url", LOGIN);
        return None;
    }
    let (host, port, tls) = s.parse("url", wanted, |url| {
        let (rest, port, tls) = match url.strip_prefix("imaps://") {
            Some(rest) => {
                if tls == Some(Tls::None) {
                    s.problem("tls", "tls = \"none\" contradicts imaps://, which is encrypted; wanted one of the two");
                }
                (rest, 993, Tls::Implicit)
            }
            None => (url.strip_prefix("imap://")?, 143, tls.unwrap_or(Tls::StartTls)),
        };
        let (host, port) = host_port(rest, port)?;
        Some((host, port, tls))
    })?;
    if tls == Tls::None && !is_loopback(&host) {
        s.problem(
            "tls",
            format!("tls = \"none\" is only for a server on this machine, and \"{host}\" is not; wanted \"required\""),
        );
        return None;
    }
    Some((host, port, tls))
}

fn seconds(text: &str, range: std::ops::RangeInclusive<i64>) -> Option<Duration> {
    duration(text).filter(|s| range.contains(s)).map(|s| Duration::from_secs(s.unsigned_abs()))
}

fn after(text: &str) -> Option<After> {
    match text {
        "leave" => Some(After::Leave),
        "seen" => Some(After::Seen),
        _ => text.strip_prefix("move:").map(str::trim).filter(|f| is_folder(f)).map(|f| After::Move(f.to_owned())),
    }
}

/// Whether a text can be the name of a folder, on a server or as a part of a path.
fn is_folder(text: &str) -> bool {
    let dots = text.split('/').any(|part| matches!(part, "" | "." | ".."));
    !dots && text.chars().count() <= 200 && !text.chars().any(|c| c.is_control() || matches!(c, '*' | '%' | '~'))
}
