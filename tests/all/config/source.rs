//! `[source]`: the ledger, in a file or in a database.

use super::{GOOD, Tree};
use relance::config::Environment;
use relance::config::settings::{SourceKind, SourceSettings};

const SQLITE: &str = "kind = \"sqlite\"\npath = \"invoices.db\"";

/// The good configuration with its ledger in a database, and some lines more in `[source]`.
fn postgres(lines: &str) -> Tree {
    Tree::but(SQLITE, &format!("kind = \"postgres\"\n{lines}"))
}

/// Where the ledger is, as messages have it.
fn place(source: &SourceSettings) -> &str {
    match &source.kind {
        SourceKind::Postgres(database) => database.place(),
        SourceKind::Sqlite(path) => path.to_str().unwrap(),
    }
}

#[test]
fn what_holds_for_every_kind() {
    let bad = "kind = \"oracle\"\nreread = \"SELECT 1\"\ngrace = \"soon\"\nbooking_lag = \"9999 days\"\npoll = \"every hour\"";
    Tree::but("kind = \"sqlite\"\npath = \"invoices.db\"", bad).tells(&[
        "relance.toml:10:1: \"kind\" is \"oracle\"; wanted \"sqlite\" or \"postgres\"",
        "relance.toml:11:1: \"reread\" has no :ids; wanted SQL that reads the rows whose id is in the JSON array :ids, e.g. … WHERE id IN (SELECT value FROM json_each(:ids))",
        "relance.toml:12:1: \"grace\" is \"soon\": wanted a number and a unit, such as \"5 days\", \"3 working days\" or \"2 weeks\"",
        "relance.toml:13:1: \"booking_lag\" is \"9999 days\": wanted at most 1000 days",
        "relance.toml:14:1: \"poll\" is \"every hour\": wanted a cron expression of five fields (minute hour day month weekday), or six with seconds first, e.g. \"*/10 * * * *\"",
    ]);
    let told = Tree::but("kind =", "poll = \"61 * * * *\"\nkind =").read().map(|_| ()).unwrap_err();
    assert!(told[0].starts_with("relance.toml:10:1: \"poll\" is \"61 * * * *\": ") && told.len() == 1, "{told:?}");
    Tree::but("kind =", "poll = \"0 0 31 2 *\"\nkind =")
        .tells(&["relance.toml:10:1: \"poll\" is \"0 0 31 2 *\": there is no such day; wanted an expression that comes true"]);
    for good in ["*/10 * * * *", "30 */10 * * * *", "0 7 * * mon-fri", "0 0 29 2 *"] {
        assert_eq!(Tree::but("kind =", &format!("poll = \"{good}\"\nkind =")).setup().settings.source.poll.text, good);
    }
}

#[test]
fn a_database_is_named_by_its_url() {
    let lines = "url = \"postgres://relance@db.example:5433/books?sslmode=verify-full\"\npassword = { file = \"pw\" }";
    let setup = postgres(lines).setup();
    assert_eq!(place(&setup.settings.source), "postgres://relance@db.example:5433/books");
    let SourceKind::Postgres(database) = &setup.settings.source.kind else { panic!("{:?}", setup.settings.source.kind) };
    let told = database.options(&Environment::new()).unwrap_err().to_string();
    assert!(
        told.contains("cannot read the secret file ") && told.ends_with("pw: No such file or directory (os error 2)"),
        "{told}"
    );
    let without = postgres("url = \"postgres:///books?host=/run/postgresql\"").setup();
    assert_eq!(place(&without.settings.source), "postgres:///books");
}

#[test]
fn a_database_that_is_named_wrongly() {
    postgres("").tells(&["relance.toml:9:2: \"url\" is missing in [source]; wanted \"postgres://user@host/database\""]);
    postgres("url = 5").tells(&["relance.toml:11:7: \"url\" is a whole number; wanted a database, in quotation marks"]);
    postgres("url = \"mysql://db.example/books\"")
        .tells(&["relance.toml:11:1: \"url\": wanted \"postgres://user@host/database\""]);
    let secret = "relance.toml:11:1: \"url\": it holds a password, and a secret never stands in the configuration; wanted password = { file = \"/path\" } or { credential = \"name\" } beside it";
    postgres("url = \"postgres://relance:hunter2@db.example/books\"").tells(&[secret]);
    postgres("url = \"postgres://relance@db.example/books\"\npassword = \"hunter2\"").tells(&[
        "relance.toml:12:1: \"password\": wanted { file = \"/path\" } or { credential = \"name\" }; a secret never stands in the configuration",
    ]);
    postgres("url = \"postgres://relance@db.example/books\"\nreread = \"SELECT 1\"").tells(&[
        "relance.toml:12:1: \"reread\" has no :ids; wanted SQL that reads the rows whose id is in the array :ids, e.g. … WHERE id = ANY(:ids::bigint[])",
    ]);
}

#[test]
fn what_belongs_to_the_other_kind() {
    let url = "url = \"postgres://relance@db.example/books\"";
    postgres(&format!("path = \"invoices.db\"\n{url}")).tells(&[
        "relance.toml:11:1: unknown key \"path\" in [source]: a PostgreSQL ledger is named by \"url\"; wanted \"postgres://user@host/database\" there",
    ]);
    Tree::but(SQLITE, &format!("{SQLITE}\n{url}\npassword = {{ file = \"pw\" }}\npaht = 1")).tells(&[
        "relance.toml:12:1: unknown key \"url\" in [source]: an SQLite ledger is a file; wanted \"path\" (of a PostgreSQL database the kind is \"postgres\")",
        "relance.toml:13:1: unknown key \"password\" in [source]: an SQLite ledger is a file and has none; wanted the line taken out",
        "relance.toml:14:1: unknown key \"paht\" in [source]; wanted one of: booked_through, booking_lag, grace, kind, path, poll, query, reread, tags",
    ]);
    postgres(&format!("{url}\nuser = \"x\"")).tells(&[
        "relance.toml:12:1: unknown key \"user\" in [source]; wanted one of: booked_through, booking_lag, grace, kind, password, poll, query, reread, tags, url",
    ]);
}

#[test]
fn the_parts_may_come_from_conf_d_and_from_variables() {
    let tree = postgres("url = \"postgres://relance@db.example/books\"").file(
        "conf.d/10-books.toml",
        "[source]\nurl = \"postgres://relance@127.0.0.1/books\"\npassword = { credential = \"books\" }\n",
    );
    assert_eq!(place(&tree.setup().settings.source), "postgres://relance@127.0.0.1/books");
    let url = "postgres://relance@db.example/archive";
    let by_variable = postgres("").variable("RELANCE__SOURCE__URL", url).variable("RELANCE__SOURCE__PASSWORD__FILE", "/run/pw");
    assert_eq!(place(&by_variable.setup().settings.source), url);
    Tree::new(GOOD).variable("RELANCE__SOURCE__KIND", "postgres").variable("RELANCE__SOURCE__URL", url).tells(&[
        "relance.toml:11:1: unknown key \"path\" in [source]: a PostgreSQL ledger is named by \"url\"; wanted \"postgres://user@host/database\" there",
    ]);
    postgres("")
        .variable("RELANCE__SOURCE__URL", "postgres://relance@db.example")
        .tells(&["RELANCE__SOURCE__URL:1:1: \"url\": it names no database; wanted \"postgres://user@host/database\""]);
}

/// The example's lines for PostgreSQL, with their marks of a comment taken off.
#[test]
fn the_examples_other_ledger_is_right() {
    let example = include_str!("../../../config/relance.toml");
    let (file, rest) = example.split_once("kind = \"sqlite\"\n").unwrap();
    let mut lines: Vec<String> = rest.lines().filter(|l| !l.starts_with("path = ")).map(str::to_owned).collect();
    let marked: Vec<usize> =
        (0..lines.len()).filter(|i| ["# kind", "# url", "# password"].iter().any(|k| lines[*i].starts_with(k))).collect();
    for at in marked.into_iter().take(3) {
        lines[at] = lines[at].trim_start_matches("# ").to_owned();
    }
    let setup = Tree::new(&format!("{file}{}\n", lines.join("\n"))).setup();
    assert_eq!(place(&setup.settings.source), "postgres://relance@db.example/billing");
    assert_eq!(place(&Tree::new(example).setup().settings.source), "/srv/billing/invoices.db");
}
