//! Instants, local days and the hours in which a message may leave.

use super::calendar::Calendar;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::ops::Range;

/// The day that a zone's wall calendar shows at an instant.
pub fn local_date(now: Timestamp, zone: &TimeZone) -> Date {
    zone.to_datetime(now).date()
}

/// The instant at which a wall clock shows `date time`. In a gap (spring) it is the
/// first instant after the gap, in a fold (autumn) the earlier of the two (rule R9).
/// `None` only beyond the years that the calendar can express.
pub fn instant(date: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(date.to_datetime(time));
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => {
            let past_the_gap = ambiguous.later().ok()?;
            zone.preceding(past_the_gap).next().map(|t| t.timestamp())
        }
        _ => ambiguous.earlier().ok(),
    }
}

/// Days later (or earlier, when negative), held at the ends of the calendar.
pub fn plus_days(date: Date, days: i64) -> Date {
    let clamped = days.clamp(-200_000, 200_000);
    date.saturating_add(SignedDuration::from_hours(clamped * 24))
}

/// Whole days from `a` to `b`; negative when `b` is earlier.
pub fn days_between(a: Date, b: Date) -> i64 {
    a.duration_until(b).as_hours() / 24
}

/// The hours and weekdays in which a channel may be used, in the debtor's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Monday first; true where the weekday is open.
    pub days: [bool; 7],
    /// First minute of the day that is open.
    pub from_minute: u16,
    /// First minute that is closed again; 1440 is midnight at the end of the day.
    pub to_minute: u16,
}

impl Window {
    /// Open at all hours of all days.
    pub const ALWAYS: Window = Window { days: [true; 7], from_minute: 0, to_minute: 1440 };

    /// Whether a day is open at all: its weekday, and not a holiday of the calendar.
    pub fn opens_on(&self, date: Date, calendar: Option<&Calendar>) -> bool {
        let weekday = date.weekday().to_monday_zero_offset() as usize;
        self.days[weekday] && !calendar.is_some_and(|c| c.is_holiday(date))
    }

    /// Whether there is a minute of the week at which both are open.
    pub fn meets(&self, other: &Window) -> bool {
        let days = self.days.iter().zip(other.days).any(|(a, b)| *a && b);
        days && self.from_minute.max(other.from_minute) < self.to_minute.min(other.to_minute)
    }

    /// When the window of a day opens and closes. Both are instants, each the earlier where the wall clock shows it
    /// twice, so that it opens once, however the clock is set in between (rule R9).
    fn span(&self, day: Date, zone: &TimeZone) -> Option<Range<Timestamp>> {
        let at = |minute: u16| match minute {
            1440.. => instant(plus_days(day, 1), Time::midnight(), zone),
            _ => instant(day, Time::constant((minute / 60) as i8, (minute % 60) as i8, 0, 0), zone),
        };
        Some(at(self.from_minute)?..at(self.to_minute)?)
    }

    /// The window of a day that ends at a minute at the latest.
    fn until(&self, minute: u16) -> Window {
        Window { to_minute: self.to_minute.min(minute), ..self.clone() }
    }

    /// The first instant, at or after `now` and not before `date` begins, at which the window is open; `last_minute`
    /// gives the minute of a day at which it closes at the latest, `None` where it does not open that day. Looks at most
    /// 400 days ahead.
    pub fn next_open_within(
        &self,
        now: Timestamp,
        date: Date,
        zone: &TimeZone,
        last_minute: impl Fn(Date) -> Option<u16>,
    ) -> Option<Timestamp> {
        let first = date.max(local_date(now, zone));
        (0..400)
            .map(|n| plus_days(first, n))
            .filter(|day| self.opens_on(*day, None))
            .filter_map(|day| self.until(last_minute(day)?).span(day, zone))
            .find(|span| now < span.end && !span.is_empty())
            .map(|span| span.start.max(now))
    }

    /// Whether a message may leave at this instant.
    pub fn is_open(&self, now: Timestamp, zone: &TimeZone, calendar: Option<&Calendar>) -> bool {
        let today = local_date(now, zone);
        // Tomorrow as well: a clock set back across midnight shows a day again after the next has begun.
        [today, plus_days(today, 1)]
            .into_iter()
            .any(|day| self.opens_on(day, calendar) && self.span(day, zone).is_some_and(|span| span.contains(&now)))
    }

    /// The first instant, at or after `now` and not before `date` begins, at which the window is open.
    /// Looks at most 400 days ahead.
    pub fn next_open(&self, now: Timestamp, date: Date, zone: &TimeZone, calendar: Option<&Calendar>) -> Option<Timestamp> {
        self.next_open_within(now, date, zone, |day| self.opens_on(day, calendar).then_some(1440))
    }
}

/// As it is written in a cadence: `mon-fri 09:00-17:30`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open: Vec<usize> = (0..7).filter(|day| self.days[*day]).collect();
        match (open.first(), open.last()) {
            (Some(first), Some(last)) if last - first + 1 == open.len() && open.len() > 2 => {
                write!(f, "{}-{}", WEEKDAYS[*first], WEEKDAYS[*last])?;
            }
            _ => f.write_str(&open.iter().map(|day| WEEKDAYS[*day]).collect::<Vec<_>>().join(","))?,
        }
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        write!(f, " {}-{}", clock(self.from_minute), clock(self.to_minute))
    }
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads `mon-fri`, `mon,wed,fri` or `sat` into weekdays, Monday first.
pub fn parse_days(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (weekday(first.trim())?, weekday(last.trim())?);
        let mut day = first;
        loop {
            days[day] = true;
            if day == last {
                break;
            }
            day = (day + 1) % 7;
        }
    }
    Some(days)
}

/// The place of a weekday's short English name in the week, Monday being 0.
pub fn weekday(name: &str) -> Option<usize> {
    WEEKDAYS.iter().position(|d| *d == name.to_ascii_lowercase())
}

/// Whether a day is a Saturday or Sunday.
pub fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Reads `09:00-17:30` into minutes of the day; `24:00` may end it.
pub fn parse_hours(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-')?;
    let minute = |t: &str| -> Option<u16> {
        let (h, m) = t.trim().split_once(':')?;
        let two_digits = |s: &str| (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok()).flatten();
        let (h, m): (u16, u16) = (two_digits(h)?, two_digits(m)?);
        (m < 60 && h * 60 + m <= 1440).then_some(h * 60 + m)
    };
    let (from, to) = (minute(from)?, minute(to)?);
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn brussels() -> TimeZone {
        TimeZone::get("Europe/Brussels").unwrap()
    }

    #[test]
    fn gap_gives_the_first_instant_after_and_fold_the_earlier() {
        let at = |d, t| instant(d, t, &brussels()).unwrap().to_string();
        assert_eq!(at(date(2026, 3, 29), time(2, 30, 0, 0)), "2026-03-29T01:00:00Z");
        assert_eq!(at(date(2026, 10, 25), time(2, 30, 0, 0)), "2026-10-25T00:30:00Z");
        assert_eq!(at(date(2026, 7, 1), time(9, 0, 0, 0)), "2026-07-01T07:00:00Z");
    }

    #[test]
    fn reads_days_and_hours() {
        assert_eq!(parse_days("mon-fri"), Some([true, true, true, true, true, false, false]));
        assert_eq!(parse_days("sat-mon"), Some([true, false, false, false, false, true, true]));
        assert_eq!(parse_days("someday"), None);
        assert_eq!(parse_hours("09:00-17:30"), Some((540, 1050)));
        assert_eq!(parse_hours("00:00-24:00"), Some((0, 1440)));
        assert_eq!(parse_hours("17:00-09:00"), None);
        assert_eq!(parse_hours("9-17"), None);
        assert_eq!(parse_hours("09:00-24:30"), None);
    }

    #[test]
    fn windows_meet_on_a_day_and_at_an_hour() {
        let window = |days: &str, from_minute, to_minute| Window { days: parse_days(days).unwrap(), from_minute, to_minute };
        let office = window("mon-fri", 540, 1050);
        assert!(office.meets(&window("fri-sun", 1049, 1440)) && office.meets(&Window::ALWAYS));
        assert!(!office.meets(&window("fri-sun", 1050, 1440)) && !office.meets(&window("sat,sun", 0, 1440)));
    }

    #[test]
    fn the_next_opening_skips_the_weekend() {
        let office = Window { days: parse_days("mon-fri").unwrap(), from_minute: 540, to_minute: 1050 };
        let friday_evening: Timestamp = "2026-11-20T18:00:00Z".parse().unwrap();
        let next = office.next_open(friday_evening, date(2026, 11, 20), &brussels(), None).unwrap();
        assert_eq!(next.to_string(), "2026-11-23T08:00:00Z");
        assert!(office.is_open(next, &brussels(), None));
    }

    #[test]
    fn a_window_that_opens_in_the_gap_opens_after_it() {
        let night = Window { days: [true; 7], from_minute: 150, to_minute: 240 };
        let before: Timestamp = "2026-03-28T23:30:00Z".parse().unwrap();
        let next = night.next_open(before, date(2026, 3, 29), &brussels(), None).unwrap();
        assert_eq!(next.to_string(), "2026-03-29T01:00:00Z");
    }

    /// The minutes of a night, in UTC, at which a window is open: `01:00-02:30` for each stretch.
    fn open_from_to(window: &Window, zone: &TimeZone, from: &str, hours: i64) -> Vec<String> {
        let first: Timestamp = from.parse().unwrap();
        let minute = |n: i64| Timestamp::from_second(first.as_second() + 60 * n).unwrap();
        let open = |n: &i64| window.is_open(minute(*n), zone, None);
        let minutes: Vec<i64> = (0..60 * hours).filter(open).collect();
        let shows = |n: i64| minute(n).strftime("%H:%M").to_string();
        minutes.chunk_by(|a, b| a + 1 == *b).map(|run| format!("{}-{}", shows(run[0]), shows(run[run.len() - 1] + 1))).collect()
    }

    fn nightly(from: u16, to: u16) -> Window {
        Window { days: [true; 7], from_minute: from, to_minute: to }
    }

    #[test]
    fn in_a_fold_a_window_opens_and_closes_once_each_at_the_earlier() {
        // At 03:00 summer time, 01:00 UTC, the clocks of Brussels go back to 02:00.
        let shows = |from, to| open_from_to(&nightly(from, to), &brussels(), "2026-10-24T22:00:00Z", 8);
        assert_eq!(shows(60, 150), ["23:00-00:30"], "it closes at 02:30 and does not open again at 02:00");
        assert_eq!(shows(130, 150), ["00:10-00:30"]);
        assert_eq!(shows(150, 240), ["00:30-03:00"], "it opens at the first 02:30 and stays open");
        assert_eq!(shows(60, 240), ["23:00-03:00"]);
        assert_eq!(shows(120, 180), ["00:00-02:00"], "03:00 comes once, after both");
        let closed: Timestamp = "2026-10-25T00:30:00Z".parse().unwrap();
        let next = nightly(60, 150).next_open(closed, date(2026, 10, 25), &brussels(), None).unwrap();
        assert_eq!(next.to_string(), "2026-10-26T00:00:00Z", "tomorrow");
    }

    #[test]
    fn in_a_gap_a_window_loses_the_hour_and_no_more() {
        // At 02:00, 01:00 UTC, the clocks go forward to 03:00.
        let shows = |from, to| open_from_to(&nightly(from, to), &brussels(), "2026-03-28T23:00:00Z", 8);
        assert_eq!(shows(60, 150), ["00:00-01:00"]);
        assert_eq!(shows(150, 240), ["01:00-02:00"]);
        assert_eq!(shows(130, 150), Vec::<String>::new(), "02:10 to 02:30 does not come");
        let before: Timestamp = "2026-03-29T00:00:00Z".parse().unwrap();
        let next = nightly(130, 150).next_open(before, date(2026, 3, 29), &brussels(), None).unwrap();
        assert_eq!(next.to_string(), "2026-03-30T00:10:00Z", "but the next day");
    }

    #[test]
    fn around_midnight_no_hour_is_lost_or_doubled() {
        let all_day = |zone: &str, from: &str| open_from_to(&Window::ALWAYS, &TimeZone::get(zone).unwrap(), from, 48).len();
        // Nuuk goes back from midnight to 23:00 of the day before; St. John's once did from 00:01 to 23:01.
        assert_eq!(all_day("America/Nuuk", "2026-10-24T12:00:00Z"), 1);
        assert_eq!(all_day("America/St_Johns", "2006-10-28T12:00:00Z"), 1);
        let nuuk = TimeZone::get("America/Nuuk").unwrap();
        assert_eq!(open_from_to(&nightly(1380, 1410), &nuuk, "2026-10-24T12:00:00Z", 20), ["00:00-00:30"]);
        assert_eq!(open_from_to(&nightly(1380, 1440), &nuuk, "2026-10-24T12:00:00Z", 20), ["00:00-02:00"]);
    }

    #[test]
    fn next_open_and_is_open_agree() {
        for zone in ["Europe/Brussels", "America/New_York", "America/Nuuk", "Pacific/Auckland", "Australia/Lord_Howe"] {
            let zone = TimeZone::get(zone).unwrap();
            for (window, hour) in [(nightly(60, 150), 0), (nightly(130, 1430), 1), (nightly(0, 1440), 2), (nightly(110, 115), 3)]
            {
                for n in 0..24 * 365 {
                    let now = Timestamp::from_second(1_767_225_600 + 3600 * n + 613 * hour).unwrap();
                    let today = local_date(now, &zone);
                    let next = window.next_open(now, today, &zone, None).unwrap();
                    assert!(window.is_open(next, &zone, None), "{now} {zone:?}");
                    assert_eq!(next == now, window.is_open(now, &zone, None), "{now} {zone:?}");
                }
            }
        }
    }
}
