//! What the sixty days came to, and what to try next.

use crate::domain::reason::Reason;
use crate::flow::Desk;
use std::fmt::Write as _;
use std::path::Path;

/// The summary; `next` is what to try then.
pub(super) async fn text(desk: &Desk, folder: &Path, next: &[&str]) -> anyhow::Result<String> {
    let mut text = String::new();
    writeln!(text, "\nSent, by step and channel")?;
    let sent = desk.store.sent().await?;
    for (step, channel, count) in &sent {
        writeln!(text, "  {count:>4}  {step} by {channel}")?;
    }
    let (all, mails) = (sent.iter().map(|s| s.2).sum::<u64>(), folder.join("mail"));
    writeln!(text, "  {all:>4}  in all; the mails lie in {}", mails.display())?;
    writeln!(text, "\nWhere the open cases stand, and why")?;
    for (reason, count) in desk.store.reasons().await? {
        let meaning = Reason::parse(&reason).map(Reason::text).unwrap_or_default();
        writeln!(text, "  {count:>4}  {reason}: {meaning}")?;
    }
    writeln!(text, "\nWho could not be reached")?;
    let unreachable = desk.store.unreachable().await?;
    for u in &unreachable {
        writeln!(text, "        {} {}: {}", u.debtor, u.name, u.why)?;
    }
    if unreachable.is_empty() {
        writeln!(text, "        nobody")?;
    }
    let mut alerts = desk.store.lasting_alerts().await?;
    alerts.retain(|(key, _)| !key.starts_with("unreachable"));
    if !alerts.is_empty() {
        writeln!(text, "\nWaiting for you")?;
        for (key, what) in &alerts {
            writeln!(text, "        {key}: {}", what.lines().next().unwrap_or_default())?;
        }
    }
    let (program, config) = (program(), folder.join("relance.toml"));
    write!(text, "\nTry next")?;
    for verb in next {
        write!(text, "\n  {program} --config {} {verb}", config.display())?;
    }
    Ok(text)
}

/// The program as the reader called it.
fn program() -> String {
    let name = std::env::args().next().unwrap_or_else(|| "relance".to_owned());
    if name.contains("target/") { name } else { "relance".to_owned() }
}
