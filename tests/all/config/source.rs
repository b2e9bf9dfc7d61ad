//! `[source]`: the ledger, in a file or in a database.

use super::{GOOD, Tree};
use relance::config::Environment;
use relance::config::settings::{CsvColumn, SourceKind, SourceSettings};

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
        SourceKind::Csv(file) => file.path.to_str().unwrap(),
        SourceKind::Http(http) => &http.url,
    }
}

#[test]
fn what_holds_for_every_kind() {
    let bad = "kind = \"oracle\"\nreread = \"SELECT 1\"\ngrace = \"soon\"\nbooking_lag = \"9999 days\"\npoll = \"every hour\"";
    Tree::but("kind = \"sqlite\"\npath = \"invoices.db\"", bad).tells(&[
        "relance.toml:10:1: \"kind\" is \"oracle\"; wanted \"sqlite\", \"postgres\", \"csv\" or \"http\"",
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

#[test]
fn an_export_is_described_and_every_mistake_is_told() {
    let good = "kind = \"csv\"\npath = \"export\"\ndelimiter = \"tab\"\nencoding = \"windows-1252\"\ndecimal = \",\"\ndate = \"%d/%m/%Y\"\nlast_line_end = false\n[source.columns]\nnumber = \"Nr\"\ncurrency = { value = \"EUR\" }";
    let setup = Tree::but(SQLITE, good).setup();
    let SourceKind::Csv(csv) = &setup.settings.source.kind else { panic!("{:?}", setup.settings.source.kind) };
    assert_eq!((csv.delimiter, csv.decimal, csv.date.as_deref(), csv.last_line_end), (b'\t', ',', Some("%d/%m/%Y"), false));
    assert_eq!(csv.columns["number"], CsvColumn::Header("Nr".to_owned()));
    assert_eq!(csv.columns["currency"], CsvColumn::Constant("EUR".to_owned()));
    let bad = "kind = \"csv\"\npath = \"export\"\ndelimiter = \";;\"\nencoding = \"ebcdic\"\ndecimal = \"'\"\ndate = \"%d/%m\"\nquery = \"SELECT 1\"\n[source.columns]\nnummer = \"Nr\"\nnumber = 7";
    let told = Tree::but(SQLITE, bad).read().map(|_| ()).unwrap_err();
    for wanted in [
        "relance.toml:12:13: \"delimiter\" is \";;\"; wanted \",\", \";\", \"|\" or \"tab\"",
        "relance.toml:13:12: \"encoding\" is \"ebcdic\"; wanted \"utf-8\", \"windows-1252\", \"iso-8859-15\" or \"utf-16\"",
        "relance.toml:14:11: \"decimal\" is \"'\"; wanted \".\" or \",\"",
        "relance.toml:15:8: \"date\" is \"%d/%m\"; wanted the form of its dates, such as \"%d/%m/%Y\"",
        "relance.toml:16:1: unknown key \"query\" in [source]: a file is read as it is; wanted [source.columns]",
        "relance.toml:18:1: unknown column \"nummer\" in [source.columns]; wanted one of: invoice_id, number, ",
        "relance.toml:19:1: \"number\": wanted the header of a column, or { value = \"the same in every row\" }",
    ] {
        assert!(told.iter().any(|t| t.starts_with(wanted)), "{wanted}\nis not in\n{}", told.join("\n"));
    }
}

#[test]
fn the_bank_has_a_folder_and_nothing_is_moved_into_it() {
    let more = |text: &str| Tree::good(text);
    let setup = more("[bank]\nfolder = \"bank\"\ndone = \"move:bank/read\"\nwait = \"5 days\"\n").setup();
    let bank = setup.settings.bank.unwrap();
    assert!(bank.folder.ends_with("bank") && bank.done.is_some_and(|d| d.ends_with("bank/read")) && bank.wait.count == 5);
    for (lines, wanted) in [
        ("[bank]\n", "\"folder\" is missing in [bank]"),
        ("[bank]\nfolder = \"b\"\ndone = \"move:b\"\n", "wanted another one"),
        ("[bank]\nfolder = \"b\"\nwait = \"0 days\"\n", "at most 60"),
        ("[bank]\nfolder = \"b\"\nwait = \"90 days\"\n", "at most 60"),
    ] {
        let told = more(lines).read().map(|_| ()).unwrap_err();
        assert!(told.iter().any(|t| t.contains(wanted)), "{told:?}");
    }
}

fn http(lines: &str) -> Tree {
    Tree::but(SQLITE, &format!("kind = \"http\"\n{lines}"))
}

#[test]
fn a_system_is_asked_for_what_it_needs_and_nothing_else() {
    let good = "preset = \"dolibarr\"\nurl = \"https://erp.canal.example/\"\nkey = { credential = \"ledger\" }\n";
    let setup = http(good).setup();
    let SourceKind::Http(settings) = &setup.settings.source.kind else { panic!("{:?}", setup.settings.source.kind) };
    assert_eq!((settings.url.as_str(), settings.system.title.as_str()), ("https://erp.canal.example", "Dolibarr"));
    assert!(!format!("{settings:?}").contains("secret text"));
    let told = |lines: &str| http(lines).loads().join("\n");
    let bad = told("preset = \"dolibar\"\nurl = \"erp.canal.example\"\nquery = \"SELECT 1\"\npath = \"x\"");
    for words in [
        "relance.toml:11:1: there is no system \"dolibar\"; wanted one of: dolibarr, erpnext, invoice-ninja, lago, list, odoo, odoo-rpc, quickbooks, stripe, tryton, xero",
        "relance.toml:12:1: \"url\" is \"erp.canal.example\"; wanted the base URL, such as \"https://erp.canal.example\"",
        "relance.toml:13:1: unknown key \"query\" in [source]: an HTTP source is asked no SQL",
        "relance.toml:14:1: unknown key \"path\" in [source]: an HTTP source is named by \"preset\" and \"url\"",
    ] {
        assert!(bad.contains(words), "{words}\n{bad}");
    }
    let url = "url = \"https://erp.canal.example\"\n";
    let bad = told(&format!("preset = \"erpnext\"\n{url}key = {{ file = \"k\" }}\nuser = \"anne\""));
    assert!(
        bad.contains(
            "\"secret\" is missing in [source]; wanted { file = \"/path\" } or { credential = \"name\" }: ERPNext asks for it"
        ),
        "{bad}"
    );
    assert!(bad.contains("ERPNext has no use for \"user\"; wanted the line taken out"), "{bad}");
    let bad = told(&format!("preset = \"stripe\"\n{url}key = \"sk_live_hunter2\""));
    assert!(bad.contains("a secret never stands in the configuration") && !bad.contains("hunter2"), "{bad}");
    let xero = "preset = \"xero\"\nkey = { file = \"k\" }\nsecret = { file = \"s\" }\nclient_id = \"i\"\ntenant = \"t\"\n";
    assert!(told(&format!("{xero}{url}")).contains("\"tokens\" is missing in [source]"));
    assert!(told("preset = \"list\"\nurl = \"http://books.lan\"").contains("insecure = true"));
    assert_eq!(told("preset = \"list\"\nurl = \"http://books.lan\"\ninsecure = true"), "");
}

#[test]
fn a_file_of_a_system_is_read_strictly() {
    let own = |text: &str| Tree::new(GOOD).file("sources/own.toml", text).loads().join("\n");
    let bad = own(
        "titel = \"x\"\n[auth]\nkind = \"magic\"\n[list]\nmethod = \"DELETE\"\npath = \"/{pgae}\"\nitems = \"data\"\n[paging]\nkind = \"after\"\nsize = 0\n[one]\npath = \"/x\"\n[columns]\nid = \"/id\"\nnumber = \"customer:/x\"\ntotal = { path = \"/t\", as = \"float\", value = \"1\" }\nemail = 5\n",
    );
    for words in [
        "sources/own.toml:1:1: \"title\" is missing",
        "sources/own.toml:1:1: unknown key \"titel\" here",
        "sources/own.toml:3:1: \"kind\" is \"magic\"; wanted \"none\", \"header\"",
        "sources/own.toml:5:10: \"method\" is \"DELETE\"; wanted \"GET\" or \"POST\"",
        "sources/own.toml:6:1: unknown placeholder {pgae}; wanted one of: key, secret",
        "sources/own.toml:7:9: \"items\" names \"data\"; wanted a path such as \"/data\"",
        "\"after\" is missing in [paging]",
        "sources/own.toml:10:8: \"size\": wanted a whole number from 1 to 10000",
        "nothing here has {id}; wanted it where the invoice is named",
        "sources/own.toml:14:1: relance has no column \"id\"; wanted one of: invoice_id, number",
        "sources/own.toml:15:10: \"customer:/x\" is no path here; wanted a path such as \"/client/name\" or \"customer:/email\"; there is no [customer] in this file",
        "\"as\" is \"float\"; wanted text, decimal, rounded",
        "wanted either a \"path\" or a \"value\" that is the same for all",
        "sources/own.toml:17:9: wanted a path such as",
        "\"balance\" is missing in [columns]; wanted where this column comes from",
    ] {
        assert!(bad.contains(words), "{words}\n{bad}");
    }
}
