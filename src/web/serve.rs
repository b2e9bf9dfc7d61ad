//! The room that listeners share. Everything about a request is bounded: how many there are at once, the size of its head, the
//! time it may take. Each connection has one request, and none outlives its listener.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// How long it rests when a connection cannot be taken: too many files are open.
const REST: Duration = Duration::from_secs(1);

/// What a listener grants.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// So many requests at once; more wait in the system's own queue.
    pub at_once: usize,
    /// The longest head of a request, in bytes; hyper takes no less than 8192.
    pub head: usize,
    /// How long the head may take to arrive.
    pub patience: Duration,
    /// How long a connection may take from its begin to its end.
    pub longest: Duration,
}

/// It listens as long as this is there.
#[derive(Debug)]
pub struct Listener(Option<JoinHandle<()>>);

impl Listener {
    /// One that hears nothing.
    pub fn none() -> Listener {
        Listener(None)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Takes an address; gives it with its port as well, where that was any. The error says what to do, and names the setting.
pub async fn bind(address: SocketAddr, setting: &str) -> Result<(TcpListener, SocketAddr), String> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let own = listener.local_addr()?;
        Ok::<_, std::io::Error>((listener, own))
    };
    bound.await.map_err(|e| {
        format!("{setting}: cannot listen on {address} ({e}); is another relance or another program there? Choose another port")
    })
}

/// Answers whoever connects.
pub fn serve(listener: TcpListener, bounds: Bounds, router: Router) -> Listener {
    Listener(Some(tokio::spawn(accept(listener, bounds, router))))
}

async fn accept(listener: TcpListener, bounds: Bounds, router: Router) {
    let room = Arc::new(Semaphore::new(bounds.at_once));
    // Ended with this task: no request is left behind by a listener that is gone.
    let mut open = JoinSet::new();
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                open.spawn(async move {
                    // However it ends, it is over.
                    drop(tokio::time::timeout(bounds.longest, one(stream, bounds, router)).await);
                    drop(place);
                });
            }
            Err(e) => {
                tracing::debug!(event = "unheard", error = %e, "a connection cannot be taken");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn one(stream: TcpStream, bounds: Bounds, router: Router) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(bounds.patience).max_buf_size(bounds.head).keep_alive(false);
    if let Err(e) = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await {
        tracing::debug!(event = "unheard", error = %e, "a request broke off");
    }
}
