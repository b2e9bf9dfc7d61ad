//! Delivery reports in their standard form (RFC 3464, RFC 6533): fields for the message, then fields for each recipient.
//! Whoever wrote them may have written anything: what counts against an address has to be said plainly, and by nothing else
//! in the same report gainsaid.

use super::header::Head;
use super::words::line;
use crate::domain::attempt::FaultClass;
use crate::domain::inbound::{Came, Returned, Status};
use crate::domain::refusal::is_about_us;

/// So many recipients of a report are looked at.
const MOST_RECIPIENTS: usize = 100;

/// What a report says.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) came: Came,
    pub(super) envelope_id: Option<String>,
    pub(super) recipient: Option<String>,
    /// To whom the server that reports would have it known: our envelope sender, as Postfix writes.
    pub(super) sender: Option<String>,
}

/// What became of one recipient.
struct Fate {
    action: Action,
    status: Option<Status>,
    words: String,
    recipient: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Failed,
    Delayed,
    Delivered,
    /// Handed on to where nobody reports, or to several.
    Onward,
}

/// Reads the machine's part; `None`: it says of no recipient what became of it.
pub(super) fn read(status: &[u8]) -> Option<Report> {
    let (message, mut rest) = group(status);
    let mut fates = Vec::new();
    // Some write all in one group.
    fates.extend(fate(&message));
    while !rest.is_empty() && fates.len() < MOST_RECIPIENTS {
        let (fields, behind) = group(rest);
        fates.extend(fate(&fields));
        rest = behind;
    }
    let told = verdict(&fates)?;
    Some(Report {
        came: came(told, &fates),
        envelope_id: message.first("Original-Envelope-Id").map(|id| xtext(id.trim())).filter(|id| !id.is_empty()),
        recipient: told.recipient.clone(),
        sender: message.first("X-Postfix-Sender").map(|s| address(&s)),
    })
}

/// Fields up to an empty line, and what follows behind all empty lines.
fn group(bytes: &[u8]) -> (Head<'_>, &[u8]) {
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(bytes.len());
    let (head, rest) = Head::read(&bytes[start..]);
    if head.is_empty() {
        // What is no field would be met again and again.
        let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        return (head, &rest[line..]);
    }
    (head, rest)
}

fn fate(fields: &Head) -> Option<Fate> {
    let action = match fields.first("Action")?.trim().to_ascii_lowercase().split_whitespace().next()? {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        "delivered" => Action::Delivered,
        "relayed" | "expanded" => Action::Onward,
        _ => return None,
    };
    let said = fields.first("Diagnostic-Code").unwrap_or_default();
    let words = said.split_once(';').map_or(said.as_str(), |(_, words)| words).trim();
    let named = fields.first("Status").and_then(|s| Status::parse(s.split_whitespace().next().unwrap_or_default()));
    let recipient = fields.first("Original-Recipient").or_else(|| fields.first("Final-Recipient"));
    Some(Fate {
        action,
        status: weighed(named, in_words(words)),
        words: line(words),
        recipient: recipient.map(|r| address(&r)).filter(|r| r.contains('@')),
    })
}

/// Which of two statuses counts: the one of the report, or what the server's own words begin with.
fn weighed(named: Option<Status>, said: Option<Status>) -> Option<Status> {
    match (named, said) {
        // `5.0.0` says nothing; what is said in the words does.
        (Some(Status(class, 0, 0)), Some(said)) if said.0 == class => Some(said),
        // An address is dead only if nothing in the report says otherwise.
        (Some(named), Some(said)) if named.kills_address() && !said.kills_address() => Some(said),
        (Some(named), _) => Some(named),
        (None, said) => said,
    }
}

/// The enhanced status in a server's words: at their beginning, behind the three figures of its answer.
pub(super) fn in_words(words: &str) -> Option<Status> {
    let status = |word: &str| Status::parse(word.trim_matches(|c: char| !c.is_ascii_digit()));
    let mut list = words.split_whitespace().take(12).peekable();
    while let Some(word) = list.next() {
        let word = word.trim_start_matches(['\'', '"', '(']);
        let code =
            word.len() >= 3 && word.as_bytes()[..3].iter().all(u8::is_ascii_digit) && matches!(word.as_bytes()[0], b'4' | b'5');
        if code {
            // `550 5.1.1 …`, `550-5.1.1 …`, `550 #5.1.1 …`
            let rest = word.get(3..).unwrap_or_default();
            let found = if rest.is_empty() { list.peek().and_then(|next| status(next)) } else { status(rest) };
            return found.filter(|s| s.0 == word.as_bytes()[0] - b'0');
        }
        // `smtp; 5.1.1 - Bad destination`
        if let Some(found) = status(word).filter(|_| word.starts_with(['4', '5', '#'])) {
            return Some(found);
        }
    }
    None
}

/// Whose fate speaks for the message. It went to one address; where that stood for several people, it has failed only if it
/// reached none of them, and one who is still being tried keeps the question open.
fn verdict(fates: &[Fate]) -> Option<&Fate> {
    let of = |action| fates.iter().find(move |f| f.action == action);
    of(Action::Delayed).or_else(|| of(Action::Delivered)).or_else(|| of(Action::Onward)).or_else(|| {
        let alive = |f: &&Fate| class(f) != FaultClass::Address;
        fates.iter().find(alive).or(fates.first())
    })
}

fn came(told: &Fate, fates: &[Fate]) -> Came {
    let expired = told.action == Action::Failed && fates.iter().all(expired);
    let returned = Returned { class: class(told), expired, words: spoken(told) };
    match told.action {
        Action::Failed => Came::Failed(returned),
        Action::Delayed => Came::Delayed(returned),
        Action::Delivered => Came::Delivered,
        Action::Onward => Came::Other,
    }
}

/// It was temporary when it was given up, or it says so.
fn expired(fate: &Fate) -> bool {
    matches!(fate.status, Some(Status(4, ..) | Status(_, 4, 7)))
}

fn class(fate: &Fate) -> FaultClass {
    match fate.status {
        // Words about our relaying or host, unless the status is about the recipient.
        Some(Status(5, subject, _)) if subject != 1 && subject != 2 && is_about_us(&fate.words) => FaultClass::Sender,
        None if is_about_us(&fate.words) => FaultClass::Sender,
        Some(status) => status.class(),
        None => FaultClass::Server,
    }
}

/// The status, and the server's words where they do not say it themselves.
fn spoken(fate: &Fate) -> String {
    match fate.status {
        Some(status) if !fate.words.contains(&status.to_string()) => line(&format!("{status} {}", fate.words)),
        _ => fate.words.clone(),
    }
}

/// `rfc822; a@b.example`, without what kind it is.
fn address(field: &str) -> String {
    let (kind, value) = field.split_once(';').unwrap_or(("", field));
    let value = value.trim().trim_start_matches('<').trim_end_matches('>');
    match kind.trim().eq_ignore_ascii_case("utf-8") {
        true => by_number(value),
        false => line(&xtext(value)),
    }
}

/// `+2B` is a plus sign (RFC 3461, section 4); what is no such escape stays.
fn xtext(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    // Only capital figures are escapes: an address with a plus sign may stand there as it is.
    let figure = |b: u8| matches!(b, b'0'..=b'9' | b'A'..=b'F').then(|| char::from(b).to_digit(16)).flatten();
    let at = |i: usize| bytes.get(i).copied().and_then(figure);
    while let Some(byte) = bytes.get(i) {
        match (byte, at(i + 1), at(i + 2)) {
            (b'+', Some(high), Some(low)) if (0x21..0x7f).contains(&(high << 4 | low)) => {
                out.push((high << 4 | low) as u8);
                i += 3;
            }
            _ => {
                out.push(*byte);
                i += 1;
            }
        }
    }
    line(&String::from_utf8_lossy(&out))
}

/// `\x{E9}` is a character by its number (RFC 6533, section 3).
fn by_number(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x{") {
        out.push_str(before);
        let number = after.split_once('}').filter(|(number, _)| (1..=6).contains(&number.len()));
        let read = number.and_then(|(number, behind)| Some((char::from_u32(u32::from_str_radix(number, 16).ok()?)?, behind)));
        match read {
            Some((c, behind)) => {
                out.push(c);
                rest = behind;
            }
            None => {
                out.push_str("\\x{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    line(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(recipients: &str) -> Report {
        super::read(format!("Reporting-MTA: dns; mx.example\nOriginal-Envelope-Id: m1+2Ba\n\n{recipients}\n").as_bytes()).unwrap()
    }

    fn failed(recipients: &str) -> (FaultClass, bool) {
        match read(recipients).came {
            Came::Failed(r) => (r.class, r.expired),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_status_counts_by_what_it_is_about() {
        use FaultClass::*;
        for (status, words, class) in [
            ("5.1.1", "", (Address, false)),
            ("5.1.1", "smtp; 550 5.1.1 no such user", (Address, false)),
            ("5.1.1", "smtp; 550 5.7.1 blocked by policy", (Message, false)),
            ("5.0.0", "smtp; 550 5.1.1 no such user", (Address, false)),
            ("5.0.0", "smtp; 550 no such user", (Server, false)),
            ("", "smtp; 550-5.2.1 disabled", (Address, false)),
            ("nonsense", "", (Server, false)),
            ("5.2.2", "smtp; 552 5.2.2 over quota", (Mailbox, false)),
            ("5.3.4", "", (Message, false)),
            ("5.7.1", "smtp; 554 5.7.1 <a@b>: Relay access denied", (Sender, false)),
            ("4.4.1", "", (Network, true)),
            ("4.2.2", "smtp; 452 4.2.2 full", (Mailbox, true)),
            ("5.4.7", "smtp; 550 5.4.7 delivery time expired", (Network, true)),
        ] {
            let fields =
                format!("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: {status}\nDiagnostic-Code: {words}\n");
            assert_eq!(failed(&fields), class, "{status} {words}");
        }
    }

    #[test]
    fn one_address_may_stand_for_several_people() {
        let one = |action: &str, status: &str| format!("Final-Recipient: rfc822; a@b\nAction: {action}\nStatus: {status}\n\n");
        let of = |list: &[(&str, &str)]| read(&list.iter().map(|(a, s)| one(a, s)).collect::<String>()).came.as_str();
        assert_eq!(of(&[("failed", "5.1.1"), ("delivered", "2.0.0")]), "delivered");
        assert_eq!(of(&[("failed", "5.1.1"), ("delayed", "4.0.0")]), "delayed");
        assert_eq!(of(&[("failed", "5.1.1"), ("relayed", "2.0.0")]), "other");
        assert_eq!(of(&[("expanded", "2.0.0")]), "other");
        assert_eq!(failed(&(one("failed", "5.1.1") + &one("failed", "5.2.2"))), (FaultClass::Mailbox, false));
        assert_eq!(failed(&(one("failed", "5.1.1") + &one("failed", "5.1.1"))), (FaultClass::Address, false));
    }

    #[test]
    fn ids_and_addresses_are_decoded() {
        let report =
            read("Original-Recipient: rfc822;jan+2Bx@b.example\nFinal-Recipient: rfc822; c@d\nAction: failed\nStatus: 5.1.1\n");
        assert_eq!((report.envelope_id.as_deref(), report.recipient.as_deref()), (Some("m1+a"), Some("jan+x@b.example")));
        assert_eq!(address("utf-8; j\\x{F6}rg@b\\x{zz}.example"), "jörg@b\\x{zz}.example");
        assert_eq!(address("rfc822; <compta+test@b.example>"), "compta+test@b.example");
    }

    #[test]
    fn what_says_nothing_is_no_report() {
        for text in ["", "\n\n\n", "Reporting-MTA: x\n\n", "Action: vanished\n", "no fields\nat all\n", "Action: \n\nAction:\n"] {
            assert!(super::read(text.as_bytes()).is_none(), "{text}");
        }
    }
}
