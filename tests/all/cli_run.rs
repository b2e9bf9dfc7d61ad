//! `run --once`: what leaves, what the exit code says, and what happens when the ledger, the secret, the mail
//! server or the disk is not as it should be.

use super::program::{Firm, at_once, day, into_folder, late, wait_for, within, word};
use super::support::Config;
use super::support::home::Home;
use super::support::mail::Parsed;
use super::support::smtp::{Act, Offers, Smtp, Stage};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

/// The brakes that `status` shows.
fn brakes(firm: &Firm) -> Vec<String> {
    firm.object(&["status"])["brakes"].as_array().unwrap().iter().map(|b| word(&b["reason"]).to_owned()).collect()
}

#[tokio::test]
async fn one_round_writes_exactly_what_is_due() {
    let not_due = late("F-3", "C3").with("due_on", &super::program::day(30).to_string());
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1"), late("F-2", "C2"), not_due]).await;
    firm.run(&["run", "--once"]).ends(0);
    let mut attempts = firm.attempts();
    attempts.sort();
    assert_eq!(attempts, ["accepted C1", "accepted C2"]);
    let mails = firm.mails();
    assert_eq!(mails.len(), 2, "{mails:?}");
    for attempt in firm.json(&["log"]) {
        let name = word(&attempt["message_id"]).split('@').next().unwrap().to_owned();
        let file = mails.iter().find(|m| m.ends_with(format!("{name}.eml"))).unwrap();
        let bytes = std::fs::read(file).unwrap();
        let mail = Parsed::new(&bytes);
        assert!(mail.header("To").contains(word(&attempt["address"])));
        assert!(mail.text().contains(word(&attempt["invoices"][0]["number"])));
        let shown = firm.run(&["log", "show", &attempt["id"].to_string()]).ends(0);
        assert_eq!(shown.out.as_bytes(), bytes, "the log shows the message as it left");
    }
    let again = firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.mails(), mails, "again: nothing new\n{}", again.err);
    assert_eq!(firm.attempts().len(), 2);
}

#[tokio::test]
async fn a_ledger_that_is_not_there_stops_everything_and_says_so() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    std::fs::rename(firm.path("ledger.db"), firm.path("away.db")).unwrap();
    let failed = firm.run(&["run", "--once"]).ends(1);
    assert!(failed.err.contains("cannot open the ledger"), "{}", failed.err);
    assert_eq!(brakes(&firm), ["poll_failed"]);
    std::fs::write(firm.path("ledger.db"), "this is no database, only a text that is long enough to be read as one. ".repeat(20))
        .unwrap();
    let failed = firm.run(&["run", "--once"]).ends(1);
    assert!(failed.err.contains("not a database"), "{}", failed.err);
    assert_eq!((firm.mails().len(), firm.alerts().len()), (0, 1), "the creditor is told once");
    std::fs::rename(firm.path("away.db"), firm.path("ledger.db")).unwrap();
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!((brakes(&firm).len(), firm.mails().len()), (0, 1));
}

#[tokio::test]
async fn a_column_that_is_missing_is_named() {
    let config = into_folder()
        .source_line("query = \"SELECT invoice_id, number, customer_id, customer_name, currency FROM relance_invoices\"");
    let firm = Firm::new(&config, &[late("F-1", "C1")]).await;
    let failed = firm.run(&["run", "--once"]).ends(1);
    assert!(failed.err.contains("yields no column") && failed.err.contains("due_on"), "{}", failed.err);
    assert_eq!(brakes(&firm), ["poll_failed"]);
}

#[tokio::test]
async fn a_query_that_fails_is_a_failed_poll() {
    let firm = Firm::new(&into_folder().source_line("query = \"SELECT * FROM nowhere\""), &[]).await;
    let failed = firm.run(&["run", "--once"]).ends(1);
    assert!(failed.err.contains("no such table: nowhere"), "{}", failed.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_wrong_password_is_ours_and_a_missing_one_is_named() {
    let server = Smtp::with(Offers { login: Some(("compta", "open sesame")), ..Offers::default() }).await;
    let login = "user = \"compta\"\npassword = { file = \"smtp.secret\" }";
    let config = at_once(Config::mail(server.port)).email_line(login).file("smtp.secret", "xyzzy-guess\n");
    let firm = Firm::new(&config, &[late("F-1", "C1")]).await;
    let refused = firm.run(&["run", "--once"]).ends(1);
    assert!(refused.err.contains("refuses the login of \"compta\""), "{}", refused.err);
    assert_eq!(brakes(&firm), ["channel:email"]);
    assert_eq!(firm.json(&["log"])[0]["class"], "authentication");
    // The channel still rests: nothing is tried, and the mail that waits is no success.
    let waiting = firm.run(&["run", "--once"]).ends(1);
    assert!(waiting.err.contains("something did not leave"), "{}", waiting.err);
    assert_eq!(firm.attempts().len(), 1);
    std::fs::remove_file(firm.path("smtp.secret")).unwrap();
    let other = Firm::new(&at_once(Config::mail(server.port)).email_line(login), &[late("F-1", "C1")]).await;
    let missing = other.run(&["run", "--once"]).ends(1);
    assert!(missing.err.contains("cannot read the secret file") && missing.err.contains("smtp.secret"), "{}", missing.err);
    assert_eq!(brakes(&other), ["channel:email"], "sending is not free");
    let again = other.run(&["run", "--once"]).ends(1);
    let missing = super::program::Ran { err: missing.err + &again.err, ..again };
    let printed = format!("{}{}{}{}", refused.out, refused.err, missing.out, missing.err);
    assert!(!printed.contains("xyzzy"), "a secret was printed");
    std::fs::write(other.path("smtp.secret"), "open sesame\n").unwrap();
    std::fs::set_permissions(other.path("smtp.secret"), std::fs::Permissions::from_mode(0o600)).unwrap();
    other.run(&["run", "--once"]).ends(0);
    assert_eq!(server.accepted().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refusal_hurts_its_own_message_and_shows_in_the_exit_code() {
    let server = Smtp::start().await;
    server.always("c2@client.example", Act::Reply(Stage::Rcpt, 550, "5.1.1 no such user"));
    let rows = [late("F-1", "C1"), late("F-2", "C2"), late("F-3", "C3")];
    let firm = Firm::new(&at_once(Config::mail(server.port)), &rows).await;
    let ran = firm.run(&["run", "--once"]).ends(1);
    assert!(ran.err.contains("something did not leave"), "{}", ran.err);
    let mut attempts = firm.attempts();
    attempts.sort();
    assert_eq!(attempts, ["accepted C1", "accepted C3", "no_address C2", "refused C2"]);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts().len(), 4, "what is known is not tried again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_one_run_holds_the_store() {
    let firm = Firm::new(&into_folder().on_file(), &[]).await;
    let mut daemon = firm.daemon();
    wait_for("the daemon's first poll", || firm.journal().contains("ledger read"));
    for verb in [&["run"][..], &["run", "--once"]] {
        let refused = firm.run(verb).ends(1);
        assert!(refused.err.contains("another `relance run` holds the store"), "{}", refused.err);
    }
    assert!(daemon.runs());
    daemon.kill();
    firm.run(&["run", "--once"]).ends(0);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_fault_and_a_full_disk_is() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let sh = |script: &str| {
        let program = env!("CARGO_BIN_EXE_relance");
        let script = format!("relance() {{ '{program}' --config '{}' \"$@\"; }}; {script}", firm.path("relance.toml").display());
        std::process::Command::new("sh").arg("-c").arg(script).output().unwrap()
    };
    for verb in ["status", "explain C1", "log", "log show 1", "preview", "check", "holds"] {
        // `true` ends without reading; what relance says of it comes after.
        let ran = sh(&format!("{{ relance {verb}; echo \"$?\" >&2; }} | true"));
        assert_eq!(String::from_utf8_lossy(&ran.stderr), "0\n", "{verb}");
    }
    for verb in ["status", "explain C1", "log", "log show 1", "preview", "check", "holds"] {
        let ran = sh(&format!("relance {verb} > /dev/full"));
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.code() == Some(1) && err.contains("cannot print"), "{verb}: {err}");
    }
    assert!(!within(Duration::ZERO, || firm.attempts().len() > 1));
}

/// Another daemon's session can neither be seen to live nor be ended: one round says so at the end of its patience.
#[tokio::test]
async fn a_daemon_that_cannot_be_settled_keeps_one_round_from_waiting_for_ever() {
    let Some(firm) = Firm::shared(&into_folder(), "1s", &[late("F-1", "C1")]).await else { return };
    firm.run(&["run", "--once"]).ends(0);
    firm.insert(&[late("F-2", "C2")]).await;
    let Home::Database(database) = &firm.home else { unreachable!() };
    database.run("INSERT INTO relance.session (name, started_at, agreement) VALUES ('the other', 1, '')").await;
    let mut open = database.pool().begin().await.unwrap();
    sqlx::query("SELECT 1 FROM relance.session FOR KEY SHARE").execute(&mut *open).await.unwrap();
    let stuck = firm.run(&["run", "--once"]).ends(1);
    let text =
        "what other daemons left in hand could not be settled within 3 seconds (the other), and nothing was polled or sent";
    assert!(stuck.err.contains(text), "{}", stuck.err);
    assert_eq!(firm.home.texts("SELECT name FROM session").await, ["the other"], "its own is ended");
    open.rollback().await.unwrap();
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.mails().len(), 2);
}

#[tokio::test]
async fn what_was_wanted_is_said() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    for verb in
        [&["approve", "abc"][..], &["called", "x", "reached"], &["done", "x"], &["log", "show", "0"], &["uncertain", "x", "sent"]]
    {
        let err = firm.run(verb).ends(2).err;
        assert!(err.contains("wanted a whole number such as 12, as the list of the same verb shows it"), "{verb:?}: {err}");
    }
    let hold = ["hold", "F-1", "--until", &day(9).to_string(), "--reason", "x", "--disputed", "12,50"];
    let err = firm.run(&hold).ends(2).err;
    assert!(
        err.contains("--disputed is \"12,50\"") && err.contains("wanted an amount in EUR such as 125.00, with a point"),
        "{err}"
    );
    let err = firm.run(&["preview", "--days", "x"]).ends(2).err;
    assert!(err.contains("wanted a whole number of days from 1 to 366"), "{err}");
    assert!(firm.run(&["log", "--limit", "x"]).ends(2).err.contains("wanted how many"));
    let out = firm.run(&["preview", "--days", "1"]).ends(0).out;
    assert!(out.contains(" in 1 day, if nobody pays or answers") && !out.contains("cases and rows"), "{out}");
}

/// Where there is no relance.toml, what lies beside the place where it is not is nobody's mistake.
#[test]
fn a_configuration_that_is_not_there_is_all_that_is_told() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("lib")).unwrap();
    std::fs::create_dir_all(folder.path().join("letters/xx")).unwrap();
    let path = folder.path().join("relance.toml");
    let problems = relance::config::Setup::load(&path, Default::default()).unwrap_err().0;
    let told: Vec<String> = problems.iter().map(|p| p.at.file.clone()).collect();
    assert_eq!(told, [path.display().to_string()], "{problems:?}");
}
