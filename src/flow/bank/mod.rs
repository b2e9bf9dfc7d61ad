//! The bank's statements: files in a folder are read, what they show is matched with what is open, and whoever has paid is not
//! written to, before the ledger knows. A folder that is away stops nothing; when it lasts the creditor hears of it.

mod apply;
mod settle;
mod word;

pub use settle::settle;
pub use word::{Said, refuse, take};

use super::desk::{Desk, DeskError};
use super::presence::on_duty;
use super::pulse::Pump;
use crate::bank::folder::{self, Lying};
use crate::bank::{Statements, Unread};
use crate::config::settings::BankSettings;
use crate::domain::hex::hex;
use crate::domain::time::{local_date, plus_days};
use crate::store::bank::Lies;
use crate::store::sessions::Duty;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// So many files are read in one step.
const FILES: usize = 100;

/// A folder that could not be read for so many seconds is told of.
const TOLD_AFTER: i64 = 3600;

/// A file that cannot be read is told of after so many seconds: it may still be being written.
const FILE_TOLD_AFTER: i64 = 600;

/// What is known of files that were read is let go after so many days.
const KEPT_DAYS: i64 = 400;

/// The alert about the folder.
const ALERT: &str = "bank";

/// What the pump remembers from one step to the next.
#[derive(Debug, Default)]
pub struct Counter {
    /// Since when the folder cannot be read, and whether the creditor was told.
    failing: Option<(Timestamp, bool)>,
    /// The last poll that what pays nothing known was tried against.
    tried: Option<Timestamp>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Files that were read.
    pub files: u64,
    /// Files that cannot be read, of those that were tried.
    pub unread: u64,
    /// Entries that had not come before.
    pub fresh: u64,
    /// Those that pay something, or take something back.
    pub matched: u64,
    /// Those that a person decides on.
    pub proposed: u64,
    /// The folder could not be read.
    pub failed: bool,
}

/// Reads what has been dropped; `None` without `[bank]`, or while another daemon does it.
pub async fn step(desk: &Desk) -> Result<Option<Round>, DeskError> {
    let Some(settings) = &desk.setup.settings.bank else { return Ok(None) };
    on_duty(desk, Duty::Bank, look(desk, settings)).await
}

async fn look(desk: &Desk, settings: &BankSettings) -> Result<Round, DeskError> {
    let now = desk.clock.now();
    let mut counter = desk.counter.lock().await;
    let mut round = Round::default();
    let listed = in_thread(desk, settings.folder.clone(), |folder| folder::list(&folder)).await;
    match listed {
        Ok(list) => {
            told(desk, &mut counter, None, now).await?;
            read_new(desk, settings, &list, &mut round, now).await?;
            tell_of_files(desk, &list, now).await?;
        }
        Err(why) => {
            round.failed = true;
            told(desk, &mut counter, Some(why), now).await?;
        }
    }
    let polled = desk.store.last_good_poll().await?.map(|p| p.finished_at);
    if polled.is_some() && counter.tried != polled {
        apply::again(desk, &mut round, now).await?;
        counter.tried = polled;
    }
    settle(desk, now).await?;
    Ok(round)
}

/// Files and their contents are others': on a thread of its own, and whatever happens there ends nothing here.
async fn in_thread<A, T>(desk: &Desk, of: A, work: impl FnOnce(A) -> Result<T, String> + Send + 'static) -> Result<T, String>
where
    A: Send + 'static,
    T: Send + 'static,
{
    let done = desk.pulses.outside(Pump::Bank, tokio::task::spawn_blocking(move || work(of))).await;
    done.unwrap_or_else(|_| Err("reading it failed; see for yourself what it is".to_owned()))
}

async fn read_new(
    desk: &Desk,
    settings: &BankSettings,
    list: &[Lying],
    round: &mut Round,
    now: Timestamp,
) -> Result<(), DeskError> {
    let names: Vec<String> = list.iter().map(|f| f.name.clone()).collect();
    let known = desk.store.bank_files(&names).await?;
    let is_new = |f: &&Lying| known.get(&f.name) != Some(&(f.size, f.changed));
    for file in list.iter().filter(is_new).take(FILES) {
        if desk.stopping.load(Ordering::SeqCst) {
            return Ok(());
        }
        desk.pulses.moved(Pump::Bank);
        one(desk, settings, file, round, now).await?;
    }
    if let Some(before) = crate::domain::time::instant(
        plus_days(local_date(now, &desk.setup.settings.creditor.timezone), -KEPT_DAYS),
        jiff::civil::Time::midnight(),
        &desk.setup.settings.creditor.timezone,
    ) {
        desk.store.bank_forget_files(before).await?;
    }
    Ok(())
}

/// What reading a file came to.
type Opened = (String, Result<Statements, Unread>);

/// One file. Its entries are put on record before it is; should the program end between the two, they are known when the
/// file is read again.
async fn one(desk: &Desk, settings: &BankSettings, file: &Lying, round: &mut Round, now: Timestamp) -> Result<(), DeskError> {
    let at = (settings.folder.clone(), file.name.clone());
    let opened = in_thread(desk, at, |(folder, name): (PathBuf, String)| -> Result<Opened, String> {
        let bytes = folder::bytes(&folder, &name)?;
        Ok((hex(&Sha256::digest(&bytes)), crate::bank::read(&bytes)))
    });
    let mut lies = Lies { name: file.name.clone(), size: file.size, changed: file.changed, digest: String::new() };
    let problem = match opened.await {
        Ok((digest, read)) => {
            lies.digest = digest;
            match read {
                Ok(_) if desk.store.bank_has_read(&lies.digest).await? => {
                    desk.store.bank_file_read(&lies, None, (0, 0), now).await?;
                    put_away(desk, settings, &lies).await;
                    return Ok(());
                }
                Ok(statements) => {
                    let fresh = apply::entries(desk, &statements.entries, round, now).await?;
                    let all = statements.entries.len() as i64;
                    let kind = statements.kind.as_str();
                    desk.store.bank_file_read(&lies, Some(kind), (all, fresh as i64), now).await?;
                    round.files += 1;
                    round.fresh += fresh;
                    tracing::info!(event = "bank_read", kind, entries = all, fresh, "a statement of the bank was read");
                    put_away(desk, settings, &lies).await;
                    return Ok(());
                }
                Err(unread) => unread.to_string(),
            }
        }
        Err(why) => why,
    };
    round.unread += 1;
    desk.store.bank_file_failed(&lies, &problem, now).await?;
    let Lies { name: file, .. } = lies;
    tracing::error!(
        event = "bank_unread",
        %file,
        error = %problem,
        "a file of the bank's folder cannot be read; it stays there, and is tried again when it has changed"
    );
    Ok(())
}

/// Moves a file that has been read, where that is wanted.
async fn put_away(desk: &Desk, settings: &BankSettings, file: &Lies) {
    let Some(done) = settings.done.clone() else { return };
    let at = (settings.folder.clone(), file.name.clone(), done, file.digest.clone());
    let moved = in_thread(desk, at, |(folder, name, done, digest): (PathBuf, String, PathBuf, String)| {
        folder::put_away(&folder, &name, &done, &digest)
    });
    if let Err(why) = moved.await {
        tracing::warn!(event = "bank_unmoved", error = %why, "a statement that has been read could not be moved");
    }
}

/// Files that cannot be read for some time: the creditor is told of each once, until it is gone or has changed.
async fn tell_of_files(desk: &Desk, list: &[Lying], now: Timestamp) -> Result<(), DeskError> {
    let key = |name: &str| format!("bank_file:{name}");
    let failed = desk.store.bank_files_failed().await?;
    for file in &failed {
        if !list.iter().any(|f| f.name == file.name) {
            desk.store.bank_file_gone(&file.name).await?;
        } else if now.as_second() - file.at.as_second() >= FILE_TOLD_AFTER {
            let text = format!(
                "The file {} in the folder of [bank] cannot be read.\n{}\nIt stays there and is tried again when it has changed. What stands in it is not known to relance: payments among it are seen when your ledger has them.",
                file.name, file.problem
            );
            desk.store.raise_alert(&key(&file.name), now, "relance: a statement of the bank cannot be read", &text).await?;
        }
    }
    for (alert, _) in desk.store.lasting_alerts().await? {
        let over = |name: &str| !failed.iter().any(|f| f.name == name && list.iter().any(|l| l.name == f.name));
        if alert.strip_prefix("bank_file:").is_some_and(over) {
            desk.store.end_alert(&alert, now).await?;
        }
    }
    Ok(())
}

/// Says when the folder cannot be read: at once in the journal, to the creditor when it lasts.
async fn told(desk: &Desk, counter: &mut Counter, error: Option<String>, now: Timestamp) -> Result<(), DeskError> {
    let Some(error) = error else {
        if let Some((_, told)) = counter.failing.take() {
            tracing::info!(event = "bank_back", "the folder of the bank's statements can be read again");
            if told {
                desk.store.end_alert(ALERT, now).await?;
            }
        }
        return Ok(());
    };
    let (since, told) = *counter.failing.get_or_insert_with(|| {
        tracing::warn!(event = "bank_failed", error = %error, "the folder of the bank's statements cannot be read; it is tried again, and sending goes on");
        (now, false)
    });
    if !told && now.as_second() - since.as_second() >= TOLD_AFTER {
        let text = format!(
            "The folder of [bank] cannot be read since {}: {error}\nSending goes on. Payments are seen when your ledger has them, and no sooner.",
            local_date(since, &desk.setup.settings.creditor.timezone)
        );
        desk.store.raise_alert(ALERT, now, "relance: the bank's statements cannot be read", &text).await?;
        counter.failing = Some((since, true));
    }
    Ok(())
}
