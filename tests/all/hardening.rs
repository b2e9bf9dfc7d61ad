//! What the threat model promises of secrets, of TLS and of the memory of the program.

use crate::program::{Firm, Ran, late, wait_for};
use crate::support::config::{LEDGER_KEY, SMS_PASSWORD};
use crate::support::smtp::Offers;
use crate::support::tls::Authority;
use crate::support::{Config, Row, Smtp, World};
use base64::Engine as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const PASSWORD: &str = "correct horse battery";

/// TLS 1.1 in a ServerHello: record, handshake, version, random, no session, AES-128-CBC-SHA, no compression.
fn old_hello() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0x00, 0x2f, 0]);
    let mut bytes = vec![22, 3, 2, 0, hello.len() as u8 + 4, 2, 0, 0, hello.len() as u8];
    bytes.extend(hello);
    bytes
}

/// A server that speaks nothing newer than TLS 1.1: its port, and all that it was told.
pub async fn old_server() -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let mut answered = false;
            while let Ok(n) = stream.read(&mut buffer).await
                && n > 0
            {
                kept.lock().unwrap().extend_from_slice(&buffer[..n]);
                if !answered && stream.write_all(&old_hello()).await.is_err() {
                    break;
                }
                answered = true;
            }
        }
    });
    (port, heard)
}

/// TLS 1.3 and 1.2 were offered and nothing older, and no word of a login was said.
pub fn only_new_versions_were_offered(heard: &[u8]) {
    let offered = [0x00, 0x2b, 0x00, 0x05, 0x04, 0x03, 0x04, 0x03, 0x03];
    assert!(heard.windows(offered.len()).any(|w| w == offered), "no supported_versions of 1.3 and 1.2 alone");
    for word in [PASSWORD, SMS_PASSWORD, LEDGER_KEY, crate::inbox::server::PASSWORD] {
        assert!(!heard.windows(word.len()).any(|w| w == word.as_bytes()), "a password was said");
    }
}

#[tokio::test]
async fn a_mail_server_that_speaks_nothing_newer_than_tls_1_1_gets_nothing() {
    let (port, heard) = old_server().await;
    let mut config = Config::mail(port).file("ca.pem", &Authority::new().pem).file("smtp.secret", PASSWORD);
    config.email = Some(format!(
        "from = \"compta@canal.example\"\nsmtp = \"smtps://127.0.0.1:{port}\"\nca = \"ca.pem\"\nuser = \"compta\"\npassword = {{ file = \"smtp.secret\" }}\n"
    ));
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["deferred email reminder network"]);
    let answer = world.log().await[0].answer.clone().unwrap();
    assert!(answer.contains("TLS failed"), "{answer}");
    only_new_versions_were_offered(&heard.lock().unwrap());
    world.finish().await;
}

#[tokio::test]
async fn a_gateway_that_speaks_nothing_newer_than_tls_1_1_gets_nothing() {
    let (port, heard) = old_server().await;
    let mut config = Config::sms("kannel", port);
    config.sms = config.sms.map(|lines| lines.replace("http://", "https://"));
    let world = World::with(config, &[Row::new("F-1", "C1").with("phone", "+32470000001")]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["deferred sms reminder network"]);
    only_new_versions_were_offered(&heard.lock().unwrap());
    world.finish().await;
}

#[tokio::test]
async fn an_invoicing_system_that_speaks_nothing_newer_than_tls_1_1_gets_nothing() {
    let (port, heard) = old_server().await;
    let url = format!("https://127.0.0.1:{port}");
    let ledger = crate::http_source::Opened::new("stripe", &url, "key = { file = \"ledger.secret\" }").await;
    assert!(ledger.reread(&["in_1"]).await.is_err());
    only_new_versions_were_offered(&heard.lock().unwrap());
}

#[tokio::test]
async fn a_mailbox_that_speaks_nothing_newer_than_tls_1_1_gets_nothing() {
    let (port, heard) = old_server().await;
    let mut mailbox = crate::inbox::inbox(port, |_, imap| imap.tls = relance::config::settings::Tls::Implicit);
    assert!(mailbox.fetch(None, 10).await.is_err());
    only_new_versions_were_offered(&heard.lock().unwrap());
}

/// The same as a password on its way: in base64, alone and behind the login.
fn forms(user: &str, password: &str) -> [String; 3] {
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    [password.to_owned(), encode(password.to_owned()), encode(format!("\0{user}\0{password}"))]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_verb_prints_a_secret() {
    let server = Smtp::with(Offers { login: Some(("compta", "another word")), ..Offers::default() }).await;
    let gateway = crate::support::http::Http::start(crate::support::http::Answer::new(403, "no")).await;
    let config = crate::program::at_once(Config::mail(server.port).with_sms("kannel", gateway.port))
        .email_line("user = \"compta\"\npassword = { file = \"smtp.secret\" }")
        .file("smtp.secret", PASSWORD)
        .cadence(&crate::program::ALWAYS.replace("\"email\"", "[\"email\", \"sms\"]"));
    let firm = Firm::new(&config, &[late("F-1", "C1").with("phone", "+32470000001")]).await;
    let verbs: [&[&str]; 18] = [
        &["check"],
        &["check", "--connect"],
        &["run", "--once"],
        &["status"],
        &["status", "--json"],
        &["log", "--json"],
        &["explain", "C1"],
        &["preview"],
        &["report", "morning"],
        &["source", "try"],
        &["inbox", "--all", "--json"],
        &["holds"],
        &["bank", "--all", "--json"],
        &["proposals", "--all", "--json"],
        &["reach", "C1", "--json"],
        &["person", "export", "C1"],
        &["calls", "--json"],
        &["tasks", "--json"],
    ];
    for verb in verbs {
        let Ran { out, err, .. } = firm.run(verb);
        for form in forms("compta", PASSWORD).iter().chain(&forms("tester", SMS_PASSWORD)) {
            assert!(!out.contains(form) && !err.contains(form), "{verb:?} prints {form}:\n{out}\n{err}");
        }
    }
    assert!(firm.attempts().iter().any(|a| a.starts_with("deferred")), "{:?}", firm.attempts());
    assert!(!server.state().logins.is_empty(), "a login was tried");
}

/// Runs a program in a folder where cores may be left, waits for something, and kills it so that it would leave one.
fn killed(firm: &Firm, line: &str, ready: impl FnMut() -> bool) -> bool {
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -c unlimited 2>/dev/null; exec {line}")])
        .current_dir(firm.folder())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the program", ready);
    // Whoever is the same user, and not root, cannot look into it either.
    let is_root = std::fs::metadata(firm.folder()).unwrap().uid() == 0;
    assert!(is_root || std::fs::read(format!("/proc/{}/environ", child.id())).is_err(), "its memory is open to its user");
    let sent = Command::new("sh").args(["-c", &format!("kill -ABRT {}", child.id())]).status().unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(6), "{status}");
    status.core_dumped()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_of_the_program_is_never_written() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    silent.set_nonblocking(true).unwrap();
    let config =
        crate::program::at_once(Config::mail(port)).email_line("user = \"compta\"\npassword = { file = \"smtp.secret\" }");
    let firm = Firm::new(&config.file("smtp.secret", PASSWORD), &[late("F-1", "C1")]).await;
    let program = format!("'{}' --config '{}'", env!("CARGO_BIN_EXE_relance"), firm.path("relance.toml").display());
    // Both wait for a server that does not greet, and have their secrets in hand.
    let mut held = Vec::new();
    for verb in ["run", "check --connect"] {
        let dumped = killed(&firm, &format!("{program} {verb}"), || match silent.accept() {
            Ok((stream, _)) => {
                held.push(stream);
                true
            }
            Err(_) => false,
        });
        assert!(!dumped, "{verb} left a core");
    }
    let left: Vec<_> = std::fs::read_dir(firm.folder()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("core")), "{left:?}");
}
