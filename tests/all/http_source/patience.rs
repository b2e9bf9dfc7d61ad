//! How long relance waits for a system and leaves it alone, and what it makes of much that is gone at once.

use super::Opened;
use super::shapes::{self, Books};
use crate::support::http::{Answer, Http, Request};
use crate::support::{Config, Smtp, World};
use relance::source::SourceError;
use relance::store::polls::PollOutcome;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const KEY: &str = "key = { file = \"ledger.secret\" }";

/// What a system asks for that answers like this.
async fn asked(headers: &str) -> Option<u64> {
    let server = Http::start(Answer::with(429, headers, "")).await;
    match Opened::new("dolibarr", &server.url(), KEY).await.list().await.unwrap_err() {
        SourceError::Http { wait, why, .. } => {
            assert!(why.contains("it asks for patience (HTTP 429)"), "{why}");
            wait.as_ref().map(Duration::as_secs)
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_wait_is_a_number_of_seconds_or_an_instant_by_the_clock_of_the_answer() {
    assert_eq!(asked("Retry-After: 7200\r\n").await, Some(7200));
    let date = "Date: Mon, 02 Nov 2026 08:00:00 GMT\r\n";
    let later = "Retry-After: Mon, 02 Nov 2026 10:30:00 GMT\r\n";
    assert_eq!(asked(&format!("{date}{later}")).await, Some(9000));
    // Without a clock beside it, or behind it, an instant says nothing; it is tried again as after any fault.
    let past = format!("{date}Retry-After: Mon, 02 Nov 2026 07:30:00 GMT\r\n");
    assert_eq!(tokio::join!(asked(later), asked(&past), asked("Retry-After: soon\r\n")), (None, None, None));
}

#[tokio::test]
async fn a_system_that_asks_to_be_left_alone_is_left_alone() {
    let books = Books::new(&[(1, 12_050), (2, 8_000)]);
    let mail = Smtp::start().await;
    let (tired, inner) = (Arc::new(AtomicBool::new(true)), shapes::dolibarr(&books, 100));
    let is_tired = tired.clone();
    let server = Http::answering(move |request| match is_tired.load(Ordering::SeqCst) {
        true => Answer::with(429, "Retry-After: 7200\r\n", ""),
        false => inner(request),
    })
    .await;
    let world = World::new(Config::mail(mail.port).system("dolibarr", &server.url(), KEY)).await;
    let poll = world.poll().await;
    assert_eq!(poll.outcome, PollOutcome::Failed);
    let until = "it asked to be left alone, and is not asked again before 2026-11-02 11:00:00 UTC";
    assert!(poll.text.ends_with(until), "{}", poll.text);
    assert_eq!(server.requests().len(), 1);
    // Neither by the schedule, which says nothing of it either, nor by a word of its own.
    tired.store(false, Ordering::SeqCst);
    world.minutes(10);
    assert!(relance::flow::collect::step(world.desk()).await.unwrap().is_none());
    let poll = world.poll().await;
    assert_eq!(poll.outcome, PollOutcome::Failed);
    assert!(poll.text.contains("is not asked again before 2026-11-02 11:00:00 UTC"), "{}", poll.text);
    assert_eq!(server.requests().len(), 1);
    world.minutes(110);
    let poll = relance::flow::collect::step(world.desk()).await.unwrap().expect("its time has come");
    assert_eq!((poll.outcome, poll.rows), (PollOutcome::Good, 2), "{}", poll.text);

    // The re-read before sending is heard as well, and a slip of a digit is no reason never to write again.
    world.plan().await;
    server.next(&[Answer::with(503, "Retry-After: 99999999\r\n", "")]);
    world.deliver().await;
    assert!(mail.accepted().is_empty());
    assert!(relance::flow::collect::step(world.desk()).await.unwrap().is_none());
    let asked = server.requests().len();
    // Nor do the messages that wait ask each second.
    world.deliver().await;
    world.minutes(24 * 60 - 1);
    world.deliver().await;
    assert!(relance::flow::collect::step(world.desk()).await.unwrap().is_none());
    assert_eq!(server.requests().len(), asked);
    world.minutes(1);
    world.round().await;
    assert_eq!(mail.accepted().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn what_says_of_itself_that_it_is_paid_is_no_reason_for_alarm_and_what_is_not_there_is_one() {
    let rows: Vec<(u64, i64)> = (1..=12).map(|id| (id, 100)).collect();
    let books = Books::new(&rows);
    let mail = Smtp::start().await;
    let (gone, inner) = (Arc::new(AtomicBool::new(false)), shapes::dolibarr(&books, 100));
    let foreign = Arc::new(AtomicBool::new(false));
    let (is_gone, is_foreign) = (gone.clone(), foreign.clone());
    let server = Http::answering(move |request: &Request| {
        if is_gone.load(Ordering::SeqCst) && request.path.contains("/invoices") {
            return Answer::new(404, "{}");
        }
        match inner(request) {
            Answer::Raw(bytes) if is_foreign.load(Ordering::SeqCst) && request.path.contains("/invoices/") => {
                // As long as it was.
                Answer::Raw(String::from_utf8(bytes).unwrap().replace("FA-", "ZZ-").into_bytes())
            }
            other => other,
        }
    })
    .await;
    let world = World::new(Config::mail(mail.port).system("dolibarr", &server.url(), KEY)).await;
    assert_eq!(world.poll().await.rows, 12);
    // The end of the month: more than half of all is paid.
    (1..=8).for_each(|id| books.set(id, 0));
    world.days(1);
    let poll = world.poll().await;
    assert_eq!((poll.outcome, poll.rows, poll.vanished), (PollOutcome::Good, 4, 8), "{}", poll.text);
    let open = world.peek("SELECT count(*) || '' FROM invoice WHERE presence = 'open' AND status = 'open'").await;
    assert_eq!(open, ["4"]);
    (1..=12).for_each(|id| books.set(id, 100));
    world.days(1);
    assert_eq!(world.poll().await.rows, 12);
    // Another firm's books, in which the same ids are other invoices, long paid: no word about ours.
    foreign.store(true, Ordering::SeqCst);
    (1..=8).for_each(|id| books.set(id, 0));
    world.days(1);
    let poll = world.poll().await;
    assert_eq!((poll.outcome, poll.vanished), (PollOutcome::Shrunk, 8), "{}", poll.text);
    let open = world.peek("SELECT count(*) || '' FROM invoice WHERE presence = 'open' AND status = 'open'").await;
    assert_eq!(open, ["12"]);
    foreign.store(false, Ordering::SeqCst);
    (1..=12).for_each(|id| books.set(id, 100));
    world.days(1);
    assert_eq!(world.poll().await.rows, 12);
    // Or none of them.
    gone.store(true, Ordering::SeqCst);
    world.days(1);
    let poll = world.poll().await;
    assert_eq!((poll.outcome, poll.vanished), (PollOutcome::Shrunk, 12), "{}", poll.text);
    assert!(poll.text.starts_with("12 of 12 open invoices are gone"), "{}", poll.text);
    world.finish().await;
}

#[tokio::test]
async fn a_customer_with_very_many_invoices_is_written_to_and_so_are_the_others() {
    let rows: Vec<(u64, i64)> = (1..=130).map(|id| (id, 1000)).collect();
    let books = Books::new(&rows);
    let mail = Smtp::start().await;
    let inner = shapes::dolibarr(&books, 200);
    // From the tenth on they are all one customer's.
    let server = Http::answering(move |request| match inner(request) {
        Answer::Raw(bytes) if request.path.contains("/invoices") => {
            let text = String::from_utf8(bytes).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let body = (11..=130).fold(body.to_owned(), |b, id| b.replace(&format!("\"socid\":\"{id}\""), "\"socid\":\"10\""));
            Answer::new(head.split(' ').nth(1).unwrap().parse().unwrap(), &body)
        }
        other => other,
    })
    .await;
    let world = World::new(Config::mail(mail.port).system("dolibarr", &server.url(), KEY)).await;
    world.round().await;
    assert_eq!(mail.accepted().len(), 10);
    assert_eq!(world.whose("accepted").await.len(), 10);
    world.finish().await;
}

#[tokio::test]
async fn a_re_read_may_take_longer_than_a_machine_may_sleep() {
    let books = Books::new(&[(1, 1000), (2, 1000)]);
    let mail = Smtp::start().await;
    let inner = shapes::dolibarr(&books, 200);
    let clock = Arc::new(std::sync::Mutex::new(None::<relance::clock::Clock>));
    let hands = clock.clone();
    // Each answer about one invoice takes eight seconds, by the clock.
    let server = Http::answering(move |request| {
        if let Some(clock) = hands.lock().unwrap().as_ref().filter(|_| request.path.contains("/invoices/")) {
            clock.set(clock.now().checked_add(jiff::SignedDuration::from_secs(8)).unwrap());
        }
        inner(request)
    })
    .await;
    let world = World::new(Config::mail(mail.port).system("dolibarr", &server.url(), KEY)).await;
    world.poll().await;
    world.plan().await;
    *clock.lock().unwrap() = Some(world.clock.clone());
    world.deliver().await;
    assert_eq!(mail.accepted().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn what_is_said_of_who_one_is_is_kept_out_of_words_in_base64_too() {
    // A server that shows the request in its errors.
    let shows = |request: &Request| {
        let said = request.header("authorization").unwrap_or_default();
        Answer::new(400, &format!("{{\"authorization\": \"{said}\"}}"))
    };
    let server = Http::answering(shows).await;
    let more = "user = \"relance\"\ndatabase = \"canal\"\ncompany = \"1\"";
    let error = Opened::new("tryton", &server.url(), &format!("{KEY}\n{more}")).await.list().await.unwrap_err();
    let SourceError::Http { said: Some(told), .. } = error else { panic!("{error}") };
    let requests = server.requests();
    let said = requests[0].header("authorization").and_then(|header| header.strip_prefix("Basic ")).unwrap();
    assert!(told.contains("Basic (secret)") && !told.contains(said), "{told}");
}
