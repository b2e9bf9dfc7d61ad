//! R1, R7, R8: progress never goes back, new terms begin anew, edited cadences keep what was had.

use super::build::*;
use crate::domain::case::{Mark, MarkKind};
use crate::domain::decision::OldDebts;
use crate::domain::step::{Rank, Step};

fn foreign(scene: &mut Scene, pk: i64, step: &str, rank: Option<Rank>, on: &str) {
    let mark = Mark { step: id(step), rank, kind: MarkKind::Left, on: day(on), contact: None, other_kind: false };
    scene.row(pk).marks.push(mark);
}

#[test]
fn r1_each_step_leaves_once_and_in_its_turn() {
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "100.00");
    assert_eq!(scene.line("2026-05-01 10:00"), "wait not_yet 2026-05-27 09:00 relance");
    assert_eq!(scene.leaves("2026-05-27 09:00"), "courtesy 100.00 EUR [1:Asked=courtesy]");
    assert_eq!(scene.line("2026-05-27 09:00"), "wait not_yet 2026-06-05 09:00 relance");
    let plan = scene.accepted("2026-06-05 09:00");
    assert_eq!(shown(&scene, &plan), "reminder 100.00 EUR [1:Asked=reminder]");
    assert_eq!(skipped(&plan), Vec::<String>::new());
    // Eight days later is a Saturday, on which only SMS may leave; this debtor is reached by mail.
    assert_eq!(scene.line("2026-06-05 09:01"), "wait not_yet 2026-06-13 09:00 relance");
    assert_eq!(scene.line("2026-06-13 09:00"), "wait outside_window 2026-06-15 09:00 relance");
    assert_eq!(scene.leaves("2026-06-15 09:00"), "firm 100.00 EUR [1:Asked=firm]");
    assert_eq!(scene.leaves("2026-06-22 09:00"), "final 100.00 EUR [1:Asked=final]");
    assert_eq!(scene.line("2026-06-23 09:00"), "done finished never operator");
    assert_eq!(scene.line("2027-06-23 09:00"), "done finished never operator");
}

#[test]
fn r1_a_change_of_cadence_never_goes_back() {
    // A reminder under another cadence counts as this one's: the firm letter follows, eight days after it left.
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "100.00");
    foreign(&mut scene, 1, "nudge", Some(Rank::Reminder), "2026-06-10");
    assert_eq!(scene.line("2026-06-17 10:00"), "wait not_yet 2026-06-18 09:00 relance");
    assert_eq!(scene.shows("2026-06-18 10:00"), "firm 100.00 EUR [1:Asked=firm]");

    // What was had was stronger than anything here: nothing weaker follows.
    let mut scene = Scene::new(cadence(vec![step("reminder", "3 days after due"), step("firm", "9 days after due")]));
    scene = scene.with(1, "2026-06-01", "100.00");
    foreign(&mut scene, 1, "ask", Some(Rank::Reminder), "2026-06-10");
    foreign(&mut scene, 1, "last", Some(Rank::Final), "2026-06-20");
    assert_eq!(scene.line("2026-07-15 10:00"), "done finished never operator");

    // Both reminders of the new cadence count as had: neither follows the other cadence's.
    let steps = vec![
        step("reminder", "3 days after due"),
        ranked(Rank::Reminder, step("second", "10 days after due")),
        step("firm", "20 days after due"),
    ];
    let mut scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    foreign(&mut scene, 1, "nudge", Some(Rank::Reminder), "2026-06-08");
    assert_eq!(scene.line("2026-06-15 10:00"), "wait not_yet 2026-06-22 09:00 relance");
    assert_eq!(scene.shows("2026-06-22 10:00"), "firm 100.00 EUR [1:Asked=firm]");
}

#[test]
fn r1_a_step_of_the_same_name_but_weaker_does_not_take_progress_back() {
    // Under the old cadence "last" was final; here a step of that name is a mere reminder.
    let steps = vec![
        ranked(Rank::Reminder, step("last", "3 days after due")),
        step("firm", "9 days after due"),
        step("final", "16 days after due"),
    ];
    let mut scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    foreign(&mut scene, 1, "ask", Some(Rank::Reminder), "2026-06-05");
    foreign(&mut scene, 1, "demand", Some(Rank::Firm), "2026-06-12");
    foreign(&mut scene, 1, "last", Some(Rank::Final), "2026-06-20");
    assert_eq!(scene.line("2026-07-15 10:00"), "done finished never operator");
}

#[test]
fn r2_after_a_change_of_cadence_the_waiting_time_still_runs() {
    // Reminded on the 19th under another cadence; here a firm letter comes ten days after the reminder.
    let steps = vec![step("reminder", "3 days after due"), step("firm", "13 days after due")];
    let mut scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    foreign(&mut scene, 1, "nudge", Some(Rank::Reminder), "2026-06-19");
    assert_eq!(scene.line("2026-06-24 10:00"), "wait not_yet 2026-06-29 09:00 relance");
    assert_eq!(scene.shows("2026-06-29 10:00"), "firm 100.00 EUR [1:Asked=firm]");
}

#[test]
fn r7_a_later_due_date_counts_after_due_steps_anew() {
    // The store carries the courtesy note into the new term, and nothing after due.
    let mut scene = Scene::new(standard()).with(1, "2026-07-01", "100.00").had(1, "courtesy", MarkKind::Left, "2026-05-27");
    scene.row(1).invoice.term = 2;
    assert_eq!(scene.line("2026-06-26 10:00"), "wait not_yet 2026-07-07 09:00 relance");
    assert_eq!(scene.shows("2026-07-07 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
}

#[test]
fn r7_reopened_starts_again_at_the_reminder() {
    for old_debts in [OldDebts::FirstStep, OldDebts::Hold] {
        let mut scene = Scene::new(standard()).with(1, "2026-03-02", "100.00");
        scene.policy.old_debts = old_debts;
        let row = &mut scene.row(1).invoice;
        (row.term, row.reopened) = (2, true);
        let plan = scene.accepted("2026-06-10 10:00");
        assert_eq!(shown(&scene, &plan), "reminder 100.00 EUR [1:Asked=reminder]");
        assert_eq!(skipped(&plan), ["1 courtesy reopened"]);
        assert_eq!(scene.line("2026-06-12 10:00"), "wait not_yet 2026-06-18 09:00 relance");
        assert_eq!(scene.shows("2026-06-18 10:00"), "firm 100.00 EUR [1:Asked=firm]");
    }
}

#[test]
fn r8_a_renamed_step_keeps_what_it_gave() {
    let renamed = Step { was: vec![id("friendly"), id("nudge")], ..step("reminder", "4 working days after due") };
    let scene = Scene::new(cadence(vec![renamed, step("firm", "8 days after reminder")]));
    let mut scene = scene.with(1, "2026-06-01", "100.00");
    foreign(&mut scene, 1, "nudge", Some(Rank::Reminder), "2026-06-05");
    assert_eq!(scene.line("2026-06-10 10:00"), "wait not_yet 2026-06-13 09:00 relance");
    assert_eq!(scene.shows("2026-06-15 10:00"), "firm 100.00 EUR [1:Asked=firm]");
}

#[test]
fn r8_new_steps_behind_the_furthest_are_skipped_and_recorded() {
    let steps = vec![
        step("thanks", "10 days before due"),
        step("courtesy", "5 days before due"),
        step("reminder", "3 days after due"),
        ranked(Rank::Reminder, step("again", "6 days after due")),
        step("firm", "9 days after due"),
        step("final", "7 days after firm"),
    ];
    let scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    let scene = scene.had(1, "courtesy", MarkKind::Left, "2026-05-27").had(1, "reminder", MarkKind::Left, "2026-06-04");
    let scene = scene.had(1, "firm", MarkKind::Left, "2026-06-15");
    assert_eq!(scene.line("2026-06-16 10:00"), "wait not_yet 2026-06-22 09:00 relance");
    let plan = scene.sent("2026-06-22 10:00");
    assert_eq!(shown(&scene, &plan), "final 100.00 EUR [1:Asked=final]");
    assert_eq!(skipped(&plan), ["1 thanks due_date_passed", "1 again overtaken"]);
}
