//! Sending the report: once a working day, at its hour, to each of the creditor's own people.
//!
//! A copy is marked on the disk before its first byte leaves, as any message is. Whoever finds one marked (after a crash, or
//! as another daemon's heir) sends it again once, under the same Message-ID and with a line that says so: a report that
//! comes twice is seen to, one that never comes would be missed by nobody. What could not leave on its day is not sent later;
//! the next report says that it was lost.

use super::{Form, Report, build, page};
use crate::channel::email::{Envelope, MailParts, Mailer, build as build_mail};
use crate::channel::{Fault, Sent};
use crate::domain::attempt::{Outcome, retry_delay};
use crate::domain::calendar::is_working_day;
use crate::domain::mail::Mail;
use crate::domain::time::{instant, local_date};
use crate::flow::desk::{Desk, DeskError};
use crate::flow::prepare::later_by;
use crate::flow::presence::on_duty;
use crate::flow::pulse::Pump;
use crate::store::StoreError;
use crate::store::reports::Copy;
use crate::store::sessions::Duty;
use jiff::Timestamp;
use jiff::civil::Date;
use lettre::Address;

/// So often a copy that may have left is sent again.
const MOST_DOUBTS: u32 = 1;

/// The columns of the text, as mail programs show it.
const WIDTH: usize = 74;

/// Sends the report of this day if its hour has come and somebody has not had it.
pub async fn step(desk: &Desk) -> Result<(), DeskError> {
    let now = desk.clock.now();
    let Some(day) = due_day(desk, now) else { return Ok(()) };
    if waiting(desk, day, now).await?.is_empty() {
        return Ok(());
    }
    on_duty(desk, Duty::Report, send_all(desk, day)).await.map(drop)
}

/// The day whose report may be sent now: a working day of the creditor's, from its hour on. Of days that have passed none
/// is sent any more.
fn due_day(desk: &Desk, now: Timestamp) -> Option<Date> {
    let settings = &desk.setup.settings;
    let (hour, zone) = (settings.report.morning?, &settings.creditor.timezone);
    settings.email.as_ref()?;
    let day = local_date(now, zone);
    let begun = instant(day, hour, zone).is_some_and(|at| now >= at);
    (begun && is_working_day(day, settings.creditor.calendar.as_deref())).then_some(day)
}

/// Who has not had it, and may be tried now.
async fn waiting(desk: &Desk, day: Date, now: Timestamp) -> Result<Vec<Address>, StoreError> {
    let copies = desk.store.report_copies(day).await?;
    let open = |copy: &Copy| matches!(copy.state.as_str(), "due" | "sending") && copy.next_at <= now;
    let wants = |to: &&Address| {
        let address = to.to_string();
        copies.iter().find(|c| c.day == day && c.address == address).is_none_or(open)
    };
    Ok(desk.setup.settings.report.to.iter().filter(wants).cloned().collect())
}

/// Makes the report once, and sends it to everybody who waits. Asked anew: another daemon may just have been at it.
async fn send_all(desk: &Desk, day: Date) -> Result<(), DeskError> {
    let to = waiting(desk, day, desk.clock.now()).await?;
    if to.is_empty() {
        return Ok(());
    }
    let mut report = build(desk).await?;
    report.lost = lost(desk, day).await?;
    let mut mailer = desk.mailer();
    for address in &to {
        send_one(desk, &mut mailer, &mut report, (day, address)).await?;
    }
    if let Ok(Some(mailer)) = &mut mailer {
        desk.pulses.outside(Pump::Report, mailer.close()).await;
    }
    Ok(())
}

/// The last day before this one of whose report no copy left.
async fn lost(desk: &Desk, day: Date) -> Result<Option<Date>, StoreError> {
    let Some(last) = desk.store.last_report_before(day).await? else { return Ok(None) };
    let copies = desk.store.report_copies(last).await?;
    let left = |c: &&Copy| c.day == last && matches!(c.state.as_str(), "sent" | "doubtful");
    Ok(copies.iter().find(left).is_none().then_some(last))
}

async fn send_one(
    desk: &Desk,
    mailer: &mut Result<Option<Mailer>, DeskError>,
    report: &mut Report,
    (day, to): (Date, &Address),
) -> Result<(), DeskError> {
    let (address, now) = (to.to_string(), desk.clock.now());
    let Some(doubts) = desk.store.begin_report(day, &address, now).await? else { return Ok(()) };
    if doubts > MOST_DOUBTS {
        tracing::warn!(event = "report_doubtful", day = %day, "a copy of the morning report may have left twice; it is not sent again");
        return Ok(desk.store.settle_report((day, &address), "doubtful", false, now, now).await?);
    }
    report.resent = doubts > 0;
    let sent = match mailer {
        Ok(Some(mailer)) => transmit(desk, mailer, report, day, to, now).await,
        Ok(None) => Sent::NotBegun(Fault::network("[email] is not configured")),
        Err(e) => Sent::NotBegun(Fault::network(e.to_string())),
    };
    let (state, doubtful) = match &sent {
        Sent::Answered(a) if a.outcome == Outcome::Accepted => ("sent", false),
        Sent::Answered(a) if a.outcome == Outcome::Refused => ("refused", false),
        Sent::Answered(a) if a.outcome == Outcome::Unknown && doubts < MOST_DOUBTS => ("due", true),
        Sent::Answered(a) if a.outcome == Outcome::Unknown => ("doubtful", true),
        _ => ("due", false),
    };
    let tries = desk.store.report_copies(day).await?.iter().find(|c| c.address == address).map_or(1, |c| c.tries);
    let now = desk.clock.now();
    desk.store.settle_report((day, &address), state, doubtful, later_by(now, retry_delay(tries)), now).await?;
    match state {
        "sent" => tracing::info!(event = "report_sent", day = %day, "the morning report left"),
        _ => {
            tracing::warn!(event = "report_not_sent", day = %day, state, "the morning report did not leave for certain; `relance status` tells of it")
        }
    }
    Ok(())
}

async fn transmit(desk: &Desk, mailer: &mut Mailer, report: &Report, day: Date, to: &Address, now: Timestamp) -> Sent {
    match message(desk, report, day, to, now) {
        Ok((envelope, bytes)) => desk.pulses.outside(Pump::Report, mailer.send(&envelope, bytes, false)).await,
        Err(why) => Sent::NotBegun(Fault::network(why)),
    }
}

/// The mail, the same Message-ID whenever it is made. Redirected like any other.
fn message(desk: &Desk, report: &Report, day: Date, to: &Address, now: Timestamp) -> Result<(Envelope, Vec<u8>), String> {
    let settings = &desk.setup.settings;
    let email = settings.email.as_ref().ok_or("[email] is not configured")?;
    let page = page(desk, report, &settings.creditor.language, Form::Mail).ok_or("the report has no words")?;
    let mail = Mail {
        subject: page.subject.clone(),
        text: page.text(WIDTH),
        html: page.html().map_err(|e| e.to_string())?,
        language: page.language.clone(),
    };
    let (real, day) = (to.to_string(), day.to_string());
    let redirect = settings.guard.redirect_to.as_ref();
    let id = format!("report-{day}-{}", desk.keys.message_id(&["report", &day, &real]));
    let message_id = format!("{id}@{}", email.from.email.domain());
    let parts = MailParts {
        mail: &mail,
        from: &email.from,
        reply_to: &email.from.email,
        name: &settings.creditor.name,
        to: redirect.unwrap_or(to),
        cc: &[],
        redirected_from: redirect.map(|_| real.as_str()),
        message_id: &message_id,
        copies: &[],
        thread: None,
        date: now,
    };
    let bytes = build_mail(&parts).map_err(|e| e.to_string())?.bytes;
    let envelope = Envelope { from: email.from.email.clone(), to: redirect.unwrap_or(to).clone(), envid: id };
    Ok((envelope, bytes))
}
