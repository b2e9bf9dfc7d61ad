//! A million open invoices: polling them, and a cycle in which none is due. A hundred thousand due and released.

use super::world::{desk, ledger, peak_mb};
use relance::flow::{collect, deliver, plan};
use std::time::Instant;

const MILLION: i64 = 1_000_000;

/// First poll and unchanged second poll of a million rows.
pub(crate) async fn poll() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    ledger(folder.path(), MILLION, 2, "2027-06-30").await?;
    let desk = desk(folder.path(), "smtp://127.0.0.1:9", 1, "").await?;
    for name in ["first poll", "unchanged second poll"] {
        let start = Instant::now();
        let poll = collect::poll(&desk).await?;
        let took = start.elapsed().as_secs_f64();
        println!(
            "poll: {name} of {} rows: {took:.1} s ({:.0} rows/s), peak memory {:.0} MB",
            poll.rows,
            poll.rows as f64 / took,
            peak_mb()
        );
    }
    Ok(())
}

/// A planning cycle over a million open invoices of which none is due.
pub(crate) async fn plan() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    ledger(folder.path(), MILLION, 2, "2027-06-30").await?;
    let desk = desk(folder.path(), "smtp://127.0.0.1:9", 1, "").await?;
    collect::poll(&desk).await?;
    let start = Instant::now();
    let first = plan::step(&desk).await?;
    println!("plan: first look at {} debtors: {:.1} s", first.looked, start.elapsed().as_secs_f64());
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
    Ok(())
}

/// A hundred thousand debtors due and held by the volume brake; how soon after `release` the first message leaves.
pub(crate) async fn release() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    ledger(folder.path(), 100_000, 1, "2026-11-03").await?;
    let sink = super::deliver::CountingSink::start(0).await?;
    let desk = desk(folder.path(), &sink.url(), 8, "max_messages_per_cycle = 200").await?;
    collect::poll(&desk).await?;
    println!("release: polled, peak memory {:.0} MB", peak_mb());
    let start = Instant::now();
    let planned = plan::step(&desk).await?;
    let took = start.elapsed().as_secs_f64();
    println!("release: {} messages planned and held in {took:.1} s, peak memory {:.0} MB", planned.braked, peak_mb());
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
    Ok(())
}
