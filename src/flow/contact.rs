//! From a decision to what is written into the outbox: contacts with their messages and marks, tasks, steps without an
//! address.

use super::desk::Desk;
use crate::domain::attempt::{Outcome, about};
use crate::domain::cadence::Cadence;
use crate::domain::case::{CaseInvoice, CaseKey, DebtorFile, MarkKind};
use crate::domain::decision::{Plan, Section, Undeliverable};
use crate::domain::step::{Channel, TaskKind};
use crate::domain::time::days_between;
use crate::store::attempts::NewAttempt;
use crate::store::plan::{NewContact, NewMark, NewMessage};
use crate::store::questions::NewQuestion;
use crate::store::settle::NoAddress;
use crate::store::tasks::NewTask;
use jiff::civil::Date;

/// The contact for a plan, with marks for every invoice that gets a step by it.
pub(super) fn new_contact(
    desk: &Desk,
    file: &DebtorFile,
    case: &CaseKey,
    cadence: &Cadence,
    plan: &Plan,
    today: Date,
) -> NewContact {
    let step = &cadence.steps[plan.step];
    let term = |pk: i64| file.rows.iter().find(|r| r.invoice.pk == pk).map_or(1, |r| r.invoice.term);
    let mut marks = Vec::new();
    for line in &plan.lines {
        let Some(given) = line.mark.map(|m| &cadence.steps[m]) else { continue };
        marks.push(NewMark {
            invoice_pk: line.pk,
            term: term(line.pk),
            step: given.id.to_string(),
            rank: given.rank,
            overdue: given.overdue,
            kind: MarkKind::InHand,
            on: today,
            why: None,
        });
    }
    for (pk, passed, why) in &plan.skipped {
        let Some(at) = cadence.position(passed) else { continue };
        marks.push(NewMark {
            invoice_pk: *pk,
            term: term(*pk),
            step: passed.to_string(),
            rank: cadence.steps[at].rank,
            overdue: cadence.steps[at].overdue,
            kind: MarkKind::Skipped,
            on: today,
            why: Some(why),
        });
    }
    let invoices: Vec<i64> = plan.lines.iter().filter(|l| l.mark.is_some()).map(|l| l.pk).collect();
    let messages = plan.way.to().iter().map(|to| NewMessage {
        channel: to.channel,
        address: to.address.clone(),
        message_id: message_id(desk, file, case, step.id.as_str(), to.channel, &invoices),
        copy: to.copy,
        role: to.role,
    });
    NewContact {
        debtor_pk: file.debtor.pk,
        cadence: cadence.name.clone(),
        currency: case.currency.code().to_owned(),
        step: step.id.to_string(),
        letter: step.letter.clone(),
        redirected: desk.is_redirected(),
        messages: messages.collect(),
        question: question(desk, file, cadence, plan, today),
        invoices,
        marks,
    }
}

/// What a step waits for before it may leave or be done (R22).
fn question(desk: &Desk, file: &DebtorFile, cadence: &Cadence, plan: &Plan, today: Date) -> Option<NewQuestion> {
    let step = &cadence.steps[plan.step];
    let wait = match (step.approval, step.notify_owner) {
        (true, _) => desk.setup.settings.people.approve_within,
        (false, Some(notice)) => notice,
        (false, None) => return None,
    };
    let until = wait.after(today, desk.setup.calendar(&file.debtor, Some(cadence)));
    let about: Vec<&CaseInvoice> =
        plan.lines.iter().filter(|l| l.section == Section::Asked).filter_map(|l| row(file, l.pk)).collect();
    let balances = about.iter().map(|r| (r.invoice.pk, r.invoice.balance.minor)).collect();
    let owner = about.iter().find_map(|r| r.invoice.owner.clone());
    Some(NewQuestion { silence_is_yes: !step.approval, until, owner, balances })
}

fn row(file: &DebtorFile, pk: i64) -> Option<&CaseInvoice> {
    file.rows.iter().find(|r| r.invoice.pk == pk)
}

/// The task for a plan whose step is something for a person to do. What has a rank is had when it is done, all else when
/// it is given out.
pub(super) fn new_task(
    desk: &Desk,
    file: &DebtorFile,
    case: &CaseKey,
    cadence: &Cadence,
    plan: &Plan,
    kind: TaskKind,
    today: Date,
) -> NewTask {
    let step = &cadence.steps[plan.step];
    let contact = new_contact(desk, file, case, cadence, plan, today);
    let mut marks = contact.marks;
    if step.rank.is_none() {
        marks.iter_mut().filter(|m| m.kind == MarkKind::InHand).for_each(|m| m.kind = MarkKind::Left);
    }
    NewTask {
        debtor_pk: file.debtor.pk,
        kind,
        from: Some((
            cadence.name.clone(),
            case.currency.code().to_owned(),
            step.id.to_string(),
            step.rank.map(crate::domain::step::Rank::as_str),
        )),
        text: step.letter.clone(),
        owner: contact.invoices.iter().filter_map(|pk| row(file, *pk)).find_map(|r| r.invoice.owner.clone()),
        invoices: contact.invoices,
        redirected: contact.redirected,
        due_on: today,
        key: None,
        marks,
        question: contact.question,
    }
}

/// The same contact has the same Message-ID, however often it is planned.
fn message_id(desk: &Desk, file: &DebtorFile, case: &CaseKey, step: &str, channel: Channel, invoices: &[i64]) -> String {
    let rows = file.rows.iter().filter(|r| invoices.contains(&r.invoice.pk));
    let what: Vec<String> = rows.map(|r| format!("{}:{}", r.invoice.id, r.invoice.term)).collect();
    let mut parts = vec![file.debtor.id.as_str(), &case.cadence, case.currency.code(), step, channel.as_str()];
    parts.extend(what.iter().map(String::as_str));
    if desk.is_redirected() {
        // A trial is another mail than the real one that may follow it: mailboxes drop what they know already.
        parts.push("redirected");
    }
    let id = desk.keys.message_id(&parts);
    match (channel, &desk.setup.settings.email) {
        (Channel::Email, Some(email)) => format!("{id}@{}", email.from.email.domain()),
        _ => id,
    }
}

/// A step for which no address is left, for the log.
pub(super) fn no_address(desk: &Desk, file: &DebtorFile, cadence: &Cadence, lost: &Undeliverable, today: Date) -> NoAddress {
    let step = &cadence.steps[lost.step];
    let rows: Vec<_> = file.rows.iter().filter(|r| lost.invoices.contains(&r.invoice.pk)).collect();
    let marks = rows.iter().map(|r| NewMark {
        invoice_pk: r.invoice.pk,
        term: r.invoice.term,
        step: step.id.to_string(),
        rank: step.rank,
        overdue: step.overdue,
        kind: MarkKind::Undelivered,
        on: today,
        why: Some("no_address"),
    });
    let invoices: Vec<serde_json::Value> = rows
        .iter()
        .map(|r| {
            about(
                &r.invoice.id,
                &r.invoice.number,
                r.invoice.balance,
                Some(step.id.as_str()),
                days_between(r.invoice.due_on, today),
            )
        })
        .collect();
    NoAddress {
        marks: marks.collect(),
        cadence: cadence.name.clone(),
        redirected: desk.is_redirected(),
        attempt: NewAttempt {
            at: 0,
            debtor_pk: file.debtor.pk,
            debtor: file.debtor.id.clone(),
            person: None,
            channel: None,
            cadence: cadence.name.clone(),
            step: step.id.to_string(),
            letter: step.letter.clone(),
            language: None,
            invoices: serde_json::Value::from(invoices).to_string(),
            outcome: Outcome::NoAddress,
            class: None,
            why: Some(lost.text.clone()),
            answer: None,
            message_id: None,
            message_pk: None,
            payload_pk: None,
            digest: None,
        },
    }
}
