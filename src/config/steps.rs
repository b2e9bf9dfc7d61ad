//! The `[[step]]` tables of cadence files.

use super::node::Value;
use super::problem::At;
use super::section::Section;
use super::tongues::Tongues;
use crate::domain::condition::{Condition, Need};
use crate::domain::debtor::Role;
use crate::domain::money::Threshold;
use crate::domain::spoken::Spoken;
use crate::domain::step::{Channel, ChannelChoice, How, Rank, Step, StepId, TaskKind, Tone};
use crate::domain::when::{Delay, When};

/// What a step's name may be.
const NAME: &str = "lower-case letters, digits, hyphens and underscores, beginning with a letter, and not \"due\" or \"issued\"";

/// Reads a step; `None` when it cannot be used (the problems say why).
pub(super) fn step(s: Section, tongues: &Tongues) -> Option<Step> {
    if !s.has("id") {
        s.missing("id", NAME);
    }
    let id = s.parse("id", NAME, StepId::parse);
    let was = s.texts("was", "the step's earlier names");
    let was: Option<Vec<StepId>> = was.iter().map(|(_, t)| StepId::parse(t)).collect();
    if was.is_none() {
        s.problem("was", format!("\"was\": wanted earlier step names: {NAME}"));
    }
    if !s.has("when") {
        s.missing("when", "e.g. \"5 days before due\"");
    }
    let when = s.parse_with("when", |t| When::parse(t).map_err(|e| e.to_string()));
    let rank = rank(&s, id.as_ref());
    let how = how(&s);
    let text = text(&s, how.as_ref(), tongues);
    let letter = letter(&s, id.as_ref(), how.as_ref(), text.as_ref().map(|t| t.in_language(tongues.own())));
    let has_title = s.has("title");
    let title = tongues.read(&s, "title", TITLE, title_is_wrong);
    let wanted = format!("one or several of: {}", Role::ALL.map(Role::as_str).join(", "));
    let roles = |key: &str| s.words(key, &wanted, Role::parse);
    let needs = format!("names of columns: {}", Need::ALL.map(Need::as_str).join(", "));
    let (to, cc, needs) = (roles("to"), roles("cc"), s.words("needs", &needs, Need::parse));
    let tone = s.parse("tone", &Tone::ALL.map(Tone::as_str).join(", "), Tone::parse).unwrap_or_default();
    let only_if = conditions(&s);
    let approval = s.bool("approval").unwrap_or(false);
    let attach = s.bool("attach");
    let notify_owner = match s.has("notify_owner") {
        true => s.parse_with("notify_owner", |t| Delay::parse(t).map_err(|e| e.to_string())),
        false => None,
    };
    let sense = [
        (tone == Tone::Strict && rank.flatten() < Some(Rank::Firm), "tone", "a strict tone belongs to rank firm and higher"),
        (approval && notify_owner.is_some(), "notify_owner", "who says yes has seen it; wanted approval or notify_owner"),
        (matches!(how, Some(How::Task(_))) && !cc.is_empty(), "cc", "a task has no copies"),
        (matches!(how, Some(How::Task(_))) && notify_owner.is_some(), "notify_owner", "a task is for the owner already"),
        (matches!(how, Some(How::Task(_))) && attach.is_some(), "attach", "a task has no attachments"),
        (matches!(how, Some(How::Task(TaskKind::Call))) && rank.flatten().is_some(), "rank", "a call has no rank"),
    ];
    for (_, key, text) in sense.iter().filter(|(wrong, _, _)| *wrong) {
        s.problem(key, *text);
    }
    s.finish();
    if has_title && title.is_none() {
        return None;
    }
    let (id, was, when, rank, how, letter) = (id?, was?, when?, rank?, how?, letter?);
    Some(Step {
        id,
        was,
        when,
        rank,
        how,
        letter,
        title,
        text,
        attach,
        tone,
        only_if,
        needs,
        to,
        cc,
        approval,
        notify_owner,
        overdue: false,
    })
}

/// The rank: what the file says, else the one that the step is named after. A call or note has none.
fn rank(s: &Section, id: Option<&StepId>) -> Option<Option<Rank>> {
    let ranks = Rank::ALL.map(Rank::as_str).join(", ");
    let read = |t: &str| if t == "note" { Some(None) } else { Rank::parse(t).map(Some) };
    match s.has("rank") {
        true => s.parse("rank", &format!("one of: {ranks}, note"), read),
        false => Some(id.and_then(|i| Rank::parse(i.as_str()))),
    }
}

/// What a title may be.
const TITLE: &str = "a few words on one line, at most 60 characters, such as \"first reminder\"";

fn title_is_wrong(text: &str) -> Option<&'static str> {
    (text.chars().count() > 60 || text.contains(char::is_control)).then_some(TITLE)
}

/// What is to be done, of a call or a task.
fn text(s: &Section, how: Option<&How>, tongues: &Tongues) -> Option<Spoken> {
    const WANTED: &str = "what is to be done, in a sentence";
    if !matches!(how, Some(How::Task(_))) {
        return None;
    }
    if !s.has("text") {
        s.missing("text", WANTED);
    }
    tongues.read(s, "text", WANTED, |_| None)
}

/// The letter of a message, by default that of the step's name; of a task what is to be done.
fn letter(s: &Section, id: Option<&StepId>, how: Option<&How>, text: Option<&str>) -> Option<String> {
    if matches!(how, Some(How::Task(_))) {
        s.misplaced("letter", "something for a person has a text, not a letter");
        return text.map(str::to_owned);
    }
    match s.has("letter") {
        true => s.parse("letter", NAME, |t| StepId::parse(t).map(|_| t.to_owned())),
        false => id.map(|i| i.as_str().to_owned()),
    }
}

/// `only_if`: a table, all of which must hold, or a list of such tables, any of which must.
fn conditions(s: &Section) -> Vec<Condition> {
    let Some(node) = s.node("only_if") else { return Vec::new() };
    match &node.value {
        Value::List(_) => s.tables("only_if").into_iter().map(condition).collect(),
        _ => s.section("only_if").map(condition).into_iter().collect(),
    }
}

fn condition(s: Section) -> Condition {
    let amount = |key: &str| s.parse(key, "an amount such as \"1000.00\"", |t| Threshold::parse(t).ok());
    let read = Condition {
        overdue_min: amount("overdue_min"),
        amount_min: amount("amount_min"),
        days_late_min: s.integer("days_late_min", 1..=1000).map(|n| n as u32),
        new_customer: s.bool("new_customer"),
        late_before: s.bool("late_before"),
        first_invoice: s.bool("first_invoice"),
        promise_broken: s.bool("promise_broken"),
        tags: s.texts("tags", "tags").into_iter().map(|(_, t)| t).collect(),
    };
    if read == Condition::default() {
        s.problem("", "this condition asks for nothing; wanted one of: overdue_min, amount_min, days_late_min, new_customer, late_before, first_invoice, promise_broken, tags");
    }
    s.finish();
    read
}

fn how(s: &Section) -> Option<How> {
    let wanted = "\"email\", \"sms\", a list of them (all are used), { first_of = [\"email\", \"sms\"] }, \"call\" or \"task\"";
    let Some(node) = s.node("channel") else {
        s.missing("channel", wanted);
        return None;
    };
    if let Some(task) = s.word("channel").and_then(|text| TaskKind::parse(&text)) {
        return Some(How::Task(task));
    }
    let read = |items: Vec<(At, String)>| -> Option<Vec<Channel>> {
        let mut list = Vec::new();
        for (_, text) in &items {
            match Channel::parse(text) {
                Some(channel) if !list.contains(&channel) => list.push(channel),
                _ => {
                    s.problem("channel", format!("\"channel\" names \"{text}\"; wanted {wanted}"));
                    return None;
                }
            }
        }
        if list.is_empty() {
            s.problem("channel", format!("\"channel\" is empty; wanted {wanted}"));
            return None;
        }
        Some(list)
    };
    if matches!(node.value, Value::Table(_)) {
        let table = s.section("channel")?;
        let list = table.texts("first_of", "channels");
        table.finish();
        return read(list).map(ChannelChoice::FirstOf).map(How::Message);
    }
    read(s.texts("channel", wanted)).map(ChannelChoice::All).map(How::Message)
}
