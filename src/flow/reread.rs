//! The re-read just before sending (R13): the invoices of the messages that are about to leave, asked for once more.

use super::absorb::{absorb, digest, late_before};
use super::desk::{Desk, DeskError};
use crate::config::settings::SourceKind;
use crate::domain::case::{CaseInvoice, DebtorFile};
use crate::store::outbox::Claimed;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// So many invoices can be read again in one share of the time for it; `None` where their number does not matter.
fn most(desk: &Desk) -> Option<usize> {
    match &desk.setup.settings.source.kind {
        SourceKind::Http(http) => Some(http.system.at_once().saturating_mul(http.system.requests_of_a_share())),
        _ => None,
    }
}

pub(super) fn index(files: Vec<DebtorFile>) -> HashMap<i64, DebtorFile> {
    files.into_iter().map(|f| (f.debtor.pk, f)).collect()
}

/// As many of the messages as one re-read has time for, one at least, and the others.
pub(super) async fn fitting(desk: &Desk, mut claimed: Vec<Claimed>) -> Result<(Vec<Claimed>, Vec<Claimed>), DeskError> {
    let Some(most) = most(desk).filter(|_| claimed.len() > 1) else { return Ok((claimed, Vec::new())) };
    let debtors: Vec<i64> = claimed.iter().map(|c| c.debtor_pk).collect();
    let files = index(desk.files(&debtors, desk.clock.now()).await?);
    let mut seen = HashSet::new();
    let invoices = |c: &Claimed| files.get(&c.debtor_pk).map_or(0, |file| of_case(file, &c.currency).count());
    let own = |c: &Claimed| if seen.insert((c.debtor_pk, c.currency.clone())) { invoices(c) } else { 0 };
    let fitting = within(most, claimed.iter().map(own));
    let later = claimed.split_off(fitting);
    Ok((claimed, later))
}

/// How many messages from the first on come to no more than `most` invoices; at least one, however many it has.
fn within(most: usize, mut invoices: impl Iterator<Item = usize>) -> usize {
    let mut sum = invoices.next().unwrap_or_default();
    let more = invoices.take_while(|own| {
        sum += own;
        sum <= most
    });
    1 + more.count()
}

/// The invoices that are read again for a message.
fn of_case<'f>(file: &'f DebtorFile, currency: &str) -> impl Iterator<Item = &'f CaseInvoice> {
    file.rows.iter().filter(move |row| row.invoice.balance.currency.code() == currency)
}

/// Reads the invoices of the messages again, in one statement; gives the debtors for whom something changed.
pub(super) async fn of(
    desk: &Desk,
    files: &HashMap<i64, DebtorFile>,
    claimed: &[Claimed],
    now: Timestamp,
) -> Result<HashSet<i64>, DeskError> {
    let currencies: HashSet<(i64, &str)> = claimed.iter().map(|c| (c.debtor_pk, c.currency.as_str())).collect();
    let mut asked: HashMap<String, (i64, i64)> = HashMap::new();
    for (debtor, currency) in &currencies {
        for row in files.get(debtor).into_iter().flat_map(|file| of_case(file, currency)) {
            asked.insert(row.invoice.id.clone(), (*debtor, row.digest));
        }
    }
    let (source, columns) = desk.source().await?;
    let ids: Vec<String> = asked.keys().cloned().collect();
    let rows = source.reread(&columns, &ids).await?;
    let mut changed = HashSet::new();
    let mut fresh = Vec::new();
    let mut found: HashSet<String> = HashSet::with_capacity(rows.len());
    let mut doubled = Vec::new();
    for row in rows {
        let Some((debtor, before)) = asked.get(&row.id) else { continue };
        if !found.insert(row.id.clone()) {
            doubled.push(row.id.clone());
        }
        if digest(desk, &row) != *before {
            changed.insert(*debtor);
            fresh.push(row);
        }
    }
    let missing: Vec<String> = ids.into_iter().filter(|id| !found.contains(id)).collect();
    if !missing.is_empty() {
        changed.extend(missing.iter().filter_map(|id| asked.get(id)).map(|(debtor, _)| *debtor));
        desk.store.mark_missing(&missing, now).await?;
    }
    if !fresh.is_empty() {
        let absorbed = absorb(desk, &columns, &fresh, &doubled, now).await?;
        desk.store.apply_page(&absorbed.change, late_before(desk, now), now).await?;
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_group_is_no_larger_than_can_be_asked_for_and_never_empty() {
        assert_eq!(within(60, [5; 12].into_iter()), 12);
        assert_eq!(within(60, [10; 12].into_iter()), 6);
        assert_eq!(within(60, [500, 1, 1].into_iter()), 1);
        assert_eq!(within(60, [1, 500, 1].into_iter()), 1);
        assert_eq!(within(60, [60, 0, 0, 1].into_iter()), 3);
        assert_eq!(within(usize::MAX, [7, 8].into_iter()), 2);
    }
}
