//! Who asks too much, too slowly or too often: each request has its end, and the store is not asked for strangers.

use super::{FORM, Line, refusals, say};
use relance::clock::Stopwatch;
use relance::web::hooks::BOUNDS;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let line = Line::open("twilio", "1").await;
    let body = format!("Body={}", "x".repeat(65 << 10));
    assert_eq!(line.say("POST", &line.path(), FORM, &body).await, 413);
    // One that says nothing of its length.
    let mut stream = TcpStream::connect(&line.address).await.unwrap();
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n", line.path());
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    for _ in 0..64 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said).await);
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 413"), "{said}");
    assert_eq!(refusals(&line), [("large", 2)]);
    line.finish().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_not_read() {
    let line = Line::open("kannel", "").await;
    let mut stream = TcpStream::connect(&line.address).await.unwrap();
    let head = format!("GET {}?text={} HTTP/1.1\r\nHost: x\r\n\r\n", line.path(), "x".repeat(2 * BOUNDS.head));
    drop(stream.write_all(head.as_bytes()).await);
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said).await);
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    line.finish().await;
}

/// As many as there are places say nothing: whoever comes after them is answered once the first of them are sent away.
#[tokio::test]
async fn those_who_say_nothing_keep_nobody_waiting_for_long() {
    let line = Line::open("kannel", "").await;
    let mut idle = Vec::new();
    for n in 0..BOUNDS.at_once {
        let mut stream = TcpStream::connect(&line.address).await.unwrap();
        if n % 2 == 0 {
            stream.write_all(b"GET /hook/").await.unwrap();
        }
        idle.push(stream);
    }
    let watch = Stopwatch::start();
    let mark = line.mark();
    assert_eq!(line.get(&format!("token={mark}&type=1")).await, 200);
    assert!(watch.elapsed() < BOUNDS.longest + Duration::from_secs(15), "{:?}", watch.elapsed());
    assert!(line.delivered().await);
    line.finish().await;
}

/// Who knows the URL gets so many a second; who does not gets nothing, and takes none of that away.
#[tokio::test]
async fn too_many_are_asked_to_come_later() {
    let line = Line::open("kannel", "").await;
    for _ in 0..40 {
        assert_eq!(line.say("GET", "/hook/kannel/0123", "", "").await, 403);
    }
    let path = line.path();
    let ask = || async { say(&line.address, "GET", &format!("{path}?token=x&type=8"), "", "").await };
    let mut last = 200;
    for _ in 0..5000 {
        last = ask().await;
        if last != 200 {
            break;
        }
    }
    assert_eq!(last, 429);
    assert!(refusals(&line).contains(&("url", 40)));
    line.finish().await;
}

/// Between two sessions nothing is believed, and the gateway is told to come again.
#[tokio::test]
async fn while_no_desk_is_at_work_everybody_is_asked_to_come_again() {
    let line = Line::open("kannel", "").await;
    line.hooks.loses();
    assert_eq!(line.get("token=x&type=1").await, 503);
    line.hooks.sees(line.world.desk());
    assert_eq!(line.get(&format!("token={}&type=1", line.mark())).await, 200);
    line.finish().await;
}
