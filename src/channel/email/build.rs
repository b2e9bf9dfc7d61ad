//! Building a mail: headers and encodings (RFC 5322, MIME) by lettre, with the headers that keep machines from answering.

use super::address::in_ascii_domain;
use crate::domain::base64::{lines, lines_len};
use crate::domain::document::{Document, FileName};
use crate::domain::mail::Mail;
use jiff::Timestamp;
use lettre::Address;
use lettre::message::header::{self, HeaderName, HeaderValue, Headers};
use lettre::message::{Mailbox, Mailboxes, Message, SinglePart};
use std::ops::Range;

/// Where a message goes on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Return path; carries the bounce token.
    pub from: Address,
    /// The recipient.
    pub to: Address,
    /// For delivery reports (RFC 3461): our own number of the message.
    pub envid: String,
}

/// All that a mail is made of.
#[derive(Clone, Debug)]
pub struct MailParts<'a> {
    /// The words.
    pub mail: &'a Mail,
    /// From.
    pub from: &'a Mailbox,
    /// Where replies go; carries the reply token.
    pub reply_to: &'a Address,
    /// The name of the debtor, or of its person.
    pub name: &'a str,
    /// The recipient.
    pub to: &'a Address,
    /// Who gets a copy.
    pub cc: &'a [Address],
    /// The address it was meant for, when all goes to `redirect_to`.
    pub redirected_from: Option<&'a str>,
    /// Message-ID without brackets.
    pub message_id: &'a str,
    /// The first mail of the matter.
    pub thread: Option<&'a str>,
    /// The Date header.
    pub date: Timestamp,
    /// Copies of invoices, in their order.
    pub copies: &'a [Copy<'a>],
}

/// A copy of an invoice.
#[derive(Clone, Copy, Debug)]
pub struct Copy<'a> {
    /// What it is called.
    pub name: &'a FileName,
    /// What it is.
    pub document: &'a Document,
}

/// A mail, built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// Where each copy stands in them, in base64.
    pub copies: Vec<Range<usize>>,
}

/// A mail that cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the mail cannot be built: {0}")]
pub struct BuildError(String);

/// The exact bytes of a mail.
pub fn build(parts: &MailParts) -> Result<Built, BuildError> {
    let subject = match parts.redirected_from {
        Some(real) => format!("[to: {real}] {}", short(&parts.mail.subject)),
        None => short(&parts.mail.subject),
    };
    // A header knows no letters outside ASCII but in words; a domain has a form in ASCII.
    let to = in_ascii_domain(parts.to).ok_or_else(|| BuildError(format!("{} has no form in ASCII", parts.to)))?;
    let mut headers = Headers::with_capacity(14);
    headers.set(header::From::from(Mailboxes::from(parts.from.clone())));
    headers.set(header::To::from(Mailboxes::from(Mailbox::new(Some(short(parts.name)), to))));
    if !parts.cc.is_empty() {
        let plain = |address: &Address| {
            let form = in_ascii_domain(address).ok_or_else(|| BuildError(format!("{address} has no form in ASCII")))?;
            Ok(Mailbox::new(None, form))
        };
        let copies: Vec<Mailbox> = parts.cc.iter().map(plain).collect::<Result<_, BuildError>>()?;
        headers.set(header::Cc::from(copies.into_iter().collect::<Mailboxes>()));
    }
    headers.set(header::ReplyTo::from(Mailboxes::from(Mailbox::new(None, parts.reply_to.clone()))));
    headers.set(header::Subject::from(subject));
    headers.set(header::MessageId::from(format!("<{}>", parts.message_id)));
    if let Some(thread) = parts.thread.filter(|t| *t != parts.message_id) {
        headers.set(header::InReplyTo::from(format!("<{thread}>")));
        headers.set(header::References::from(format!("<{thread}>")));
    }
    headers.insert_raw(raw("Auto-Submitted", "auto-generated"));
    headers.insert_raw(raw("X-Auto-Response-Suppress", "OOF, AutoReply"));
    headers.insert_raw(raw("Content-Language", &parts.mail.language));
    headers.insert_raw(raw("Date", &rfc2822(parts.date)));
    headers.set(header::MIME_VERSION_1_0);
    let boundary = boundary(parts.message_id);
    Ok(match parts.copies {
        [] => Built { bytes: alternative(&headers.to_string(), &boundary, parts.mail), copies: Vec::new() },
        copies => mixed(&headers, &boundary, alternative("", &boundary, parts.mail), copies),
    })
}

/// A mail with copies behind its words (RFC 2046, section 5.1.3).
fn mixed(headers: &Headers, inner: &str, words: Vec<u8>, copies: &[Copy]) -> Built {
    // Neither boundary begins with the other.
    let boundary = format!("=_with_{}", inner.trim_start_matches("=_"));
    let size: usize = copies.iter().map(|c| lines_len(c.document.bytes.len()) + PART).sum();
    let mut out = Vec::with_capacity(HEADERS + words.len() + size);
    put(&mut out, format_args!("{headers}Content-Type: multipart/mixed;\r\n boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"));
    out.extend_from_slice(&words);
    let mut places = Vec::with_capacity(copies.len());
    for copy in copies {
        let (kind, name) = (copy.document.kind.content_type(), &copy.name.ascii);
        put(&mut out, format_args!("--{boundary}\r\nContent-Type: {kind};\r\n name=\"{name}\"\r\n"));
        put(
            &mut out,
            format_args!("Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n filename=\"{name}\""),
        );
        if let Some(full) = &copy.name.full {
            put(&mut out, format_args!(";\r\n filename*=utf-8''{}", percent(full)));
        }
        out.extend_from_slice(b"\r\n\r\n");
        let start = out.len();
        lines(&copy.document.bytes, &mut out);
        places.push(start..out.len());
    }
    put(&mut out, format_args!("--{boundary}--\r\n"));
    Built { bytes: out, copies: places }
}

/// A value of a parameter in letters outside ASCII (RFC 2231, section 4; RFC 5987, section 3.2.1, says which need no figures).
fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// What the headers of a part take, about, in bytes.
const PART: usize = 1200;

/// What the headers of a mail take, about, in bytes.
const HEADERS: usize = 1200;

/// A mail in two forms of the same words (RFC 2046, section 5.1.4), written into one piece of memory.
fn alternative(headers: &str, boundary: &str, mail: &Mail) -> Vec<u8> {
    let text = quoted(header::ContentType::TEXT_PLAIN, &mail.text).formatted();
    // A character outside ASCII takes some bytes more, and a letter may have many of them.
    let mut out = Vec::with_capacity(HEADERS + text.len() + mail.html.len() + mail.html.len() / 4);
    put(&mut out, format_args!("{headers}Content-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n\r\n"));
    put(&mut out, format_args!("--{boundary}\r\n"));
    out.extend_from_slice(&text);
    put(&mut out, format_args!("--{boundary}\r\n"));
    html(&mut out, &mail.html);
    put(&mut out, format_args!("--{boundary}--\r\n"));
    out
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments) {
    use std::io::Write as _;
    // Memory takes everything.
    out.write_fmt(text).ok();
}

/// The first mail of the matter, as a mail built here names it; `None` when it is the first itself.
pub fn thread_of(mail: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(mail);
    let head = text.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
    let references = head.lines().find_map(|line| line.strip_prefix("References:"))?;
    let first = references.split_whitespace().next()?;
    Some(first.trim_start_matches('<').trim_end_matches('>').to_owned())
}

/// A plain text mail, for alerts to the creditor.
pub fn build_plain(
    from: &Mailbox,
    to: &Address,
    subject: &str,
    text: &str,
    id: &str,
    date: Timestamp,
) -> Result<Vec<u8>, BuildError> {
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(short(subject))
        .message_id(Some(format!("<{id}>")))
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("Date", &rfc2822(date)))
        .singlepart(quoted(header::ContentType::TEXT_PLAIN, text))
        .map_err(|e| BuildError(e.to_string()))?;
    Ok(message.formatted())
}

/// The longest text of a customer's or the ledger's making that a header takes. A header is broken only between
/// words, and a line of it may have 998 bytes at most (RFC 5322, section 2.1.1).
const LONGEST_WORDS: usize = 300;

/// A text for a header; a longer one is cut. It is told whole in the body. What looks like an encoded word (RFC 2047) and is
/// none of ours is taken apart: a reader's program would show what is hidden in it, ends of lines among that.
fn short(text: &str) -> String {
    let text = text.replace("=?", "= ?");
    match text.char_indices().nth(LONGEST_WORDS) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text,
    }
}

/// The longest line that goes without an encoding; RFC 5322, section 2.1.1, allows 998 bytes.
const LONGEST_LINE: usize = 900;

/// The HTML part. What is not ASCII becomes a character reference, so that it needs no encoding: shorter than
/// quoted-printable, which writes every `=` of every attribute as three bytes.
fn html(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    out.extend_from_slice(b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n");
    if ascii_lines(out, text) {
        out.extend_from_slice(b"\r\n");
    } else {
        out.truncate(start);
        out.extend_from_slice(&quoted(header::ContentType::TEXT_HTML, text).formatted());
    }
}

/// Appends HTML in ASCII, its lines ended as on the wire; false when one of them is too long.
fn ascii_lines(out: &mut Vec<u8>, html: &str) -> bool {
    for line in html.lines() {
        let start = out.len();
        let mut rest = line;
        while let Some(at) = rest.bytes().position(|b| !b.is_ascii()) {
            let (plain, behind) = rest.split_at(at);
            out.extend_from_slice(plain.as_bytes());
            let mut behind = behind.chars();
            behind.next().into_iter().for_each(|c| reference(out, c));
            rest = behind.as_str();
        }
        out.extend_from_slice(rest.as_bytes());
        if out.len() - start > LONGEST_LINE {
            return false;
        }
        out.extend_from_slice(b"\r\n");
    }
    true
}

/// A character as HTML writes it in ASCII: `&#8364;`. There are many in a letter, so without the machinery of formats.
fn reference(out: &mut Vec<u8>, character: char) {
    let (mut digits, mut left, mut first) = ([b'0'; 10], u32::from(character), 9);
    loop {
        digits[first] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
        first -= 1;
    }
    out.extend_from_slice(b"&#");
    out.extend_from_slice(&digits[first..]);
    out.push(b';');
}

/// A part in quoted-printable.
fn quoted(kind: header::ContentType, text: &str) -> SinglePart {
    SinglePart::builder().header(kind).header(header::ContentTransferEncoding::QuotedPrintable).body(
        lettre::message::Body::new_with_encoding(text.to_owned(), header::ContentTransferEncoding::QuotedPrintable)
            .unwrap_or_else(
                // Quoted-printable can carry any text; the other encoding is there for the type.
                lettre::message::Body::new,
            ),
    )
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// The boundary follows from the Message-ID, so that the same message has the same bytes.
fn boundary(message_id: &str) -> String {
    let plain: String = message_id.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("=_{plain}")
}

fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// `local+TOKEN@domain`.
pub fn with_token(base: &Address, token: &str) -> Option<Address> {
    Address::new(format!("{}+{token}", base.user()), base.domain()).ok()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_LINE, ascii_lines};

    #[test]
    fn letters_outside_ascii_become_references() {
        let html = "<p>\u{e9}t\u{e9} 1\u{202f}000\u{a0}\u{20ac}</p>\n\n\u{1f600}b\n";
        let mut out = Vec::new();
        assert!(ascii_lines(&mut out, html));
        assert_eq!(out, b"<p>&#233;t&#233; 1&#8239;000&#160;&#8364;</p>\r\n\r\n&#128512;b\r\n");
    }

    #[test]
    fn a_line_too_long_wants_an_encoding() {
        let line = "x".repeat(LONGEST_LINE);
        assert!(ascii_lines(&mut Vec::new(), &line));
        assert!(!ascii_lines(&mut Vec::new(), &format!("{line}\u{e9}")));
    }
}
