//! Which file counts, and whether it is still being written.

use crate::config::settings::CsvSettings;
use jiff::Timestamp;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest file that is read.
const LARGEST: u64 = 256 << 20;

/// So many names in a folder are looked at.
const MOST: usize = 20_000;

/// A file that changes within this is being written.
const STILL: Duration = Duration::from_millis(250);

/// What files end in that are not finished, or that are no export.
const UNFINISHED: [&str; 10] =
    [".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".writing", ".swp", "~"];

/// A file as it was at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) path: PathBuf,
    size: u64,
    /// Seconds since 1970, and billionths.
    changed: (i64, i64),
    number: (u64, u64),
}

impl Stamp {
    fn of(path: PathBuf, m: &Metadata) -> Stamp {
        Stamp { path, size: m.len(), changed: (m.mtime(), m.mtime_nsec()), number: (m.dev(), m.ino()) }
    }

    /// When it was written last.
    pub(super) fn written(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.changed.0).ok()
    }
}

/// The file that counts now, whether or not it is finished.
pub(super) fn current(settings: &CsvSettings) -> Result<Stamp, String> {
    let found = candidates(&settings.path)?;
    found.into_iter().next().ok_or_else(|| nothing(&settings.path))
}

/// Reads the newest file. While that is being written there is none: in the one before it stand invoices that are paid by now.
pub(super) fn newest(settings: &CsvSettings) -> Result<(Stamp, Vec<u8>), String> {
    let stamp = current(settings)?;
    let bytes = bytes(&stamp)?;
    std::thread::sleep(STILL);
    let now = std::fs::metadata(&stamp.path).map(|m| Stamp::of(stamp.path.clone(), &m));
    if now.is_ok_and(|now| now == stamp) && bytes.len() as u64 == stamp.size {
        return Ok((stamp, bytes));
    }
    let name = stamp.path.file_name().unwrap_or_default().to_string_lossy();
    Err(format!("{name} is being written just now; it is read as soon as it no longer changes"))
}

fn nothing(path: &Path) -> String {
    format!(
        "there is no file {} that ends in .csv, .txt or .tsv and is finished; see that the export writes there and that this user may read it",
        if path.is_dir() { "in it" } else { "of that name" }
    )
}

/// The file, or those of the folder, the newest first.
fn candidates(path: &Path) -> Result<Vec<Stamp>, String> {
    let wrong = |e: std::io::Error| format!("{e}; see that it exists and that this user may read it");
    let about = std::fs::metadata(path).map_err(wrong)?;
    if !about.is_dir() {
        return Ok(vec![Stamp::of(path.to_path_buf(), &about)]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(wrong)?.take(MOST) {
        let entry = entry.map_err(wrong)?;
        if !is_export(&entry.file_name().to_string_lossy()) {
            continue;
        }
        // What is gone by now is not there.
        if let Ok(about) = std::fs::metadata(entry.path())
            && about.is_file()
        {
            found.push(Stamp::of(entry.path(), &about));
        }
    }
    found.sort_by(|a, b| (b.changed, &b.path).cmp(&(a.changed, &a.path)));
    Ok(found)
}

fn is_export(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|e| lower.ends_with(e));
    !lower.starts_with('.') && !lower.starts_with('~') && !ends(&UNFINISHED) && ends(&[".csv", ".txt", ".tsv"])
}

fn bytes(stamp: &Stamp) -> Result<Vec<u8>, String> {
    let name = stamp.path.file_name().unwrap_or_default().to_string_lossy();
    let wrong = |e: std::io::Error| format!("{name}: {e}; see that this user may read it");
    if stamp.size > LARGEST {
        return Err(format!("{name} is larger than {} MB; wanted an export of what is open", LARGEST >> 20));
    }
    let mut bytes = Vec::new();
    File::open(&stamp.path).map_err(wrong)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(wrong)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::is_export;

    #[test]
    fn what_is_not_finished_is_no_export() {
        for name in ["open.csv", "OPEN.CSV", "export 2026-11-30.txt", "a.tsv"] {
            assert!(is_export(name), "{name}");
        }
        for name in [".open.csv", "open.csv.part", "open.csv.tmp", "open.csv~", "~$open.csv", "open.xlsx", "open.csv.filepart"] {
            assert!(!is_export(name), "{name}");
        }
    }
}
