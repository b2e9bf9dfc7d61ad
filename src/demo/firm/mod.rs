//! A year of a firm with three hundred customers of known habits, under the cadences that are shipped: to read in, and to
//! judge by. Nothing leaves the folder.

mod books;
mod chance;
mod events;
mod habit;
mod office;
mod pdf;
mod people;
mod year;

use super::{Progress, life, prepare_folder, summary};
use crate::channel::outlet::Outlet;
use crate::clock::Clock;
use crate::config::{Environment, Setup};
use crate::domain::step::Channel;
use crate::domain::time::plus_days;
use crate::flow::{Desk, presence};
use crate::store::Store;
use anyhow::Context as _;
use std::path::Path;

/// How many days the year has.
pub const DAYS: i64 = 365;

/// Who hears of every day.
type Telling<'t> = &'t mut dyn FnMut(Progress);

/// Writes the folder and lives through the year that ends by the clock; gives the summary. The same seed gives the same year.
pub async fn live(folder: &Path, clock: &Clock, seed: u64, mut tell: impl FnMut(Progress)) -> anyhow::Result<String> {
    prepare_folder(folder)?;
    std::fs::write(folder.join("relance.toml"), include_str!("relance.toml")).context("cannot write relance.toml")?;
    let first = plus_days(life::last_day(clock.now())?, -DAYS);
    let setup = Setup::load(&folder.join("relance.toml"), Environment::new()).map_err(|e| anyhow::anyhow!("{e}"))?;
    let (store, lock) = Store::take(&setup.settings.store, &setup.environment).await?;
    let begin = Clock::manual(life::at(first, 0, 1)?);
    let store = store.join("demo", &setup.agreement, begin.now()).await?;
    let outlet = Outlet::default();
    let desk = Desk::staged(setup, store, begin, outlet.clone()).await?;
    let desk = year::Year::begin(desk, &outlet, folder, first, seed).await?.live(&mut tell).await?;
    life::catch_up(&desk, clock).await?;
    write_messages(folder, &outlet)?;
    let summary = summary::text(&desk, folder, &["report morning", "explain K002", "log --limit 20"]).await?;
    presence::leave(&desk).await?;
    desk.store.close().await;
    drop(lock);
    Ok(summary)
}

/// All that was sent: a file a mail, a line an SMS.
fn write_messages(folder: &Path, outlet: &Outlet) -> anyhow::Result<()> {
    let mail = folder.join("mail");
    std::fs::create_dir_all(&mail).with_context(|| format!("cannot make {}", mail.display()))?;
    let mut texts = Vec::new();
    for taken in outlet.all() {
        match taken.channel {
            Channel::Email => {
                std::fs::write(mail.join(format!("{}.eml", taken.number)), &taken.message).context("cannot write a mail")?
            }
            Channel::Sms => {
                let text = String::from_utf8_lossy(&taken.message);
                texts.push(serde_json::json!({"reference": taken.number, "to": taken.address, "text": text}).to_string());
            }
        }
    }
    std::fs::write(folder.join("sms.jsonl"), texts.join("\n") + "\n").context("cannot write the SMS")
}
