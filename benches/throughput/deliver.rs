//! Delivery on the wire: against Postfix's own load tool into the same sink, and into a relay that takes its time.

use super::world::{desk, ledger};
use anyhow::{Context as _, bail};
use relance::flow::{collect, deliver, plan};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Messages of one run.
const MESSAGES: i64 = 20_000;

/// A server that takes mail, waits before each final answer, and counts.
pub(crate) struct CountingSink {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    count: AtomicU64,
    first: Notify,
}

impl CountingSink {
    /// Listens on a free port; answers the final dot after `delay_ms`.
    pub(crate) async fn start(delay_ms: u64) -> anyhow::Result<CountingSink> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session(stream, shared.clone(), delay_ms));
            }
        });
        Ok(CountingSink { port, state })
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Waits for the first message.
    pub(crate) async fn first(&self) -> Instant {
        self.state.first.notified().await;
        Instant::now()
    }
}

async fn session(stream: TcpStream, state: Arc<State>, delay_ms: u64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read);
    write.write_all(b"220 sink\r\n").await?;
    let (mut line, mut data) = (Vec::new(), false);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        if data {
            if line == b".\r\n" {
                data = false;
                if delay_ms > 0 {
                    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                }
                state.count.fetch_add(1, Ordering::SeqCst);
                state.first.notify_one();
                write.write_all(b"250 taken\r\n").await?;
            }
            continue;
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_slice() {
            b"EHLO" => write.write_all(b"250-sink\r\n250 8BITMIME\r\n").await?,
            b"DATA" => {
                data = true;
                write.write_all(b"354 go on\r\n").await?;
            }
            b"QUIT" => return write.write_all(b"221 bye\r\n").await,
            _ => write.write_all(b"250 ok\r\n").await?,
        }
    }
}

/// A relay that answers after L ms on C connections takes C/L messages a second; how near do we come?
pub(crate) async fn slow_relay() -> anyhow::Result<()> {
    for (connections, delay) in [(4usize, 20u64), (8, 100)] {
        let count = (connections as i64) * 5000 / delay as i64;
        let folder = tempfile::tempdir()?;
        ledger(folder.path(), count, 1, "2026-11-03").await?;
        let sink = CountingSink::start(delay).await?;
        let desk = desk(folder.path(), &sink.url(), connections, "").await?;
        collect::poll(&desk).await?;
        plan::step(&desk).await?;
        let start = Instant::now();
        let accepted = deliver::step(&desk).await?.accepted;
        let rate = accepted as f64 / start.elapsed().as_secs_f64();
        let ideal = connections as f64 * 1000.0 / delay as f64;
        println!("slow-relay: {delay} ms on {connections} connections: {rate:.0}/s of {ideal:.0}/s = {:.2}", rate / ideal);
    }
    Ok(())
}

struct Postfix {
    tools: PathBuf,
    sink: Child,
    port: u16,
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

    async fn start() -> anyhow::Result<Postfix> {
        #[allow(clippy::disallowed_methods)]
        let tools = std::env::var("RELANCE_POSTFIX").context("set RELANCE_POSTFIX to the folder of smtp-sink and smtp-source")?;
        let tools = PathBuf::from(tools);
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let sink = Postfix::command(&tools, "smtp-sink")
            .args(["-u", "root", "-c"])
            .args([format!("127.0.0.1:{port}"), "1000".to_owned()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let postfix = Postfix { tools, sink, port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(postfix);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("smtp-sink does not answer")
    }

    /// Messages a second of smtp-source with a size.
    async fn source(&self, size: usize) -> anyhow::Result<f64> {
        let mut command = Postfix::command(&self.tools, "smtp-source");
        command.args(["-d", "-s", "4", "-m", &MESSAGES.to_string(), "-l", &size.to_string()]);
        command.args(["-f", "a@canal.example", "-t", "b@customer.example", &format!("127.0.0.1:{}", self.port)]);
        let start = Instant::now();
        let status = tokio::task::spawn_blocking(move || command.status()).await??;
        if !status.success() {
            bail!("smtp-source failed");
        }
        Ok(MESSAGES as f64 / start.elapsed().as_secs_f64())
    }
}

/// Durable delivery against smtp-source at equal message size, in turn, into the same sink.
pub(crate) async fn against_smtp_source() -> anyhow::Result<()> {
    let postfix = Postfix::start().await?;
    let mut ratios = Vec::new();
    let mut size = 0;
    for round in 0..3 {
        let folder = tempfile::tempdir()?;
        ledger(folder.path(), MESSAGES, 1, "2026-11-03").await?;
        let desk = desk(folder.path(), &format!("smtp://127.0.0.1:{}", postfix.port), 8, "").await?;
        collect::poll(&desk).await?;
        plan::step(&desk).await?;
        let start = Instant::now();
        let accepted = deliver::step(&desk).await?.accepted;
        let ours = accepted as f64 / start.elapsed().as_secs_f64();
        if round == 0 {
            let page = desk.store.log_page(0, &relance::store::attempts::LogFilter::default()).await?;
            let mut sum = 0;
            for attempt in &page {
                let payload = attempt.payload_pk.context("an attempt without a message")?;
                sum += desk.store.payload(payload).await?.and_then(|p| p.message).map_or(0, |m| m.len());
            }
            size = sum / page.len().max(1);
        }
        let theirs = postfix.source(size).await?;
        println!(
            "deliver: {accepted} messages of {size} bytes: {ours:.0}/s; smtp-source -d -s 4: {theirs:.0}/s; ratio {:.2}",
            ours / theirs
        );
        ratios.push(ours / theirs);
    }
    ratios.sort_by(f64::total_cmp);
    println!("deliver: median ratio {:.2}", ratios[1]);
    Ok(())
}
