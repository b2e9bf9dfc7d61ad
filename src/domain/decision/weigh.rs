//! Every rule in words, for the step that is next: what holds, what blocks, by which value, and where that comes from.
//!
//! The decision ends at the first rule that blocks; here all are weighed, from the same parts. What has no say about a
//! step is told too, so that whoever reads it need not wonder.

use super::choice::{Choice, choose, reach, ways};
use super::demand::{Demand, demands, stages};
use super::survey::{Placed, survey};
use super::verdict::{best, under_way};
use super::words::{self, rule};
use super::{Coming, Decision, Explanation, RuleWeighed, To, Verdict, World};
use crate::domain::cadence::Group;
use crate::domain::case::{CaseKey, ContactState, DebtorFile, HoldKind, in_force};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::time::local_date;
use jiff::civil::Date;

/// Weighs all rules about which there is something to say.
pub(super) fn weigh(file: &DebtorFile, case: &CaseKey, world: &World, decision: &Decision) -> Explanation {
    // What is under way is weighed as it will be once more just before it leaves.
    let contact = under_way(world, file, case);
    let own = contact.filter(|c| c.state == ContactState::InHand).map(|c| c.pk).or(world.own);
    let world = &World { own, ..world.clone() };
    let today = local_date(world.now, world.zone);
    let placed = survey(file, case, world, today);
    let weighing = Weighing { file, case, world, placed: &placed, today, decision };
    let demands = demands(world, case, &placed);
    let next = weighing.next(&demands);
    let mut rules = words::rows(world, file, case, &placed);
    rules.extend(weighing.about_debtor());
    rules.extend(contact.map(|c| {
        let step = &c.step;
        match c.state {
            ContactState::Maybe => {
                let text =
                    format!("whether the message with step \"{step}\" left is uncertain; resolve it with `relance uncertain`");
                rule("R2", false, Reason::Uncertain, text)
            }
            _ => match c.word.as_ref().filter(|w| !w.given) {
                Some(word) if word.silence_is_yes && word.told_at.is_none() => {
                    let text = format!("the owner has not been told of step \"{step}\" yet: silence is no yes, and it waits; `relance approve {} --yes` lets it leave", word.pk);
                    rule("R22", false, Reason::OwnerUntold, text)
                }
                Some(word) if word.silence_is_yes => {
                    let text = format!("the owner was told of step \"{step}\" and may hold it until {}", word.until);
                    rule("R22", false, Reason::OwnerTold, text)
                }
                Some(word) => {
                    let text = format!(
                        "step \"{step}\" waits for a yes: `relance approve {}`; the question lapses on {}, or when the balance changes",
                        word.pk, word.until
                    );
                    rule("R22", false, Reason::AwaitsApproval, text)
                }
                None => rule("R1", false, Reason::InHand, format!("a message with step \"{step}\" is under way")),
            },
        }
    }));
    if contact.is_none() {
        rules.push(rule("R1", true, Reason::Due, "no message of this case is under way".to_owned()));
    }
    rules.extend(weighing.minimum(&demands, next.as_ref()));
    if let Some(next) = &next {
        let told: Vec<String> = rules.iter().filter(|r| !r.holds).map(|r| r.text.clone()).collect();
        // A block that stands with its row already is not told twice.
        rules.extend(weighing.about_step(next).into_iter().filter(|r| !told.contains(&r.text)));
    }
    // Of several rows that wait for the same reason, the one whose step comes first says why.
    let blocks = |r: &RuleWeighed| !r.holds && r.reason == decision.reason;
    let of_next = |r: &RuleWeighed| {
        let rows = next.iter().flat_map(|n| &n.rows).map(|i| &placed[*i].row.invoice.number);
        rows.into_iter().any(|number| r.text.strip_prefix(number.as_str()).is_some_and(|rest| rest.starts_with(": ")))
    };
    let decides = rules.iter().position(|r| blocks(r) && of_next(r)).or_else(|| rules.iter().position(blocks));
    if let Some(at) = decides.filter(|_| !matches!(decision.verdict, Verdict::Send(_))) {
        let first = rules.remove(at);
        rules.insert(0, first);
    }
    let coming = placed.iter().filter_map(|p| coming(world, p)).collect();
    Explanation { step: next.map(|n| world.cadence.steps[n.step].id.clone()), rules, coming }
}

/// What comes for a row.
fn coming(world: &World, p: &Placed) -> Option<Coming> {
    let ladder = p.ladder()?;
    let (step, on, blocked) = match (ladder.due, ladder.blocked, ladder.next) {
        (Some(step), ..) => (step, None, None),
        (None, Some(block), _) => (block.step, None, Some(block.reason)),
        (None, None, next) => next.map(|(day, step)| (step, Some(day), None))?,
    };
    Some(Coming { pk: p.row.invoice.pk, step: world.cadence.steps[step].id.clone(), on, blocked })
}

/// The step that is next, its rows by place, and the addresses that it has.
pub(super) struct Next {
    pub(super) step: usize,
    pub(super) rows: Vec<usize>,
    pub(super) to: Vec<To>,
}

/// All that is looked at.
pub(super) struct Weighing<'a> {
    pub(super) file: &'a DebtorFile,
    pub(super) case: &'a CaseKey,
    pub(super) world: &'a World<'a>,
    pub(super) placed: &'a [Placed<'a>],
    pub(super) today: Date,
    pub(super) decision: &'a Decision,
}

impl Weighing<'_> {
    /// What is due and may leave; else what is due; else what is blocked, by what decides first; else what comes by date.
    fn next(&self, demands: &[Demand]) -> Option<Next> {
        let (choices, lost) = choose(self.world, self.file, self.case, self.placed, demands);
        if let Some((at, _)) = best(self.world, self.file, self.case, self.placed, &choices) {
            let Choice { step, to, ready, .. } = choices.into_iter().nth(at)?;
            return Some(Next { step, rows: ready, to });
        }
        let ladders = || self.placed.iter().enumerate().filter_map(|(i, p)| Some((i, p.ladder()?)));
        let due = lost.first().map(|l| l.step).or_else(|| ladders().filter_map(|(_, l)| l.due).max());
        let blocked = |decides: bool| {
            let of = move |reason| !decides || reason == self.decision.reason;
            ladders().filter_map(|(_, l)| l.blocked).find(|b| of(b.reason)).map(|b| b.step)
        };
        let later = || ladders().filter_map(|(_, l)| l.next).min().map(|(_, step)| step);
        let step = due.or_else(|| blocked(true)).or_else(|| blocked(false)).or_else(later)?;
        let is_at =
            |l: &super::ladder::Ladder| l.due.or(l.blocked.map(|b| b.step)).or(l.next.map(|n| n.1)).is_some_and(|at| at == step);
        let rows: Vec<usize> = ladders().filter(|(_, l)| is_at(l)).map(|(i, _)| i).collect();
        let about: Vec<i64> = rows.iter().map(|i| self.placed[*i].row.invoice.pk).collect();
        let to = reach(self.world, self.file, step, &about).unwrap_or_default();
        Some(Next { step, rows, to })
    }

    /// R15 and R19: the customer as a whole.
    fn about_debtor(&self) -> Vec<RuleWeighed> {
        let debtor = &self.file.debtor;
        let who = debtor.state_from.who();
        let state = match debtor.state {
            Some(state) if state.silences() => {
                let text =
                    format!("{who} that the customer is in the state \"{}\": no message, a person decides", state.as_str());
                rule("R15", false, Reason::DebtorState, text)
            }
            Some(state) => {
                let text = format!(
                    "{who} that the customer is in the state \"{}\", which has a cadence or a wait of its own",
                    state.as_str()
                );
                rule("R15", true, Reason::Due, text)
            }
            None => rule("R15", true, Reason::Due, "the customer is in no state that forbids messages".to_owned()),
        };
        let kind = match debtor.kind {
            Some(kind) => {
                let text = format!("{} that this is a {}", debtor.kind_from.who(), kind.as_str());
                rule("R16", true, Reason::Due, text)
            }
            None => {
                let text = "not known whether this is a firm or a private person: a reminder at most, until customer_kind, a valid enterprise_no or `relance debtor ID --kind` says";
                rule("R16", true, Reason::Due, text.to_owned())
            }
        };
        let hold = match in_force(&self.file.holds, self.today) {
            Some(hold) => {
                let what = match hold.kind {
                    HoldKind::Operator | HoldKind::Dispute => "hold",
                    HoldKind::Promise => "promise, hold",
                    HoldKind::Call => "reached by phone, hold",
                    HoldKind::Reply => "unread answer, hold",
                    HoldKind::Answer => "answer on the page, hold",
                    HoldKind::Bank | HoldKind::BankNear => "paid by bank, entry",
                };
                rule("R19", false, hold.kind.reason(), format!("{what} {} until {}: {}", hold.id, hold.until, hold.reason))
            }
            None => rule("R19", true, Reason::Due, "no hold on the customer as a whole".to_owned()),
        };
        vec![state, kind, hold]
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.case.currency)
    }

    fn say_minimum(&self, step: usize, net: i64, of: &str, asks: &str) -> RuleWeighed {
        let (name, cadence) = (&self.world.cadence.steps[step].id, &self.world.cadence.name);
        let minimum = self.world.cadence.minimum.minor(self.case.currency);
        let (net_, minimum_) = (self.money(net), self.money(minimum));
        let text = format!("{of}step {name} {asks} {net_} net; the minimum of \"{cadence}\" is {minimum_}");
        rule("R12", net >= minimum, Reason::BelowMinimum, text)
    }

    /// R12: what each step asks for.
    fn minimum(&self, demands: &[Demand], next: Option<&Next>) -> Vec<RuleWeighed> {
        let mut found = Vec::new();
        let single = self.world.cadence.group == Group::Invoice;
        let stages = stages(self.placed);
        for stage in &stages {
            if !single {
                found.push(self.say_minimum(stage.step, stage.net_of(&stage.rows, self.placed), "", "asks for"));
                continue;
            }
            for p in stage.rows.iter().map(|i| &self.placed[*i]) {
                found.push(self.say_minimum(stage.step, p.net, &format!("{}: ", p.row.invoice.number), "asks for"));
            }
        }
        for demand in demands {
            let name = &self.world.cadence.steps[demand.step].id;
            if !demand.along.is_empty() {
                let sum = self.money(demand.net_of(&demand.rows, self.placed));
                let text = format!("together they ask for {sum}: the lowest of the steps, {name}, may ask for all of it");
                found.push(rule("R12", true, Reason::Due, text));
            }
            let (ways, _) = ways(self.world, self.file, self.placed, demand);
            for (to, rows) in ways.iter().filter(|_| !single) {
                let sum = demand.net_of(rows, self.placed);
                if sum < self.world.cadence.minimum.minor(self.case.currency) {
                    let of = format!("by {} alone ", names(to));
                    found.push(self.say_minimum(demand.step, sum, &of, "asks for"));
                }
            }
        }
        // What is not due yet is weighed when it is; what it would ask for can be told.
        if let Some(next) = next.filter(|_| stages.is_empty()) {
            let net = next.rows.iter().fold(0i64, |sum, i| sum.saturating_add(self.placed[*i].net));
            found.push(self.say_minimum(next.step, net, "", "would ask for"));
        }
        found
    }
}

/// The channels, and who gets a copy.
pub(super) fn names(to: &[To]) -> String {
    let channels: Vec<&str> = to.iter().filter(|t| !t.copy).map(|t| t.channel.as_str()).collect();
    let copies = to.iter().filter(|t| t.copy).count();
    let more = if copies > 0 { format!(", with a copy to {copies} more") } else { String::new() };
    format!("{}{more}", channels.join(" and "))
}
