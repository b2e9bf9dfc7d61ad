//! Mail that comes back: getting it, from a server or a folder, and reading it. What a mail belongs to, and what follows, is
//! decided elsewhere.
//!
//! Getting it changes nothing until it is on record: `fetch` hands out mails with a mark each, `took` is told which of them
//! are kept, and only then are they moved or marked, as configured. A mail that comes twice is known by its key.

mod error;
pub mod imap;
mod maildir;
pub mod read;

pub use error::{InboxError, Trouble};
pub use read::{Ours, read};

use crate::config::secret::Secret;
use crate::config::settings::{InboxPlace, InboxSettings};
use jiff::civil::Date;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

/// Of a mail that is too large so many bytes are read: its head, and what stands first in it. Reports have what counts before
/// the mail that they give back.
pub const BEGINNING: u64 = 256 << 10;

/// Of whatever follows the bytes that are wanted so much is taken in and forgotten, so that whoever hands it over can end.
const DRAINED: u64 = 1 << 30;

/// How far a mailbox was read: kept by whoever asks, handed in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The folder's own number: another one, and all its messages have other numbers.
    pub validity: u32,
    /// The last message that was read.
    pub last: u32,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.validity, self.last)
    }
}

impl Cursor {
    /// Reads `validity:last`, as it is kept.
    pub fn parse(text: &str) -> Option<Cursor> {
        let (validity, last) = text.split_once(':')?;
        Some(Cursor { validity: validity.parse().ok()?, last: last.parse().ok()? })
    }
}

/// Which mail it was, for the mailbox that handed it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// On a server.
    Uid {
        /// The folder's own number.
        validity: u32,
        /// The message's.
        uid: u32,
    },
    /// A file's name.
    File(OsString),
}

/// Some mails, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Each with its bytes, or its beginning where it is too large.
    pub mails: Vec<(Mark, Vec<u8>)>,
    /// How far was read; `None` where a mailbox needs none. To be kept together with what came of the mails.
    pub cursor: Option<Cursor>,
    /// There are more.
    pub more: bool,
    /// The folder was made anew since the last time: all of it is read again.
    pub anew: bool,
    /// What could not be read, and why; the cursor is behind it.
    pub passed_over: Vec<String>,
}

/// Where mail comes back to.
#[derive(Debug)]
pub enum Inbox {
    /// A mailbox on a server.
    Imap(Box<imap::Client>),
    /// A folder on this machine.
    Maildir(maildir::Maildir),
}

impl Inbox {
    /// Prepares it; nothing is opened yet. `password` is the one that the settings name, where they name one.
    pub fn new(settings: &InboxSettings, password: Option<Secret>) -> Inbox {
        match &settings.place {
            InboxPlace::Imap(imap) => {
                Inbox::Imap(Box::new(imap::Client::new(settings, imap, password.unwrap_or_else(|| Secret::new("")))))
            }
            InboxPlace::Maildir(path) => Inbox::Maildir(maildir::Maildir::new(path, settings)),
        }
    }

    /// Nothing that came before a day is fetched from a server. In a folder on this machine all that lies in `new/` is new.
    pub fn not_before(&mut self, day: Date) {
        if let Inbox::Imap(client) = self {
            client.not_before(day);
        }
    }

    /// New mails behind a cursor, at most so many. It ends by itself, however the other side behaves, and may be dropped at
    /// any moment: then nothing has happened.
    pub async fn fetch(&mut self, cursor: Option<Cursor>, most: usize) -> Result<Batch, InboxError> {
        match self {
            Inbox::Imap(client) => client.fetch(cursor, most.max(1)).await,
            Inbox::Maildir(folder) => folder.fetch(most.max(1)).await,
        }
    }

    /// Says that all of the last batch is on record, and its cursor kept.
    pub fn recorded(&mut self) {
        if let Inbox::Imap(client) = self {
            client.recorded();
        }
    }

    /// Says that these are on record. Told twice, or of mails that have gone, it does no harm.
    pub async fn took(&mut self, marks: &[Mark]) -> Result<(), InboxError> {
        match self {
            Inbox::Imap(client) => client.took(marks).await,
            Inbox::Maildir(folder) => folder.took(marks).await,
        }
    }

    /// Waits for news, at most for so long. `true`: there are some. It waits its time also where nobody tells of news.
    pub async fn wait(&mut self, longest: Duration) -> bool {
        match self {
            Inbox::Imap(client) => client.wait(longest).await,
            Inbox::Maildir(_) => {
                tokio::time::sleep(longest).await;
                false
            }
        }
    }

    /// Tries it, and changes nothing.
    pub async fn probe(&mut self) -> Result<String, InboxError> {
        match self {
            Inbox::Imap(client) => client.probe().await,
            Inbox::Maildir(folder) => folder.probe().await,
        }
    }

    /// Takes leave of the server.
    pub async fn close(&mut self) {
        if let Inbox::Imap(client) = self {
            client.close().await;
        }
    }
}

/// Reads one mail that is handed in: all of it, or its beginning where it is larger than `max_size`. What follows is taken
/// in and forgotten, so that the mail server which hands it over does not take it for refused.
pub fn handed_in(mut from: impl Read, max_size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    (&mut from).take(max_size.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_size {
        io::copy(&mut from.take(DRAINED), &mut io::sink())?;
        bytes.truncate(usize::try_from(BEGINNING).unwrap_or(usize::MAX));
        bytes.shrink_to_fit();
    }
    Ok(bytes)
}
