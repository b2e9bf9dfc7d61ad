//! The head of a mail, as its writer or a machine on the way made it: fields in their order, unfolded, within bounds, in any
//! encoding. Nothing is assumed of it but that it ends.

use crate::domain::base64;
use crate::domain::quoted::escapes;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// So many fields of a head are read, and so many bytes of one: mail that went a long way has some hundred fields, and a
/// list of recipients some thousand bytes.
const MOST_FIELDS: usize = 1_000;
const MOST_VALUE: usize = 64 << 10;

/// The fields of a head.
#[derive(Debug, Default)]
pub(super) struct Head<'a>(Vec<(&'a [u8], Vec<u8>)>);

impl<'a> Head<'a> {
    /// Reads a head, and says where behind it the body begins.
    pub(super) fn read(bytes: &'a [u8]) -> (Head<'a>, &'a [u8]) {
        let mut fields: Vec<(&[u8], Vec<u8>)> = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            let content = line.trim_ascii_end();
            if content.is_empty() {
                return (Head(fields), after);
            }
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                if let Some((_, value)) = fields.last_mut() {
                    append(value, content.trim_ascii_start());
                }
            } else if let Some(colon) = memchr::memchr(b':', content).filter(|at| is_name(&content[..*at])) {
                if fields.len() < MOST_FIELDS {
                    let value = content[colon + 1..].trim_ascii_start();
                    fields.push((content[..colon].trim_ascii_end(), value[..value.len().min(MOST_VALUE)].to_vec()));
                }
            } else if fields.is_empty() {
                // Not even a head: all of it is the body. (`From …`, as mailboxes in one file begin a mail, is passed over.)
                if !line.starts_with(b"From ") {
                    return (Head(fields), rest);
                }
            } else {
                // A head that ends without an empty line.
                return (Head(fields), rest);
            }
            rest = after;
        }
        (Head(fields), rest)
    }

    /// Whether there is no field at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of all fields of a name, in their order.
    pub(super) fn raw(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let name = name.to_owned();
        self.0.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value.as_slice())
    }

    /// The values of all fields of a name, as they stand.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = String> {
        self.raw(name).map(in_any_encoding)
    }

    /// The first field of a name, as it stands.
    pub(super) fn first(&self, name: &str) -> Option<String> {
        self.raw(name).next().map(in_any_encoding)
    }

    /// The first field of a name, its encoded words read.
    pub(super) fn words(&self, name: &str) -> Option<String> {
        self.first(name).map(|value| encoded_words(&value))
    }

    /// Whether there is a field whose name begins so.
    pub(super) fn has_beginning(&self, beginning: &str) -> bool {
        let beginning = beginning.as_bytes();
        self.0.iter().any(|(name, _)| name.get(..beginning.len()).is_some_and(|n| n.eq_ignore_ascii_case(beginning)))
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).next().is_some()
    }
}

fn append(value: &mut Vec<u8>, more: &[u8]) {
    if value.len() < MOST_VALUE {
        value.push(b' ');
        value.extend_from_slice(&more[..more.len().min(MOST_VALUE - value.len().min(MOST_VALUE))]);
    }
}

fn is_name(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    !text.is_empty() && text.len() <= 200 && text.iter().all(|b| (33..127).contains(b))
}

/// Bytes as text: UTF-8, or else what Western mail programs write when they name no encoding.
pub(super) fn in_any_encoding(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Bytes in a named encoding; one that nobody knows is taken for UTF-8 or else Western.
pub(super) fn in_encoding(name: Option<&str>, bytes: &[u8]) -> String {
    match name.and_then(|name| Encoding::for_label(name.trim().as_bytes())) {
        // What says ASCII or Western is often UTF-8 all the same, and never by accident.
        Some(encoding) if encoding != WINDOWS_1252 && encoding != UTF_8 => encoding.decode(bytes).0.into_owned(),
        _ => in_any_encoding(bytes),
    }
}

/// Reads words such as `=?utf-8?b?…?=` (RFC 2047); white space between two of them goes. What is none stays as it is.
pub(super) fn encoded_words(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    // Bytes of one encoding wait for the next word: some programs cut a character in two.
    let (mut waiting, mut charset): (Vec<u8>, Option<String>) = (Vec::new(), None);
    while let Some((before, name, bytes, behind)) = next_word(rest) {
        let apart = !(charset.is_some() && before.trim().is_empty());
        if apart || charset.as_deref().is_some_and(|c| !c.eq_ignore_ascii_case(name)) {
            out.push_str(&in_encoding(charset.as_deref(), &waiting));
            waiting.clear();
        }
        if apart {
            out.push_str(before);
        }
        waiting.extend(bytes);
        (charset, rest) = (Some(name.to_owned()), behind);
    }
    out.push_str(&in_encoding(charset.as_deref(), &waiting));
    out.push_str(rest);
    out
}

/// The first encoded word: what stands before it, its encoding, its bytes, what stands behind.
fn next_word(text: &str) -> Option<(&str, &str, Vec<u8>, &str)> {
    let mut from = 0;
    while let Some(at) = text[from..].find("=?").map(|at| from + at) {
        // An encoded word is short; whatever goes on for longer is none.
        let mut end = text.len().min(at + 2 + 4_000);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut fields = text[at + 2..end].splitn(3, '?');
        if let (Some(name), Some(kind), Some(rest)) = (fields.next(), fields.next(), fields.next())
            && name.len() <= 60
            && !name.contains(char::is_whitespace)
            && let Some(length) = rest.find("?=")
        {
            let word = &rest[..length];
            let bytes = match kind {
                "b" | "B" => Some(base64::decoded(word.as_bytes())),
                "q" | "Q" => Some(escapes(word.replace('_', " ").as_bytes())),
                _ => None,
            };
            if let Some(bytes) = bytes {
                // A language may stand behind the encoding (RFC 2231).
                let charset = name.split('*').next().unwrap_or_default();
                let begins = at + 2 + name.len() + 1 + kind.len() + 1;
                return Some((&text[..at], charset, bytes, &text[begins + length + 2..]));
            }
        }
        from = at + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_unfolded_and_found_in_any_case() {
        let mail = b"From user Mon\r\nSubject: one\r\n two\r\n\tthree\r\nsubject : four\r\nX-Caf\xe9: no\r\n\r\nbody";
        let (head, body) = Head::read(mail);
        assert_eq!(head.all("SUBJECT").collect::<Vec<_>>(), ["one two three", "four"]);
        assert!(body.starts_with(b"X-Caf\xe9"), "what is no field ends the head");
        let (head, body) = Head::read(b"A: b\nC: \xe9t\xe9\n\nbody\n");
        assert_eq!((head.first("c").as_deref(), body), (Some("été"), &b"body\n"[..]));
        assert_eq!(Head::read(b"no head here\nA: b\n").1, b"no head here\nA: b\n");
        assert!(Head::read(b"").0.is_empty());
    }

    #[test]
    fn encoded_words_are_read_and_what_is_none_stays() {
        for (text, read) in [
            ("=?utf-8?Q?R=C3=A9ponse_automatique?= : =?ISO-8859-1?B?6XTp?=", "Réponse automatique : été"),
            ("=?utf-8?b?w6k=?= =?utf-8?b?w6k=?=", "éé"),
            ("=?utf-8?q?=C3?=\r\n =?utf-8?q?=A9?=", "é"),
            ("=?utf-8*fr?q?=C3=A9?=", "é"),
            ("a =?x", "a =?x"),
            ("=?utf-8?z?x?= =?utf-8?q?y?=", "=?utf-8?z?x?= y"),
            ("=?no-such?q?=E9?=", "é"),
            ("1 =? 2 ?= 3", "1 =? 2 ?= 3"),
        ] {
            assert_eq!(encoded_words(text), read, "{text}");
        }
    }

    #[test]
    fn heads_have_bounds() {
        let many = "A: b\r\n".repeat(50_000);
        assert_eq!(Head::read(many.as_bytes()).0.0.len(), MOST_FIELDS);
        let long = format!("A: {}\r\n {}\r\n", "x".repeat(200_000), "y".repeat(200_000));
        assert!(Head::read(long.as_bytes()).0.first("a").is_some_and(|a| a.len() <= MOST_VALUE + 1));
    }
}
