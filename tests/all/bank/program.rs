//! The built program with a folder of statements: what the bank shows stops a reminder before it leaves, verbs tell of it, and a
//! person's word counts.

use super::{Line, OGM, came, statement};
use crate::program::{Firm, day, into_folder, late};
use serde_json::json;

fn line(bank_ref: &'static str, amount: &'static str) -> Line {
    Line { on: day(-1), ..came(bank_ref, amount) }
}

/// Two customers that are late: one has paid with the reference, of the other the bank knows a slip of it.
async fn firm() -> Firm {
    let config = into_folder().file("conf.d/bank.toml", "[bank]\nfolder = \"bank\"\ndone = \"move:bank/read\"\n");
    let rows = [
        late("F-1", "C1").with("reference", "+++010/8068/17183+++"),
        late("F-2", "C2").with("reference", "+++000/0000/09797+++").with("balance", "75.00").with("total", "75.00"),
        late("F-3", "C3"),
    ];
    let firm = Firm::new(&config, &rows).await;
    let slip = Line { reference: "000000009779", name: "Somebody", ..line("B", "75.00") };
    firm.write("bank/monday.xml", &statement("1", &[line("A", "120.00"), slip]));
    firm.write("bank/torn.xml", "<Document><BkToCstmrStmt><Stmt>");
    firm
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_paid_by_the_bank_is_not_written_to_and_every_verb_says_why() {
    let firm = firm().await;
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C3"], "the bank's folder is looked into before anything leaves");
    assert!(firm.path("bank/read/monday.xml").exists() && firm.path("bank/torn.xml").exists());

    let all = firm.json(&["bank", "--all"]);
    let short: Vec<_> = all.iter().map(|e| (&e["state"], &e["why"], &e["amount"], &e["pays"][0]["invoice"])).collect();
    let (paid, near) = (json!("matched"), json!("proposed"));
    assert_eq!(short[0], (&paid, &json!(null), &json!("120.00"), &json!("F-1")), "{all:?}");
    assert_eq!(short[1], (&near, &json!("slip"), &json!("75.00"), &json!("F-2")), "{all:?}");
    assert_eq!(all[0]["references"], json!([OGM]));
    assert_eq!(firm.json(&["bank"]).len(), 1, "one waits for a person");
    assert_eq!(firm.json(&["bank", "C1", "--all"]).len(), 1);

    let status = firm.object(&["status"])["bank"].clone();
    assert_eq!((&status["to_decide"], &status["unread"][0]["file"]), (&json!(1), &json!("torn.xml")), "{status}");
    let text = firm.run(&["status"]).ends(0).out;
    assert!(text.contains("bank         last statement read") && text.contains("1 for your word"), "{text}");
    assert!(text.contains("bank         CANNOT BE READ torn.xml"), "{text}");

    let why = firm.run(&["explain", "F-1"]).ends(0).out;
    assert!(why.contains("paid_unbooked") && why.contains(&format!("120.00 EUR came on {}", day(-1))), "{why}");
    let why = firm.run(&["explain", "F-2"]).ends(0).out;
    assert!(why.contains("paid_perhaps") && why.contains("relance bank"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_at_the_terminal_holds_or_lets_go() {
    let firm = firm().await;
    firm.run(&["run", "--once"]).ends(0);
    let id = firm.json(&["bank"])[0]["id"].to_string();
    let shown = firm.run(&["bank", "show", &id]).ends(0).out;
    assert!(shown.contains("from         Somebody") && shown.contains("F-2 of C2"), "{shown}");
    let unnamed = firm.run(&["bank", "take", &id, "F-9"]).ends(1);
    assert!(unnamed.err.contains("there is no invoice F-9"), "{}", unnamed.err);
    let silent = firm.run(&["bank", "refuse", &id, "--reason", " "]).ends(2);
    assert!(silent.err.contains("--reason is empty"), "{}", silent.err);

    firm.run(&["bank", "take", &id, "--by", "Anne"]).ends(0);
    let entry = firm.object(&["bank", "show", &id]);
    assert_eq!((&entry["state"], &entry["by"], &entry["pays"][0]["state"]), (&json!("matched"), &json!("Anne"), &json!("live")));
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C3"]);

    // What pays nothing of this ledger lets its invoice go, and the reminder leaves.
    let first = firm.json(&["bank", "C1", "--all"])[0]["id"].to_string();
    firm.run(&["bank", "refuse", &first, "--reason", "another customer's", "--by", "Anne"]).ends(0);
    assert_eq!(firm.object(&["bank", "show", &first])["remark"], json!("another customer's"));
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C3", "accepted C1"]);
}
