//! What a person has in hand after the year: the journal, the log as the program prints it, what arrived, the ledger.

use crate::support::mail::Parsed;
use assert_cmd::Command;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::Row as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// An invoice as a row of the log names it. Money is in hundredths: the firm has euro and pounds.
#[derive(Clone, Debug)]
pub struct Named {
    pub number: String,
    pub balance: i64,
    pub currency: String,
    pub stage: Option<String>,
}

/// A row of the log.
#[derive(Clone, Debug)]
pub struct Entry {
    pub at: Timestamp,
    pub debtor: String,
    pub cadence: String,
    pub step: String,
    pub channel: String,
    pub address: String,
    pub language: String,
    pub outcome: String,
    pub why: String,
    /// The file's name, or the SMS's reference.
    pub message: String,
    pub invoices: Vec<Named>,
}

/// Rows of a letter under one heading, their numbers, amounts and what stands below; and its total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    pub heading: String,
    pub rows: Vec<(String, i64, String)>,
    pub total: Option<i64>,
}

/// A mail as its reader sees it.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    pub cc: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub files: Vec<(String, Vec<u8>)>,
    pub blocks: Vec<Block>,
    /// What the payment panel names.
    pub panel: Option<i64>,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Papers {
    /// Moment, what, facts.
    pub journal: Vec<(Timestamp, String, Value)>,
    pub log: Vec<Entry>,
    pub letters: BTreeMap<String, Arc<Letter>>,
    /// Reference to number and text.
    pub texts: BTreeMap<String, (String, String)>,
    /// When each morning report left, and what it says of each currency: the total of all states, and the ledger's.
    pub reports: Vec<(Timestamp, Vec<(String, i64)>)>,
    /// What is open in the ledger, by currency.
    pub ledger: BTreeMap<String, i64>,
    pub status: Value,
    pub verified: Value,
}

/// Decimal text in hundredths.
pub fn cents(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let amount: i64 = digits.parse().unwrap_or_default();
    if text.contains(['-', '−']) { -amount } else { amount }
}

pub async fn read(folder: &Path) -> Papers {
    let line = |l: &str| -> Value { serde_json::from_str(l).unwrap() };
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let journal = text("journal.jsonl");
    let journal = journal.lines().map(line).map(|v| {
        let at: Timestamp = word(&v, "at").parse().unwrap();
        (at, word(&v, "what"), v)
    });
    let sms = text("sms.jsonl").lines().filter(|l| !l.is_empty()).map(line).collect::<Vec<_>>();
    let mut papers = Papers {
        journal: journal.collect(),
        log: run(folder, &["log", "--json", "--limit", "1000000"]).iter().map(entry).collect(),
        letters: BTreeMap::new(),
        texts: sms.iter().map(|v| (word(v, "reference"), (word(v, "to"), word(v, "text")))).collect(),
        reports: Vec::new(),
        ledger: ledger(&folder.join("ledger.db")).await,
        status: run(folder, &["status", "--json"]).remove(0),
        verified: run(folder, &["log", "verify", "--deep", "--json"]).remove(0),
    };
    for file in std::fs::read_dir(folder.join("mail")).unwrap().map(|f| f.unwrap()) {
        let name = file.file_name().into_string().unwrap().trim_end_matches(".eml").to_owned();
        let parsed = || Parsed::new(&std::fs::read(file.path()).unwrap());
        if name.starts_with("report-") {
            let mail = parsed();
            let date = jiff::fmt::rfc2822::parse(&mail.header("Date")).unwrap();
            papers.reports.push((date.timestamp(), totals(mail.text())));
        } else if !name.starts_with("alert-") {
            papers.letters.insert(name, Arc::new(letter(&parsed())));
        }
    }
    papers.reports.sort();
    papers
}

fn run(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relance"));
    let config = folder.join("relance.toml");
    let out = command.arg("--config").arg(config).args(arguments).timeout(std::time::Duration::from_secs(300)).output().unwrap();
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

async fn ledger(path: &Path) -> BTreeMap<String, i64> {
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}?mode=ro", path.display())).await.unwrap();
    let sql = "SELECT currency, balance FROM invoice WHERE status NOT IN ('paid', 'void')";
    let mut open = BTreeMap::new();
    for row in sqlx::query(sql).fetch_all(&pool).await.unwrap() {
        *open.entry(row.get("currency")).or_default() += cents(row.get("balance"));
    }
    pool.close().await;
    open
}

/// A field as text; empty where there is none.
pub fn word(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn entry(v: &Value) -> Entry {
    let named = |i: &Value| Named {
        number: word(i, "number"),
        balance: cents(&word(i, "balance")),
        currency: word(i, "currency"),
        stage: i["stage"].as_str().map(str::to_owned),
    };
    Entry {
        at: word(v, "at").parse().unwrap(),
        debtor: word(v, "debtor"),
        cadence: word(v, "cadence"),
        step: word(v, "step"),
        channel: word(v, "channel"),
        address: word(v, "address"),
        language: word(v, "language"),
        outcome: word(v, "outcome"),
        why: word(v, "why"),
        message: word(v, "message_id").split('@').next().unwrap_or_default().to_owned(),
        invoices: v["invoices"].as_array().unwrap().iter().map(named).collect(),
    }
}

/// The lines of a report's last part that give a sum: of all states, and of the ledger. One that says that both are the same
/// gives two.
fn totals(text: &str) -> Vec<(String, i64)> {
    let both = |l: &str| if l.contains(" Total = Comptabilité ") { 2 } else { 1 };
    let lines = text.lines().flat_map(|l| std::iter::repeat_n(l, both(l)));
    let sums = lines.filter_map(|l| l.split_once(" Comptabilité ").or(l.split_once(" Total ")));
    let sign = |l: &str| Some(if l.ends_with('€') { "EUR" } else { l.ends_with('£').then_some("GBP")? }.to_owned());
    sums.filter_map(|(_, sum)| Some((sign(sum)?, cents(sum)))).collect()
}

fn letter(mail: &Parsed) -> Letter {
    let text = mail.text().replace(['\u{a0}', '\u{202f}'], " ");
    let blocks: Vec<Block> = text.split("\n\n").filter_map(block).collect();
    let (panel, blocks): (Vec<Block>, Vec<Block>) = blocks.into_iter().partition(|b| b.rows.iter().any(|r| r.0 == "IBAN"));
    let amount = |b: &Block| {
        let at = b.rows.iter().position(|r| r.0 == "IBAN")?;
        b.rows.get(at + 1).map(|r| r.1)
    };
    let header = |name: &str| if mail.has(name) { mail.header(name) } else { String::new() };
    let files = mail.files.iter().map(|f| (f.name.clone(), f.bytes.clone())).collect();
    Letter {
        to: header("To"),
        cc: header("Cc"),
        subject: header("Subject"),
        html: mail.part("text/html").to_owned(),
        files,
        panel: panel.iter().find_map(amount),
        blocks,
        text,
    }
}

/// A heading with rows below it: two blanks before a row, four before what is said of it. A row whose name is no number
/// of the ledger's is the total.
fn block(text: &str) -> Option<Block> {
    let mut lines = text.trim_matches('\n').lines();
    let heading = lines.next().filter(|l| !l.starts_with(' '))?.to_owned();
    let mut block = Block { heading, ..Block::default() };
    for line in lines {
        let inner = line.strip_prefix("  ")?;
        if let Some(below) = inner.strip_prefix("  ") {
            block.rows.last_mut()?.2 += &format!("{below}\n");
        } else {
            let (name, amount) = inner.split_once(':')?;
            let (name, amount) = (name.trim(), cents(amount));
            match name.chars().any(|c| c.is_ascii_digit()) || block.heading_of_panel(name) {
                true => block.rows.push((name.to_owned(), amount, String::new())),
                false => block.total = Some(amount),
            }
        }
    }
    (!block.rows.is_empty()).then_some(block)
}

impl Block {
    /// Whether the row is one of the payment panel: it has no numbers of the ledger's, and begins with who is paid.
    fn heading_of_panel(&self, name: &str) -> bool {
        let payee = ["Bénéficiaire", "Begunstigde", "Zahlungsempfänger", "Payee"];
        payee.contains(&name) || self.rows.first().is_some_and(|r| payee.contains(&r.0.as_str()))
    }
}
