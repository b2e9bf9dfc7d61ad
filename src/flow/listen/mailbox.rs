//! The pump of the mailbox: what has come is fetched, read and taken in, and only then marked there and forgotten. A mailbox that
//! hangs or is away keeps nothing else waiting; when it lasts the creditor hears of it, since answers may lie there unread.

use super::{Taken, is_too_early, take};
use crate::clock::Stopwatch;
use crate::config::settings::{InboxPlace, InboxSettings};
use crate::domain::time::{local_date, plus_days};
use crate::flow::desk::{Desk, DeskError};
use crate::flow::presence::on_duty;
use crate::flow::pulse::Pump;
use crate::inbox::{Cursor, Inbox, InboxError, Mark, Ours, read};
use crate::store::sessions::Duty;
use jiff::Timestamp;
use jiff::civil::Date;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// So many mails are fetched at once, …
const BATCH: usize = 100;

/// … so many times in one step.
const BATCHES: usize = 20;

/// How far the mailbox has been read, and since which day it is.
const READ_TO: &str = "inbox";
const SINCE: &str = "inbox_since";

/// A mailbox that is read for the first time is read from so many days back: answers to what left just before.
const FIRST_DAYS: i64 = 14;

/// A mailbox that could not be read for so many seconds is told of.
const TOLD_AFTER: i64 = 3600;

/// The alert about it.
const ALERT: &str = "inbox";

/// The alert about a mail that was passed over.
const LOST: &str = "mail_lost";

/// A report that overtook the record of what it is about waits so long for that, looked at so often.
const EARLY: Duration = Duration::from_secs(3);
const EARLY_LOOK: Duration = Duration::from_millis(100);

/// How often a pump that waits for news looks whether it is to end.
const LOOK: Duration = Duration::from_millis(200);

/// What the pump has at hand from one step to the next.
#[derive(Debug, Default)]
pub struct Post {
    inbox: Option<Inbox>,
    /// Since when it fails, and whether the creditor was told.
    failing: Option<(Timestamp, bool)>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Mails that were read.
    pub read: u64,
    /// Those among them that belong to a customer, and had not come before.
    pub matched: u64,
    /// The mailbox could not be read.
    pub failed: bool,
}

/// Reads what has come; `None` without a mailbox, or while another daemon reads it.
pub async fn step(desk: &Desk) -> Result<Option<Round>, DeskError> {
    let Some(settings) = &desk.setup.settings.inbox else { return Ok(None) };
    let now = desk.clock.now();
    let Some(since) = since(desk, now).await? else { return Ok(Some(Round::default())) };
    on_duty(desk, Duty::Inbox, look(desk, settings, since)).await
}

/// Waits for news, until the next look is due or the desk is cleared. Without a mailbox it waits for the latter alone.
pub async fn rest(desk: &Desk) {
    let cleared = async {
        while !desk.stopping.load(Ordering::SeqCst) {
            tokio::time::sleep(LOOK).await;
        }
    };
    let news = async {
        let Some(settings) = &desk.setup.settings.inbox else { return std::future::pending().await };
        let mut post = desk.post.lock().await;
        match &mut post.inbox {
            Some(inbox) => drop(inbox.wait(settings.poll).await),
            None => tokio::time::sleep(settings.poll).await,
        }
    };
    desk.pulses
        .outside(Pump::Inbox, async {
            tokio::select! { () = cleared => {}, () = news => {} }
        })
        .await;
}

/// The first day whose mails are read: nothing that came before relance wrote to anybody is an answer to it, and a mailbox
/// that has been there for years is not read from its beginning. `None` as long as nothing has left.
async fn since(desk: &Desk, now: Timestamp) -> Result<Option<Date>, DeskError> {
    if let Some(day) = desk.store.bookmark(SINCE).await?.and_then(|text| text.parse().ok()) {
        return Ok(Some(day));
    }
    let zone = &desk.setup.settings.creditor.timezone;
    let Some(first) = desk.store.first_attempt().await? else { return Ok(None) };
    // Servers count days in their own zones.
    let day = plus_days(local_date(first, zone), -1).max(plus_days(local_date(now, zone), -FIRST_DAYS));
    desk.store.set_bookmark(SINCE, &day.to_string(), now).await?;
    Ok(Some(day))
}

async fn look(desk: &Desk, settings: &InboxSettings, since: Date) -> Result<Round, DeskError> {
    let mut post = desk.post.lock().await;
    let mut round = Round::default();
    let done = batches(desk, settings, since, &mut post, &mut round).await?;
    if round.read > 0 {
        tracing::info!(event = "mail_taken", mails = round.read, matched = round.matched, "mail that came back was read");
    }
    told(desk, &mut post, done.err(), &mut round).await?;
    Ok(round)
}

/// Batch after batch, until there is no more, it is enough for once, or the desk is cleared.
async fn batches(
    desk: &Desk,
    settings: &InboxSettings,
    since: Date,
    post: &mut Post,
    round: &mut Round,
) -> Result<Result<(), InboxError>, DeskError> {
    let inbox = match &mut post.inbox {
        Some(inbox) => inbox,
        slot => match opened(desk, settings, since) {
            Ok(inbox) => slot.insert(inbox),
            Err(e) => return Ok(Err(e)),
        },
    };
    for _ in 0..BATCHES {
        let cursor = desk.store.bookmark(READ_TO).await?.and_then(|text| Cursor::parse(&text));
        let fetched = desk.pulses.outside(Pump::Inbox, inbox.fetch(cursor, BATCH)).await;
        let batch = match fetched {
            Ok(batch) => batch,
            Err(e) => return Ok(Err(e)),
        };
        for why in &batch.passed_over {
            tracing::warn!(event = "mail_unread", %why, "a mail cannot be handed over and is passed over; see for yourself what it is");
            let text = format!(
                "The server of [inbox] has not handed over a mail for hours: {why}\nIt is passed over, and may be a customer's answer: please look yourself."
            );
            desk.store.raise_alert(LOST, desk.clock.now(), "relance: a mail cannot be read", &text).await?;
        }
        let (marks, early) = taken(desk, batch.mails, round).await?;
        if early {
            // What is before it is on record, and is known when it comes again.
            return Ok(inbox.took(&marks).await);
        }
        if let Some(cursor) = batch.cursor.filter(|c| Some(*c) != cursor) {
            desk.store.set_bookmark(READ_TO, &cursor.to_string(), desk.clock.now()).await?;
        }
        inbox.recorded();
        if let Err(e) = desk.pulses.outside(Pump::Inbox, inbox.took(&marks)).await {
            return Ok(Err(e));
        }
        if !batch.more || desk.stopping.load(Ordering::SeqCst) {
            break;
        }
    }
    Ok(Ok(()))
}

fn opened(desk: &Desk, settings: &InboxSettings, since: Date) -> Result<Inbox, InboxError> {
    let password = match &settings.place {
        InboxPlace::Imap(imap) => Some(imap.password.load(&desk.setup.environment).map_err(InboxError::secret)?),
        InboxPlace::Maildir(_) => None,
    };
    let mut inbox = Inbox::new(settings, password);
    inbox.not_before(since);
    Ok(inbox)
}

/// Takes the mails of a batch in; gives the marks of those that are on record now, and whether one came too early, which ends it.
async fn taken(desk: &Desk, mails: Vec<(Mark, Vec<u8>)>, round: &mut Round) -> Result<(Vec<Mark>, bool), DeskError> {
    let mut marks = Vec::with_capacity(mails.len());
    for (mark, bytes) in mails {
        desk.pulses.moved(Pump::Inbox);
        round.read += 1;
        match take_mail(desk, bytes).await? {
            Some(Taken::Early) => return Ok((marks, true)),
            Some(Taken::Matched(_)) => round.matched += 1,
            Some(_) => {}
            None => {
                tracing::error!(event = "mail_unread", "a mail cannot be read and is passed over; see for yourself what it is")
            }
        }
        marks.push(mark);
    }
    Ok((marks, false))
}

/// Reads one mail and takes it in. `None`: reading it failed, which no mail should bring about.
pub async fn take_mail(desk: &Desk, bytes: Vec<u8>) -> Result<Option<Taken>, DeskError> {
    let now = desk.clock.now();
    let settings = &desk.setup.settings;
    let contact = settings.creditor.contact.as_str();
    let bounce = settings.email.as_ref().map(|e| e.bounce_address.as_ref().unwrap_or(&e.from.email).to_string());
    let ours = Ours::new(bounce.as_deref().unwrap_or(contact), contact);
    let today = local_date(now, &settings.creditor.timezone);
    // Megabytes of somebody's making: on a thread of its own, and whatever happens there ends nothing here.
    match tokio::task::spawn_blocking(move || read(&bytes, &ours, today)).await {
        Ok(incoming) => {
            // Servers on one machine report within milliseconds, while the outcome is still being put on record.
            let watch = Stopwatch::start();
            while is_too_early(desk, &incoming, now).await? {
                if watch.elapsed() >= EARLY {
                    return Ok(Some(Taken::Early));
                }
                tokio::time::sleep(EARLY_LOOK).await;
            }
            take(desk, &incoming, now).await.map(Some)
        }
        Err(_) => Ok(None),
    }
}

/// Says when the mailbox cannot be read: at once in the journal, to the creditor when it lasts.
async fn told(desk: &Desk, post: &mut Post, error: Option<InboxError>, round: &mut Round) -> Result<(), DeskError> {
    let now = desk.clock.now();
    let Some(error) = error else {
        if let Some((_, told)) = post.failing.take() {
            tracing::info!(event = "inbox_back", "the mailbox can be read again");
            if told {
                desk.store.end_alert(ALERT, now).await?;
            }
        }
        return Ok(());
    };
    round.failed = true;
    let (since, told) = *post.failing.get_or_insert_with(|| {
        tracing::warn!(event = "inbox_failed", error = %error, "the mailbox cannot be read; it is tried again, and sending goes on");
        (now, false)
    });
    if !told && now.as_second() - since.as_second() >= TOLD_AFTER {
        let text = format!(
            "The mailbox of [inbox] cannot be read since {}: {error}\nSending goes on. Answers of customers and mails that did not arrive may lie there unread: please look yourself until it is mended.",
            local_date(since, &desk.setup.settings.creditor.timezone)
        );
        desk.store.raise_alert(ALERT, now, "relance: the mailbox cannot be read", &text).await?;
        post.failing = Some((since, true));
    }
    Ok(())
}
