//! Mail into a folder: one .eml file a message, written whole or not at all. The name follows from the
//! Message-ID, so a message written twice is there once.

use super::build::Envelope;
use crate::channel::{Answer, Fault, Sent, on_disk};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A folder that takes mail.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Folder {
        Folder { path: path.to_path_buf() }
    }

    pub(super) async fn send(&self, envelope: &Envelope, message: &[u8]) -> Sent {
        let name: String = envelope.envid.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let (folder, message) = (self.path.clone(), message.to_vec());
        match on_disk(move || write(&folder, &name, &message)).await {
            Ok(path) => Sent::Answered(Answer::accepted(format!("written to {}", path.display()))),
            Err(e) => Sent::NotBegun(Fault::network(format!("cannot write to the folder {}: {e}", self.path.display()))),
        }
    }

    pub(super) fn probe(&self) -> Result<String, Fault> {
        std::fs::create_dir_all(&self.path)
            .map(|()| format!("mail goes to the folder {}", self.path.display()))
            .map_err(|e| Fault::network(format!("cannot make the folder {}: {e}", self.path.display())))
    }
}

/// Under another name first; it gets its own when all of it is on the disk. On a full disk nothing is left behind.
fn write(folder: &Path, name: &str, message: &[u8]) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".{name}.part"));
    let path = folder.join(format!("{name}.eml"));
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(message)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| std::fs::rename(&draft, &path));
    if let Err(e) = placed {
        if let Err(left) = std::fs::remove_file(&draft) {
            tracing::debug!(event = "file_left", file = %draft.display(), error = %left, "an unfinished file stays behind");
        }
        return Err(e);
    }
    // The new name lies in the folder, which is a file of its own.
    File::open(folder)?.sync_all()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::write;

    #[test]
    fn a_mail_that_cannot_get_its_name_leaves_no_torso() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a.eml")).unwrap();
        assert!(write(dir.path(), "a", b"words").is_err());
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["a.eml"]);
        let path = write(dir.path(), "b", b"words").unwrap();
        assert_eq!(std::fs::read(path).unwrap(), b"words");
    }
}
