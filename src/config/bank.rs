//! `[bank]`: a folder into which the bank's statements are dropped. Off unless it is said.

use super::section::Section;
use crate::domain::when::Delay;
use std::path::{Path, PathBuf};

/// Statements of the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankSettings {
    /// The folder that is looked into.
    pub folder: PathBuf,
    /// Where a file goes that has been read; `None`: it stays.
    pub done: Option<PathBuf>,
    /// How long the ledger has to book what the bank shows before a person is asked.
    pub wait: Delay,
}

/// Reads the section; `None`: something in it is wrong.
pub(super) fn read(s: Section, base: &Path) -> Option<BankSettings> {
    let folder = s.required("folder", "the folder into which the bank's statements are dropped").map(|p| base.join(p));
    let done = match s.has("done") {
        true => s.parse("done", "\"leave\" or \"move:FOLDER\"", |t| match t {
            "leave" => Some(None),
            _ => t.strip_prefix("move:").map(str::trim).filter(|f| !f.is_empty()).map(|f| Some(base.join(f))),
        }),
        false => Some(None),
    };
    if let (Some(folder), Some(Some(done))) = (&folder, &done)
        && folder == done
    {
        s.problem("done", "\"done\" moves files into the folder that is looked into; wanted another one");
    }
    let wait = match s.has("wait") {
        true => s.parse("wait", "a number of days such as \"10 working days\", at most 60", |t| {
            Delay::parse(t).ok().filter(|d| (1..=60).contains(&d.count))
        }),
        false => Delay::parse("10 working days").ok(),
    };
    s.finish();
    Some(BankSettings { folder: folder?, done: done?, wait: wait? })
}
