//! JSON as an invoicing system writes it, and paths into it. Numbers stay the text that they came as: an amount never
//! passes through binary fractions, and 0.1 + 0.2 is nobody's balance.

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Nothing that an invoicing system sends lies deeper; who nests deeper wants something else.
const DEEPEST: usize = 32;

/// A path has no more steps than this.
const MOST_STEPS: usize = 16;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// A number, as its text.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Table(BTreeMap<String, Json>),
}

impl Json {
    /// Reads a whole text. The error is in words, and repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Json, String> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|e| wrong(&e))?;
        tree(raw.get(), DEEPEST)
    }

    /// Whether there is nothing in it: null, an empty text or list, and `false`, which some systems write for null.
    pub fn is_empty(&self) -> bool {
        match self {
            Json::Null | Json::Bool(false) => true,
            Json::Text(text) => text.trim().is_empty(),
            Json::List(list) => list.is_empty(),
            Json::Table(table) => table.is_empty(),
            Json::Bool(true) | Json::Number(_) => false,
        }
    }

    /// Whether it is empty or the number 0, as a number or as text.
    pub fn is_nothing(&self) -> bool {
        match self {
            Json::Number(text) | Json::Text(text) => !text.bytes().any(|b| !b"0.+- ".contains(&b)),
            other => other.is_empty(),
        }
    }

    /// The value as one text: texts and numbers as they stand, true and false as words.
    pub fn word(&self) -> Option<String> {
        match self {
            Json::Number(text) | Json::Text(text) => Some(text.clone()),
            Json::Bool(truth) => Some(truth.to_string()),
            Json::Null | Json::List(_) | Json::Table(_) => None,
        }
    }

    /// What a list holds.
    pub fn list(&self) -> Option<&[Json]> {
        match self {
            Json::List(list) => Some(list),
            _ => None,
        }
    }

    /// As people look at it, cut to a length in characters.
    pub fn shown(&self, most: usize) -> String {
        let mut text = String::new();
        self.write(&mut text, most.saturating_mul(4));
        match text.char_indices().nth(most) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text,
        }
    }

    fn write(&self, out: &mut String, most: usize) {
        if out.len() > most {
            return;
        }
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Json::Number(number) => out.push_str(number),
            Json::Text(text) => {
                let end = text.floor_char_boundary(most);
                out.push_str(&serde_json::Value::from(&text[..end]).to_string());
            }
            Json::List(list) => {
                out.push('[');
                for (i, value) in list.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    value.write(out, most);
                }
                out.push(']');
            }
            Json::Table(table) => {
                out.push('{');
                for (i, (key, value)) in table.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                    out.push_str(": ");
                    value.write(out, most);
                }
                out.push('}');
            }
        }
    }
}

/// What is wrong with a text, and where, without the text.
fn wrong(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends in the middle",
        _ => "it is no JSON",
    };
    format!("{kind} (line {}, column {})", error.line(), error.column())
}

fn tree(text: &str, deepest: usize) -> Result<Json, String> {
    let Some(left) = deepest.checked_sub(1) else {
        return Err(format!("it is nested more than {DEEPEST} deep"));
    };
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let raw: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|e| wrong(&e))?;
            let entries = raw.into_iter().map(|(key, value)| Ok((key, tree(value.get(), left)?)));
            Json::Table(entries.collect::<Result<_, String>>()?)
        }
        Some(b'[') => {
            let raw: Vec<&RawValue> = serde_json::from_str(text).map_err(|e| wrong(&e))?;
            Json::List(raw.into_iter().map(|value| tree(value.get(), left)).collect::<Result<_, String>>()?)
        }
        Some(b'"') => Json::Text(serde_json::from_str(text).map_err(|e| wrong(&e))?),
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        Some(b'n') | None => Json::Null,
        Some(_) => Json::Number(text.to_owned()),
    })
}

/// A way into JSON: a JSON pointer (`/client/name`, `/lines/0`) with two words more. `*` is every element of a list or
/// every value of an object; `[key=value]` is every element of a list whose key has that value, and `[key=]` every one
/// where nothing stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Every,
    Among { key: String, is: String },
}

impl Path {
    /// The member of a table with which it begins; `None` where it begins otherwise.
    pub fn member(&self) -> Option<&str> {
        match self.steps.first() {
            Some(Step::Key(name)) => Some(name),
            _ => None,
        }
    }

    /// Reads a path; empty is the whole.
    pub fn parse(text: &str) -> Option<Path> {
        let mut steps = Vec::new();
        if !text.is_empty() {
            for part in text.strip_prefix('/')?.split('/') {
                steps.push(step(part)?);
            }
        }
        (steps.len() <= MOST_STEPS).then(|| Path { text: text.to_owned(), steps })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Everything that it leads to, in order.
    pub fn all<'j>(&self, json: &'j Json) -> Vec<&'j Json> {
        let mut found = vec![json];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.of(value)).collect();
        }
        found
    }

    /// The first thing that it leads to.
    pub fn first<'j>(&self, json: &'j Json) -> Option<&'j Json> {
        self.all(json).into_iter().next()
    }
}

fn step(part: &str) -> Option<Step> {
    if part == "*" {
        return Some(Step::Every);
    }
    if let Some(inner) = part.strip_prefix('[') {
        let (key, is) = inner.strip_suffix(']')?.split_once('=')?;
        return (!key.is_empty()).then(|| Step::Among { key: unescaped(key), is: unescaped(is) });
    }
    Some(Step::Key(unescaped(part)))
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

impl Step {
    fn of<'j>(&self, json: &'j Json) -> Vec<&'j Json> {
        match (self, json) {
            (Step::Key(key), Json::Table(table)) => table.get(key).into_iter().collect(),
            (Step::Key(key), Json::List(list)) => key.parse::<usize>().ok().and_then(|i| list.get(i)).into_iter().collect(),
            (Step::Every, Json::List(list)) => list.iter().collect(),
            (Step::Every, Json::Table(table)) => table.values().collect(),
            (Step::Among { key, is }, Json::List(list)) => {
                let fits = |value: &&Json| match value {
                    Json::Table(table) if is.is_empty() => table.get(key).is_none_or(Json::is_empty),
                    Json::Table(table) => table.get(key).and_then(Json::word).is_some_and(|word| word == *is),
                    _ => false,
                };
                list.iter().filter(fits).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(json: &str, path: &str) -> Vec<String> {
        let json = Json::parse(json).unwrap();
        Path::parse(path).unwrap().all(&json).into_iter().map(|value| value.shown(100)).collect()
    }

    #[test]
    fn numbers_stay_as_they_were_written() {
        let json = r#"{"a": 0.10000000000000000555, "b": 12345678901234567890.10, "c": 1e400}"#;
        assert_eq!(words(json, "/*"), ["0.10000000000000000555", "12345678901234567890.10", "1e400"]);
    }

    #[test]
    fn paths_lead_into_lists_and_objects() {
        let json = r#"{"client": {"contacts": [{"main": false, "email": "a"}, {"main": true, "email": "b"}]}, "x/y": 1, "list": [5, 6]}"#;
        assert_eq!(words(json, "/client/contacts/[main=true]/email"), ["\"b\""]);
        assert_eq!(words(json, "/client/contacts/[main=]/email"), ["\"a\""]);
        assert_eq!(words(json, "/client/contacts/*/email"), ["\"a\"", "\"b\""]);
        assert_eq!(words(json, "/x~1y"), ["1"]);
        assert_eq!(words(json, "/list/1"), ["6"]);
        assert!(words(json, "/list/2").is_empty() && words(json, "/client/none/email").is_empty());
        assert_eq!(Json::parse(json).unwrap(), *Path::parse("").unwrap().first(&Json::parse(json).unwrap()).unwrap());
        for bad in ["client", "/[main]", "/[=x]", "/[a=b"] {
            assert_eq!(Path::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_without_its_words() {
        assert_eq!(Json::parse("{\"secret\": ").unwrap_err(), "it ends in the middle (line 1, column 11)");
        assert_eq!(Json::parse("<html>secret").unwrap_err(), "it is no JSON (line 1, column 1)");
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        assert!(Json::parse(&deep).unwrap_err().contains("nested"));
        assert!(Json::parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn nothing_is_told_from_something() {
        for nothing in ["null", "false", "\"\"", "\" \"", "[]", "{}", "0", "\"0.00\"", "\"-0\""] {
            assert!(Json::parse(nothing).unwrap().is_nothing(), "{nothing}");
        }
        for something in ["true", "1", "\"0.01\"", "\"x\""] {
            assert!(!Json::parse(something).unwrap().is_nothing(), "{something}");
        }
        assert!(!Json::parse("0").unwrap().is_empty());
    }
}
