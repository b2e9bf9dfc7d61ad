//! How fast messages are claimed: a hundred thousand that are ready at one moment, by one session and by several.

use super::home::Home;
use super::spent::Meter;
use super::world::{NOW, World};
use anyhow::bail;
use jiff::Timestamp;
use relance::domain::step::Channel;
use relance::flow::{collect, plan, presence};
use relance::store::Store;
use std::collections::HashSet;

const READY: i64 = 100_000;

/// Claims everything in batches of two sizes, each by one and by four sessions; then gives it back, so that every further
/// turn has the dead entries of those before in its way.
pub(crate) async fn claims() -> anyhow::Result<()> {
    let world = World::new(Home::asked().await?, READY, 1, "2026-11-03").await?;
    let desk = world.desk("smtp://127.0.0.1:9", 8, "").await?;
    collect::poll(&desk).await?;
    plan::step(&desk).await?;
    presence::leave(&desk).await?;
    for (sessions, batch) in [(1, 100), (4, 100), (1, 1000), (4, 1000), (1, 100), (4, 100)] {
        let mut hands = Vec::new();
        for _ in 0..sessions {
            // Of a file there is one writer, whoever asks it.
            let store = if desk.store.is_shared() { world.store().await? } else { desk.store.clone() };
            hands.push(store.join("bench", NOW.parse()?).await?);
        }
        let meter = Meter::start(&world.home).await?;
        let tasks: Vec<_> = hands.iter().map(|hand| tokio::spawn(all(hand.clone(), batch))).collect();
        let mut claimed = Vec::new();
        for task in tasks {
            claimed.push(task.await??);
        }
        let spent = meter.stop(&world.home).await?;
        let different: HashSet<i64> = claimed.iter().flatten().copied().collect();
        let sum: usize = claimed.iter().map(Vec::len).sum();
        if different.len() != sum || sum as i64 != READY {
            bail!("{sum} messages were claimed, {} different ones", different.len());
        }
        let (rate, kind) = (sum as f64 / spent.seconds, world.home.kind());
        println!(
            "claims: {kind}, {sessions} at it, {batch} at once: {rate:.0}/s, {:.0} claims/s; {}",
            rate / batch as f64,
            spent.words(READY)
        );
        for (hand, mine) in hands.iter().zip(&claimed) {
            for part in mine.chunks(1000) {
                hand.give_back(part, NOW.parse()?).await?;
            }
            if hand.is_shared() {
                hand.close().await;
            }
        }
    }
    desk.store.close().await;
    Ok(())
}

async fn all(store: Store, batch: i64) -> anyhow::Result<Vec<i64>> {
    let now: Timestamp = NOW.parse()?;
    let mut mine = Vec::new();
    loop {
        let claimed = store.claim(Channel::Email, now, batch, None).await?;
        if claimed.is_empty() {
            return Ok(mine);
        }
        mine.extend(claimed.iter().map(|c| c.pk));
    }
}
