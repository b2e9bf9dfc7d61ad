//! Stores as earlier programs left them: built by the migrations up to a version, with a row of every kind in every table.

use super::filled::{documents, dump_of, fill, script};
use crate::support::Config;
use crate::support::home::Home;
use crate::support::postgres::Database;
use relance::config::settings::StoreSettings;
use relance::config::{Environment, Setup};
use relance::store::Store;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An old store, and a configuration that names it.
pub struct Old {
    pub folder: TempDir,
    pub home: Home,
    pub settings: StoreSettings,
    /// Its version.
    pub version: usize,
}

/// The migrations of a database, in their order.
pub fn migrations(kind: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect()
}

/// The version of this program.
pub fn newest() -> usize {
    migrations("sqlite").len()
}

/// Makes the tables of a version.
pub async fn make(home: &Home, version: usize) {
    match home {
        Home::File(path) => {
            drop(std::fs::File::create(path).unwrap());
            let all = migrations("sqlite")[..version].concat();
            home.run(&format!("{all} PRAGMA user_version = {version};")).await.unwrap();
        }
        Home::Database(database) => {
            let all = migrations("postgres")[..version].concat();
            let (schema, path) = ("CREATE SCHEMA relance", "SET LOCAL search_path = relance");
            database.run(&format!("{schema}; {path}; {all} INSERT INTO meta VALUES ('version', '{version}');")).await;
        }
    }
}

/// Messages that were in hand when the program ended: one only claimed, one that may have left.
fn in_hand(version: usize) -> String {
    let (column, value) = match version {
        1 => ("lease_until", "5".to_owned()),
        _ => ("session_pk", "(SELECT max(pk) FROM session)".to_owned()),
    };
    let session = if version == 1 { "" } else { "INSERT INTO session (name, started_at, agreement) VALUES ('killed', 1, '');" };
    let row = |pk: i64, state: &str, payload: &str| {
        format!(
            "INSERT INTO message (pk, contact_pk, debtor_pk, channel, address, step, cadence, letter, message_id, state, not_before, payload_pk, {column})
            VALUES ({pk}, 2, 1, 'email', 'c1@debtor.example', 'firm', 'standard', 'firm', 'm{pk}@canal.example', '{state}', 1, {payload}, {value});\n"
        )
    };
    [session, &row(50, "leased", "NULL"), &row(51, "sending", "5"), &row(52, "leased", "1")].concat()
}

impl Old {
    /// Every earlier version in a file, and in a database where there is a server.
    pub async fn all() -> Vec<Old> {
        let mut all = Vec::new();
        for version in 1..newest() {
            let folder = TempDir::new().unwrap();
            all.push(Old::filled(Home::File(folder.path().join("relance.db")), folder, version).await);
            if let Some(database) = Database::new().await {
                all.push(Old::filled(Home::Database(database), TempDir::new().unwrap(), version).await);
            }
        }
        all
    }

    /// An old store in a place of its own.
    pub async fn filled(home: Home, folder: TempDir, version: usize) -> Old {
        make(&home, version).await;
        let documents = if version < 5 { String::new() } else { documents() };
        fill(&home, &format!("{}{documents}{}", script(version), in_hand(version))).await;
        if let Home::Database(_) = home {
            home.run(NUMBERS).await.unwrap();
        }
        let config = Config { store: format!("url = \"{}\"\n", home.url()), ..Config::mail(25) };
        config.write(folder.path());
        Old { settings: home.settings(), folder, home, version }
    }

    /// The configuration, for what needs more than the store.
    pub fn setup(&self) -> Setup {
        Setup::load(&self.folder.path().join("relance.toml"), Environment::new()).unwrap()
    }

    /// Opens it as `run` does, without its lock; gives what went wrong.
    pub async fn opened(&self) -> Result<Store, String> {
        Store::open(&self.settings, &Environment::new()).await.map_err(|e| e.to_string())
    }

    /// The version that it says it has.
    pub async fn says(&self) -> String {
        let sql = match self.home {
            Home::File(_) => "SELECT user_version || '' FROM pragma_user_version",
            Home::Database(_) => "SELECT value FROM meta WHERE key = 'version'",
        };
        self.home.texts(sql).await[0].clone()
    }

    /// All its tables with their rows.
    pub async fn rows(&self) -> Vec<(String, Vec<String>)> {
        match self.home {
            Home::File(_) => rows_of(&self.home, "main").await,
            Home::Database(_) => rows_of(&self.home, "relance").await,
        }
    }
}

/// What a program does with its own numbers: they go on behind the last.
pub const NUMBERS: &str = "DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = 'relance'::regnamespace AND attname = 'pk' AND attidentity <> '' LOOP
        EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, ''pk''), 1000)', t);
    END LOOP; END $$";

/// All tables of a schema with their rows.
pub async fn rows_of(home: &Home, schema: &str) -> Vec<(String, Vec<String>)> {
    let names = match home {
        Home::File(_) => {
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name".to_owned()
        }
        Home::Database(_) => {
            format!("SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = '{schema}' ORDER BY tablename")
        }
    };
    let mut all = Vec::new();
    for name in home.all_texts(names).await {
        let rows = dump_of(home, schema, &name).await;
        all.push((name, rows));
    }
    all
}
