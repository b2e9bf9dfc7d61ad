//! Where the store of a run is: a file, or a database of its own on the server that RELANCE_TEST_POSTGRES names
//! (`tests/with-postgres` starts one). RELANCE_BENCH_STORE=postgres asks for the latter.

use anyhow::Context as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};

/// The store of a run.
pub(crate) enum Home {
    File,
    Database(Database),
}

/// A database, gone at the end of its run.
pub(crate) struct Database {
    server: String,
    url: String,
    name: String,
}

fn setting(name: &str) -> Option<String> {
    relance::config::environment().remove(name)
}

impl Home {
    /// The store that the environment asks for.
    pub(crate) async fn asked() -> anyhow::Result<Home> {
        match setting("RELANCE_BENCH_STORE").as_deref() {
            Some("postgres") => Home::database().await,
            _ => Ok(Home::File),
        }
    }

    /// A new database.
    pub(crate) async fn database() -> anyhow::Result<Home> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server =
            setting("RELANCE_TEST_POSTGRES").context("RELANCE_TEST_POSTGRES names no server; see tests/with-postgres")?;
        let now = relance::clock::Clock::System.now().as_millisecond();
        let name = format!("relance_bench_{}_{now}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        run(&server, &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await?;
        let place = server.split('?').next().unwrap_or(&server);
        let url = format!("{}/{name}", place.rsplit_once('/').map_or(place, |(host, _)| host));
        Ok(Home::Database(Database { server, url, name }))
    }

    /// Whether there is a server.
    pub(crate) fn has_server() -> bool {
        setting("RELANCE_TEST_POSTGRES").is_some()
    }

    /// What `[store] url` says.
    pub(crate) fn url(&self) -> &str {
        match self {
            Home::File => "sqlite://relance.db",
            Home::Database(database) => &database.url,
        }
    }

    /// For what is printed.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Home::File => "SQLite",
            Home::Database(_) => "PostgreSQL",
        }
    }

    /// A number that a server tells; `None` of a file.
    pub(crate) async fn number(&self, sql: &str) -> anyhow::Result<Option<i64>> {
        let Home::Database(database) = self else { return Ok(None) };
        let mut connection = PgConnection::connect(&database.url).await?;
        let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(Some(found))
    }

    /// Prints how large the tables are for each row, indexes included: as they were left, and without the dead rows among
    /// them, whose room is used again as soon as the server has cleared them away.
    pub(crate) async fn print_sizes(&self, tables: &[&str]) -> anyhow::Result<()> {
        let Home::Database(database) = self else { return Ok(()) };
        for table in tables {
            let size = format!("SELECT pg_total_relation_size('relance.{table}')");
            let left = self.number(&size).await?.unwrap_or_default();
            run(&database.url, &format!("VACUUM FULL relance.{table}")).await?;
            let packed = self.number(&size).await?.unwrap_or_default();
            let indexes = self.number(&format!("SELECT pg_indexes_size('relance.{table}')")).await?.unwrap_or_default();
            let rows = self.number(&format!("SELECT count(*) FROM relance.{table}")).await?.unwrap_or_default().max(1);
            println!(
                "  {table}: {rows} rows, {} bytes each; packed {} with {} of indexes",
                left / rows,
                packed / rows,
                indexes / rows
            );
        }
        Ok(())
    }
}

impl Drop for Database {
    /// The run's own runtime may be at its end, so this has one of its own.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(&server, &format!("DROP DATABASE {name} WITH (FORCE)")))
        });
        if !matches!(ended.join(), Ok(Ok(()))) {
            eprintln!("the database {} is left behind", self.name);
        }
    }
}

async fn run(server: &str, sql: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
    Ok(connection.close().await?)
}
