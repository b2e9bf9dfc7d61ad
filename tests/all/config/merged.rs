//! relance.toml, conf.d and RELANCE__ variables: the last word counts, and what is wrong is told where it stands.

use super::{GOOD, Tree};
use relance::config::settings::{MailTransport, SourceKind, WhenUncertain};
use relance::domain::decision::OldDebts;

#[test]
fn defaults_are_those_of_the_rules() {
    let settings = Tree::new(GOOD).setup().settings;
    let ceilings = settings.policy.ceilings;
    assert_eq!((ceilings.day, ceilings.week, ceilings.month, ceilings.month_consumer), (1, 3, 5, 4));
    assert_eq!(settings.policy.grace.to_string(), "2 working days");
    assert_eq!(settings.source.booking_lag.to_string(), "1 working day");
    assert_eq!(settings.policy.old_debts, OldDebts::FirstStep);
    let guard = &settings.guard;
    assert_eq!((guard.max_data_age, guard.max_vanished, guard.dry_run), (36 * 3600, 30, false));
    assert_eq!((guard.max_messages_per_cycle, &guard.redirect_to), (None, &None));
    let email = settings.email.unwrap();
    assert_eq!((email.max_per_minute, email.when_uncertain), (None, WhenUncertain::Resend));
    let sms = Tree::good("\n[sms]\ngateway = \"kannel\"\nurl = \"http://127.0.0.1:13013/\"\n").setup().settings.sms.unwrap();
    assert_eq!(sms.when_uncertain, WhenUncertain::Hold);
    assert_eq!(settings.creditor.iban.as_deref(), Some("BE71096123456769"));
    assert!(settings.creditor.calendar.is_some_and(|c| c.id == "BE"));
}

#[test]
fn snippets_override_in_the_order_of_their_names() {
    let tree = Tree::new(GOOD)
        .file("conf.d/20-late.toml", "[email]\nconnections = 9\n")
        .file("conf.d/10-early.toml", "[email]\nconnections = 3\nmax_per_minute = 60\n\n[guard]\ndry_run = true\n")
        .file("conf.d/30-kept.toml~", "[email]\nconnections = 30\n")
        .file("conf.d/.40-hidden.toml", "not toml at all");
    let settings = tree.setup().settings;
    let email = settings.email.unwrap();
    assert_eq!((email.connections, email.max_per_minute), (9, Some(60)));
    assert!(settings.guard.dry_run);
    let smtps =
        MailTransport::Smtp { host: "mail.canal.example".to_owned(), port: 465, tls: relance::config::settings::Tls::Implicit };
    assert_eq!(email.transport, smtps, "what a snippet does not name stays");
}

#[test]
fn what_is_wrong_in_a_snippet_is_told_there() {
    let url = "wanted \"smtp://host:587\", \"smtps://host:465\" or \"file:///folder\"";
    Tree::new(GOOD).file("conf.d/10-mail.toml", "[email]\nsmtp = \"gopher://x\"\n\n[sms]\nurl = 3\n").tells(&[
        &format!("conf.d/10-mail.toml:2:8: \"smtp\" is \"gopher://x\"; {url}"),
        "conf.d/10-mail.toml:4:2: \"gateway\" is missing in [sms]; wanted the name of a gateway, such as \"kannel\", or \"file\"",
        "conf.d/10-mail.toml:5:7: \"url\" is a whole number; wanted the gateway's base URL, or \"file:///path\", in quotation marks",
    ]);
    Tree::new(GOOD)
        .file("conf.d/10-mail.toml", "[email\n")
        .tells(&["conf.d/10-mail.toml:1:7: this is not TOML: unclosed table, expected `]`"]);
}

#[test]
fn variables_have_the_last_word() {
    let tree = Tree::new(GOOD)
        .file("conf.d/10.toml", "[email]\nconnections = 3\n")
        .variable("RELANCE__EMAIL__CONNECTIONS", "8")
        .variable("RELANCE__GUARD__DRY_RUN", "true")
        .variable("RELANCE__CREDITOR__NAME", "0470")
        .variable("RELANCE__SMS__GATEWAY", "kannel")
        .variable("RELANCE__SMS__URL", "http://127.0.0.1:13013")
        .variable("RELANCE_OTHER", "not ours");
    let settings = tree.setup().settings;
    assert_eq!(settings.email.unwrap().connections, 8);
    assert!(settings.guard.dry_run && settings.sms.is_some());
    assert_eq!(settings.creditor.name, "0470", "text stays text");
}

#[test]
fn what_is_wrong_in_a_variable_is_told_by_its_name() {
    let url = "wanted \"smtp://host:587\", \"smtps://host:465\" or \"file:///folder\"";
    Tree::new(GOOD)
        .variable("RELANCE__EMAIL__SMTP", "gopher://x")
        .tells(&[&format!("RELANCE__EMAIL__SMTP:1:1: \"smtp\" is \"gopher://x\"; {url}")]);
    Tree::new(GOOD)
        .variable("RELANCE__GUARD__MAX_VANISHED", "400")
        .variable("RELANCE__GUARD__DRY_RUN", "yes")
        .variable("RELANCE__FOO", "1")
        .variable("RELANCE__EMAIL__USER", "compta")
        .variable("RELANCE__EMAIL__PASSWORD", "hunter2")
        .tells(&[
            "RELANCE__EMAIL__PASSWORD:1:1: \"password\": wanted { file = \"/path\" } or { credential = \"name\" }; a secret never stands in the configuration",
            "RELANCE__FOO:1:1: unknown key \"foo\" here; wanted one of: answers, bank, creditor, documents, email, guard, inbox, listen, observe, people, report, retention, sms, source, store",
            "RELANCE__GUARD__DRY_RUN:1:1: \"dry_run\" is text; wanted true or false",
            "RELANCE__GUARD__MAX_VANISHED:1:1: \"max_vanished\": wanted a whole number from 1 to 100",
        ]);
    Tree::new(GOOD).variable("RELANCE__FOO__BAR", "1").tells(&[
        "RELANCE__FOO__BAR:1:1: unknown key \"foo\" here; wanted one of: answers, bank, creditor, documents, email, guard, inbox, listen, observe, people, report, retention, sms, source, store",
    ]);
    Tree::new(GOOD).variable("RELANCE__GUARD", "yes").tells(&["RELANCE__GUARD:1:1: wanted a table for [guard], found text"]);
}

#[test]
fn texts_are_not_turned_into_numbers() {
    let setup = Tree::good("user = \"007\"\npassword = { credential = \"0042\" }\n").setup();
    let email = setup.settings.email.unwrap();
    assert_eq!(email.user.as_deref(), Some("007"));
    assert_eq!(format!("{:?}", email.password.unwrap()), "Credential(\"0042\")");
}

#[test]
fn paths_are_taken_from_the_folder_of_relance_toml() {
    let setup = Tree::new(GOOD).setup();
    let SourceKind::Sqlite(path) = &setup.settings.source.kind else { panic!("{:?}", setup.settings.source.kind) };
    assert_eq!(*path, setup.folder.join("invoices.db"));
    assert_eq!(setup.settings.store.place.name(), setup.folder.join("relance.db").display().to_string());
    let absolute = Tree::but("sqlite://relance.db", "sqlite:///var/lib/relance/relance.db").setup();
    assert_eq!(absolute.settings.store.place.name(), "/var/lib/relance/relance.db");
}

#[test]
fn the_fingerprint_changes_with_what_decisions_depend_on_and_with_nothing_else() {
    let print = |tree: Tree| tree.setup().fingerprint;
    let base = print(Tree::new(GOOD));
    assert_eq!(base, print(Tree::new(GOOD)));
    assert_eq!(base, print(Tree::good("connections = 3\n")));
    for other in [
        Tree::good("\n[guard]\ntolerance = \"2.00\"\n"),
        Tree::good("\n[guard]\ndry_run = true\n"),
        Tree::but("kind =", "grace = \"3 days\"\nkind ="),
        Tree::but("kind =", "booking_lag = \"3 days\"\nkind ="),
        Tree::but("Europe/Brussels", "Europe/Paris"),
        Tree::good("\n[sms]\ngateway = \"kannel\"\nurl = \"http://127.0.0.1:13013\"\n"),
    ] {
        assert_ne!(base, print(other));
    }
}
