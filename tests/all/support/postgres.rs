//! A PostgreSQL database of a test's own, on the server that RELANCE_TEST_POSTGRES names (a URL such as
//! postgres://relance@127.0.0.1:5432/relance, of a superuser who needs no password). Without one, tests are left out.

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that names the server.
const SERVER: &str = "RELANCE_TEST_POSTGRES";

/// A database, gone at the end of its test.
pub struct Database {
    server: String,
    url: String,
    name: String,
    roles: Mutex<Vec<String>>,
    pool: PgPool,
}

impl Database {
    /// Makes an empty database; `None`, and a line that says so, where there is no server.
    pub async fn new() -> Option<Database> {
        let Some(server) = relance::config::environment().remove(SERVER) else {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            // Not by eprintln!, which shows nothing of a test that passes.
            let line = format!("{test} is left out: {SERVER} names no server\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        let name = unique("relance_test");
        run(&server, &[format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")]).await.unwrap();
        let url = with_name(&server, &name);
        let pool = PgPoolOptions::new().max_connections(4).connect(&url).await.unwrap();
        Some(Database { server, url, name, roles: Mutex::new(Vec::new()), pool })
    }

    /// `postgres://user@host:port/name`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Connections of the superuser.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Runs some statements as the superuser.
    pub async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.pool).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    /// The first column of a query, which must be text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&self.pool).await;
        found.unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// A role that may log in and do nothing else yet; it goes with the database. Gives its name and its URL.
    pub async fn role(&self) -> (String, String) {
        let role = unique("relance_role");
        self.run(&format!("CREATE ROLE {role} LOGIN")).await;
        self.roles.lock().unwrap().push(role.clone());
        let (_, rest) = self.url.split_once("://").unwrap();
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let url = format!("postgres://{role}@{host}");
        (role, url)
    }

    /// Host and port of the server.
    pub fn address(&self) -> String {
        let (_, rest) = self.url.split_once("://").unwrap();
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host).split('/').next().unwrap();
        if host.contains(':') { host.to_owned() } else { format!("{host}:5432") }
    }

    /// The URL by another way to the same server.
    pub fn url_by(&self, address: &str) -> String {
        let (before, rest) = self.url.split_once("://").unwrap();
        let user = rest.rsplit_once('@').map_or(String::new(), |(user, _)| format!("{user}@"));
        format!("{before}://{user}{address}/{}", self.name)
    }
}

impl Drop for Database {
    /// The test's own runtime may be at its end, so this has one of its own.
    fn drop(&mut self) {
        let server = self.server.clone();
        let mut ends = vec![format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)];
        ends.extend(self.roles.lock().unwrap().iter().map(|role| format!("DROP ROLE IF EXISTS {role}")));
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&server, &ends))
        });
        if let Err(e) = done.join().unwrap() {
            eprintln!("the database {} is left behind: {e}", self.name);
        }
    }
}

/// Runs statements, each in a connection's own transaction.
async fn run(url: &str, statements: &[String]) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    for sql in statements {
        sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut connection).await?;
    }
    connection.close().await
}

/// A name that nothing else on the server has, left-overs of a test that was killed included.
fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    let now = relance::clock::Clock::System.now().as_millisecond();
    format!("{what}_{}_{now}_{count}", std::process::id())
}

/// A URL with another database's name; what stands behind a question mark stays.
fn with_name(url: &str, name: &str) -> String {
    let (place, parameters) = url.split_once('?').map_or((url, String::new()), |(p, q)| (p, format!("?{q}")));
    let (_, rest) = place.split_once("://").unwrap();
    let host = rest.split('/').next().unwrap();
    format!("postgres://{host}/{name}{parameters}")
}
