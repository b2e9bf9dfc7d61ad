//! Reading a table key by key: each key is asked for once, each wrong value is noted, and what nobody
//! asked for is an unknown key.

use super::node::{Node, Value};
use super::problem::{At, Problems};
use std::cell::RefCell;

/// A table being read.
pub struct Section<'a> {
    name: String,
    at: At,
    entries: &'a [(String, At, Node)],
    asked: RefCell<Vec<String>>,
    misplaced: RefCell<Vec<String>>,
    problems: &'a Problems,
}

impl<'a> Section<'a> {
    /// Begins to read a node as a table; notes a problem if it is none.
    pub fn new(name: &str, node: &'a Node, problems: &'a Problems) -> Section<'a> {
        let entries: &[(String, At, Node)] = match &node.value {
            Value::Table(entries) => entries,
            other => {
                problems.add(&node.at, format!("wanted a table for {name}, found {}", other.kind()));
                &[]
            }
        };
        let (asked, misplaced) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        Section { name: name.to_owned(), at: node.at.clone(), entries, asked, misplaced, problems }
    }

    /// The place of the table.
    pub fn at(&self) -> &At {
        &self.at
    }

    /// The place of a key, or of the table when the key is missing.
    pub fn at_key(&self, key: &str) -> At {
        self.entries.iter().find(|e| e.0 == key).map_or_else(|| self.at.clone(), |e| e.1.clone())
    }

    /// Notes a problem at a key.
    pub fn problem(&self, key: &str, text: impl Into<String>) {
        self.problems.add(&self.at_key(key), text);
    }

    /// Notes a problem at a place inside the table.
    pub fn problem_at(&self, at: &At, text: impl Into<String>) {
        self.problems.add(at, text);
    }

    /// Text under a key, as it stands and without a word about it.
    pub fn word(&self, key: &str) -> Option<String> {
        self.entries.iter().find(|e| e.0 == key).and_then(|e| match &e.2.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// The node of a key.
    pub fn node(&self, key: &str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(key.to_owned());
        self.entries.iter().find(|e| e.0 == key).map(|e| &e.2)
    }

    /// A table under a key.
    pub fn section(&self, key: &str) -> Option<Section<'a>> {
        let node = self.node(key)?;
        let name = if self.name.is_empty() { format!("[{key}]") } else { format!("{}.{key}", self.name) };
        Some(Section::new(&name, node, self.problems))
    }

    /// A table that stands elsewhere, such as in a list of texts and tables.
    pub(super) fn below(&self, name: &str, node: &'a Node) -> Section<'a> {
        Section::new(name, node, self.problems)
    }

    /// Where problems are noted, for what is seen only when the table has been read.
    pub(super) fn teller(&self) -> &'a Problems {
        self.problems
    }

    /// Text under a key.
    pub fn text(&self, key: &str, wanted: &str) -> Option<String> {
        self.parse(key, wanted, |s| Some(s.to_owned()))
    }

    /// Text that must be there.
    pub fn required(&self, key: &str, wanted: &str) -> Option<String> {
        if !self.has(key) {
            self.missing(key, wanted);
        }
        self.text(key, wanted).and_then(|text| {
            if text.trim().is_empty() {
                self.problem(key, format!("\"{key}\" is empty; wanted {wanted}"));
                return None;
            }
            Some(text)
        })
    }

    /// Notes that a key is missing.
    pub fn missing(&self, key: &str, wanted: &str) {
        let place = if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) };
        self.problems.add(&self.at, format!("\"{key}\" is missing{place}; wanted {wanted}"));
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.asked.borrow_mut().push(key.to_owned());
        self.entries.iter().any(|e| e.0 == key)
    }

    /// Text under a key, turned into something by `read`; `wanted` says what would have been right.
    pub fn parse<T>(&self, key: &str, wanted: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) => {
                let value = read(text.trim());
                if value.is_none() {
                    self.problems.add(&node.at, format!("\"{key}\" is \"{text}\"; wanted {wanted}"));
                }
                value
            }
            other => {
                self.problems.add(&node.at, format!("\"{key}\" is {}; wanted {wanted}, in quotation marks", other.kind()));
                None
            }
        }
    }

    /// Like [`Section::parse`], with the reader saying itself what was wanted.
    pub fn parse_with<T>(&self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key, "text")?;
        read(text.trim()).map_err(|why| self.problem(key, format!("\"{key}\" is \"{text}\": {why}"))).ok()
    }

    /// A whole number within bounds. Environment variables give it as text.
    pub fn integer(&self, key: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let node = self.node(key)?;
        let value = match &node.value {
            Value::Integer(i) => Some(*i),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        };
        let value = value.filter(|v| range.contains(v));
        if value.is_none() {
            let wanted = format!("\"{key}\": wanted a whole number from {} to {}", range.start(), range.end());
            self.problems.add(&node.at, wanted);
        }
        value
    }

    /// true or false. Environment variables give it as text.
    pub fn bool(&self, key: &str) -> Option<bool> {
        let node = self.node(key)?;
        match &node.value {
            Value::Bool(b) => Some(*b),
            Value::Text(t) if t == "true" || t == "false" => Some(t == "true"),
            other => {
                self.problems.add(&node.at, format!("\"{key}\" is {}; wanted true or false", other.kind()));
                None
            }
        }
    }

    /// A text or a list of texts.
    pub fn texts(&self, key: &str, wanted: &str) -> Vec<(At, String)> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let text = |item: &Node| match &item.value {
            Value::Text(t) => Some((item.at.clone(), t.clone())),
            other => {
                self.problems.add(&item.at, format!("\"{key}\" holds {}; wanted {wanted}", other.kind()));
                None
            }
        };
        items.iter().filter_map(text).collect()
    }

    /// A text or a list of texts, each turned into something by `read`.
    pub fn words<T: PartialEq>(&self, key: &str, wanted: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        for (at, text) in self.texts(key, wanted) {
            match read(text.trim()) {
                Some(value) if !found.contains(&value) => found.push(value),
                Some(_) => self.problems.add(&at, format!("\"{key}\" names \"{text}\" twice")),
                None => self.problems.add(&at, format!("\"{key}\" names \"{text}\"; wanted {wanted}")),
            }
        }
        found
    }

    /// The tables of a list such as `[[step]]`.
    pub fn tables(&self, key: &str) -> Vec<Section<'a>> {
        match self.node(key).map(|n| (n, &n.value)) {
            None => Vec::new(),
            Some((_, Value::List(items))) => {
                items.iter().map(|item| Section::new(&format!("[[{key}]]"), item, self.problems)).collect()
            }
            Some((node, other)) => {
                self.problems.add(&node.at, format!("\"{key}\" is {}; wanted [[{key}]] tables", other.kind()));
                Vec::new()
            }
        }
    }

    /// Tells of a key, where it is there, that it has no meaning beside another; it is then not told as unknown as well.
    pub fn misplaced(&self, key: &str, text: &str) {
        if let Some((_, at, _)) = self.entries.iter().find(|e| e.0 == key) {
            self.misplaced.borrow_mut().push(key.to_owned());
            self.problems.add(at, format!("unknown key \"{key}\" in {}: {text}", self.name));
        }
    }

    /// Every key with its value, for tables whose keys are free.
    pub fn free(&self) -> &'a [(String, At, Node)] {
        self.asked.borrow_mut().extend(self.entries.iter().map(|e| e.0.clone()));
        self.entries
    }

    /// Ends the reading: what nobody asked for is unknown.
    pub fn finish(self) {
        let mut known = self.asked.into_inner();
        known.sort();
        known.dedup();
        let told = self.misplaced.into_inner();
        for (key, at, _) in self.entries.iter().filter(|e| !known.contains(&e.0) && !told.contains(&e.0)) {
            let place = if self.name.is_empty() { "here".to_owned() } else { format!("in {}", self.name) };
            self.problems.add(at, format!("unknown key \"{key}\" {place}; wanted one of: {}", known.join(", ")));
        }
    }
}
