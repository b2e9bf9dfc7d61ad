//! `store copy` by itself: everything comes along as it was, the copy is read back, and nothing is half done.

use super::filled::{WITH_COPIES, documents, dump, fill, script};
use super::old::newest;
use super::{Place, now};
use crate::support::home::Home;
use crate::support::postgres::Database;
use relance::config::Environment;
use relance::config::database::DatabaseSettings;
use relance::config::settings::{StorePlace, StoreSettings};
use relance::store::copy::{Copied, CopyError, copy, names};
use relance::store::{Store, StoreError};

/// A file with everything in it, and an empty database.
pub(super) struct Move {
    pub(super) source: Place,
    pub(super) target: Home,
}

impl Move {
    /// `None` where there is no server.
    pub(super) async fn new() -> Option<Move> {
        let target = Home::Database(Database::new().await?);
        let source = Place::in_file();
        // With a session that nobody ended, as after a crash.
        source.store().await.close().await;
        fill(&source.home, &format!("{}{}", script(newest()), documents())).await;
        Some(Move { source, target })
    }

    pub(super) fn to(&self) -> DatabaseSettings {
        DatabaseSettings::at(&self.target.url()).unwrap()
    }

    pub(super) async fn copy(&self) -> Result<Copied, CopyError> {
        copy(&self.source.settings, &self.to(), &Environment::new()).await
    }

    /// The copy is refused with this text, and both are as they were.
    pub(super) async fn refused(&self, text: &str) {
        let before = all(&self.source.home).await;
        let there = self.tables().await;
        let error = self.copy().await.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
        assert!(all(&self.source.home).await == before, "the file was changed");
        assert_eq!(self.tables().await, there, "the database was changed");
        let marked = "SELECT value FROM meta WHERE key = 'moved_to'";
        assert_eq!(self.source.home.texts(marked).await, Vec::<String>::new());
    }

    /// The tables of the database.
    async fn tables(&self) -> Vec<String> {
        self.target.texts("SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'relance' ORDER BY 1").await
    }

    /// An empty store in the database, as a program makes it.
    pub(super) async fn make_target(&self) {
        self.opened().await.unwrap().close().await;
    }

    pub(super) async fn opened(&self) -> Result<Store, StoreError> {
        let place = StorePlace::Postgres(self.to());
        Store::open(&StoreSettings { place, ..StoreSettings::file("") }, &Environment::new()).await
    }
}

/// All rows of all tables that are copied, but for what stays with each store.
async fn all(home: &Home) -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    for table in names().0 {
        let mut rows = dump(home, table).await;
        rows.retain(|row| !["(version)", "(written)", "(moved_to)"].iter().any(|own| row.contains(own)));
        all.push((table, rows));
    }
    all
}

#[tokio::test]
async fn every_table_comes_along_or_is_left_behind_on_purpose() {
    let place = Place::in_file();
    place.store().await.close().await;
    let there = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    let (copied, left) = names();
    let mut known = [copied, left].concat();
    known.sort_unstable();
    assert_eq!(place.home.texts(there).await, known, "a new table wants its place in store/copy/tables.rs");
}

#[tokio::test]
async fn everything_is_copied_as_it_was() {
    let Some(moving) = Move::new().await else { return };
    let before = all(&moving.source.home).await;
    for (table, rows) in &before {
        assert!(rows.len() > 1 || *table == "dictionary", "{table} has {rows:?}");
    }
    let copied = moving.copy().await.unwrap();
    let rows: Vec<(&str, u64)> = before.iter().map(|(table, rows)| (*table, rows.len() as u64)).collect();
    assert_eq!(copied.tables, rows);
    assert_eq!((copied.log.rows, copied.log.payloads, copied.log.erased, copied.log.broken.len()), (9, 3, 2, 0));
    for ((table, before), (_, after)) in before.iter().zip(all(&moving.target).await) {
        assert_eq!(*before, after, "{table}");
    }
    // Who was at work there is not at work here.
    assert_eq!(moving.source.home.texts("SELECT name FROM session").await, ["test"]);
    assert_eq!(moving.target.texts("SELECT name FROM session").await, Vec::<String>::new());
    // The copy's log is not verified by the program: it is the same by its values, and this is the proof of that.
    let store = moving.opened().await.unwrap();
    assert_eq!(store.verify_log(true).await.unwrap(), copied.log);
    let with_copies = store.payload(6).await.unwrap().unwrap();
    assert_eq!(with_copies.message.as_deref(), Some(WITH_COPIES));
    // New rows come behind the old ones.
    let store = store.join("test", "", now()).await.unwrap();
    store.apply_page(&super::page(), jiff::civil::date(2026, 1, 1), now()).await.unwrap();
    for sql in [
        "INSERT INTO debtor (source_id, name) VALUES ('new', 'new') RETURNING CAST(pk AS TEXT)",
        "INSERT INTO event (debtor_pk, at, kind, text) VALUES (1, 1, '', '') RETURNING CAST(pk AS TEXT)",
        "INSERT INTO payload (salt, address, body_hash) VALUES ('', '', '') RETURNING CAST(pk AS TEXT)",
    ] {
        let pk: i64 = moving.target.texts(sql).await[0].parse().unwrap();
        assert!(pk >= 6, "{sql}: {pk}");
    }
    let analyzed =
        "SELECT count(*) || '' FROM pg_class WHERE relnamespace = 'relance'::regnamespace AND relkind = 'r' AND reltuples > 0";
    assert_eq!(moving.target.texts(analyzed).await, [copied.tables.len().to_string()]);
}

/// Pages end between any two rows, whatever the key is; long rows make pages short.
#[tokio::test]
async fn many_rows_and_long_ones_are_copied_page_by_page() {
    let Some(moving) = Move::new().await else { return };
    let numbers = "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 9100)";
    for sql in [
        "INSERT INTO event (pk, debtor_pk, invoice_pk, at, kind, text) SELECT i, 1, NULL, -i, 'k', 't' || i FROM n",
        "INSERT INTO mark SELECT 1, i / 7 + 2, 's' || i, 'standard', NULL, 1, 'left', '2026-10-05', NULL, 0, NULL FROM n",
        "INSERT INTO point SELECT 1, CASE i % 3 WHEN 0 THEN 'email' WHEN 1 THEN 'Email' ELSE 'sms' END, 'é' || i, i, '', CASE i % 2 WHEN 0 THEN 'dead' ELSE 'suspect' END FROM n",
        "INSERT INTO payload SELECT i, randomblob(16), 'a', randomblob(70000), randomblob(32), NULL, NULL FROM n WHERE i < 180",
    ] {
        moving.source.sql(&format!("{numbers} {sql}")).await.unwrap();
    }
    let copied = moving.copy().await.unwrap();
    let rows = |name: &str| copied.tables.iter().find(|t| t.0 == name).unwrap().1;
    assert_eq!((rows("event"), rows("mark"), rows("point"), rows("payload")), (9004, 9005, 9005, 86));
    for table in ["event", "mark", "point", "payload"] {
        assert!(dump(&moving.source.home, table).await == dump(&moving.target, table).await, "{table}");
    }
}

/// What comes to the file after it was copied would be lost: whoever opens it is refused, whoever has it open as well.
#[tokio::test]
async fn a_file_that_was_moved_is_refused() {
    let Some(moving) = Move::new().await else { return };
    let (settings, none) = (&moving.source.settings, Environment::new());
    let before = Store::existing(settings, &none).await.unwrap();
    moving.copy().await.unwrap();
    let (file, url) = (moving.source.file(), moving.target.url());
    let text = format!(
        "the store {} was copied to {url} and lives on there; set [store] url to that, or everything would be sent twice",
        file.display()
    );
    let late = before.set_meta("ledger_released", Some("1")).await.unwrap_err();
    assert_eq!(late.to_string(), text);
    assert_eq!(before.join("late", "", now()).await.unwrap_err().to_string(), text);
    assert_eq!(Store::open(settings, &none).await.unwrap_err().to_string(), text);
    assert_eq!(Store::take(settings, &none).await.unwrap_err().to_string(), text);
    assert_eq!(Store::existing(settings, &none).await.unwrap_err().to_string(), text);
    assert_eq!(moving.copy().await.unwrap_err().to_string(), text);
    moving.source.sql("PRAGMA user_version = 1").await.unwrap();
    assert_eq!(Store::open(settings, &none).await.unwrap_err().to_string(), text, "and is not brought up to date");
}

/// A verb that waits for its turn while the store is copied does not get it behind the mark.
#[tokio::test]
async fn an_empty_store_moves_too() {
    let Some(target) = Database::new().await else { return };
    let source = Place::in_file();
    source.store().await.close().await;
    let moving = Move { source, target: Home::Database(target) };
    moving.make_target().await;
    let copied = moving.copy().await.unwrap();
    assert!(copied.tables.iter().all(|(_, rows)| *rows == 0), "{:?}", copied.tables);
    moving.opened().await.unwrap();
}
