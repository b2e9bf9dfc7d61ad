//! The listener: three paths, for whoever is on this machine. Everything about a request is bounded: how many there are at
//! once, the size of its head, the time it may take. Each connection has one request.

use super::{Answer, Observed};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// So many requests at once; more wait in the system's own queue.
const AT_ONCE: usize = 8;

/// The longest head of a request, in bytes: the least that hyper takes.
const HEAD: usize = 8192;

/// How long the head may take to arrive.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a connection may take from its begin to its end.
const LONGEST: Duration = Duration::from_secs(10);

/// How long it rests when a connection cannot be taken: too many files are open.
const REST: Duration = Duration::from_secs(1);

/// Metrics, in Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Codes in a line.
const PLAIN: &str = "text/plain; charset=utf-8";

/// It listens as long as this is there.
#[derive(Debug)]
pub struct Listener(Option<JoinHandle<()>>);

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Begins to listen where the configuration says so. The error says what to do.
pub async fn listen(observed: &Observed) -> Result<Listener, String> {
    let Some(address) = observed.0.listen else { return Ok(Listener(None)) };
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let own = listener.local_addr()?;
        Ok::<_, std::io::Error>((listener, own))
    };
    let (listener, own) = bound.await.map_err(|e| {
        format!(
            "[observe] listen: cannot listen on {address} ({e}); is another relance or another program there? Choose another port"
        )
    })?;
    tracing::info!(event = "observed", listen = %own, "metrics and health can be asked for");
    Ok(Listener(Some(tokio::spawn(accept(listener, observed.clone())))))
}

async fn accept(listener: TcpListener, observed: Observed) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let observed = observed.clone();
                tokio::spawn(async move {
                    // However it ends, it is over.
                    drop(tokio::time::timeout(LONGEST, serve(stream, observed)).await);
                    drop(place);
                });
            }
            Err(e) => {
                tracing::debug!(event = "unobserved", error = %e, "a connection cannot be taken");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, observed: Observed) {
    let service = service_fn(move |request| {
        let observed = observed.clone();
        async move { Ok::<_, Infallible>(answer(&request, &observed).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEAD).keep_alive(false);
    if let Err(e) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(event = "unobserved", error = %e, "a request broke off");
    }
}

async fn answer(request: &Request<Incoming>, observed: &Observed) -> Response<String> {
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
