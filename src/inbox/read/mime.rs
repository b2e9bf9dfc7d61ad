//! The parts of a mail (RFC 2045, RFC 2046): only as deep and as many as real mail has, each a piece of the bytes that came.
//! A mail inside a mail stays one part: whose words are in it is another question. Nothing is decoded before it is asked for.

use super::header::{Head, in_encoding};
use crate::domain::{base64, quoted};

/// So deep parts may lie in parts; what lies deeper stays as it is.
const DEEPEST: usize = 8;

/// So many parts are looked at.
const MOST_PARTS: usize = 200;

/// So much of a text is decoded: a hundred times what anybody writes.
const MOST_TEXT: usize = 512 << 10;

/// One part that has no parts.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// Kind and subkind in small letters: `text/plain` where nothing is said.
    pub(super) kind: String,
    /// Where it says what it is to be decoded by.
    charset: Option<String>,
    encoding: String,
    /// It is to be kept as a file, not to be shown.
    pub(super) attached: bool,
    /// Its bytes as they came.
    body: &'a [u8],
}

impl Part<'_> {
    /// What stands in it as text, decoded, up to a bound.
    pub(super) fn text(&self) -> String {
        in_encoding(self.charset.as_deref(), &self.bytes(MOST_TEXT))
    }

    /// What is in it as bytes, decoded; of so many bytes as they came.
    pub(super) fn bytes(&self, most: usize) -> Vec<u8> {
        let body = &self.body[..self.body.len().min(most)];
        match self.encoding.as_str() {
            "base64" => base64::decoded(body),
            "quoted-printable" => quoted::decoded(body),
            _ => body.to_vec(),
        }
    }
}

/// What kind of mail it is, and its parts in their order.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// Kind and subkind of the whole.
    pub(super) kind: String,
    /// What kind of report it says it is, where it is one.
    pub(super) report: Option<String>,
    /// The parts.
    pub(super) list: Vec<Part<'a>>,
}

/// Takes a mail apart.
pub(super) fn parts<'a>(head: &Head, body: &'a [u8]) -> Parts<'a> {
    let kind = Kind::of(head, "text/plain");
    let mut list = Vec::new();
    take(head, body, "text/plain", 0, &mut list);
    Parts { report: kind.parameter("report-type").map(str::to_ascii_lowercase), kind: kind.name, list }
}

fn take<'a>(head: &Head, body: &'a [u8], default: &str, depth: usize, list: &mut Vec<Part<'a>>) {
    let kind = Kind::of(head, default);
    if kind.name.starts_with("multipart/")
        && depth < DEEPEST
        && let Some(boundary) = kind.parameter("boundary").filter(|b| !b.is_empty())
    {
        let default = if kind.name == "multipart/digest" { "message/rfc822" } else { "text/plain" };
        let mut left = Pieces { rest: body, mark: format!("--{boundary}").into_bytes(), begun: false };
        while list.len() < MOST_PARTS
            && let Some(piece) = left.next()
        {
            let (head, body) = Head::read(piece);
            take(&head, body, default, depth + 1, list);
        }
        return;
    }
    let disposition = head.first("Content-Disposition").unwrap_or_default().to_ascii_lowercase();
    list.push(Part {
        charset: kind.parameter("charset").map(str::to_owned),
        kind: kind.name,
        encoding: head.first("Content-Transfer-Encoding").unwrap_or_default().trim().to_ascii_lowercase(),
        attached: disposition.trim_start().starts_with("attachment"),
        body,
    });
}

/// The pieces between lines of `--boundary`; what stands before the first one and behind the last is nobody's.
struct Pieces<'a> {
    rest: &'a [u8],
    mark: Vec<u8>,
    begun: bool,
}

impl<'a> Pieces<'a> {
    /// Where the next such line begins and ends, and whether it is the last.
    fn line(&self) -> Option<(usize, usize, bool)> {
        for at in memchr::memmem::find_iter(self.rest, &self.mark) {
            if at > 0 && self.rest[at - 1] != b'\n' {
                continue;
            }
            let behind = &self.rest[at + self.mark.len()..];
            let end = memchr::memchr(b'\n', behind).map_or(behind.len(), |n| n + 1);
            match behind[..end].trim_ascii() {
                b"" => return Some((at, at + self.mark.len() + end, false)),
                b"--" => return Some((at, at + self.mark.len() + end, true)),
                _ => {}
            }
        }
        None
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if !self.begun {
            let (_, end, last) = self.line()?;
            self.begun = true;
            self.rest = if last { &[] } else { &self.rest[end..] };
        }
        if self.rest.is_empty() {
            return None;
        }
        let Some((at, end, last)) = self.line() else {
            // Cut off on the way, or by us.
            return Some(std::mem::take(&mut self.rest));
        };
        let piece = &self.rest[..at];
        self.rest = if last { &[] } else { &self.rest[end..] };
        // The line end before the boundary belongs to it.
        let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
        Some(piece.strip_suffix(b"\r").unwrap_or(piece))
    }
}

/// Kind and parameters of a Content-Type.
struct Kind {
    name: String,
    parameters: Vec<(String, String)>,
}

impl Kind {
    fn of(head: &Head, default: &str) -> Kind {
        let value = head.first("Content-Type").unwrap_or_default();
        let mut name: String = value.split(';').next().unwrap_or_default().to_ascii_lowercase();
        name.retain(|c| !c.is_whitespace());
        if !name.contains('/') || name.len() > 100 {
            name = default.to_owned();
        }
        Kind { name, parameters: parameters(&value) }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// `; name=value; name="value"`; so many as anything has.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while found.len() < 20
        && let Some((name, after)) = rest.split_once('=')
    {
        let name = name.rsplit(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let after = after.trim_start();
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].split_whitespace().next().unwrap_or_default().to_owned(), &after[end..])
            }
        };
        found.push((name, value));
        rest = behind;
    }
    found
}

fn unquoted(text: &str) -> (String, &str) {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, &text[at + 1..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mail: &str) -> (String, Vec<(String, String)>) {
        let mail = mail.replace('\n', "\r\n");
        let (head, body) = Head::read(mail.as_bytes());
        let parts = parts(&head, body);
        (parts.kind, parts.list.iter().map(|p| (p.kind.clone(), p.text().replace("\r\n", "|"))).collect())
    }

    #[test]
    fn parts_are_found_in_parts() {
        let (kind, list) = read(
            "Content-Type: Multipart/Mixed; charset=x; boundary=\"b \\\"1\"\n\nnobody's\n--b \"1\nContent-Type: multipart/alternative;\n \
             boundary=b\n\n--b\n\none\n--b  \nContent-Type: text/html; charset=\"iso-8859-1\"\nContent-Transfer-Encoding: \
             quoted-printable\n\n=E9=\nt=E9\n--b--\nnobody's\n--b \"1\nContent-Type: message/rfc822\n\nSubject: x\n\n--b\n--b \"1--\nrest",
        );
        let wanted = [("text/plain", "one"), ("text/html", "été|"), ("message/rfc822", "Subject: x||--b")];
        assert_eq!(kind, "multipart/mixed");
        let list: Vec<(&str, &str)> = list.iter().map(|(k, t)| (k.as_str(), t.trim_end_matches('|'))).collect();
        assert_eq!(list, wanted.map(|(k, t)| (k, t.trim_end_matches('|'))));
    }

    #[test]
    fn what_is_cut_off_or_senseless_is_read_as_far_as_it_goes() {
        assert_eq!(read("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\ntwo").1.len(), 1);
        assert_eq!(read("Content-Type: multipart/mixed; boundary=b\n\nno part").1.len(), 0);
        assert_eq!(read("Content-Type: multipart/mixed\n\ntext").1[0].0, "multipart/mixed");
        assert_eq!(read("Content-Type: nonsense\n\ntext").1[0].0, "text/plain");
        assert_eq!(read("Content-Type: text/plain; charset=klingon\n\ntext").1[0].1, "text");
    }

    #[test]
    fn parts_and_depth_have_bounds() {
        let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(10_000));
        assert_eq!(read(&many).1.len(), MOST_PARTS);
        let mut deep = String::new();
        for _ in 0..10_000 {
            deep.push_str("Content-Type: multipart/mixed; boundary=b\n\n--b\n");
        }
        assert!(read(&deep).1.len() <= MOST_PARTS);
        let mut deep = String::new();
        for n in 0..1_000 {
            deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"));
        }
        assert_eq!(read(&deep).1[0].0, "multipart/mixed");
    }
}
