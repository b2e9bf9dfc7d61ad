//! SIGHUP: a configuration that passes takes the place of the old one with nothing lost and nothing doubled, one that does
//! not pass changes nothing and is told of.

use super::cli_notify::Supervisor;
use super::crash::compare;
use super::program::{ALWAYS, Daemon, Firm, at_once, into_folder, late, wait_for, within, word};
use super::support::Config;
use super::support::smtp::{Act, Smtp};
use std::time::Duration;

const PATIENT: Duration = Duration::from_secs(300);

/// Starts the daemon; its first poll is over when this returns.
fn start(firm: &Firm) -> (Daemon, Supervisor) {
    let mut systemd = Supervisor::of(firm);
    let daemon = firm.told_daemon(&systemd.path, PATIENT);
    systemd.waits_for("READY=1", 1);
    wait_for("the first poll", || firm.journal().contains("ledger read"));
    (daemon, systemd)
}

/// Lets it read the configuration again; back when it says that it is ready for the nth time.
fn reload(daemon: &Daemon, systemd: &mut Supervisor, nth: usize) {
    daemon.signal("HUP");
    systemd.waits_for("READY=1", nth);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_passes_holds_from_then_on() {
    let firm = Firm::new(&into_folder().guard_line("dry_run = true"), &[late("F-1", "C1")]).await;
    let (mut daemon, mut systemd) = start(&firm);
    assert!(firm.mails().is_empty());
    // Guard, cadence, letter and poll at once.
    firm.write("conf.d/change.toml", "[guard]\ndry_run = false\n[source]\npoll = \"*/7 * * * *\"\n");
    firm.write("cadences/standard.toml", &ALWAYS.replace("id = \"reminder\"", "id = \"reminder\"\nletter = \"own\""));
    let own = include_str!("../../templates/letters/fr/reminder.md");
    let own = own.replacen(own.lines().next().unwrap(), "subject: Tout autre chose", 1);
    firm.write("letters/fr/own.md", &own);
    reload(&daemon, &mut systemd, 2);
    let told: Vec<&String> = systemd.said.iter().filter(|said| said.contains("RELOADING=1")).collect();
    assert!(told.len() == 1 && told[0].contains("\nMONOTONIC_USEC="), "{:?}", systemd.said);
    assert!(within(Duration::from_secs(60), || firm.mails().len() == 1), "{}", firm.journal());
    let mail = std::fs::read_to_string(&firm.mails()[0]).unwrap();
    assert!(mail.contains("Tout autre chose"), "{mail}");
    let status = firm.object(&["status"]);
    assert_eq!(
        (&status["configuration"]["refused"], &status["configuration"]["other_rules"]),
        (&serde_json::Value::Null, &false.into())
    );
    assert!(daemon.runs());
    assert_eq!(daemon.terminate().0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_does_not_pass_changes_nothing_and_is_told() {
    let rows = [late("F-1", "C1"), late("F-2", "C2")];
    let firm = Firm::new(&into_folder(), &rows).await;
    let (daemon, mut systemd) = start(&firm);
    wait_for("the first mails", || firm.mails().len() == 2);
    firm.write("conf.d/change.toml", "[guard]\ndry_run = true\nmax_data_age = \"soon\"\n");
    reload(&daemon, &mut systemd, 2);
    assert!(firm.journal().contains("conf.d/change.toml:3:16"), "{}", firm.journal());
    assert_eq!(systemd.count("WAS REFUSED, the one before holds"), 1, "{:?}", systemd.said);
    // Good in itself, and yet not for a store in which invoices have had the step.
    firm.write("conf.d/change.toml", "");
    firm.write("cadences/standard.toml", &ALWAYS.replace("id = \"reminder\"", "id = \"other\"\nletter = \"reminder\""));
    reload(&daemon, &mut systemd, 3);
    let status = firm.run(&["status"]).ends(0).out;
    assert!(status.contains("configuration  REFUSED ") && status.contains("the step \"reminder\" is gone"), "{status}");
    assert!(status.contains("configuration  other rules than the daemon of "), "{status}");
    let refused = firm.object(&["status"])["configuration"]["refused"].clone();
    assert!(refused["problems"] == 1 && word(&refused["text"]).contains("reminder"), "{refused}");
    // It goes on by the rules that it has.
    firm.insert(&[late("F-3", "C3")]).await;
    firm.write("cadences/standard.toml", ALWAYS);
    firm.write("conf.d/change.toml", "[source]\nbooking_lag = \"0 working days\"\n");
    reload(&daemon, &mut systemd, 4);
    assert!(within(Duration::from_secs(60), || firm.mails().len() == 3), "{}", firm.journal());
    assert_eq!(firm.object(&["status"])["configuration"]["refused"], serde_json::Value::Null);
    assert_eq!(daemon.terminate().0, Some(0));
}

/// What is on the wire is finished, what is only claimed goes back and leaves by the new rules: all of it once.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn messages_in_hand_are_neither_lost_nor_doubled() {
    let server = Smtp::start().await;
    server.state().slow = Duration::from_millis(300);
    let rows: Vec<_> = (0..40).map(|i| late(&format!("F-{i:02}"), &format!("C{i:02}"))).collect();
    let firm = Firm::new(&at_once(Config::mail(server.port)).email_line("connections = 1"), &rows).await;
    let (daemon, mut systemd) = start(&firm);
    for nth in 0..3 {
        wait_for("some messages", || server.accepted().len() >= 2 + 4 * nth);
        firm.write("conf.d/change.toml", &format!("[guard]\ncontacts_per_7_days = {}\n", 2 + nth % 2));
        reload(&daemon, &mut systemd, 2 + nth);
    }
    assert!(server.accepted().len() < 40, "too fast a server to tell");
    wait_for("all of them", || server.accepted().len() == 40 && firm.attempts().len() == 40);
    let log = compare(&firm, &server);
    assert!(log.iter().all(|a| a["outcome"] == "accepted"), "{log:#?}");
    assert_eq!(daemon.terminate().0, Some(0));
}

/// A server that hangs keeps a reload waiting, and makes no doubt of its message; a stop meanwhile comes in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stop_does_not_wait_for_a_reload() {
    let server = Smtp::start().await;
    server.next(&[Act::Late(Duration::from_secs(11)), Act::Late(Duration::from_secs(60))]);
    let firm = Firm::new(&at_once(Config::mail(server.port)).email_line("connections = 1"), &[late("F-1", "C1")]).await;
    let (daemon, mut systemd) = start(&firm);
    wait_for("the message", || server.begun().len() == 1);
    reload(&daemon, &mut systemd, 2);
    assert_eq!(firm.attempts(), ["accepted C1"], "longer than a stop would wait: {}", firm.journal());
    firm.insert(&[late("F-2", "C2")]).await;
    firm.write("conf.d/change.toml", "[source.tags]\nfaillite = \"insolvency\"\n");
    reload(&daemon, &mut systemd, 3);
    wait_for("the second message", || server.begun().len() == 2);
    daemon.signal("HUP");
    systemd.waits_for("RELOADING=1", 3);
    wait_for("what is in hand", || firm.journal().matches("it holds once what is in hand").count() == 3);
    let (code, took) = daemon.terminate();
    assert!(code == Some(0) && took < Duration::from_secs(10), "{code:?} after {took:?}");
}

/// Another account comes no shorter way than by a start: nothing leaves before a person's word.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn another_account_waits_for_a_word_all_the_same() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    let (daemon, mut systemd) = start(&firm);
    wait_for("the first mail", || firm.mails().len() == 1);
    firm.insert(&[late("F-2", "C2")]).await;
    firm.write("conf.d/change.toml", "[creditor]\niban = \"BE68539007547034\"\n");
    reload(&daemon, &mut systemd, 2);
    assert_eq!(systemd.count("Stopped: iban_changed"), 1, "{:?}", systemd.said);
    wait_for("the poll", || firm.journal().matches("ledger read").count() == 2);
    assert_eq!(firm.object(&["status"])["brakes"][0]["reason"], "iban_changed");
    assert_eq!(firm.mails().len(), 1);
    firm.run(&["release", "--iban", "7034"]).ends(0);
    assert!(within(Duration::from_secs(60), || firm.mails().len() == 2), "{}", firm.journal());
    assert_eq!(daemon.terminate().0, Some(0));
}

/// The store stays; all else is taken over, and that is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn another_store_waits_for_a_start() {
    let firm = Firm::new(&into_folder().on_file().guard_line("dry_run = true"), &[late("F-1", "C1")]).await;
    let (daemon, mut systemd) = start(&firm);
    firm.write("conf.d/change.toml", "[store]\nurl = \"sqlite://another.db\"\n[guard]\ndry_run = false\n");
    reload(&daemon, &mut systemd, 2);
    assert!(within(Duration::from_secs(60), || firm.mails().len() == 1), "{}", firm.journal());
    assert!(firm.journal().contains("[store] has changed too: that takes effect at the next start"), "{}", firm.journal());
    assert!(!firm.path("another.db").exists());
    assert_eq!(daemon.terminate().0, Some(0));
}

/// Of two daemons the one that took over the new rules says what holds; the other rests until it has them too. Reading the
/// same again changes nothing of that.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_several_daemons_the_newest_rules_hold() {
    let Some(firm) = Firm::shared(&into_folder(), "1s", &[late("F-1", "C1")]).await else { return };
    let (first, mut systemd) = start(&firm);
    let second = firm.daemon();
    let resting = || firm.run(&["status"]).ends(0).out.matches("; RESTS").count();
    wait_for("two daemons", || firm.object(&["status"])["daemons"].as_array().unwrap().len() == 2);
    firm.write("conf.d/change.toml", "[guard]\ncontacts_per_7_days = 2\n");
    reload(&first, &mut systemd, 2);
    wait_for("the other to rest", || firm.journal().contains("a daemon that began later has another configuration"));
    assert_eq!(resting(), 1);
    second.signal("HUP");
    wait_for("both to agree", || resting() == 0 && firm.journal().matches("the new configuration is good").count() == 2);
    // The old rules come back to the first alone, by a start of neither.
    reload(&first, &mut systemd, 3);
    assert_eq!(resting(), 0);
    for daemon in [first, second] {
        assert_eq!(daemon.terminate().0, Some(0));
    }
}
