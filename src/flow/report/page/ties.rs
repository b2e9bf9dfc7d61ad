//! The tie-out on the page: a line for each currency whose states add up, the whole table where they do not.

use super::{Form, Tongue, capital};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::flow::tie::{Tie, Ties};
use crate::letter::report::{Block, Line};

impl Tongue<'_> {
    /// The blocks of the tie-out. What adds up is of no news in a mail: there its total stands alone.
    pub(super) fn ties(&self, ties: &Ties, form: Form) -> Vec<Block> {
        let (short, whole): (Vec<_>, Vec<_>) = ties.0.iter().partition(|(_, tie)| form == Form::Mail && tie.holds());
        let whole = whole.into_iter().map(|(currency, tie)| self.tie(*currency, tie));
        let total = |(currency, tie): (&Currency, &Tie)| Line {
            count: self.number(tie.rows()),
            label: format!("{} = {}", self.words.text("tie.sum"), self.words.text("tie.ledger")),
            amount: self.labels.money(Money::new(tie.sum(), *currency)),
            ..Line::default()
        };
        let (title, remark) = (self.words.text("tie.title").to_owned(), self.words.text("tie.good_short").to_owned());
        let lines: Vec<Line> = short.into_iter().map(total).collect();
        let short = (!lines.is_empty()).then(|| Block { anchor: "tie", title, lines, remark, ..Block::default() });
        whole.chain(short).collect()
    }

    fn tie(&self, currency: Currency, tie: &Tie) -> Block {
        let money = |minor: i64| self.labels.money(Money::new(minor, currency));
        let line = |label: String, rows: u64, minor: i64| Line {
            count: self.number(rows),
            label: capital(&label),
            amount: money(minor),
            ..Line::default()
        };
        let mut states: Vec<_> = tie.states.iter().collect();
        states.sort_by_key(|(_, (minor, _))| std::cmp::Reverse(*minor));
        let mut lines: Vec<Line> = states.iter().map(|(s, (minor, rows))| line(self.state(s), *rows, *minor)).collect();
        lines.push(line(self.words.text("tie.sum").to_owned(), tie.rows(), tie.sum()));
        lines.push(Line { label: self.words.text("tie.ledger").to_owned(), amount: money(tie.ledger), ..Line::default() });
        let remark = if tie.holds() { self.words.text("tie.good").to_owned() } else { self.gap(currency, tie) };
        let title = format!("{} ({})", self.words.text("tie.title"), currency.code());
        Block { anchor: "tie", title, lines, remark, loud: !tie.holds(), total: true }
    }

    /// A state of the tie-out.
    fn state(&self, state: &str) -> String {
        match state.split_once(':') {
            Some(("held", reason)) => self.words.text(&format!("reason.{reason}")).to_owned(),
            Some((kind, step)) => self.words.fill(&format!("tie.{kind}"), &[("step", &self.step_named(step))]),
            None => self.words.text(&format!("tie.{state}")).to_owned(),
        }
    }
}
