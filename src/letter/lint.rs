//! Words that letters should not say (rule R23): threats, labels, what is kept for the formal notice, "last" too early or
//! too often, and an account written in by hand. The words are data, letters/lint.toml.

use super::phrase::{Phrase, Text};
use crate::config::LetterSource;
use crate::config::node::Node;
use crate::config::problem::{At, Problems};
use crate::config::section::Section;
use crate::domain::country::is_country;
use crate::domain::step::Rank;
use std::collections::BTreeMap;

/// The rules.
#[derive(Debug, Default)]
pub(super) struct Lint {
    pub(super) rules: Vec<Rule>,
}

/// A rule with its words by language.
#[derive(Debug)]
pub(super) struct Rule {
    error: bool,
    below: Option<Rank>,
    pub(super) once: bool,
    why: String,
    words: BTreeMap<String, Vec<Phrase>>,
    unless: BTreeMap<String, Vec<Phrase>>,
}

/// From which steps a letter leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// The lowest rank of the steps that name it; `None` is a note, below all.
    Steps(Option<Rank>),
    /// No step names it: it cannot leave, and rules that go by rank say nothing.
    Nowhere,
}

impl Lint {
    /// Reads lint.toml.
    pub(super) fn read(source: &LetterSource, problems: &Problems) -> Lint {
        let root = Node::parse(&source.file, &source.text, problems);
        let top = Section::new("", &root, problems);
        let rules = top.tables("rule").into_iter().filter_map(rule).collect();
        top.finish();
        Lint { rules }
    }

    /// Notes what a letter says that it should not. `text` is the file as it stands.
    pub(super) fn weigh(&self, language: &str, source: &LetterSource, used: Use, problems: &Problems) {
        let text = Text::of_template(&source.text);
        let at = |offset: usize| At::offset(&source.file, &source.text, offset);
        for (offset, account) in accounts(&text) {
            problems.add(&at(offset), format!("\"{account}\" is an account written by hand; wanted {{{{ creditor.iban }}}}"));
        }
        for rule in self.rules.iter().filter(|r| r.holds_for(used)) {
            for (offset, word) in rule.found(language, &text) {
                rule.tell(&at(offset), &format!("\"{word}\": {}", rule.why), problems);
            }
        }
    }
}

impl Rule {
    fn holds_for(&self, used: Use) -> bool {
        match (self.below, used) {
            (None, _) => true,
            (Some(_), Use::Nowhere) => false,
            (Some(below), Use::Steps(rank)) => rank < Some(below),
        }
    }

    /// Notes a problem with the weight of the rule.
    pub(super) fn tell(&self, at: &At, text: &str, problems: &Problems) {
        if self.error { problems.add(at, text) } else { problems.warn(at, text) }
    }

    /// Every place in a text where one of its words stands, and the word as it stands there.
    pub(super) fn found(&self, language: &str, text: &Text) -> Vec<(usize, String)> {
        let of = |list: &BTreeMap<String, Vec<Phrase>>| list.get(language).map(|l| text.all(l)).unwrap_or_default();
        let spared = of(&self.unless);
        let mut found = of(&self.words);
        found.retain(|span| !spared.iter().any(|s| s.start <= span.start && span.end <= s.end));
        found.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        // Of words within words only the longest is told.
        let mut end = 0;
        found.retain(|span| {
            let new = span.start >= end;
            end = end.max(span.end);
            new
        });
        found.into_iter().map(|span| (text.offset(span.start), text.words(&span))).collect()
    }
}

fn rule(s: Section) -> Option<Rule> {
    s.required("name", "a name for the rule");
    let why = s.required("why", "why not, and what was wanted");
    let wanted = "\"error\" or \"warning\"";
    if !s.has("weight") {
        s.missing("weight", wanted);
    }
    let error = s.parse("weight", wanted, |t| match t {
        "error" => Some(true),
        "warning" => Some(false),
        _ => None,
    });
    let below = s.parse("below", &format!("one of: {}", Rank::ALL.map(Rank::as_str).join(", ")), Rank::parse);
    let once = s.bool("once").unwrap_or(false);
    let words = phrases(&s, "words");
    if words.is_empty() {
        s.missing("words", "a table with the words in each language");
    }
    let unless = phrases(&s, "unless");
    s.finish();
    Some(Rule { error: error?, below, once, why: why?, words, unless })
}

fn phrases(s: &Section, key: &str) -> BTreeMap<String, Vec<Phrase>> {
    let Some(table) = s.section(key) else { return BTreeMap::new() };
    let languages: Vec<String> = table.free().iter().map(|(language, _, _)| language.clone()).collect();
    let list = |language: &String| table.texts(language, "words").into_iter().filter_map(|(_, t)| Phrase::parse(&t)).collect();
    languages.iter().map(|language| (language.clone(), list(language))).collect()
}

/// What has the form of an IBAN: a country's code, two figures, then groups of up to four letters and figures, in all 15
/// to 34 signs of which ten at least are figures. One that is mistyped is worse than a right one, so no sum is checked.
fn accounts(text: &Text) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < text.len() {
        match account_at(text, i) {
            Some(end) => {
                found.push((text.offset(i), text.words(&(i..end))));
                i = end;
            }
            None => i += 1,
        }
    }
    found
}

/// The end of the account that begins here.
fn account_at(text: &Text, start: usize) -> Option<usize> {
    let sign = |i: usize| text.raw(i).filter(char::is_ascii_alphanumeric);
    let figure = |i: usize| sign(i).is_some_and(|c| c.is_ascii_digit());
    let begins = start == 0 || !text.raw(start - 1).is_some_and(char::is_alphanumeric);
    if !begins || !figure(start + 2) || !figure(start + 3) {
        return None;
    }
    let code: String = [sign(start)?, sign(start + 1)?].iter().collect();
    if !is_country(&code) {
        return None;
    }
    let (mut i, mut signs, mut figures, mut end) = (start, 0, 0, start);
    while let Some(c) = text.raw(i).filter(|_| signs < 34) {
        if c.is_ascii_digit() || c.is_ascii_uppercase() {
            (signs, figures, end) = (signs + 1, figures + usize::from(c.is_ascii_digit()), i + 1);
        } else if !(matches!(c, ' ' | '-' | '.') && sign(i + 1).is_some_and(|n| n.is_ascii_digit() || n.is_ascii_uppercase())) {
            break;
        }
        i += 1;
    }
    (signs >= 15 && figures >= 10).then_some(end)
}
