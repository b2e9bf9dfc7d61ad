//! One conversation with an IMAP server: encryption, login, the folder, commands and their ends. Who stops waiting for one of
//! these has a connection in doubt, and drops it.

use super::answer::{Answer, Bounds, Done, ORDINARY, State, Untagged, Wire};
use super::{InboxError, Trouble, words};
use crate::clock::Stopwatch;
use crate::config::secret::Secret;
use crate::config::settings::{ImapSettings, Tls};
use crate::domain::base64;
use crate::tls::{self, Stream};
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// A server that has more to say about one command says nonsense.
const MOST_ANSWERS: usize = 10_000;

/// A connection with a folder open.
pub(super) struct Open {
    wire: Wire,
    name: String,
    deadline: Duration,
    tags: u32,
    capabilities: Vec<String>,
    /// The server's last words, if it has taken its leave.
    bye: Option<String>,
    /// The folder's own number: another one, and all messages have other numbers.
    pub(super) validity: u32,
    pub(super) exists: u32,
    /// It tells of news.
    pub(super) idles: bool,
    /// It can move.
    pub(super) moves: bool,
    /// It can clear away some messages and not others.
    pub(super) expunges: bool,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(connection)")
    }
}

impl Open {
    /// Connects, encrypts, logs in and opens the folder; for reading only, unless something is to be written.
    pub(super) async fn connect(settings: &ImapSettings, password: &Secret, writes: bool) -> Result<Open, InboxError> {
        let name = format!("{}:{}", settings.host, settings.port);
        let late = |what: &str| late(&name, what, settings.timeout);
        let tcp = timeout(settings.timeout, TcpStream::connect((settings.host.as_str(), settings.port)))
            .await
            .map_err(|_| late("the connection"))?
            .map_err(|e| InboxError::new(Trouble::Network, format!("cannot connect to {name}: {e}; see [inbox] url")))?;
        tcp.set_nodelay(true).map_err(|e| InboxError::new(Trouble::Network, format!("{name}: {e}")))?;
        let stream: Box<dyn Stream> = match settings.tls {
            Tls::Implicit => encrypt(settings, &name, Box::new(tcp)).await?,
            Tls::StartTls | Tls::None => Box::new(tcp),
        };
        let mut open = Open::new(Wire::new(stream), name, settings.timeout);
        let preauth = open.greeting().await?;
        if settings.tls == Tls::StartTls {
            open = open.starttls(settings, preauth).await?;
        }
        if !preauth {
            open.capability().await?;
            open.login(&settings.user, password).await?;
        }
        open.capability().await?;
        let has = |open: &Open, name: &str| open.capabilities.iter().any(|c| c == name);
        (open.idles, open.moves, open.expunges) = (has(&open, "IDLE"), has(&open, "MOVE"), has(&open, "UIDPLUS"));
        open.select(&settings.folder, writes).await?;
        Ok(open)
    }

    fn new(wire: Wire, name: String, deadline: Duration) -> Open {
        Open {
            wire,
            name,
            deadline,
            tags: 0,
            capabilities: Vec::new(),
            bye: None,
            validity: 0,
            exists: 0,
            idles: false,
            moves: false,
            expunges: false,
        }
    }

    /// The first words. `true`: the server knows us already.
    async fn greeting(&mut self) -> Result<bool, InboxError> {
        let said = timeout(self.deadline, self.wire.answer(ORDINARY))
            .await
            .map_err(|_| late(&self.name, "the greeting", self.deadline))?;
        match said.map_err(|e| self.broken("the greeting", &e))? {
            Answer::Untagged(hello) if hello.word() == "OK" => Ok(false),
            Answer::Untagged(hello) if hello.word() == "PREAUTH" => Ok(true),
            Answer::Untagged(no) => Err(self.server(&format!("no greeting but: {}", words(&no.text())))),
            _ => Err(self.server("no greeting, but an answer to nothing; is this an IMAP server?")),
        }
    }

    async fn starttls(mut self, settings: &ImapSettings, preauth: bool) -> Result<Open, InboxError> {
        self.capability().await?;
        if preauth || !self.capabilities.iter().any(|c| c == "STARTTLS") {
            let text = format!("{} offers no STARTTLS; use imaps://, or tls = \"none\" for a server on this machine", self.name);
            return Err(InboxError::new(Trouble::Tls, text));
        }
        self.order("STARTTLS", "STARTTLS").await?;
        let stream = self.wire.into_stream().map_err(|e| InboxError::new(Trouble::Tls, format!("{}: {e}", self.name)))?;
        let stream = encrypt(settings, &self.name, stream).await?;
        Ok(Open::new(Wire::new(stream), self.name, self.deadline))
    }

    async fn capability(&mut self) -> Result<(), InboxError> {
        let mut found: Vec<String> = Vec::new();
        let each = |untagged: Untagged| {
            if untagged.word() == "CAPABILITY" {
                found = untagged.text().to_ascii_uppercase().split_whitespace().skip(1).take(200).map(str::to_owned).collect();
            }
        };
        self.demand("CAPABILITY", "CAPABILITY", ORDINARY, each).await?;
        self.capabilities = found;
        Ok(())
    }

    async fn login(&mut self, user: &str, password: &Secret) -> Result<(), InboxError> {
        let has = |name: &str| self.capabilities.iter().any(|c| c == name);
        let refused = |name: &str, why: &str| {
            let text = format!("{name} refuses the login of \"{user}\": {why}; see [inbox] user and password");
            InboxError::new(Trouble::Login, text)
        };
        let done = if has("AUTH=PLAIN") {
            let secret = Zeroizing::new(format!("\0{user}\0{}", password.reveal()));
            let mut line = Zeroizing::new(Vec::with_capacity(base64::lines_len(secret.len()) + 2));
            base64::lines(secret.as_bytes(), &mut line);
            line.retain(|b| !b.is_ascii_whitespace());
            line.extend_from_slice(b"\r\n");
            self.authenticate(&line).await?
        } else if has("LOGINDISABLED") {
            return Err(refused(&self.name, "it takes none on this connection"));
        } else {
            let (Some(user), Some(secret)) = (quoted(user), quoted(password.reveal())) else {
                let why = "it offers no AUTH=PLAIN, and without that a login is of plain letters only";
                return Err(refused(&self.name, why));
            };
            let command = Zeroizing::new(format!("LOGIN {} {}", *user, *secret));
            self.ask("the login", &command, ORDINARY, |_| {}).await?
        };
        match done.state {
            State::Ok => Ok(()),
            // Some quote what they were told.
            _ if done.words.contains(password.reveal()) => Err(refused(&self.name, "it says no")),
            _ => Err(refused(&self.name, &done.words)),
        }
    }

    async fn authenticate(&mut self, line: &[u8]) -> Result<Done, InboxError> {
        let what = "the login";
        let tag = self.begin(what, "AUTHENTICATE PLAIN").await?;
        let (name, deadline) = (self.name.clone(), self.deadline);
        timeout(deadline, async {
            let mut said = false;
            for _ in 0..MOST_ANSWERS {
                match self.next(what, &tag, ORDINARY, true).await? {
                    Heard::Go if !said => {
                        self.wire.say(line).await.map_err(|e| self.broken(what, &e))?;
                        said = true;
                    }
                    Heard::Go => return Err(self.server("at the login: it wants to know more than there is")),
                    Heard::End(done) => return Ok(done),
                    Heard::Word(_) => {}
                }
            }
            Err(self.server("at the login: words without end"))
        })
        .await
        .map_err(|_| late(&name, what, deadline))?
    }

    async fn select(&mut self, name: &str, writes: bool) -> Result<(), InboxError> {
        let (mut validity, mut exists) = (None, 0);
        let each = |untagged: Untagged| {
            validity = untagged.code("UIDVALIDITY").or(validity);
            exists = untagged.exists().unwrap_or(exists);
        };
        let verb = if writes { "SELECT" } else { "EXAMINE" };
        let done = self.ask("the folder", &format!("{verb} {}", folder(name)), ORDINARY, each).await?;
        if done.state != State::Ok {
            return Err(self.server(&format!("cannot open the folder \"{name}\": {}; see [inbox] folder", done.words)));
        }
        let Some(validity) = validity.filter(|v| *v > 0) else {
            return Err(self.server("it gives its messages no lasting numbers (UIDVALIDITY), so none can be told from others"));
        };
        (self.validity, self.exists) = (validity, exists);
        Ok(())
    }

    /// A command whose only good end is that it was done.
    pub(super) async fn order(&mut self, what: &str, command: &str) -> Result<(), InboxError> {
        self.demand(what, command, ORDINARY, |_| {}).await
    }

    /// The same, with what is said on the way.
    pub(super) async fn demand(
        &mut self,
        what: &str,
        command: &str,
        bounds: Bounds,
        each: impl FnMut(Untagged),
    ) -> Result<(), InboxError> {
        let done = self.ask(what, command, bounds, each).await?;
        match done.state {
            State::Ok => Ok(()),
            _ => Err(self.server(&format!("at {what}: {}", done.words))),
        }
    }

    /// A command and its end.
    pub(super) async fn ask(
        &mut self,
        what: &str,
        command: &str,
        bounds: Bounds,
        each: impl FnMut(Untagged),
    ) -> Result<Done, InboxError> {
        self.ask_for(self.deadline, what, command, bounds, each).await
    }

    /// A command and its end, within a time of its own.
    pub(super) async fn ask_for(
        &mut self,
        longest: Duration,
        what: &str,
        command: &str,
        bounds: Bounds,
        mut each: impl FnMut(Untagged),
    ) -> Result<Done, InboxError> {
        let name = self.name.clone();
        timeout(longest, async {
            let tag = self.begin(what, command).await?;
            for _ in 0..MOST_ANSWERS {
                match self.next(what, &tag, bounds, false).await? {
                    Heard::Word(untagged) => each(untagged),
                    Heard::End(done) => return Ok(done),
                    Heard::Go => return Err(self.server(&format!("at {what}: an answer out of turn"))),
                }
            }
            Err(self.server(&format!("at {what}: words without end")))
        })
        .await
        .map_err(|_| late(&name, what, longest))?
    }

    async fn begin(&mut self, what: &str, command: &str) -> Result<String, InboxError> {
        self.tags += 1;
        let tag = format!("r{}", self.tags);
        let line = Zeroizing::new(format!("{tag} {command}\r\n"));
        let said = timeout(self.deadline, self.wire.say(line.as_bytes())).await;
        said.map_err(|_| late(&self.name, what, self.deadline))?.map_err(|e| self.broken(what, &e))?;
        Ok(tag)
    }

    async fn next(&mut self, what: &str, tag: &str, bounds: Bounds, go: bool) -> Result<Heard, InboxError> {
        let answer = self.wire.answer(bounds).await.map_err(|e| self.broken(what, &e))?;
        match answer {
            Answer::Untagged(untagged) => {
                if untagged.word() == "BYE" {
                    self.bye = Some(words(untagged.text().get(3..).unwrap_or_default()));
                }
                Ok(Heard::Word(untagged))
            }
            Answer::Done(done) if done.tag == tag => Ok(Heard::End(done)),
            Answer::Done(done) => Err(self.server(&format!("at {what}: an answer to something else ({})", done.tag))),
            Answer::Continue if go => Ok(Heard::Go),
            Answer::Continue => Err(self.server(&format!("at {what}: an answer out of turn"))),
        }
    }

    /// Waits until the server tells of news, or for so long. `true`: it has.
    pub(super) async fn idle(&mut self, longest: Duration, burst: Duration) -> Result<bool, InboxError> {
        let what = "waiting for news";
        let tag = self.begin(what, "IDLE").await?;
        let (mut news, mut begun, watch) = (false, false, Stopwatch::start());
        for _ in 0..MOST_ANSWERS {
            // Signs of life on the way make the waiting no longer.
            let patience = if begun { longest.saturating_sub(watch.elapsed()) } else { self.deadline };
            let heard = match timeout(if news { burst } else { patience }, self.next(what, &tag, ORDINARY, true)).await {
                Ok(heard) => heard?,
                Err(_) if begun => break,
                Err(_) => return Err(late(&self.name, what, self.deadline)),
            };
            match heard {
                Heard::Go => begun = true,
                Heard::Word(untagged) => news |= untagged.exists().is_some(),
                Heard::End(done) => return Err(self.server(&format!("at {what}: {}", done.words))),
            }
        }
        self.awake(what, &tag, news).await
    }

    /// Ends the waiting.
    async fn awake(&mut self, what: &str, tag: &str, mut news: bool) -> Result<bool, InboxError> {
        let (name, deadline) = (self.name.clone(), self.deadline);
        timeout(deadline, async {
            self.wire.say(b"DONE\r\n").await.map_err(|e| self.broken(what, &e))?;
            for _ in 0..MOST_ANSWERS {
                match self.next(what, tag, ORDINARY, false).await? {
                    Heard::Word(untagged) => news |= untagged.exists().is_some(),
                    Heard::End(_) => return Ok(news),
                    Heard::Go => {}
                }
            }
            Err(self.server(&format!("at {what}: words without end")))
        })
        .await
        .map_err(|_| late(&name, what, deadline))?
    }

    /// Takes leave. A courtesy; whether it is heard changes nothing.
    pub(super) async fn leave(&mut self) {
        let heard = self.ask_for(Duration::from_secs(2), "LOGOUT", "LOGOUT", ORDINARY, |_| {}).await;
        if heard.is_err() {
            tracing::debug!(event = "logout_unanswered", "the mailbox's server did not answer to LOGOUT");
        }
    }

    fn server(&self, text: &str) -> InboxError {
        InboxError::new(Trouble::Server, format!("{}: {text}", self.name))
    }

    /// A connection that broke; a server that took its leave has said why.
    fn broken(&self, what: &str, error: &io::Error) -> InboxError {
        match (&self.bye, error.kind()) {
            (Some(bye), _) => self.server(&format!("it ended the connection: {bye}")),
            (None, io::ErrorKind::Other) => self.server(&format!("at {what}: {}", words(&error.to_string()))),
            (None, _) => InboxError::new(Trouble::Network, format!("{}: at {what}: {}", self.name, words(&error.to_string()))),
        }
    }
}

enum Heard {
    Go,
    Word(Untagged),
    End(Done),
}

fn late(name: &str, what: &str, deadline: Duration) -> InboxError {
    InboxError::new(Trouble::Network, format!("{name}: no answer to {what} within {} s", deadline.as_secs()))
}

async fn encrypt(settings: &ImapSettings, name: &str, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, InboxError> {
    timeout(settings.timeout, tls::encrypt(&settings.host, settings.ca.as_deref(), stream))
        .await
        .map_err(|_| late(name, "the TLS handshake", settings.timeout))?
        .map_err(|why| InboxError::new(Trouble::Tls, format!("{name}: {why}")))
}

/// A text in quotation marks, as a command can bear it.
fn quoted(text: &str) -> Option<Zeroizing<String>> {
    let plain = text.bytes().all(|b| (0x20..0x7f).contains(&b));
    plain.then(|| Zeroizing::new(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))))
}

/// The name of a folder as it stands in a command: letters outside ASCII in a form of UTF-7 (RFC 3501, section 5.1.3).
pub(super) fn folder(name: &str) -> String {
    let (mut out, mut waiting) = (String::from("\""), Vec::new());
    let flush = |waiting: &mut Vec<u8>, out: &mut String| {
        if waiting.is_empty() {
            return;
        }
        let mut coded = Vec::new();
        base64::lines(waiting, &mut coded);
        out.push('&');
        out.extend(
            coded.iter().filter(|b| !matches!(b, b'=' | b'\r' | b'\n')).map(|b| if *b == b'/' { ',' } else { char::from(*b) }),
        );
        out.push('-');
        waiting.clear();
    };
    for c in name.chars() {
        if !(' '..='~').contains(&c) {
            waiting.extend(c.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()));
            continue;
        }
        flush(&mut waiting, &mut out);
        match c {
            '&' => out.push_str("&-"),
            '"' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    flush(&mut waiting, &mut out);
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::folder;

    #[test]
    fn folders_have_a_form_for_the_wire() {
        for (name, form) in [
            ("INBOX", "\"INBOX\""),
            ("INBOX/Éléments envoyés", "\"INBOX/&AMk-l&AOk-ments envoy&AOk-s\""),
            ("a&b", "\"a&-b\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("台北", "\"&U,BTFw-\""),
        ] {
            assert_eq!(folder(name), form, "{name}");
        }
    }
}
