//! How long what the bank shows is held: until the ledger has it, or a person says.

use super::{Line, came, drop_file, planned, statement, step};
use crate::support::{Smtp, World};

async fn daily(world: &World, days: i64) {
    for _ in 0..days {
        world.days(1);
        world.round().await;
        step(world).await;
        world.plan().await;
        world.deliver().await;
    }
}

#[tokio::test]
async fn when_the_ledger_does_not_book_it_a_person_is_asked_and_nothing_leaves() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[came("A", "120.00")]));
    step(&world).await;
    daily(&world, 14).await;
    assert_eq!(world.alerts().await, Vec::<String>::new(), "ten bank days, and a holiday among them");
    daily(&world, 30).await;
    assert_eq!(server.state().connections, 0, "whoever has paid is not reminded because nobody has booked it");
    assert_eq!(world.alerts().await, ["bank:1"]);
    assert_eq!(world.store().bank_to_decide().await.unwrap(), 1);
    world.pay("F-1").await;
    world.round().await;
    assert_eq!(world.alerts().await, Vec::<String>::new());
    assert_eq!(world.store().bank_to_decide().await.unwrap(), 0);
    world.finish().await;
}

#[tokio::test]
async fn it_ends_also_where_the_folder_is_configured_no_more() {
    let server = Smtp::start().await;
    let mut world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[came("A", "120.00")]));
    step(&world).await;
    world.reconfigure(|config| config.file("conf.d/bank.toml", "")).await;
    world.pay("F-1").await;
    world.round().await;
    assert_eq!(world.peek("SELECT state FROM bank_match").await, ["booked"]);
    world.finish().await;
}

#[tokio::test]
async fn a_part_rests_the_invoice_until_it_is_booked_and_then_shows_it() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[came("A", "50.00")]));
    assert_eq!(step(&world).await.matched, 1);
    daily(&world, 2).await;
    assert_eq!(server.state().connections, 0);
    world.change("F-1", "balance", "70.00").await;
    daily(&world, 1).await;
    assert_eq!(world.peek("SELECT state FROM bank_match").await, ["booked"]);
    assert_eq!(server.state().connections, 0, "three working days after a part payment (R12)");
    daily(&world, 5).await;
    let text = server.only().parsed().text().to_owned();
    assert!(text.contains("70,00\u{a0}€"), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn a_slip_in_the_reference_gives_three_bank_days() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[Line { reference: "010806817193", ..came("A", "120.00") }]));
    let round = step(&world).await;
    assert_eq!((round.matched, round.proposed), (0, 1));
    world.plan().await;
    world.deliver().await;
    world.plan().await;
    assert_eq!(world.reasons().await, ["paid_perhaps 1"]);
    daily(&world, 2).await;
    assert_eq!(server.state().connections, 0);
    daily(&world, 2).await;
    assert_eq!(server.accepted().len(), 1, "nobody said anything, so it goes on");
    assert_eq!(world.store().bank_to_decide().await.unwrap(), 1, "and it still waits for a word");
    world.finish().await;
}
