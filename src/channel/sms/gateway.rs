//! Speaking to a gateway as its data file says. No redirects, a bounded answer, one deadline for the whole.

use crate::channel::{Answer, Fault, Sent, words};
use crate::config::gateway::{AnswerRule, Gateway, GatewayAuth, Method};
use crate::config::secret::Secret;
use crate::config::settings::SmsSettings;
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::gsm::{Alphabet, segments};
use std::sync::Arc;
use std::time::Duration;

/// The most that is read of an answer.
const MAX_ANSWER: usize = 64 << 10;

/// A client for one gateway.
#[derive(Debug)]
pub struct Client {
    gateway: Arc<Gateway>,
    url: String,
    user: String,
    password: Option<Secret>,
    from: String,
    http: reqwest::Client,
}

impl Client {
    /// Prepares a client.
    pub fn new(gateway: Arc<Gateway>, url: &str, settings: &SmsSettings, password: Option<Secret>) -> Result<Client, Fault> {
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
            password,
            from: settings.from.clone().unwrap_or_default(),
            http,
        })
    }

    fn fill(&self, template: &str, to: &str, text: &str) -> String {
        let mut out = String::with_capacity(template.len() + text.len());
        let mut rest = template;
        // One pass, so that a text that holds "{to}" stays as it is.
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                out.push('{');
                rest = after;
                continue;
            };
            match name {
                "to" => out.push_str(to),
                "to_digits" => out.push_str(to.trim_start_matches('+')),
                "from" => out.push_str(&self.from),
                "text" => out.push_str(text),
                "user" => out.push_str(&self.user),
                "password" => out.push_str(self.password.as_ref().map(Secret::reveal).unwrap_or_default()),
                _ => {}
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn request(&self, to: &str, text: &str) -> reqwest::RequestBuilder {
        let unicode = segments(text).alphabet == Alphabet::Ucs2;
        let extra: &[(String, String)] = if unicode { &self.gateway.unicode_fields } else { &[] };
        let fields: Vec<(&str, String)> = self
            .gateway
            .fields
            .iter()
            .chain(extra)
            .map(|(name, template)| (name.as_str(), self.fill(template, to, text)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let url = format!("{}{}", self.url, self.fill(&self.gateway.path, to, ""));
        let request = match self.gateway.method {
            Method::Get => self.http.get(url).query(&fields),
            Method::Post => self.http.post(url).form(&fields),
        };
        self.authenticated(request)
    }

    fn authenticated(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self.gateway.auth {
            GatewayAuth::Fields => request,
            GatewayAuth::Basic => request.basic_auth(&self.user, self.password.as_ref().map(Secret::reveal)),
        }
    }

    /// Sends one text.
    pub async fn send(&self, to: &str, text: &str) -> Sent {
        let response = match self.request(to, text).send().await {
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
        let Some(secret) = self.password.as_ref().map(Secret::reveal).filter(|s| !s.is_empty()) else { return text };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let encoded: String =
            secret.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect();
        text.replace(secret, "(secret)").replace(&encoded, "(secret)")
    }

    /// Asks for the probe's path, and looks at nothing but whether the login is taken.
    pub async fn probe(&self) -> Result<String, Fault> {
        let path = self.gateway.probe.as_deref().unwrap_or("/");
        let request = self.authenticated(self.http.get(format!("{}{}", self.url, self.fill(path, "", ""))));
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
    let id = gateway.id_pointer.as_deref().and_then(|p| json.as_ref()?.pointer(p)?.as_str().map(str::to_owned));
    let words = match id {
        Some(id) => format!("HTTP {status}, id {}", words(&id)),
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
            Answer { outcome, class, text: words }
        }
        None if status / 100 == 2 => Answer::unknown(format!("an answer that the gateway file does not know: {words}")),
        None => Answer { outcome: Outcome::Deferred, class: Some(FaultClass::Server), text: words },
    }
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
