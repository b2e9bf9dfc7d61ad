//! An invoicing system that asks to be left alone for longer than a poll waits (`Retry-After`): it is not asked again before,
//! by none of the daemons and after no restart either.

use super::desk::{Desk, DeskError};
use crate::config::Setup;
use crate::config::settings::SourceKind;
use crate::source::SourceError;
use crate::store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};

/// The name under which it is kept: until when, and which system.
const RESTS: &str = "source_rests";

/// What a system asks for is kept to, up to a day: a slip of a digit there is no reason never to write again.
fn longest() -> SignedDuration {
    SignedDuration::from_hours(24)
}

/// Until when the system is left alone; `None` where it may be asked.
pub async fn until(setup: &Setup, store: &Store, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let Some(place) = place(setup) else { return Ok(None) };
    let kept = store.meta(RESTS).await?;
    // Of another system, or under another configuration, it says nothing; nor when the clock was wrong by more than is kept to.
    let of_this = |(said, of): (&str, &str)| (of == mark(setup, place)).then(|| said.parse::<Timestamp>().ok())?;
    let until = kept.as_deref().and_then(|kept| kept.split_once(' ')).and_then(of_this);
    Ok(until.filter(|until| *until > now && now.checked_add(longest()).is_ok_and(|most| *until <= most)))
}

/// A system that answers well needs no rest any more, and none that a person wants asked.
pub async fn over(setup: &Setup, store: &Store) -> Result<(), StoreError> {
    match place(setup).is_some() && store.meta(RESTS).await?.is_some() {
        true => store.set_meta(RESTS, None).await,
        false => Ok(()),
    }
}

/// What a failure asks for is kept. The failure in words, with it.
pub(super) async fn heed(desk: &Desk, failure: &DeskError, now: Timestamp) -> Result<String, StoreError> {
    let DeskError::Source(SourceError::Http { wait: Some(wait), .. }) = failure else { return Ok(failure.to_string()) };
    let wait = SignedDuration::try_from(*wait).unwrap_or(SignedDuration::MAX).min(longest());
    let (Some(place), Ok(asked)) = (place(&desk.setup), now.checked_add(wait)) else { return Ok(failure.to_string()) };
    // A shorter wait than the one it asked for before does not shorten that.
    let until = self::until(&desk.setup, &desk.store, now).await?.map_or(asked, |before| before.max(asked));
    desk.store.set_meta(RESTS, Some(&format!("{until} {}", mark(&desk.setup, place)))).await?;
    Ok(format!("{failure}; it asked to be left alone, and is not asked again before {}", shown(until)))
}

/// That a system is left alone, in words.
pub fn told(setup: &Setup, until: Timestamp) -> String {
    let place = place(setup).unwrap_or_default();
    format!("the ledger {place} asked to be left alone, and is not asked again before {}", shown(until))
}

fn mark(setup: &Setup, place: &str) -> String {
    format!("{} {place}", setup.fingerprint)
}

fn shown(until: Timestamp) -> String {
    until.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn place(setup: &Setup) -> Option<&str> {
    match &setup.settings.source.kind {
        SourceKind::Http(http) => Some(&http.url),
        _ => None,
    }
}
