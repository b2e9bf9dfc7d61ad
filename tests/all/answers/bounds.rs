//! Who asks too much, too slowly or too often: each request has its end, and a link gives ten answers.

use super::{Desk, FORM, ask};
use crate::sms_back::form;
use crate::support::Row;
use relance::clock::Stopwatch;
use relance::flow::answers::Called;
use relance::web::page::{BOUNDS, LONGEST_BODY};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn called(desk: &Desk, what: Called) -> u64 {
    desk.world.desk().tally.calls_so_far().get(&what).copied().unwrap_or_default()
}

#[tokio::test]
async fn a_link_gives_ten_answers_and_says_so_after() {
    let desk = Desk::open(&[Row::new("F-1", "C1").with("language", "en")]).await;
    let link = desk.link("C1");
    for n in 0..10 {
        let done = desk.answer(&link, "arrangement", &[("words", &format!("no. {n}"))]).await;
        assert_eq!(done.status, 200, "{n}");
        desk.world.minutes(1);
    }
    // The page's pace is a second for each; the answers of a person come slower.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let last = desk.answer(&link, "arrangement", &[("words", "no. 10")]).await;
    assert_eq!(last.status, 429);
    assert!(last.body.contains("was not recorded") && last.body.contains("compta@canal.example"), "{}", last.body);
    assert_eq!((desk.proposals().await.len(), desk.holds().await.len()), (10, 1));
    desk.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_posts_are_few_answers() {
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    let link = desk.link("C1");
    let value = desk.get(&link).await.form();
    let (mut later, mut taken) = (0, 0);
    for n in 0..1_000 {
        let body = form(&[("kind", "papers"), ("form", &value), ("words", &format!("give {n}"))]);
        match desk.post(&link, &body).await.status {
            429 => later += 1,
            200 => taken += 1,
            other => panic!("{other}"),
        }
    }
    assert!(taken <= 10 && later >= 900, "{taken} taken, {later} asked to come later");
    assert_eq!((desk.proposals().await.len(), desk.holds().await.len()), (taken, 1));
    assert!(called(&desk, Called::Many) >= 900);
    // Another link is not slowed by that, nor is one that is none counted with it.
    assert_eq!(ask(&desk.address, "GET", "/a/x", "", "").await.status, 404);
    desk.finish().await;
}

#[tokio::test]
async fn strangers_are_turned_away_before_customers() {
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    let link = desk.link("C1");
    let mut last = 0;
    for _ in 0..2_000 {
        last = desk.get("/a/0-0-0").await.status;
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
    assert_eq!(desk.get(&link).await.status, 200);
    desk.finish().await;
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    let link = desk.link("C1");
    let value = desk.get(&link).await.form();
    let words = "x".repeat(LONGEST_BODY);
    let large = desk.post(&link, &form(&[("kind", "arrangement"), ("form", &value), ("words", &words)])).await;
    assert_eq!(large.status, 413);
    // One that says nothing of its length, and a head without end.
    let mut stream = TcpStream::connect(&desk.address).await.unwrap();
    let head = format!("POST {link} HTTP/1.1\r\nHost: x\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..64 {
        if stream.write_all(format!("1000\r\n{}\r\n", "x".repeat(0x1000)).as_bytes()).await.is_err() {
            break;
        }
    }
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said).await);
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 413"), "{said}");
    let mut stream = TcpStream::connect(&desk.address).await.unwrap();
    drop(stream.write_all(format!("GET {link}?{} HTTP/1.1\r\n", "x".repeat(2 * BOUNDS.head)).as_bytes()).await);
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said).await);
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 4"));
    // More fields than a form has.
    assert_eq!(desk.post(&link, &"i=1&".repeat(200)).await.status, 400);
    assert!(desk.proposals().await.is_empty());
    desk.finish().await;
}

/// As many as there are places say nothing, or a byte now and then: whoever comes after them is shown the page.
#[tokio::test]
async fn the_slow_keep_nobody_waiting_for_long() {
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    let link = desk.link("C1");
    let mut idle = Vec::new();
    for n in 0..BOUNDS.at_once {
        let mut stream = TcpStream::connect(&desk.address).await.unwrap();
        if n % 2 == 0 {
            stream.write_all(b"POST /a/").await.unwrap();
        }
        idle.push(stream);
    }
    let watch = Stopwatch::start();
    assert_eq!(desk.get(&link).await.status, 200);
    assert!(watch.elapsed() < BOUNDS.longest + Duration::from_secs(15), "{:?}", watch.elapsed());
    desk.finish().await;
}
