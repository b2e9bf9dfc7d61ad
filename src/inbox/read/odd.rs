//! Mail that says in its own way that a message did not arrive: older servers, gateways and large houses. Whether it is such
//! a mail is seen by who sent it and what it gives back; what it is about only where its words leave no choice.

use super::header::Head;
use super::mime::Parts;
use super::report::in_words;
use super::words::line;
use crate::domain::attempt::FaultClass;
use crate::domain::inbound::{Came, Returned, Status};
use crate::domain::refusal::is_about_us;

/// So much of its words is looked at.
const MOST: usize = 20_000;

/// What such a mail says.
pub(super) struct Odd {
    pub(super) came: Came,
    /// Its words up to where it gives our message back.
    pub(super) said: String,
    /// All of its words.
    pub(super) whole: String,
}

/// Reads a mail that a machine sent; `None`: nothing in it says that a message came back.
pub(super) fn read(head: &Head, parts: &Parts, from_server: bool) -> Option<Odd> {
    let whole: String = parts.list.iter().filter(|p| p.kind.starts_with("text/")).take(3).map(|p| p.text() + "\n").collect();
    let whole: String = whole.chars().take(MOST).collect();
    let said = before_ours(&whole).to_owned();
    let subject = head.words("Subject").unwrap_or_default();
    let (low, subject) = (said.to_lowercase(), subject.to_lowercase());
    let any = |list: &[&str], text: &str| list.iter().any(|words| text.contains(words));
    let delayed = any(&DELAYED_SUBJECTS, &subject) || any(&DELAYED, &low) && !any(&FAILED, &low);
    let gives_back = parts.list.iter().any(|p| matches!(p.kind.as_str(), "message/rfc822" | "text/rfc822-headers"));
    let fails =
        head.has("X-Failed-Recipients") || any(&FAILED, &low) || any(&FAILED_SUBJECTS, &subject) || (gives_back && from_server);
    if !fails && !delayed {
        return None;
    }
    let returned = about(&said, &low);
    Some(Odd {
        came: if delayed { Came::Delayed(Returned { expired: false, ..returned }) } else { Came::Failed(returned) },
        said,
        whole,
    })
}

/// What stands before our own message, given back in the text.
fn before_ours(text: &str) -> &str {
    let mut at = 0;
    for text_line in text.split_inclusive('\n') {
        let low = text_line.trim_start_matches(['>', ' ', '\t']).to_lowercase();
        // `----- Original message -----`, `--- Below this line is a copy of the message.`, `------ This is a copy of …`
        let rule =
            low.starts_with("---") && (low.contains("copy of") || low.contains("original") || low.contains("message header"));
        if at > 0 && (rule || low.starts_with("return-path:") || low.starts_with("received: ")) {
            return &text[..at];
        }
        at += text_line.len();
    }
    text
}

/// What it is about: by a status that a server gave, else by words that can mean nothing else.
fn about(said: &str, low: &str) -> Returned {
    let any = |list: &[&str]| list.iter().any(|words| low.contains(words));
    let status = said.lines().take(200).filter_map(|l| Some((given(l)?, l))).min_by_key(|(s, _)| u8::from(s.kills_address()));
    let telling = |l: &&str| TELLING.iter().any(|t| l.to_lowercase().contains(t));
    let spoken = status.map(|(_, l)| l).or_else(|| said.lines().find(telling)).unwrap_or_else(|| first_words(said));
    let status = status.map(|(s, _)| s);
    let class = match status {
        Some(Status(5, subject, _)) if subject != 1 && subject != 2 && is_about_us(spoken) => FaultClass::Sender,
        Some(status) if status.1 != 0 => status.class(),
        _ if is_about_us(low) => FaultClass::Sender,
        _ if any(&FULL) => FaultClass::Mailbox,
        _ if any(&TOO_LARGE) => FaultClass::Message,
        _ if any(&EXPIRED) => FaultClass::Network,
        _ => FaultClass::Server,
    };
    let expired = any(&EXPIRED) || matches!(status, Some(Status(4, ..) | Status(_, 4, 7)));
    // Who gave up says nothing of the address, whatever else it quotes.
    let class = if expired && class == FaultClass::Address { FaultClass::Server } else { class };
    Returned { class, expired, words: line(spoken) }
}

/// A status in a line, where it is plainly one: behind the figures of an answer, or behind a `#`.
fn given(text: &str) -> Option<Status> {
    let text: String = text.chars().take(500).collect();
    let hash = text.match_indices('#').find_map(|(at, _)| {
        let end = text[at + 1..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(text.len(), |n| at + 1 + n);
        Status::parse(text[at + 1..end].trim_end_matches('.'))
    });
    hash.or_else(|| {
        let answers = text.match_indices(['4', '5']).filter(|(at, _)| {
            let before = text[..*at].chars().next_back();
            let figures = text.get(*at..at + 3).is_some_and(|f| f.bytes().all(|b| b.is_ascii_digit()));
            figures && before.is_none_or(|c| !c.is_alphanumeric() && c != '.')
        });
        answers.take(5).find_map(|(at, _)| in_words(text.get(at..)?).filter(|_| text[at + 3..].starts_with([' ', '-'])))
    })
}

fn first_words(said: &str) -> &str {
    said.lines().map(str::trim).find(|l| l.len() > 10).unwrap_or_default()
}

/// Parts of lines worth showing.
const TELLING: [&str; 14] = [
    "user unknown",
    "unknown user",
    "no such user",
    "does not exist",
    "not found",
    "quota",
    "mailbox full",
    "mailbox is full",
    "too large",
    "rejected",
    "refused",
    "timed out",
    "timeout",
    "error",
];

/// It was tried for as long as is tried.
const EXPIRED: [&str; 6] = [
    "retry timeout exceeded",
    "retry time not reached",
    "been in the queue too long",
    "delivery time expired",
    "message expired",
    "could not be delivered within",
];

/// The mailbox has no room.
const FULL: [&str; 12] = [
    "mailbox full",
    "mailbox is full",
    "quota exceeded",
    "over quota",
    "exceeded storage allocation",
    "storage limit",
    "mailbox quota",
    "boîte aux lettres pleine",
    "boîte de réception est pleine",
    "postfach ist voll",
    "postfach voll",
    "mailbox is vol",
];

/// The message was too large.
const TOO_LARGE: [&str; 5] =
    ["message size exceeds", "message too large", "message is too large", "exceeds maximum message size", "size limit exceeded"];

/// A message did not arrive.
const FAILED: [&str; 26] = [
    "could not be delivered",
    "couldn't be delivered",
    "wasn't delivered",
    "was not delivered",
    "not delivered to",
    "delivery failed",
    "delivery to the following recipient failed",
    "delivery to the following recipients failed",
    "delivery has failed to",
    "i wasn't able to deliver",
    "unable to deliver",
    "undeliverable",
    "permanent fatal errors",
    "permanent error",
    "returned to sender",
    "undelivered mail",
    "n'a pas pu être remis",
    "n'a pas pu être livré",
    "n'a pas été remis",
    "échec de la remise",
    "konnte nicht zugestellt werden",
    "nicht zugestellt werden",
    "unzustellbar",
    "kon niet worden bezorgd",
    "kan niet worden bezorgd",
    "niet worden afgeleverd",
];

const FAILED_SUBJECTS: [&str; 20] = [
    "undeliverable",
    "undelivered",
    "delivery failure",
    "delivery failed",
    "mail delivery failed",
    "failure notice",
    "returned mail",
    "delivery status notification (failure)",
    "mail system error",
    "returned to sender",
    "unzustellbar",
    "nicht zugestellt",
    "zustellung fehlgeschlagen",
    "non remis",
    "non délivré",
    "échec de la remise",
    "échec de livraison",
    "onbestelbaar",
    "niet bezorgd",
    "niet afgeleverd",
];

/// It is still being tried.
const DELAYED: [&str; 10] = [
    "has not been delivered to one or more of its recipients after",
    "will be retried",
    "will continue to be retried",
    "still being retried",
    "no action is required on your part",
    "delivery attempts will continue",
    "you do not need to resend",
    "this is a warning message only",
    "this is a warning only",
    "has been delayed",
];

const DELAYED_SUBJECTS: [&str; 9] = [
    "delayed mail",
    "delivery delayed",
    "delivery status notification (delay)",
    "delivery is delayed",
    "could not send message for past",
    "warning: message",
    "warnung: nachricht",
    "verzögert",
    "vertraagd",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_only_where_it_plainly_is() {
        for (text, status) in [
            ("550 5.1.1 <a@b>: user unknown", Some("5.1.1")),
            ("    550-5.1.1 The email account", Some("5.1.1")),
            ("said: 550 #5.1.0 Address rejected", Some("5.1.0")),
            ("a@b: No such mailbox (#5.1.1)", Some("5.1.1")),
            ("<mx.example #5.2.2 smtp;552 full>", Some("5.2.2")),
            ("host 192.5.1.1 said: hello", None),
            ("version 5.1.1 of our software", None),
            ("550 no such user", None),
            ("order 1550 5.1.1", None),
        ] {
            assert_eq!(given(text).map(|s| s.to_string()).as_deref(), status, "{text}");
        }
    }

    #[test]
    fn words_that_can_mean_one_thing_only_count() {
        use FaultClass::*;
        let class = |text: &str| {
            let r = about(text, &text.to_lowercase());
            (r.class, r.expired)
        };
        assert_eq!(class("550 no such user here"), (Server, false));
        assert_eq!(class("the mailbox is full"), (Mailbox, false));
        assert_eq!(class("552 message too large"), (Message, false));
        assert_eq!(class("550 5.1.1 gone"), (Address, false));
        assert_eq!(class("550 5.1.1 gone\n550 5.7.1 blocked"), (Message, false));
        assert_eq!(class("retry timeout exceeded"), (Network, true));
        assert_eq!(class("550 relay access denied"), (Sender, false));
    }
}
