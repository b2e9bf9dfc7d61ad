//! Mail into a folder: one .eml file a message, written whole or not at all. The name follows from the
//! Message-ID, so a message written twice is there once.

use super::build::Envelope;
use crate::channel::{Answer, Fault, Sent};
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
        match self.write(&name, message).await {
            Ok(path) => Sent::Answered(Answer::accepted(format!("written to {}", path.display()))),
            Err(e) => Sent::NotBegun(Fault::network(format!("cannot write to the folder {}: {e}", self.path.display()))),
        }
    }

    async fn write(&self, name: &str, message: &[u8]) -> std::io::Result<PathBuf> {
        use tokio::io::AsyncWriteExt as _;
        tokio::fs::create_dir_all(&self.path).await?;
        let draft = self.path.join(format!(".{name}.part"));
        let path = self.path.join(format!("{name}.eml"));
        let mut file = tokio::fs::File::create(&draft).await?;
        file.write_all(message).await?;
        file.sync_all().await?;
        tokio::fs::rename(&draft, &path).await?;
        Ok(path)
    }

    pub(super) fn probe(&self) -> Result<String, Fault> {
        std::fs::create_dir_all(&self.path)
            .map(|()| format!("mail goes to the folder {}", self.path.display()))
            .map_err(|e| Fault::network(format!("cannot make the folder {}: {e}", self.path.display())))
    }
}
