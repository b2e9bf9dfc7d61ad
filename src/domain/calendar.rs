//! Public holidays and working days.

use super::time::{is_weekend, plus_days};
use jiff::civil::{Date, Weekday};
use std::collections::BTreeSet;

/// The years for which holidays are worked out; outside them only weekends count.
pub const YEARS: std::ops::RangeInclusive<i16> = 1990..=2120;

/// The most working days that a step, spacing or delay may count; keeps every walk over days bounded.
pub const MAX_WORKING_DAYS: u32 = 1000;

/// How a holiday's day is found in a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolidayOn {
    /// The same month and day each year.
    Fixed {
        /// Month, 1 to 12.
        month: i8,
        /// Day of the month.
        day: i8,
    },
    /// Days from Western (Gregorian) Easter Sunday.
    Easter(i16),
    /// The n-th weekday of a month; -1 is the last.
    Nth {
        /// 1 to 5, or -1.
        n: i8,
        /// Which weekday.
        weekday: Weekday,
        /// Month, 1 to 12.
        month: i8,
    },
    /// One day only.
    Once(Date),
}

/// One holiday of a calendar file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolidayRule {
    /// How its day is found.
    pub on: HolidayOn,
    /// First year in which it holds.
    pub from: Option<i16>,
    /// Last year in which it holds.
    pub to: Option<i16>,
    /// Only every so many years, counted from `from`.
    pub every: Option<i16>,
    /// Years in which it does not hold.
    pub except: Vec<i16>,
    /// A day on Saturday or Sunday moves to the next weekday that is not a holiday itself.
    pub moves_off_weekend: bool,
    /// Month and day that hold instead when the day is a Sunday.
    pub if_sunday: Option<(i8, i8)>,
    /// Month and day that hold instead when that day is a Friday.
    pub unless_friday: Option<(i8, i8)>,
}

/// The holidays of a country or region, worked out for [`YEARS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The name of its file, such as `BE`.
    pub id: String,
    holidays: Vec<Date>,
    /// The same, a bit for each day of each of [`YEARS`]: a decision asks for many days.
    by_year: Vec<[u64; 6]>,
}

impl Calendar {
    /// Works out every holiday of the years covered.
    pub fn new(id: &str, rules: &[HolidayRule]) -> Calendar {
        let mut all = BTreeSet::new();
        for year in YEARS {
            let mut days: BTreeSet<Date> = BTreeSet::new();
            let holding = || rules.iter().filter(|r| r.holds_in(year));
            days.extend(holding().filter(|r| !r.moves_off_weekend).filter_map(|r| r.day_in(year)));
            for day in holding().filter(|r| r.moves_off_weekend).filter_map(|r| r.day_in(year)) {
                let free = (0..10).map(|n| plus_days(day, n)).find(|d| !is_weekend(*d) && !days.contains(d));
                days.extend(free);
            }
            all.extend(days);
        }
        Calendar::of(id.to_owned(), all)
    }

    /// The holidays of several calendars in one.
    pub fn merged(calendars: &[&Calendar]) -> Calendar {
        let id = calendars.iter().map(|c| c.id.as_str()).collect::<Vec<_>>().join("+");
        let all: BTreeSet<Date> = calendars.iter().flat_map(|c| c.holidays.iter().copied()).collect();
        Calendar::of(id, all)
    }

    fn of(id: String, holidays: BTreeSet<Date>) -> Calendar {
        let mut by_year = vec![[0; 6]; YEARS.count()];
        for day in &holidays {
            if let Some((year, word, bit)) = place(*day) {
                by_year[year][word] |= bit;
            }
        }
        Calendar { id, holidays: holidays.into_iter().collect(), by_year }
    }

    /// Whether the day is a public holiday.
    pub fn is_holiday(&self, date: Date) -> bool {
        place(date).is_some_and(|(year, word, bit)| self.by_year[year][word] & bit != 0)
    }
}

/// Where the bit of a day stands.
fn place(date: Date) -> Option<(usize, usize, u64)> {
    let year = YEARS.contains(&date.year()).then(|| usize::try_from(date.year() - YEARS.start()).ok())??;
    let day = usize::try_from(date.day_of_year()).ok()?;
    Some((year, day / 64, 1 << (day % 64)))
}

impl HolidayRule {
    fn holds_in(&self, year: i16) -> bool {
        let in_range = self.from.is_none_or(|y| year >= y) && self.to.is_none_or(|y| year <= y);
        let in_turn = self.every.is_none_or(|n| n > 0 && (year - self.from.unwrap_or(0)) % n == 0);
        in_range && in_turn && !self.except.contains(&year)
    }

    fn day_in(&self, year: i16) -> Option<Date> {
        let day = match self.on {
            HolidayOn::Fixed { month, day } => Date::new(year, month, day).ok()?,
            HolidayOn::Easter(offset) => plus_days(easter(year)?, i64::from(offset)),
            HolidayOn::Nth { n, weekday, month } => Date::new(year, month, 1).ok()?.nth_weekday_of_month(n, weekday).ok()?,
            HolidayOn::Once(date) => (date.year() == year).then_some(date)?,
        };
        let instead = |(month, day): (i8, i8)| Date::new(year, month, day).ok();
        if let Some(other) = self.if_sunday.filter(|_| day.weekday() == Weekday::Sunday) {
            return instead(other);
        }
        match self.unless_friday.and_then(instead) {
            Some(other) if other.weekday() == Weekday::Friday => Some(other),
            _ => Some(day),
        }
    }
}

/// Easter Sunday by the anonymous Gregorian algorithm (Meeus/Jones/Butcher).
pub fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Whether people work on the day: Monday to Friday and no holiday of the calendar.
pub fn is_working_day(date: Date, calendar: Option<&Calendar>) -> bool {
    !is_weekend(date) && !calendar.is_some_and(|c| c.is_holiday(date))
}

/// Counts working days forward (or back, when negative) from a day; 0 is the day itself.
pub fn plus_working_days(date: Date, days: i32, calendar: Option<&Calendar>) -> Date {
    let mut left = days.unsigned_abs().min(MAX_WORKING_DAYS);
    let mut day = date;
    // A calendar cannot close more than a few days in a row; the bound only guards against a hostile one.
    for _ in 0..MAX_WORKING_DAYS * 4 {
        if left == 0 {
            break;
        }
        let next = if days < 0 { day.yesterday() } else { day.tomorrow() };
        day = next.unwrap_or(day);
        if is_working_day(day, calendar) {
            left -= 1;
        }
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn easter_of_known_years() {
        assert_eq!(easter(2024), Some(date(2024, 3, 31)));
        assert_eq!(easter(2025), Some(date(2025, 4, 20)));
        assert_eq!(easter(2026), Some(date(2026, 4, 5)));
        assert_eq!(easter(2038), Some(date(2038, 4, 25)));
    }

    #[test]
    fn working_days_skip_weekends_and_holidays() {
        let rule = HolidayRule {
            on: HolidayOn::Fixed { month: 5, day: 1 },
            from: None,
            to: None,
            every: None,
            except: vec![],
            moves_off_weekend: false,
            if_sunday: None,
            unless_friday: None,
        };
        let calendar = Calendar::new("X", &[rule]);
        // 1 May 2026 is a Friday.
        assert_eq!(plus_working_days(date(2026, 4, 30), 1, Some(&calendar)), date(2026, 5, 4));
        assert_eq!(plus_working_days(date(2026, 5, 4), -1, Some(&calendar)), date(2026, 4, 30));
        assert_eq!(plus_working_days(date(2026, 5, 2), 0, Some(&calendar)), date(2026, 5, 2));
    }

    proptest! {
        #[test]
        fn a_working_day_later_is_a_working_day(offset in 0i64..20_000, n in 1i32..60) {
            let start = plus_days(date(2000, 1, 1), offset);
            let later = plus_working_days(start, n, None);
            prop_assert!(is_working_day(later, None));
            let between = (1..=super::super::time::days_between(start, later))
                .filter(|d| is_working_day(plus_days(start, *d), None)).count();
            prop_assert_eq!(between as i32, n);
        }
    }
}
