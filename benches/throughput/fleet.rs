//! Delivery by the program itself: one daemon on a file, one to three on a database, all in one run with smtp-source
//! into the same sink. Only what the sink has taken counts, from the first message to the last.

use super::home::Home;
use super::postfix::Postfix;
use super::spent::{Meter, processors};
use super::world::World;
use anyhow::{Context as _, bail};
use jiff::Span;
use relance::clock::Clock;
use relance::flow::{collect, plan, presence};
use relance::store::Store;
use relance::store::attempts::LogFilter;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Messages of one run.
const MESSAGES: i64 = 20_000;

/// Given up after this.
const PATIENCE: Duration = Duration::from_secs(240);

/// The program, run with a configuration; ends with this value.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            self.0.wait().ok();
        }
    }
}

fn relance(config: &Path, verb: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relance"));
    command.arg("--config").arg(config).arg(verb).env("RELANCE_LOG", "error").stdout(Stdio::null());
    command
}

impl Daemon {
    fn start(config: &Path) -> anyhow::Result<Daemon> {
        Ok(Daemon(relance(config, "run").spawn()?))
    }

    fn processors(&self) -> f64 {
        processors(self.0.id())
    }

    /// Asks it to end, and waits for that.
    fn end(mut self) -> anyhow::Result<()> {
        Command::new("kill").arg(self.0.id().to_string()).status()?;
        let code = self.0.wait()?;
        if !code.success() {
            bail!("a daemon ended with {code}");
        }
        Ok(())
    }
}

/// Each number of daemons in turn, with smtp-source before and after.
pub(crate) async fn fleet() -> anyhow::Result<()> {
    let postfix = Postfix::start().await?;
    let mut runs = vec![(Home::File, 1)];
    if Home::has_server() {
        for daemons in 1..=3 {
            runs.push((Home::database().await?, daemons));
        }
    } else {
        println!("fleet: RELANCE_TEST_POSTGRES names no server, so only SQLite is measured");
    }
    let mut size = 9000;
    for (home, daemons) in runs {
        let name = format!("{} with {daemons}", home.kind());
        let ours = run(home, daemons, &postfix, &mut size).await?;
        let theirs = postfix.source(MESSAGES, size).await?;
        println!("fleet: {name}: {ours:.0}/s; smtp-source -d -s 4 at {size} bytes: {theirs:.0}/s; ratio {:.2}", ours / theirs);
    }
    Ok(())
}

/// Messages a second of so many daemons.
async fn run(home: Home, daemons: usize, postfix: &Postfix, size: &mut usize) -> anyhow::Result<f64> {
    let clock = Clock::System;
    let due = (clock.now().to_zoned(jiff::tz::TimeZone::UTC).date() - Span::new().days(15)).to_string();
    let world = World::new(home, MESSAGES, 1, &due).await?;
    // All is held until every daemon is there.
    let config = world.configure(&postfix.url(), 8, "max_messages_per_cycle = 1")?;
    world.always_open()?;
    let desk = world.desk_at(clock).await?;
    collect::poll(&desk).await?;
    let held = plan::step(&desk).await?.braked;
    if held as i64 != MESSAGES {
        bail!("{held} messages were planned and held");
    }
    presence::leave(&desk).await?;
    desk.store.close().await;
    let store = world.store().await?;
    let fleet: Vec<Daemon> = (0..daemons).map(|_| Daemon::start(&config)).collect::<anyhow::Result<_>>()?;
    until(async || Ok(store.sessions().await?.len() == daemons)).await.context("the daemons do not come up")?;
    tokio::time::sleep(Duration::from_secs(1)).await;

    postfix.reset();
    let before: Vec<f64> = fleet.iter().map(Daemon::processors).collect();
    let (sink, meter) = (processors(postfix.pid()), Meter::start(&world.home).await?);
    if !relance(&config, "release").arg("--yes").status()?.success() {
        bail!("release failed");
    }
    until(async || Ok(postfix.taken().messages >= MESSAGES)).await.context("not everything was delivered")?;
    until(async || recorded(&store).await).await.context("not everything was recorded")?;
    let spent = meter.stop(&world.home).await?;
    let taken = postfix.taken();
    let each: Vec<String> = fleet.iter().zip(before).map(|(d, was)| format!("{:.1}", d.processors() - was)).collect();
    println!(
        "fleet: {} messages in {:.1} s ({:.1} s with the release and the last records): processors {} s in the daemons, {:.1} s in the sink; {}",
        taken.messages,
        taken.seconds,
        spent.seconds,
        each.join(" + "),
        processors(postfix.pid()) - sink,
        spent.words(MESSAGES)
    );
    if taken.messages != MESSAGES {
        bail!("{} messages came for {MESSAGES}", taken.messages);
    }
    for daemon in fleet {
        daemon.end()?;
    }
    *size = mean_size(&store).await?;
    world.home.print_sizes(&["contact", "mark", "message", "payload", "attempt"]).await?;
    store.close().await;
    Ok(MESSAGES as f64 / taken.seconds)
}

/// Whether the log has an attempt for every message.
async fn recorded(store: &Store) -> anyhow::Result<bool> {
    let last = store.log_page_before(i64::MAX, &LogFilter::default()).await?;
    Ok(last.first().is_some_and(|a| a.id >= MESSAGES))
}

/// The mean size of the messages of a page of the log.
pub(crate) async fn mean_size(store: &Store) -> anyhow::Result<usize> {
    let page = store.log_page(0, &LogFilter::default()).await?;
    let mut sum = 0;
    for attempt in &page {
        let payload = attempt.payload_pk.context("an attempt without a message")?;
        sum += store.payload(payload).await?.and_then(|p| p.message).map_or(0, |m| m.len());
    }
    Ok(sum / page.len().max(1))
}

/// Waits until something holds.
async fn until(holds: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let start = Instant::now();
    while !holds().await? {
        if start.elapsed() > PATIENCE {
            bail!("nothing more came of it for {} s", PATIENCE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
