//! The store: where it is, opening it, and how transactions begin.

use super::access::{Begin, Pool, Tx};
use super::error::StoreError;
use super::sql::{Query, Sql, Target, query};
use super::sqlite::StoreLock;
use super::{postgres, sqlite, statements};
use crate::config::Environment;
use crate::config::settings::{StorePlace, StoreSettings};
use jiff::Timestamp;
use std::path::Path;

statements! {
    READ_WRITTEN = each!(sqlite "SELECT data_version FROM pragma_data_version",
        postgres "SELECT coalesce((SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'written'), 0)");
    READ_META = "SELECT value FROM meta WHERE key = $1";
    WRITE_META = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    KEEP_META = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    DROP_META = "DELETE FROM meta WHERE key = $1";
    /// This program is still taken to be alive, and the store is still of its version.
    FENCE = each!(sqlite "SELECT pk FROM session WHERE pk = $1 AND $2 = (SELECT user_version FROM pragma_user_version)",
        postgres "SELECT pk FROM session WHERE pk = $1 AND $2 = (SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'version') FOR KEY SHARE OF session");
    /// The same, and then the pen. First the session, then the pen: in this order everywhere, or two could wait for each other.
    FENCE_PEN = each!(sqlite "SELECT pk FROM session WHERE pk = $1 AND $2 = (SELECT user_version FROM pragma_user_version)",
        postgres "WITH mine AS MATERIALIZED (SELECT pk FROM session
                WHERE pk = $1 AND $2 = (SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'version') FOR KEY SHARE OF session)
            SELECT pk, CAST(pg_advisory_xact_lock(CAST(CAST('attempt' AS regclass) AS BIGINT)) AS TEXT) FROM mine");
}

/// The name under which a file that was copied to a database keeps where it lives on.
pub(super) const MOVED: &str = "moved_to";

/// The pen alone: for verbs, which have no session.
const PEN: Sql = Sql::same("SELECT CAST(pg_advisory_xact_lock(CAST(CAST('attempt' AS regclass) AS BIGINT)) AS TEXT)");

/// Tells the daemons that somebody else has written.
const WRITTEN: Sql = Sql::same(
    "INSERT INTO meta (key, value) VALUES ('written', '1') ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)",
);

/// The store: a handle that costs little to clone.
///
/// Whoever writes history (the copy of the ledger, plans, outcomes, the log) holds the pen: on SQLite that is its one
/// writer, on PostgreSQL a lock that ends with the transaction. What touches only what is claimed already goes without.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) writer: Pool,
    pub(super) reader: Pool,
    /// A connection of its own, so that a sign of life never waits behind anything.
    pub(super) heart: Pool,
    /// The session under which this handle writes; verbs have none.
    pub(super) session: Option<i64>,
    pub(super) home: StorePlace,
}

impl Store {
    /// Opens the store; makes it or brings it up to date when needed.
    pub async fn open(settings: &StoreSettings, environment: &Environment) -> Result<Store, StoreError> {
        let store = Store::connect(settings, environment).await?;
        super::migrate::upgrade(&store).await?;
        Ok(store)
    }

    /// Opens the store for sending. Of a file only one program at a time may do that: the lock ends with the process.
    pub async fn take(settings: &StoreSettings, environment: &Environment) -> Result<(Store, Option<StoreLock>), StoreError> {
        let store = Store::connect(settings, environment).await?;
        let lock = match &settings.place {
            StorePlace::Sqlite(path) => Some(StoreLock::take(path)?),
            StorePlace::Postgres(_) => None,
        };
        super::migrate::upgrade(&store).await?;
        Ok((store, lock))
    }

    /// Opens a store that must exist already and be up to date.
    pub async fn existing(settings: &StoreSettings, environment: &Environment) -> Result<Store, StoreError> {
        if let StorePlace::Sqlite(path) = &settings.place
            && !is_there(path)?
        {
            return Err(StoreError::NotYet(path.display().to_string()));
        }
        let store = Store::connect(settings, environment).await?;
        super::migrate::check(&store).await?;
        Ok(store)
    }

    /// Connects, and does not ask yet what is there.
    pub(super) async fn connect(settings: &StoreSettings, environment: &Environment) -> Result<Store, StoreError> {
        let home = settings.place.clone();
        let (writer, reader, heart) = match &home {
            StorePlace::Sqlite(path) => {
                let (writer, reader) = sqlite::connect(path).await?;
                (writer.clone(), reader, writer)
            }
            StorePlace::Postgres(database) => {
                let unreadable = |e: crate::config::secret::SecretError| StoreError::Open {
                    place: database.place().to_owned(),
                    why: e.to_string(),
                };
                let options = database.options(environment).map_err(unreadable)?;
                let (pool, heart) = postgres::connect(options, database.place(), settings.lease).await?;
                (pool.clone(), pool, heart)
            }
        };
        Ok(Store { writer, reader, heart, session: None, home })
    }

    /// Begins a transaction that writes history: it waits its turn, and is refused to a program that others took for dead.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        let mut tx = self.writer.begin(Begin::Write).await?;
        match self.session {
            Some(session) => fence(&mut tx, FENCE_PEN, session).await?,
            None if tx.is_postgres() => {
                query(PEN).all(&mut tx).await?;
                query(WRITTEN).execute(&mut tx).await?;
            }
            // Whoever has opened the file before it was copied, and waited for its turn meanwhile, comes too late.
            None => self.refuse_moved(&mut tx).await?,
        }
        Ok(tx)
    }

    /// Refuses a file that was copied to a database: the truth is there from then on.
    pub(super) async fn refuse_moved(&self, on: impl Target) -> Result<(), StoreError> {
        if self.is_shared() {
            return Ok(());
        }
        match query(READ_META).bind(MOVED).value(on).await? {
            Some(to) => Err(StoreError::Moved { place: self.place().to_owned(), to }),
            None => Ok(()),
        }
    }

    /// Begins a transaction on what nobody else may touch: claims, and what is claimed.
    pub(super) async fn begin_apart(&self) -> Result<Tx, StoreError> {
        let mut tx = self.writer.begin(Begin::Write).await?;
        fence(&mut tx, FENCE, self.own_session()?).await?;
        Ok(tx)
    }

    /// Runs one statement that may write, as a transaction of its own; gives the rows affected.
    pub(super) async fn write(&self, query: Query) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let touched = query.execute(&mut tx).await?;
        tx.commit().await?;
        Ok(touched)
    }

    /// The session of this handle, which must have one.
    pub(super) fn own_session(&self) -> Result<i64, StoreError> {
        self.session.ok_or_else(|| StoreError::Corrupt("nobody may claim or send without a session".to_owned()))
    }

    /// A number that changes when anybody but the daemons has written into the store. (SQLite counts for each
    /// connection what others have committed, and all that this program writes goes by the one writer; on PostgreSQL
    /// whoever writes without a session counts.)
    pub async fn written_by_others(&self) -> Result<i64, StoreError> {
        query(READ_WRITTEN).sure(&self.writer).await
    }

    /// A value kept under a name.
    pub async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        query(READ_META).bind(key).value(&self.reader).await
    }

    /// Keeps a value under a name.
    pub async fn set_meta(&self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        let query = match value {
            Some(value) => query(WRITE_META).bind(key).bind(value),
            None => query(DROP_META).bind(key),
        };
        self.write(query).await?;
        Ok(())
    }

    /// Keeps a value under a name that has none yet.
    pub async fn keep_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.write(query(KEEP_META).bind(key).bind(value)).await?;
        Ok(())
    }

    /// The key for Message-IDs and tokens, made at the first start.
    pub async fn secret_key(&self) -> Result<[u8; 32], StoreError> {
        let text = match self.meta("key").await? {
            Some(text) => text,
            None => {
                let fresh = crate::domain::hex::hex(&random()?);
                self.keep_meta("key", &fresh).await?;
                // Another start may have been first.
                query(READ_META).bind("key").sure(&self.writer).await?
            }
        };
        let bytes: Option<Vec<u8>> =
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect();
        bytes.and_then(|b| b.try_into().ok()).ok_or_else(|| StoreError::Corrupt("the key is not 32 bytes".to_owned()))
    }

    /// Where the store is, for messages.
    pub fn place(&self) -> &str {
        &self.writer.place
    }

    /// Whether several daemons may share it.
    pub fn is_shared(&self) -> bool {
        matches!(self.home, StorePlace::Postgres(_))
    }

    /// Prepares a statement; used by the test that prepares them all.
    pub async fn prepare(&self, sql: Sql) -> Result<(), StoreError> {
        self.reader.prepare(sql).await
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
        self.heart.close().await;
    }
}

async fn fence(tx: &mut Tx, sql: Sql, session: i64) -> Result<(), StoreError> {
    let alive = query(sql).bind(session).bind(super::migrate::KNOWN).optional(tx).await?;
    alive.map(drop).ok_or(StoreError::Fenced)
}

/// 32 bytes from the system's generator.
pub(crate) fn random() -> Result<[u8; 32], StoreError> {
    let mut bytes = [0u8; 32];
    let rng = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&rng, &mut bytes).map_err(|_| StoreError::Corrupt("no randomness to be had".to_owned()))?;
    Ok(bytes)
}

/// Whether there is a file. A folder that may not be entered is no answer.
pub fn is_there(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|e| super::error::unopened(path, &e))
}

/// An instant from the store.
pub(super) fn instant(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|_| StoreError::Corrupt(format!("{millis} is no instant")))
}

/// A day from the store.
pub(super) fn day(text: &str) -> Result<jiff::civil::Date, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("\"{text}\" is no date")))
}

/// A word from the store that must be one of a list.
pub(super) fn word<T>(found: Option<T>, text: &str) -> Result<T, StoreError> {
    found.ok_or_else(|| StoreError::Corrupt(format!("\"{text}\" is not a word it may hold")))
}
