//! R2: nothing firm reaches an invoice before the step below it was accepted and has had its time.

use super::build::*;
use crate::domain::case::{ContactState, MarkKind, Refusal};
use crate::domain::decision::Undeliverable;
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, Rank};

/// Every step by date alone, so that only R2 keeps them apart.
fn dated() -> Scene {
    let steps = vec![step("reminder", "4 days after due"), step("firm", "12 days after due"), step("final", "20 days after due")];
    Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00")
}

#[test]
fn r2_a_firm_step_waits_for_the_reminder_and_its_time() {
    let mut scene = dated();
    // Its day is long past, but the reminder leaves first, and then its eight days run.
    assert_eq!(scene.leaves("2026-06-22 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
    assert_eq!(scene.line("2026-06-26 10:00"), "wait not_yet 2026-06-30 09:00 relance");
    assert_eq!(scene.leaves("2026-06-30 10:00"), "firm 100.00 EUR [1:Asked=firm]");
    assert_eq!(scene.line("2026-07-06 10:00"), "wait not_yet 2026-07-08 09:00 relance");
    assert_eq!(scene.leaves("2026-07-08 10:00"), "final 100.00 EUR [1:Asked=final]");
}

#[test]
fn r2_the_nearest_lower_rank_is_the_one_that_counts() {
    let scene = dated().had(1, "reminder", MarkKind::Left, "2026-06-05");
    assert_eq!(scene.shows("2026-08-03 10:00"), "firm 100.00 EUR [1:Asked=firm]", "never final behind a reminder");
}

#[test]
fn r2_an_undelivered_reminder_holds_the_case_and_says_so() {
    // The firm letter could go by SMS, but the reminder had no address.
    let steps = vec![step("reminder", "4 days after due"), by_sms(step("firm", "12 days after due"))];
    let mut scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    scene.file.points.retain(|p| p.channel == Channel::Sms);
    let decision = scene.at("2026-06-08 10:00");
    let lost = Undeliverable { step: 0, invoices: vec![1], reason: Reason::CannotReach, text: "no email address".to_owned() };
    assert_eq!(decision.undeliverable, std::slice::from_ref(&lost));
    assert_eq!(scene.line("2026-06-08 10:00"), "hold cannot_reach never operator");

    let scene = scene.had(1, "reminder", MarkKind::Undelivered, "2026-06-08");
    assert_eq!(scene.line("2026-07-08 10:00"), "hold cannot_reach never operator");
    assert_eq!(scene.at("2026-07-08 10:00").undeliverable, [lost]);

    // An address in the ledger mends it.
    let mut scene = scene;
    scene.file.points.push(point(Channel::Email, "new@debtor.example"));
    assert_eq!(scene.shows("2026-07-08 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
}

#[test]
fn r2_an_undelivered_step_does_not_count_as_passed_when_it_cannot_be_tried_again() {
    // The reminder is gone from the cadence's reach: its place is taken by a second one that came later.
    let steps = vec![
        step("reminder", "4 days after due"),
        by_sms(ranked(Rank::Reminder, step("again", "8 days after due"))),
        by_sms(step("firm", "12 days after due")),
    ];
    let scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    let mut scene = scene.had(1, "reminder", MarkKind::Undelivered, "2026-06-05").had(1, "again", MarkKind::Left, "2026-06-09");
    scene.file.points.retain(|p| p.channel == Channel::Sms);
    // A reminder was accepted, so the firm step may follow, four days after it.
    assert_eq!(scene.line("2026-06-11 10:00"), "wait not_yet 2026-06-13 09:00 relance");
    let plan = scene.sent("2026-06-13 10:00");
    assert_eq!(shown(&scene, &plan), "firm 100.00 EUR [1:Asked=firm]");
}

#[test]
fn r2_without_any_address_the_reason_is_no_address() {
    let mut scene = dated();
    scene.file.points.clear();
    assert_eq!(scene.line("2026-06-08 10:00"), "hold no_address never operator");
}

#[test]
fn a_step_that_cannot_be_delivered_does_not_silence_the_later_ones() {
    // A debtor with only a phone: the courtesy note by mail has no address, the reminder may go by SMS.
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "100.00");
    scene.file.points.retain(|p| p.channel == Channel::Sms);
    assert_eq!(scene.line("2026-05-27 09:00"), "hold no_address 2026-06-05 09:00 operator");
    let scene = scene.had(1, "courtesy", MarkKind::Undelivered, "2026-05-27");
    let plan = scene.sent("2026-06-05 09:00");
    assert_eq!(shown(&scene, &plan), "reminder 100.00 EUR [1:Asked=reminder]");
    assert_eq!(plan.way.to()[0].address, "+32470000001");
    assert_eq!(plan.way.to().len(), 1);
    assert_eq!(skipped(&plan), ["1 courtesy due_date_passed"]);
}

#[test]
fn r2_a_doubtful_reminder_is_cleared_up_before_anything_firm() {
    let scene = dated().had(1, "reminder", MarkKind::Maybe, "2026-06-05");
    assert_eq!(scene.line("2026-06-15 10:00"), "hold uncertain never operator");
    // The doubtful contact itself holds the case as well.
    let scene = dated().contacted("2026-06-05 10:00", ContactState::Maybe, &[1]);
    assert_eq!(scene.line("2026-06-05 11:00"), "hold uncertain never operator");
}

#[test]
fn r2_a_step_that_the_operator_dropped_never_leaves_and_holds_what_needs_it() {
    let scene = dated().had(1, "reminder", MarkKind::Skipped, "2026-06-05");
    assert_eq!(scene.line("2026-06-08 10:00"), "wait not_yet 2026-06-13 09:00 relance");
    assert_eq!(scene.line("2026-06-13 09:00"), "hold passed_over never operator");
    assert_eq!(scene.line("2026-07-15 10:00"), "hold passed_over never operator");
}

#[test]
fn r2_what_is_in_hand_is_waited_for() {
    let scene =
        dated().had(1, "reminder", MarkKind::InHand, "2026-06-05").contacted("2026-06-05 10:00", ContactState::InHand, &[1]);
    assert_eq!(scene.line("2026-06-15 10:00"), "wait in_hand never relance");
}

#[test]
fn r2_a_note_after_due_waits_for_the_reminder_before_it() {
    let steps =
        vec![step("reminder", "4 days after due"), step("statement", "10 days after due"), step("firm", "12 days after due")];
    let mut scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    assert_eq!(scene.leaves("2026-06-22 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
    // The note has its six days, which end on a Sunday, the firm step its eight; both count from the reminder.
    assert_eq!(scene.line("2026-06-26 10:00"), "wait not_yet 2026-06-29 09:00 relance");
    assert_eq!(scene.shows("2026-06-29 10:00"), "statement 100.00 EUR [1:Asked=statement]");
    let plan = scene.accepted("2026-06-30 10:00");
    assert_eq!(shown(&scene, &plan), "firm 100.00 EUR [1:Asked=firm]");
    assert_eq!(skipped(&plan), ["1 statement overtaken"]);

    let steps = vec![step("reminder", "4 days after due"), step("statement", "10 days after due")];
    let scene =
        Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00").had(1, "reminder", MarkKind::Undelivered, "2026-06-05");
    let mut scene = scene;
    scene.file.points.retain(|p| p.channel == Channel::Sms);
    assert_eq!(scene.line("2026-06-15 10:00"), "hold cannot_reach never operator");
}

#[test]
fn r2_a_note_before_the_reminder_needs_nothing() {
    let steps = vec![step("statement", "3 days after due"), step("reminder", "6 days after due")];
    let scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    assert_eq!(scene.shows("2026-06-04 10:00"), "statement 100.00 EUR [1:Asked=statement]");
}

#[test]
fn r17_a_refusal_ends_an_address_for_its_step_and_its_invoices_only() {
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "100.00");
    let refusal = |step: &str, invoices: &[i64]| Refusal {
        step: id(step),
        channel: Channel::Email,
        address: "c1@debtor.example".to_owned(),
        invoices: invoices.to_vec(),
    };
    scene.file.refusals = vec![refusal("firm", &[1]), refusal("reminder", &[2])];
    assert_eq!(scene.sent("2026-06-05 10:00").way.to()[0].channel, Channel::Email, "another step, another invoice");
    scene.file.refusals.push(refusal("reminder", &[1]));
    assert_eq!(scene.sent("2026-06-05 10:00").way.to()[0].channel, Channel::Sms, "the next channel of first_of");
    scene.file.points.retain(|p| p.channel == Channel::Email);
    assert_eq!(scene.line("2026-06-05 10:00"), "hold cannot_reach never operator");
    assert_eq!(scene.at("2026-06-05 10:00").undeliverable[0].text, "email: refused for this step; no sms address");
    scene.channels = vec![Channel::Email];
    assert_eq!(scene.at("2026-06-05 10:00").undeliverable[0].text, "email: refused for this step; sms is not configured");
}

#[test]
fn a_list_of_channels_uses_all_that_reach() {
    let mut scene = Scene::new(cadence(vec![by_both(step("reminder", "4 days after due"))])).with(1, "2026-06-01", "100.00");
    let channels = |scene: &Scene| scene.sent("2026-06-05 10:00").way.to().iter().map(|t| t.channel).collect::<Vec<_>>();
    assert_eq!(channels(&scene), [Channel::Email, Channel::Sms]);
    scene.channels = vec![Channel::Sms];
    assert_eq!(channels(&scene), [Channel::Sms]);
}
