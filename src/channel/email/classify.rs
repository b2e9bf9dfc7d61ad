//! Reading what a mail server said: where in the dialogue, the code, the enhanced status (RFC 3463), and what
//! they are about. The same code means another thing at another place: 550 to MAIL FROM is about our sender, to
//! RCPT TO about the recipient, after the message about its words.

use super::wire::Reply;
use crate::channel::{Answer, Sent, words};
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::refusal::is_about_us;

/// Where in a dialogue an answer was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Connection, greeting, encryption, login: before any message's dialogue.
    Open,
    /// At our sender.
    Mail,
    /// At the recipient.
    Rcpt,
    /// At the command DATA.
    Data,
    /// After the final dot: about the message itself.
    Dot,
}

/// What a refusal means. What is about our sender, our relaying or our login is no message's fault.
pub fn refusal(phase: Phase, reply: &Reply) -> Sent {
    let text = reply.text();
    let class = class(phase, reply.code, &text);
    // What is ours never ends an address, whatever digit its code begins with.
    let permanent = reply.code / 100 == 5 && !class.is_ours();
    let outcome = if permanent { Outcome::Refused } else { Outcome::Deferred };
    Answer { outcome, class: Some(class), text: format!("{} {}", reply.code, words(&text)), id: None }.into()
}

/// What a failure is about.
pub fn class(phase: Phase, code: u16, text: &str) -> FaultClass {
    let status = enhanced(text);
    let of_ours = ours(code, status, text);
    match phase {
        Phase::Open => of_ours.unwrap_or(match code {
            450 | 454 => FaultClass::Throttled,
            _ => FaultClass::Network,
        }),
        Phase::Mail => of_ours.unwrap_or(match (code / 100, status) {
            // Such an address needs a service that this server has not got: that is about the recipient's address.
            (_, Some((_, 6, 7))) => FaultClass::Message,
            (5, _) => FaultClass::Sender,
            _ => temporary(code, status),
        }),
        Phase::Rcpt => of_ours.unwrap_or_else(|| recipient(code, status)),
        Phase::Data | Phase::Dot => of_ours.unwrap_or_else(|| message(code, status)),
    }
}

type Status = Option<(u8, u16, u16)>;

/// What is ours wherever it is said: a server may keep what it thinks of our sender until it knows the recipient.
fn ours(code: u16, status: Status, text: &str) -> Option<FaultClass> {
    match (code, status) {
        (530 | 534 | 535 | 538, _) => Some(FaultClass::Authentication),
        (_, Some((5, 7, 8 | 9 | 14))) => Some(FaultClass::Authentication),
        (421, _) => Some(FaultClass::Throttled),
        // The sender's address is malformed or unknown.
        (_, Some((_, 1, 7 | 8))) => Some(FaultClass::Sender),
        // SPF, DKIM, reverse DNS, a domain that takes no mail (RFC 7372, RFC 7505).
        (_, Some((5, 7, 20..=27))) => Some(FaultClass::Sender),
        // Whatever the words, these are about the recipient.
        (_, Some((5, 1, _) | (5, 2, _))) => None,
        _ if code / 100 == 5 && is_about_us(text) => Some(FaultClass::Sender),
        _ => None,
    }
}

fn recipient(code: u16, status: Status) -> FaultClass {
    match (code, status) {
        (_, Some((5, 1, 1 | 2 | 3 | 6 | 10) | (5, 2, 1))) => FaultClass::Address,
        // Old servers say nothing more than 550 or 553 to a mailbox that is not there; that alone kills no address.
        (550 | 551 | 553, None) => FaultClass::Mailbox,
        (500..600, _) => permanent(code, status),
        _ => temporary(code, status),
    }
}

fn message(code: u16, status: Status) -> FaultClass {
    match (code, status) {
        (_, Some((5, 1, 1 | 2 | 3 | 6 | 10) | (5, 2, 1))) => FaultClass::Address,
        (550 | 551 | 553, None) => FaultClass::Message,
        (500..600, _) => permanent(code, status),
        _ => temporary(code, status),
    }
}

fn permanent(code: u16, status: Status) -> FaultClass {
    match (code, status) {
        (_, Some((_, 1 | 2, _))) | (552, None) => FaultClass::Mailbox,
        (_, Some((5, 3 | 6 | 7, _))) | (554, _) => FaultClass::Message,
        _ => FaultClass::Server,
    }
}

fn temporary(code: u16, status: Status) -> FaultClass {
    match (code, status) {
        (_, Some((4, 7, _) | (4, 3, 2) | (4, 5, 3))) | (450, None) => FaultClass::Throttled,
        (_, Some((_, 1 | 2, _))) | (452, None) => FaultClass::Mailbox,
        _ => FaultClass::Server,
    }
}

/// The enhanced status code at the beginning of a reply's text.
fn enhanced(text: &str) -> Status {
    let first = text.split_ascii_whitespace().next()?;
    let mut parts = first.split('.');
    let class: u8 = parts.next()?.parse().ok().filter(|c| matches!(c, 2 | 4 | 5))?;
    let (subject, detail) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some((class, subject, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use FaultClass::*;
    use Phase::*;

    /// Outcome and class of a refusal; one that is the channel's has no outcome.
    fn read(phase: Phase, code: u16, text: &str) -> (Option<Outcome>, FaultClass) {
        match refusal(phase, &Reply { code, lines: vec![text.to_owned()] }) {
            Sent::Answered(answer) => (Some(answer.outcome), answer.class.unwrap()),
            Sent::NotBegun(fault) | Sent::Interrupted(fault) => (None, fault.class),
            Sent::TooLarge(_) => panic!("a size is no refusal"),
        }
    }

    #[test]
    fn only_what_concerns_the_address_counts_against_it() {
        const REFUSED: Option<Outcome> = Some(Outcome::Refused);
        const DEFERRED: Option<Outcome> = Some(Outcome::Deferred);
        let unknown = "5.1.1 <x@y>: Recipient address rejected: User unknown";
        assert_eq!(read(Rcpt, 550, unknown), (REFUSED, Address));
        assert_eq!(read(Rcpt, 550, "5.1.1 <x@y>: User unknown in relay recipient table"), (REFUSED, Address));
        assert_eq!(read(Rcpt, 550, "5.2.1 mailbox disabled"), (REFUSED, Address));
        assert_eq!(read(Rcpt, 552, "5.2.2 mailbox full"), (REFUSED, Mailbox));
        assert_eq!(read(Rcpt, 452, "4.2.2 over quota"), (DEFERRED, Mailbox));
        assert_eq!(read(Rcpt, 550, "no such user"), (REFUSED, Mailbox));
        assert_eq!(read(Dot, 550, "we do not like this"), (REFUSED, Message));
        assert_eq!(read(Dot, 554, "5.7.1 spam"), (REFUSED, Message));
        assert_eq!(read(Rcpt, 554, "5.7.1 <relay access denied@y>: Recipient address rejected"), (REFUSED, Message));
        assert_eq!(read(Rcpt, 450, "4.7.1 greylisted"), (DEFERRED, Throttled));
        assert_eq!(read(Rcpt, 451, "4.3.0 try later"), (DEFERRED, Server));
        assert_eq!(read(Mail, 451, "4.3.0 try later"), (DEFERRED, Server));
        assert_eq!(read(Mail, 421, "4.7.0 too many connections"), (DEFERRED, Throttled));
        for phase in [Rcpt, Data, Dot] {
            assert_eq!(read(phase, 552, "5.3.4 message too big"), (REFUSED, Message));
        }
    }

    #[test]
    fn what_concerns_us_is_the_channels() {
        for (code, text) in [(550, "5.1.2 bad sender"), (553, "5.1.8 no such domain"), (550, "no"), (553, "5.7.1 not yours")] {
            assert_eq!(read(Mail, code, text), (None, Sender), "{text}");
        }
        for text in [
            "5.7.1 <x@y>: Relay access denied",
            "5.1.8 <us@here>: Sender address rejected: Domain not found",
            "5.7.1 <us@here>: Sender address rejected: not owned by user compta",
            "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using a list",
            "5.7.26 unauthenticated mail is not taken",
        ] {
            assert_eq!(read(Rcpt, 554, text), (None, Sender), "{text}");
            assert_eq!(read(Dot, 554, text), (None, Sender), "{text}");
        }
        assert_eq!(read(Rcpt, 450, "4.1.8 <us@here>: Sender address rejected: Domain not found"), (None, Sender));
        assert_eq!(read(Mail, 535, "5.7.8 authentication failed"), (None, Authentication));
        assert_eq!(read(Mail, 530, "5.7.0 must issue a STARTTLS first"), (None, Authentication));
        assert_eq!(class(Open, 554, "5.3.2 go away"), Network);
        assert_eq!(class(Open, 421, "4.3.2 too busy"), Throttled);
        assert_eq!(class(Open, 454, "4.7.0 no TLS now"), Throttled);
    }
}
