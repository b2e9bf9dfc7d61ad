//! One connection to the scripted mail server.

use super::smtp::{Act, Greet, Shared, Stage, Taken};
use base64::Engine as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const MAX_LINE: usize = 4096;
const MAX_MESSAGE: usize = 8 << 20;

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

struct Session {
    wire: BufReader<Box<dyn Wire>>,
    shared: Shared,
    number: usize,
    encrypted: bool,
    logged_in: bool,
    /// The message under way, by its place in the list.
    message: Option<usize>,
    act: Act,
}

/// A message counts as under way until its end or the connection's.
impl Drop for Session {
    fn drop(&mut self) {
        self.end_message();
    }
}

/// The connection is over.
struct Over;

type Step = Result<(), Over>;

/// Speaks with one client until it leaves or the script ends it.
pub async fn session(socket: TcpStream, shared: Shared) {
    let (greeting, implicit, number) = {
        let mut state = shared.lock().unwrap();
        state.connections += 1;
        (state.greetings.pop_front().unwrap_or(Greet::Welcome), state.offers.implicit_tls.clone(), state.connections)
    };
    let encrypted = implicit.is_some();
    let wire: Box<dyn Wire> = match implicit {
        Some(acceptor) => match acceptor.accept(socket).await {
            Ok(stream) => Box::new(stream),
            Err(_) => return,
        },
        None => Box::new(socket),
    };
    let wire = BufReader::new(wire);
    let session = Session { wire, shared, number, encrypted, logged_in: false, message: None, act: Act::Accept };
    // Whatever ends the session ends this connection only.
    drop(session.run(greeting).await);
}

impl Session {
    async fn run(mut self, greeting: Greet) -> Step {
        match greeting {
            Greet::Welcome => self.say("220 sink.example ESMTP").await?,
            Greet::Reply(code, text) => return self.say(&format!("{code} {text}")).await,
            Greet::Silent => return std::future::pending().await,
            Greet::Close => return Ok(()),
        }
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => self.offers().await?,
                "STARTTLS" => self.starttls().await?,
                "AUTH" => self.auth(rest).await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => self.rcpt(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.end_message();
                    self.say("250 2.0.0 forgotten").await?;
                }
                "QUIT" => return self.say("221 2.0.0 bye").await,
                _ => self.say("500 5.5.2 what?").await?,
            }
        }
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut line = String::new();
        match self.wire.read_line(&mut line).await {
            Ok(n) if n > 0 && n <= MAX_LINE && line.ends_with("\r\n") => Ok(line.trim_end().to_owned()),
            _ => Err(Over),
        }
    }

    async fn say(&mut self, text: &str) -> Step {
        if let (Some(at), Some(code)) = (self.message, text.get(..3).and_then(|c| c.parse().ok())) {
            self.shared.lock().unwrap().taken[at].reply = code;
        }
        let text = format!("{text}\r\n");
        self.wire.get_mut().write_all(text.as_bytes()).await.map_err(|_| Over)?;
        self.wire.get_mut().flush().await.map_err(|_| Over)
    }

    async fn offers(&mut self) -> Step {
        let offers = self.shared.lock().unwrap().offers.clone();
        let mut lines = vec!["sink.example", "8BITMIME"];
        if offers.dsn {
            lines.push("DSN");
        }
        if offers.pipelining {
            lines.push("PIPELINING");
        }
        if offers.utf8 {
            lines.push("SMTPUTF8");
        }
        let size = offers.size.map(|most| format!("SIZE {most}"));
        lines.extend(size.as_deref());
        if offers.starttls.is_some() && !self.encrypted {
            lines.push("STARTTLS");
        }
        if offers.login.is_some() {
            lines.push("AUTH PLAIN LOGIN");
        }
        let last = lines.len() - 1;
        let text: Vec<String> =
            lines.iter().enumerate().map(|(i, l)| format!("250{}{l}", if i == last { ' ' } else { '-' })).collect();
        self.say(&text.join("\r\n")).await
    }

    async fn starttls(&mut self) -> Step {
        let offers = self.shared.lock().unwrap().offers.clone();
        let Some(acceptor) = offers.starttls else { return self.say("502 5.5.1 not offered").await };
        self.say(&format!("220 2.0.0 go ahead{}", offers.injected)).await?;
        let plain = std::mem::replace(self.wire.get_mut(), Box::new(tokio::io::empty()));
        let stream = acceptor.accept(plain).await.map_err(|_| Over)?;
        self.wire = BufReader::new(Box::new(stream));
        self.encrypted = true;
        Ok(())
    }

    async fn auth(&mut self, rest: &str) -> Step {
        let wanted = self.shared.lock().unwrap().offers.login;
        let given = rest.strip_prefix("PLAIN ").unwrap_or_default();
        let given = base64::engine::general_purpose::STANDARD.decode(given).unwrap_or_default();
        let given = String::from_utf8_lossy(&given).into_owned();
        let good = wanted.is_some_and(|(user, password)| given == format!("\0{user}\0{password}"));
        let user = given.split('\0').nth(1).unwrap_or_default().to_owned();
        self.shared.lock().unwrap().logins.push((user, good));
        self.logged_in = good;
        match good {
            true => self.say("235 2.7.0 welcome").await,
            false => self.say("535 5.7.8 authentication credentials invalid").await,
        }
    }

    /// What the script says at a stage; `None` is to go on.
    async fn act(&mut self, stage: Stage) -> Result<Option<()>, Over> {
        match self.act {
            Act::Reply(at, code, text) if at == stage => {
                self.say(&format!("{code} {text}")).await?;
                self.end_message();
                if code == 421 { Err(Over) } else { Ok(Some(())) }
            }
            Act::Raw(at, bytes) if at == stage => {
                self.wire.get_mut().write_all(bytes).await.map_err(|_| Over)?;
                self.end_message();
                Ok(Some(()))
            }
            Act::Silent(at) if at == stage => std::future::pending().await,
            Act::Close(at) if at == stage => Err(Over),
            _ => Ok(None),
        }
    }

    async fn mail(&mut self, rest: &str) -> Step {
        if self.shared.lock().unwrap().offers.login.is_some() && !self.logged_in {
            return self.say("530 5.7.0 authentication required").await;
        }
        self.end_message();
        let (from, params) = path(rest);
        {
            let mut state = self.shared.lock().unwrap();
            state.under_way += 1;
            self.act = state.acts.pop_front().unwrap_or(Act::Accept);
            let (connection, encrypted, at_once) = (self.number, self.encrypted, state.under_way);
            state.taken.push(Taken { connection, encrypted, from, mail_params: params, at_once, ..Taken::default() });
            self.message = Some(state.taken.len() - 1);
        }
        if self.act(Stage::Mail).await?.is_some() {
            return Ok(());
        }
        self.say("250 2.1.0 sender").await
    }

    async fn rcpt(&mut self, rest: &str) -> Step {
        let Some(at) = self.message else { return self.say("503 5.5.1 MAIL first").await };
        let (to, params) = path(rest);
        {
            let mut state = self.shared.lock().unwrap();
            if let Some(act) = state.by_recipient.get(&to).copied() {
                self.act = act;
            }
            state.taken[at].to = to;
            state.taken[at].rcpt_params = params;
        }
        if self.act(Stage::Rcpt).await?.is_some() {
            return Ok(());
        }
        self.say("250 2.1.5 recipient").await
    }

    async fn data(&mut self) -> Step {
        let Some(at) = self.message else { return self.say("503 5.5.1 MAIL first").await };
        if self.act(Stage::Data).await?.is_some() {
            return Ok(());
        }
        self.say("354 go ahead").await?;
        self.act(Stage::Body).await?;
        let bytes = self.body().await?;
        let slow = {
            let mut state = self.shared.lock().unwrap();
            state.taken[at].bytes = bytes;
            state.slow
        };
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        if let Act::Late(by) = self.act {
            tokio::time::sleep(by).await;
        }
        if self.act(Stage::Dot).await?.is_some() {
            return Ok(());
        }
        self.say("250 2.0.0 taken").await?;
        self.end_message();
        Ok(())
    }

    /// The message up to the final dot, with leading dots unstuffed.
    async fn body(&mut self) -> Result<Vec<u8>, Over> {
        let mut bytes = Vec::new();
        loop {
            let mut line = Vec::new();
            let n = self.wire.read_until(b'\n', &mut line).await.map_err(|_| Over)?;
            if n == 0 || bytes.len() > MAX_MESSAGE {
                return Err(Over);
            }
            if line == b".\r\n" {
                return Ok(bytes);
            }
            bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    fn end_message(&mut self) {
        if self.message.take().is_some() {
            self.shared.lock().unwrap().under_way -= 1;
        }
    }
}

/// `FROM:<a@b> X=Y Z` as address and parameters.
fn path(rest: &str) -> (String, Vec<String>) {
    let (_, rest) = rest.split_once('<').unwrap_or(("", ""));
    let (address, params) = rest.split_once('>').unwrap_or((rest, ""));
    (address.to_owned(), params.split_ascii_whitespace().map(str::to_owned).collect())
}
