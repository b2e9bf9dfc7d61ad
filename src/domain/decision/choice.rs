//! Which of the due steps leaves, and by which addresses it reaches the debtor.

use super::survey::Placed;
use super::{Trace, Undeliverable, World};
use crate::domain::cadence::Group;
use crate::domain::case::{DebtorFile, PointState};
use crate::domain::step::{Channel, ChannelChoice};

/// A step, where it can go, and (for one message per invoice) the invoice.
pub(super) struct Choice {
    pub(super) step: usize,
    pub(super) to: Vec<(Channel, String)>,
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
        let at: Vec<usize> = ready.iter().copied().filter(|i| due(*i) == step).collect();
        let units: Vec<Vec<usize>> = match world.cadence.group {
            Group::Debtor => vec![at],
            Group::Invoice => at.into_iter().map(|i| vec![i]).collect(),
        };
        for unit in units {
            let about: Vec<i64> = unit.iter().map(|i| placed[*i].row.invoice.pk).collect();
            match reach(world, file, step, &about) {
                Ok(to) => {
                    trace.rule("R17", true, || format!("step \"{}\" goes by {}", world.cadence.steps[step].id, names(&to)));
                    match world.cadence.group {
                        Group::Debtor => return (vec![Choice { step, to, only: None }], undeliverable),
                        Group::Invoice => choices.push(Choice { step, to, only: Some(unit[0]) }),
                    }
                }
                Err(text) => {
                    trace.rule("R2", false, || format!("step \"{}\" cannot be delivered: {text}", world.cadence.steps[step].id));
                    undeliverable.push(Undeliverable { step, invoices: about, text });
                }
            }
        }
    }
    (choices, undeliverable)
}

/// Whether a step further than the chosen one would go by other channels.
pub(super) fn has_other_way(world: &World, file: &DebtorFile, placed: &[Placed], choice: &Choice) -> bool {
    let all: Vec<i64> = placed.iter().map(|p| p.row.invoice.pk).collect();
    let same = |to: &[(Channel, String)]| to.iter().map(|t| t.0).eq(choice.to.iter().map(|t| t.0));
    let further = choice.step + 1..world.cadence.steps.len();
    further.into_iter().any(|step| [&[], all.as_slice()].iter().any(|about| reach(world, file, step, about).is_ok_and(|to| !same(&to))))
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
