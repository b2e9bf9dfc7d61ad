//! What the daemon tells whoever started it: ready when it is and not before, alive while it is well, and the end.

use super::program::{Firm, at_once, into_folder, late, wait_for, within};
use super::support::Config;
use super::support::home::Home;
use super::support::postgres::Database;
use super::support::relay::Relay;
use super::support::smtp::{Act, Smtp};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// So patient is systemd by the unit; no test waits for it.
const PATIENT: Duration = Duration::from_secs(300);

/// systemd's end of the socket.
pub(super) struct Supervisor {
    socket: UnixDatagram,
    pub(super) path: String,
    pub(super) said: Vec<String>,
}

impl Supervisor {
    pub(super) fn of(firm: &Firm) -> Supervisor {
        let path = firm.path("notify.sock").display().to_string();
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Supervisor { socket, path, said: Vec::new() }
    }

    /// Takes in what has come.
    pub(super) fn listen(&mut self) {
        let mut bytes = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut bytes) {
            self.said.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
        }
    }

    pub(super) fn count(&mut self, what: &str) -> usize {
        self.listen();
        self.said.iter().filter(|said| said.contains(what)).count()
    }

    /// Waits until something was said so often.
    pub(super) fn waits_for(&mut self, what: &str, times: usize) {
        wait_for(&format!("{what} ({times})"), || self.count(what) >= times);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_is_ready_once_the_store_is_open_and_says_when_it_ends() {
    let firm = Firm::new(&into_folder().guard_line("dry_run = true"), &[late("F-1", "C1")]).await;
    let mut systemd = Supervisor::of(&firm);
    let daemon = firm.told_daemon(&systemd.path, PATIENT);
    systemd.waits_for("READY=1", 1);
    systemd.waits_for("WATCHDOG=1", 1);
    assert_eq!(systemd.said[0], "STATUS=Opening the store");
    let ready = systemd.said.iter().find(|said| said.starts_with("READY=1\n")).unwrap();
    assert!(ready.contains("STATUS=Reading the ledger for the first time; outbox 0; ledger not read yet"), "{ready}");
    firm.run(&["status"]).ends(0);
    let (code, took) = daemon.terminate();
    assert!(code == Some(0) && took < Duration::from_secs(10), "{code:?} after {took:?}");
    assert_eq!(systemd.count("STOPPING=1\nSTATUS=Finishing"), 1);
    assert!(systemd.said.iter().all(|said| !said.contains("C1") && !said.contains("@")), "nobody's name: {:?}", systemd.said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_check_refuses_is_never_ready() {
    let firm = Firm::new(&into_folder().guard_line("dry_rum = true"), &[]).await;
    let mut systemd = Supervisor::of(&firm);
    let mut daemon = firm.told_daemon(&systemd.path, PATIENT);
    wait_for("the refusal", || !daemon.runs());
    assert_eq!(systemd.count("READY=1"), 0, "{:?}", systemd.said);
    assert!(firm.journal().contains("dry_rum"), "{}", firm.journal());
}

/// A mail server that takes longer over a message than systemd is patient is no illness of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_slow_mail_server_ends_no_sign_of_life() {
    let server = Smtp::start().await;
    server.next(&[Act::Late(Duration::from_secs(12))]);
    let firm = Firm::new(&at_once(Config::mail(server.port)), &[late("F-1", "C1")]).await;
    let mut systemd = Supervisor::of(&firm);
    let daemon = firm.told_daemon(&systemd.path, Duration::from_secs(6));
    wait_for("the record", || {
        systemd.listen();
        firm.journal().contains("attempts recorded")
    });
    assert!(systemd.count("WATCHDOG=1") >= 6, "{:?}\n{}", systemd.said, firm.journal());
    assert!(!firm.journal().contains("told no more"), "{}", firm.journal());
    assert_eq!(daemon.terminate().0, Some(0));
}

/// A store that is silent ends the signs of life, and one that speaks again brings them back.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_store_that_does_not_answer_ends_the_signs_of_life() {
    let Some(database) = Database::new().await else { return };
    let wire = Relay::to(&database.address()).await;
    let store = format!("url = \"{}\"\nlease = \"2s\"\n", database.url_by(&wire.address.to_string()));
    let mut firm = Firm::new(&Config { store, ..into_folder() }, &[late("F-1", "C1")]).await;
    firm.home = Home::Database(database);
    let mut systemd = Supervisor::of(&firm);
    let daemon = firm.told_daemon(&systemd.path, Duration::from_secs(4));
    systemd.waits_for("WATCHDOG=1", 2);
    wire.silence(true);
    wait_for("the journal to say so", || {
        systemd.listen();
        firm.journal().contains("told no more that this program is well, and will end it: the store has not answered")
    });
    systemd.listen();
    let before = systemd.count("WATCHDOG=1");
    within(Duration::from_secs(3), || systemd.count("WATCHDOG=1") > before);
    assert_eq!(systemd.count("WATCHDOG=1"), before, "{}", firm.journal());
    wire.silence(false);
    systemd.waits_for("WATCHDOG=1", before + 1);
    assert!(firm.journal().contains("all is well again"));
    daemon.kill();
}
