//! What the sixty days came to, and what to try next.

use crate::domain::reason::Reason;
use crate::flow::Desk;
use std::path::Path;

/// Prints the summary.
pub(super) async fn print(desk: &Desk, folder: &Path) -> anyhow::Result<()> {
    println!("\nSent, by step and channel");
    let sent = desk.store.sent().await?;
    for (step, channel, count) in &sent {
        println!("  {count:>4}  {step} by {channel}");
    }
    println!("  {:>4}  in all; the mails lie in {}", sent.iter().map(|s| s.2).sum::<u64>(), folder.join("mail").display());
    println!("\nWhere the open cases stand, and why");
    for (reason, count) in desk.store.reasons().await? {
        let text = Reason::parse(&reason).map(Reason::text).unwrap_or_default();
        println!("  {count:>4}  {reason}: {text}");
    }
    println!("\nWho could not be reached");
    let unreachable = desk.store.unreachable().await?;
    for u in &unreachable {
        println!("        {} {}: {}", u.debtor, u.name, u.why);
    }
    if unreachable.is_empty() {
        println!("        nobody");
    }
    let mut alerts = desk.store.lasting_alerts().await?;
    alerts.retain(|(key, _)| !key.starts_with("unreachable"));
    if !alerts.is_empty() {
        println!("\nWaiting for you");
        for (key, text) in &alerts {
            println!("        {key}: {}", text.lines().next().unwrap_or_default());
        }
    }
    let program = program();
    let config = folder.join("relance.toml");
    println!("\nTry next");
    for verb in ["log --limit 20", "explain C003", "preview"] {
        println!("  {program} --config {} {verb}", config.display());
    }
    Ok(())
}

/// The program as the reader called it.
fn program() -> String {
    let name = std::env::args().next().unwrap_or_else(|| "relance".to_owned());
    if name.contains("target/") { name } else { "relance".to_owned() }
}
