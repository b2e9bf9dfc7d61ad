//! While a list is read page by page, invoices come, are paid, and change. However these fall between the pages, and whichever
//! way the list goes on: nothing that is open counts as paid, and what was missed once is not missed for ever.

use super::Opened;
use super::shapes::ok;
use crate::support::Config;
use crate::support::http::{Answer, Http, Request};
use proptest::prelude::*;
use relance::source::Source;
use relance::source::http::{HttpSource, Scope};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

const SIZE: usize = 3;

/// What happens between two pages.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Nothing,
    Paid(usize),
    /// A new one: in front of all others, where the newest come first.
    New,
    Changed(usize),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => Just(Happens::Nothing),
        3 => any::<usize>().prop_map(Happens::Paid),
        2 => Just(Happens::New),
        1 => any::<usize>().prop_map(Happens::Changed),
    ]
}

/// A way in which a list goes on, as its file says it.
const KINDS: [(&str, &str); 6] = [
    ("page", "kind = \"page\"\nfirst = 1\nsize = 3\n"),
    ("offset", "kind = \"offset\"\nsize = 3\nshort = true\n"),
    ("after", "kind = \"after\"\nafter = \"/invoice_id\"\nsize = 3\nmore = \"/more\"\n"),
    ("token", "kind = \"token\"\nnext = \"/next\"\nsize = 3\n"),
    ("counted", "kind = \"page\"\nfirst = 1\nsize = 3\ntotal = \"/total\"\n"),
    ("next_url", "kind = \"next_url\"\nnext = \"/next_url\"\nsize = 3\n"),
];

/// A ledger that lives: each request moves it on by one event.
#[derive(Default)]
struct Ledger {
    /// In the order in which the list shows them: the newest in front.
    open: Vec<(u64, i64)>,
    newest: u64,
    events: Vec<Happens>,
    /// All that were paid so far.
    paid: BTreeSet<u64>,
    /// Each request moves it on.
    moves: bool,
    /// It gives ETags, and says when a page has not changed.
    tags: bool,
    /// How often it has said so.
    unchanged: u64,
}

impl Ledger {
    fn step(&mut self) {
        if !self.moves {
            return;
        }
        match self.events.pop().unwrap_or(Happens::Nothing) {
            Happens::Nothing => {}
            Happens::Paid(at) if !self.open.is_empty() => {
                let (id, _) = self.open.remove(at % self.open.len());
                self.paid.insert(id);
            }
            Happens::Changed(at) if !self.open.is_empty() => {
                let at = at % self.open.len();
                self.open[at].1 += 1;
            }
            Happens::New => {
                self.newest += 1;
                self.open.insert(0, (self.newest, 100));
            }
            Happens::Paid(_) | Happens::Changed(_) => {}
        }
    }
}

fn row((id, cents): (u64, i64)) -> Value {
    json!({ "invoice_id": id, "number": id, "customer_id": "c", "customer_name": "c", "due_on": "2026-10-26", "currency": "EUR", "amount_cents": cents })
}

/// The answer to a request, whichever way the list goes on.
fn answer(ledger: &Mutex<Ledger>, request: &Request) -> Answer {
    let mut ledger = ledger.lock().unwrap();
    if let Some(id) = request.path.strip_prefix("/list/") {
        let id: u64 = id.parse().unwrap();
        let found = ledger.open.iter().find(|(i, _)| *i == id).copied().or(ledger.paid.contains(&id).then_some((id, 0)));
        return found.map_or_else(|| Answer::new(404, "{}"), |one| ok(&row(one)));
    }
    let number = |name: &str| request.field(name).and_then(|n| n.parse::<usize>().ok());
    let from = match request.field("cursor").filter(|c| !c.is_empty()) {
        // Behind the invoice that was the last then; where it is gone, behind those that are older.
        Some(cursor) => {
            let id: u64 = cursor.parse().unwrap();
            ledger.open.iter().position(|(i, _)| *i < id).unwrap_or(ledger.open.len())
        }
        None => number("page").map(|p| (p - 1) * SIZE).or(number("offset")).unwrap_or(0),
    };
    let shown: Vec<(u64, i64)> = ledger.open.iter().skip(from).take(SIZE).copied().collect();
    let more = ledger.open.len() > from + SIZE;
    let last = shown.last().map(|(id, _)| *id).filter(|_| more);
    let url = last.map(|id| format!("/list?cursor={id}"));
    let body = json!({ "items": shown.into_iter().map(row).collect::<Vec<_>>(), "total": ledger.open.len(), "more": more,
        "next": last.map(|id| id.to_string()), "next_url": url });
    ledger.step();
    if !ledger.tags {
        return ok(&body);
    }
    let body = body.to_string();
    let tag = format!("W/\"{}\"", relance::domain::base64::plain(body.as_bytes()));
    if request.header("if-none-match") == Some(&tag) {
        ledger.unchanged += 1;
        return Answer::with(304, &format!("ETag: {tag}\r\n"), "");
    }
    Answer::with(200, &format!("Content-Type: application/json\r\nETag: {tag}\r\n"), &body)
}

fn described(kind: &str) -> String {
    let query = match kind {
        "page" | "counted" => "page = \"{page}\"",
        "offset" => "offset = \"{offset}\"",
        _ => "cursor = \"{cursor}\"",
    };
    let (_, paging) = KINDS.iter().find(|(name, _)| *name == kind).unwrap();
    let columns = "invoice_id = \"/invoice_id\"\nnumber = \"/number\"\ncustomer_id = \"/customer_id\"\ncustomer_name = \"/customer_name\"\ndue_on = \"/due_on\"\ncurrency = \"/currency\"\nbalance = { path = \"/amount_cents\", as = \"minor\" }\n";
    format!(
        "title = \"x\"\n[auth]\nkind = \"none\"\n[list]\npath = \"/list\"\nitems = \"/items\"\n[list.query]\n{query}\n[paging]\n{paging}[one]\npath = \"/list/{{id}}\"\n[columns]\n{columns}"
    )
}

/// One reading as a poll does it: what is shown, and of what is missing what comes back when it is asked for alone. Gives the
/// ids that a poll would count as open; `None` where the reading was partial.
async fn poll(ledger: &Opened, known: &BTreeSet<u64>) -> Option<BTreeSet<u64>> {
    let Source::Http(source) = &ledger.source else { panic!() };
    let shown = read(source, ledger).await?;
    let gone: Vec<String> = known.difference(&shown).map(u64::to_string).collect();
    let back = ledger.source.confirm(&ledger.columns, &gone).await.ok()?;
    let open = back.iter().filter_map(|row| row.read(&ledger.columns, "BE").ok()).filter(|row| row.is_open());
    Some(open.map(|row| row.id.parse().unwrap()).chain(shown).collect())
}

async fn read(source: &HttpSource, ledger: &Opened) -> Option<BTreeSet<u64>> {
    let mut listing = source.list(&ledger.columns, &Scope::All);
    let mut shown: Vec<u64> = Vec::new();
    loop {
        match listing.next_page().await {
            Ok(Some(page)) => {
                assert!(page.doubled.is_empty());
                shown.extend(page.rows.iter().map(|row| row.id.parse::<u64>().unwrap()));
            }
            Ok(None) => return Some(shown.into_iter().collect()),
            Err(e) => {
                assert!(e.to_string().contains("only in part"), "{e}");
                return None;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_open_counts_as_paid_and_nothing_is_missed_for_ever(
        count in 0usize..14, kind in 0usize..KINDS.len(), tags in any::<bool>(), events in prop::collection::vec(happens(), 0..12)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let newest = count as u64;
            let open: Vec<(u64, i64)> = (1..=newest).rev().map(|id| (id, 100)).collect();
            let known: BTreeSet<u64> = open.iter().map(|(id, _)| *id).collect();
            let state = Arc::new(Mutex::new(Ledger { open, newest, events, moves: true, tags, ..Ledger::default() }));
            let shared = state.clone();
            let server = Http::answering(move |request| answer(&shared, request)).await;
            let config = Config::mail(25).system("own", &server.url(), "").file("sources/own.toml", &described(KINDS[kind].0));
            let ledger = Opened::with(config).await;
            let first = poll(&ledger, &known).await;
            {
                let now = state.lock().unwrap();
                let still: BTreeSet<u64> = now.open.iter().map(|(id, _)| *id).collect();
                if let Some(first) = &first {
                    for id in known.intersection(&still) {
                        assert!(first.contains(id), "{id} is open and would have counted as paid");
                    }
                }
            }
            // It rests: the next reading shows exactly what is open, those that came meanwhile among them.
            state.lock().unwrap().moves = false;
            let still: BTreeSet<u64> = state.lock().unwrap().open.iter().map(|(id, _)| *id).collect();
            let second = poll(&ledger, &first.unwrap_or(known)).await;
            assert_eq!(second.as_ref(), Some(&still));
            // And once more, of pages that have not changed.
            let before = state.lock().unwrap().unchanged;
            assert_eq!(poll(&ledger, &still).await, Some(still));
            assert_eq!(state.lock().unwrap().unchanged > before, tags);
        });
    }
}

#[tokio::test]
async fn each_kind_of_paging_reads_a_list_that_rests_once() {
    for (kind, _) in KINDS {
        for count in [0u64, 1, 2, 3, 4, 6, 7, 9] {
            let open: Vec<(u64, i64)> = (1..=count).rev().map(|id| (id, 100)).collect();
            let state = Arc::new(Mutex::new(Ledger { open, newest: count, ..Ledger::default() }));
            let server = Http::answering(move |request| answer(&state, request)).await;
            let config = Config::mail(25).system("own", &server.url(), "").file("sources/own.toml", &described(kind));
            let rows = Opened::with(config).await.list().await.unwrap_or_else(|e| panic!("{kind} {count}: {e}"));
            let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
            rows.iter().for_each(|row| *seen.entry(row.split(' ').next().unwrap()).or_default() += 1);
            assert!(seen.len() as u64 == count && seen.values().all(|n| *n == 1), "{kind} {count}: {rows:?}");
            let pages = server.requests().len() as u64;
            assert!(pages <= count / 3 + 2, "{kind} {count}: {pages} requests");
        }
    }
}

#[tokio::test]
async fn what_headers_say_is_never_taken_from_an_earlier_reading() {
    // A page may stay what it was while the header beside it says that there are more: such a list is read whole each time.
    let columns = described("page").split_once("[columns]").unwrap().1.to_owned();
    for (paging, query) in
        [("kind = \"link\"", ""), ("kind = \"page\"\nfirst = 1\ntotal = \"header X-Total-Count\"", "page = \"{page}\"")]
    {
        let open: Vec<(u64, i64)> = (1..=3).rev().map(|id| (id, 100)).collect();
        let state = Arc::new(Mutex::new(Ledger { open, newest: 3, tags: true, ..Ledger::default() }));
        let server = Http::answering(move |request| {
            let Answer::Raw(bytes) = answer(&state, request) else { panic!() };
            Answer::Raw(String::from_utf8(bytes).unwrap().replacen("ETag", "X-Total-Count: 3\r\nETag", 1).into_bytes())
        })
        .await;
        let file = format!(
            "title = \"x\"\n[auth]\nkind = \"none\"\n[list]\npath = \"/list\"\nitems = \"/items\"\n[list.query]\n{query}\n[paging]\n{paging}\nsize = 3\n[columns]{columns}"
        );
        let ledger = Opened::with(Config::mail(25).system("own", &server.url(), "").file("sources/own.toml", &file)).await;
        for _ in 0..2 {
            assert_eq!(ledger.list().await.unwrap().len(), 3, "{paging}");
        }
        assert!(server.requests().iter().all(|r| r.header("if-none-match").is_none()), "{paging}");
    }
}

#[tokio::test]
async fn a_page_that_has_not_changed_need_not_come_again_but_what_is_about_to_be_written_about_is_asked_for() {
    let open: Vec<(u64, i64)> = (1..=7).rev().map(|id| (id, 100)).collect();
    let state = Arc::new(Mutex::new(Ledger { open, newest: 7, tags: true, ..Ledger::default() }));
    let shared = state.clone();
    let server = Http::answering(move |request| answer(&shared, request)).await;
    let ledger =
        Opened::with(Config::mail(25).system("own", &server.url(), "").file("sources/own.toml", &described("token"))).await;
    let first = ledger.list().await.unwrap();
    assert_eq!((ledger.list().await.unwrap(), state.lock().unwrap().unchanged), (first.clone(), 3));
    // One invoice of the first page is paid in part: that page comes, and it alone.
    state.lock().unwrap().open[1].1 = 60;
    let third = ledger.list().await.unwrap();
    assert_eq!(third.iter().zip(&first).filter(|(a, b)| a != b).count(), 1, "{third:?}");
    assert_eq!(state.lock().unwrap().unchanged, 5);
    let before = server.requests().len();
    assert_eq!(ledger.reread(&["6"]).await.unwrap().len(), 1);
    let requests = server.requests();
    assert!(requests.len() > before);
    for request in &requests[before..] {
        assert_eq!((request.header("if-none-match"), request.header("cache-control")), (None, Some("no-cache")));
    }
}
