//! R3, R4: old debts enter at the first step after due, and after a standstill the furthest step allowed leaves.

use super::build::*;
use crate::domain::cadence::Cadence;
use crate::domain::case::MarkKind;
use crate::domain::decision::{OldDebts, Section};
use crate::domain::step::{Channel, How, Rank, Step, TaskKind};

fn old_debt(old_debts: OldDebts) -> Scene {
    let mut scene = Scene::new(standard()).with(1, "2026-02-02", "100.00");
    scene.row(1).invoice.first_seen = day("2026-06-01");
    scene.policy.old_debts = old_debts;
    scene
}

#[test]
fn r3_an_old_debt_enters_at_the_first_step_after_due() {
    let mut scene = old_debt(OldDebts::FirstStep);
    let plan = scene.accepted("2026-06-01 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 100.00 EUR [1:Asked=reminder]");
    assert_eq!(skipped(&plan), ["1 courtesy first_seen_late"]);
    assert_eq!(scene.line("2026-06-08 10:00"), "wait not_yet 2026-06-09 09:00 relance");
    assert_eq!(scene.shows("2026-06-09 10:00"), "firm 100.00 EUR [1:Asked=firm]");
}

#[test]
fn r3_of_two_reminders_an_old_debt_gets_the_first() {
    let steps = vec![
        step("statement", "1 day after due"),
        step("reminder", "3 days after due"),
        ranked(Rank::Reminder, step("again", "6 days after due")),
        step("firm", "9 days after due"),
    ];
    for (first_seen, reopened) in [("2026-06-01", false), ("2026-01-01", true)] {
        let mut scene = Scene::new(cadence(steps.clone())).with(1, "2026-02-02", "100.00");
        scene.row(1).invoice.first_seen = day(first_seen);
        scene.row(1).invoice.reopened = reopened;
        assert_eq!(scene.leaves("2026-06-01 10:00"), "statement 100.00 EUR [1:Asked=statement]");
        // Once it has entered, the furthest step leaves as for any other (R4).
        let plan = scene.accepted("2026-06-04 10:00");
        assert_eq!(shown(&scene, &plan), "again 100.00 EUR [1:Asked=again]");
        assert_eq!(skipped(&plan), ["1 reminder overtaken"]);
        assert_eq!(scene.leaves("2026-06-09 10:00"), "firm 100.00 EUR [1:Asked=firm]");
    }
}

/// A cadence that begins with a call: what people do is not counted by the spacing.
fn with_a_call() -> Cadence {
    let call = Step { how: How::Task(TaskKind::Call), ..step("call", "2 working days after due") };
    let note = by_sms(step("nudge", "7 days after reminder"));
    let firm = step("firm", "3 days after nudge");
    cadence(vec![call, step("reminder", "4 working days after due"), note, firm])
}

#[test]
fn r3_where_an_old_debt_enters_at_a_call_the_reminder_keeps_its_distance() {
    let mut scene = Scene::new(with_a_call()).with(1, "2026-02-02", "100.00");
    scene.row(1).invoice.first_seen = day("2026-06-01");
    assert_eq!(shown(&scene, &scene.sent("2026-06-01 10:00")), "call 100.00 EUR [1:Asked=call]");
    let mut scene = scene.had(1, "call", MarkKind::Left, "2026-06-01");
    assert_eq!(scene.line("2026-06-01 10:00"), "wait not_yet 2026-06-03 09:00 relance");
    assert_eq!(scene.leaves("2026-06-03 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
}

#[test]
fn a_note_that_no_channel_carries_is_left_out_and_nothing_waits_for_it() {
    let scene = Scene::new(with_a_call()).with(1, "2026-06-01", "100.00");
    let mut scene = scene.had(1, "call", MarkKind::Left, "2026-06-03").had(1, "reminder", MarkKind::Left, "2026-06-05");
    assert_eq!(scene.shows("2026-06-12 10:00"), "nudge 100.00 EUR [1:Asked=nudge]");
    scene.channels = vec![Channel::Email];
    assert_eq!(scene.line("2026-06-12 10:00"), "wait not_yet 2026-06-15 09:00 relance");
    let told = scene.explained("2026-06-12 10:00");
    assert!(told.iter().any(|l| l.contains("step nudge is a note that no channel can carry")), "{told:?}");
    let plan = scene.sent("2026-06-15 10:00");
    assert_eq!(shown(&scene, &plan), "firm 100.00 EUR [1:Asked=firm]");
    assert_eq!(skipped(&plan), ["1 nudge no_channel"]);
}

#[test]
fn r3_first_seen_late_but_before_its_first_step_waits_for_that_step() {
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "100.00");
    scene.row(1).invoice.first_seen = day("2026-06-02");
    assert_eq!(scene.line("2026-06-02 10:00"), "wait not_yet 2026-06-05 09:00 relance");
    assert_eq!(skipped(&scene.sent("2026-06-05 10:00")), ["1 courtesy first_seen_late"]);
}

#[test]
fn r3_hold_waits_for_release() {
    let mut scene = old_debt(OldDebts::Hold);
    assert_eq!(scene.line("2026-06-01 10:00"), "hold old_debt never operator");
    assert!(scene.explained("2026-06-01 10:00").iter().any(|l| l.starts_with("R3 no: F-1")));
    scene.file.entry_released = 1;
    assert_eq!(scene.shows("2026-06-01 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
}

#[test]
fn r3_a_held_old_debt_does_not_stop_newer_invoices_and_is_not_shown_with_them() {
    let scene = old_debt(OldDebts::Hold).with(2, "2026-06-01", "50.00");
    let plan = scene.sent("2026-06-05 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 50.00 EUR [2:Asked=reminder]");
}

#[test]
fn r3_an_invoice_seen_in_time_is_no_old_debt() {
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "100.00");
    scene.row(1).invoice.first_seen = day("2026-06-01");
    scene.policy.old_debts = OldDebts::Hold;
    assert_eq!(scene.shows("2026-06-05 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
}

#[test]
fn r3_first_contact_never_speaks_above_a_reminder() {
    let steps = vec![
        step("courtesy", "5 days before due"),
        step("reminder", "1 day after due"),
        step("firm", "2 days after due"),
        step("final", "3 days after due"),
        step("formal", "4 days after due"),
        step("handoff", "5 days after due"),
    ];
    for (first_seen, reopened) in [("2026-01-01", false), ("2026-06-20", false), ("2026-01-01", true)] {
        let mut scene = Scene::new(cadence(steps.clone())).with(1, "2026-02-02", "100.00");
        scene.row(1).invoice.first_seen = day(first_seen);
        scene.row(1).invoice.reopened = reopened;
        let plan = scene.sent("2026-06-22 10:00");
        let most = plan.lines.iter().filter(|l| l.section == Section::Asked).filter_map(|l| l.rank).max();
        assert_eq!(most, Some(Rank::Reminder));
    }
}

#[test]
fn r4_the_furthest_allowed_step_leaves_and_the_others_are_recorded() {
    let steps = vec![
        step("early", "9 days before due"),
        step("courtesy", "5 days before due"),
        step("reminder", "3 days after due"),
        ranked(Rank::Reminder, step("again", "6 days after due")),
        step("firm", "9 days after due"),
    ];
    let scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    let plan = scene.sent("2026-06-29 10:00");
    assert_eq!(shown(&scene, &plan), "again 100.00 EUR [1:Asked=again]");
    assert_eq!(skipped(&plan), ["1 early due_date_passed", "1 courtesy due_date_passed", "1 reminder overtaken"]);
    // Before the due date the furthest note leaves.
    let plan = scene.sent("2026-06-01 10:00");
    assert_eq!(shown(&scene, &plan), "courtesy 100.00 EUR [1:Asked=courtesy]");
    assert_eq!(skipped(&plan), ["1 early overtaken"]);
}

#[test]
fn r4_a_note_before_due_is_over_when_the_due_date_is() {
    let scene = Scene::new(standard()).with(1, "2026-06-01", "100.00");
    assert_eq!(scene.shows("2026-06-01 17:29"), "courtesy 100.00 EUR [1:Asked=courtesy]");
    assert_eq!(scene.line("2026-06-02 10:00"), "wait not_yet 2026-06-05 09:00 relance");
}

#[test]
fn r4_after_step_counts_from_the_day_it_left() {
    let scene = Scene::new(standard()).with(1, "2026-06-01", "100.00").had(1, "reminder", MarkKind::Left, "2026-07-01");
    assert_eq!(scene.line("2026-07-03 10:00"), "wait not_yet 2026-07-09 09:00 relance");
}

#[test]
fn r4_after_a_step_passed_over_it_counts_from_that_steps_own_day() {
    let steps = vec![
        step("reminder", "3 days after due"),
        ranked(Rank::Reminder, step("again", "6 days after due")),
        step("firm", "21 days after reminder"),
    ];
    let scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    let scene = scene.had(1, "reminder", MarkKind::Skipped, "2026-06-08").had(1, "again", MarkKind::Left, "2026-06-08");
    // 4 June and 21 days; between "again" and "firm" lie 18 days, which end a day later.
    assert_eq!(scene.line("2026-06-10 10:00"), "wait not_yet 2026-06-26 09:00 relance");
}

#[test]
fn steps_after_issue_need_the_day_of_issue() {
    let mut scene = Scene::new(cadence(vec![step("hello", "3 days after issued"), step("reminder", "3 days after due")]));
    scene = scene.with(1, "2026-06-01", "100.00");
    scene.row(1).invoice.issued_on = Some(day("2026-05-04"));
    assert_eq!(scene.shows("2026-05-07 10:00"), "hello 100.00 EUR [1:Asked=hello]");
    scene.row(1).invoice.issued_on = None;
    assert_eq!(scene.line("2026-05-07 10:00"), "wait not_yet 2026-06-04 09:00 relance");
}
