//! `[report]`: when the morning report is sent and to whom; and the words of it, by language, from `report/LANGUAGE.toml`.

use super::node::Node;
use super::problem::Problems;
use super::section::Section;
use super::settings::ReportSettings;
use crate::domain::debtor::State;
use crate::domain::fill::fill;
use crate::domain::reason::Reason;
use crate::domain::step::Rank;
use jiff::civil::Time;
use lettre::Address;
use std::collections::BTreeMap;

/// When it is sent as long as nothing else is said, and from when to when what has happened is told.
pub const MORNING: Time = Time::constant(7, 30, 0, 0);

/// The most people who get it.
const MOST: usize = 20;

/// Reads the section; left out, the report goes at its hour to the creditor's own address.
pub(super) fn read(section: Option<Section>, contact: Option<&str>) -> Option<ReportSettings> {
    let own: Vec<Address> = contact.and_then(|c| c.parse().ok()).into_iter().collect();
    let Some(s) = section else { return Some(ReportSettings { morning: Some(MORNING), to: own }) };
    let wanted = "a time of day such as \"07:30\", or \"off\"";
    let morning = match s.has("morning") {
        true => s.parse("morning", wanted, |t| if t == "off" { Some(None) } else { hour(t).map(Some) }),
        false => Some(Some(MORNING)),
    };
    let listed = s.has("to");
    let to = s.words("to", "e-mail addresses of your own people", |t| t.parse::<Address>().ok());
    let wrong = listed && (to.is_empty() || to.len() > MOST);
    if wrong {
        s.problem("to", format!("\"to\": wanted from 1 to {MOST} e-mail addresses"));
    }
    s.finish();
    Some(ReportSettings { morning: morning?, to: if listed { to } else { own } }).filter(|_| !wrong)
}

/// `07:30`: two digits each.
fn hour(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |t: &str| (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<i8>().ok()).flatten();
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// The words of a language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    texts: BTreeMap<String, String>,
    weekdays: Vec<String>,
}

/// The tables of a words file and what each must have; beside them `[reason]` has every reason, `[rank]` every
/// rank, `[state]` every state of a customer.
const TABLES: [(&str, &[&str]); 10] = [
    (
        "page",
        &[
            "title",
            "when",
            "free",
            "held",
            "stopped",
            "data",
            "data_none",
            "rows_one",
            "rows",
            "unread",
            "booked",
            "redirected",
            "resent",
            "lost",
            "tile_decide",
            "tile_calls",
            "tile_messages",
            "more",
            "footer",
            "customers_one",
            "customers",
            "invoices_one",
            "invoices",
            "day_late",
            "days_late",
            "channel_email",
            "channel_sms",
            "at",
            "on_at",
            "minutes",
            "hours",
            "days",
        ],
    ),
    (
        "decide",
        &[
            "title",
            "none",
            "approvals",
            "approvals_how",
            "approval",
            "notices",
            "notice",
            "notice_untold",
            "notices_how",
            "uncertain",
            "uncertain_how",
            "uncertain_since",
            "answers",
            "answers_how",
            "answers_held",
            "proposals",
            "proposals_how",
            "bank",
            "bank_how",
            "bank_near",
            "bank_late",
            "holds",
            "holds_how",
            "needs_data",
            "needs_data_how",
            "cannot_reach",
            "cannot_reach_how",
            "unreachable",
            "unreachable_how",
            "unreachable_since",
            "unreachable_known",
            "disputed",
            "disputed_how",
            "disputed_part",
            "disputed_part_how",
            "covered",
            "covered_how",
            "old_debt",
            "old_debt_how",
            "finished",
            "finished_how",
            "pending",
            "state",
            "state_how",
            "kind_unknown",
            "kind_unknown_how",
        ],
    ),
    (
        "today",
        &[
            "title",
            "none",
            "calls",
            "calls_how",
            "call_broken",
            "call_today",
            "call_since",
            "tasks",
            "tasks_how",
            "messages",
            "messages_none",
            "messages_stopped",
            "first",
            "first_how",
            "key",
        ],
    ),
    (
        "past",
        &[
            "title",
            "none",
            "paid",
            "void",
            "part_paid",
            "reopened",
            "accepted",
            "refused",
            "made",
            "kept",
            "broken",
            "broken_day",
        ],
    ),
    ("silence", &["title", "none", "no_cadence", "no_address", "below_minimum"]),
    (
        "tie",
        &[
            "title",
            "good",
            "good_short",
            "bad",
            "sum",
            "ledger",
            "not_due",
            "late",
            "step",
            "in_hand",
            "covered",
            "credit",
            "rounding",
            "below_minimum",
            "no_cadence",
        ],
    ),
    ("hold", &["operator", "promise", "call", "dispute", "reply", "answer", "promised", "by_phone"]),
    // What customers answer on the page; payment: what the bank's files come near to.
    ("answer", &["paid", "promise", "arrangement", "wrong", "person", "missing", "papers"]),
    // What people are asked to do about a customer who cannot be reached.
    ("reach", &["address", "call", "letter"]),
    // Why it was not paid, as it was said by phone.
    ("excuse", &["awaiting_approval", "not_received", "dispute", "under_way", "cash_trouble", "absence", "other", "spoken"]),
];

impl Words {
    /// Reads a file; what it lacks is noted.
    fn read(file: &str, text: &str, problems: &Problems) -> Words {
        let root = Node::parse(file, text, problems);
        let top = Section::new("", &root, problems);
        let mut words = Words::default();
        let reasons: Vec<&str> = Reason::ALL.iter().map(|r| r.code()).collect();
        let ranks: Vec<&str> = Rank::ALL.iter().map(|r| r.as_str()).collect();
        let states: Vec<&str> = State::ALL.iter().map(|s| s.as_str()).collect();
        let own = TABLES.iter().map(|(name, keys)| (*name, *keys));
        let tables = [("reason", &reasons[..]), ("rank", &ranks[..]), ("state", &states[..])];
        for (name, keys) in own.chain(tables) {
            let Some(table) = top.section(name) else {
                top.missing(name, &format!("a [{name}] table"));
                continue;
            };
            for key in keys {
                if let Some(text) = table.required(key, "the words for it in this language") {
                    words.texts.insert(format!("{name}.{key}"), text);
                }
            }
            table.finish();
        }
        words.weekdays = top.texts("weekdays", "the names of the days").into_iter().map(|(_, t)| t).collect();
        if words.weekdays.len() != 7 {
            top.problem("weekdays", "\"weekdays\": wanted seven names, Monday first");
        }
        top.finish();
        words
    }

    /// The words for `table.key`; empty only where the file lacks them, which `check` refuses.
    pub fn text(&self, key: &str) -> &str {
        self.texts.get(key).map(String::as_str).unwrap_or_default()
    }

    /// The same with `{name}` filled in. What is filled in is not looked at again.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        fill(self.text(key), values)
    }

    /// The name of a weekday; Monday is 0.
    pub fn weekday(&self, day: usize) -> &str {
        self.weekdays.get(day).map(String::as_str).unwrap_or_default()
    }
}

/// The words by language, from what is compiled in and what lies in the folder.
pub fn words(files: Vec<(String, String, String)>, problems: &Problems) -> BTreeMap<String, Words> {
    files.into_iter().map(|(language, file, text)| (language, Words::read(&file, &text, problems))).collect()
}

/// The words for a language: its own, those of its base language, else English.
pub(super) fn spoken<'w>(all: &'w BTreeMap<String, Words>, language: &str) -> Option<(&'w str, &'w Words)> {
    let lower = language.to_ascii_lowercase();
    let base = lower.split(['-', '_']).next().unwrap_or_default();
    [lower.as_str(), base, "en"].into_iter().find_map(|l| all.get_key_value(l)).map(|(name, words)| (name.as_str(), words))
}
