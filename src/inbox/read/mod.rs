//! From the bytes of a mail to what came: a report, a machine's answer, a person's. Nothing in a mail is believed, and nothing in
//! one makes this fail, take long or grow: every list, depth and length has an end.
//!
//! What says that a message did not arrive counts only from a machine. A person who forwards such a mail has written one.

mod auto;
mod back_on;
mod clues;
mod header;
mod html;
mod mime;
mod odd;
mod quote;
mod report;
mod words;

pub use back_on::back_on;
pub use clues::Ours;
pub use html::to_text;
pub use quote::own_words;

use crate::domain::attempt::FaultClass;
use crate::domain::hex::hex;
use crate::domain::inbound::{Came, Clues, Incoming, Via};
use auto::Sender;
use header::Head;
use jiff::Timestamp;
use jiff::civil::Date;
use mime::Parts;
use sha2::{Digest as _, Sha256};
use words::line;

/// So much of a report's fields is read.
const MOST_STATUS: usize = 128 << 10;

/// So much of a body makes the key.
const MOST_KEY: usize = 64 << 10;

/// Reads a mail that came on a day. `ours` is what our addresses look like.
pub fn read(bytes: &[u8], ours: &Ours, received: Date) -> Incoming {
    let (head, body) = Head::read(bytes);
    let parts = mime::parts(&head, body);
    let sender = Sender::of(&head);
    let subject = line(&head.words("Subject").unwrap_or_default());
    let mut mail = Incoming {
        key: key(&head, body),
        via: Via::Mail,
        came: Came::Other,
        clues: Clues { tokens: clues::tokens(&head, ours, machine(&parts, sender)), ..Clues::default() },
        text: String::new(),
        dated: head.first("Date").and_then(|d| date(&d)),
        subject,
    };
    if head.is_empty() || parts.report.as_deref() == Some("feedback-report") {
        return mail;
    }
    if machine(&parts, sender) && came_back(&head, &parts, sender, ours, &mut mail) {
        return mail;
    }
    mail.text = own_words(&text(&parts));
    mail.clues.answers = clues::answers(&head);
    let own_list = ours.is_list(&head);
    mail.clues.from = clues::writer(&head, ours, own_list);
    let points_to_us = !mail.clues.tokens.is_empty() || !mail.clues.answers.is_empty();
    mail.came = match auto::is(&head, &parts, sender, own_list, points_to_us) {
        true => Came::Automatic { back_on: back_on(&mail.subject, &mail.text, received) },
        false => Came::Reply,
    };
    mail
}

/// Whether a mail can be a server's report: by its form, or by who sent it.
fn machine(parts: &Parts, sender: Sender) -> bool {
    parts.kind == "multipart/report" || sender.null_path || sender.server
}

/// Reads a report, where it is one.
fn came_back(head: &Head, parts: &Parts, sender: Sender, ours: &Ours, mail: &mut Incoming) -> bool {
    let status =
        parts.list.iter().find(|p| matches!(p.kind.as_str(), "message/delivery-status" | "message/global-delivery-status"));
    let (id, mut addresses) = clues::given_back(parts);
    let read = status.and_then(|part| report::read(&part.bytes(MOST_STATUS)));
    mail.clues.returned_id = id;
    if let Some(report) = read {
        mail.came = told_better(report.came, || odd::read(head, parts, sender.server).map(|odd| odd.came));
        mail.clues.envelope_id = report.envelope_id;
        mail.clues.recipient = report.recipient;
        addresses.extend(report.sender);
    } else if parts.report.as_deref() != Some("disposition-notification")
        && let Some(odd) = odd::read(head, parts, sender.server)
    {
        mail.came = odd.came;
        mail.clues.returned_id = mail.clues.returned_id.take().or_else(|| clues::id_in_text(&odd.whole));
        let failed = head.first("X-Failed-Recipients").and_then(|r| clues::first_address(&r));
        mail.clues.recipient = failed.or_else(|| recipient(&odd.said, ours));
        addresses.push(odd.whole);
    } else {
        mail.clues.returned_id = None;
        return false;
    }
    if mail.clues.tokens.is_empty() {
        mail.clues.tokens = clues::returned_tokens(&addresses, ours);
    }
    true
}

/// A report whose fields say no more than that it failed may say more in its words to people.
fn told_better(came: Came, in_words: impl FnOnce() -> Option<Came>) -> Came {
    match &came {
        Came::Failed(returned) if returned.class == FaultClass::Server && !returned.expired => match in_words() {
            Some(Came::Failed(better)) if better.class != FaultClass::Server || better.expired => Came::Failed(better),
            _ => came,
        },
        _ => came,
    }
}

/// The address that stands at the beginning of a line of a server's words, if it is none of ours.
fn recipient(said: &str, ours: &Ours) -> Option<String> {
    let lines = said.lines().map(|l| l.trim_start_matches([' ', '\t', '<', '(', '*']));
    let addresses = lines.filter(|l| l.split_whitespace().next().is_some_and(|w| w.contains('@')));
    addresses.filter_map(|l| clues::first_address(l.split_whitespace().next()?)).find(|a| !ours.has(a))
}

/// What is to be read in a mail: its plain text, or else its page.
fn text(parts: &Parts) -> String {
    let shown = |kind: &'static str| parts.list.iter().filter(move |p| p.kind == kind && !p.attached);
    let plain: Vec<String> = shown("text/plain").take(5).map(mime::Part::text).filter(|t| !t.trim().is_empty()).collect();
    match plain.is_empty() {
        false => plain.join("\n"),
        true => shown("text/html").next().map(|page| to_text(&page.text())).unwrap_or_default(),
    }
}

/// The same for the same mail, whichever way it came: over what its writer said, not over what servers on the way added.
fn key(head: &Head, body: &[u8]) -> String {
    let mut digest = Sha256::new();
    for name in ["Message-ID", "Date", "From", "To", "Cc", "Subject", "In-Reply-To"] {
        for value in head.raw(name) {
            digest.update(name);
            value.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).for_each(|word| {
                digest.update([b' ']);
                digest.update(word);
            });
            digest.update(b"\n");
        }
    }
    // Line ends differ from way to way, and so do empty lines at the end.
    let body = body.trim_ascii();
    let kept = body.iter().filter(|b| **b != b'\r').take(MOST_KEY).copied().collect::<Vec<u8>>();
    digest.update(kept.trim_ascii_end());
    format!("mail-{}", hex(&digest.finalize()[..16]))
}

fn date(text: &str) -> Option<Timestamp> {
    let text = text.split('(').next().unwrap_or_default().trim();
    (text.len() <= 100).then(|| jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok())?
}
