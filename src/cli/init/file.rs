//! Writing relance.toml: whole or not at all, never over a file that is there, and for nobody but its owner and group.

use crate::cli::CliError;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

/// The group of the service, which must read the file.
const GROUP: &str = "relance";

/// Whether the file can be written: it is not there, its folder is, and a file can be made in it.
pub(super) fn free(path: &Path) -> Result<(), CliError> {
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(CliError::Failed(format!(
            "{0} is there already and is never overwritten; change it with an editor and say `relance --config {0} check`, or move it away first, or name another file with --config",
            path.display()
        )));
    }
    let folder = folder(path);
    if !folder.is_dir() {
        return Err(CliError::Failed(format!(
            "there is no folder {0}; make it (mkdir -p {0}), or name another file with --config",
            folder.display()
        )));
    }
    writable(folder).map_err(|e| {
        CliError::Failed(format!(
            "cannot write into {}: {e}; say it as a user who may (sudo), or name another file with --config",
            folder.display()
        ))
    })
}

/// Whether this user can make a file in a folder.
pub(super) fn writable(folder: &Path) -> io::Result<()> {
    let (path, file) = draft(folder)?;
    drop(file);
    std::fs::remove_file(path)
}

/// Writes the file; gives a word about who can read it, where there is one.
pub(super) fn write(path: &Path, text: &str) -> Result<Option<String>, CliError> {
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::AlreadyExists => {
            CliError::Failed(format!("{} has appeared meanwhile; it was not overwritten", path.display()))
        }
        _ => CliError::Failed(format!("cannot write {}: {e}", path.display())),
    };
    let (draft, mut file) = draft(folder(path)).map_err(failed)?;
    let done = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        let word = hand_over(&draft);
        // A link, and no renaming: that would take the place of a file that has appeared meanwhile.
        std::fs::hard_link(&draft, path)?;
        Ok(word)
    });
    let removed = std::fs::remove_file(&draft);
    let word = done.map_err(failed)?;
    removed.map_err(failed)?;
    Ok(word)
}

/// A file of its own beside the place, mode 0640.
fn draft(folder: &Path) -> io::Result<(PathBuf, File)> {
    let path = folder.join(format!(".relance-init-{}", std::process::id()));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&path)?;
    Ok((path, file))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Gives the file to the service's group, where there is one and this user may; else says what to do.
fn hand_over(path: &Path) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let number = groups
        .lines()
        .filter_map(|l| l.strip_prefix(GROUP)?.strip_prefix(':')?.split(':').nth(1))
        .find_map(|n| n.parse().ok())?;
    let told = |e| {
        format!(
            "The service's group \"{GROUP}\" could not be given the file ({e}); if the service runs it, say: chgrp {GROUP} FILE"
        )
    };
    // Whatever the umask was: the group must be able to read it now.
    let readable = || std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o640));
    chown(path, None, Some(number)).and_then(|()| readable()).err().map(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_not_for_everybody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relance.toml");
        free(&path).unwrap();
        write(&path, "one").unwrap();
        assert!(write(&path, "two").unwrap_err().to_string().contains("was not overwritten"));
        assert!(free(&path).unwrap_err().to_string().contains("never overwritten"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing stays behind");
        // A link that leads nowhere is a file that somebody meant.
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(free(&link).is_err());
    }
}
