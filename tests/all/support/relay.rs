//! A wire to a server that can be cut: what goes away and comes back, without the server having to.

use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The wire; it ends with its test.
pub struct Relay {
    /// Where to connect to.
    pub address: SocketAddr,
    server: String,
    task: Option<JoinHandle<()>>,
}

impl Relay {
    /// A wire to a server, by host and port.
    pub async fn to(server: &str) -> Relay {
        // Not on 127.0.0.1: while the wire is cut, another test could be given its port there.
        let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = Some(tokio::spawn(carry(listener, server.to_owned())));
        Relay { address, server: server.to_owned(), task }
    }

    /// Every connection breaks, and new ones are refused.
    pub async fn cut(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            assert!(task.await.is_err(), "it ends by being cut");
        }
    }

    /// Breaks every connection; new ones are carried.
    pub async fn shake(&mut self) {
        self.cut().await;
        self.mend().await;
    }

    /// Carries again.
    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.task = Some(tokio::spawn(carry(listener, self.server.clone())));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn carry(listener: TcpListener, server: String) {
    let mut open = JoinSet::new();
    while let Ok((mut here, _)) = listener.accept().await {
        let server = server.clone();
        open.spawn(async move {
            let mut there = TcpStream::connect(server).await.unwrap();
            // However it ends, it ends this connection only.
            drop(tokio::io::copy_bidirectional(&mut here, &mut there).await);
        });
    }
}
