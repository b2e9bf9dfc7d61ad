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
async fn a_system_that_asks_to_be_left_alone_is_asked_again_by_a_persons_word() {
    let server = books(Arc::default()).await;
    let firm = Firm::new(&config(&server.url()), &[]).await;
    server.next(&[Answer::with(429, "Retry-After: 7200\r\n", "")]);
    for _ in 0..2 {
        let ran = firm.run(&["run", "--once"]).ends(1);
        assert!(ran.err.contains("asked to be left alone, and is not asked again before"), "{}{}", ran.out, ran.err);
        assert_eq!(server.requests().len(), 1);
    }
    let status = firm.run(&["status"]).out;
    assert!(status.contains("is not asked again before"), "{status}");
    let released = firm.run(&["release", "--ledger", "--yes"]).ends(0);
    assert!(released.out.contains("asked to be left alone") && released.out.contains("released"), "{}", released.out);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C7"]);
    assert!(firm.run(&["release", "--ledger", "--yes"]).ends(1).err.contains("is not held back"));
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

const FIRM: [&str; 10] =
    ["init", "--yes", "--name", "Canal", "--country", "BE", "--language", "fr", "--contact", "compta@canal.example"];

/// Mail into a folder.
fn into(firm: &Firm) -> String {
    format!("file://{}", firm.path("mail").display())
}

#[tokio::test(flavor = "multi_thread")]
async fn init_takes_a_system_by_its_name_a_url_and_a_key_file() {
    let server = books(Arc::default()).await;
    let firm = Firm::new(&config(&server.url()), &[]).await;
    std::fs::remove_file(firm.path("relance.toml")).unwrap();
    std::fs::remove_dir_all(firm.path("cadences")).unwrap();
    let (url, key) = (format!("{}/invoices/", server.url()), format!("file:{}", firm.path("ledger.secret").display()));
    let ran = firm
        .run(&[&FIRM[..], &["--ledger", &url, "--preset", "own", "--ledger-key", &key, "--smtp", &into(&firm)]].concat())
        .ends(0);
    assert!(
        ran.out.contains("2026-0007") && ran.out.contains("Garage De Smet") && ran.out.contains("The first week:"),
        "{}",
        ran.out
    );
    let text = std::fs::read_to_string(firm.path("relance.toml")).unwrap();
    assert_eq!(crate::config::schema::complaints("relance", &text), []);
    assert!(text.contains("preset = \"own\"") && !text.contains("booked_through") && !text.contains(LEDGER_KEY), "{text}");
    firm.run(&["check", "--connect"]).ends(0);
}

#[tokio::test]
async fn init_says_what_a_system_asks_for() {
    let firm = Firm::new(&into_folder(), &[]).await;
    std::fs::remove_file(firm.path("relance.toml")).unwrap();
    let with = |more: &[&str]| firm.run(&[&FIRM[..], more].concat()).ends(2).err;
    let odoo = with(&["--ledger", "https://erp.canal.example", "--preset", "odoo", "--ledger-key", "file:/k"]);
    assert!(odoo.contains("these are needed: --ledger-database"), "{odoo}");
    let unknown = with(&["--ledger", "https://erp.canal.example", "--preset", "odo"]);
    assert!(unknown.contains("there is no system \"odo\"; wanted one of: dolibarr"), "{unknown}");
    let clear = with(&["--ledger", "http://erp.canal.example", "--preset", "dolibarr"]);
    assert!(clear.contains("http:// is only for a system on this machine"), "{clear}");
    let needless = with(&["--ledger", "https://erp.canal.example", "--preset", "dolibarr", "--ledger-user", "me"]);
    assert!(needless.contains("has no use for \"user\""), "{needless}");
    let file = firm.path("ledger.db").display().to_string();
    let misplaced = with(&["--ledger", &file, "--preset", "dolibarr"]);
    assert!(misplaced.contains("wanted --ledger https://"), "{misplaced}");
    assert!(!firm.path("relance.toml").exists());
}

#[tokio::test]
async fn init_takes_an_export() {
    let firm = Firm::new(&into_folder(), &[]).await;
    std::fs::remove_file(firm.path("relance.toml")).unwrap();
    std::fs::remove_dir_all(firm.path("cadences")).unwrap();
    let due = day(-10);
    let text = format!(
        "invoice_id,number,customer_id,customer_name,due_on,currency,balance\nF-1,2026-1,C1,Maison Blum,{due},EUR,120.00\n"
    );
    firm.write("open.csv", &text);
    let file = firm.path("open.csv").display().to_string();
    let ran = firm.run(&[&FIRM[..], &["--ledger", &file, "--smtp", &into(&firm)]].concat()).ends(0);
    assert!(ran.out.contains("Maison Blum") && ran.out.contains("120.00 EUR"), "{}", ran.out);
    let text = std::fs::read_to_string(firm.path("relance.toml")).unwrap();
    assert!(text.contains("kind = \"csv\"\npath = ") && text.contains("# decimal = "), "{text}");
}
