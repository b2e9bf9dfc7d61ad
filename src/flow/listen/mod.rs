//! What comes back, taken in: matched with a message of ours, weighed by how sure that is, and put on record with what
//! follows. What a stranger can send does one thing at most: it holds a case for a limited time, for a person to read.

mod clues;
pub mod mailbox;

use super::desk::{Desk, DeskError};
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::calendar::plus_working_days;
use crate::domain::grave::Grave;
use crate::domain::inbound::{Came, Incoming, Returned};
use crate::domain::time::local_date;
use crate::store::returns::{Effect, Letter, MatchedBy, Ours, Taking};
use clues::Match;
use jiff::{SignedDuration, Timestamp};

/// How long an unread answer holds a case, in working days. Long enough for a week of absence; after it the case goes on,
/// because no answer may silence a customer for ever.
const REPLY_HOLD: i32 = 10;

/// One that only bears a customer's address holds once in so many days.
const ADDRESS_REST: i64 = 30;

/// The same of one that speaks of insolvency, mediation, a death or a lawyer.
pub(super) const GRAVE_HOLD: i32 = 20;

/// What became of something that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It has come before.
    Known,
    /// It is one of our own, or of our own people's, and none of the customer's.
    Own,
    /// It belongs to nothing: listed, and nothing else.
    Unmatched,
    /// It belongs to these customers.
    Matched(Vec<String>),
    /// It is about a message whose outcome is not on record yet: it is to come again.
    Early,
}

/// Takes in one thing.
pub async fn take(desk: &Desk, incoming: &Incoming, now: Timestamp) -> Result<Taken, DeskError> {
    if is_own(desk, incoming) {
        return Ok(Taken::Own);
    }
    let found = clues::find(desk, incoming, now).await?;
    let mut fresh = false;
    let mut debtors = Vec::new();
    for matched in &found {
        let mut taking = taking(desk, incoming, Some(matched), now).await?;
        taking.letter = letter(desk, incoming, &taking, matched).await?;
        fresh |= desk.store.take_return(&taking, now).await?.is_some();
        debtors.push(matched.debtor.clone());
    }
    if found.is_empty() {
        let taking = taking(desk, incoming, None, now).await?;
        fresh = desk.store.take_return(&taking, now).await?.is_some();
    }
    if fresh {
        desk.tally.came(incoming.via, &incoming.came);
        let touched: Vec<i64> = found.iter().map(|m| m.debtor_pk).collect();
        super::reach::refresh(desk, &touched, now).await?;
    }
    Ok(match (fresh, debtors.is_empty()) {
        (false, _) => Taken::Known,
        (true, true) => Taken::Unmatched,
        (true, false) => Taken::Matched(debtors),
    })
}

/// Whether a receipt may have come before its message was on record: its id belongs to nothing yet, or the message is on the
/// wire still. Whoever asks waits a little.
pub async fn is_early(desk: &Desk, incoming: &Incoming, now: Timestamp) -> Result<bool, DeskError> {
    if !matches!(incoming.came, Came::Failed(_) | Came::Delayed(_) | Came::Delivered) {
        return Ok(false);
    }
    let found = clues::find(desk, incoming, now).await?;
    let ours = found.first().and_then(|m| m.ours.as_ref());
    Ok(match ours {
        Some(ours) => ours.state == "sending",
        None => incoming.clues.tokens.is_empty() && incoming.clues.gateway_id.is_some(),
    })
}

/// Whether it still is too early for a receipt to be taken: a message on the wire cannot be refused, and whatever became of it
/// is put on record first. That it has arrived can be.
pub async fn is_too_early(desk: &Desk, incoming: &Incoming, now: Timestamp) -> Result<bool, DeskError> {
    if !matches!(incoming.came, Came::Failed(_)) {
        return Ok(false);
    }
    let found = clues::find(desk, incoming, now).await?;
    Ok(found.iter().any(|m| m.ours.as_ref().is_some_and(|ours| ours.state == "sending")))
}

/// What the creditor is told: what a person wrote, and that a number has no more SMS. It is put on record with what came, so
/// that no end of the program comes between the two.
async fn letter(desk: &Desk, incoming: &Incoming, taking: &Taking, of: &Match) -> Result<Option<Letter>, DeskError> {
    let from = incoming.clues.from.as_deref().unwrap_or("somebody");
    let held = match &taking.effect {
        Effect::Wrote { hold: Some((until, _)), .. } => format!("Nothing is sent to them until {until}."),
        // Anybody can write an address: whoever writes it a hundred times sends no hundred letters through the firm's own server.
        Effect::Wrote { .. } if of.by == MatchedBy::Address => return Ok(None),
        Effect::Wrote { .. } => "The case goes on as it was: what they wrote before is unread as well.".to_owned(),
        // Whoever says it again knows already, and so does the creditor.
        Effect::Stopped if !desk.store.is_stopped(from).await? => {
            let before = format!(
                "{} ({}) wants no more SMS at {from}, and gets none there from now on. Nobody was answered. Their case goes on by the other ways that there are; see that there is one. Should they want SMS again: relance contact allow {} {from} --reason …\n\nWhat came: relance inbox show ",
                of.name, of.debtor, of.debtor
            );
            let subject = format!("relance: {} wants no more SMS", of.debtor);
            return Ok(Some(Letter { subject, before, after: String::new() }));
        }
        _ => return Ok(None),
    };
    let grave =
        taking.grave.map(|g| format!("\nIt speaks of {g}: if so, say it (relance debtor {} --state … --reason …).", of.debtor));
    let text = incoming.text.trim();
    let wrote = match incoming.came {
        Came::Automatic { .. } => "has answered by a machine",
        _ => "has written",
    };
    let before = format!(
        "{} ({}) {wrote}, from {from}:\n\n{text}\n\n{held} Once you have seen to it: relance inbox read ",
        of.name, of.debtor
    );
    let subject = format!("relance: {} has written", of.debtor);
    Ok(Some(Letter { subject, before, after: grave.unwrap_or_default() }))
}

/// Mails of relance's own (letters to the creditor, reports), and of whoever keeps the books: the mailbox may be theirs.
fn is_own(desk: &Desk, incoming: &Incoming) -> bool {
    if matches!(incoming.came, Came::Failed(_) | Came::Delayed(_) | Came::Delivered) {
        return false;
    }
    let settings = &desk.setup.settings;
    let from = incoming.clues.from.as_deref().unwrap_or_default().to_lowercase();
    let own = settings.email.as_ref().map(|e| e.from.email.to_string());
    own.into_iter().chain([settings.creditor.contact.clone()]).any(|a| a.to_lowercase() == from)
}

async fn taking(desk: &Desk, incoming: &Incoming, matched: Option<&Match>, now: Timestamp) -> Result<Taking, DeskError> {
    let grave = matched.and_then(|_| grave(desk, incoming));
    let (effect, event) = match matched {
        Some(m) => effect(desk, incoming, m, grave, now).await?,
        None if incoming.came == Came::Stop && is_number(incoming) => (Effect::Stopped, None),
        None => (Effect::Listed, None),
    };
    let class = match &incoming.came {
        Came::Failed(r) | Came::Delayed(r) => Some(r.class.as_str()),
        _ => None,
    };
    let back_on = match incoming.came {
        Came::Automatic { back_on } => back_on,
        _ => None,
    };
    // Of what belongs to nobody no words are kept: they are none of relance's business.
    let text = if matched.is_some() { incoming.text.clone() } else { String::new() };
    Ok(Taking {
        key: incoming.key.clone(),
        via: incoming.via,
        kind: incoming.came.as_str(),
        matched: matched.map(|m| (m.by, m.debtor_pk, m.ours.clone())),
        sender: incoming.clues.from.clone(),
        subject: incoming.subject.clone(),
        text,
        class,
        grave: grave.map(Grave::as_str),
        back_on,
        dated: incoming.dated,
        effect,
        event,
        letter: None,
    })
}

/// Whether it came from a number, and not from a name or a short number.
fn is_number(incoming: &Incoming) -> bool {
    incoming.clues.from.as_deref().is_some_and(|from| from.starts_with('+'))
}

type Follows = (Effect, Option<(&'static str, String)>);

/// What follows for a customer.
async fn effect(
    desk: &Desk,
    incoming: &Incoming,
    matched: &Match,
    grave: Option<Grave>,
    now: Timestamp,
) -> Result<Follows, DeskError> {
    Ok(match (&incoming.came, &matched.ours) {
        (Came::Failed(returned), Some(ours)) => {
            let by_mark = matched.by != MatchedBy::ReturnedId;
            failed(desk, incoming, (returned, by_mark), ours, now).await?
        }
        // Receipts overtake each other: what is known already is said no more.
        (Came::Delayed(_), Some(ours)) if ours.is_over() => (Effect::Listed, None),
        (Came::Delayed(r), Some(ours)) => (Effect::Listed, Some(("delayed", format!("{}: {}", ours.step, r.words)))),
        (Came::Delivered, Some(ours)) if !ours.redirected => {
            let today = local_date(now, &desk.setup.settings.creditor.timezone);
            let event = (!ours.delivered).then(|| ("delivered", ours.step.clone()));
            (Effect::Arrived { words: incoming.subject.clone(), today }, event)
        }
        // What is said in a trial is said by whoever tries.
        (Came::Reply | Came::Automatic { .. }, Some(ours)) if ours.redirected => (Effect::Listed, None),
        (Came::Automatic { .. }, _) if grave.is_some() => {
            let hold = wrote(desk, incoming, matched, grave, now).await?;
            (hold.without_sign(), Some(("automatic", "an automatic answer that a person must read".to_owned())))
        }
        (Came::Automatic { back_on }, _) => {
            let back = back_on.map(|day| format!(", back on {day}")).unwrap_or_default();
            (Effect::Listed, Some(("automatic", format!("an automatic answer{back}"))))
        }
        (Came::Reply, _) => (wrote(desk, incoming, matched, grave, now).await?, Some(("reply", incoming.subject.clone()))),
        (Came::Stop, _) => (Effect::Stopped, Some(("stop", "wants no more SMS at this number".to_owned()))),
        _ => (Effect::Listed, None),
    })
}

/// A report that a message did not arrive.
async fn failed(
    desk: &Desk,
    incoming: &Incoming,
    (r, by_mark): (&Returned, bool),
    ours: &Ours,
    now: Timestamp,
) -> Result<Follows, DeskError> {
    // A trial's report is about the mailbox of the trial; and a telephone that has it keeps it, whatever comes later.
    if ours.redirected || (ours.channel == "sms" && ours.delivered) {
        return Ok((Effect::Listed, None));
    }
    let Some(last) = desk.store.last_attempt_of(ours).await? else { return Ok((Effect::Listed, None)) };
    let mut attempt = last.once_more();
    attempt.at = now.as_millisecond();
    attempt.outcome = Outcome::Refused;
    // Where a mailbox hands on to another that is not there, the address that we know may still be somebody's.
    let elsewhere = incoming.clues.recipient.as_deref().is_some_and(|to| !to.eq_ignore_ascii_case(&ours.address));
    // So it is with a report that is known by a Message-ID alone, which whoever has seen the mail can write.
    let class = if (elsewhere || !by_mark) && r.class == FaultClass::Address { FaultClass::Mailbox } else { r.class };
    attempt.class = Some(class.as_str());
    attempt.why = Some("returned".to_owned());
    attempt.answer = Some(r.words.clone());
    let dead = (class == FaultClass::Address).then(|| r.words.clone());
    let text = format!("{}: {}", ours.step, r.words);
    Ok((Effect::Refused { expired: r.expired, attempt: Box::new(attempt), dead }, Some(("returned", text))))
}

/// What a person's words speak of that no rule may judge.
fn grave(desk: &Desk, incoming: &Incoming) -> Option<Grave> {
    let words = matches!(incoming.came, Came::Reply | Came::Automatic { .. })
        .then(|| format!("{}\n{}", incoming.subject, incoming.text))?;
    desk.setup.grave.grave(&words)
}

/// A person wrote: the case is held until somebody has read it, for a limited time. A second answer makes that no longer;
/// once it is over, one that bears our mark holds anew, and the customer who wrote twice is not sent a reminder for it. One that
/// only bears the customer's address, which anybody can write, does not while the first is unread, and is no sign of life.
async fn wrote(
    desk: &Desk,
    incoming: &Incoming,
    matched: &Match,
    grave: Option<Grave>,
    now: Timestamp,
) -> Result<Effect, DeskError> {
    let creditor = &desk.setup.settings.creditor;
    let today = local_date(now, &creditor.timezone);
    let sure = matched.by != MatchedBy::Address;
    let unread = desk.store.unread_of(matched.debtor_pk, grave.is_some()).await? > 0;
    let waits = match sure {
        true => unread && desk.store.is_held_by_reply(matched.debtor_pk, today).await?,
        // Not for ever either, however often somebody reads what a stranger sends.
        false => {
            unread
                || desk.store.has_held_by_address(matched.debtor_pk, now - SignedDuration::from_hours(24 * ADDRESS_REST)).await?
        }
    };
    let days = if grave.is_some() { GRAVE_HOLD } else { REPLY_HOLD };
    let until = plus_working_days(today, days, creditor.calendar.as_deref());
    let from = incoming.clues.from.as_deref().unwrap_or("an unknown sender");
    let about = grave.map(|g| format!(", speaks of {}", g.as_str())).unwrap_or_default();
    let hold = (!waits).then(|| (until, format!("unread answer from {from}{about}")));
    Ok(Effect::Wrote { hold, sign_of_life: sure })
}
