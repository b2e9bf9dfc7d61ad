//! R12: the minimum, weighed for each step by itself. A trifle neither leaves nor sharpens the words.

use super::build::*;
use crate::domain::cadence::Group;
use crate::domain::case::{MarkKind, Refusal};
use crate::domain::step::{Channel, Rank};

#[test]
fn r12_the_minimum_looks_at_the_net_that_is_overdue() {
    let scene = Scene::new(standard()).with(1, "2026-06-01", "6.00").with(2, "2026-07-20", "500.00");
    assert_eq!(scene.line("2026-06-05 10:00"), "wait below_minimum 2026-07-15 09:00 relance", "what is not due does not count");
    let scene = Scene::new(standard()).with(1, "2026-06-01", "6.00").with(2, "2026-06-03", "4.00");
    assert_eq!(scene.shows("2026-06-09 10:00"), "reminder 10.00 EUR [1:Asked=reminder 2:Asked=reminder]");
    let scene = scene.with_credit(3, "-2.00", None);
    assert_eq!(scene.line("2026-06-09 10:00"), "wait below_minimum never relance", "credits are set off first");
}

#[test]
fn r12_below_the_minimum_is_looked_at_again_when_more_is_asked_for() {
    // The second invoice's reminder comes on the 18th; both together pass the minimum.
    let scene = Scene::new(standard()).with(1, "2026-06-01", "6.00").with(2, "2026-06-12", "7.00");
    let scene = scene.had(2, "courtesy", MarkKind::Left, "2026-06-08");
    assert_eq!(scene.line("2026-06-12 10:00"), "wait below_minimum 2026-06-18 09:00 relance");
    assert_eq!(
        scene.line("2026-06-17 10:00"),
        "wait below_minimum 2026-06-18 09:00 relance",
        "overdue, but nothing is asked yet"
    );
    assert_eq!(scene.shows("2026-06-18 09:00"), "reminder 13.00 EUR [1:Asked=reminder 2:Asked=reminder]");
}

#[test]
fn r12_a_trifle_due_soon_gets_no_step_from_another_stages_letter() {
    let scene = Scene::new(standard()).with(1, "2026-06-01", "100.00").with(2, "2026-06-10", "5.00");
    assert_eq!(scene.shows("2026-06-05 10:00"), "reminder 100.00 EUR [1:Asked=reminder 2:DueSoon]");
    let scene = scene.with(3, "2026-06-10", "5.00");
    assert_eq!(scene.shows("2026-06-05 10:00"), "reminder 100.00 EUR [1:Asked=reminder 2:DueSoon=courtesy 3:DueSoon=courtesy]");
}

#[test]
fn r12_before_due_the_minimum_looks_at_what_is_due_soon() {
    let scene = Scene::new(standard()).with(1, "2026-06-08", "6.00").with(2, "2026-05-04", "500.00");
    let scene = scene.had(2, "final", MarkKind::Left, "2026-05-20");
    assert_eq!(scene.line("2026-06-03 10:00"), "wait below_minimum 2026-06-12 09:00 relance", "what is overdue does not count");
    let scene = scene.with(3, "2026-06-08", "4.00");
    assert_eq!(scene.shows("2026-06-03 10:00"), "courtesy 10.00 EUR [2:Late 1:Asked=courtesy 3:Asked=courtesy]");
}

/// A remainder whose firm letter is due, and an invoice whose reminder is.
fn remainder_and(remainder: &str, balance: &str) -> Scene {
    let scene = Scene::new(standard()).with(1, "2026-05-04", remainder).with(2, "2026-06-08", balance);
    scene.had(1, "reminder", MarkKind::Left, "2026-05-08")
}

#[test]
fn r12_a_trifle_at_a_further_stage_does_not_sharpen_the_words() {
    let mut scene = remainder_and("4.20", "350.00");
    let words = scene.explained("2026-06-12 10:00");
    for line in [
        "R12 no: step firm asks for 4.20 EUR net; the minimum of \"standard\" is 10.00 EUR",
        "R12 yes: step reminder asks for 350.00 EUR net; the minimum of \"standard\" is 10.00 EUR",
    ] {
        assert!(words.iter().any(|w| w == line), "{words:?}");
    }
    let plan = scene.accepted("2026-06-12 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 350.00 EUR [1:Late 2:Asked=reminder]");
    assert!(skipped(&plan).iter().all(|s| s.starts_with("2 ")), "nothing is passed over for what gets no step");
    // When the other invoice comes to the firm letter, both are worth it together.
    assert_eq!(scene.line("2026-06-17 10:00"), "wait below_minimum 2026-06-20 09:00 relance");
    assert_eq!(scene.shows("2026-06-22 10:00"), "firm 354.20 EUR [1:Asked=firm 2:Asked=firm]");
    // Once that is paid, nothing comes for the remainder.
    scene.file.rows.pop();
    assert_eq!(scene.line("2026-06-22 10:00"), "wait below_minimum never relance");
}

#[test]
fn r12_a_remainder_worth_a_letter_speaks_for_itself() {
    assert_eq!(remainder_and("10.00", "350.00").shows("2026-06-12 10:00"), "firm 10.00 EUR [1:Asked=firm 2:Late=reminder]");
}

#[test]
fn r12_what_credits_leave_is_what_counts() {
    // Of 40.00 at the firm stage a payment without an invoice leaves 4.20.
    let scene = remainder_and("40.00", "350.00").with_credit(3, "-35.80", None);
    assert_eq!(scene.shows("2026-06-12 10:00"), "reminder 350.00 EUR [3:Credit 1:Late 2:Asked=reminder]");
}

#[test]
fn r12_a_trifle_at_a_lower_stage_is_shown_and_gets_no_step() {
    let mut scene = remainder_and("350.00", "4.20");
    let plan = scene.accepted("2026-06-12 10:00");
    assert_eq!(shown(&scene, &plan), "firm 350.00 EUR [1:Asked=firm 2:DueSoon]");
    assert_eq!(skipped(&plan), ["1 courtesy due_date_passed"]);
    // Its reminder is still to come, and leaves when more is asked for with it.
    let scene = scene.with(3, "2026-06-12", "8.00");
    assert_eq!(scene.line("2026-06-17 10:00"), "wait below_minimum 2026-06-18 09:00 relance");
    assert_eq!(scene.shows("2026-06-18 10:00"), "reminder 12.20 EUR [1:Late 2:Asked=reminder 3:Asked=reminder]");
}

#[test]
fn r12_the_furthest_stage_that_is_worth_it_gives_the_words() {
    let scene = Scene::new(standard())
        .with(1, "2026-04-01", "9.00")
        .with(2, "2026-05-04", "30.00")
        .with(3, "2026-06-08", "5.00")
        .with(4, "2026-06-08", "6.00")
        .had(1, "firm", MarkKind::Left, "2026-04-20")
        .had(2, "reminder", MarkKind::Left, "2026-05-08");
    let shown = "firm 30.00 EUR [1:Late 2:Asked=firm 3:Late=reminder 4:Late=reminder]";
    assert_eq!(scene.shows("2026-06-12 10:00"), shown);
}

#[test]
fn r12_trifles_at_several_stages_leave_together_in_the_mildest_words() {
    let mut scene = remainder_and("6.00", "7.00");
    let words = scene.explained("2026-06-12 10:00").join("\n");
    assert!(words.contains("R12 yes: together they ask for 13.00 EUR: the lowest of the steps, reminder, may ask for all of it"));
    let plan = scene.accepted("2026-06-12 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 13.00 EUR [1:Asked 2:Asked=reminder]");
    let stage = |pk: i64| plan.lines.iter().find(|l| l.pk == pk).unwrap().stage.as_ref().unwrap().to_string();
    assert_eq!((stage(1), stage(2)), ("reminder".to_owned(), "reminder".to_owned()), "no step twice (R1)");
    // Then both come to the firm letter.
    assert_eq!(scene.line("2026-06-17 10:00"), "wait below_minimum 2026-06-20 09:00 relance");
    assert_eq!(scene.shows("2026-06-22 10:00"), "firm 13.00 EUR [1:Asked=firm 2:Asked=firm]");
    assert_eq!(remainder_and("5.00", "4.99").line("2026-06-12 10:00"), "wait below_minimum never relance");
}

#[test]
fn r12_what_waits_with_others_takes_none_of_them_along_when_one_stage_is_worth_it() {
    let scene = remainder_and("6.00", "7.00").with(3, "2026-06-08", "3.00");
    assert_eq!(scene.shows("2026-06-12 10:00"), "reminder 10.00 EUR [1:Late 2:Asked=reminder 3:Asked=reminder]");
}

#[test]
fn r12_notes_before_due_are_weighed_apart_from_what_is_late() {
    let scene = remainder_and("6.00", "500.00").with(3, "2026-06-17", "5.00");
    let scene = scene.had(2, "final", MarkKind::Left, "2026-06-11");
    assert_eq!(scene.line("2026-06-12 10:00"), "wait below_minimum 2026-06-23 09:00 relance");
    // Together they are worth a reminder, which gives the note no leave of its own.
    let scene = scene.with(4, "2026-06-04", "7.00");
    assert_eq!(scene.shows("2026-06-12 10:00"), "reminder 13.00 EUR [1:Asked 4:Asked=reminder 2:Late 3:DueSoon]");
    let steps = vec![step("early", "9 days before due"), step("courtesy", "5 days before due")];
    let scene = Scene::new(cadence(steps)).with(1, "2026-06-10", "6.00").with(2, "2026-06-12", "6.00");
    assert_eq!(scene.shows("2026-06-05 10:00"), "early 12.00 EUR [1:Asked 2:Asked=early]");
}

#[test]
fn r12_what_goes_elsewhere_or_nowhere_makes_no_message_worth_it() {
    let refused = |invoice| Refusal {
        step: id("reminder"),
        channel: Channel::Email,
        address: "c1@debtor.example".to_owned(),
        invoices: vec![invoice],
    };
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "345.80").with(2, "2026-06-02", "4.20");
    scene.file.refusals = vec![refused(1)];
    // The first goes by SMS, the second alone is not worth a mail.
    assert_eq!(scene.shows("2026-06-09 10:00"), "reminder 345.80 EUR [1:Asked=reminder 2:DueSoon]");
    scene.file.points.retain(|p| p.channel == Channel::Email);
    assert_eq!(scene.line("2026-06-09 10:00"), "hold cannot_reach never operator");
    // Two trifles to two addresses are two messages.
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "6.00").with(2, "2026-06-02", "6.00");
    scene.file.refusals = vec![refused(1)];
    assert_eq!(scene.line("2026-06-09 10:00"), "wait below_minimum never relance");
}

#[test]
fn r12_each_invoice_by_itself_when_each_has_its_message() {
    let mut scene = remainder_and("6.00", "7.00").with(3, "2026-06-08", "10.00");
    scene.cadence.group = Group::Invoice;
    assert_eq!(scene.shows("2026-06-12 10:00"), "reminder 10.00 EUR [3:Asked=reminder]");
    let words = scene.explained("2026-06-12 10:00").join("\n");
    assert!(
        words.contains("R12 no: F-2: step reminder asks for 7.00 EUR net; the minimum of \"standard\" is 10.00 EUR"),
        "{words}"
    );
}

#[test]
fn r12_two_steps_of_one_rank_are_two_steps() {
    let steps = vec![step("reminder", "3 days after due"), ranked(Rank::Reminder, step("again", "12 days after due"))];
    let scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "8.00").with(2, "2026-06-08", "90.00");
    assert_eq!(scene.shows("2026-06-15 10:00"), "reminder 90.00 EUR [1:DueSoon 2:Asked=reminder]");
}
