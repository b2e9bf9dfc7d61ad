//! Whether what people have to do is to be done now: a task that was given out rests while something stands against it, and
//! is there again when that has passed.

use super::desk::{Conditions, Desk, DeskError};
use crate::domain::case::DebtorFile;
use crate::domain::decision::{Ground, Standing, standing_now};
use crate::domain::time::local_date;
use crate::store::tasks::OpenTask;
use jiff::Timestamp;

/// Debtors whose files are read at once.
const BATCH: usize = 256;

/// How each of some open tasks stands, in their order.
pub async fn standings(desk: &Desk, tasks: &[OpenTask], now: Timestamp) -> Result<Vec<Standing>, DeskError> {
    let conditions = desk.conditions(now).await?;
    let mut standings = Vec::with_capacity(tasks.len());
    for batch in tasks.chunks(BATCH) {
        let mut debtors: Vec<i64> = batch.iter().map(|t| t.debtor_pk).collect();
        debtors.sort_unstable();
        debtors.dedup();
        let files = desk.files(&debtors, now).await?;
        let file = |t: &OpenTask| files.iter().find(|f| f.debtor.pk == t.debtor_pk);
        standings.extend(batch.iter().map(|t| file(t).map_or(Standing::Stands, |f| of(desk, &conditions, f, t.id, now))));
    }
    Ok(standings)
}

/// How an open task of a debtor stands. One that a customer's state made stands as long as it is open.
pub(super) fn of(desk: &Desk, conditions: &Conditions, file: &DebtorFile, task: i64, now: Timestamp) -> Standing {
    let Some(task) = file.tasks.iter().find(|t| t.pk == task) else { return Standing::Stands };
    let zone = desk.setup.zone(&file.debtor);
    let today = local_date(now, &zone);
    match desk.setup.cadence(&task.case.cadence) {
        Some(cadence) => standing_now(&desk.world(conditions, &file.debtor, &zone, cadence, now), file, task, today),
        None => ground(desk, file, now).task(file, task),
    }
}

/// What standing is weighed by, for a debtor.
pub(super) fn ground<'d>(desk: &'d Desk, file: &DebtorFile, now: Timestamp) -> Ground<'d> {
    let settings = &desk.setup.settings;
    let today = local_date(now, &desk.setup.zone(&file.debtor));
    Ground { policy: &settings.policy, bank: settings.creditor.calendar.as_deref(), today, read_on: None }
}

/// A standing in words, for a list; empty when there is nothing to say.
pub fn told(standing: &Standing) -> String {
    match standing {
        Standing::Stands => String::new(),
        Standing::Rests(reason, Some(until)) => format!("rests until {until}: {}", reason.text()),
        Standing::Rests(reason, None) => format!("rests: {}", reason.text()),
        Standing::Over(why) => (*why).to_owned(),
    }
}
