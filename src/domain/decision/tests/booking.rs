//! R10, R12: is it really unpaid.

use super::build::*;
use crate::domain::case::MarkKind;
use crate::domain::decision::{Booked, Verdict};
use crate::domain::money::Threshold;
use crate::domain::step::Rank;

fn soon() -> Scene {
    Scene::new(cadence(vec![step("courtesy", "3 days before due"), step("reminder", "1 day after due")])).with(
        1,
        "2026-06-04",
        "100.00",
    )
}

#[test]
fn r10_no_overdue_step_before_receipts_are_booked_past_the_grace() {
    // Due Thursday 4 June, grace two bank working days: Monday 8 June must be booked; with a lag of one working
    // day that is so on Tuesday.
    let scene = soon();
    assert_eq!(scene.line("2026-06-05 10:00"), "wait payments_not_booked 2026-06-09 09:00 relance");
    assert_eq!(scene.line("2026-06-08 10:00"), "wait payments_not_booked 2026-06-09 09:00 relance");
    assert!(matches!(scene.at("2026-06-09 10:00").verdict, Verdict::Send(_)));
    let words = scene.explained("2026-06-08 10:00").join("\n");
    assert!(
        words.contains("R10 no: F-1: step reminder waits: payments are booked through 2026-06-05 (by booking_lag), needed through 2026-06-08 (due date plus grace of 2 working days)"),
        "{words}"
    );
    // A note before due does not wait.
    assert!(matches!(soon().at("2026-06-01 10:00").verdict, Verdict::Send(_)));
}

#[test]
fn r10_bank_holidays_count() {
    let mut scene = soon();
    scene.bank = Some(calendar(&[day("2026-06-08")]));
    // Grace ends on the 9th, which is booked on the 10th.
    assert_eq!(scene.line("2026-06-05 10:00"), "wait payments_not_booked 2026-06-10 09:00 relance");
    assert_eq!(scene.line("2026-06-09 10:00"), "wait payments_not_booked 2026-06-10 09:00 relance");
    assert!(matches!(scene.at("2026-06-10 10:00").verdict, Verdict::Send(_)));
}

#[test]
fn r10_by_date_of_the_source() {
    let mut scene = soon();
    scene.booked = Booked::Through(day("2026-06-05"));
    // For the days to come the same distance of today is assumed.
    assert_eq!(scene.line("2026-06-08 10:00"), "wait payments_not_booked 2026-06-11 09:00 relance");
    assert!(scene.explained("2026-06-08 10:00").join("\n").contains("booked through 2026-06-05 (as the source says)"));
    scene.booked = Booked::Through(day("2026-06-08"));
    assert!(matches!(scene.at("2026-06-08 10:00").verdict, Verdict::Send(_)));
}

#[test]
fn r10_by_row() {
    let mut scene = soon();
    scene.row(1).invoice.booked_through = Some(day("2026-06-08"));
    assert!(matches!(scene.at("2026-06-08 10:00").verdict, Verdict::Send(_)));
    // The row knows better than the lag, also when it knows less.
    scene.row(1).invoice.booked_through = Some(day("2026-06-03"));
    assert_eq!(scene.line("2026-06-09 10:00"), "wait payments_not_booked 2026-06-15 09:00 relance");
}

#[test]
fn r10_books_that_never_catch_up_are_looked_at_every_day() {
    let mut scene = soon();
    scene.booked = Booked::Through(day("2025-01-01"));
    assert_eq!(scene.line("2026-06-09 10:00"), "wait payments_not_booked 2026-06-10 09:00 relance");
}

#[test]
fn r10_grace_and_lag_are_settings() {
    let mut scene = soon();
    scene.policy.grace = delay("0 days");
    scene.booked = Booked::Lag(delay("0 days"));
    assert!(matches!(scene.at("2026-06-05 10:00").verdict, Verdict::Send(_)));
    scene.policy.grace = delay("1 week");
    assert_eq!(scene.line("2026-06-05 10:00"), "wait payments_not_booked 2026-06-11 09:00 relance");
}

#[test]
fn r12_a_part_payment_pauses_the_next_step_and_keeps_the_stage() {
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "100.00").had(1, "reminder", MarkKind::Left, "2026-06-05");
    scene.row(1).invoice.paused_until = Some(day("2026-06-18"));
    assert_eq!(scene.line("2026-06-15 10:00"), "wait part_paid 2026-06-18 09:00 relance");
    assert_eq!(scene.shows("2026-06-18 10:00"), "firm 100.00 EUR [1:Asked=firm]");
    // A pause holds back no note before due.
    let mut scene = soon();
    scene.row(1).invoice.paused_until = Some(day("2026-06-18"));
    assert_eq!(scene.shows("2026-06-01 10:00"), "courtesy 100.00 EUR [1:Asked=courtesy]");
}

#[test]
fn r12_a_pause_ends_though_another_step_is_held_for_good() {
    // A person dropped the reminder: the note that needs it is held for good, the second reminder needs nothing.
    let steps = vec![
        step("reminder", "3 days after due"),
        step("statement", "5 days after due"),
        ranked(Rank::Reminder, step("again", "8 days after due")),
    ];
    let scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00");
    let mut scene = scene.had(1, "reminder", MarkKind::Skipped, "2026-06-04");
    scene.row(1).invoice.paused_until = Some(day("2026-06-11"));
    assert_eq!(scene.line("2026-06-09 10:00"), "hold passed_over 2026-06-11 09:00 operator");
    assert_eq!(scene.shows("2026-06-11 10:00"), "again 100.00 EUR [1:Asked=again]");
}

#[test]
fn r12_a_rounding_difference_is_never_chased() {
    let scene = Scene::new(standard()).with(1, "2026-06-01", "1.00");
    assert_eq!(scene.line("2026-06-05 10:00"), "done rounding never nobody");
    let scene = Scene::new(standard()).with(1, "2026-06-01", "1.00").with(2, "2026-06-01", "50.00");
    assert_eq!(scene.shows("2026-06-05 10:00"), "reminder 50.00 EUR [2:Asked=reminder]");
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "12.00");
    scene.policy.tolerance = Threshold::parse("12.00").unwrap();
    assert_eq!(scene.line("2026-06-05 10:00"), "done rounding never nobody");
}

#[test]
fn r12_a_step_on_the_due_date_itself_asks_for_what_falls_due_today() {
    let mut scene = Scene::new(cadence(vec![step("reminder", "0 days after due")])).with(1, "2026-06-04", "100.00");
    scene.policy.grace = delay("0 days");
    scene.booked = Booked::Lag(delay("0 days"));
    assert_eq!(scene.shows("2026-06-04 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
}
