//! The listener of `[observe]`: three paths, for whoever is on this machine.

use super::{Answer, Observed};
use crate::web::serve::{self, Bounds, Listener};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{Method, Response, StatusCode};
use std::time::Duration;

/// What a request may take.
const BOUNDS: Bounds = Bounds { at_once: 8, head: 8192, patience: Duration::from_secs(3), longest: Duration::from_secs(10) };

/// Metrics, in Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Codes in a line.
const PLAIN: &str = "text/plain; charset=utf-8";

/// Begins to listen where the configuration says so. The error says what to do.
pub async fn listen(observed: &Observed) -> Result<Listener, String> {
    let Some(address) = observed.0.listen else { return Ok(Listener::none()) };
    let (listener, own) = serve::bind(address, "[observe] listen").await?;
    tracing::info!(event = "observed", listen = %own, "metrics and health can be asked for");
    let router = Router::new().fallback(answer).with_state(observed.clone());
    Ok(serve::serve(listener, BOUNDS, router))
}

async fn answer(State(observed): State<Observed>, request: Request) -> Response<String> {
    let path = request.uri().path();
    if !matches!(path, "/metrics" | "/alive" | "/ready") {
        return response(StatusCode::NOT_FOUND, PLAIN, "here are /metrics, /alive and /ready\n".to_owned());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD\n".to_owned());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let Answer { good, text } = match path {
        "/metrics" => observed.metrics().await,
        "/alive" => observed.alive(),
        _ => observed.ready().await,
    };
    let form = if good && path == "/metrics" { METRICS } else { PLAIN };
    response(if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, form, text)
}

fn response(status: StatusCode, form: &'static str, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
