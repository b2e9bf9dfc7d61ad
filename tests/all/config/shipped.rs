//! Everything that is shipped: it passes `check`, nothing is forgotten, and each letter says what it must.

use super::{GOOD, Tree};
use relance::config::bundled;
use relance::domain::gsm::segments;
use relance::letter::{Letters, View, sample_view};
use std::path::Path;

const LANGUAGES: [&str; 4] = ["fr", "nl", "de", "en"];
const NAMES: [&str; 4] = ["courtesy", "reminder", "firm", "final"];

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
    let all = [bundled::CALENDARS, bundled::CADENCES, bundled::GATEWAYS, bundled::LETTERS, &[bundled::ZONES]].concat();
    all.iter().fold(Tree::new(GOOD), |tree, (path, text)| tree.file(path, text)).tells(&[]);
}

#[test]
fn no_file_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiled = [bundled::CALENDARS, bundled::CADENCES, bundled::GATEWAYS, bundled::LETTERS].concat();
    let mut compiled: Vec<String> = compiled.iter().map(|(path, _)| (*path).to_owned()).collect();
    let mut found = Vec::new();
    for (folder, prefix) in [("config", ""), ("templates/letters", "letters/")] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            for file in std::fs::read_dir(&entry).unwrap() {
                found.push(format!("{prefix}{name}/{}", file.unwrap().file_name().to_string_lossy()));
            }
        }
    }
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
        for name in NAMES {
            for variant in 0..4 {
                let view = view(&letters, language, variant);
                let mail = letters.mail(language, name, &view).unwrap();
                let sms = letters.sms(language, name, &view).unwrap();
                for text in [&mail.subject, &mail.text, &mail.html, &sms] {
                    assert!(
                        !text.trim().is_empty() && !text.contains('\u{e000}') && !text.contains("{{"),
                        "{language}/{name}: {text}"
                    );
                }
                assert!(!mail.subject.contains('\n') && !sms.contains('\n') && !mail.subject.contains("  "), "{language}/{name}");
                assert!(!mail.text.contains("\n\n\n"), "{language}/{name}: {}", mail.text);
            }
        }
    }
}

#[test]
fn every_letter_names_what_a_payer_needs() {
    let letters = letters();
    for language in LANGUAGES {
        let labels = letters.labels(language).unwrap();
        for name in NAMES {
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
        for name in NAMES {
            let view = view(&letters, language, 0);
            let mail = letters.mail(language, name, &view).unwrap();
            let sms = letters.sms(language, name, &view).unwrap();
            let times = |text: &str| text.to_lowercase().matches(word).count();
            let wanted = usize::from(name == "final");
            assert_eq!((times(&mail.text), times(&sms), times(&mail.subject)), (wanted, wanted, 0), "{language}/{name}");
        }
    }
}

#[test]
fn a_letter_quotes_the_heading_that_it_refers_to() {
    let letters = letters();
    for language in LANGUAGES {
        let labels = letters.labels(language).unwrap();
        for name in NAMES {
            let (path, text) = bundled::LETTERS.iter().find(|(p, _)| *p == format!("letters/{language}/{name}.md")).unwrap();
            let heading = labels.text(&format!("section_asked_{name}"));
            let sentence = text.split("{%- if other_stages %}").nth(1).and_then(|rest| rest.split("{%- endif %}").next());
            let sentence = sentence.unwrap_or_else(|| panic!("{path} has no sentence for other stages"));
            let quoted = ["‘", "“", "„", "« "].iter().any(|open| sentence.contains(&format!("{open}{heading}")));
            let quoted =
                quoted || sentence.contains(&format!("«\u{a0}{heading}")) || sentence.contains(&format!("«\u{202f}{heading}"));
            assert!(quoted, "{path} does not quote \"{heading}\": {sentence}");
        }
    }
}

#[test]
fn to_a_person_subject_and_sms_say_nothing_of_a_debt() {
    let letters = letters();
    for language in LANGUAGES {
        for name in NAMES {
            for variant in [2, 3] {
                let view = view(&letters, language, variant);
                assert!(!view.debtor.business);
                let mail = letters.mail(language, name, &view).unwrap();
                let sms = letters.sms(language, name, &view).unwrap();
                for text in [&mail.subject, &sms] {
                    assert!(!text.contains(&view.sum) && !text.contains(['€', '$']), "{language}/{name}: {text}");
                    assert!(!text.contains(&view.invoice.due_on), "{language}/{name}: {text}");
                }
                assert!(!sms.contains(&view.invoice.number), "{language}/{name}: {sms}");
            }
        }
    }
}

#[test]
fn an_sms_stays_within_two_segments() {
    let letters = letters();
    for language in LANGUAGES {
        for name in NAMES {
            for variant in 0..4 {
                let sms = letters.sms(language, name, &view(&letters, language, variant)).unwrap();
                let count = segments(&sms);
                assert!(count.count <= 2, "{language}/{name} takes {count:?}: {sms}");
            }
        }
    }
}
