//! What `explain` is told: every rule weighed, the one that decides first, and nothing that is not so.

use super::build::*;
use super::random::lives;
use crate::domain::case::{ContactState, MarkKind};
use crate::domain::currency::Currency;
use crate::domain::debtor::State;
use crate::domain::decision::{Booked, Brake, Explanation, NoTrace, Verdict, decide};
use crate::domain::reason::Reason;
use crate::domain::step::Channel;
use crate::domain::time::plus_days;
use proptest::prelude::*;

/// A reminder is due on Friday the 5th.
fn due() -> Scene {
    Scene::new(standard()).with(1, "2026-06-01", "100.00")
}

fn rules(words: &[String]) -> Vec<&str> {
    words.iter().map(|w| w.split(':').next().unwrap()).collect()
}

#[test]
fn every_rule_is_weighed_where_all_hold() {
    let words = due().explained("2026-06-08 10:00");
    let all = [
        "R4 yes", "R15 yes", "R16 yes", "R19 yes", "R1 yes", "R12 yes", "R2 yes", "R3 yes", "R10 yes", "R22 yes", "R11 yes",
        "R12 yes", "R17 yes", "R6 yes", "R6 yes", "R6 yes", "R6 yes", "R9 yes", "R13 yes",
    ];
    assert_eq!(rules(&words), all, "{words:#?}");
}

#[test]
fn what_comes_after_the_first_block_is_weighed_too() {
    let mut scene = due().contacted("2026-06-04 10:00", ContactState::Left, &[]);
    scene.row(1).invoice.paused_until = Some(day("2026-06-10"));
    scene.file.debtor.state = Some(State::Insolvency);
    scene.booked = Booked::Through(day("2026-06-02"));
    scene.brakes = vec![Brake::new(Reason::DryRun, "[guard] dry_run = true: nothing is sent".to_owned())];
    let words = scene.explained("2026-06-05 20:00");
    assert!(
        words[0].starts_with("R15 no: the ledger says that the customer is in the state \"insolvency\""),
        "the one that decides first: {words:#?}"
    );
    for block in [
        "R12 no: F-1: step reminder waits until 2026-06-10 because of a part payment",
        "R10 no: F-1: step reminder waits: payments are booked through 2026-06-02 (as the source says), needed through 2026-06-03",
        "R6 no: last contact on 2026-06-04; the spacing of \"standard\" is 3 working days, so the next is possible from 2026-06-09",
        "R9 no: it is Fri 2026-06-05 20:00 in Europe/Brussels: outside the hours of \"standard\" for email (mon-fri 09:00-17:30), which begin again on Mon 2026-06-08 09:00",
        "R14 no: [guard] dry_run = true: nothing is sent",
    ] {
        assert_eq!(words.iter().filter(|w| w.starts_with(block)).count(), 1, "{block}: {words:#?}");
    }
    assert!(words.contains(&"R6 yes: contacts in 7 days: 1, and at most 3 ([guard] contacts_per_7_days)".to_owned()));
}

#[test]
fn a_payment_under_way_is_waited_for_and_then_told_of() {
    let mut scene = due();
    scene.row(1).invoice.pending_since = Some(day("2026-06-08"));
    let waits = |words: &[String]| words.iter().any(|w| w.contains("a payment is under way") && w.contains("until 2026-06-16"));
    let words = scene.explained("2026-06-15 10:00");
    assert!(waits(&words), "{words:#?}");
    let words = scene.explained("2026-06-16 10:00");
    let came_not = "a payment that was under way on 2026-06-08 has not come, so it is open again";
    assert!(!waits(&words) && words.iter().any(|w| w.contains(came_not)), "{words:#?}");
}

#[test]
fn what_is_under_way_was_not_had_and_is_weighed_as_it_will_be() {
    let mut scene = due();
    let now = scene.instant("2026-06-08 10:00");
    let plan = scene.sent("2026-06-08 10:00");
    scene.mark(&plan, now, MarkKind::InHand, ContactState::InHand);
    let words = scene.explained("2026-06-08 20:00");
    assert_eq!(words[0], "R1 no: a message with step \"reminder\" is under way");
    assert!(words.contains(&"R4 yes: F-1: 100.00 EUR open, 7 days past due, no step yet; step reminder is due".to_owned()));
    assert!(rules(&words).contains(&"R9 no"), "{words:#?}");
    let mut trace = Explanation::default();
    decide(&scene.file, &key(Currency::EUR), &scene.world(now), &mut trace);
    assert_eq!(trace.step.unwrap().as_str(), "reminder");
}

#[test]
fn before_a_step_is_due_its_pause_is_told() {
    let mut scene = due();
    scene.row(1).invoice.paused_until = Some(day("2026-06-10"));
    let words = scene.explained("2026-06-04 10:00");
    assert_eq!(
        words[0],
        "R4 no: F-1: 100.00 EUR open, 3 days past due, no step yet; step reminder is next, on 2026-06-05 at the earliest (4 working days after due, by cadence \"standard\")"
    );
    assert!(
        words.contains(&"R12 no: F-1: step reminder waits until 2026-06-10 because of a part payment".to_owned()),
        "{words:#?}"
    );
}

#[test]
fn credits_are_told_as_they_are_used() {
    let scene = due().with(2, "2026-06-02", "50.00").with_credit(3, "-60.00", Some("F-2"));
    let scene = scene.with_credit(4, "-5.00", None).with_credit(5, "-7.00", Some("F-99"));
    let words = scene.explained("2026-06-08 10:00").join("\n");
    for text in [
        "R11 yes: F-3: a credit of 60.00 EUR that names F-2: 50.00 EUR set off against it, the other 10.00 EUR against the oldest invoices",
        "R11 yes: F-4: a credit of 5.00 EUR that names no invoice: set off against the oldest invoices",
        "R11 yes: F-5: a credit of 7.00 EUR that names \"F-99\", which is not open: set off against the oldest invoices",
        "R11 no: F-2: 50.00 EUR is covered by F-3, which names it; please allocate this in the ledger",
    ] {
        assert!(words.contains(text), "{text}\n{words}");
    }
}

#[test]
fn a_stopped_channel_stops_only_its_own() {
    let mut scene = due();
    let stopped =
        Brake { channel: Some(Channel::Email), until: None, ..Brake::new(Reason::ChannelStopped, "no login".to_owned()) };
    scene.brakes = vec![stopped];
    assert_eq!(scene.line("2026-06-08 10:00"), "wait channel_stopped never relance");
    scene.cadence = cadence(vec![by_sms(step("reminder", "4 working days after due"))]);
    assert!(matches!(scene.at("2026-06-08 10:00").verdict, Verdict::Send(_)));
    assert!(scene.explained("2026-06-08 10:00").contains(&"R14 yes: no login".to_owned()));
    scene.cadence = cadence(vec![by_both(step("reminder", "4 working days after due"))]);
    assert!(matches!(scene.at("2026-06-08 10:00").verdict, Verdict::Send(_)), "the other may go");
}

proptest! {
    /// Whatever happens: the words belong to the decision, and listening to them does not change it.
    #[test]
    fn the_words_belong_to_the_decision(life in lives(), after in 0i64..90, minute in 0i64..1440) {
        let scene = &life.scene;
        let noon = scene.instant(&format!("{} 00:00", plus_days(life.start, after)));
        let now = jiff::Timestamp::from_second(noon.as_second() + minute * 60).unwrap();
        for case in scene.file.cases() {
            let world = scene.world(now);
            let mut told = Explanation::default();
            let decision = decide(&scene.file, &case, &world, &mut told);
            prop_assert_eq!(&decision, &decide(&scene.file, &case, &world, &mut NoTrace));
            let blocks: Vec<_> = told.rules.iter().filter(|r| !r.holds).collect();
            match &decision.verdict {
                Verdict::Send(plan) => {
                    prop_assert_eq!(told.step.as_ref(), Some(&scene.cadence.steps[plan.step].id));
                    let of_all = ["R1", "R6", "R9", "R15", "R21"];
                    prop_assert!(!blocks.iter().any(|r| of_all.contains(&r.rule)), "{:?}", told.rules);
                }
                _ if decision.reason == Reason::Paid => {}
                _ => prop_assert!(blocks.first().is_some_and(|r| r.reason == decision.reason), "{:?}: {:?}", decision, told.rules),
            }
            let mut texts: Vec<_> = told.rules.iter().map(|r| (r.rule, &r.text)).collect();
            texts.sort();
            texts.dedup();
            prop_assert_eq!(texts.len(), told.rules.len(), "nothing is told twice: {:?}", told.rules);
        }
    }
}
