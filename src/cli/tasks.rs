//! `tasks`, `done`: what people have to do besides calling, and that it was done.

use super::{CliError, desk, out};
use crate::domain::step::TaskKind;
use crate::domain::time::{local_date, plus_days};
use crate::flow::work;
use crate::store::tasks::{OpenTask, TaskEnd};
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct TasksArgs {
    /// Those of this owner alone
    #[arg(long)]
    owner: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct DoneArgs {
    /// The task's number, as `relance tasks` or `relance calls` shows it
    #[arg(value_parser = super::number)]
    id: i64,
    /// It shall not be done: its step is passed over for these invoices
    #[arg(long = "drop", requires = "note")]
    dropped: bool,
    /// What was done, or why not
    #[arg(long, value_parser = super::words)]
    note: Option<String>,
}

pub(super) async fn tasks(config: &Path, args: TasksArgs) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let zone = &desk.setup.settings.creditor.timezone;
    let today = local_date(desk.clock.now(), zone);
    let mut tasks = desk.store.tasks_to_do(TaskKind::Task, desk.is_redirected(), plus_days(today, 366)).await?;
    tasks.retain(|t| args.owner.is_none() || t.owner == args.owner);
    let standings = work::standings(&desk, &tasks, desk.clock.now()).await?;
    let rests: Vec<String> = standings.iter().map(work::told).collect();
    if args.json {
        for (t, rests) in tasks.iter().zip(&rests) {
            out::json(&serde_json::json!({ "id": t.id, "debtor": t.debtor, "name": t.name, "step": t.step, "text": t.text,
                "owner": t.owner, "since": out::rfc3339(t.since, zone), "due_on": t.due_on.to_string(),
                "rests": (!rests.is_empty()).then_some(rests) }));
        }
        return Ok(());
    }
    if tasks.is_empty() {
        say!("nothing to do (calls: `relance calls`)");
        return Ok(());
    }
    let row = |(t, rests): (OpenTask, String)| {
        let text = desk.setup.task_text(&t.case, t.step.as_deref(), &t.text);
        let step = t.case.as_ref().zip(t.step.as_deref()).map(|(case, step)| desk.setup.step_called(&case.cadence, step));
        let step = step.or(t.step).unwrap_or_default();
        vec![
            t.id.to_string(),
            t.due_on.to_string(),
            format!("{} {}", t.debtor, t.name),
            step,
            t.owner.unwrap_or_default(),
            if rests.is_empty() { text } else { format!("{text} ({rests})") },
        ]
    };
    out::table(&["task", "since", "debtor", "step", "owner", "text"], tasks.into_iter().zip(rests).map(row).collect());
    say!("\nDone: relance done TASK. Not to be done: relance done TASK --drop --note WHY.");
    Ok(())
}

pub(super) async fn done(config: &Path, args: DoneArgs) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let now = desk.clock.now();
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    let found = desk.store.open_task(args.id, desk.is_redirected()).await?;
    if found.is_some_and(|t| t.proposed) {
        return Err(CliError::Usage(format!("task {} waits for a yes first: `relance approve` lists what does", args.id)));
    }
    let how = if args.dropped { TaskEnd::Dropped } else { TaskEnd::Done };
    if !desk.store.end_task(args.id, how, args.note.as_deref().unwrap_or("done"), today, now).await? {
        return Err(CliError::Failed(format!(
            "there is no open task {}; `relance tasks` and `relance calls` list them (a question waits under its own number: `relance approve`)",
            args.id
        )));
    }
    let word = if args.dropped { "dropped" } else { "done" };
    say!("task {}: {word}", args.id);
    Ok(())
}
