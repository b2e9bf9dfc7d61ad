//! Which invoices are gone that a whole reading did not show. Of a list that is read page by page that is not certain: an
//! invoice that moved up while another was paid stood on no page. So each is asked for alone before it counts as paid, and
//! where that cannot be asked, it counts when the next whole reading does not show it either.

use super::absorb::{absorb, late_before};
use super::desk::{Desk, DeskError};
use super::pulse::Pump;
use crate::source::row::Columns;
use crate::source::{Absence, Source};
use std::collections::HashSet;

/// So many are asked for at once, and so many in a poll; the others stay open until the next.
const BATCH: usize = 60;
const MOST: usize = 3000;

/// Those of the rows that are gone. `same`: it is the file that was read last. What comes back when it is asked for alone is taken in as it is now.
pub(super) async fn really(
    desk: &Desk,
    (source, columns, same): (&Source, &Columns, bool),
    gone: Vec<i64>,
) -> Result<Vec<i64>, DeskError> {
    match source.absence() {
        Absence::IsGone => Ok(gone),
        // The same file again proves nothing.
        Absence::Twice if same => Ok(Vec::new()),
        Absence::Twice => twice(desk, gone).await,
        Absence::AskAlone => {
            let mut closed = Vec::new();
            for batch in gone.chunks(BATCH).take(MOST / BATCH) {
                closed.extend(asked(desk, source, columns, batch).await?);
            }
            Ok(closed)
        }
    }
}

async fn asked(desk: &Desk, source: &Source, columns: &Columns, batch: &[i64]) -> Result<Vec<i64>, DeskError> {
    let ids = desk.store.source_ids(batch).await?;
    let rows = desk.pulses.outside(Pump::Collect, source.confirm(columns, &ids)).await?;
    let now = desk.clock.now();
    let absorbed = absorb(desk, columns, &rows, &[], now).await?;
    if !absorbed.change.is_empty() {
        desk.store.apply_page(&absorbed.change, late_before(desk, now), now).await?;
    }
    let back: HashSet<i64> = absorbed.seen.into_iter().collect();
    Ok(batch.iter().copied().filter(|pk| !back.contains(pk)).collect())
}

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
