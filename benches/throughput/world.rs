//! A ledger of any size, a store, a desk on them, and a clock that stands still where that is wanted.

use super::home::Home;
use jiff::Timestamp;
use relance::clock::Clock;
use relance::config::{Environment, Setup};
use relance::flow::Desk;
use relance::store::Store;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A Wednesday noon in Brussels.
pub(crate) const NOW: &str = "2026-11-18T11:00:00Z";

/// The cadence of the tests: letters by e-mail from the first step on.
const STANDARD: &str = include_str!("../../tests/all/support/standard.toml");

/// A folder with a ledger and a configuration, and a store.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) home: Home,
}

impl World {
    /// With a ledger of `rows` invoices, `per_debtor` to a debtor, all due on one day.
    pub(crate) async fn new(home: Home, rows: i64, per_debtor: i64, due_on: &str) -> anyhow::Result<World> {
        let world = World { folder: tempfile::tempdir()?, home };
        ledger(world.folder.path(), rows, per_debtor, due_on).await?;
        world.cadence(STANDARD)?;
        Ok(world)
    }

    /// Puts a cadence beside the configuration: the only one. What the program brings may begin with a call, which no wire sees.
    fn cadence(&self, text: &str) -> anyhow::Result<()> {
        let folder = self.folder.path().join("cadences");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join("standard.toml"), text)?)
    }

    /// Takes that cadence away again: those that the program brings hold.
    pub(crate) fn as_shipped(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_dir_all(self.folder.path().join("cadences"))?)
    }

    /// Writes the configuration, which sends to `smtp` over `connections`, with further lines for [guard]; gives its path.
    pub(crate) fn configure(&self, smtp: &str, connections: usize, guard: &str) -> anyhow::Result<PathBuf> {
        let text = format!(
            "[creditor]\nname = \"Atelier du Canal SRL\"\ncountry = \"BE\"\nlanguage = \"fr\"\ntimezone = \"Europe/Brussels\"\niban = \"BE71096123456769\"\ncontact = \"compta@canal.example\"\n\
             [source]\nkind = \"sqlite\"\npath = \"ledger.db\"\npoll = \"0 3 1 * *\"\n[store]\nurl = \"{}\"\n\
             [email]\nfrom = \"Comptabilite <compta@canal.example>\"\nsmtp = \"{smtp}\"\ntls = \"none\"\nconnections = {connections}\n[guard]\n{guard}\n",
            self.home.url()
        );
        let path = self.folder.path().join("relance.toml");
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Another ledger than the database, with what else the configuration says and files beside it, by name.
    pub(crate) fn read_from(&self, source: &str, more: &str, files: &[(&str, &str)]) -> anyhow::Result<()> {
        let path = self.configure("smtp://127.0.0.1:9", 1, "")?;
        let text = std::fs::read_to_string(&path)?.replace("kind = \"sqlite\"\npath = \"ledger.db\"", source);
        std::fs::write(path, text + more)?;
        for (name, text) in files {
            let path = self.folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
            std::fs::write(path, text)?;
        }
        Ok(())
    }

    /// The same cadence with a window that is always open: for who has the real clock.
    pub(crate) fn always_open(&self) -> anyhow::Result<()> {
        let (before, rest) = STANDARD.split_once("[window]").unwrap_or_default();
        let after = rest.split_once("[[step]]").map_or("", |(_, steps)| steps);
        let open = "days = \"mon-sun\"\nhours = \"00:00-24:00\"\n";
        self.cadence(&format!("{before}[window]\n{open}[window.sms]\n{open}[[step]]{after}"))
    }

    /// The configuration, read.
    pub(crate) fn setup(&self) -> anyhow::Result<Setup> {
        Ok(Setup::load(&self.folder.path().join("relance.toml"), Environment::new())?)
    }

    /// The store, made if need be, without a session.
    pub(crate) async fn store(&self) -> anyhow::Result<Store> {
        let setup = self.setup()?;
        Ok(Store::open(&setup.settings.store, &setup.environment).await?)
    }

    /// A desk with this clock.
    pub(crate) async fn desk_at(&self, clock: Clock) -> anyhow::Result<Desk> {
        let setup = self.setup()?;
        let store = self.store().await?.join("bench", &setup.agreement, clock.now()).await?;
        Ok(Desk::new(setup, store, clock).await?)
    }

    /// A desk that sends to `smtp` over `connections`, with further lines for [guard], at [`NOW`].
    pub(crate) async fn desk(&self, smtp: &str, connections: usize, guard: &str) -> anyhow::Result<Desk> {
        self.configure(smtp, connections, guard)?;
        self.desk_at(Clock::manual(NOW.parse::<Timestamp>()?)).await
    }
}

async fn ledger(folder: &Path, rows: i64, per_debtor: i64, due_on: &str) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new().filename(folder.join("ledger.db")).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    sqlx::raw_sql(
        "PRAGMA journal_mode = WAL; CREATE TABLE relance_invoices (invoice_id INTEGER PRIMARY KEY, number TEXT NOT NULL, customer_id TEXT NOT NULL,
         customer_name TEXT NOT NULL, issued_on TEXT, due_on TEXT NOT NULL, currency TEXT NOT NULL, total TEXT, balance TEXT NOT NULL,
         email TEXT, language TEXT, country TEXT, customer_kind TEXT, reference TEXT)",
    )
    .execute(&pool)
    .await?;
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
         INSERT INTO relance_invoices SELECT i, 'F-' || i, 'C' || (i / $2), 'Client ' || (i / $2) || ' SPRL', '2026-10-05', $3, 'EUR',
           '1250.00', '1250.00', 'client' || (i / $2) || '@customer.example',
           CASE i / $2 % 4 WHEN 0 THEN 'fr' WHEN 1 THEN 'nl' WHEN 2 THEN 'de' ELSE 'en' END, 'BE', 'business', '+++010/8068/17183+++' FROM n",
    )
    .bind(rows)
    .bind(per_debtor)
    .bind(due_on)
    .execute(&pool)
    .await?;
    pool.close().await;
    Ok(())
}

/// Peak memory of this process so far, in MB (Linux).
pub(crate) fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or_default();
    line.split_ascii_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
