//! `explain`: every rule weighed for an invoice or a debtor, the decision with its reason, and what comes next.

use super::{CliError, desk, hold, log, out};
use crate::domain::case::{CaseKey, DebtorFile};
use crate::domain::decision::{Decision, Explanation, Verdict, decide};
use crate::domain::time::local_date;
use crate::flow::Desk;
use crate::flow::desk::Conditions;
use crate::store::attempts::{AttemptRow, LogFilter};
use crate::store::holds::Named;
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

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
    file: DebtorFile,
    conditions: Conditions,
    attempts: Vec<AttemptRow>,
    now: Timestamp,
    /// Something that the decision itself does not see: held by the volume brake, closed, without cadence.
    notes: Vec<String>,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let on = hold::named(&desk.store, &args.name).await?;
    let name = args.name.trim_start_matches("invoice:").trim_start_matches("debtor:");
    let subject = load(&desk, on, name).await?;
    let cases = cases(&subject, on);
    if cases.is_empty() {
        without_case(&desk, &subject, on, args.json);
    }
    for case in cases {
        let Some(cadence) = desk.setup.cadence(&case.cadence) else { continue };
        let zone = desk.setup.zone(&subject.file.debtor);
        let mut explanation = Explanation::default();
        let world = desk.world(&subject.conditions, &zone, cadence, subject.now);
        let decision = decide(&subject.file, &case, &world, &mut explanation);
        match args.json {
            true => as_json(&desk, &subject, &case, &decision, &explanation),
            false => as_text(&desk, &subject, &case, &decision, &explanation),
        }
    }
    if !args.json {
        history(&desk, &subject, on).await?;
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
    let mut notes = Vec::new();
    let braked = desk.store.braked_of(on.debtor_pk).await?;
    if braked > 0 {
        notes.push(format!("{braked} messages of this debtor are held by the volume brake; `relance release` lets them pass"));
    }
    let unreachable = desk.store.unreachable().await?.into_iter().find(|u| u.debtor == file.debtor.id);
    notes.extend(
        unreachable
            .map(|u| format!("unreachable since {}: {}", out::short(u.since, &desk.setup.settings.creditor.timezone), u.why)),
    );
    Ok(Subject { name: name.to_owned(), conditions: desk.conditions(now).await?, file, attempts, now, notes })
}

/// The cases that the subject belongs to.
fn cases(subject: &Subject, on: Named) -> Vec<CaseKey> {
    let mut cases = subject.file.cases();
    if let Some(pk) = on.invoice_pk {
        let row = subject.file.rows.iter().find(|r| r.invoice.pk == pk);
        cases.retain(|c| {
            row.is_some_and(|r| {
                r.invoice.cadence.as_deref() == Some(c.cadence.as_str()) && r.invoice.balance.currency == c.currency
            })
        });
    }
    cases
}

/// Nothing open, or no cadence.
fn without_case(desk: &Desk, subject: &Subject, on: Named, as_json: bool) {
    let open = subject.file.rows.iter().any(|r| on.invoice_pk.is_none_or(|pk| r.invoice.pk == pk));
    let (decision, reason, by) = match open {
        true => ("hold", crate::domain::reason::Reason::NoCadence, "operator"),
        false => ("done", crate::domain::reason::Reason::Paid, "nobody"),
    };
    if as_json {
        out::json(&json!({ "subject": subject.name, "debtor": subject.file.debtor.id, "cadence": null, "currency": null,
            "decision": decision, "reason": reason.code(), "step": null, "next_on": null, "next_by": by,
            "rules": [], "notes": subject.notes, "attempts": attempts_json(desk, subject) }));
    } else {
        say!("{}: {} ({})", subject.name, reason.text(), reason.code());
    }
}

fn attempts_json(desk: &Desk, subject: &Subject) -> Vec<serde_json::Value> {
    subject.attempts.iter().map(|a| log::object(a, &desk.setup.settings.creditor.timezone)).collect()
}

/// The step that the decision is about.
fn step(desk: &Desk, case: &CaseKey, decision: &Decision) -> Option<String> {
    let cadence = desk.setup.cadence(&case.cadence)?;
    match &decision.verdict {
        Verdict::Send(plan) => Some(cadence.steps[plan.step].id.to_string()),
        _ => None,
    }
}

fn as_json(desk: &Desk, subject: &Subject, case: &CaseKey, decision: &Decision, explanation: &Explanation) {
    let zone = desk.setup.zone(&subject.file.debtor);
    let rules: Vec<_> = explanation.rules.iter().map(|r| json!({ "rule": r.rule, "holds": r.holds, "text": r.text })).collect();
    out::json(&json!({
        "subject": subject.name, "debtor": subject.file.debtor.id, "cadence": case.cadence, "currency": case.currency.code(),
        "decision": decision.verdict.as_str(), "reason": decision.reason.code(), "step": step(desk, case, decision),
        "next_on": decision.next.map(|t| local_date(t, &zone).to_string()), "next_by": decision.next_by.as_str(),
        "rules": rules, "notes": subject.notes, "attempts": attempts_json(desk, subject),
    }));
}

fn as_text(desk: &Desk, subject: &Subject, case: &CaseKey, decision: &Decision, explanation: &Explanation) {
    let debtor = &subject.file.debtor;
    let zone = desk.setup.zone(debtor);
    say!("{} {} · cadence {} · {}", debtor.id, debtor.name, case.cadence, case.currency);
    say!();
    for rule in &explanation.rules {
        say!("  {} {:<4} {}", if rule.holds { "✓" } else { "✗" }, rule.rule, rule.text);
    }
    for note in &subject.notes {
        say!("  ✗ note {note}");
    }
    say!();
    let what = match &decision.verdict {
        Verdict::Send(plan) => {
            let cadence = desk.setup.cadence(&case.cadence);
            let step = cadence.map(|c| c.steps[plan.step].id.to_string()).unwrap_or_default();
            format!("step {step} may leave now, for {}", plan.asked)
        }
        _ => decision.reason.text().to_owned(),
    };
    say!("Decision: {} ({}): {what}", decision.verdict.as_str(), decision.reason.code());
    let who = match decision.next_by {
        crate::domain::decision::Actor::Relance => "relance",
        crate::domain::decision::Actor::Operator => "you",
        crate::domain::decision::Actor::Nobody => "nobody",
    };
    match decision.next {
        Some(at) => say!("Next: {} ({who})", at.to_zoned(zone).strftime("%a %Y-%m-%d %H:%M")),
        None => say!("Next: {who}"),
    }
    say!();
}

async fn history(desk: &Desk, subject: &Subject, on: Named) -> Result<(), CliError> {
    let zone = &desk.setup.settings.creditor.timezone;
    if subject.attempts.is_empty() {
        say!("Sent so far: nothing");
    } else {
        say!("Sent so far:");
    }
    for a in &subject.attempts {
        let address = a.address.as_deref().map(log::mask).unwrap_or_default();
        let how = a.channel.as_deref().unwrap_or("-");
        let why = a.why.as_deref().or(a.class.as_deref()).map(|w| format!(" ({w})")).unwrap_or_default();
        say!("  {}  {:<10} {how:<6} {address:<28} {}{why}  [log show {}]", out::short(a.at, zone), a.step, a.outcome, a.id);
    }
    let events = desk.store.events(on.debtor_pk, 20).await?;
    if !events.is_empty() {
        say!("Seen in the ledger:");
    }
    for e in events.iter().rev() {
        say!("  {}  {:<10} {}: {}", out::short(e.at, zone), e.kind, e.invoice.as_deref().unwrap_or("-"), e.text);
    }
    Ok(())
}
