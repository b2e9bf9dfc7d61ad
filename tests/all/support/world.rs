//! The world of a test: everything but the clock is real.

use super::config::Config;
use super::home::Home;
use super::postgres::Database;
use super::row::{COLUMNS, Row};
use jiff::{Span, Timestamp};
use relance::clock::Clock;
use relance::config::Setup;
use relance::flow::collect::{self, LEDGER_RELEASED};
use relance::flow::deliver::{self, Delivered};
use relance::flow::desk::Desk;
use relance::flow::plan::{self, Planned};
use relance::flow::presence;
use relance::flow::review;
use relance::flow::word::{self, Word};
use relance::store::Store;
use relance::store::attempts::{AttemptRow, LogFilter};
use relance::store::holds::Found;
use relance::store::polls::Poll;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A Monday at ten in Brussels, in a month with a holiday (the 11th).
pub const MONDAY: &str = "2026-11-02T10:00:00+01:00";

/// The key of the store: tests know it, so Message-IDs and tokens are always the same.
pub const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

pub struct World {
    dir: TempDir,
    pub clock: Clock,
    pub config: Config,
    pub ledger: SqlitePool,
    pub home: Home,
    /// The ledger in a PostgreSQL database, where the test has one.
    books: Option<Database>,
    desk: Option<Desk>,
    finished: bool,
}

impl World {
    /// A firm with an empty ledger, on the tests' Monday.
    pub async fn new(config: Config) -> World {
        World::over(config, None).await
    }

    /// A firm with an empty ledger in a PostgreSQL database; `None` where there is no server for it.
    pub async fn on_postgres(config: Config) -> Option<World> {
        let books = Database::new().await?;
        let config = config.ledger(books.url());
        Some(World::on(books, config).await)
    }

    /// The same in a database that is there, by whichever way the configuration reaches it.
    pub async fn on(books: Database, config: Config) -> World {
        let columns: Vec<String> = COLUMNS.iter().map(|c| format!("{c} text")).collect();
        books.run(&format!("CREATE TABLE relance_invoices ({})", columns.join(", "))).await;
        World::over(config, Some(books)).await
    }

    async fn over(mut config: Config, books: Option<Database>) -> World {
        // One TLS provider for all; it may be in place from another test.
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = TempDir::new().unwrap();
        let home = config.home(dir.path()).await;
        config.write(dir.path());
        let ledger = new_ledger(&dir.path().join("ledger.db")).await;
        let clock = Clock::manual(MONDAY.parse().unwrap());
        let mut world = World { dir, clock, config, ledger, home, books, desk: None, finished: false };
        world.open().await;
        world
    }

    /// A firm whose ledger holds some rows, polled.
    pub async fn with(config: Config, rows: &[Row]) -> World {
        let world = World::new(config).await;
        world.insert(rows).await;
        world.poll().await;
        world
    }

    async fn open(&mut self) {
        let setup = Setup::load(&self.path("relance.toml"), BTreeMap::new()).unwrap();
        let store = Store::open(&setup.settings.store, &setup.environment).await.unwrap();
        store.set_meta("key", Some(KEY)).await.unwrap();
        let store = store.join("test", &setup.agreement, self.clock.now()).await.unwrap();
        self.desk = Some(Desk::new(setup, store, self.clock.clone()).await.unwrap());
    }

    pub fn desk(&self) -> &Desk {
        self.desk.as_ref().unwrap()
    }

    pub fn store(&self) -> &Store {
        &self.desk().store
    }

    /// Another daemon of the same firm on the same store.
    pub async fn second(&self) -> Desk {
        let setup = self.desk().setup.clone();
        let own = Store::existing(&setup.settings.store, &setup.environment).await.unwrap();
        let store = own.join("second", &setup.agreement, self.clock.now()).await.unwrap();
        Desk::new(setup, store, self.clock.clone()).await.unwrap()
    }

    /// The store as a verb has it, beside the daemon.
    pub async fn another_hand(&self) -> Store {
        let setup = &self.desk().setup;
        Store::existing(&setup.settings.store, &setup.environment).await.unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Ends the program without any leave-taking and starts it anew; nothing is recovered yet.
    pub async fn crash(&mut self) {
        let desk = self.desk.take().unwrap();
        desk.store.close().await;
        drop(desk);
        self.open().await;
    }

    /// Stops the program, changes its configuration and starts it again.
    pub async fn reconfigure(&mut self, change: impl FnOnce(Config) -> Config) {
        let store = self.config.store.clone();
        self.config = Config { store, ..change(self.config.clone()) };
        self.config.write(self.dir.path());
        self.crash().await;
    }

    // ---- the ledger

    /// The PostgreSQL database that holds it.
    pub fn books(&self) -> &Database {
        self.books.as_ref().unwrap()
    }

    pub async fn insert(&self, rows: &[Row]) {
        for row in rows {
            let names: Vec<&str> = row.0.iter().map(|(n, _)| *n).collect();
            let places: Vec<String> = (1..=names.len()).map(|i| format!("${i}")).collect();
            let sql = format!("INSERT INTO relance_invoices ({}) VALUES ({})", names.join(", "), places.join(", "));
            self.write(sql, row.0.iter().map(|(_, value)| value.as_str()).collect()).await;
        }
    }

    pub async fn change(&self, id: &str, column: &str, value: &str) {
        assert!(COLUMNS.contains(&column));
        let sql = format!("UPDATE relance_invoices SET {column} = $1 WHERE invoice_id = $2");
        assert_eq!(self.write(sql, vec![value, id]).await, 1, "no invoice {id}");
    }

    pub async fn pay(&self, id: &str) {
        self.change(id, "balance", "0.00").await;
    }

    pub async fn delete(&self, id: &str) {
        self.write("DELETE FROM relance_invoices WHERE invoice_id = $1".to_owned(), vec![id]).await;
    }

    /// Runs a statement as the firm's own program would; gives the number of rows.
    async fn write(&self, sql: String, values: Vec<&str>) -> u64 {
        let sql = AssertSqlSafe(sql);
        match &self.books {
            Some(books) => {
                let query = values.into_iter().fold(sqlx::query(sql), |query, value| query.bind(value.to_owned()));
                query.execute(books.pool()).await.unwrap().rows_affected()
            }
            None => {
                let query = values.into_iter().fold(sqlx::query(sql), |query, value| query.bind(value.to_owned()));
                query.execute(&self.ledger).await.unwrap().rows_affected()
            }
        }
    }

    // ---- the pumps

    pub async fn poll(&self) -> Poll {
        collect::poll(self.desk()).await.unwrap()
    }

    pub async fn plan(&self) -> Planned {
        plan::step(self.desk()).await.unwrap()
    }

    pub async fn deliver(&self) -> Delivered {
        deliver::step(self.desk()).await.unwrap()
    }

    pub async fn recover(&self) {
        presence::settle_all(self.desk()).await.unwrap();
    }

    pub async fn review(&self) {
        review::step(self.desk()).await.unwrap();
    }

    /// One round of all that the daemon does.
    pub async fn round(&self) -> Delivered {
        self.poll().await;
        self.plan().await;
        self.deliver().await
    }

    pub async fn release_ledger(&self) {
        self.store().set_meta(LEDGER_RELEASED, Some("1")).await.unwrap();
    }

    pub async fn hold(&self, name: &str, until: &str) {
        let Found::One(named) = self.store().find(name).await.unwrap() else { panic!("{name}") };
        self.store().put_hold(named, until.parse().unwrap(), "asked by phone", self.clock.now()).await.unwrap();
    }

    pub async fn resume(&self, name: &str) {
        let Found::One(named) = self.store().find(name).await.unwrap() else { panic!("{name}") };
        self.store().end_holds(named, self.clock.now()).await.unwrap();
    }

    /// The operator's word on the only message that is uncertain.
    pub async fn say(&self, word: Word) {
        let uncertain = self.store().uncertain().await.unwrap();
        assert_eq!(uncertain.len(), 1);
        let now = self.clock.now();
        let today = now.to_zoned(jiff::tz::TimeZone::get("Europe/Brussels").unwrap()).date();
        assert!(word::say(self.store(), uncertain[0].id, word, today, now).await.unwrap());
    }

    // ---- the clock

    pub fn advance(&self, span: Span) {
        let zoned = self.clock.now().to_zoned(jiff::tz::TimeZone::get("Europe/Brussels").unwrap());
        self.clock.set(zoned.checked_add(span).unwrap().timestamp());
    }

    pub fn days(&self, days: i64) {
        self.advance(Span::new().days(days));
    }

    pub fn minutes(&self, minutes: i64) {
        self.advance(Span::new().minutes(minutes));
    }

    pub fn set(&self, at: &str) {
        self.clock.set(at.parse::<Timestamp>().unwrap());
    }

    // ---- what became of it

    pub async fn log(&self) -> Vec<AttemptRow> {
        self.store().log_page(0, &LogFilter::default()).await.unwrap()
    }

    /// The log in short: outcome, channel, step, class and why of each attempt.
    pub async fn outcomes(&self) -> Vec<String> {
        self.log().await.iter().map(brief).collect()
    }

    /// The debtors of the attempts with an outcome.
    pub async fn whose(&self, outcome: &str) -> Vec<String> {
        self.log().await.into_iter().filter(|a| a.outcome.as_str() == outcome).map(|a| a.debtor).collect()
    }

    /// Messages not settled: `queued 3`.
    pub async fn queue(&self) -> Vec<String> {
        self.store().queue().await.unwrap().into_iter().map(|(state, n)| format!("{state} {n}")).collect()
    }

    /// How the last look at each open debtor ended: `not_yet 3`.
    pub async fn reasons(&self) -> Vec<String> {
        self.store().reasons().await.unwrap().into_iter().map(|(reason, n)| format!("{reason} {n}")).collect()
    }

    /// The conditions that last.
    pub async fn alerts(&self) -> Vec<String> {
        self.store().lasting_alerts().await.unwrap().into_iter().map(|(key, _)| key).collect()
    }

    /// The first column of a query over the store, as text: for what no other view shows.
    pub async fn peek(&self, sql: &'static str) -> Vec<String> {
        self.home.texts(sql).await
    }

    /// Looks over the whole at the end: nothing is left half done, and the log holds together.
    pub async fn finish(mut self) {
        self.finished = true;
        for line in self.queue().await {
            assert!(!line.starts_with("leased") && !line.starts_with("sending"), "left over: {line}");
        }
        let verified = self.store().verify_log(true).await.unwrap();
        assert_eq!(verified.broken, Vec::<String>::new());
        let contacts = self.peek("SELECT count(*) || '' FROM contact c WHERE state = 'in_hand' AND NOT EXISTS (SELECT 1 FROM message m WHERE m.contact_pk = c.pk AND m.state NOT IN ('refused', 'expired', 'cancelled', 'dropped', 'accepted'))");
        assert_eq!(contacts.await, ["0"], "a contact in hand without a message under way");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        assert!(self.finished || std::thread::panicking(), "the test did not look over its world at the end: call finish()");
    }
}

/// An attempt in short.
pub fn brief(row: &AttemptRow) -> String {
    let channel = row.channel.as_deref().unwrap_or("-");
    let mut text = format!("{} {channel} {}", row.outcome, row.step);
    for more in [&row.class, &row.why].into_iter().flatten() {
        text.push(' ');
        text.push_str(more);
    }
    text
}

/// A ledger as a firm's own program would write it.
pub async fn new_ledger(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).journal_mode(SqliteJournalMode::Delete);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let columns: Vec<String> = COLUMNS.iter().map(|c| format!("{c} TEXT")).collect();
    let sql = format!("CREATE TABLE relance_invoices ({})", columns.join(", "));
    sqlx::query(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
    pool
}
