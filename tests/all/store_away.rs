//! The database goes away and comes back: nothing leaves that could not be recorded, nothing is lost, and the daemon goes
//! on by itself.

use super::crash::{compare, count, everyone_has_one_message, rows, seen};
use super::program::{Firm, at_once, wait_for, within};
use super::support::Config;
use super::support::home::Home;
use super::support::postgres::Database;
use super::support::relay::Relay;
use super::support::smtp::Smtp;
use std::time::Duration;

const DEBTORS: usize = 150;

/// A firm that reaches its store by a wire that can be cut. What it says of its place is `place`.
struct Away {
    firm: Firm,
    server: Smtp,
    wire: Relay,
    place: String,
}

impl Away {
    async fn new(slow: Duration) -> Option<Away> {
        let database = Database::new().await?;
        let wire = Relay::to(&database.address()).await;
        let server = Smtp::start().await;
        server.state().slow = slow;
        let place = database.url_by(&wire.address.to_string());
        let config = at_once(Config::mail(server.port)).email_line("connections = 2");
        let store = format!("url = \"{place}\"\nlease = \"2s\"\n");
        let mut firm = Firm::new(&Config { store, ..config }, &rows(0, DEBTORS)).await;
        firm.home = Home::Database(database);
        Some(Away { firm, server, wire, place })
    }

    fn taken(&self) -> usize {
        self.server.state().taken.len()
    }

    fn is_done(&self) -> bool {
        self.taken() >= DEBTORS && count(&self.firm.json(&["log"]), "accepted") == DEBTORS
    }

    /// Log and server agree, and everybody has got one message.
    fn holds(&self) {
        let log = compare(&self.firm, &self.server);
        everyone_has_one_message(&self.server, DEBTORS);
        assert_eq!(count(&log, "accepted"), DEBTORS);
        let doubled: usize = seen(&self.server).values().map(|times| times - 1).sum();
        println!("{} doubts, {doubled} came twice", count(&log, "unknown"));
    }

    /// While the database is away nothing more leaves than what was in hand.
    fn stands_still(&self) {
        let most_in_hand = 2;
        wait_for("the daemon to notice", || self.firm.journal().contains("nothing leaves until the store is back"));
        let at = self.taken();
        within(Duration::from_millis(1500), || self.taken() > at + most_in_hand);
        assert!(self.taken() <= at + most_in_hand, "{at} had left, now {}", self.taken());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_is_waited_for() {
    let Some(mut away) = Away::new(Duration::from_millis(15)).await else { return };
    let daemon = away.firm.daemon();
    wait_for("some messages", || away.taken() >= 20);
    away.wire.cut().await;
    away.stands_still();
    let status = away.firm.run(&["status"]).ends(1);
    let told = format!("relance: the store {} cannot be reached: ", away.place);
    assert!(status.err.starts_with(&told) && status.err.contains("nothing leaves until it is back"), "{}", status.err);
    away.wire.mend().await;
    wait_for("everything to have left", || away.is_done());
    assert!(away.firm.journal().contains("the store is back"), "{}", away.firm.journal());
    let line = |text: &str| text.lines().find(|l| l.starts_with("daemon ")).unwrap().to_owned();
    let shown = line(&away.firm.run(&["status"]).ends(0).out);
    assert!(shown.contains(" since ") && shown.contains("heard of "), "{shown}");
    assert_eq!(away.firm.object(&["status"])["daemons"].as_array().unwrap().len(), 1);
    assert_eq!(daemon.terminate().0, Some(0));
    assert_eq!(away.firm.object(&["status"])["daemons"].as_array().unwrap().len(), 0);
    away.holds();
}

/// No connection breaks, and no answer comes: that is a database that is away as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_falls_silent_is_waited_for() {
    let Some(away) = Away::new(Duration::from_millis(15)).await else { return };
    let daemon = away.firm.daemon();
    wait_for("some messages", || away.taken() >= 20);
    away.wire.silence(true);
    away.stands_still();
    away.wire.silence(false);
    wait_for("everything to have left", || away.is_done());
    assert_eq!(daemon.terminate().0, Some(0));
    away.holds();
}

/// It breaks off again and again, at whatever moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_breaks_off_again_and_again_loses_nothing() {
    let Some(mut away) = Away::new(Duration::from_millis(10)).await else { return };
    let mut daemon = away.firm.daemon();
    for round in 1..=10u64 {
        let goal = away.taken() + 7;
        within(Duration::from_secs(2), || away.taken() >= goal);
        std::thread::sleep(Duration::from_micros(round * 1777));
        away.wire.shake().await;
        assert!(daemon.runs(), "{}", away.firm.journal());
    }
    wait_for("everything to have left", || away.is_done());
    assert_eq!(daemon.terminate().0, Some(0));
    away.holds();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_waits_at_its_start_and_one_round_does_not() {
    let Some(mut away) = Away::new(Duration::ZERO).await else { return };
    away.wire.cut().await;
    let once = away.firm.run(&["run", "--once"]).ends(1);
    assert!(once.err.contains("cannot be reached"), "{}", once.err);
    let mut daemon = away.firm.daemon();
    wait_for("the daemon to say so", || away.firm.journal().contains("waiting for the store"));
    assert!(daemon.runs() && away.taken() == 0);
    away.wire.mend().await;
    wait_for("everything to have left", || away.is_done());
    assert_eq!(daemon.terminate().0, Some(0));
    away.holds();
}

/// What has to be put right by a person ends the program with words for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_waiting_does_not_mend_is_told() {
    let Some(database) = Database::new().await else { return };
    let server = database.address();
    let (role, url) = database.role().await;
    let told = async |url: &str| {
        let store = format!("url = \"{url}\"\n");
        let firm = Firm::new(&Config { store, ..at_once(Config::mail(1)) }, &[]).await;
        firm.run(&["run"]).ends(1).err
    };
    let nowhere = told(&format!("postgres://relance@{server}/no_such_database")).await;
    assert!(nowhere.contains("does not exist") && nowhere.contains("createdb"), "{nowhere}");
    let nobody = told(&format!("postgres://no_such_role@{server}/relance")).await;
    assert!(nobody.contains("no_such_role") && nobody.contains("pg_hba.conf"), "{nobody}");
    let shut = told(&url).await;
    let schema = "CREATE SCHEMA relance AUTHORIZATION";
    assert!(shut.contains("permission denied") && shut.contains(schema), "{shut}");
    database.run(&format!("{schema} {role}")).await;
    let store = format!("url = \"{url}\"\n");
    let firm = Firm::new(&Config { store, ..at_once(Config::mail(1)) }, &[]).await;
    firm.run(&["run", "--once"]).ends(0);
}
