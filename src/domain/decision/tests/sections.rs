//! R5: one message for the case, in the words of the furthest stage, that asks only for what is at that stage.

use super::build::*;
use crate::domain::cadence::Group;
use crate::domain::case::{Hold, HoldKind, MarkKind};
use crate::domain::decision::Section;
use crate::domain::invoice::{Presence, RowStatus};

fn several() -> Scene {
    let scene = Scene::new(standard())
        .with(1, "2026-06-01", "100.00")
        .with(2, "2026-06-10", "40.00")
        .with(3, "2026-06-17", "30.00")
        .with(4, "2026-06-22", "20.00")
        .with(5, "2026-07-31", "70.00")
        .with(6, "2026-06-03", "15.00")
        .with_credit(7, "-12.00", Some("F-1"));
    let scene = scene.had(1, "courtesy", MarkKind::Left, "2026-05-27");
    let mut scene = scene.had(1, "reminder", MarkKind::Left, "2026-06-05");
    scene.row(6).invoice.status = RowStatus::Disputed;
    scene
}

#[test]
fn r5_one_message_with_a_section_for_each_stage() {
    let scene = several();
    let plan = scene.sent("2026-06-17 10:00");
    assert_eq!(scene.cadence.steps[plan.step].letter, "firm");
    let rows: Vec<_> = plan
        .lines
        .iter()
        .map(|l| {
            let stage = l.stage.as_ref().map_or("-", |s| s.as_str());
            let mark = l.mark.map_or("-", |m| scene.cadence.steps[m].id.as_str());
            format!("{} {:?} {stage} +{mark} {} {}", l.pk, l.section, l.days_late, l.net)
        })
        .collect();
    assert_eq!(
        rows,
        [
            "7 Credit - +- 47 -12.00 EUR",
            "1 Asked firm +firm 16 88.00 EUR",
            "6 Disputed - +- 14 15.00 EUR",
            "2 Late reminder +reminder 7 40.00 EUR",
            "3 DueSoon courtesy +courtesy 0 30.00 EUR",
            "4 DueSoon courtesy +courtesy -5 20.00 EUR",
        ]
    );
    assert_eq!(plan.asked, eur("88.00"), "asked is what stands at the letter's own stage, after its credit");
    assert_eq!(skipped(&plan), ["2 courtesy due_date_passed"].as_slice(), "what was passed over, for each invoice");
}

#[test]
fn r5_invoices_at_the_same_stage_are_asked_for_together() {
    let scene = Scene::new(standard()).with(1, "2026-06-01", "100.00").with(2, "2026-06-02", "50.50");
    let plan = scene.sent("2026-06-08 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 150.50 EUR [1:Asked=reminder 2:Asked=reminder]");
}

#[test]
fn r5_a_row_that_a_person_holds_or_that_is_doubtful_is_not_shown() {
    let scene = Scene::new(standard());
    let mut scene = (1..=5).fold(scene, |s, pk| s.with(pk, "2026-06-01", "100.00"));
    scene.row(2).holds.push(Hold {
        id: 9,
        kind: HoldKind::Operator,
        until: day("2026-06-09"),
        reason: "call".to_owned(),
        part: None,
    });
    scene.row(3).invoice.presence = Presence::Missing;
    scene.row(4).invoice.presence = Presence::Unreadable;
    scene.row(5).invoice.status = RowStatus::Draft;
    assert_eq!(scene.shows("2026-06-08 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
    // R19: the hold has an end.
    let plan = scene.sent("2026-06-09 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 200.00 EUR [1:Asked=reminder 2:Asked=reminder]");
}

#[test]
fn r5_late_at_an_earlier_stage_is_listed_and_not_asked_for() {
    let scene = Scene::new(standard()).with(1, "2026-06-01", "100.00").with(2, "2026-06-05", "40.00");
    let scene = scene.had(1, "reminder", MarkKind::Left, "2026-06-05").had(2, "reminder", MarkKind::Left, "2026-06-11");
    let plan = scene.sent("2026-06-16 10:00");
    assert_eq!(shown(&scene, &plan), "firm 100.00 EUR [1:Asked=firm 2:Late]");
}

#[test]
fn r5_invoices_far_from_due_are_not_listed() {
    let scene =
        Scene::new(standard()).with(1, "2026-06-01", "100.00").with(2, "2026-06-19", "40.00").with(3, "2026-06-20", "40.00");
    let plan = scene.sent("2026-06-05 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 100.00 EUR [1:Asked=reminder 2:DueSoon]");
}

#[test]
fn r5_group_invoice_gives_one_message_for_each() {
    let mut scene =
        Scene::new(standard()).with(1, "2026-06-01", "100.00").with(2, "2026-06-02", "50.00").with(3, "2026-06-03", "9.00");
    scene.cadence.group = Group::Invoice;
    let plan = scene.accepted("2026-06-09 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 100.00 EUR [1:Asked=reminder]");
    assert_eq!(scene.line("2026-06-09 11:00"), "wait ceiling 2026-06-10 09:00 relance");
    let plan = scene.accepted("2026-06-10 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 50.00 EUR [2:Asked=reminder]");
    // The third is below the minimum on its own (R12).
    assert!(scene.explained("2026-06-12 10:00").iter().any(|l| l.starts_with("R12 no")));
}

#[test]
fn r5_group_invoice_one_invoices_spacing_does_not_hold_up_another() {
    let steps = vec![
        step("reminder", "3 days after due"),
        ranked(crate::domain::step::Rank::Reminder, step("again", "4 days after due")),
    ];
    let mut scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00").with(2, "2026-06-05", "50.00");
    scene.cadence.group = Group::Invoice;
    scene.cadence.spacing = delay("10 days");
    assert_eq!(scene.leaves("2026-06-04 10:00"), "reminder 100.00 EUR [1:Asked=reminder]");
    assert_eq!(scene.line("2026-06-05 10:00"), "wait spacing 2026-06-08 09:00 relance");
    assert_eq!(scene.line("2026-06-08 10:00"), "wait spacing 2026-06-09 09:00 relance", "the second is not booked yet");
    // "again" for the first came before, but waits for its spacing; the second invoice goes meanwhile.
    assert_eq!(scene.shows("2026-06-10 10:00"), "again 50.00 EUR [2:Asked=again]");
}

#[test]
fn r5_a_formal_notice_takes_nothing_along_and_lists_only_its_stage() {
    let steps =
        vec![step("reminder", "3 days after due"), step("formal", "9 days after due"), step("handoff", "20 days after due")];
    let two = |first: &str, second: &str| {
        let scene = Scene::new(cadence(steps.clone())).with(1, "2026-05-04", first).with(2, "2026-06-01", second);
        let scene = scene.had(1, "formal", MarkKind::Left, "2026-05-20").had(2, "reminder", MarkKind::Left, "2026-06-05");
        scene.with(3, "2026-06-09", "80.00").with(4, "2026-06-16", "70.00").with_credit(5, "-1.00", Some("F-2"))
    };
    let mut scene = two("6.00", "50.00");
    let plan = scene.accepted("2026-06-12 10:00");
    assert_eq!(shown(&scene, &plan), "formal 49.00 EUR [5:Credit 2:Asked=formal]");
    // The others have their message when it is their turn.
    assert_eq!(scene.line("2026-06-12 10:01"), "wait spacing 2026-06-17 09:00 relance");
    assert_eq!(scene.shows("2026-06-17 10:00"), "reminder 80.00 EUR [5:Credit 1:Late 2:Late 3:Asked=reminder 4:DueSoon]");
    let mut scene = two("6.00", "8.00");
    scene.file.rows.truncate(2);
    assert_eq!(
        scene.line("2026-06-12 10:00"),
        "wait below_minimum never relance",
        "worth a letter together, but not a formal one"
    );
}

#[test]
fn every_live_line_carries_its_own_stage() {
    let scene = several();
    for line in scene.sent("2026-06-17 10:00").lines {
        if matches!(line.section, Section::Asked | Section::Late) {
            assert!(line.stage.is_some() && line.rank.is_some(), "{line:?}");
        }
    }
}
