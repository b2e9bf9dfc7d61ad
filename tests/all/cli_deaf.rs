//! Nobody reads what the program prints: the reader has gone away (`| head`), the disk is full. No verb may panic for
//! it, and what was to be done is done.

use super::program::{Firm, Ran, day, into_folder, late, wait_for};
use super::support::Config;
use super::support::smtp::{Act, Smtp, Stage};
use std::fs::File;
use std::process::{Command, Stdio};

/// Where a stream leads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum To {
    /// To the test.
    Reader,
    /// Into a pipe whose reader is gone.
    Nobody,
    /// Onto a disk that is full.
    FullDisk,
}

fn stream(to: To) -> Stdio {
    match to {
        To::Reader => Stdio::piped(),
        To::Nobody => {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            writer.into()
        }
        To::FullDisk => File::options().write(true).open("/dev/full").unwrap().into(),
    }
}

/// Runs a verb with its two streams led somewhere.
fn run(firm: &Firm, verb: &str, out: To, err: To) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relance"));
    command.env_clear().env("RELANCE_LOG", "debug").arg("--config").arg(firm.path("relance.toml")).args(verb.split(' '));
    let output = command.stdin(Stdio::null()).stdout(stream(out)).stderr(stream(err)).output().unwrap();
    Ran::new(&output)
}

/// A firm with an attempt, a message in doubt, a message held and a debtor on hold.
async fn firm() -> (Firm, Smtp) {
    let server = Smtp::start().await;
    server.always("c2@client.example", Act::Close(Stage::Dot));
    let config = super::program::at_once(Config::mail(server.port)).email_line("when_uncertain = \"hold\"");
    let firm = Firm::new(&config, &[late("F-1", "C1"), late("F-2", "C2"), late("F-3", "C3")]).await;
    firm.run(&["run", "--once"]).ends(1);
    let until = day(20).to_string();
    firm.run(&["hold", "C3", "--until", &until, "--reason", "asked by phone"]).ends(0);
    (firm, server)
}

const READING: [&str; 19] = [
    "--help",
    "--version",
    "check",
    "check --connect",
    "status",
    "status --json",
    "explain C1",
    "explain C1 --json",
    "preview",
    "preview --json",
    "log",
    "log --json",
    "log --limit 2",
    "log show 1",
    "log verify --deep",
    "log verify --json",
    "holds",
    "holds --json",
    "uncertain",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reader_that_has_gone_is_no_fault() {
    let (firm, _server) = firm().await;
    for verb in READING {
        let ran = run(&firm, verb, To::Nobody, To::Reader).ends(0);
        assert_eq!(ran.err, "", "{verb}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_disk_is_a_fault_that_is_told() {
    let (firm, _server) = firm().await;
    for verb in READING.into_iter().filter(|v| !v.starts_with("--")) {
        let ran = run(&firm, verb, To::FullDisk, To::Reader).ends(1);
        assert!(ran.err.contains("cannot print"), "{verb}: {}", ran.err);
        run(&firm, verb, To::FullDisk, To::FullDisk).ends(1);
    }
}

/// The reader of `log --follow` goes away: it ends with the next line that it cannot print.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn following_the_log_ends_with_its_reader() {
    let (firm, _server) = firm().await;
    for verb in ["log --follow", "log --follow --json", "log --follow --limit 1", "log --follow --limit 1 --json"] {
        run(&firm, verb, To::Nobody, To::Reader).ends(0);
    }
}

/// What changes something does so, whether or not anybody hears of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_asked_is_done() {
    for to in [To::Nobody, To::FullDisk] {
        // Without a reader all is well; on a full disk the exit code says that something was not printed.
        let code = if to == To::Nobody { 0 } else { 1 };
        let (firm, server) = firm().await;
        run(&firm, "resume C3", to, to).ends(code);
        assert!(firm.json(&["holds"]).is_empty());
        run(&firm, &format!("hold C1 --until {} --reason why", day(9)), to, to).ends(code);
        assert_eq!(firm.json(&["holds"]).len(), 1);
        let id = firm.object(&["uncertain"])["id"].to_string();
        run(&firm, &format!("uncertain {id} resend"), to, to).ends(code);
        assert!(firm.json(&["uncertain"]).is_empty());
        server.state().by_recipient.clear();
        run(&firm, "release --yes", to, to).ends(1);
        // The journal goes to standard error, line by line, while messages leave.
        run(&firm, "run --once", to, to).ends(0);
        assert_eq!(server.to("c2@client.example").len(), 1, "the second time it was taken");
        run(&firm, "explain nobody", to, to).ends(1);
        run(&firm, "nonsense", to, to).ends(2);
        std::fs::write(firm.path("relance.toml"), "[creditor]\nname = 1\n").unwrap();
        run(&firm, "check", to, to).ends(2);
        run(&firm, "run", to, to).ends(2);
    }
}

/// A service whose journal breaks off goes on with its work.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_daemon_without_a_journal_goes_on() {
    let config = into_folder().guard_line("max_messages_per_cycle = 1");
    let firm = Firm::new(&config, &[late("F-1", "C1"), late("F-2", "C2")]).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_relance"));
    command.env_clear().env("RELANCE_LOG", "debug").arg("--config").arg(firm.path("relance.toml")).arg("run");
    command.stdout(stream(To::Nobody)).stderr(stream(To::Nobody)).stdin(Stdio::null());
    let daemon = super::program::Daemon::of(command.spawn().unwrap());
    wait_for("the messages to be held", || firm.run(&["release", "--yes"]).code == Some(0));
    wait_for("both messages", || firm.mails().len() == 2);
    wait_for("their record", || firm.attempts().len() == 2);
    assert_eq!(daemon.terminate().0, Some(0));
}

#[test]
fn the_demo_is_lived_through_all_the_same() {
    for to in [To::Nobody, To::FullDisk] {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("demo");
        let mut command = Command::new(env!("CARGO_BIN_EXE_relance"));
        command.env_clear().arg("demo").arg(&folder).stdin(Stdio::null()).stdout(stream(to)).stderr(stream(to));
        let code = if to == To::Nobody { 0 } else { 1 };
        Ran::new(&command.output().unwrap()).ends(code);
        assert!(std::fs::read_dir(folder.join("mail")).unwrap().count() > 50);
    }
}
