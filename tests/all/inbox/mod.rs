//! Mail that comes back: over sockets, from folders, and as bytes.

mod hostile;
mod imap;
mod imap_faults;
mod maildir;
mod odd;
mod people;
mod probe;
mod program;
mod pump;
mod reports;
pub mod server;

use jiff::civil::{Date, date};
use relance::config::secret::{Secret, SecretSource};
use relance::config::settings::{After, ImapSettings, InboxPlace, InboxSettings, Tls};
use relance::domain::inbound::Incoming;
use relance::inbox::{Inbox, Ours, read};
use std::path::Path;
use std::time::Duration;

/// The day on which all of these mails came.
const TODAY: Date = date(2026, 7, 20);

/// Bytes of a recorded or written mail.
fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/mail").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn ours() -> Ours {
    Ours::new("bounces@canal.example", "compta@canal.example")
}

/// Reads a mail whose lines end as they do in this file.
fn mail(text: &str) -> Incoming {
    read(text.replace('\n', "\r\n").as_bytes(), &ours(), TODAY)
}

/// A mailbox at a port of this machine.
fn settings(port: u16, change: impl FnOnce(&mut InboxSettings, &mut ImapSettings)) -> InboxSettings {
    let mut imap = ImapSettings {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        user: "bounces".to_owned(),
        password: SecretSource::File("nowhere".into()),
        folder: "INBOX".to_owned(),
        ca: None,
        timeout: Duration::from_secs(20),
    };
    let mut inbox = InboxSettings {
        place: InboxPlace::Maildir("nowhere".into()),
        poll: Duration::from_secs(300),
        after: After::Leave,
        max_size: 100_000,
    };
    change(&mut inbox, &mut imap);
    inbox.place = InboxPlace::Imap(imap);
    inbox
}

pub fn inbox(port: u16, change: impl FnOnce(&mut InboxSettings, &mut ImapSettings)) -> Inbox {
    Inbox::new(&settings(port, change), Some(Secret::new(server::PASSWORD)))
}
