//! Gateways, calendars and zones, and several files at once.

use super::{GOOD, Tree};

#[test]
fn gateways() {
    let text = "probe = \"/{usr}\"\n\n[request]\nmethod = \"PUT\"\npath = \"/{acount}/send\"\n\n[request.fields]\nnumber = \"{to}\"\nbody = \"{message}\"\n\n[[answer]]\nstatus = \"2xx\"\noutcome = \"sent\"\nclass = \"weather\"\n";
    let placeholders = "wanted one of: to, to_digits, from, text, user, account, password";
    Tree::new(GOOD).file("gateways/own.toml", text).tells(&[
        &format!("gateways/own.toml:1:1: unknown placeholder {{usr}}; {placeholders}"),
        "gateways/own.toml:4:10: \"method\" is \"PUT\"; wanted \"GET\" or \"POST\"",
        &format!("gateways/own.toml:5:1: unknown placeholder {{acount}}; {placeholders}"),
        &format!("gateways/own.toml:9:1: unknown placeholder {{message}}; {placeholders}"),
        "gateways/own.toml:12:10: \"status\" is \"2xx\"; wanted a status such as \"202\" or a range such as \"400-499\"",
        "gateways/own.toml:13:11: \"outcome\" is \"sent\"; wanted accepted, deferred, refused or unknown",
        "gateways/own.toml:14:9: \"class\" is \"weather\"; wanted one of: address, mailbox, message, throttled, authentication, sender, network, server",
    ]);
    Tree::new(GOOD).file("gateways/own.toml", "path = \"/send\"\n").tells(&[
        "gateways/own.toml:1:1: \"answer\" is missing; wanted at least one [[answer]]",
        "gateways/own.toml:1:1: \"request\" is missing; wanted a [request] table",
        "gateways/own.toml:1:1: unknown key \"path\" here; wanted one of: answer, id, inbound, probe, receipt, request, verify",
    ]);
}

#[test]
fn a_gateway_of_ones_own_may_be_named() {
    let text = "[request]\nmethod = \"GET\"\npath = \"/send\"\n\n[[answer]]\nstatus = \"200\"\noutcome = \"accepted\"\n";
    Tree::good("\n[sms]\ngateway = \"own\"\nurl = \"https://sms.example\"\n").file("gateways/own.toml", text).tells(&[]);
}

#[test]
fn calendars() {
    let kinds = "a holiday wants exactly one of: fixed; easter; on; nth with weekday and month";
    let text = "name = \"Belgium\"\n\n[[holiday]]\nname = \"Two\"\nfixed = \"12-25\"\neaster = 1\n\n[[holiday]]\nname = \"None\"\n\n[[holiday]]\nname = \"Half\"\nnth = 1\nmonth = 5\n";
    Tree::new(GOOD).file("calendars/BE.toml", text).tells(&[
        &format!("calendars/BE.toml:3:1: {kinds}"),
        &format!("calendars/BE.toml:8:1: {kinds}"),
        &format!("calendars/BE.toml:11:1: {kinds}"),
    ]);
    let told = Tree::new(GOOD)
        .file("calendars/BE.toml", "[[holiday]]\nfixed = \"13-45\"\nweekend = \"never\"\nexcept = 2020\n")
        .read()
        .map(|_| ())
        .unwrap_err();
    for line in [
        "calendars/BE.toml:1:1: \"name\" is missing in [[holiday]]; wanted the holiday's name",
        "calendars/BE.toml:1:1: \"name\" is missing; wanted the name of the country or region",
        "calendars/BE.toml:2:9: \"fixed\" is \"13-45\"; wanted a month and day such as \"12-25\"",
        "calendars/BE.toml:3:11: \"weekend\" is \"never\"; wanted \"next_weekday\"",
        "calendars/BE.toml:4:10: \"except\": wanted a list of years",
    ] {
        assert!(told.contains(&line.to_owned()), "{line}\n{}", told.join("\n"));
    }
}

#[test]
fn zones() {
    Tree::new(GOOD)
        .file("zones.toml", "[zones]\nBE = \"Europe/Brussel\"\n")
        .tells(&["zones.toml:2:6: \"BE\": wanted an IANA time zone"]);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let long = "x".repeat(2 << 20);
    Tree::new(GOOD)
        .file("calendars/XX.toml", &format!("name = \"{long}\""))
        .tells(&["calendars/XX.toml:1:1: this file is larger than 1 MiB"]);
}

#[test]
fn what_is_not_utf8_is_told_where() {
    let tree = Tree::new(GOOD).bytes("letters/fr/reminder.md", b"subject: Rappel\n\nBonjour, caf\xe9\n");
    tree.tells(&["letters/fr/reminder.md:3:13: this is not UTF-8; wanted the file saved as UTF-8"]);
}

#[test]
fn folders_that_nothing_is_read_from() {
    let with = |folder: &str| Tree::new(GOOD).file(&format!("{folder}/x.toml"), "x = 1\n");
    for (folder, meant) in [
        ("cadence", "cadences"),
        ("Letter", "letters"),
        ("calender", "calendars"),
        ("gatways", "gateways"),
        ("confd", "conf.d"),
        ("source", "sources"),
    ] {
        with(folder).tells(&[&format!("{folder}:1:1: nothing is read from this folder; wanted \"{meant}\"")]);
    }
    for folder in ["mail", "backup", "old-letters", ".git"] {
        with(folder).tells(&[]);
    }
}

#[test]
fn everything_wrong_in_every_file_is_told_at_once() {
    let more = "\n[guard]\ndry_run = \"maybe\"\n";
    let letter = "subject: Rappel\n\n{% if single %}\n";
    Tree::good(more)
        .file("calendars/BE.toml", "name = 3\n")
        .file("cadences/own.toml", "name = \"own\"\n\n[[step]]\nid = \"reminder\"\nwhen = \"soon\"\nchannel = \"fax\"\n")
        .file("gateways/kannel.toml", "[request]\nmethod = \"GET\"\npath = \"/\"\n")
        .file("letters/fr/reminder.md", letter)
        .file("letters/nl/reminder.md", "Beste,\n")
        .variable("RELANCE__STORE__URL", "")
        .tells(&[
            "cadences/own.toml:5:1: \"when\" is \"soon\": wanted a number and a unit, such as \"5 days\", \"3 working days\" or \"2 weeks\"",
            "cadences/own.toml:6:1: \"channel\" names \"fax\"; wanted \"email\", \"sms\", a list of them (all are used), { first_of = [\"email\", \"sms\"] }, \"call\" or \"task\"",
            "calendars/BE.toml:1:8: \"name\" is a whole number; wanted the name of the country or region, in quotation marks",
            "gateways/kannel.toml:1:1: \"answer\" is missing; wanted at least one [[answer]]",
            "letters/fr/reminder.md:3:14: this letter cannot be read: syntax error: unexpected end of input, expected end of block",
            "letters/nl/reminder.md:1:1: wanted \"subject: …\" as the first line of the letter",
            "relance.toml:21:11: \"dry_run\" is text; wanted true or false",
            "RELANCE__STORE__URL:1:1: \"url\" is \"\"; wanted \"sqlite:///path/to/relance.db\" or \"postgres://user@host/database\"",
        ]);
}
