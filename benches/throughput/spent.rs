//! What a stretch of work took: time, processors, and what the database wrote to its log.

use super::home::Home;
use std::time::Instant;

/// Ticks of a processor in a second, as Linux counts them for programs.
const TICKS: f64 = 100.0;

/// A stretch of work that has begun.
pub(crate) struct Meter {
    start: Instant,
    own: f64,
    server: Option<(u32, f64)>,
    wal: Option<i64>,
}

/// What it took.
pub(crate) struct Spent {
    pub(crate) seconds: f64,
    /// Seconds of processors, of this process.
    pub(crate) own: f64,
    /// The same of the database's server, where that is on this machine.
    pub(crate) server: Option<f64>,
    /// Bytes of the write-ahead log.
    pub(crate) wal: Option<i64>,
}

/// How far the write-ahead log has come.
const WAL: &str = "SELECT CAST(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS BIGINT)";

impl Meter {
    pub(crate) async fn start(home: &Home) -> anyhow::Result<Meter> {
        let backend = home.number("SELECT CAST(pid AS BIGINT) FROM pg_stat_activity WHERE backend_type = 'checkpointer'").await?;
        let postmaster = backend.and_then(|pid| stat(pid as u32)).map(|s| s.parent);
        let wal = home.number(WAL).await?;
        let server = postmaster.map(|pid| (pid, family(pid)));
        Ok(Meter { start: Instant::now(), own: processors(std::process::id()), server, wal })
    }

    pub(crate) async fn stop(self, home: &Home) -> anyhow::Result<Spent> {
        Ok(Spent {
            seconds: self.start.elapsed().as_secs_f64(),
            own: processors(std::process::id()) - self.own,
            server: self.server.map(|(pid, before)| family(pid) - before),
            wal: home.number(WAL).await?.zip(self.wal).map(|(now, then)| now - then),
        })
    }
}

impl Spent {
    /// In words, with `rows` of something for what was written about each.
    pub(crate) fn words(&self, rows: i64) -> String {
        let mut text = format!("processors {:.1} s here", self.own);
        if let Some(server) = self.server {
            text.push_str(&format!(", {server:.1} s in the server"));
        }
        if let Some(wal) = self.wal {
            text.push_str(&format!("; write-ahead log {} MB, {} bytes each", wal / 1_000_000, wal / rows.max(1)));
        }
        text
    }
}

struct Stat {
    parent: u32,
    /// Its own seconds of processors, and those of its children that have ended.
    own: f64,
    ended: f64,
}

/// What Linux tells of a process.
fn stat(pid: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0) / TICKS;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, own: ticks(11) + ticks(12), ended: ticks(13) + ticks(14) })
}

/// Seconds of processors that a process has had.
pub(crate) fn processors(pid: u32) -> f64 {
    stat(pid).map_or(0.0, |s| s.own)
}

/// The same of a process with all its children, those that have ended included.
fn family(parent: u32) -> f64 {
    let mut sum = stat(parent).map_or(0.0, |s| s.own + s.ended);
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        sum += pid.and_then(stat).filter(|s| s.parent == parent).map_or(0.0, |s| s.own);
    }
    sum
}
