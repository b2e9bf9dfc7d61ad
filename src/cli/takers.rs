//! Which cadence takes whom: for `check`, on the ledger as it was last read.

use super::out;
use crate::domain::case::DebtorFile;
use crate::domain::currency::Currency;
use crate::domain::debtor::{Debtor, State};
use crate::domain::money::Money;
use crate::flow::{Desk, DeskError};
use std::collections::BTreeMap;

/// What a cadence takes, or what none does.
#[derive(Debug, Default)]
struct Taken {
    customers: u64,
    invoices: u64,
    open: BTreeMap<String, Money>,
    /// Customers whom no configured channel reaches.
    out_of_reach: u64,
}

/// Prints the table; nothing, where the ledger has nothing open.
pub(super) async fn table(desk: &Desk) -> Result<(), DeskError> {
    let mut taken: BTreeMap<String, Taken> = BTreeMap::new();
    for cadence in &desk.setup.cadences {
        taken.entry(cadence.cadence.name.clone()).or_default();
    }
    let mut none: BTreeMap<String, Taken> = BTreeMap::new();
    let mut after = 0;
    loop {
        let keys = desk.store.open_debtors_after(after).await?;
        let Some(last) = keys.last() else { break };
        after = *last;
        for file in desk.files(&keys, desk.clock.now()).await? {
            count(desk, &file, &mut taken, &mut none);
        }
    }
    if taken.values().chain(none.values()).all(|t| t.customers == 0) {
        return Ok(());
    }
    let named = taken.iter().map(|(name, taken)| row(name.clone(), taken));
    let rows: Vec<Vec<String>> = named.chain(none.iter().map(|(why, taken)| row(format!("none: {why}"), taken))).collect();
    out::table(&["cadence", "customers", "invoices", "open", "no address"], rows);
    if !none.is_empty() {
        say!("what no cadence takes is chased by nobody: widen a cadence, or mend the ledger");
    }
    Ok(())
}

fn row(name: String, taken: &Taken) -> Vec<String> {
    let open: Vec<String> = taken.open.values().map(ToString::to_string).collect();
    let open = if open.is_empty() { "–".to_owned() } else { open.join(", ") };
    vec![name, taken.customers.to_string(), taken.invoices.to_string(), open, taken.out_of_reach.to_string()]
}

/// Adds a customer, once for each cadence that takes something of it.
fn count(desk: &Desk, file: &DebtorFile, taken: &mut BTreeMap<String, Taken>, none: &mut BTreeMap<String, Taken>) {
    let mut own: BTreeMap<Option<&str>, (u64, BTreeMap<Currency, i64>)> = BTreeMap::new();
    for invoice in file.rows.iter().map(|r| &r.invoice).filter(|i| i.is_open() && !i.is_credit()) {
        let (invoices, sums) = own.entry(invoice.cadence.as_deref()).or_default();
        *invoices += 1;
        let sum = sums.entry(invoice.balance.currency).or_default();
        *sum = sum.saturating_add(invoice.balance.minor);
    }
    let reached = file.points.iter().any(|p| p.state.may_be_used() && desk.channels.contains(&p.channel));
    for (cadence, (invoices, sums)) in own {
        let taken = match cadence {
            Some(name) => taken.entry(name.to_owned()).or_default(),
            None => none.entry(why(&file.debtor)).or_default(),
        };
        taken.customers += 1;
        taken.invoices += invoices;
        taken.out_of_reach += u64::from(!reached);
        for (currency, minor) in sums {
            let sum = taken.open.entry(currency.code().to_owned()).or_insert(Money::new(0, currency));
            sum.minor = sum.minor.saturating_add(minor);
        }
    }
}

/// Why no cadence takes a customer's invoices: what it is that none of them names.
fn why(debtor: &Debtor) -> String {
    if let Some(state) = debtor.state.filter(|s| State::wants_its_own_cadence(*s)) {
        return format!("state {}, which no cadence names", state.as_str());
    }
    let kind = debtor.kind.map_or("unknown", |k| k.as_str());
    format!("kind {kind}, country {}", debtor.country.as_deref().unwrap_or("unknown"))
}
