//! A look at a debtor: what time and changes have settled, what people have nothing to do about any more, and what each
//! case comes to.

use super::contact::{new_contact, new_task, no_address};
use super::desk::{Conditions, Desk};
use super::prepare::later_by;
use crate::domain::cadence::Cadence;
use crate::domain::case::{Asked, CaseKey, Contact, ContactState, DebtorFile};
use crate::domain::debtor::State;
use crate::domain::decision::{Decision, Ground, NoTrace, Plan, Standing, Verdict, Way, decide};
use crate::domain::reason::Reason;
use crate::domain::step::TaskKind;
use crate::domain::time::{instant, local_date};
use crate::store::plan::Looks;
use crate::store::questions::{Answer, NewQuestion};
use crate::store::tasks::NewTask;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// While sending is stopped, due cases are looked at again after this, in seconds.
const BRAKED_S: i64 = 600;

/// Looks at a debtor; gives the next look and the reason that says most.
pub(super) fn look(
    desk: &Desk,
    conditions: &Conditions,
    file: &mut DebtorFile,
    now: Timestamp,
    looks: &mut Looks,
) -> (Option<Timestamp>, Reason) {
    let zone = desk.setup.zone(&file.debtor);
    let today = local_date(now, &zone);
    let ground = Ground {
        policy: &desk.setup.settings.policy,
        bank: desk.setup.settings.creditor.calendar.as_deref(),
        today,
        read_on: conditions.read_on,
    };
    if settled(file, &ground, &zone, looks) {
        // What is decided next is decided on what that leaves.
        return (Some(later_by(now, 1)), Reason::Changed);
    }
    looks.tasks.extend(about_state(desk, file, today));
    let mut next: Option<Timestamp> = None;
    let mut telling = if file.rows.is_empty() { Reason::Paid } else { Reason::NoCadence };
    for case in file.cases() {
        let Some(cadence) = desk.setup.cadence(&case.cadence).cloned() else { continue };
        let decision = decide(file, &case, &desk.world(conditions, &file.debtor, &zone, &cadence, now), &mut NoTrace);
        looks.undelivered.extend(decision.undeliverable.iter().map(|u| no_address(desk, file, &cadence, u, today)));
        let mut again = next_look(&decision, now);
        if let Verdict::Send(plan) = &decision.verdict {
            match plan.way {
                Way::Messages(_) => {
                    let contact = new_contact(desk, file, &case, &cadence, plan, today);
                    // The next case of the same debtor sees this contact: ceilings hold over all of them.
                    // A draft that waits keeps tasks about other invoices from nothing.
                    again = contact.question.as_ref().map(|_| later_by(now, 1));
                    file.contacts.push(in_hand(&case, plan, &cadence, contact.question.as_ref(), now));
                    looks.contacts.push(contact);
                }
                Way::Task(kind) => {
                    looks.tasks.push(new_task(desk, file, &case, &cadence, plan, kind, today));
                    again = Some(later_by(now, 1));
                }
            }
        }
        next = [next, again].into_iter().flatten().min();
        if rank(decision.reason) > rank(telling) {
            telling = decision.reason;
        }
    }
    (soonest(file, next, &zone, now), telling)
}

/// The next look, not later than the day on which a promise or a question comes to its end.
fn soonest(file: &DebtorFile, next: Option<Timestamp>, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let asked = file.contacts.iter().filter_map(|c| c.word.as_ref()).chain(file.tasks.iter().filter_map(|t| t.word.as_ref()));
    let ends = asked.filter(|w| !w.given).map(|w| w.until).chain(file.promises.iter().map(|p| p.known_on));
    let at = ends.filter_map(|day| instant(day, Time::midnight(), zone));
    // An owner who could not be told yet keeps a question open past its day.
    at.map(|at| if at > now { at } else { later_by(now, BRAKED_S) }).chain(next).min()
}

/// Promises that are known to be kept or broken, questions that time or a change answers, tasks that are over. True when
/// there was any.
fn settled(file: &DebtorFile, ground: &Ground, zone: &TimeZone, looks: &mut Looks) -> bool {
    let today = ground.today;
    let count = |looks: &Looks| (looks.promises.len(), looks.answered.len(), looks.closed.len(), looks.lifted.len());
    let before = count(looks);
    looks.promises.extend(file.promises.iter().filter_map(|p| Some((p.pk, ground.promise(file, p)?))));
    let contacts = file.contacts.iter().filter(|c| c.state == ContactState::InHand).map(|c| (c.word.as_ref(), &c.step));
    let waiting = contacts.chain(file.tasks.iter().map(|t| (t.word.as_ref(), &t.step)));
    for (asked, step) in waiting.filter_map(|(word, step)| Some((word.filter(|w| !w.given)?, step))) {
        match ground.lapses(file, asked, step) {
            Some(why) => looks.answered.push((asked.pk, Answer::Lapsed, why, today)),
            None if asked.silence_is_yes && today >= asked.until && told_before(asked, today, zone) => {
                looks.answered.push((asked.pk, Answer::Yes, "nobody objected", today));
            }
            None => {}
        }
    }
    for task in file.tasks.iter().filter(|t| t.word.as_ref().is_none_or(|w| w.given)) {
        if let Standing::Over(why) = ground.task(file, task) {
            looks.closed.push((task.pk, why, today));
        }
    }
    for task in &file.state_tasks {
        if file.debtor.state != Some(task.state) {
            looks.lifted.push((task.pk, today));
        } else if task.open && !file.rows.iter().any(|r| r.invoice.is_open()) {
            looks.closed.push((task.pk, "nothing is open any more", today));
        }
    }
    before != count(looks)
}

/// Whether the owner was told before today.
fn told_before(asked: &Asked, today: Date, zone: &TimeZone) -> bool {
    asked.told_at.is_some_and(|at| local_date(at, zone) < today)
}

/// The task for a person that a customer's state makes (R15): once as long as the state lasts, and once more when there are
/// new invoices after it was done.
fn about_state(desk: &Desk, file: &DebtorFile, today: Date) -> Option<NewTask> {
    let state = file.debtor.state.filter(|s| s.silences())?;
    let invoices: Vec<i64> = file.rows.iter().filter(|r| r.invoice.is_open()).map(|r| r.invoice.pk).collect();
    let of_state = || file.state_tasks.iter().filter(|t| t.state == state);
    let new = invoices.iter().filter(|pk| !of_state().any(|t| t.invoices.contains(pk))).max()?;
    if of_state().any(|t| t.open) {
        return None;
    }
    let what = match state {
        State::Insolvency => "insolvent: lodge the claim with the administrator in time",
        State::DebtSettlement => "in a collective settlement of debts: lodge the claim with the mediator",
        State::Deceased => "dead: write to the estate, by hand",
        State::Legal => "in legal hands: see to it with the lawyer",
        State::IntraGroup => "a firm of the group: settle it inside",
        _ => "not to be written to: decide what becomes of what is open",
    };
    Some(NewTask {
        debtor_pk: file.debtor.pk,
        kind: TaskKind::Task,
        from: None,
        text: format!("The customer is {what} ({} so)", file.debtor.state_from.who()),
        owner: file.rows.iter().find_map(|r| r.invoice.owner.clone()),
        key: Some(format!(
            "state:{}:{}:{new}{}",
            state.as_str(),
            file.debtor.pk,
            if desk.is_redirected() { ":trial" } else { "" }
        )),
        invoices,
        redirected: desk.is_redirected(),
        due_on: today,
        marks: vec![],
        question: None,
    })
}

/// When to look again. A message in hand settles the next look itself.
fn next_look(decision: &Decision, now: Timestamp) -> Option<Timestamp> {
    let braked = matches!(
        decision.reason,
        Reason::PollFailed | Reason::StaleData | Reason::LedgerShrunk | Reason::IbanChanged | Reason::DryRun
    );
    match &decision.verdict {
        Verdict::Send(_) => None,
        _ if braked => Some(later_by(now, BRAKED_S)),
        // A next look that is not later would be looked at for ever.
        _ => decision.next.map(|next| next.max(later_by(now, 1))),
    }
}

/// Of several cases, the one that needs a person says most, then the one that sends.
fn rank(reason: Reason) -> u8 {
    match reason {
        Reason::NoAddress | Reason::CannotReach | Reason::PassedOver => 5,
        Reason::Uncertain | Reason::UnallocatedCovers | Reason::OldDebt => 4,
        Reason::Due => 3,
        Reason::Paid | Reason::NoCadence => 0,
        Reason::Rounding => 1,
        _ => 2,
    }
}

fn in_hand(case: &CaseKey, plan: &Plan, cadence: &Cadence, question: Option<&NewQuestion>, now: Timestamp) -> Contact {
    let invoices = plan.lines.iter().filter(|l| l.mark.is_some()).map(|l| l.pk).collect();
    Contact {
        pk: 0,
        at: now,
        state: ContactState::InHand,
        case: case.clone(),
        step: cadence.steps[plan.step].id.clone(),
        invoices,
        word: question.map(|q| Asked {
            pk: 0,
            silence_is_yes: q.silence_is_yes,
            until: q.until,
            given: false,
            told_at: None,
            balances: q.balances.clone(),
        }),
    }
}
