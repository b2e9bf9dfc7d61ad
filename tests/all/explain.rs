//! `explain`, `preview` and `status` tell what is so: of messages under way, of pauses, and of rows that were never read.

use super::program::{ALWAYS, Firm, at_once, day, into_folder, late, word};
use super::support::smtp::{Act, Smtp, Stage};
use super::support::{Config, Row};
use serde_json::{Value, json};

fn rules(told: &Value) -> String {
    told["rules"].as_array().unwrap().iter().map(|r| format!("{} {}\n", r["holds"], word(&r["text"]))).collect()
}

fn states(firm: &Firm) -> Value {
    firm.object(&["status"])["tie_out"][0]["states"].clone()
}

#[tokio::test]
async fn what_the_volume_brake_holds_waits_for_a_person() {
    let firm = Firm::new(&into_folder().guard_line("max_messages_per_cycle = 1"), &[late("F-1", "C1"), late("F-2", "C2")]).await;
    firm.run(&["run", "--once"]).ends(1);
    let told = firm.object(&["explain", "C1"]);
    assert_eq!((word(&told["decision"]), word(&told["reason"])), ("wait", "in_hand"));
    assert_eq!((&told["next_on"], word(&told["next_by"]), word(&told["step"])), (&Value::Null, "operator", "reminder"));
    let rules = rules(&told);
    assert!(rules.contains("false the message with step \"reminder\" by email is held by the volume brake"), "{rules}");
    assert!(rules.contains("no step yet") && !rules.contains("furthest step had"), "{rules}");
    assert!(rules.contains("max_messages_per_cycle, which was 1; they wait: look at `relance preview`"), "{rules}");
    assert_eq!(states(&firm), json!({ "in_hand:reminder": "240.00" }));
    let text = firm.run(&["explain", "C1"]).ends(0).out;
    assert!(text.contains("Next:     you: `relance release`"), "{text}");
    let preview = firm.json(&["preview"]);
    let planned: Vec<_> = preview.iter().filter(|p| p["note"] == "planned, held until `relance release`").collect();
    assert_eq!(planned.len(), 2, "{preview:?}");
    assert_eq!((word(&planned[0]["debtor"]), word(&planned[0]["asked"])), ("C1", "120.00"));
    let text = firm.run(&["preview"]).ends(0).out;
    assert!(text.contains("Sending is stopped now (too_many)"), "{text}");
}

#[tokio::test]
async fn what_a_stopped_channel_keeps_is_told_with_its_stop() {
    let firm = Firm::new(&at_once(Config::mail(1)), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]);
    let told = firm.object(&["explain", "C1"]);
    assert_eq!((word(&told["reason"]), word(&told["next_by"])), ("in_hand", "relance"));
    assert!(!told["next_on"].is_null(), "it is tried again by itself: {told}");
    assert!(rules(&told).contains("false the channel email is stopped: "), "{}", rules(&told));
    assert_eq!(states(&firm), json!({ "in_hand:reminder": "120.00" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_to_be_sent_again_is_under_way() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Close(Stage::Dot));
    let config = at_once(Config::mail(server.port)).email_line("when_uncertain = \"hold\"");
    let firm = Firm::new(&config, &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(1);
    assert_eq!(word(&firm.object(&["explain", "C1"])["reason"]), "uncertain");
    assert_eq!(states(&firm), json!({ "held:uncertain": "120.00" }));
    let id = firm.object(&["uncertain"])["id"].to_string();
    firm.run(&["uncertain", &id, "resend"]).ends(0);
    let told = firm.object(&["explain", "C1"]);
    assert_eq!((word(&told["decision"]), word(&told["reason"]), word(&told["next_by"])), ("wait", "in_hand", "relance"));
    assert!(rules(&told).contains("the operator says to send it again"), "{}", rules(&told));
    assert!(!told["next_on"].is_null());
}

#[tokio::test]
async fn the_date_is_that_of_preview() {
    let cadence = ALWAYS.replace("1 day after due", "2 days after due");
    let row = late("F-1", "C1").with("due_on", &day(0).to_string()).with("booked_through", &day(300).to_string());
    let firm = Firm::new(&into_folder().cadence(&cadence), &[row]).await;
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(word(&firm.object(&["explain", "F-1"])["next_on"]), day(2).to_string());
    sqlx::query("UPDATE relance_invoices SET balance = '60.00'").execute(&firm.ledger).await.unwrap();
    firm.run(&["run", "--once"]).ends(0);
    let told = firm.object(&["explain", "F-1"]);
    assert_eq!(word(&told["decision"]), "wait");
    assert!(word(&told["next_on"]).parse::<jiff::civil::Date>().unwrap() > day(2), "it is paused for three working days");
    assert_eq!(told["next_on"], firm.json(&["preview"])[0]["on"]);
    assert!(rules(&told).contains("because of a part payment"), "{}", rules(&told));
}

#[tokio::test]
async fn rows_that_were_never_read_are_told_of() {
    let bad = late("F-9", "C9").with("due_on", "soon");
    let paid = late("F-8", "C8").with("balance", "0.00");
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1"), bad, paid]).await;
    firm.run(&["run", "--once"]).ends(0);
    let told = firm.object(&["explain", "F-9"]);
    assert_eq!((word(&told["decision"]), word(&told["reason"]), &told["debtor"]), ("hold", "unreadable", &Value::Null));
    assert!(rules(&told).contains("due_on"), "{told}");
    let told = firm.object(&["explain", "F-8"]);
    assert_eq!((word(&told["decision"]), word(&told["reason"])), ("done", "paid"));
    assert!(firm.run(&["explain", "F-77"]).ends(1).err.contains("F-77"));
    // By their numbers as well, which the store does not know.
    sqlx::query("UPDATE relance_invoices SET number = 'N' || invoice_id").execute(&firm.ledger).await.unwrap();
    assert_eq!(word(&firm.object(&["explain", "NF-8"])["reason"]), "paid");
    assert_eq!(word(&firm.object(&["explain", "NF-9"])["reason"]), "unreadable");
    let preview = firm.json(&["preview"]);
    let row = preview.iter().find(|p| p["reason"] == "unreadable").unwrap();
    assert!(row["debtor"].is_null() && word(&row["text"]).starts_with("row F-9: "), "{row}");
    assert_eq!(firm.object(&["status"])["never_read"], 1);
    let text = firm.run(&["status"]).ends(0).out;
    assert!(text.contains("1 of 1 unreadable rows were never read: their money is unknown"), "{text}");
    // A row that was read before has its money in the sums.
    firm.insert(&[late("F-7", "C7")]).await;
    firm.run(&["run", "--once"]).ends(0);
    sqlx::query("UPDATE relance_invoices SET due_on = 'soon' WHERE invoice_id = 'F-7'").execute(&firm.ledger).await.unwrap();
    firm.run(&["run", "--once"]).ends(0);
    let text = firm.run(&["status"]).ends(0).out;
    assert!(text.contains("1 of 2 unreadable rows were never read"), "{text}");
}

#[tokio::test]
async fn an_invoice_is_told_by_its_own_state_too() {
    let draft = late("F-2", "C1").with("status", "draft");
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1"), draft]).await;
    firm.run(&["run", "--once"]).ends(0);
    let told = firm.object(&["explain", "F-2"]);
    let notes: Vec<&str> = told["notes"].as_array().unwrap().iter().map(word).collect();
    assert_eq!(notes, ["F-2 itself: 120.00 EUR, which `status` counts under held:draft"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_let_pass_is_not_held_by_the_brake() {
    let server = Smtp::start().await;
    let config = at_once(Config::mail(server.port)).guard_line("max_messages_per_cycle = 1");
    let firm = Firm::new(&config, &[late("F-1", "C1"), late("F-2", "C2")]).await;
    firm.run(&["run", "--once"]).ends(1);
    firm.run(&["release", "--yes"]).ends(0);
    server.next(&[Act::Reply(Stage::Rcpt, 451, "4.3.0 later"), Act::Reply(Stage::Rcpt, 451, "4.3.0 later")]);
    firm.run(&["run", "--once"]).ends(1);
    firm.insert(&[late("F-3", "C3"), late("F-4", "C4")]).await;
    firm.run(&["run", "--once"]);
    let told = firm.object(&["explain", "C1"]);
    assert_eq!(word(&told["next_by"]), "relance", "{told}");
    assert!(!rules(&told).contains("max_messages_per_cycle, which"), "{told}");
    assert_eq!(word(&firm.object(&["explain", "C3"])["next_by"]), "operator");
    assert!(firm.run(&["status"]).ends(0).out.contains("HELD too_many"));
}

#[tokio::test]
async fn why_no_cadence_takes_a_row() {
    let only = ALWAYS.replace("[window]", "applies_to = { customer_kind = \"consumer\" }\n[window]");
    let firm = Firm::new(&into_folder().cadence(&only), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let told = firm.object(&["explain", "F-1"]);
    assert_eq!((word(&told["decision"]), word(&told["reason"])), ("hold", "no_cadence"));
    assert!(rules(&told).contains("no cadence (standard) matches: customer_kind business, country BE"), "{}", rules(&told));
    let preview = firm.json(&["preview"]);
    assert!(preview.iter().any(|p| word(&p["reason"]) == "no_cadence" && word(&p["text"]).starts_with("F-1: ")), "{preview:?}");
}

#[tokio::test]
async fn a_payment_for_another_customers_invoice_is_told_on_both_sides() {
    let payment = late("P-1", "C1").with("kind", "payment").with("balance", "50.00").with("for_invoice", "F-2");
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1"), late("F-2", "C2"), payment]).await;
    firm.run(&["run", "--once"]).ends(0);
    let notes = |name: &str| firm.object(&["explain", name])["notes"].to_string();
    assert!(notes("C1").contains("P-1 names F-2, which is an invoice of another customer, C2"), "{}", notes("C1"));
    assert!(notes("C2").contains("P-1 of another customer, C1, names F-2"), "{}", notes("C2"));
    let text = rules(&firm.object(&["explain", "C1"]));
    assert!(text.contains("names \"F-2\", an invoice of another customer: set off there"), "{text}");
}

/// A word for the old debts that are known is no word for those to come (R3).
#[tokio::test]
async fn a_later_old_debt_needs_a_new_word() {
    let firm = Firm::new(&into_folder().guard_line("old_debts = \"hold\""), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    firm.run(&["release", "--yes", "C1"]).ends(0);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C1"]);
    firm.insert(&[late("F-2", "C1"), Row::new("F-3", "C3")]).await;
    firm.run(&["run", "--once"]).ends(0);
    assert!(rules(&firm.object(&["explain", "F-2"])).contains("false F-2: first seen on"));
    assert_eq!(states(&firm), json!({ "held:old_debt": "240.00", "step:reminder": "120.00" }));
    firm.run(&["release", "--yes", "C1"]).ends(0);
    assert!(!rules(&firm.object(&["explain", "F-2"])).contains("false F-2: first seen on"));
}

/// The answer first, then the invoices, what was done, and every rule last: those that stop before those that hold.
#[tokio::test]
async fn the_answer_stands_before_the_rules() {
    let cadence =
        ALWAYS.replace("channel = \"email\"", "channel = \"email\"\ntitle = { fr = \"premier rappel\", en = \"first\" }");
    let second = "[[step]]\nid = \"firm\"\nwhen = \"8 days after reminder\"\nchannel = \"email\"\n";
    let row = late("F-1", "C1").with("due_on", &day(300).to_string());
    let firm = Firm::new(&into_folder().cadence(&format!("{cadence}{second}")), &[row, late("F-2", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let text = firm.run(&["explain", "C1"]).ends(0).out;
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}\n{text}"));
    let places =
        ["Next: ", "Why: ", "step and date: F-2: ", " INVOICE ", "Done so far:", "Rules weighed", "  ✗ ", "  ✓ "].map(at);
    assert!(places.is_sorted(), "{places:?}\n{text}");
    assert!(text.rfind("  ✗ ").unwrap() < at("  ✓ "), "{text}");
    assert!(text.contains("by cadence \"standard\") (R4)") && text.contains("premier rappel, "), "{text}");
    assert!(text.lines().any(|l| l.starts_with(" F-2 ") && l.contains("next: firm, ")), "{text}");
    // Every rule that is told in JSON is told in words.
    let told = firm.object(&["explain", "C1"]);
    for rule in told["rules"].as_array().unwrap() {
        // The age of the data has grown by a second or two between the two.
        let said = word(&rule["text"]).split(" last read ").next().unwrap();
        assert!(text.contains(said), "{rule}\n{text}");
    }
    // What is next is told of the invoice that it is about: the other one comes later.
    assert!(word(&told["rules"][0]["text"]).starts_with("F-2: "), "{told}");
}

/// A condition is told with the value that it was weighed by, and with what it wants (R22).
#[tokio::test]
async fn r22_a_condition_is_told_with_its_values() {
    let cadence = "name = \"standard\"\nminimum = \"10.00\"\n\
        [[step]]\nid = \"ring\"\nwhen = \"1 day after due\"\nchannel = \"call\"\ntext = \"Ask\"\nonly_if = { overdue_min = \"1000.00\" }\n\
        [[step]]\nid = \"reminder\"\nwhen = \"90 days after due\"\nchannel = \"email\"\nonly_if = { late_before = true }\n";
    let firm = Firm::new(&into_folder().cadence(cadence), &[late("F-1", "C1").with("due_on", &day(-30).to_string())]).await;
    firm.run(&["run", "--once"]).ends(0);
    let text = rules(&firm.object(&["explain", "C1"]));
    assert!(
        text.contains("F-1: step ring was passed over: 120.00 EUR is overdue in all, and the step wants 1000.00 EUR or more (by cadence \"standard\", only_if)"),
        "{text}"
    );
    let later = format!(
        "F-1: step reminder has a condition, weighed on its day, {}; as things stand the customer has never paid late",
        day(60)
    );
    assert!(text.contains(&later), "{text}");
}
