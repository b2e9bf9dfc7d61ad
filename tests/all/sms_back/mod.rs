//! What SMS gateways send back, over sockets: each as it signs, each in its own words; and those who only say that they are one.

mod answers;
mod bounds;
mod doubt;
mod kannel;
mod program;
mod receipts;
mod send;
mod verified;

use crate::support::http::{Answer, Http};
use crate::support::{Config, Row, World};
use relance::flow::hook;
use relance::web::hooks::{BOUNDS, Hooks};
use relance::web::serve::{self, Listener};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What gateways call the listener.
pub const PUBLIC: &str = "https://hooks.canal.example";

/// What the gateways of these tests sign with.
pub const SECRET: &str = "the-signing-key-of-a-test";

/// The firm hears what its gateway sends back.
pub fn heard(config: Config, more: &str) -> Config {
    let listen = format!("[listen]\naddress = \"127.0.0.1:0\"\npublic = \"{PUBLIC}\"\n{more}");
    config.file("conf.d/listen.toml", &listen).file("hooks.secret", SECRET)
}

/// The same, with a key.
pub fn signed(config: Config) -> Config {
    heard(config, "secret = { file = \"hooks.secret\" }\n")
}

pub fn row(id: &str, customer: &str, phone: &str) -> Row {
    Row::new(id, customer).without("email").with("phone", phone)
}

/// How each gateway takes a message, and the id that it gives it.
pub fn taken(gateway: &str, id: &str) -> Answer {
    match gateway {
        "kannel" => Answer::new(202, "0: Accepted for delivery"),
        "twilio" => Answer::new(201, &format!(r#"{{"sid": "{id}", "status": "queued"}}"#)),
        "vonage" => Answer::new(
            200,
            &format!(r#"{{"message-count": "1", "messages": [{{"to": "32470000001", "message-id": "{id}", "status": "0"}}]}}"#),
        ),
        "ovh" => Answer::new(200, &format!(r#"{{"status": 100, "creditLeft": "230.50", "smsIds": ["{id}"]}}"#)),
        "brevo" => Answer::new(201, &format!(r#"{{"reference": "x", "messageId": {id}, "smsCount": 1}}"#)),
        "messagebird" => Answer::new(201, &format!(r#"{{"id": "{id}", "recipients": {{"totalSentCount": 1}}}}"#)),
        _ => panic!("{gateway}"),
    }
}

/// A firm that has sent one reminder by a gateway that is heard, with its listener.
pub struct Line {
    pub world: World,
    pub gateway: Http,
    pub hooks: Hooks,
    pub address: String,
    _listener: Listener,
}

impl Line {
    pub async fn open(name: &str, id: &str) -> Line {
        let line = Line::silent(name, taken(name, id)).await;
        line.world.round().await;
        assert_eq!(line.world.outcomes().await, ["accepted sms reminder"]);
        line
    }

    /// Nothing is sent yet.
    pub async fn silent(name: &str, answer: Answer) -> Line {
        let gateway = Http::start(answer).await;
        let config = Config::sms(name, gateway.port).sms_line("from = \"Canal\"").sms_line("account = \"sms-1\"");
        let config = if name == "twilio" { heard(config, "") } else { signed(config) };
        let world = World::with(config, &[row("F-1", "C1", "+32470000001")]).await;
        Line::over(world, gateway).await
    }

    pub async fn over(world: World, gateway: Http) -> Line {
        let hooks = Hooks::new(world.desk().setup.settings.listen.as_ref(), world.desk().tally.clone());
        hooks.sees(world.desk());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let listener = serve::serve(listener, BOUNDS, hooks.router());
        Line { world, gateway, hooks, address, _listener: listener }
    }

    pub fn path(&self) -> String {
        hook::path(self.world.desk(), &hook::heard(self.world.desk()).unwrap())
    }

    /// The keyed mark that went out with the message.
    pub fn mark(&self) -> String {
        let request = &self.gateway.requests()[0];
        let all: Vec<&str> = request.fields.iter().map(|(_, v)| v.as_str()).chain([request.body.as_str()]).collect();
        let found = all.iter().find_map(|text| text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').find(|t| is_mark(t)));
        found.unwrap_or_else(|| panic!("no mark in {all:?}")).to_owned()
    }

    /// Says something to the listener; gives the status.
    pub async fn say(&self, method: &str, target: &str, headers: &str, body: &str) -> u16 {
        say(&self.address, method, target, headers, body).await
    }

    pub async fn get(&self, query: &str) -> u16 {
        self.say("GET", &format!("{}?{query}", self.path()), "", "").await
    }

    /// What came back and is on record: kind, how it was matched.
    pub async fn came(&self) -> Vec<String> {
        self.world.peek("SELECT kind || ' ' || coalesce(matched_by, 'nobody') FROM inbound ORDER BY pk").await
    }

    pub async fn delivered(&self) -> bool {
        self.world.peek("SELECT pk || '' FROM message WHERE delivered_at IS NOT NULL").await.len() == 1
    }

    pub async fn state(&self) -> String {
        self.world.peek("SELECT state FROM message ORDER BY pk").await.concat()
    }

    pub async fn finish(self) {
        self.hooks.loses();
        self.world.finish().await;
    }
}

fn is_mark(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts.as_slice(), [_, day, proof] if !day.is_empty() && proof.len() == 16)
}

/// One request on a connection of its own; the status of the answer, whose body is always empty.
pub async fn say(address: &str, method: &str, target: &str, headers: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: inside\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    // Who is refused by the head alone may be gone before the body is.
    drop(stream.write_all(body.as_bytes()).await);
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    let said = String::from_utf8(said).unwrap();
    let (head, rest) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {said:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    // The words of hyper itself, for a head that is none, are not ours.
    assert!(rest.is_empty(), "an answer has no words: {said}");
    assert!(!head.to_lowercase().contains("server:"), "{head}");
    status
}

pub const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
pub const JSON: &str = "Content-Type: application/json; charset=utf-8\r\n";

/// Fields as a form.
pub fn form(fields: &[(&str, &str)]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let encode = |text: &str| {
        text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect::<String>()
    };
    fields.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect::<Vec<_>>().join("&")
}

/// Signs as each gateway does: written by its description, apart from what reads it.
pub mod sign {
    use super::{FORM, JSON, PUBLIC, SECRET, form};
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha2::{Digest as _, Sha256};

    /// Headers and body of a form that Twilio sends to a target.
    pub fn twilio(target: &str, fields: &[(&str, &str)], token: &str) -> (String, String) {
        let mut sorted = fields.to_vec();
        sorted.sort();
        let text = sorted.iter().fold(format!("{PUBLIC}{target}"), |text, (n, v)| text + n + v);
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
        let tag = STANDARD.encode(ring::hmac::sign(&key, text.as_bytes()));
        (format!("{FORM}X-Twilio-Signature: {tag}\r\n"), form(fields))
    }

    /// The fields with Vonage's signature (HMAC-SHA-256), and a time.
    pub fn vonage(fields: &[(&str, &str)], now: jiff::Timestamp) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        all.push(("timestamp".to_owned(), now.as_second().to_string()));
        all.push(("nonce".to_owned(), "aaaaaaaa-bbbb-cccc-dddd-0123456789ab".to_owned()));
        all.sort();
        let text: String = all.iter().map(|(n, v)| format!("&{n}={}", v.replace(['&', '='], "_"))).collect();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        let sig = relance::domain::hex::hex(&mac.finalize().into_bytes()).to_uppercase();
        all.push(("sig".to_owned(), sig));
        all
    }

    /// The header that MessageBird signs a request with.
    pub fn messagebird(target: &str, body: &str, from: i64, until: i64) -> String {
        let digest = |text: &str| relance::domain::hex::hex(&Sha256::digest(text.as_bytes()));
        let mut claims = serde_json::json!({ "iss": "MessageBird", "nbf": from, "exp": until, "jti": "0d8b1a6e", "url_hash": digest(&format!("{PUBLIC}{target}")) });
        if !body.is_empty() {
            claims["payload_hash"] = digest(body).into();
        }
        format!(
            "{}MessageBird-Signature-JWT: {}\r\n",
            if body.is_empty() { "" } else { JSON },
            jwt(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string(), SECRET)
        )
    }

    pub fn jwt(head: &str, claims: &str, secret: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

/// Where the listener refuses something, nothing is on record.
pub async fn nothing_came(line: &Line) {
    assert_eq!(line.came().await, Vec::<String>::new());
    assert!(!line.delivered().await);
}

/// The tally of refusals.
pub fn refusals(line: &Line) -> Vec<(&'static str, u64)> {
    let counts = Arc::clone(&line.world.desk().tally).refusals_so_far();
    counts.into_iter().map(|(why, count)| (why.as_str(), count)).collect()
}
