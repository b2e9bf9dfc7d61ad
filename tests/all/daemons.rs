//! Several daemons on one store: one is killed, one is stopped past its lease and goes on in the middle of what it was
//! doing, and what they had in hand is taken over by the third. In the end the mail server and the log must tell the
//! same story: nothing is lost, and nothing came twice but what the log calls `unknown`.

use super::crash::{Chance, compare, count, everyone_has_one_message, rows, seen};
use super::program::{Daemon, Firm, at_once, wait_for, within, word};
use super::support::Config;
use super::support::smtp::{Offers, Smtp};
use std::time::Duration;

/// Rounds of one kill and one stop each; RELANCE_CHAOS_ROUNDS sets another number (see tests/chaos).
fn rounds(default: usize) -> usize {
    relance::config::environment().get("RELANCE_CHAOS_ROUNDS").map_or(default, |n| n.parse().unwrap())
}

/// Debtors due at the beginning, and those that become due in each round.
const DEBTORS: usize = 60;
const MORE: usize = 25;

struct Chaos {
    firm: Firm,
    server: Smtp,
    chance: Chance,
    debtors: usize,
    daemons: Vec<Daemon>,
}

impl Chaos {
    async fn new(seed: u64, slow: Duration, pipelining: bool) -> Option<Chaos> {
        println!("seed {seed}");
        let server = Smtp::with(Offers { dsn: true, pipelining, ..Offers::default() }).await;
        server.state().slow = slow;
        let config = at_once(Config::mail(server.port)).source_line("poll = \"* * * * * *\"").email_line("connections = 3");
        let firm = Firm::shared(&config, "1s", &rows(0, DEBTORS)).await?;
        let daemons = (0..3).map(|_| firm.daemon()).collect();
        Some(Chaos { firm, server, chance: Chance(seed), debtors: DEBTORS, daemons })
    }

    fn taken(&self) -> usize {
        self.server.state().taken.len()
    }

    /// Once some messages have been begun, one daemon is killed and another stopped; the third has the lease's time to
    /// notice and takes over. Then the stopped one goes on, and a new one comes for the one that was killed.
    async fn round(&mut self) {
        self.firm.insert(&rows(self.debtors, MORE)).await;
        self.debtors += MORE;
        let goal = self.taken() + 1 + self.chance.below(MORE as u64) as usize;
        within(Duration::from_millis(2500), || self.taken() >= goal);
        std::thread::sleep(Duration::from_micros(self.chance.below(30_000)));
        let killed = self.chance.below(3) as usize;
        let stopped = (killed + 1 + self.chance.below(2) as usize) % 3;
        self.daemons[stopped].signal("STOP");
        let dead = std::mem::replace(&mut self.daemons[killed], self.firm.daemon());
        dead.kill();
        // Now and then it goes on before anybody has noticed.
        std::thread::sleep(Duration::from_millis(600 + self.chance.below(1900)));
        self.daemons[stopped].signal("CONT");
        let all = self.daemons.iter_mut().all(Daemon::runs);
        assert!(all, "a daemon ended by itself:\n{}", self.firm.journal());
    }

    /// All of them end in good order, and whatever is still in doubt is decided by a person who looks at the server.
    fn end(&mut self) {
        wait_for("everything to have left", || {
            let queue = self.firm.object(&["status"])["queue"].clone();
            queue.as_object().unwrap().keys().all(|state| state == "uncertain")
        });
        for daemon in self.daemons.drain(..) {
            assert_eq!(daemon.terminate().0, Some(0));
        }
        self.firm.run(&["run", "--once"]).ends(0);
        let seen = seen(&self.server);
        for row in self.firm.json(&["uncertain"]) {
            let arrived = seen.contains_key(word(&row["message_id"]));
            self.firm.run(&["uncertain", &row["id"].to_string(), if arrived { "sent" } else { "resend" }]).ends(0);
        }
        self.firm.run(&["run", "--once"]).ends(0);
    }
}

async fn survive(seed: u64, slow: Duration, pipelining: bool, rounds: usize) {
    let Some(mut chaos) = Chaos::new(seed, slow, pipelining).await else { return };
    for _ in 0..rounds {
        chaos.round().await;
    }
    chaos.end();
    let log = compare(&chaos.firm, &chaos.server);
    everyone_has_one_message(&chaos.server, chaos.debtors);
    assert_eq!(count(&log, "accepted"), chaos.debtors);
    let doubled: usize = seen(&chaos.server).values().map(|times| times - 1).sum();
    let (journal, doubts) = (chaos.firm.journal(), count(&log, "unknown"));
    let fenced = journal.matches("it begins anew").count();
    println!("{} debtors, {rounds} rounds, {doubts} doubts, {doubled} came twice, {fenced} began anew", chaos.debtors);
    if rounds >= 10 {
        assert!(doubts > 0, "nobody was stopped while a message was under way");
        assert!(fenced > 0, "nobody was taken for dead and came back");
    }
}

/// Few messages at a time, each in the server's hands when it happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_killed_and_one_stopped_over_a_slow_server() {
    survive(31_001, Duration::from_millis(40), false, rounds(15)).await;
}

/// Many messages answered and not yet on record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_killed_and_one_stopped_over_a_fast_server() {
    survive(31_002, Duration::from_millis(4), true, rounds(15)).await;
}
