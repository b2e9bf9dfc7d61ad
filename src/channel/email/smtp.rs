//! SMTP with a deadline on every phase. A connection in doubt is closed, never reused: a late answer to an
//! earlier message could else be read as the answer to the next.

use super::build::Envelope;
use super::classify::{Phase, class, refusal};
use super::wire::{Reply, Wire};
use crate::channel::{Answer, Fault, Sent, words};
use crate::config::secret::Secret;
use crate::config::settings::{EmailSettings, Tls};
use crate::domain::attempt::{FaultClass, Outcome};
use crate::tls::{self, Stream};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{ClientId, MailParameter, RcptParameter};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A client that keeps at most one connection.
#[derive(Debug)]
pub struct Client {
    host: String,
    port: u16,
    tls: Tls,
    hello: ClientId,
    user: Option<String>,
    password: Option<Secret>,
    ca: Option<PathBuf>,
    deadline: Duration,
    connection: Option<Open>,
}

struct Open {
    wire: Wire,
    dsn: bool,
    utf8: bool,
    pipelining: bool,
    /// The largest message that the server takes, where it says so (RFC 1870).
    size: Option<u64>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(connection)")
    }
}

/// What came of a command.
enum Said {
    Yes(Reply),
    No(Reply),
    /// Time ran out, the connection broke, or what came was no answer to this.
    Broken(String),
}

impl Client {
    pub(super) fn new(host: &str, port: u16, tls: Tls, settings: &EmailSettings, password: Option<Secret>) -> Client {
        Client {
            host: host.to_owned(),
            port,
            tls,
            hello: ClientId::Domain(settings.from.email.domain().to_owned()),
            user: settings.user.clone(),
            password,
            ca: settings.ca.clone(),
            deadline: Duration::from_secs(settings.timeout),
            connection: None,
        }
    }

    pub(super) async fn send(&mut self, envelope: &Envelope, message: Vec<u8>, copies: bool) -> Sent {
        let mut open = match self.connection.take() {
            Some(open) => open,
            None => match self.connect().await {
                Ok(open) => open,
                Err(fault) => return Sent::NotBegun(fault),
            },
        };
        if let Some(most) = open.size.filter(|most| copies && message.len() as u64 > *most) {
            self.connection = Some(open);
            return Sent::TooLarge(most);
        }
        let (sent, usable) = transmit(&mut open, envelope, message, self.deadline).await;
        if usable {
            self.connection = Some(open);
        }
        sent
    }

    pub(super) async fn probe(&mut self) -> Result<String, Fault> {
        let open = self.connect().await?;
        let encrypted = if self.tls == Tls::None { "without encryption (loopback)" } else { "encrypted" };
        let login = if self.user.is_some() { ", logged in" } else { "" };
        self.connection = Some(open);
        self.close().await;
        Ok(format!("{} answers, {encrypted}{login}", self.name()))
    }

    pub(super) async fn close(&mut self) {
        if let Some(mut open) = self.connection.take() {
            // Leave-taking is a courtesy; whether it is heard changes nothing.
            if !matches!(said(Duration::from_secs(2), 2, open.wire.ask(Quit)).await, Said::Yes(_)) {
                tracing::debug!(event = "quit_unanswered", "the mail server did not answer to QUIT");
            }
        }
    }

    fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Everything before any message's dialogue: whatever fails here is about no message.
    async fn connect(&self) -> Result<Open, Fault> {
        let name = self.name();
        let tcp = timeout(self.deadline, TcpStream::connect((self.host.as_str(), self.port)))
            .await
            .map_err(|_| self.late("the connection"))?
            .map_err(|e| Fault::network(format!("cannot connect to {name}: {e}")))?;
        tcp.set_nodelay(true).map_err(|e| Fault::network(format!("{name}: {e}")))?;
        let stream = match self.tls {
            Tls::Implicit => self.encrypt(Box::new(tcp)).await?,
            Tls::StartTls | Tls::None => Box::new(tcp),
        };
        let mut wire = Wire::new(stream);
        self.opening("the greeting", wire.reply()).await?;
        let mut ehlo = self.opening("EHLO", wire.ask(Ehlo::new(self.hello.clone()))).await?;
        if self.tls == Tls::StartTls {
            if ehlo.offers("STARTTLS").is_none() {
                let text = format!("{name} offers no STARTTLS; use smtps://, or tls = \"none\" for a relay on this machine");
                return Err(Fault::network(text));
            }
            self.opening("STARTTLS", wire.ask(Starttls)).await?;
            let stream = wire.into_stream().map_err(|e| Fault::network(format!("{name}: {e}")))?;
            wire = Wire::new(self.encrypt(stream).await?);
            ehlo = self.opening("EHLO", wire.ask(Ehlo::new(self.hello.clone()))).await?;
        }
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            self.login(&mut wire, &ehlo, user, password).await?;
            ehlo = self.opening("EHLO", wire.ask(Ehlo::new(self.hello.clone()))).await?;
        }
        let offered = |service: &str| ehlo.offers(service).is_some();
        let (dsn, utf8, pipelining) = (offered("DSN"), offered("SMTPUTF8"), offered("PIPELINING"));
        // Without a number, or with 0, there is no fixed limit.
        let size = ehlo.offers("SIZE").and_then(|most| most.trim().parse().ok()).filter(|most| *most > 0);
        Ok(Open { wire, dsn, utf8, pipelining, size })
    }

    async fn login(&self, wire: &mut Wire, ehlo: &Reply, user: &str, password: &Secret) -> Result<(), Fault> {
        let refused = |class, why: String| {
            let text = format!("{} refuses the login of \"{user}\": {why}; see [email] user and password", self.name());
            Fault { class, text }
        };
        let offered = ehlo.offers("AUTH").unwrap_or_default();
        let has = |mechanism: &str| offered.split_ascii_whitespace().any(|m| m.eq_ignore_ascii_case(mechanism));
        let (mechanism, challenges): (_, &[Option<&str>]) = match () {
            () if has("PLAIN") => (Mechanism::Plain, &[None]),
            () if has("LOGIN") => (Mechanism::Login, &[None, Some("Username:"), Some("Password:")]),
            () => return Err(refused(FaultClass::Authentication, "it offers neither PLAIN nor LOGIN".to_owned())),
        };
        for (n, challenge) in challenges.iter().enumerate() {
            let credentials = Credentials::new(user.to_owned(), password.reveal().to_owned());
            let auth = Auth::new(mechanism, credentials, challenge.map(str::to_owned))
                .map_err(|e| refused(FaultClass::Authentication, e.to_string()))?;
            let wanted = if n + 1 == challenges.len() { 2 } else { 3 };
            match said(self.deadline, wanted, wire.ask(auth)).await {
                Said::Yes(_) => {}
                Said::No(reply) => {
                    let class = match class(Phase::Open, reply.code, &reply.text()) {
                        FaultClass::Throttled => FaultClass::Throttled,
                        _ => FaultClass::Authentication,
                    };
                    return Err(refused(class, format!("{} {}", reply.code, words(&reply.text()))));
                }
                Said::Broken(why) => return Err(Fault::network(format!("{}: at the login: {why}", self.name()))),
            }
        }
        Ok(())
    }

    fn late(&self, what: &str) -> Fault {
        Fault::network(format!("{}: no answer to {what} within {} s", self.name(), self.deadline.as_secs()))
    }

    /// One step of opening a connection.
    async fn opening(&self, what: &str, work: impl Future<Output = io::Result<Reply>>) -> Result<Reply, Fault> {
        let reply = timeout(self.deadline, work).await.map_err(|_| self.late(what))?;
        let reply = reply.map_err(|e| Fault::network(format!("{}: at {what}: {}", self.name(), words(&e.to_string()))))?;
        if reply.code / 100 == 2 {
            return Ok(reply);
        }
        let text = format!("{}: at {what}: {} {}", self.name(), reply.code, words(&reply.text()));
        Err(Fault { class: class(Phase::Open, reply.code, &reply.text()), text })
    }

    async fn encrypt(&self, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, Fault> {
        let stream = timeout(self.deadline, tls::encrypt(&self.host, self.ca.as_deref(), stream))
            .await
            .map_err(|_| self.late("the TLS handshake"))?;
        stream.map_err(|why| Fault::network(format!("{}: {why}", self.name())))
    }
}

/// Waits for a reply, but not beyond the deadline. `wanted` is the first digit of a good one: any other good one
/// belongs to something else, and then so will all that follow on this connection.
async fn said(deadline: Duration, wanted: u16, work: impl Future<Output = io::Result<Reply>>) -> Said {
    match timeout(deadline, work).await {
        Err(_) => Said::Broken(format!("no answer within {} s", deadline.as_secs())),
        Ok(Err(e)) => Said::Broken(words(&e.to_string())),
        Ok(Ok(reply)) => match reply.code / 100 {
            digit if digit == wanted => Said::Yes(reply),
            4 | 5 => Said::No(reply),
            _ => Said::Broken(format!("an answer out of turn: {}", reply.code)),
        },
    }
}

/// One message over an open connection; says whether the connection may be used again.
async fn transmit(open: &mut Open, envelope: &Envelope, message: Vec<u8>, deadline: Duration) -> (Sent, bool) {
    let Some((mail, rcpt)) = commands(open, envelope) else {
        let text = "the mail server takes no address with letters outside ASCII (it offers no SMTPUTF8)".to_owned();
        return (Sent::Answered(Answer { outcome: Outcome::Refused, class: Some(FaultClass::Server), text, id: None }), true);
    };
    // Up to here nothing can have left: whatever breaks, the message has not been sent.
    let begun = match open.pipelining {
        true => pipelined(open, &mail, &rcpt, deadline).await,
        false => one_by_one(open, &mail, &rcpt, deadline).await,
    };
    if let Err(end) = begun {
        return end;
    }
    match said(deadline, 2, open.wire.tell(&whole(message))).await {
        Said::Yes(reply) => {
            let text = format!("{} {}", reply.code, words(&reply.text()));
            (Sent::Answered(Answer::accepted(text)), true)
        }
        Said::No(reply) => (refusal(Phase::Dot, &reply), reply.code != 421),
        Said::Broken(why) => (Sent::Answered(Answer::unknown(format!("after the message was handed over: {why}"))), false),
    }
}

/// The envelope as this server can take it; `None` when it cannot.
fn commands(open: &Open, envelope: &Envelope) -> Option<(Mail, Rcpt)> {
    let (mut mail, mut rcpt) = (Vec::new(), Vec::new());
    let to = if open.utf8 { envelope.to.clone() } else { super::address::in_ascii(&envelope.to)? };
    let plain = AsRef::<str>::as_ref(&to).is_ascii();
    if !plain {
        mail.push(MailParameter::SmtpUtfEight);
    }
    if open.dsn {
        mail.push(other_mail("RET", "HDRS"));
        // lettre writes the values as xtext (RFC 3461, section 4) itself.
        mail.push(other_mail("ENVID", &envelope.envid));
        rcpt.push(other_rcpt("NOTIFY", "FAILURE,DELAY"));
        if plain {
            rcpt.push(other_rcpt("ORCPT", &format!("rfc822;{to}")));
        }
    }
    Some((Mail::new(Some(envelope.from.clone()), mail), Rcpt::new(to, rcpt)))
}

/// Envelope and DATA, each after the answer to the one before.
async fn one_by_one(open: &mut Open, mail: &Mail, rcpt: &Rcpt, deadline: Duration) -> Result<(), (Sent, bool)> {
    let steps = [(Phase::Mail, 2, mail.to_string()), (Phase::Rcpt, 2, rcpt.to_string()), (Phase::Data, 3, Data.to_string())];
    for (phase, wanted, command) in steps {
        match said(deadline, wanted, open.wire.ask(command)).await {
            Said::Yes(_) => {}
            Said::No(reply) => return Err(refused(open, phase, &reply, deadline).await),
            Said::Broken(why) => return Err(broken(&why)),
        }
    }
    Ok(())
}

/// Envelope and DATA in one write, where the server offers it (RFC 2920); each of the three is answered for itself,
/// and the first refusal is the one that counts.
async fn pipelined(open: &mut Open, mail: &Mail, rcpt: &Rcpt, deadline: Duration) -> Result<(), (Sent, bool)> {
    let commands = format!("{mail}{rcpt}{Data}");
    let mut no: Option<(Phase, Reply)> = None;
    let mut waits_for_data = false;
    for (phase, wanted) in [(Phase::Mail, 2), (Phase::Rcpt, 2), (Phase::Data, 3)] {
        let answer = match phase {
            Phase::Mail => said(deadline, wanted, open.wire.ask(&commands)).await,
            _ => said(deadline, wanted, open.wire.reply()).await,
        };
        match (answer, &no) {
            (Said::Yes(_), _) => waits_for_data = phase == Phase::Data,
            (Said::No(reply), None) => no = Some((phase, reply)),
            (Said::No(_), Some(_)) => {}
            (Said::Broken(why), None) => return Err(broken(&why)),
            // A server may end the connection after it has refused.
            (Said::Broken(_), Some((phase, reply))) => return Err((refusal(*phase, reply), false)),
        }
    }
    match no {
        None => Ok(()),
        // A server that waits for data after refusing the envelope is left without any.
        Some((phase, reply)) if waits_for_data => Err((refusal(phase, &reply), false)),
        Some((phase, reply)) => Err(refused(open, phase, &reply, deadline).await),
    }
}

/// The end of a dialogue in which the server said no before it had any of the message.
async fn refused(open: &mut Open, phase: Phase, reply: &Reply, deadline: Duration) -> (Sent, bool) {
    let usable = reply.code != 421 && matches!(said(deadline, 2, open.wire.ask(Rset)).await, Said::Yes(_));
    (refusal(phase, reply), usable)
}

/// The end of a dialogue that broke before the server had any of the message.
fn broken(why: &str) -> (Sent, bool) {
    (Sent::Interrupted(Fault::network(format!("the mail server broke off: {why}"))), false)
}

/// A message as it stands on the wire, with its end: a dot that begins a line is doubled (RFC 5321, section 4.5.2).
/// Hardly any has one, and needs no copy.
fn whole(message: Vec<u8>) -> Vec<u8> {
    let mut bytes = match memchr::memmem::find(&message, b"\n.") {
        None if !message.starts_with(b".") => message,
        _ => stuffed(&message),
    };
    if !bytes.ends_with(b"\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b".\r\n");
    bytes
}

fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len() + 64);
    if message.starts_with(b".") {
        bytes.push(b'.');
    }
    let mut rest = 0;
    for end in memchr::memmem::find_iter(message, b"\n.") {
        bytes.extend_from_slice(&message[rest..=end]);
        bytes.push(b'.');
        rest = end + 1;
    }
    bytes.extend_from_slice(&message[rest..]);
    bytes
}

fn other_mail(keyword: &str, value: &str) -> MailParameter {
    MailParameter::Other { keyword: keyword.to_owned(), value: Some(value.to_owned()) }
}

fn other_rcpt(keyword: &str, value: &str) -> RcptParameter {
    RcptParameter::Other { keyword: keyword.to_owned(), value: Some(value.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn dots_at_the_beginning_of_lines_are_doubled() {
        assert_eq!(whole(b"a\r\n.\r\n..b\r\nc.\r\n".to_vec()), b"a\r\n..\r\n...b\r\nc.\r\n.\r\n");
        assert_eq!(whole(b".x".to_vec()), b"..x\r\n.\r\n");
        assert_eq!(whole(b"x\r\n".to_vec()), b"x\r\n.\r\n");
        assert_eq!(whole(Vec::new()), b"\r\n.\r\n");
    }
}
