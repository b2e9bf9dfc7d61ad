//! A million open invoices: polling them, and a cycle in which none is due. A hundred thousand due and released.

use super::home::Home;
use super::spent::Meter;
use super::world::{World, peak_mb};
use relance::flow::{collect, deliver, plan};
use std::time::Instant;

const MILLION: i64 = 1_000_000;

/// First poll and unchanged second poll of a million rows.
pub(crate) async fn poll() -> anyhow::Result<()> {
    let world = World::new(Home::asked().await?, MILLION, 2, "2027-06-30").await?;
    let desk = world.desk("smtp://127.0.0.1:9", 1, "").await?;
    for name in ["first poll", "unchanged second poll"] {
        let meter = Meter::start(&world.home).await?;
        let poll = collect::poll(&desk).await?;
        let spent = meter.stop(&world.home).await?;
        println!(
            "poll: {}, {name} of {} rows: {:.1} s ({:.0} rows/s), peak memory {:.0} MB; {}",
            world.home.kind(),
            poll.rows,
            spent.seconds,
            poll.rows as f64 / spent.seconds,
            peak_mb(),
            spent.words(poll.rows)
        );
    }
    world.home.print_sizes(&["debtor", "invoice"]).await?;
    desk.store.close().await;
    Ok(())
}

/// A planning cycle over a million open invoices of which none is due.
pub(crate) async fn plan() -> anyhow::Result<()> {
    let world = World::new(Home::asked().await?, MILLION, 2, "2027-06-30").await?;
    let desk = world.desk("smtp://127.0.0.1:9", 1, "").await?;
    collect::poll(&desk).await?;
    let meter = Meter::start(&world.home).await?;
    let first = plan::step(&desk).await?;
    let spent = meter.stop(&world.home).await?;
    println!(
        "plan: {}, first look at {} debtors: {:.1} s; {}",
        world.home.kind(),
        first.looked,
        spent.seconds,
        spent.words(first.looked as i64)
    );
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        let planned = plan::step(&desk).await?;
        assert_eq!(planned.looked, 0);
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "plan: a cycle over {MILLION} open invoices, none due: median {:.2} ms, worst of 200 {:.2} ms",
        times[100], times[199]
    );
    println!("plan: peak memory {:.0} MB", peak_mb());
    desk.store.close().await;
    Ok(())
}

/// A hundred thousand debtors due and held by the volume brake; how soon after `release` the first message leaves.
pub(crate) async fn release() -> anyhow::Result<()> {
    let world = World::new(Home::asked().await?, 100_000, 1, "2026-11-03").await?;
    let sink = super::relay::CountingSink::start(0).await?;
    let desk = world.desk(&sink.url(), 8, "max_messages_per_cycle = 200").await?;
    collect::poll(&desk).await?;
    println!("release: polled, peak memory {:.0} MB", peak_mb());
    let start = Instant::now();
    let planned = plan::step(&desk).await?;
    let took = start.elapsed().as_secs_f64();
    println!("release: {} messages planned and held in {took:.1} s, peak memory {:.0} MB", planned.braked, peak_mb());
    anyhow::ensure!(planned.braked == 100_000, "{} of 100000 messages are held", planned.braked);
    let start = Instant::now();
    let released = desk.store.release_braked(desk.clock.now()).await?;
    let first = sink.first();
    let delivered = tokio::join!(deliver::step(&desk), first);
    println!(
        "release: {released} released, the first message left after {:.2} s",
        delivered.1.duration_since(start).as_secs_f64()
    );
    let took = start.elapsed().as_secs_f64();
    let accepted = delivered.0?.accepted;
    println!("release: {accepted} delivered in {took:.1} s ({:.0}/s); peak memory {:.0} MB", accepted as f64 / took, peak_mb());
    desk.store.close().await;
    Ok(())
}
