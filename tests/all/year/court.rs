//! What the rules are held against: the ledger as it was at every second, by the journal; the contacts, by the log.

use super::days::{self, HOME, at_home, plus_working};
use super::read::{Letter, Papers, cents, word};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How a row of the ledger stands.
#[derive(Clone, Debug)]
pub struct Standing {
    pub balance: i64,
    pub status: String,
    pub disputed: i64,
}

/// A row of the ledger.
#[derive(Clone, Debug)]
pub struct Row {
    pub customer: String,
    pub kind: String,
    pub due: Date,
    pub issued: Date,
    pub currency: String,
    pub total: i64,
    pub names: Option<String>,
    pub document: Option<String>,
    pub since: Timestamp,
    /// From when on it stood how.
    pub tale: Vec<(Timestamp, Standing)>,
    /// When a payment of it came back.
    pub returns: Vec<Timestamp>,
}

impl Row {
    pub fn at(&self, at: Timestamp) -> Option<&Standing> {
        self.tale.iter().take_while(|(t, _)| *t <= at).last().map(|(_, s)| s)
    }

    /// Which term it is in: a returned payment begins another.
    pub fn term(&self, at: Timestamp) -> usize {
        self.returns.iter().filter(|t| **t <= at).count()
    }

    /// What may be asked of it, before credits: nothing of what is disputed or void.
    pub fn owed(&self, at: Timestamp) -> i64 {
        self.at(at).filter(|s| s.status == "open").map_or(0, |s| (s.balance - s.disputed).max(0))
    }
}

/// A customer: what never changes, and what did.
#[derive(Clone, Debug)]
pub struct Customer {
    pub country: String,
    pub language: String,
    pub habit: String,
    pub pay_runs: Option<String>,
    pub contacts: String,
    pub since: Date,
    said: Vec<(Timestamp, String, Option<String>)>,
}

impl Customer {
    /// Its email, phone, kind or state at a moment.
    pub fn is(&self, what: &str, at: Timestamp) -> Option<&str> {
        self.said.iter().rev().find(|(t, w, _)| *t <= at && w == what).and_then(|(_, _, v)| v.as_deref())
    }
}

/// A step that was accepted, over all its messages.
#[derive(Clone, Debug)]
pub struct Contact {
    pub at: Timestamp,
    pub debtor: String,
    pub cadence: String,
    pub step: String,
    pub channel: String,
    /// Its place in the log.
    pub entries: Vec<usize>,
    /// The debtor's own day and hour.
    pub local: DateTime,
    pub currency: String,
    /// The invoices that it asks for.
    pub asked: BTreeSet<String>,
}

/// A rule broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    pub rule: &'static str,
    pub text: String,
}

/// Everything laid out for the rules.
pub struct Court<'p> {
    pub papers: &'p Papers,
    pub rows: BTreeMap<String, Row>,
    pub customers: BTreeMap<String, Customer>,
    pub contacts: Vec<Contact>,
    /// The numbers of each customer.
    pub of: BTreeMap<String, Vec<String>>,
}

/// Rank of a step as the shipped cadences have it; calls, tasks and notes have none.
pub fn rank(cadence: &str, step: &str) -> Option<u8> {
    match (cadence, step) {
        (_, "courtesy") => Some(0),
        (_, "reminder" | "first" | "enquiry" | "personal") | ("consumer", "second") => Some(1),
        (_, "firm" | "second") => Some(2),
        (_, "final") => Some(3),
        (_, "formal") => Some(4),
        (_, "handoff") => Some(5),
        _ => None,
    }
}

impl<'p> Court<'p> {
    pub fn new(papers: &'p Papers) -> Court<'p> {
        let (rows, customers, contacts) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut court = Court { papers, rows, customers, contacts, of: BTreeMap::new() };
        papers.journal.iter().for_each(|(at, what, facts)| court.hear(*at, what, facts));
        for (number, row) in &court.rows {
            court.of.entry(row.customer.clone()).or_default().push(number.clone());
        }
        court.gather();
        court
    }

    /// A line of the journal.
    fn hear(&mut self, at: Timestamp, what: &str, facts: &Value) {
        let (value, text) = (word(facts, "value"), |f: &str| facts[f].as_str().map(str::to_owned));
        match what {
            "customer" => {
                let c = &facts["customer"];
                let said = ["email", "phone", "kind", "state"].map(|w| (at, w.to_owned(), c[w].as_str().map(str::to_owned)));
                let customer = Customer {
                    country: word(c, "country"),
                    language: word(c, "language"),
                    habit: word(c, "habit"),
                    pay_runs: c["pay_runs"].as_str().map(str::to_owned),
                    contacts: word(c, "contacts"),
                    since: word(facts, "since").parse().unwrap(),
                    said: said.to_vec(),
                };
                self.customers.insert(word(c, "id"), customer);
            }
            "email" | "phone" | "kind" | "state" => {
                let customer = self.customers.get_mut(&word(facts, "customer")).unwrap();
                customer.said.push((at, what.to_owned(), (!value.is_empty()).then_some(value)));
            }
            "row" => {
                let balance = cents(&word(facts, "balance"));
                let status = if balance == 0 { "paid" } else { "open" }.to_owned();
                let row = Row {
                    customer: word(facts, "customer"),
                    kind: word(facts, "kind"),
                    due: word(facts, "due_on").parse().unwrap(),
                    issued: word(facts, "issued_on").parse().unwrap(),
                    currency: word(facts, "currency"),
                    total: cents(&word(facts, "total")),
                    names: text("for_invoice"),
                    document: text("document"),
                    since: at,
                    tale: vec![(at, Standing { balance, status, disputed: 0 })],
                    returns: Vec::new(),
                };
                self.rows.insert(word(facts, "invoice"), row);
            }
            "returned" => self.rows.get_mut(&word(facts, "invoice")).unwrap().returns.push(at),
            "booked" | "status" | "disputed_amount" => {
                let row = self.rows.get_mut(&word(facts, "invoice")).unwrap();
                let mut now = row.tale.last().unwrap().1.clone();
                match what {
                    "booked" => {
                        now.balance = cents(&word(facts, "balance"));
                        if now.balance == 0 {
                            now.status = "paid".to_owned();
                        } else if now.status != "disputed" {
                            now.status = "open".to_owned();
                        }
                    }
                    "status" => now.status = value,
                    _ => now.disputed = cents(&value),
                }
                row.tale.push((at, now));
            }
            _ => {}
        }
    }

    /// Messages of one step, at one moment, about the same invoices, are one contact.
    fn gather(&mut self) {
        let mut found: BTreeMap<(Timestamp, String, String, String, Vec<String>), usize> = BTreeMap::new();
        for (i, e) in self.papers.log.iter().enumerate() {
            if e.outcome != "accepted" || !matches!(e.channel.as_str(), "email" | "sms") {
                continue;
            }
            let numbers = e.invoices.iter().map(|n| n.number.clone()).collect();
            let key = (e.at, e.debtor.clone(), e.cadence.clone(), e.step.clone(), numbers);
            let next = self.contacts.len();
            let place = *found.entry(key).or_insert(next);
            if place == next {
                let asked = e.invoices.iter().filter(|n| n.stage.as_ref() == Some(&e.step)).map(|n| n.number.clone());
                self.contacts.push(Contact {
                    at: e.at,
                    debtor: e.debtor.clone(),
                    cadence: e.cadence.clone(),
                    step: e.step.clone(),
                    channel: e.channel.clone(),
                    entries: Vec::new(),
                    local: days::zone(&self.customers[&e.debtor].country).to_datetime(e.at),
                    currency: e.invoices.first().map(|n| n.currency.clone()).unwrap_or_default(),
                    asked: asked.collect(),
                });
            }
            self.contacts[place].entries.push(i);
        }
        // In a letter, those under its first heading, which are fewer: others have had the step before.
        for contact in &mut self.contacts {
            let letter = self.papers.letters.get(&self.papers.log[contact.entries[0]].message);
            if let Some(first) = letter.and_then(|l| l.blocks.first()) {
                contact.asked.retain(|number| first.rows.iter().any(|r| r.0 == *number));
            }
        }
        self.contacts.sort_by_key(|c| c.at);
    }

    /// The calendars that count for a customer.
    pub fn calendars(&self, debtor: &str) -> [&str; 2] {
        [HOME, self.customers[debtor].country.as_str()]
    }

    pub fn letter(&self, contact: &Contact) -> Option<&Arc<Letter>> {
        contact.entries.iter().find_map(|e| self.papers.letters.get(&self.papers.log[*e].message))
    }

    pub fn named<'c>(&self, contact: &'c Contact) -> impl Iterator<Item = &super::read::Named> + use<'_, 'c, 'p> {
        self.papers.log[contact.entries[0]].invoices.iter()
    }

    /// The rows of a customer in a currency.
    pub fn rows_of(&self, debtor: &str, currency: &str) -> impl Iterator<Item = (&String, &Row)> {
        let numbers = self.of.get(debtor).map(Vec::as_slice).unwrap_or_default();
        let currency = currency.to_owned();
        numbers.iter().map(|n| (n, &self.rows[n])).filter(move |(_, r)| r.currency == currency)
    }

    /// What the journal tells of a customer under a name, before a moment; the latest first.
    pub fn told<'c>(&'c self, debtor: &'c str, what: &'c str, before: Timestamp) -> impl Iterator<Item = (Timestamp, &'c Value)> {
        let lines =
            self.papers.journal.iter().rev().filter(move |(at, w, v)| *at <= before && w == what && v["customer"] == debtor);
        lines.map(|(at, _, v)| (*at, v))
    }

    /// The last moment before this one at which the ledger was read in full.
    pub fn last_poll(&self, at: Timestamp) -> Timestamp {
        let home = days::zone(HOME);
        let now = home.to_datetime(at);
        let polls = [(14, 5), (7, 31)].map(|(h, m)| now.date().at(h, m, 0, 0).to_zoned(home.clone()).unwrap().timestamp());
        polls.into_iter().find(|p| *p <= at).unwrap_or(polls[1])
    }

    /// The day up to which receipts are booked in data read on a day: one working day before.
    pub fn booked_through(&self, at: Timestamp) -> Date {
        plus_working(at_home(self.last_poll(at)), -1, &[HOME])
    }

    pub fn breach(&self, rule: &'static str, contact: &Contact, why: impl std::fmt::Display) -> Breach {
        let asked: Vec<&str> = contact.asked.iter().map(String::as_str).collect();
        let text = format!(
            "{} {} {} ({}, {}) for {}: {why}",
            contact.debtor,
            contact.local.strftime("%a %Y-%m-%d %H:%M"),
            contact.step,
            contact.cadence,
            contact.channel,
            asked.join(", ")
        );
        Breach { rule, text }
    }
}
