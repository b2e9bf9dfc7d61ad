//! Which of the due steps leaves, and by which addresses it reaches the debtor.

use super::demand::Demand;
use super::survey::Placed;
use super::{Trace, Undeliverable, World};
use crate::domain::cadence::Group;
use crate::domain::case::{CaseKey, DebtorFile, PointState};
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, ChannelChoice, Rank};

/// Addresses, and the rows that go to them.
type Way = (Vec<(Channel, String)>, Vec<usize>);

/// A step that reaches the debtor, and the rows by place.
pub(super) struct Choice {
    pub(super) step: usize,
    pub(super) to: Vec<(Channel, String)>,
    /// Those that get their due step by it, in ascending order.
    pub(super) ready: Vec<usize>,
    /// Those that it asks for as well, though their own step is not worth a message (R12).
    pub(super) along: Vec<usize>,
    /// With one message per invoice: the invoice.
    pub(super) only: Option<usize>,
}

/// The furthest step that reaches the debtor, and the further ones that do not. With one message per invoice
/// all that reach, the furthest first: what holds up one invoice holds up no other.
pub(super) fn choose<T: Trace>(
    world: &World,
    file: &DebtorFile,
    case: &CaseKey,
    placed: &[Placed],
    demands: &[Demand],
    trace: &mut T,
) -> (Vec<Choice>, Vec<Undeliverable>) {
    let minimum = world.cadence.minimum.minor(case.currency);
    let mut choices = Vec::new();
    let mut undeliverable = Vec::new();
    for (at, demand) in demands.iter().enumerate() {
        let step = demand.step;
        let (ways, lost) = ways(world, file, placed, demand);
        let name = &world.cadence.steps[step].id;
        for lost in lost {
            trace.rule("R2", false, || format!("step \"{name}\" cannot be delivered: {}", lost.text));
            undeliverable.push(lost);
        }
        // What goes elsewhere, or nowhere, makes no message worth its while.
        for (to, unit) in ways.into_iter().filter(|(_, unit)| demand.net_of(unit, placed) >= minimum) {
            trace.rule("R17", true, || format!("step \"{name}\" goes by {}", names(&to)));
            if world.cadence.group == Group::Invoice {
                choices.push(Choice { step, to, along: vec![], only: unit.first().copied(), ready: unit });
                continue;
            }
            let mut ready = unit;
            ready.extend(riders(world, step, &demands[at + 1..]));
            ready.sort_unstable();
            return (vec![Choice { step, to, ready, along: demand.along.clone(), only: None }], undeliverable);
        }
    }
    (choices, undeliverable)
}

/// The rows of lower steps that leave in the letter of a further one. Formal notices list only what is at that
/// stage (R5): beside one, the others wait for a message of their own.
fn riders(world: &World, step: usize, lower: &[Demand]) -> impl Iterator<Item = usize> {
    let alone = world.cadence.steps[step].rank >= Some(Rank::Formal);
    lower.iter().filter(move |d| !alone && d.along.is_empty()).flat_map(|d| d.rows.iter().copied())
}

/// The ways that a step takes, each with its rows; and the rows for which it has none.
fn ways(world: &World, file: &DebtorFile, placed: &[Placed], demand: &Demand) -> (Vec<Way>, Vec<Undeliverable>) {
    let step = demand.step;
    // An address that refused the step for one invoice is still there for another.
    let mut ways: Vec<Way> = Vec::new();
    let mut lost: Vec<Undeliverable> = Vec::new();
    for i in demand.rows.iter().copied() {
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
    (ways, lost)
}

/// Whether a step has no address that it could use for an invoice.
pub(super) fn unreached(world: &World, file: &DebtorFile, step: usize, pk: i64) -> bool {
    reach(world, file, step, &[pk]).is_err()
}

/// Why a step does not reach the debtor: nothing would, or not this step.
pub(super) fn why_unreached(file: &DebtorFile) -> Reason {
    let reachable = file.points.iter().any(|p| p.state == PointState::Usable);
    if reachable { Reason::CannotReach } else { Reason::NoAddress }
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
