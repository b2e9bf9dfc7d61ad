//! What gateways send back, over HTTP: believed when it is the gateway's own, put on record, and only then answered. What is not
//! believed leaves no trace but a count. Nothing here waits for a pump, and no pump waits for it.

use super::rate::Bucket;
use super::serve::{self, Bounds, Listener};
use crate::channel::sms::heard::Reader;
use crate::channel::sms::request::{Fields, Request};
use crate::channel::sms::verify::{Refusal, Signer, verify};
use crate::channel::token::same;
use crate::clock::Stopwatch;
use crate::config::gateway::Method;
use crate::config::listen::ListenSettings;
use crate::domain::inbound::Incoming;
use crate::flow::tally::Tally;
use crate::flow::{Desk, DeskError, hook, listen};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request as Asked, State};
use axum::http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER};
use axum::http::{Response, StatusCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a request may take.
pub const BOUNDS: Bounds =
    Bounds { at_once: 16, head: 16 << 10, patience: Duration::from_secs(3), longest: Duration::from_secs(15) };

/// The longest body, in bytes.
const LONGEST_BODY: usize = 64 << 10;

/// So many at once, and so many a second, of those who know the URL. Who does not is turned away before anything is read.
const RATE: (u32, u32) = (200, 50);

/// What came before the message that it is about was on record is looked at again after this …
const AGAIN: Duration = Duration::from_millis(250);

/// … so many times.
const TIMES: usize = 8;

/// Requests that were not believed are told of so often at most.
const SELDOM: Duration = Duration::from_secs(60);

/// The listener for what comes back; costs nothing to clone.
#[derive(Clone, Debug)]
pub struct Hooks(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    settings: Option<ListenSettings>,
    tally: Arc<Tally>,
    seen: Mutex<Option<Seen>>,
    rate: Bucket,
    told: Mutex<Option<Stopwatch>>,
}

/// The desk at work, and what the gateway shows that it is the one.
#[derive(Clone, Debug)]
struct Seen {
    desk: Desk,
    path: String,
    signer: Signer,
}

impl Hooks {
    /// A daemon that starts.
    pub fn new(settings: Option<&ListenSettings>, tally: Arc<Tally>) -> Hooks {
        let rate = Bucket::new(RATE.0, RATE.1);
        let (seen, told) = (Mutex::default(), Mutex::default());
        Hooks(Arc::new(Parts { settings: settings.cloned(), tally, seen, rate, told }))
    }

    /// A desk is at work.
    pub fn sees(&self, desk: &Desk) {
        if self.0.settings.is_some() && hook::heard(desk).is_none() {
            let why = "there is no [sms], or the file of its gateway has no [verify]";
            tracing::error!(event = "hook_unready", why, "there is a listener, and nothing that it could hear");
        }
        let seen = hook::heard(desk).and_then(|heard| match hook::signer(desk, &heard) {
            Ok(signer) => Some(Seen { desk: desk.clone(), path: hook::path(desk, &heard), signer }),
            Err(e) => {
                tracing::error!(event = "hook_unready", error = %e, "what the gateway sends back cannot be believed, so it is not heard");
                None
            }
        });
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// None is.
    pub fn loses(&self) {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn seen(&self) -> Option<Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to listen where the configuration says so. The error says what to do.
    pub async fn listen(&self) -> Result<Listener, String> {
        let Some(settings) = &self.0.settings else { return Ok(Listener::none()) };
        let (listener, own) = serve::bind(settings.address, "[listen] address").await?;
        tracing::info!(event = "listening", listen = %own, "what gateways send back is heard");
        Ok(serve::serve(listener, BOUNDS, self.router()))
    }

    /// One path, and nothing else.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/hook/{gateway}/{token}", axum::routing::any(answer))
            .fallback(|| async { response(StatusCode::NOT_FOUND) })
            .with_state(self.clone())
    }

    /// Counts what was not believed, and says so now and then: the gateway and why, and nothing of what was sent.
    fn refuse(&self, desk: &Desk, why: Refusal) -> Response<Body> {
        self.0.tally.refused(why);
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_ref().is_none_or(|since| since.elapsed() >= SELDOM) {
            *told = Some(Stopwatch::start());
            let gateway = hook::heard(desk).map_or("", |h| h.gateway.name.as_str());
            tracing::warn!(event = "hook_refused", gateway, why = why.as_str(), "a request to the listener was not believed");
        }
        response(match why {
            Refusal::Url | Refusal::Unsigned | Refusal::Forged | Refusal::Stale => StatusCode::FORBIDDEN,
            Refusal::Malformed => StatusCode::BAD_REQUEST,
            Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Large => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Many => StatusCode::TOO_MANY_REQUESTS,
        })
    }
}

/// An answer without words: whoever listens on the other side may send them on to somebody.
fn response(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
    }
    response
}

async fn answer(State(hooks): State<Hooks>, asked: Asked) -> Response<Body> {
    let Some(seen) = hooks.seen() else { return response(StatusCode::SERVICE_UNAVAILABLE) };
    match heard(&hooks, &seen, asked).await {
        Ok(Some(incoming)) => put(&seen.desk, &incoming).await,
        Ok(None) => response(StatusCode::OK),
        Err(why) => hooks.refuse(&seen.desk, why),
    }
}

/// What a request says, if it is the gateway's.
async fn heard(hooks: &Hooks, seen: &Seen, asked: Asked) -> Result<Option<Incoming>, Refusal> {
    let (head, body) = asked.into_parts();
    if !same(head.uri.path().as_bytes(), seen.path.as_bytes()) {
        return Err(Refusal::Url);
    }
    if !hooks.0.rate.take() {
        return Err(Refusal::Many);
    }
    let heard = hook::heard(&seen.desk).ok_or(Refusal::Url)?;
    let body = to_bytes(body, LONGEST_BODY).await.map_err(|_| Refusal::Large)?;
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!("{}{}{query}", heard.listen.public, seen.path);
    let headers = head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let method = match head.method {
        axum::http::Method::GET => Some(Method::Get),
        axum::http::Method::POST => Some(Method::Post),
        _ => return Err(Refusal::Method),
    };
    let request = Request { url: &url, method, headers, body: &body };
    let fields = Fields::of(&request).ok_or(Refusal::Malformed)?;
    let setup = &seen.desk.setup;
    let now = seen.desk.clock.now();
    verify(heard.hook.verify, &seen.signer, &request, &fields, now)?;
    let country = &setup.settings.creditor.country;
    Reader { gateway: &heard.gateway.name, hook: heard.hook, stop: &setup.stop, country }.read(&request, &fields, now)
}

/// Puts it on record. Answered well only when it is: what is not, the gateway sends again.
async fn put(desk: &Desk, incoming: &Incoming) -> Response<Body> {
    let done = async {
        for _ in 0..TIMES {
            if !listen::is_early(desk, incoming, desk.clock.now()).await? {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
        if listen::is_too_early(desk, incoming, desk.clock.now()).await? {
            return Ok(false);
        }
        listen::take(desk, incoming, desk.clock.now()).await?;
        Ok::<_, DeskError>(true)
    };
    match done.await {
        Ok(true) => response(StatusCode::OK),
        Ok(false) => response(StatusCode::SERVICE_UNAVAILABLE),
        Err(e) => {
            tracing::warn!(event = "hook_unrecorded", error = %e, "what the gateway sent back cannot be put on record; it is asked to send it again");
            response(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}
