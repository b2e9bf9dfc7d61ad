//! Weighing the rules in their order and coming to one decision.

use super::choice::{Choice, choose, has_other_way, why_unreached};
use super::demand::demands;
use super::pace::pace;
use super::sections::plan;
use super::survey::{Place, Placed, debtor_obstacle, survey};
use super::{Actor, Decision, Trace, Verdict, World};
use crate::domain::case::{CaseKey, ContactState, DebtorFile, MarkKind};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::step::Channel;
use crate::domain::time::{instant, local_date, plus_days};
use jiff::Timestamp;
use jiff::civil::{Date, Time};

/// Decides for one case.
pub fn decide<T: Trace>(file: &DebtorFile, case: &CaseKey, world: &World, trace: &mut T) -> Decision {
    let today = local_date(world.now, world.zone);
    let placed = survey(file, case, world, today);
    trace_rows(world, &placed, trace);
    if let Some(done) = nothing_open(&placed) {
        return done;
    }
    if let Some(held) = in_hand_or_uncertain(world, file, case, trace) {
        return held;
    }
    if let Some((reason, until)) = debtor_obstacle(file, today, trace) {
        return Decision::hold(reason, until.map(|day| opening(world, day)));
    }
    let demands = demands(world, case, &placed, trace);
    if demands.is_empty() {
        return idle(world, &placed, today);
    }
    let (choices, undeliverable) = choose(world, file, case, &placed, &demands, trace);
    let mut best: Option<Leave> = None;
    for choice in &choices {
        let this = leave(world, file, case, &placed, choice, trace);
        let only_later = this.is_only_later();
        let earlier = |b: &Leave| this.decision.next.is_some_and(|at| b.decision.next.is_none_or(|other| at < other));
        if !only_later || best.as_ref().is_none_or(earlier) {
            best = Some(this);
        }
        if !only_later {
            break;
        }
    }
    let decision = best.map(|mut best| {
        if let Some(first) = choices.first().filter(|_| best.is_only_later()) {
            let meanwhile = meanwhile(world, file, &placed, first, today).map(|day| opening(world, day.max(best.from)));
            best.decision.next = [best.decision.next, meanwhile].into_iter().flatten().min();
        }
        best.decision
    });
    let decision = decision.unwrap_or_else(|| {
        // A later step may have another channel, so the case is looked at again all the same.
        let next = next_day(&placed, today).map(|day| opening(world, day));
        match undeliverable.is_empty() {
            true => Decision::wait(Reason::BelowMinimum, next),
            false => Decision::hold(why_unreached(file), next),
        }
    });
    Decision { undeliverable, ..decision }
}

/// What is decided for a choice.
struct Leave {
    decision: Decision,
    /// Nothing of the case leaves before this day.
    from: Date,
}

impl Leave {
    /// Whether only the time is wrong, so that another choice may leave sooner.
    fn is_only_later(&self) -> bool {
        matches!(self.decision.reason, Reason::Spacing | Reason::Ceiling | Reason::OutsideWindow)
    }
}

/// The day on which something else may take the place of the chosen step, by a channel whose hours begin sooner:
/// a further step falls due, the time of a note ends with the due date, or another invoice has its turn.
fn meanwhile(world: &World, file: &DebtorFile, placed: &[Placed], choice: &Choice, today: Date) -> Option<Date> {
    if choice.only.is_none() && !has_other_way(world, file, placed, choice) {
        return None;
    }
    let note = |p: &&Placed| p.ladder().and_then(|l| l.due).is_some_and(|step| !world.cadence.steps[step].overdue);
    let ends = placed.iter().filter(note).map(|p| plus_days(p.row.invoice.due_on, 1)).filter(|day| *day > today).min();
    [next_day(placed, today), ends].into_iter().flatten().min()
}

fn leave<T: Trace>(world: &World, file: &DebtorFile, case: &CaseKey, placed: &[Placed], choice: &Choice, trace: &mut T) -> Leave {
    let today = local_date(world.now, world.zone);
    let from_today = |decision| Leave { decision, from: today };
    let about: Vec<i64> = choice.ready.iter().map(|i| placed[*i].row.invoice.pk).collect();
    if let Some((reason, day)) = pace(world, file, &about, today, trace) {
        let decision = Decision::wait(reason, opening_for(world, &choice.to, day));
        let for_all = reason == Reason::Ceiling || choice.only.is_none();
        return Leave { decision, from: if for_all { day } else { today } };
    }
    let opens = opening_for(world, &choice.to, today);
    let open = opens.is_some_and(|at| at <= world.now);
    trace.rule("R9", open, || {
        let local = world.zone.to_datetime(world.now).strftime("%a %H:%M").to_string();
        let zone = world.zone.iana_name().unwrap_or("its zone");
        match open {
            true => format!("it is {local} in {zone}: within the window"),
            false => format!("it is {local} in {zone}: outside the window of \"{}\"", world.cadence.name),
        }
    });
    if !open {
        return from_today(Decision::wait(Reason::OutsideWindow, opens));
    }
    for brake in world.brakes {
        trace.rule("R14", false, || brake.text.clone());
    }
    if let Some(brake) = world.brakes.first() {
        let next_by = if brake.reason == Reason::StaleData || brake.reason == Reason::PollFailed {
            Actor::Relance
        } else {
            Actor::Operator
        };
        let (verdict, reason) = (Verdict::Wait, brake.reason);
        return from_today(Decision { verdict, reason, next: None, next_by, undeliverable: vec![] });
    }
    let verdict = Verdict::Send(plan(world, placed, choice, case.currency));
    from_today(Decision { verdict, reason: Reason::Due, next: Some(world.now), next_by: Actor::Relance, undeliverable: vec![] })
}

fn nothing_open(placed: &[Placed]) -> Option<Decision> {
    let only_rounding = placed.iter().any(|p| matches!(p.place, Place::Rounding));
    let open = placed.iter().any(|p| !matches!(p.place, Place::Credit | Place::Rounding));
    let reason = if only_rounding { Reason::Rounding } else { Reason::Paid };
    (!open).then(|| Decision { verdict: Verdict::Done, reason, next: None, next_by: Actor::Nobody, undeliverable: vec![] })
}

fn in_hand_or_uncertain<T: Trace>(world: &World, file: &DebtorFile, case: &CaseKey, trace: &mut T) -> Option<Decision> {
    let state = |state| file.contacts.iter().find(|c| c.case == *case && c.state == state && Some(c.pk) != world.own);
    if let Some(contact) = state(ContactState::InHand) {
        trace.rule("R1", false, || format!("a message with step \"{}\" is in hand", contact.step));
        return Some(Decision {
            verdict: Verdict::Wait,
            reason: Reason::InHand,
            next: None,
            next_by: Actor::Relance,
            undeliverable: vec![],
        });
    }
    let contact = state(ContactState::Maybe)?;
    trace.rule("R2", false, || {
        format!("whether the message with step \"{}\" left is uncertain; resolve it with `relance uncertain`", contact.step)
    });
    Some(Decision::hold(Reason::Uncertain, None))
}

/// Why nothing is ready, and when to look again.
fn idle(world: &World, placed: &[Placed], today: Date) -> Decision {
    let ladders = || placed.iter().filter_map(Placed::ladder);
    let next = next_day(placed, today).map(|d| opening(world, d));
    let blocked = |reason| ladders().any(|l| l.blocked.is_some_and(|b| b.reason == reason));
    let covered = placed.iter().any(|p| matches!(p.place, Place::Covered) && p.is_overdue());
    let live_overdue = placed.iter().any(|p| p.ladder().is_some() && p.is_overdue());
    for reason in [Reason::OldDebt, Reason::Uncertain, Reason::CannotReach, Reason::FirstContact] {
        if blocked(reason) {
            return Decision::hold(reason, next);
        }
    }
    if covered && !live_overdue {
        return Decision::hold(Reason::UnallocatedCovers, next);
    }
    for reason in [Reason::PartPaid, Reason::PaymentsNotBooked] {
        if blocked(reason) {
            return Decision::wait(reason, next);
        }
    }
    if ladders().any(|l| l.due.is_some()) {
        return Decision::wait(Reason::BelowMinimum, next);
    }
    if ladders().next().is_none() {
        let reason = placed.iter().find_map(|p| if let Place::Held(reason, _) = p.place { Some(reason) } else { None });
        return Decision::hold(reason.unwrap_or(Reason::UnallocatedCovers), next);
    }
    match next {
        Some(_) => Decision::wait(Reason::NotYet, next),
        None => Decision {
            verdict: Verdict::Done,
            reason: Reason::Finished,
            next: None,
            next_by: Actor::Operator,
            undeliverable: vec![],
        },
    }
}

/// The next day on which something may change by itself: a step falls due, or a hold ends.
fn next_day(placed: &[Placed], today: Date) -> Option<Date> {
    let ladders = placed.iter().filter_map(Placed::ladder);
    let held_until = placed.iter().filter_map(|p| if let Place::Held(_, until) = p.place { until } else { None });
    ladders.filter_map(|l| l.next).chain(held_until).filter(|d| *d > today).min()
}

/// The first instant of a day at which any window of the cadence is open; the day's first instant if none ever is.
fn opening(world: &World, day: Date) -> Timestamp {
    let calendar = world.cadence.calendar.as_deref();
    let windows = [&world.cadence.window, &world.cadence.sms_window];
    let first = windows.into_iter().filter_map(|w| w.next_open(world.now, day, world.zone, calendar)).min();
    first.or_else(|| instant(day, Time::midnight(), world.zone)).unwrap_or(world.now)
}

/// The first instant, not before a day begins, at which the windows of all channels used are open together.
fn opening_for(world: &World, to: &[(Channel, String)], day: Date) -> Option<Timestamp> {
    let calendar = world.cadence.calendar.as_deref();
    let mut at = world.now;
    for _ in 0..50 {
        let latest = to
            .iter()
            .map(|(c, _)| world.cadence.window_of(*c).next_open(at, day, world.zone, calendar))
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .max()?;
        if latest == at {
            return Some(at);
        }
        at = latest;
    }
    None
}

fn trace_rows<T: Trace>(world: &World, placed: &[Placed], trace: &mut T) {
    for p in placed {
        let number = &p.row.invoice.number;
        let steps = &world.cadence.steps;
        match &p.place {
            Place::Credit => trace.rule("R11", true, || {
                format!("{number}: a credit of {}, set off against the oldest invoices", p.row.invoice.balance)
            }),
            Place::Covered => trace.rule("R11", false, || {
                format!(
                    "{number}: {} is covered by payments or credit notes without an invoice; please allocate them",
                    p.row.invoice.balance
                )
            }),
            Place::Rounding => trace
                .rule("R12", false, || format!("{number}: {} is a rounding difference and never chased", p.row.invoice.balance)),
            Place::Held(reason, until) => trace.rule(rule_of(*reason), false, || match until {
                Some(day) => {
                    let why = p.row.holds.iter().find(|h| h.until == *day).map(|h| format!(": {}", h.reason)).unwrap_or_default();
                    format!("{number}: {} until {day}{why}", reason.text())
                }
                None => format!("{number}: {}", reason.text()),
            }),
            Place::Live(ladder) => {
                let had = ladder.stage.map_or("no step yet".to_owned(), |s| format!("furthest step had: {}", steps[s].id));
                let age = match p.days_late {
                    d if d > 0 => format!("{d} days past due"),
                    0 => "due today".to_owned(),
                    d => format!("due in {} days", -d),
                };
                let net = Money::new(p.net, p.row.invoice.balance.currency);
                trace.rule("R4", ladder.due.is_some(), || match (ladder.due, ladder.next) {
                    (Some(due), _) => format!("{number}: {net} open, {age}, {had}; step {} is due", steps[due].id),
                    (None, Some(day)) => format!("{number}: {net} open, {age}, {had}; next look on {day}"),
                    (None, None) => format!("{number}: {net} open, {age}, {had}; no further step by date"),
                });
                if let Some(block) = ladder.blocked {
                    trace.rule(rule_of(block.reason), false, || blocked_text(world, p, block));
                }
            }
        }
    }
}

fn blocked_text(world: &World, p: &Placed, block: super::ladder::Block) -> String {
    let number = &p.row.invoice.number;
    let step = &world.cadence.steps[block.step].id;
    let today = local_date(world.now, world.zone);
    match block.reason {
        Reason::PaymentsNotBooked => {
            let booked =
                p.row.invoice.booked_through.map_or(world.booked, super::Booked::Through).through(today, today, world.bank);
            let needed = super::ladder::needed_booking(world, p.row.invoice.due_on);
            let from = if matches!(world.booked, super::Booked::Lag(_)) && p.row.invoice.booked_through.is_none() {
                "by booking_lag"
            } else {
                "as the source says"
            };
            format!(
                "{number}: step {step} waits: payments are booked through {booked} ({from}), needed through {needed} (due date plus grace of {})",
                world.policy.grace
            )
        }
        Reason::PartPaid => format!(
            "{number}: step {step} waits until {} because of a part payment",
            block.until.map(|d| d.to_string()).unwrap_or_default()
        ),
        Reason::CannotReach => {
            let lower = world.cadence.lower_rank(block.step);
            let undelivered = p.row.marks.iter().any(|m| m.rank == lower && m.kind == MarkKind::Undelivered);
            let what = if undelivered { "could not be delivered" } else { "was dropped by a person" };
            format!("{number}: step {step}: the step before it {what}, so nothing firmer may leave")
        }
        reason => format!("{number}: step {step}: {}", reason.text()),
    }
}

/// The rule of the trade that a reason belongs to.
fn rule_of(reason: Reason) -> &'static str {
    match reason {
        Reason::PaymentsNotBooked => "R10",
        Reason::PartPaid | Reason::Rounding | Reason::BelowMinimum => "R12",
        Reason::OldDebt | Reason::FirstContact => "R3",
        Reason::Missing => "R13",
        Reason::Disputed => "R18",
        Reason::Held => "R19",
        Reason::CannotReach | Reason::Uncertain => "R2",
        _ => "R27",
    }
}

impl Decision {
    fn wait(reason: Reason, next: Option<Timestamp>) -> Decision {
        Decision { verdict: Verdict::Wait, reason, next, next_by: Actor::Relance, undeliverable: vec![] }
    }

    fn hold(reason: Reason, next: Option<Timestamp>) -> Decision {
        Decision { verdict: Verdict::Hold, reason, next, next_by: Actor::Operator, undeliverable: vec![] }
    }
}
