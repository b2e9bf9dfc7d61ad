//! The words by which somebody wants no more SMS: data, by language, and only when the message is that and nothing else.

use super::node::Node;
use super::problem::Problems;
use super::section::Section;
use std::collections::BTreeSet;

/// The words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopWords(BTreeSet<String>);

impl StopWords {
    /// Whether a message is one of the words, whatever its case and the signs around it.
    pub fn has(&self, text: &str) -> bool {
        // Nothing so long is one of them.
        text.len() <= 200 && self.0.contains(&bare(text))
    }
}

/// Words in capitals with one space between them, without the signs around them.
fn bare(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words = words.map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()).to_uppercase()).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Reads `stop.toml`: a list of words for each language.
pub(super) fn read(root: &Node, problems: &Problems) -> StopWords {
    let top = Section::new("", root, problems);
    let mut words = BTreeSet::new();
    for (language, _, _) in top.free() {
        for (at, word) in top.texts(language, "words that end SMS") {
            let bare = bare(&word);
            if bare.is_empty() {
                top.problem_at(&at, "an empty word; wanted words that end SMS, such as \"STOP\"");
                continue;
            }
            words.insert(bare);
        }
    }
    top.finish();
    StopWords(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::bundled;

    fn shipped() -> StopWords {
        let problems = Problems::default();
        let words = read(&Node::parse(bundled::STOP.0, bundled::STOP.1, &problems), &problems);
        assert!(problems.is_empty());
        words
    }

    #[test]
    fn a_word_alone_ends_sms_and_none_in_a_sentence_does() {
        let words = shipped();
        for stop in [
            "STOP",
            "stop",
            " Stop. ",
            "«STOP»",
            "ARRÊT",
            "arret",
            "Stop all",
            "STOP\n ALL!",
            "Afmelden",
            "Abmelden",
            "stopp",
            "unsubscribe",
        ] {
            assert!(words.has(stop), "{stop}");
        }
        for other in ["", "!", "Please stop writing, I paid on Friday", "stop it", "Non", "stopper", &"STOP ".repeat(100)] {
            assert!(!words.has(other), "{other}");
        }
    }
}
