//! The first pump: reads the ledger to its end, page by page, and sees what changed, what is new, what is gone.

use super::absorb::{absorb, late_before};
use super::desk::{Desk, DeskError};
use super::gone;
use super::presence::on_duty;
use super::pulse::Pump;
use super::rest;
use crate::config::settings::{Schedule, SourceKind};
use crate::domain::reason::Reason;
use crate::source::row::Columns;
use crate::source::{Source, SourceError};
use crate::store::StoreError;
use crate::store::polls::{Poll, PollKind, PollOutcome};
use crate::store::sessions::Duty;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Rows in a page: enough to be fast, little enough to hold the ledger only for moments.
const PAGE: usize = 1000;

/// A failed poll is tried again after this, in seconds, however rare the schedule.
const RETRY_S: i64 = 300;

/// How often, and in what intervals, one waits for another daemon's poll to end.
const TURNS: u32 = 7200;
const TURN: Duration = Duration::from_millis(500);

/// Below this many open rows a shrunken ledger is not suspicious (R14).
const SHRINK_FROM: i64 = 10;

/// Why due cases wait for a good poll.
const STANDSTILLS: [Reason; 3] = [Reason::PollFailed, Reason::StaleData, Reason::LedgerShrunk];

/// The name under which the operator's word on a shrunken ledger is kept.
pub const LEDGER_RELEASED: &str = "ledger_released";

/// When the next poll is due: by the schedule since the last, whatever the program did in between.
pub fn next_poll(last: Option<&Poll>, schedule: &Schedule, zone: &TimeZone, now: Timestamp) -> Timestamp {
    let Some(last) = last else { return now };
    let by_schedule = next_occurrence(schedule, zone, last.started_at).unwrap_or(now);
    match last.outcome {
        PollOutcome::Failed => {
            let soon = last.finished_at.as_second() + RETRY_S;
            Timestamp::from_second(soon).map_or(by_schedule, |t| t.min(by_schedule))
        }
        PollOutcome::Good | PollOutcome::Shrunk => by_schedule,
    }
}

/// The first instant after another at which a cron expression holds in a zone. The expression is matched
/// against the wall clock there, so that changes of summer time cannot shift it.
fn next_occurrence(schedule: &Schedule, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let local = zone.to_datetime(after);
    let wall = chrono::DateTime::from_timestamp(local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second(), 0)?;
    let next = schedule.cron.find_next_occurrence(&wall, false).ok()?;
    let civil = TimeZone::UTC.to_datetime(Timestamp::from_second(next.timestamp()).ok()?);
    let at = crate::domain::time::instant(civil.date(), civil.time(), zone)?;
    // In the hour that comes twice the wall clock may already have shown it.
    Some(at.max(Timestamp::from_second(after.as_second() + 1).ok()?))
}

/// Polls if a poll is due; says what came of it. Of several daemons one does it, and then none is due any more.
pub async fn step(desk: &Desk) -> Result<Option<Poll>, DeskError> {
    if !is_due(desk).await? {
        return Ok(None);
    }
    let still = async { if is_due(desk).await? { alone(desk).await.map(Some) } else { Ok(None) } };
    Ok(on_duty(desk, Duty::Collect, still).await?.flatten())
}

async fn is_due(desk: &Desk) -> Result<bool, StoreError> {
    if desk.is_blind() {
        return Ok(false);
    }
    let now = desk.clock.now();
    if rest::until(&desk.setup, &desk.store, now).await?.is_some() {
        return Ok(false);
    }
    let last = desk.store.last_poll().await?;
    let zone = &desk.setup.settings.creditor.timezone;
    let released = desk.store.meta(LEDGER_RELEASED).await?.is_some();
    let changed = desk.store.meta("fingerprint").await?.as_deref() != Some(&desk.setup.fingerprint);
    let failed = last.as_ref().is_some_and(|p| p.outcome == PollOutcome::Failed);
    if failed && desk.another_failed().await? {
        return Ok(true);
    }
    Ok(released || changed || next_poll(last.as_ref(), &desk.setup.settings.source.poll, zone, now) <= now)
}

/// Polls now, as soon as no other daemon does. A ledger that cannot be read is a poll that failed, recorded as such;
/// only a failing store is an error.
pub async fn poll(desk: &Desk) -> Result<Poll, DeskError> {
    for _ in 0..TURNS {
        if let Some(poll) = on_duty(desk, Duty::Collect, alone(desk)).await? {
            return Ok(poll);
        }
        tokio::time::sleep(TURN).await;
    }
    Err(DeskError::Ended("another daemon has been reading the ledger for an hour".to_owned()))
}

async fn alone(desk: &Desk) -> Result<Poll, DeskError> {
    let started_at = desk.clock.now();
    if let Some(until) = rest::until(&desk.setup, &desk.store, started_at).await? {
        let poll = failed(started_at, started_at, rest::told(&desk.setup, until));
        desk.store.record_poll(&poll).await?;
        desk.tally.polled(poll.outcome);
        tracing::error!(event = "poll_failed", error = %poll.text, "the ledger is not asked; nothing is sent");
        return Ok(poll);
    }
    let since = changes_since(desk, started_at).await?;
    let kind = if since.is_some() { PollKind::Changes } else { PollKind::Full };
    let read = match since {
        Some(since) => read_changes(desk, started_at, since).await,
        None => read_all(desk, started_at).await,
    };
    let before = desk.store.last_good_poll().await?;
    let last = desk.store.last_poll().await?;
    let stood_still = [last.as_ref(), before.as_ref()].into_iter().any(|poll| stood_still(desk, poll, started_at));
    let poll = match read {
        Ok(poll) => {
            desk.sees_again();
            if poll.kind == PollKind::Full && poll.outcome == PollOutcome::Good {
                desk.has_read_whole();
            }
            poll
        }
        Err(DeskError::Store(e)) => return Err(e.into()),
        Err(e) => {
            let now = desk.clock.now();
            let text = rest::heed(desk, &e, now).await?;
            desk.drop_source().await;
            desk.went_blind().await?;
            Poll { kind, ..failed(started_at, now, text) }
        }
    };
    desk.store.record_poll(&poll).await?;
    desk.tally.polled(poll.outcome);
    if poll.outcome != PollOutcome::Failed {
        rest::over(&desk.setup, &desk.store).await?;
    }
    if poll.outcome == PollOutcome::Good {
        super::bank::settle(desk, poll.finished_at).await?;
    }
    let ms = poll.finished_at.as_millisecond() - started_at.as_millisecond();
    match poll.outcome {
        PollOutcome::Good => {
            if poll.kind == PollKind::Full {
                desk.store.forget_readable(started_at).await?;
            }
            let booked = |p: &Poll| p.booked_through;
            if before.as_ref().map(booked) != Some(booked(&poll)) {
                desk.store.look_at_reason("payments_not_booked", poll.finished_at).await?;
            }
            for reason in STANDSTILLS.into_iter().filter(|_| stood_still) {
                desk.store.look_at_reason(reason.code(), poll.finished_at).await?;
            }
            if desk.store.meta("fingerprint").await?.as_deref() != Some(&desk.setup.fingerprint) {
                desk.store.look_at_all(poll.finished_at).await?;
                desk.store.set_meta("fingerprint", Some(&desk.setup.fingerprint)).await?;
            }
            tracing::info!(
                event = "poll_done",
                kind = poll.kind.as_str(),
                rows = poll.rows,
                unreadable = poll.unreadable,
                closed = poll.vanished,
                ms,
                "ledger read"
            );
        }
        PollOutcome::Shrunk => {
            tracing::error!(
                event = "poll_shrunk",
                rows = poll.rows,
                vanished = poll.vanished,
                "the ledger shrank too much; nothing is sent"
            )
        }
        PollOutcome::Failed => {
            tracing::error!(event = "poll_failed", error = %poll.text, "the ledger cannot be read; nothing is sent")
        }
    }
    Ok(poll)
}

/// Whether sending was stopped for want of a good poll: what waited for it is looked at at once after one.
fn stood_still(desk: &Desk, last: Option<&Poll>, now: Timestamp) -> bool {
    let stale = |p: &Poll| now.as_second() - p.started_at.as_second() > desk.setup.settings.guard.max_data_age;
    last.is_some_and(|p| p.outcome != PollOutcome::Good || stale(p))
}

/// A poll that failed, to be recorded: also when a re-read before sending did.
pub fn failed(started_at: Timestamp, finished_at: Timestamp, text: String) -> Poll {
    Poll {
        started_at,
        finished_at,
        outcome: PollOutcome::Failed,
        kind: PollKind::Full,
        rows: 0,
        unreadable: 0,
        vanished: 0,
        booked_through: None,
        text,
    }
}

/// Since when a poll need only ask for what has changed: the last good poll's beginning. `None` where the whole has to be
/// read: the source cannot tell, a whole reading is due by its schedule, this program has not read the whole yet, the
/// configuration is another, or the last poll was not good.
async fn changes_since(desk: &Desk, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let SourceKind::Http(http) = &desk.setup.settings.source.kind else { return Ok(None) };
    if http.system.changes.is_none() || !desk.read_whole() || desk.store.meta(LEDGER_RELEASED).await?.is_some() {
        return Ok(None);
    }
    let (last, full) = (desk.store.last_poll().await?, desk.store.last_full_poll().await?);
    let zone = &desk.setup.settings.creditor.timezone;
    let due = |full: &Poll| next_occurrence(&http.full, zone, full.started_at).is_none_or(|at| at <= now);
    let same = desk.store.meta("fingerprint").await?.as_deref() == Some(&desk.setup.fingerprint);
    let whole = full.is_none_or(|full| due(&full)) || !same;
    Ok(last.filter(|last| last.outcome == PollOutcome::Good && !whole).map(|last| last.started_at))
}

/// Reads what has changed. Nothing is closed for not being there.
async fn read_changes(desk: &Desk, started_at: Timestamp, since: Timestamp) -> Result<Poll, DeskError> {
    let (source, columns) = desk.pulses.outside(Pump::Collect, desk.source()).await?;
    let Some(mut reading) = source.changes(&columns, since) else { return read_all(desk, started_at).await };
    let mut poll = Poll { kind: PollKind::Changes, outcome: PollOutcome::Good, ..failed(started_at, started_at, String::new()) };
    while let Some(page) = desk.pulses.outside(Pump::Collect, reading.next_page()).await? {
        let now = desk.clock.now();
        let absorbed = absorb(desk, &columns, &page.rows, &page.doubled, now).await?;
        poll.rows += page.rows.len() as i64;
        poll.unreadable += absorbed.change.unreadable.len() as i64;
        if !absorbed.change.is_empty() {
            desk.store.apply_page(&absorbed.change, late_before(desk, now), now).await?;
        }
    }
    poll.finished_at = desk.clock.now();
    Ok(poll)
}

async fn read_all(desk: &Desk, started_at: Timestamp) -> Result<Poll, DeskError> {
    let (source, columns) = desk.pulses.outside(Pump::Collect, desk.source()).await?;
    let booked_through = desk.pulses.outside(Pump::Collect, source.booked_through()).await?;
    let as_of = source.as_of();
    let before = desk.store.ledger_as_of().await?;
    if let (Some(now), Some(before)) = (as_of, before)
        && now < before
    {
        let why = format!(
            "it was written at {now}, before the file that was read last ({before}), so what is paid by now may stand in it as open; wanted a newer export"
        );
        return Err(SourceError::File { path: source.place(), why }.into());
    }
    let mut seen = Bits::default();
    let (open_before, newest) = desk.store.open_rows().await?;
    let (mut rows, mut unreadable) = (0i64, 0i64);
    let twins = desk.pulses.outside(Pump::Collect, source.twins()).await?;
    let mut nameless = 0;
    let mut reading = desk.pulses.outside(Pump::Collect, source.read(&columns, PAGE)).await?;
    while let Some(mut page) = desk.pulses.outside(Pump::Collect, reading.next_page()).await? {
        page.doubled.extend(twins.iter().cloned());
        nameless += page.rows.iter().filter(|r| !r.has_id()).count() as i64;
        let now = desk.clock.now();
        let absorbed = absorb(desk, &columns, &page.rows, &page.doubled, now).await?;
        rows += page.rows.len() as i64;
        unreadable += absorbed.change.unreadable.len() as i64;
        absorbed.seen.iter().for_each(|pk| seen.set(*pk));
        if !absorbed.change.is_empty() {
            desk.store.apply_page(&absorbed.change, late_before(desk, now), now).await?;
        }
    }
    if rows > 0 && nameless == rows {
        return Err(SourceError::NoId.into());
    }
    // What was there before, is still taken to be open, and was on no page.
    let mut gone = Vec::new();
    let mut after = 0;
    loop {
        let open = desk.store.open_rows_after(after).await?;
        let Some(last) = open.last() else { break };
        desk.pulses.moved(Pump::Collect);
        after = *last;
        gone.extend(open.into_iter().filter(|pk| *pk <= newest && !seen.has(*pk)));
    }
    let from = (&source, &columns, as_of.is_some() && as_of == before);
    let poll = finish(desk, from, started_at, open_before, gone, (rows, unreadable), booked_through).await?;
    if poll.outcome == PollOutcome::Good {
        desk.store.read_as_of(as_of).await?;
    }
    Ok(poll)
}

async fn finish(
    desk: &Desk,
    (source, columns, same): (&Source, &Columns, bool),
    started_at: Timestamp,
    open: i64,
    gone: Vec<i64>,
    (rows, unreadable): (i64, i64),
    booked_through: Option<jiff::civil::Date>,
) -> Result<Poll, DeskError> {
    let most = i64::from(desk.setup.settings.guard.max_vanished);
    let released = desk.store.meta(LEDGER_RELEASED).await?.is_some();
    let limit = if open >= SHRINK_FROM { open * most / 100 } else { i64::MAX };
    let gone = gone::asked_for(desk, (source, columns), gone, (!released).then_some(limit)).await?;
    let vanished = gone.vanished;
    let mut poll = Poll {
        started_at,
        finished_at: desk.clock.now(),
        outcome: PollOutcome::Good,
        kind: PollKind::Full,
        rows,
        unreadable,
        vanished,
        booked_through,
        text: String::new(),
    };
    if vanished > limit && !released {
        let about = if gone.all_asked { "" } else { "about " };
        poll.outcome = PollOutcome::Shrunk;
        poll.text = format!(
            "{about}{vanished} of {open} open invoices are gone from the ledger since it was last read, more than {most} %; if they were paid or cancelled, say `relance release --ledger`"
        );
        return Ok(poll);
    }
    let closed = gone::closed(desk, source, same, gone.rows).await?;
    poll.vanished = closed.len() as i64 + gone.settled;
    poll.finished_at = desk.clock.now();
    desk.store.close_rows(&closed, late_before(desk, poll.finished_at), poll.finished_at).await?;
    // The word holds until what it was said of has all been asked for.
    if released && (gone.all_asked || vanished <= limit) {
        desk.store.set_meta(LEDGER_RELEASED, None).await?;
    }
    Ok(poll)
}

/// A set of store keys: one bit each.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, key: i64) {
        let (word, bit) = ((key / 64) as usize, key % 64);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }

    fn has(&self, key: i64) -> bool {
        self.0.get((key / 64) as usize).is_some_and(|w| w & (1 << (key % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, after: &str) -> String {
        let schedule = crate::config::schedule(cron).unwrap();
        let zone = TimeZone::get("Europe/Brussels").unwrap();
        next_occurrence(&schedule, &zone, after.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn schedules_follow_the_wall_clock() {
        assert_eq!(next("*/10 * * * *", "2026-11-21T20:01:00Z"), "2026-11-21T20:10:00Z");
        assert_eq!(next("0 7 * * *", "2026-03-28T07:00:00Z"), "2026-03-29T05:00:00Z");
        assert_eq!(next("0 7 * * *", "2026-10-24T06:00:00Z"), "2026-10-25T06:00:00Z");
        assert_eq!(next("30 2 * * *", "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(next("15 30 6 * * *", "2026-11-21T20:00:00Z"), "2026-11-22T05:30:15Z");
    }

    #[test]
    fn bits_remember() {
        let mut bits = Bits::default();
        bits.set(0);
        bits.set(1000);
        assert!(bits.has(0) && bits.has(1000) && !bits.has(999) && !bits.has(100_000));
    }
}
