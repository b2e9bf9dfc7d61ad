//! What a message shows: every open row of the case in the section where it belongs (rule R5).

use super::choice::Choice;
use super::ladder::passed_over;
use super::survey::{Place, Placed};
use super::{Line, Plan, Section, Way, World};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::step::Rank;

/// Invoices due within so many days are shown as due soon.
const SOON_DAYS: i64 = 14;

/// Builds the contact: the letter of the chosen step, with a mark for every invoice that gets its step by it.
pub(super) fn plan(world: &World, placed: &[Placed], choice: &Choice, currency: Currency) -> Plan {
    let step = choice.step;
    // Formal notices list only what is at that stage (R5).
    let formal = world.cadence.steps[step].rank >= Some(Rank::Formal);
    // A task is about its own invoices alone.
    let task = world.cadence.steps[step].task();
    let mut lines: Vec<Line> = Vec::with_capacity(placed.len());
    let mut skipped = Vec::new();
    for (i, p) in placed.iter().enumerate() {
        if choice.only.is_some_and(|only| only != i) {
            continue;
        }
        let given = p.ladder().and_then(|l| l.due).filter(|_| choice.ready.binary_search(&i).is_ok());
        let asked = given == Some(step) || choice.along.binary_search(&i).is_ok();
        let Some(section) = section(world, p, given, asked) else { continue };
        let kept = match section {
            Section::Asked => true,
            Section::Credit => task.is_none(),
            _ => !formal && task.is_none(),
        };
        if !kept {
            continue;
        }
        let stage = given.or_else(|| p.ladder().and_then(|l| l.stage));
        lines.push(Line {
            pk: p.row.invoice.pk,
            section,
            mark: given,
            stage: stage.map(|s| world.cadence.steps[s].id.clone()),
            rank: stage.and_then(|s| world.cadence.steps[s].rank),
            days_late: p.days_late,
            disputed: Money::new(if section == Section::Credit { 0 } else { p.disputed }, currency),
            net: Money::new(if section == Section::Credit { p.row.invoice.balance.minor } else { p.net }, currency),
        });
        if let Some((ladder, given)) = p.ladder().zip(given) {
            skipped.extend(passed_over(world, p.row, ladder, given).into_iter().map(|(id, why)| (p.row.invoice.pk, id, why)));
        }
    }
    // Credits are shown with what they were set off against; what they cover wholly is not in the letter.
    let lowered = |l: &Line| {
        placed.iter().any(|p| p.row.invoice.pk == l.pk && l.net.minor + l.disputed.minor < p.row.invoice.balance.minor)
    };
    if !lines.iter().any(|l| l.section != Section::Credit && lowered(l)) {
        lines.retain(|l| l.section != Section::Credit);
    }
    let asked = lines.iter().filter(|l| l.section == Section::Asked).fold(0i64, |sum, l| sum.saturating_add(l.net.minor));
    let way = task.map_or_else(|| Way::Messages(choice.to.clone()), Way::Task);
    Plan { step, way, lines, asked: Money::new(asked, currency), skipped }
}

fn section(world: &World, p: &Placed, given: Option<usize>, asked: bool) -> Option<Section> {
    let ladder = match &p.place {
        Place::Credit => return Some(Section::Credit),
        Place::Held(Reason::Disputed, _) => return Some(Section::Disputed),
        Place::Held(..) | Place::Covered | Place::Rounding => return None,
        // It waits for a person's word before anybody writes about it (R3).
        Place::Live(ladder) if ladder.blocked.is_some_and(|b| b.reason == Reason::OldDebt) => return None,
        Place::Live(ladder) => ladder,
    };
    let overdue_stage = given.or(ladder.stage).is_some_and(|s| world.cadence.steps[s].overdue);
    match given {
        _ if asked => Some(Section::Asked),
        _ if p.is_overdue() && overdue_stage => Some(Section::Late),
        Some(_) => Some(Section::DueSoon),
        None if p.days_late >= -SOON_DAYS => Some(Section::DueSoon),
        None => None,
    }
}
