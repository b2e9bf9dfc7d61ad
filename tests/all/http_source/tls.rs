//! An invoicing system over TLS: trusted by the authority that is named, and told nothing where it cannot show who it is.

use super::Opened;
use crate::support::Config;
use crate::support::config::LEDGER_KEY;
use crate::support::tls::Authority;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A system that has one empty list: its port, and all that it was told once the connection stood.
async fn system(authority: &Authority) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let (acceptor, kept) = (authority.acceptor.clone(), heard.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut buffer = [0; 4096];
            while let Ok(n) = stream.read(&mut buffer).await
                && n > 0
            {
                kept.lock().unwrap().extend_from_slice(&buffer[..n]);
                let body = "{\"data\": [], \"has_more\": false}";
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, heard)
}

async fn asked(authority: &Authority, ca: &str) -> (Result<Vec<String>, String>, bool) {
    let (port, heard) = system(authority).await;
    let more = "key = { file = \"ledger.secret\" }\nca = \"ca.pem\"";
    let config = Config::mail(25).system("stripe", &format!("https://127.0.0.1:{port}"), more).file("ca.pem", ca);
    let rows = Opened::with(config).await.reread(&["in_1"]).await.map_err(|e| e.to_string());
    let told = heard.lock().unwrap().windows(LEDGER_KEY.len()).any(|w| w == LEDGER_KEY.as_bytes());
    (rows, told)
}

#[tokio::test]
async fn a_stranger_and_an_expired_certificate_are_told_nothing() {
    let authority = Authority::new();
    let (rows, told) = asked(&authority, &authority.pem).await;
    assert!(told, "the one that is trusted hears the key");
    assert!(rows.is_err_and(|why| why.contains("another invoice") || why.contains("no list")), "and its answer is weighed");
    for (shown, trusted, why) in [(Authority::new(), Authority::new().pem, "invalid peer certificate"), {
        let expired = Authority::expired();
        let pem = expired.pem.clone();
        (expired, pem, "xpired")
    }] {
        let (rows, told) = asked(&shown, &trusted).await;
        let error = rows.unwrap_err();
        assert!(error.contains("certificate") && error.contains(why), "{error}");
        assert!(!told && !error.contains(LEDGER_KEY), "{error}");
    }
}
