//! `explain`: what comes next for an invoice or a debtor, when, who acts and what decides; then the invoices, what was
//! done, and every rule weighed.

mod outside;
mod page;
mod reached;
mod rules;
mod story;

use super::{CliError, copies, desk, hold, log, out};
use crate::domain::case::{CaseKey, DebtorFile};
use crate::domain::decision::{Coming, Decision, Explanation, RuleWeighed, decide, tie_out};
use crate::domain::reason::Reason;
use crate::domain::time::local_date;
use crate::flow::Desk;
use crate::flow::desk::Conditions;
use crate::flow::{guard, tell};
use crate::store::attempts::{AttemptRow, LogFilter};
use crate::store::holds::Named;
use crate::store::views::UnderWay;
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;
use story::Next;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An invoice's id or number, or a debtor's id
    #[arg(value_name = "INVOICE|DEBTOR")]
    name: String,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// All that is known of the subject.
struct Subject {
    name: String,
    on: Named,
    file: DebtorFile,
    conditions: Conditions,
    /// The guards of all sending that hold.
    guards: Vec<RuleWeighed>,
    under_way: Vec<UnderWay>,
    attempts: Vec<AttemptRow>,
    now: Timestamp,
    /// Something that the decision itself does not see.
    notes: Vec<String>,
}

/// What is told of a case.
struct Told<'a> {
    case: &'a CaseKey,
    decision: Decision,
    rules: Vec<RuleWeighed>,
    coming: Vec<Coming>,
    next: Next,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let on = match hold::named(&desk.store, &args.name).await {
        Ok(on) => on,
        // The store may not know it and the ledger may.
        Err(CliError::Failed(unknown)) => return outside::run(&desk, &args, unknown).await,
        Err(e) => return Err(e),
    };
    let name = args.name.trim_start_matches("invoice:").trim_start_matches("debtor:");
    let subject = load(&desk, on, name).await?;
    let cases = cases(&subject);
    if cases.is_empty() {
        outside::without_case(&desk, &subject, args.json).await;
    }
    let told: Vec<Told> = cases.iter().filter_map(|case| tell(&desk, &subject, case)).collect();
    match args.json {
        true => told.iter().for_each(|told| as_json(&desk, &subject, told)),
        false => page::print(&desk, &subject, &told).await?,
    }
    Ok(())
}

async fn load(desk: &Desk, on: Named, name: &str) -> Result<Subject, CliError> {
    let now = desk.clock.now();
    let file = desk.files(&[on.debtor_pk], now).await?.into_iter().next();
    let file = file.ok_or_else(|| CliError::Failed(format!("{name} is not in the store")))?;
    let filter = LogFilter { debtor_pk: Some(on.debtor_pk), ..LogFilter::default() };
    let mut attempts = desk.store.log_page_before(i64::MAX, &filter).await?;
    attempts.reverse();
    if on.invoice_pk.is_some() {
        attempts.retain(|a| log::is_about(a, name));
    }
    let mut notes = outside::misnamed(desk, &file).await?;
    let unreachable = desk.store.unreachable().await?.into_iter().find(|u| u.debtor == file.debtor.id);
    notes.extend(
        unreachable
            .map(|u| format!("unreachable since {}: {}", out::short(u.since, &desk.setup.settings.creditor.timezone), u.why)),
    );
    notes.extend(reached::notes(desk, &file, now).await?);
    let untold =
        file.contacts.iter().filter_map(|c| c.word.as_ref()).any(|w| w.silence_is_yes && !w.given && w.told_at.is_none());
    notes.extend(untold.then(|| tell::untold(desk).to_owned()));
    let (mut conditions, guards) = guard::told(desk, now).await?;
    let under_way = desk.store.under_way(&[on.debtor_pk]).await?;
    if !under_way.is_empty() && under_way.iter().all(|m| m.state != "braked" && m.state != "planned") {
        // What was let pass, or was on its way before, is not held by it.
        conditions.brakes.retain(|b| b.reason != Reason::TooMany);
    }
    if let Some(pk) = on.invoice_pk {
        let (conditions, zone) = (desk.conditions(now).await?, desk.setup.zone(&file.debtor));
        let world = |cadence: &str| desk.setup.cadence(cadence).map(|c| desk.world(&conditions, &file.debtor, &zone, c, now));
        let itself = tie_out(&file, world).into_iter().find(|(row, ..)| *row == pk);
        let row = file.rows.iter().find(|r| r.invoice.pk == pk);
        notes.extend(row.into_iter().flat_map(|r| copies::notes(desk.setup.settings.documents.as_ref(), &r.invoice, &attempts)));
        // The decision is one for all that the customer owes.
        notes.extend(itself.map(|(_, state, amount)| format!("{name} itself: {amount}, which `status` counts under {state}")));
    }
    Ok(Subject { name: name.to_owned(), on, conditions, guards, under_way, file, attempts, now, notes })
}

/// The cases that the subject belongs to, by cadences that there are.
fn cases(subject: &Subject) -> Vec<CaseKey> {
    let mut cases = subject.file.cases();
    if let Some(pk) = subject.on.invoice_pk {
        let row = subject.file.rows.iter().find(|r| r.invoice.pk == pk);
        cases.retain(|c| {
            row.is_some_and(|r| {
                r.invoice.cadence.as_deref() == Some(c.cadence.as_str()) && r.invoice.balance.currency == c.currency
            })
        });
    }
    cases
}

fn tell<'a>(desk: &Desk, subject: &Subject, case: &'a CaseKey) -> Option<Told<'a>> {
    let cadence = desk.setup.cadence(&case.cadence)?;
    let zone = desk.setup.zone(&subject.file.debtor);
    let mut explanation = Explanation::default();
    let world = desk.world(&subject.conditions, &subject.file.debtor, &zone, cadence, subject.now);
    let decision = decide(&subject.file, case, &world, &mut explanation);
    let messages: Vec<&UnderWay> = subject.under_way.iter().filter(|m| m.case == *case).collect();
    let next = story::next(desk, subject, case, &decision, &messages, &explanation);
    let goes_on = explanation.step.is_some();
    let mut rules = explanation.rules;
    let at = usize::from(!rules.is_empty());
    rules.splice(at..at, messages.iter().map(|m| story::message(desk, subject, m)));
    rules.extend(subject.guards.iter().filter(|_| goes_on).cloned());
    Some(Told { case, decision, rules, coming: explanation.coming, next })
}

fn attempts_json(desk: &Desk, subject: &Subject) -> Vec<serde_json::Value> {
    subject.attempts.iter().map(|a| log::object(a, &desk.setup.settings.creditor.timezone)).collect()
}

fn as_json(desk: &Desk, subject: &Subject, told: &Told) {
    let zone = &desk.setup.settings.creditor.timezone;
    let rules: Vec<_> = told.rules.iter().map(|r| json!({ "rule": r.rule, "holds": r.holds, "text": r.text })).collect();
    let (case, decision) = (told.case, &told.decision);
    out::json(&json!({
        "subject": subject.name, "debtor": subject.file.debtor.id, "cadence": case.cadence, "currency": case.currency.code(),
        "decision": decision.verdict.as_str(), "reason": decision.reason.code(), "step": told.next.step,
        "next_on": told.next.at.map(|t| local_date(t, zone).to_string()), "next_by": told.next.by.as_str(),
        "rules": rules, "notes": subject.notes, "attempts": attempts_json(desk, subject),
    }));
}
