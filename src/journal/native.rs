//! systemd's journal by its own protocol: a datagram an event, so that `journalctl RELANCE_EVENT=poll_failed` finds it. The
//! socket never waits: a journal that is gone, or too slow, loses lines and is told so when it takes some again.

use super::forms;
use super::line::Line;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where systemd's journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// Lines that could not be written since the start, by any form.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How many lines of the journal could not be written since the start.
pub fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// One more could not be.
pub(super) fn lose() {
    LOST.fetch_add(1, Ordering::Relaxed);
}

/// The journal's socket.
#[derive(Debug)]
pub(super) struct Native {
    socket: UnixDatagram,
    to: PathBuf,
    /// Lines that were lost and not told of.
    untold: AtomicU64,
}

impl Native {
    /// A socket of our own; whether anybody listens shows with each line.
    pub(super) fn open(to: &Path) -> io::Result<Native> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Native { socket, to: to.to_path_buf(), untold: AtomicU64::new(0) })
    }

    /// Hands over a line, or loses it.
    pub(super) fn tell(&self, line: &Line) {
        if self.socket.send_to(&forms::fields(line), &self.to).is_err() {
            self.untold.fetch_add(1, Ordering::Relaxed);
            lose();
            return;
        }
        let untold = self.untold.swap(0, Ordering::Relaxed);
        if untold > 0 {
            let fields = vec![("event", "lines_lost".into()), ("lines", untold.into())];
            let message = "the journal did not take some lines before this one".to_owned();
            let told = Line { at: line.at, level: tracing::Level::WARN, message, fields };
            if self.socket.send_to(&forms::fields(&told), &self.to).is_err() {
                self.untold.fetch_add(untold, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn a_journal_that_is_gone_loses_lines_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let native = Native::open(&path).unwrap();
        let line = |message: &str| Line {
            at: Timestamp::UNIX_EPOCH,
            level: tracing::Level::INFO,
            message: message.to_owned(),
            fields: vec![("event", "test".into())],
        };
        let before = lost();
        native.tell(&line("nobody is there"));
        let journal = UnixDatagram::bind(&path).unwrap();
        journal.set_nonblocking(true).unwrap();
        let mut heard = Vec::new();
        let mut bytes = [0; 65_536];
        for n in 0..10_000 {
            native.tell(&line(&format!("{n}")));
        }
        while let Ok(length) = journal.recv(&mut bytes) {
            heard.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
        }
        assert!(heard[0].starts_with("MESSAGE=0\n"), "{}", heard[0]);
        assert!(heard[1].contains("RELANCE_EVENT=lines_lost\nRELANCE_LINES=1\n"), "{}", heard[1]);
        assert!(lost() > before + 1, "one that does not read holds nobody up");
        native.tell(&line("again"));
        let length = journal.recv(&mut bytes).unwrap();
        assert!(bytes[..length].starts_with(b"MESSAGE=again\n"));
    }
}
