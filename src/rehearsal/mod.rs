//! Cadence tests: what a customer would get, and when, written beside the cadences, and played with the real pumps, a
//! clock that jumps, a ledger and records that are thrown away, and messages that go nowhere.

mod books;
mod event;
mod judge;
mod play;
mod script;
mod seen;
mod stage;

pub use judge::Line;
pub use script::{Test, read};
pub(crate) use stage::Folder;

use crate::config::Setup;
use stage::Common;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Tests that are played at the same time.
const AT_ONCE: usize = 4;

/// What a test came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The test's name.
    pub name: String,
    /// Where it stands: FILE:LINE:COLUMN.
    pub place: String,
    /// The story, by day.
    pub lines: Vec<Line>,
    /// What could not be done as the test says.
    pub trouble: Vec<String>,
}

impl Report {
    /// Whether all went as expected.
    pub fn is_good(&self) -> bool {
        self.trouble.is_empty() && self.lines.iter().all(|l| l.wrong.is_none())
    }
}

/// Plays tests; gives their reports in the tests' order. The error is about this machine or the configuration: what is
/// wrong with a test stands in its report.
pub async fn run(setup: Setup, tests: Vec<Test>) -> anyhow::Result<Vec<Report>> {
    let common = Arc::new(Common::new(&setup).await?);
    let setup = Arc::new(setup);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    for (at, test) in tests.into_iter().enumerate() {
        let (common, setup, places) = (common.clone(), setup.clone(), places.clone());
        playing.spawn(async move {
            let _place = places.acquire_owned().await;
            (at, report(&common, &setup, &test).await)
        });
    }
    let mut reports = Vec::new();
    while let Some(played) = playing.join_next().await {
        reports.push(played?);
    }
    reports.sort_by_key(|(at, _)| *at);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

async fn report(common: &Common, setup: &Setup, test: &Test) -> Report {
    let (name, place) = (test.name.clone(), test.at.to_string());
    match play::play(common, setup, test).await {
        Ok(played) => Report { name, place, lines: judge::judge(test, &played), trouble: played.trouble },
        Err(e) => Report { name, place, lines: vec![], trouble: vec![format!("{e:#}")] },
    }
}
