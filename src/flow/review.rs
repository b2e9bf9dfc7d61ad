//! The fourth pump: looks at the whole, notices who can no longer be reached, and tells the creditor, once,
//! when something stops the machine.

use super::approvals::balance_of;
use super::desk::{Desk, DeskError};
use super::prepare::later_by;
use super::tell::{self, NOTICE};
use crate::domain::reason::Reason;
use jiff::Timestamp;

/// One look at the whole: conditions, unreachable debtors, letters to the creditor.
pub async fn step(desk: &Desk) -> Result<(), DeskError> {
    let now = desk.clock.now();
    unreachable(desk, now).await?;
    refused(desk, now).await?;
    notices(desk, now).await?;
    desk.store.lapse_proposals(now).await?;
    watch(desk).await
}

/// The part that costs nothing: conditions that stop something, and letters about them.
pub async fn watch(desk: &Desk) -> Result<(), DeskError> {
    let now = desk.clock.now();
    conditions(desk, now).await?;
    tell::tell(desk, now).await
}

/// Raises an alert for each condition that stops something, and ends those that are over.
async fn conditions(desk: &Desk, now: Timestamp) -> Result<(), DeskError> {
    let stopping = desk.conditions(now).await?.brakes;
    let stopping: Vec<_> = stopping.iter().filter(|b| b.reason != Reason::DryRun).collect();
    let rows = desk.store.brakes().await?;
    let uncertain = desk.store.uncertain().await?.len();
    let mut lasting: Vec<(String, &str, String)> = Vec::new();
    for brake in &stopping {
        let subject = match brake.reason {
            Reason::LedgerShrunk => "relance: the ledger shrank, nothing is sent",
            Reason::StaleData => "relance: the invoice data is too old, nothing is sent",
            Reason::IbanChanged => "relance: the account in letters was changed, nothing is sent",
            _ => "relance: the ledger cannot be read, nothing is sent",
        };
        lasting.push((brake.reason.code().to_owned(), subject, brake.text.clone()));
    }
    for row in &rows {
        let subject = match row.kind.as_str() {
            "too_many" => "relance: too many messages, waiting for your release",
            _ => "relance: messages cannot leave",
        };
        lasting.push((row.kind.clone(), subject, row.text.clone()));
    }
    if uncertain > 0 {
        let text = format!("{uncertain} messages may or may not have left. Please look at `relance uncertain` and decide.");
        lasting.push(("uncertain".to_owned(), "relance: messages with an uncertain fate", text));
    }
    let told = desk.store.lasting_alerts().await?;
    for (key, subject, text) in lasting.iter().filter(|(key, _, _)| !told.iter().any(|(k, _)| k == key)) {
        desk.store.raise_alert(key, now, subject, text).await?;
    }
    // Such a message is tried every hour: when none has failed for two, the letter was mended.
    // As a rule nothing lasts, and ending what has not begun would be a commit a second.
    if told.iter().any(|(k, _)| k == "bad_message") && desk.store.bad_messages_since(later_by(now, -2 * 3600)).await? == 0 {
        desk.store.end_alert("bad_message", now).await?;
    }
    for key in
        ["poll_failed", "stale_data", "ledger_shrunk", "iban_changed", "too_many", "channel:email", "channel:sms", "uncertain"]
    {
        if told.iter().any(|(k, _)| k == key) && !lasting.iter().any(|(k, _, _)| k == key) {
            desk.store.end_alert(key, now).await?;
        }
    }
    Ok(())
}

/// Who became unreachable, and who can be reached again.
async fn unreachable(desk: &Desk, now: Timestamp) -> Result<(), DeskError> {
    let mut count = super::reach::touched(desk, now).await?;
    desk.store.reachable_again(now).await?;
    for lost in desk.store.without_address().await? {
        let Some(file) = desk.files(&[lost.pk], now).await?.pop() else { continue };
        super::reach::became_unreachable(desk, &file, "no usable address is left for what is due", now).await?;
        count += 1;
    }
    if count > 0 {
        tracing::warn!(
            event = "customers_unreachable",
            customers = count,
            "customers cannot be reached any more; `relance status` names them"
        );
    }
    Ok(())
}

/// Tells of those to whom a step could not go because the other side did not want the message: their addresses are
/// as good as before.
async fn refused(desk: &Desk, now: Timestamp) -> Result<(), DeskError> {
    for found in desk.store.refused_for_the_message(now).await? {
        let subject = format!("relance: a message to {} was refused", found.debtor);
        let text = format!(
            "{} ({}): the step {} was refused: {}\nIts address is not to blame. `relance explain {}` shows where the case stands.",
            found.name, found.debtor, found.step, found.answer, found.debtor
        );
        desk.store.raise_alert(&format!("refused:{}", found.debtor), now, &subject, &text).await?;
    }
    Ok(())
}

/// Tells owners of steps that leave soon, which they may hold (R22). Silence is a yes only of who was told.
async fn notices(desk: &Desk, now: Timestamp) -> Result<(), DeskError> {
    let asked = desk.store.questions(desk.is_redirected(), None).await?;
    for q in asked.iter().filter(|q| q.silence_is_yes && !q.told) {
        let step = q.step.as_deref().unwrap_or_default();
        let subject = format!("relance: step {step} for {} will leave unless you hold it", q.debtor);
        let file = desk.files(&[q.debtor_pk], now).await?.pop();
        let open = file.as_ref().and_then(|f| balance_of(f, q)).map(|m| format!(", {m} open")).unwrap_or_default();
        let text = format!(
            "{} ({}): step {step} leaves on {} at the earliest{open}.\nTo stop it: relance hold {} --until DATE --reason TEXT, or relance approve {} --no --reason TEXT.",
            q.name, q.debtor, q.until, q.debtor, q.id
        );
        let owner = q.owner.as_deref().filter(|o| o.contains('@'));
        desk.store.raise_alert_to(owner, &format!("{NOTICE}:{}", q.id), now, &subject, &text).await?;
    }
    Ok(())
}
