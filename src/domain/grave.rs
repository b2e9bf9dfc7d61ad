//! Words in what a person writes after which nothing may go on by itself: insolvency, debt mediation, a death, a lawyer. Which
//! words those are is data. What is found holds a case for a person to read; it sets no state.

use super::inbound::MOST_TEXT;

/// What a person's words may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grave {
    /// Somebody has died.
    Death,
    /// Bankruptcy, reorganisation, liquidation.
    Insolvency,
    /// Mediation or collective settlement of debts.
    Mediation,
    /// A lawyer speaks, or is about to.
    Lawyer,
}

impl Grave {
    /// All of them; where words speak of several, the first counts.
    pub const ALL: [Grave; 4] = [Grave::Death, Grave::Insolvency, Grave::Mediation, Grave::Lawyer];

    /// The word in the data file, in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Grave::Death => "death",
            Grave::Insolvency => "insolvency",
            Grave::Mediation => "mediation",
            Grave::Lawyer => "lawyer",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Grave> {
        Grave::ALL.into_iter().find(|g| g.as_str() == text)
    }
}

/// The words, in any languages together: nobody says in which language an answer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraveWords(Vec<(Grave, Phrase)>);

/// Some words, folded; whole words, or the beginning of the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Phrase {
    words: String,
    open: bool,
}

impl GraveWords {
    /// Adds a phrase; one that ends in `*` also finds longer words. `false`: there is no word in it.
    pub fn add(&mut self, about: Grave, phrase: &str) -> bool {
        let (phrase, open) = match phrase.trim().strip_suffix('*') {
            Some(beginning) => (beginning, true),
            None => (phrase, false),
        };
        let words = folded(phrase);
        let good = words.chars().any(char::is_alphanumeric);
        if good {
            self.0.push((about, Phrase { words: words.trim().to_owned(), open }));
        }
        good
    }

    /// What a person's words speak of, if of any of this; only the words of whoever wrote, without what is quoted.
    pub fn grave(&self, text: &str) -> Option<Grave> {
        let beginning: String = text.chars().take(MOST_TEXT).collect();
        let text = folded(&beginning);
        self.0.iter().filter(|(_, phrase)| phrase.stands_in(&text)).map(|(about, _)| *about).min()
    }
}

impl Phrase {
    fn stands_in(&self, text: &str) -> bool {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        text.match_indices(&self.words).any(|(at, found)| {
            let begins = !letter(text[..at].chars().next_back());
            begins && (self.open || !letter(text[at + found.len()..].chars().next()))
        })
    }
}

/// Small letters without accents, one space between words: people write `decede` for `décédé`.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'à' | 'á' | 'â' | 'ã' | 'å' => out.push('a'),
            'ç' => out.push('c'),
            'è' | 'é' | 'ê' | 'ë' => out.push('e'),
            'ì' | 'í' | 'î' | 'ï' => out.push('i'),
            'ñ' => out.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' => out.push('o'),
            'ù' | 'ú' | 'û' => out.push('u'),
            'ä' => out.push_str("ae"),
            'ö' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            'œ' => out.push_str("oe"),
            // An accent that stands by itself.
            '\u{300}'..='\u{36f}' => {}
            '\u{2018}' | '\u{2019}' | '\u{2bc}' => out.push('\''),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> GraveWords {
        let mut words = GraveWords::default();
        for (about, phrase) in [
            (Grave::Death, "décédé"),
            (Grave::Insolvency, "faillit*"),
            (Grave::Insolvency, "zahlungsunfähig"),
            (Grave::Lawyer, "mon  avocat"),
        ] {
            assert!(words.add(about, phrase));
        }
        words
    }

    #[test]
    fn words_are_found_whole_in_any_spelling() {
        let words = words();
        for (text, about) in [
            ("Mon mari est DECEDE hier.", Some(Grave::Death)),
            ("de\u{301}ce\u{301}de\u{301}", Some(Grave::Death)),
            ("La société est en faillite.", Some(Grave::Insolvency)),
            ("Wir sind zahlungsunfaehig!", Some(Grave::Insolvency)),
            ("voyez mon\n\tavocat, qui est décédé", Some(Grave::Death)),
            ("J'ai payé hier.", None),
            ("prédécédés", None),
            ("mon avocatier", None),
            ("", None),
        ] {
            assert_eq!(words.grave(text), about, "{text}");
        }
    }

    #[test]
    fn a_phrase_without_a_word_is_none() {
        let mut words = GraveWords::default();
        for empty in ["", " ", "*", " - "] {
            assert!(!words.add(Grave::Death, empty), "{empty:?}");
        }
        assert_eq!(words.grave("- * anything"), None);
    }

    #[test]
    fn names_read_back() {
        assert!(Grave::ALL.into_iter().all(|g| Grave::parse(g.as_str()) == Some(g)));
    }
}
