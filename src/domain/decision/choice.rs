//! Which of the due steps leaves, and by which addresses it reaches the debtor.

use super::survey::Placed;
use super::{Trace, Undeliverable, World};
use crate::domain::cadence::Group;
use crate::domain::case::{DebtorFile, PointState};
use crate::domain::step::{Channel, ChannelChoice};

/// Addresses, and the rows that go to them.
type Way = (Vec<(Channel, String)>, Vec<usize>);

/// A step, where it can go, the rows in ascending order that get a mark by it, and (for one message per invoice) the invoice.
pub(super) struct Choice {
    pub(super) step: usize,
    pub(super) to: Vec<(Channel, String)>,
    pub(super) ready: Vec<usize>,
    pub(super) only: Option<usize>,
}

/// The furthest due step that reaches the debtor, and the further ones that do not. With one message per invoice
/// all that reach, the furthest first: what holds up one invoice holds up no other.
pub(super) fn choose<T: Trace>(
    world: &World,
    file: &DebtorFile,
    placed: &[Placed],
    ready: &[usize],
    trace: &mut T,
) -> (Vec<Choice>, Vec<Undeliverable>) {
    let due = |i: usize| placed[i].ladder().and_then(|l| l.due).unwrap_or(0);
    let mut steps: Vec<usize> = ready.iter().map(|i| due(*i)).collect();
    steps.sort_unstable_by(|a, b| b.cmp(a));
    steps.dedup();
    let mut choices = Vec::new();
    let mut undeliverable = Vec::new();
    for step in steps {
        // An address that refused the step for one invoice is still there for another.
        let mut ways: Vec<Way> = Vec::new();
        let mut lost: Vec<Undeliverable> = Vec::new();
        for i in ready.iter().copied().filter(|i| due(*i) == step) {
            let pk = placed[i].row.invoice.pk;
            match reach(world, file, step, &[pk]) {
                Ok(to) => match ways.iter_mut().find(|w| w.0 == to && world.cadence.group == Group::Debtor) {
                    Some(way) => way.1.push(i),
                    None => ways.push((to, vec![i])),
                },
                Err(text) => match lost.iter_mut().find(|l| l.text == text) {
                    Some(same) => same.invoices.push(pk),
                    None => lost.push(Undeliverable { step, invoices: vec![pk], text }),
                },
            }
        }
        let name = &world.cadence.steps[step].id;
        for lost in lost {
            trace.rule("R2", false, || format!("step \"{name}\" cannot be delivered: {}", lost.text));
            undeliverable.push(lost);
        }
        for (to, unit) in ways {
            trace.rule("R17", true, || format!("step \"{name}\" goes by {}", names(&to)));
            let together = ready.iter().copied().filter(|i| due(*i) < step || unit.binary_search(i).is_ok()).collect();
            match world.cadence.group {
                Group::Debtor => return (vec![Choice { step, to, ready: together, only: None }], undeliverable),
                Group::Invoice => choices.push(Choice { step, to, only: unit.first().copied(), ready: unit }),
            }
        }
    }
    (choices, undeliverable)
}

/// Whether another step would go by other channels than the chosen one.
pub(super) fn has_other_way(world: &World, file: &DebtorFile, placed: &[Placed], choice: &Choice) -> bool {
    let all: Vec<i64> = placed.iter().map(|p| p.row.invoice.pk).collect();
    let other = |to: Vec<(Channel, String)>| !to.iter().map(|t| t.0).eq(choice.to.iter().map(|t| t.0));
    let goes_otherwise = |step, about: &[i64]| reach(world, file, step, about).is_ok_and(other);
    (0..world.cadence.steps.len()).any(|step| goes_otherwise(step, &[]) || goes_otherwise(step, &all))
}

fn names(to: &[(Channel, String)]) -> String {
    to.iter().map(|(c, _)| c.as_str()).collect::<Vec<_>>().join(" and ")
}

/// The addresses that a step can use, or what is wrong with each.
fn reach(world: &World, file: &DebtorFile, step: usize, about: &[i64]) -> Result<Vec<(Channel, String)>, String> {
    let this = &world.cadence.steps[step];
    let mut found = Vec::new();
    let mut wrong = Vec::new();
    for channel in this.channel.channels() {
        if !world.channels.contains(channel) {
            wrong.push(format!("{channel} is not configured"));
            continue;
        }
        let points = || file.points.iter().filter(|p| p.channel == *channel);
        let refused = |address: &str| {
            file.refusals.iter().any(|r| {
                r.step == this.id
                    && r.channel == *channel
                    && r.address == address
                    && r.invoices.iter().any(|pk| about.contains(pk))
            })
        };
        match points().find(|p| p.state == PointState::Usable && !refused(&p.address)) {
            Some(point) => found.push((*channel, point.address.clone())),
            None => wrong.push(match points().next() {
                None => format!("no {channel} address"),
                Some(p) => match &p.state {
                    PointState::Usable => format!("{channel}: refused for this step"),
                    PointState::Invalid(why) => format!("{channel}: {why}"),
                    PointState::Dead(why) => format!("{channel}: dead ({why})"),
                },
            }),
        }
        if !found.is_empty() && matches!(this.channel, ChannelChoice::FirstOf(_)) {
            break;
        }
    }
    if found.is_empty() { Err(wrong.join("; ")) } else { Ok(found) }
}
