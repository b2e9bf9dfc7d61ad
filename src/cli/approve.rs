//! `approve`: what waits for a person's yes, with the draft, who, when and why; and the answer.

use super::{CliError, desk, out};
use crate::domain::time::local_date;
use crate::flow::Desk;
use crate::flow::approvals::{Draft, balance_of, drafted};
use crate::flow::tell;
use crate::flow::work;
use crate::store::questions::{Answer, Waiting};
use jiff::Timestamp;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The question's number: shows the draft, or takes the answer
    #[arg(value_parser = super::number)]
    id: Option<i64>,
    /// It may leave, or be done
    #[arg(long, requires = "id", conflicts_with = "no")]
    yes: bool,
    /// It shall not: the step is passed over for these invoices
    #[arg(long, requires = "id", requires = "reason")]
    no: bool,
    /// Why, for those who come after you
    #[arg(long, value_parser = super::words)]
    reason: Option<String>,
    /// Who says so
    #[arg(long, value_parser = super::words)]
    by: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let now = desk.clock.now();
    let Some(id) = args.id else { return list(&desk, args.json, now).await };
    let found = desk.store.questions(desk.is_redirected(), Some(id)).await?.into_iter().next();
    let Some(question) = found else {
        return Err(CliError::Failed(format!(
            "nothing waits under the number {id} (any more); `relance approve` lists what does"
        )));
    };
    if !args.yes && !args.no {
        return show(&desk, &question, args.json, now).await;
    }
    let answer = if args.yes { Answer::Yes } else { Answer::No };
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    let reason = args.reason.as_deref();
    if !desk.store.answer(id, answer, args.by.as_deref(), reason, today, now).await? {
        return Err(CliError::Failed(format!(
            "{id} was answered, or lapsed, just now; `relance approve` lists what still waits"
        )));
    }
    let step = called(&desk, &question);
    match (args.yes, question.task_pk) {
        (true, None) => {
            say!("{id}: yes. \"{step}\" for {} leaves in its hours, if nothing has changed by then", question.debtor)
        }
        (true, Some(task)) => {
            let open = desk.store.open_task(task, desk.is_redirected()).await?;
            let standings = work::standings(&desk, open.as_slice(), now).await?;
            let rests = standings.first().map(work::told).unwrap_or_default();
            let rests = if rests.is_empty() { rests } else { format!("; it {rests}") };
            say!("{id}: yes. \"{step}\" for {} is among the tasks now: `relance tasks`{rests}", question.debtor);
        }
        (false, _) => say!("{id}: no. \"{step}\" for {} is passed over", question.debtor),
    }
    Ok(())
}

/// What the creditor's people call the step of a question.
fn called(desk: &Desk, question: &Waiting) -> String {
    let step = question.step.as_deref().unwrap_or_default();
    question.case.as_ref().map_or_else(|| step.to_owned(), |case| desk.setup.step_called(&case.cadence, step))
}

async fn list(desk: &Desk, json: bool, now: Timestamp) -> Result<(), CliError> {
    let zone = &desk.setup.settings.creditor.timezone;
    let waiting = desk.store.questions(desk.is_redirected(), None).await?;
    let mut rows = Vec::with_capacity(waiting.len());
    for q in &waiting {
        let file = desk.files(&[q.debtor_pk], now).await?.pop();
        let asked = file.as_ref().and_then(|f| balance_of(f, q));
        if json {
            let (amount, currency) = (asked.as_ref().map(|m| m.decimal()), asked.as_ref().map(|m| m.currency.code()));
            out::json(&serde_json::json!({ "id": q.id, "kind": if q.silence_is_yes { "notice" } else { "approval" },
                "debtor": q.debtor, "step": q.step, "task": q.task_pk, "way": q.way, "owner": q.owner, "amount": amount, "currency": currency,
                "asked_at": out::rfc3339(q.asked_at, zone), "told_at": q.told_at.map(|at| out::rfc3339(at, zone)), "until": q.until.to_string() }));
            continue;
        }
        let end = match (q.silence_is_yes, q.is_untold()) {
            (_, true) => "owner not told".to_owned(),
            (true, false) => format!("leaves on {}", q.until),
            (false, false) => format!("lapses on {}", q.until),
        };
        let way = match q.way.split_once(' ') {
            Some((channel, address)) => format!("{channel} {}", super::log::mask(address)),
            None => "task".to_owned(),
        };
        rows.push(vec![
            q.id.to_string(),
            format!("{} {}", q.debtor, q.name),
            called(desk, q),
            way,
            asked.map(|m| m.to_string()).unwrap_or_default(),
            q.owner.clone().unwrap_or_default(),
            out::short(q.asked_at, zone),
            end,
        ]);
    }
    if json {
        return Ok(());
    }
    if rows.is_empty() {
        say!("nothing waits for a yes");
        return Ok(());
    }
    out::table(&["no.", "debtor", "step", "by", "open", "owner", "asked", "until"], rows);
    if waiting.iter().any(Waiting::is_untold) {
        say!("\nOf whose owner has not been told nothing leaves: {}.", tell::untold(desk));
    }
    say!("\nThe draft: relance approve NO. The answer: relance approve NO --yes, or --no --reason TEXT.");
    Ok(())
}

async fn show(desk: &Desk, question: &Waiting, json: bool, now: Timestamp) -> Result<(), CliError> {
    let zone = &desk.setup.settings.creditor.timezone;
    let drafts = drafted(desk, question, now).await?;
    if json {
        for draft in drafts {
            let object = match draft {
                Draft::Message { to, mail, asked } => serde_json::json!({ "id": question.id, "to": to, "subject": mail.subject,
                    "text": mail.text, "language": mail.language, "asked": asked.decimal(), "currency": asked.currency.code() }),
                Draft::Task(text) => serde_json::json!({ "id": question.id, "task": text }),
                Draft::Nothing(why) => serde_json::json!({ "id": question.id, "nothing": why }),
            };
            out::json(&object);
        }
        return Ok(());
    }
    let step = called(desk, question);
    say!("{} {}: {step}, asked on {}", question.debtor, question.name, out::short(question.asked_at, zone));
    match (question.silence_is_yes, question.is_untold()) {
        (_, true) => say!("the owner has not been told yet, and before that it does not leave by itself: {}", tell::untold(desk)),
        (true, false) => say!("leaves by itself on {}, or is asked about anew when a balance changes", question.until),
        (false, false) => say!("lapses on {}, or when a balance changes", question.until),
    }
    for draft in drafts {
        match draft {
            Draft::Message { to, mail, asked } => {
                say!("\nTo: {to}\nAsks for: {asked}");
                if !mail.subject.is_empty() {
                    say!("Subject: {}", mail.subject);
                }
                say!("\n{}", mail.text);
            }
            Draft::Task(text) => {
                say!("\nTo do: {}", desk.setup.task_text(&question.case, question.step.as_deref(), &text))
            }
            Draft::Nothing(why) => say!("\nAs things stand nothing would leave: {why}"),
        }
    }
    Ok(())
}
