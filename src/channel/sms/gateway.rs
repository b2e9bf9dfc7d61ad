//! Speaking to a gateway as its data file says. No redirects, a bounded answer, one deadline for the whole.

use crate::channel::{Answer, Fault, Sent, words};
use crate::config::gateway::{AnswerRule, Body, Field, Gateway, GatewayAuth, Method};
use crate::config::secret::Secret;
use crate::config::settings::SmsSettings;
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::fill::filled;
use crate::domain::gsm::{Alphabet, segments};
use std::sync::Arc;
use std::time::Duration;

/// The most that is read of an answer.
const MAX_ANSWER: usize = 64 << 10;

/// Where receipts are to go.
#[derive(Clone)]
pub struct HookUrl {
    /// The URL, unguessable.
    pub url: String,
    /// What the listener wants to be logged in with, where it wants that of this gateway.
    pub login: Option<Secret>,
}

impl std::fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(a URL for receipts)")
    }
}

impl HookUrl {
    /// The URL with the login in it, as HTTP basic.
    fn with_login(&self) -> String {
        match (&self.login, self.url.split_once("://")) {
            (Some(login), Some((scheme, rest))) => format!("{scheme}://relance:{}@{rest}", encoded(login.reveal())),
            _ => self.url.clone(),
        }
    }
}

/// A text as it can stand anywhere in a URL.
fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A text to be sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text<'a> {
    /// The number.
    pub to: &'a str,
    /// The words.
    pub text: &'a str,
    /// The keyed mark of the message, which comes back with its receipts.
    pub mark: &'a str,
}

/// A client for one gateway.
#[derive(Debug)]
pub struct Client {
    gateway: Arc<Gateway>,
    url: String,
    user: String,
    account: String,
    password: Option<Secret>,
    from: String,
    hook: Option<HookUrl>,
    http: reqwest::Client,
}

impl Client {
    /// Prepares a client.
    pub fn new(
        gateway: Arc<Gateway>,
        url: &str,
        settings: &SmsSettings,
        password: Option<Secret>,
        hook: Option<HookUrl>,
    ) -> Result<Client, Fault> {
        let mut http = reqwest::Client::builder();
        if is_loopback(url) {
            // A proxy of the environment has no business between two programs on one machine.
            http = http.no_proxy();
        }
        let http = http
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(settings.timeout))
            .connect_timeout(Duration::from_secs(settings.timeout.min(15)))
            .pool_max_idle_per_host(settings.connections)
            .user_agent(concat!("relance/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Fault::network(format!("cannot set up HTTP: {e}")))?;
        Ok(Client {
            gateway,
            url: url.to_owned(),
            user: settings.user.clone().unwrap_or_default(),
            account: settings.account.clone().unwrap_or_default(),
            password,
            hook,
            from: settings.from.clone().unwrap_or_default(),
            http,
        })
    }

    fn fill(&self, template: &str, of: Text) -> String {
        filled(template, |name, out| {
            match name {
                "to" => out.push_str(of.to),
                "to_digits" => out.push_str(of.to.trim_start_matches('+')),
                "from" => out.push_str(&self.from),
                "text" => out.push_str(of.text),
                "mark" => out.push_str(of.mark),
                "user" => out.push_str(&self.user),
                "account" => out.push_str(&self.account),
                "password" => out.push_str(self.password.as_ref().map(Secret::reveal).unwrap_or_default()),
                "hook" => out.push_str(self.hook.as_ref().map(|h| h.url.as_str()).unwrap_or_default()),
                "hook_login" => out.push_str(&self.hook.as_ref().map(HookUrl::with_login).unwrap_or_default()),
                _ => {}
            }
            true
        })
    }

    fn request(&self, of: Text) -> reqwest::RequestBuilder {
        let unicode = segments(of.text).alphabet == Alphabet::Ucs2;
        let extra: &[Field] = if unicode { &self.gateway.unicode_fields } else { &[] };
        let receipt: &[Field] = if self.hook.is_some() { &self.gateway.receipt_fields } else { &[] };
        let fields: Vec<(&Field, String)> = self
            .gateway
            .fields
            .iter()
            .chain(extra)
            .chain(receipt)
            .map(|field| (field, self.fill(&field.value, of)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let pairs = || fields.iter().map(|(field, value)| (field.name.as_str(), value.as_str())).collect::<Vec<_>>();
        let url = format!("{}{}", self.url, self.fill(&self.gateway.path, Text { text: "", ..of }));
        let request = match (self.gateway.method, self.gateway.body) {
            (Method::Get, _) => self.http.get(url).query(&pairs()),
            (Method::Post, Body::Form) => self.http.post(url).form(&pairs()),
            (Method::Post, Body::Json) => self.http.post(url).header("Content-Type", "application/json").body(object(&fields)),
        };
        self.authenticated(request)
    }

    fn authenticated(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let headers = self.gateway.headers.iter();
        let request = headers.fold(request, |r, h| r.header(h.name.as_str(), self.fill(&h.value, Text::default())));
        match self.gateway.auth {
            GatewayAuth::Fields => request,
            GatewayAuth::Basic => request.basic_auth(&self.user, self.password.as_ref().map(Secret::reveal)),
        }
    }

    /// Sends one text.
    pub async fn send(&self, of: Text<'_>) -> Sent {
        let response = match self.request(of).send().await {
            Ok(response) => response,
            Err(e) if e.is_connect() || e.is_builder() => return Sent::NotBegun(self.fault(&e)),
            Err(e) => return Sent::Answered(Answer::unknown(self.fault(&e).text)),
        };
        let status = response.status().as_u16();
        match body(response).await {
            Ok(text) => read(&self.gateway, status, &self.without_secret(text)).into(),
            Err(why) => Sent::Answered(Answer::unknown(format!("HTTP {status}, then {why}"))),
        }
    }

    /// A gateway may repeat the request in its answer, and the answer goes into the log.
    fn without_secret(&self, text: String) -> String {
        let login = self.hook.as_ref().and_then(|h| h.login.as_ref());
        let secrets = self.password.iter().chain(login).map(Secret::reveal).filter(|s| !s.is_empty());
        secrets.fold(text, |text, secret| text.replace(secret, "(secret)").replace(&encoded(secret), "(secret)"))
    }

    /// Asks for the probe's path, and looks at nothing but whether the login is taken.
    pub async fn probe(&self) -> Result<String, Fault> {
        let path = self.gateway.probe.as_deref().unwrap_or("/");
        let request = self.authenticated(self.http.get(format!("{}{}", self.url, self.fill(path, Text::default()))));
        let response = request.send().await.map_err(|e| self.fault(&e))?;
        let status = response.status().as_u16();
        match status {
            401 | 403 => Err(Fault {
                class: FaultClass::Authentication,
                text: format!("the gateway {} refuses the login (HTTP {status}); see [sms] user and password", self.gateway.name),
            }),
            _ => Ok(format!("the gateway {} answers (HTTP {status})", self.gateway.name)),
        }
    }

    /// The error without its URL, which may carry a password.
    fn fault(&self, error: &reqwest::Error) -> Fault {
        let kind = match () {
            () if error.is_timeout() => "no answer in time",
            () if error.is_connect() => "cannot connect",
            () if error.is_redirect() => "it redirects, which is not followed",
            () => "the connection broke",
        };
        let mut cause = std::error::Error::source(error);
        let mut detail = String::new();
        while let Some(e) = cause {
            detail = format!(": {}", words(&e.to_string()));
            cause = e.source();
        }
        let text = format!("SMS gateway {} at {}: {kind}{detail}", self.gateway.name, self.url);
        Fault::network(self.without_secret(text))
    }
}

/// Whether a URL's host is this machine.
fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    plain == "localhost" || plain.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Fields as a JSON object; of two with one name the later counts.
fn object(fields: &[(&Field, String)]) -> String {
    let value = |(field, value): &(&Field, String)| match field.truth {
        true => serde_json::Value::Bool(value == "true"),
        false => serde_json::Value::String(value.clone()),
    };
    let object: serde_json::Map<_, _> = fields.iter().map(|f| (f.0.name.clone(), value(f))).collect();
    serde_json::Value::Object(object).to_string()
}

async fn body(mut response: reqwest::Response) -> Result<String, String> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(format!("an answer longer than {MAX_ANSWER} bytes")),
            Ok(None) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => return Err("the answer broke off".to_owned()),
        }
    }
}

/// What an answer means: the first rule that fits. An answer that no rule knows may have been an acceptance
/// if its status says so; else the gateway failed.
pub fn read(gateway: &Gateway, status: u16, body: &str) -> Answer {
    let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let id = json.as_ref().and_then(|json| gateway.id_pointers.iter().find_map(|p| id_of(json.pointer(p)?)));
    let words = match &id {
        Some(id) => format!("HTTP {status}, id {id}"),
        None => format!("HTTP {status}: {}", words(body)),
    };
    let rule = gateway.answers.iter().find(|rule| fits(rule, status, body, json.as_ref()));
    match rule {
        Some(rule) => {
            let class = Some(rule.class.unwrap_or(FaultClass::Server)).filter(|_| rule.outcome != Outcome::Accepted);
            let outcome = match rule.outcome {
                // What is ours ends no number, whatever the file says.
                Outcome::Refused if class.is_some_and(FaultClass::is_ours) => Outcome::Deferred,
                outcome => outcome,
            };
            let id = id.filter(|_| outcome == Outcome::Accepted);
            Answer { outcome, class, text: words, id }
        }
        None if status / 100 == 2 => Answer::unknown(format!("an answer that the gateway file does not know: {words}")),
        None => Answer { outcome: Outcome::Deferred, class: Some(FaultClass::Server), text: words, id: None },
    }
}

/// The longest id that a gateway may give to a message.
pub(super) const LONGEST_ID: usize = 100;

/// A text or a number as an id: one tame word.
fn id_of(value: &serde_json::Value) -> Option<String> {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let id = words(&text);
    (!id.is_empty() && id.len() <= LONGEST_ID).then_some(id)
}

fn fits(rule: &AnswerRule, status: u16, body: &str, json: Option<&serde_json::Value>) -> bool {
    let holds_text = rule.body.as_ref().is_none_or(|text| body.contains(text.as_str()));
    let holds_value = rule.json.as_ref().is_none_or(|(pointer, values)| {
        let Some(value) = json.and_then(|j| j.pointer(pointer)).filter(|v| !v.is_null()) else { return false };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        values.is_empty() || values.contains(&text)
    });
    (rule.status.0..=rule.status.1).contains(&status) && holds_text && holds_value
}
