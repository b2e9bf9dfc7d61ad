//! What keeps a daemon's session alive while its pumps are at work, and what it sees of the others: apart from the pumps,
//! because a sign of life may wait for none of them.

use crate::flow::{Desk, DeskError, presence};
use crate::store::StoreError;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// What keeps a session alive.
pub(super) struct Life {
    tasks: JoinSet<()>,
    /// Rung when others have ended the session.
    pub(super) over: Arc<Notify>,
}

impl Life {
    /// Begins to give signs of life and to watch the others; a store that is not shared needs neither.
    pub(super) fn begin(desk: &Desk) -> Life {
        let over = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        if desk.store.is_shared() {
            desk.heart.begin();
            tasks.spawn(beat(desk.clone(), over.clone()));
            tasks.spawn(watch(desk.clone()));
        }
        Life { tasks, over }
    }

    /// Waits until it is over: others have ended the session, or one of its tasks has ended, which none does of itself.
    pub(super) async fn end(&mut self) -> DeskError {
        if self.tasks.is_empty() {
            return std::future::pending().await;
        }
        tokio::select! {
            () = self.over.notified() => DeskError::Store(StoreError::Fenced),
            ended = self.tasks.join_next() => match ended {
                Some(Err(e)) => DeskError::Ended(e.to_string()),
                _ => DeskError::Store(StoreError::Fenced),
            },
        }
    }
}

/// Gives signs of life, and waits for nothing else: whoever gives none is taken for dead.
async fn beat(desk: Desk, over: Arc<Notify>) {
    let mut away = false;
    loop {
        let beaten = desk.heart.beat(&desk.store).await;
        match &beaten {
            Ok(false) => return over.notify_one(),
            Ok(true) if away => tracing::info!(event = "store_back", "the store is back"),
            Err(e) if !away => tracing::error!(event = "store_away", error = %e, "nothing leaves until the store is back"),
            _ => {}
        }
        away = beaten.is_err();
        tokio::time::sleep(desk.heart.pause()).await;
    }
}

/// Watches the other daemons, and settles what those left behind who give no sign of life any more.
async fn watch(desk: Desk) {
    let mut watch = presence::Watch::default();
    loop {
        if let Err(e) = watch.look(&desk).await {
            tracing::debug!(event = "daemons_unwatched", error = %e, "the other daemons cannot be watched");
        }
        tokio::time::sleep(desk.heart.pause()).await;
    }
}

/// A daemon that is no more is ended after one lease of looks; three leave room for one whose last transaction the server
/// has to end first.
const MOST_LOOKS: u32 = 12;

/// Settles what others left behind, as far as they are no more: on a shared store one has to watch them for a while. Not
/// for ever: what cannot be settled, or daemons that come and go all the time, would keep a round from its end.
pub(super) async fn meet(desk: &Desk) -> Result<(), DeskError> {
    if !desk.store.is_shared() {
        return presence::settle_all(desk).await;
    }
    let mut watch = presence::Watch::default();
    for _ in 0..MOST_LOOKS {
        watch.look(desk).await?;
        if watch.strangers().is_empty() {
            return Ok(());
        }
        tokio::time::sleep(desk.heart.pause()).await;
    }
    let seconds = (desk.heart.pause() * MOST_LOOKS).as_secs();
    Err(DeskError::Unsettled { daemons: watch.strangers().join(", "), seconds })
}
