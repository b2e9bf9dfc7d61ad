//! The operator's word on what was said, and what follows from it; what was said and decided stays on record.

use super::Desk;
use crate::support::Row;
use relance::domain::step::TaskKind;
use relance::flow::answers::{DecideError, Ruling, decide};
use relance::store::tasks::TaskEnd;

async fn yes(desk: &Desk, id: i64, change: impl FnOnce(&mut Ruling)) -> Result<String, String> {
    let mut ruling = Ruling { accept: true, by: Some("anne".to_owned()), ..Ruling::default() };
    change(&mut ruling);
    said(desk, id, &ruling).await
}

async fn no(desk: &Desk, id: i64) -> Result<String, String> {
    said(desk, id, &Ruling { reason: Some("not so".to_owned()), ..Ruling::default() }).await
}

async fn said(desk: &Desk, id: i64, ruling: &Ruling) -> Result<String, String> {
    match decide(desk.world.desk(), id, ruling, desk.world.clock.now()).await {
        Ok(decided) => Ok(decided.text),
        Err(DecideError::Wrong(text)) => Err(text),
        Err(e) => panic!("{e}"),
    }
}

#[tokio::test]
async fn a_payment_that_is_believed_is_waited_for() {
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    desk.answer(&desk.link("C1"), "paid", &[("on", "2026-10-30")]).await;
    assert!(yes(&desk, 1, |_| {}).await.unwrap().contains("2026-11-17"));
    assert_eq!(desk.holds().await, ["answer F-1 2026-11-09 ended", "operator F-1 2026-11-17"]);
    assert_eq!(desk.world.peek("SELECT state || ' ' || said_by FROM proposal").await, ["accepted anne"]);
    assert!(yes(&desk, 1, |_| {}).await.unwrap_err().contains("does not wait"), "once");
    desk.world.plan().await;
    assert_eq!(desk.world.reasons().await, ["held 1"]);
    desk.finish().await;
}

#[tokio::test]
async fn what_is_refused_goes_on_and_its_history_stays() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C2"), Row::new("F-3", "C3")]).await;
    desk.answer(&desk.link("C1"), "promise", &[("on", "2026-11-09")]).await;
    desk.answer(&desk.link("C2"), "missing", &[]).await;
    assert!(no(&desk, 1).await.is_ok() && no(&desk, 2).await.is_ok());
    assert!(desk.holds().await.iter().all(|h| h.ends_with(" ended")), "{:?}", desk.holds().await);
    assert_eq!(desk.world.peek("SELECT state FROM promise").await, ["replaced"], "a promise that nobody took is not broken");
    assert_eq!(desk.world.peek("SELECT state FROM task").await, ["closed"]);
    assert_eq!(desk.world.peek("SELECT state || ' ' || reason FROM proposal").await, ["refused not so"; 2]);
    assert_eq!(
        desk.world.peek("SELECT kind || ' ' || text FROM event WHERE kind LIKE 'proposal%' ORDER BY pk").await,
        ["proposal_refused proposal 1: not so", "proposal_refused proposal 2: not so"]
    );
    desk.world.plan().await;
    assert_eq!(desk.world.reasons().await, ["not_yet 3"]);
    // The same once more holds nothing: a person has looked at it.
    desk.answer(&desk.link("C2"), "missing", &[("words", "again")]).await;
    assert!(desk.holds().await.iter().all(|h| h.ends_with(" ended")));
    desk.finish().await;
}

#[tokio::test]
async fn a_dispute_is_opened_with_its_part() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C2"), Row::new("F-3", "C2")]).await;
    desk.answer(&desk.link("C1"), "wrong", &[("words", "half was late")]).await;
    let key = (desk.key("F-2").await, desk.key("F-3").await);
    desk.answer(&desk.link("C2"), "wrong", &[("words", "never ordered"), ("i", &key.0), ("i", &key.1)]).await;
    for bad in ["0", "120.00", "-1", "x"] {
        assert!(yes(&desk, 1, |r| r.amount = Some(bad.to_owned())).await.unwrap_err().contains("--amount"), "{bad}");
    }
    yes(&desk, 1, |r| r.amount = Some("45.00".to_owned())).await.unwrap();
    assert!(yes(&desk, 2, |r| r.amount = Some("45.00".to_owned())).await.unwrap_err().contains("several"));
    yes(&desk, 2, |r| r.until = Some("2026-11-20".parse().unwrap())).await.unwrap();
    let holds = desk
        .world
        .peek("SELECT kind || ' ' || coalesce(part, 0) || ' ' || until_day FROM hold WHERE ended_at IS NULL ORDER BY pk")
        .await;
    assert_eq!(holds, ["dispute 4500 2026-12-01", "dispute 0 2026-11-20", "dispute 0 2026-11-20"]);
    desk.world.plan().await;
    let mut reasons = desk.world.reasons().await;
    reasons.sort();
    assert_eq!(reasons, ["disputed 1", "not_yet 1"]);
    desk.finish().await;
}

#[tokio::test]
async fn an_arrangement_needs_its_day_and_a_late_promise_can_be_taken() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C2")]).await;
    desk.answer(&desk.link("C1"), "arrangement", &[("words", "three parts")]).await;
    desk.answer(&desk.link("C2"), "promise", &[("on", "2026-11-30")]).await;
    assert!(yes(&desk, 1, |_| {}).await.unwrap_err().contains("--until"));
    for bad in ["2026-11-02", "2028-01-01"] {
        assert!(yes(&desk, 1, |r| r.until = Some(bad.parse().unwrap())).await.unwrap_err().contains("--until"), "{bad}");
    }
    yes(&desk, 1, |r| (r.until, r.reason) = (Some("2026-12-01".parse().unwrap()), Some("a third a month".to_owned())))
        .await
        .unwrap();
    yes(&desk, 2, |_| {}).await.unwrap();
    assert_eq!(desk.holds().await, ["answer F-1 2026-11-09 ended", "operator F-1 2026-12-01", "promise F-2 2026-12-03"]);
    assert_eq!(desk.world.peek("SELECT state || ' ' || until_day FROM promise").await, ["open 2026-11-30"]);
    desk.finish().await;
}

#[tokio::test]
async fn another_person_is_a_task_and_never_an_address() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C2")]).await;
    desk.answer(&desk.link("C1"), "person", &[("words", "Ask boss@elsewhere.example")]).await;
    desk.answer(&desk.link("C2"), "papers", &[("words", "the order, please")]).await;
    let today = "2026-11-02".parse().unwrap();
    let tasks = desk.world.store().tasks_to_do(TaskKind::Task, false, today).await.unwrap();
    assert_eq!(tasks.len(), 2);
    assert!(tasks[0].text.contains("boss@elsewhere.example") && tasks[1].text.contains("the order, please"), "{tasks:?}");
    // Nobody is written to there.
    desk.world.set("2026-11-12T10:00:00+01:00");
    desk.world.round().await;
    assert!(desk.smtp.to("boss@elsewhere.example").is_empty());
    assert_eq!(desk.smtp.to("c1@client.example").len(), 2);
    // Doing the task is a word on the proposal, and the other way round.
    assert!(desk.world.store().end_task(tasks[0].id, TaskEnd::Done, "asked there", today, desk.world.clock.now()).await.unwrap());
    yes(&desk, 2, |_| {}).await.unwrap();
    assert_eq!(desk.world.peek("SELECT state FROM proposal").await, ["accepted", "accepted"]);
    assert_eq!(desk.world.peek("SELECT state FROM task").await, ["done", "done"]);
    desk.finish().await;
}
