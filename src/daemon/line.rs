//! What the daemon says of itself in one line, for `systemctl status`: whether it sends, what waits, what the ledger said
//! last. Anybody on the machine can read that, so it holds codes and numbers, no names and no words of others.

use super::notify::Supervisor;
use crate::domain::time::local_date;
use crate::flow::Desk;
use crate::flow::told;
use crate::store::StoreError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the line is made anew.
const PAUSE: Duration = Duration::from_secs(10);

/// States of messages that wait or are under way.
const WAITING: [&str; 5] = ["planned", "queued", "leased", "sending", "deferred"];

/// Keeps the line true, for the time of one desk. The first was said with the word that the daemon is ready.
pub(super) async fn keep(desk: Desk, supervisor: Supervisor, first: String) {
    let mut said = first;
    loop {
        tokio::time::sleep(PAUSE).await;
        let line = of(&desk).await;
        // While the desk is cleared, that is what is said.
        if line != said && !desk.stopping.load(Ordering::SeqCst) {
            supervisor.status(&line);
            said = line;
        }
    }
}

/// The line as it is now.
pub(super) async fn of(desk: &Desk) -> String {
    match made(desk).await {
        Ok(line) => line,
        Err(e) if e.may_pass() => "Waiting for the store; nothing is sent meanwhile".to_owned(),
        Err(_) => "The store fails; see the journal".to_owned(),
    }
}

async fn made(desk: &Desk) -> Result<String, StoreError> {
    let (now, zone) = (desk.clock.now(), &desk.setup.settings.creditor.timezone);
    let mut stops: Vec<String> = desk.conditions(now).await?.brakes.iter().map(|brake| brake.reason.code().to_owned()).collect();
    stops.extend(desk.store.brakes().await?.into_iter().map(|brake| brake.kind));
    let queue = desk.store.queue().await?;
    let of = |states: &[&str]| -> u64 {
        queue.iter().filter(|(state, _)| states.contains(&state.as_str())).map(|(_, count)| *count).sum()
    };
    let (waiting, braked, uncertain) = (of(&WAITING), of(&["braked"]), of(&["uncertain"]));
    let good = desk.store.last_good_poll().await?;
    let mut parts = vec![match stops.as_slice() {
        _ if desk.store.last_poll().await?.is_none() => "Reading the ledger for the first time".to_owned(),
        _ if desk.heart.rests() => "RESTS, a daemon that began later has another configuration".to_owned(),
        _ if desk.pulses.is_failing() => "Failing, and trying again: see the journal".to_owned(),
        [] if desk.is_redirected() => "Sending, all of it redirected ([guard] redirect_to)".to_owned(),
        [] => "Sending".to_owned(),
        stops => format!("Stopped: {} (`relance status` tells more)", stops.join(", ")),
    }];
    parts.push(format!("outbox {waiting}"));
    parts.extend((braked > 0).then(|| format!("{braked} wait for `relance release`")));
    parts.extend((uncertain > 0).then(|| format!("{uncertain} uncertain")));
    parts.push(match good {
        Some(good) => format!("ledger of {}, {} rows", when(good.started_at, now, zone), good.rows),
        None => "ledger not read yet".to_owned(),
    });
    if let Some(refusal) = told::refusal(&desk.store).await? {
        let at = Timestamp::from_millisecond(refusal.at).map(|at| when(at, now, zone)).unwrap_or_default();
        parts.push(format!("the configuration of {at} WAS REFUSED, the one before holds"));
    }
    Ok(parts.join("; "))
}

/// `12:40`, with the day where it is another.
fn when(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let form = if local_date(at, zone) == local_date(now, zone) { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    at.to_zoned(zone.clone()).strftime(form).to_string()
}
