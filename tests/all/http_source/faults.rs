//! What a system does wrong, and what relance says: each in words, nothing of the key among them, and never a partial reading
//! for a whole one.

use super::shapes::{self, Books, ok};
use super::{Opened, presets};
use crate::support::config::LEDGER_KEY;
use crate::support::http::{Answer, Http, Request};
use relance::clock::Stopwatch;
use relance::source::SourceError;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const KEY: &str = "key = { file = \"ledger.secret\" }";

/// A Dolibarr whose answers are these.
async fn saying(answer: Answer) -> (Http, Opened) {
    let server = Http::start(answer).await;
    let ledger = Opened::new("dolibarr", &server.url(), KEY).await;
    (server, ledger)
}

async fn told(answer: Answer) -> String {
    let (server, ledger) = saying(answer).await;
    let text = ledger.list().await.unwrap_err().to_string();
    assert!(text.contains(&server.url()) && !text.contains(LEDGER_KEY), "{text}");
    text
}

#[tokio::test]
async fn each_fault_is_told_in_words() {
    let echo = format!("{{\"error\": \"the key {LEDGER_KEY} is wrong, also as k3y%2Fof%2Bthe%3Dledger\"}}");
    for (answer, words) in [
        (Answer::new(401, &echo), "it refuses the key (HTTP 401); see [source] key"),
        (Answer::new(403, &echo), "it refuses the key (HTTP 403)"),
        (Answer::new(400, &echo), "it answers HTTP 400"),
        (Answer::new(200, "<html>hello"), "its answer cannot be read: it is no JSON (line 1, column 1)"),
        (Answer::new(200, "[{\"id\": \"1\""), "it ends in the middle"),
        (Answer::new(200, "17"), "its answer has no list where its file says"),
        (
            Answer::with(302, "Location: https://evil.example/login?key=1\r\n", ""),
            "it redirects to evil.example, which is not followed",
        ),
        (Answer::with(301, "Location: /elsewhere\r\n", ""), "it redirects, which is not followed"),
    ] {
        let (_server, ledger) = saying(answer.clone()).await;
        let e = ledger.list().await.unwrap_err();
        let text = told(answer).await;
        assert!(text.contains(words), "{text}");
        let SourceError::Http { said, .. } = e else { panic!("{e}") };
        assert!(!said.unwrap_or_default().contains("k3y"), "what it said is told without the key");
    }
}

#[tokio::test]
async fn a_page_that_says_not_found_in_another_language_closes_nothing() {
    let html = Answer::new(404, "<html><h1>Not Found</h1>");
    let text = told(html.clone()).await;
    assert!(text.contains("there is nothing (HTTP 404); see [source] url"), "{text}");
    let (_server, ledger) = saying(html).await;
    assert!(ledger.reread(&["1"]).await.unwrap_err().to_string().contains("there is nothing (HTTP 404)"));
    let (_server, ledger) = saying(Answer::new(
        404,
        &super::sample("dolibarr-16-past-the-end.http").split_once("\n{").map(|(_, b)| format!("{{{b}")).unwrap(),
    ))
    .await;
    assert!(ledger.list().await.unwrap().is_empty() && ledger.reread(&["1"]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_bad_row_is_left_out_and_stops_no_other() {
    let odd = json!([{ "id": 1, "ref": "A", "socid": "1", "remaintopay": "x", "multicurrency_code": "EUR", "multicurrency_tx": "1.00000000", "date_lim_reglement": 1_792_969_200 },
        { "id": { "a": 1 }, "ref": "B" }, { "id": 3, "ref": ["list"], "socid": "1", "remaintopay": 1e2, "multicurrency_code": "EUR", "multicurrency_tx": "1.00000000", "date_lim_reglement": "soon" },
        { "id": 4, "ref": "D", "socid": "1", "remaintopay": 0.1, "multicurrency_code": "EUR", "multicurrency_tx": "1.00000000", "date_lim_reglement": 1_792_969_200 }, 17, null]);
    let party = json!({ "name": "Anne" });
    let server = Http::answering(move |request: &Request| match request.path.contains("thirdparties") {
        true => ok(&party),
        false if request.field("page") == Some("0") => ok(&odd),
        false => Answer::new(404, "{}"),
    })
    .await;
    let rows = Opened::new("dolibarr", &server.url(), KEY).await.list().await.unwrap();
    assert_eq!(rows[0], "1: balance in EUR: not a decimal number such as 1250.00");
    assert!(rows[1].contains("invoice_id is neither text nor a whole number"), "{rows:#?}");
    assert!(rows[2].starts_with("3: "), "{rows:#?}");
    assert!(rows[3].contains("D | 1/Anne | 2026-10-26 | 0.10 EUR"), "{rows:#?}");
    assert!(rows[4..].iter().all(|row| row.contains("invoice_id is empty")), "{rows:#?}");
}

#[tokio::test]
async fn rows_without_an_id_are_counted_too() {
    let good = json!({ "id": 1, "number": "A", "customer": "C", "due_on": "2026-10-26", "currency": "EUR", "balance": 5, "status": "open" });
    let list = json!([good, { "number": "B" }, { "number": "C" }]);
    let server = Http::start(Answer::with(200, "X-Total-Count: 3\r\n", &list.to_string())).await;
    let rows = Opened::new("list", &format!("{}/invoices", server.url()), "").await.list().await.unwrap();
    assert_eq!(rows.len(), 3, "{rows:#?}");
}

#[tokio::test]
async fn passing_faults_are_waited_out_and_asked_again() {
    let books = Books::new(&[(1, 100)]);
    let answers = shapes::dolibarr(&books, 2);
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let server = Http::answering(move |request| match seen.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::with(429, "Retry-After: 1\r\n", ""),
        1 => Answer::new(503, ""),
        2 => Answer::Close,
        _ => answers(request),
    })
    .await;
    let ledger = Opened::new("dolibarr", &server.url(), KEY).await;
    let watch = Stopwatch::start();
    assert_eq!(ledger.list().await.unwrap().len(), 1);
    assert!(watch.elapsed() >= Duration::from_secs(1), "Retry-After was heeded");
}

#[tokio::test]
async fn patience_has_an_end() {
    for (answer, words) in [
        (Answer::with(429, "Retry-After: 86400\r\n", ""), "it asks for patience (HTTP 429)"),
        (Answer::with(503, "Retry-After: 61\r\n", ""), "it fails (HTTP 503)"),
    ] {
        let watch = Stopwatch::start();
        assert!(told(answer).await.contains(words));
        assert!(watch.elapsed() < Duration::from_secs(5), "a wait longer than that is none of ours");
    }
}

#[tokio::test]
async fn a_re_read_waits_for_nobody_and_asks_several_at_once() {
    let books = Books::new(&(1..=30).map(|id| (id, 100)).collect::<Vec<_>>());
    let (server, more) = shapes::server("dolibarr", &books).await;
    let ledger = Opened::new("dolibarr", &server.url(), &more).await;
    let ids: Vec<String> = (1..=30).map(|id: u64| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(ledger.reread(&ids).await.unwrap().len(), 30);
    let (server, ledger) = saying(Answer::Silent).await;
    let watch = Stopwatch::start();
    let told = ledger.reread(&["1"]).await.unwrap_err().to_string();
    assert!(told.contains("did not answer within 10 seconds") && told.contains(&server.url()), "{told}");
    assert!(watch.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let endless = |request: &Request| {
        assert_eq!(request.method, "GET");
        let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[".to_vec();
        bytes.resize(34 << 20, b' ');
        Answer::Raw(bytes)
    };
    let server = Http::answering(endless).await;
    let ledger = Opened::new("dolibarr", &server.url(), KEY).await;
    let told = ledger.list().await.unwrap_err().to_string();
    assert!(told.contains("larger than 32 MiB"), "{told}");
}

#[tokio::test]
async fn a_page_that_is_lost_is_no_page_that_is_empty() {
    let books = Books::new(&[(1, 100), (2, 100), (3, 100)]);
    let answers = shapes::dolibarr(&books, 2);
    let server = Http::answering(move |request| match request.field("page") {
        Some("1") => Answer::new(500, ""),
        _ => answers(request),
    })
    .await;
    let told = Opened::new("dolibarr", &server.url(), KEY).await.list().await.unwrap_err().to_string();
    assert!(told.contains("it fails (HTTP 500)"), "{told}");
}

#[tokio::test]
async fn a_list_that_moves_is_begun_again_and_given_up_in_the_end() {
    // Once: then it stands still.
    let books = Books::new(&[(1, 100), (2, 100), (3, 100), (4, 100), (5, 100)]);
    let (calls, inner) = (Arc::new(AtomicUsize::new(0)), shapes::lago(&books));
    let moving = books.clone();
    let counted = calls.clone();
    let server = Http::answering(move |request| {
        let answer = inner(request);
        if counted.fetch_add(1, Ordering::SeqCst) == 1 {
            moving.set(2, 0);
        }
        answer
    })
    .await;
    let ledger = Opened::new("lago", &server.url(), KEY).await;
    // Two pages, and then the whole once more.
    let rows = ledger.list().await.unwrap();
    assert_eq!((rows.len(), rows.iter().filter(|row| row.contains("LAG-2")).count()), (8, 1), "{rows:#?}");
    // Each time.
    let (inner, moving) = (shapes::lago(&books), books.clone());
    let calls = Arc::new(AtomicUsize::new(0));
    let server = Http::answering(move |request| {
        let answer = inner(request);
        moving.set(10 + calls.fetch_add(1, Ordering::SeqCst) as u64, 100);
        answer
    })
    .await;
    let told = Opened::new("lago", &server.url(), KEY).await.list().await.unwrap_err().to_string();
    assert!(told.contains("read only in part: its number of invoices changed while it was read, 4 times in a row"), "{told}");
    assert!(told.contains("nothing counts as paid"), "{told}");
}

#[tokio::test]
async fn a_list_that_ignores_its_parameters_has_an_end() {
    let one = json!([{ "id": 1, "ref": "A", "socid": "1", "remaintopay": "1", "multicurrency_code": "EUR", "date_lim_reglement": 1_792_969_200 }]);
    let server = Http::answering(
        move |request: &Request| if request.path.contains("third") { ok(&json!({ "name": "A" })) } else { ok(&one) },
    )
    .await;
    let told = Opened::new("dolibarr", &server.url(), KEY).await.list().await.unwrap_err().to_string();
    assert!(told.contains("it gave a page again"), "{told}");
}

#[tokio::test]
async fn a_next_page_counts_from_the_page_that_names_it() {
    let one = |id: u64| json!([{ "id": id, "number": "A", "customer": "C", "due_on": "2026-10-26", "currency": "EUR", "balance": 5, "status": "open" }]);
    let server = Http::answering(move |request| match (request.path.as_str(), request.field("_page")) {
        ("/erp/api/invoices", Some("2")) => Answer::with(200, "X-Total-Count: 2\r\n", &one(2).to_string()),
        ("/erp/api/invoices", _) => {
            Answer::with(200, "X-Total-Count: 2\r\nLink: <invoices?_page=2>; rel=next\r\n", &one(1).to_string())
        }
        _ => Answer::new(404, "{}"),
    })
    .await;
    let ledger = Opened::new("list", &format!("{}/erp/api/invoices", server.url()), "").await;
    assert_eq!(ledger.list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_next_page_is_not_looked_for_elsewhere() {
    let link = "Link: <https://evil.example/invoices?_page=2>; rel=\"next\"\r\nX-Total-Count: 5\r\n";
    let one = json!([{ "id": 1, "number": "A", "customer": "C", "due_on": "2026-10-26", "currency": "EUR", "balance": 5, "status": "open" }]);
    let server = Http::start(Answer::with(200, link, &one.to_string())).await;
    let told = Opened::new("list", &format!("{}/invoices", server.url()), "").await.list().await.unwrap_err().to_string();
    assert!(told.contains("its next page is elsewhere, where the key does not go"), "{told}");
}

#[tokio::test]
async fn a_fault_with_a_good_status_is_a_fault() {
    let fault = json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 100, "message": format!("Access denied {LEDGER_KEY}") } });
    let server = Http::start(ok(&fault)).await;
    let more = format!("{KEY}\ndatabase = \"canal\"\nuser = \"7\"");
    let e = Opened::new("odoo-rpc", &server.url(), &more).await.list().await.unwrap_err();
    assert!(e.to_string().contains("a fault of its own (at /error)") && !e.to_string().contains("Access"), "{e}");
    let SourceError::Http { said: Some(said), .. } = e else { panic!() };
    assert!(said.contains("Access denied (secret)"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let server = Http::start(Answer::Close).await;
    let url = server.url();
    drop(server);
    let books = Books::new(&[]);
    assert!(presets::opened("stripe", &books).await.1.list().await.unwrap().is_empty());
    let told = Opened::new("stripe", &url, KEY).await.list().await.unwrap_err().to_string();
    assert!(told.contains("cannot connect") || told.contains("the connection broke"), "{told}");
}

#[tokio::test]
async fn an_answer_about_something_else_does_not_mean_gone() {
    let one = |id: u64| json!({ "id": id, "number": "A", "customer": "C", "due_on": "2026-10-26", "currency": "EUR", "balance": 5, "status": "open" });
    for other in [json!({ "rows": [], "invoice": one(1) }), one(2), json!([one(1), one(2)])] {
        let server = Http::start(ok(&other)).await;
        let told = Opened::new("list", &server.url(), "").await.reread(&["1"]).await.unwrap_err().to_string();
        assert!(told.contains("another invoice than was asked for") && told.contains("sources/list.toml"), "{told}");
    }
    // Nothing at all is what it says.
    for none in [json!([]), json!({}), Value::Null] {
        let server = Http::start(ok(&none)).await;
        let rows = Opened::new("list", &server.url(), "").await.reread(&["1"]).await.unwrap();
        assert!(rows.is_empty(), "{none}: {rows:?}");
    }
}

#[tokio::test]
async fn a_call_that_failed_does_not_mean_gone() {
    // As trytond answers: HTTP 200, and an error where the result would stand.
    let fault = json!({ "id": 1, "error": ["ConcurrencyException", ["Records were modified"], null] });
    let server = Http::start(ok(&fault)).await;
    let more = "key = { file = \"ledger.secret\" }\ndatabase = \"canal\"\nuser = \"relance\"\ncompany = \"1\"";
    let told = Opened::new("tryton", &server.url(), more).await.reread(&["1"]).await.unwrap_err().to_string();
    assert!(told.contains("a fault of its own (at /error)"), "{told}");
    // Without a word for it all the same: the list is not where it was to be.
    let server = Http::start(ok(&json!({ "id": 1, "message": "busy" }))).await;
    let told = Opened::new("tryton", &server.url(), more).await.reread(&["1"]).await.unwrap_err().to_string();
    assert!(told.contains("no list where its file says"), "{told}");
    // Of several that are asked for at once "not found" says nothing of each.
    let server = Http::start(Answer::new(404, "{\"error\": \"no such model\"}")).await;
    assert!(Opened::new("tryton", &server.url(), more).await.reread(&["1"]).await.is_err());
}

#[tokio::test]
async fn an_amount_in_another_currency_than_it_is_counted_in_is_not_read() {
    let one = json!([{ "id": 1, "ref": "A", "socid": "1", "remaintopay": "100.00", "multicurrency_code": "USD", "multicurrency_tx": "1.10000000",
        "date_lim_reglement": 1_792_969_200, "online_payment_url": "http://erp.lan/pay" },
        { "id": 2, "ref": "B", "socid": "1", "remaintopay": "100.00", "multicurrency_code": "EUR", "multicurrency_tx": "1.00000000",
        "date_lim_reglement": 1_792_969_200, "online_payment_url": "http://erp.lan/pay" }]);
    let server = Http::answering(move |request: &Request| match request.path.contains("thirdparties") {
        true => ok(&json!({ "name": "Anne", "email": "anne@client.example", "note_private": "x" })),
        false if request.field("page") == Some("0") => ok(&one),
        false => Answer::new(404, "{}"),
    })
    .await;
    let rows = Opened::new("dolibarr", &server.url(), KEY).await.list().await.unwrap();
    assert_eq!(rows[0], "1: balance is empty");
    // A link without encryption is printed nowhere, and its invoice is read.
    assert!(rows[1].contains("100.00 EUR") && rows[1].contains("anne@client.example"), "{rows:?}");
}
