//! An event before it takes a form: its message and its fields, each masked, on one line and of bounded length.

use crate::domain::mask::masked;
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::{Debug, Write as _};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// A value has at most so many bytes.
const LONGEST: usize = 4096;

/// An event has at most so many fields.
const MOST: usize = 24;

/// An event.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    pub(super) level: Level,
    /// What happened, in words.
    pub(super) message: String,
    /// Its code first, then figures and codes.
    pub(super) fields: Vec<(&'static str, Value)>,
}

impl Line {
    /// Takes in an event.
    pub(super) fn of(event: &Event<'_>, at: Timestamp) -> Line {
        let mut line = Line { at, level: *event.metadata().level(), message: String::new(), fields: Vec::new() };
        event.record(&mut line);
        // What a library has to say bears no code; then at least it is known which one it was.
        let target = event.metadata().target();
        if !target.starts_with("relance") {
            line.put("library", Value::String(tame(target)));
        }
        line
    }

    fn put(&mut self, name: &'static str, value: Value) {
        if self.fields.len() < MOST {
            self.fields.push((name, value));
        }
    }

    fn text(&mut self, field: &Field, text: &str) {
        match field.name() {
            "message" => self.message = tame(text),
            name => self.put(name, Value::String(tame(text))),
        }
    }

    /// The message with all that belongs to it: `ledger read rows=12`.
    pub(super) fn sentence(&self) -> String {
        let mut sentence = self.message.clone();
        for (name, value) in self.fields.iter().filter(|(name, _)| *name != "event") {
            let told = match value {
                Value::String(text) if text.is_empty() || (text.contains(' ') && !text.contains('"')) => {
                    write!(sentence, " {name}=\"{text}\"")
                }
                Value::String(text) => write!(sentence, " {name}={text}"),
                other => write!(sentence, " {name}={other}"),
            };
            debug_assert!(told.is_ok(), "a text takes whatever is written into it");
        }
        sentence.trim_start().to_owned()
    }
}

impl Visit for Line {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

/// Words that can do no harm in a log: without addresses, without what would begin another line, move the cursor or turn
/// the direction of writing, and not too long.
fn tame(text: &str) -> String {
    let hidden = masked(text);
    let turns = |c: char| matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out: String = hidden.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect();
    if out.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
        out.truncate(end);
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::tame;

    #[test]
    fn words_of_others_are_one_line_without_addresses() {
        assert_eq!(tame("550 <a@b.example>\r\nBcc: x\u{1b}[0m\u{202e}y"), "550 <***@b.example>  Bcc: x [0m y");
        let long = tame(&"é".repeat(4096));
        assert!(long.len() <= 4096 + '…'.len_utf8() && long.ends_with('…'));
    }
}
