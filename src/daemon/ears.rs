//! What the daemon is asked for by signals: to end (SIGTERM, SIGINT), or to read its configuration again (SIGHUP). Heard from
//! before the store is opened, so that no SIGHUP ends a daemon that only just starts.

use std::io;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Hears signals as long as it is there.
#[derive(Debug)]
pub struct Ears {
    asked: Asked,
    listening: JoinHandle<()>,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    end: watch::Receiver<bool>,
    reload: Arc<Notify>,
}

impl Ears {
    /// Begins to listen. Fails only where signals cannot be heard at all.
    pub fn open() -> io::Result<Ears> {
        let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        let [term, int, hup] = signals;
        let (end, ended) = watch::channel(false);
        let asked = Asked { end: ended, reload: Arc::default() };
        let listening = tokio::spawn(listen(term?, int?, hup?, end, asked.reload.clone()));
        Ok(Ears { asked, listening })
    }

    /// What is asked for.
    pub(super) fn asked(&self) -> Asked {
        self.asked.clone()
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Asked {
    /// Comes back when the program is asked to end, or was before.
    pub(super) async fn to_end(&self) {
        let mut end = self.end.clone();
        if end.wait_for(|end| *end).await.is_err() {
            // Nobody can ask any more.
            std::future::pending().await
        }
    }

    /// Comes back when it is asked to read its configuration again; several askings before are one.
    pub(super) async fn to_reload(&self) {
        self.reload.notified().await;
    }
}

async fn listen(mut term: Signal, mut int: Signal, mut hup: Signal, end: watch::Sender<bool>, reload: Arc<Notify>) {
    loop {
        tokio::select! {
            _ = term.recv() => drop(end.send_replace(true)),
            _ = int.recv() => drop(end.send_replace(true)),
            _ = hup.recv() => reload.notify_one(),
        }
    }
}
