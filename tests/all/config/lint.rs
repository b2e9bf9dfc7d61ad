//! Words that letters should not say: each class in each language, with its place, and nothing of it in what is shipped.

use super::{GOOD, Tree};
use crate::support::STANDARD;
use relance::config::bundled;

/// A cadence whose steps of each rank use a letter of their own.
const CADENCE: &str = "name = \"own\"\n\
    [[step]]\nid = \"early\"\nrank = \"courtesy\"\nwhen = \"5 days before due\"\nchannel = \"email\"\n\
    [[step]]\nid = \"friendly\"\nrank = \"reminder\"\nwhen = \"5 days after due\"\nchannel = \"email\"\n\
    [[step]]\nid = \"clear\"\nrank = \"firm\"\nwhen = \"8 days after friendly\"\nchannel = \"email\"\n\
    [[step]]\nid = \"closing\"\nrank = \"final\"\nwhen = \"7 days after clear\"\nchannel = \"email\"\n\
    [[step]]\nid = \"notice\"\nrank = \"formal\"\nwhen = \"7 days after closing\"\nchannel = \"email\"\n";

const STEPS: [&str; 5] = ["early", "friendly", "clear", "closing", "notice"];

/// A configuration in whose letters only one says something, in a language.
fn saying(step: &str, language: &str, words: &str) -> Tree {
    let mut tree = Tree::new(GOOD).file("cadences/own.toml", CADENCE);
    for name in STEPS {
        tree = tree.file(&format!("letters/fr/{name}.md"), "subject: x\n\nx\n");
    }
    tree.file(&format!("letters/{language}/{step}.md"), &format!("subject: x\n\n{{{{ sum }}}} {words}.\n"))
}

/// What is told of it: errors, then warnings, from the file's name on.
fn told(tree: &Tree) -> Vec<String> {
    match tree.read() {
        Err(errors) => errors.into_iter().map(|e| format!("error {e}")).collect(),
        Ok((_, letters)) => letters
            .warnings
            .iter()
            .map(|w| w.to_string())
            .map(|w| format!("warning {}", w.find("letters/").or(w.find("cadences/")).map_or(w.as_str(), |i| &w[i..])))
            .collect(),
    }
}

/// The words begin behind `{{ sum }} `.
#[track_caller]
fn is_told(step: &str, language: &str, words: &str, weight: &str) {
    let found = told(&saying(step, language, words));
    let wanted = format!("{weight} letters/{language}/{step}.md:3:11: \"{words}\": ");
    assert!(found.iter().any(|line| line.starts_with(&wanted)), "{step} {language} {words}: {found:?}");
}

#[track_caller]
fn is_fine(step: &str, language: &str, words: &str) {
    let found = told(&saying(step, language, words));
    assert_eq!(found, Vec::<String>::new(), "{step} {language} {words}");
}

#[test]
fn threats_stop_everything_below_the_formal_notice() {
    for (language, words) in [
        ("fr", ["huissier", "saisie", "tribunal"]),
        ("nl", ["gerechtsdeurwaarder", "beslag leggen", "rechtbank"]),
        ("de", ["Gerichtsvollzieherin", "Pfändung", "vor Gericht"]),
        ("en", ["bailiffs", "seizure", "to court"]),
    ] {
        for word in words {
            is_told("closing", language, word, "error");
        }
        is_told("early", language, words[0], "error");
        is_fine("notice", language, words[0]);
    }
    is_fine("closing", "fr", "une erreur de saisie, à court terme");
    is_fine("closing", "en", "the short version, a courteous note, with love from Sue");
    is_fine("closing", "nl", "in de rechter kolom");
}

#[test]
fn a_blacklist_stops_everything_everywhere() {
    for (language, word) in [("fr", "liste noire"), ("nl", "zwarte lijst"), ("de", "Schwarze Liste"), ("en", "blacklist")] {
        is_told("early", language, word, "error");
        is_told("notice", language, word, "error");
    }
}

#[test]
fn nobody_is_labelled() {
    for (language, word) in [("fr", "mauvais payeur"), ("nl", "wanbetaler"), ("de", "schlechter Zahler"), ("en", "bad payer")] {
        is_told("clear", language, word, "warning");
        is_told("notice", language, word, "warning");
    }
}

#[test]
fn words_of_the_formal_notice_stay_in_it() {
    for (language, name, act) in [
        ("fr", "mise en demeure", "mettons en demeure"),
        ("nl", "ingebrekestelling", "in gebreke gesteld"),
        ("de", "Mahnung", "setzen Sie in Verzug"),
        ("en", "formal notice", "hereby demand"),
    ] {
        is_told("clear", language, name, "warning");
        is_fine("closing", language, name);
        is_told("closing", language, act, "warning");
        is_fine("notice", language, act);
    }
}

#[test]
fn nobody_else_is_announced_early_and_no_reserve_is_made() {
    for (language, other, reserve) in [
        ("fr", "société de recouvrement", "sous toutes réserves"),
        ("nl", "incassobureau", "onder voorbehoud van alle rechten"),
        ("de", "Inkassobüro", "ohne Anerkennung einer Rechtspflicht"),
        ("en", "debt collectors", "without prejudice"),
    ] {
        is_told("friendly", language, other, "warning");
        is_told("friendly", language, reserve, "warning");
        is_fine("notice", language, reserve);
    }
}

#[test]
fn last_is_said_at_the_end_and_once() {
    for (language, word) in [("fr", "dernier"), ("nl", "laatste"), ("de", "letzte"), ("en", "last")] {
        is_told("clear", language, word, "warning");
        is_fine("closing", language, word);
        let twice = format!("{word} x {word}");
        let found = told(&saying("closing", language, &twice));
        let at = 11 + word.len() + 3;
        assert_eq!(
            found,
            [format!("warning letters/{language}/closing.md:3:{at}: \"{word}\" comes 2 times in this letter; wanted it once")]
        );
        let branches = format!("{{% if single %}}{word}{{% else %}}{word}{{% endif %}}");
        is_fine("closing", language, &branches);
    }
    is_fine("clear", "fr", "le mois dernier");
    is_fine("clear", "de", "in der letzten Woche");
}

#[test]
fn last_is_said_by_one_step_of_a_cadence() {
    let tree = saying("closing", "fr", "dernier rappel").file("letters/fr/notice.md", "subject: x\n\nnotre dernier mot\n");
    let text = "the steps \"closing\" and \"notice\" both say that it is the last time; wanted it once";
    assert_eq!(told(&tree), [format!("warning cadences/own.toml:23:1: {text}")]);
}

#[test]
fn an_account_comes_from_the_configuration() {
    let by_hand = "is an account written by hand; wanted {{ creditor.iban }}";
    for account in [
        "BE71 0961 2345 6769",
        "BE71096123456769",
        "NL91ABNA0417164300",
        "FR76-3000-6000-0112-3456-7890-189",
        "DE00 1234 5678 9012 3456 00",
    ] {
        for language in ["fr", "it"] {
            let labels = bundled::LETTERS.iter().find(|(name, _)| *name == "letters/fr/labels.toml").unwrap().1;
            let tree = saying("notice", language, account).file(&format!("letters/{language}/labels.toml"), labels);
            assert_eq!(told(&tree), [format!("error letters/{language}/notice.md:3:11: \"{account}\" {by_hand}")]);
        }
    }
    Tree::new(GOOD)
        .file("letters/fr/reminder.sms", "{{ creditor.name }} {{ creditor.iban }} LU28 0019 4006 4475 0000")
        .tells(&[&format!("letters/fr/reminder.sms:1:41: \"LU28 0019 4006 4475 0000\" {by_hand}")]);
    is_fine("notice", "fr", "TVA BE 0123.456.749, DE123456789, NL123456789B01, réf. +++010/8068/17183+++");
}

#[test]
fn in_subjects_and_texts_and_only_where_it_can_leave() {
    let tree = |file: &str, text: &str| told(&Tree::new(GOOD).file("cadences/standard.toml", STANDARD).file(file, text));
    assert_eq!(tree("letters/fr/reminder.md", "subject: Huissier {{ sum }}\n\nx\n").len(), 1);
    assert_eq!(tree("letters/fr/reminder.sms", "avant saisie").len(), 1);
    assert_eq!(tree("letters/fr-BE/reminder.sms", "avant saisie").len(), 2, "and it has no labels");
    assert_eq!(tree("letters/fr/spare.md", "subject: x\n\nhuissier\n"), Vec::<String>::new(), "no step names it");
}

#[test]
fn words_of_ones_own() {
    let rule = "[[rule]]\nname = \"own\"\nweight = \"warning\"\nwhy = \"no\"\n[rule.words]\nfr = [\"girafe\"]\n";
    let tree = saying("closing", "fr", "huissier, girafe").file("letters/lint.toml", rule);
    assert_eq!(told(&tree), ["warning letters/fr/closing.md:3:21: \"girafe\": no"]);
    Tree::new(GOOD).file("letters/lint.toml", "[[rule]]\nname = \"x\"\nweight = \"heavy\"\nbelow = \"harsh\"\n").tells(&[
        "letters/lint.toml:1:1: \"why\" is missing in [[rule]]; wanted why not, and what was wanted",
        "letters/lint.toml:1:1: \"words\" is missing in [[rule]]; wanted a table with the words in each language",
        "letters/lint.toml:3:10: \"weight\" is \"heavy\"; wanted \"error\" or \"warning\"",
        "letters/lint.toml:4:9: \"below\" is \"harsh\"; wanted one of: courtesy, reminder, firm, final, formal, handoff",
    ]);
}

/// Every letter that is shipped, at the rank for which it is written.
#[test]
fn nothing_shipped_says_any_of_it() {
    let step = |id: &str, rank: &str, when: &str, letter: &str, channel: &str| {
        format!("[[step]]\nid = \"{id}\"\nrank = \"{rank}\"\nwhen = \"{when}\"\nletter = \"{letter}\"\nchannel = \"{channel}\"\n")
    };
    let both = "[\"email\", \"sms\"]";
    let firm = step("a", "courtesy", "5 days before due", "courtesy", "email")
        + &step("b", "reminder", "5 days after due", "reminder", "email")
        + &step("c", "firm", "9 days after b", "firm", "email")
        + &step("d", "final", "9 days after c", "final", "email");
    let firm = firm.replace("\"email\"", both);
    let person = step("a", "courtesy", "5 days before due", "consumer-courtesy", "email")
        + &step("b", "reminder", "5 days after due", "consumer-first", "email")
        + &step("c", "reminder", "9 days after b", "consumer-nudge", "sms")
        + &step("d", "firm", "9 days after c", "consumer-second", "email");
    let other = step("a", "reminder", "5 days after due", "public-enquiry", "email")
        + &step("b", "reminder", "5 days after a", "key-account", "email");
    let kind = |kind: &str| format!("applies_to = {{ customer_kind = \"{kind}\" }}\n");
    let sms = "\n[sms]\ngateway = \"kannel\"\nurl = \"http://127.0.0.1:13013\"\n";
    let tree = Tree::good(sms)
        .file("cadences/firm.toml", &format!("name = \"firm\"\n{}{firm}", kind("business")))
        .file("cadences/person.toml", &format!("name = \"person\"\n{}{person}", kind("consumer")))
        .file("cadences/other.toml", &format!("name = \"other\"\n{other}"));
    let number =
        "the first reminder to a consumer must name your number in the register of enterprises; wanted [creditor] enterprise_no";
    assert_eq!(told(&tree), [format!("warning cadences/person.toml:13:1: {number}")]);
}
