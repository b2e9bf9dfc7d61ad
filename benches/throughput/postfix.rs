//! Postfix's load tools: the sink that all mail of a run goes to, and the source to compare with.

use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

/// `smtp-sink`, with what it has counted so far.
pub(crate) struct Postfix {
    tools: PathBuf,
    sink: Child,
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

/// Messages so far, and when the first after the last reset and the latest of them came.
#[derive(Clone, Copy, Default)]
struct Seen {
    count: i64,
    base: i64,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// What came in since the last reset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) messages: i64,
    /// From the first to the last of them.
    pub(crate) seconds: f64,
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if self.sink.kill().is_ok() {
            self.sink.wait().ok();
        }
    }
}

impl Postfix {
    fn command(tools: &Path, name: &str) -> Command {
        let mut command = Command::new(tools.join(name));
        command.env("LD_LIBRARY_PATH", tools.join("../lib/postfix"));
        command
    }

    pub(crate) async fn start() -> anyhow::Result<Postfix> {
        let tools = relance::config::environment().remove("RELANCE_POSTFIX");
        let tools = PathBuf::from(tools.context("set RELANCE_POSTFIX to the folder of smtp-sink and smtp-source")?);
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let mut sink = Postfix::command(&tools, "smtp-sink")
            .args(["-u", "root", "-c"])
            .args([format!("127.0.0.1:{port}"), "1000".to_owned()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        if let Some(out) = sink.stdout.take() {
            let seen = seen.clone();
            std::thread::spawn(move || watch(out, &seen));
        }
        let postfix = Postfix { tools, sink, port, seen };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(postfix);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("smtp-sink does not answer")
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// The sink's process.
    pub(crate) fn pid(&self) -> u32 {
        self.sink.id()
    }

    /// Counts from here on.
    pub(crate) fn reset(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Seen { count: seen.count, base: seen.count, ..Seen::default() };
    }

    /// What came in since the last reset.
    pub(crate) fn taken(&self) -> Taken {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = seen.first.zip(seen.last).map_or(0.0, |(first, last)| last.duration_since(first).as_secs_f64());
        Taken { messages: seen.count - seen.base, seconds }
    }

    /// Messages a second of smtp-source with a size, as the sink counts them.
    pub(crate) async fn source(&self, messages: i64, size: usize) -> anyhow::Result<f64> {
        let mut command = Postfix::command(&self.tools, "smtp-source");
        command.args(["-d", "-s", "4", "-m", &messages.to_string(), "-l", &size.to_string()]);
        command.args(["-f", "a@canal.example", "-t", "b@customer.example", &format!("127.0.0.1:{}", self.port)]);
        self.reset();
        let status = tokio::task::spawn_blocking(move || command.status()).await??;
        if !status.success() {
            bail!("smtp-source failed");
        }
        self.rate(messages).await
    }

    /// So many messages were sent since the last reset: how many a second the sink took, from the first to the last.
    pub(crate) async fn rate(&self, messages: i64) -> anyhow::Result<f64> {
        // Its count is read with a moment's delay.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let taken = self.taken();
        if taken.messages != messages {
            bail!("{} messages came for {messages}", taken.messages);
        }
        Ok(messages as f64 / taken.seconds)
    }
}

/// Reads the sink's running count, a few times in a hundredth of a second: more would take its processor from it.
fn watch(mut out: impl std::io::Read, seen: &Mutex<Seen>) {
    let mut buffer = vec![0u8; 1 << 16];
    while let Ok(length @ 1..) = out.read(&mut buffer) {
        let now = Instant::now();
        let text = String::from_utf8_lossy(&buffer[..length]);
        // Only a whole number counts: one that ends with the buffer may be cut.
        let whole = text.rsplit_once('\r').map_or("", |(whole, _)| whole);
        if let Some(count) = whole.rsplit_once("mesg=").and_then(|(_, n)| n.trim().parse::<i64>().ok()) {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            if count > seen.count {
                seen.count = count;
                seen.first.get_or_insert(now);
                seen.last = Some(now);
            }
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}
