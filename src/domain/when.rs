//! When a step is due, as written in a cadence: `5 days before due`, `8 days after reminder`.

use super::calendar::{Calendar, MAX_WORKING_DAYS, plus_working_days};
use super::step::StepId;
use super::time::plus_days;
use jiff::civil::Date;
use std::fmt;

/// A number of days or weeks, as `3 working days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

/// The unit of a [`Delay`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Calendar days.
    Days,
    /// Working days of a calendar.
    WorkingDays,
    /// Weeks of seven calendar days.
    Weeks,
}

/// The day from which a step's delay counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Before the due date.
    BeforeDue,
    /// After the due date.
    AfterDue,
    /// After the day of issue. Before it there is no invoice to write about, so that is no anchor.
    AfterIssued,
    /// After the day on which another step left for the same invoice (rule R4).
    AfterStep(StepId),
}

/// A delay and what it counts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// How long.
    pub delay: Delay,
    /// From when.
    pub anchor: Anchor,
}

/// Why a text is not a `when`; says what was wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    /// Not of the form "number unit ...".
    #[error("wanted a number and a unit, such as \"5 days\", \"3 working days\" or \"2 weeks\"")]
    Delay,
    /// More days than any reminder waits.
    #[error("wanted at most {MAX_WORKING_DAYS} days")]
    TooLong,
    /// Unknown anchor.
    #[error("wanted \"before due\", \"after due\", \"after issued\" or \"after STEP\" behind the number of days")]
    Anchor,
}

impl Delay {
    /// No delay.
    pub const NONE: Delay = Delay { count: 0, unit: Unit::Days };

    /// Reads `5 days`, `1 working day`, `2 weeks`.
    pub fn parse(text: &str) -> Result<Delay, WhenError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let (delay, rest) = Delay::parse_words(&words)?;
        if rest.is_empty() { Ok(delay) } else { Err(WhenError::Delay) }
    }

    fn parse_words<'a>(words: &'a [&'a str]) -> Result<(Delay, &'a [&'a str]), WhenError> {
        let (number, rest) = words.split_first().ok_or(WhenError::Delay)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(WhenError::Delay);
        }
        let count: u32 = number.parse().map_err(|_| WhenError::TooLong)?;
        let (unit, rest) = match rest {
            ["day" | "days", rest @ ..] => (Unit::Days, rest),
            ["working", "day" | "days", rest @ ..] => (Unit::WorkingDays, rest),
            ["week" | "weeks", rest @ ..] => (Unit::Weeks, rest),
            _ => return Err(WhenError::Delay),
        };
        let days = if unit == Unit::Weeks { count.saturating_mul(7) } else { count };
        if days > MAX_WORKING_DAYS {
            return Err(WhenError::TooLong);
        }
        Ok((Delay { count, unit }, rest))
    }

    /// The day that lies this delay after another.
    pub fn after(&self, date: Date, calendar: Option<&Calendar>) -> Date {
        match self.unit {
            Unit::Days => plus_days(date, i64::from(self.count)),
            Unit::Weeks => plus_days(date, 7 * i64::from(self.count)),
            Unit::WorkingDays => plus_working_days(date, self.count as i32, calendar),
        }
    }

    /// The day that lies this delay before another.
    pub fn before(&self, date: Date, calendar: Option<&Calendar>) -> Date {
        match self.unit {
            Unit::Days => plus_days(date, -i64::from(self.count)),
            Unit::Weeks => plus_days(date, -7 * i64::from(self.count)),
            Unit::WorkingDays => plus_working_days(date, -(self.count as i32), calendar),
        }
    }
}

impl When {
    /// Reads `5 days before due`, `4 working days after due`, `2 weeks after reminder`.
    pub fn parse(text: &str) -> Result<When, WhenError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let (delay, rest) = Delay::parse_words(&words)?;
        let anchor = match rest {
            ["before", "due"] => Anchor::BeforeDue,
            ["after", "due"] => Anchor::AfterDue,
            ["after", "issued"] => Anchor::AfterIssued,
            ["after", step] => Anchor::AfterStep(StepId::parse(step).ok_or(WhenError::Anchor)?),
            _ => return Err(WhenError::Anchor),
        };
        Ok(When { delay, anchor })
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match (self.unit, self.count) {
            (Unit::Days, 1) => "day",
            (Unit::Days, _) => "days",
            (Unit::WorkingDays, 1) => "working day",
            (Unit::WorkingDays, _) => "working days",
            (Unit::Weeks, 1) => "week",
            (Unit::Weeks, _) => "weeks",
        };
        write!(f, "{} {unit}", self.count)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.anchor {
            Anchor::BeforeDue => write!(f, "{} before due", self.delay),
            Anchor::AfterDue => write!(f, "{} after due", self.delay),
            Anchor::AfterIssued => write!(f, "{} after issued", self.delay),
            Anchor::AfterStep(step) => write!(f, "{} after {step}", self.delay),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn reads_what_a_cadence_may_say() {
        for text in
            ["5 days before due", "4 working days after due", "1 week after issued", "8 days after reminder", "0 days after due"]
        {
            assert_eq!(When::parse(text).map(|w| w.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn refuses_the_impossible_and_says_what_was_wanted() {
        assert_eq!(When::parse("soon"), Err(WhenError::Delay));
        assert_eq!(When::parse("-5 days before due"), Err(WhenError::Delay));
        assert_eq!(When::parse("5 days before issued"), Err(WhenError::Anchor));
        assert_eq!(When::parse("5 days"), Err(WhenError::Anchor));
        assert_eq!(When::parse("99999 days after due"), Err(WhenError::TooLong));
        assert_eq!(When::parse("1000 weeks after due"), Err(WhenError::TooLong));
        assert_eq!(When::parse(""), Err(WhenError::Delay));
    }

    #[test]
    fn working_days_before_a_monday_are_friday() {
        let delay = Delay::parse("1 working day").unwrap();
        assert_eq!(delay.before(date(2026, 11, 23), None), date(2026, 11, 20));
        assert_eq!(delay.after(date(2026, 11, 20), None), date(2026, 11, 23));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            if let Ok(when) = When::parse(&text) {
                prop_assert_eq!(When::parse(&when.to_string()), Ok(when));
            }
        }
    }
}
