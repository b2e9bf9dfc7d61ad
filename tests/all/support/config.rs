//! A relance.toml in parts, so that a test names only what it is about.

use super::home::Home;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A firm's settings. The parts are TOML lines; `files` are written beside relance.toml.
#[derive(Clone, Debug)]
pub struct Config {
    /// A PostgreSQL ledger in place of the SQLite file.
    pub ledger: Option<String>,
    pub source: String,
    pub email: Option<String>,
    pub sms: Option<String>,
    pub guard: String,
    /// The lines of [report]; off where there are none.
    pub report: String,
    /// The lines of [documents]; none, no section.
    pub documents: String,
    /// The lines of [store]; the world or the firm fills in where it is, unless they are there already.
    pub store: String,
    pub files: BTreeMap<String, String>,
}

/// The key of an invoicing system. With characters that URLs write otherwise.
pub const LEDGER_KEY: &str = "k3y/of+the=ledger";

/// A cadence for everybody, with which the tests begin unless they say otherwise: courtesy, reminder, firm, final.
pub const STANDARD: &str = include_str!("standard.toml");

/// Every channel that has an address is used.
pub const BOTH: &str = r#"
name = "standard"
minimum = "10.00"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = ["email", "sms"]
[[step]]
id = "firm"
when = "8 days after reminder"
channel = ["email", "sms"]
"#;

/// SMS only.
pub const SMS_ONLY: &str = r#"
name = "standard"
minimum = "10.00"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "sms"
"#;

impl Config {
    /// Mail through a relay on this machine, without encryption.
    pub fn mail(port: u16) -> Config {
        let email =
            format!("from = \"Comptabilité <compta@canal.example>\"\nsmtp = \"smtp://127.0.0.1:{port}\"\ntls = \"none\"\n");
        let none = String::new;
        let (source, guard, report, documents, store) = (none(), none(), none(), none(), none());
        let files = BTreeMap::from([("cadences/standard.toml".to_owned(), STANDARD.to_owned())]);
        Config { ledger: None, source, email: Some(email), sms: None, guard, report, documents, store, files }
    }

    /// SMS through a gateway on this machine, and no mail.
    pub fn sms(gateway: &str, port: u16) -> Config {
        let config = Config { email: None, ..Config::mail(0) };
        config.with_sms(gateway, port).cadence(SMS_ONLY)
    }

    /// SMS through a gateway on this machine.
    pub fn with_sms(mut self, gateway: &str, port: u16) -> Config {
        self.sms = Some(format!(
            "gateway = \"{gateway}\"\nurl = \"http://127.0.0.1:{port}\"\nuser = \"tester\"\npassword = {{ file = \"sms.secret\" }}\n"
        ));
        self.file("sms.secret", &format!("{SMS_PASSWORD}\n"))
    }

    /// SMS into the file `sms.jsonl`.
    pub fn with_sms_file(mut self) -> Config {
        self.sms = Some("gateway = \"file\"\nurl = \"file://sms.jsonl\"\n".to_owned());
        self
    }

    /// One more line for `[email]`.
    pub fn email_line(mut self, line: &str) -> Config {
        self.email.get_or_insert_default().push_str(&format!("{line}\n"));
        self
    }

    /// One more line for `[sms]`.
    pub fn sms_line(mut self, line: &str) -> Config {
        self.sms.get_or_insert_default().push_str(&format!("{line}\n"));
        self
    }

    /// One more line for `[guard]`.
    pub fn guard_line(mut self, line: &str) -> Config {
        self.guard.push_str(&format!("{line}\n"));
        self
    }

    /// One more line for `[report]`.
    pub fn report_line(mut self, line: &str) -> Config {
        self.report.push_str(&format!("{line}\n"));
        self
    }

    /// Copies of invoices lie in the folder `pdf`.
    pub fn with_documents(mut self, max_size: &str) -> Config {
        self.documents = format!("folder = \"pdf\"\nmax_size = \"{max_size}\"\n");
        self
    }

    /// The ledger in an invoicing system with an HTTP API, whose key is [`LEDGER_KEY`].
    pub fn system(mut self, preset: &str, url: &str, more: &str) -> Config {
        self.source = format!("kind = \"http\"\npreset = \"{preset}\"\nurl = \"{url}\"\n{more}\n");
        self.file("ledger.secret", &format!("{LEDGER_KEY}\n"))
    }

    /// The ledger in a PostgreSQL database.
    pub fn ledger(mut self, url: &str) -> Config {
        self.ledger = Some(url.to_owned());
        self
    }

    /// One more line for `[source]`.
    pub fn source_line(mut self, line: &str) -> Config {
        self.source.push_str(&format!("{line}\n"));
        self
    }

    /// A cadence of the firm's own in place of the shipped one.
    pub fn cadence(self, text: &str) -> Config {
        self.file("cadences/standard.toml", text)
    }

    /// A file beside relance.toml.
    pub fn file(mut self, path: &str, text: &str) -> Config {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// A store in a file, also where the tests run on PostgreSQL: for what only a file has.
    pub fn on_file(mut self) -> Config {
        self.store = "url = \"sqlite://relance.db\"\n".to_owned();
        self
    }

    /// The store of this test, made if need be; the configuration says where it is from now on.
    pub async fn home(&mut self, folder: &Path) -> Home {
        if self.store.contains("url") {
            return Home::File(folder.join("relance.db"));
        }
        let home = Home::new(folder).await;
        // Short, so that a test need not wait long for what a killed daemon had in hand.
        let lease = if matches!(home, Home::Database(_)) && !self.store.contains("lease") { "lease = \"2s\"\n" } else { "" };
        self.store = format!("url = \"{}\"\n{lease}{}", home.url(), self.store);
        home
    }

    /// Writes relance.toml and what lies beside it.
    pub fn write(&self, folder: &Path) {
        for (path, text) in &self.files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            // Passwords as a careful administrator keeps them.
            if path.extension().is_some_and(|end| end == "secret" || end == "pw") {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
        std::fs::write(folder.join("relance.toml"), self.text()).unwrap();
    }

    fn text(&self) -> String {
        let mut text = r#"
[creditor]
name = "Atelier du Canal SRL"
country = "BE"
language = "fr"
timezone = "Europe/Brussels"
iban = "BE71096123456769"
contact = "compta@canal.example"
[source]
"#
        .to_owned();
        match &self.ledger {
            // What an export is stands in `source`.
            Some(kind) if kind == "csv" => {}
            Some(url) => text.push_str(&format!("kind = \"postgres\"\nurl = \"{url}\"\n")),
            // A source of another kind, whose lines say all of it.
            None if self.source.contains("kind = ") => {}
            None => text.push_str("kind = \"sqlite\"\npath = \"ledger.db\"\n"),
        }
        text.push_str(&self.source);
        let store = if self.store.is_empty() { "url = \"sqlite://relance.db\"\n" } else { &self.store };
        text.push_str(&format!("[store]\n{store}"));
        for (name, lines) in [("email", &self.email), ("sms", &self.sms)] {
            if let Some(lines) = lines {
                text.push_str(&format!("[{name}]\n{lines}"));
            }
        }
        if !self.documents.is_empty() {
            text.push_str(&format!("[documents]\n{}", self.documents));
        }
        text.push_str(&format!("[guard]\n{}", self.guard));
        // The machine's own day and hour must not decide whether a test's firm gets a report: who tests it says so.
        let report = if self.report.is_empty() { "morning = \"off\"\n" } else { &self.report };
        text.push_str(&format!("[report]\n{report}"));
        text
    }
}

/// The gateway's password; no text that anybody may see holds it.
pub const SMS_PASSWORD: &str = "s3cr3t-gateway-word";
