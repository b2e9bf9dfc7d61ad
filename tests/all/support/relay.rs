//! A wire to a server that can be cut: what goes away and comes back, without the server having to.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// The wire; it ends with its test.
pub struct Relay {
    /// Where to connect to.
    pub address: SocketAddr,
    server: String,
    task: Option<JoinHandle<()>>,
    silent: watch::Sender<bool>,
}

impl Relay {
    /// A wire to a server, by host and port.
    pub async fn to(server: &str) -> Relay {
        // Not on 127.0.0.1: while the wire is cut, another test could be given its port there.
        let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let silent = watch::Sender::new(false);
        let task = Some(tokio::spawn(carry(listener, server.to_owned(), silent.subscribe())));
        Relay { address, server: server.to_owned(), task, silent }
    }

    /// Every connection breaks, and new ones are refused.
    pub async fn cut(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            assert!(task.await.is_err(), "it ends by being cut");
        }
    }

    /// Carries nothing any more, without a word to either side, or all that has come meanwhile.
    pub fn silence(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    /// Breaks every connection; new ones are carried.
    pub async fn shake(&mut self) {
        self.cut().await;
        self.mend().await;
    }

    /// Carries again.
    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.task = Some(tokio::spawn(carry(listener, self.server.clone(), self.silent.subscribe())));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn carry(listener: TcpListener, server: String, silent: watch::Receiver<bool>) {
    let mut open = JoinSet::new();
    while let Ok((here, _)) = listener.accept().await {
        let (server, silent) = (server.clone(), silent.clone());
        open.spawn(async move {
            let (there_in, there_out) = TcpStream::connect(server).await.unwrap().into_split();
            let (here_in, here_out) = here.into_split();
            // However it ends, it ends this connection only.
            tokio::select! {
                () = one_way(here_in, there_out, silent.clone()) => {}
                () = one_way(there_in, here_out, silent) => {}
            }
        });
    }
}

async fn one_way(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut silent: watch::Receiver<bool>) {
    let mut bytes = [0; 16_384];
    while let Ok(count) = from.read(&mut bytes).await {
        if count == 0 || silent.wait_for(|silent| !silent).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
