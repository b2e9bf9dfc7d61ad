//! One look at the store for all that is told from it. It is taken by a task of its own, which goes on when the one who asked
//! has gone: so a store that hangs has one look of ours waiting, and never a second.

use super::{Observed, PATIENCE};
use crate::clock::Stopwatch;
use crate::domain::decision::Brake;
use crate::flow::{Desk, DeskError, guard, told};
use crate::store::figures::Waiting;
use crate::store::polls::Poll;
use jiff::Timestamp;
use std::time::Duration;

/// What reads whole tables is read so often at most.
const SELDOM: Duration = Duration::from_secs(60);

/// What of earlier looks still holds.
#[derive(Debug, Default)]
pub(super) struct Kept {
    unreachable: Option<(Stopwatch, u64)>,
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) now: Timestamp,
    pub(super) last: Option<Poll>,
    pub(super) good: Option<Poll>,
    pub(super) outbox: Vec<Waiting>,
    /// What stops sending, all of it or a channel.
    pub(super) brakes: Vec<Brake>,
    pub(super) questions: Vec<(String, u64)>,
    pub(super) tasks: Vec<(String, u64)>,
    pub(super) unreachable: u64,
    pub(super) daemons: usize,
    pub(super) refused: bool,
}

/// The figures now, or a code for why there are none.
pub(super) async fn figures(observed: &Observed, desk: &Desk) -> Result<Figures, &'static str> {
    let desk = desk.clone();
    in_turn(observed, move |kept| Box::pin(async move { look(&desk, kept).await })).await
}

/// What stops sending now.
pub(super) async fn brakes(observed: &Observed, desk: &Desk) -> Result<Vec<Brake>, &'static str> {
    let desk = desk.clone();
    in_turn(observed, move |_| Box::pin(async move { Ok(guard::told(&desk, desk.clock.now()).await?.0.brakes) })).await
}

type Work<'k, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, DeskError>> + Send + 'k>>;

/// Looks when nobody else does.
async fn in_turn<T: Send + 'static>(
    observed: &Observed,
    work: impl for<'k> FnOnce(&'k mut Kept) -> Work<'k, T> + Send + 'static,
) -> Result<T, &'static str> {
    let turn = observed.0.turn.clone();
    let looked = async {
        let mut kept = turn.lock_owned().await;
        tokio::spawn(async move { work(&mut kept).await }).await
    };
    match tokio::time::timeout(PATIENCE, looked).await {
        Ok(Ok(Ok(found))) => Ok(found),
        Ok(Ok(Err(e))) => {
            tracing::debug!(event = "unobserved", error = %e, "the store cannot be looked at");
            Err("store_fails")
        }
        Ok(Err(_)) | Err(_) => Err("store_silent"),
    }
}

async fn look(desk: &Desk, kept: &mut Kept) -> Result<Figures, DeskError> {
    let (now, redirected, store) = (desk.clock.now(), desk.is_redirected(), &desk.store);
    let unreachable = match kept.unreachable {
        Some((since, count)) if since.elapsed() < SELDOM => count,
        _ => {
            let watch = Stopwatch::start();
            kept.unreachable.insert((watch, store.unreachable_figure().await?)).1
        }
    };
    Ok(Figures {
        now,
        last: store.last_poll().await?,
        good: store.last_good_poll().await?,
        outbox: store.outbox_figures().await?,
        brakes: guard::told(desk, now).await?.0.brakes,
        questions: store.question_figures(redirected).await?,
        tasks: store.task_figures(redirected).await?,
        unreachable,
        daemons: store.sessions().await?.len(),
        refused: told::refusal(store).await?.is_some(),
    })
}
