//! The copy of an invoice: what it may be, what it is called, and why there is none.

use std::fmt;

/// What a copy may be. Nothing that a reader's machine would run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// What nearly all of them are.
    Pdf,
    /// A structured invoice (UBL, CII).
    Xml,
    /// A scan.
    Png,
    /// A scan.
    Jpeg,
}

/// The roots of structured invoices: UBL has the first two, CII the last.
const ROOTS: [&[u8]; 3] = [b"Invoice", b"CreditNote", b"CrossIndustryInvoice"];

impl DocumentKind {
    /// The kind, from how the bytes begin; a name says nothing.
    pub fn of(bytes: &[u8]) -> Option<DocumentKind> {
        match bytes {
            _ if bytes.starts_with(b"%PDF-") => Some(DocumentKind::Pdf),
            _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some(DocumentKind::Png),
            _ if bytes.starts_with(b"\xff\xd8\xff") => Some(DocumentKind::Jpeg),
            _ if root(bytes).is_some_and(|root| ROOTS.contains(&root)) => Some(DocumentKind::Xml),
            _ => None,
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            DocumentKind::Pdf => "application/pdf",
            DocumentKind::Xml => "application/xml",
            DocumentKind::Png => "image/png",
            DocumentKind::Jpeg => "image/jpeg",
        }
    }

    /// The end of its name.
    fn extension(self) -> &'static str {
        match self {
            DocumentKind::Pdf => "pdf",
            DocumentKind::Xml => "xml",
            DocumentKind::Png => "png",
            DocumentKind::Jpeg => "jpg",
        }
    }
}

/// The local name of an XML document's root. None where a DOCTYPE or an instruction stands before it (a stylesheet could
/// be a program), or where it is no XML in UTF-8.
fn root(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if rest.starts_with(b"<?xml") && rest.get(5).is_some_and(u8::is_ascii_whitespace) {
        rest = behind(rest, b"?>")?;
    }
    loop {
        rest = rest.trim_ascii_start();
        match rest.strip_prefix(b"<!--") {
            Some(comment) => rest = behind(comment, b"-->")?,
            None => break,
        }
    }
    let name = rest.strip_prefix(b"<")?;
    let end = name.iter().position(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))?;
    name[..end].rsplit(|b| *b == b':').next()
}

fn behind<'b>(bytes: &'b [u8], end: &[u8]) -> Option<&'b [u8]> {
    bytes.windows(end.len()).position(|w| w == end).map(|at| &bytes[at + end.len()..])
}

/// A copy, read.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// SHA-256 of the bytes.
    pub hash: [u8; 32],
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} bytes", self.kind, self.bytes.len())
    }
}

/// Why a copy cannot be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoCopy {
    /// The ledger names none.
    None,
    /// The ledger gives a link.
    Link,
    /// There is no such file.
    Missing,
    /// It lies outside the folder of documents.
    Outside,
    /// It is a folder or a device.
    NoFile,
    /// It may not be read, or reading it failed.
    Unreadable,
    /// It is none of the kinds that are attached.
    Kind,
    /// It does not fit beside the other copies.
    TooLarge,
}

impl NoCopy {
    /// The stable word in the log.
    pub fn code(self) -> &'static str {
        match self {
            NoCopy::None => "none",
            NoCopy::Link => "link",
            NoCopy::Missing => "missing",
            NoCopy::Outside => "outside",
            NoCopy::NoFile => "no_file",
            NoCopy::Unreadable => "unreadable",
            NoCopy::Kind => "kind",
            NoCopy::TooLarge => "too_large",
        }
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            NoCopy::None => "the ledger names no document",
            NoCopy::Link => "the ledger gives a link, which is not fetched",
            NoCopy::Missing => "the file is not there",
            NoCopy::Outside => "the file lies outside [documents] folder",
            NoCopy::NoFile => "it is not a file",
            NoCopy::Unreadable => "the file cannot be read",
            NoCopy::Kind => "it is no PDF, PNG, JPEG or structured invoice in XML",
            NoCopy::TooLarge => "it does not fit into [documents] max_size, or into what the mail server takes",
        }
    }

    /// Whether somebody should see to it: that the ledger names no file at all is as it should be.
    pub fn is_fault(self) -> bool {
        !matches!(self, NoCopy::None | NoCopy::Link)
    }
}

/// The longest name, without its end.
const LONGEST_NAME: usize = 60;

/// What a copy is called: the invoice's number, made safe for every system of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// In ASCII.
    pub ascii: String,
    /// With all its letters, where ASCII has not all of them.
    pub full: Option<String>,
}

impl FileName {
    /// The name of the n-th copy with this number in a message, counted from 1.
    pub fn of(number: &str, kind: DocumentKind, n: usize) -> FileName {
        let mut name = String::new();
        for c in number.chars() {
            let safe = if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
            if !(safe == '-' && name.ends_with('-')) && name.chars().count() < LONGEST_NAME {
                name.push(safe);
            }
        }
        let name = name.trim_matches(['-', '.']);
        let name = if name.is_empty() { "invoice" } else { name };
        let again = if n > 1 { format!("-{n}") } else { String::new() };
        let whole = format!("{name}{again}.{}", kind.extension());
        let ascii: String = whole.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
        FileName { full: (ascii != whole).then_some(whole), ascii }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_what_the_bytes_say() {
        let kind = |bytes: &[u8]| DocumentKind::of(bytes);
        assert_eq!(kind(b"%PDF-1.7\n"), Some(DocumentKind::Pdf));
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n..."), Some(DocumentKind::Png));
        assert_eq!(kind(b"\xff\xd8\xff\xe0"), Some(DocumentKind::Jpeg));
        let ubl = b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- a > b -->\n<Invoice xmlns=\"urn:x\">";
        assert_eq!(kind(ubl), Some(DocumentKind::Xml));
        assert_eq!(kind(b"<rsm:CrossIndustryInvoice>"), Some(DocumentKind::Xml));
        let refused: [&[u8]; 12] = [
            b"",
            b"PDF",
            b" %PDF-1.4",
            b"MZ\x90",
            b"#!/bin/sh",
            b"<html>",
            b"<?xml version=\"1.0\"?><svg>",
            b"<?xml version=\"1.0\"?><!DOCTYPE Invoice [<!ENTITY x SYSTEM 'y'>]><Invoice>",
            b"<?xml version=\"1.0\"?><?xml-stylesheet href='x.xsl'?><Invoice>",
            b"<Invoice",
            b"<!-- <Invoice>",
            b"PK\x03\x04",
        ];
        for bytes in refused {
            assert_eq!(kind(bytes), None, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_name_is_safe_everywhere() {
        let name = |number: &str| FileName::of(number, DocumentKind::Pdf, 1);
        let plain = |ascii: &str| FileName { ascii: ascii.to_owned(), full: None };
        assert_eq!(name("F-2026/0118"), plain("F-2026-0118.pdf"));
        assert_eq!(name("../../etc/passwd"), plain("etc-passwd.pdf"));
        assert_eq!(name("a\"; b\r\nX: y\\"), plain("a-b-X-y.pdf"));
        assert_eq!(name("-.-"), plain("invoice.pdf"));
        assert_eq!(FileName::of("F 1", DocumentKind::Xml, 2), plain("F-1-2.xml"));
        let long = name(&"9".repeat(500));
        assert_eq!(long.ascii.len(), LONGEST_NAME + 4);
        let letters = name("Fällig 7");
        assert_eq!((letters.ascii.as_str(), letters.full.as_deref()), ("F_llig-7.pdf", Some("Fällig-7.pdf")));
        // Nothing that turns the direction of writing, so that "fdp.exe" cannot look like another name.
        assert_eq!(name("F\u{202e}fdp.exe"), plain("F-fdp.exe.pdf"));
    }
}
