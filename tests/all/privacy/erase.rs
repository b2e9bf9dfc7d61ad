//! `person export` and `person erase`, as a firm runs them.

use super::{EMAIL, LINK, NAME, PHONE, REASON, REFERENCE, TAG, both, firm, settle, zoe};
use crate::program::{Firm, at_once, late, word};
use crate::support::Config;
use crate::support::home::Home;
use crate::support::smtp::{Act, Smtp, Stage};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn everything_about_a_customer_is_told() {
    let firm = firm().await;
    let file = firm.object(&["person", "export", "C7"]);
    assert_eq!(
        fields(&file),
        [
            "attempts",
            "bank",
            "calls",
            "contacts",
            "customer",
            "dead_addresses",
            "events",
            "exported_at",
            "holds",
            "inbox",
            "invoices",
            "letters_to_you",
            "messages",
            "promises",
            "proposals",
            "questions",
            "steps",
            "tasks",
            "tombstones",
            "unreadable",
            "words"
        ]
    );
    let customer = &file["customer"];
    assert_eq!((word(&customer["id"]), word(&customer["email"]), word(&customer["phone"])), ("C7", EMAIL, PHONE));
    assert!(word(&customer["name"]).ends_with(NAME) && customer["erased_at"].is_null(), "{customer}");
    let invoice = &file["invoices"][0];
    assert_eq!((word(&invoice["number"]), word(&invoice["balance"]), &invoice["tags"]), ("F-7", "120.00", &json!([TAG])));
    assert_eq!((word(&invoice["reference"]), word(&invoice["pay_url"])), (REFERENCE, LINK));
    assert_eq!((word(&file["holds"][0]["reason"]), word(&file["steps"][0]["step"])), (REASON, "reminder"));
    assert_eq!((file["contacts"].as_array().unwrap().len(), file["messages"].as_array().unwrap().len()), (1, 2));
    let attempts = file["attempts"].as_array().unwrap();
    let by = |channel: &str| attempts.iter().find(|a| a["channel"] == channel).unwrap();
    let mail = by("email");
    assert_eq!(word(&mail["address"]), EMAIL);
    assert!(word(&mail["subject"]).contains("F-7") && word(&mail["text"]).contains(REFERENCE), "{mail}");
    assert!(word(&mail["message"]).starts_with("From: ") && !word(&mail["text"]).contains("=C3"), "{mail}");
    assert_eq!((word(&by("sms")["address"]), &by("sms")["subject"]), (PHONE, &Value::Null));
    assert!(word(&by("sms")["text"]).contains("F-7"), "{}", by("sms"));
    // Of nobody else.
    assert!(!file.to_string().contains("C8") && !file.to_string().contains("+32470112233"));

    let path = firm.path("zoe.json");
    let out = path.to_str().unwrap();
    let told = firm.run(&["person", "export", "debtor:C7", "--out", out]).ends(0);
    assert_eq!(told.out, format!("all about debtor:C7 is in {out}\n"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    written["exported_at"] = file["exported_at"].clone();
    assert_eq!(written, file);
    let refused = firm.run(&["person", "export", "C7", "--out", out]).ends(1);
    assert!(refused.err.contains("wanted a file that is not there yet"), "{}", refused.err);
    let nobody = firm.run(&["person", "export", "F-7"]).ends(1);
    assert!(nobody.err.contains("there is no debtor \"F-7\""), "an invoice is no debtor: {}", nobody.err);
}

#[tokio::test]
async fn what_is_open_is_named_and_nothing_is_erased() {
    let firm = firm().await;
    let until = crate::program::day(20);
    let before = firm.object(&["person", "export", "C7"])["customer"].clone();
    let refused = firm.run(&["person", "erase", "C7", "--reason", "asked for it"]).ends(1);
    assert_eq!(
        refused.err,
        format!(
            "relance: C7 is not erased: something is open. Nothing was changed.\n  1 row of the ledger is not settled: F-7; it must be paid, void or gone there, and polled\n  hold 1 runs until {until}; end it: relance resume debtor:C7\n"
        )
    );
    firm.run(&["person", "erase", "C7", "--reason", " "]).ends(2);
    firm.run(&["person", "erase", "C7"]).ends(2);
    assert_eq!(firm.object(&["person", "export", "C7"])["customer"], before);
    settle(&firm).await;
    firm.run(&["person", "erase", "C7", "--reason", "asked for it"]).ends(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_message_in_doubt_keeps_the_person() {
    let server = Smtp::start().await;
    server.always(EMAIL, Act::Close(Stage::Dot));
    let config = at_once(Config::mail(server.port)).email_line("when_uncertain = \"hold\"");
    let firm = Firm::new(&config, &[zoe("F-7")]).await;
    firm.run(&["run", "--once"]).ends(1);
    sqlx::query("UPDATE relance_invoices SET balance = '0.00'").execute(&firm.ledger).await.unwrap();
    firm.run(&["run", "--once"]).ends(0);
    let refused = firm.run(&["person", "erase", "C7", "--reason", "asked for it"]).ends(1);
    assert!(
        refused.err.contains("message 1 may or may not have left; say what became of it: relance uncertain 1 sent|drop"),
        "{}",
        refused.err
    );
    firm.run(&["uncertain", "1", "sent"]).ends(0);
    firm.run(&["person", "erase", "C7", "--reason", "asked for it"]).ends(0);
    let log = firm.json(&["log"]);
    assert!(log.iter().all(|a| a["address"].is_null() && a["answer"].is_null() && !a["erased_at"].is_null()), "{log:?}");
    firm.run(&["log", "verify", "--deep"]).ends(0);
}

#[tokio::test]
async fn an_erased_customer_leaves_facts_and_a_tombstone() {
    let firm = firm().await;
    settle(&firm).await;
    let before = firm.json(&["log"]);
    let head = firm.object(&["log", "verify", "--deep"])["head"].clone();
    let told =
        firm.command(&["person", "erase", "debtor:C7", "--reason", "asked for it by letter"]).env("SUDO_USER", "marie").output();
    let told = String::from_utf8(told.unwrap().stdout).unwrap();
    assert!(told.starts_with("erased C7: ") && told.contains("2 of payload") && told.contains("1 of debtor"), "{told}");

    // The log has the same facts, and is whole.
    let after = firm.json(&["log"]);
    for (was, is) in before.iter().zip(&after) {
        let facts =
            |a: &Value| ["id", "at", "debtor", "step", "letter", "invoices", "outcome", "message_id"].map(|f| a[f].clone());
        assert_eq!(facts(was), facts(is));
        let erased = was["debtor"] == "C7";
        assert_eq!((is["address"].is_null(), is["erased_at"].is_null()), (erased, !erased), "{is}");
    }
    for deep in [&["log", "verify"][..], &["log", "verify", "--deep"]] {
        let verified = firm.object(deep);
        assert_eq!((&verified["head"], &verified["erased"], &verified["broken"]), (&head, &json!(2), &json!([])), "{deep:?}");
        assert!(firm.run(deep).ends(0).out.contains("2 erased"));
    }
    assert!(firm.run(&["log"]).ends(0).out.contains("  erased  "));
    let id = before.iter().find(|a| a["debtor"] == "C7").unwrap()["id"].to_string();
    let shown = firm.run(&["log", "show", &id]).ends(1);
    assert!(shown.err.contains(&format!("the message of attempt {id} (accepted) was erased on")), "{}", shown.err);

    // What is left can be told, also of somebody erased.
    let file = firm.object(&["person", "export", "C7"]);
    for gone in [NAME, EMAIL, PHONE, "470998877", REFERENCE, LINK, TAG, REASON] {
        assert!(!file.to_string().contains(gone), "{gone}: {file}");
    }
    assert_eq!((word(&file["customer"]["id"]), word(&file["invoices"][0]["number"])), ("C7", "F-7"));
    let stone = &file["tombstones"][0];
    assert_eq!(fields(stone), ["at", "by", "cause", "counts", "reason"]);
    assert_eq!(
        (word(&stone["by"]), word(&stone["cause"]), word(&stone["reason"])),
        ("marie", "person", "asked for it by letter")
    );
    assert_eq!(stone["counts"]["payload"], 2);
    assert!(!firm.object(&["person", "export", "C8"])["customer"]["email"].is_null(), "nobody else");

    // Again: nothing was left, and nothing new is written.
    let again = firm.object(&["person", "erase", "C7", "--reason", "again"]);
    assert_eq!(again["counts"], json!({}));
    assert_eq!(firm.object(&["person", "export", "C7"])["tombstones"].as_array().unwrap().len(), 1);
    firm.run(&["explain", "C7"]).ends(0);
    firm.run(&["run", "--once"]).ends(0);
}

/// A failure at the last table: everything is as it was.
#[tokio::test]
async fn it_is_all_or_nothing() {
    let firm = firm().await;
    settle(&firm).await;
    let before = firm.object(&["person", "export", "C7"]);
    let broken = match firm.home {
        Home::File(_) => "CREATE TRIGGER broken BEFORE UPDATE OF erased_at ON debtor BEGIN SELECT RAISE(ABORT, 'no room'); END",
        Home::Database(_) => {
            "CREATE FUNCTION broken() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$;
            CREATE TRIGGER broken BEFORE UPDATE OF erased_at ON debtor FOR EACH ROW EXECUTE FUNCTION broken()"
        }
    };
    firm.home.run(broken).await.unwrap();
    let failed = firm.run(&["person", "erase", "C7", "--reason", "asked"]).ends(1);
    assert!(failed.err.contains("no room"), "{}", failed.err);
    let mut after = firm.object(&["person", "export", "C7"]);
    after["exported_at"] = before["exported_at"].clone();
    assert_eq!(after, before);
    let verified = firm.object(&["log", "verify", "--deep"]);
    assert_eq!((&verified["erased"], &verified["broken"]), (&json!(0), &json!([])));
}

/// Beside a running service, which goes on; and the file beside is emptied of what stood there.
#[tokio::test]
async fn the_service_runs_on_meanwhile() {
    let firm = Firm::new(&both(), &[zoe("F-7"), late("F-8", "C8")]).await;
    firm.run(&["run", "--once"]).ends(0);
    settle_without_hold(&firm).await;
    let mut daemon = firm.daemon();
    crate::program::wait_for("the service", || firm.journal().contains("relance runs"));
    let erased = firm.object(&["person", "erase", "C7", "--reason", "asked"]);
    assert_eq!((&erased["file_clean"], &erased["words_in_log"]), (&json!(true), &json!(0)));
    firm.insert(&[late("F-9", "C9")]).await;
    assert!(daemon.runs());
    daemon.terminate();
    assert!(!firm.journal().contains(NAME) && !firm.journal().contains(EMAIL), "{}", firm.journal());
}

async fn settle_without_hold(firm: &Firm) {
    sqlx::query("UPDATE relance_invoices SET balance = '0.00' WHERE customer_id = 'C7'").execute(&firm.ledger).await.unwrap();
    firm.run(&["run", "--once"]).ends(0);
}
