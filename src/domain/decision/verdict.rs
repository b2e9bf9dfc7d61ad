//! Weighing the rules in their order and coming to one decision.

use super::choice::{Choice, choose, has_other_way};
use super::demand::demands;
use super::ladder::Ladder;
use super::pace::pace;
use super::sections::plan;
use super::survey::{Place, Placed, debtor_obstacle, survey};
use super::weigh::weigh;
use super::{Actor, Decision, To, Trace, Undeliverable, Verdict, World};
use crate::domain::calendar::{is_working_day, plus_working_days};
use crate::domain::case::{CaseKey, Contact, ContactState, DebtorFile};
use crate::domain::reason::Reason;
use crate::domain::step::Step;
use crate::domain::time::{instant, local_date, plus_days};
use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};

/// Decides for one case.
pub fn decide<T: Trace>(file: &DebtorFile, case: &CaseKey, world: &World, trace: &mut T) -> Decision {
    let decision = decision(file, case, world);
    trace.weighed(|| weigh(file, case, world, &decision));
    decision
}

fn decision(file: &DebtorFile, case: &CaseKey, world: &World) -> Decision {
    let today = local_date(world.now, world.zone);
    let placed = survey(file, case, world, today);
    if let Some(done) = nothing_open(&placed) {
        return done;
    }
    if let Some(contact) = under_way(world, file, case) {
        return match (contact.state, contact.word.as_ref().filter(|word| !word.given)) {
            (ContactState::Maybe, _) => Decision::hold(Reason::Uncertain, None),
            // It is looked at again when the letter to the owner has left, and its day is worked out anew.
            (_, Some(word)) if word.silence_is_yes && word.told_at.is_none() => {
                meantime(world, file, case, &placed, contact).unwrap_or_else(|| Decision::wait(Reason::OwnerUntold, None))
            }
            // What waits for a word about some invoices keeps nobody from being given something to do about others.
            (_, Some(word)) => meantime(world, file, case, &placed, contact).unwrap_or_else(|| {
                let reason = if word.silence_is_yes { Reason::OwnerTold } else { Reason::AwaitsApproval };
                let next_by = if word.silence_is_yes { Actor::Relance } else { Actor::Operator };
                let day = next_day(&placed, today).map_or(word.until, |day| day.min(word.until));
                Decision { next_by, ..Decision::wait(reason, Some(opening(world, day))) }
            }),
            _ => Decision::wait(Reason::InHand, None),
        };
    }
    if let Some((reason, until)) = debtor_obstacle(file, today) {
        return Decision::hold(reason, until.map(|day| opening(world, day)));
    }
    let demands = demands(world, case, &placed);
    if demands.is_empty() {
        return idle(world, &placed, today);
    }
    let (choices, undeliverable) = choose(world, file, case, &placed, &demands);
    let decision = best(world, file, case, &placed, &choices).map(|(_, decision)| decision);
    let decision = decision.unwrap_or_else(|| {
        // A later step may have another channel, so the case is looked at again all the same.
        let next = next_day(&placed, today).map(|day| opening(world, day));
        match why_lost(&undeliverable) {
            None => Decision::wait(Reason::BelowMinimum, next),
            Some(reason) => Decision::hold(reason, next),
        }
    });
    Decision { undeliverable, ..decision }
}

/// What a person can do about other invoices while a contact waits for a word, if there is anything now.
fn meantime(world: &World, file: &DebtorFile, case: &CaseKey, placed: &[Placed], contact: &Contact) -> Option<Decision> {
    if debtor_obstacle(file, local_date(world.now, world.zone)).is_some() {
        return None;
    }
    let mut demands = demands(world, case, placed);
    demands.retain(|d| world.cadence.steps[d.step].task().is_some());
    demands.iter_mut().for_each(|d| d.rows.retain(|i| !contact.invoices.contains(&placed[*i].row.invoice.pk)));
    let minimum = world.cadence.minimum.minor(case.currency);
    demands.retain(|d| !d.rows.is_empty() && d.net_of(&d.rows, placed) >= minimum);
    let (choices, _) = choose(world, file, case, placed, &demands);
    best(world, file, case, placed, &choices).map(|(_, decision)| decision).filter(|d| matches!(d.verdict, Verdict::Send(_)))
}

/// Why steps are undeliverable: what holds firmer ones says most.
fn why_lost(lost: &[Undeliverable]) -> Option<Reason> {
    let needed = lost.iter().find(|l| l.reason == Reason::CannotReach);
    needed.or(lost.first()).map(|l| l.reason)
}

/// The contact of the case that is under way, or whose fate is uncertain.
pub(super) fn under_way<'a>(world: &World, file: &'a DebtorFile, case: &CaseKey) -> Option<&'a Contact> {
    let state = |state| file.contacts.iter().find(|c| c.case == *case && c.state == state && Some(c.pk) != world.own);
    state(ContactState::InHand).or_else(|| state(ContactState::Maybe))
}

/// Of several choices the first that leaves or is held; where only the time is wrong for all, the one that comes first.
pub(super) fn best(
    world: &World,
    file: &DebtorFile,
    case: &CaseKey,
    placed: &[Placed],
    choices: &[Choice],
) -> Option<(usize, Decision)> {
    let mut best: Option<(usize, Leave)> = None;
    for (at, choice) in choices.iter().enumerate() {
        let this = leave(world, file, case, placed, choice);
        let only_later = this.is_only_later();
        let earlier = |b: &Leave| this.decision.next.is_some_and(|at| b.decision.next.is_none_or(|other| at < other));
        if !only_later || best.as_ref().is_none_or(|(_, b)| earlier(b)) {
            best = Some((at, this));
        }
        if !only_later {
            break;
        }
    }
    let (at, mut best) = best?;
    if let Some(first) = choices.first().filter(|_| best.is_only_later()) {
        let today = local_date(world.now, world.zone);
        let meanwhile = meanwhile(world, file, placed, first, today).map(|day| opening(world, day.max(best.from)));
        best.decision.next = [best.decision.next, meanwhile].into_iter().flatten().min();
    }
    Some((at, best.decision))
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
        self.decision.reason.is_about_time()
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

fn leave(world: &World, file: &DebtorFile, case: &CaseKey, placed: &[Placed], choice: &Choice) -> Leave {
    let today = local_date(world.now, world.zone);
    let from_today = |decision| Leave { decision, from: today };
    let step = &world.cadence.steps[choice.step];
    if step.task().is_none() {
        let about: Vec<i64> = choice.ready.iter().map(|i| placed[*i].row.invoice.pk).collect();
        if let Some((reason, day)) = pace(world, file, step.overdue, &about, today) {
            let decision = Decision::wait(reason, opening_for(world, step, &choice.to, day));
            let for_all = reason == Reason::Ceiling || choice.only.is_none();
            return Leave { decision, from: if for_all { day } else { today } };
        }
        let opens = opening_for(world, step, &choice.to, today);
        if opens.is_none_or(|at| at > world.now) {
            let any_rank = channels_open(world, &choice.to, today, |day| calm(world, day));
            let quiet = any_rank.is_some_and(|at| at <= world.now);
            return from_today(Decision::wait(if quiet { Reason::QuietTime } else { Reason::OutsideWindow }, opens));
        }
    } else if !is_working_day(today, world.calendar) {
        // People are given something to do on the days on which they work.
        let day = plus_working_days(today, 1, world.calendar);
        return from_today(Decision::wait(Reason::OutsideWindow, Some(opening(world, day))));
    } else if step.is_firm() && !is_calm(world, today) {
        return from_today(Decision::wait(Reason::QuietTime, first_calm(world, today).map(|day| opening(world, day))));
    }
    if let Some(brake) = world.brakes.iter().find(|brake| brake.stops(&choice.to)) {
        let by_itself = matches!(brake.reason, Reason::StaleData | Reason::PollFailed | Reason::ChannelStopped);
        let next_by = if by_itself { Actor::Relance } else { Actor::Operator };
        return from_today(Decision { next_by, ..Decision::wait(brake.reason, brake.until) });
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

/// Why nothing is ready, and when to look again.
fn idle(world: &World, placed: &[Placed], today: Date) -> Decision {
    let ladders = || placed.iter().filter_map(Placed::ladder);
    let next = next_day(placed, today).map(|d| opening(world, d));
    let blocked = |reason| ladders().any(|l| l.blocked.is_some_and(|b| b.reason == reason));
    let covered = placed.iter().any(|p| matches!(p.place, Place::Covered) && p.is_overdue());
    let live_overdue = placed.iter().any(|p| p.ladder().is_some() && p.is_overdue());
    for reason in [
        Reason::OldDebt,
        Reason::Uncertain,
        Reason::CannotReach,
        Reason::PassedOver,
        Reason::FirstContact,
        Reason::KindUnknown,
        Reason::NeedsData,
    ] {
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
    ladders.filter_map(Ladder::next_day).chain(held_until).filter(|d| *d > today).min()
}

/// The first instant of a day at which any window of the cadence is open; the day's first instant if none ever is.
fn opening(world: &World, day: Date) -> Timestamp {
    let windows = [&world.cadence.window, &world.cadence.sms_window];
    let first = windows.into_iter().filter_map(|w| w.next_open(world.now, day, world.zone, world.calendar)).min();
    first.or_else(|| instant(day, Time::midnight(), world.zone)).unwrap_or(world.now)
}

/// The first instant, not before a day begins, at which the windows of all channels used are open together, for a step
/// of this rank (R9, R20, R21).
pub(super) fn opening_for(world: &World, step: &Step, to: &[To], day: Date) -> Option<Timestamp> {
    if step.is_firm() {
        return channels_open(world, to, day, |day| firm_until(world, day));
    }
    channels_open(world, to, day, |day| calm(world, day))
}

/// The minute at which a day ends for anything that is not firm: not at all, or before it begins on a holiday.
fn calm(world: &World, day: Date) -> Option<u16> {
    (!world.calendar.is_some_and(|c| c.is_holiday(day))).then_some(1440)
}

/// The minute of a day until which something of rank firm or higher may leave (R20): not on the eve of a holiday or in
/// the quiet weeks of the cadence, and on Fridays until noon.
pub(super) fn firm_until(world: &World, day: Date) -> Option<u16> {
    let holiday = |day| world.calendar.is_some_and(|c| c.is_holiday(day));
    if holiday(day) || holiday(plus_days(day, 1)) || world.cadence.quiet.iter().any(|range| range.contains(day)) {
        return None;
    }
    Some(if day.weekday() == Weekday::Friday { 720 } else { 1440 })
}

/// Whether something of rank firm or higher may be done at this moment (R20).
pub(super) fn is_calm(world: &World, today: Date) -> bool {
    let now = world.now.to_zoned(world.zone.clone()).time();
    let minute = now.hour() as u16 * 60 + now.minute() as u16;
    firm_until(world, today).is_some_and(|until| minute < until)
}

/// The next working day on which it may be; `None` where none is to be seen.
pub(super) fn first_calm(world: &World, today: Date) -> Option<Date> {
    let fits = |day: &Date| firm_until(world, *day).is_some() && is_working_day(*day, world.calendar);
    (1..=400).map(|n| plus_days(today, n)).find(fits)
}

fn channels_open(world: &World, to: &[To], day: Date, last: impl Fn(Date) -> Option<u16>) -> Option<Timestamp> {
    let mut at = world.now;
    for _ in 0..50 {
        let latest = to
            .iter()
            .map(|t| world.cadence.window_of(t.channel).next_open_within(at, day, world.zone, &last))
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

impl Decision {
    fn wait(reason: Reason, next: Option<Timestamp>) -> Decision {
        Decision { verdict: Verdict::Wait, reason, next, next_by: Actor::Relance, undeliverable: vec![] }
    }

    fn hold(reason: Reason, next: Option<Timestamp>) -> Decision {
        Decision { verdict: Verdict::Hold, reason, next, next_by: Actor::Operator, undeliverable: vec![] }
    }
}
