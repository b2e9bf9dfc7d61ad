//! A few connections to a PostgreSQL server, opened when they are needed. Every wait has an end, also for a server that
//! no longer says anything; a connection that was given up in the middle of something is closed, which ends on the
//! server whatever was open. (A pool of the driver's waits for such a connection before it opens another.)

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The longest wait for a connection to come about.
pub const CONNECT_S: u64 = 10;

/// The connections: a handle that costs nothing to clone.
#[derive(Clone)]
pub struct Connections(Arc<Parts>);

struct Parts {
    options: PgConnectOptions,
    idle: Mutex<Vec<PgConnection>>,
    free: Arc<Semaphore>,
    most: usize,
}

/// Without the options: they hold the password.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} connections", self.0.most)
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Unavailable {
    /// All of them are in use, and none came free in time.
    Busy,
    /// The server did not answer in time.
    Silent,
    /// It could not be reached, or would not have us.
    Refused(sqlx::Error),
    /// The connections were closed for good.
    Closed,
}

impl Connections {
    /// Names the server and how many connections there may be; nothing is opened yet.
    pub fn new(options: PgConnectOptions, most: usize) -> Connections {
        Connections(Arc::new(Parts { options, idle: Mutex::new(Vec::new()), free: Arc::new(Semaphore::new(most)), most }))
    }

    /// How many there may be.
    pub fn most(&self) -> usize {
        self.0.most
    }

    /// Takes a connection; waits so long for one to come free. One that was used before may have died meanwhile.
    pub async fn take(&self, wait: Duration) -> Result<Connection, Unavailable> {
        let permit = match timeout(wait, self.0.free.clone().acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Unavailable::Closed),
            Err(_) => return Err(Unavailable::Busy),
        };
        let idle = self.idle().pop();
        let (inner, fresh) = match idle {
            Some(connection) => (connection, false),
            None => (self.connect().await?, true),
        };
        Ok(Connection { inner, fresh, home: self.clone(), permit })
    }

    async fn connect(&self) -> Result<PgConnection, Unavailable> {
        match timeout(Duration::from_secs(CONNECT_S), PgConnection::connect_with(&self.0.options)).await {
            Ok(connected) => connected.map_err(Unavailable::Refused),
            Err(_) => Err(Unavailable::Silent),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<PgConnection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes what is not in use: one of them has died, and the others with it as a rule.
    pub fn forget_idle(&self) {
        self.idle().clear();
    }

    /// Closes what is not in use, and gives no more connections.
    pub fn close(&self) {
        self.0.free.close();
        self.idle().clear();
    }
}

/// A connection in use. Dropped, it is closed; put back, it serves again.
pub struct Connection {
    inner: PgConnection,
    fresh: bool,
    home: Connections,
    permit: OwnedSemaphorePermit,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a connection")
    }
}

impl Connection {
    /// Whether it was opened just now.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Gives it back: nothing is open on it, and it works.
    pub fn put_back(self) {
        if !self.home.0.free.is_closed() {
            self.home.idle().push(self.inner);
        }
        drop(self.permit);
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
