//! A TOML file as a tree that remembers where each value stands.

use super::problem::{At, Problems};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub at: At,
    /// What it is.
    pub value: Value,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A fraction.
    Float(f64),
    /// true or false.
    Bool(bool),
    /// A date or time, as written.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table: key, place of the key, value.
    Table(Vec<(String, At, Node)>),
}

impl Value {
    /// What people call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "text",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a fraction",
            Value::Bool(_) => "true or false",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl Node {
    /// Parses a file; every syntax error is noted with its place, and what could be read is returned.
    pub fn parse(file: &str, text: &str, problems: &Problems) -> Node {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or_else(|| At::start(file), |span| At::offset(file, text, span.start));
            problems.add(&at, format!("this is not TOML: {}", error.message().trim()));
        }
        Node { at: At::start(file), value: Value::Table(entries(file, text, table.get_ref())) }
    }

    /// The value at a path of keys, with the place of its key.
    pub fn find(&self, path: &[&str]) -> Option<(&At, &Node)> {
        let (first, rest) = path.split_first()?;
        let Value::Table(entries) = &self.value else { return None };
        let (_, at, node) = entries.iter().find(|(key, _, _)| key == first)?;
        if rest.is_empty() { Some((at, node)) } else { node.find(rest) }
    }
}

fn entries(file: &str, text: &str, table: &DeTable<'_>) -> Vec<(String, At, Node)> {
    let mut entries: Vec<(String, At, Node)> = table
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), At::offset(file, text, key.span().start), node(file, text, value)))
        .collect();
    entries.sort_by(|a, b| a.1.cmp(&b.1));
    entries
}

fn node(file: &str, text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    let kind = match value.get_ref() {
        DeValue::String(s) => Value::Text(s.to_string()),
        DeValue::Integer(i) => i64::from_str_radix(&i.as_str().replace('_', ""), i.radix())
            .map_or_else(|_| Value::Text(i.as_str().to_owned()), Value::Integer),
        DeValue::Float(f) => f.as_str().parse().map_or_else(|_| Value::Text(f.as_str().to_owned()), Value::Float),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Datetime(d) => Value::Date(d.to_string()),
        DeValue::Array(list) => Value::List(list.iter().map(|v| node(file, text, v)).collect()),
        DeValue::Table(table) => Value::Table(entries(file, text, table)),
    };
    Node { at: At::offset(file, text, value.span().start), value: kind }
}
