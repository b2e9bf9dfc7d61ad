//! The folder that statements are dropped into: what lies there, each file's bytes within a bound, and where it goes when it
//! has been read.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The largest file that is read.
const LARGEST: u64 = 64 << 20;

/// So many names are looked at.
const MOST: usize = 20_000;

/// What files end in that are not finished.
const UNFINISHED: [&str; 9] = [".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".swp", "~"];

/// A file as it lies there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lying {
    /// When it changed last, in milliseconds since 1970; the older come first.
    pub changed: i64,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: i64,
}

/// What lies in the folder, the oldest first: no folders, nothing hidden, nothing that is not finished.
pub fn list(folder: &Path) -> Result<Vec<Lying>, String> {
    let wrong = |e: std::io::Error| format!("{}: {e}; see that it exists and that this user may read it", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)?.take(MOST) {
        let entry = entry.map_err(wrong)?;
        // A name that is no text names nothing that could be told of.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let lower = name.to_ascii_lowercase();
        if lower.starts_with('.') || lower.starts_with('~') || UNFINISHED.iter().any(|e| lower.ends_with(e)) {
            continue;
        }
        // What is gone by now is not there.
        let Ok(about) = std::fs::metadata(entry.path()) else { continue };
        if about.is_file() {
            let changed = about.mtime().saturating_mul(1000).saturating_add(about.mtime_nsec() / 1_000_000);
            found.push(Lying { changed, name, size: i64::try_from(about.len()).unwrap_or(i64::MAX) });
        }
    }
    found.sort();
    Ok(found)
}

/// The bytes of a file.
pub fn bytes(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let opened = File::open(folder.join(name)).and_then(|f| f.take(LARGEST + 1).read_to_end(&mut bytes));
    opened.map_err(|e| format!("{e}; see that this user may read it"))?;
    match bytes.len() as u64 > LARGEST {
        true => Err(format!("it is larger than {} MB; wanted one statement a file, or a few", LARGEST >> 20)),
        false => Ok(bytes),
    }
}

/// Moves a file that has been read; one of the same name that lies there already is not written over.
pub fn put_away(folder: &Path, name: &str, done: &Path, digest: &str) -> Result<(), String> {
    let wrong = |e: std::io::Error| format!("{name} cannot be moved to {}: {e}; it stays and is not read again", done.display());
    std::fs::create_dir_all(done).map_err(wrong)?;
    let mut to = done.join(name);
    if to.exists() {
        to = done.join(format!("{}-{name}", digest.get(..12).unwrap_or(digest)));
    }
    std::fs::rename(folder.join(name), to).map_err(wrong)
}
