//! The judge's own calendar: holidays of seven countries from their rules, working days counted one by one, zones.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The creditor's country.
pub const HOME: &str = "BE";

pub fn plus(day: Date, days: i64) -> Date {
    day.checked_add(jiff::Span::new().days(days)).unwrap()
}

/// Days from one to another.
pub fn days(from: Date, to: Date) -> i64 {
    i64::from(from.until(to).unwrap().get_days())
}

/// Easter Sunday after Gauss, with Lichtenberg's correction, counted in days of March.
pub fn easter(year: i16) -> Date {
    let y = i64::from(year);
    let k = y / 100;
    let m = 15 + (3 * k + 3) / 4 - (8 * k + 13) / 25;
    let s = 2 - (3 * k + 3) / 4;
    let a = y % 19;
    let d = (19 * a + m) % 30;
    let r = (d + a / 11) / 29;
    let og = 21 + d - r;
    let sz = 7 - (y + y / 4 + s).rem_euclid(7);
    plus(date(year, 3, 1), og + 7 - (og - sz).rem_euclid(7) - 1)
}

/// The public holidays of a country in a year: by law, without those of regions, as the program's calendars have them.
fn holidays(country: &str, year: i16) -> Vec<Date> {
    let fixed = |list: &[(i8, i8)]| list.iter().map(|(m, d)| date(year, *m, *d)).collect::<Vec<_>>();
    let feast = |list: &[i64]| list.iter().map(|n| plus(easter(year), *n)).collect::<Vec<_>>();
    let monday = |month, nth| date(year, month, 1).nth_weekday_of_month(nth, Weekday::Monday).unwrap();
    let (dates, feasts): (Vec<Date>, Vec<Date>) = match country {
        "BE" => (fixed(&[(1, 1), (5, 1), (7, 21), (8, 15), (11, 1), (11, 11), (12, 25)]), feast(&[1, 39, 50])),
        "FR" => (fixed(&[(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]), feast(&[1, 39, 50])),
        "DE" => (fixed(&[(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)]), feast(&[-2, 1, 39, 50])),
        "LU" => (fixed(&[(1, 1), (5, 1), (5, 9), (6, 23), (8, 15), (11, 1), (12, 25), (12, 26)]), feast(&[1, 39, 50])),
        "NL" => {
            let king = date(year, 4, 27);
            let king = if king.weekday() == Weekday::Sunday { plus(king, -1) } else { king };
            ([fixed(&[(1, 1), (12, 25), (12, 26)]), vec![king]].concat(), feast(&[0, 1, 39, 49, 50]))
        }
        "GB" => {
            let mut free = vec![monday(5, 1), monday(5, -1), monday(8, -1)];
            for day in fixed(&[(1, 1), (12, 25), (12, 26)]) {
                free.push((0..5).map(|n| plus(day, n)).find(|d| !weekend(*d) && !free.contains(d)).unwrap());
            }
            (free, feast(&[-2, 1]))
        }
        "IE" => {
            let brigid = date(year, 2, 1);
            let brigid = if brigid.weekday() == Weekday::Friday { brigid } else { monday(2, 1) };
            let mondays = vec![brigid, monday(5, 1), monday(6, 1), monday(8, 1), monday(10, -1)];
            ([fixed(&[(1, 1), (3, 17), (12, 25), (12, 26)]), mondays].concat(), feast(&[1]))
        }
        other => panic!("no calendar of {other}"),
    };
    [dates, feasts].concat()
}

pub fn weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

const COUNTRIES: [&str; 7] = ["BE", "FR", "NL", "DE", "LU", "GB", "IE"];

/// A holiday in one of the countries.
pub fn holiday(day: Date, countries: &[&str]) -> bool {
    static KNOWN: OnceLock<BTreeSet<(&str, Date)>> = OnceLock::new();
    let all =
        || COUNTRIES.into_iter().flat_map(|c| (2023..=2028).flat_map(move |y| holidays(c, y).into_iter().map(move |d| (c, d))));
    let known = KNOWN.get_or_init(|| all().collect());
    countries.iter().any(|c| known.contains(&(*c, day)))
}

pub fn works(day: Date, countries: &[&str]) -> bool {
    !weekend(day) && !holiday(day, countries)
}

/// So many working days on, or back.
pub fn plus_working(day: Date, count: i64, countries: &[&str]) -> Date {
    let step = count.signum();
    let mut walk = (1..).map(|n| plus(day, n * step)).filter(|d| works(*d, countries));
    if count == 0 { day } else { walk.nth(count.unsigned_abs() as usize - 1).unwrap() }
}

/// Working days after the first day up to the last.
pub fn working_between(from: Date, to: Date, countries: &[&str]) -> i64 {
    (1..=days(from, to)).filter(|n| works(plus(from, *n), countries)).count() as i64
}

/// Where a customer of a country lives.
pub fn zone(country: &str) -> TimeZone {
    let name = match country {
        "FR" => "Europe/Paris",
        "NL" => "Europe/Amsterdam",
        "DE" => "Europe/Berlin",
        "LU" => "Europe/Luxembourg",
        "GB" => "Europe/London",
        "IE" => "Europe/Dublin",
        _ => "Europe/Brussels",
    };
    TimeZone::get(name).unwrap()
}

/// The day of a moment at the firm.
pub fn at_home(at: Timestamp) -> Date {
    zone(HOME).to_datetime(at).date()
}

#[test]
fn the_judge_knows_the_days() {
    assert_eq!(
        [2024, 2025, 2026, 2027].map(easter),
        [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28)].map(|(y, m, d)| date(y, m, d))
    );
    assert!(holiday(date(2026, 5, 14), &["BE"]) && holiday(date(2026, 5, 25), &["LU"]), "Ascension, Whit Monday");
    assert!(holiday(date(2026, 2, 2), &["IE"]) && holiday(date(2026, 12, 28), &["GB"]), "St Brigid, Boxing Day moved");
    assert!(holiday(date(2025, 4, 26), &["NL"]) && !holiday(date(2025, 4, 27), &["NL"]), "the 27th was a Sunday");
    assert_eq!(plus_working(date(2026, 4, 30), 1, &["BE"]), date(2026, 5, 4));
    assert_eq!(plus_working(date(2026, 5, 4), -1, &["BE"]), date(2026, 4, 30));
    assert_eq!(working_between(date(2026, 4, 30), date(2026, 5, 11), &["BE", "FR"]), 5, "8 May is one in France only");
}
