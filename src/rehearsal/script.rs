//! Reading cadence tests: files of [[test]] tables, each with a customer, its invoices, what happens, and what is expected.

use super::event::{Event, events};
use crate::config::node::Node;
use crate::config::problem::{At, Problems};
use crate::config::section::Section;
use crate::config::{CadenceFile, Channels, Setup};
use crate::domain::attempt::Outcome;
use crate::domain::decision::OldDebts;
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, TaskKind};
use crate::domain::time::plus_days;
use jiff::civil::{Date, DateTime, Time};

/// Days after the last expectation in which nothing more may happen, unless the test says until when it looks.
const AFTER: i64 = 14;

/// The most days that a test may last.
const LONGEST: i64 = 800;

/// The most rows that one entry stands for.
const MOST_ROWS: i64 = 500;

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Where it stands.
    pub at: At,
    /// Its name.
    pub name: String,
    pub(super) country: Option<String>,
    pub(super) channels: Option<Channels>,
    pub(super) cadences: Option<Vec<CadenceFile>>,
    pub(super) old_debts: Option<OldDebts>,
    pub(super) start: DateTime,
    pub(super) until: Date,
    pub(super) customer: Vec<(&'static str, String)>,
    pub(super) rows: Vec<Row>,
    pub(super) events: Vec<Event>,
    pub(super) expected: Vec<Expected>,
    pub(super) stands: Vec<(Date, Reason)>,
}

/// A row of the ledger, and the day on which it is first there.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) seen: Date,
    pub(super) cells: Vec<(&'static str, String)>,
}

/// By which way something reaches somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Message(Channel),
    Task(TaskKind),
    /// Somebody is asked for a yes.
    Approval,
    /// The owner is told, and may object.
    Notice,
}

impl By {
    const ALL: [By; 6] = [
        By::Message(Channel::Email),
        By::Message(Channel::Sms),
        By::Task(TaskKind::Call),
        By::Task(TaskKind::Task),
        By::Approval,
        By::Notice,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            By::Message(channel) => channel.as_str(),
            By::Task(kind) => kind.as_str(),
            By::Approval => "approval",
            By::Notice => "notice",
        }
    }

    fn parse(text: &str) -> Option<By> {
        By::ALL.into_iter().find(|by| by.as_str() == text)
    }
}

/// Something that must happen.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) on: Date,
    /// The hour, in the creditor's zone.
    pub(super) time: Option<Time>,
    pub(super) step: String,
    pub(super) by: By,
    pub(super) letter: Option<String>,
    pub(super) outcome: Outcome,
    pub(super) to: Vec<String>,
    pub(super) invoices: Vec<String>,
    pub(super) says: Vec<String>,
    pub(super) omits: Vec<String>,
}

/// Reads the tests of a file; what is wrong with it is noted.
pub fn read(root: &Node, setup: &Setup, problems: &Problems) -> Vec<Test> {
    let top = Section::new("", root, problems);
    let file = Around { setup, problems, own: Own::read(&top, setup, problems) };
    let tests: Vec<Test> = top.tables("test").into_iter().filter_map(|s| test(s, &file)).collect();
    if !top.has("test") {
        top.missing("test", "at least one [[test]]");
    }
    top.finish();
    tests
}

/// What stands around a test.
struct Around<'a> {
    setup: &'a Setup,
    problems: &'a Problems,
    own: Own,
}

/// What a file says for all its tests, or a test for itself.
#[derive(Clone)]
struct Own {
    country: Option<String>,
    channels: Option<Channels>,
    cadences: Option<Vec<CadenceFile>>,
    old_debts: Option<OldDebts>,
}

impl Own {
    fn read(s: &Section, setup: &Setup, problems: &Problems) -> Own {
        let known = setup.zones.keys().cloned().collect::<Vec<_>>().join(", ");
        let country = s.parse("country", &format!("one of: {known}"), |t| setup.zones.contains_key(t).then(|| t.to_owned()));
        let channels = s.has("channels").then(|| s.words("channels", "\"email\", \"sms\"", Channel::parse));
        let channels = channels.map(|list| Channels { email: list.contains(&Channel::Email), sms: list.contains(&Channel::Sms) });
        let cadences = s.has("cadence").then(|| cadences(s, setup, problems));
        let old_debts = s.parse("old_debts", "\"first-step\" or \"hold\"", |t| match t {
            "first-step" => Some(OldDebts::FirstStep),
            "hold" => Some(OldDebts::Hold),
            _ => None,
        });
        Own { country, channels, cadences, old_debts }
    }

    /// What the test does not say itself, the file says.
    fn or(self, file: &Own) -> Own {
        Own {
            country: self.country.or_else(|| file.country.clone()),
            channels: self.channels.or(file.channels),
            cadences: self.cadences.or_else(|| file.cadences.clone()),
            old_debts: self.old_debts.or(file.old_debts),
        }
    }
}

/// The [[cadence]] tables, in place of the cadences that are configured.
pub(super) fn cadences(s: &Section, setup: &Setup, problems: &Problems) -> Vec<CadenceFile> {
    let Some(node) = s.node("cadence") else { return Vec::new() };
    let crate::config::node::Value::List(items) = &node.value else {
        s.problem("cadence", "wanted [[cadence]] tables, each as a cadence file has it");
        return Vec::new();
    };
    items.iter().filter_map(|item| setup.cadence_in(item, problems)).collect()
}

/// Days of a test: dates, or days from its start.
pub(super) struct Days(Date);

impl Days {
    pub(super) const WANTED: &'static str = "a date such as \"2026-09-14\", or days from the start such as \"+14\"";

    pub(super) fn read(&self, text: &str) -> Option<Date> {
        let days = |t: &str| t.parse::<i64>().ok().filter(|n| n.abs() <= LONGEST);
        match text.strip_prefix('+') {
            Some(rest) => days(rest).map(|n| plus_days(self.0, n)),
            None if text.starts_with('-') => days(text).map(|n| plus_days(self.0, n)),
            None => text.parse().ok(),
        }
    }
}

fn test(s: Section, around: &Around) -> Option<Test> {
    let name = s.required("name", "a name for the test");
    if !s.has("start") {
        s.missing("start", "the day, and if need be the hour, at which the ledger is first read");
    }
    let start = s.parse("start", "a day such as \"2026-09-07\", or \"2026-09-07 08:00\"", |t| {
        let day = || t.parse::<Date>().ok().map(|d| d.to_datetime(Time::constant(7, 0, 0, 0)));
        day().or_else(|| format!("{}:00", t.replace(' ', "T")).parse().ok())
    });
    let days = Days(start.map_or(Date::ZERO, |s| s.date()));
    let own = Own::read(&s, around.setup, around.problems).or(&around.own);
    let customer = s.section("customer").map(customer).unwrap_or_default();
    let rows = rows(&s, &days);
    let first = rows.first().map(|r| r.id.clone()).unwrap_or_default();
    let events = events(&s, &days, &first, around.setup, around.problems);
    let expected: Vec<Expected> = s.tables("expect").into_iter().filter_map(|e| expect(e, &days)).collect();
    let stands = s.tables("stands").into_iter().filter_map(|e| stand(e, &days)).collect::<Vec<_>>();
    let last = expected.iter().map(|e| e.on).chain(events.iter().map(|e| e.on)).chain(stands.iter().map(|s| s.0)).max();
    let until = s.parse("until", Days::WANTED, |t| days.read(t));
    let at = s.at().clone();
    let start = start.map(|start| (start, until.unwrap_or(plus_days(last.unwrap_or(start.date()), AFTER))));
    if let Some((start, until)) = start
        && (until < start.date() || until > plus_days(start.date(), LONGEST))
    {
        s.problem("until", format!("a test ends after its start, and at most {LONGEST} days later"));
    }
    s.finish();
    let (start, until) = start?;
    let Own { country, channels, cadences, old_debts } = own;
    Some(Test { at, name: name?, country, channels, cadences, old_debts, start, until, customer, rows, events, expected, stands })
}

/// The columns of the ledger that a test may give of its customer, by the name in the test.
const CUSTOMER: [(&str, &str); 10] = [
    ("name", "customer_name"),
    ("kind", "customer_kind"),
    ("country", "country"),
    ("language", "language"),
    ("state", "state"),
    ("email", "email"),
    ("phone", "phone"),
    ("enterprise_no", "enterprise_no"),
    ("timezone", "timezone"),
    ("since", "customer_since"),
];

fn customer(s: Section) -> Vec<(&'static str, String)> {
    let mut cells: Vec<(&'static str, String)> = Vec::new();
    for (key, column) in CUSTOMER {
        cells.extend(s.text(key, "text").map(|value| (column, value)));
    }
    cells.extend(s.text("pay_runs", "days of the month such as \"10, 25\"").map(|runs| ("pay_runs", runs)));
    let person = |p: Section| {
        let keys = ["role", "name", "email", "phone", "language"];
        let known: serde_json::Map<String, serde_json::Value> =
            keys.into_iter().filter_map(|k| Some((k.to_owned(), p.text(k, "text")?.into()))).collect();
        p.finish();
        serde_json::Value::Object(known)
    };
    let people: Vec<serde_json::Value> = s.tables("contacts").into_iter().map(person).collect();
    if !people.is_empty() {
        cells.push(("contacts", serde_json::Value::Array(people).to_string()));
    }
    s.finish();
    cells
}

/// The columns that a test may give of a row, by the name in the test.
const ROW: [(&str, &str); 12] = [
    ("number", "number"),
    ("currency", "currency"),
    ("kind", "kind"),
    ("status", "status"),
    ("reference", "reference"),
    ("document", "document"),
    ("po_number", "po_number"),
    ("owner", "owner"),
    ("disputed", "disputed_amount"),
    ("for", "for_invoice"),
    ("cadence", "cadence"),
    ("total", "total"),
];

fn rows(s: &Section, days: &Days) -> Vec<Row> {
    let sections = s.tables("invoices");
    if sections.is_empty() {
        s.missing("invoices", "at least one, such as { due = \"+14\", amount = \"100.00\" }");
    }
    let mut rows = Vec::new();
    for section in sections {
        let id = section.text("id", "text").unwrap_or_else(|| (rows.len() + 1).to_string());
        let due = section.parse("due", Days::WANTED, |t| days.read(t));
        if !section.has("due") {
            section.missing("due", Days::WANTED);
        }
        let issued = section.parse("issued", Days::WANTED, |t| days.read(t));
        let seen = section.parse("seen", Days::WANTED, |t| days.read(t)).unwrap_or(days.0);
        let amount = section.required("amount", "an amount such as \"100.00\"").unwrap_or_default();
        let count = section.integer("count", 1..=MOST_ROWS).unwrap_or(1);
        let mut cells: Vec<(&'static str, String)> = Vec::new();
        for (key, column) in ROW {
            cells.extend(section.text(key, "text").map(|value| (column, value)));
        }
        let tags: Vec<String> = section.texts("tags", "tags").into_iter().map(|(_, t)| t).collect();
        if !tags.is_empty() {
            cells.push(("tags", tags.join(",")));
        }
        cells.extend(due.map(|d| ("due_on", d.to_string())));
        cells.extend(issued.map(|d| ("issued_on", d.to_string())));
        cells.push(("balance", amount));
        section.finish();
        for n in 1..=count {
            let id = if count == 1 { id.clone() } else { format!("{id}-{n}") };
            rows.push(Row { id, seen, cells: cells.clone() });
        }
    }
    rows
}

fn expect(s: Section, days: &Days) -> Option<Expected> {
    for key in ["on", "step", "by"] {
        if !s.has(key) {
            s.missing(key, "the day, the step, and by which way it reaches somebody");
        }
    }
    let texts = |key: &str| s.texts(key, "text").into_iter().map(|(_, t)| t).collect::<Vec<_>>();
    let words = By::ALL.map(By::as_str).join(", ");
    let outcomes = Outcome::ALL.map(|o| o.as_str()).join(", ");
    let read = Expected {
        on: s.parse("on", Days::WANTED, |t| days.read(t)).unwrap_or(Date::ZERO),
        time: s.parse("at", "an hour such as \"09:00\"", |t| format!("{t}:00").parse().ok()),
        step: s.text("step", "a step").unwrap_or_default(),
        by: s.parse("by", &format!("one of: {words}"), By::parse).unwrap_or(By::Approval),
        letter: s.text("letter", "a letter"),
        outcome: s.parse("outcome", &format!("one of: {outcomes}"), Outcome::parse).unwrap_or(Outcome::Accepted),
        to: texts("to"),
        invoices: texts("invoices"),
        says: texts("says"),
        omits: texts("omits"),
    };
    s.finish();
    Some(read)
}

fn stand(s: Section, days: &Days) -> Option<(Date, Reason)> {
    let on = s.parse("on", Days::WANTED, |t| days.read(t));
    let reason = s.parse("reason", "a reason such as \"not_yet\"; `relance explain` names them", Reason::parse);
    if !s.has("on") || !s.has("reason") {
        s.missing("reason", "the day, and a reason for which nothing left then");
    }
    s.finish();
    on.zip(reason)
}
