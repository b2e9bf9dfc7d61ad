//! grave.toml: the words in answers after which a person has to read.

use super::node::Node;
use super::problem::Problems;
use super::section::Section;
use crate::domain::grave::{Grave, GraveWords};

/// The longest phrase, and the most of one kind and language.
const LONGEST: usize = 80;
const MOST: usize = 200;

/// Reads the file; what is wrong is noted.
pub(super) fn read(root: &Node, problems: &Problems) -> GraveWords {
    let top = Section::new("", root, problems);
    let mut words = GraveWords::default();
    for about in Grave::ALL {
        let Some(table) = top.section(about.as_str()) else {
            if !top.has(about.as_str()) {
                top.missing(about.as_str(), "a table of languages, each with a list of words");
            }
            continue;
        };
        for (language, at, _) in table.free() {
            if language.len() != 2 || !language.bytes().all(|b| b.is_ascii_lowercase()) {
                table.problem_at(at, format!("\"{language}\": wanted a language, such as \"fr\""));
            }
            let phrases = table.texts(language, "words");
            if phrases.len() > MOST {
                table.problem_at(at, format!("\"{language}\" has {} entries; wanted at most {MOST}", phrases.len()));
            }
            for (at, phrase) in phrases.iter().take(MOST) {
                if phrase.chars().count() > LONGEST || !words.add(about, phrase) {
                    table.problem_at(at, format!("\"{phrase}\": wanted a word or a few, of at most {LONGEST} characters"));
                }
            }
        }
        table.finish();
    }
    top.finish();
    words
}
