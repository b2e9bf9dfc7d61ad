//! Letters: templates of anybody's making, and shipped ones with values of anybody's making.

use super::settings::setup;
use super::text;
use relance::config::LetterSource;
use relance::config::problem::Problems;
use relance::domain::tame::tamed;
use relance::letter::{Letters, VARIANTS, View, sample_view};
use std::sync::OnceLock;

/// The shipped letters.
fn shipped() -> &'static Letters {
    static LETTERS: OnceLock<Letters> = OnceLock::new();
    LETTERS.get_or_init(|| Letters::new(&setup().letters, "fr", &Problems::default()))
}

/// The words around English letters, beside which any letter can be made.
fn around() -> &'static [LetterSource] {
    static AROUND: OnceLock<Vec<LetterSource>> = OnceLock::new();
    let wanted = |l: &&LetterSource| matches!(l.name.as_str(), "en/labels.toml" | "lint.toml");
    AROUND.get_or_init(|| setup().letters.iter().filter(wanted).cloned().collect())
}

/// A letter of anybody's making: read or refused, made or not, never without end and never without bound.
pub fn letter(data: &[u8]) {
    let text = text(data);
    let named = |name: &str| LetterSource { name: name.to_owned(), file: name.to_owned(), text: text.clone() };
    let problems = Problems::default();
    let sources = [around(), &[named("en/reminder.md"), named("en/reminder.sms")]].concat();
    let letters = Letters::new(&sources, "en", &problems);
    let Some(labels) = letters.labels("en") else { return };
    for variant in 0..VARIANTS {
        let view = sample_view(labels, variant);
        if let Ok(mail) = letters.mail("en", "reminder", &view) {
            assert!(!mail.subject.contains(['\r', '\n']));
            assert!(mail.html.len() <= 16 << 20 && mail.text.len() <= 16 << 20);
        }
        if let Ok(sms) = letters.sms("en", "reminder", &view) {
            assert!(!sms.contains(['\r', '\n']) && sms.len() <= 16 << 20);
        }
    }
}

/// Shipped letters, with a customer, a person and numbers of any name: the letter says what it says, and has not one tag more.
pub fn values(data: &[u8]) {
    let value = tamed(&text(data)).trim().chars().take(500).collect::<String>();
    if value.is_empty() {
        return;
    }
    for (language, letter) in [("fr", "reminder"), ("de", "firm"), ("en", "consumer-first"), ("nl", "final")] {
        let Some(labels) = shipped().labels(language) else { continue };
        let variant = data.len() % VARIANTS;
        let (plain, mut hostile) = (sample_view(labels, variant), sample_view(labels, variant));
        put(&mut hostile, &value);
        let plain = shipped().mail(language, letter, &plain).unwrap();
        let mail = shipped().mail(language, letter, &hostile).unwrap();
        assert_eq!(tags(&mail.html), tags(&plain.html), "{value:?}");
        assert!(!mail.subject.contains(['\r', '\n']));
        assert!(!mail.text.contains("{{") || value.contains("{{"));
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(hostile.person.name.is_empty() || words(&mail.text).contains(&words(&value)) || !plain.text.contains("Anne"));
    }
}

fn put(view: &mut View, value: &str) {
    for field in
        [&mut view.debtor.name, &mut view.person.name, &mut view.invoice.number, &mut view.numbers, &mut view.invoice.po_number]
    {
        if !field.is_empty() {
            *field = value.to_owned();
        }
    }
}

/// The tags of a page, comments and all.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).collect()
}
