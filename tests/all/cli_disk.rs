//! The disk is full: the store fails in clear words, nothing is sent without being on record, and with space
//! everything goes on, in a daemon without a restart.

use super::crash::{compare, count, everyone_has_one_message, rows};
use super::program::{Firm, Ran, at_once, wait_for};
use super::support::Config;
use super::support::smtp::Smtp;
use std::process::Command;

const DEBTORS: usize = 60;

async fn firm(config: Config) -> (Firm, Smtp) {
    let server = Smtp::start().await;
    let email = config.email.as_ref().map(|e| e.replace("smtp://127.0.0.1:25", &format!("smtp://127.0.0.1:{}", server.port)));
    (Firm::new(&Config { email, ..at_once(config.on_file()) }, &rows(0, DEBTORS)).await, server)
}

/// After the fault: all is sent, and server and log agree.
fn recovers(firm: &Firm, server: &Smtp) {
    firm.run(&["run", "--once"]).ends(0);
    let log = compare(firm, server);
    everyone_has_one_message(server, DEBTORS);
    assert_eq!(count(&log, "accepted"), DEBTORS);
}

/// The disk becomes full while the store is made, while the ledger is read, while it is planned, while it is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_disk_at_any_point_loses_nothing() {
    let mut sent_before = 0;
    for blocks in [0, 100, 400, 700, 1000, 1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900, 2000, 2100] {
        let (firm, server) = firm(Config::mail(25)).await;
        let failed = Ran::new(&firm.cramped(blocks, "run --once").output().unwrap()).ends(1);
        let clear = failed.err.contains("the store failed: disk I/O error") || failed.err.contains("cannot open the store");
        assert!(clear && failed.err.contains("has room"), "at {blocks} blocks: {}", failed.err);
        sent_before += server.accepted().len();
        recovers(&firm, &server);
    }
    assert!(sent_before > 0, "no limit struck while messages were leaving");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_daemon_goes_on_by_itself_when_there_is_space_again() {
    let (firm, server) = firm(Config::mail(25)).await;
    let mut daemon = firm.cramped_daemon(1300);
    wait_for("the disk to be full", || firm.journal().contains("disk I/O error"));
    assert!(server.accepted().len() < DEBTORS && daemon.runs());
    daemon.unlimit();
    wait_for("everything to have left", || server.accepted().len() >= DEBTORS && compare_later(&firm));
    assert_eq!(daemon.terminate().0, Some(0));
    recovers(&firm, &server);
}

/// Whether the log knows of every message.
fn compare_later(firm: &Firm) -> bool {
    count(&firm.json(&["log"]), "accepted") == DEBTORS
}

/// The same on a real file system of its own that is full, where a user may have one.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_file_system_is_named_as_such() {
    let (firm, server) = firm(Config::mail(25)).await;
    let folder = firm.folder().display().to_string();
    let toml = std::fs::read_to_string(firm.path("relance.toml")).unwrap();
    std::fs::write(firm.path("relance.toml"), toml.replace("sqlite://relance.db", "sqlite://disk/relance.db")).unwrap();
    std::fs::create_dir(firm.path("disk")).unwrap();
    // Only this process tree sees the file system; it is gone when the shell ends.
    let script = format!(
        "cd '{folder}' && mount -t tmpfs -o size=500k tmpfs disk || exit 77
         run() {{ '{}' --config relance.toml run --once; echo \"exit $?\" >&2; }}
         run; mount -o remount,size=50m disk && run; cp -r disk kept",
        env!("CARGO_BIN_EXE_relance")
    );
    let output = Command::new("unshare").args(["-rm", "sh", "-c", &script]).output();
    let Some(ran) = output.ok().map(|o| Ran::new(&o)).filter(|r| r.code == Some(0)) else {
        println!("no file system of one's own to be had here: the limits above stand for it");
        return;
    };
    assert!(ran.err.contains("database or disk is full (SQLite 13); make room on its disk\nexit 1\n"), "{}", ran.err);
    assert!(ran.err.ends_with("exit 0\n"), "{}", ran.err);
    std::fs::remove_dir(firm.path("disk")).unwrap();
    std::fs::rename(firm.path("kept"), firm.path("disk")).unwrap();
    recovers(&firm, &server);
}

/// Runs `run --once` with the folder `disk` on a full file system of its own; gives the exit code and the journal.
fn on_a_full_disk(firm: &Firm, size: &str) -> Option<Ran> {
    std::fs::create_dir(firm.path("disk")).unwrap();
    let script = format!(
        "cd '{}' && mount -t tmpfs -o size={size} tmpfs disk || exit 77
         '{}' --config relance.toml run --once; echo \"exit $?\" >&2; cp -r disk kept",
        firm.folder().display(),
        env!("CARGO_BIN_EXE_relance")
    );
    let output = Command::new("unshare").args(["-rm", "sh", "-c", &script]).output();
    output.ok().map(|o| Ran::new(&o)).filter(|r| r.code == Some(0))
}

/// Mail and SMS go into files on a full disk: what is recorded as accepted is there to the last byte, and no torso is.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_disk_loses_no_mail_and_no_text() {
    for channel in ["email", "sms"] {
        let config = super::program::into_folder();
        let email = config.email.as_ref().map(|e| e.replace("file://mail", "file://disk/mail"));
        let config = Config { email, ..config }.with_sms_file();
        let sms = config.sms.as_ref().map(|s| s.replace("file://sms.jsonl", "file://disk/sms.jsonl"));
        let cadence = super::program::ALWAYS.replace("channel = \"email\"", &format!("channel = \"{channel}\""));
        let debtors: Vec<_> = rows(0, 60).into_iter().map(|r| r.with("phone", "+32470000001")).collect();
        let firm = Firm::new(&Config { sms, ..config }.cadence(&cadence), &debtors).await;
        let Some(ran) = on_a_full_disk(&firm, if channel == "email" { "60k" } else { "4k" }) else {
            println!("no file system of one's own to be had here");
            return;
        };
        assert!(ran.err.contains("No space left") && ran.err.ends_with("exit 1\n"), "{channel}: {}", ran.err);
        let log = firm.json(&["log"]);
        let accepted = count(&log, "accepted");
        assert!(accepted > 0 && accepted < debtors.len(), "{channel}: {accepted}");
        if channel == "sms" {
            let text = std::fs::read_to_string(firm.path("kept/sms.jsonl")).unwrap();
            assert!(text.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok()), "{text}");
            assert_eq!((text.lines().count(), text.ends_with('\n')), (accepted, true));
            continue;
        }
        let mails: Vec<_> = std::fs::read_dir(firm.path("kept/mail")).unwrap().map(|m| m.unwrap().path()).collect();
        assert!(mails.iter().all(|m| m.extension().is_some_and(|e| e == "eml")), "{mails:?}");
        assert_eq!(mails.len(), accepted);
        for attempt in log.iter().filter(|a| a["outcome"] == "accepted") {
            let name = attempt["message_id"].as_str().unwrap().split('@').next().unwrap().to_owned();
            let mail = mails.iter().find(|m| m.file_stem().unwrap().to_str() == Some(&name)).unwrap();
            let shown = firm.run(&["log", "show", &attempt["id"].to_string()]).ends(0);
            assert_eq!(std::fs::read(mail).unwrap(), shown.out.as_bytes());
        }
    }
}
