//! R27: every open amount of the ledger is in exactly one state, and the states add up to the ledger.

use super::build::*;
use super::random::cadences;
use crate::domain::cadence::Group;
use crate::domain::case::{Hold, HoldKind, Mark, MarkKind};
use crate::domain::currency::Currency;
use crate::domain::debtor::State;
use crate::domain::decision::{OldDebts, Verdict, tie_out};
use crate::domain::invoice::{Presence, RowKind, RowStatus};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, Rank};
use crate::domain::time::plus_days;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Number and state of each row, at a local time.
fn states(scene: &Scene, local: &str) -> Vec<String> {
    let now = scene.instant(local);
    let world = |name: &str| (name == "standard").then(|| scene.world(now));
    let mut rows = tie_out(&scene.file, world);
    rows.sort_by_key(|r| r.0);
    rows.into_iter().map(|(pk, state, money)| format!("{pk} {state} {money}")).collect()
}

#[test]
fn r27_each_row_has_its_state() {
    let scene = (1..=13).fold(Scene::new(standard()), |s, pk| s.with(pk, "2026-06-08", "100.00"));
    let mut scene = scene
        .had(2, "reminder", MarkKind::Left, "2026-06-12")
        .had(8, "reminder", MarkKind::Undelivered, "2026-06-12")
        .with_credit(14, "-101.50", Some("F-11"));
    scene.row(1).invoice.due_on = day("2026-06-15");
    scene.row(3).invoice.status = RowStatus::Disputed;
    scene.row(4).invoice.status = RowStatus::Draft;
    scene.row(5).invoice.presence = Presence::Missing;
    scene.row(6).invoice.presence = Presence::Unreadable;
    scene.row(7).invoice.presence = Presence::Closed;
    scene.row(9).invoice.cadence = None;
    scene.row(10).invoice.cadence = Some("vanished".to_owned());
    scene.row(12).invoice.balance = eur("0.80");
    scene.row(13).holds =
        vec![Hold { id: 1, kind: HoldKind::Operator, until: day("2026-06-30"), reason: "call".to_owned(), part: None }];
    assert_eq!(
        states(&scene, "2026-06-15 10:00"),
        [
            "1 not_due 100.00 EUR",
            "2 step:reminder 100.00 EUR",
            "3 held:disputed 100.00 EUR",
            "4 held:draft 100.00 EUR",
            "5 held:missing 100.00 EUR",
            "6 held:unreadable 100.00 EUR",
            "8 late 100.00 EUR",
            "9 no_cadence 100.00 EUR",
            "10 no_cadence 100.00 EUR",
            "11 covered 100.00 EUR",
            "12 rounding 0.80 EUR",
            "13 held:held 100.00 EUR",
            "14 credit -101.50 EUR",
        ]
    );
}

#[test]
fn r27_what_holds_the_debtor_holds_its_rows() {
    let mut scene = Scene::new(standard()).with(1, "2026-06-08", "100.00").with_credit(2, "-10.00", None);
    scene.file.debtor.state = Some(State::Insolvency);
    assert_eq!(states(&scene, "2026-06-15 10:00"), ["1 held:debtor_state 100.00 EUR", "2 credit -10.00 EUR"]);
}

#[test]
fn r27_late_below_the_minimum_and_old_debts() {
    let scene = Scene::new(standard()).with(1, "2026-06-08", "9.00");
    assert_eq!(states(&scene, "2026-06-15 10:00"), ["1 below_minimum 9.00 EUR"]);
    let scene = Scene::new(standard()).with(1, "2026-06-08", "100.00");
    assert_eq!(states(&scene, "2026-06-09 10:00"), ["1 late 100.00 EUR"], "late, and no step is due yet");
    let mut scene = scene;
    scene.policy.old_debts = OldDebts::Hold;
    scene.row(1).invoice.first_seen = day("2026-06-15");
    assert_eq!(states(&scene, "2026-06-15 10:00"), ["1 held:old_debt 100.00 EUR"]);
}

#[test]
fn r27_a_step_below_the_minimum_says_so_whatever_came_before() {
    let scene = Scene::new(standard()).with(1, "2026-05-04", "4.20").with(2, "2026-06-08", "350.00");
    let scene = scene.had(1, "reminder", MarkKind::Left, "2026-05-08");
    assert_eq!(states(&scene, "2026-05-15 10:00"), ["1 step:reminder 4.20 EUR", "2 not_due 350.00 EUR"]);
    assert_eq!(states(&scene, "2026-05-18 10:00"), ["1 below_minimum 4.20 EUR", "2 not_due 350.00 EUR"]);
    assert_eq!(states(&scene, "2026-06-12 10:00"), ["1 below_minimum 4.20 EUR", "2 late 350.00 EUR"]);
    // With one message for each invoice, each is weighed by itself.
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "9.00").with(2, "2026-06-01", "350.00");
    assert_eq!(states(&scene, "2026-06-08 10:00"), ["1 late 9.00 EUR", "2 late 350.00 EUR"]);
    scene.cadence.group = Group::Invoice;
    assert_eq!(states(&scene, "2026-06-08 10:00"), ["1 below_minimum 9.00 EUR", "2 late 350.00 EUR"]);
}

#[test]
fn r27_late_without_an_address_is_held_for_it() {
    let mut scene = Scene::new(standard())
        .with(1, "2026-06-01", "100.00")
        .with(2, "2026-06-05", "100.00")
        .with(3, "2026-06-05", "100.00")
        .with(4, "2026-05-04", "100.00")
        .with(5, "2026-06-08", "100.00")
        .had(3, "reminder", MarkKind::Left, "2026-06-05")
        .had(4, "final", MarkKind::Left, "2026-06-05");
    let late = [
        "1 late 100.00 EUR",
        "2 late 100.00 EUR",
        "3 step:reminder 100.00 EUR",
        "4 step:final 100.00 EUR",
        "5 not_due 100.00 EUR",
    ];
    assert_eq!(states(&scene, "2026-06-08 10:00"), late);
    scene.file.points.clear();
    let lost = [
        "1 held:no_address 100.00 EUR",
        "2 held:no_address 100.00 EUR",
        "3 held:no_address 100.00 EUR",
        "4 step:final 100.00 EUR",
        "5 not_due 100.00 EUR",
    ];
    assert_eq!(states(&scene, "2026-06-08 10:00"), lost, "what is finished or not due waits for no address");
    scene.row(1).marks.push(Mark {
        step: id("reminder"),
        rank: Some(Rank::Reminder),
        kind: MarkKind::Undelivered,
        on: day("2026-06-05"),
        contact: None,
        other_kind: false,
    });
    assert_eq!(states(&scene, "2026-06-22 10:00")[0], "1 held:no_address 100.00 EUR");
    // A new address mends it, though the reminder is on record as undelivered.
    scene.file.points.push(point(Channel::Email, "new@debtor.example"));
    assert_eq!(states(&scene, "2026-06-22 10:00")[0], "1 late 100.00 EUR");
}

#[test]
fn r27_a_step_that_the_addresses_there_are_cannot_take_is_held_too() {
    let steps = vec![step("reminder", "4 days after due"), by_sms(step("firm", "12 days after due"))];
    let mut scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    scene.file.points.retain(|p| p.channel == Channel::Sms);
    assert_eq!(states(&scene, "2026-06-04 10:00"), ["1 late 100.00 EUR"]);
    assert_eq!(scene.line("2026-06-08 10:00"), "hold cannot_reach never operator");
    assert_eq!(states(&scene, "2026-06-08 10:00"), ["1 held:cannot_reach 100.00 EUR"]);
}

#[derive(Clone, Debug)]
struct RowSeed {
    due: i64,
    minor: i64,
    currency: &'static str,
    kind: RowKind,
    status: RowStatus,
    presence: Presence,
    cadence: Option<&'static str>,
    names: Option<u8>,
    held: bool,
    marks: Vec<(u8, u8)>,
    odd: (bool, bool, bool),
}

fn rows() -> impl Strategy<Value = Vec<RowSeed>> {
    let minor = prop_oneof![4 => -2_000i64..20_000, 1 => any::<i64>()];
    let what = (
        prop::sample::select(vec!["EUR", "USD", "JPY"]),
        prop::sample::select(vec![RowKind::Invoice, RowKind::Invoice, RowKind::CreditNote, RowKind::Payment]),
        prop::sample::select(RowStatus::ALL.to_vec()),
        prop::sample::select(vec![Presence::Open, Presence::Open, Presence::Missing, Presence::Unreadable, Presence::Closed]),
        prop::option::weighted(0.9, prop::sample::select(vec!["standard", "standard", "vanished"])),
    );
    let rest =
        (prop::option::of(0u8..12), any::<bool>(), prop::collection::vec((0u8..6, 0u8..5), 0..3), any::<(bool, bool, bool)>());
    let due = prop_oneof![8 => -90i64..90, 1 => -3_000_000i64..3_000_000];
    let row = (due, minor, what, rest).prop_map(|(due, minor, what, rest)| RowSeed {
        due,
        minor,
        currency: what.0,
        kind: what.1,
        status: what.2,
        presence: what.3,
        cadence: what.4,
        names: rest.0,
        held: rest.1,
        marks: rest.2,
        odd: rest.3,
    });
    prop::collection::vec(row, 0..12)
}

fn build(scene: &mut Scene, rows: Vec<RowSeed>) {
    let today = day("2026-06-15");
    let kinds = [MarkKind::InHand, MarkKind::Left, MarkKind::Maybe, MarkKind::Undelivered, MarkKind::Skipped];
    for (i, seed) in rows.into_iter().enumerate() {
        let money = Money::new(seed.minor.max(-i64::MAX), Currency::parse(seed.currency).unwrap());
        let mut row = invoice(i as i64, plus_days(today, seed.due), money);
        let inv = &mut row.invoice;
        (inv.kind, inv.status, inv.presence) = (seed.kind, seed.status, seed.presence);
        inv.cadence = seed.cadence.map(str::to_owned);
        inv.for_invoice = seed.names.map(|n| format!("F-{n}"));
        inv.reopened = seed.odd.0;
        inv.paused_until = seed.odd.1.then(|| plus_days(today, 2));
        inv.first_seen = if seed.odd.2 { today } else { inv.first_seen };
        if seed.held {
            let until = plus_days(today, seed.due % 7);
            row.holds.push(Hold { id: 1, kind: HoldKind::Operator, until, reason: "r".to_owned(), part: None });
        }
        for (step, kind) in seed.marks {
            let rank = Rank::ALL.get(step as usize).copied();
            row.marks.push(Mark {
                step: id(&format!("a{step}")),
                rank,
                kind: kinds[kind as usize],
                on: today,
                contact: None,
                other_kind: false,
            });
        }
        scene.file.rows.push(row);
    }
}

fn is_a_state(state: &str, steps: &[String]) -> bool {
    let plain = ["credit", "covered", "rounding", "not_due", "late", "below_minimum", "no_cadence"];
    let held = state.strip_prefix("held:").is_some_and(|code| Reason::parse(code).is_some());
    let step = state.strip_prefix("step:").is_some_and(|step| steps.iter().any(|s| s == step));
    plain.contains(&state) || held || step
}

proptest! {
    #[test]
    fn r27_the_states_add_up_to_any_ledger(cadence in cadences("a"), rows in rows(), state in prop::option::weighted(0.1, Just(State::Legal)), reach in any::<(bool, bool)>()) {
        let mut scene = Scene::new(cadence);
        scene.file.points.retain(|p| if p.channel == Channel::Email { reach.0 } else { reach.1 });
        build(&mut scene, rows);
        scene.file.debtor.state = state;
        let now = scene.instant("2026-06-15 10:00");
        let world = |name: &str| (name == "standard").then(|| scene.world(now));
        let states = tie_out(&scene.file, world);
        let open = || scene.file.rows.iter().map(|r| &r.invoice).filter(|i| i.presence != Presence::Closed);
        let mut seen: Vec<i64> = states.iter().map(|s| s.0).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, open().map(|i| i.pk).collect::<Vec<_>>(), "each open row once, and no other");
        let (mut ledger, mut told) = (BTreeMap::new(), BTreeMap::new());
        open().for_each(|i| *ledger.entry(i.balance.currency).or_insert(0i128) += i128::from(i.balance.minor));
        states.iter().for_each(|(_, _, m)| *told.entry(m.currency).or_insert(0i128) += i128::from(m.minor));
        prop_assert_eq!(ledger, told);
        let steps: Vec<String> = scene.cadence.steps.iter().map(|s| s.id.to_string()).collect();
        for (pk, state, _) in &states {
            prop_assert!(is_a_state(state, &steps), "{pk}: {state}");
        }
        // Whatever the ledger holds, it is decided.
        for case in scene.file.cases() {
            let world = scene.world(now);
            let decision = crate::domain::decision::decide(&scene.file, &case, &world, &mut crate::domain::decision::Explanation::default());
            prop_assert!(decision.next.is_none_or(|n| n > now) || decision.reason == Reason::Due);
            // What gets the letter's own step is in no state that says it is kept from it.
            let Verdict::Send(plan) = &decision.verdict else { continue };
            let known = case.cadence == "standard";
            for line in plan.lines.iter().filter(|l| known && l.mark == Some(plan.step)) {
                let state = states.iter().find(|s| s.0 == line.pk).map(|s| s.1.as_str()).unwrap();
                prop_assert!(["not_due", "late"].contains(&state) || state.starts_with("step:"), "{}: {state}", line.pk);
            }
        }
    }
}
