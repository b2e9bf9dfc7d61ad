//! HTML as plain text: no more than is needed to read what a person wrote. Tags go, blocks begin lines, what is quoted is
//! marked as in plain text. One pass, no tree, nothing that grows with how deep things lie.

/// So many bytes of HTML are read, and so many of text made.
const MOST_HTML: usize = 512 << 10;
const MOST_MADE: usize = 128 << 10;

/// So deep quotes are marked.
const DEEPEST: usize = 10;

/// Tags that begin a line of their own.
const BLOCKS: [&str; 22] = [
    "address",
    "article",
    "blockquote",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "header",
    "hr",
    "ol",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// Tags whose content is not for reading.
const UNREAD: [&str; 5] = ["head", "script", "style", "title", "svg"];

/// The text of a page.
pub fn to_text(html: &str) -> String {
    let mut end = html.len().min(MOST_HTML);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let (mut page, mut rest) = (Page::default(), &html[..end]);
    while let Some(at) = rest.find('<') {
        page.words(&rest[..at]);
        rest = page.tag(&rest[at..]);
        if page.out.len() > MOST_MADE {
            return page.out;
        }
    }
    page.words(rest);
    page.out
}

#[derive(Default)]
struct Page {
    out: String,
    quotes: usize,
}

impl Page {
    /// Reads one tag or comment; gives what stands behind it.
    fn tag<'h>(&mut self, html: &'h str) -> &'h str {
        if let Some(comment) = html.strip_prefix("<!--") {
            return comment.find("-->").map_or("", |at| &comment[at + 3..]);
        }
        let inner = &html[1..];
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            self.words("<");
            return inner;
        }
        let end = end_of_tag(inner);
        let (tag, behind) = (&inner[..end], inner.get(end + 1..).unwrap_or_default());
        let closes = tag.starts_with('/');
        let name = tag.trim_start_matches('/');
        let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
        let name = name.as_str();
        if UNREAD.contains(&name) && !closes && !tag.ends_with('/') {
            return behind_closing(behind, name);
        }
        match name {
            "br" => self.line(),
            "p" => {
                self.begin_line();
                if closes {
                    self.line();
                }
            }
            "li" if !closes => {
                self.begin_line();
                self.words("- ");
            }
            "td" | "th" if closes => self.words(" "),
            "blockquote" => {
                self.begin_line();
                self.quotes = if closes { self.quotes.saturating_sub(1) } else { self.quotes + 1 };
            }
            _ if BLOCKS.contains(&name) => self.begin_line(),
            _ => {}
        }
        behind
    }

    /// Words between tags: white space is one space, characters by name are read.
    fn words(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let (c, length) = match c {
                '&' => character(rest).unwrap_or(('&', 1)),
                c => (c, c.len_utf8()),
            };
            rest = &rest[length..];
            let at_start = self.out.is_empty() || self.out.ends_with('\n');
            if c.is_whitespace() {
                if !at_start && !self.out.ends_with(' ') {
                    self.out.push(' ');
                }
                continue;
            }
            if at_start && self.quotes > 0 {
                self.out.push_str(&"> ".repeat(self.quotes.min(DEEPEST)));
            }
            self.out.push(c);
        }
    }

    fn line(&mut self) {
        while self.out.ends_with(' ') {
            self.out.pop();
        }
        self.out.push('\n');
    }

    fn begin_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.line();
        }
    }
}

/// Where a tag ends: its `>`, but for those in quotation marks.
fn end_of_tag(inner: &str) -> usize {
    let mut mark = None;
    for (at, byte) in inner.bytes().enumerate().take(20_000) {
        match (byte, mark) {
            (b'>', None) => return at,
            (b'"' | b'\'', None) => mark = Some(byte),
            (byte, Some(begun)) if byte == begun => mark = None,
            _ => {}
        }
    }
    // A quotation mark that is never closed: the first `>` it is.
    inner.find('>').unwrap_or(inner.len())
}

/// What stands behind `</name …>`.
fn behind_closing<'h>(html: &'h str, name: &str) -> &'h str {
    let mut rest = html;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return rest.find('>').map_or("", |at| &rest[at + 1..]);
        }
    }
    ""
}

/// A character by name or number, such as `&eacute;` or `&#233;`, and how many bytes it takes.
fn character(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|b| b == b';')?;
    let name = text.get(1..end)?;
    let number = match name.strip_prefix('#') {
        Some(hex) if hex.starts_with(['x', 'X']) => u32::from_str_radix(&hex[1..], 16).ok(),
        Some(number) => number.parse().ok(),
        None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c as u32),
    };
    Some((char::from_u32(number?)?, end + 1))
}

/// The names that mail programs use where people write Western languages.
const NAMED: [(&str, char); 57] = [
    ("nbsp", ' '),
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("euro", '€'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("auml", 'ä'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("iacute", 'í'),
    ("ntilde", 'ñ'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("ouml", 'ö'),
    ("oelig", 'œ'),
    ("ugrave", 'ù'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("uuml", 'ü'),
    ("szlig", 'ß'),
    ("Agrave", 'À'),
    ("Acirc", 'Â'),
    ("Auml", 'Ä'),
    ("Ccedil", 'Ç'),
    ("Egrave", 'È'),
    ("Eacute", 'É'),
    ("Ecirc", 'Ê'),
    ("Icirc", 'Î'),
    ("Ocirc", 'Ô'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("deg", '°'),
    ("sect", '§'),
    ("middot", '·'),
    ("bull", '•'),
    ("copy", '©'),
];

#[cfg(test)]
mod tests {
    use super::to_text;

    #[test]
    fn pages_become_what_a_person_wrote() {
        for (html, text) in [
            ("<p>Bonjour,</p><p>Pay&eacute; le&nbsp;3 &#x2014; voil&#224;.</p>", "Bonjour,\n\nPayé le 3 — voilà.\n\n"),
            ("<html><head><title>x</title><style>p{}</style></head><body>a<br>b<BR/>c</body>", "a\nb\nc"),
            ("<div>one</div>\n <div>two <b>bold</b></div>", "one\ntwo bold\n"),
            ("a<!-- <p>no</p> -->b<script>if (1<2) x()</script>c", "abc"),
            ("yes<blockquote>no<blockquote>older</blockquote>no</blockquote>yes", "yes\n> no\n> > older\n> no\nyes"),
            ("<ul><li>x<li>y</ul>", "- x\n- y\n"),
            ("1 < 2 &amp; &unknown; &#xD800; <", "1 < 2 & &unknown; &#xD800; <"),
            ("<a href=\"x>y\" title='<'>link</a>", "link"),
            ("<a href=\"never closed>link</a>", "link"),
            ("<style>never closed", ""),
        ] {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    #[test]
    fn nothing_grows_without_bound() {
        for piece in ["<", "<blockquote>x", "</", "<!--", "&", "<script>", "<a '", "<li>"] {
            let made = to_text(&piece.repeat(200_000));
            assert!(made.len() <= super::MOST_HTML + super::MOST_MADE, "{piece}: {}", made.len());
        }
    }
}
