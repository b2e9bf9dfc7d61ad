//! What the reading verbs print with --json: the documented fields, no more and no less, so that whoever reads
//! them with a program can rely on them; and the filters of `log`.

use super::program::{ALWAYS, Firm, day, into_folder, late, word};
use super::support::Config;
use serde_json::Value;

/// A creditor in Mumbai: an offset that is neither that of the machine nor a whole number of hours.
fn in_mumbai() -> Config {
    into_folder().with_sms_file().file("conf.d/zone.toml", "[creditor]\ntimezone = \"Asia/Kolkata\"\n")
}

/// C1 late, C2 without an address, C3 disputed, C4 not due, C5 by SMS and in pounds, 7 whose id is an invoice's, too.
async fn firm() -> Firm {
    let rows = [
        late("F 1", "C1"),
        late("F-2", "C2").without("email"),
        late("F-3", "C3").with("status", "disputed"),
        late("F-4", "C4").with("due_on", &day(30).to_string()),
        late("F-5", "C5").without("email").with("phone", "+32 470 00 00 05").with("currency", "GBP"),
        late("7", "C6"),
        late("F-7", "7"),
    ];
    let cadence = ALWAYS.replace("channel = \"email\"", "channel = { first_of = [\"email\", \"sms\"] }");
    let firm = Firm::new(&in_mumbai().cadence(&cadence), &rows).await;
    firm.run(&["run", "--once"]).ends(0);
    firm
}

/// The fields of an object, in the order of the alphabet.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// RFC 3339 with milliseconds and the creditor's offset.
fn is_time(value: &Value) -> bool {
    let text = word(value);
    let bytes = text.as_bytes();
    text.len() == 29
        && bytes[10] == b'T'
        && bytes[19] == b'.'
        && text.ends_with("+05:30")
        && text.parse::<jiff::Timestamp>().is_ok()
}

const LOG: [&str; 17] = [
    "address",
    "answer",
    "at",
    "cadence",
    "channel",
    "class",
    "debtor",
    "erased_at",
    "id",
    "invoices",
    "language",
    "letter",
    "message_id",
    "outcome",
    "person",
    "step",
    "why",
];

#[tokio::test]
async fn log() {
    let firm = firm().await;
    let log = firm.json(&["log"]);
    assert_eq!(log.len(), 5);
    for attempt in &log {
        assert_eq!(fields(attempt), LOG);
        assert!(is_time(&attempt["at"]), "{}", attempt["at"]);
        for invoice in attempt["invoices"].as_array().unwrap() {
            assert_eq!(fields(invoice), ["balance", "currency", "days_late", "id", "number", "stage"]);
        }
    }
    let c5 = log.iter().find(|a| a["debtor"] == "C5").unwrap();
    assert_eq!((word(&c5["channel"]), word(&c5["address"]), word(&c5["outcome"])), ("sms", "+32470000005", "accepted"));
    assert_eq!((word(&c5["cadence"]), word(&c5["step"]), word(&c5["letter"])), ("standard", "reminder", "reminder"));
    assert_eq!((word(&c5["language"]), &c5["person"]), ("fr", &Value::from("accounts")));
    let invoice = &c5["invoices"][0];
    assert_eq!((word(&invoice["id"]), word(&invoice["number"]), word(&invoice["stage"])), ("F-5", "F-5", "reminder"));
    assert_eq!((word(&invoice["balance"]), word(&invoice["currency"])), ("120.00", "GBP"));
    assert!((9..=11).contains(&invoice["days_late"].as_i64().unwrap()));
    let c2 = log.iter().find(|a| a["debtor"] == "C2").unwrap();
    assert_eq!((word(&c2["outcome"]), &c2["address"]), ("no_address", &Value::Null));
}

#[tokio::test]
async fn log_filters() {
    let firm = firm().await;
    let debtors = |filter: &[&str]| -> Vec<String> {
        let found = firm.json(&[&["log"], filter].concat());
        found.iter().map(|a| word(&a["debtor"]).to_owned()).collect()
    };
    let all = debtors(&[]);
    assert_eq!(debtors(&["--debtor", "C5"]), ["C5"]);
    assert_eq!(debtors(&["--debtor", "7"]), ["7"], "a debtor's id is not an invoice's");
    assert_eq!(debtors(&["--invoice", "7"]), ["C6"]);
    assert_eq!(debtors(&["--invoice", "F 1"]), ["C1"]);
    assert_eq!(debtors(&["--channel", "sms"]), ["C5"]);
    assert_eq!(debtors(&["--outcome", "no_address"]), ["C2"]);
    assert_eq!(debtors(&["--step", "reminder"]), all);
    assert!(debtors(&["--step", "final"]).is_empty());
    let (yesterday, tomorrow, later) = (day(-2).to_string(), day(2).to_string(), day(3).to_string());
    assert_eq!(debtors(&["--since", &yesterday, "--until", &tomorrow]), all);
    assert!(debtors(&["--until", &yesterday]).is_empty() && debtors(&["--since", &later]).is_empty());
    assert_eq!(debtors(&["--limit", "2"]), all[all.len() - 2..], "the last, in their order");
    assert_eq!(debtors(&["--limit", "1", "--channel", "sms"]), ["C5"]);
    assert!(debtors(&["--limit", "0"]).is_empty());
    for (unknown, name) in [("--debtor", "nobody"), ("--debtor", "F-4"), ("--invoice", "F-99")] {
        let ran = firm.run(&["log", unknown, name]).ends(1);
        assert!(ran.err.contains(name), "{}", ran.err);
    }
    let table = firm.run(&["log"]).ends(0);
    assert!(table.out.contains("c1…@client.example") && !table.out.contains("c1@client.example"), "{}", table.out);
}

#[tokio::test]
async fn preview_and_explain() {
    let firm = firm().await;
    let preview = firm.json(&["preview", "--days", "60"]);
    let c4 = preview.iter().find(|p| p["debtor"] == "C4").unwrap();
    let contact = ["address", "asked", "channel", "currency", "debtor", "invoices", "letter", "note", "on", "step"];
    assert_eq!(fields(c4), contact);
    assert_eq!((word(&c4["asked"]), word(&c4["currency"]), &c4["invoices"][0]), ("120.00", "EUR", &Value::from("F-4")));
    assert_eq!((word(&c4["channel"]), word(&c4["address"]), word(&c4["step"])), ("email", "c4@client.example", "reminder"));
    let c3 = preview.iter().find(|p| p["debtor"] == "C3").unwrap();
    assert_eq!(fields(c3), ["debtor", "on", "reason", "text"]);
    assert_eq!(word(&c3["reason"]), "disputed");
    assert!(preview.iter().all(|p| word(&p["on"]).parse::<jiff::civil::Date>().is_ok()));
    firm.insert(&[late("F 8", "C8")]).await;
    let by_hand = firm.json(&["preview"]);
    assert!(by_hand.iter().all(|p| p["debtor"] != "C8"), "what no poll has read is not known");

    let known = [
        "attempts", "cadence", "currency", "debtor", "decision", "next_by", "next_on", "notes", "reason", "rules", "step",
        "subject",
    ];
    for (subject, decision, reason, by) in [
        ("C1", "done", "finished", "operator"),
        ("F 1", "done", "finished", "operator"),
        ("C2", "hold", "no_address", "operator"),
        ("F-3", "hold", "disputed", "operator"),
        ("C4", "wait", "not_yet", "relance"),
    ] {
        let told = firm.object(&["explain", subject]);
        assert_eq!(fields(&told), known);
        let got = (word(&told["subject"]), word(&told["decision"]), word(&told["reason"]), word(&told["next_by"]));
        assert_eq!(got, (subject, decision, reason, by));
        let rules = told["rules"].as_array().unwrap();
        assert!(!rules.is_empty() && rules.iter().all(|r| fields(r) == ["holds", "rule", "text"]), "{subject}: {rules:?}");
        assert!(told["attempts"].as_array().unwrap().iter().all(|a| fields(a) == LOG));
    }
    assert_eq!(firm.object(&["explain", "F 1"])["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(firm.object(&["explain", "C4"])["next_on"], day(31).to_string());
    sqlx::query("UPDATE relance_invoices SET balance = '0.00' WHERE customer_id = 'C1'").execute(&firm.ledger).await.unwrap();
    firm.run(&["run", "--once"]).ends(0);
    let paid = firm.object(&["explain", "C1"]);
    assert_eq!((fields(&paid), word(&paid["decision"]), word(&paid["reason"])), (known.to_vec(), "done", "paid"));
    firm.run(&["explain", "nobody", "--json"]).ends(1);
}

#[tokio::test]
async fn status() {
    let firm = firm().await;
    let status = firm.object(&["status"]);
    let known = [
        "bank",
        "booked_through",
        "brakes",
        "configuration",
        "daemons",
        "data_age_s",
        "never_read",
        "poll_kind",
        "polled_at",
        "queue",
        "report",
        "retention",
        "tie_out",
        "uncertain",
        "unreachable",
        "unreadable",
    ];
    assert_eq!(fields(&status), known);
    assert!(is_time(&status["polled_at"]));
    assert!((0..600).contains(&status["data_age_s"].as_i64().unwrap()));
    assert!(word(&status["booked_through"]).parse::<jiff::civil::Date>().is_ok());
    assert_eq!((&status["queue"], &status["uncertain"]), (&serde_json::json!({}), &Value::from(0)));
    assert_eq!(status["configuration"], serde_json::json!({ "other_rules": false, "refused": null }));
    let lost = &status["unreachable"][0];
    assert_eq!((fields(lost), word(&lost["debtor"])), (vec!["debtor", "since", "why"], "C2"));
    assert!(is_time(&lost["since"]));
    for (tie, currency, sum) in [(0, "EUR", "720.00"), (1, "GBP", "120.00")] {
        let tie = &status["tie_out"][tie];
        assert_eq!(fields(tie), ["currency", "ledger", "states"]);
        assert_eq!((word(&tie["currency"]), word(&tie["ledger"])), (currency, sum));
        let states = tie["states"].as_object().unwrap().values();
        let cents = |v: &Value| word(v).replace('.', "").parse::<i64>().unwrap();
        assert_eq!(states.map(cents).sum::<i64>(), cents(&tie["ledger"]), "{tie}");
    }
    firm.insert(&[late("F-9", "C9").with("due_on", "soon")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let status = firm.object(&["status"]);
    let row = &status["unreadable"][0];
    assert_eq!((fields(row), word(&row["id"])), (vec!["id", "text"], "F-9"));
    sqlx::query("DROP TABLE relance_invoices").execute(&firm.ledger).await.unwrap();
    firm.run(&["run", "--once"]).ends(1);
    let brake = &firm.object(&["status"])["brakes"][0];
    assert_eq!((fields(brake), word(&brake["reason"])), (vec!["reason", "text"], "poll_failed"));
}

#[tokio::test]
async fn holds() {
    let firm = firm().await;
    let until = day(20).to_string();
    let hold = |name: &str| ["hold", name, "--until", &until, "--reason", "asked by phone"].map(str::to_owned);
    let words = |list: &[String; 6]| firm.run(&list.each_ref().map(String::as_str));
    words(&hold("C4")).ends(0);
    words(&hold("F 1")).ends(0);
    words(&hold("nobody")).ends(1);
    let late = day(-1).to_string();
    firm.run(&["hold", "C4", "--until", &late, "--reason", "asked by phone"]).ends(2);
    firm.run(&["hold", "C4", "--until", &until, "--reason", "  "]).ends(2);
    let holds = firm.json(&["holds"]);
    assert_eq!(holds.len(), 2);
    assert!(holds.iter().all(|h| fields(h) == ["created_at", "debtor", "disputed", "id", "invoice", "kind", "reason", "until"]
        && is_time(&h["created_at"])));
    assert_eq!((word(&holds[0]["debtor"]), &holds[0]["invoice"]), ("C4", &Value::Null));
    assert_eq!((word(&holds[1]["debtor"]), word(&holds[1]["invoice"])), ("C1", "F 1"));
    assert!(holds.iter().all(|h| word(&h["until"]) == until && word(&h["reason"]) == "asked by phone"));
    let held = firm.object(&["explain", "C4"]);
    assert_eq!((word(&held["decision"]), word(&held["reason"]), word(&held["next_on"])), ("hold", "held", until.as_str()));
    firm.run(&["resume", "C4"]).ends(0);
    let again = firm.run(&["resume", "C4"]).ends(1);
    assert!(again.err.contains("no hold on C4"), "{}", again.err);
    assert_eq!(firm.json(&["holds"]).len(), 1);
}

/// What somebody changed behind relance's back is found.
#[tokio::test]
async fn log_verify_finds_what_was_changed() {
    let firm = firm().await;
    let whole = firm.object(&["log", "verify", "--deep"]);
    assert_eq!(fields(&whole), ["broken", "erased", "head", "payloads", "rows"]);
    assert_eq!(
        (&whole["rows"], &whole["broken"], &whole["payloads"]),
        (&Value::from(5), &serde_json::json!([]), &Value::from(4))
    );
    firm.run(&["log", "verify"]).ends(0);
    let change = async |sql: &str| firm.home.run(sql).await;
    assert!(change("UPDATE attempt SET outcome = 'refused' WHERE pk = 2").await.is_err(), "the store itself refuses");
    assert!(change("DELETE FROM attempt WHERE pk = 2").await.is_err());
    change("UPDATE payload SET address = 'someone@else.example' WHERE pk = 1").await.unwrap();
    firm.run(&["log", "verify"]).ends(0);
    let deep = firm.run(&["log", "verify", "--deep"]).ends(1);
    assert!(deep.out.contains("its address or message was changed") && deep.out.contains("NOT whole"), "{}", deep.out);
    change("DROP TRIGGER attempt_is_never_rewritten").await.unwrap();
    change("UPDATE attempt SET step = 'final' WHERE pk = 2").await.unwrap();
    let broken = firm.run(&["log", "verify"]).ends(1);
    assert!(broken.out.starts_with("attempt 2: ") && broken.out.contains("NOT whole"), "{}", broken.out);
    let told: Value = serde_json::from_str(&firm.run(&["log", "verify", "--json"]).ends(1).out).unwrap();
    assert_eq!(told["broken"].as_array().unwrap().len(), 1);
    change("DROP TRIGGER attempt_is_never_deleted").await.unwrap();
    change("PRAGMA foreign_keys = OFF; DELETE FROM attempt WHERE pk = 4").await.unwrap();
    let gone = firm.run(&["log", "verify"]).ends(1);
    assert!(gone.out.contains("attempt 5: "), "{}", gone.out);
}

#[tokio::test]
async fn log_show() {
    let firm = firm().await;
    let log = firm.json(&["log"]);
    let of = |debtor: &str| log.iter().find(|a| a["debtor"] == debtor).unwrap()["id"].to_string();
    let mail = firm.run(&["log", "show", &of("C1")]).ends(0);
    assert!(mail.out.contains("Message-ID: ") && mail.out.contains("\r\n"), "{}", mail.out);
    let text = firm.run(&["log", "show", &of("C5")]).ends(0);
    assert!(text.out.contains("F-5"), "{}", text.out);
    let whole = firm.object(&["log", "show", &of("C1")]);
    let fields = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let attempt = log.iter().find(|a| a["debtor"] == "C1").unwrap();
    assert_eq!(fields(&whole).into_iter().filter(|f| f != "message").collect::<Vec<_>>(), fields(attempt));
    assert_eq!(word(&whole["message"]), mail.out);
    assert!(firm.object(&["log", "show", &of("C2")])["message"].is_null(), "an attempt without a message is one all the same");
    let none = firm.run(&["log", "show", &of("C2")]).ends(1);
    assert!(none.err.contains("has no message"), "{}", none.err);
    let nothing = firm.run(&["log", "show", "99"]).ends(1);
    assert!(nothing.err.contains("there is no attempt 99"), "{}", nothing.err);
}
