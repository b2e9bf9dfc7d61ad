//! What holds for every cadence, every ledger and every life.

use super::random::{Fate, Life, lives};
use super::simulation::{Simulation, case};
use crate::domain::cadence::Group;
use crate::domain::debtor::CustomerKind;
use crate::domain::decision::{OldDebts, Verdict, decide};
use crate::domain::invoice::RowKind;
use crate::domain::money::Threshold;
use proptest::prelude::*;

/// The same life when nobody pays, refuses or interferes.
fn undisturbed(mut life: Life) -> Life {
    life.events.clear();
    life.fates = vec![Fate::Accepted];
    life.scene.policy.old_debts = OldDebts::FirstStep;
    life.scene.file.debtor.kind.get_or_insert(CustomerKind::Business);
    life.scene.policy.tolerance = Threshold::parse("0").unwrap();
    life.scene.cadence.minimum = Threshold::parse("0").unwrap();
    life.scene.file.points = super::build::Scene::new(super::build::standard()).file.points;
    life
}

proptest! {
    /// Whatever happens, each contact obeys every rule, nothing leaves before the next look that was named, and
    /// what the planner decides stands when the deliverer decides it again.
    #[test]
    fn every_contact_obeys_every_rule(life in lives()) {
        let mut simulation = Simulation::new(&life);
        if let Err(text) = simulation.run(95) {
            return Err(TestCaseError::fail(text));
        }
    }

    /// Looking only when the last decision said so, nothing is lost: every invoice comes to the end of its cadence.
    #[test]
    fn following_the_next_looks_alone_loses_nothing(life in lives()) {
        let life = undisturbed(life);
        let mut simulation = Simulation::new(&life);
        let mut now = life.start.at(6, 0, 0, 0).to_zoned(life.scene.zone.clone()).unwrap().timestamp();
        let mut looks = 0;
        while let Some(next) = simulation.look(now).map_err(TestCaseError::fail)? {
            prop_assert!(next > now);
            now = next;
            looks += 1;
            prop_assert!(looks < 2_000, "never comes to an end");
        }
        let last = life.scene.cadence.steps.iter().rev().find(|s| s.overdue);
        for row in life.scene.file.rows.iter().filter(|r| r.invoice.kind == RowKind::Invoice) {
            let had = |step| simulation.past.given.iter().any(|g| g.invoice == row.invoice.pk && g.step == step);
            prop_assert!(last.is_none_or(|s| had(s.id.clone())), "{} never had the last step", row.invoice.pk);
        }
        for code in ["EUR", "GBP"] {
            let decision = decide(&simulation.scene.file, &case(code), &simulation.scene.world(now), &mut crate::domain::decision::NoTrace);
            prop_assert!(matches!(decision.verdict, Verdict::Done), "{decision:?}");
        }
        prop_assert!(life.scene.cadence.group == Group::Debtor || simulation.past.contacts.iter().all(|c| c.2.len() == 1));
    }
}
