//! What happened in a test, as the customer and the firm's own people see it.

use super::script::By;
use crate::channel::email::read::subject_and_text;
use crate::channel::outlet::Outlet;
use crate::domain::attempt::Outcome;
use crate::domain::step::Channel;
use crate::domain::time::local_date;
use crate::flow::Desk;
use crate::store::attempts::{AttemptRow, LogFilter};
use jiff::civil::{Date, Time};
use std::collections::HashSet;

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) on: Date,
    /// The hour, in the creditor's zone.
    pub(super) time: Time,
    pub(super) step: String,
    pub(super) by: By,
    pub(super) letter: Option<String>,
    pub(super) outcome: Outcome,
    /// The addresses, copies among them.
    pub(super) to: Vec<String>,
    /// Ids of the invoices that it is about.
    pub(super) invoices: Vec<String>,
    /// Subject and text.
    pub(super) text: String,
}

/// What has been seen already.
#[derive(Debug, Default)]
pub(super) struct Eyes {
    attempts: i64,
    tasks: HashSet<i64>,
    questions: HashSet<i64>,
}

impl Eyes {
    /// Looks for what is new.
    pub(super) async fn look(&mut self, desk: &Desk, outlet: &Outlet, seen: &mut Vec<Seen>) -> anyhow::Result<()> {
        let zone = &desk.setup.settings.creditor.timezone;
        let today = local_date(desk.clock.now(), zone);
        let already = seen.len();
        for attempt in desk.store.log_page(self.attempts, &LogFilter::default()).await? {
            self.attempts = attempt.id;
            match message(&attempt, outlet, today) {
                // One step at several addresses on one channel is one contact.
                Some(new) => match seen.iter_mut().rev().take_while(|s| s.on == today).find(|s| same(s, &new)) {
                    Some(before) => {
                        before.to.extend(new.to);
                        before.text.push_str(&new.text);
                    }
                    None => seen.push(new),
                },
                None => continue,
            }
        }
        for question in desk.store.questions(false, None).await? {
            if self.questions.insert(question.id) {
                let by = if question.silence_is_yes { By::Notice } else { By::Approval };
                seen.push(plain(today, question.step.unwrap_or_default(), by));
            }
        }
        for task in desk.store.open_tasks(false, Date::MAX).await? {
            if !task.proposed && self.tasks.insert(task.id) {
                // What a customer's state makes comes from no step.
                seen.push(plain(today, task.step.unwrap_or_else(|| "state".to_owned()), By::Task(task.kind)));
            }
        }
        let time = zone.to_datetime(desk.clock.now()).time();
        seen.iter_mut().skip(already).for_each(|s| s.time = time);
        Ok(())
    }
}

fn same(a: &Seen, b: &Seen) -> bool {
    (&a.step, a.by, &a.letter, a.outcome) == (&b.step, b.by, &b.letter, b.outcome)
}

fn plain(on: Date, step: String, by: By) -> Seen {
    Seen {
        on,
        time: Time::midnight(),
        step,
        by,
        letter: None,
        outcome: Outcome::Accepted,
        to: vec![],
        invoices: vec![],
        text: String::new(),
    }
}

/// A message from the log; calls are there too, and are tasks here.
fn message(attempt: &AttemptRow, outlet: &Outlet, on: Date) -> Option<Seen> {
    let channel = match &attempt.channel {
        Some(channel) => Channel::parse(channel)?,
        None => Channel::Email,
    };
    if attempt.outcome == Outcome::Cancelled {
        return None;
    }
    let number = attempt.message_id.as_deref().map(|id| id.split('@').next().unwrap_or(id));
    let text = number.and_then(|id| outlet.taken(id)).map(|bytes| words(channel, &bytes)).unwrap_or_default();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&attempt.invoices).unwrap_or_default();
    Some(Seen {
        on,
        time: Time::midnight(),
        step: attempt.step.clone(),
        by: By::Message(channel),
        letter: Some(attempt.letter.clone()),
        outcome: attempt.outcome,
        to: attempt.address.iter().cloned().collect(),
        invoices: rows.iter().filter_map(|r| Some(r.get("id")?.as_str()?.to_owned())).collect(),
        text,
    })
}

/// Subject and text on one line: where a line was broken is no matter.
fn words(channel: Channel, bytes: &[u8]) -> String {
    let text = match channel {
        Channel::Email => {
            let (subject, text) = subject_and_text(bytes);
            format!("{}\n{text}", subject.unwrap_or_default())
        }
        Channel::Sms => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
