//! Mails that nobody wrote in good faith: huge, endless, nested, broken. Each is read in a time and with memory that have
//! bounds, and becomes something.

use super::{TODAY, mail, ours};
use relance::clock::Stopwatch;
use relance::domain::inbound::{Came, Incoming, MOST_CLUES, MOST_LINE, MOST_TEXT};
use relance::domain::tame::is_tame;
use relance::inbox::read;
use std::time::Duration;

/// A mail of some megabytes is read in much less; this is for however slow and busy a machine.
const LONGEST: Duration = Duration::from_secs(20);

fn timed(bytes: &[u8]) -> Incoming {
    let watch = Stopwatch::start();
    let read = read(bytes, &ours(), TODAY);
    assert!(watch.elapsed() < LONGEST, "{:?} for {} bytes", watch.elapsed(), bytes.len());
    assert!(is_tame(&read.subject) && read.subject.chars().count() <= MOST_LINE);
    assert!(read.text.lines().all(is_tame) && read.text.chars().count() <= MOST_TEXT);
    assert!(read.clues.tokens.len() <= MOST_CLUES && read.clues.answers.len() <= MOST_CLUES);
    read
}

#[test]
fn fifty_megabytes_are_read_in_bounded_time() {
    let head = "From: a@b.example\r\nSubject: x\r\n";
    for (kind, line) in [
        ("text/plain", "x".repeat(1_000)),
        ("text/plain", "x\r\n".to_owned()),
        ("text/html", "<blockquote>".to_owned()),
        ("text/html", "<script".to_owned()),
        ("multipart/mixed; boundary=b", "\r\n--b".to_owned()),
        ("multipart/mixed; boundary=b", "--b\r\n".to_owned()),
        ("multipart/mixed; boundary=b", "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned()),
        ("message/rfc822", "Content-Type: message/rfc822\r\n\r\n".to_owned()),
        ("multipart/report; boundary=b", "--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n\r\n".to_owned()),
    ] {
        let body = line.repeat(50_000_000 / line.len());
        let read = timed(format!("{head}Content-Type: {kind}\r\n\r\n{body}").as_bytes());
        assert!(matches!(read.came, Came::Reply | Came::Automatic { .. } | Came::Failed(_)), "{kind}: {:?}", read.came);
    }
    // One line, in the head and in the body.
    timed(format!("Subject: {}", "x".repeat(50_000_000)).as_bytes());
    timed(format!("To: {}\r\n\r\n", "bounces+1-2-3@canal.example,".repeat(1_800_000)).as_bytes());
    timed(format!("References: {}\r\n\r\n", "<a@b> ".repeat(8_000_000)).as_bytes());
    timed(format!("{head}\r\n{}", "=?utf-8?q?".repeat(5_000_000)).as_bytes());
}

/// The test before this one, in a process that may have 600 MB: the program itself, a mail and its making, and little else.
#[test]
fn fifty_megabytes_are_read_in_bounded_memory() {
    let own = std::env::current_exe().unwrap();
    let name = "inbox::hostile::fifty_megabytes_are_read_in_bounded_time";
    let line = format!("ulimit -v 600000; exec \"{}\" --exact {name} --test-threads 1", own.display());
    let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && out.contains("1 passed"), "{out}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ten_thousand_parts_and_parts_without_end_are_read() {
    let head = "From: a@b.example\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    let many = format!("{head}{}--b--\r\n", "--b\r\n\r\nx\r\n".repeat(10_000));
    assert_eq!(timed(many.as_bytes()).came, Came::Reply);
    let mut deep = "From: a@b.example\r\n".to_owned();
    for n in 0..100_000 {
        deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
    }
    assert_eq!(timed(deep.as_bytes()).came, Came::Reply);
    let nested = format!("From: a@b.example\r\n{}", "Content-Type: message/rfc822\r\n\r\n".repeat(300_000));
    assert_eq!(timed(nested.as_bytes()).came, Came::Reply);
}

#[test]
fn letters_in_no_encoding_are_read() {
    for (head, body, text) in [
        ("Content-Type: text/plain; charset=klingon", &b"pay\xe9"[..], "payé"),
        ("Content-Type: text/plain; charset=us-ascii", "payé".as_bytes(), "payé"),
        ("Content-Type: text/plain; charset=\"iso-8859-15\"", b"100 \xa4", "100 €"),
        ("Content-Type: text/plain; charset=utf-16le", b"p\0a\0y\0\xe9\0\xff", "payé\u{fffd}"),
        ("Content-Type: text/plain; charset=utf-8", b"pay\xe9 \xff", "payé ÿ"),
        ("Content-Type: text/plain; charset=iso-2022-jp", b"\x1b$B%+%J\x1b(B", "カナ"),
        ("Content-Transfer-Encoding: base64", b"cGF5w6k=\r\n====", "payé"),
        ("Content-Transfer-Encoding: quoted-printable", b"pay=C3=A9=\r\n=ZZ=", "payé=ZZ"),
        ("Content-Transfer-Encoding: x-nonsense", b"pay\xc3\xa9", "payé"),
    ] {
        let mail = [format!("From: a@b.example\r\n{head}\r\n\r\n").as_bytes(), body].concat();
        assert_eq!(timed(&mail).text, text, "{head}");
    }
}

#[test]
fn what_is_no_mail_becomes_something() {
    for bytes in [&b""[..], b"\r\n", b"\0\0\0", b"no mail at all", &[0xff; 1000], b"\r\r\r\n\n\n", b":\r\n:\r\n", b"Subject"] {
        assert_eq!(timed(bytes).came, Came::Other, "{bytes:?}");
    }
    assert_eq!(mail("From: a@b.example\n\n").came, Came::Reply);
}
