//! Whose fault it is: what a server says of us, or of nobody, counts against no customer; and one customer's odd
//! answer stops nobody else.

use crate::support::{Act, Config, Offers, Row, Smtp, Stage, World};

const NOBODY: Vec<String> = Vec::new();

async fn world(server: &Smtp, debtors: usize) -> World {
    let rows: Vec<Row> = (1..=debtors).map(|n| Row::new(&format!("F-{n}"), &format!("C{n}"))).collect();
    World::with(Config::mail(server.port).email_line("connections = 1"), &rows).await
}

/// When the channel's rest is over.
fn rested(brakes: &[relance::store::polls::BrakeRow]) -> jiff::Timestamp {
    brakes[0].until.unwrap()
}

#[tokio::test]
async fn a_refusal_of_our_sender_or_of_relaying_stops_the_channel_and_blames_nobody() {
    let refusals = [
        (Stage::Mail, 550, "5.1.2 bad sender"),
        (Stage::Mail, 553, "5.1.8 <compta@canal.example>: Sender address rejected: Domain not found"),
        (Stage::Mail, 553, "5.7.1 not your address"),
        (Stage::Mail, 550, "no"),
        (Stage::Rcpt, 554, "5.7.1 <c1@client.example>: Relay access denied"),
        (Stage::Rcpt, 450, "4.1.8 <compta@canal.example>: Sender address rejected: Domain not found"),
        (Stage::Dot, 550, "5.7.26 unauthenticated mail is not taken"),
    ];
    for pipelining in [false, true] {
        for (stage, code, text) in refusals {
            let server = Smtp::with(Offers { pipelining, ..Offers::default() }).await;
            server.next(&[Act::Reply(stage, code, text); 2]);
            let world = world(&server, 6).await;
            world.plan().await;
            for _ in 0..3 {
                world.deliver().await;
            }
            assert_eq!(world.outcomes().await, ["deferred email reminder sender"], "{text}: one attempt told it");
            assert_eq!(world.peek("SELECT address FROM point").await, NOBODY);
            assert_eq!(world.store().unreachable().await.unwrap(), vec![]);
            let brakes = world.store().brakes().await.unwrap();
            // Told of the channel and to you, it names nobody: not the customer whose message happened to meet with it.
            let told = text.replace("c1@client.example", "(the recipient)");
            assert!(brakes[0].kind == "channel:email" && brakes[0].text.contains(&told), "{brakes:?}");
            assert!(relance::flow::brake::held_up(world.desk()).await.unwrap());

            // The second refusal meets another message: nobody is the probe twice in a row.
            world.clock.set(rested(&brakes));
            // On a busy machine what did not begin in time is given back, and tried in the next step.
            for _ in 0..5 {
                if world.whose("deferred").await.len() < 2 {
                    world.deliver().await;
                }
            }
            let deferred = world.whose("deferred").await;
            assert!(deferred.len() == 2 && deferred[0] != deferred[1], "{deferred:?}");

            // It is mended: everything leaves.
            world.minutes(10);
            world.deliver().await;
            assert_eq!(server.accepted().len(), 6, "{text}");
            assert_eq!(world.store().brakes().await.unwrap(), vec![]);
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn a_recipient_whom_the_relay_denies_does_not_hold_up_the_others() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Reply(Stage::Rcpt, 554, "5.7.1 <c1@client.example>: Relay access denied"));
    let world = world(&server, 6).await;
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.accepted().len(), 0, "it might have been so for all");
    world.clock.set(rested(&world.store().brakes().await.unwrap()));
    world.deliver().await;
    assert_eq!(server.accepted().len(), 5);
    assert_eq!(world.store().brakes().await.unwrap(), vec![]);
    assert_eq!(world.queue().await, ["deferred 1"]);
    world.finish().await;
}

#[tokio::test]
async fn an_answer_in_another_encoding_is_read() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Raw(Stage::Rcpt, b"550 5.1.1 bo\xeete aux lettres inconnue\r\n"));
    let world = world(&server, 6).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 5);
    assert_eq!(world.whose("refused").await, ["C1"]);
    let said = world.log().await.into_iter().find_map(|a| a.answer.filter(|t| t.starts_with("550"))).unwrap();
    assert_eq!(said, "550 5.1.1 boîte aux lettres inconnue");
    assert_eq!(world.store().brakes().await.unwrap(), vec![]);
    world.finish().await;
}

#[tokio::test]
async fn one_message_whose_dialogue_breaks_off_stops_nobody_else() {
    let odd = [Act::Close(Stage::Rcpt), Act::Raw(Stage::Rcpt, b"what is this?\r\n"), Act::Close(Stage::Data)];
    for pipelining in [false, true] {
        for act in odd {
            let server = Smtp::with(Offers { pipelining, ..Offers::default() }).await;
            server.always("c1@client.example", act);
            let world = world(&server, 6).await;
            world.plan().await;
            world.deliver().await;
            assert_eq!(server.accepted().len(), 5, "{act:?}");
            assert_eq!(world.store().brakes().await.unwrap(), vec![]);
            assert_eq!(world.whose("deferred").await, ["C1"]);
            let connections: Vec<usize> = server.begun().iter().map(|t| t.connection).collect();
            assert_eq!(connections, [1, 2, 2, 2, 2, 2], "a connection in doubt is not used again");
            assert_eq!(world.peek("SELECT address FROM point").await, NOBODY);
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn a_message_that_never_gets_through_while_others_do_expires_and_one_alone_does_not() {
    for others in [true, false] {
        let server = Smtp::start().await;
        server.always("c1@client.example", Act::Close(Stage::Rcpt));
        let world = World::with(Config::mail(server.port).email_line("retry_for = \"1h\""), &[Row::new("F-1", "C1")]).await;
        for n in 2..10 {
            if others {
                world.insert(&[Row::new(&format!("F-{n}"), &format!("C{n}"))]).await;
            }
            world.round().await;
            world.minutes(20);
        }
        world.review().await;
        let expired = world.outcomes().await.contains(&"deferred email reminder network expired".to_owned());
        assert_eq!(expired, others, "{:?}", world.outcomes().await);
        assert_eq!(world.alerts().await.contains(&"interrupted:email".to_owned()), !others, "{:?}", world.alerts().await);
        world.finish().await;
    }
}

#[tokio::test]
async fn several_messages_that_break_off_in_a_row_rest_the_channel_and_others_go_first_then() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Rcpt); 3]);
    let world = world(&server, 8).await;
    world.plan().await;
    let delivered = world.deliver().await;
    assert_eq!((delivered.deferred, delivered.broken, delivered.accepted), (3, 1, 0));
    assert_eq!(world.store().brakes().await.unwrap()[0].kind, "channel:email");
    world.deliver().await;
    assert_eq!(server.begun().len(), 3, "it rests");
    world.clock.set(rested(&world.store().brakes().await.unwrap()));
    world.deliver().await;
    let order: Vec<String> = server.begun().into_iter().map(|t| t.to).collect();
    let expected: Vec<String> = (1..=8).map(|n| format!("c{n}@client.example")).collect();
    assert_eq!(order, expected);
    assert_eq!(world.store().brakes().await.unwrap(), vec![]);
    world.minutes(2);
    world.deliver().await;
    assert_eq!(server.accepted().len(), 8);
    world.finish().await;
}

#[tokio::test]
async fn many_customers_who_cannot_be_reached_are_one_letter_an_hour() {
    let server = Smtp::start().await;
    let row = |n: usize| Row::new(&format!("F-{n}"), &format!("C{n}")).without("email");
    let rows: Vec<Row> = (1..=250).map(row).collect();
    let world = World::with(Config::mail(server.port), &rows).await;
    world.round().await;
    world.review().await;
    let letters = server.to("compta@canal.example");
    assert_eq!(letters.len(), 1);
    let letter = letters[0].parsed();
    assert_eq!(letter.header("Subject"), "relance: 250 customers cannot be reached");
    assert!(letter.text().contains("(C1):") && letter.text().contains("… and 50 more"), "{}", letter.text());
    for n in 251..254 {
        world.insert(&[row(n)]).await;
        world.round().await;
        world.review().await;
        world.minutes(15);
    }
    assert_eq!(server.to("compta@canal.example").len(), 1);
    world.minutes(20);
    world.review().await;
    let letters = server.to("compta@canal.example");
    assert_eq!(letters[1].parsed().header("Subject"), "relance: 3 customers cannot be reached");
    assert_eq!(letters.len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_address_for_a_mail_is_told_as_such() {
    let server = Smtp::start().await;
    let row = |n: &str, email: &str| Row::new(&format!("F-{n}"), &format!("C{n}")).with("email", email);
    let rows = [row("1", "\"a b\"@client.example"), row("2", "a@[127.0.0.1]"), row("3", "c3@client.example")];
    let world = World::with(Config::mail(server.port), &rows).await;
    world.round().await;
    let mut lost = world.whose("no_address").await;
    lost.sort();
    assert_eq!(lost, ["C1", "C2"]);
    assert_eq!(server.only().to, "c3@client.example");
    world.finish().await;
}

#[tokio::test]
async fn no_header_is_longer_than_a_header_may_be() {
    let server = Smtp::start().await;
    let row = Row::new("F-1", "C1").with("number", &"7".repeat(2000)).with("customer_name", &"Maison".repeat(400));
    let world = World::with(Config::mail(server.port), &[row]).await;
    world.round().await;
    // Taking it apart looks at the length of each line.
    let mail = server.only().parsed();
    assert!(mail.header("Subject").contains("77777…"), "{}", mail.header("Subject"));
    assert!(mail.text().replace('\n', "").contains(&"7".repeat(2000)), "the body has all of it");
    world.finish().await;
}
