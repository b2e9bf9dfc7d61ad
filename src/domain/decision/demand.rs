//! What is worth a message: the minimum, weighed for each step by itself (rule R12).
//!
//! A step leaves when the net of the rows whose due step it is reaches the minimum. So the words are those of the
//! furthest stage that is worth a letter by itself, and a trifle that is further never sharpens them. A row whose
//! step is not worth a message keeps it to come: nobody demanded anything of it at that stage, so it gets no mark
//! (R1, R2), even when a message for other rows shows it.
//!
//! Trifles at several stages may be worth a message together though none of the stages is. They are not forgotten:
//! then the lowest of their steps leaves and asks for all of them. To ask for a further row in milder words than it
//! has had is never too firm; that row keeps its stage and its step to come, because it has had the lower one, or
//! was due for more (R1, R4). Formal notices list only what is at that stage (R5), so they take none along.

use super::World;
use super::survey::Placed;
use crate::domain::cadence::Group;
use crate::domain::case::CaseKey;
use crate::domain::step::Rank;

/// A due step that is worth a message, and the rows by place, in ascending order, that it is about.
pub(super) struct Demand {
    pub(super) step: usize,
    /// Those whose due step it is.
    pub(super) rows: Vec<usize>,
    /// Further ones, asked for along with them; empty where the step reaches the minimum by itself.
    pub(super) along: Vec<usize>,
}

impl Demand {
    /// What it asks for on some of its rows, with those along, in minor units.
    pub(super) fn net_of(&self, rows: &[usize], placed: &[Placed]) -> i64 {
        rows.iter().chain(&self.along).fold(0i64, |sum, i| sum.saturating_add(placed[*i].net))
    }
}

/// The due steps that are worth a message, the furthest first; with one message for the case, tasks before messages.
pub(super) fn demands(world: &World, case: &CaseKey, placed: &[Placed]) -> Vec<Demand> {
    let minimum = world.cadence.minimum.minor(case.currency);
    let mut stages = stages(placed);
    if world.cadence.group == Group::Invoice {
        for stage in &mut stages {
            stage.rows.retain(|i| placed[*i].net >= minimum);
        }
        stages.retain(|stage| !stage.rows.is_empty());
        return stages;
    }
    // What a person has to do is no message: each task is weighed by itself, and nothing goes along with it.
    let is_task = |stage: &Demand| world.cadence.steps[stage.step].task().is_some();
    let (mut tasks, mut stages): (Vec<Demand>, Vec<Demand>) = stages.into_iter().partition(is_task);
    tasks.retain(|stage| stage.net_of(&stage.rows, placed) >= minimum);
    // Steps after the due date and notes before it are weighed apart: what is not due makes no reminder worth its while.
    let before_due = stages.split_off(stages.partition_point(|stage| world.cadence.steps[stage.step].overdue));
    let mut found = tasks;
    for stages in [stages, before_due] {
        let worth = |stage: &Demand| stage.net_of(&stage.rows, placed) >= minimum;
        match stages.iter().any(worth) {
            true => found.extend(stages.into_iter().filter(worth)),
            false => found.extend(together(world, case, placed, stages)),
        }
    }
    found
}

/// The rows by due step, the furthest step first.
pub(super) fn stages(placed: &[Placed]) -> Vec<Demand> {
    let mut stages: Vec<Demand> = Vec::new();
    for (i, p) in placed.iter().enumerate() {
        let Some(step) = p.ladder().and_then(|l| l.due) else { continue };
        match stages.iter_mut().find(|stage| stage.step == step) {
            Some(stage) => stage.rows.push(i),
            None => stages.push(Demand { step, rows: vec![i], along: vec![] }),
        }
    }
    stages.sort_unstable_by_key(|stage| std::cmp::Reverse(stage.step));
    stages
}

/// The lowest of several steps, none of which is worth a message, with all that is further along.
fn together(world: &World, case: &CaseKey, placed: &[Placed], mut stages: Vec<Demand>) -> Option<Demand> {
    let lowest = stages.pop().filter(|stage| world.cadence.steps[stage.step].rank < Some(Rank::Formal))?;
    let mut along: Vec<usize> = stages.into_iter().flat_map(|stage| stage.rows).collect();
    along.sort_unstable();
    let demand = Demand { along, ..lowest };
    let sum = demand.net_of(&demand.rows, placed);
    if demand.along.is_empty() || sum < world.cadence.minimum.minor(case.currency) {
        return None;
    }
    Some(demand)
}
