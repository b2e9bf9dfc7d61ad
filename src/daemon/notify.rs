//! What the daemon tells systemd (sd_notify, Type=notify): that it is ready, what it does, that it lives. One datagram a
//! message, to the socket that systemd names; without one, nothing is told and nothing is missing.

use crate::clock::monotonic_micros;
use crate::config::Environment;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

/// A supervisor that takes no message for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// A status has at most so many bytes: one line that a terminal shows.
const LONGEST: usize = 400;

/// Whoever started the daemon and wants to hear of it. Costs nothing to clone.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    line: Option<Arc<(UnixDatagram, SocketAddr)>>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names: NOTIFY_SOCKET (a path, or `@` and an abstract name), and WATCHDOG_USEC where this
    /// very process is watched.
    pub fn of(environment: &Environment) -> Supervisor {
        let Some(name) = environment.get("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Supervisor::default();
        };
        match open(name) {
            Ok(line) => Supervisor { line: Some(Arc::new(line)), watchdog: watchdog(environment, std::process::id()) },
            Err(e) => {
                tracing::warn!(event = "systemd_untold", socket = name, error = %e, "systemd cannot be told anything (NOTIFY_SOCKET)");
                Supervisor::default()
            }
        }
    }

    /// How long systemd waits for a sign of life before it ends the daemon; none, where it does not watch.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// It works.
    pub(super) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// What it does, in one line for `systemctl status`.
    pub fn status(&self, status: &str) {
        self.tell(&format!("STATUS={}", one_line(status)));
    }

    /// It takes over another configuration, and says when it is ready again.
    pub(super) fn reloading(&self, status: &str) {
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS={}", monotonic_micros(), one_line(status)));
    }

    /// It ends.
    pub(super) fn stopping(&self, status: &str) {
        self.tell(&format!("STOPPING=1\nSTATUS={}", one_line(status)));
    }

    /// It lives.
    pub(super) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// The start, or a reload, may take so long from now.
    pub fn wait(&self, time: Duration) {
        self.tell(&format!("EXTEND_TIMEOUT_USEC={}", time.as_micros()));
    }

    fn tell(&self, message: &str) {
        let Some(line) = &self.line else { return };
        let (socket, to) = line.as_ref();
        if let Err(e) = socket.send_to_addr(message.as_bytes(), to) {
            tracing::warn!(event = "systemd_untold", error = %e, said = message.lines().next(), "systemd did not take a message");
        }
    }
}

fn open(name: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let to = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name.as_bytes())?,
        None if name.starts_with('/') => SocketAddr::from_pathname(name)?,
        None => return Err(io::Error::new(io::ErrorKind::Unsupported, "wanted a path, or @ and a name")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok((socket, to))
}

/// The time between two signs of life, where this process is the one that is watched.
fn watchdog(environment: &Environment, own: u32) -> Option<Duration> {
    let micros: u64 = environment.get("WATCHDOG_USEC")?.parse().ok().filter(|micros| *micros > 0)?;
    let ours = environment.get("WATCHDOG_PID").is_none_or(|pid| pid.parse() == Ok(own));
    ours.then(|| Duration::from_micros(micros))
}

/// What a line of a message can be: nothing that would begin another one, and not too long.
fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().find(|(at, c)| at + c.len_utf8() > LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 1024];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn it_speaks_to_paths_and_to_abstract_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        let supervisor = Supervisor::of(&environment(&[("NOTIFY_SOCKET", path.to_str().unwrap())]));
        supervisor.ready("Sending\nMAINPID=1");
        assert_eq!(heard(&by_path), "READY=1\nSTATUS=Sending MAINPID=1");
        supervisor.reloading("Reading");
        let said = heard(&by_path);
        let at: u64 = said.lines().nth(1).unwrap().strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
        assert!(said.starts_with("RELOADING=1\n") && at > 0 && at <= monotonic_micros(), "{said}");
        let name = format!("relance-test-{}", std::process::id());
        let abstractly = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Supervisor::of(&environment(&[("NOTIFY_SOCKET", &format!("@{name}"))])).alive();
        assert_eq!(heard(&abstractly), "WATCHDOG=1");
    }

    #[test]
    fn nobody_who_listens_is_nobody_to_tell() {
        for name in ["", "relative", "vsock:2:1", "/nowhere/at/all", "@"] {
            let supervisor = Supervisor::of(&environment(&[("NOTIFY_SOCKET", name)]));
            supervisor.ready("Sending");
            supervisor.stopping("Ending");
        }
        assert_eq!(Supervisor::of(&environment(&[])).watchdog(), None);
    }

    #[test]
    fn only_the_process_that_is_meant_is_watched() {
        let every = |pairs| watchdog(&environment(pairs), 7);
        assert_eq!(every(&[("WATCHDOG_USEC", "2500000")]), Some(Duration::from_millis(2500)));
        assert_eq!(every(&[("WATCHDOG_USEC", "2500000"), ("WATCHDOG_PID", "7")]), Some(Duration::from_millis(2500)));
        for other in [
            &[("WATCHDOG_USEC", "2500000"), ("WATCHDOG_PID", "8")][..],
            &[("WATCHDOG_USEC", "2500000"), ("WATCHDOG_PID", "x")],
            &[("WATCHDOG_USEC", "0")],
            &[("WATCHDOG_USEC", "-1")],
            &[],
        ] {
            assert_eq!(every(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_status_is_one_line_of_bounded_length() {
        assert_eq!(one_line("a\r\nb\tc\u{1b}[0m"), "a  b c [0m");
        let long = one_line(&"é".repeat(LONGEST));
        assert!(long.len() <= LONGEST + '…'.len_utf8() && long.ends_with('…'));
    }
}
