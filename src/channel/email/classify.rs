//! Reading what a mail server said: the code, the enhanced status (RFC 3463), and what they are about.

use crate::channel::{Answer, words};
use crate::domain::attempt::{FaultClass, Outcome};

/// An answer from a reply code and its text.
pub(super) fn answer(code: u16, text: &str) -> Answer {
    let status = enhanced(text);
    let permanent = code / 100 == 5;
    let class = class(code, status);
    // Throttling and authentication are ours, whatever digit they begin with: they never end an address.
    let outcome = if permanent && !class.is_ours() { Outcome::Refused } else { Outcome::Deferred };
    Answer { outcome, class: Some(class), text: format!("{code} {}", words(text)) }
}

/// What a failure is about.
fn class(code: u16, status: Option<(u8, u16, u16)>) -> FaultClass {
    match (code, status) {
        (_, Some((5, 1, 1 | 2 | 3 | 6 | 10))) | (_, Some((5, 2, 1))) => FaultClass::Address,
        (530 | 534 | 535 | 538, _) => FaultClass::Authentication,
        // 5.7.1 and 5.7.0 are refusals of this message; 5.7.8 and 5.7.9 of our login.
        (_, Some((5, 7, 8 | 9 | 14))) => FaultClass::Authentication,
        (421, _) => FaultClass::Throttled,
        (_, Some((4, 7, _))) | (_, Some((4, 3, 2))) | (_, Some((4, 5, 3))) => FaultClass::Throttled,
        (_, Some((_, 2, _))) | (452 | 552, None) => FaultClass::Mailbox,
        (_, Some((_, 1, _))) => FaultClass::Mailbox,
        (450, None) => FaultClass::Throttled,
        (_, Some((5, 3 | 6 | 7, _))) | (554, _) => FaultClass::Message,
        // Old servers say nothing more than 550 or 553 to a mailbox that is not there; that alone kills no address.
        (550 | 551 | 553, None) => FaultClass::Mailbox,
        _ => FaultClass::Server,
    }
}

/// The enhanced status code at the beginning of a reply's text.
fn enhanced(text: &str) -> Option<(u8, u16, u16)> {
    let first = text.split_ascii_whitespace().next()?;
    let mut parts = first.split('.');
    let class: u8 = parts.next()?.parse().ok().filter(|c| matches!(c, 2 | 4 | 5))?;
    let (subject, detail) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some((class, subject, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: u16, text: &str) -> (Outcome, FaultClass) {
        let a = answer(code, text);
        (a.outcome, a.class.unwrap())
    }

    #[test]
    fn only_what_concerns_the_address_counts_against_it() {
        use FaultClass::*;
        use Outcome::*;
        assert_eq!(read(550, "5.1.1 <x@y>: Recipient address rejected: User unknown"), (Refused, Address));
        assert_eq!(read(550, "5.2.1 mailbox disabled"), (Refused, Address));
        assert_eq!(read(552, "5.2.2 mailbox full"), (Refused, Mailbox));
        assert_eq!(read(452, "4.2.2 over quota"), (Deferred, Mailbox));
        assert_eq!(read(550, "no such user"), (Refused, Mailbox));
        assert_eq!(read(554, "5.7.1 spam"), (Refused, Message));
        assert_eq!(read(535, "5.7.8 authentication failed"), (Deferred, Authentication));
        assert_eq!(read(530, "5.7.0 must issue a STARTTLS first"), (Deferred, Authentication));
        assert_eq!(read(421, "4.7.0 too many connections"), (Deferred, Throttled));
        assert_eq!(read(450, "4.7.1 greylisted"), (Deferred, Throttled));
        assert_eq!(read(451, "4.3.0 try later"), (Deferred, Server));
        assert_eq!(read(552, "5.3.4 message too big"), (Refused, Message));
    }
}
