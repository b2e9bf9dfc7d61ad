//! The workers of a channel: each keeps one connection, takes marked messages and reports what came of them.

use super::compose::Wire;
use super::desk::{Desk, DeskError};
use super::prepare::Ready;
use super::presence::Heart;
use super::pulse::{Pulses, Pump};
use crate::channel::email::Mailer;
use crate::channel::sms::{Text, Texter};
use crate::channel::{Fault, Sent};
use crate::clock::Clock;
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::step::Channel;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

/// A marked message whose transmission has not begun within this loses the mark and is read again (R13).
const FRESH: Duration = Duration::from_millis(950);

/// The same by the clock on the wall, in milliseconds: more than that is no delay any more.
const SLEPT_MS: i64 = 5_000;

/// So many messages in a row whose dialogue broke off are no longer a matter of each of them.
const MANY_INTERRUPTED: usize = 3;

/// So many acceptances in a row let one more connection in after throttling.
const RECOVER_AFTER: usize = 50;

/// What came of a message.
#[derive(Debug)]
pub(super) enum Done {
    /// It was answered, or fell into doubt.
    Sent(Box<Ready>, crate::channel::Answer),
    /// It was not begun: too late after its re-read, or sending has stopped. The message, and the payload of its mark.
    NotBegun((i64, i64)),
    /// It was not begun: with its copies it is larger than what the other side takes, in bytes.
    TooLarge((i64, i64), u64),
    /// Its dialogue broke off before anything of it had left. `many`: it was not the only one.
    Interrupted { ready: Box<Ready>, fault: Fault, many: bool },
    /// It was not begun because the channel is broken.
    Broken(Box<Ready>, Fault),
}

/// What workers share: how many may send at once, and whether to stop.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    allowed: AtomicUsize,
    accepted: AtomicUsize,
    /// Messages since the last answer whose dialogue broke off; each of them has its next try later.
    interrupted: AtomicUsize,
    /// Messages handed over of which nothing is on record yet.
    pub(super) under_way: AtomicUsize,
    /// Messages that a worker has begun, or found too old.
    pub(super) begun: AtomicUsize,
    pub(super) stop: AtomicBool,
    /// The pump that they belong to.
    pub(super) pump: Pump,
    pulses: Arc<Pulses>,
    heart: Arc<Heart>,
    clock: Clock,
}

impl Pace {
    pub(super) fn new(desk: &Desk, channel: Channel) -> Pace {
        let (most, pump) = (connections(desk, channel), Pump::of(channel));
        let (pulses, heart, clock) = (desk.pulses.clone(), desk.heart.clone(), desk.clock.clone());
        let none = || AtomicUsize::new(0);
        let (accepted, interrupted, under_way, begun) = (none(), none(), none(), none());
        let (allowed, stop) = (AtomicUsize::new(most), AtomicBool::new(false));
        Pace { most, allowed, accepted, interrupted, under_way, begun, stop, pump, pulses, heart, clock }
    }

    /// Falls to half when the other side asks for patience, recovers one by one.
    fn learn(&self, answer: &crate::channel::Answer) {
        if answer.outcome != Outcome::Unknown {
            self.interrupted.store(0, Ordering::SeqCst);
        }
        if answer.class == Some(FaultClass::Throttled) {
            let now = self.allowed.load(Ordering::SeqCst);
            self.allowed.store((now / 2).max(1), Ordering::SeqCst);
            self.accepted.store(0, Ordering::SeqCst);
        } else if answer.class.is_none() && self.accepted.fetch_add(1, Ordering::SeqCst) + 1 >= RECOVER_AFTER {
            self.accepted.store(0, Ordering::SeqCst);
            let now = self.allowed.load(Ordering::SeqCst);
            self.allowed.store((now + 1).min(self.most), Ordering::SeqCst);
        }
    }

    /// Whether the machine slept since a message was read again, or its clock was set: no stopwatch runs meanwhile.
    fn slept(&self, ready: &Ready) -> bool {
        (self.clock.now().as_millisecond() - ready.attempt.at).abs() > SLEPT_MS
    }

    fn may_send(&self, worker: usize) -> bool {
        worker < self.allowed.load(Ordering::SeqCst)
    }
}

/// The wire of one worker.
enum Line {
    Mail(Box<Mailer>),
    Text(Arc<Texter>),
}

/// How many workers a channel has.
pub(super) fn connections(desk: &Desk, channel: Channel) -> usize {
    let settings = &desk.setup.settings;
    match channel {
        Channel::Email => settings.email.as_ref().map_or(1, |e| e.connections),
        Channel::Sms => settings.sms.as_ref().map_or(1, |s| s.connections),
    }
}

/// Starts the workers of a channel.
pub(super) fn start(
    desk: &Desk,
    channel: Channel,
    pace: &Arc<Pace>,
    work: mpsc::Receiver<Ready>,
    done: &mpsc::Sender<Done>,
) -> Result<JoinSet<()>, DeskError> {
    let work = Arc::new(Mutex::new(work));
    // What the other channel lacks is no matter of this one.
    let texts = channel == Channel::Sms && !desk.is_redirected();
    let texter = if texts { desk.texter()?.map(Arc::new) } else { None };
    let mut workers = JoinSet::new();
    for number in 0..connections(desk, channel) {
        // By redirection an SMS becomes a mail, so the SMS workers need a mailer then.
        let mailer = || Ok::<_, DeskError>(desk.mailer()?.map(|m| Line::Mail(Box::new(m))));
        let line = match channel {
            Channel::Sms if texts => texter.clone().map(Line::Text),
            Channel::Email | Channel::Sms => mailer()?,
        };
        let Some(line) = line else { continue };
        workers.spawn(worker(number, line, pace.clone(), work.clone(), done.clone()));
    }
    Ok(workers)
}

async fn worker(
    number: usize,
    mut line: Line,
    pace: Arc<Pace>,
    work: Arc<Mutex<mpsc::Receiver<Ready>>>,
    done: mpsc::Sender<Done>,
) {
    loop {
        while !pace.may_send(number) && !pace.stop.load(Ordering::SeqCst) && !done.is_closed() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let work = work.lock().await;
            if work.is_closed() && work.is_empty() {
                break;
            }
        }
        let Some(ready) = work.lock().await.recv().await else { break };
        let outcome = pace.pulses.outside(pace.pump, one(&mut line, &pace, ready)).await;
        if done.send(outcome).await.is_err() {
            break;
        }
    }
    if let Line::Mail(mailer) = &mut line {
        pace.pulses.outside(pace.pump, mailer.close()).await;
    }
}

async fn one(line: &mut Line, pace: &Pace, mut ready: Ready) -> Done {
    pace.begun.fetch_add(1, Ordering::SeqCst);
    if pace.stop.load(Ordering::SeqCst) || ready.read_at.elapsed() > FRESH || pace.slept(&ready) || !pace.heart.is_sure() {
        return Done::NotBegun(ready.mark());
    }
    // They are in the store: what waits for its record needs them no longer.
    let bytes = std::mem::take(&mut ready.composed.bytes);
    let sent = match (&mut *line, &ready.composed.wire) {
        (Line::Mail(mailer), Wire::Email { envelope }) => mailer.send(envelope, bytes, ready.with_copies).await,
        (Line::Text(texter), Wire::Sms { to, mark }) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            texter.send(&ready.claimed.message_id, Text { to, text: &text, mark }).await
        }
        _ => Sent::NotBegun(Fault::network("this channel cannot carry this message")),
    };
    ready.room.take();
    match sent {
        Sent::TooLarge(most) => Done::TooLarge(ready.mark(), most),
        Sent::Answered(answer) => {
            pace.learn(&answer);
            Done::Sent(Box::new(ready), answer)
        }
        Sent::Interrupted(fault) => {
            let many = pace.interrupted.fetch_add(1, Ordering::SeqCst) + 1 >= MANY_INTERRUPTED;
            pace.stop.fetch_or(many, Ordering::SeqCst);
            Done::Interrupted { ready: Box::new(ready), fault, many }
        }
        Sent::NotBegun(fault) => {
            pace.stop.store(true, Ordering::SeqCst);
            Done::Broken(Box::new(ready), fault)
        }
    }
}
