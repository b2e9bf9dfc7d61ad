//! How long something is kept: a time in the calendar, or for ever.

use super::time::instant;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// How long something is kept once nothing is claimed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many days and months.
    For {
        /// Calendar days.
        days: i32,
        /// Calendar months.
        months: i32,
    },
    /// Until somebody erases it by hand.
    Forever,
}

/// The least time that may be said: a payment can be called back for weeks, and then the case goes on where it stood.
const LEAST_DAYS: i32 = 30;

/// The longest.
const MOST_YEARS: i32 = 100;

impl Keep {
    /// Reads `90 days`, `26 weeks`, `18 months`, `3 years` or `forever`; nothing below 30 days or above 100 years.
    pub fn parse(text: &str) -> Option<Keep> {
        if text == "forever" {
            return Some(Keep::Forever);
        }
        let (count, unit) = text.split_once(' ')?;
        let count: i32 = count.parse().ok().filter(|n| (1..=MOST_YEARS * 366).contains(n))?;
        let (days, months) = match unit.trim() {
            "day" | "days" => (count, 0),
            "week" | "weeks" => (count.checked_mul(7)?, 0),
            "month" | "months" => (0, count),
            "year" | "years" => (0, count.checked_mul(12)?),
            _ => return None,
        };
        let fits = (days >= LEAST_DAYS || months >= 1) && days <= MOST_YEARS * 366 && months <= MOST_YEARS * 12;
        fits.then_some(Keep::For { days, months })
    }

    /// What was over before this moment has been kept long enough at `now`: the beginning of a day in the zone. `None` when
    /// nothing ever has.
    pub fn until(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let Keep::For { days, months } = self else { return None };
        let today = super::time::local_date(now, zone);
        let day = today.checked_sub(Span::new().months(months).days(days)).ok()?;
        instant(day, Time::midnight(), zone)
    }
}

impl std::fmt::Display for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (count, unit) = match *self {
            Keep::Forever => return f.write_str("forever"),
            Keep::For { days: 0, months } if months % 12 == 0 => (months / 12, "year"),
            Keep::For { days: 0, months } => (months, "month"),
            Keep::For { days, .. } => (days, "day"),
        };
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, shown) in [
            ("30 days", "30 days"),
            ("26 weeks", "182 days"),
            ("1 month", "1 month"),
            ("18 months", "18 months"),
            ("36 months", "3 years"),
            ("1 year", "1 year"),
            ("forever", "forever"),
        ] {
            assert_eq!(Keep::parse(text).unwrap().to_string(), shown);
        }
        for text in
            ["", "3", "years", "0 years", "-3 years", "29 days", "4 weeks", "101 years", "3 fortnights", "99999999999 days"]
        {
            assert_eq!(Keep::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_over_before_a_day_has_been_kept_long_enough() {
        let zone = TimeZone::get("Europe/Brussels").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let until = |text: &str, now: &str| Keep::parse(text).unwrap().until(at(now), &zone);
        assert_eq!(until("3 years", "2026-11-02T10:00:00+01:00"), Some(at("2023-11-02T00:00:00+01:00")));
        // A leap day, and the hour of summer time.
        assert_eq!(until("1 year", "2028-02-29T23:00:00Z"), Some(at("2027-03-01T00:00:00+01:00")));
        assert_eq!(until("6 months", "2026-11-02T10:00:00+01:00"), Some(at("2026-05-02T00:00:00+02:00")));
        assert_eq!(until("forever", "2026-11-02T10:00:00+01:00"), None);
    }
}
