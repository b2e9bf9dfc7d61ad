//! What the firm's own people do on a working day: say yes or no, call, see to tasks, let the volume brake go.

use super::people::Habit;
use super::year::{Event, Year};
use crate::domain::step::TaskKind;
use crate::domain::time::{local_date, plus_days};
use crate::flow::called::{self, Report};
use crate::flow::calls::{self, CallToMake, Excuse, Reached};
use crate::store::questions::Answer;
use crate::store::tasks::TaskEnd;
use anyhow::anyhow;
use jiff::civil::Date;
use serde_json::json;

/// So many calls a morning.
const MOST_CALLS: usize = 12;

/// So often somebody is tried before one gives up.
const MOST_TRIES: u32 = 3;

impl Year<'_> {
    /// First thing in the morning: what waits for a word, and what is to be done.
    pub(super) async fn desk_work(&mut self, today: Date) -> anyhow::Result<()> {
        let now = self.desk.clock.now();
        if !self.desk.store.braked().await?.is_empty() {
            let released = self.desk.store.release_braked(now).await?;
            self.books.note(now, "released", json!({"messages": released}));
        }
        for question in self.desk.store.questions(false, None).await? {
            let word = self.chance.between(1, 10);
            let formal = question.step.as_deref() == Some("formal");
            let answer = match (formal, word) {
                (true, 1) => Answer::No,
                (true, 2..=4) => continue,
                _ => Answer::Yes,
            };
            let reason = (answer == Answer::No).then_some("we know them, one more letter first");
            let settled = self.desk.store.answer(question.id, answer, Some("Eva"), reason, today, now).await?;
            if settled {
                let said = if answer == Answer::Yes { "approved" } else { "refused" };
                self.books.note(now, said, json!({"customer": question.debtor, "step": question.step}));
            }
        }
        for task in self.desk.store.open_tasks(false, today).await? {
            if task.kind != TaskKind::Task || task.proposed || !self.chance.odds(85) {
                continue;
            }
            self.desk.store.end_task(task.id, TaskEnd::Done, "done", today, now).await?;
            self.books.note(now, "done", json!({"customer": task.debtor, "step": task.step}));
            if let Some(i) = self.customer(&task.debtor) {
                self.after_task(i, task.step.as_deref().unwrap_or_default(), today);
            }
        }
        Ok(())
    }

    fn after_task(&mut self, i: usize, step: &str, today: Date) {
        let (habit, hour) = (self.customers[i].habit, self.morning());
        match (step, habit) {
            ("formal", Habit::Never) if self.chance.odds(50) => self.pay_all(i, today, 5, 9),
            ("formal", Habit::Insolvent | Habit::Never) => {}
            ("formal" | "escalate" | "director" | "decide", _) => self.pay_all(i, today, 3, 9),
            ("handoff", _) => self.plan(plus_days(today, 3), hour, Event::WriteOff(i)),
            ("find-out", _) => self.plan(plus_days(today, 1), hour, Event::KindFound(i)),
            _ => {}
        }
    }

    /// Later in the morning: calls, the most urgent first.
    pub(super) async fn calls(&mut self) -> anyhow::Result<()> {
        let now = self.desk.clock.now();
        let list = calls::due(&self.desk, now).await?;
        for call in list.into_iter().filter(|c| c.opens.is_none_or(|at| at <= now)).take(MOST_CALLS) {
            let Some(i) = self.customer(&call.task.debtor) else { continue };
            let today = local_date(now, &self.desk.setup.settings.creditor.timezone);
            if call.task.tries >= MOST_TRIES || call.numbers.iter().all(|n| n.wrong.is_some()) {
                self.desk.store.end_task(call.task.id, TaskEnd::Dropped, "nobody to be had", today, now).await?;
                self.books.note(now, "gave_up", json!({"customer": call.task.debtor, "step": call.task.step}));
                continue;
            }
            self.call(i, &call, today).await?;
        }
        Ok(())
    }

    async fn call(&mut self, i: usize, call: &CallToMake, today: Date) -> anyhow::Result<()> {
        let (habit, memory) = (self.customers[i].habit, self.memory[i].clone());
        let (mut reached, mut promise, mut excuse) = (Reached::Reached, None, None);
        let mut next = self.working_days_on(today, 4);
        match habit {
            Habit::Never => reached = Reached::Voicemail,
            Habit::Insolvent if memory.gone => reached = Reached::NoAnswer,
            Habit::Moved if memory.moved && !memory.searched => {
                reached = Reached::WrongNumber;
                self.memory[i].searched = true;
                let (day, hour) = (plus_days(today, self.chance.between(5, 9)), self.morning());
                self.plan(day, hour, Event::Found(i));
            }
            Habit::August if today.month() == 8 => {
                reached = Reached::Voicemail;
                next = self.working_days_on(Date::new(today.year(), 9, 1)?, 1);
            }
            Habit::Called => {
                let day = plus_days(today, self.chance.between(5, 9));
                promise = Some(day);
                self.memory[i].promises += 1;
                // The first promise is not always kept, the second is.
                if memory.promises > 0 || self.chance.odds(60) {
                    self.pay_all(i, plus_days(day, -2), 0, 2);
                }
            }
            Habit::Disputing => (excuse, next) = (Some(Excuse::Dispute), self.working_days_on(today, 8)),
            _ => {
                let excuses = [Excuse::UnderWay, Excuse::AwaitingApproval, Excuse::Absence, Excuse::NotReceived];
                excuse = self.chance.one(&excuses).copied();
                self.pay_all(i, today, 2, 5);
            }
        }
        let next = promise.is_none().then_some(next);
        let (note, number, by) = (None, None, Some("Eva".to_owned()));
        let report = Report { reached, promise, excuse, note, next, number, by };
        let now = self.desk.clock.now();
        called::record(&self.desk, call.task.id, &report, now).await.map_err(|e| anyhow!("call to {}: {e}", call.task.debtor))?;
        let facts = json!({"customer": call.task.debtor, "step": call.task.step, "outcome": reached.as_str(),
            "promise": promise.map(|d| d.to_string()), "next": next.map(|d| d.to_string())});
        self.books.note(now, "called", facts);
        Ok(())
    }
}
