//! The built program: what it answers over a socket, and what it hands to the journal.

use super::{ask, families, get, samples, say, wait_for_answer};
use crate::program::{Daemon, Firm, into_folder, late, wait_for, within};
use crate::support::Config;
use crate::support::home::Home;
use crate::support::postgres::Database;
use crate::support::relay::Relay;
use relance::clock::Stopwatch;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// Any free port: the journal says which.
const ANY: &str = "[observe]\nlisten = \"127.0.0.1:0\"\n";

fn watched(config: Config) -> Config {
    config.source_line("poll = \"* * * * * *\"").file("conf.d/observe.toml", ANY)
}

/// Where the daemon listens.
fn address(firm: &Firm) -> String {
    let said = || firm.journal().split("listen=").nth(1).map(|rest| rest.split_whitespace().next().unwrap().to_owned());
    wait_for("the listener", || said().is_some());
    said().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn metrics_and_health_are_told_to_whoever_asks() {
    let firm = Firm::new(&watched(into_folder()), &[late("F-1", "C1")]).await;
    let daemon = firm.daemon();
    let at = address(&firm);
    wait_for_answer(&at, "/ready", 200, "ready\n");
    wait_for_answer(&at, "/metrics", 200, "relance_attempts_total{channel=\"email\",outcome=\"accepted\",class=\"none\"} 1\n");
    let got = get(&at, "/metrics");
    assert!(got.head.contains("content-type: text/plain; version=0.0.4"), "{}", got.head);
    let seen = samples(&got.body);
    assert!(seen["relance_pump_steps_total{pump=\"collect\"}"] >= 1.0 && seen["relance_start_time_seconds"] > 1.7e9);
    assert_eq!((seen["relance_daemons"], seen["relance_log_lines_lost_total"]), (1.0, 0.0));
    assert!(families(&got.body).len() > 20 && !got.body.contains("C1") && !got.body.contains('@'), "{}", got.body);
    assert_eq!(get(&at, "/alive").body, "alive\n");
    let head = ask(&at, "HEAD", "/metrics");
    assert!(head.status == 200 && head.body.is_empty(), "{head:?}");
    assert_eq!(ask(&at, "POST", "/metrics").status, 405);
    for path in ["/", "/metrics/", "/Alive", "/ready2", "/debug", "/../metrics"] {
        assert_eq!(get(&at, path).status, 404, "{path}");
    }
    assert_eq!(get(&at, "/alive?x=1").status, 200);
    let long = format!("GET /alive HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(64 << 10));
    let refused = std::panic::catch_unwind(|| say(&at, long.as_bytes()).status);
    assert!(refused.is_err() || refused.unwrap() == 431, "a head may not be as long as one likes");
    // Those who connect and say nothing keep nobody waiting for long.
    let idle: Vec<_> = (0..8).map(|_| std::net::TcpStream::connect(&at).unwrap()).collect();
    assert_eq!(get(&at, "/alive").status, 200);
    drop(idle);
    // The ledger goes away: alive, but not ready; and back.
    let (ledger, hidden) = (firm.path("ledger.db"), firm.path("hidden.db"));
    std::fs::rename(&ledger, &hidden).unwrap();
    wait_for_answer(&at, "/ready", 503, "poll_failed");
    assert_eq!(samples(&get(&at, "/metrics").body)["relance_stopped{reason=\"poll_failed\"}"], 1.0);
    assert_eq!(get(&at, "/alive").status, 200);
    std::fs::rename(&hidden, &ledger).unwrap();
    wait_for_answer(&at, "/ready", 200, "ready\n");
    // A reload counts on, and leaves the listener where it is.
    let polls = samples(&get(&at, "/metrics").body)["relance_polls_total{outcome=\"good\"}"];
    firm.write("conf.d/observe.toml", "[observe]\nlisten = \"127.0.0.1:1\"\n[guard]\ndry_run = true\n");
    daemon.signal("HUP");
    wait_for_answer(&at, "/ready", 503, "dry_run");
    assert!(
        firm.journal().contains("[observe], [listen] or [answers] has changed too: that takes effect at the next start"),
        "{}",
        firm.journal()
    );
    assert!(samples(&get(&at, "/metrics").body)["relance_polls_total{outcome=\"good\"}"] >= polls);
    assert_eq!(daemon.terminate().0, Some(0));
    assert!(firm.journal().contains("relance has ended in good order"), "{}", firm.journal());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_place_that_is_taken_or_open_to_all_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let config = into_folder().file("conf.d/observe.toml", &format!("[observe]\nlisten = \"{at}\"\n"));
    let firm = Firm::new(&config, &[]).await;
    let ran = firm.run(&["run"]).ends(1);
    assert!(ran.err.contains(&format!("[observe] listen: cannot listen on {at}")), "{}", ran.err);
    firm.run(&["run", "--once"]).ends(0);
    firm.write("conf.d/observe.toml", "[observe]\nlisten = \"0.0.0.0:9464\"\n");
    let ran = firm.run(&["run"]).ends(2);
    assert!(ran.err.contains("conf.d/observe.toml:2:1") && ran.err.contains("a proxy in front"), "{}", ran.err);
}

/// A store that is silent keeps nobody who asks: an answer comes within seconds, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_silent_store_is_told_within_seconds() {
    let Some(database) = Database::new().await else { return };
    let wire = Relay::to(&database.address()).await;
    let store = format!("url = \"{}\"\nlease = \"2s\"\n", database.url_by(&wire.address.to_string()));
    let mut firm = Firm::new(&Config { store, ..watched(into_folder()) }, &[late("F-1", "C1")]).await;
    firm.home = Home::Database(database);
    let daemon = firm.daemon();
    let at = address(&firm);
    wait_for_answer(&at, "/ready", 200, "ready\n");
    wire.silence(true);
    let watch = Stopwatch::start();
    let asked: Vec<_> = (0..5).map(|_| at.clone()).map(|at| std::thread::spawn(move || get(&at, "/metrics"))).collect();
    for asked in asked {
        let got = asked.join().unwrap();
        assert!(got.status == 503 && got.body == "store_silent\n", "{got:?}");
    }
    assert!(watch.elapsed() < Duration::from_secs(20), "{:?}", watch.elapsed());
    let ready = get(&at, "/ready");
    assert!(ready.status == 503 && ready.body.contains("store_"), "{ready:?}");
    assert_eq!(get(&at, "/alive").status, 200, "for as long as the watchdog is patient");
    wire.silence(false);
    wait_for_answer(&at, "/ready", 200, "ready\n");
    assert_eq!(get(&at, "/metrics").status, 200);
    daemon.kill();
}

/// Starts the daemon with its journal on a socket.
fn with_journal(firm: &Firm, socket: &str) -> Daemon {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relance"));
    command.arg("--config").arg(firm.path("relance.toml")).arg("run").env_clear();
    command.env("RELANCE_LOG_FORMAT", "journal").env("RELANCE_LOG_SOCKET", socket);
    Daemon::of(command.spawn().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_journal_has_fields_and_nobodys_address() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    let path = firm.path("journal.sock").display().to_string();
    let journal = UnixDatagram::bind(&path).unwrap();
    journal.set_nonblocking(true).unwrap();
    let daemon = with_journal(&firm, &path);
    let mut heard: Vec<String> = Vec::new();
    let mut bytes = [0; 65_536];
    wait_for("the mail in the journal", || {
        while let Ok(length) = journal.recv(&mut bytes) {
            heard.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
        }
        heard.iter().any(|h| h.contains("RELANCE_EVENT=messages_sent\n"))
    });
    let sent = heard.iter().find(|h| h.contains("RELANCE_EVENT=messages_sent\n")).unwrap();
    assert!(sent.starts_with("MESSAGE=attempts recorded channel=email settled=1 accepted=1"), "{sent}");
    for field in ["PRIORITY=6", "SYSLOG_IDENTIFIER=relance", "RELANCE_CHANNEL=email", "RELANCE_ACCEPTED=1", "RELANCE_REFUSED=0"] {
        assert!(sent.lines().any(|line| line == field), "no {field} in {sent}");
    }
    assert!(heard.iter().any(|h| h.contains("RELANCE_EVENT=poll_done\n") && h.contains("RELANCE_ROWS=1\n")), "{heard:?}");
    assert!(heard.iter().all(|h| !h.contains("client.example") && !h.contains("C1")), "{heard:?}");
    // A journal that goes away, and one that does not read, keep nothing from leaving.
    drop(journal);
    std::fs::remove_file(&path).unwrap();
    firm.insert(&[late("F-2", "C2")]).await;
    firm.write("conf.d/change.toml", "[source]\nbooking_lag = \"0 working days\"\n");
    daemon.signal("HUP");
    assert!(within(Duration::from_secs(60), || firm.mails().len() == 2), "{heard:?}");
    assert_eq!(daemon.terminate().0, Some(0));
}
