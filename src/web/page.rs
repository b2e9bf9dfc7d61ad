//! The answer page over HTTP. Who opens a link changes nothing, however often and by whatever program; only a form that was on the
//! page is an answer. A link that leads nowhere gets one page, the same bytes for whatever reason, without a look into the store.

use super::rate::Bucket;
use super::serve::{self, Bounds, Listener};
use crate::channel::sms::request::{Fields, Request};
use crate::clock::Stopwatch;
use crate::config::settings::AnswerSettings;
use crate::domain::answer::form::Fault;
use crate::flow::answers::{self, Called, Said, Visit};
use crate::flow::tally::Tally;
use crate::flow::{Desk, DeskError};
use crate::letter::page::{LANGUAGES, policy};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request as Asked, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a request may take. A telephone on a train is slow; nobody writes two thousand characters into a connection by hand.
pub const BOUNDS: Bounds =
    Bounds { at_once: 32, head: 16 << 10, patience: Duration::from_secs(5), longest: Duration::from_secs(20) };

/// The longest body, in bytes: 2,000 characters, each of them escaped, and the fields around them.
pub const LONGEST_BODY: usize = 16 << 10;

/// So many at once, and so many a second: of those whose link is no link of ours, of all others, and of one link.
const STRANGERS: (u32, u32) = (60, 10);
const VISITORS: (u32, u32) = (100, 25);
const ONE_LINK: (u32, u32) = (20, 1);

/// Links whose pace is kept in mind.
const MOST_LINKS: usize = 4_096;

/// That too many came is told of so often at most.
const SELDOM: Duration = Duration::from_secs(60);

/// The listener of the answer page; costs nothing to clone.
#[derive(Clone, Debug)]
pub struct Page(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    settings: Option<AnswerSettings>,
    tally: Arc<Tally>,
    seen: Mutex<Option<Desk>>,
    plain: Mutex<Plain>,
    policy: HeaderValue,
    strangers: Bucket,
    visitors: Bucket,
    links: Mutex<HashMap<i64, Bucket>>,
    told: Mutex<Option<Stopwatch>>,
}

/// Pages that are the same for everybody, by language: made when a desk comes, so that they can be shown while there is none.
#[derive(Clone, Debug, Default)]
struct Plain {
    gone: BTreeMap<&'static str, String>,
    later: BTreeMap<&'static str, String>,
    language: &'static str,
}

impl Page {
    /// A daemon that starts.
    pub fn new(settings: Option<&AnswerSettings>, tally: Arc<Tally>) -> Page {
        let [strangers, visitors] = [STRANGERS, VISITORS].map(|(most, a_second)| Bucket::new(most, a_second));
        Page(Arc::new(Parts {
            settings: settings.cloned(),
            tally,
            seen: Mutex::default(),
            plain: Mutex::default(),
            policy: HeaderValue::from_str(&policy()).unwrap_or(HeaderValue::from_static("default-src 'none'")),
            strangers,
            visitors,
            links: Mutex::default(),
            told: Mutex::default(),
        }))
    }

    /// A desk is at work.
    pub fn sees(&self, desk: &Desk) {
        let mut plain = Plain { language: answers::language(desk, &[], None), ..Plain::default() };
        for language in LANGUAGES {
            plain.gone.extend(answers::gone(desk, language, false).map(|page| (language, page)));
            plain.later.extend(answers::gone(desk, language, true).map(|page| (language, page)));
        }
        *self.0.plain.lock().unwrap_or_else(PoisonError::into_inner) = plain;
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(desk.clone());
    }

    /// None is.
    pub fn loses(&self) {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Begins to listen where the configuration says so. The error says what to do.
    pub async fn listen(&self) -> Result<Listener, String> {
        let Some(settings) = &self.0.settings else { return Ok(Listener::none()) };
        let (listener, own) = serve::bind(settings.address, "[answers] address").await?;
        tracing::info!(event = "listening", listen = %own, "customers can answer on the page");
        Ok(serve::serve(listener, BOUNDS, self.router()))
    }

    /// One kind of path, and one page for all others.
    pub fn router(&self) -> Router {
        Router::new().fallback(call).with_state(self.clone())
    }

    fn seen(&self) -> Option<Desk> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a link has some of its pace left.
    fn paces(&self, message: i64) -> bool {
        let mut links = self.0.links.lock().unwrap_or_else(PoisonError::into_inner);
        if links.len() >= MOST_LINKS && !links.contains_key(&message) {
            links.clear();
        }
        links.entry(message).or_insert_with(|| Bucket::new(ONE_LINK.0, ONE_LINK.1)).take()
    }

    fn counts(&self, what: Called) {
        self.0.tally.called(what);
    }

    /// Too many: said now and then, with nothing of who they are.
    fn crowded(&self) {
        self.counts(Called::Many);
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_ref().is_none_or(|since| since.elapsed() >= SELDOM) {
            *told = Some(Stopwatch::start());
            tracing::warn!(event = "page_crowded", "too many requests to the answer page; some are asked to come later");
        }
    }

    fn page(&self, status: StatusCode, html: String) -> Response<Body> {
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(header::CONTENT_SECURITY_POLICY, self.0.policy.clone());
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
        }
        response
    }

    /// The page for whoever has no page, in the first of their browser's languages that there is.
    fn without(&self, status: StatusCode, asked: &HeaderMap) -> Response<Body> {
        let plain = self.0.plain.lock().unwrap_or_else(PoisonError::into_inner);
        let pages = if status == StatusCode::NOT_FOUND { &plain.gone } else { &plain.later };
        let wanted = asked.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let bases = wanted.split(',').map(|part| part.trim().get(..2).unwrap_or_default().to_ascii_lowercase());
        let found = bases.take(10).find_map(|base| pages.get(base.as_str())).or_else(|| pages.get(plain.language));
        let html = found.cloned().unwrap_or_default();
        drop(plain);
        self.page(status, html)
    }
}

/// What every answer says of itself, besides its policy.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow, noarchive"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

async fn call(State(page): State<Page>, asked: Asked) -> Response<Body> {
    let (head, body) = asked.into_parts();
    let Some(desk) = page.seen() else { return page.without(StatusCode::SERVICE_UNAVAILABLE, &head.headers) };
    let is_answer = match head.method {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return page.without(StatusCode::METHOD_NOT_ALLOWED, &head.headers),
    };
    let token = head.uri.path().strip_prefix("/a/").unwrap_or_default();
    let Some(message) = answers::is_ours(&desk, token, desk.clock.now()) else {
        if !page.0.strangers.take() {
            page.crowded();
            return page.without(StatusCode::TOO_MANY_REQUESTS, &head.headers);
        }
        page.counts(Called::Gone);
        return page.without(StatusCode::NOT_FOUND, &head.headers);
    };
    // First its own, so that one link that is called without end takes nothing from the others.
    if !page.paces(message) || !page.0.visitors.take() {
        page.crowded();
        return page.without(StatusCode::TOO_MANY_REQUESTS, &head.headers);
    }
    let fields = match fields(&head.headers, &head.uri, is_answer.then_some(body)).await {
        Ok(fields) => fields,
        Err(status) => {
            page.counts(Called::Wrong);
            return page.without(status, &head.headers);
        }
    };
    match visit(&page, &desk, token, &fields, is_answer).await {
        Ok(Some((status, html))) => page.page(status, html),
        Ok(None) => {
            page.counts(Called::Gone);
            page.without(StatusCode::NOT_FOUND, &head.headers)
        }
        Err(e) => {
            page.counts(Called::Failed);
            tracing::warn!(event = "page_failed", error = %e, "the answer page could not be shown or an answer not be taken; whoever asked is told to try again");
            page.without(StatusCode::SERVICE_UNAVAILABLE, &head.headers)
        }
    }
}

/// The fields of the query, and of a form; no more of it than one of ours has.
async fn fields(headers: &HeaderMap, uri: &axum::http::Uri, body: Option<Body>) -> Result<Fields, StatusCode> {
    let bytes = match body {
        Some(body) => to_bytes(body, LONGEST_BODY).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?,
        None => Default::default(),
    };
    let url = format!("?{}", uri.query().unwrap_or_default());
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    // Whatever else somebody says that the body is, it is not looked into.
    let is_form = kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded");
    let headers = if is_form { vec![("content-type", kind)] } else { vec![] };
    Fields::of(&Request { url: &url, method: None, headers, body: &bytes }).ok_or(StatusCode::BAD_REQUEST)
}

/// Shows the page of a link, or takes an answer. `None`: the link leads nowhere.
async fn visit(
    page: &Page,
    desk: &Desk,
    token: &str,
    fields: &Fields,
    is_answer: bool,
) -> Result<Option<(StatusCode, String)>, DeskError> {
    let now = desk.clock.now();
    let Some(visit) = answers::open(desk, token, now).await? else { return Ok(None) };
    let wanted: Vec<&str> = fields.form.iter().chain(&fields.query).filter(|(n, _)| n == "l").map(|(_, v)| v.as_str()).collect();
    let language = answers::language(desk, &wanted, Some(&visit.file));
    if !is_answer || visit.rows().is_empty() {
        page.counts(Called::Shown);
        return Ok(Some((StatusCode::OK, answers::sheet(desk, &visit, language, None, now).await?)));
    }
    let said = said(fields);
    let (answer, day) = match answers::weigh(desk, &visit, &said, now) {
        Ok(answer) => answer,
        Err(fault) => return wrong(page, desk, &visit, language, (&said, fault)).await.map(Some),
    };
    let given = answers::take(desk, &visit, &answer, day, now).await?;
    page.counts(if given.again || given.enough { Called::Again } else { Called::Answered });
    let status = if given.enough { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    Ok(Some((status, answers::done(desk, &given, language)?)))
}

/// The page again, with what is wrong beside the form.
async fn wrong(
    page: &Page,
    desk: &Desk,
    visit: &Visit,
    language: &'static str,
    wrong: (&Said, Fault),
) -> Result<(StatusCode, String), DeskError> {
    page.counts(Called::Wrong);
    let html = answers::sheet(desk, visit, language, Some(wrong), desk.clock.now()).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html))
}

fn said(fields: &Fields) -> Said {
    let get = |name: &str| fields.form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    let all = |name: &str| fields.form.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect();
    Said {
        kind: get("kind"),
        form: get("form"),
        on: get("on"),
        amount: get("amount"),
        how: get("how"),
        words: get("words"),
        invoices: all("i"),
    }
}
