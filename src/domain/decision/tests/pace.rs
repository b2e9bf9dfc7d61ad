//! R6, R9 and the brakes: how often, at which hours, and when nothing leaves at all.

use super::build::*;
use crate::domain::case::{ContactState, Hold, HoldKind, MarkKind};
use crate::domain::debtor::CustomerKind;
use crate::domain::debtor::State;
use crate::domain::decision::{Actor, Brake, Verdict};
use crate::domain::reason::Reason;
use crate::domain::step::Channel;
use jiff::tz::TimeZone;

fn due() -> Scene {
    Scene::new(standard()).with(1, "2026-06-01", "100.00")
}

#[test]
fn r6_spacing_counts_what_left_or_may_have_left() {
    let scene = due().contacted("2026-06-04 16:00", ContactState::Left, &[9]);
    // Thursday and three working days.
    assert_eq!(scene.line("2026-06-05 10:00"), "wait spacing 2026-06-09 09:00 relance");
    assert!(matches!(scene.at("2026-06-09 09:00").verdict, Verdict::Send(_)));
    let mut scene = due().contacted("2026-06-04 16:00", ContactState::Maybe, &[9]);
    scene.file.contacts[0].case = key(crate::domain::currency::Currency::parse("USD").unwrap());
    assert_eq!(scene.line("2026-06-05 10:00"), "wait spacing 2026-06-09 09:00 relance", "another case of the same debtor");
}

#[test]
fn r6_when_spacing_ends_only_the_furthest_due_step_leaves() {
    let steps = vec![
        step("courtesy", "5 days before due"),
        step("reminder", "3 days after due"),
        ranked(crate::domain::step::Rank::Reminder, step("again", "4 days after due")),
    ];
    let scene = Scene::new(cadence(steps)).with(1, "2026-06-01", "100.00").with(2, "2026-06-12", "50.00");
    let mut scene = scene.contacted("2026-06-04 16:00", ContactState::Left, &[9]);
    let plan = scene.accepted("2026-06-09 10:00");
    assert_eq!(shown(&scene, &plan), "again 100.00 EUR [1:Asked=again 2:DueSoon=courtesy]");
    assert_eq!(skipped(&plan), ["1 courtesy due_date_passed", "1 reminder overtaken"]);
    assert_eq!(scene.line("2026-06-09 10:01"), "wait not_yet 2026-06-15 09:00 relance");
}

#[test]
fn r6_one_a_day_three_in_seven_days_five_in_thirty() {
    let open = |contacts: &[&str]| {
        let mut scene = due();
        scene.cadence.spacing = delay("0 days");
        contacts.iter().fold(scene, |s, at| s.contacted(at, ContactState::Left, &[9]))
    };
    assert_eq!(open(&["2026-06-10 09:00"]).line("2026-06-10 16:00"), "wait ceiling 2026-06-11 09:00 relance");
    let week = open(&["2026-06-05 10:00", "2026-06-08 10:00", "2026-06-09 10:00"]);
    assert_eq!(week.line("2026-06-11 10:00"), "wait ceiling 2026-06-12 09:00 relance");
    assert!(matches!(week.at("2026-06-12 10:00").verdict, Verdict::Send(_)));
    let month = ["2026-05-18 10:00", "2026-05-20 10:00", "2026-05-27 10:00", "2026-06-02 10:00", "2026-06-09 10:00"];
    // The fifth contact of 30 days leaves them on 17 June; a consumer's fourth is one too many already.
    assert_eq!(open(&month).line("2026-06-16 10:00"), "wait ceiling 2026-06-17 09:00 relance");
    assert!(matches!(open(&month[1..]).at("2026-06-16 10:00").verdict, Verdict::Send(_)));
    let mut consumer = open(&month[1..]);
    consumer.file.debtor.kind = Some(CustomerKind::Consumer);
    assert_eq!(consumer.line("2026-06-16 10:00"), "wait ceiling 2026-06-19 09:00 relance");
    let words = consumer.explained("2026-06-16 10:00");
    assert!(
        words.contains(&"R6 no: contacts in 30 days: 4, and at most 4 ([guard] contacts_per_30_days_consumer)".to_owned()),
        "{words:?}"
    );
}

#[test]
fn r6_what_is_in_hand_for_another_case_counts_too() {
    let mut scene = due().contacted("2026-06-05 09:00", ContactState::InHand, &[9]);
    scene.cadence.spacing = delay("0 days");
    scene.file.contacts[0].case.cadence = "other".to_owned();
    assert_eq!(scene.line("2026-06-05 10:00"), "wait ceiling 2026-06-08 09:00 relance");
}

#[test]
fn r6_one_step_on_two_channels_is_one_contact() {
    let mut scene = Scene::new(cadence(vec![by_both(step("reminder", "3 days after due"))])).with(1, "2026-06-01", "100.00");
    assert_eq!(scene.accepted("2026-06-04 10:00").way.to().len(), 2);
    assert_eq!(scene.file.contacts.len(), 1);
    let scene = scene.with(2, "2026-06-02", "50.00");
    let words = scene.explained("2026-06-09 10:00").join("\n");
    assert!(words.contains("R6 yes: contacts today: 0, and at most 1") && words.contains("contacts in 7 days: 1"), "{words}");
}

#[test]
fn the_message_about_to_leave_does_not_stand_in_its_own_way() {
    let mut scene = due();
    let now = scene.instant("2026-06-05 10:00");
    let plan = scene.sent("2026-06-05 10:00");
    scene.mark(&plan, now, MarkKind::InHand, ContactState::InHand);
    assert_eq!(scene.line("2026-06-05 10:00"), "wait in_hand never relance");
    let world = crate::domain::decision::World { own: Some(1), ..scene.world(now) };
    let again = crate::domain::decision::decide(
        &scene.file,
        &key(crate::domain::currency::Currency::EUR),
        &world,
        &mut crate::domain::decision::NoTrace,
    );
    assert_eq!(again.verdict, Verdict::Send(plan));
}

#[test]
fn r9_dates_and_hours_are_the_debtors() {
    let in_zone = |zone: &str| {
        let mut scene = due();
        scene.zone = TimeZone::get(zone).unwrap();
        scene
    };
    // The same instant: midday on Friday in Brussels, still 06:00 in New York, already midnight in Auckland.
    assert!(matches!(in_zone("Europe/Brussels").at("2026-06-05 12:00").verdict, Verdict::Send(_)));
    assert_eq!(in_zone("America/New_York").line("2026-06-05 06:00"), "wait outside_window 2026-06-05 09:00 relance");
    assert_eq!(in_zone("Pacific/Auckland").line("2026-06-05 22:00"), "wait outside_window 2026-06-08 09:00 relance");
    // Tuesday evening in Honolulu is Wednesday elsewhere: what is due there is counted there.
    assert_eq!(in_zone("Pacific/Honolulu").line("2026-06-04 23:59"), "wait not_yet 2026-06-05 09:00 relance");
}

#[test]
fn r9_what_falls_outside_the_window_is_decided_again_when_it_opens() {
    assert_eq!(due().line("2026-06-05 17:30"), "wait outside_window 2026-06-08 09:00 relance");
    let mut scene = due();
    scene.cadence.calendar = Some(std::sync::Arc::new(calendar(&[day("2026-06-08")])));
    // With a holiday on Monday the reminder is one working day later, and so is the window.
    assert_eq!(scene.line("2026-06-05 17:30"), "wait outside_window 2026-06-09 09:00 relance");
    assert_eq!(scene.line("2026-06-08 10:00"), "wait outside_window 2026-06-09 09:00 relance");
    // By SMS a Saturday will do (R21).
    scene.file.points.retain(|p| p.channel == Channel::Sms);
    assert_eq!(scene.line("2026-06-05 19:00"), "wait outside_window 2026-06-06 09:00 relance");
    assert!(matches!(scene.at("2026-06-06 18:59").verdict, Verdict::Send(_)));
}

#[test]
fn r9_a_step_on_two_channels_waits_for_both_windows() {
    let mut scene = Scene::new(cadence(vec![by_both(step("reminder", "3 days after due"))])).with(1, "2026-06-01", "100.00");
    scene.cadence.sms_window = window("mon-fri", 11, 19);
    assert_eq!(scene.line("2026-06-04 10:00"), "wait outside_window 2026-06-04 11:00 relance");
    assert!(matches!(scene.at("2026-06-04 11:00").verdict, Verdict::Send(_)));
}

#[test]
fn r9_a_window_that_opens_in_the_gap_opens_at_its_end() {
    let mut scene = Scene::new(cadence(vec![step("reminder", "3 days after due")])).with(1, "2026-03-26", "100.00");
    scene.cadence.window = crate::domain::time::Window { days: [true; 7], from_minute: 150, to_minute: 300 };
    scene.cadence.sms_window = scene.cadence.window.clone();
    scene.booked = crate::domain::decision::Booked::Lag(delay("0 days"));
    scene.policy.grace = delay("0 days");
    // 02:30 does not exist on 29 March: the clocks go from 02:00 to 03:00.
    let decision = scene.at("2026-03-28 12:00");
    assert_eq!(decision.next.unwrap().to_string(), "2026-03-29T01:00:00Z");
    assert!(matches!(scene.at("2026-03-29 03:00").verdict, Verdict::Send(_)));
}

#[test]
fn r9_in_a_fold_the_window_opens_at_the_earlier_instant() {
    let mut scene = Scene::new(cadence(vec![step("reminder", "3 days after due")])).with(1, "2026-10-22", "100.00");
    scene.cadence.window = crate::domain::time::Window { days: [true; 7], from_minute: 150, to_minute: 300 };
    scene.cadence.sms_window = scene.cadence.window.clone();
    scene.booked = crate::domain::decision::Booked::Lag(delay("0 days"));
    scene.policy.grace = delay("0 days");
    let decision = scene.at("2026-10-24 12:00");
    assert_eq!(decision.next.unwrap().to_string(), "2026-10-25T00:30:00Z");
}

#[test]
fn brakes_stop_what_would_leave_and_say_who_acts() {
    let braked = |reason: Reason| {
        let mut scene = due();
        scene.brakes = vec![Brake::new(reason, "the value that blocks".to_owned())];
        scene
    };
    for (reason, by) in [
        (Reason::StaleData, Actor::Relance),
        (Reason::PollFailed, Actor::Relance),
        (Reason::LedgerShrunk, Actor::Operator),
        (Reason::DryRun, Actor::Operator),
    ] {
        let scene = braked(reason);
        let decision = scene.at("2026-06-05 10:00");
        assert_eq!((&decision.verdict, decision.reason, decision.next, decision.next_by), (&Verdict::Wait, reason, None, by));
        assert!(scene.explained("2026-06-05 10:00").contains(&"R14 no: the value that blocks".to_owned()));
        assert_eq!(scene.line("2026-06-04 10:00"), "wait not_yet 2026-06-05 09:00 relance", "nothing to stop yet");
    }
}

#[test]
fn r15_r19_what_stands_against_the_debtor_as_a_whole() {
    let mut scene = due();
    scene.file.debtor.state = Some(State::Insolvency);
    assert_eq!(scene.line("2026-06-05 10:00"), "hold debtor_state never operator");
    let mut scene = due();
    let hold =
        |until: &str| Hold { id: 3, kind: HoldKind::Operator, until: day(until), reason: "promised".to_owned(), part: None };
    scene.file.holds = vec![hold("2026-06-09"), hold("2026-06-13"), hold("2026-06-05")];
    // The last one counts; it ends on a Saturday, on which an SMS could leave.
    assert_eq!(scene.line("2026-06-05 10:00"), "hold held 2026-06-13 09:00 operator");
    assert!(scene.explained("2026-06-05 10:00").contains(&"R19 no: hold 3 until 2026-06-13: promised".to_owned()));
    assert_eq!(scene.line("2026-06-13 09:00"), "wait outside_window 2026-06-15 09:00 relance");
}
