//! The built program with an HTTP source: it polls, writes, the invoice is paid there, and nothing more is written. And what its
//! verbs show, with nothing of the key in it.

use super::shapes::ok;
use crate::program::{Firm, day, into_folder};
use crate::support::Config;
use crate::support::config::LEDGER_KEY;
use crate::support::http::{Answer, Http, Request};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// A list of one invoice, ten days late, until it is paid. Whoever does not know the key gets nothing.
async fn books(paid: Arc<AtomicBool>) -> Http {
    Http::answering(move |request: &Request| {
        if request.header("authorization") != Some(&format!("Bearer {LEDGER_KEY}")) {
            return Answer::new(401, &format!("{{\"error\": \"wrong, wanted {LEDGER_KEY}\"}}"));
        }
        let paid = paid.load(Ordering::SeqCst);
        let one = json!({ "id": 7, "number": "2026-0007", "customer_id": "C7", "customer_name": "Garage De Smet", "due_date": day(-10).to_string(),
            "currency": "EUR", "balance": 1250.5, "email": "desmet@client.example", "paid_at": if paid { json!("today") } else { Value::Null }, "status": "open" });
        match request.path.as_str() {
            "/invoices" => ok(&if paid { json!([]) } else { json!([one]) }),
            "/invoices/7" => ok(&one),
            _ => Answer::new(404, ""),
        }
    })
    .await
}

fn config(url: &str) -> Config {
    static OWN: OnceLock<String> = OnceLock::new();
    let own = OWN.get_or_init(|| {
        let (_, text) = relance::config::bundled::SOURCES.iter().find(|(path, _)| *path == "sources/list.toml").unwrap();
        let text = text.replace("kind = \"none\"", "kind = \"bearer\"").replace("total = \"header X-Total-Count\"", "");
        text.replace("kind = \"link\"", "kind = \"none\"")
    });
    let lines = "key = { file = \"ledger.secret\" }\nbooking_lag = \"0 days\"\ngrace = \"0 days\"";
    let config = Config { source: String::new(), ..into_folder() };
    config.system("own", &format!("{url}/invoices"), lines).file("sources/own.toml", own)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_polls_writes_and_stops_when_it_is_paid_there() {
    let paid = Arc::new(AtomicBool::new(false));
    let server = books(paid.clone()).await;
    let firm = Firm::new(&config(&server.url()), &[]).await;
    let checked = firm.run(&["check", "--connect"]).ends(0);
    assert!(checked.out.contains("source: ") && checked.out.contains("1 rows read again"), "{}", checked.out);
    let tried = firm.run(&["source", "try"]).ends(0);
    assert!(tried.out.contains("row 1: 7: good"), "{}", tried.out);
    assert!(tried.out.contains("due_on") && tried.out.contains("from /due_date"), "{}", tried.out);
    let object = firm.json(&["source", "try"]).remove(0);
    assert_eq!((&object["good"], &object["id"]), (&json!(true), &json!("7")));
    let column = |name: &str| object["columns"].as_array().unwrap().iter().find(|c| c["column"] == name).unwrap().clone();
    assert_eq!(column("balance"), json!({ "column": "balance", "from": "/balance", "raw": "1250.5", "value": "1250.5" }));
    assert_eq!(column("phone"), json!({ "column": "phone", "from": null, "raw": null, "value": null }));
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C7"]);
    let status = firm.object(&["status"]);
    assert_eq!(status["poll_kind"], json!("full"));
    paid.store(true, Ordering::SeqCst);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!((firm.attempts().len(), firm.mails().len()), (1, 1));
    let said = [checked.out, checked.err, tried.out, tried.err, firm.run(&["status"]).out];
    assert!(said.iter().all(|text| !text.contains(LEDGER_KEY)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_is_told_and_never_shown() {
    let server = books(Arc::default()).await;
    let firm = Firm::new(&config(&server.url()), &[]).await;
    firm.write("ledger.secret", "an0ther\n");
    for verb in [["check", "--connect"], ["source", "try"], ["run", "--once"]] {
        let ran = firm.run(&verb).ends(1);
        let text = format!("{}{}", ran.out, ran.err);
        assert!(text.contains("refuses the key (HTTP 401); see [source] key"), "{text}");
        assert!(!text.contains("an0ther"), "{text}");
        // What the system said is shown to whoever sets it up, and gets into no journal.
        assert_eq!(text.contains("it said: "), verb == ["source", "try"], "{text}");
    }
}

#[tokio::test]
async fn an_sql_ledger_is_tried_in_its_plain_form() {
    let firm = Firm::new(
        &into_folder(),
        &[crate::program::late("F-1", "C1"), crate::program::late("F-2", "C2").with("balance", "12,50")],
    )
    .await;
    let tried = firm.run(&["source", "try"]).ends(0);
    assert!(
        tried.out.contains("row 1: F-1: good") && tried.out.contains("row 2: F-2: CANNOT BE READ: balance in EUR"),
        "{}",
        tried.out
    );
    assert!(tried.out.contains("2 rows on the first page"), "{}", tried.out);
    assert_eq!(firm.json(&["source", "try", "--most", "1"]).len(), 1);
}
