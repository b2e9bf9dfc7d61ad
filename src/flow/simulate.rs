//! Looking ahead, for `preview` and `explain`: the same decision, day after day, on a copy that nothing else sees.
//! Nothing is sent or written.

use super::desk::{Conditions, Desk};
use super::prepare::later_by;
use crate::domain::case::{CaseKey, Contact, ContactState, DebtorFile, Mark, MarkKind};
use crate::domain::decision::{Booked, Decision, NoTrace, Plan, Verdict, World, decide};
use crate::domain::reason::Reason;
use crate::domain::time::{local_date, plus_days};
use crate::store::views::UnderWay;
use jiff::Timestamp;
use jiff::civil::Date;

/// Something that would happen.
#[derive(Clone, Debug)]
pub enum Foreseen {
    /// A contact would leave.
    Contact {
        /// When.
        at: Timestamp,
        /// The day in the debtor's zone.
        on: Date,
        /// The case.
        case: CaseKey,
        /// What.
        plan: Plan,
    },
    /// Nothing would leave for a case by the end, and why.
    Nothing {
        /// The case; `None` for rows that no cadence takes.
        case: Option<CaseKey>,
        /// Why.
        reason: Reason,
    },
}

/// What is asked of a look ahead.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// From this instant.
    pub from: Timestamp,
    /// Until this one.
    pub until: Timestamp,
}

/// What would happen to a debtor within the horizon, were nobody to pay or answer, with every poll in time.
pub fn foresee(desk: &Desk, booked: Booked, file: &DebtorFile, horizon: Horizon) -> Vec<Foreseen> {
    let mut file = file.clone();
    let zone = desk.setup.zone(&file.debtor);
    let mut foreseen = Vec::new();
    if file.rows.iter().any(|r| r.invoice.is_open() && r.invoice.cadence.is_none() && !r.invoice.is_credit()) {
        foreseen.push(Foreseen::Nothing { case: None, reason: Reason::NoCadence });
    }
    // What is in hand is taken to leave now.
    file.contacts.iter_mut().filter(|c| c.state == ContactState::InHand).for_each(|c| c.state = ContactState::Left);
    file.rows.iter_mut().flat_map(|r| &mut r.marks).filter(|m| m.kind == MarkKind::InHand).for_each(|m| m.kind = MarkKind::Left);
    let start = local_date(desk.clock.now(), &zone);
    let mut at = horizon.from;
    let mut last: Vec<(CaseKey, Decision, bool)> = Vec::new();
    // Each turn moves to a later instant or adds a contact; ceilings bound the contacts, the horizon the turns.
    for _ in 0..1000 {
        let today = local_date(at, &zone);
        let shifted = match booked {
            Booked::Through(day) => Booked::Through(plus_days(day, crate::domain::time::days_between(start, today))),
            // Before anything leaves the ledger is read again.
            Booked::Read { lag, .. } => Booked::Lag(lag),
            lag => lag,
        };
        let conditions = Conditions { brakes: vec![], booked: shifted, read_on: None };
        let mut next: Option<Timestamp> = None;
        let mut again = false;
        for case in file.cases() {
            let Some(cadence) = desk.setup.cadence(&case.cadence).cloned() else { continue };
            let decision = decide(&file, &case, &desk.world(&conditions, &file.debtor, &zone, &cadence, at), &mut NoTrace);
            if let Verdict::Send(plan) = &decision.verdict {
                // What people have to do is taken to be done, and what waits for a yes to get it, at once.
                happen(&mut file, &case, plan, &cadence, at, today);
                foreseen.push(Foreseen::Contact { at, on: today, case: case.clone(), plan: plan.clone() });
                again = true;
            } else {
                next = [next, decision.next].into_iter().flatten().min();
            }
            let sent = matches!(decision.verdict, Verdict::Send(_));
            match last.iter_mut().find(|(k, _, _)| *k == case) {
                Some(entry) => *entry = (case, decision, entry.2 || sent),
                None => last.push((case, decision, sent)),
            }
        }
        at = match (again, next) {
            (true, _) => at,
            (false, Some(next)) => next.max(later_by(at, 1)),
            (false, None) => break,
        };
        if at >= horizon.until {
            break;
        }
    }
    let silent = last.into_iter().filter(|(_, _, sent)| !sent);
    foreseen.extend(silent.map(|(case, decision, _)| Foreseen::Nothing { case: Some(case), reason: decision.reason }));
    foreseen
}

/// What becomes of a message that is under way, as things stand.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// What is decided about it when its time has come, as just before it leaves.
    pub decision: Decision,
    /// When it leaves, or is looked at once more; `None` while only an event can change anything.
    pub at: Option<Timestamp>,
}

/// Looks at a message under way, at or after an instant. `None` when its cadence no longer exists.
pub fn outlook(desk: &Desk, conditions: &Conditions, file: &DebtorFile, message: &UnderWay, from: Timestamp) -> Option<Outlook> {
    let cadence = desk.setup.cadence(&message.case.cadence)?;
    let zone = desk.setup.zone(&file.debtor);
    let mut at = from.max(message.not_before);
    for _ in 0..20 {
        let world = World { own: Some(message.contact_pk), ..desk.world(conditions, &file.debtor, &zone, cadence, at) };
        let decision = decide(file, &message.case, &world, &mut NoTrace);
        match (&decision.verdict, decision.next) {
            (Verdict::Wait, Some(next)) if next > at => at = next,
            (Verdict::Send(_), _) => return Some(Outlook { decision, at: Some(at) }),
            _ => return Some(Outlook { at: decision.next, decision }),
        }
    }
    None
}

/// The contact leaves, in the copy.
fn happen(
    file: &mut DebtorFile,
    case: &CaseKey,
    plan: &Plan,
    cadence: &crate::domain::cadence::Cadence,
    at: Timestamp,
    today: Date,
) {
    let invoices: Vec<i64> = plan.lines.iter().filter(|l| l.mark.is_some()).map(|l| l.pk).collect();
    for line in &plan.lines {
        let Some(step) = line.mark.map(|m| &cadence.steps[m]) else { continue };
        let Some(row) = file.rows.iter_mut().find(|r| r.invoice.pk == line.pk) else { continue };
        row.marks.retain(|m| m.step != step.id);
        row.marks.push(Mark {
            step: step.id.clone(),
            rank: step.rank,
            kind: MarkKind::Left,
            on: today,
            contact: None,
            other_kind: false,
        });
    }
    for (pk, passed, _) in &plan.skipped {
        let rank = cadence.position(passed).and_then(|at| cadence.steps[at].rank);
        let Some(row) = file.rows.iter_mut().find(|r| r.invoice.pk == *pk) else { continue };
        row.marks.retain(|m| m.step != *passed);
        row.marks.push(Mark { step: passed.clone(), rank, kind: MarkKind::Skipped, on: today, contact: None, other_kind: false });
    }
    let step = cadence.steps[plan.step].id.clone();
    if plan.way.to().is_empty() {
        return; // A task is no contact.
    }
    file.contacts.push(Contact { pk: 0, at, state: ContactState::Left, case: case.clone(), step, invoices, word: None });
}
