//! Letters to the creditor. What is about many customers at once goes into one letter, and such letters keep an
//! hour between them.

use super::desk::{Desk, DeskError};
use super::prepare::later_by;
use super::presence::on_duty;
use super::pulse::Pump;
use crate::channel::email::{Envelope, Mailer, address, build::build_plain};
use crate::channel::{Fault, Sent};
use crate::domain::attempt::{Outcome, retry_delay};
use crate::store::StoreError;
use crate::store::alerts::Alert;
use crate::store::sessions::Duty;
use jiff::Timestamp;
use lettre::Address;
use std::fmt::Write as _;

/// Alerts about one customer each, by what stands before the colon of their keys, and the subject for several.
const DIGESTS: [(&str, &str); 3] = [
    ("unreachable", "customers cannot be reached"),
    ("refused", "messages to customers were refused"),
    (NOTICE, "steps will leave unless you hold them"),
];

/// What stands before the colon of the keys of letters to owners.
pub(super) const NOTICE: &str = "notice";

/// So long is it quiet after a letter about customers, in seconds.
const QUIET: i64 = 3600;

/// A letter names at most so many customers.
const MOST_NAMED: usize = 200;

/// A letter about one alert, or about all of a kind.
struct Letter {
    alerts: Vec<i64>,
    tries: u32,
    subject: String,
    text: String,
    /// Whom it goes to; the creditor's own address, when there is none.
    address: Option<String>,
}

/// Sends what the creditor has not been told yet. In a dry run nothing leaves; `status` shows it all the same.
pub(super) async fn tell(desk: &Desk, now: Timestamp) -> Result<(), DeskError> {
    if desk.setup.settings.guard.dry_run || letters(desk, now).await?.is_empty() {
        return Ok(());
    }
    on_duty(desk, Duty::Tell, send_all(desk, now)).await.map(drop)
}

/// Why an owner has not been told of a step yet (R22), and what to do about it.
pub fn untold(desk: &Desk) -> &'static str {
    match &desk.setup.settings {
        s if s.email.is_none() => "owners are told by e-mail, and [email] is not configured",
        s if s.guard.dry_run => "[guard] dry_run keeps letters to owners back as well",
        _ => "the letter to the owner has not left yet: within an hour if it waits for others, else see `relance status`",
    }
}

/// What another daemon has not sent just before.
async fn send_all(desk: &Desk, now: Timestamp) -> Result<(), DeskError> {
    let letters = letters(desk, now).await?;
    let Ok(to) = desk.setup.settings.creditor.contact.parse::<Address>() else { return Ok(()) };
    let mut mailer = match desk.mailer() {
        Ok(Some(mailer)) => mailer,
        Ok(None) => return Ok(()),
        Err(e) => {
            tracing::error!(event = "creditor_untold", error = %e, "the creditor cannot be told");
            for letter in &letters {
                later(desk, letter, now).await?;
            }
            return Ok(());
        }
    };
    for letter in &letters {
        let own = letter.address.as_deref().and_then(address::parse);
        match send(desk, &mut mailer, own.as_ref().unwrap_or(&to), letter, now).await {
            // An alert that may have left is not sent again: twice would be worse than a look at `status`.
            Sent::Answered(a) if matches!(a.outcome, Outcome::Accepted | Outcome::Unknown) => {
                desk.store.alerts_sent(&letter.alerts, now).await?;
            }
            _ => later(desk, letter, now).await?,
        }
    }
    desk.pulses.outside(Pump::Review, mailer.close()).await;
    Ok(())
}

async fn later(desk: &Desk, letter: &Letter, now: Timestamp) -> Result<(), StoreError> {
    desk.store.alerts_later(&letter.alerts, later_by(now, retry_delay(letter.tries + 1))).await
}

/// The letters that may leave now.
async fn letters(desk: &Desk, now: Timestamp) -> Result<Vec<Letter>, DeskError> {
    let mut alerts = desk.store.unsent_alerts(now).await?;
    let mut letters = Vec::new();
    for (group, subject) in DIGESTS {
        let of_group = |a: &Alert| a.key.split_once(':').is_some_and(|(kind, _)| kind == group);
        let (these, others): (Vec<Alert>, Vec<Alert>) = alerts.into_iter().partition(of_group);
        alerts = others;
        let quiet = desk.store.last_told(group).await?.is_some_and(|last| later_by(last, QUIET) > now);
        if !these.is_empty() && !quiet {
            letters.extend(by_address(these).into_iter().map(|alerts| digest(alerts, subject)));
        }
    }
    // Where the channel of one daemon is broken and that of another works, the brake comes and goes.
    if desk.store.is_shared() && desk.store.last_told("channel").await?.is_some_and(|last| later_by(last, QUIET) > now) {
        alerts.retain(|a| !a.key.starts_with("channel:"));
    }
    letters.extend(alerts.into_iter().map(|a| digest(vec![a], "")));
    Ok(letters)
}

/// Alerts by the address that they go to.
fn by_address(mut alerts: Vec<Alert>) -> Vec<Vec<Alert>> {
    alerts.sort_by(|a, b| (&a.address, a.pk).cmp(&(&b.address, b.pk)));
    alerts.chunk_by(|a, b| a.address == b.address).map(<[Alert]>::to_vec).collect()
}

/// One letter about some alerts: about one of them in its own words.
fn digest(alerts: Vec<Alert>, subject: &str) -> Letter {
    let subject = match alerts.as_slice() {
        [one] => one.subject.clone(),
        all => format!("relance: {} {subject}", all.len()),
    };
    let texts: Vec<&str> = alerts.iter().take(MOST_NAMED).map(|a| a.text.as_str()).collect();
    let mut text = texts.join("\n\n");
    if alerts.len() > MOST_NAMED {
        let more = alerts.len() - MOST_NAMED;
        // Writing into a text cannot fail.
        write!(text, "\n\n… and {more} more; `relance status` and `relance preview` show them all.").unwrap_or_default();
    }
    let tries = alerts.iter().map(|a| a.tries).max().unwrap_or_default();
    let address = alerts.first().and_then(|a| a.address.clone());
    Letter { alerts: alerts.iter().map(|a| a.pk).collect(), tries, subject, text, address }
}

async fn send(desk: &Desk, mailer: &mut Mailer, to: &Address, letter: &Letter, now: Timestamp) -> Sent {
    let (Some(email), Some(first)) = (&desk.setup.settings.email, letter.alerts.first()) else {
        return Sent::NotBegun(Fault::network("[email] is not configured"));
    };
    let id = format!("alert-{first}-{}", desk.keys.message_id(&["alert", &first.to_string()]));
    let message_id = format!("{id}@{}", email.from.email.domain());
    let text = format!("{}\n\n-- \nrelance, for {}\n", letter.text, desk.setup.settings.creditor.name);
    match build_plain(&email.from, to, &letter.subject, &text, &message_id, now) {
        Ok(bytes) => {
            let envelope = Envelope { from: email.from.email.clone(), to: to.clone(), envid: id };
            desk.pulses.outside(Pump::Review, mailer.send(&envelope, bytes, false)).await
        }
        Err(e) => Sent::NotBegun(Fault::network(e.to_string())),
    }
}
