//! What was expected beside what happened, day by day, as a controller reads it.

use super::play::Played;
use super::script::{Expected, Test};
use super::seen::Seen;
use crate::domain::attempt::Outcome;
use crate::domain::reason::Reason;
use jiff::civil::Date;

/// One line of a test's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The day.
    pub on: Date,
    /// What was expected; nothing, where something else happened.
    pub expected: Option<String>,
    /// What happened.
    pub happened: Option<String>,
    /// What is wrong, where anything is.
    pub wrong: Option<String>,
}

/// Compares a test with what it came to.
pub(super) fn judge(test: &Test, played: &Played) -> Vec<Line> {
    let mut lines: Vec<Line> = test
        .events
        .iter()
        .map(|e| Line { on: e.on, expected: None, happened: Some(format!("({})", e.word)), wrong: None })
        .collect();
    let mut left: Vec<&Seen> = played.seen.iter().collect();
    for expected in &test.expected {
        let fits = |s: &&Seen| {
            (s.on, s.step.as_str(), s.by, s.outcome) == (expected.on, expected.step.as_str(), expected.by, expected.outcome)
        };
        let found = left.iter().position(fits).map(|at| left.remove(at));
        let wrong = match found {
            Some(seen) => differs(expected, seen),
            None => Some(format!("it did not happen{}", why(played, expected.on))),
        };
        lines.push(Line { on: expected.on, expected: Some(told(expected)), happened: found.map(happened), wrong });
    }
    for seen in left {
        let wrong = Some("nobody expected it".to_owned());
        lines.push(Line { on: seen.on, expected: None, happened: Some(happened(seen)), wrong });
    }
    for (on, reason) in &test.stands {
        let last = reasons(played, *on);
        let found = last.iter().map(|r| r.code()).collect::<Vec<_>>().join(", ");
        let wrong = (!last.contains(reason)).then(|| format!("the reason is another{}", why(played, *on)));
        lines.push(Line { on: *on, expected: Some(format!("stands: {}", reason.code())), happened: Some(found), wrong });
    }
    lines.sort_by_key(|l| l.on);
    lines
}

/// How an expectation and what fits it differ in what was asked for besides.
fn differs(expected: &Expected, seen: &Seen) -> Option<String> {
    let other = |wanted: &[String], have: &[String], what: &str| {
        let lacking = wanted.iter().find(|w| !have.contains(w))?;
        Some(format!("{what} {lacking} is not there, but {}", if have.is_empty() { "none".to_owned() } else { have.join(", ") }))
    };
    let more = expected.to.len() < seen.to.len() && !expected.to.is_empty();
    let letter = expected.letter.as_ref().filter(|l| seen.letter.as_ref() != Some(l));
    let late = expected.time.filter(|t| (t.hour(), t.minute()) != (seen.time.hour(), seen.time.minute()));
    letter
        .map(|_| "the letter is another".to_owned())
        .or_else(|| late.map(|_| format!("it was {}", seen.time.strftime("%H:%M"))))
        .or_else(|| other(&expected.to, &seen.to, "the address"))
        .or_else(|| more.then(|| format!("it went to others as well: {}", seen.to.join(", "))))
        .or_else(|| other(&expected.invoices, &seen.invoices, "the invoice"))
        .or_else(|| Some(format!("it does not say \"{}\"", expected.says.iter().find(|w| !seen.text.contains(*w))?)))
        .or_else(|| Some(format!("it says \"{}\"", expected.omits.iter().find(|w| seen.text.contains(*w))?)))
}

/// The reasons of a day: of all looks at it, or of the last before it.
fn reasons(played: &Played, on: Date) -> Vec<Reason> {
    let mut found: Vec<Reason> = played.reasons.iter().filter(|(day, _)| *day == on).flat_map(|(_, r)| r.clone()).collect();
    if found.is_empty() {
        found = played.reasons.iter().rev().find(|(day, _)| *day <= on).map(|(_, r)| r.clone()).unwrap_or_default();
    }
    found.sort();
    found.dedup();
    found
}

/// Why nothing left on a day.
fn why(played: &Played, on: Date) -> String {
    let reasons = reasons(played, on);
    let told: Vec<String> = reasons.iter().map(|r| format!("{}: {}", r.code(), r.text())).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) }
}

fn told(e: &Expected) -> String {
    named(&e.step, e.by.as_str(), e.letter.as_deref(), e.outcome)
}

fn happened(s: &Seen) -> String {
    named(&s.step, s.by.as_str(), s.letter.as_deref(), s.outcome)
}

fn named(step: &str, by: &str, letter: Option<&str>, outcome: Outcome) -> String {
    let letter = letter.filter(|l| *l != step).map(|l| format!(" ({l})")).unwrap_or_default();
    let outcome = if outcome == Outcome::Accepted { String::new() } else { format!(", {outcome}") };
    format!("{step} by {by}{letter}{outcome}")
}
