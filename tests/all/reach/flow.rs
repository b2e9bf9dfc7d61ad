//! In the pumps, on whichever store the tests run.

use crate::support::world::KEY;
use crate::support::{Config, Row, Smtp, World};
use relance::channel::token::Keys;
use relance::domain::attempt::FaultClass;
use relance::domain::inbound::{Came, Clues, Incoming, Returned, TokenClue, Via};
use relance::domain::reach::{Answers, PointIs};
use relance::domain::step::Channel;
use relance::flow::listen;
use relance::flow::reach::folded;

/// The day of the tests' Monday, since 1970.
const DAY: i64 = 20_759;

const NOBODY: Vec<String> = Vec::new();

/// Something that came for a message, by a mark of ours.
fn came(key: &str, purpose: &'static str, message: i64, came: Came) -> Incoming {
    let bytes: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&KEY[2 * i..2 * i + 2], 16).unwrap()).collect();
    let token = Keys::new(bytes.try_into().unwrap()).token(purpose, message, DAY);
    let clues = Clues { tokens: vec![TokenClue { purpose, token }], ..Clues::default() };
    let (subject, text) = ("Re: F-1".to_owned(), "I shall pay.".to_owned());
    Incoming { key: key.to_owned(), via: Via::Mail, came, clues, subject, text, dated: None }
}

fn said(class: FaultClass, words: &str) -> Returned {
    Returned { class, expired: false, words: words.to_owned() }
}

async fn take(world: &World, what: Incoming) {
    listen::take(world.desk(), &what, world.clock.now()).await.unwrap();
}

/// What is known of the only customer and its mail address.
async fn known(world: &World) -> (Answers, PointIs, String) {
    let one = folded(world.desk(), &[1], world.clock.now()).await.unwrap().remove(0);
    let point = one.reach.point(Channel::Email, "c1@client.example").unwrap();
    (one.reach.found.state, point.found.state, point.found.why.clone())
}

#[tokio::test]
async fn a_suspect_address_is_used_last_and_an_answer_clears_it() {
    let server = Smtp::start().await;
    let rules = "[address]\nsuspect = 60\nmailbox = 50\ndelayed = 20\nexpired = 55\n";
    let config = Config::mail(server.port).with_sms_file().file("reach.toml", rules);
    let world = World::with(config, &[Row::new("F-1", "C1").with("phone", "+32470123456")]).await;
    world.round().await;
    assert_eq!(known(&world).await.1, PointIs::Good);
    take(&world, came("d", "bounce", 1, Came::Delayed(said(FaultClass::Mailbox, "4.2.2 full")))).await;
    take(&world, came("o", "bounce", 1, Came::Delayed(said(FaultClass::Network, "4.4.1 no route")))).await;
    assert_eq!(known(&world).await.1, PointIs::Good, "a delay is none, and what is not about the address counts nothing");
    world.minutes(1);
    take(&world, came("f", "bounce", 1, Came::Failed(said(FaultClass::Mailbox, "552 5.2.2 full")))).await;
    let (state, point, why) = known(&world).await;
    assert_eq!((state, point), (Answers::Responsive, PointIs::Suspect));
    assert!(why.contains("returned on 2026-11-02 (reminder: 552 5.2.2 full)"), "{why}");
    assert_eq!(world.peek("SELECT channel || ' ' || state FROM point").await, ["email suspect"], "at once");
    for _ in 0..20 {
        world.days(1);
        world.round().await;
    }
    let outcomes = world.outcomes().await;
    assert!(outcomes.contains(&"accepted sms firm".to_owned()), "{outcomes:?}");
    assert_eq!(server.accepted().len(), 1, "nothing more by mail");
    take(&world, came("a", "reply", 1, Came::Reply)).await;
    assert_eq!(known(&world).await.1, PointIs::Good);
    assert_eq!(world.peek("SELECT address FROM point").await, NOBODY);
    world.finish().await;
}

#[tokio::test]
async fn without_another_way_a_suspect_address_is_used_all_the_same() {
    let server = Smtp::start().await;
    let config =
        Config::mail(server.port).file("reach.toml", "[address]\nsuspect = 60\nmailbox = 50\ndelayed = 50\nexpired = 55\n");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    for key in ["d", "e"] {
        take(&world, came(key, "bounce", 1, Came::Delayed(said(FaultClass::Mailbox, "4.2.2 full")))).await;
    }
    assert_eq!(known(&world).await.1, PointIs::Suspect);
    world.set("2026-11-12T10:00:00+01:00");
    world.round().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder", "accepted email firm"]);
    world.finish().await;
}

#[tokio::test]
async fn silence_makes_a_task_and_a_new_address_ends_both() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port)
        .file("reach.toml", "[silence]\ncontacts = 2\ndays = 7\n[then]\ntasks = [\"address\", \"letter\"]\n");
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C1").with("due_on", "2026-10-27")];
    let world = World::with(config, &rows).await;
    world.round().await;
    world.review().await;
    assert_eq!(world.peek("SELECT key FROM task").await, NOBODY);
    world.days(10);
    world.round().await;
    for _ in 0..3 {
        world.review().await;
    }
    let tasks = "SELECT substr(key, 1, 14) || ' ' || due_on || ' ' || state FROM task ORDER BY pk";
    assert_eq!(world.peek(tasks).await, ["reach:address: 2026-11-16 open", "reach:letter:1 2026-11-16 open"], "once");
    assert_eq!(world.alerts().await, ["unreachable:C1"]);
    world.days(90);
    world.poll().await;
    world.review().await;
    assert_eq!(world.store().unreachable().await.unwrap().len(), 1, "time alone changes nothing");
    world.change("F-1", "email", "new@client.example").await;
    world.change("F-2", "email", "new@client.example").await;
    world.poll().await;
    world.review().await;
    assert_eq!(world.peek("SELECT text FROM event WHERE kind = 'address'").await, ["new@client.example"]);
    assert_eq!(world.store().unreachable().await.unwrap(), vec![]);
    assert_eq!(world.alerts().await, NOBODY);
    let open = world.peek("SELECT coalesce(why, '-') FROM task WHERE key LIKE 'reach:%'").await;
    assert_eq!(open, ["can be reached again", "can be reached again"]);
    world.finish().await;
}

#[tokio::test]
async fn what_was_redirected_says_nothing_of_anybody() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).guard_line("redirect_to = \"me@canal.example\"");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    assert_eq!(known(&world).await.1, PointIs::Unknown);
    world.finish().await;
}
