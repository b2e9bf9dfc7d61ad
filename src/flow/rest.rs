//! An invoicing system that asks to be left alone for longer than a poll waits (`Retry-After`): it is not asked again before,
//! by none of the daemons and after no restart either.

use super::desk::{Desk, DeskError};
use crate::source::SourceError;
use crate::store::StoreError;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The name under which it is kept: until when, and which system.
const RESTS: &str = "source_rests";

/// What a system asks for is kept to, up to this: a slip of a digit there is no reason never to write again.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Until when the system is left alone; `None` where it may be asked.
pub(super) async fn until(desk: &Desk, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let Some(place) = place(desk) else { return Ok(None) };
    let kept = desk.store.meta(RESTS).await?;
    let until = kept.as_deref().and_then(|kept| kept.split_once(' ')).filter(|(_, of)| *of == place);
    Ok(until.and_then(|(until, _)| until.parse().ok()).filter(|until: &Timestamp| *until > now))
}

/// What a failure asks for is kept. The failure in words, with it.
pub(super) async fn heed(desk: &Desk, failure: &DeskError, now: Timestamp) -> Result<String, StoreError> {
    let DeskError::Source(SourceError::Http { wait: Some(wait), .. }) = failure else { return Ok(failure.to_string()) };
    let wait = SignedDuration::try_from(LONGEST.min(*wait)).unwrap_or_default();
    let (Some(place), Ok(until)) = (place(desk), now.checked_add(wait)) else { return Ok(failure.to_string()) };
    desk.store.set_meta(RESTS, Some(&format!("{until} {place}"))).await?;
    Ok(format!("{failure}; it asked to be left alone, and is not asked again before {}", shown(until)))
}

/// That a system is left alone, in words.
pub(super) fn told(desk: &Desk, until: Timestamp) -> String {
    let place = place(desk).unwrap_or_default();
    format!("the ledger {place} asked to be left alone, and is not asked again before {}", shown(until))
}

fn shown(until: Timestamp) -> String {
    until.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn place(desk: &Desk) -> Option<&str> {
    match &desk.setup.settings.source.kind {
        crate::config::settings::SourceKind::Http(http) => Some(&http.url),
        _ => None,
    }
}
