//! What something belongs to that came back: by the keyed mark in the address first, by an address that anybody can write
//! last. A mark that is not genuine ends the search.

use crate::channel::token::RECEIPT;
use crate::domain::inbound::{Came, Incoming, MOST_CLUES};
use crate::flow::desk::{Desk, DeskError};
use crate::store::returns::{MatchedBy, Ours};
use jiff::Timestamp;

/// A report comes within days; the mark in a return path is good for so many.
const REPORT_DAYS: i64 = 60;

/// People answer old mails; the mark in an address to answer to is good for so many days.
const ANSWER_DAYS: i64 = 400;

/// The customers of one mailbox that an answer may be about; of more it is nobody's.
const MOST_CUSTOMERS: usize = 5;

/// A customer that something belongs to.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub(super) by: MatchedBy,
    pub(super) debtor_pk: i64,
    pub(super) debtor: String,
    pub(super) name: String,
    pub(super) ours: Option<Ours>,
}

/// Whom it belongs to; nobody when nothing points to anything of ours.
pub(super) async fn find(desk: &Desk, incoming: &Incoming, now: Timestamp) -> Result<Vec<Match>, DeskError> {
    let clues = &incoming.clues;
    if !clues.tokens.is_empty() {
        return Ok(by_token(desk, incoming, now).await?.into_iter().collect());
    }
    let is_report = is_report(incoming);
    let days = if is_report { REPORT_DAYS } else { ANSWER_DAYS };
    let own = desk.setup.settings.email.as_ref().map(|e| e.from.email.domain().to_owned()).unwrap_or_default();
    let is_ours = |id: &&String| is_ours(id, &own);
    let recipient = clues.recipient.as_deref();
    if let Some(id) = clues.envelope_id.as_deref().filter(|id| is_keyed(id))
        && let Some(found) = best(desk, &desk.store.messages_in_envelope(id).await?, recipient, days, now).await?
    {
        return Ok(vec![found.matched(MatchedBy::EnvelopeId)]);
    }
    let returned: Vec<String> = clues.returned_id.iter().filter(is_ours).cloned().collect();
    if is_report && !returned.is_empty() {
        let found = best(desk, &desk.store.messages_with_id(&returned).await?, recipient, days, now).await?;
        return Ok(found.map(|f| f.matched(MatchedBy::ReturnedId)).into_iter().collect());
    }
    if let Some(id) = clues.gateway_id.as_deref()
        && let Some(pk) = desk.store.message_at_gateway(id).await?
        && let Some(found) = best(desk, &[pk], None, days, now).await?
    {
        return Ok(vec![found.matched(MatchedBy::GatewayId)]);
    }
    if is_report {
        return Ok(vec![]);
    }
    let answers: Vec<String> = clues.answers.iter().filter(is_ours).take(MOST_CLUES).cloned().collect();
    if !answers.is_empty()
        && let Some(found) = best(desk, &desk.store.messages_with_id(&answers).await?, clues.from.as_deref(), days, now).await?
    {
        return Ok(vec![found.matched(MatchedBy::Answers)]);
    }
    by_address(desk, clues.from.as_deref().unwrap_or_default(), now).await
}

/// The first genuine mark counts. Where none is (made up, too old, of another purpose), the search is over: nothing weaker is
/// looked at. A mailbox that is one for reports and for answers tells each mark once for either purpose.
async fn by_token(desk: &Desk, incoming: &Incoming, now: Timestamp) -> Result<Option<Match>, DeskError> {
    let today = now.as_second().div_euclid(86_400);
    let is_report = is_report(incoming);
    for clue in incoming.clues.tokens.iter().take(MOST_CLUES) {
        // Whoever has seen a mail has seen the address to answer to; no report comes there.
        if is_report && !matches!(clue.purpose, "bounce" | RECEIPT) {
            continue;
        }
        let Some((message, day)) = desk.keys.verify(clue.purpose, &clue.token) else { continue };
        let days = if matches!(clue.purpose, "bounce" | RECEIPT) { REPORT_DAYS } else { ANSWER_DAYS };
        if (-1..=days).contains(&(today - day))
            && let Some(ours) = desk.store.ours(message).await?
        {
            return Ok(Some(ours.matched(MatchedBy::Token)));
        }
    }
    Ok(None)
}

impl Ours {
    fn matched(self, by: MatchedBy) -> Match {
        Match { by, debtor_pk: self.debtor_pk, debtor: self.debtor.clone(), name: self.name.clone(), ours: Some(self) }
    }
}

/// Of a mail and its copies, which have one Message-ID, the one to this address; else the mail itself. None that is too old.
async fn best(
    desk: &Desk,
    messages: &[i64],
    address: Option<&str>,
    days: i64,
    now: Timestamp,
) -> Result<Option<Ours>, DeskError> {
    let mut all = Vec::new();
    for pk in messages {
        all.extend(desk.store.ours(*pk).await?);
    }
    let oldest = now.as_second() - days * 86_400;
    all.retain(|o| o.left_at.is_some_and(|at| at.as_second() >= oldest));
    let is_to = |o: &Ours| address.is_some_and(|a| a.eq_ignore_ascii_case(&o.address));
    let place = all.iter().position(is_to).or_else(|| all.iter().position(|o| !o.copy));
    Ok(place.map(|at| all.swap_remove(at)))
}

/// The form of our own ids, so that nothing else is searched for.
fn is_keyed(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_ours(id: &str, domain: &str) -> bool {
    id.split_once('@').is_some_and(|(head, at)| is_keyed(head) && at.eq_ignore_ascii_case(domain))
}

fn is_report(incoming: &Incoming) -> bool {
    matches!(incoming.came, Came::Failed(_) | Came::Delayed(_) | Came::Delivered)
}

/// Customers with something open of whom somebody has this address.
async fn by_address(desk: &Desk, address: &str, now: Timestamp) -> Result<Vec<Match>, DeskError> {
    let address = address.trim().to_lowercase();
    if address.is_empty() {
        return Ok(vec![]);
    }
    let perhaps = desk.store.perhaps_at(&address).await?;
    let files = desk.files(&perhaps, now).await?;
    let is_theirs = |a: &str| a.to_lowercase() == address;
    let theirs = files.iter().filter(|f| f.points.iter().any(|p| is_theirs(&p.address)));
    let found: Vec<Match> = theirs
        .map(|f| Match {
            by: MatchedBy::Address,
            debtor_pk: f.debtor.pk,
            debtor: f.debtor.id.clone(),
            name: f.debtor.name.clone(),
            ours: None,
        })
        .collect();
    Ok(if found.len() > MOST_CUSTOMERS { vec![] } else { found })
}
