//! The brake of a channel: put on when nothing can leave by it whatever the message, taken off by the first answer
//! to a message. Nobody's address is to blame meanwhile.

use super::desk::Desk;
use super::prepare::later_by;
use crate::channel::Fault;
use crate::domain::step::Channel;
use crate::store::StoreError;
use jiff::Timestamp;

/// What a channel's brake is called.
pub(super) fn brake_kind(channel: Channel) -> String {
    format!("channel:{channel}")
}

/// The channel is broken: nobody's address is to blame. It rests, longer each time unless something was accepted
/// in between, and the creditor is told. Gives the end of the rest.
pub(super) async fn broken(
    desk: &Desk,
    channel: Channel,
    fault: &Fault,
    worked: bool,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let kind = brake_kind(channel);
    if worked {
        desk.store.end_brake(&kind).await?;
    }
    let before = desk.store.brakes().await?.into_iter().find(|b| b.kind == kind).map_or(0, |b| b.tries);
    let rest = (30i64 << before.min(7)).min(3600);
    let until = later_by(now, rest);
    desk.store.set_brake(&kind, now, Some(until), &fault.text).await?;
    tracing::error!(event = "channel_stopped", channel = %channel, class = fault.class.as_str(), error = %fault.text, rest_s = rest, "the channel is broken");
    Ok(until)
}

/// The channel cannot be set up. It is tried at every ring, and told once.
pub(super) async fn unready(desk: &Desk, channel: Channel, why: &str) -> Result<(), StoreError> {
    let kind = brake_kind(channel);
    if !desk.store.brakes().await?.iter().any(|b| b.kind == kind && b.text == why) {
        desk.store.set_brake(&kind, desk.clock.now(), None, why).await?;
        tracing::error!(event = "channel_unready", channel = %channel, error = %why, "the channel cannot be set up");
    }
    Ok(())
}

/// Whether messages wait behind a channel that is broken.
pub async fn held_up(desk: &Desk) -> Result<bool, StoreError> {
    let brakes = desk.store.brakes().await?;
    for channel in &desk.channels {
        let braked = brakes.iter().any(|b| b.kind == brake_kind(*channel));
        if braked && desk.store.next_ready(*channel).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The channel works: its brake is off, and what was told of it is over.
pub(super) async fn worked(desk: &Desk, channel: Channel) -> Result<(), StoreError> {
    let now = desk.clock.now();
    if desk.store.end_brake(&brake_kind(channel)).await? {
        tracing::info!(event = "channel_back", channel = %channel, "the channel works again");
    }
    for kind in ["channel", "throttled", "interrupted"] {
        desk.store.end_alert(&format!("{kind}:{channel}"), now).await?;
    }
    Ok(())
}

/// Messages have been waiting for the other side longer than `retry_for`.
pub(super) async fn still_waiting(
    desk: &Desk,
    channel: Channel,
    kind: &str,
    said: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (subject, what) = match kind {
        "throttled" => ("relance: messages wait for a busy server", "asking for patience"),
        _ => ("relance: messages wait for a server that breaks off", "breaking off"),
    };
    let text = format!("The server has been {what} for longer than retry_for: {said}");
    desk.store.raise_alert(&format!("{kind}:{channel}"), now, subject, &text).await
}
