//! The demo's story, read a second time and by other code: what a day looked like in the firm's own books, to
//! judge what relance did on it.

use std::collections::BTreeMap;
use toml::{Table, Value};

/// A customer of the story.
pub struct Customer {
    pub state: Option<String>,
    pub country: String,
    pub consumer: bool,
    pub email: Option<String>,
}

/// A row of the story.
pub struct Paper {
    pub customer: String,
    status: String,
    events: Vec<Table>,
}

pub struct Story {
    pub customers: BTreeMap<String, Customer>,
    pub papers: BTreeMap<String, Paper>,
}

fn text(table: &Table, key: &str) -> Option<String> {
    table.get(key).map(|v| v.as_str().unwrap().to_owned())
}

fn tables(table: &Table, key: &str) -> Vec<Table> {
    let list = table.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    list.into_iter().map(|v| v.as_table().unwrap().clone()).collect()
}

impl Story {
    pub fn read() -> Story {
        let root: Table = include_str!("../../src/demo/story.toml").parse().unwrap();
        let (mut customers, mut papers) = (BTreeMap::new(), BTreeMap::new());
        for told in tables(&root, "debtor") {
            let id = text(&told, "id").unwrap();
            for paper in tables(&told, "invoice") {
                let (status, events) = (text(&paper, "status").unwrap_or("open".to_owned()), tables(&paper, "events"));
                papers.insert(text(&paper, "number").unwrap(), Paper { customer: id.clone(), status, events });
            }
            let customer = Customer {
                state: text(&told, "state"),
                country: text(&told, "country").unwrap(),
                consumer: text(&told, "kind").as_deref() == Some("consumer"),
                email: text(&told, "email"),
            };
            customers.insert(id, customer);
        }
        Story { customers, papers }
    }
}

impl Paper {
    /// The events up to a day, that day's included: they are booked before relance looks for the first time.
    fn until(&self, day: i64) -> impl Iterator<Item = &Table> {
        self.events.iter().filter(move |e| e["day"].as_integer().unwrap() <= day)
    }

    fn has(event: &Table, key: &str) -> bool {
        event.get(key).and_then(Value::as_bool) == Some(true)
    }

    /// Whether nothing is open on it.
    pub fn is_paid(&self, day: i64) -> bool {
        let turn = |e: &&Table| Paper::has(e, "paid") || Paper::has(e, "reopened");
        self.until(day).filter(turn).last().is_some_and(|e| Paper::has(e, "paid"))
    }

    /// Open, disputed, void or draft.
    pub fn status(&self, day: i64) -> String {
        self.until(day).filter_map(|e| text(e, "status")).last().unwrap_or(self.status.clone())
    }

    /// How often it has begun anew: its due date was moved later, or it was open again after it was paid (R7).
    pub fn term(&self, day: i64) -> usize {
        self.until(day).filter(|e| e.contains_key("due") || Paper::has(e, "reopened")).count()
    }
}
