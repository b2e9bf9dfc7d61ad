//! The files that the ledger's column `document` names: below one folder, never outside of it, and read with a bound.

use crate::domain::document::{Document, DocumentKind, NoCopy};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::fd::AsRawFd as _;
use std::path::{Component, Path, PathBuf};

/// How much of a file is read to see what it is.
const BEGINNING: u64 = 4096;

/// Reads a document of at most so many bytes.
pub fn read(folder: &Path, name: &str, most: u64) -> Result<Document, NoCopy> {
    let file = open(folder, name)?;
    let size = file.metadata().map_err(|_| NoCopy::Unreadable)?.len();
    // Of what is too large only the beginning; of what grows meanwhile no more than is needed to see it.
    let bound = if size > most { BEGINNING } else { most.saturating_add(1) };
    let mut bytes = Vec::new();
    file.take(bound).read_to_end(&mut bytes).map_err(|_| NoCopy::Unreadable)?;
    // What it is comes first: a disk image has not grown too large, it is no invoice.
    let kind = DocumentKind::of(&bytes).ok_or(NoCopy::Kind)?;
    if size > most || bytes.len() as u64 > most {
        return Err(NoCopy::TooLarge);
    }
    Ok(Document { kind, hash: Sha256::digest(&bytes).into(), bytes })
}

/// Looks whether a document could be attached, without reading all of it; gives its size.
pub fn look(folder: &Path, name: &str) -> Result<u64, NoCopy> {
    let file = open(folder, name)?;
    let size = file.metadata().map_err(|_| NoCopy::Unreadable)?.len();
    let mut beginning = Vec::new();
    file.take(BEGINNING).read_to_end(&mut beginning).map_err(|_| NoCopy::Unreadable)?;
    DocumentKind::of(&beginning).map(|_| size).ok_or(NoCopy::Kind)
}

/// Opens a regular file below the folder. Links may lead from one place of the folder to another, not out of it.
fn open(folder: &Path, name: &str) -> Result<File, NoCopy> {
    let path = below(folder, name)?;
    // A pipe would keep whoever opens it waiting.
    match path.metadata() {
        Ok(about) if about.is_file() => {}
        Ok(_) => return Err(NoCopy::NoFile),
        Err(e) => return Err(failed(&e)),
    }
    let file = File::open(&path).map_err(|e| failed(&e))?;
    // Between the look and the opening somebody may have put a link in its place: what counts is what was opened.
    let folder = folder.canonicalize().map_err(|e| failed(&e))?;
    match std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
        Ok(opened) if !opened.starts_with(&folder) => return Err(NoCopy::Outside),
        _ => {}
    }
    if file.metadata().is_ok_and(|about| about.is_file()) { Ok(file) } else { Err(NoCopy::NoFile) }
}

/// Where a document lies in truth, all links followed.
fn below(folder: &Path, name: &str) -> Result<PathBuf, NoCopy> {
    if is_link(name) {
        return Err(NoCopy::Link);
    }
    let named = Path::new(name);
    if name.contains('\0') || named.components().any(|c| c == Component::ParentDir) {
        return Err(NoCopy::Outside);
    }
    let folder = folder.canonicalize().map_err(|e| failed(&e))?;
    let path = folder.join(named);
    let path = match path.canonicalize() {
        Ok(path) => path,
        // Whether something is there is nobody's business outside the folder.
        Err(_) if !path.starts_with(&folder) => return Err(NoCopy::Outside),
        Err(e) => return Err(failed(&e)),
    };
    if path.starts_with(&folder) { Ok(path) } else { Err(NoCopy::Outside) }
}

/// Whether the column holds a link.
fn is_link(name: &str) -> bool {
    let scheme = name.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

fn failed(error: &std::io::Error) -> NoCopy {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => NoCopy::Missing,
        _ => NoCopy::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const PDF: &[u8] = b"%PDF-1.4\nbody";

    #[test]
    fn only_files_below_the_folder_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("pdf");
        std::fs::create_dir_all(folder.join("2026")).unwrap();
        std::fs::write(folder.join("2026/F-1.pdf"), PDF).unwrap();
        std::fs::write(dir.path().join("secret.pdf"), PDF).unwrap();
        symlink(folder.join("2026/F-1.pdf"), folder.join("inside.pdf")).unwrap();
        symlink("../secret.pdf", folder.join("outside.pdf")).unwrap();
        symlink(dir.path(), folder.join("up")).unwrap();
        symlink("loop.pdf", folder.join("loop.pdf")).unwrap();
        let absolute = |path: PathBuf| path.display().to_string();
        let read = |name: &str| read(&folder, name, 1000).map(|d| d.bytes);
        for good in ["2026/F-1.pdf", "./2026//F-1.pdf", "inside.pdf", &absolute(folder.join("2026/F-1.pdf"))] {
            assert_eq!(read(good).as_deref(), Ok(PDF), "{good}");
            assert_eq!(look(&folder, good), Ok(PDF.len() as u64), "{good}");
        }
        let secret = absolute(dir.path().join("secret.pdf"));
        let nothing = absolute(dir.path().join("nothing.pdf"));
        for out in
            ["../secret.pdf", "2026/../../secret.pdf", "outside.pdf", "up/secret.pdf", &secret, &nothing, "/etc/passwd", "a\0b"]
        {
            assert_eq!(read(out), Err(NoCopy::Outside), "{out}");
        }
        assert_eq!(read("nothing.pdf"), Err(NoCopy::Missing));
        assert_eq!(read("2026/F-1.pdf/x"), Err(NoCopy::Missing));
        assert_eq!(read("loop.pdf"), Err(NoCopy::Unreadable));
        assert_eq!((read("2026"), read(""), read(".")), (Err(NoCopy::NoFile), Err(NoCopy::NoFile), Err(NoCopy::NoFile)));
        assert_eq!(read("HTTPS://x.example/F-1.pdf"), Err(NoCopy::Link));
        assert_eq!(super::read(&dir.path().join("gone"), "F-1.pdf", 1000), Err(NoCopy::Missing));
    }

    #[test]
    fn a_pipe_keeps_nobody_waiting_and_a_device_is_no_document() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe.pdf");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(read(dir.path(), "pipe.pdf", 1000), Err(NoCopy::NoFile));
        assert_eq!(read(Path::new("/dev"), "zero", 1000), Err(NoCopy::NoFile));
    }

    #[test]
    fn a_document_is_read_up_to_its_bound() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.pdf"), PDF).unwrap();
        std::fs::write(dir.path().join("b.exe"), [b"MZ".as_slice(), &[0; 100]].concat()).unwrap();
        std::fs::write(dir.path().join("empty.pdf"), b"").unwrap();
        let size = PDF.len() as u64;
        assert!(read(dir.path(), "a.pdf", size).is_ok());
        assert_eq!(read(dir.path(), "a.pdf", size - 1), Err(NoCopy::TooLarge));
        assert_eq!((read(dir.path(), "b.exe", 1000), read(dir.path(), "b.exe", 10)), (Err(NoCopy::Kind), Err(NoCopy::Kind)));
        assert_eq!((read(dir.path(), "empty.pdf", 1000), look(dir.path(), "empty.pdf")), (Err(NoCopy::Kind), Err(NoCopy::Kind)));
    }
}
