//! Words in several languages, as cadences have them: which languages there may be, and which there must be.

use super::node::{Node, Value};
use super::section::Section;
use crate::domain::spoken::{FALLBACK, Spoken, forms};
use std::collections::{BTreeMap, BTreeSet};

/// The languages that a cadence may speak.
#[derive(Clone, Debug)]
pub(super) struct Tongues {
    /// Those that have letters.
    known: BTreeSet<String>,
    /// The creditor's own; none while that is not known, and a problem of its own.
    own: Option<String>,
}

impl Tongues {
    /// The languages that have letters, and the creditor's as relance.toml says it.
    pub(super) fn new<'a>(known: impl Iterator<Item = &'a str>, root: Option<&Node>) -> Tongues {
        let own = root.and_then(|r| r.find(&["creditor", "language"])).and_then(|(_, node)| match &node.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        });
        Tongues { known: known.map(str::to_owned).collect(), own }
    }

    /// The creditor's language.
    pub(super) fn own(&self) -> &str {
        self.own.as_deref().unwrap_or(FALLBACK)
    }

    /// Words under a key: a text, or a table of languages. `fits` says what is wrong with a text, if anything is.
    pub(super) fn read(&self, s: &Section, key: &str, wanted: &str, fits: fn(&str) -> Option<&'static str>) -> Option<Spoken> {
        let node = s.node(key)?;
        let good = |node: &Node| match &node.value {
            Value::Text(text) if text.trim().is_empty() => {
                s.problem_at(&node.at, format!("\"{key}\" is empty; wanted {wanted}"));
                None
            }
            Value::Text(text) => match fits(text) {
                Some(wrong) => {
                    s.problem_at(&node.at, format!("\"{key}\" is \"{text}\"; wanted {wrong}"));
                    None
                }
                None => Some(text.clone()),
            },
            other => {
                let kind = other.kind();
                s.problem_at(
                    &node.at,
                    format!("\"{key}\" is {kind}; wanted {wanted}, or a table of languages such as {{ en = \"…\", fr = \"…\" }}"),
                );
                None
            }
        };
        let Value::Table(_) = &node.value else { return good(node).map(Spoken::Plain) };
        let mut texts = BTreeMap::new();
        let mut wrong = false;
        for (language, at, node) in s.section(key)?.free() {
            let (lower, base) = forms(language);
            if !self.known.contains(&lower) && !self.known.contains(&base) {
                let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
                let known = known.join(", ");
                s.problem_at(at, format!("\"{key}\" names the language \"{language}\"; wanted one with letters: {known}"));
                wrong = true;
            }
            match good(node) {
                Some(text) => {
                    if texts.insert(lower, text).is_some() {
                        s.problem_at(at, format!("\"{key}\" has the language \"{language}\" twice"));
                        wrong = true;
                    }
                }
                None => wrong = true,
            }
        }
        let spoken = Spoken::By(texts);
        if let Some(own) = self.own.as_deref().filter(|own| !wrong && !spoken.serves(own)) {
            s.problem(
                key,
                format!(
                    "\"{key}\" has no words in your language, \"{own}\", and none in \"{FALLBACK}\" to stand in; wanted one of them"
                ),
            );
            wrong = true;
        }
        (!wrong).then_some(spoken)
    }
}
