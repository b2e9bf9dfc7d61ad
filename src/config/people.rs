//! `[people]`: when people call, and how long a question waits for their answer.

use super::section::Section;
use super::settings::People;
use crate::domain::time::{Window, parse_days, parse_hours};
use crate::domain::when::{Delay, Unit};

impl Default for People {
    fn default() -> People {
        People {
            calls: Window { days: [true, true, true, true, true, false, false], from_minute: 9 * 60, to_minute: 18 * 60 },
            approve_within: Delay { count: 5, unit: Unit::WorkingDays },
        }
    }
}

/// A question that lapses on the day on which it is asked is asked of nobody.
fn approve_within(text: &str) -> Result<Delay, String> {
    let delay = Delay::parse(text).map_err(|e| e.to_string())?;
    if delay.count == 0 {
        return Err("a question would lapse before anybody has seen it; wanted at least \"1 working day\"".to_owned());
    }
    Ok(delay)
}

/// Reads the section.
pub(super) fn read(s: Section) -> Option<People> {
    let default = People::default();
    let days = s.parse("call_days", "weekdays such as \"mon-fri\"", parse_days).unwrap_or(default.calls.days);
    let hours = s.parse("call_hours", "hours such as \"09:00-18:00\"", parse_hours);
    let (from_minute, to_minute) = hours.unwrap_or((default.calls.from_minute, default.calls.to_minute));
    let approve_within = match s.has("approve_within") {
        true => s.parse_with("approve_within", approve_within),
        false => Some(default.approve_within),
    };
    s.finish();
    Some(People { calls: Window { days, from_minute, to_minute }, approve_within: approve_within? })
}
