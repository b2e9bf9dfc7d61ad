//! The judge judged: the year forged in one point, in memory, for each rule in each of its senses. A forgery that its rule
//! does not find would let the program's own mistake pass as well.

use super::court::{Breach, Court};
use super::read::{Entry, Letter, Papers, word};
use super::{OTHERS, RULES, Rule, forgeries, forgeries_too};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Makes one thing wrong; none where the year has nothing to forge.
pub type Forge = fn(&mut Papers) -> Option<()>;

/// The forgeries that were not found.
pub fn missed(papers: &Papers) -> BTreeSet<String> {
    let rules: BTreeMap<&str, Rule> = RULES.into_iter().chain(OTHERS).collect();
    let run = |rule: Rule, papers: &Papers| {
        let mut found = Vec::new();
        rule(&Court::new(papers), &mut found);
        found.into_iter().collect::<BTreeSet<Breach>>()
    };
    let mut before: BTreeMap<&str, BTreeSet<Breach>> = BTreeMap::new();
    let mut missed = BTreeSet::new();
    let third = papers.third();
    let all = || forgeries::FORGERIES.iter().chain(forgeries_too::FORGERIES);
    for (name, what, forge) in all() {
        let (rule, papers) = (rules[name], if ["R26", "R27", "R27 mornings"].contains(name) { papers } else { &third });
        let before = before.entry(name).or_insert_with(|| run(rule, papers));
        let mut forged = papers.clone();
        let done = forge(&mut forged);
        forged.journal.sort_by_key(|l| l.0);
        forged.log.sort_by_key(|e| e.at);
        if done.is_none() || run(rule, &forged).difference(before).next().is_none() {
            missed.insert(format!("{name}: {what}{}", if done.is_none() { " (nothing to forge)" } else { "" }));
        }
    }
    let forged: BTreeSet<&str> = all().map(|f| f.0).collect();
    missed.extend(rules.keys().filter(|r| !forged.contains(*r)).map(|r| format!("{r} is never forged")));
    missed
}

impl Papers {
    /// The papers of every third customer: forging and judging is then three times as quick.
    fn third(&self) -> Papers {
        let ours = |id: &str| id.trim_start_matches('K').parse::<u32>().is_ok_and(|n| n % 3 == 0);
        let rows = self.journal.iter().filter(|l| l.1 == "row" && l.2["customer"].as_str().is_some_and(ours));
        let rows: BTreeSet<String> = rows.map(|l| word(&l.2, "invoice")).collect();
        let mut third = self.clone();
        third.log.retain(|e| ours(&e.debtor));
        third.journal.retain(|(_, _, v)| {
            match (v["customer"].as_str().or(v["customer"]["id"].as_str()), v["invoice"].as_str()) {
                (Some(customer), _) => ours(customer),
                (None, Some(invoice)) => rows.contains(invoice),
                (None, None) => true,
            }
        });
        third
    }

    /// The first accepted message of one of the steps that is as wished, when the year has run for a while.
    pub fn some(&self, steps: &[&str], wish: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let felt = |e: &&Entry| e.outcome == "accepted" && matches!(e.channel.as_str(), "email" | "sms");
        let begin = self.journal.first()?.0 + (80 * 24).hours();
        self.log.iter().filter(felt).filter(|e| e.at > begin).find(|e| steps.contains(&e.step.as_str()) && wish(e)).cloned()
    }

    /// The same message again, changed.
    pub fn again(&mut self, entry: &Entry, change: impl Fn(&mut Entry)) -> Option<()> {
        let mut copy = entry.clone();
        change(&mut copy);
        self.log.push(copy);
        Some(())
    }

    /// Changes the messages of a moment to a debtor.
    pub fn change(&mut self, entry: &Entry, change: impl Fn(&mut Entry)) -> Option<()> {
        self.log.iter_mut().filter(|e| e.at == entry.at && e.debtor == entry.debtor).for_each(change);
        Some(())
    }

    pub fn letter_of(&mut self, entry: &Entry) -> Option<&mut Letter> {
        self.letters.get_mut(&entry.message).map(Arc::make_mut)
    }

    pub fn tell(&mut self, at: Timestamp, what: &str, facts: Value) -> Option<()> {
        self.journal.push((at, what.to_owned(), facts));
        Some(())
    }

    /// Says something of a message's debtor a second before it leaves.
    pub fn tell_of(&mut self, entry: &Entry, what: &str, value: &str) -> Option<()> {
        self.tell(just_before(entry), what, json!({"customer": entry.debtor, "value": value}))
    }

    /// Says something of the invoice that a message asks for a second before it leaves.
    pub fn tell_of_invoice(&mut self, entry: &Entry, what: &str, mut facts: Value) -> Option<()> {
        facts["invoice"] = asked(entry)?.into();
        self.tell(just_before(entry), what, facts)
    }

    /// What the journal has of a customer from the beginning.
    pub fn customer(&mut self, id: &str) -> Option<&mut Value> {
        self.journal.iter_mut().find(|l| l.1 == "customer" && l.2["customer"]["id"] == id).map(|l| &mut l.2["customer"])
    }

    pub fn row(&mut self, number: &str) -> Option<&mut Value> {
        self.journal.iter_mut().find(|l| l.1 == "row" && l.2["invoice"] == number).map(|l| &mut l.2)
    }
}

/// The first invoice that a message asks for.
pub fn asked(entry: &Entry) -> Option<String> {
    entry.invoices.iter().find(|n| n.stage.as_ref() == Some(&entry.step)).map(|n| n.number.clone())
}

pub fn just_before(entry: &Entry) -> Timestamp {
    later(entry, -1)
}

/// So many seconds after a message.
pub fn later(entry: &Entry, seconds: i64) -> Timestamp {
    entry.at + seconds.seconds()
}

pub const DAY: i64 = 86_400;
pub const LATE: [&str; 2] = ["reminder", "first"];

pub fn any(_: &Entry) -> bool {
    true
}

/// Who is written to in a language other than English.
pub fn belgian(e: &Entry) -> bool {
    e.language != "en" && e.invoices.iter().all(|n| n.currency == "EUR")
}

/// Moves a message to another moment.
pub fn at_moment(p: &mut Papers, entry: &Entry, at: Timestamp) -> Option<()> {
    p.change(entry, |e| e.at = at)
}

/// A moment in Brussels.
pub fn moment(text: &str) -> Timestamp {
    text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(TimeZone::get("Europe/Brussels").unwrap()).unwrap().timestamp()
}

/// Makes a step of another.
pub fn promote(e: &mut Entry, step: &str) {
    let was = std::mem::replace(&mut e.step, step.to_owned());
    e.invoices.iter_mut().filter(|n| n.stage.as_ref() == Some(&was)).for_each(|n| n.stage = Some(step.to_owned()));
}

pub fn when(p: &Papers, what: &str) -> Option<Timestamp> {
    p.journal.iter().find(|l| l.1 == what).map(|l| l.0)
}
