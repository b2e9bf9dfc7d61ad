//! Words that whoever writes a cadence writes for people, in one language for all or in several.

use std::collections::BTreeMap;

/// What stands in for a language that has no words of its own.
pub const FALLBACK: &str = "en";

/// A text for people: the same for everybody, or one for each language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// For everybody.
    Plain(String),
    /// By language, in lower case such as `fr` or `nl-be`; never empty.
    By(BTreeMap<String, String>),
}

/// A language in lower case, and its base: `nl-be` and `nl`.
pub fn forms(language: &str) -> (String, String) {
    let lower = language.trim().to_ascii_lowercase().replace('_', "-");
    let base = lower.split('-').next().unwrap_or_default().to_owned();
    (lower, base)
}

impl Spoken {
    /// The text in a language: its own, that of its base language, else English; where there is none of these, any.
    pub fn in_language(&self, language: &str) -> &str {
        match self {
            Spoken::Plain(text) => text,
            Spoken::By(texts) => {
                let (lower, base) = forms(language);
                let found = [lower.as_str(), base.as_str(), FALLBACK].into_iter().find_map(|l| texts.get(l));
                found.or_else(|| texts.values().next()).map(String::as_str).unwrap_or_default()
            }
        }
    }

    /// Whether somebody who speaks a language has words here: their own, or those that stand in for them.
    pub fn serves(&self, language: &str) -> bool {
        match self {
            Spoken::Plain(_) => true,
            Spoken::By(texts) => {
                let (lower, base) = forms(language);
                [lower.as_str(), base.as_str(), FALLBACK].into_iter().any(|l| texts.contains_key(l))
            }
        }
    }

    /// Whether it says these very words in some language.
    pub fn says(&self, text: &str) -> bool {
        match self {
            Spoken::Plain(own) => own == text,
            Spoken::By(texts) => texts.values().any(|own| own == text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Spoken {
        Spoken::By([("fr".to_owned(), "relance".to_owned()), ("en".to_owned(), "reminder".to_owned())].into())
    }

    #[test]
    fn a_language_has_its_own_words_or_its_bases_or_english() {
        for (language, text) in
            [("fr", "relance"), ("fr-BE", "relance"), ("FR_be", "relance"), ("it", "reminder"), ("en", "reminder")]
        {
            assert_eq!(two().in_language(language), text, "{language}");
        }
        assert_eq!(Spoken::Plain("x".to_owned()).in_language("fr"), "x");
        let only = Spoken::By([("fr".to_owned(), "relance".to_owned())].into());
        assert_eq!((only.in_language("nl"), only.serves("nl"), only.serves("fr-BE")), ("relance", false, true));
        assert!(two().says("relance") && !two().says("rappel"));
    }
}
