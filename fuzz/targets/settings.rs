//! Files of the configuration: they may be anything, and what is wrong with them is told with its place.

use super::{halves, text};
use relance::config::node::Node;
use relance::config::problem::Problems;
use relance::config::{self, Environment, LetterSource, Setup};
use relance::letter::Letters;
use relance::rehearsal;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// A configuration that `check` accepts; its folder is not there.
const GOOD: &str = include_str!("good.toml");

/// Reads a relance.toml of which nothing but the text is there.
fn draft(text: &str) -> Result<Setup, config::problem::ConfigError> {
    Setup::draft(Path::new("/nowhere/relance.toml"), text, Environment::new())
}

/// The good configuration, read.
pub(super) fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| draft(GOOD).unwrap())
}

/// Every problem has a place in the file and words.
fn told(problems: Problems, text: &str) {
    let lines = text.matches('\n').count() + 1;
    for problem in problems.into_sorted() {
        assert!(!problem.text.is_empty() && (1..=lines).contains(&problem.at.line), "{problem}");
    }
}

/// A whole relance.toml.
pub fn settings(data: &[u8]) {
    let text = text(data);
    if let Err(e) = draft(&text) {
        assert!(!e.to_string().is_empty());
    }
}

/// The good configuration with one value replaced: first line which, the rest what. Accounts, URLs, zones and schedules are
/// read here as they are in earnest.
pub fn setting(data: &[u8]) {
    let text = text(data);
    let (which, value) = halves(&text);
    let lines: Vec<&str> = GOOD.lines().filter(|line| line.contains(" = \"")).collect();
    let Some(line) = lines.get(which.trim().parse::<usize>().unwrap_or(data.len()) % lines.len()) else { return };
    let (key, _) = line.split_once(" = ").unwrap_or((line, ""));
    // JSON's text is TOML's, but for one character.
    let quoted = serde_json::Value::from(value).to_string().replace('\u{7f}', "\\u007f");
    if let Err(e) = draft(&GOOD.replacen(line, &format!("{key} = {quoted}"), 1)) {
        assert!(!e.to_string().is_empty());
    }
}

/// A cadence.
pub fn cadence(data: &[u8]) {
    let (text, problems) = (text(data), Problems::default());
    let read = setup().cadence_in(&Node::parse("c.toml", &text, &problems), &problems);
    assert!(read.is_some() || !problems.is_empty());
    told(problems, &text);
}

/// The tests beside a cadence.
pub fn cadence_test(data: &[u8]) {
    let (text, problems) = (text(data), Problems::default());
    let tests = rehearsal::read(&Node::parse("t.toml", &text, &problems), setup(), &problems);
    assert!(!tests.is_empty() || !problems.is_empty());
    told(problems, &text);
}

/// A gateway.
pub fn gateway(data: &[u8]) {
    let (text, problems) = (text(data), Problems::default());
    let read = config::gateway::gateway("g", &Node::parse("g.toml", &text, &problems), &problems);
    assert!(read.is_some() || !problems.is_empty());
    told(problems, &text);
}

/// A file of an invoicing system.
pub fn source_file(data: &[u8]) {
    let (text, problems) = (text(data), Problems::default());
    let read = config::system::system("s", &Node::parse("s.toml", &text, &problems), &problems);
    assert!(read.is_some() || !problems.is_empty());
    if let Some(system) = read {
        assert!(system.needs().iter().all(|name| name.is_setting()));
    }
    told(problems, &text);
}

/// A calendar: its days are found for any year.
pub fn calendar(data: &[u8]) {
    let (text, problems) = (text(data), Problems::default());
    let calendar = config::calendar("XX", &Node::parse("XX.toml", &text, &problems), &problems);
    let mut day = jiff::civil::date(2026, 1, 1);
    for _ in 0..24 {
        calendar.is_holiday(day);
        day = relance::domain::time::plus_days(day, 17);
    }
    told(problems, &text);
}

/// A country's law and its words, in force on some days.
pub fn law(data: &[u8]) {
    let (text, problems) = (text(data), Problems::default());
    let named = |id: &str| vec![(id.to_owned(), "law.toml".to_owned(), text.clone())];
    let book = config::law::read([named("XX"), named("words")].concat(), &problems);
    if let Some(law) = book.country("XX") {
        for day in [jiff::civil::date(1970, 1, 1), jiff::civil::date(2026, 7, 1), jiff::civil::date(2199, 12, 31)] {
            assert!(law.rate_on(day).is_none_or(|rate| rate.len() <= text.len()));
            assert!(law.fee_on(day).is_none() || law.consumer_on(day).is_none() || !text.is_empty());
            assert!(book.phrase(law, "fr", "rate").is_none_or(|p| p.len() <= text.len() + 1000));
        }
    }
    told(problems, &text);
}

/// Words around letters, words of the report, and the lint's.
pub fn words(data: &[u8]) {
    let text = text(data);
    let source = |name: &str| LetterSource { name: name.to_owned(), file: "w.toml".to_owned(), text: text.clone() };
    let problems = Problems::default();
    let letters = Letters::new(&[source("xx/labels.toml"), source("lint.toml")], "xx", &problems);
    if let Some(labels) = letters.labels("xx") {
        let day = jiff::civil::date(2026, 12, 3);
        let shown = [labels.date(day), labels.date_short(day), labels.number("-1234567.89"), labels.late(3), labels.count(12)];
        assert!(shown.iter().all(|s| s.len() <= 12 * (text.len() + 100)));
        labels.fill("footer", &[("creditor", "{contact}"), ("contact", "{creditor}")]);
    }
    let report = config::report::words(vec![("xx".to_owned(), "r.toml".to_owned(), text.clone())], &problems);
    let filled = BTreeMap::from_iter(report.iter().map(|(name, words)| (name, words.fill("title", &[("n", "{n}")]))));
    assert_eq!(filled.len(), 1);
    told(problems, &text);
}
