//! What waits for a person's word: the volume brake, old debts, a ledger that shrank, messages in doubt.

use super::program::{Firm, at_once, into_folder, late, word};
use super::support::Config;
use super::support::smtp::{Act, Smtp, Stage};

fn brakes(firm: &Firm) -> Vec<String> {
    firm.object(&["status"])["brakes"].as_array().unwrap().iter().map(|b| word(&b["reason"]).to_owned()).collect()
}

#[tokio::test]
async fn the_volume_brake_waits_for_release() {
    let rows = [late("F-1", "C1"), late("F-2", "C2"), late("F-3", "C3")];
    let firm = Firm::new(&into_folder().guard_line("max_messages_per_cycle = 2"), &rows).await;
    firm.run(&["run", "--once"]).ends(1);
    assert_eq!((firm.mails().len(), firm.alerts().len()), (0, 1));
    assert_eq!(brakes(&firm), ["too_many"]);
    assert_eq!(firm.object(&["status"])["queue"], serde_json::json!({ "braked": 3 }));
    let asked = firm.run(&["release"]).ends(2);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    firm.insert(&[late("F-4", "C4")]).await;
    let released = firm.run(&["release", "--yes"]).ends(0);
    assert!(released.out.contains("3  reminder by email") && released.out.contains("released 3 messages"), "{}", released.out);
    assert!(brakes(&firm).is_empty());
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.mails().len(), 4, "what was released passes whatever the limit; what came later counts anew");
    let nothing = firm.run(&["release", "--yes"]).ends(1);
    assert!(nothing.err.contains("no message is held"), "{}", nothing.err);
}

#[tokio::test]
async fn old_debts_wait_for_release_of_their_debtor() {
    let rows = [late("F-1", "C1"), late("7", "C2"), late("F-3", "7")];
    let firm = Firm::new(&into_folder().guard_line("old_debts = \"hold\""), &rows).await;
    firm.run(&["run", "--once"]).ends(0);
    assert!(firm.mails().is_empty());
    assert_eq!(firm.object(&["explain", "C1"])["reason"], "old_debt");
    firm.run(&["release", "C1"]).ends(2);
    firm.run(&["release", "--yes", "nobody"]).ends(1);
    firm.run(&["release", "--yes", "7"]).ends(0);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted 7"], "the debtor of that id, not of the invoice with that id");
}

#[tokio::test]
async fn a_shrunken_ledger_waits_for_release() {
    let rows: Vec<_> = (0..12).map(|i| late(&format!("F-{i}"), &format!("C{i}"))).collect();
    let firm = Firm::new(&into_folder(), &rows).await;
    firm.run(&["run", "--once"]).ends(0);
    let refused = firm.run(&["release", "--ledger", "--yes"]).ends(1);
    assert!(refused.err.contains("the ledger is not held back"), "{}", refused.err);
    sqlx::query("DELETE FROM relance_invoices WHERE invoice_id < 'F-5'").execute(&firm.ledger).await.unwrap();
    firm.insert(&[late("G-1", "D1")]).await;
    let shrunk = firm.run(&["run", "--once"]).ends(1);
    assert!(shrunk.err.contains("the ledger shrank"), "{}", shrunk.err);
    assert_eq!((brakes(&firm), firm.mails().len()), (vec!["ledger_shrunk".to_owned()], 12));
    let both = firm.run(&["release", "C1", "--ledger", "--yes"]).ends(2);
    assert!(both.err.contains("cannot be used with"), "{}", both.err);
    assert_eq!(brakes(&firm), ["ledger_shrunk"], "refused, not done by half");
    let released = firm.run(&["release", "--ledger", "--yes"]).ends(0);
    assert!(released.out.contains("7 of 12 open invoices are gone"), "{}", released.out);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!((brakes(&firm).len(), firm.mails().len()), (0, 13));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_message_in_doubt_waits_for_a_word() {
    let server = Smtp::start().await;
    let rows = [late("F-1", "C1"), late("F-2", "C2"), late("F-3", "C3")];
    for customer in ["c1", "c2", "c3"] {
        server.always(&format!("{customer}@client.example"), Act::Close(Stage::Dot));
    }
    let config = at_once(Config::mail(server.port)).email_line("when_uncertain = \"hold\"");
    let firm = Firm::new(&config, &rows).await;
    firm.run(&["run", "--once"]).ends(1);
    let doubtful = firm.json(&["uncertain"]);
    assert_eq!(doubtful.len(), 3);
    for row in &doubtful {
        let fields: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["address", "at", "channel", "debtor", "id", "message_id", "step"]);
    }
    let id = |debtor: &str| doubtful.iter().find(|d| d["debtor"] == debtor).unwrap()["id"].to_string();
    assert_eq!(firm.object(&["status"])["uncertain"], 3);
    let say = |id: &str, word: &str| firm.run(&["uncertain", id, word]);
    say("99", "sent").ends(1);
    say(&id("C1"), "perhaps").ends(2);
    say(&id("C1"), "sent").ends(0);
    say(&id("C2"), "resend").ends(0);
    say(&id("C3"), "drop").ends(0);
    let twice = say(&id("C1"), "drop").ends(1);
    assert!(twice.err.contains("is not uncertain"), "{}", twice.err);
    server.state().by_recipient.clear();
    for _ in 0..2 {
        firm.run(&["run", "--once"]).ends(0);
    }
    let left: Vec<String> = server.accepted().into_iter().filter(|t| t.to != "compta@canal.example").map(|t| t.to).collect();
    assert_eq!(left, ["c2@client.example"]);
    let log = firm.json(&["log"]);
    let last = |debtor: &str| log.iter().rfind(|a| a["debtor"] == debtor).unwrap();
    assert_eq!((word(&last("C1")["outcome"]), word(&last("C2")["outcome"])), ("accepted", "accepted"));
    assert_eq!((word(&last("C3")["outcome"]), word(&last("C3")["why"])), ("cancelled", "dropped"));
    assert_eq!(log.iter().filter(|a| a["outcome"] == "unknown").count(), 3);
    firm.run(&["log", "verify", "--deep"]).ends(0);
    assert!(firm.json(&["uncertain"]).is_empty());
}

#[tokio::test]
async fn a_name_that_is_a_debtor_and_an_invoice_must_be_said_in_full() {
    let firm = Firm::new(&into_folder(), &[late("7", "7")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let until = super::program::day(10).to_string();
    let hold = |name: &str| firm.run(&["hold", name, "--until", &until, "--reason", "on the telephone"]);
    let told = hold("7").ends(2);
    assert!(told.err.contains("say debtor:7 or invoice:7"), "{}", told.err);
    hold("debtor:7").ends(0);
    hold("invoice:7").ends(0);
    firm.run(&["explain", "invoice:7"]).ends(0);
}

#[tokio::test]
async fn a_number_that_several_invoices_have_names_none() {
    let rows = [late("I1", "C1").with("number", "2026-1"), late("I2", "C2").with("number", "2026-1"), late("2026-1", "C3")];
    let firm = Firm::new(&into_folder(), &rows[..2]).await;
    firm.run(&["run", "--once"]).ends(0);
    let until = super::program::day(10).to_string();
    let hold = || firm.run(&["hold", "2026-1", "--until", &until, "--reason", "on the telephone"]);
    for told in [hold().ends(2), firm.run(&["explain", "2026-1"]).ends(2), firm.run(&["log", "--invoice", "2026-1"]).ends(2)] {
        assert!(told.err.contains("I1 (of debtor C1)") && told.err.contains("I2 (of debtor C2)"), "{}", told.err);
    }
    assert!(firm.json(&["holds"]).is_empty());
    // An id goes before a number, and an open invoice before one that is paid.
    firm.insert(&rows[2..]).await;
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(word(&firm.object(&["explain", "2026-1"])["debtor"]), "C3");
    sqlx::query("DELETE FROM relance_invoices WHERE invoice_id IN ('I1', '2026-1')").execute(&firm.ledger).await.unwrap();
    firm.run(&["run", "--once"]);
    firm.run(&["release", "--ledger", "--yes"]);
    firm.run(&["run", "--once"]);
    sqlx::query("UPDATE relance_invoices SET number = '2026-2' WHERE invoice_id = 'I2'").execute(&firm.ledger).await.unwrap();
    firm.run(&["run", "--once"]);
    assert_eq!(word(&firm.object(&["explain", "2026-2"])["debtor"]), "C2");
}
