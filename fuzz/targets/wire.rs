//! What servers say, and mails as bytes.

use super::{halves, text};
use jiff::Timestamp;
use relance::channel::email::build::{Copy, MailParts, build, build_plain, thread_of};
use relance::channel::email::classify::{Phase, class, refusal};
use relance::channel::email::read::subject_and_text;
use relance::channel::email::wire::{Reply, Wire};
use relance::channel::sms::read_answer;
use relance::channel::{Answer, Sent};
use relance::config::bundled::GATEWAYS;
use relance::config::gateway::{Gateway, gateway};
use relance::config::node::Node;
use relance::config::problem::Problems;
use relance::domain::attempt::Outcome;
use relance::domain::document::{Document, DocumentKind, FileName};
use relance::domain::mail::Mail;
use relance::domain::tame::{is_tame, tamed};
use std::sync::OnceLock;

/// A mail server's answers, one after the other, wherever in the dialogue they come.
pub fn smtp_reply(data: &[u8]) {
    let both = tokio::io::join(std::io::Cursor::new(data.to_vec()), tokio::io::sink());
    let mut wire = Wire::new(Box::new(both));
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    for _ in 0..8 {
        match runtime.block_on(wire.reply()) {
            Ok(reply) => heard(&reply),
            Err(e) => return assert!(e.to_string().len() < 2000, "{e}"),
        }
    }
}

fn heard(reply: &Reply) {
    assert!((200..600).contains(&reply.code) && (1..=128).contains(&reply.lines.len()));
    assert!(reply.lines.iter().all(|line| line.len() <= 2 * 8192));
    for service in ["SIZE", "AUTH", "STARTTLS", "DSN", "SMTPUTF8"] {
        assert!(reply.offers(service).is_none_or(|parameters| parameters.len() <= 2 * 8192));
    }
    for phase in [Phase::Open, Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Dot] {
        let class = class(phase, reply.code, &reply.text());
        if reply.code < 400 {
            continue;
        }
        match refusal(phase, reply) {
            Sent::Answered(answer) => {
                assert!(!answer.class.is_some_and(|c| c.stops_channel()) && answer.class == Some(class));
                told(&answer);
            }
            Sent::NotBegun(fault) => assert!(class.stops_channel() && is_tame(&fault.text)),
            other => panic!("{other:?}"),
        }
    }
}

fn told(answer: &Answer) {
    assert!(is_tame(&answer.text) && answer.text.chars().count() <= 1200, "{:?}", answer.text);
    assert_eq!(answer.outcome == Outcome::Accepted, answer.class.is_none());
}

/// A gateway's answer, by each of the shipped files; the first line is the status.
pub fn gateway_answer(data: &[u8]) {
    static SHIPPED: OnceLock<Vec<Gateway>> = OnceLock::new();
    let shipped = SHIPPED.get_or_init(|| {
        let read =
            |(name, text): &(&str, &str)| gateway(name, &Node::parse(name, text, &Problems::default()), &Problems::default());
        GATEWAYS.iter().filter_map(read).collect()
    });
    assert_eq!(shipped.len(), GATEWAYS.len());
    let text = text(data);
    let (status, body) = halves(&text);
    let status = status.trim().parse().unwrap_or(202);
    shipped.iter().for_each(|gateway| told(&read_answer(gateway, status, body)));
}

/// Reading mails back: ours or not, it ends, and nothing grows.
pub fn mail_back(data: &[u8]) {
    let (subject, words) = subject_and_text(data);
    assert!(subject.is_none_or(|s| s.len() <= 4 * data.len()) && words.len() <= 4 * data.len());
    assert!(thread_of(data).is_none_or(|t| t.len() <= 4 * data.len()));
}

/// Names of all headers that our mails have.
const HEADERS: [&str; 18] = [
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Content-Language",
    "Date",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
    "User-Agent",
    "Sender",
];

/// Building a mail from anything: first line the subject, second the name, the rest the words. What leaves is ASCII, has no
/// header that is not ours, no line that is too long, and reads back as it was.
pub fn mail_built(data: &[u8]) {
    let text = text(data);
    let (subject, rest) = halves(&text);
    let (name, words) = halves(rest);
    let (subject, name) = (tamed(subject), tamed(name));
    let words = words.replace('\r', "");
    let html = format!("<p>{}</p>", words.replace(['<', '&'], " "));
    let mail = Mail { subject: subject.clone(), text: words.clone(), html, language: "fr".to_owned() };
    let (Ok(from), Ok(to)) = ("Comptabilité <compta@canal.example>".parse(), "c1@client.example".parse()) else { return };
    let number = FileName::of(&name, DocumentKind::Pdf, 1);
    let document = Document { kind: DocumentKind::Pdf, hash: [1; 32], bytes: data.to_vec() };
    let copies = [Copy { name: &number, document: &document }];
    let parts = MailParts {
        mail: &mail,
        from: &from,
        reply_to: &to,
        name: &name,
        to: &to,
        cc: &[],
        redirected_from: None,
        message_id: "m1@canal.example",
        thread: None,
        date: Timestamp::UNIX_EPOCH,
        copies: if data.len().is_multiple_of(2) { &copies } else { &[] },
    };
    let built = build(&parts).unwrap();
    is_ours(&built.bytes);
    assert!(built.bytes.len() <= 20_000 + 16 * data.len());
    let (read, body) = subject_and_text(&built.bytes);
    assert_eq!(body, words.trim_end());
    if subject.len() <= 200 && !subject.contains("  ") {
        assert_eq!(read.unwrap_or_default(), subject.trim().replace("=?", "= ?"));
    }
    is_ours(&build_plain(&from, &to, &subject, &words, "m2@canal.example", Timestamp::UNIX_EPOCH).unwrap());
}

/// Whether a mail has the form of ours on the wire.
fn is_ours(bytes: &[u8]) {
    let mail = std::str::from_utf8(bytes).unwrap();
    assert!(mail.is_ascii() && !mail.replace("\r\n", "").contains(['\r', '\n']));
    assert!(mail.split("\r\n").all(|line| line.len() <= 998));
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    for line in head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])) {
        let name = line.split(':').next().unwrap_or_default();
        assert!(HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name)), "{line:?}");
    }
}
