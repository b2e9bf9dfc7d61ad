//! Another program keeps the store, or the ledger, locked: a clear error says what, where and what to do, verbs that only
//! read go on, nothing leaves without being on record, and when the lock is gone everything goes on.

use super::crash::compare;
use super::program::{Firm, Ran, at_once, day, into_folder, late, wait_for, within};
use super::support::smtp::Smtp;
use super::support::{Config, Row, World};
use relance::clock::Stopwatch;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What relance waits for the store, and some.
const LONGEST: Duration = Duration::from_secs(55);

/// Another program with a database open in an exclusive transaction.
struct Other(SqliteConnection);

impl Other {
    async fn locks(path: &Path) -> Other {
        let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
        Other(connection)
    }

    async fn lets_go(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// A verb that runs while others do.
fn begin(firm: &Firm, verb: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relance"));
    command.env_clear().arg("--config").arg(firm.path("relance.toml")).args(verb);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(child: Child) -> Ran {
    Ran::new(&child.wait_with_output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_store_that_another_program_locks_is_named_and_nothing_is_lost() {
    let firm = Firm::new(&into_folder().on_file(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    firm.insert(&[late("F-2", "C2")]).await;
    let other = Other::locks(&firm.path("relance.db")).await;
    let watch = Stopwatch::start();
    let until = day(20).to_string();
    let writing =
        [&["run", "--once"][..], &["hold", "C1", "--until", &until, "--reason", "asked by phone"], &["release", "C1", "--yes"]];
    let waiting: Vec<Child> = writing.iter().map(|verb| begin(&firm, verb)).collect();
    let reading =
        [&["status"][..], &["log"], &["log", "verify", "--deep"], &["explain", "C1"], &["preview"], &["holds"], &["check"]];
    for verb in reading {
        firm.run(verb).ends(0);
    }
    assert!(watch.elapsed() < Duration::from_secs(25), "verbs that only read waited: {:?}", watch.elapsed());
    let place = firm.path("relance.db").display().to_string();
    for (verb, child) in writing.iter().zip(waiting) {
        let ran = ended(child).ends(1);
        let told = format!("relance: another program has kept the store {place} locked for 30 seconds; end it or wait for it");
        assert!(ran.err.contains(&told) && ran.err.contains("then try again: nothing is lost"), "{verb:?}: {}", ran.err);
    }
    assert!(watch.elapsed() < LONGEST, "took {:?}", watch.elapsed());
    assert_eq!(firm.mails().len(), 1, "nothing left meanwhile");
    other.lets_go().await;
    assert!(firm.json(&["holds"]).is_empty());
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C1", "accepted C2"]);
    firm.run(&["log", "verify", "--deep"]).ends(0);
}

/// The lock comes while messages are leaving: what is known to have left is recorded when the lock is gone, so nothing is
/// in doubt and nothing is sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lock_while_messages_leave_is_outlived_by_the_daemon() {
    const DEBTORS: usize = 30;
    let server = Smtp::start().await;
    server.state().slow = Duration::from_millis(100);
    let rows: Vec<Row> = (0..DEBTORS).map(|n| late(&format!("F-{n}"), &format!("C{n}"))).collect();
    let firm = Firm::new(&at_once(Config::mail(server.port)).email_line("connections = 2").on_file(), &rows).await;
    let mut daemon = firm.daemon();
    wait_for("some messages", || server.accepted().len() >= 4);
    let other = Other::locks(&firm.path("relance.db")).await;
    let told = format!("another program has kept the store {} locked", firm.path("relance.db").display());
    // Parts of delivery wait one after the other, each for its time.
    assert!(within(Duration::from_secs(150), || firm.journal().contains(&told)), "{}", firm.journal());
    assert!(server.accepted().len() < DEBTORS, "without a record nothing goes on leaving");
    assert!(daemon.runs());
    other.lets_go().await;
    let accepted = || firm.attempts().iter().filter(|a| a.starts_with("accepted")).count();
    wait_for("all to be on record", || accepted() >= DEBTORS);
    assert_eq!(daemon.terminate().0, Some(0));
    let log = compare(&firm, &server);
    assert_eq!((log.len(), server.accepted().len()), (DEBTORS, DEBTORS), "no doubt, nothing twice: {log:?}");
    firm.run(&["log", "verify", "--deep"]).ends(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_ledger_that_its_owner_locks_is_named() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    let other = Other::locks(&firm.path("ledger.db")).await;
    let watch = Stopwatch::start();
    let waiting = [&["run", "--once"][..], &["check", "--connect"]].map(|verb| begin(&firm, verb));
    let [run, check] = waiting.map(|child| ended(child).ends(1));
    assert!(watch.elapsed() < LONGEST, "took {:?}", watch.elapsed());
    let place = firm.path("ledger.db").display().to_string();
    let told = format!("another program has kept the ledger {place} locked for 10 seconds; see that it ends its transaction");
    assert!(run.err.contains(&told), "{}", run.err);
    assert!(check.out.contains(&format!("source: FAILED: {told}")), "{}", check.out);
    let brakes = firm.object(&["status"])["brakes"].clone();
    assert!(brakes[0]["reason"] == "poll_failed" && brakes[0]["text"].to_string().contains(&place), "{brakes}");
    assert!(firm.mails().is_empty());
    other.lets_go().await;
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C1"]);
}

/// The owner locks the ledger between plan and delivery: nothing leaves unread, nothing is dropped.
#[tokio::test]
async fn a_ledger_locked_at_the_re_read_keeps_the_messages_back() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2")];
    let world = World::with(Config::mail(server.port), &rows).await;
    world.plan().await;
    let other = Other::locks(&world.path("ledger.db")).await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.queue().await, ["queued 2"]);
    assert!(world.outcomes().await.is_empty(), "that is no attempt");
    let poll = world.store().last_poll().await.unwrap().unwrap();
    let told = format!("another program has kept the ledger {} locked", world.path("ledger.db").display());
    assert!(poll.text.contains(&told), "{}", poll.text);
    other.lets_go().await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder", "accepted email reminder"]);
    world.finish().await;
}
