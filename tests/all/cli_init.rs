//! `init`: the built program on a real ledger, with flags and on a terminal. Whatever happens, nothing is overwritten,
//! nothing is sent, and what did not work is said.

use super::config::schema::complaints;
use super::program::{Firm, PATIENCE, Ran, into_folder, late};
use super::support::smtp::{Offers, Smtp};
use super::support::terminal::on_terminal;
use super::support::{Config, Database};
use sqlx::AssertSqlSafe;
use std::os::unix::fs::PermissionsExt as _;

/// Books with usual names, amounts in cents, and no view relance_invoices.
const BOOKS: &str = "DROP TABLE IF EXISTS relance_invoices;
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, country TEXT, vat_number TEXT);
    CREATE TABLE invoices (id INTEGER PRIMARY KEY, number TEXT, customer_id INTEGER, due_date TEXT, currency TEXT,
                           total_cents INTEGER, paid_cents INTEGER, state TEXT);
    INSERT INTO customers VALUES (1, 'Brasserie du Parvis', 'facturen@parvis.example', 'BE', 'BE0428759497');
    INSERT INTO invoices VALUES (1, 'F-1', 1, '2026-10-31', 'EUR', 85050, 50, 'sent');";

const FIRM: [&str; 6] = ["--name", "Atelier \"du Canal\" SRL", "--country", "be", "--contact", "compta@canal.example"];

/// A firm that has a ledger and nothing else.
async fn firm(with_view: bool) -> Firm {
    let firm = Firm::new(&into_folder(), &if with_view { vec![late("F-1", "C1")] } else { vec![] }).await;
    std::fs::remove_file(firm.path("relance.toml")).unwrap();
    std::fs::remove_dir_all(firm.path("cadences")).unwrap();
    if !with_view {
        sqlx::raw_sql(AssertSqlSafe(BOOKS)).execute(&firm.ledger).await.unwrap();
    }
    firm
}

/// Runs init with the flags of a firm, and more.
fn init(firm: &Firm, more: &[&str]) -> Ran {
    let ledger = firm.path("ledger.db").display().to_string();
    let flags = [&["init", "--yes"], &FIRM[..], &["--language", "fr", "--ledger", &ledger], more].concat();
    firm.run(&flags)
}

fn written(firm: &Firm) -> String {
    std::fs::read_to_string(firm.path("relance.toml")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn flags_alone_write_try_and_show() {
    let server = Smtp::with(Offers { login: Some(("compta", "open sesame")), ..Offers::default() }).await;
    let firm = firm(true).await;
    // As the unit takes it for the credential.
    std::fs::write(firm.path("smtp.password"), "open sesame\n").unwrap();
    let smtp = format!("smtp://127.0.0.1:{}", server.port);
    let login = ["--smtp", &smtp, "--smtp-user", "compta", "--smtp-password", "credential:smtp"];
    let ran = init(&firm, &[&login[..], &["--iban", "BE71 0961 2345 6769"]].concat()).ends(0);
    for words in [
        "The ledger has relance_invoices",
        "Written: ",
        "1 rows read again in",
        "logged in",
        "Who gets which cadence:",
        "The first week:",
        "Sending is stopped now (dry_run)",
        "relance.toml: good (cadences: 7",
        "Nothing leaves at first",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let last = format!("To start:  relance --config {} run", firm.path("relance.toml").display());
    assert_eq!(ran.out.lines().last(), Some(last.as_str()));
    assert!(server.begun().is_empty(), "nothing is sent");
    assert!(!firm.path("relance.db").exists(), "the store is not begun");
    let text = written(&firm);
    assert_eq!(complaints("relance", &text), []);
    let mode = std::fs::metadata(firm.path("relance.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}");
    assert!(!text.contains("open sesame") && !ran.out.contains("open sesame"));
    for line in
        ["\ndry_run = true ", "\n# redirect_to = ", "\nmax_messages_per_cycle = 50 ", "\npassword = { credential = \"smtp\" }\n"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    let file: toml::Value = toml::from_str(&text).unwrap();
    assert_eq!(file["creditor"]["name"].as_str(), Some("Atelier \"du Canal\" SRL"));
    assert_eq!(file["creditor"]["timezone"].as_str(), Some("Europe/Brussels"), "by the country");
}

#[tokio::test]
async fn the_first_week_may_go_to_oneself() {
    let firm = firm(true).await;
    let mail = format!("file://{}", firm.path("mail").display());
    init(&firm, &["--smtp", &mail, "--start", "me", "--max-messages", "7", "--old-debts", "hold"]).ends(0);
    let file: toml::Value = toml::from_str(&written(&firm)).unwrap();
    let guard = file["guard"].as_table().unwrap();
    assert_eq!(guard["redirect_to"].as_str(), Some("compta@canal.example"));
    assert_eq!((guard["max_messages_per_cycle"].as_integer(), guard["old_debts"].as_str()), (Some(7), Some("hold")));
    assert!(!guard.contains_key("dry_run"));
    // What it says is a configuration like any other.
    firm.run(&["check", "--connect"]).ends(0);
    firm.run(&["run", "--once"]);
    assert!(firm.path("relance.db").exists());
}

#[tokio::test]
async fn a_file_that_is_there_is_never_touched() {
    let firm = firm(true).await;
    std::fs::write(firm.path("relance.toml"), "mine").unwrap();
    let ran = init(&firm, &[]).ends(1);
    assert!(ran.err.contains("is there already and is never overwritten") && ran.err.contains("check"), "{}", ran.err);
    assert_eq!(written(&firm), "mine");
    let nowhere = firm.path("no/such/relance.toml").display().to_string();
    let ran = Ran::new(
        &std::process::Command::new(env!("CARGO_BIN_EXE_relance")).args(["--config", &nowhere, "init"]).output().unwrap(),
    );
    let ran = ran.ends(1);
    assert!(ran.err.contains("there is no folder") && ran.err.contains("mkdir -p"), "{}", ran.err);
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_told_at_once() {
    let firm = firm(true).await;
    let ran = firm.run(&["init"]).ends(2);
    for flag in ["--name", "--country", "--language", "--timezone", "--contact", "--ledger"] {
        assert!(ran.err.contains(flag), "{flag}: {}", ran.err);
    }
    let bad = [
        ("--iban", "BE71 0961 2345 6768"),
        ("--timezone", "Europe/Brussel"),
        ("--from", "nobody"),
        ("--smtp", "gopher://x"),
        ("--start", "boom"),
        ("--max-messages", "many"),
        ("--store", "/no/such/folder/relance.db"),
        ("--sms-gateway", "pigeon"),
    ];
    let flags: Vec<&str> = bad.iter().flat_map(|(flag, value)| [*flag, *value]).collect();
    let ran = init(&firm, &flags).ends(2);
    for (flag, _) in bad {
        // Without a mail server there is no sender to judge.
        assert!(ran.err.contains(&format!("{flag}: ")) || flag == "--from", "{flag}: {}", ran.err);
    }
    let ran = init(&firm, &["--smtp", "mail.canal.example", "--smtp-user", "c", "--smtp-password", "hunter2"]).ends(2);
    assert!(ran.err.contains("never typed here") && !ran.err.contains("hunter2"), "{}", ran.err);
    let ran = init(&firm, &["--query", "/no/such.sql"]).ends(2);
    assert!(ran.err.contains("--query: cannot read /no/such.sql"), "{}", ran.err);
    assert!(!firm.path("relance.toml").exists());
}

#[tokio::test]
async fn what_does_not_work_is_said_and_the_file_is_written() {
    let firm = firm(true).await;
    std::fs::write(firm.path("query.sql"), "SELECT nonsense FROM nowhere").unwrap();
    let query = firm.path("query.sql").display().to_string();
    // Nobody listens at the port that is meant for nobody.
    let ran = init(
        &firm,
        &["--query", &query, "--smtp", "smtp://127.0.0.1:9", "--sms-gateway", "kannel", "--sms-url", "http://127.0.0.1:9"],
    );
    let ran = ran.ends(1);
    for words in [
        "source: FAILED",
        "email: FAILED",
        "sms: FAILED",
        "source did not work: see [source]",
        "email did not work: see [email]",
        "The file is written all the same",
        "To start:",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(!ran.out.contains("The first week"), "there is nothing to show");
    assert_eq!(complaints("relance", &written(&firm)), []);
}

#[tokio::test]
async fn a_guess_is_shown_and_never_used_without_a_yes() {
    let firm = firm(false).await;
    let mail = format!("file://{}", firm.path("mail").display());
    let ran = init(&firm, &["--smtp", &mail]).ends(1);
    for words in ["invoices", "total_cents", "JOIN customers c ON c.id = i.customer_id", "F-1", "850.00 EUR", "FILL_IN"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(ran.out.contains("source did not work: [source] query waits for you"), "{}", ran.out);
    let text = written(&firm);
    let marked = text.lines().find(|l| l.starts_with("FILL_IN -- ")).unwrap();
    firm.run(&["check", "--connect"]).ends(1);
    std::fs::write(firm.path("relance.toml"), text.replace(&format!("{marked}\n"), "")).unwrap();
    let ran = firm.run(&["check", "--connect"]).ends(0);
    assert!(ran.out.contains("1 rows read again in"), "{}", ran.out);
}

#[tokio::test]
async fn on_a_terminal_it_asks_again_until_the_answer_is_good() {
    let firm = firm(false).await;
    let ledger = firm.path("ledger.db").display().to_string();
    let mail = format!("file://{}", firm.path("mail").display());
    let typed = [
        "Atelier du Canal SRL",
        "Belgium",
        "be",
        "",
        "nl",
        "",
        "compta",
        "compta@canal.example",
        "BE71 0961 2345 6768",
        "BE71 0961 2345 6769",
        "0123.456.749",
        "/no/such/ledger.db",
        &ledger,
        "perhaps",
        "yes",
        "",
        &mail,
        "",
        "",
        "tomorrow",
        "me",
        "",
        "",
    ];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relance"));
    command.env_clear().arg("--config").arg(firm.path("relance.toml")).arg("init");
    let (code, shown) = on_terminal(command, &typed, PATIENCE);
    assert_eq!(code, Some(0), "{shown}");
    for words in [
        "\"country\" is \"BELGIUM\"",
        "There is no default for this",
        "[Europe/Brussels]",
        "\"contact\" is \"compta\"; wanted an e-mail address",
        "not a valid IBAN",
        "/no/such/ledger.db cannot be found",
        "850.00 EUR",
        "Please say yes or no.",
        "\"tomorrow\" is none of these; wanted dry, me or live",
        "Who gets which cadence:",
        "All messages go to compta@canal.example",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let file: toml::Value = toml::from_str(&written(&firm)).unwrap();
    assert_eq!(file["creditor"]["language"].as_str(), Some("nl"));
    assert_eq!(file["creditor"]["iban"].as_str(), Some("BE71 0961 2345 6769"));
    assert_eq!(file["guard"]["redirect_to"].as_str(), Some("compta@canal.example"));
    assert!(file["source"]["query"].as_str().unwrap().starts_with("SELECT i.id AS invoice_id"));
}

#[tokio::test]
async fn a_terminal_that_is_left_writes_nothing() {
    let firm = firm(true).await;
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relance"));
    command.env_clear().arg("--config").arg(firm.path("relance.toml")).arg("init");
    let (code, shown) = on_terminal(command, &["Atelier", "BE"], PATIENCE);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("nothing was written"), "{shown}");
    assert!(!firm.path("relance.toml").exists());
}

#[tokio::test]
async fn a_ledger_in_postgresql_is_looked_at_as_its_role_sees_it() {
    let Some(books) = Database::new().await else { return };
    books.run(&BOOKS.replace("TEXT, currency", "DATE, currency")).await;
    let (role, url) = books.role().await;
    books.run("CREATE TABLE secrets (id INTEGER); CREATE SCHEMA \"Old\"; CREATE TABLE \"Old\".\"Invoices\" (id INTEGER)").await;
    books.run(&format!("GRANT SELECT ON invoices, customers TO {role}")).await;
    let firm = Firm::new(&Config::mail(25), &[]).await;
    std::fs::remove_file(firm.path("relance.toml")).unwrap();
    let mail = format!("file://{}", firm.path("mail").display());
    let flags = [&["init", "--yes"], &FIRM[..], &["--language", "fr", "--ledger", &url, "--smtp", &mail]].concat();
    let ran = firm.run(&flags).ends(1);
    for words in ["FROM invoices i", "i.total_cents / 100.0 AS total", "850.00 EUR"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(!ran.out.contains("secrets") && !ran.out.contains("Old"), "{}", ran.out);
    assert_eq!(complaints("relance", &written(&firm)), []);
    // With a view of the right name nothing is left to guess.
    std::fs::remove_file(firm.path("relance.toml")).unwrap();
    let view = "CREATE VIEW relance_invoices AS SELECT i.id AS invoice_id, number, customer_id, name AS customer_name, due_date AS due_on,
        currency, (total_cents - paid_cents) / 100.0 AS balance, email FROM invoices i JOIN customers c ON c.id = i.customer_id";
    books.run(&format!("{view}; GRANT SELECT ON relance_invoices TO {role}")).await;
    let ran = firm.run(&flags).ends(0);
    assert!(ran.out.contains("The ledger has relance_invoices") && ran.out.contains("The first week:"), "{}", ran.out);
}

#[tokio::test]
async fn schema_prints_one() {
    let firm = Firm::new(&into_folder(), &[]).await;
    for (words, title) in [(&["schema"][..], "relance.toml"), (&["schema", "gateway"], "SMS gateway of relance")] {
        let schema: serde_json::Value = serde_json::from_str(&firm.run(words).ends(0).out).unwrap();
        assert_eq!(schema["title"].as_str(), Some(title));
    }
    let ran = firm.run(&["schema", "letter"]).ends(2);
    assert!(ran.err.contains("wanted one of: relance, cadence, gateway, source, calendar, law"), "{}", ran.err);
}
