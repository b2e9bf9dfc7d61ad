//! A gateway that does as it is told: a small HTTP/1.1 server that keeps every request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

const MAX_HEAD: usize = 64 << 10;
const MAX_BODY: usize = 1 << 20;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// These bytes, to the letter.
    Raw(Vec<u8>),
    /// Reads the request and never answers.
    Silent,
    /// Ends the connection without an answer.
    Close,
    /// Reads the request, and answers when it is let.
    When(Arc<tokio::sync::Notify>, Vec<u8>),
}

impl Answer {
    pub fn new(status: u16, body: &str) -> Answer {
        Answer::with(status, "", body)
    }

    /// `headers` are whole lines, each with its line end.
    pub fn with(status: u16, headers: &str, body: &str) -> Answer {
        let head = format!("HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        Answer::Raw([head.as_bytes(), body.as_bytes()].concat())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Query or form, decoded, in the order sent.
    pub fields: Vec<(String, String)>,
    /// The query as it stood on the wire.
    pub query: String,
    /// The body as it came.
    pub body: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// What makes the answers of a server that is more than a queue of them.
pub type Handler = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

#[derive(Default)]
pub struct State {
    pub answers: VecDeque<Answer>,
    pub usual: Option<Answer>,
    pub requests: Vec<Request>,
    pub handler: Option<Handler>,
}

/// The server; it ends with its test.
pub struct Http {
    pub port: u16,
    shared: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Http {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Http {
    /// A server that gives one answer to all requests.
    pub async fn start(usual: Answer) -> Http {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(State { usual: Some(usual), ..State::default() }));
        let state = shared.clone();
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let state = state.clone();
                // Whatever ends a connection ends that one only.
                open.spawn(async move { serve(socket, state).await });
            }
        });
        Http { port, shared, task }
    }

    /// A server whose answers are made from the requests.
    pub async fn answering(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Http {
        let server = Http::start(Answer::Close).await;
        server.state().handler = Some(Arc::new(handler));
        server
    }

    /// The URL below which it answers.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap()
    }

    /// The answers to the next requests.
    pub fn next(&self, answers: &[Answer]) {
        self.state().answers.extend(answers.iter().cloned());
    }

    /// The answer to all requests from now on.
    pub fn usually(&self, answer: Answer) {
        self.state().usual = Some(answer);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }
}

async fn serve(socket: TcpStream, shared: Arc<Mutex<State>>) -> Option<()> {
    let mut wire = BufReader::new(socket);
    loop {
        let request = request(&mut wire).await?;
        let answer = {
            let mut state = shared.lock().unwrap();
            state.requests.push(request.clone());
            match (state.answers.pop_front(), &state.handler) {
                (Some(answer), _) => Some(answer),
                (None, Some(handler)) => Some(handler(&request)),
                (None, None) => state.usual.clone(),
            }
        };
        match answer? {
            Answer::Raw(bytes) => wire.get_mut().write_all(&bytes).await.ok()?,
            Answer::Silent => return std::future::pending().await,
            Answer::Close => return None,
            Answer::When(let_go, bytes) => {
                let_go.notified().await;
                wire.get_mut().write_all(&bytes).await.ok()?;
            }
        }
    }
}

async fn request(wire: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let n = wire.read_line(&mut head).await.ok()?;
        if n == 0 || head.len() > MAX_HEAD {
            return None;
        }
    }
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let pair = |l: &str| l.split_once(':').map(|(n, v)| (n.to_owned(), v.trim().to_owned()));
    let headers: Vec<(String, String)> = lines.filter_map(pair).collect();
    let length = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length")).and_then(|(_, v)| v.parse().ok());
    let mut body = vec![0; length.unwrap_or(0usize).min(MAX_BODY)];
    wire.read_exact(&mut body).await.ok()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = String::from_utf8_lossy(&body).into_owned();
    let is_json = body.starts_with(['{', '[']);
    let fields = [decoded(query), if is_json { vec![] } else { decoded(&body) }].concat();
    Some(Request { method, path: path.to_owned(), fields, query: query.to_owned(), body, headers })
}

fn decoded(text: &str) -> Vec<(String, String)> {
    let plain = |t: &str| String::from_utf8(super::mail::hex_escapes(&t.replace('+', " "), '%')).unwrap();
    text.split('&')
        .filter(|p| !p.is_empty())
        .map(|p| p.split_once('=').unwrap_or((p, "")))
        .map(|(n, v)| (plain(n), plain(v)))
        .collect()
}
