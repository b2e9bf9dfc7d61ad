//! What a mail server refuses or puts off, and what becomes of the message, the address and the debtor.

use crate::support::{Act, Config, Greet, Row, STANDARD, Smtp, Stage, World};
use jiff::Timestamp;
use relance::domain::attempt::{retry_delay, spread};

const GONE: Act = Act::Reply(Stage::Rcpt, 550, "5.1.1 <c1@client.example>: Recipient address rejected: User unknown");

/// A debtor with mail and phone; SMS go to a file.
fn reachable_twice(server: &Smtp) -> (Config, Row) {
    (Config::mail(server.port).with_sms_file(), Row::new("F-1", "C1").with("phone", "0470 00 00 01"))
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_dead_and_the_next_channel_takes_over() {
    let server = Smtp::start().await;
    server.next(&[GONE]);
    let (config, row) = reachable_twice(&server);
    let world = World::with(config, &[row]).await;
    world.plan().await;
    let delivered = world.deliver().await;
    assert_eq!((delivered.refused, delivered.accepted), (1, 0));
    let point = world.peek("SELECT channel || ' ' || address || ' ' || evidence FROM point").await;
    assert_eq!(point, ["email c1@client.example 550 5.1.1 <c1@client.example>: Recipient address rejected: User unknown"]);
    world.plan().await;
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["refused email reminder address", "accepted sms reminder"]);
    let sms = std::fs::read_to_string(world.path("sms.jsonl")).unwrap();
    assert!(sms.contains("+32470000001") && sms.lines().count() == 1, "{sms}");
    world.days(10);
    world.round().await;
    assert_eq!(world.outcomes().await[2..], ["accepted sms firm"], "a dead address is not tried again");
    assert_eq!(server.begun().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_dead_address_is_used_again_only_when_the_ledger_has_another() {
    let server = Smtp::start().await;
    server.next(&[GONE]);
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    for _ in 0..3 {
        world.round().await;
    }
    assert_eq!(world.reasons().await, ["no_address 1"]);
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes[0], "refused email reminder address");
    assert!(outcomes[1].starts_with("no_address - reminder email: dead (550 5.1.1"), "{}", outcomes[1]);
    assert_eq!(outcomes.len(), 2, "told once");
    world.days(1);
    world.change("F-1", "email", "right@client.example").await;
    world.round().await;
    assert_eq!(server.only().to, "right@client.example");
    world.finish().await;
}

#[tokio::test]
async fn a_full_mailbox_ends_this_step_but_not_the_address() {
    let server = Smtp::start().await;
    server.next(&[Act::Reply(Stage::Dot, 552, "5.2.2 mailbox full")]);
    let (config, row) = reachable_twice(&server);
    let world = World::with(config, &[row]).await;
    world.round().await;
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
    world.round().await;
    world.days(10);
    world.round().await;
    assert_eq!(
        world.outcomes().await,
        ["refused email reminder mailbox", "accepted sms reminder", "accepted email firm"],
        "the next step tries the address again"
    );
    world.finish().await;
}

#[tokio::test]
async fn a_refused_message_says_nothing_of_the_address() {
    let server = Smtp::start().await;
    server.next(&[Act::Reply(Stage::Dot, 554, "5.7.1 looks like spam"), Act::Reply(Stage::Data, 550, "no")]);
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2")];
    let world = World::with(Config::mail(server.port).email_line("connections = 1"), &rows).await;
    for _ in 0..3 {
        world.round().await;
        world.review().await;
    }
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
    assert_eq!(world.outcomes().await[..2], ["refused email reminder message", "refused email reminder message"]);
    assert_eq!(world.store().unreachable().await.unwrap(), vec![], "they can be reached by another message");
    assert_eq!(world.reasons().await, ["cannot_reach 2"]);
    let told = server.to("compta@canal.example");
    assert_eq!(told.len(), 1, "one letter about both");
    assert_eq!(told[0].parsed().header("Subject"), "relance: 2 messages to customers were refused");
    assert!(told[0].parsed().text().contains("looks like spam"));
    assert_eq!(world.alerts().await, ["refused:C1", "refused:C2"]);

    // An address that is no longer in the ledger is no way to reach anybody.
    world.change("F-1", "email", "").await;
    world.pay("F-2").await;
    world.round().await;
    world.review().await;
    let lost = world.store().unreachable().await.unwrap();
    assert_eq!(lost.iter().map(|u| u.debtor.as_str()).collect::<Vec<_>>(), ["C1"]);
    assert!(!world.alerts().await.contains(&"refused:C2".to_owned()), "{:?}", world.alerts().await);
    world.finish().await;
}

/// When the message may be tried again.
async fn next_try(world: &World) -> Timestamp {
    let millis = world.peek("SELECT not_before || '' FROM message").await;
    Timestamp::from_millisecond(millis[0].parse().unwrap()).unwrap()
}

#[tokio::test]
async fn a_greylisted_message_is_tried_again_later_and_later_until_it_is_taken() {
    let server = Smtp::start().await;
    server.next(&[Act::Reply(Stage::Rcpt, 451, "4.2.0 greylisted, come back later"); 4]);
    let mut world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    let mut gaps = Vec::new();
    for tries in 1..=4u32 {
        assert_eq!(world.deliver().await.deferred, 1);
        let next = next_try(&world).await;
        let gap = next.as_second() - world.clock.now().as_second();
        assert_eq!(gap, spread(retry_delay(tries), 1));
        gaps.push(gap);
        world.clock.set(next - jiff::SignedDuration::from_secs(1));
        assert_eq!(world.deliver().await.deferred, 0, "not before its time");
        // The times are kept in the store: a restart changes nothing.
        world.crash().await;
        world.clock.set(next);
    }
    assert!(gaps.windows(2).all(|w| w[0] < w[1]), "{gaps:?}");
    world.round().await;
    assert_eq!(server.only().to, "c1@client.example");
    assert_eq!(server.begun().len(), 5);
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes[..4], vec!["deferred email reminder mailbox"; 4]);
    assert_eq!(outcomes[4..], ["accepted email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn what_cannot_be_delivered_in_its_time_expires_and_is_shown() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Reply(Stage::Rcpt, 451, "4.3.0 try again later"));
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2")];
    let world = World::with(Config::mail(server.port).email_line("retry_for = \"1h\""), &rows).await;
    for _ in 0..12 {
        world.round().await;
        world.minutes(15);
    }
    let tried = server.begun().iter().filter(|t| t.to == "c1@client.example").count();
    assert_eq!(tried, 3, "at 0, 15 and 45 minutes; the next would have come after more than an hour");
    let outcomes = world.outcomes().await;
    assert!(outcomes.contains(&"deferred email reminder server expired".to_owned()), "{outcomes:?}");
    assert!(outcomes.iter().any(|o| o.starts_with("no_address - reminder email: refused for this step")), "{outcomes:?}");
    assert!(world.reasons().await.contains(&"cannot_reach 1".to_owned()), "{:?}", world.reasons().await);
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new(), "its address is not to blame");
    world.review().await;
    let unreachable = world.store().unreachable().await.unwrap();
    assert_eq!(unreachable.iter().map(|u| u.debtor.as_str()).collect::<Vec<_>>(), ["C1"]);
    assert_eq!(server.to("c2@client.example").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn throttling_is_ours_and_never_ends_an_address_or_a_message() {
    let server = Smtp::start().await;
    server.next(&[
        Act::Reply(Stage::Rcpt, 450, "4.7.1 too many messages, slow down"),
        Act::Reply(Stage::Mail, 421, "4.7.0 try again later"),
        Act::Reply(Stage::Dot, 421, "4.3.2 system is going down"),
    ]);
    let world = World::with(Config::mail(server.port).email_line("retry_for = \"1h\""), &[Row::new("F-1", "C1")]).await;
    for _ in 0..5 {
        world.round().await;
        world.minutes(90);
    }
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes[..3], vec!["deferred email reminder throttled"; 3]);
    assert_eq!(outcomes[3..], ["accepted email reminder"], "its age did not count against it");
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
    server.only();
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_throttles_all_day_is_not_pestered() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Reply(Stage::Rcpt, 450, "4.7.1 slow down"));
    let cadence = STANDARD.replace("09:00-17:30", "00:00-24:00");
    let world = World::with(Config::mail(server.port).cadence(&cadence), &[Row::new("F-1", "C1")]).await;
    for _ in 0..24 * 4 {
        world.round().await;
        world.minutes(15);
    }
    let tries = server.begun().len();
    assert!((8..=16).contains(&tries), "{tries} tries in a day");
    assert_eq!(world.queue().await, ["deferred 1"]);
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_rests_the_channel_and_blames_nobody() {
    let port = {
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        gone.local_addr().unwrap().port()
    };
    let rows: Vec<Row> = (1..=20).map(|i| Row::new(&format!("F-{i}"), &format!("C{i}"))).collect();
    let world = World::with(Config::mail(port), &rows).await;
    world.plan().await;
    for _ in 0..5 {
        world.deliver().await;
    }
    assert_eq!(world.outcomes().await, ["deferred email reminder network"], "one attempt told it, not twenty");
    let said = world.log().await[0].answer.clone().unwrap();
    assert!(said.contains(&format!("cannot connect to 127.0.0.1:{port}")), "{said}");
    let mut waiting = world.queue().await;
    waiting.sort();
    assert_eq!(waiting, ["deferred 1", "queued 19"]);
    world.review().await;
    assert_eq!(world.alerts().await, ["channel:email"]);
    let brake = &world.store().brakes().await.unwrap()[0];
    assert_eq!(brake.until.unwrap().as_second() - world.clock.now().as_second(), 30);
    world.finish().await;
}

#[tokio::test]
async fn the_channels_rest_grows_and_ends_with_the_first_acceptance() {
    let server = Smtp::start().await;
    server.greet(&[Greet::Close, Greet::Reply(554, "5.3.2 go away"), Greet::Reply(421, "4.3.2 too busy")]);
    let world = World::with(Config::mail(server.port).email_line("connections = 1"), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    let mut rests = Vec::new();
    for _ in 0..3 {
        world.deliver().await;
        let until = world.store().brakes().await.unwrap()[0].until.unwrap();
        rests.push(until.as_second() - world.clock.now().as_second());
        world.clock.set(until);
    }
    assert_eq!(rests, [30, 60, 120]);
    world.deliver().await;
    assert_eq!(world.store().brakes().await.unwrap(), vec![]);
    let outcomes = world.outcomes().await;
    assert_eq!(
        outcomes,
        [
            "deferred email reminder network",
            "deferred email reminder network",
            "deferred email reminder throttled",
            "accepted email reminder"
        ]
    );
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_breaks_off_before_the_message_has_not_got_it() {
    let server = Smtp::start().await;
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data] {
        server.next(&[Act::Close(stage)]);
    }
    let world = World::with(Config::mail(server.port).email_line("connections = 1"), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    let mut rests = Vec::new();
    for _ in 0..3 {
        world.deliver().await;
        let next = next_try(&world).await;
        rests.push(next.as_second() - world.clock.now().as_second());
        world.clock.set(next);
    }
    world.deliver().await;
    assert_eq!(rests, [60, retry_delay(1), retry_delay(2)].map(|delay| spread(delay, 1)), "by its own times");
    assert_eq!(world.store().brakes().await.unwrap(), vec![], "one message says nothing of the channel");
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes[..3], vec!["deferred email reminder network"; 3], "not in doubt: nothing can have left");
    server.only();
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_never_greets_is_given_up_in_time() {
    let server = Smtp::start().await;
    server.greet(&[Greet::Silent]);
    let config = Config::mail(server.port).email_line("connections = 1").email_line("timeout = \"1s\"");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let said = world.log().await[0].answer.clone().unwrap();
    assert!(said.contains("no answer to the greeting within 1 s"), "{said}");
    world.minutes(1);
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["deferred email reminder network", "accepted email reminder"]);
    world.finish().await;
}
