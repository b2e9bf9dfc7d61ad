//! Beside a running daemon: the other verbs work, the daemon heeds them at once, and it ends when asked to.

use super::crash::compare;
use super::program::{Daemon, Firm, at_once, day, into_folder, late, wait_for, within};
use super::support::Config;
use super::support::smtp::{Act, Smtp, Stage};
use std::time::Duration;

/// "Within a second" is promised, and `heed.rs` shows that the daemon needs no bell for it. Here a busy machine may be
/// late; what would come by itself comes after ten minutes.
const HEEDED: Duration = Duration::from_secs(5);

/// A firm with some debtors and a server that takes its time over each message.
async fn slow_firm(debtors: usize) -> (Firm, Smtp) {
    let server = Smtp::start().await;
    server.state().slow = Duration::from_millis(150);
    let rows: Vec<_> = (0..debtors).map(|i| late(&format!("F-{i:02}"), &format!("C{i:02}"))).collect();
    (Firm::new(&at_once(Config::mail(server.port)).email_line("connections = 1"), &rows).await, server)
}

/// Starts the daemon; its first poll is over when this returns.
fn start(firm: &Firm) -> Daemon {
    let daemon = firm.daemon();
    wait_for("the first poll", || firm.journal().contains("ledger read"));
    daemon
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hold_is_heeded_while_messages_wait() {
    let (firm, server) = slow_firm(40).await;
    let mut daemon = start(&firm);
    wait_for("the first message", || !server.accepted().is_empty());
    let until = day(20).to_string();
    firm.run(&["hold", "C30", "--until", &until, "--reason", "asked by phone"]).ends(0);
    let begun = server.begun().len();
    assert!(begun < 25, "too slow a machine to tell: {begun} messages were begun before the hold");
    for verb in [&["status"][..], &["log"], &["holds"], &["preview"], &["explain", "C30"], &["check"], &["uncertain"]] {
        firm.run(verb).ends(0);
    }
    wait_for("all others", || server.accepted().len() >= 39);
    wait_for("the record", || firm.attempts().len() >= 40);
    assert!(server.to("c30@client.example").is_empty(), "it was held before its message was begun");
    assert!(firm.attempts().contains(&"cancelled C30".to_owned()));
    let log = firm.json(&["log", "--debtor", "C30"]);
    assert_eq!(log[0]["why"], "held");
    firm.run(&["resume", "C30"]).ends(0);
    assert!(within(HEEDED, || !server.to("c30@client.example").is_empty()), "{}", firm.journal());
    assert!(daemon.runs());
    let (code, took) = daemon.terminate();
    assert!(code == Some(0) && took < Duration::from_secs(10), "{code:?} after {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn releases_are_heeded() {
    let rows = [late("F-1", "C1"), late("F-2", "C2"), late("F-3", "C3")];
    let firm = Firm::new(&into_folder().guard_line("max_messages_per_cycle = 2"), &rows).await;
    let daemon = start(&firm);
    wait_for("the brake", || firm.journal().contains("too many messages"));
    assert!(firm.mails().is_empty());
    firm.run(&["release", "--yes"]).ends(0);
    assert!(within(HEEDED, || firm.mails().len() == 3), "{}", firm.journal());
    assert_eq!(daemon.terminate().0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_word_on_a_doubt_is_heeded() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Close(Stage::Dot));
    let config = at_once(Config::mail(server.port)).email_line("when_uncertain = \"hold\"");
    let firm = Firm::new(&config, &[late("F-1", "C1")]).await;
    let daemon = start(&firm);
    wait_for("the doubt", || firm.json(&["uncertain"]).len() == 1);
    server.state().by_recipient.clear();
    firm.run(&["uncertain", &firm.object(&["uncertain"])["id"].to_string(), "resend"]).ends(0);
    assert!(within(HEEDED, || server.to("c1@client.example").len() == 1), "{}", firm.journal());
    assert_eq!(daemon.terminate().0, Some(0));
}

/// Asked to end while it sends, the daemon finishes what is in hand and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sigterm_ends_it_in_good_order() {
    let (firm, server) = slow_firm(60).await;
    let daemon = start(&firm);
    wait_for("some messages", || server.accepted().len() >= 3);
    let (code, took) = daemon.terminate();
    assert!(code == Some(0) && took < Duration::from_secs(10), "{code:?} after {took:?}");
    assert!(server.accepted().len() < 60, "it did not wait for all of them");
    let queue = firm.object(&["status"])["queue"].clone();
    assert!(queue.get("sending").is_none() && queue.get("leased").is_none(), "left over: {queue}");
    assert_eq!(firm.attempts().len(), server.accepted().len());
    server.state().slow = Duration::ZERO;
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(compare(&firm, &server).len(), 60, "no doubt, nothing twice");
}

/// After a standstill of its own the daemon reads the ledger before it alarms anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_start_is_no_reason_for_an_alert() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    let daemon = start(&firm);
    wait_for("the first message", || firm.mails().len() == 1);
    daemon.kill();
    let age = "UPDATE poll SET started_at = started_at - 400000000, finished_at = finished_at - 400000000";
    firm.home.run(age).await.unwrap();
    firm.insert(&[late("F-2", "C2")]).await;
    let daemon = firm.daemon();
    // The ledger is read, planned and sent by then; what would alarm anybody was looked at long before.
    assert!(within(Duration::from_secs(60), || firm.mails().len() == 2), "{}", firm.journal());
    assert_eq!(daemon.terminate().0, Some(0));
    assert!(firm.alerts().is_empty(), "{}", firm.journal());
}

/// A failing pump rests; that must not keep the program from ending.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sigterm_ends_a_daemon_whose_pumps_fail() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    let daemon = start(&firm);
    wait_for("the message", || firm.mails().len() == 1);
    firm.home.run("DROP TABLE brake").await.unwrap();
    wait_for("a failure", || firm.journal().contains("a pump failed"));
    let (code, took) = daemon.terminate();
    assert!(code == Some(0) && took < Duration::from_secs(7), "{code:?} after {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn log_follow_prints_what_comes() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let follower = firm.follow_log();
    let printed = || std::fs::read_to_string(firm.path("followed.log")).unwrap().lines().count();
    wait_for("what was there", || printed() == 1);
    firm.insert(&[late("F-2", "C2")]).await;
    firm.run(&["run", "--once"]).ends(0);
    wait_for("what came", || printed() == 2);
    follower.kill();
}

/// The newest is the one that was started last, whatever number it has got since by joining again.
#[tokio::test]
async fn status_says_which_of_several_daemons_rests() {
    let Some(firm) = Firm::shared(&into_folder(), "1s", &[]).await else { return };
    firm.run(&["run", "--once"]).ends(0);
    let rows = "('newer', 2000, 'a'), ('older', 1000, 'b'), ('newest', 3000, 'a'), ('older again', 1500, 'b')";
    firm.home.run(&format!("INSERT INTO session (name, started_at, agreement) VALUES {rows}")).await.unwrap();
    let status = firm.run(&["status"]).ends(0).out;
    let resting: Vec<&str> = status.lines().filter(|l| l.contains("; RESTS")).collect();
    assert_eq!(resting.len(), 2, "{status}");
    assert!(resting.iter().all(|line| line.starts_with("daemon       older")), "{status}");
}
