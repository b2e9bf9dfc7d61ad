//! SMS into a file, one JSON object a line, each whole or not at all.

use crate::channel::{Answer, Fault, Sent, on_disk};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A file that takes texts.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    /// One line at a time: what a line that failed leaves behind is cut off again.
    turn: Arc<Mutex<()>>,
}

impl Lines {
    pub(super) fn new(path: &Path) -> Lines {
        Lines { path: path.to_path_buf(), turn: Arc::default() }
    }

    pub(super) async fn send(&self, reference: &str, to: &str, text: &str) -> Sent {
        let line = serde_json::json!({ "reference": reference, "to": to, "text": text }).to_string() + "\n";
        let (path, turn) = (self.path.clone(), self.turn.clone());
        let written = on_disk(move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            append(&path, line.as_bytes())
        });
        match written.await {
            Ok(()) => Sent::Answered(Answer::accepted(format!("written to {}", self.path.display()))),
            Err(e) => Sent::NotBegun(Fault::network(format!("cannot write to {}: {e}", self.path.display()))),
        }
    }

    pub(super) fn probe(&self) -> String {
        format!("SMS go to the file {}", self.path.display())
    }
}

fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::options().create(true).append(true).open(path)?;
    let before = file.metadata()?.len();
    let written = file.write_all(line).and_then(|()| file.sync_all());
    if written.is_err()
        && let Err(left) = file.set_len(before)
    {
        tracing::debug!(event = "file_left", file = %path.display(), error = %left, "an unfinished line stays behind");
    }
    written
}

#[cfg(test)]
mod tests {
    use super::append;
    use std::path::Path;

    #[test]
    fn a_full_disk_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("below/sms.jsonl");
        append(&path, b"a\n").unwrap();
        append(&path, b"b\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a\nb\n");
        if Path::new("/dev/full").exists() {
            assert_eq!(append(Path::new("/dev/full"), b"a\n").unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        }
    }
}
