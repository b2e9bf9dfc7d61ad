//! From a system to the mail: polls and what they follow from, the re-read before sending, what is paid, what is under way, and
//! what is promised.

use super::presets;
use super::shapes::{self, Books};
use crate::support::http::{Answer, Http, Request};
use crate::support::{Config, Smtp, World};
use relance::flow::pulse::Pump;
use relance::store::polls::{PollKind, PollOutcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const KEY: &str = "key = { file = \"ledger.secret\" }";

async fn firm(preset: &str, books: &Books) -> (Smtp, Http, World) {
    let mail = Smtp::start().await;
    let (server, more) = shapes::server(preset, books).await;
    let world = World::new(Config::mail(mail.port).system(preset, &server.url(), &more)).await;
    (mail, server, world)
}

async fn presences(world: &World) -> Vec<String> {
    world.peek("SELECT source_id || ' ' || presence FROM invoice ORDER BY pk").await
}

#[tokio::test]
async fn what_is_overdue_there_is_written_about_and_what_is_paid_there_is_not() {
    let books = Books::new(&[(1, 12_050), (2, 8_000), (3, 9_990)]);
    let (mail, _server, world) = firm("dolibarr", &books).await;
    let poll = world.poll().await;
    assert_eq!((poll.outcome, poll.rows, poll.kind), (PollOutcome::Good, 3, PollKind::Full), "{}", poll.text);
    world.plan().await;
    // Between plan and delivery one is paid; and one is gone.
    books.set(2, 0);
    world.deliver().await;
    assert_eq!(world.whose("accepted").await, ["1", "3"]);
    assert_eq!(world.whose("cancelled").await, ["2"]);
    assert_eq!(mail.accepted().len(), 2);
    assert!(mail.accepted().iter().any(|m| m.parsed().text().contains("120,50")));
    books.set(1, 0);
    world.days(1);
    assert_eq!(world.poll().await.outcome, PollOutcome::Good);
    assert_eq!(presences(&world).await, ["1 closed", "2 closed", "3 open"]);
    world.days(30);
    world.round().await;
    assert!(mail.accepted().len() <= 3 && world.whose("accepted").await.iter().filter(|d| *d == "1").count() == 1);
    world.finish().await;
}

#[tokio::test]
async fn an_invoice_that_the_list_lost_is_asked_for_alone() {
    let books = Books::new(&[(1, 100), (2, 100), (3, 100), (4, 100)]);
    let mail = Smtp::start().await;
    // A list of which an invoice is missing, though it is open; and one that is gone altogether.
    let (hides, inner) = (Arc::new(AtomicBool::new(false)), shapes::dolibarr(&books, 100));
    let hidden = hides.clone();
    let server = Http::answering(move |request| {
        if hidden.load(Ordering::SeqCst) && request.path.ends_with("/invoices") {
            let page = Books::new(&[(3, 100), (4, 100)]);
            return shapes::dolibarr(&page, 100)(request);
        }
        if hidden.load(Ordering::SeqCst) && request.path.ends_with("/invoices/2") {
            return Answer::new(404, "{}");
        }
        inner(request)
    })
    .await;
    let config = Config::mail(mail.port).system("dolibarr", &server.url(), KEY).guard_line("max_vanished = 100");
    let world = World::new(config).await;
    world.poll().await;
    hides.store(true, Ordering::SeqCst);
    world.days(1);
    let poll = world.poll().await;
    assert_eq!((poll.outcome, poll.vanished), (PollOutcome::Good, 1), "{}", poll.text);
    assert_eq!(presences(&world).await, ["1 open", "2 closed", "3 open", "4 open"]);
    world.finish().await;
}

#[tokio::test]
async fn where_nothing_can_be_asked_alone_two_readings_have_to_agree() {
    let books = Books::new(&[(1, 100), (2, 100), (3, 100)]);
    let mail = Smtp::start().await;
    let (server, more) = shapes::server("lago", &books).await;
    let (_, text) = relance::config::bundled::SOURCES.iter().find(|(path, _)| *path == "sources/lago.toml").unwrap();
    let (before, after) = text.split_once("[one]").unwrap();
    let own = format!("{before}{}", &after[after.find("[number]").unwrap()..]);
    let config = Config::mail(mail.port).system("lago", &server.url(), &more).file("sources/lago.toml", &own);
    let world = World::new(config).await;
    world.poll().await;
    books.set(2, 0);
    assert_eq!(world.poll().await.vanished, 0);
    assert_eq!(presences(&world).await, ["1a901a90-1 open", "1a901a90-2 missing", "1a901a90-3 open"]);
    assert_eq!(world.poll().await.vanished, 1);
    assert_eq!(presences(&world).await, ["1a901a90-1 open", "1a901a90-2 closed", "1a901a90-3 open"]);
    world.finish().await;
}

#[tokio::test]
async fn a_partial_poll_is_a_failed_one_and_nothing_leaves_on_it() {
    let books = Books::new(&[(1, 12_050), (2, 8_000), (3, 9_990)]);
    let mail = Smtp::start().await;
    let (broken, inner) = (Arc::new(AtomicBool::new(false)), shapes::dolibarr(&books, 2));
    let breaks = broken.clone();
    let server = Http::answering(move |request| match breaks.load(Ordering::SeqCst) && request.field("page") == Some("1") {
        true => Answer::new(200, "[{\"id\": \"3\", "),
        false => inner(request),
    })
    .await;
    let world = World::new(Config::mail(mail.port).system("dolibarr", &server.url(), KEY)).await;
    world.poll().await;
    broken.store(true, Ordering::SeqCst);
    let poll = world.poll().await;
    assert_eq!(poll.outcome, PollOutcome::Failed);
    assert!(poll.text.contains("its answer cannot be read: it ends in the middle"), "{}", poll.text);
    world.plan().await;
    world.deliver().await;
    assert!(mail.accepted().is_empty());
    assert_eq!(presences(&world).await, ["1 open", "2 open", "3 open"]);
    broken.store(false, Ordering::SeqCst);
    world.round().await;
    assert_eq!(mail.accepted().len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn between_whole_readings_only_what_changed_is_asked_for() {
    let books = Books::new(&[(1, 12_050), (2, 8_000), (3, 9_990)]);
    let (_mail, server, world) = firm("dolibarr", &books).await;
    assert_eq!(world.poll().await.kind, PollKind::Full);
    world.minutes(10);
    books.set(2, 0);
    let poll = world.poll().await;
    assert_eq!((poll.kind, poll.outcome, poll.vanished), (PollKind::Changes, PollOutcome::Good, 0));
    assert_eq!(presences(&world).await, ["1 open", "2 closed", "3 open"]);
    let last = server.requests().into_iter().rfind(|r| r.field("sqlfilters").is_some()).unwrap();
    // From the beginning of the last good poll on, and the overlap of the file more.
    assert_eq!(last.field("sqlfilters"), Some("(t.tms:>=:'2026-11-01 08:00:00')"));
    // The night's reading is a whole one; so is the one after a poll that failed.
    world.days(1);
    assert_eq!(world.poll().await.kind, PollKind::Full);
    world.minutes(10);
    assert_eq!(world.poll().await.kind, PollKind::Changes);
    server.next(&[Answer::new(400, "")]);
    assert_eq!(world.poll().await.outcome, PollOutcome::Failed);
    assert_eq!(world.poll().await.kind, PollKind::Full);
    world.finish().await;
}

#[tokio::test]
async fn what_is_missing_from_changes_is_not_gone() {
    let books = Books::new(&[(1, 100), (2, 100)]);
    let mail = Smtp::start().await;
    let inner = shapes::dolibarr(&books, 100);
    let server = Http::answering(move |request: &Request| match request.field("sqlfilters") {
        Some(_) => Answer::new(404, "{}"),
        None => inner(request),
    })
    .await;
    let world = World::new(Config::mail(mail.port).system("dolibarr", &server.url(), KEY)).await;
    world.poll().await;
    world.minutes(10);
    let poll = world.poll().await;
    assert_eq!((poll.kind, poll.outcome, poll.rows), (PollKind::Changes, PollOutcome::Good, 0));
    assert_eq!(presences(&world).await, ["1 open", "2 open"]);
    world.finish().await;
}

#[tokio::test]
async fn a_payment_under_way_counts_as_paid_for_five_bank_days_and_then_returns() {
    let books = Books::new(&[(1, 12_050), (2, 8_000)]);
    let (mail, _server, world) = firm("odoo", &books).await;
    world.poll().await;
    // A payment is entered, and the bank has not confirmed it: "in payment", with nothing left to pay.
    books.set(1, 0);
    world.minutes(20);
    let poll = world.poll().await;
    assert_eq!(poll.outcome, PollOutcome::Good, "{}", poll.text);
    assert_eq!(presences(&world).await, ["1 open", "2 open"]);
    assert_eq!(
        world.peek("SELECT source_id || ' ' || balance || ' ' || coalesce(pending_since, '-') FROM invoice ORDER BY pk").await,
        ["1 12050 2026-11-02", "2 8000 -"]
    );
    world.plan().await;
    world.deliver().await;
    assert_eq!(world.whose("accepted").await, ["42"]);
    assert!(world.reasons().await.contains(&"pending 1".to_owned()), "{:?}", world.reasons().await);
    // Monday the 9th is the fifth bank day after; from the day after that it is open again.
    world.set("2026-11-09T10:00:00+01:00");
    world.round().await;
    assert_eq!(mail.accepted().len(), 1);
    world.set("2026-11-10T10:00:00+01:00");
    world.round().await;
    assert_eq!(world.whose("accepted").await, ["42", "41"]);
    // It is told apart from what was never under way.
    assert_eq!(presences(&world).await, ["1 open", "2 open"]);
    world.finish().await;
}

#[tokio::test]
async fn a_payment_under_way_that_comes_is_a_payment() {
    let books = Books::new(&[(1, 12_050)]);
    let mail = Smtp::start().await;
    let (confirmed, inner) = (Arc::new(AtomicBool::new(false)), shapes::odoo(&books, false));
    let says = confirmed.clone();
    let server = Http::answering(move |request| match inner(request) {
        Answer::Raw(bytes) if says.load(Ordering::SeqCst) => {
            let text = String::from_utf8(bytes).unwrap();
            let body = text.split_once("\r\n\r\n").unwrap().1.replace("in_payment", "paid");
            Answer::new(200, &body)
        }
        answer => answer,
    })
    .await;
    let more = "key = { file = \"ledger.secret\" }\ndatabase = \"canal\"";
    let world = World::new(Config::mail(mail.port).system("odoo", &server.url(), more)).await;
    world.poll().await;
    books.set(1, 0);
    world.poll().await;
    assert_eq!(presences(&world).await, ["1 open"]);
    confirmed.store(true, Ordering::SeqCst);
    world.poll().await;
    assert_eq!(presences(&world).await, ["1 closed"]);
    world.finish().await;
}

#[tokio::test]
async fn a_day_on_which_the_ledger_expects_payment_is_a_promise() {
    let books = Books::new(&[(1, 12_050), (2, 8_000)]);
    let (server, _) = presets::opened("xero", &books).await;
    let mail = Smtp::start().await;
    let more = "key = { file = \"ledger.secret\" }\nsecret = { file = \"ledger.secret\" }\nclient_id = \"app\"\ntokens = \"tokens\"\ntenant = \"tenant-1\"";
    let config =
        Config::mail(mail.port).system("xero", &server.url(), more).file("sources/xero.toml", &presets::with_tokens_here("xero"));
    let world = World::new(config).await;
    world.round().await;
    // The second is expected on the 20th of November, and nothing is sent for it before that is known.
    assert_eq!(world.whose("accepted").await, ["0d0a-1"]);
    let promises = "SELECT p.until_day || ' ' || p.known_on || ' ' || p.state || ' ' || h.reason FROM promise p JOIN hold h ON h.pk = p.hold_pk";
    let told = world.peek(promises).await;
    assert_eq!(told, ["2026-11-20 2026-11-25 open payment is expected on 2026-11-20, says the ledger"]);
    world.minutes(10);
    world.poll().await;
    assert_eq!(world.peek(promises).await.len(), 1, "told once");
    world.set("2026-11-26T10:00:00+01:00");
    world.round().await;
    assert_eq!(world.peek("SELECT state FROM promise").await, ["broken"]);
    world.round().await;
    assert!(world.whose("accepted").await.contains(&"0d0a-2".to_owned()), "{:?}", world.outcomes().await);
    world.finish().await;
}

#[tokio::test]
async fn a_system_that_hangs_keeps_nobody_else_waiting() {
    let books = Books::new(&[(1, 12_050)]);
    let (mail, server, world) = firm("dolibarr", &books).await;
    world.poll().await;
    server.state().handler = None;
    server.usually(Answer::Silent);
    // What alarms the creditor needs no fresh data.
    world.days(3);
    let watch = relance::clock::Stopwatch::start();
    let seen = AtomicUsize::new(0);
    let others = async {
        while seen.load(Ordering::SeqCst) == 0 {
            world.review().await;
            assert_eq!(world.desk().pulses.stood(Pump::Collect), Duration::ZERO, "who waits for others does not stand still");
            seen.store(mail.accepted().len(), Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        poll = world.poll() => panic!("{poll:?}"),
        () = others => {}
    }
    assert!(watch.elapsed() < Duration::from_secs(20));
    world.finish().await;
}
