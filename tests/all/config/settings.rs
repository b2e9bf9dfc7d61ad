//! relance.toml.

use super::Tree;

const GUARD_KEYS: &str = "contacts_per_30_days, contacts_per_30_days_consumer, contacts_per_7_days, contacts_per_day, dry_run, \
                          max_data_age, max_messages_per_cycle, max_vanished, old_debts, redirect_to, tolerance";

#[test]
fn unknown_keys_and_sections() {
    let line = format!("relance.toml:21:1: unknown key \"max_mesages\" in [guard]; wanted one of: {GUARD_KEYS}");
    Tree::good("\n[guard]\nmax_mesages = 3\n").tells(&[&line]);
    Tree::good("\n[gaurd]\ndry_run = true\n").tells(&[
        "relance.toml:20:2: unknown key \"gaurd\" here; wanted one of: answers, bank, creditor, documents, email, guard, inbox, listen, observe, people, report, retention, sms, source, store",
    ]);
    Tree::but("name =", "Name =").tells(&[
        "relance.toml:1:2: \"name\" is missing in [creditor]; wanted the firm's name as it stands in letters",
        "relance.toml:2:1: unknown key \"Name\" in [creditor]; wanted one of: contact, country, enterprise_no, iban, language, name, timezone",
    ]);
}

#[test]
fn what_is_no_toml_is_told_with_every_place() {
    Tree::good("\n[guard\ndry_run = true\nx = = 3\n").tells(&[
        "relance.toml:20:7: this is not TOML: unclosed table, expected `]`",
        "relance.toml:22:5: this is not TOML: extra `=`, expected nothing",
        "relance.toml:22:7: this is not TOML: unexpected key or value, expected newline, `#`",
    ]);
}

#[test]
fn nothing_there() {
    Tree::default().tells(&["relance.toml:1:1: cannot read this file: No such file or directory (os error 2)"]);
    Tree::new("").tells(&[
        "relance.toml:1:1: the section [creditor] is missing",
        "relance.toml:1:1: the section [source] is missing",
        "relance.toml:1:1: the section [store] is missing",
    ]);
    Tree::good("\n[sms]\n").tells(&[
        "relance.toml:20:2: \"gateway\" is missing in [sms]; wanted the name of a gateway, such as \"kannel\", or \"file\"",
        "relance.toml:20:2: \"url\" is missing in [sms]; wanted the gateway's base URL, or \"file:///path\"",
    ]);
}

#[test]
fn wrong_types_are_told_all_at_once() {
    let more = "connections = \"many\"\nmax_per_minute = 1.5\n\n[guard]\ndry_run = \"maybe\"\nmax_data_age = 36\nold_debts = \"later\"\n";
    let url =
        Tree::good(more).files[0].1.replace("\"sqlite://relance.db\"", "5").replace("\"smtps://mail.canal.example\"", "[\"a\"]");
    Tree::new(&url).tells(&[
        "relance.toml:14:7: \"url\" is a whole number; wanted \"sqlite:///path/to/relance.db\" or \"postgres://user@host/database\", in quotation marks",
        "relance.toml:18:8: \"smtp\" is a list; wanted \"smtp://host:587\", \"smtps://host:465\" or \"file:///folder\", in quotation marks",
        "relance.toml:19:15: \"connections\": wanted a whole number from 1 to 64",
        "relance.toml:20:18: \"max_per_minute\": wanted a whole number from 1 to 1000000",
        "relance.toml:23:11: \"dry_run\" is text; wanted true or false",
        "relance.toml:24:16: \"max_data_age\" is a whole number; wanted a time such as \"36h\", in quotation marks",
        "relance.toml:25:13: \"old_debts\" is \"later\"; wanted \"first-step\" or \"hold\"",
    ]);
    let told = Tree::new("creditor = 3\n").read().map(|_| ()).unwrap_err();
    assert!(told.contains(&"relance.toml:1:12: wanted a table for [creditor], found a whole number".to_owned()), "{told:?}");
}

#[test]
fn the_creditor() {
    let bad =
        "country = \"Belgium\"\nlanguage = \"fr\"\ntimezone = \"Brussels\"\niban = \"BE71 0961 2345 6768\"\ncontact = \"compta\"";
    let good = "country = \"BE\"\nlanguage = \"fr\"\ntimezone = \"Europe/Brussels\"\niban = \"BE71 0961 2345 6769\"\ncontact = \"compta@canal.example\"";
    Tree::but(good, bad).tells(&[
        "relance.toml:3:1: \"country\" is \"Belgium\"; wanted an ISO 3166 code such as \"BE\"",
        "relance.toml:5:12: \"timezone\" is \"Brussels\"; wanted an IANA time zone such as \"Europe/Brussels\"",
        "relance.toml:6:1: \"iban\" is \"BE71 0961 2345 6768\": not a valid IBAN (the string does not follow the base IBAN rules)",
        "relance.toml:7:1: \"contact\" is \"compta\"; wanted an e-mail address",
    ]);
    for code in ["ZZ", "be", "UK"] {
        let line = format!("relance.toml:3:1: \"country\" is \"{code}\"; wanted an ISO 3166 code such as \"BE\"");
        Tree::but("\"BE\"", &format!("\"{code}\"")).tells(&[&line]);
    }
    Tree::but("language = \"fr\"", "language = \"xx\"")
        .tells(&["relance.toml:4:1: \"language\" is \"xx\"; wanted a language with letters: de, en, fr, nl"]);
    assert_eq!(Tree::but("language = \"fr\"", "language = \"nl-BE\"").setup().settings.creditor.language, "nl-BE");
    Tree::but("Atelier du Canal SRL", "Atelier\\r\\nBcc: x@y.example")
        .tells(&["relance.toml:2:1: \"name\" holds a line end or another control character; wanted plain text on one line"]);
    Tree::but("BE71 0961 2345 6769", "")
        .tells(&["relance.toml:6:1: \"iban\" is \"\": not a valid IBAN (the string does not follow the base IBAN rules)"]);
}

#[test]
fn the_documents() {
    let documents = |lines: &str| Tree::good(&format!("\n[documents]\n{lines}\n"));
    let read = |lines: &str| documents(lines).setup().settings.documents.unwrap();
    let plain = read("folder = \"pdf\"");
    assert!(plain.folder.is_absolute() && plain.folder.ends_with("pdf"), "beside relance.toml: {:?}", plain.folder);
    assert_eq!(plain.max_size, 5_000_000);
    assert_eq!(read("folder = \"/srv/pdf\"\nmax_size = \"500 kB\"").max_size, 500_000);
    let at = 22;
    let wanted = "wanted a size from \"10 kB\" to \"20 MB\", such as \"5 MB\"";
    for bad in ["5", "5MB", "0 MB", "9 kB", "21 MB", "1 GB", "-1 MB"] {
        let told = format!("relance.toml:{at}:12: \"max_size\" is \"{bad}\"; {wanted}");
        documents(&format!("folder = \"pdf\"\nmax_size = \"{bad}\"")).tells(&[&told]);
    }
}

#[test]
fn the_store() {
    let either = "wanted \"sqlite:///path/to/relance.db\" or \"postgres://user@host/database\"";
    Tree::but("sqlite://relance.db", "mysql://x").tells(&[&format!("relance.toml:14:7: \"url\" is \"mysql://x\"; {either}")]);
    Tree::but("sqlite://relance.db", "postgres://x")
        .tells(&["relance.toml:14:1: \"url\": it names no database; wanted \"postgres://user@host/database\""]);
    let own = "relance.toml:14:1: \"url\" is the ledger itself; wanted a file of its own, into which relance may write";
    Tree::but("sqlite://relance.db", "sqlite://invoices.db").tells(&[own]);
    Tree::but("sqlite://relance.db", "sqlite://conf.d/../invoices.db").file("conf.d/10.toml", "").tells(&[own]);
}

#[test]
fn one_number_that_is_too_large_hides_nothing() {
    let more = "\n[guard]\nmax_messages_per_cycle = 99999999999999999999\nmax_vanished = 400\n";
    Tree::good(more).tells(&[
        "relance.toml:21:26: \"max_messages_per_cycle\": wanted a whole number from 1 to 10000000",
        "relance.toml:22:16: \"max_vanished\": wanted a whole number from 1 to 100",
    ]);
}

#[test]
fn email_without_encryption_only_on_this_machine() {
    let server = "smtp = \"smtps://mail.canal.example\"";
    for host in ["mail.canal.example", "10.0.0.1", "localhost.example", "127.0.0.1.example"] {
        let line = format!(
            "relance.toml:19:1: tls = \"none\" is only for a relay on this machine, and \"{host}\" is not; wanted \"required\""
        );
        Tree::but(server, &format!("smtp = \"smtp://{host}:25\"\ntls = \"none\"")).tells(&[&line]);
    }
    Tree::good("tls = \"none\"\n")
        .tells(&["relance.toml:19:1: tls = \"none\" contradicts smtps://, which is encrypted; wanted one of the two"]);
    for host in ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"] {
        Tree::but(server, &format!("smtp = \"smtp://{host}:25\"\ntls = \"none\"")).tells(&[]);
    }
}

#[test]
fn addresses_and_servers() {
    Tree::but("Comptabilité <compta@canal.example>", "Compta")
        .tells(&["relance.toml:17:8: \"from\" is \"Compta\"; wanted an address such as \"Accounts <accounts@example.org>\""]);
    for url in ["http://mail.canal.example", "smtp://", "smtp://a b", "smtp://host:port", "mail.canal.example:25"] {
        let line = format!(
            "relance.toml:18:8: \"smtp\" is \"{url}\"; wanted \"smtp://host:587\", \"smtps://host:465\" or \"file:///folder\""
        );
        Tree::but("smtps://mail.canal.example", url).tells(&[&line]);
    }
}

#[test]
fn a_secret_never_stands_in_the_configuration() {
    let wanted =
        "\"password\": wanted { file = \"/path\" } or { credential = \"name\" }; a secret never stands in the configuration";
    let tree = Tree::good("").file("relance.toml", &format!("{}user = \"compta\"\npassword = \"hunter2\"\n", super::GOOD));
    tree.tells(&[&format!("relance.toml:20:1: {wanted}")]);
    Tree::good("user = \"compta\"\npassword = { file = \"a\", credential = \"b\" }\n")
        .tells(&[&format!("relance.toml:20:1: {wanted}")]);
    Tree::good("user = \"compta\"\npassword = { env = \"PW\" }\n").tells(&[
        &format!("relance.toml:20:1: {wanted}"),
        "relance.toml:20:14: unknown key \"env\" in [email].password; wanted one of: credential, file",
    ]);
    Tree::good("user = \"compta\"\n")
        .tells(&["relance.toml:19:1: \"user\" and \"password\" go together; one of them is missing"]);
    Tree::good("password = { credential = \"smtp\" }\n")
        .tells(&["relance.toml:16:2: \"user\" and \"password\" go together; one of them is missing"]);
}

/// A URL with a login is not repeated: what `check` prints is read by others.
#[test]
fn a_url_with_a_login_is_refused_and_not_repeated() {
    let beside = "holds a login, and a secret never stands in the configuration; wanted user and password = { file = \"/path\" } or { credential = \"name\" } beside it";
    for url in ["smtps://compta:hunter2@mail.canal.example", "compta:hunter2@mail.canal.example"] {
        Tree::but("smtps://mail.canal.example", url).tells(&[&format!("relance.toml:18:1: \"smtp\" {beside}")]);
    }
    for url in ["https://u:hunter2@sms.example/x", "http://u:hunter2@127.0.0.1", "u:hunter2@sms.example"] {
        Tree::good(&format!("\n[sms]\ngateway = \"kannel\"\nurl = \"{url}\"\n"))
            .tells(&[&format!("relance.toml:22:1: \"url\" {beside}")]);
    }
}

#[test]
fn a_gateway_elsewhere_is_spoken_to_over_tls() {
    let sms = |url: &str| Tree::good(&format!("\n[sms]\ngateway = \"kannel\"\nurl = \"{url}\"\n"));
    for url in ["http://sms.example", "http://10.0.0.1:13013", "http://127.0.0.1.example/x"] {
        sms(url).tells(&[&format!(
            "relance.toml:22:1: \"url\" is \"{}\"; http:// is only for a gateway on this machine, because login and text go in the clear; wanted https://",
            url.trim_end_matches('/')
        )]);
    }
    for url in ["https://sms.example:8443/api", "http://127.0.0.1:13013", "http://localhost/x", "http://[::1]:13013"] {
        sms(url).tells(&[]);
    }
}

#[test]
fn a_mistyped_redirection_never_falls_back_to_the_real_addresses() {
    Tree::good("\n[guard]\nredirect_to = \"me at canal\"\n")
        .tells(&["relance.toml:21:15: \"redirect_to\" is \"me at canal\"; wanted an e-mail address"]);
    Tree::good("\n[guard]\nredirect_to = true\n")
        .tells(&["relance.toml:21:15: \"redirect_to\" is true or false; wanted an e-mail address, in quotation marks"]);
    let unknown = format!("relance.toml:21:1: unknown key \"redirect\" in [guard]; wanted one of: {GUARD_KEYS}");
    Tree::good("\n[guard]\nredirect = \"me@canal.example\"\n").tells(&[&unknown]);
    let setup = Tree::good("\n[guard]\nredirect_to = \"me@canal.example\"\n").setup();
    assert_eq!(setup.settings.guard.redirect_to.map(|a| a.to_string()).as_deref(), Some("me@canal.example"));
}

#[test]
fn sms_gateways() {
    Tree::good("\n[sms]\ngateway = \"carrier-pigeon\"\nurl = \"loft\"\n").tells(&[
        "relance.toml:21:1: there is no gateway \"carrier-pigeon\"; wanted one of: file, brevo, kannel, messagebird, ovh, twilio, vonage",
        "relance.toml:22:1: \"url\" is \"loft\"; wanted http:// or https://",
    ]);
    Tree::good("\n[sms]\ngateway = \"file\"\nurl = \"http://x\"\n")
        .tells(&["relance.toml:22:1: \"url\" is \"http://x\"; wanted \"file:///path\" for the gateway \"file\""]);
}

#[test]
fn how_long_personal_data_is_kept() {
    let wanted = "wanted \"forever\" or a time such as \"3 years\", \"18 months\" or \"90 days\", at least 30 days";
    Tree::good("\n[retention]\nmessages = \"29 days\"\nnotes = \"for ever\"\ncustomers = 3\nletters = \"1 year\"\n").tells(&[
        &format!("relance.toml:21:12: \"messages\" is \"29 days\"; {wanted}"),
        &format!("relance.toml:22:9: \"notes\" is \"for ever\"; {wanted}"),
        &format!("relance.toml:23:13: \"customers\" is a whole number; {wanted}, in quotation marks"),
        "relance.toml:24:1: unknown key \"letters\" in [retention]; wanted one of: customers, messages, notes",
    ]);
    let kept = |more: &str| {
        let kept = Tree::good(more).setup().settings.retention;
        [kept.messages, kept.notes, kept.customers].map(|k| k.to_string())
    };
    assert_eq!(kept(""), ["3 years", "3 years", "3 years"]);
    assert_eq!(kept("\n[retention]\n"), ["3 years", "3 years", "3 years"]);
    assert_eq!(kept("\n[retention]\nmessages = \"18 months\"\ncustomers = \"forever\"\n"), ["18 months", "3 years", "forever"]);
}

#[test]
fn metrics_are_told_on_this_machine_alone() {
    let wanted = "wanted an address and port of this machine, such as \"127.0.0.1:9464\" or \"[::1]:9464\"";
    for other in ["0.0.0.0:9464", "192.168.1.5:9464", "[::]:9464", "[::ffff:127.0.0.1]:9464"] {
        let told = format!(
            "relance.toml:21:1: \"listen\" is \"{other}\": not an address of this machine alone, and there is no login; {wanted}, and for others a proxy in front of it that asks who they are"
        );
        Tree::good(&format!("\n[observe]\nlisten = \"{other}\"\n")).tells(&[&told]);
    }
    for other in ["localhost:9464", "127.0.0.1", "9464", ""] {
        Tree::good(&format!("\n[observe]\nlisten = \"{other}\"\n"))
            .tells(&[&format!("relance.toml:21:1: \"listen\" is \"{other}\": {wanted}")]);
    }
    let listen = |more: &str| Tree::good(more).setup().settings.observe.listen.map(|a| a.to_string());
    assert_eq!(listen(""), None);
    assert_eq!(listen("\n[observe]\n"), None);
    assert_eq!(listen("\n[observe]\nlisten = \"[::1]:9464\"\n").unwrap(), "[::1]:9464");
    assert_eq!(listen("\n[observe]\nlisten = \"127.0.0.2:80\"\n").unwrap(), "127.0.0.2:80");
}

#[test]
fn the_report_has_an_hour_and_people() {
    let wrong = "\n[report]\nmorning = \"7:30\"\nto = [\"anne@canal.example\", \"bob\"]\nhour = 7\n";
    Tree::good(wrong).tells(&[
        "relance.toml:21:11: \"morning\" is \"7:30\"; wanted a time of day such as \"07:30\", or \"off\"",
        "relance.toml:22:29: \"to\" names \"bob\"; wanted e-mail addresses of your own people",
        "relance.toml:23:1: unknown key \"hour\" in [report]; wanted one of: morning, to",
    ]);
    Tree::good("\n[report]\nto = []\n").tells(&["relance.toml:21:1: \"to\": wanted from 1 to 20 e-mail addresses"]);
    let read = |more: &str| {
        let report = Tree::good(more).setup().settings.report;
        let to: Vec<String> = report.to.iter().map(ToString::to_string).collect();
        format!("{} {}", report.morning.map_or("off".to_owned(), |t| t.to_string()), to.join(" "))
    };
    assert_eq!(read(""), "07:30:00 compta@canal.example");
    assert_eq!(read("\n[report]\nmorning = \"off\"\n"), "off compta@canal.example");
    assert_eq!(
        read("\n[report]\nmorning = \"06:05\"\nto = [\"a@b.example\", \"c@d.example\"]\n"),
        "06:05:00 a@b.example c@d.example"
    );
}

#[test]
fn a_question_waits_for_a_working_day_at_least() {
    let people = |within: &str| Tree::good(&format!("\n[people]\napprove_within = \"{within}\"\n"));
    people("1 working day").tells(&[]);
    let told = people("0 days").read().map(|_| ()).unwrap_err();
    assert!(
        told.len() == 1 && told[0].starts_with("relance.toml:21:1:") && told[0].contains("at least \"1 working day\""),
        "{told:?}"
    );
}
