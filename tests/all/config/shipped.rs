//! Everything that is shipped: it passes `check`, nothing is forgotten, and each letter says what it must.

use super::{GOOD, Tree};
use relance::config::bundled;
use relance::domain::gsm::segments;
use relance::domain::step::Rank;
use relance::letter::{Letters, VARIANTS, View, sample_at, sample_view};
use std::path::Path;

const LANGUAGES: [&str; 4] = ["fr", "nl", "de", "en"];
const NAMES: [&str; 4] = ["courtesy", "reminder", "firm", "final"];
const CONSUMER: [&str; 3] = ["consumer-courtesy", "consumer-first", "consumer-second"];

/// Every letter that goes by mail, and every SMS.
fn mails() -> Vec<&'static str> {
    [&NAMES[..], &CONSUMER, &["public-enquiry", "key-account"]].concat()
}

fn texts() -> Vec<&'static str> {
    [&NAMES[..], &["consumer-nudge"]].concat()
}

fn letters() -> Letters {
    Tree::new(GOOD).read().map_err(|e| e.join("\n")).unwrap().1
}

fn view(letters: &Letters, language: &str, variant: usize) -> View {
    sample_view(letters.labels(language).unwrap(), variant)
}

#[test]
fn all_of_it_passes_check() {
    for (gateway, country) in [("kannel", "BE"), ("twilio", "GB"), ("kannel", "IE"), ("kannel", "CH")] {
        let text = GOOD.replace("\"BE\"", &format!("\"{country}\""));
        Tree::new(&format!("{text}\n[sms]\ngateway = \"{gateway}\"\nurl = \"https://sms.example\"\n")).tells(&[]);
    }
    for language in LANGUAGES {
        Tree::but("language = \"fr\"", &format!("language = \"{language}\"")).tells(&[]);
    }
    // As files of one's own they pass as well: that is how one begins to change them.
    let all = [
        bundled::CALENDARS,
        bundled::CADENCES,
        bundled::GATEWAYS,
        bundled::SOURCES,
        bundled::LAW,
        bundled::LETTERS,
        bundled::REPORT,
        &[bundled::ZONES, bundled::GRAVE, bundled::REACH],
    ]
    .concat();
    all.iter().fold(Tree::new(GOOD), |tree, (path, text)| tree.file(path, text)).tells(&[]);
}

#[test]
fn no_file_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiled =
        [bundled::CALENDARS, bundled::CADENCES, bundled::GATEWAYS, bundled::LAW, bundled::LETTERS, bundled::SOURCES].concat();
    let mut compiled: Vec<String> = compiled.iter().map(|(path, _)| (*path).to_owned()).collect();
    let mut found = Vec::new();
    for (folder, prefix) in [("config", ""), ("templates/letters", "letters/")] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            for file in std::fs::read_dir(&entry).unwrap().filter(|f| f.as_ref().unwrap().path().is_file()) {
                found.push(format!("{prefix}{name}/{}", file.unwrap().file_name().to_string_lossy()));
            }
        }
    }
    found.push("letters/lint.toml".to_owned());
    for file in std::fs::read_dir(root.join("config/cadences/tests")).unwrap() {
        found.push(format!("cadences/tests/{}", file.unwrap().file_name().to_string_lossy()));
    }
    compiled.extend(bundled::CADENCE_TESTS.iter().map(|(path, _)| (*path).to_owned()));
    compiled.extend(bundled::SCHEMAS.iter().map(|schema| schema.path.to_owned()));
    compiled.sort();
    found.sort();
    assert_eq!(found, compiled);
}

#[test]
fn every_country_with_a_calendar_has_a_zone() {
    let setup = Tree::new(GOOD).setup();
    assert!(setup.calendars.keys().all(|country| setup.zones.contains_key(country)));
    assert_eq!(setup.zones["BE"].iana_name(), Some("Europe/Brussels"));
}

#[test]
fn every_letter_can_be_made_from_every_sample() {
    let letters = letters();
    for language in LANGUAGES {
        for variant in 0..VARIANTS {
            let view = view(&letters, language, variant);
            let whole = |text: &str, name: &str| {
                let made = !text.trim().is_empty() && !text.contains('\u{e000}') && !text.contains("{{");
                assert!(made && !text.contains(" ,") && !text.contains("  ."), "{language}/{name}: {text}");
            };
            for name in mails() {
                let mail = letters.mail(language, name, &view).unwrap();
                [&mail.subject, &mail.text, &mail.html].into_iter().for_each(|text| whole(text, name));
                assert!(!mail.subject.contains('\n') && !mail.subject.contains("  "), "{language}/{name}");
                assert!(!mail.text.contains("\n\n\n"), "{language}/{name}: {}", mail.text);
            }
            for name in texts() {
                let sms = letters.sms(language, name, &view).unwrap();
                whole(&sms, name);
                assert!(!sms.contains('\n'), "{language}/{name}");
            }
        }
    }
}

#[test]
fn every_letter_names_what_a_payer_needs() {
    let letters = letters();
    for language in LANGUAGES {
        let labels = letters.labels(language).unwrap();
        for name in [&NAMES[..], &CONSUMER, &["public-enquiry"]].concat() {
            let view = view(&letters, language, 0);
            let mail = letters.mail(language, name, &view).unwrap();
            let iban = "BE71\u{a0}0961\u{a0}2345\u{a0}6769";
            let mut needed = vec![
                view.invoice.number.as_str(),
                &view.invoice.issued_on,
                &view.invoice.due_on,
                &view.sum,
                iban,
                "+++010/8068/17183+++",
                "https://pay.canal.example/F-1031",
                "compta@canal.example",
                "Atelier du Canal SRL",
            ];
            let late = labels.late(view.days_late);
            needed.extend([late.as_str(), &view.payments_until]);
            for text in needed {
                assert!(!text.is_empty() && mail.text.contains(text), "{language}/{name} lacks \"{text}\":\n{}", mail.text);
                assert!(mail.html.contains(text), "{language}/{name} lacks \"{text}\" in HTML:\n{}", mail.html);
            }
        }
    }
}

/// A courtesy speaks of payments only where it shows what they have changed or not: part payments, credits, late rows.
#[test]
fn a_courtesy_about_an_untouched_invoice_says_nothing_of_payments() {
    let letters = letters();
    for language in LANGUAGES {
        let mut view = view(&letters, language, 0);
        view.payments_shown = false;
        let mail = letters.mail(language, "courtesy", &view).unwrap();
        assert!(!mail.text.contains(&view.payments_until), "{language}: {}", mail.text);
    }
}

#[test]
fn labels_stand_apart_from_their_values() {
    let letters = letters();
    for (language, colon) in [("fr", "\u{a0}: "), ("nl", ": "), ("de", ": "), ("en", ": ")] {
        let mail = letters.mail(language, "reminder", &view(&letters, language, 0)).unwrap();
        for label in ["  IBAN", "  F-1031"] {
            assert!(mail.text.contains(&format!("{label}{colon}")), "{language}: {}", mail.text);
        }
    }
}

#[test]
fn day_and_month_are_not_torn_apart() {
    let letters = letters();
    for language in LANGUAGES {
        let date = letters.labels(language).unwrap().date(jiff::civil::date(2026, 11, 8));
        assert!(date.starts_with("8\u{a0}") || date.starts_with("8.\u{a0}"), "{language}: {date}");
    }
}

#[test]
fn an_sms_to_a_firm_names_invoice_date_amount_and_account() {
    let letters = letters();
    for (language, due) in [("fr", "08/11/2026"), ("nl", "08-11-2026"), ("de", "08.11.2026"), ("en", "8 Nov 2026")] {
        for name in NAMES {
            let one = letters.sms(language, name, &view(&letters, language, 0)).unwrap();
            for text in
                ["F-1031", due, "850", "IBAN BE71 0961 2345 6769", "+++010/8068/17183+++", "https://pay.canal.example/F-1031"]
            {
                assert!(one.contains(text), "{language}/{name} lacks {text}: {one}");
            }
            let many = letters.sms(language, name, &view(&letters, language, 1)).unwrap();
            assert!(many.contains("F-1031, F-1036") && many.contains("IBAN BE71"), "{language}/{name}: {many}");
        }
    }
}

/// "Last" is said where it is true, and once.
#[test]
fn only_the_final_letter_says_last() {
    let letters = letters();
    for (language, word) in [("fr", "dernier rappel"), ("nl", "laatste"), ("de", "letzte"), ("en", "last reminder")] {
        let view = view(&letters, language, 0);
        let times = |text: &str| text.to_lowercase().matches(word).count();
        for name in mails() {
            let mail = letters.mail(language, name, &view).unwrap();
            assert_eq!((times(&mail.text), times(&mail.subject)), (usize::from(name == "final"), 0), "{language}/{name}");
        }
        for name in texts() {
            let sms = letters.sms(language, name, &view).unwrap();
            assert_eq!(times(&sms), usize::from(name == "final"), "{language}/{name}");
        }
    }
}

#[test]
fn a_letter_quotes_the_heading_that_it_refers_to() {
    let letters = letters();
    for (language, open, close) in [("fr", "«\u{a0}", "\u{a0}»"), ("nl", "‘", "’"), ("de", "„", "“"), ("en", "‘", "’")]
    {
        for rank in [None, Some(Rank::Courtesy), Some(Rank::Reminder), Some(Rank::Firm), Some(Rank::Final)] {
            let view = sample_at(letters.labels(language).unwrap(), 1, rank);
            for name in mails().into_iter().filter(|name| *name != "key-account") {
                let text = letters.mail(language, name, &view).unwrap().text;
                assert!(text.contains(&format!("{open}{}{close}", view.heading)), "{language}/{name}: {text}");
                assert!(text.lines().any(|line| line == view.heading), "{language}/{name}: {text}");
            }
        }
    }
}

#[test]
fn to_a_person_subject_and_sms_say_nothing_of_a_debt() {
    let letters = letters();
    for language in LANGUAGES {
        for variant in [2, 3, 4, 5] {
            let view = view(&letters, language, variant);
            assert!(!view.debtor.business);
            let silent = |text: &str, name: &str| {
                assert!(!text.contains(&view.sum) && !text.contains(['€', '$']), "{language}/{name}: {text}");
                assert!(!text.contains(&view.invoice.due_on), "{language}/{name}: {text}");
            };
            for name in [&NAMES[..], &CONSUMER].concat() {
                silent(&letters.mail(language, name, &view).unwrap().subject, name);
            }
            for name in texts() {
                let sms = letters.sms(language, name, &view).unwrap();
                silent(&sms, name);
                assert!(!sms.contains(&view.invoice.number), "{language}/{name}: {sms}");
            }
        }
    }
}

/// Whoever is not known to be a firm is told nothing of a law between firms.
#[test]
fn the_law_between_firms_is_told_to_firms() {
    let letters = letters();
    for language in LANGUAGES {
        let mut view = view(&letters, language, 0);
        view.law = "Art. 441.".to_owned();
        for name in mails() {
            let text = letters.mail(language, name, &view).unwrap().text;
            assert_eq!(text.contains("Art. 441."), name == "firm", "{language}/{name}: {text}");
        }
    }
}

#[test]
fn an_sms_stays_within_two_segments() {
    let letters = letters();
    for language in LANGUAGES {
        for name in texts() {
            for variant in 0..VARIANTS {
                let sms = letters.sms(language, name, &view(&letters, language, variant)).unwrap();
                let count = segments(&sms);
                assert!(count.count <= 2, "{language}/{name} takes {count:?}: {sms}");
            }
        }
    }
}
