//! An IMAP server that does as it is told, over a real socket: it keeps messages and every command, and can refuse, fall silent,
//! drip, lie or break off at any command.

use base64::Engine as _;
use jiff::civil::{Date, date};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// What happens at a command (or at the greeting), in place of what should.
#[derive(Clone, Debug)]
pub enum Act {
    /// Nothing is ever said.
    Hang,
    /// The connection ends.
    Close,
    /// The server takes its leave, with words.
    Bye(&'static str),
    /// One byte after the other, for ever.
    Drip,
    /// The command ends under another's tag.
    WrongTag,
    /// The command ends so.
    End(&'static str),
    /// These bytes, then what should.
    First(Vec<u8>),
    /// These bytes, and nothing else.
    Only(Vec<u8>),
}

#[derive(Clone)]
pub struct Message {
    pub uid: u32,
    pub bytes: Vec<u8>,
    pub flags: Vec<String>,
    /// When the server took it in.
    pub day: Date,
}

#[derive(Default)]
pub struct State {
    pub capabilities: Vec<&'static str>,
    pub implicit_tls: Option<TlsAcceptor>,
    pub starttls: Option<TlsAcceptor>,
    /// Said in the clear behind the answer to STARTTLS, as an intruder would.
    pub injected: &'static str,
    pub login: (&'static str, &'static str),
    pub validity: u32,
    pub messages: Vec<Message>,
    pub folders: BTreeMap<String, Vec<Message>>,
    /// What happens at the next such command, by its name; `greeting` before all.
    pub acts: Vec<(&'static str, Act)>,
    /// Taken away as soon as the sizes were told.
    pub expunged_meanwhile: Vec<u32>,
    pub commands: Vec<String>,
    pub connections: usize,
    pub encrypted: bool,
    pub idling: usize,
}

pub type Shared = Arc<Mutex<State>>;

/// The server; it ends with its test.
pub struct Imap {
    pub port: u16,
    shared: Shared,
    news: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Imap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub const PASSWORD: &str = "correct \"horse\" \\ battery";

impl Imap {
    pub async fn start(change: impl FnOnce(&mut State)) -> Imap {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut state = State {
            capabilities: vec!["IMAP4rev1", "AUTH=PLAIN", "IDLE", "MOVE", "UIDPLUS"],
            login: ("bounces", PASSWORD),
            validity: 7,
            ..State::default()
        };
        change(&mut state);
        let (shared, news) = (Arc::new(Mutex::new(state)), Arc::new(Notify::new()));
        let (own, bell) = (shared.clone(), news.clone());
        let task = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                sessions.spawn(session(socket, own.clone(), bell.clone()));
            }
        });
        Imap { port, shared, news, task }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap()
    }

    /// A message comes; whoever waits for news is told.
    pub fn deliver(&self, bytes: &[u8]) -> u32 {
        self.deliver_on(date(2026, 11, 2), bytes)
    }

    /// The same on another day.
    pub fn deliver_on(&self, day: Date, bytes: &[u8]) -> u32 {
        let mut state = self.state();
        let uid = state.messages.iter().map(|m| m.uid).max().unwrap_or(0) + 1;
        state.messages.push(Message { uid, bytes: bytes.to_vec(), flags: vec![], day });
        drop(state);
        self.news.notify_waiters();
        uid
    }

    pub fn act(&self, command: &'static str, act: Act) {
        self.state().acts.push((command, act));
    }

    pub fn commands(&self) -> Vec<String> {
        self.state().commands.clone()
    }

    /// Commands that change anything.
    pub fn changes(&self) -> Vec<String> {
        let changing = ["STORE", "MOVE", "COPY", "EXPUNGE", "SELECT", "DELETE", "APPEND"];
        self.commands().into_iter().filter(|c| changing.iter().any(|word| c.contains(word))).collect()
    }
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

struct Session {
    wire: BufReader<Box<dyn Wire>>,
    shared: Shared,
    news: Arc<Notify>,
}

/// The connection is over.
struct Over;

type Step = Result<(), Over>;

async fn session(socket: TcpStream, shared: Shared, news: Arc<Notify>) {
    let implicit = {
        let mut state = shared.lock().unwrap();
        state.connections += 1;
        state.implicit_tls.clone()
    };
    let wire: Box<dyn Wire> = match implicit {
        Some(acceptor) => match acceptor.accept(socket).await {
            Ok(stream) => Box::new(stream),
            Err(_) => return,
        },
        None => Box::new(socket),
    };
    // Whatever ends the session ends this connection only.
    drop(Session { wire: BufReader::new(wire), shared, news }.run().await);
}

impl Session {
    async fn run(mut self) -> Step {
        if self.acts("greeting", "*").await? {
            self.say("* OK server of a test\r\n").await?;
        }
        loop {
            let line = self.line().await?;
            let (tag, command) = line.split_once(' ').ok_or(Over)?;
            let (tag, command) = (tag.to_owned(), command.to_owned());
            let told = if command.starts_with("LOGIN") { "LOGIN".to_owned() } else { command.clone() };
            self.shared.lock().unwrap().commands.push(told);
            let verb =
                command.strip_prefix("UID ").unwrap_or(&command).split(' ').next().unwrap_or_default().to_ascii_uppercase();
            // The body of a message is a command of its own for scripts.
            let name = if command.contains("BODY") { "BODY" } else { verb.as_str() };
            if !self.acts(name, &tag).await? {
                continue;
            }
            match verb.as_str() {
                "STARTTLS" => self = self.starttls(&tag).await?,
                "LOGOUT" => {
                    self.say(&format!("* BYE bye\r\n{tag} OK\r\n")).await?;
                    return Err(Over);
                }
                "AUTHENTICATE" => self.authenticate(&tag).await?,
                "IDLE" => self.idle(&tag).await?,
                _ => {
                    let said = self.answer(&tag, &verb, &command);
                    self.bytes(&said).await?;
                }
            }
        }
    }

    /// Does what the script wants at a command. `true`: what should happen happens as well.
    async fn acts(&mut self, name: &str, tag: &str) -> Result<bool, Over> {
        let act = {
            let mut state = self.shared.lock().unwrap();
            state.acts.iter().position(|(at, _)| *at == name).map(|n| state.acts.remove(n).1)
        };
        match act {
            None => return Ok(true),
            Some(Act::Hang) => std::future::pending().await,
            Some(Act::Close) => return Err(Over),
            Some(Act::Bye(words)) => {
                self.say(&format!("* BYE {words}\r\n")).await?;
                return Err(Over);
            }
            Some(Act::Drip) => loop {
                self.say("* ").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            },
            Some(Act::WrongTag) => self.say("zz99 OK done\r\n").await?,
            Some(Act::End(words)) => self.say(&format!("{tag} {words}\r\n")).await?,
            Some(Act::Only(bytes)) => self.bytes(&bytes).await?,
            Some(Act::First(bytes)) => {
                self.bytes(&bytes).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut line = String::new();
        match self.wire.read_line(&mut line).await {
            Ok(n) if n > 0 && line.ends_with("\r\n") => Ok(line.trim_end().to_owned()),
            _ => Err(Over),
        }
    }

    async fn say(&mut self, text: &str) -> Step {
        self.bytes(text.as_bytes()).await
    }

    async fn bytes(&mut self, bytes: &[u8]) -> Step {
        self.wire.get_mut().write_all(bytes).await.map_err(|_| Over)?;
        self.wire.get_mut().flush().await.map_err(|_| Over)
    }

    async fn starttls(mut self, tag: &str) -> Result<Session, Over> {
        let (acceptor, injected) = {
            let state = self.shared.lock().unwrap();
            (state.starttls.clone(), state.injected)
        };
        self.say(&format!("{tag} OK go{injected}\r\n")).await?;
        let stream = acceptor.ok_or(Over)?.accept(self.wire.into_inner()).await.map_err(|_| Over)?;
        self.shared.lock().unwrap().encrypted = true;
        Ok(Session { wire: BufReader::new(Box::new(stream)), shared: self.shared, news: self.news })
    }

    async fn authenticate(&mut self, tag: &str) -> Step {
        self.say("+ \r\n").await?;
        let line = self.line().await?;
        let (user, password) = self.shared.lock().unwrap().login;
        let wanted = base64::engine::general_purpose::STANDARD.encode(format!("\0{user}\0{password}"));
        let end = if line == wanted { "OK in".to_owned() } else { format!("NO [AUTHENTICATIONFAILED] not {line}") };
        self.say(&format!("{tag} {end}\r\n")).await
    }

    async fn idle(&mut self, tag: &str) -> Step {
        let news = self.news.clone();
        let bell = news.notified();
        tokio::pin!(bell);
        bell.as_mut().enable();
        self.shared.lock().unwrap().idling += 1;
        self.say("+ idling\r\n").await?;
        let mut line = String::new();
        tokio::select! {
            _ = bell => {
                let count = self.shared.lock().unwrap().messages.len();
                self.say(&format!("* OK still here\r\n* {count} EXISTS\r\n")).await?;
                line = self.line().await?;
            }
            read = self.wire.read_line(&mut line) => {
                read.map_err(|_| Over)?;
            }
        }
        self.shared.lock().unwrap().idling -= 1;
        let end = if line.trim_end() == "DONE" { "OK" } else { "BAD" };
        self.say(&format!("{tag} {end} idled\r\n")).await
    }

    fn answer(&self, tag: &str, verb: &str, command: &str) -> Vec<u8> {
        let mut state = self.shared.lock().unwrap();
        let ok = format!("{tag} OK done\r\n");
        let words: Vec<&str> = command.split(' ').collect();
        let said = match verb {
            "CAPABILITY" => {
                let starttls = if state.starttls.is_some() && !state.encrypted { " STARTTLS" } else { "" };
                format!("* CAPABILITY {}{starttls}\r\n{ok}", state.capabilities.join(" "))
            }
            "LOGIN" => {
                let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
                let wanted = format!("LOGIN {} {}", quoted(state.login.0), quoted(state.login.1));
                if command == wanted { ok } else { format!("{tag} NO wrong\r\n") }
            }
            "SELECT" | "EXAMINE" if words[1] == "\"INBOX\"" => format!(
                "* {} EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY {}] yes\r\n{tag} OK [READ-WRITE] open\r\n",
                state.messages.len(),
                state.validity
            ),
            "SEARCH" => return search(&state, &words[3..], &ok),
            "FETCH" => return fetch(&mut state, &words, &ok),
            "STORE" => {
                let flag = words[4].trim_matches(['(', ')']).to_owned();
                let wanted = set(words[2]);
                state.messages.iter_mut().filter(|m| wanted.contains(&m.uid)).for_each(|m| m.flags.push(flag.clone()));
                ok
            }
            "MOVE" | "COPY" | "STATUS" => {
                let name = command.split('"').nth(1).unwrap_or_default().to_owned();
                let wanted = if verb == "STATUS" { vec![] } else { set(words[2]) };
                let some: Vec<Message> = state.messages.iter().filter(|m| wanted.contains(&m.uid)).cloned().collect();
                match state.folders.get_mut(&name) {
                    None => format!("{tag} NO [TRYCREATE] no such folder\r\n"),
                    Some(folder) => {
                        folder.extend(some);
                        if verb == "MOVE" {
                            state.messages.retain(|m| !wanted.contains(&m.uid));
                        }
                        ok
                    }
                }
            }
            "EXPUNGE" => {
                let wanted = set(words[2]);
                state.messages.retain(|m| !(wanted.contains(&m.uid) && m.flags.contains(&"\\Deleted".to_owned())));
                ok
            }
            _ => format!("{tag} BAD what?\r\n"),
        };
        said.into_bytes()
    }
}

fn set(text: &str) -> Vec<u32> {
    text.split(',').filter_map(|n| n.parse().ok()).collect()
}

fn search(state: &State, wanted: &[&str], ok: &str) -> Vec<u8> {
    let from: u32 = wanted[0].trim_end_matches(":*").parse().unwrap();
    let since = match wanted[1..] {
        [] => Date::MIN,
        ["SINCE", day] => Date::strptime("%d-%b-%Y", day).unwrap(),
        _ => panic!("{wanted:?}"),
    };
    let last = state.messages.last().map(|m| m.uid);
    // The last message is named whatever the range says (RFC 3501).
    let found = state.messages.iter().filter(|m| m.day >= since).map(|m| m.uid).filter(|uid| *uid >= from || Some(*uid) == last);
    let found: Vec<String> = found.map(|uid| format!(" {uid}")).collect();
    format!("* SEARCH{}\r\n{ok}", found.concat()).into_bytes()
}

fn fetch(state: &mut State, words: &[&str], ok: &str) -> Vec<u8> {
    let wanted = set(words[2]);
    let most = words.last().and_then(|w| w.split("<0.").nth(1)?.trim_end_matches([')', '>']).parse::<usize>().ok());
    let mut said = Vec::new();
    for (n, message) in state.messages.iter().enumerate().filter(|(_, m)| wanted.contains(&m.uid)) {
        let (n, uid) = (n + 1, message.uid);
        match most {
            None => said.extend(format!("* {n} FETCH (RFC822.SIZE {} UID {uid})\r\n", message.bytes.len()).bytes()),
            Some(most) => {
                let part = &message.bytes[..message.bytes.len().min(most)];
                said.extend(format!("* {n} FETCH (UID {uid} FLAGS () BODY[]<0> {{{}}}\r\n", part.len()).bytes());
                said.extend_from_slice(part);
                said.extend_from_slice(b")\r\n");
            }
        }
    }
    let gone = std::mem::take(&mut state.expunged_meanwhile);
    state.messages.retain(|m| !gone.contains(&m.uid));
    said.extend_from_slice(ok.as_bytes());
    said
}
