//! A request that came to the listener, as bytes and as the fields that stand in it. Nothing in here is believed yet.

use crate::config::gateway::Method;
use crate::config::hook::{Came, Part};
use serde_json::Value;

/// The most fields that are looked at; who sends more of them is no gateway.
const MOST_FIELDS: usize = 100;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// The whole URL as the world sees it, query included: the proxy may have changed what we see.
    pub url: &'a str,
    /// Its method; `None`: one that no gateway uses.
    pub method: Option<Method>,
    /// The headers that somebody asks for, by name in lower case. What is no text is left out.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The body.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.trim())
    }

    /// The query of the URL, as it stands.
    pub fn query(&self) -> &str {
        self.url.split_once('?').map(|(_, query)| query).unwrap_or_default()
    }

    /// Whether the body says that it is of a kind.
    pub fn is(&self, kind: &str) -> bool {
        let said = self.header("content-type").unwrap_or_default();
        said.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
    }
}

/// The fields of a request, decoded.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Those of the query, in order.
    pub query: Vec<(String, String)>,
    /// Those of a form.
    pub form: Vec<(String, String)>,
    /// A JSON body.
    pub json: Option<Value>,
}

impl Fields {
    /// Takes a request apart; `None` when it is too much, or not what its header says.
    pub fn of(request: &Request) -> Option<Fields> {
        let query = pairs(request.query().as_bytes())?;
        let form = match request.is("application/x-www-form-urlencoded") {
            true => pairs(request.body)?,
            false => Vec::new(),
        };
        let json = match request.is("application/json") && !request.body.is_empty() {
            true => Some(serde_json::from_slice(request.body).ok().filter(Value::is_object)?),
            false => None,
        };
        Some(Fields { query, form, json })
    }

    /// A field by its name, or by a JSON pointer, in those parts that a gateway uses. An empty one is there.
    pub fn get(&self, came: &Came, name: &str) -> Option<String> {
        let named = |pairs: &[(String, String)]| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        came.parts.iter().find_map(|part| match part {
            Part::Query => named(&self.query),
            Part::Form => named(&self.form),
            Part::Json => {
                let json = self.json.as_ref()?;
                text(if name.starts_with('/') { json.pointer(name)? } else { json.get(name)? })
            }
        })
    }

    /// Everything that has a name, as a digest over sorted fields sees it.
    pub fn all(&self) -> Vec<(String, String)> {
        let object = self.json.as_ref().and_then(Value::as_object).into_iter().flatten();
        let json = object.filter_map(|(name, value)| Some((name.clone(), text(value)?)));
        self.query.iter().chain(&self.form).cloned().chain(json).collect()
    }
}

/// A value that is one word or number; nothing else is a field.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `a=b&c=d`, decoded.
fn pairs(text: &[u8]) -> Option<Vec<(String, String)>> {
    let parts: Vec<&[u8]> = text.split(|b| *b == b'&').filter(|p| !p.is_empty()).take(MOST_FIELDS + 1).collect();
    let pair = |part: &&[u8]| {
        let at = part.iter().position(|b| *b == b'=');
        let (name, value) = at.map_or((*part, &[][..]), |at| (&part[..at], &part[at + 1..]));
        (decoded(name), decoded(value))
    };
    (parts.len() <= MOST_FIELDS).then(|| parts.iter().map(pair).collect())
}

/// What `%41` and `+` stand for; what is no UTF-8 is shown as such.
fn decoded(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => {
                let figure = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
                figure(high).zip(figure(low)).map(|(high, low)| high << 4 | low)
            }
            _ => None,
        };
        out.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = &after[if escaped.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded_and_too_many_fields_are_none() {
        let read = |text: &str| pairs(text.as_bytes()).map(|p| p.iter().map(|(n, v)| format!("{n}:{v}")).collect::<Vec<_>>());
        assert_eq!(read("a=1&b=x+y%2B%c3%a9&c&=d&&%zz=%4").unwrap(), ["a:1", "b:x y+é", "c:", ":d", "%zz:%4"]);
        assert!(read(&"a=1&".repeat(MOST_FIELDS)).is_some() && read(&"a=1&".repeat(MOST_FIELDS + 1)).is_none());
    }
}
