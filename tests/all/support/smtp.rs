//! A mail server that does as it is told, over a real socket: it keeps every envelope, parameter and byte,
//! and can refuse, fall silent, break off or come late at any point of a message.

use super::mail::Parsed;
use super::smtp_session::session;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A point of a message at which something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Mail,
    Rcpt,
    /// At the command DATA: no "go ahead" is given.
    Data,
    /// After the "go ahead": nothing of the message is read.
    Body,
    /// After the final dot: the whole message has been read.
    Dot,
}

/// What the server does with a message.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Accept,
    /// Answers so at this stage.
    Reply(Stage, u16, &'static str),
    /// Says these bytes at this stage.
    Raw(Stage, &'static [u8]),
    /// Never answers at this stage.
    Silent(Stage),
    /// Ends the connection at this stage, without an answer.
    Close(Stage),
    /// Answers to the final dot with 250, but only after this time.
    Late(Duration),
}

/// What the server does with a connection.
#[derive(Clone, Copy, Debug)]
pub enum Greet {
    Welcome,
    Reply(u16, &'static str),
    Silent,
    Close,
}

/// What the server offers.
#[derive(Clone, Default)]
pub struct Offers {
    pub dsn: bool,
    pub pipelining: bool,
    pub utf8: bool,
    /// The largest message (RFC 1870).
    pub size: Option<usize>,
    pub starttls: Option<TlsAcceptor>,
    /// Sent in the clear behind the answer to STARTTLS, as an intruder would: a line end, then lines.
    pub injected: &'static str,
    pub implicit_tls: Option<TlsAcceptor>,
    /// The login that is asked for.
    pub login: Option<(&'static str, &'static str)>,
}

/// A message as it came, as far as it came.
#[derive(Clone, Default)]
pub struct Taken {
    pub connection: usize,
    pub encrypted: bool,
    pub from: String,
    pub mail_params: Vec<String>,
    pub to: String,
    pub rcpt_params: Vec<String>,
    /// The whole message, when it was read to its end.
    pub bytes: Vec<u8>,
    /// The answer that was given last.
    pub reply: u16,
    /// How many messages were under way when this one began, itself included.
    pub at_once: usize,
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {}: {} bytes, {}", self.from, self.to, self.bytes.len(), self.reply)
    }
}

impl Taken {
    pub fn parsed(&self) -> Parsed {
        Parsed::new(&self.bytes)
    }

    pub fn message_id(&self) -> String {
        self.parsed().header("Message-ID")
    }
}

#[derive(Default)]
pub struct State {
    pub offers: Offers,
    pub greetings: VecDeque<Greet>,
    pub acts: VecDeque<Act>,
    pub by_recipient: HashMap<String, Act>,
    pub taken: Vec<Taken>,
    pub connections: usize,
    pub logins: Vec<(String, bool)>,
    pub under_way: usize,
    pub slow: Duration,
}

pub type Shared = Arc<Mutex<State>>;

/// The server; it ends with its test.
pub struct Smtp {
    pub port: u16,
    shared: Shared,
    task: JoinHandle<()>,
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Smtp {
    /// A server that offers DSN and takes everything.
    pub async fn start() -> Smtp {
        Smtp::with(Offers { dsn: true, ..Offers::default() }).await
    }

    pub async fn with(offers: Offers) -> Smtp {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Smtp::on(listener, offers)
    }

    fn on(listener: TcpListener, offers: Offers) -> Smtp {
        let port = listener.local_addr().unwrap().port();
        let shared: Shared = Arc::new(Mutex::new(State { offers, ..State::default() }));
        let state = shared.clone();
        let task = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                sessions.spawn(session(socket, state.clone()));
            }
        });
        Smtp { port, shared, task }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap()
    }

    /// What happens to the next messages, one each; those after them are accepted.
    pub fn next(&self, acts: &[Act]) {
        self.state().acts.extend(acts);
    }

    /// What always happens to messages for a recipient.
    pub fn always(&self, recipient: &str, act: Act) {
        self.state().by_recipient.insert(recipient.to_owned(), act);
    }

    /// What happens to the next connections.
    pub fn greet(&self, greetings: &[Greet]) {
        self.state().greetings.extend(greetings);
    }

    /// Every message that was begun.
    pub fn begun(&self) -> Vec<Taken> {
        self.state().taken.clone()
    }

    /// The messages that were read to their end, whatever was answered.
    pub fn whole(&self) -> Vec<Taken> {
        self.begun().into_iter().filter(|t| !t.bytes.is_empty()).collect()
    }

    /// The messages that were accepted.
    pub fn accepted(&self) -> Vec<Taken> {
        self.whole().into_iter().filter(|t| t.reply == 250).collect()
    }

    /// The one message that was accepted.
    pub fn only(&self) -> Taken {
        let mut accepted = self.accepted();
        assert_eq!(accepted.len(), 1, "accepted {} messages", accepted.len());
        accepted.remove(0)
    }

    /// Accepted messages to an address.
    pub fn to(&self, address: &str) -> Vec<Taken> {
        self.accepted().into_iter().filter(|t| t.to == address).collect()
    }
}
