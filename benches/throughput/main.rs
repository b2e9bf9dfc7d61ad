//! Figures for the README. Each prints what it did, how long it took, and a ratio where there is something
//! to compare with:
//!
//!     cargo bench --bench throughput -- deliver | slow-relay | plan | release | poll | decide
//!
//! `deliver` wants Postfix's smtp-sink and smtp-source; their folder is named by RELANCE_POSTFIX
//! (tests/run unpacks Debian's package to target/test-tools/usr/sbin).

mod deliver;
mod pure;
mod scale;
mod world;

fn main() -> anyhow::Result<()> {
    let which: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let all = ["decide", "plan", "release", "poll", "slow-relay", "deliver"];
    for name in all {
        if !which.is_empty() && !which.iter().any(|w| w == name) {
            continue;
        }
        match name {
            "decide" => pure::decide()?,
            "plan" => runtime.block_on(scale::plan())?,
            "release" => runtime.block_on(scale::release())?,
            "poll" => runtime.block_on(scale::poll())?,
            "slow-relay" => runtime.block_on(deliver::slow_relay())?,
            _ => runtime.block_on(deliver::against_smtp_source())?,
        }
    }
    Ok(())
}
