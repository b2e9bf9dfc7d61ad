//! What `check` says about a configuration, word for word, and that all that is shipped passes it.

mod cadences;
mod calendars;
mod files;
mod formats;
mod inbox;
mod law;
mod letters;
mod lint;
mod merged;
pub mod schema;
mod secrets;
mod settings;
mod shipped;
mod source;
mod wording;

use relance::config::problem::ConfigError;
use relance::config::{Environment, Setup};
use relance::flow::desk::checked;
use relance::letter::Letters;

/// A configuration that `check` accepts.
const GOOD: &str = r#"[creditor]
name = "Atelier du Canal SRL"
country = "BE"
language = "fr"
timezone = "Europe/Brussels"
iban = "BE71 0961 2345 6769"
contact = "compta@canal.example"

[source]
kind = "sqlite"
path = "invoices.db"

[store]
url = "sqlite://relance.db"

[email]
from = "Comptabilité <compta@canal.example>"
smtp = "smtps://mail.canal.example"
"#;

/// The good configuration with a file beside it.
pub fn good_with(path: &str, text: &str) -> Setup {
    Tree::new(GOOD).file(path, text).setup()
}

/// Files below a folder, and variables.
#[derive(Default)]
struct Tree {
    files: Vec<(String, String)>,
    binary: Vec<(String, Vec<u8>)>,
    environment: Environment,
}

impl Tree {
    /// relance.toml alone.
    fn new(relance: &str) -> Tree {
        Tree::default().file("relance.toml", relance)
    }

    /// The good configuration with some lines more, of which the first is line 20.
    fn good(more: &str) -> Tree {
        Tree::new(&format!("{GOOD}{more}"))
    }

    /// The good configuration with a part replaced.
    fn but(part: &str, other: &str) -> Tree {
        assert!(GOOD.contains(part), "{part}");
        Tree::new(&GOOD.replacen(part, other, 1))
    }

    fn file(mut self, path: &str, text: &str) -> Tree {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// A file that need not be text.
    fn bytes(mut self, path: &str, bytes: &[u8]) -> Tree {
        self.binary.push((path.to_owned(), bytes.to_vec()));
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Tree {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Reads and checks it, as `check` does; what is wrong comes with paths below the folder.
    fn read(&self) -> Result<(Setup, Letters), Vec<String>> {
        let folder = self.written();
        let prefix = format!("{}/", folder.path().display());
        let lines = |e: ConfigError| -> Vec<String> { e.to_string().replace(&prefix, "").lines().map(str::to_owned).collect() };
        let read = checked(&folder.path().join("relance.toml"), self.environment.clone()).map_err(lines);
        if read.is_ok() {
            schema::take_it_too(self);
        }
        read
    }

    /// Writes the files into a folder.
    fn written(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let texts = self.files.iter().map(|(path, text)| (path, text.as_bytes()));
        for (path, bytes) in texts.chain(self.binary.iter().map(|(path, bytes)| (path, bytes.as_slice()))) {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    /// What is wrong with the files, letters apart: they take the longest.
    fn loads(&self) -> Vec<String> {
        let folder = self.written();
        let told = Setup::load(&folder.path().join("relance.toml"), self.environment.clone()).map(|_| ()).err();
        told.map_or_else(Vec::new, |e| e.to_string().lines().map(str::to_owned).collect())
    }

    fn setup(&self) -> Setup {
        self.read().map_or_else(|lines| panic!("{}", lines.join("\n")), |(setup, _)| setup)
    }

    /// Asserts what is told, line by line.
    #[track_caller]
    fn tells(&self, expected: &[&str]) {
        let told = self.read().map(|_| ()).err().unwrap_or_default();
        assert_eq!(told, expected, "told:\n{}\n", told.join("\n"));
    }
}
