//! Finding words in a letter as a reader sees them: whatever their case, line ends and kind of space or apostrophe, and
//! not in what stands between the braces of a template.

use std::ops::Range;

/// Stands for a placeholder: no part of a word.
const HOLE: char = '\u{0}';

/// Words to look for.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    text: String,
    signs: Vec<char>,
    /// Any ending may follow.
    open: bool,
}

impl Phrase {
    /// Reads `word` or `word*`; nothing when there is no word.
    pub(super) fn parse(text: &str) -> Option<Phrase> {
        let (text, open) = text.trim().strip_suffix('*').map_or((text.trim(), false), |t| (t, true));
        let signs: Vec<char> = text.chars().map(plain).collect();
        (!signs.is_empty()).then(|| Phrase { text: signs.iter().collect(), signs, open })
    }
}

/// A sign of a text.
struct Sign {
    /// Its place in the file, in bytes.
    offset: usize,
    raw: char,
    /// In lower case, with one kind of space and apostrophe.
    plain: char,
}

/// A text, sign by sign. Runs of white space are one space.
pub(super) struct Text {
    signs: Vec<Sign>,
    /// The plain signs once more: most phrases are nowhere in it, which is quickly seen.
    plain: String,
}

impl Text {
    /// A template: what stands between braces is a hole.
    pub(super) fn of_template(source: &str) -> Text {
        let mut text = Text { signs: Vec::with_capacity(source.len()), plain: String::with_capacity(source.len()) };
        let mut rest = 0;
        while let Some((start, close)) = next_tag(source, rest) {
            text.add(source, rest..start);
            text.push(start, HOLE);
            rest = source[start + 2..].find(close).map_or(source.len(), |n| start + 2 + n + close.len());
        }
        text.add(source, rest..source.len());
        text
    }

    /// A letter as it leaves.
    pub(super) fn of_letter(letter: &str) -> Text {
        let mut text = Text { signs: Vec::with_capacity(letter.len()), plain: String::with_capacity(letter.len()) };
        text.add(letter, 0..letter.len());
        text
    }

    fn add(&mut self, source: &str, range: Range<usize>) {
        for (i, c) in source[range.clone()].char_indices() {
            let c = if c.is_whitespace() { ' ' } else { c };
            if c != ' ' || self.signs.last().is_none_or(|last| last.raw != ' ') {
                self.push(range.start + i, c);
            }
        }
    }

    fn push(&mut self, offset: usize, raw: char) {
        let plain = plain(raw);
        self.signs.push(Sign { offset, raw, plain });
        self.plain.push(plain);
    }

    /// How many signs there are.
    pub(super) fn len(&self) -> usize {
        self.signs.len()
    }

    /// A sign.
    pub(super) fn raw(&self, i: usize) -> Option<char> {
        self.signs.get(i).map(|s| s.raw)
    }

    /// The place of a sign in the file, in bytes.
    pub(super) fn offset(&self, i: usize) -> usize {
        self.signs.get(i).map_or(0, |s| s.offset)
    }

    /// The signs of a span.
    pub(super) fn words(&self, span: &Range<usize>) -> String {
        self.signs.get(span.clone()).unwrap_or_default().iter().map(|s| s.raw).collect()
    }

    /// Every span where one of the phrases stands.
    pub(super) fn all(&self, phrases: &[Phrase]) -> Vec<Range<usize>> {
        let here: Vec<&Phrase> = phrases.iter().filter(|p| self.plain.contains(&p.text)).collect();
        if here.is_empty() {
            return Vec::new();
        }
        let starts = (0..self.len()).filter(|i| *i == 0 || !self.is_word(i - 1));
        starts.flat_map(|i| here.iter().filter_map(move |p| self.at(i, p))).collect()
    }

    fn at(&self, start: usize, phrase: &Phrase) -> Option<Range<usize>> {
        let end = start + phrase.signs.len();
        let here = self.signs.get(start..end)?;
        if !here.iter().zip(&phrase.signs).all(|(sign, wanted)| sign.plain == *wanted) {
            return None;
        }
        let rest = (end..self.len()).take_while(|i| self.is_word(*i)).count();
        (rest == 0 || phrase.open).then_some(start..end + rest)
    }

    fn is_word(&self, i: usize) -> bool {
        self.raw(i).is_some_and(char::is_alphanumeric)
    }
}

/// The next tag of a template, and what ends it.
pub(super) fn next_tag(source: &str, from: usize) -> Option<(usize, &'static str)> {
    let bytes = source.as_bytes();
    let close = |i: usize| match (bytes[i], bytes.get(i + 1)) {
        (b'{', Some(b'{')) => Some("}}"),
        (b'{', Some(b'%')) => Some("%}"),
        (b'{', Some(b'#')) => Some("#}"),
        _ => None,
    };
    (from..bytes.len()).find_map(|i| Some((i, close(i)?)))
}

/// Lower case, with one kind of space and apostrophe.
fn plain(c: char) -> char {
    match c {
        '\u{2019}' | '\u{2018}' => '\'',
        c if c.is_whitespace() => ' ',
        c => c.to_lowercase().next().unwrap_or(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, phrases: &[&str]) -> Vec<String> {
        let phrases: Vec<Phrase> = phrases.iter().filter_map(|p| Phrase::parse(p)).collect();
        let text = Text::of_template(text);
        text.all(&phrases).iter().map(|span| format!("{}@{}", text.words(span), text.offset(span.start))).collect()
    }

    #[test]
    fn whole_words_in_any_form() {
        assert_eq!(found("La Mise\u{a0}en\ndemeure.", &["mise en demeure"]), ["Mise en demeure@3"]);
        assert_eq!(found("courts, court and discourt", &["court"]), ["court@8"]);
        assert_eq!(found("courts and court", &["court*"]), ["courts@0", "court@11"]);
        assert_eq!(found("l’huissier", &["huissier*"]), ["huissier@4"]);
        assert_eq!(found("MAHNUNGEN", &["mahnung*"]), ["MAHNUNGEN@0"]);
    }

    #[test]
    fn what_stands_in_braces_is_no_text() {
        assert_eq!(found("{# court #}{% if court %}{{ court }}{% endif %}", &["court"]), Vec::<String>::new());
        assert_eq!(found("in {{ x }} court", &["in court"]), Vec::<String>::new());
        assert_eq!(found("{{ never closed court", &["court"]), Vec::<String>::new());
    }
}
