//! Reading a mail as its recipient's program would: headers unfolded and decoded, parts decoded.

use base64::Engine as _;

/// A mail taken apart.
#[derive(Clone, Debug)]
pub struct Parsed {
    headers: Vec<(String, String)>,
    /// Content type and decoded text of each part of the words.
    pub parts: Vec<(String, String)>,
    /// What is attached.
    pub files: Vec<Attached>,
}

/// An attached file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    pub kind: String,
    /// Its name: in letters outside ASCII, where the mail gives it so.
    pub name: String,
    /// Its name in ASCII.
    pub ascii: String,
    pub bytes: Vec<u8>,
}

impl Parsed {
    pub fn new(bytes: &[u8]) -> Parsed {
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(text.is_ascii(), "a mail is ASCII on the wire");
        assert!(text.lines().all(|l| l.len() <= 998), "a line is longer than RFC 5322 allows");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "a bare CR or LF");
        let (head, _) = split(text);
        let headers = headers(head);
        let mut parsed = Parsed { headers, parts: Vec::new(), files: Vec::new() };
        parsed.take(text);
        parsed
    }

    /// Takes a part, and what is in it: of several, the one, an alternative inside what is mixed.
    fn take(&mut self, text: &str) {
        let (head, body) = split(text);
        let headers = headers(head);
        let kind = header(&headers, "Content-Type").unwrap_or_default();
        if let Some(boundary) = parameter(&kind, "boundary") {
            assert!(kind.starts_with("multipart/"), "{kind}");
            return inside(body, &boundary).into_iter().for_each(|part| self.take(part));
        }
        let Some(place) = header(&headers, "Content-Disposition") else { return self.parts.push(decode_part(text)) };
        assert!(place.starts_with("attachment;"), "{place}");
        assert_eq!(header(&headers, "Content-Transfer-Encoding").as_deref(), Some("base64"));
        let lines: Vec<&str> = body.split_terminator("\r\n").collect();
        let (last, whole) = lines.split_last().unwrap();
        assert!(whole.iter().all(|l| l.len() == 76) && (1..=76).contains(&last.len()), "lines of base64");
        let ascii = parameter(&place, "filename").unwrap();
        let (kind, name) = (kind.split(';').next().unwrap().to_owned(), extended(&place).unwrap_or_else(|| ascii.clone()));
        self.files.push(Attached { kind, name, ascii, bytes: base64(body) });
    }

    /// A header, decoded; it must stand once.
    pub fn header(&self, name: &str) -> String {
        let found: Vec<&String> = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v).collect();
        assert_eq!(found.len(), 1, "{name} stands {} times", found.len());
        found[0].clone()
    }

    /// The names of all headers, as they stand.
    pub fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The value of each header, decoded.
    pub fn values(&self) -> Vec<&str> {
        self.headers.iter().map(|(_, value)| value.as_str()).collect()
    }

    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// The part of a content type.
    pub fn part(&self, kind: &str) -> &str {
        &self.parts.iter().find(|(k, _)| k.starts_with(kind)).unwrap_or_else(|| panic!("no part {kind}")).1
    }

    pub fn text(&self) -> &str {
        self.part("text/plain")
    }
}

/// The parts between a boundary's lines; nothing stands before the first and behind the last (RFC 2046, section 5.1.1).
fn inside<'t>(body: &'t str, boundary: &str) -> Vec<&'t str> {
    let (line, end) = (format!("--{boundary}\r\n"), format!("--{boundary}--\r\n"));
    let mut rest = body.strip_prefix(&line).expect("nothing stands before the first part");
    let mut parts = Vec::new();
    loop {
        let at = |mark: &str| rest.find(&format!("\r\n{mark}")).map(|at| at + 2);
        match (at(&line), at(&end)) {
            (Some(next), end) if end.is_none_or(|end| next < end) => {
                parts.push(&rest[..next]);
                rest = &rest[next + line.len()..];
            }
            (_, Some(last)) => {
                parts.push(&rest[..last]);
                assert_eq!(&rest[last + end.len()..], "", "nothing stands behind the last part");
                return parts;
            }
            (_, None) => panic!("no end of {boundary}"),
        }
    }
}

/// A parameter in quotation marks.
fn parameter(header: &str, name: &str) -> Option<String> {
    let (_, rest) = header.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

/// A file's name in letters outside ASCII (RFC 2231).
fn extended(header: &str) -> Option<String> {
    let (_, value) = header.split_once(" filename*=utf-8''")?;
    Some(String::from_utf8(hex_escapes(value, '%')).unwrap())
}

fn split(text: &str) -> (&str, &str) {
    text.split_once("\r\n\r\n").unwrap_or((text, ""))
}

fn headers(head: &str) -> Vec<(String, String)> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let pair = |line: &str| line.split_once(':').map(|(n, v)| (n.to_owned(), decode_words(v.trim())));
    unfolded.split("\r\n").filter_map(pair).collect()
}

fn header(headers: &[(String, String)], name: &str) -> Option<String> {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone())
}

fn decode_part(text: &str) -> (String, String) {
    let (head, body) = split(text);
    let headers = headers(head);
    let kind = header(&headers, "Content-Type").unwrap_or_default();
    let encoding = header(&headers, "Content-Transfer-Encoding").unwrap_or_default();
    let bytes = match encoding.as_str() {
        "quoted-printable" => quoted_printable(body),
        "base64" => base64(body),
        _ => body.as_bytes().to_vec(),
    };
    (kind, String::from_utf8(bytes).unwrap().replace("\r\n", "\n"))
}

fn base64(text: &str) -> Vec<u8> {
    let plain: String = text.split_ascii_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(plain).unwrap()
}

fn quoted_printable(text: &str) -> Vec<u8> {
    assert!(text.lines().all(|l| l.len() <= 76), "a quoted-printable line is longer than 76");
    hex_escapes(&text.replace("=\r\n", ""), '=')
}

/// `=C3=A9` or `+2B` as bytes.
pub fn hex_escapes(text: &str, mark: char) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        out.extend_from_slice(before.as_bytes());
        out.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// RFC 2047: words such as `=?utf-8?b?…?=`; white space between two of them goes.
fn decode_words(text: &str) -> String {
    let mut out: Vec<u8> = Vec::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some((before, after)) = rest.split_once("=?") {
        if !(after_word && before.trim().is_empty()) {
            out.extend_from_slice(before.as_bytes());
        }
        let mut fields = after.splitn(3, '?');
        let (charset, encoding) = (fields.next().unwrap(), fields.next().unwrap());
        let (word, behind) = fields.next().unwrap().split_once("?=").unwrap();
        assert!(charset.eq_ignore_ascii_case("utf-8"));
        match encoding {
            "b" | "B" => out.extend(base64(word)),
            _ => out.extend(hex_escapes(&word.replace('_', " "), '=')),
        }
        rest = behind;
        after_word = true;
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8(out).unwrap()
}
