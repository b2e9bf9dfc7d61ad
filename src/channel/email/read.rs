//! Reading back what was built here: subject and plain text of a mail as it left, for people. What others build is not
//! read by this.

use crate::domain::base64;
use crate::domain::quoted::escapes;

/// Subject and plain text of one of our own mails. What cannot be made out is left as it stands.
pub fn subject_and_text(mail: &[u8]) -> (Option<String>, String) {
    let whole = String::from_utf8_lossy(mail);
    let (head, body) = split(&whole);
    let subject = field(head, "Subject").map(|value| words(&value));
    let text = plain(head, body, DEEP).unwrap_or_default();
    (subject, text.replace("\r\n", "\n").trim_end().to_owned())
}

/// So deep a mail is looked into: its words may stand in a part of a part, where copies of invoices go along.
const DEEP: usize = 2;

/// The first plain text in a mail or in a part of one.
fn plain(head: &str, body: &str, deep: usize) -> Option<String> {
    let kind = field(head, "Content-Type");
    let boundary = kind.as_ref().and_then(|kind| Some(kind.split_once("boundary=\"")?.1.split_once('"')?.0));
    let Some(boundary) = boundary else {
        let is_text = kind.is_none_or(|kind| kind.starts_with("text/plain"));
        return is_text.then(|| decoded(head, body));
    };
    if deep == 0 {
        return None;
    }
    let (mark, body) = (format!("\r\n--{boundary}"), format!("\r\n{body}"));
    let mut parts = body.split(&mark).filter_map(|part| part.strip_prefix("\r\n")).map(split);
    parts.find_map(|(head, body)| plain(head, body, deep - 1))
}

fn decoded(head: &str, body: &str) -> String {
    match field(head, "Content-Transfer-Encoding").as_deref() {
        Some("quoted-printable") => bytes_to_text(escapes(body.replace("=\r\n", "").as_bytes())),
        Some("base64") => bytes_to_text(base64::decoded(body.as_bytes())),
        _ => body.to_owned(),
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_once("\r\n\r\n").unwrap_or((text, ""))
}

/// A header, unfolded.
fn field(head: &str, name: &str) -> Option<String> {
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    head.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

fn bytes_to_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Words such as `=?utf-8?b?…?=` (RFC 2047); white space between two of them goes.
fn words(text: &str) -> String {
    let (mut out, mut rest, mut after_word) = (Vec::new(), text, false);
    while let Some((before, word, behind)) = word(rest) {
        if !(after_word && before.trim().is_empty()) {
            out.extend_from_slice(before.as_bytes());
        }
        out.extend(word);
        (rest, after_word) = (behind, true);
    }
    out.extend_from_slice(rest.as_bytes());
    bytes_to_text(out)
}

/// The first encoded word: what stands before it, its bytes, what stands behind.
fn word(text: &str) -> Option<(&str, Vec<u8>, &str)> {
    let (before, after) = text.split_once("=?")?;
    let mut fields = after.splitn(3, '?');
    let (_, encoding, rest) = (fields.next()?, fields.next()?, fields.next()?);
    let (word, behind) = rest.split_once("?=")?;
    let bytes = match encoding {
        "b" | "B" => base64::decoded(word.as_bytes()),
        _ => escapes(word.replace('_', " ").as_bytes()),
    };
    Some((before, bytes, behind))
}

#[cfg(test)]
mod tests {
    use super::super::build::{Copy, MailParts, build, build_plain};
    use super::subject_and_text;
    use crate::domain::document::{Document, DocumentKind, FileName};
    use crate::domain::mail::Mail;
    use jiff::Timestamp;

    fn read_back(subject: &str, text: &str) -> (Option<String>, String) {
        let mail = Mail {
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: format!("<p>{text}</p>"),
            language: "fr".to_owned(),
        };
        let address = "compta@canal.example".parse().unwrap();
        let parts = MailParts {
            mail: &mail,
            from: &"Comptabilité <compta@canal.example>".parse().unwrap(),
            reply_to: &address,
            name: "Zoë =?utf-8?b?",
            cc: &[],
            to: &address,
            redirected_from: None,
            message_id: "m1@canal.example",
            thread: None,
            date: Timestamp::UNIX_EPOCH,
            copies: &[],
        };
        let name = FileName::of("F-1", DocumentKind::Pdf, 1);
        let document = Document { kind: DocumentKind::Pdf, hash: [1; 32], bytes: b"%PDF-1.7 x".to_vec() };
        let copies = [Copy { name: &name, document: &document }; 2];
        let with_copies = build(&MailParts { copies: &copies, ..parts.clone() }).unwrap().bytes;
        let read = subject_and_text(&build(&parts).unwrap().bytes);
        assert_eq!(subject_and_text(&with_copies), read);
        read
    }

    #[test]
    fn what_was_built_is_read_back() {
        let long = "Ceci est une très longue ligne avec des mots. ".repeat(30);
        for (subject, text) in [
            ("Rappel : facture F-1", "Bonjour,\n\n= 120,00 € à payer =3D\n\tfin."),
            ("Échéance dépassée : facture n° 2026-é-ß-漢字-🦀, deuxième rappel avant la mise en demeure officielle", long.trim()),
            ("Reminder", ""),
            ("=?utf-8?q?not_a_word", "-- \r\nno boundary"),
        ] {
            let (found, body) = read_back(subject, text);
            assert_eq!(found, Some(subject.replace("=?", "= ?")));
            assert_eq!(body, text.replace("\r\n", "\n").trim_end());
        }
        let (from, to) = ("compta@canal.example".parse().unwrap(), "me@canal.example".parse().unwrap());
        let plain = build_plain(&from, &to, "Très", "Ligne é\n", "a@b.example", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(subject_and_text(&plain), (Some("Très".to_owned()), "Ligne é".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_read_makes_it_stumble(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            subject_and_text(&bytes);
        }

        #[test]
        fn any_words_come_back(subject in "[ -~é漢]{1,120}", text in "[ -~é漢\n]{0,400}") {
            let (subject, text) = (subject.trim(), text.trim_end());
            let (found, body) = read_back(subject, text);
            proptest::prop_assert_eq!(body, text);
            if !subject.contains("=?") && !subject.contains("  ") {
                proptest::prop_assert_eq!(found.unwrap_or_default(), subject);
            }
        }
    }
}
