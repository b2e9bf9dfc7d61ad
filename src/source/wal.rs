//! A ledger in WAL mode: reading it makes SQLite create -wal and -shm files beside it when they are not there.
//! Made under relance's user they could shut the firm's own program out, so that is refused before it happens.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The group may write.
const GROUP_WRITE: u32 = 0o020;

/// Why opening this ledger would harm its owner; `None` when it would not.
pub(super) fn harm(path: &Path) -> Option<String> {
    let ledger = std::fs::metadata(path).ok()?;
    let ours = rustix::process::geteuid().as_raw();
    let shared = with_suffix(path, "-shm").exists();
    // Root's files are given to the owner by SQLite itself; a ledger that its group may write gets files of the same kind.
    let harmless = shared || ours == 0 || ours == ledger.uid() || ledger.mode() & GROUP_WRITE != 0;
    if harmless || !is_wal(path) {
        return None;
    }
    Some(
        "it is in WAL mode and no program has it open, so reading it would create -wal and -shm files that its owner may not write; \
         let the owner's program run, or make ledger and folder writable by a group that both users are in (see README, \"A ledger in WAL mode\")"
            .to_owned(),
    )
}

/// Bytes 18 and 19 of the file are 2 in WAL mode (SQLite file format, section 1.3).
fn is_wal(path: &Path) -> bool {
    let mut header = [0u8; 20];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header[18] == 2 && header[19] == 2
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
