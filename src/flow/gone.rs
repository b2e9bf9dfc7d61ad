//! Which invoices are gone that a whole reading did not show. Of a list that is read page by page that is not certain: an
//! invoice that moved up while another was paid stood on no page. So each is asked for alone before it counts as paid, and
//! where that cannot be asked, it counts when the next whole reading does not show it either.

use super::absorb::{absorb, late_before};
use super::desk::{Desk, DeskError};
use super::pulse::Pump;
use crate::source::row::Columns;
use crate::source::{Absence, Source};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// So many requests are made at once, and so many in a poll; what is left stays open until the next.
const BATCH: usize = 60;
const MOST: usize = 600;

/// Invoices that a whole reading did not show.
pub(super) struct Gone {
    /// Those that may count as gone.
    pub(super) rows: Vec<i64>,
    /// How many seem to be gone in all.
    pub(super) vanished: i64,
    /// How many were closed by the system's own word.
    pub(super) settled: i64,
    /// Whether each was asked for, where they can be.
    pub(super) all_asked: bool,
}

/// Asks for each alone, where the system can be asked so, until more than `too_many` are gone. What comes back is taken in as it is
/// now: that is the system's own word about it, and nothing that vanished.
pub(super) async fn asked_for(
    desk: &Desk,
    (source, columns): (&Source, &Columns),
    mut missing: Vec<i64>,
    too_many: Option<i64>,
) -> Result<Gone, DeskError> {
    let count = missing.len() as i64;
    if source.absence() != Absence::AskAlone {
        return Ok(Gone { rows: missing, vanished: count, settled: 0, all_asked: true });
    }
    turn(&mut missing, desk.clock.now());
    let mut gone = Gone { rows: Vec::new(), vanished: 0, settled: 0, all_asked: true };
    let mut asked = 0;
    for batch in missing.chunks(BATCH.saturating_mul(source.at_once())).take(MOST / BATCH) {
        let (rows, settled) = not_there(desk, source, columns, batch).await?;
        gone.rows.extend(rows);
        gone.settled += settled;
        asked += batch.len() as i64;
        if too_many.is_some_and(|limit| gone.rows.len() as i64 > limit) {
            break;
        }
    }
    // Of those whose turn has not come as many will be gone as of the others.
    gone.vanished = (gone.rows.len() as i64 * count).checked_div(asked).unwrap_or_default();
    gone.all_asked = asked == count;
    Ok(gone)
}

/// Those of the rows that are closed now. `same`: it is the file that was read last.
pub(super) async fn closed(desk: &Desk, source: &Source, same: bool, gone: Vec<i64>) -> Result<Vec<i64>, DeskError> {
    match source.absence() {
        Absence::IsGone | Absence::AskAlone => Ok(gone),
        // The same file again proves nothing.
        Absence::Twice if same => Ok(Vec::new()),
        Absence::Twice => twice(desk, gone).await,
    }
}

/// Begins elsewhere each time: those that come back each time (drafts, payments under way) keep no others from their turn.
fn turn(gone: &mut [i64], now: Timestamp) {
    let seconds = now.as_second().unsigned_abs().wrapping_mul(2_654_435_761) >> 8;
    let start = seconds.checked_rem(gone.len() as u64).unwrap_or_default();
    gone.rotate_left(start as usize);
}

/// Those of some that are not there when they are asked for alone, and how many of the others are closed there. What is closed there
/// under another number or another customer is not the invoice that was asked for, but another firm's, or from before a copy was put
/// back: that is no word about ours.
async fn not_there(desk: &Desk, source: &Source, columns: &Columns, batch: &[i64]) -> Result<(Vec<i64>, i64), DeskError> {
    let ours: HashMap<String, (String, String)> = desk.store.named(batch).await?;
    let ids: Vec<String> = ours.keys().cloned().collect();
    let mut rows = desk.pulses.outside(Pump::Collect, source.confirm(columns, &ids)).await?;
    let (country, mut settled) = (&desk.setup.settings.creditor.country, 0);
    rows.retain(|raw| match raw.read(columns, country) {
        Ok(row) if !row.is_open() => {
            let is_ours =
                ours.get(&row.id).is_some_and(|(number, customer)| *number == row.number && *customer == row.customer.id);
            settled += i64::from(is_ours);
            is_ours
        }
        _ => true,
    });
    let now = desk.clock.now();
    let absorbed = absorb(desk, columns, &rows, &[], now).await?;
    if !absorbed.change.is_empty() {
        desk.store.apply_page(&absorbed.change, late_before(desk, now), now).await?;
    }
    let back: HashSet<i64> = absorbed.seen.into_iter().collect();
    Ok((batch.iter().copied().filter(|pk| !back.contains(pk)).collect(), settled))
}

/// Those that the reading before lacked too. The others are noted.
async fn twice(desk: &Desk, gone: Vec<i64>) -> Result<Vec<i64>, DeskError> {
    let mut closed = Vec::new();
    for batch in gone.chunks(5000) {
        let before: HashSet<i64> = desk.store.missing_among(batch).await?.into_iter().collect();
        let first: Vec<i64> = batch.iter().copied().filter(|pk| !before.contains(pk)).collect();
        if !first.is_empty() {
            let ids = desk.store.source_ids(&first).await?;
            desk.store.mark_missing(&ids, desk.clock.now()).await?;
        }
        closed.extend(before);
    }
    Ok(closed)
}
