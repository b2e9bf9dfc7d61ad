//! Calendar files and the table of time zones.

use super::node::{Node, Value};
use super::problem::Problems;
use super::section::Section;
use crate::domain::calendar::{Calendar, HolidayOn, HolidayRule};
use crate::domain::time::weekday;
use jiff::civil::Weekday;

/// Reads one calendar file.
pub fn calendar(id: &str, root: &Node, problems: &Problems) -> Calendar {
    let top = Section::new("", root, problems);
    top.required("name", "the name of the country or region");
    let rules: Vec<HolidayRule> = top.tables("holiday").into_iter().filter_map(|s| holiday(s, problems)).collect();
    top.finish();
    Calendar::new(id, &rules)
}

fn month_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.split_once('-')?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    jiff::civil::Date::new(2024, month, day).ok().map(|_| (month, day))
}

fn holiday(s: Section, problems: &Problems) -> Option<HolidayRule> {
    s.required("name", "the holiday's name");
    let month_and_day = "a month and day such as \"12-25\"";
    let fixed = s.parse("fixed", month_and_day, month_day).map(|(month, day)| HolidayOn::Fixed { month, day });
    let easter = s.integer("easter", -100..=100).map(|n| HolidayOn::Easter(n as i16));
    let once = s.parse("on", "a date such as \"2022-06-03\"", |t| t.parse().ok()).map(HolidayOn::Once);
    let n = s.integer("nth", -1..=5).filter(|n| *n != 0);
    let day = s.parse("weekday", "mon, tue, wed, thu, fri, sat or sun", |t| {
        weekday(t).and_then(|w| Weekday::from_monday_zero_offset(w as i8).ok())
    });
    let month = s.integer("month", 1..=12);
    let nth = n.zip(day).zip(month).map(|((n, weekday), month)| HolidayOn::Nth { n: n as i8, weekday, month: month as i8 });
    let year = |key: &str| s.integer(key, 1900..=2200).map(|n| n as i16);
    let (from, to) = (year("from"), year("to"));
    let every = s.integer("every", 1..=100).map(|n| n as i16);
    let weekend = s.parse("weekend", "\"next_weekday\"", |t| (t == "next_weekday").then_some(true)).unwrap_or(false);
    let if_sunday = s.parse("if_sunday", month_and_day, month_day);
    let unless_friday = s.parse("unless_friday", month_and_day, month_day);
    let except = years(&s, problems);
    let at = s.at().clone();
    s.finish();
    let mut found = [fixed, easter, once, nth].into_iter().flatten();
    match (found.next(), found.next()) {
        (Some(on), None) => {
            Some(HolidayRule { on, from, to, every, except, moves_off_weekend: weekend, if_sunday, unless_friday })
        }
        _ => {
            problems.add(&at, "a holiday wants exactly one of: fixed; easter; on; nth with weekday and month");
            None
        }
    }
}

fn years(s: &Section, problems: &Problems) -> Vec<i16> {
    match s.node("except").map(|n| (n, &n.value)) {
        None => Vec::new(),
        Some((_, Value::List(items))) => items
            .iter()
            .filter_map(|i| match i.value {
                Value::Integer(y) if (1900..=2200).contains(&y) => Some(y as i16),
                _ => {
                    problems.add(&i.at, "\"except\": wanted a list of years");
                    None
                }
            })
            .collect(),
        Some((node, _)) => {
            problems.add(&node.at, "\"except\": wanted a list of years");
            Vec::new()
        }
    }
}

/// Reads the table country = zone.
pub(super) fn zones(root: &Node, problems: &Problems) -> std::collections::BTreeMap<String, String> {
    let top = Section::new("", root, problems);
    let mut zones = std::collections::BTreeMap::new();
    if let Some(table) = top.section("zones") {
        for (country, _, node) in table.free() {
            match &node.value {
                Value::Text(zone) if jiff::tz::TimeZone::get(zone).is_ok() => {
                    zones.insert(country.clone(), zone.clone());
                }
                _ => problems.add(&node.at, format!("\"{country}\": wanted an IANA time zone")),
            }
        }
        table.finish();
    }
    top.finish();
    zones
}
