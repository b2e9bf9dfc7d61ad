//! Messages that may or may not have left: never read as refused, never as accepted, never lost, and sent
//! again only under the same name.

use crate::support::{Act, Config, Row, Smtp, Stage, World};
use relance::domain::step::Channel;
use relance::store::payloads::Payload;
use std::time::Duration;

/// A relay with one connection and a short deadline.
fn impatient(server: &Smtp) -> Config {
    Config::mail(server.port).email_line("connections = 1").email_line("timeout = \"1s\"")
}

/// A doubtful end of the first try; the message goes again a minute later, under the same name.
async fn sent_again_after(act: Act) {
    let server = Smtp::start().await;
    server.next(&[act]);
    let world = World::with(impatient(&server), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    let delivered = world.deliver().await;
    assert_eq!((delivered.unknown, delivered.accepted, delivered.broken), (1, 0, 0), "{act:?}");
    assert_eq!(world.outcomes().await, ["unknown email reminder network"]);
    world.deliver().await;
    assert_eq!(server.begun().len(), 1, "not at once: the server may be in trouble");
    world.minutes(1);
    world.round().await;
    assert_eq!(world.outcomes().await, ["unknown email reminder network", "accepted email reminder"]);
    let mails = server.whole();
    assert!(mails.iter().all(|m| m.message_id() == mails[0].message_id()), "the same Message-ID, so that a double can be known");
    let planned = world.peek("SELECT message_id FROM message").await;
    assert_eq!(mails.last().unwrap().message_id(), format!("<{}>", planned[0]));
    world.days(1);
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn silence_before_the_message_is_read_is_doubt() {
    sent_again_after(Act::Silent(Stage::Body)).await;
}

#[tokio::test]
async fn silence_after_the_final_dot_is_doubt() {
    sent_again_after(Act::Silent(Stage::Dot)).await;
}

#[tokio::test]
async fn a_connection_cut_after_the_final_dot_is_doubt() {
    sent_again_after(Act::Close(Stage::Dot)).await;
}

#[tokio::test]
async fn a_connection_cut_while_the_message_is_sent_is_doubt() {
    sent_again_after(Act::Close(Stage::Body)).await;
}

#[tokio::test]
async fn silence_before_the_go_ahead_is_no_doubt_nothing_has_left() {
    let server = Smtp::start().await;
    server.next(&[Act::Silent(Stage::Data)]);
    let world = World::with(impatient(&server), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    assert_eq!(world.deliver().await.unknown, 0);
    world.minutes(2);
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["deferred email reminder network", "accepted email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn with_hold_a_person_decides_and_nothing_is_sent_again() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot)]);
    let world = World::with(impatient(&server).email_line("when_uncertain = \"hold\""), &[Row::new("F-1", "C1")]).await;
    for _ in 0..3 {
        world.round().await;
        world.days(8);
    }
    assert_eq!(server.begun().len(), 1);
    assert_eq!(world.queue().await, ["uncertain 1"]);
    assert_eq!(world.reasons().await, ["uncertain 1"], "nothing firmer leaves while the reminder is in doubt");
    let uncertain = world.store().uncertain().await.unwrap();
    assert_eq!((uncertain[0].debtor.as_str(), uncertain[0].step.as_str()), ("C1", "reminder"));
    world.poll().await;
    world.review().await;
    assert_eq!(world.alerts().await, ["uncertain"]);
    assert_eq!(server.to("compta@canal.example").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn after_three_doubts_only_a_person_decides() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot); 3]);
    let world = World::with(impatient(&server), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    for _ in 0..6 {
        world.deliver().await;
        world.minutes(5);
    }
    assert_eq!(world.outcomes().await, vec!["unknown email reminder network"; 3]);
    assert_eq!(server.begun().len(), 3);
    assert_eq!(world.queue().await, ["uncertain 1"]);
    world.finish().await;
}

#[tokio::test]
async fn a_late_250_is_never_read_as_the_answer_to_the_next_message() {
    let server = Smtp::start().await;
    server.next(&[Act::Late(Duration::from_millis(1400)), Act::Reply(Stage::Dot, 554, "5.7.1 refused"), Act::Accept]);
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2"), Row::new("F-3", "C3")];
    let world = World::with(impatient(&server), &rows).await;
    world.plan().await;
    world.deliver().await;
    let mut outcomes = world.outcomes().await;
    outcomes.sort();
    assert_eq!(
        outcomes,
        ["accepted email reminder", "refused email reminder message", "unknown email reminder network"],
        "each answer belongs to its own message"
    );
    let connections: Vec<usize> = server.begun().iter().map(|t| t.connection).collect();
    assert_eq!(connections, [1, 2, 2], "a connection in doubt is not used again");
    assert_eq!(world.whose("unknown").await, ["C1"]);
    assert_eq!(world.whose("refused").await, ["C2"]);
    assert_eq!(world.whose("accepted").await, ["C3"]);
    // Later the server's late word still changes nothing.
    world.minutes(1);
    world.deliver().await;
    assert_eq!(server.whole().iter().filter(|t| t.to == "c1@client.example").count(), 2);
    assert_eq!(world.whose("accepted").await, ["C3", "C1"]);
    world.finish().await;
}

#[tokio::test]
async fn a_refusal_after_a_cut_is_a_refusal() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot), Act::Reply(Stage::Rcpt, 550, "5.1.1 no such user")]);
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2")];
    let world = World::with(impatient(&server), &rows).await;
    world.plan().await;
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["unknown email reminder network", "refused email reminder address"]);
    assert_eq!(world.peek("SELECT address FROM point").await, ["c2@client.example"]);
    world.finish().await;
}

#[tokio::test]
async fn an_answer_out_of_turn_is_never_an_acceptance() {
    let server = Smtp::start().await;
    // 250 instead of 354: the server is one answer behind; 354 instead of 250: so is what comes next.
    server.next(&[Act::Reply(Stage::Data, 250, "2.1.5 recipient"), Act::Reply(Stage::Dot, 354, "go ahead")]);
    let world = World::with(impatient(&server), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    world.deliver().await;
    world.minutes(2);
    world.deliver().await;
    world.minutes(5);
    world.deliver().await;
    assert_eq!(
        world.outcomes().await,
        ["deferred email reminder network", "unknown email reminder network", "accepted email reminder"]
    );
    world.finish().await;
}

#[tokio::test]
async fn a_doubt_that_is_followed_by_a_payment_ends_there() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot)]);
    let world = World::with(impatient(&server), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    world.pay("F-1").await;
    world.minutes(1);
    world.round().await;
    assert_eq!(world.outcomes().await, ["unknown email reminder network", "cancelled email reminder paid"]);
    assert_eq!(server.begun().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn after_a_crash_the_doubt_is_on_record_before_anything_is_sent_again() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2"), Row::new("F-3", "C3")];
    let mut world = World::with(Config::mail(server.port), &rows).await;
    world.plan().await;
    let now = world.clock.now();
    // As the deliverer does it: two claimed, one of them marked as about to leave. Then the power fails.
    let claimed = world.store().claim(Channel::Email, now, 2, None).await.unwrap();
    let bytes = b"Message-ID: <as-it-left@canal.example>\r\n\r\nwords\r\n";
    let payload = Payload::new(&claimed[0].address, bytes).unwrap();
    world.store().mark_sending(&[(claimed[0].pk, payload)], now).await.unwrap();
    let mut queue = world.queue().await;
    queue.sort();
    assert_eq!(queue, ["leased 1", "queued 1", "sending 1"]);
    world.crash().await;
    world.recover().await;
    assert_eq!(world.outcomes().await, ["unknown email reminder"]);
    let attempt = &world.log().await[0];
    assert_eq!(attempt.debtor, "C1");
    assert_eq!(attempt.message_id.as_deref(), Some(claimed[0].message_id.as_str()));
    let kept = world.store().payload(attempt.payload_pk.unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.message.as_deref(), Some(&bytes[..]), "the log has the very bytes");
    assert_eq!(server.state().connections, 0, "nothing was sent before the record stood");
    world.deliver().await;
    let outcomes = world.outcomes().await;
    assert_eq!(
        outcomes,
        ["unknown email reminder", "accepted email reminder", "accepted email reminder", "accepted email reminder"]
    );
    let again = &server.to("c1@client.example")[0];
    assert_eq!(again.message_id(), format!("<{}>", claimed[0].message_id), "sent again under the same name");
    assert_eq!(server.accepted().len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn with_hold_a_crash_leaves_the_message_to_a_person() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).email_line("when_uncertain = \"hold\"");
    let mut world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    let now = world.clock.now();
    let claimed = world.store().claim(Channel::Email, now, 2, None).await.unwrap();
    let payload = Payload::new(&claimed[0].address, b"words").unwrap();
    world.store().mark_sending(&[(claimed[0].pk, payload)], now).await.unwrap();
    world.crash().await;
    world.recover().await;
    world.round().await;
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.queue().await, ["uncertain 1"]);
    assert_eq!(world.outcomes().await, ["unknown email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn crash_after_crash_ends_with_a_person() {
    let server = Smtp::start().await;
    let mut world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    for _ in 0..3 {
        let now = world.clock.now();
        let claimed = world.store().claim(Channel::Email, now, 2, None).await.unwrap();
        let payload = Payload::new(&claimed[0].address, b"words").unwrap();
        world.store().mark_sending(&[(claimed[0].pk, payload)], now).await.unwrap();
        world.crash().await;
        world.recover().await;
    }
    assert_eq!(world.queue().await, ["uncertain 1"]);
    assert_eq!(world.outcomes().await, vec!["unknown email reminder"; 3]);
    world.finish().await;
}
