//! Invoices from elsewhere than a database: a paged HTTP list, with and without ETags; an export in CSV; and what the bank's
//! own statement shows of them.

use super::home::Home;
use super::world::{NOW, World, peak_mb};
use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jiff::Timestamp;
use relance::clock::Clock;
use relance::flow::{Desk, bank, collect};
use relance::web::serve::{Bounds, serve};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const INVOICES: u64 = 100_000;
const PAGE: u64 = 100;
const ENTRIES: u64 = 10_000;

/// Asked for again at once, as before sending.
const AGAIN: u64 = 60;

/// The structured reference of an invoice, with its check digits.
fn reference(n: u64) -> String {
    let check = match n % 97 {
        0 => 97,
        rest => rest,
    };
    format!("{n:010}{check:02}")
}

pub(crate) async fn sources() -> anyhow::Result<()> {
    http(true).await?;
    http(false).await?;
    export().await
}

async fn polled(what: &str, world: &World, desk: &Desk) -> anyhow::Result<()> {
    for name in ["first poll", "unchanged second poll"] {
        let start = Instant::now();
        let poll = collect::poll(desk).await?;
        let took = start.elapsed().as_secs_f64();
        ensure!(poll.rows == INVOICES as i64 && poll.unreadable == 0, "{} rows, {}", poll.rows, poll.text);
        let (kind, rate) = (world.home.kind(), INVOICES as f64 / took);
        println!("sources: {kind}, {what}, {name} of {INVOICES}: {took:.2} s ({rate:.0}/s), peak memory {:.0} MB", peak_mb());
    }
    Ok(())
}

// --- HTTP -----------------------------------------------------------------------------------------------

const FILE: &str = r#"title = "the bench's list"
[auth]
kind = "none"
[list]
path = "/invoices"
items = "/items"
[list.query]
page = "{page}"
[paging]
kind = "page"
first = 1
size = 100
total = "/total"
[one]
path = "/invoices/{id}"
[columns]
invoice_id = "/id"
number = "/number"
customer_id = "/customer"
customer_name = "/name"
due_on = "/due_on"
currency = "/currency"
balance = { path = "/cents", as = "minor" }
email = "/email"
"#;

fn one(n: u64) -> String {
    format!(
        r#"{{"id":{n},"number":"F-{n}","customer":"C{0}","name":"Client {0} SPRL","due_on":"2027-06-30","currency":"EUR","cents":125000,"email":"client{0}@customer.example"}}"#,
        n / 2
    )
}

async fn page(State(tags): State<bool>, uri: Uri, headers: HeaderMap) -> Response {
    let page = uri.query().and_then(|q| q.strip_prefix("page=")).and_then(|n| n.parse::<u64>().ok()).unwrap_or(1);
    let tag = format!("\"{page}\"");
    if tags && headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let items: Vec<String> = ((page - 1) * PAGE + 1..=(page * PAGE).min(INVOICES)).map(one).collect();
    let body = format!("{{\"total\":{INVOICES},\"items\":[{}]}}", items.join(","));
    let json = (header::CONTENT_TYPE, "application/json".to_owned());
    if tags { ([json, (header::ETAG, tag)], body).into_response() } else { ([json], body).into_response() }
}

async fn http(tags: bool) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let alone = |Path(id): Path<u64>| async move { ([(header::CONTENT_TYPE, "application/json")], one(id)).into_response() };
    let router = Router::new().route("/invoices", get(page)).route("/invoices/{id}", get(alone)).with_state(tags);
    let bounds = Bounds { at_once: 64, head: 16 << 10, patience: Duration::from_secs(60), longest: Duration::from_secs(600) };
    let server = serve(listener, bounds, router);
    let world = World::new(Home::asked().await?, 0, 1, "2027-06-30").await?;
    let source = format!("kind = \"http\"\npreset = \"bench\"\nurl = \"{url}\"");
    world.read_from(&source, "", &[("sources/bench.toml", FILE)])?;
    let desk = world.desk_at(Clock::manual(NOW.parse::<Timestamp>()?)).await?;
    polled(if tags { "HTTP in pages of 100 with ETags" } else { "HTTP in pages of 100" }, &world, &desk).await?;
    let (source, columns) = desk.source().await?;
    let ids: Vec<String> = (1..=AGAIN).map(|n| (n * 7).to_string()).collect();
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        ensure!(source.reread(&columns, &ids).await?.len() == ids.len(), "not all were read again");
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    println!("sources: {AGAIN} invoices asked for again, each alone: median {:.1} ms", times[10]);
    desk.store.close().await;
    drop(server);
    Ok(())
}

// --- An export, and the bank ----------------------------------------------------------------------------

async fn export() -> anyhow::Result<()> {
    let mut table = String::from("invoice_id,number,customer_id,customer_name,due_on,currency,balance,email,reference\n");
    for n in 1..=INVOICES {
        let (c, r) = (n / 2, reference(n));
        writeln!(table, "{n},F-{n},C{c},Client {c} SPRL,2027-06-30,EUR,1250.00,client{c}@customer.example,+++{r}+++")?;
    }
    let mut entries = String::new();
    for n in 1..=ENTRIES {
        write!(
            entries,
            "<Ntry><Amt Ccy=\"EUR\">1250.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-17</Dt></BookgDt><AcctSvcrRef>B{n}</AcctSvcrRef>\
             <NtryDtls><TxDtls><RltdPties><Dbtr><Nm>CLIENT</Nm></Dbtr></RltdPties><RmtInf><Strd><CdtrRefInf><Ref>{}</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>",
            reference(n)
        )?;
    }
    let statement = format!(
        "<Document><BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><IBAN>BE68539007547034</IBAN></Id></Acct>{entries}</Stmt></BkToCstmrStmt></Document>"
    );
    let world = World::new(Home::asked().await?, 0, 1, "2027-06-30").await?;
    let files = [("open.csv", table.as_str()), ("bank/statement.xml", &statement)];
    world.read_from("kind = \"csv\"\npath = \"open.csv\"", "[bank]\nfolder = \"bank\"\n", &files)?;
    let desk = world.desk_at(Clock::manual(NOW.parse::<Timestamp>()?)).await?;
    polled("CSV", &world, &desk).await?;
    let start = Instant::now();
    let round = bank::step(&desk).await?.context("another has the duty")?;
    let took = start.elapsed().as_secs_f64();
    ensure!(round.matched == ENTRIES, "{round:?}");
    println!(
        "sources: a statement with {ENTRIES} payments of them, each found by its reference: {took:.2} s ({:.0}/s)",
        ENTRIES as f64 / took
    );
    desk.store.close().await;
    Ok(())
}
