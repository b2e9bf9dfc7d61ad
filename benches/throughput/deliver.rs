//! Delivery on the wire by a desk in this process: against Postfix's own load tool into the same sink.

use super::fleet::mean_size;
use super::home::Home;
use super::postfix::Postfix;
use super::spent::Meter;
use super::world::World;
use relance::flow::{collect, deliver, plan};

/// Messages of one run.
const MESSAGES: i64 = 20_000;

/// Durable delivery against smtp-source at equal message size, in turn, into the same sink, both as the sink counts them.
pub(crate) async fn against_smtp_source() -> anyhow::Result<()> {
    let postfix = Postfix::start().await?;
    let mut ratios = Vec::new();
    let mut size = 0;
    for round in 0..3 {
        let world = World::new(Home::asked().await?, MESSAGES, 1, "2026-11-03").await?;
        let desk = world.desk(&postfix.url(), 8, "").await?;
        collect::poll(&desk).await?;
        plan::step(&desk).await?;
        let meter = Meter::start(&world.home).await?;
        postfix.reset();
        let accepted = deliver::step(&desk).await?.accepted;
        let spent = meter.stop(&world.home).await?;
        let ours = postfix.rate(MESSAGES).await?;
        if round == 0 {
            size = mean_size(&desk.store).await?;
        }
        desk.store.close().await;
        let theirs = postfix.source(MESSAGES, size).await?;
        println!(
            "deliver: {}: {accepted} messages of {size} bytes: {ours:.0}/s ({:.0}/s with the first claim and the last record); smtp-source -d -s 4: {theirs:.0}/s; ratio {:.2}; {}",
            world.home.kind(),
            accepted as f64 / spent.seconds,
            ours / theirs,
            spent.words(MESSAGES)
        );
        ratios.push(ours / theirs);
    }
    ratios.sort_by(f64::total_cmp);
    println!("deliver: median ratio {:.2}", ratios[1]);
    Ok(())
}
