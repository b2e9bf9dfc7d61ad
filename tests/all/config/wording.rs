//! The letters that are shipped, whole, as their readers get them: to a firm, to a person and to somebody of unknown
//! kind, about one invoice and about several at different stages, with and without all that may be known.

use super::{GOOD, Tree};
use jiff::civil::date;
use relance::config::Setup;
use relance::domain::step::Rank;
use relance::letter::{Letters, sample_at, sample_view};

const LANGUAGES: [&str; 4] = ["fr", "nl", "de", "en"];

fn read() -> (Setup, Letters) {
    Tree::new(GOOD).read().map_err(|e| e.join("\n")).unwrap()
}

/// Each sample under a line that says which, subject first.
fn whole(letter: &str, rank: Option<Rank>, variants: &[usize]) {
    let (setup, letters) = read();
    for language in LANGUAGES {
        let mut text = String::new();
        for variant in variants {
            let mut view = sample_at(letters.labels(language).unwrap(), *variant, rank);
            if !view.law.is_empty() {
                view.law = letters.law(&setup.law, "BE", language, date(2026, 11, 20), &[]);
            }
            let mail = letters.mail(language, letter, &view).unwrap();
            text.push_str(&format!("=== sample {variant}\nSubject: {}\n\n{}\n", mail.subject, mail.text));
        }
        insta::assert_snapshot!(format!("{language}_{letter}"), text);
    }
}

#[test]
fn courtesy() {
    whole("courtesy", Some(Rank::Courtesy), &[0, 1, 2, 6, 7]);
}

#[test]
fn reminder() {
    whole("reminder", Some(Rank::Reminder), &[0, 1, 2, 3, 4, 6, 7]);
}

#[test]
fn firm() {
    whole("firm", Some(Rank::Firm), &[0, 1, 6, 7]);
}

#[test]
fn last_before_the_formal_notice() {
    whole("final", Some(Rank::Final), &[0, 1, 6, 7]);
}

#[test]
fn consumer_courtesy() {
    whole("consumer-courtesy", Some(Rank::Courtesy), &[4, 5]);
}

#[test]
fn consumer_first() {
    whole("consumer-first", Some(Rank::Reminder), &[4, 5, 2]);
}

#[test]
fn consumer_second() {
    whole("consumer-second", Some(Rank::Firm), &[4, 5, 2]);
}

#[test]
fn public_enquiry() {
    whole("public-enquiry", Some(Rank::Reminder), &[0, 1, 6, 7]);
}

#[test]
fn key_account() {
    whole("key-account", Some(Rank::Reminder), &[0, 1, 6]);
}

#[test]
fn texts() {
    let (_, letters) = read();
    for language in LANGUAGES {
        let mut text = String::new();
        for letter in ["courtesy", "reminder", "firm", "final", "consumer-nudge"] {
            let variants: &[usize] = if letter == "consumer-nudge" { &[4] } else { &[0, 1, 2, 6] };
            for variant in variants {
                let sms = letters.sms(language, letter, &sample_view(letters.labels(language).unwrap(), *variant)).unwrap();
                text.push_str(&format!("{letter} {variant}: {sms}\n"));
            }
        }
        insta::assert_snapshot!(format!("{language}_sms"), text);
    }
}
