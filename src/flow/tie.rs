//! The tie-out of the whole ledger (rule R27): every open row in one state, summed by currency against what the database
//! itself sums. `status` and the morning report show it, and nobody else works it out.

use super::desk::{Conditions, Desk};
use crate::domain::case::DebtorFile;
use crate::domain::currency::Currency;
use crate::domain::decision::tie_out;
use crate::domain::money::Money;
use crate::store::StoreError;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Sums by state, for a currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tie {
    /// Amount in minor units and number of rows of each state, by the state's word.
    pub states: BTreeMap<String, (i64, u64)>,
    /// What the ledger has open, in minor units: summed by the database, apart from every rule.
    pub ledger: i64,
}

impl Tie {
    /// The sum of all states.
    pub fn sum(&self) -> i64 {
        self.states.values().fold(0i64, |sum, (minor, _)| sum.saturating_add(*minor))
    }

    /// How many rows there are in all states.
    pub fn rows(&self) -> u64 {
        self.states.values().map(|(_, rows)| rows).sum()
    }

    /// Whether every open amount is accounted for.
    pub fn holds(&self) -> bool {
        self.sum() == self.ledger
    }
}

/// The tie-out of all currencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties(pub BTreeMap<Currency, Tie>);

impl Ties {
    /// Begins with what the ledger has open.
    pub async fn begin(desk: &Desk) -> Result<Ties, StoreError> {
        let mut ties = Ties::default();
        for (total, _) in desk.store.ledger_totals().await? {
            ties.0.entry(total.currency).or_default().ledger = total.minor;
        }
        Ok(ties)
    }

    /// Adds a debtor; gives the state of each of its open rows.
    pub fn add(&mut self, desk: &Desk, conditions: &Conditions, file: &DebtorFile, now: Timestamp) -> Vec<(i64, String, Money)> {
        let zone = desk.setup.zone(&file.debtor);
        let world = |name: &str| desk.setup.cadence(name).map(|c| desk.world(conditions, &file.debtor, &zone, c, now));
        let states = tie_out(file, world);
        for (_, state, amount) in &states {
            let tie = self.0.entry(amount.currency).or_default();
            let entry = match tie.states.get_mut(state) {
                Some(entry) => entry,
                None => tie.states.entry(state.clone()).or_default(),
            };
            entry.0 = entry.0.saturating_add(amount.minor);
            entry.1 += 1;
        }
        states
    }

    /// Whether every open amount of every currency is accounted for.
    pub fn hold(&self) -> bool {
        self.0.values().all(Tie::holds)
    }
}

/// A poll may write while the pages are read, and then the sum of before is compared with the states of after. So what does
/// not tie out is worked out anew, so often at the most: what is wrong stays wrong.
pub(super) const AGAIN: usize = 2;

/// The tie-out as it is now. It reads every debtor with something open, page by page.
pub async fn ties(desk: &Desk) -> Result<Ties, StoreError> {
    let now = desk.clock.now();
    let conditions = desk.conditions(now).await?;
    let mut ties = once(desk, &conditions, now).await?;
    for _ in 0..AGAIN {
        if !ties.hold() {
            ties = once(desk, &conditions, now).await?;
        }
    }
    Ok(ties)
}

async fn once(desk: &Desk, conditions: &Conditions, now: Timestamp) -> Result<Ties, StoreError> {
    let mut ties = Ties::begin(desk).await?;
    let mut after = 0;
    loop {
        let keys = desk.store.open_debtors_after(after).await?;
        let Some(last) = keys.last() else { return Ok(ties) };
        after = *last;
        for file in desk.files(&keys, now).await? {
            ties.add(desk, conditions, &file, now);
        }
    }
}
