//! Where the store of a test is: a file, or a database of its own where RELANCE_TEST_STORE says "postgres". So the same
//! tests run on both.

use super::postgres::Database;
use relance::config::database::DatabaseSettings;
use relance::config::settings::{StorePlace, StoreSettings};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

/// Whether tests that do not care which store they have are to have PostgreSQL.
pub fn on_postgres() -> bool {
    relance::config::environment().get("RELANCE_TEST_STORE").is_some_and(|s| s == "postgres")
}

/// The store of a test.
pub enum Home {
    File(PathBuf),
    Database(Database),
}

impl Home {
    /// A store that is not there yet, in a folder or in a new database.
    pub async fn new(folder: &Path) -> Home {
        match on_postgres() {
            true => Home::Database(Database::new().await.expect("RELANCE_TEST_STORE=postgres needs RELANCE_TEST_POSTGRES")),
            false => Home::File(folder.join("relance.db")),
        }
    }

    /// What `[store] url` says.
    pub fn url(&self) -> String {
        match self {
            Home::File(_) => "sqlite://relance.db".to_owned(),
            Home::Database(database) => database.url().to_owned(),
        }
    }

    /// The same as settings.
    pub fn settings(&self) -> StoreSettings {
        match self {
            Home::File(path) => StoreSettings::file(path),
            Home::Database(database) => StoreSettings {
                place: StorePlace::Postgres(DatabaseSettings::at(database.url()).unwrap()),
                ..StoreSettings::file("")
            },
        }
    }

    /// The first column of a query over the store, as text: for what no view of relance shows.
    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        self.all_texts(sql.to_owned()).await
    }

    /// The same for words that a test puts together.
    pub async fn all_texts(&self, sql: String) -> Vec<String> {
        let sql = AssertSqlSafe(sql);
        match self {
            Home::File(path) => {
                let mut raw = file(path).await;
                let found = sqlx::query_scalar(sql).fetch_all(&mut raw).await.unwrap();
                raw.close().await.unwrap();
                found
            }
            Home::Database(database) => {
                let mut raw = connection(database).await;
                let found = sqlx::query_scalar(sql).fetch_all(&mut raw).await.unwrap();
                raw.close().await.unwrap();
                found
            }
        }
    }

    /// Keeps everybody else from writing history until what it gives is dropped.
    pub async fn pen(&self) -> Box<dyn std::any::Any> {
        let (write, lock) = ("BEGIN IMMEDIATE", "SELECT pg_advisory_lock(CAST(CAST('attempt' AS regclass) AS BIGINT))");
        match self {
            Home::File(path) => {
                let mut raw = file(path).await;
                sqlx::raw_sql(write).execute(&mut raw).await.unwrap();
                Box::new(raw)
            }
            Home::Database(database) => {
                let mut raw = connection(database).await;
                sqlx::raw_sql(lock).execute(&mut raw).await.unwrap();
                Box::new(raw)
            }
        }
    }

    /// Runs SQL past the program, in the words of SQLite, and says what the database thinks of it.
    pub async fn run(&self, sql: &str) -> Result<u64, String> {
        match self {
            Home::File(path) => {
                let mut raw = file(path).await;
                let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut raw).await;
                raw.close().await.unwrap();
                done.map(|d| d.rows_affected()).map_err(|e| e.to_string())
            }
            Home::Database(database) => {
                let mut raw = connection(database).await;
                let done = sqlx::raw_sql(AssertSqlSafe(in_postgres(sql))).execute(&mut raw).await;
                raw.close().await.unwrap();
                done.map(|d| d.rows_affected()).map_err(|e| e.to_string())
            }
        }
    }
}

/// A connection to a file that knows nothing of relance.
async fn file(path: &Path) -> SqliteConnection {
    if path.exists() {
        // As relance itself makes it.
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

/// A connection that finds relance's tables.
async fn connection(database: &Database) -> PgConnection {
    let options = PgConnectOptions::from_str(database.url()).unwrap().options([("search_path", "relance")]);
    options.connect().await.unwrap()
}

/// The words of these tests that PostgreSQL has others for. To look away from keys and checks is a matter of the
/// connection on SQLite, so here it is one of the script.
fn in_postgres(sql: &str) -> String {
    let no_checks = "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
        WHERE contype = 'c' AND connamespace = 'relance'::regnamespace LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END $$";
    [
        ("PRAGMA foreign_keys = OFF", "SET session_replication_role = replica"),
        ("PRAGMA ignore_check_constraints = ON", no_checks),
        ("DROP TRIGGER attempt_is_never_rewritten", "DROP TRIGGER attempt_is_never_rewritten ON attempt"),
        ("DROP TRIGGER attempt_is_never_deleted", "DROP TRIGGER attempt_is_never_deleted ON attempt"),
        ("VALUES (NULL, ", "VALUES (DEFAULT, "),
        ("x'00'", "'\\x00'"),
        ("x''", "''"),
    ]
    .into_iter()
    .fold(sql.to_owned(), |sql, (sqlite, postgres)| sql.replace(sqlite, postgres))
}
