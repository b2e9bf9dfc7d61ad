//! A person's word on what the bank shows.

use super::{Line, came, drop_file, planned, statement, step};
use crate::support::{Smtp, World};
use relance::flow::bank::{Said, refuse, take};

async fn said(world: &World, done: Result<Said, relance::flow::DeskError>) -> String {
    world.plan().await;
    world.deliver().await;
    match done.unwrap() {
        Said::Done(text) => text,
        Said::Not(text) => format!("NOT: {text}"),
    }
}

fn slipped() -> Line {
    Line { reference: "010806817193", ..came("A", "120.00") }
}

#[tokio::test]
async fn what_is_taken_is_held_until_the_ledger_has_it() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[slipped()]));
    step(&world).await;
    let done = take(world.desk(), 1, None, Some("Anne"), world.clock.now()).await;
    assert!(said(&world, done).await.starts_with("F-1 is not written about"));
    for _ in 0..6 {
        world.days(1);
        world.round().await;
    }
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.peek("SELECT state || said_by FROM bank_entry").await, ["matchedAnne"]);
    world.finish().await;
}

#[tokio::test]
async fn what_is_refused_holds_nothing() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[came("A", "120.00")]));
    step(&world).await;
    let done = refuse(world.desk(), 1, "paid for another firm", None, world.clock.now()).await;
    assert!(said(&world, done).await.contains("goes on"));
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    let again = refuse(world.desk(), 1, "again", None, world.clock.now()).await;
    assert_eq!(said(&world, again).await, "NOT: 1 is refused; there is nothing to say about it any more");
    let unknown = take(world.desk(), 7, None, None, world.clock.now()).await;
    assert!(said(&world, unknown).await.starts_with("NOT: there is no entry 7"));
    world.finish().await;
}

#[tokio::test]
async fn money_that_went_out_takes_back_what_a_person_says() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    let out = Line { credit: false, ..came("B", "120.00") };
    drop_file(&world, "s1.xml", statement("1", &[came("A", "120.00"), out]));
    step(&world).await;
    let done = take(world.desk(), 2, None, None, world.clock.now()).await;
    assert!(said(&world, done).await.contains("was taken back"));
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    assert_eq!(world.peek("SELECT state FROM bank_entry ORDER BY pk").await, ["reversed", "done"]);
    world.finish().await;
}

#[tokio::test]
async fn an_invoice_may_be_named() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[Line { reference: "", ..came("A", "120.00") }]));
    step(&world).await;
    let done = take(world.desk(), 1, None, None, world.clock.now()).await;
    assert!(said(&world, done).await.starts_with("NOT: it is not known which invoice 1 pays"));
    let done = take(world.desk(), 1, Some(1), None, world.clock.now()).await;
    assert!(said(&world, done).await.starts_with("F-1 is not written about"));
    world.finish().await;
}
