//! Cadence files.

use super::node::Node;
use super::problem::{At, Problems};
use super::section::Section;
use super::tongues::Tongues;
use crate::domain::cadence::{AppliesTo, Cadence, ForKind, Group, YearRange};
use crate::domain::calendar::Calendar;
use crate::domain::country::is_country;
use crate::domain::debtor::State;
use crate::domain::money::Threshold;
use crate::domain::step::{ChannelChoice, How, Step};
use crate::domain::time::{Window, parse_days, parse_hours};
use crate::domain::when::{Delay, Unit};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A cadence with the places that later checks point to.
#[derive(Clone, Debug)]
pub struct CadenceFile {
    /// The cadence.
    pub cadence: Arc<Cadence>,
    /// Where it begins.
    pub at: At,
    /// Where each step's letter is named.
    pub letters_at: Vec<At>,
    /// Where each step says that the owner is told; of others where its id stands.
    pub notices_at: Vec<At>,
    /// Where applies_to stands.
    pub applies_at: At,
    /// Steps that are gone on purpose, though open invoices have had them (R8).
    pub gone: Vec<String>,
}

/// Reads one cadence file; `None` when it cannot be used (the problems say why).
pub(super) fn cadence(
    root: &Node,
    calendars: &BTreeMap<String, Arc<Calendar>>,
    tongues: &Tongues,
    problems: &Problems,
) -> Option<CadenceFile> {
    let top = Section::new("", root, problems);
    let name = top.required("name", "a name for the cadence");
    let applies_to = top.section("applies_to").map(applies_to).unwrap_or_default();
    let known: Vec<&str> = calendars.keys().map(String::as_str).collect();
    let calendar = top.parse("calendar", &format!("one of: {}", known.join(", ")), |t| calendars.get(t).cloned());
    let group = top.parse("group", "\"debtor\" or \"invoice\"", |t| match t {
        "debtor" => Some(Group::Debtor),
        "invoice" => Some(Group::Invoice),
        _ => None,
    });
    let spacing = match top.has("spacing") {
        true => top.parse_with("spacing", |t| Delay::parse(t).map_err(|e| e.to_string())),
        false => Some(Delay::NONE),
    };
    let minimum = match top.has("minimum") {
        true => top.parse("minimum", "an amount such as \"10.00\"", |t| Threshold::parse(t).ok()),
        false => Threshold::parse("0").ok(),
    };
    let quiet = quiet(&top);
    let pay_run_guard = match top.has("pay_run_guard") {
        true => top.parse_with("pay_run_guard", |t| Delay::parse(t).map_err(|e| e.to_string())),
        false => Some(Delay { count: 2, unit: Unit::Days }),
    };
    let (window, sms_window) = windows(&top);
    let sections = top.tables("step");
    let mut places = Vec::new();
    let (mut letters_at, mut notices_at) = (Vec::new(), Vec::new());
    let mut steps = Vec::new();
    let wanted_steps = sections.len();
    let ids: Vec<String> = sections.iter().filter_map(|s| s.word("id")).collect();
    for section in sections {
        let at = section.at_key("id");
        let at_key = |key: &str| if section.has(key) { section.at_key(key) } else { at.clone() };
        let (letter_at, notice_at) = (at_key("letter"), at_key("notify_owner"));
        if let Some(step) = super::steps::step(section, tongues) {
            places.push(at);
            letters_at.push(letter_at);
            notices_at.push(notice_at);
            steps.push(step);
        }
    }
    let gone = top.texts("gone", "names of steps that are gone on purpose").into_iter().map(|(_, t)| t).collect();
    let applies_at = top.at_key("applies_to");
    let at = top.at().clone();
    top.finish();
    if !window.meets(&sms_window) {
        let both = |s: &Step| matches!(&s.how, How::Message(ChannelChoice::All(list)) if list.len() > 1);
        for (step, at) in steps.iter().zip(&places).filter(|(step, _)| both(step)) {
            let text = format!("\"{}\" goes by e-mail and SMS together, but their windows have no hour in common", step.id);
            problems.add(at, text);
        }
    }
    if steps.len() == wanted_steps {
        let wrong = Cadence::check_steps(&mut steps);
        for (step, text) in &wrong {
            problems.add(step.map_or(&at, |i| &places[i]), text);
        }
        if !wrong.is_empty() {
            return None;
        }
    }
    if steps.len() != wanted_steps {
        // A step that cannot be read hides the order, but not that others count from none, or from each other.
        for (step, text) in Cadence::check_bases(&steps, &ids) {
            problems.add(step.map_or(&at, |i| &places[i]), text);
        }
    }
    let cadence = Cadence {
        name: name?,
        applies_to,
        calendar,
        quiet,
        pay_run_guard: pay_run_guard?,
        group: group.unwrap_or(Group::Debtor),
        spacing: spacing?,
        minimum: minimum?,
        window,
        sms_window,
        steps,
    };
    Some(CadenceFile { cadence: Arc::new(cadence), at, letters_at, notices_at, applies_at, gone })
}

fn applies_to(s: Section) -> AppliesTo {
    let list = |key: &str, wanted: &str| s.texts(key, wanted).into_iter().map(|(_, t)| t).collect::<Vec<_>>();
    let amount = |key: &str| s.parse(key, "an amount such as \"1000.00\"", |t| Threshold::parse(t).ok());
    let codes = "ISO 3166 codes in capitals such as \"BE\"";
    let country = |(at, code): (At, String)| {
        if !is_country(&code) {
            s.problem_at(&at, format!("\"country\" names \"{code}\"; wanted {codes}"));
        }
        code
    };
    let read = AppliesTo {
        customer_kind: s.parse("customer_kind", "\"business\", \"consumer\" or \"unknown\"", ForKind::parse),
        state: s.words("state", &format!("one or several of: {}", State::words()), State::parse),
        country: s.texts("country", codes).into_iter().map(country).collect(),
        tags: list("tags", "tags"),
        debtor: list("debtor", "customer ids"),
        amount_min: amount("amount_min"),
        amount_max: amount("amount_max"),
    };
    if let (Some(min), Some(max)) = (read.amount_min, read.amount_max)
        && min >= max
    {
        s.problem("amount_max", "no amount is at least amount_min and below amount_max; wanted amount_max the larger");
    }
    s.finish();
    read
}

/// Hours when none are given: office hours for mail, rule R21 for SMS.
fn windows(top: &Section) -> (Window, Window) {
    let office = Window { days: [true, true, true, true, true, false, false], from_minute: 9 * 60, to_minute: 17 * 60 + 30 };
    let sms = Window { days: [true, true, true, true, true, true, false], from_minute: 9 * 60, to_minute: 19 * 60 };
    let Some(section) = top.section("window") else { return (office, sms) };
    let sms = section.section("sms").map_or(sms.clone(), |s| {
        let read = window(&s, &sms);
        s.finish();
        read
    });
    let main = window(&section, &office);
    section.finish();
    (main, sms)
}

fn window(s: &Section, default: &Window) -> Window {
    let days = s.parse("days", "weekdays such as \"mon-fri\" or \"mon,wed,sat\"", parse_days);
    let hours = s.parse("hours", "hours such as \"09:00-17:30\" (\"00:00-24:00\" is all day)", parse_hours);
    let (from_minute, to_minute) = hours.unwrap_or((default.from_minute, default.to_minute));
    Window { days: days.unwrap_or(default.days), from_minute, to_minute }
}

/// The weeks in which nothing firm leaves, where the file says nothing (R20).
const QUIET: [YearRange; 2] = [YearRange { from: (8, 1), to: (8, 20) }, YearRange { from: (12, 23), to: (1, 3) }];

fn quiet(top: &Section) -> Vec<YearRange> {
    match top.has("quiet") {
        true => top.words("quiet", "stretches of the year such as \"08-01..08-20\"; an empty list for none", YearRange::parse),
        false => QUIET.to_vec(),
    }
}
