//! Delivery into a relay that takes its time.

use super::home::Home;
use super::world::World;
use relance::flow::{collect, deliver, plan};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

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
        let world = World::new(Home::asked().await?, count, 1, "2026-11-03").await?;
        let sink = CountingSink::start(delay).await?;
        let desk = world.desk(&sink.url(), connections, "").await?;
        collect::poll(&desk).await?;
        plan::step(&desk).await?;
        let start = Instant::now();
        let accepted = deliver::step(&desk).await?.accepted;
        anyhow::ensure!(accepted == count as u64, "{accepted} of {count} messages left");
        let rate = accepted as f64 / start.elapsed().as_secs_f64();
        let ideal = connections as f64 * 1000.0 / delay as f64;
        println!("slow-relay: {delay} ms on {connections} connections: {rate:.0}/s of {ideal:.0}/s = {:.2}", rate / ideal);
    }
    Ok(())
}
