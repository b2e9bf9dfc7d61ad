//! What an answer means for its message: accepted, tried again, refused, in doubt.

use super::desk::Desk;
use super::prepare::{Ready, later_by};
use crate::channel::{Answer, Fault};
use crate::config::settings::WhenUncertain;
use crate::domain::attempt::{FaultClass, Outcome, retry_delay, spread};
use crate::domain::reason::Reason;
use crate::domain::step::Channel;
use crate::store::settle::{After, Settlement};
use jiff::Timestamp;

/// After so many doubts about one message only a person decides.
const MAX_DOUBTS: u32 = 3;

/// The first try after a dialogue that broke off comes soon, in seconds: a server that starts anew is back by then.
const SOON: i64 = 60;

/// The one message that found the channel broken: recorded, and back in the queue without prejudice. It comes
/// behind all that could leave when the channel's rest is over; what was said in its own dialogue, behind more.
pub(super) fn retry_later(ready: Ready, fault: &Fault, rested: Timestamp, now: Timestamp) -> Settlement {
    let at = match fault.class {
        FaultClass::Sender => rested.max(later_by(now, patience(&ready, now))),
        _ => rested,
    };
    let mut s = base(ready, Outcome::Deferred, &fault.text, now);
    s.attempt.class = Some(fault.class.as_str());
    s.after = After::Retry { at, ours: true };
    s
}

/// A message whose dialogue broke off: it is tried again by its own times. `its_own`: others have been accepted all
/// the while, so it is this message that cannot get through, and its time for retries ends as it does for any.
pub(super) fn interrupted(desk: &Desk, ready: Ready, fault: &Fault, its_own: bool, now: Timestamp) -> Settlement {
    let (message, tries) = (ready.claimed.pk, ready.claimed.tries);
    let delay = if tries == 0 { SOON } else { retry_delay(tries) };
    let over = its_own && waited(&ready, now) + delay > retry_for(desk, &ready);
    let mut s = base(ready, Outcome::Deferred, &fault.text, now);
    s.attempt.class = Some(fault.class.as_str());
    s.after = After::Retry { at: later_by(now, spread(delay, message)), ours: false };
    if over {
        s.after = After::Expired;
        s.attempt.why = Some(Reason::Expired.code().to_owned());
    }
    s
}

/// How long ago a message was tried first, in seconds.
fn waited(ready: &Ready, now: Timestamp) -> i64 {
    ready.claimed.first_try_at.map_or(0, |first| now.as_second() - first / 1000)
}

/// What is ours is no try of the message, so its pace follows its age instead.
fn patience(ready: &Ready, now: Timestamp) -> i64 {
    (waited(ready, now) / 2).clamp(retry_delay(1), retry_delay(u32::MAX))
}

/// How long a message of this channel is tried.
fn retry_for(desk: &Desk, ready: &Ready) -> i64 {
    let settings = &desk.setup.settings;
    match ready.claimed.channel {
        Channel::Email => settings.email.as_ref().map_or(0, |e| e.retry_for),
        Channel::Sms => settings.sms.as_ref().map_or(0, |s| s.retry_for),
    }
}

fn base(ready: Ready, outcome: Outcome, answer: &str, now: Timestamp) -> Settlement {
    let mut attempt = ready.attempt;
    attempt.at = now.as_millisecond();
    attempt.outcome = outcome;
    attempt.answer = Some(answer.to_owned());
    Settlement {
        message_pk: ready.claimed.pk,
        contact_pk: ready.claimed.contact_pk,
        copy: ready.claimed.copy,
        after: After::Cancelled,
        day: ready.day,
        attempt,
        payload: None,
        sealed: Some(ready.sealed),
        threads: vec![],
        dead: None,
        gateway_id: None,
    }
}

/// What is ours ends no message, but the creditor hears of it when it outlasts the time for retries.
pub(super) fn too_long(desk: &Desk, ready: &Ready, now: Timestamp) -> bool {
    waited(ready, now) > retry_for(desk, ready)
}

/// What an answer means for its message.
pub(super) fn settlement(desk: &Desk, ready: Ready, answer: Answer, now: Timestamp) -> Settlement {
    let settings = &desk.setup.settings;
    let when_uncertain = match ready.claimed.channel {
        Channel::Email => settings.email.as_ref().map(|e| e.when_uncertain),
        Channel::Sms => settings.sms.as_ref().map(|s| s.when_uncertain),
    }
    .unwrap_or(WhenUncertain::Hold);
    let (message, tries, doubts) = (ready.claimed.pk, ready.claimed.tries + 1, ready.claimed.doubts + 1);
    let (left, patience) = (retry_for(desk, &ready) - waited(&ready, now), patience(&ready, now));
    let channel = ready.claimed.channel;
    let address = ready.composed.address.clone();
    let thread = ready.composed.thread.clone().unwrap_or_else(|| ready.claimed.message_id.clone());
    let unthreaded = ready.unthreaded.clone();
    let redirected = desk.is_redirected();
    let class = answer.class;
    let mut s = base(ready, answer.outcome, &answer.text, now);
    s.attempt.class = class.map(FaultClass::as_str);
    match answer.outcome {
        Outcome::Accepted => {
            s.after = After::Accepted;
            s.gateway_id = answer.id.filter(|_| !redirected);
            if channel == Channel::Email && !redirected {
                s.threads = unthreaded.into_iter().map(|pk| (pk, thread.clone())).collect();
            }
        }
        Outcome::Refused | Outcome::NoAddress => {
            s.after = After::Refused;
            s.dead = (class == Some(FaultClass::Address) && !redirected).then(|| (address, answer.text.clone()));
        }
        Outcome::Unknown => {
            s.after = match when_uncertain {
                WhenUncertain::Resend if doubts < MAX_DOUBTS => After::Resend(later_by(now, 60 * i64::from(doubts))),
                WhenUncertain::Resend | WhenUncertain::Hold => After::Uncertain,
            };
        }
        Outcome::Deferred | Outcome::Cancelled => {
            let ours = class.is_some_and(FaultClass::is_ours);
            let delay = spread(if ours { patience } else { retry_delay(tries) }, message);
            s.after = if ours || delay <= left { After::Retry { at: later_by(now, delay), ours } } else { After::Expired };
            if s.after == After::Expired {
                s.attempt.why = Some(Reason::Expired.code().to_owned());
            }
        }
    }
    s
}

/// What becomes of a message that was being sent when the program stopped: by the setting of its channel, at once.
pub(super) fn after_crash(desk: &Desk, channel: &str, doubts: u32, now: Timestamp) -> After {
    let settings = &desk.setup.settings;
    let email = settings.email.as_ref().filter(|_| channel == "email").map(|e| e.when_uncertain);
    let sms = settings.sms.as_ref().filter(|_| channel == "sms").map(|s| s.when_uncertain);
    match email.or(sms) {
        Some(WhenUncertain::Resend) if doubts + 1 < MAX_DOUBTS => After::Resend(now),
        _ => After::Uncertain,
    }
}
