//! Which of the due steps leaves, and by which addresses it reaches the debtor.

use super::demand::Demand;
use super::survey::Placed;
use super::{To, Undeliverable, World};
use crate::domain::cadence::Group;
use crate::domain::case::{CaseKey, ContactPoint, DebtorFile, PointState, Refusal};
use crate::domain::debtor::{Role, State};
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, ChannelChoice, How, Rank, Step};

/// Addresses, and the rows that go to them.
type Way = (Vec<To>, Vec<usize>);

/// A step that reaches the debtor, and the rows by place.
pub(super) struct Choice {
    pub(super) step: usize,
    /// Nobody, where the step is something for a person to do.
    pub(super) to: Vec<To>,
    /// Those that get their due step by it, in ascending order.
    pub(super) ready: Vec<usize>,
    /// Those that it asks for as well, though their own step is not worth a message (R12).
    pub(super) along: Vec<usize>,
    /// With one message per invoice: the invoice.
    pub(super) only: Option<usize>,
}

/// The furthest step that reaches the debtor, and the further ones that do not. With one message per invoice
/// all that reach, the furthest first: what holds up one invoice holds up no other.
pub(super) fn choose(
    world: &World,
    file: &DebtorFile,
    case: &CaseKey,
    placed: &[Placed],
    demands: &[Demand],
) -> (Vec<Choice>, Vec<Undeliverable>) {
    let minimum = world.cadence.minimum.minor(case.currency);
    let mut choices = Vec::new();
    let mut undeliverable = Vec::new();
    for (at, demand) in demands.iter().enumerate() {
        let step = demand.step;
        if world.cadence.steps[step].task().is_some() {
            // What a person has to do needs no address and keeps no message waiting: it goes first.
            let task = Choice { step, to: vec![], along: vec![], only: None, ready: demand.rows.clone() };
            return (vec![task], undeliverable);
        }
        let (ways, lost) = ways(world, file, placed, demand);
        undeliverable.extend(lost);
        // What goes elsewhere, or nowhere, makes no message worth its while.
        for (to, unit) in ways.into_iter().filter(|(_, unit)| demand.net_of(unit, placed) >= minimum) {
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
pub(super) fn ways(world: &World, file: &DebtorFile, placed: &[Placed], demand: &Demand) -> (Vec<Way>, Vec<Undeliverable>) {
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
            Err((reason, text)) => match lost.iter_mut().find(|l| l.text == text) {
                Some(same) => same.invoices.push(pk),
                None => lost.push(Undeliverable { step, invoices: vec![pk], reason, text }),
            },
        }
    }
    (ways, lost)
}

/// Why a step has no address that it could use for an invoice, if it has none.
pub(super) fn unreached(world: &World, file: &DebtorFile, step: usize, pk: i64) -> Option<Reason> {
    reach(world, file, step, &[pk]).err().map(|why| why.0)
}

/// Whether nothing at all would reach the debtor.
pub(super) fn is_out_of_reach(file: &DebtorFile) -> bool {
    !file.points.iter().any(|p| p.state.may_be_used())
}

/// Whether another step would go by other channels than the chosen one.
pub(super) fn has_other_way(world: &World, file: &DebtorFile, placed: &[Placed], choice: &Choice) -> bool {
    let all: Vec<i64> = placed.iter().map(|p| p.row.invoice.pk).collect();
    let other = |to: Vec<To>| !to.iter().map(|t| t.channel).eq(choice.to.iter().map(|t| t.channel));
    let goes_otherwise = |step, about: &[i64]| reach(world, file, step, about).is_ok_and(other);
    (0..world.cadence.steps.len()).any(|step| goes_otherwise(step, &[]) || goes_otherwise(step, &all))
}

/// Why a step is lost, whatever is wrong with each address: nothing at all reaches the customer, or nothing else is
/// lost with a note before the due date; or else it is one that firmer steps need (R2).
fn why_lost(file: &DebtorFile, step: &Step) -> Reason {
    if is_out_of_reach(file) || !step.overdue { Reason::NoAddress } else { Reason::CannotReach }
}

/// Whom a step goes to when it names nobody, the first that can be reached.
const WHOEVER: [Role; 3] = [Role::Accounts, Role::Person, Role::Manager];

/// The addresses that a step can use, or why there is none and what is wrong with each.
pub(super) fn reach(world: &World, file: &DebtorFile, step: usize, about: &[i64]) -> Result<Vec<To>, (Reason, String)> {
    let this = &world.cadence.steps[step];
    let How::Message(choice) = &this.how else { return Ok(vec![]) };
    let (mut found, mut wrong): (Vec<To>, Vec<String>) = (Vec::new(), Vec::new());
    // A suspect address only where no channel and nobody of the step has a better one.
    for suspects in [false, true] {
        wrong.clear();
        for channel in choice.channels() {
            match main_point(world, file, this, *channel, about, suspects) {
                Ok(point) => found.push(to(point, false)),
                Err(why) => wrong.push(why),
            }
            if !found.is_empty() && matches!(choice, ChannelChoice::FirstOf(_)) {
                break;
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    if found.is_empty() {
        return Err((why_lost(file, this), wrong.join("; ")));
    }
    if found.iter().any(|t| t.channel == Channel::Email) {
        found.extend(copies(file, this, &found));
    }
    Ok(found)
}

/// The address of a step on a channel: of the first role that it names which has one that may be used. A public body gets
/// no SMS (R15), and of whoever is no firm nobody else is there (R16, R17).
fn main_point<'f>(
    world: &World,
    file: &'f DebtorFile,
    step: &Step,
    channel: Channel,
    about: &[i64],
    suspects: bool,
) -> Result<&'f ContactPoint, String> {
    if !world.channels.contains(&channel) {
        return Err(format!("{channel} is not configured"));
    }
    if channel == Channel::Sms && file.debtor.state == Some(State::PublicBody) {
        return Err("no SMS to a public body".to_owned());
    }
    let roles = roles(file, step);
    let points = || roles.iter().flat_map(|role| file.points.iter().filter(move |p| p.channel == channel && p.role == *role));
    let may = |p: &ContactPoint| p.state == PointState::Usable || (suspects && p.state.may_be_used());
    if let Some(point) = points().find(|p| may(p) && !refused(file, step, p, about)) {
        return Ok(point);
    }
    Err(match points().next() {
        None if step.to.is_empty() => format!("no {channel} address"),
        None => format!("no {channel} address of {}", roles.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(" or ")),
        Some(p) => match &p.state {
            PointState::Usable | PointState::Suspect(_) => format!("{channel}: refused for this step"),
            PointState::Invalid(why) => format!("{channel}: {why}"),
            PointState::Dead(why) => format!("{channel}: dead ({why})"),
            PointState::Stopped => format!("{channel}: its owner wants no more SMS"),
        },
    })
}

/// Whom a step goes to. What concerns one who is no firm goes to that one, whatever role a cadence for firms names.
fn roles<'s>(file: &DebtorFile, step: &'s Step) -> &'s [Role] {
    if step.to.is_empty() || !file.debtor.may_have_others() { &WHOEVER } else { &step.to }
}

/// Whether an address has refused the step for one of the invoices.
fn refused(file: &DebtorFile, step: &Step, point: &ContactPoint, about: &[i64]) -> bool {
    let is = |r: &Refusal| r.step == step.id && r.channel == point.channel && r.address == point.address;
    file.refusals.iter().any(|r| is(r) && r.invoices.iter().any(|pk| about.contains(pk)))
}

/// The addresses that a step could have used and does not, each with the reason: for people.
pub(super) fn passed_over(world: &World, file: &DebtorFile, step: usize, about: &[i64], chosen: &[To]) -> Vec<String> {
    let this = &world.cadence.steps[step];
    let How::Message(choice) = &this.how else { return vec![] };
    let mut words: Vec<String> = Vec::new();
    for channel in choice.channels().iter().filter(|c| world.channels.contains(c)) {
        let of = |role: &Role| file.points.iter().filter(move |p| p.channel == *channel && p.role == *role).collect::<Vec<_>>();
        for point in roles(file, this).iter().flat_map(of) {
            if chosen.iter().any(|t| t.channel == point.channel && t.address == point.address) {
                continue;
            }
            let why = match &point.state {
                _ if refused(file, this, point, about) => "it refused this step".to_owned(),
                PointState::Usable => continue,
                PointState::Suspect(why) => format!("suspect ({why}), and there is a better one"),
                PointState::Invalid(why) => why.clone(),
                PointState::Dead(why) => format!("dead ({why})"),
                PointState::Stopped => "its owner wants no more SMS".to_owned(),
            };
            words.push(format!("not to {} ({}): {why}", point.address, point.role.as_str()));
        }
    }
    words
}

/// What speaks against an address that is used all the same.
pub(super) fn doubt(file: &DebtorFile, to: &To) -> Option<String> {
    let is = |p: &&ContactPoint| p.channel == to.channel && p.address == to.address;
    file.points.iter().filter(is).find_map(|p| match &p.state {
        PointState::Suspect(why) => Some(format!("{} is suspect ({why}), and there is no better one", to.address)),
        _ => None,
    })
}

/// Who gets a copy of a firm's e-mail. Of a consumer, or of one who may be a consumer, nobody else learns (R16, R17).
fn copies(file: &DebtorFile, step: &Step, main: &[To]) -> Vec<To> {
    if !file.debtor.may_have_others() {
        return Vec::new();
    }
    let by_role = step.cc.iter().flat_map(|role| file.points.iter().filter(move |p| p.role == *role));
    let mut copies: Vec<To> = Vec::new();
    for point in by_role.filter(|p| p.channel == Channel::Email && p.state == PointState::Usable) {
        if !main.iter().chain(&copies).any(|t| t.address == point.address) {
            copies.push(to(point, true));
        }
    }
    copies
}

fn to(point: &ContactPoint, copy: bool) -> To {
    To {
        channel: point.channel,
        address: point.address.clone(),
        role: point.role,
        name: point.name.clone(),
        language: point.language.clone(),
        copy,
    }
}
