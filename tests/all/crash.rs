//! kill -9 at any moment: the real process is killed a hundred times while it polls, plans and sends, and is
//! started again each time. In the end the mail server and the log must tell the same story: nothing is lost,
//! and nothing came twice but what the log calls `unknown`.

use super::program::{Firm, at_once, late, wait_for, within, word};
use super::support::Config;
use super::support::home::Home;
use super::support::row::Row;
use super::support::smtp::{Offers, Smtp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A hundred kills in all, over worlds in which different things are under way when they come.
struct Killing {
    /// Printed when the test fails; another number is another series of kills.
    seed: u64,
    kills: usize,
    /// Debtors due at the beginning, and those that become due before each start.
    debtors: usize,
    more: usize,
    connections: usize,
    /// How long the server takes over each message.
    slow: Duration,
    pipelining: bool,
    when_uncertain: &'static str,
}

/// A few messages at a time, each in the server's hands when the kill comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_over_a_slow_server() {
    let slow = Duration::from_millis(40);
    let killing = Killing {
        seed: 20_261,
        kills: 35,
        debtors: 300,
        more: 4,
        connections: 2,
        slow,
        pipelining: false,
        when_uncertain: "resend",
    };
    nothing_lost_nothing_doubled(killing).await;
}

/// Many messages answered and not yet on record when the kill comes, and envelopes on their way unanswered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_over_a_fast_server() {
    let slow = Duration::ZERO;
    let killing = Killing {
        seed: 20_262,
        kills: 35,
        debtors: 120,
        more: 12,
        connections: 4,
        slow,
        pipelining: true,
        when_uncertain: "resend",
    };
    nothing_lost_nothing_doubled(killing).await;
}

async fn nothing_lost_nothing_doubled(killing: Killing) {
    let (firm, server, debtors) = survive(&killing).await;
    firm.run(&["run", "--once"]).ends(0);
    // A message that fell into doubt three times waits for a person, who looks into the server's log.
    let seen = seen(&server);
    for row in firm.json(&["uncertain"]) {
        let arrived = seen.contains_key(word(&row["message_id"]));
        firm.run(&["uncertain", &row["id"].to_string(), if arrived { "sent" } else { "resend" }]).ends(0);
    }
    firm.run(&["run", "--once"]).ends(0);
    let log = compare(&firm, &server);
    let doubled: usize = seen.values().map(|times| times - 1).sum();
    println!("{debtors} debtors, {} kills, {} doubts, {doubled} came twice", killing.kills, count(&log, "unknown"));
    everyone_has_one_message(&server, debtors);
    assert_eq!(count(&log, "accepted"), debtors);
    assert!(count(&log, "unknown") > 0, "no kill came while a message was under way");
}

/// With `hold` doubt is left to a person: nothing comes twice whatever happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_hold_nothing_comes_twice() {
    let slow = Duration::from_millis(30);
    let killing = Killing {
        seed: 20_263,
        kills: 30,
        debtors: 300,
        more: 2,
        connections: 3,
        slow,
        pipelining: false,
        when_uncertain: "hold",
    };
    let (firm, server, debtors) = survive(&killing).await;
    firm.run(&["run", "--once"]).ends(0);
    let before = seen(&server);
    let doubtful = firm.json(&["uncertain"]);
    let log = compare(&firm, &server);
    assert!(before.values().all(|times| *times == 1), "doubled: {before:?}");
    assert_eq!(count(&log, "unknown"), doubtful.len(), "every doubt waits for a person");
    assert_eq!(count(&log, "accepted") + doubtful.len(), debtors, "whatever is not in doubt has left");
    let (arrived, lost): (Vec<&Value>, Vec<&Value>) = doubtful.iter().partition(|d| before.contains_key(word(&d["message_id"])));
    assert!(!lost.is_empty(), "no kill came while a message was under way");
    for row in &arrived {
        firm.run(&["uncertain", &row["id"].to_string(), "sent"]).ends(0);
    }
    let (dropped, again) = lost.split_at(lost.len() / 2);
    for row in dropped {
        firm.run(&["uncertain", &row["id"].to_string(), "drop"]).ends(0);
    }
    for row in again {
        firm.run(&["uncertain", &row["id"].to_string(), "resend"]).ends(0);
    }
    assert_eq!(seen(&server), before, "a word alone sends nothing");
    firm.run(&["run", "--once"]).ends(0);
    let after = seen(&server);
    let came = |row: &&Value| after.get(word(&row["message_id"])).copied().unwrap_or_default();
    assert!(arrived.iter().all(|row| came(row) == 1), "what has arrived is not sent again");
    assert!(again.iter().all(|row| came(row) == 1), "what is to be sent again leaves once");
    assert!(dropped.iter().all(|row| came(row) == 0), "what was dropped does not leave");
    assert_eq!(after.len(), before.len() + again.len());
    assert!(firm.json(&["uncertain"]).is_empty());
    let log = compare(&firm, &server);
    assert_eq!(count(&log, "accepted"), debtors - dropped.len());
    assert_eq!(count(&log, "cancelled"), dropped.len());
}

/// Kills the daemon again and again; gives the firm as the last kill left it, and how many debtors were due.
async fn survive(killing: &Killing) -> (Firm, Smtp, usize) {
    println!("seed {}", killing.seed);
    let server = Smtp::with(Offers { dsn: true, pipelining: killing.pipelining, ..Offers::default() }).await;
    server.state().slow = killing.slow;
    // Polled every second, so that kills come while the ledger is read, too.
    let config = at_once(Config::mail(server.port))
        .source_line("poll = \"* * * * * *\"")
        .email_line(&format!("connections = {}", killing.connections))
        .email_line(&format!("when_uncertain = \"{}\"", killing.when_uncertain));
    let firm = Firm::new(&config, &rows(0, killing.debtors)).await;
    let mut debtors = killing.debtors;
    let mut chance = Chance(killing.seed);
    for life in 0..killing.kills {
        let mut daemon = firm.daemon();
        if life == 0 && matches!(firm.home, Home::Database(_)) {
            // A duty of who was killed is another's only after the lease, which is longer than these lives: a first
            // poll that is cut off, as on a slow machine, would leave them nothing to send.
            wait_for("the first message", || !server.state().taken.is_empty());
        }
        moment(&mut chance, &server);
        assert!(daemon.runs(), "life {life}: the daemon ended by itself:\n{}", firm.journal());
        daemon.kill();
        firm.insert(&rows(debtors, killing.more)).await;
        debtors += killing.more;
    }
    (firm, server, debtors)
}

/// Waits for the moment of a kill: after some time, or once the server has begun some more messages.
fn moment(chance: &mut Chance, server: &Smtp) {
    if chance.below(3) == 0 {
        std::thread::sleep(Duration::from_millis(20 + chance.below(580)));
        return;
    }
    let goal = server.state().taken.len() + 1 + chance.below(20) as usize;
    // When nothing is left to be sent, the kill comes all the same.
    within(Duration::from_millis(1500), || server.state().taken.len() >= goal);
    std::thread::sleep(Duration::from_micros(chance.below(20_000)));
}

pub fn rows(first: usize, count: usize) -> Vec<Row> {
    (first..first + count).map(|i| late(&format!("F-{i:04}"), &format!("C{i:04}"))).collect()
}

/// How often the server has taken each message to a debtor, by Message-ID without its brackets.
pub fn seen(server: &Smtp) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for taken in server.accepted().iter().filter(|t| t.to.ends_with("@client.example")) {
        *seen.entry(taken.message_id().trim_matches(['<', '>']).to_owned()).or_default() += 1;
    }
    seen
}

/// What must hold after every crash, however it ended: gives the log.
pub fn compare(firm: &Firm, server: &Smtp) -> Vec<Value> {
    let log = firm.json(&["log"]);
    let seen = seen(server);
    let of = |id: &str, outcome: &str| log.iter().filter(|a| a["message_id"] == id && a["outcome"] == outcome).count();
    for (id, times) in &seen {
        let doubts = of(id, "unknown");
        assert!(*times <= 1 + doubts, "{id} came {times} times, and the log knows of {doubts} doubts");
        assert!(of(id, "accepted") + doubts > 0, "{id} came, and the log says nothing of it");
    }
    for invoice in log.iter().flat_map(|a| a["invoices"].as_array().unwrap()) {
        assert_eq!(invoice.as_object().unwrap().len(), 6, "a doubt tells less of its invoices: {invoice}");
    }
    for attempt in log.iter().filter(|a| a["outcome"] == "accepted") {
        let id = word(&attempt["message_id"]);
        assert_eq!(of(id, "accepted"), 1, "{id} was accepted more than once");
        assert!(seen.contains_key(id), "the log says that {id} was accepted, and the server has not seen it");
    }
    let queue = firm.object(&["status"])["queue"].clone();
    let left: Vec<&String> = queue.as_object().unwrap().keys().filter(|state| *state != "uncertain").collect();
    assert!(left.is_empty(), "left over: {queue}");
    let verified = firm.run(&["log", "verify", "--deep"]).ends(0);
    assert!(verified.out.contains("the log is whole"), "{}", verified.out);
    log
}

/// Nothing lost: each debtor got a message, always the same one, about its own invoice.
pub fn everyone_has_one_message(server: &Smtp, debtors: usize) {
    let mut by_debtor: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for taken in server.accepted().iter().filter(|t| t.to.ends_with("@client.example")) {
        let number = taken.to.trim_start_matches('c').trim_end_matches("@client.example").to_owned();
        assert!(taken.parsed().text().contains(&format!("F-{number}")), "to {}: not its invoice", taken.to);
        let ids = by_debtor.entry(number).or_default();
        let id = taken.message_id();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    assert_eq!(by_debtor.len(), debtors, "somebody got nothing");
    let several: Vec<_> = by_debtor.iter().filter(|(_, ids)| ids.len() != 1).collect();
    assert!(several.is_empty(), "different messages to one debtor: {several:?}");
}

pub fn count(log: &[Value], outcome: &str) -> usize {
    log.iter().filter(|a| a["outcome"] == outcome).count()
}

/// Numbers that follow from a seed (SplitMix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
