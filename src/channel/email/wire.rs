//! The conversation itself: commands as bytes, replies read to their end. Replies are doubted: they may be long,
//! in any encoding, or no replies at all. What is no reply leaves the connection in doubt, and nothing else.

use crate::tls::Stream;
use std::io;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

/// The longest line of a reply, and the most lines that one may have.
const MAX_LINE: u64 = 8 << 10;
const MAX_LINES: usize = 128;

/// What a server said: its code, and its words line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits: 200 to 599.
    pub code: u16,
    /// The words, line by line.
    pub lines: Vec<String>,
}

impl Reply {
    /// The words in one line.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// The parameters of a service that the server offers (a line of EHLO's answer).
    pub fn offers(&self, service: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            let (name, parameters) = line.split_once([' ', '=']).unwrap_or((line, ""));
            name.eq_ignore_ascii_case(service).then_some(parameters)
        })
    }
}

/// One connection.
pub struct Wire {
    stream: BufReader<Box<dyn Stream>>,
}

impl Wire {
    /// A conversation that begins.
    pub fn new(stream: Box<dyn Stream>) -> Wire {
        Wire { stream: BufReader::new(stream) }
    }

    /// The stream, for encrypting it. What came before that must not be taken for the server's encrypted words.
    pub fn into_stream(self) -> io::Result<Box<dyn Stream>> {
        match self.stream.buffer().is_empty() {
            true => Ok(self.stream.into_inner()),
            false => Err(io::Error::other("the server went on talking in the clear")),
        }
    }

    /// Says a command and waits for its reply.
    pub async fn ask(&mut self, command: impl ToString) -> io::Result<Reply> {
        self.tell(command.to_string().as_bytes()).await
    }

    /// Says something, which may be several commands, and waits for the first reply.
    pub async fn tell(&mut self, bytes: &[u8]) -> io::Result<Reply> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        self.reply().await
    }

    /// Reads a reply to its last line.
    pub async fn reply(&mut self) -> io::Result<Reply> {
        let mut lines = Vec::new();
        let mut code = None;
        while lines.len() < MAX_LINES {
            let mut line = Vec::new();
            (&mut self.stream).take(MAX_LINE).read_until(b'\n', &mut line).await?;
            if line.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
            }
            let (this, last, words) = parse(&line).ok_or_else(|| no_reply(&line))?;
            if *code.get_or_insert(this) != this {
                return Err(no_reply(&line));
            }
            lines.push(words);
            if last {
                return Ok(Reply { code: this, lines });
            }
        }
        Err(io::Error::other(format!("an answer of more than {MAX_LINES} lines")))
    }
}

fn no_reply(line: &[u8]) -> io::Error {
    let start: String = decoded(line).trim_end().chars().take(200).collect();
    io::Error::other(format!("an answer that is none: {start:?}"))
}

/// Code, whether it is the last line, and the words of a line of a reply.
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (code, rest) = line.split_at_checked(3)?;
    let code: u16 = std::str::from_utf8(code).ok()?.parse().ok().filter(|c| (200..600).contains(c))?;
    match rest.split_first() {
        None => Some((code, true, String::new())),
        Some((b' ', words)) => Some((code, true, decoded(words))),
        Some((b'-', words)) => Some((code, false, decoded(words))),
        Some(_) => None,
    }
}

/// Words in UTF-8, or else in Latin-1, which can read anything.
fn decoded(words: &[u8]) -> String {
    match std::str::from_utf8(words) {
        Ok(text) => text.to_owned(),
        Err(_) => words.iter().map(|b| char::from(*b)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &'static [u8]) -> Result<Reply, String> {
        let both = tokio::io::join(bytes, tokio::io::sink());
        Wire::new(Box::new(both)).reply().await.map_err(|e| e.to_string())
    }

    #[tokio::test]
    async fn replies_are_read_in_any_encoding() {
        let lines = |l: &[&str]| l.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        assert_eq!(read(b"250-a\r\n250 b\r\n").await, Ok(Reply { code: 250, lines: lines(&["a", "b"]) }));
        assert_eq!(read(b"250\r\n").await, Ok(Reply { code: 250, lines: lines(&[""]) }));
        assert_eq!(read(b"550 5.1.1 bo\xeete inconnue\n").await.unwrap().text(), "5.1.1 boîte inconnue");
        assert_eq!(read("550 5.1.1 boîte inconnue\r\n".as_bytes()).await.unwrap().text(), "5.1.1 boîte inconnue");
    }

    #[tokio::test]
    async fn what_is_no_reply_is_none() {
        for bytes in [&b"hello\r\n"[..], b"25", b"\r\n", b"999 x\r\n", b"250-a\r\n550 b\r\n", b"250x\r\n", b"+50 x\r\n", b""] {
            assert!(read(bytes).await.is_err(), "{bytes:?}");
        }
        assert!(read(Box::leak(format!("250 {}\r\n", "x".repeat(10_000)).into_boxed_str()).as_bytes()).await.is_err());
        assert!(read(Box::leak("250-x\r\n".repeat(1000).into_boxed_str()).as_bytes()).await.is_err());
    }

    #[test]
    fn services_are_found_by_name() {
        let ehlo = Reply { code: 250, lines: ["sink.example", "size 100", "AUTH PLAIN LOGIN", "DSN"].map(str::to_owned).into() };
        assert_eq!((ehlo.offers("SIZE"), ehlo.offers("dsn"), ehlo.offers("sink.example")), (Some("100"), Some(""), None));
        assert_eq!(ehlo.offers("AUTH"), Some("PLAIN LOGIN"));
    }
}
