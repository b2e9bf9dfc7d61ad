//! Each system, by the file that is shipped for it: the list over several pages and past its end, one invoice again, one by
//! its number, what is asked of customers, one that is paid, one that was not there.

use super::shapes::{self, Books};
use super::{Opened, sample};
use crate::support::Config;
use crate::support::config::LEDGER_KEY;
use crate::support::http::{Answer, Http, Request};
use relance::config::bundled;
use relance::domain::base64::unbase64;

/// The shipped file of a system, with its tokens from the server of the test.
pub fn with_tokens_here(preset: &str) -> String {
    let (_, text) = bundled::SOURCES.iter().find(|(path, _)| *path == format!("sources/{preset}.toml")).unwrap();
    let lines = text.lines().map(|l| if l.starts_with("url = \"https://") { "url = \"/token\"" } else { l });
    lines.collect::<Vec<_>>().join("\n")
}

pub fn token(request: &Request) -> Option<Answer> {
    let answer = "{\"access_token\": \"acc3ss\", \"expires_in\": 1800, \"refresh_token\": \"n3xt\"}";
    (request.path == "/token").then(|| Answer::new(200, answer))
}

fn basic(user: &str, password: &str) -> impl Fn(&Request) -> bool {
    let wanted = format!("{user}:{password}").into_bytes();
    move |request| {
        let given = request.header("authorization").and_then(|h| h.strip_prefix("Basic ")).and_then(unbase64);
        given.as_ref() == Some(&wanted)
    }
}

/// What a system's list shows of invoice 1, and the ids of 1 and 2 as it has them.
struct Expected {
    preset: &'static str,
    first: &'static str,
    ids: [&'static str; 2],
    number: &'static str,
    paid: &'static str,
}

const ALL: [Expected; 10] = [
    Expected {
        preset: "dolibarr",
        first: "1 | FA-1 | 1/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example | +33600000001 | BE",
        ids: ["1", "2"],
        number: "FA-2",
        paid: "invoice paid",
    },
    Expected {
        preset: "invoice-ninja",
        first: "VolejRej1 | 0001 | c1/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example | nl | BE",
        ids: ["VolejRej1", "VolejRej2"],
        number: "0002",
        paid: "invoice paid",
    },
    Expected {
        preset: "odoo",
        first: "1 | INV/2026/00001 | 41/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example | nl | BE",
        ids: ["1", "2"],
        number: "INV/2026/00002",
        paid: "invoice pending",
    },
    Expected {
        preset: "odoo-rpc",
        first: "1 | INV/2026/00001 | 41/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example | nl | BE",
        ids: ["1", "2"],
        number: "INV/2026/00002",
        paid: "invoice pending",
    },
    Expected {
        preset: "erpnext",
        first: "ACC-SINV-1 | ACC-SINV-1 | C1/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example | fr",
        ids: ["ACC-SINV-1", "ACC-SINV-2"],
        number: "ACC-SINV-2",
        paid: "0.00 EUR",
    },
    Expected {
        preset: "stripe",
        first: "in_1 | A-1 | cus_1/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example | fr | BE",
        ids: ["in_1", "in_2"],
        number: "A-2",
        paid: "invoice paid",
    },
    Expected {
        preset: "lago",
        first: "1a901a90-1 | LAG-1 | c1/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example | fr | BE",
        ids: ["1a901a90-1", "1a901a90-2"],
        number: "LAG-2",
        paid: "invoice paid",
    },
    Expected {
        preset: "quickbooks",
        first: "1 | Q-1 | 41/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example | +3225111111",
        ids: ["1", "2"],
        number: "Q-2",
        paid: "0.00 EUR",
    },
    Expected {
        preset: "xero",
        first: "243216c5-1 | X-1 | 0d0a-1/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example",
        ids: ["243216c5-1", "243216c5-2"],
        number: "X-2",
        paid: "invoice paid",
    },
    Expected {
        preset: "tryton",
        first: "1 | T-1 | 1/Maison 1 | 2026-10-26 | 120.50 EUR | invoice open | c1@client.example | fr",
        ids: ["1", "2"],
        number: "T-2",
        paid: "invoice paid",
    },
];

/// A server of the preset and the source that reads it.
pub async fn opened(preset: &str, books: &Books) -> (Http, Opened) {
    if !matches!(preset, "quickbooks" | "xero") {
        let (server, more) = shapes::server(preset, books).await;
        let opened = Opened::new(preset, &server.url(), &more).await;
        return (server, opened);
    }
    let server = if preset == "xero" {
        let answers = shapes::xero(books);
        Http::answering(move |request| token(request).unwrap_or_else(|| answers(request))).await
    } else {
        let answers = shapes::quickbooks(books);
        Http::answering(move |request| token(request).unwrap_or_else(|| answers(request))).await
    };
    let secrets =
        "key = { file = \"ledger.secret\" }\nsecret = { file = \"ledger.secret\" }\nclient_id = \"app\"\ntokens = \"tokens\"\n";
    let own = if preset == "xero" { "tenant = \"tenant-1\"\n" } else { "company = \"9130\"\ncurrency = \"EUR\"\n" };
    let config = Config::mail(25).system(preset, &server.url(), &format!("{secrets}{own}"));
    let config = config.file(&format!("sources/{preset}.toml"), &with_tokens_here(preset));
    let opened = Opened::with(config).await;
    (server, opened)
}

#[tokio::test]
async fn every_system_is_read_page_by_page_again_and_by_number() {
    for expected in ALL {
        let name = expected.preset;
        let books = Books::new(&[(1, 12_050), (2, 8_000), (3, 9_990), (4, 500), (5, 1)]);
        let (server, ledger) = opened(name, &books).await;
        let rows = ledger.list().await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(rows.len(), 5, "{name}: {rows:#?}");
        assert_eq!(rows[0], expected.first, "{name}");
        assert_eq!(ledger.reread(&expected.ids).await.unwrap_or_else(|e| panic!("{name}: {e}")).len(), 2, "{name}");
        let numbered = ledger.numbered(expected.number).await;
        assert!(numbered.len() == 1 && numbered[0].starts_with(expected.ids[1]), "{name}: {numbered:?}");
        assert!(ledger.numbered("nothing-999").await.is_empty(), "{name}");
        books.set(1, 0);
        let again = ledger.reread(&expected.ids).await.unwrap();
        assert!(again[0].contains(expected.paid), "{name}: {again:?}");
        assert_eq!(ledger.list().await.unwrap().len(), 4, "{name}");
        // Nothing is there any more: an empty list, and no invoice alone.
        (1..=5).for_each(|id| books.set(id, 0));
        assert!(ledger.list().await.unwrap_or_else(|e| panic!("{name}: {e}")).is_empty(), "{name}");
        let gone: Vec<String> = expected.ids.iter().map(|id| format!("{id}77")).collect();
        let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
        assert!(ledger.reread(&gone).await.unwrap_or_else(|e| panic!("{name}: {e}")).is_empty(), "{name}");
        // Whoever asked said who it is.
        for request in server.requests().iter().filter(|r| r.path != "/token") {
            let said = match name {
                "dolibarr" => request.header("DOLAPIKEY") == Some(LEDGER_KEY),
                "invoice-ninja" => request.header("X-API-TOKEN") == Some(LEDGER_KEY),
                "erpnext" => request.header("authorization") == Some(&format!("token {LEDGER_KEY}:{LEDGER_KEY}")),
                "odoo" | "stripe" | "lago" => request.header("authorization") == Some(&format!("Bearer {LEDGER_KEY}")),
                "odoo-rpc" => request.header("authorization").is_none() && request.body.contains("\"canal\", 7, "),
                "tryton" => basic("relance", LEDGER_KEY)(request),
                _ => request.header("authorization") == Some("Bearer acc3ss"),
            };
            assert!(said, "{name}: {request:?}");
        }
    }
}

#[tokio::test]
async fn what_is_particular_to_a_system_is_read_as_it_is_meant() {
    let books = Books::new(&[(1, 12_050), (2, 8_000), (3, 9_990), (4, 500), (5, 700)]);
    let rows = |preset: &'static str| {
        let books = books.clone();
        async move { opened(preset, &books).await.1.list().await.unwrap() }
    };
    // A deposit is what is asked for, by its own date; a client's own currency comes before the company's.
    let ninja = rows("invoice-ninja").await;
    assert!(ninja[1].contains("2026-10-01 | 10.00 EUR"), "{}", ninja[1]);
    assert!(ninja[2].contains("99.90 USD"), "{}", ninja[2]);
    // Its group's comes before that as well, and is never guessed.
    assert!(ninja[3].contains("5.00 CHF") && ninja[4].ends_with("currency is empty"), "{ninja:#?}");
    // Yen have no cents, and a bank debit that is under way is no debt to chase.
    let stripe = rows("stripe").await;
    assert!(stripe[2].contains("invoice pending") && stripe[3].contains("500 JPY"), "{stripe:#?}");
    // What Xero expects is a promise.
    let xero = rows("xero").await;
    assert!(xero[1].ends_with("promised 2026-11-20") && !xero[0].contains("promised"), "{xero:#?}");
}

#[tokio::test]
async fn dolibarr_as_it_was_recorded() {
    let page = |number: &str| sample(&format!("dolibarr-16-invoices-page{number}.json"));
    let server = Http::answering(move |request: &Request| match (request.path.as_str(), request.field("page")) {
        ("/api/index.php/invoices", Some("0")) => Answer::new(200, &page("0")),
        ("/api/index.php/invoices", Some("1")) => Answer::new(200, &page("1")),
        ("/api/index.php/invoices", _) => Answer::new(404, "{\"error\": {\"code\": 404}}"),
        ("/api/index.php/invoices/1", _) => Answer::new(200, &sample("dolibarr-16-invoice.json")),
        _ => Answer::new(200, &sample("dolibarr-16-thirdparty.json")),
    })
    .await;
    let ledger = Opened::new("dolibarr", &server.url(), "key = { file = \"ledger.secret\" }").await;
    let row = |id: &str, number: &str, due: &str, balance: &str| {
        let customer = id;
        format!(
            "{id} | {number} | {customer}/Bob SA | {due} | {balance} EUR | invoice open | client1@customer.test | +33600000001"
        )
    };
    let rows = ledger.list().await.unwrap();
    let expected = [
        row("1", "FA2609-0001", "2026-10-12", "144.60"),
        row("3", "FA2610-0003", "2026-11-18", "0.12"),
        row("4", "FA2611-0004", "2026-12-11", "5400.00"),
        row("5", "FA2610-0005", "2026-11-20", "90.00"),
        row("6", "FA2608-0006", "2026-09-12", "14400.00"),
    ];
    assert_eq!(rows, expected);
    assert_eq!(ledger.reread(&["1"]).await.unwrap(), [expected[0].clone()]);
    // Each customer once, for the list and the re-read together.
    let asked = server.requests().iter().filter(|r| r.path.contains("thirdparties")).count();
    assert_eq!(asked, 5);
}

#[tokio::test]
async fn any_list_in_json_json_server_and_datasette_as_they_were_recorded() {
    let recorded = sample("json-server-page.http").replace("\r\n", "\n");
    let (head, body) = recorded.split_once("\n\n").unwrap();
    let link = head.lines().find(|l| l.starts_with("Link: ")).unwrap().to_owned();
    let (body, old) = (body.to_owned(), "http://127.0.0.1:15002".to_owned());
    let server = Http::answering(move |request: &Request| {
        let base = format!("http://{}", request.header("host").unwrap());
        match request.field("_page") {
            // The recorded page names the third as the next; that one is the last here.
            Some("1") => Answer::with(200, &format!("X-Total-Count: 3\r\n{}\r\n", link.replace(&old, &base)), &body),
            _ => {
                let last = body.replace("\"id\": 4", "\"id\": 6").replace("\"id\": 5", "\"id\": 4");
                Answer::with(200, "X-Total-Count: 3\r\n", &last)
            }
        }
    })
    .await;
    let ledger = Opened::new("list", &format!("{}/invoices", server.url()), "").await;
    let rows = ledger.list().await;
    // The fourth has come back with other words: the list moved, and moves each time.
    let told = rows.unwrap_err().to_string();
    assert!(told.contains("an invoice changed while it was read"), "{told}");

    let (path, text) = bundled::SOURCES.iter().find(|(path, _)| *path == "sources/list.toml").unwrap();
    assert_eq!(*path, "sources/list.toml");
    let swap = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let own = swap(text, "kind = \"link\"", "kind = \"next_url\"\nnext = \"/next_url\"");
    let own = swap(&own, "total = \"header X-Total-Count\"", "");
    let recorded = sample("datasette-page.json");
    let server = Http::answering(move |request: &Request| {
        let base = format!("http://{}/invoices", request.header("host").unwrap());
        match request.field("_next") {
            None => Answer::new(200, &recorded.replace("http://127.0.0.1:15001/invoices", &base)),
            Some(_) => Answer::new(200, "{\"rows\": [], \"next_url\": null}"),
        }
    })
    .await;
    let config = Config::mail(25).system("books", &format!("{}/invoices/invoices.json", server.url()), "");
    let ledger = Opened::with(config.file("sources/books.toml", &own)).await;
    assert_eq!(
        ledger.list().await.unwrap(),
        [
            "1 | F-00001 | Client 1/Client 1 | 2026-12-10 | 1.01 EUR | invoice open | client1@customer.test | +33600000001",
            "2 | F-00002 | Client 2/Client 2 | 2026-12-09 | 2.02 EUR | invoice open | client2@customer.test | +33600000002",
            "4 | F-00004 | Client 4/Client 4 | 2026-12-07 | 4.04 EUR | invoice open | client4@customer.test | +33600000004",
        ]
    );
}

#[tokio::test]
async fn tryton_as_it_was_recorded() {
    let recorded = sample("tryton-8-rpc.jsonl");
    let line = recorded.lines().find(|l| l.contains("invoice.search_read")).unwrap();
    let answer = serde_json::from_str::<serde_json::Value>(line).unwrap()["answer"].to_string();
    let server = Http::answering(move |_: &Request| Answer::new(200, &answer)).await;
    let more = "key = { file = \"ledger.secret\" }\ndatabase = \"canal\"\nuser = \"relance\"\ncompany = \"1\"";
    let ledger = Opened::new("tryton", &server.url(), more).await;
    // The recorded call did not ask for the dates of its lines, so each row says what it lacks, and what it has was read.
    let rows = ledger.list().await.unwrap();
    assert_eq!(rows, ["1: due_on is empty", "2: due_on is empty", "3: due_on is empty"]);
    let relance::source::Source::Http(http) = &ledger.source else { panic!() };
    let (_, traces) = &http.traced(&ledger.columns).await.unwrap()[1];
    let value = |column: &str| traces.iter().find(|t| t.column == column).map(|t| t.cell.shown()).unwrap();
    assert_eq!(
        [value("balance"), value("issued_on"), value("customer_name"), value("currency")],
        ["120.5", "2026-09-12", "Alice SARL", "EUR"]
    );
}
