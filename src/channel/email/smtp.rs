//! SMTP over lettre's connection, with a deadline on every phase. A connection in doubt is closed, never
//! reused: a late answer to an earlier message could else be read as the answer to the next.

use super::build::Envelope;
use super::classify;
use crate::channel::{Answer, Fault, Sent, words};
use crate::config::secret::Secret;
use crate::config::settings::{EmailSettings, Tls};
use crate::domain::attempt::{FaultClass, Outcome};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, MailParameter, RcptParameter};
use lettre::transport::smtp::response::Response;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

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
    wire: AsyncSmtpConnection,
    dsn: bool,
    utf8: bool,
    pipelining: bool,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(connection)")
    }
}

/// What came of a phase.
enum Phase {
    Done(Response),
    /// The server said no.
    No(u16, String),
    /// Time ran out or the connection broke.
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

    pub(super) async fn send(&mut self, envelope: &Envelope, message: &[u8]) -> Sent {
        let mut open = match self.connection.take() {
            Some(open) => open,
            None => match self.connect().await {
                Ok(open) => open,
                Err(fault) => return Sent::NotBegun(fault),
            },
        };
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
        Ok(format!("{}:{} answers, {encrypted}{login}", self.host, self.port))
    }

    pub(super) async fn close(&mut self) {
        if let Some(mut open) = self.connection.take() {
            // Leave-taking is a courtesy; whether it is heard changes nothing.
            if timeout(Duration::from_secs(2), open.wire.quit()).await.is_err() {
                tracing::debug!("the mail server did not answer to QUIT");
            }
        }
    }

    async fn connect(&self) -> Result<Open, Fault> {
        let name = format!("{}:{}", self.host, self.port);
        let in_time = |what: &str| Fault::network(format!("{name}: no answer to {what} within {} s", self.deadline.as_secs()));
        let tcp = timeout(self.deadline, TcpStream::connect((self.host.as_str(), self.port)))
            .await
            .map_err(|_| in_time("the connection"))?
            .map_err(|e| Fault::network(format!("cannot connect to {name}: {e}")))?;
        tcp.set_nodelay(true).map_err(|e| Fault::network(format!("{name}: {e}")))?;
        let stream: Box<dyn AsyncTokioStream> = match self.tls {
            Tls::Implicit => Box::new(self.encrypt(tcp, &name).await?),
            Tls::StartTls | Tls::None => Box::new(tcp),
        };
        let greeting = AsyncSmtpConnection::connect_with_transport(stream, &self.hello);
        let mut wire =
            timeout(self.deadline, greeting).await.map_err(|_| in_time("the greeting"))?.map_err(|e| fault(&name, &e))?;
        if self.tls == Tls::StartTls {
            let parameters = self.tls_parameters()?;
            if !wire.can_starttls() {
                let text = format!("{name} offers no STARTTLS; use smtps://, or tls = \"none\" for a relay on this machine");
                return Err(Fault::network(text));
            }
            let upgrade = wire.starttls(parameters, &self.hello);
            timeout(self.deadline, upgrade).await.map_err(|_| in_time("STARTTLS"))?.map_err(|e| fault(&name, &e))?;
        }
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            let login = wire.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
            timeout(self.deadline, login).await.map_err(|_| in_time("the login"))?.map_err(|e| Fault {
                class: FaultClass::Authentication,
                text: format!("{name} refuses the login of \"{user}\": {}; see [email] user and password", words(&e.to_string())),
            })?;
        }
        let hello = wire.command(Ehlo::new(self.hello.clone()));
        let offers = timeout(self.deadline, hello).await.map_err(|_| in_time("EHLO"))?.map_err(|e| fault(&name, &e))?;
        let offered = |name: &str| offers.message().any(|line| line.trim().eq_ignore_ascii_case(name));
        let (dsn, utf8, pipelining) = (offered("DSN"), offered("SMTPUTF8"), offered("PIPELINING"));
        Ok(Open { wire, dsn, utf8, pipelining })
    }

    fn tls_parameters(&self) -> Result<TlsParameters, Fault> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(ca) = &self.ca {
            builder = builder.certificate_store(CertificateStore::None);
            for certificate in read_ca(ca)? {
                let read = Certificate::from_der(certificate.to_vec());
                builder = builder.add_root_certificate(read.map_err(|e| Fault::network(e.to_string()))?);
            }
        }
        builder.build_rustls().map_err(|e| Fault::network(format!("cannot set up TLS: {e}")))
    }

    async fn encrypt(&self, tcp: TcpStream, name: &str) -> Result<Encrypted, Fault> {
        let mut roots = rustls::RootCertStore::empty();
        match &self.ca {
            Some(ca) => {
                roots.add_parsable_certificates(read_ca(ca)?);
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let host = ServerName::try_from(self.host.clone()).map_err(|e| Fault::network(format!("{name}: {e}")))?;
        let handshake = TlsConnector::from(Arc::new(config)).connect(host, tcp);
        let stream = timeout(self.deadline, handshake)
            .await
            .map_err(|_| Fault::network(format!("{name}: no answer to the TLS handshake within {} s", self.deadline.as_secs())))?
            .map_err(|e| Fault::network(format!("{name}: TLS failed: {e}")))?;
        Ok(Encrypted(stream))
    }
}

fn read_ca(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let read = CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>());
    let failed = |why: String| Fault::network(format!("cannot read the certificates in {}: {why}", path.display()));
    let read = read.map_err(|e| failed(e.to_string()))?;
    if read.is_empty() { Err(failed("there is none in it".to_owned())) } else { Ok(read) }
}

/// A refusal before any message: of the connection as a whole.
fn fault(name: &str, error: &Error) -> Fault {
    let class = match error.status().map(u16::from) {
        Some(421 | 450 | 454) => FaultClass::Throttled,
        _ => FaultClass::Network,
    };
    Fault { class, text: format!("{name}: {}", words(&error.to_string())) }
}

/// Waits for a phase, but not beyond the deadline. `wanted` is the first digit of a good answer: any other good
/// one belongs to something else, and then so will all that follow on this connection.
async fn phase(deadline: Duration, wanted: u16, work: impl Future<Output = Result<Response, Error>>) -> Phase {
    match timeout(deadline, work).await {
        Err(_) => Phase::Broken(format!("no answer within {} s", deadline.as_secs())),
        Ok(Ok(response)) => match u16::from(response.code()) {
            code if code / 100 == wanted => Phase::Done(response),
            code => Phase::Broken(format!("an answer out of turn: {code}")),
        },
        Ok(Err(e)) => match e.status() {
            Some(code) => {
                let text = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
                Phase::No(u16::from(code), text)
            }
            None => Phase::Broken(words(&e.to_string())),
        },
    }
}

/// One message over an open connection; says whether the connection may be used again.
async fn transmit(open: &mut Open, envelope: &Envelope, message: &[u8], deadline: Duration) -> (Sent, bool) {
    let mut mail_parameters = Vec::new();
    let mut rcpt_parameters = Vec::new();
    let plain = AsRef::<str>::as_ref(&envelope.to).is_ascii();
    if !plain && !open.utf8 {
        let text = "the mail server takes no address with letters outside ASCII (it offers no SMTPUTF8)".to_owned();
        return (Sent::Answered(Answer { outcome: Outcome::Refused, class: Some(FaultClass::Server), text }), true);
    }
    if !plain {
        mail_parameters.push(MailParameter::SmtpUtfEight);
    }
    if open.dsn {
        mail_parameters.push(other_mail("RET", "HDRS"));
        // lettre writes the values as xtext (RFC 3461, section 4) itself.
        mail_parameters.push(other_mail("ENVID", &envelope.envid));
        rcpt_parameters.push(other_rcpt("NOTIFY", "FAILURE,DELAY"));
        if plain {
            rcpt_parameters.push(other_rcpt("ORCPT", &format!("rfc822;{}", envelope.to)));
        }
    }
    let mail = Mail::new(Some(envelope.from.clone()), mail_parameters);
    let rcpt = Rcpt::new(envelope.to.clone(), rcpt_parameters);
    // Up to here nothing can have left: whatever breaks, the message has not been sent.
    let begun = match open.pipelining {
        true => pipelined(open, &mail, &rcpt, deadline).await,
        false => one_by_one(open, mail, rcpt, deadline).await,
    };
    if let Err(end) = begun {
        return end;
    }
    let handed = match std::str::from_utf8(message) {
        Ok(text) => phase(deadline, 2, open.wire.command(whole(text))).await,
        Err(_) => phase(deadline, 2, open.wire.message(message)).await,
    };
    match handed {
        Phase::Done(response) => {
            let text = response.message().collect::<Vec<_>>().join(" ");
            (Sent::Answered(Answer::accepted(format!("{} {}", response.code(), words(&text)))), true)
        }
        Phase::No(code, text) => (Sent::Answered(classify::answer(code, &text)), code != 421),
        Phase::Broken(why) => (Sent::Answered(Answer::unknown(format!("after the message was handed over: {why}"))), false),
    }
}

/// Envelope and DATA, each after the answer to the one before.
async fn one_by_one(open: &mut Open, mail: Mail, rcpt: Rcpt, deadline: Duration) -> Result<(), (Sent, bool)> {
    let answer = phase(deadline, 2, open.wire.command(mail)).await;
    if !matches!(answer, Phase::Done(_)) {
        return Err(before_data(open, answer, deadline).await);
    }
    let answer = phase(deadline, 2, open.wire.command(rcpt)).await;
    if !matches!(answer, Phase::Done(_)) {
        return Err(before_data(open, answer, deadline).await);
    }
    match phase(deadline, 3, open.wire.command(Data)).await {
        Phase::Done(_) => Ok(()),
        answer => Err(before_data(open, answer, deadline).await),
    }
}

/// Envelope and DATA in one write, where the server offers it (RFC 2920); each of the three is answered for itself.
async fn pipelined(open: &mut Open, mail: &Mail, rcpt: &Rcpt, deadline: Duration) -> Result<(), (Sent, bool)> {
    let mail = phase(deadline, 2, open.wire.command(format!("{mail}{rcpt}{Data}"))).await;
    if matches!(mail, Phase::Broken(_)) {
        return Err(before_data(open, mail, deadline).await);
    }
    let rcpt = phase(deadline, 2, open.wire.read_response()).await;
    if matches!(rcpt, Phase::Broken(_)) {
        return Err(before_data(open, rcpt, deadline).await);
    }
    let data = phase(deadline, 3, open.wire.read_response()).await;
    match (mail, rcpt, data) {
        (Phase::Done(_), Phase::Done(_), Phase::Done(_)) => Ok(()),
        (_, _, broken @ Phase::Broken(_)) => Err(before_data(open, broken, deadline).await),
        (no @ Phase::No(..), _, data) | (_, no @ Phase::No(..), data) => {
            let waits_for_data = matches!(data, Phase::Done(_));
            let (sent, usable) = before_data(open, no, if waits_for_data { Duration::ZERO } else { deadline }).await;
            // A server that waits for data after refusing the envelope is left without any.
            Err((sent, usable && !waits_for_data))
        }
        (_, _, data) => Err(before_data(open, data, deadline).await),
    }
}

/// A message as it stands on the wire, with its end: a dot that begins a line is doubled (RFC 5321, section 4.5.2).
fn whole(message: &str) -> String {
    let mut text = String::with_capacity(message.len() + 16);
    if message.starts_with('.') {
        text.push('.');
    }
    let mut rest = message;
    while let Some((line, after)) = rest.split_once("\r\n.") {
        text.push_str(line);
        text.push_str("\r\n..");
        rest = after;
    }
    text.push_str(rest);
    if !text.ends_with("\r\n") {
        text.push_str("\r\n");
    }
    text.push_str(".\r\n");
    text
}

/// The end of a transmission that got no further than its envelope.
async fn before_data(open: &mut Open, phase_end: Phase, deadline: Duration) -> (Sent, bool) {
    match phase_end {
        Phase::No(code, text) => {
            let answer = Sent::Answered(classify::answer(code, &text));
            let usable = code != 421 && matches!(phase(deadline, 2, open.wire.command(Rset)).await, Phase::Done(_));
            (answer, usable)
        }
        Phase::Broken(why) => (Sent::NotBegun(Fault::network(format!("the mail server broke off: {why}"))), false),
        Phase::Done(_) => (Sent::NotBegun(Fault::network("the mail server answered out of turn")), false),
    }
}

fn other_mail(keyword: &str, value: &str) -> MailParameter {
    MailParameter::Other { keyword: keyword.to_owned(), value: Some(value.to_owned()) }
}

fn other_rcpt(keyword: &str, value: &str) -> RcptParameter {
    RcptParameter::Other { keyword: keyword.to_owned(), value: Some(value.to_owned()) }
}

/// A TLS stream from the first byte.
#[derive(Debug)]
struct Encrypted(TlsStream<TcpStream>);

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn dots_at_the_beginning_of_lines_are_doubled() {
        assert_eq!(whole("a\r\n.\r\n..b\r\nc.\r\n"), "a\r\n..\r\n...b\r\nc.\r\n.\r\n");
        assert_eq!(whole(".x"), "..x\r\n.\r\n");
        assert_eq!(whole(""), "\r\n.\r\n");
    }
}
