//! Sixty days, a few looks a day: what the firm books in the morning, then the four pumps as the daemon rings them.

use super::ledger::Ledger;
use super::story::Story;
use super::{DAYS, Progress};
use crate::clock::Clock;
use crate::domain::time::{instant, local_date, plus_days};
use crate::flow::{Desk, collect, deliver, plan, review};
use anyhow::Context as _;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// The hours at which the demo looks: mornings, noon, afternoon.
const HOURS: [(i8, i8); 4] = [(9, 5), (10, 5), (13, 0), (16, 30)];

/// The firm's zone.
pub(super) fn zone() -> anyhow::Result<TimeZone> {
    TimeZone::get("Europe/Brussels").context("the time zone data lacks Europe/Brussels")
}

/// An hour of a day in the firm's zone.
pub(super) fn at(day: Date, hour: i8, minute: i8) -> anyhow::Result<Timestamp> {
    instant(day, Time::constant(hour, minute, 0, 0), &zone()?).context("no such day")
}

/// The last day whose looks are all over: none of them may lie ahead of the clock that the reader goes by.
pub(super) fn last_day(now: Timestamp) -> anyhow::Result<Date> {
    let today = local_date(now, &zone()?);
    let (hour, minute) = HOURS[HOURS.len() - 1];
    Ok(if at(today, hour, minute)? <= now { today } else { plus_days(today, -1) })
}

/// Lives through the days.
pub(super) async fn live(
    desk: &Desk,
    ledger: &Ledger,
    story: &Story,
    first_day: Date,
    mut tell: impl FnMut(Progress),
) -> anyhow::Result<()> {
    let mut sent = 0;
    for day in 0..=DAYS {
        let date = plus_days(first_day, day);
        ledger.day(story, day).await?;
        for (hour, minute) in HOURS {
            desk.clock.set(at(date, hour, minute)?);
            collect::poll(desk).await?;
            plan::step(desk).await?;
            sent += deliver::step(desk).await?.accepted;
            review::step(desk).await?;
        }
        tell(Progress { day, date, sent });
    }
    Ok(())
}

/// The next `log`, `explain` and `preview` see a ledger that was read just now, by the clock that the demo was given.
pub(super) async fn catch_up(desk: &Desk, clock: &Clock) -> anyhow::Result<()> {
    desk.clock.set(clock.now().max(desk.clock.now()));
    collect::poll(desk).await?;
    plan::step(desk).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn no_look_lies_ahead_of_the_clock() {
        let morning = at(date(2026, 11, 20), 0, 4).unwrap();
        let evening = at(date(2026, 11, 20), 16, 30).unwrap();
        assert_eq!(last_day(morning).unwrap(), date(2026, 11, 19));
        assert_eq!(last_day(evening).unwrap(), date(2026, 11, 20));
    }
}
