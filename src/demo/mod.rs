//! The demo: writes a folder with a ledger, a configuration and cadences, and lives through sixty days on a
//! moving clock. Invoices fall due, some are paid on the way, messages leave into a folder. Or a year of a larger firm.

mod firm;
mod ledger;
mod life;
mod story;
mod summary;

use crate::clock::Clock;
use crate::config::{Environment, Setup};
use crate::flow::{Desk, presence};
use crate::store::Store;
use crate::store::sqlite::StoreLock;
use anyhow::{Context as _, bail};
use std::path::Path;

pub use firm::{DAYS as YEAR, live as live_a_year};

/// How many days the demo lives through.
pub const DAYS: i64 = 60;

/// The file by which a folder is known as ours.
const MARK: &str = ".relance-demo";

/// How far the demo has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Days lived through, of [`DAYS`] or of [`YEAR`].
    pub day: i64,
    /// The last of them.
    pub date: jiff::civil::Date,
    /// Messages accepted so far.
    pub sent: u64,
}

/// Writes the folder and lives through the days that are over by the clock; gives the summary. Prints
/// nothing itself: `tell` hears of every day.
pub async fn live(folder: &Path, clock: &Clock, tell: impl FnMut(Progress)) -> anyhow::Result<String> {
    prepare_folder(folder)?;
    write_setup(folder)?;
    let story = story::load()?;
    let last_day = life::last_day(clock.now())?;
    let first_day = crate::domain::time::plus_days(last_day, -DAYS);
    let ledger = ledger::Ledger::create(&folder.join("ledger.db"), &story, first_day).await?;
    let setup = Setup::load(&folder.join("relance.toml"), Environment::new()).map_err(|e| anyhow::anyhow!("{e}"))?;
    let (store, lock) = Store::take(&setup.settings.store, &setup.environment).await?;
    let begin = Clock::manual(life::at(first_day, 7, 0)?);
    let store = store.join("demo", &setup.agreement, begin.now()).await?;
    let desk = Desk::new(setup, store, begin).await?;
    life::live(&desk, &ledger, &story, first_day, tell).await?;
    life::catch_up(&desk, clock).await?;
    let summary = summary::text(&desk, folder, &["log --limit 20", "explain C003", "preview"]).await?;
    presence::leave(&desk).await?;
    desk.store.close().await;
    ledger.close().await;
    drop(lock);
    Ok(summary)
}

/// Empties a folder that an earlier demo made; refuses any other.
fn prepare_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        let ours = folder.join(MARK).is_file();
        let empty = folder.is_dir() && std::fs::read_dir(folder)?.next().is_none();
        if !ours && !empty {
            bail!(
                "{} is there already and was not made by `relance demo`; name another folder: relance demo FOLDER",
                folder.display()
            );
        }
        // A `run` that sends from here would go on in a folder that is no longer there.
        let store = folder.join("relance.db");
        let lock = store.exists().then(|| StoreLock::take(&store)).transpose()?;
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        drop(lock);
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    std::fs::write(folder.join(MARK), "made by `relance demo`; it makes this folder anew each time\n")?;
    Ok(())
}

/// The configuration and the cadences of the sixty days.
fn write_setup(folder: &Path) -> anyhow::Result<()> {
    let cadences = folder.join("cadences");
    std::fs::create_dir_all(&cadences).with_context(|| format!("cannot make {}", cadences.display()))?;
    std::fs::write(folder.join("relance.toml"), include_str!("relance.toml"))?;
    std::fs::write(cadences.join("business.toml"), include_str!("business.toml"))?;
    std::fs::write(cadences.join("everyone.toml"), include_str!("everyone.toml"))?;
    Ok(())
}
