//! A Maildir on this machine: what the mail server leaves in `new/` is read, and moved to `cur/` when it is on record. Whoever
//! delivers needs no lock, and neither does this. Only plain files are mails: a link, a pipe, a device is left where it is.

use super::error::{InboxError, Trouble};
use super::{BEGINNING, Batch, Mark, handed_in};
use crate::config::settings::{After, InboxSettings};
use std::collections::BinaryHeap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// So much of all mails together is read at once.
const MOST_BYTES: usize = 32 << 20;

/// A folder with `new/` and `cur/` in it.
#[derive(Clone, Debug)]
pub struct Maildir {
    folder: PathBuf,
    after: After,
    max_size: u64,
}

impl Maildir {
    pub(super) fn new(folder: &Path, settings: &InboxSettings) -> Maildir {
        Maildir { folder: folder.to_path_buf(), after: settings.after.clone(), max_size: settings.max_size }
    }

    pub(super) async fn fetch(&self, most: usize) -> Result<Batch, InboxError> {
        self.apart(move |m| m.read(most)).await
    }

    pub(super) async fn took(&self, marks: &[Mark]) -> Result<(), InboxError> {
        let names = marks.iter().filter_map(|m| if let Mark::File(name) = m { Some(name.clone()) } else { None });
        let names: Vec<OsString> = names.collect();
        self.apart(move |m| names.iter().try_for_each(|name| m.put_away(name))).await
    }

    pub(super) async fn probe(&self) -> Result<String, InboxError> {
        self.apart(|m| {
            let (names, more) = m.names(10_000)?;
            let whole = [m.folder.join("cur"), m.target()?];
            for path in whole {
                // Moving into it wants a folder that is there and may be written.
                let there = std::fs::metadata(&path).map_err(|e| m.failed(&path, &e))?;
                if !there.is_dir() || there.permissions().readonly() {
                    return Err(m.failed(&path, &io::Error::other("it is no folder that can be written")));
                }
            }
            let more = if more { "more than " } else { "" };
            Ok(format!("{}: {more}{} new mails", m.folder.display(), names.len()))
        })
        .await
    }

    /// Reads and writes the disk off the threads that others wait for.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Maildir) -> Result<T, InboxError> + Send + 'static,
    ) -> Result<T, InboxError> {
        let own = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&own)).await;
        done.unwrap_or_else(|e| Err(InboxError::new(Trouble::Folder, e.to_string())))
    }

    fn failed(&self, path: &Path, error: &io::Error) -> InboxError {
        InboxError::new(Trouble::Folder, format!("{}: {error}; see [inbox] path", path.display()))
    }

    /// The first names in `new/`: they begin with the time of delivery. And whether there are more.
    fn names(&self, most: usize) -> Result<(Vec<OsString>, bool), InboxError> {
        let new = self.folder.join("new");
        let (mut names, mut more) = (BinaryHeap::new(), false);
        for entry in std::fs::read_dir(&new).map_err(|e| self.failed(&new, &e))? {
            let entry = entry.map_err(|e| self.failed(&new, &e))?;
            let plain = entry.file_type().is_ok_and(|kind| kind.is_file());
            if !plain || entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            names.push(entry.file_name());
            if names.len() > most {
                names.pop();
                more = true;
            }
        }
        Ok((names.into_sorted_vec(), more))
    }

    fn read(&self, most: usize) -> Result<Batch, InboxError> {
        let (names, more) = self.names(most)?;
        let mut batch = Batch { more, ..Batch::default() };
        let mut bytes = 0;
        for name in names {
            let path = self.folder.join("new").join(&name);
            match plain_file(&path).and_then(|file| file.map(|f| self.mail(f)).transpose()) {
                Ok(Some(mail)) => {
                    bytes += mail.len();
                    if bytes > MOST_BYTES && !batch.mails.is_empty() {
                        batch.more = true;
                        break;
                    }
                    batch.mails.push((Mark::File(name), mail));
                }
                // It has gone meanwhile, or is no file any more.
                Ok(None) => {}
                Err(e) => batch.passed_over.push(format!("{}: {e}", path.display())),
            }
        }
        Ok(batch)
    }

    /// A mail, or its beginning where it is too large.
    fn mail(&self, file: File) -> io::Result<Vec<u8>> {
        let too_large = file.metadata()?.len() > self.max_size;
        handed_in(file.take(if too_large { BEGINNING } else { self.max_size }), self.max_size)
    }

    /// Where mails go that are on record.
    fn target(&self) -> Result<PathBuf, InboxError> {
        match &self.after {
            After::Leave | After::Seen => Ok(self.folder.join("cur")),
            // Folders of a Maildir lie beside each other, with a dot before and between their names.
            After::Move(name) => Ok(self.folder.join(format!(".{}", name.replace('/', "."))).join("cur")),
        }
    }

    fn put_away(&self, name: &OsStr) -> Result<(), InboxError> {
        // A name with a slash in it was never one of ours.
        if name.as_encoded_bytes().contains(&b'/') || name.is_empty() {
            return Ok(());
        }
        let (from, folder) = (self.folder.join("new").join(name), self.target()?);
        let mut put = name.to_owned();
        if !name.as_encoded_bytes().contains(&b':') {
            put.push(if self.after == After::Leave { ":2," } else { ":2,S" });
        }
        let to = folder.join(put);
        if from.symlink_metadata().is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
            return Ok(());
        }
        if to.symlink_metadata().is_ok() {
            // Names are given once; two of the same are the same mail, or somebody's mistake. Nothing is written over.
            return Err(self.failed(&to, &io::Error::other("there is one of this name already; move it away")));
        }
        std::fs::rename(&from, &to).map_err(|e| self.failed(&to, &e))
    }
}

/// Opens a plain file; `None`: there is none, or something else in its place.
fn plain_file(path: &Path) -> io::Result<Option<File>> {
    let gone = |e: io::Error| if e.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(e) };
    // A pipe would keep whoever opens it waiting.
    let seen = match path.symlink_metadata() {
        Ok(about) if about.is_file() => about,
        Ok(_) => return Ok(None),
        Err(e) => return gone(e),
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) => return gone(e),
    };
    // Between the look and the opening somebody may have put a link in its place: what counts is what was opened.
    let about = file.metadata()?;
    let same = about.is_file() && (about.dev(), about.ino()) == (seen.dev(), seen.ino());
    Ok(same.then_some(file))
}
