//! Envelope and DATA in one write, where the server offers pipelining: each answer still counts for itself.

use crate::support::{Act, Config, Offers, Row, Smtp, Stage, World};

async fn world(server: &Smtp, debtors: usize) -> World {
    let rows: Vec<Row> = (1..=debtors).map(|n| Row::new(&format!("F-{n}"), &format!("C{n}"))).collect();
    World::with(Config::mail(server.port), &rows).await
}

async fn pipelining() -> Smtp {
    Smtp::with(Offers { pipelining: true, ..Offers::default() }).await
}

#[tokio::test]
async fn messages_leave_whole() {
    let server = pipelining().await;
    let world = world(&server, 3).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"; 3]);
    assert_eq!(server.accepted().len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn a_refused_recipient_ends_only_its_own_message() {
    let server = pipelining().await;
    server.always("c2@client.example", Act::Reply(Stage::Rcpt, 550, "5.1.1 unknown"));
    let world = world(&server, 3).await;
    world.plan().await;
    let delivered = world.deliver().await;
    assert_eq!((delivered.accepted, delivered.refused), (2, 1));
    assert_eq!(world.peek("SELECT address FROM point").await, ["c2@client.example"]);
    assert!(server.to("c2@client.example").iter().all(|t| t.bytes.is_empty()), "nothing of the message left");
    world.finish().await;
}

#[tokio::test]
async fn a_refused_sender_is_read_as_such() {
    let server = pipelining().await;
    server.next(&[Act::Reply(Stage::Mail, 451, "4.3.0 try later")]);
    let world = world(&server, 1).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["deferred email reminder server"]);
    assert_eq!(server.accepted().len(), 0);
    world.finish().await;
}
