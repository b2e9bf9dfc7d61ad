//! What people type into the forms of the answer page, as it was meant.

use super::{AnswerKind, FARTHEST_DAY, MOST_WORDS};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::tame::tame;
use crate::domain::time::days_between;
use jiff::civil::Date;

/// What is missing or wrong in a form, for whoever filled it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The page is too old, or was never opened: it is shown anew.
    Form,
    /// The day is missing or none.
    Day,
    /// What has been paid was paid on a day that has been.
    DayAhead,
    /// What will be paid will be on a day that comes.
    DayPast,
    /// Further away than a year.
    DayFar,
    /// No amount.
    Amount,
    /// Nothing was written where words are needed.
    Words,
    /// No invoice was chosen.
    Choose,
}

/// A day, as a browser's own field gives it or as people write it: day first, as in all languages of the page.
pub fn day(kind: AnswerKind, text: &str, today: Date) -> Result<Date, Fault> {
    let text = text.trim();
    let by_hand = || {
        let parts: Vec<i16> = text.split(['/', '.', '-', ' ']).map(|p| p.parse().ok()).collect::<Option<_>>()?;
        let [day, month, year] = parts.as_slice() else { return None };
        Date::new(if *year < 100 { year + 2000 } else { *year }, i8::try_from(*month).ok()?, i8::try_from(*day).ok()?).ok()
    };
    let day = text.parse::<Date>().ok().or_else(by_hand).ok_or(Fault::Day)?;
    let ahead = days_between(today, day);
    match (kind, ahead) {
        (_, ahead) if ahead.abs() > FARTHEST_DAY => Err(Fault::DayFar),
        (AnswerKind::Paid, 1..) => Err(Fault::DayAhead),
        (AnswerKind::Promise, ..0) => Err(Fault::DayPast),
        _ => Ok(day),
    }
}

/// An amount of more than nothing, as people write it: `1.234,50`, `1 234.50 €`, `1'234`. The last sign with one or two digits behind it is the decimal one.
pub fn amount(text: &str, currency: Currency) -> Result<Money, Fault> {
    let plain = plain(text).ok_or(Fault::Amount)?;
    Money::parse(&plain, currency).ok().filter(|m| m.minor > 0).ok_or(Fault::Amount)
}

fn plain(text: &str) -> Option<String> {
    let sign = |c: char| matches!(c, '.' | ',');
    let text: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’' | '€' | '$' | '£')).collect();
    let text = text.trim_matches(char::is_alphabetic);
    if text.is_empty() || text.len() > 20 || !text.chars().all(|c| c.is_ascii_digit() || sign(c)) {
        return None;
    }
    let (whole, part) = match text.rsplit_once(sign) {
        Some((whole, part)) if (1..=2).contains(&part.len()) => (whole, part),
        _ => (text, ""),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    (!whole.is_empty()).then(|| if part.is_empty() { whole.clone() } else { format!("{whole}.{part}") })
}

/// What somebody wrote, tamed line by line, and no more of it than is kept.
pub fn words(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::new();
    for line in lines.trim().split('\n') {
        let line: String = line.chars().filter_map(tame).collect();
        // Empty lines by the hundred push what is behind them out of sight.
        if !line.trim().is_empty() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out.trim_end().chars().take(MOST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_are_read_as_browsers_and_people_write_them() {
        let today = date(2026, 11, 10);
        let paid = |text| day(AnswerKind::Paid, text, today);
        for good in ["2026-11-09", "9/11/2026", "09.11.2026", "9-11-26", " 9 11 2026 "] {
            assert_eq!(paid(good), Ok(date(2026, 11, 9)), "{good}");
        }
        assert_eq!(paid("2026-11-11"), Err(Fault::DayAhead));
        assert_eq!(paid("2024-11-11"), Err(Fault::DayFar));
        assert_eq!(day(AnswerKind::Promise, "2026-11-09", today), Err(Fault::DayPast));
        assert_eq!(day(AnswerKind::Promise, "2026-11-10", today), Ok(today));
        assert_eq!(day(AnswerKind::Promise, "2027-11-12", today), Err(Fault::DayFar));
        for bad in ["", "tomorrow", "31/02/2026", "1/2", "1/2/3/4", "99999/1/1", "-1/-1/-1"] {
            assert_eq!(paid(bad), Err(Fault::Day), "{bad}");
        }
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, plain) in [
            ("120", "120"),
            ("120,5", "120.5"),
            ("1.234,50", "1234.50"),
            ("1 234.50 €", "1234.50"),
            ("1'234 CHF", "1234"),
            ("1.234", "1234"),
            ("EUR 1,234.56", "1234.56"),
        ] {
            assert_eq!(super::plain(text).as_deref(), Some(plain), "{text}");
        }
        for bad in ["", "-5", "all", "1e9", ",", "999999999999999999999999", "1;2"] {
            assert_eq!(super::plain(bad), None, "{bad}");
        }
    }

    #[test]
    fn words_are_tamed_and_bounded() {
        assert_eq!(words("a\r\n\r\n\n b\u{202e}\u{1b}[2J\tc \r\n"), "a\n b [2J c");
        assert_eq!(words(&"é".repeat(5_000)).chars().count(), MOST_WORDS);
        assert_eq!(words(" \r\n "), "");
    }
}
