//! The template for any list in front of a real Datasette, where RELANCE_DATASETTE names one (tests/run brings it): set up as the
//! template's comments say, read page by page, and paid there.
#![allow(clippy::disallowed_methods, reason = "a switch of the tests' own")]

use crate::program::{Firm, day, into_folder, wait_for};
use crate::support::Config;
use relance::config::bundled;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// It ends with its test.
struct Datasette {
    child: Child,
    url: String,
}

impl Drop for Datasette {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Datasette {
    fn start(program: &Path, file: &Path, log: &Path) -> Datasette {
        let out = File::create(log).unwrap();
        let child = Command::new(program).arg(file).args(["--port", "0"]).stdout(Stdio::null()).stderr(out).spawn().unwrap();
        let mut started = Datasette { child, url: String::new() };
        wait_for("Datasette", || {
            let told = std::fs::read_to_string(log).unwrap();
            let url = told.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
            started.url = url.map(|url| format!("{url}/books/invoices")).unwrap_or_default();
            !started.url.is_empty() || started.child.try_wait().unwrap().is_some()
        });
        assert!(!started.url.is_empty(), "{}", std::fs::read_to_string(log).unwrap());
        started
    }
}

/// The template as somebody changes it who does what its comments say.
fn as_commented() -> String {
    let (_, text) = bundled::SOURCES.iter().find(|(path, _)| *path == "sources/list.toml").unwrap();
    let mut own = (*text).to_owned();
    for (from, to) in [
        ("\npath = \"\"\n", "\n"),
        ("# path = \".json\"", "path = \".json\""),
        ("_page = \"{page}\"\n_limit = \"{limit}\"\n", ""),
        ("# _shape", "_shape"),
        ("# _size", "_size"),
        ("kind = \"link\" ", "# kind = \"link\" "),
        ("size = 100", "size = 2"),
        ("total = \"header", "# total = \"header"),
        ("# kind = \"next_url\"", "kind = \"next_url\""),
        ("# next = ", "next = "),
        ("# total = \"/filtered", "total = \"/filtered"),
        ("\npath = \"/{id}\"\n", "\n"),
        ("# path = \"/{id}.json\"", "path = \"/{id}.json\""),
        ("# query = {", "query = {"),
        ("# items = \"/rows\"", "items = \"/rows\""),
    ] {
        assert_eq!(own.matches(from).count(), 1, "{from}");
        own = own.replace(from, to);
    }
    own
}

async fn books(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let table = "CREATE TABLE invoices (id INTEGER PRIMARY KEY, number TEXT, customer_id TEXT, customer_name TEXT, due_date TEXT, currency TEXT, balance TEXT, email TEXT, status TEXT, paid_at TEXT)";
    sqlx::query(table).execute(&pool).await.unwrap();
    for n in 1..=5i64 {
        let insert = sqlx::query(
            "INSERT INTO invoices VALUES ($1, 'F-' || $1, 'C' || $1, 'Maison ' || $1, $2, 'EUR', '120.50', 'c' || $1 || '@client.example', 'open', NULL)",
        );
        insert.bind(n).bind(day(-10).to_string()).execute(&pool).await.unwrap();
    }
    pool
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_one_is_read_written_about_and_paid() {
    let Some(program) = std::env::var_os("RELANCE_DATASETTE") else {
        println!("left out: RELANCE_DATASETTE names no Datasette");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ledger = books(&folder.path().join("books.db")).await;
    let real = Datasette::start(Path::new(&program), &folder.path().join("books.db"), &folder.path().join("log"));
    let config = Config { source: String::new(), ..into_folder() };
    let config = config.system("own", &real.url, "booking_lag = \"0 days\"\ngrace = \"0 days\"");
    let firm = Firm::new(&config.file("sources/own.toml", &as_commented()), &[]).await;
    let tried = firm.run(&["source", "try"]).ends(0);
    assert!(tried.out.contains("row 1: 1: good") && tried.out.contains("from /due_date"), "{}", tried.out);
    firm.run(&["check", "--connect"]).ends(0);
    // One is paid before anything leaves: three pages, and nothing is written about it.
    sqlx::query("UPDATE invoices SET status = 'paid', paid_at = 'today', balance = '0' WHERE id = 2")
        .execute(&ledger)
        .await
        .unwrap();
    firm.run(&["run", "--once"]).ends(0);
    let mut written = firm.attempts();
    written.sort();
    assert_eq!(written, ["accepted C1", "accepted C3", "accepted C4", "accepted C5"]);
    // One is gone altogether, one comes anew.
    sqlx::query("DELETE FROM invoices WHERE id = 4").execute(&ledger).await.unwrap();
    let again = "INSERT INTO invoices SELECT 6, 'F-6', 'C6', 'Maison 6', due_date, 'EUR', '80.00', 'c6@client.example', 'open', NULL FROM invoices WHERE id = 1";
    sqlx::query(again).execute(&ledger).await.unwrap();
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts().last().map(String::as_str), Some("accepted C6"));
    assert_eq!(firm.attempts().len(), 5);
    let gone = firm.run(&["explain", "4"]).ends(0).out;
    assert!(gone.contains("nothing is open any more"), "{gone}");
}
