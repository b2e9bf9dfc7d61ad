//! One request to an invoicing system and its answer: every wait, every size and every number of tries has an end, and
//! nothing of the key gets into words.

use super::auth::Login;
use super::gate::Gate;
use super::kept::Pages;
use super::pick::encoded;
use crate::clock::Stopwatch;
use crate::config::gateway::Method;
use crate::config::secret::Secret;
use crate::config::settings::HttpSettings;
use crate::config::system::{Ask, Escape, Name};
use crate::domain::json::Json;
use crate::domain::tame::tamed_to;
use crate::source::SourceError;
use reqwest::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The largest answer that is read.
const MAX_ANSWER: usize = 32 << 20;

/// Until a connection stands; between two pieces of an answer; for a whole request.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(30);
const WHOLE: Duration = Duration::from_secs(90);

/// A request that met a passing fault is made so often at the most.
const TRIES: u32 = 4;

/// A wait that the other side asks for is kept to within a poll up to this, and beyond it there is no poll before its end
/// (flow/rest.rs); when it names none, so long, growing.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_millis(500);

/// The most words of an answer that are shown to whoever sets a system up.
const SAID: usize = 300;

/// The states by which a server says that it may be otherwise in a moment.
pub(super) const PASSING: &[u16] = &[408, 425, 429, 500, 502, 503, 504];

/// How patient a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// A poll: it waits when asked to.
    Poll,
    /// Somebody waits for the answer: one try more, at once.
    Now,
}

/// What a request is filled with.
#[derive(Clone, Debug, Default)]
pub(super) struct Filling(pub(super) Vec<(Name, String)>);

impl Filling {
    pub(super) fn with(name: Name, value: impl Into<String>) -> Filling {
        Filling(vec![(name, value.into())])
    }
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub(super) enum Target<'a> {
    /// To where its file says.
    Ask(&'a Ask, Filling),
    /// To a URL that an answer of this system gave, with the headers of the request.
    Url(&'a Ask, String),
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) json: Json,
}

/// What comes before its body.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Where it was asked for.
    pub(super) url: reqwest::Url,
}

/// One system, and the way to it.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    pub(super) settings: HttpSettings,
    secrets: BTreeMap<Name, Secret>,
    login: Login,
    gate: Gate,
    pages: Pages,
}

impl Client {
    pub(super) fn new(settings: &HttpSettings, secrets: BTreeMap<Name, Secret>) -> Result<Client, SourceError> {
        let failed = |why: String| SourceError::Http { place: settings.url.clone(), why, said: None, wait: None };
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .timeout(WHOLE)
            .pool_max_idle_per_host(super::AT_ONCE)
            .user_agent(concat!("relance/", env!("CARGO_PKG_VERSION")));
        if super::is_loopback(&settings.url) {
            // A proxy of the environment has no business between two programs on one machine.
            http = http.no_proxy();
        }
        if let Some(ca) = &settings.ca {
            http = http.tls_certs_only(authorities(ca).map_err(failed)?);
        }
        let http = http.build().map_err(|e| failed(format!("cannot set up HTTP: {}", cause(&e))))?;
        let login = Login::new(settings);
        let gate = Gate::new(settings.system.rate);
        Ok(Client { http, settings: settings.clone(), secrets, login, gate, pages: Pages::default() })
    }

    pub(super) fn login(&self) -> &Login {
        &self.login
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The base URL, for messages.
    pub(super) fn place(&self) -> &str {
        &self.settings.url
    }

    /// A value of the settings, for the wire only.
    pub(super) fn setting(&self, name: Name) -> String {
        match self.secrets.get(&name) {
            Some(secret) => secret.reveal().to_owned(),
            None => self.settings.values.words.get(&name).cloned().unwrap_or_default(),
        }
    }

    /// An error in words, without anything secret.
    pub(super) fn failed(&self, why: impl Into<String>) -> SourceError {
        SourceError::Http { place: self.place().to_owned(), why: self.clean(&why.into()), said: None, wait: None }
    }

    fn failed_saying(&self, why: String, body: &str) -> SourceError {
        let said = Some(tamed_to(&self.clean(body), SAID)).filter(|said| !said.is_empty());
        SourceError::Http { place: self.place().to_owned(), why: self.clean(&why), said, wait: None }
    }

    /// A text without any of the secrets, however they are written in it.
    fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.values().map(Secret::reveal).filter(|secret| !secret.is_empty());
        let held = self.login.held();
        let held = held.iter().map(Secret::reveal).filter(|secret| !secret.is_empty());
        secrets.chain(held).fold(text.to_owned(), |text, secret| {
            let in_json = serde_json::Value::from(secret).to_string();
            let in_json = in_json.trim_matches('"');
            text.replace(secret, "(secret)").replace(&encoded(secret), "(secret)").replace(in_json, "(secret)")
        })
    }

    /// Pages of the list that were read before.
    pub(super) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Asks, and asks again where that may help. An answer with a status from 200 to 299, or one of `also`.
    pub(super) async fn ask(
        self: &Arc<Self>,
        target: &Target<'_>,
        also: &[u16],
        patience: Patience,
    ) -> Result<Answer, SourceError> {
        self.tried(target, also, patience, None).await
    }

    /// A page of a list: one that has not changed since it was read last need not come again.
    pub(super) async fn page(self: &Arc<Self>, target: &Target<'_>, also: &[u16]) -> Result<Answer, SourceError> {
        self.tried(target, also, Patience::Poll, Some(&self.pages)).await
    }

    async fn tried(
        self: &Arc<Self>,
        target: &Target<'_>,
        also: &[u16],
        patience: Patience,
        pages: Option<&Pages>,
    ) -> Result<Answer, SourceError> {
        let (watch, mut tries, mut anew) = (Stopwatch::start(), 0, false);
        loop {
            tries += 1;
            let (why, asked) = match self.once(target, also, patience, pages).await? {
                Once::Answer(answer) => return Ok(answer),
                Once::Refused(error) => {
                    // A token whose time was over sooner than it was said: once, with another.
                    if anew || !self.login.renews() {
                        return Err(error);
                    }
                    anew = true;
                    self.login.forget().await;
                    continue;
                }
                Once::Passing(error, wait) => (error, wait),
            };
            let wait = asked.unwrap_or(WAIT * 2u32.pow(tries.min(6)));
            let most = if patience == Patience::Poll { TRIES } else { 2 };
            let longest = if patience == Patience::Poll { LONGEST_WAIT } else { Duration::from_secs(1) };
            if tries >= most || wait > longest || watch.elapsed() + wait > 2 * LONGEST_WAIT {
                return Err(why.asking(asked));
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(
        self: &Arc<Self>,
        target: &Target<'_>,
        also: &[u16],
        patience: Patience,
        pages: Option<&Pages>,
    ) -> Result<Once, SourceError> {
        let authorization = self.login.header(self).await?;
        self.gate.pass(patience == Patience::Now).await;
        let mut request = self.request(target, authorization)?;
        let url = request.url().clone();
        let tag = pages.and_then(|pages| pages.tag(url.as_str()));
        let is_asked_for_change = tag.is_some();
        request.headers_mut().extend(tag.map(|tag| (IF_NONE_MATCH, tag)));
        let response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(e) => return Ok(Once::Passing(self.failed(format!("{}: {}", target.name(), cause(&e))), None)),
        };
        let mut head = Head { status: response.status().as_u16(), headers: response.headers().clone(), url };
        let body = match body(response).await {
            Ok(body) => body,
            Err(Broken::TooLong) => {
                let text = format!("{}: its answer is larger than {} MiB; wanted smaller pages", target.name(), MAX_ANSWER >> 20);
                return Err(self.failed(text));
            }
            Err(Broken::Off) => return Ok(Once::Passing(self.failed(format!("{}: its answer broke off", target.name())), None)),
        };
        if let Some(pages) = pages.filter(|_| head.status == 304 && is_asked_for_change) {
            head.status = 200;
            return match pages.text(head.url.as_str()) {
                Some(body) => self.judged(target, head, &body, also),
                None => {
                    pages.clear();
                    Ok(Once::Passing(self.failed(format!("{}: the page that has not changed is lost", target.name())), None))
                }
            };
        }
        let tag = head.headers.get(ETAG).filter(|_| head.status == 200).cloned();
        let judged = self.judged(target, head, &body, also);
        if let (Some(pages), Ok(Once::Answer(answer))) = (pages, &judged) {
            pages.keep(answer.head.url.as_str(), tag.as_ref(), &body);
        }
        judged
    }

    fn judged(&self, target: &Target<'_>, head: Head, body: &str, also: &[u16]) -> Result<Once, SourceError> {
        let (name, status, headers) = (target.name(), head.status, &head.headers);
        let error = |why: String| self.failed_saying(why, body);
        match status {
            200..=299 => {}
            // "Nothing there" is the system's own word only in its own language: a page of a proxy, or of a web server that knows
            // nothing of an API, would else close all invoices.
            _ if also.contains(&status)
                && Json::parse(body).is_ok_and(|json| !matches!(json, Json::Number(_) | Json::Text(_))) =>
            {
                return Ok(Once::Answer(Answer { head, json: Json::Null }));
            }
            304 => return Err(error(format!("{name}: it says that nothing has changed (HTTP 304), which was not asked"))),
            300..=399 => {
                let to = headers.get("location").and_then(|l| l.to_str().ok()).map(host).unwrap_or_default();
                let text = format!(
                    "{name}: it redirects{to}, which is not followed, because the key would go along; if that is where it lives now, wanted it in [source] url"
                );
                return Err(self.failed(text));
            }
            401 | 403 => {
                let text = format!(
                    "{name}: it refuses the key (HTTP {status}); see [source] key, and what the key must be allowed to do: `relance source try` says it"
                );
                return Ok(if status == 401 { Once::Refused(error(text)) } else { return Err(error(text)) });
            }
            404 => {
                return Err(error(format!(
                    "{name}: there is nothing (HTTP 404); see [source] url, and that the system's API is switched on"
                )));
            }
            _ if PASSING.contains(&status) => {
                let what = if status == 429 { "it asks for patience" } else { "it fails" };
                return Ok(Once::Passing(error(format!("{name}: {what} (HTTP {status})")), retry_after(headers)));
            }
            _ => return Err(error(format!("{name}: it answers HTTP {status}"))),
        }
        let json = Json::parse(body).map_err(|why| error(format!("{name}: its answer cannot be read: {why}")))?;
        if let Some(fault) = &self.settings.system.fault
            && fault.first(&json).is_some_and(|value| !value.is_empty())
        {
            return Err(error(format!("{name}: it answers with a fault of its own (at {})", fault.text())));
        }
        Ok(Once::Answer(Answer { head, json }))
    }

    fn request(
        &self,
        target: &Target<'_>,
        authorization: Option<(HeaderName, HeaderValue)>,
    ) -> Result<reqwest::Request, SourceError> {
        let (ask, filling) = match target {
            Target::Ask(ask, filling) => (*ask, filling.clone()),
            Target::Url(ask, _) => (*ask, Filling::default()),
        };
        let value = |name: Name| match filling.0.iter().find(|(n, _)| *n == name) {
            Some((_, value)) => value.clone(),
            None => self.setting(name),
        };
        let raw = |name: Name| matches!(name, Name::Ids | Name::Limit | Name::Offset | Name::Page);
        let escaped = |name: Name| match ask.escape {
            Escape::None => value(name),
            _ if raw(name) => value(name),
            Escape::Json => in_json(&value(name)),
            Escape::Quoted => value(name).replace('\\', "\\\\").replace('\'', "\\'"),
        };
        let url = match target {
            Target::Ask(..) => format!("{}{}", self.settings.url, ask.path.fill(|name| encoded(&value(name)))),
            Target::Url(_, url) => url.clone(),
        };
        let mut url = reqwest::Url::parse(&url).map_err(|e| self.failed(format!("{}: no URL comes of it: {e}", ask.name())))?;
        if let Target::Ask(..) = target {
            let filled = ask.query.iter().map(|(key, template)| (key, template.fill(escaped)));
            let pairs: Vec<(&String, String)> = filled.filter(|(_, value)| !value.is_empty()).collect();
            if !pairs.is_empty() {
                url.query_pairs_mut().extend_pairs(pairs);
            }
        }
        let method = match ask.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut request = reqwest::Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // What a proxy on the way has kept is not what stands in the ledger now.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        for (name, template) in self.settings.system.headers.iter().chain(&ask.headers) {
            let (name, value) = self.header(name, &template.fill(value))?;
            if !value.is_empty() {
                headers.insert(name, value);
            }
        }
        headers.extend(authorization);
        if let Some(body) = &ask.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.fill(escaped).into());
        }
        Ok(request)
    }

    /// A header; the error names it, and not what was to stand in it.
    pub(super) fn header(&self, name: &str, value: &str) -> Result<(HeaderName, HeaderValue), SourceError> {
        let wrong = || {
            self.failed(format!("the header {name} cannot be made: what is to stand in it holds something that no header may"))
        };
        let mut made = HeaderValue::from_str(value).map_err(|_| wrong())?;
        made.set_sensitive(true);
        Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, made))
    }
}

impl Target<'_> {
    /// For messages: the path as its file has it.
    fn name(&self) -> String {
        let (Target::Ask(ask, _) | Target::Url(ask, _)) = self;
        match ask.name() {
            "" => "/".to_owned(),
            name => name.to_owned(),
        }
    }
}

enum Once {
    Answer(Answer),
    /// It knows nobody by this key.
    Refused(SourceError),
    /// It may be otherwise in a moment; after so long, where it says so.
    Passing(SourceError, Option<Duration>),
}

/// The inside of a JSON text.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// How long the other side asks to be left alone: seconds, or an instant (RFC 9110), which is taken by the clock of the answer
/// itself, because clocks differ.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let word = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = word.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let instant = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp());
    let answered = headers.get(DATE).and_then(|date| instant(date.to_str().ok()?))?;
    Duration::try_from(instant(word)?.duration_since(answered)).ok()
}

/// Where a redirection leads, without anything that may be secret.
fn host(location: &str) -> String {
    let url = reqwest::Url::parse(location).ok();
    url.and_then(|url| Some(format!(" to {}", url.host_str()?))).unwrap_or_default()
}

enum Broken {
    TooLong,
    Off,
}

async fn body(mut response: reqwest::Response) -> Result<String, Broken> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(Broken::TooLong),
            Ok(None) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => return Err(Broken::Off),
        }
    }
}

/// What went wrong on the way, without the URL.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let kind = match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "cannot connect",
        () => "the connection broke",
    };
    let (mut detail, mut next) = (String::new(), std::error::Error::source(error));
    while let Some(e) = next {
        detail = format!(": {}", tamed_to(&e.to_string(), 200));
        next = e.source();
    }
    format!("{kind}{detail}")
}

fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, String> {
    let failed = |why: String| format!("cannot read the certificates in {}: {why}", path.display());
    let pem = std::fs::read(path).map_err(|e| failed(e.to_string()))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| failed(e.to_string()))?;
    if found.is_empty() { Err(failed("there is none in it".to_owned())) } else { Ok(found) }
}
