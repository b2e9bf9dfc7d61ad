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

/// Who owes more at a firmer stage is not told that the rest was overlooked, nor that there is nothing more to do (R5).
#[test]
fn nothing_is_called_overlooked_beside_what_is_at_a_firmer_stage() {
    let (_, letters) = read();
    for (language, overlooked, nothing) in [
        ("fr", "échappé", "vous n’avez rien à faire\u{a0}: inutile"),
        ("nl", "ontsnapt", "hoeft u niets te doen"),
        ("de", "entgangen", "brauchen Sie nichts weiter zu tun"),
        ("en", "overlooked", "nothing more to do"),
    ] {
        let labels = letters.labels(language).unwrap();
        let text = |letter: &str, variant: usize, rank| {
            letters.mail(language, letter, &sample_at(labels, variant, Some(rank))).unwrap().text
        };
        // Of a firm of which all is known one is at a firmer stage; of the other all are at the same.
        assert!(text("reminder", 7, Rank::Reminder).contains(overlooked), "{language}");
        assert!(!text("reminder", 1, Rank::Reminder).contains(overlooked), "{language}");
        assert!(text("courtesy", 0, Rank::Courtesy).contains(nothing), "{language}");
        assert!(!text("courtesy", 1, Rank::Courtesy).contains(nothing), "{language}");
        assert!(!text("consumer-courtesy", 5, Rank::Courtesy).contains(nothing), "{language}");
        let first = [4, 5].map(|variant| text("consumer-first", variant, Rank::Reminder));
        let light = ["simple oubli", "ontgaan", "entgangen", "slipped your mind"];
        assert_eq!(first.map(|t| light.iter().any(|l| t.contains(l))), [true, false], "{language}");
    }
}

/// Whoever owes at several stages sees at once what is to be paid now, and what all of it comes to (R5).
#[test]
fn several_stages_begin_with_their_sums() {
    let (_, letters) = read();
    let all = [
        (
            "fr",
            "En un coup d’œil",
            ["Montant demandé dans ce message", "Total échu à ce jour", "Total de tout ce qui figure ici"],
            "1 800,00 €",
        ),
        (
            "nl",
            "In één oogopslag",
            ["In dit bericht gevraagd bedrag", "Totaal vervallen", "Totaal van alles in dit overzicht"],
            "€ 1.800,00",
        ),
        (
            "de",
            "Auf einen Blick",
            ["In dieser Nachricht erbetener Betrag", "Überfällig insgesamt", "Summe aller aufgeführten Posten"],
            "1.800,00 €",
        ),
        ("en", "At a glance", ["Amount asked for in this message", "Overdue in all", "Total of all items listed"], "€1,800.00"),
    ];
    for (language, title, lines, asked) in all {
        let labels = letters.labels(language).unwrap();
        let mail = |variant| letters.mail(language, "firm", &sample_at(labels, variant, Some(Rank::Firm))).unwrap();
        let (one, several) = (mail(0), mail(1));
        assert!(!one.text.contains(title) && !one.text.contains(lines[0]), "{language}");
        let text = several.text.replace(['\u{a0}', '\u{202f}'], " ");
        let sums =
            [asked.to_owned(), asked.replace("1", "2").replace("800", "860"), asked.replace("1", "6").replace("800", "140")];
        for (label, sum) in lines.iter().zip(sums) {
            let line = text.lines().find(|l| l.trim_start().starts_with(label)).unwrap_or_else(|| panic!("{label}\n{text}"));
            assert!(line.ends_with(&sum), "{line}: {sum}");
        }
        assert!(text.find(title).unwrap() < text.find("F-1031").unwrap() && several.html.contains("items glance"), "{text}");
    }
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
