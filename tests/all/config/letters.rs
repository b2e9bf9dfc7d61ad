//! Letters: what is wrong with one is told with its place, and hurts no other.

use super::{GOOD, Tree};
use crate::support::STANDARD;

const VARIABLES: &str = "creditor.name, creditor.contact, creditor.iban, creditor.enterprise_no, debtor.name, debtor.business, \
                         debtor.consumer, person.name, invoice.number, invoice.issued_on, invoice.due_on, invoice.due_short, \
                         invoice.amount, invoice.days_late, invoice.po_number, count, numbers, single, sum, days_late, part_paid, \
                         undisputed, heading, other_stages, others_firmer, payments_shown, payments_until, today, deadline, deadline_short, \
                         formal_on, law, copies, copies_all, free_reminder, tone, free_days, free_until, items, payment, pay_reference, \
                         pay_link";

fn reminder(text: &str) -> Tree {
    Tree::new(GOOD).file("letters/fr/reminder.md", text)
}

#[test]
fn unknown_variables() {
    let unknown =
        |at: &str, name: &str| format!("letters/fr/reminder.md:{at}: unknown variable \"{name}\"; wanted one of: {VARIABLES}");
    reminder("subject: Rappel\n\nBonjour {{ debtr.name }},\n\n{{ invoice.nummer }} {{ dettes }}\n").tells(&[
        &unknown("3:12", "debtr.name"),
        &unknown("5:4", "invoice.nummer"),
        &unknown("5:25", "dettes"),
    ]);
    reminder("subject: Rappel {{ debtr.name }}\n\nBonjour\n").tells(&[&unknown("1:20", "debtr.name")]);
    reminder("subject: Rappel\n\n{% if debtor.kind %}x{% endif %}\n").tells(&[&unknown("3:7", "debtor.kind")]);
    Tree::new(GOOD)
        .file("cadences/standard.toml", STANDARD)
        .file("letters/fr/reminder.sms", "{{ amount }}")
        .tells(&[&format!("letters/fr/reminder.sms:1:4: unknown variable \"amount\"; wanted one of: {VARIABLES}")]);
}

#[test]
fn broken_jinja() {
    let unread = "this letter cannot be read: syntax error: unexpected end of input, expected end of";
    reminder("subject: Rappel\n\nBonjour\n{% if single %}\noui\n")
        .tells(&[&format!("letters/fr/reminder.md:4:16: {unread} block")]);
    reminder("subject: Rappel {{ sum \n\nBonjour\n").tells(&[&format!("letters/fr/reminder.md:1:20: {unread} variable block")]);
    let unmade = "letters/fr/reminder.md:3:1: this letter cannot be made:";
    reminder("subject: Rappel\n\n{{ sum|nope }}\n").tells(&[&format!("{unmade} unknown filter: filter nope is unknown")]);
    reminder("subject: Rappel\n\nBonjour {{ 1 / 0 }}\n")
        .tells(&[&format!("{unmade} invalid operation: unable to calculate 1 / 0")]);
    reminder("subject: Rappel\n\n{% include \"/etc/passwd\" %}\n")
        .tells(&["letters/fr/reminder.md:3:1: \"include\" has no place in a letter; wanted one of: if, elif, else, endif, for, endfor, raw, endraw"]);
}

#[test]
fn a_letter_that_never_ends_is_stopped() {
    let loops = "{% for a in \"xxxxxxxxxxxxxxxxxxxx\" %}".repeat(5);
    let ends = "{% endfor %}".repeat(5);
    reminder(&format!("subject: Rappel\n\n{loops}x{ends}\n"))
        .tells(&["letters/fr/reminder.md:3:1: this letter cannot be made: engine ran out of fuel"]);
}

/// Steps are counted, bytes are not: what doubles a text, or takes a width, is refused before it is tried.
#[test]
fn a_letter_that_grows_without_bound_is_refused() {
    let double = "{% set x = x ~ x %}\n".repeat(40);
    let place = "letters/fr/reminder.md:3:";
    let refused = "has no place in a letter";
    for (text, told) in [
        (format!("{double}{{{{ x }}}}"), format!("{place}1: \"set\" {refused}")),
        ("{{ sum ~ sum }}".to_owned(), format!("{place}8: \"~\" {refused}")),
        ("{{ \"x\" * 99999999 }}".to_owned(), format!("{place}8: \"*\" {refused}")),
        ("{% macro f(x) %}{{ f(x) }}{% endmacro %}".to_owned(), format!("{place}1: \"macro\" {refused}")),
        ("{{ \"%99999999d\"|format(1) }}".to_owned(), "unknown filter: filter format is unknown".to_owned()),
        ("{{ sum|indent(99999999) }}".to_owned(), "unknown filter: filter indent is unknown".to_owned()),
        (
            format!(
                "{}{}{}",
                format!("{{% for a in \"{}\" %}}", "x".repeat(60)).repeat(2),
                "y".repeat(400),
                "{% endfor %}".repeat(2)
            ),
            "the letter is longer than 1048576 bytes".to_owned(),
        ),
    ] {
        let said = reminder(&format!("subject: Rappel\n\n{text}\n")).read().map(drop).unwrap_err();
        assert!(said.len() == 1 && said[0].contains(&told), "{told}: {said:?}");
    }
}

#[test]
fn a_letter_without_subject() {
    for text in ["Rappel\n\nBonjour\n", "", "Subject: Rappel\n", "\nsubject: Rappel\n"] {
        reminder(text).tells(&["letters/fr/reminder.md:1:1: wanted \"subject: …\" as the first line of the letter"]);
    }
}

#[test]
fn a_letter_that_says_nothing() {
    let empty = "wanted \"subject: …\" as the first line of the letter";
    for text in ["subject:\n\nBonjour\n", "subject:   \n\nBonjour\n"] {
        reminder(text).tells(&[&format!("letters/fr/reminder.md:1:1: the subject is empty; {empty}")]);
    }
    reminder("subject: {% if not single %}x{% endif %}\n\nBonjour\n")
        .tells(&["letters/fr/reminder.md:1:1: the subject of this letter comes out empty; wanted words"]);
    for text in ["", "\n", "{% if not single %}x{% endif %}"] {
        Tree::new(GOOD)
            .file("letters/fr/reminder.sms", text)
            .tells(&["letters/fr/reminder.sms:1:1: this SMS comes out empty; wanted words"]);
    }
}

#[test]
fn an_sms_of_two_lines() {
    let sms = |text: &str| Tree::new(GOOD).file("letters/fr/reminder.sms", text);
    sms("Bonjour,\n{{ sum }}\n").tells(&["letters/fr/reminder.sms:2:1: an SMS is one line; wanted all of it on the first"]);
    sms("Bonjour,{# a note\nover two lines #} {{ sum }}\n\n").tells(&[]);
}

/// There it would come out as a word or two of nonsense.
#[test]
fn a_block_inside_a_sentence() {
    let wanted =
        "this letter cannot be made: {{ items }} and {{ payment }} are blocks; each wants a paragraph of its own in a mail";
    let at = |line: usize| format!("letters/fr/reminder.md:{line}:1: {wanted}");
    reminder("subject: Rappel\n\nBonjour {{ items }} x\n").tells(&[&at(3)]);
    reminder("subject: Rappel\n\nBonjour\n{{ payment }}\n").tells(&[&at(4)]);
    reminder("subject: Rappel\n\n{{ items }}\n\n- {{ payment }}\n").tells(&[&at(5)]);
    reminder("subject: Rappel\n\n{{ items }}\nmerci\n").tells(&[&at(3)]);
    reminder("subject: Rappel {{ items }}\n\nx\n").tells(&[&at(1)]);
    reminder("subject: Rappel\n\n{{ items }}\n\n{{payment}}\n").tells(&[]);
    Tree::new(GOOD).file("letters/fr/reminder.sms", "{{ items }}").tells(&[&format!("letters/fr/reminder.sms:1:1: {wanted}")]);
}

#[test]
fn letters_that_a_cadence_names_and_nobody_wrote() {
    let cadence = "name = \"own\"\n\n[[step]]\nid = \"reminder\"\nwhen = \"3 days after due\"\nchannel = [\"email\", \"sms\"]\nletter = \"nudge\"\n";
    let missing = |channel: &str, form: &str| {
        format!(
            "cadences/own.toml:7:1: there is no letter \"nudge\" for {channel} in the creditor's language; wanted letters/LANGUAGE/nudge.{form}"
        )
    };
    let sms = "\n[sms]\ngateway = \"kannel\"\nurl = \"http://127.0.0.1:13013\"\n";
    let tree = || Tree::good(sms).file("cadences/own.toml", cadence);
    tree().tells(&[&missing("email", "md"), &missing("sms", "sms")]);
    tree().file("letters/nl/nudge.md", "subject: x\n\nx\n").tells(&[&missing("email", "md"), &missing("sms", "sms")]);
    tree().file("letters/fr/nudge.md", "subject: x\n\nx\n").file("letters/fr/nudge.sms", "x").tells(&[]);
}

#[test]
fn a_language_needs_its_labels() {
    Tree::new(GOOD)
        .file("letters/it/reminder.md", "subject: Sollecito\n\nBuongiorno\n")
        .tells(&["letters/it/reminder.md:1:1: there is no labels.toml for the language \"it\""]);
    let told =
        Tree::new(GOOD).file("letters/fr/labels.toml", "pay_title = \"Pour payer\"\nextra = 1\n").read().map(|_| ()).unwrap_err();
    assert!(
        told.contains(&"letters/fr/labels.toml:1:1: \"footer\" is missing; wanted the words for it in this language".to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"letters/fr/labels.toml:1:1: \"format\" is missing; wanted a [format] table".to_owned()), "{told:?}");
    assert!(
        told.iter().any(|l| l.starts_with("letters/fr/labels.toml:2:1: unknown key \"extra\" here; wanted one of: ")),
        "{told:?}"
    );
}

#[test]
fn a_letter_of_ones_own_takes_the_place_of_the_shipped_one() {
    let (setup, letters) = reminder("subject: Petit rappel {{ invoice.number }}\n\nBonjour {{ debtor.name }}.\n")
        .read()
        .map_err(|e| e.join("\n"))
        .unwrap();
    assert!(setup.letters.iter().any(|l| l.name == "fr/reminder.md" && l.text.starts_with("subject: Petit rappel")));
    let view = relance::letter::sample_view(letters.labels("fr").unwrap(), 0);
    let mail = letters.mail("fr", "reminder", &view).unwrap();
    assert_eq!(mail.subject, "Petit rappel F-1031");
    assert!(mail.text.starts_with("Bonjour Brasserie du Parvis SPRL.\n"), "{}", mail.text);
}

#[test]
fn languages_fall_back_to_their_base_and_then_to_the_creditors() {
    let (_, letters) = Tree::new(GOOD).read().map_err(|e| e.join("\n")).unwrap();
    let language = |wanted| letters.language(wanted, "reminder", "md").unwrap();
    assert_eq!(language(Some("nl-BE")), "nl");
    assert_eq!(language(Some("NL_be")), "nl");
    assert_eq!(language(Some("de")), "de");
    assert_eq!(language(Some("pt")), "fr");
    assert_eq!(language(Some("")), "fr");
    assert_eq!(language(None), "fr");
}
