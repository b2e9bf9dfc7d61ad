//! What steps, tasks and holds are called in the report's language.

use super::{Tongue, item, who};
use crate::domain::case::CaseKey;
use crate::domain::step::{Channel, Rank, Step};
use crate::domain::time::local_date;
use crate::flow::answers::ON_THE_PAGE;
use crate::flow::called::{ByPhone, by_phone};
use crate::letter::report::Line;
use crate::store::proposals::Proposal;
use crate::store::reports::Told;
use jiff::civil::Date;

impl Tongue<'_> {
    /// A step, by its title; without one by what its rank means and by its name.
    pub(super) fn step(&self, rank: Option<Rank>, step: &str) -> String {
        let titled = |s: &&Step| s.id.as_str() == step && s.title.is_some();
        let of_rank = self.steps().find(|s| titled(s) && s.rank == rank);
        match (of_rank.or_else(|| self.steps().find(titled)), rank) {
            (Some(found), _) => found.called(self.language).to_owned(),
            (None, Some(rank)) => format!("{} ({step})", self.words.text(&format!("rank.{rank}"))),
            (None, None) => step.to_owned(),
        }
    }

    /// The same for a step that is known by its name alone: the first cadence that has it says what it means.
    pub(super) fn step_named(&self, name: &str) -> String {
        self.step(self.steps().find(|s| s.id.as_str() == name).and_then(|s| s.rank), name)
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.cadences.iter().flat_map(|c| &c.cadence.steps)
    }

    /// What a task says: as its cadence says it in this language, else as it was written down.
    pub(super) fn text(&self, case: Option<&CaseKey>, step: Option<&str>, written: &str) -> String {
        let cadence = case.and_then(|case| self.cadences.iter().find(|c| c.cadence.name == case.cadence));
        let step = cadence.zip(step).and_then(|(c, step)| c.cadence.step(step));
        step.map_or_else(|| written.to_owned(), |s| s.said(written, self.language))
    }

    /// Why somebody is left in peace: what came of a call in the report's words, anything else as a person wrote it.
    pub(super) fn why_held(&self, hold: &Told) -> String {
        let Some(text) = hold.text.as_deref() else { return String::new() };
        // What was said is told in full, in the words in which it came, by the verb.
        if let Some(rest) = text.strip_prefix(ON_THE_PAGE) {
            let id = rest.rsplit_once("(proposal ").and_then(|(_, id)| id.strip_suffix(')'));
            return id.map(|id| format!("relance proposals show {id}")).unwrap_or_default();
        }
        let day = |text: &str| text.parse::<Date>().map_or_else(|_| text.to_owned(), |day| self.day(day));
        match hold.how.as_deref().filter(|how| matches!(*how, "call" | "promise")).and_then(|_| by_phone(text)) {
            Some(ByPhone::Promised { numbers, day: on }) => {
                self.words.fill("hold.promised", &[("numbers", numbers), ("date", &day(on))])
            }
            Some(ByPhone::Spoken { numbers, excuse }) => {
                let why = excuse.map_or("spoken", |e| e.as_str());
                self.words.fill("hold.by_phone", &[("numbers", numbers), ("why", self.words.text(&format!("excuse.{why}")))])
            }
            None => text.to_owned(),
        }
    }

    /// What a customer answered on the page.
    pub(super) fn proposal(&self, p: &Proposal) -> Line {
        let day = p.on.map(|day| self.day(day)).unwrap_or_default();
        let what = self.words.fill(&format!("answer.{}", p.kind), &[("date", &day)]);
        let held = p.held_until.map(|day| self.words.fill("decide.answers_held", &[("date", &self.day(day))]));
        let since = self.words.fill("decide.uncertain_since", &[("date", &self.day(local_date(p.at, self.zone)))]);
        item(
            format!("{} · {}", who(&p.name, &p.debtor), p.numbers),
            [what, since, held.unwrap_or_default()],
            self.money(p.amount),
        )
    }

    pub(super) fn channel(&self, channel: Channel) -> &str {
        self.words.text(&format!("page.channel_{channel}"))
    }
}
