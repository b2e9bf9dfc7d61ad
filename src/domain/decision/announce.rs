//! What a letter may say of the steps behind its own (rule R23): only of those that would be taken for what it asks for,
//! were nobody to pay or answer.

use super::World;
use super::survey::facts_on;
use super::{Line, Plan, Section};
use crate::domain::calendar::plus_working_days;
use crate::domain::case::{CaseInvoice, CaseKey, DebtorFile};
use crate::domain::condition::{lacking, unmet};
use crate::domain::step::Rank;
use crate::domain::time::{local_date, plus_days};
use jiff::civil::Date;

/// The day on which the next step of a wanted rank follows, were this plan to leave now: a working day in the debtor's
/// zone. A step counts whose own condition holds by the facts of that day (R22), which knows what it needs, and for which
/// enough is asked (R12); where there is none, nothing is to be announced.
pub fn announced(file: &DebtorFile, case: &CaseKey, world: &World, plan: &Plan, wanted: impl Fn(Rank) -> bool) -> Option<Date> {
    let steps = &world.cadence.steps;
    let of_rank = (plan.step + 1..steps.len()).filter(|s| steps[*s].rank.is_some_and(&wanted));
    of_rank.filter_map(|step| follows(file, case, world, plan, step)).next()
}

fn follows(file: &DebtorFile, case: &CaseKey, world: &World, plan: &Plan, step: usize) -> Option<Date> {
    let this = &world.cadence.steps[step];
    if file.debtor.kind.is_none() && this.is_firm() {
        return None; // R16: nothing above a reminder leaves.
    }
    let today = local_date(world.now, world.zone);
    // What is asked for along with it is at another stage, and has another step to come.
    let at_stage = |l: &&Line| l.section == Section::Asked && l.mark == Some(plan.step);
    let mut net = 0i64;
    let mut first: Option<Date> = None;
    for line in plan.lines.iter().filter(at_stage) {
        let Some(row) = file.rows.iter().find(|r| r.invoice.pk == line.pk) else { continue };
        let Some(day) = day_of(world, row, plan.step, step, today) else { continue };
        let known = lacking(&this.needs, &file.debtor, &row.invoice).is_empty();
        if !known || unmet(&this.only_if, &facts_on(file, case, world, row, day)).is_some() {
            continue;
        }
        net = net.saturating_add(line.net.minor);
        first = Some(first.map_or(day, |f| f.min(day)));
    }
    first.filter(|_| net >= world.cadence.minimum.minor(case.currency))
}

/// The working day on which a step follows for an invoice, late enough for its condition.
fn day_of(world: &World, row: &CaseInvoice, given: usize, step: usize, today: Date) -> Option<Date> {
    let dates = (row.invoice.due_on, row.invoice.issued_on);
    let day = world.cadence.follows(step, given, today, dates, world.calendar)?;
    let day = day.max(world.cadence.steps[step].late_enough(row.invoice.due_on));
    Some(plus_working_days(plus_days(day, -1), 1, world.calendar))
}
