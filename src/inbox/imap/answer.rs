//! What an IMAP server says (RFC 3501), doubted: lines and counted bytes, each with a bound of its own, read so that whoever stops
//! waiting half way can go on later. What is no answer leaves the connection in doubt, and nothing else.

use crate::tls::Stream;
use std::io;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

/// How much one answer may hold.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of lines.
    pub line: usize,
    /// Counted bytes, all together.
    pub counted: usize,
}

/// What an ordinary answer may hold.
pub const ORDINARY: Bounds = Bounds { line: 64 << 10, counted: 64 << 10 };

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The end of a command.
    Done(Done),
    /// Something on the way, or of itself.
    Untagged(Untagged),
    /// «Go on.»
    Continue,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which command.
    pub tag: String,
    /// What the server says of it.
    pub state: State,
    /// In its own words.
    pub words: String,
}

/// What a server says of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Done.
    Ok,
    /// Not done.
    No,
    /// Not understood.
    Bad,
}

/// An answer without a tag: pieces of lines, and the counted bytes behind each but the last.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Untagged {
    pieces: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A message, or a part of one, as a server hands it over.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Its number for good.
    pub uid: Option<u32>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its bytes.
    pub body: Option<Vec<u8>>,
}

/// A piece of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Bytes(Vec<u8>),
    Open,
    Close,
}

/// One connection.
pub struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    line: Vec<u8>,
    pieces: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Counted bytes under way, and how many of them are to come.
    counted: Option<(Vec<u8>, usize)>,
    held: usize,
}

impl Wire {
    /// A conversation that begins.
    pub fn new(stream: Box<dyn Stream>) -> Wire {
        Wire { stream: BufReader::new(stream), line: Vec::new(), pieces: Vec::new(), counted: None, held: 0 }
    }

    /// The stream, for encrypting it. What came before that must not be taken for the server's encrypted words.
    pub fn into_stream(self) -> io::Result<Box<dyn Stream>> {
        match self.stream.buffer().is_empty() && self.line.is_empty() {
            true => Ok(self.stream.into_inner()),
            false => Err(io::Error::other("the server went on talking in the clear")),
        }
    }

    /// Says something.
    pub async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Reads one answer. Dropped half way it can be called again.
    pub async fn answer(&mut self, bounds: Bounds) -> io::Result<Answer> {
        loop {
            self.fill(bounds).await?;
            let line = std::mem::take(&mut self.line);
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some((before, length)) = count(line).filter(|_| !self.pieces.is_empty() || may_count(line)) {
                if length > bounds.counted.saturating_sub(self.held) {
                    return Err(io::Error::other(format!("{length} bytes in one piece, more than were asked for")));
                }
                self.held += length;
                self.pieces.push((before.to_vec(), None));
                self.counted = Some((Vec::new(), length));
                continue;
            }
            let mut pieces = std::mem::take(&mut self.pieces);
            pieces.push((line.to_vec(), None));
            self.held = 0;
            return read(pieces);
        }
    }

    /// Reads counted bytes that are to come, and then up to the end of a line.
    async fn fill(&mut self, bounds: Bounds) -> io::Result<()> {
        loop {
            if let Some((_, 0)) = self.counted {
                if let (Some((bytes, _)), Some(last)) = (self.counted.take(), self.pieces.last_mut()) {
                    last.1 = Some(bytes);
                }
                continue;
            }
            let chunk = self.stream.fill_buf().await?;
            if chunk.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
            }
            if let Some((bytes, left)) = &mut self.counted {
                let take = chunk.len().min(*left);
                bytes.extend_from_slice(&chunk[..take]);
                *left -= take;
                self.stream.consume(take);
                continue;
            }
            let end = memchr::memchr(b'\n', chunk).map(|at| at + 1);
            let take = end.unwrap_or(chunk.len());
            self.line.extend_from_slice(&chunk[..take]);
            self.stream.consume(take);
            let lines: usize = self.pieces.iter().map(|(line, _)| line.len() + 16).sum();
            if lines + self.line.len() > bounds.line {
                return Err(io::Error::other("an answer without end"));
            }
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

/// Whether counted bytes can follow a line: those that say how something went end in words for people, whatever these are.
fn may_count(line: &[u8]) -> bool {
    let word = line.strip_prefix(b"* ").map(|rest| rest.split(|b| *b == b' ').next().unwrap_or_default());
    word.is_some_and(|word| ![&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|state| word.eq_ignore_ascii_case(state)))
}

/// `… {123}` at the end of a line: what stands before it, and how many bytes follow.
fn count(line: &[u8]) -> Option<(&[u8], usize)> {
    let inner = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', inner)?;
    let figures = &inner[open + 1..];
    let good = (1..=10).contains(&figures.len()) && figures.iter().all(u8::is_ascii_digit);
    let length = good.then(|| std::str::from_utf8(figures).ok()?.parse().ok())??;
    Some((&line[..open], length))
}

fn read(pieces: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> io::Result<Answer> {
    let first = pieces.first().map(|(line, _)| line.as_slice()).unwrap_or_default();
    if first == b"+" || first.starts_with(b"+ ") {
        return Ok(Answer::Continue);
    }
    if first.starts_with(b"* ") {
        return Ok(Answer::Untagged(Untagged { pieces }));
    }
    let text = decoded(first);
    let done = || {
        let (tag, rest) = text.split_once(' ')?;
        let (state, words) = rest.split_once(' ').unwrap_or((rest, ""));
        let state = state_of(state)?;
        let good = !tag.is_empty() && tag.len() <= 20 && tag.bytes().all(|b| b.is_ascii_alphanumeric());
        good.then(|| Done { tag: tag.to_owned(), state, words: super::super::error::words(words) })
    };
    done().map(Answer::Done).ok_or_else(|| {
        let start: String = crate::domain::tame::tamed(&text).chars().take(100).collect();
        io::Error::other(format!("an answer that is none: {start:?}"))
    })
}

fn state_of(word: &str) -> Option<State> {
    match word.to_ascii_uppercase().as_str() {
        "OK" => Some(State::Ok),
        "NO" => Some(State::No),
        "BAD" => Some(State::Bad),
        _ => None,
    }
}

/// Words in UTF-8, or else in Latin-1, which can read anything.
fn decoded(words: &[u8]) -> String {
    match std::str::from_utf8(words) {
        Ok(text) => text.to_owned(),
        Err(_) => words.iter().map(|b| char::from(*b)).collect(),
    }
}

impl Untagged {
    /// The first line, without the star.
    pub fn text(&self) -> String {
        decoded(self.pieces.first().and_then(|(line, _)| line.get(2..)).unwrap_or_default())
    }

    /// Its first word in capitals: `OK`, `BYE`, `CAPABILITY`, a number.
    pub fn word(&self) -> String {
        let line = self.pieces.first().and_then(|(line, _)| line.get(2..)).unwrap_or_default();
        let word = line.split(|b| *b == b' ').next().unwrap_or_default();
        decoded(&word[..word.len().min(40)]).to_ascii_uppercase()
    }

    /// `* 23 EXISTS`: how many messages there are.
    pub fn exists(&self) -> Option<u32> {
        let text = self.text();
        let (number, what) = text.split_once(' ')?;
        what.trim().eq_ignore_ascii_case("EXISTS").then(|| number.parse().ok())?
    }

    /// The number in a code such as `[UIDVALIDITY 3857529045]`.
    pub fn code(&self, name: &str) -> Option<u32> {
        let text = self.text().to_ascii_uppercase();
        let (_, rest) = text.split_once(&format!("[{name} "))?;
        rest.split(']').next()?.trim().parse().ok()
    }

    /// The numbers of `* SEARCH …`.
    pub fn found(&self) -> impl Iterator<Item = u32> {
        let line = match self.word() == "SEARCH" {
            true => self.pieces.first().map(|(line, _)| line.as_slice()).unwrap_or_default(),
            false => &[],
        };
        line.split(|b| *b == b' ').skip(2).filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok())
    }

    /// `* 12 FETCH (…)`.
    pub fn fetched(self) -> Option<Fetched> {
        let mut tokens = self.tokens().into_iter();
        let number = matches!(tokens.next(), Some(Token::Word(number)) if number.parse::<u32>().is_ok());
        let fetch = matches!(tokens.next(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("FETCH"));
        if !number || !fetch || tokens.next() != Some(Token::Open) {
            return None;
        }
        let mut found = Fetched::default();
        while let Some(Token::Word(name)) = tokens.next() {
            let value = tokens.next()?;
            match (name.to_ascii_uppercase().as_str(), value) {
                ("UID", Token::Word(number)) => found.uid = number.parse().ok(),
                ("RFC822.SIZE", Token::Word(number)) => found.size = number.parse().ok(),
                (name, Token::Bytes(bytes)) if name.starts_with("BODY[") => found.body = Some(bytes),
                (_, Token::Open) => {
                    let mut depth = 1usize;
                    while depth > 0 {
                        match tokens.next()? {
                            Token::Open => depth += 1,
                            Token::Close => depth -= 1,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Some(found)
    }

    fn tokens(self) -> Vec<Token> {
        let mut tokens = Vec::new();
        for (n, (line, counted)) in self.pieces.into_iter().enumerate() {
            let mut rest = if n == 0 { line.get(2..).unwrap_or_default() } else { &line };
            while let Some(byte) = rest.first() {
                match byte {
                    b' ' => rest = &rest[1..],
                    b'(' | b')' => {
                        tokens.push(if *byte == b'(' { Token::Open } else { Token::Close });
                        rest = &rest[1..];
                    }
                    b'"' => {
                        let (bytes, behind) = quoted(&rest[1..]);
                        tokens.push(Token::Bytes(bytes));
                        rest = behind;
                    }
                    _ => {
                        let (word, behind) = word(rest);
                        tokens.push(Token::Word(decoded(word)));
                        rest = behind;
                    }
                }
            }
            tokens.extend(counted.map(Token::Bytes));
        }
        tokens
    }
}

fn quoted(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let (mut bytes, mut i) = (Vec::new(), 0);
    while let Some(byte) = text.get(i) {
        match byte {
            b'"' => return (bytes, &text[i + 1..]),
            b'\\' => {
                bytes.extend(text.get(i + 1));
                i += 2;
            }
            _ => {
                bytes.push(*byte);
                i += 1;
            }
        }
    }
    (bytes, &[])
}

/// A word; one such as `BODY[HEADER.FIELDS (FROM)]<0>` goes on to its bracket.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let mut inside = false;
    let ends = |byte: u8, inside: &mut bool| {
        match byte {
            b'[' => *inside = true,
            b']' => *inside = false,
            _ => {}
        }
        !*inside && matches!(byte, b' ' | b'(' | b')' | b'"')
    };
    let end = text.iter().position(|b| ends(*b, &mut inside)).unwrap_or(text.len()).max(1);
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8], bounds: Bounds) -> Vec<Result<Answer, String>> {
        let both = tokio::io::join(std::io::Cursor::new(bytes.to_vec()), tokio::io::sink());
        let mut wire = Wire::new(Box::new(both));
        let mut found = Vec::new();
        loop {
            let answer = wire.answer(bounds).await.map_err(|e| e.to_string());
            let over = answer.is_err();
            found.push(answer);
            if over {
                return found;
            }
        }
    }

    #[tokio::test]
    async fn answers_are_read_with_what_is_counted_in_them() {
        let mut found = all(
            b"* 1 FETCH (FLAGS (\\Seen (x)) BODY[]<0> {5}\r\na\r\n)b UID 7 RFC822.SIZE 99)\r\nr1 OK done\r\n+ go\r\n",
            ORDINARY,
        )
        .await;
        assert!(found.pop().is_some_and(|last| last.is_err_and(|e| e.contains("closed"))));
        assert_eq!(found.pop(), Some(Ok(Answer::Continue)));
        let done = Done { tag: "r1".to_owned(), state: State::Ok, words: "done".to_owned() };
        assert_eq!(found.pop(), Some(Ok(Answer::Done(done))));
        let Some(Ok(Answer::Untagged(untagged))) = found.pop() else { panic!("{found:?}") };
        let wanted = Fetched { uid: Some(7), size: Some(99), body: Some(b"a\r\n)b".to_vec()) };
        assert_eq!(untagged.fetched(), Some(wanted));
    }

    #[tokio::test]
    async fn answers_without_tags_say_what_they_are() {
        let read = async |text: &str| match all(format!("{text}\r\n").as_bytes(), ORDINARY).await.remove(0) {
            Ok(Answer::Untagged(untagged)) => untagged,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(read("* OK welcome to {5}").await.text(), "OK welcome to {5}");
        assert_eq!(read("* SEARCH 3 x 5 99999999999").await.found().collect::<Vec<_>>(), [3, 5]);
        assert_eq!(read("* OK [UIDVALIDITY 38575] yes").await.code("UIDVALIDITY"), Some(38575));
        assert_eq!((read("* 23 EXISTS").await.exists(), read("* 23 RECENT").await.exists()), (Some(23), None));
        assert_eq!(
            read("* 1 FETCH (BODY[HEADER (A B)] \"a\\\"b\" UID 2)").await.fetched().and_then(|f| f.body),
            Some(b"a\"b".to_vec())
        );
        for none in ["* 1 FETCH", "* FETCH (UID 1)", "* 1 FETCH (UID", "* 1 FETCH (X (((", "* "] {
            let fetched = read(none).await.fetched();
            assert!(fetched.is_none_or(|f| f.uid.is_none()), "{none}");
        }
    }

    #[tokio::test]
    async fn what_has_no_end_ends() {
        let small = Bounds { line: 100, counted: 10 };
        for bytes in [
            &b"* x".repeat(100)[..],
            b"* 1 FETCH (BODY[] {11}\r\nabcdefghijk)\r\n",
            b"* 1 FETCH (BODY[] {6}\r\nabcdef X {6}\r\nabcdef)\r\n",
            b"* {4294967295}\r\n",
            &b"* {0}\r\n".repeat(100)[..],
            b"r1 MAYBE\r\n",
            b"\r\n",
            b"nonsense\r\n",
        ] {
            let found = all(bytes, small).await;
            assert!(found.last().is_some_and(Result::is_err) && found.len() <= 2, "{found:?}");
        }
        assert!(matches!(all(b"* {9999999999999}\r\n", small).await[0], Ok(Answer::Untagged(_))), "that is no count");
    }
}
