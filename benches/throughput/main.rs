//! Figures for the README. Each prints what it did, how long it took, and a ratio where there is something
//! to compare with:
//!
//!     cargo bench --bench throughput -- deliver | fleet | slow-relay | plan | release | poll | sources | claims | decide
//!
//! `deliver` and `fleet` want Postfix's smtp-sink and smtp-source; their folder is named by RELANCE_POSTFIX
//! (tests/run unpacks Debian's package to target/test-tools/bin). With RELANCE_BENCH_STORE=postgres the store is a
//! database on the server that RELANCE_TEST_POSTGRES names; `fleet` measures both stores in one run.

mod claims;
mod deliver;
mod fleet;
mod home;
mod postfix;
mod pure;
mod relay;
mod scale;
mod sources;
mod spent;
mod world;

fn main() -> anyhow::Result<()> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let which: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let all = ["decide", "plan", "release", "poll", "sources", "claims", "slow-relay", "deliver", "fleet"];
    for name in all {
        if !which.is_empty() && !which.iter().any(|w| w == name) {
            continue;
        }
        match name {
            "decide" => pure::decide()?,
            "plan" => runtime.block_on(scale::plan())?,
            "release" => runtime.block_on(scale::release())?,
            "poll" => runtime.block_on(scale::poll())?,
            "sources" => runtime.block_on(sources::sources())?,
            "claims" => runtime.block_on(claims::claims())?,
            "slow-relay" => runtime.block_on(relay::slow_relay())?,
            "deliver" => runtime.block_on(deliver::against_smtp_source())?,
            _ => runtime.block_on(fleet::fleet())?,
        }
    }
    Ok(())
}
