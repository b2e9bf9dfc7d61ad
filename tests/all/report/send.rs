//! When the report leaves, to whom, and that it leaves once: over restarts, crashes, doubts and several daemons.

use crate::support::{Act, Config, Row, Smtp, Stage, World};
use relance::flow::report;

const OWN: &str = "compta@canal.example";

fn config(server: &Smtp) -> Config {
    Config::mail(server.port).report_line("morning = \"07:30\"")
}

async fn step(world: &World) {
    report::step(world.desk()).await.unwrap();
}

/// A firm with an invoice, on the evening before the tests' Monday.
async fn sunday(config: Config) -> World {
    let world = World::new(config).await;
    world.set("2026-11-01T22:00:00+01:00");
    world.insert(&[Row::new("F-1", "C1")]).await;
    world.poll().await;
    world
}

#[tokio::test]
async fn it_leaves_once_at_its_hour_on_working_days() {
    let server = Smtp::start().await;
    let world = sunday(config(&server)).await;
    let mut left = Vec::new();
    for (at, mails) in [
        ("2026-11-01T23:00:00+01:00", 0),
        ("2026-11-02T07:29:59+01:00", 0),
        ("2026-11-02T07:30:00+01:00", 1),
        ("2026-11-02T07:30:10+01:00", 1),
        ("2026-11-02T23:00:00+01:00", 1),
        // A standstill: Tuesday's is not sent on Wednesday.
        ("2026-11-04T15:00:00+01:00", 2),
        ("2026-11-07T12:00:00+01:00", 2),
        ("2026-11-11T12:00:00+01:00", 2),
        ("2026-11-12T07:30:00+01:00", 3),
    ] {
        world.set(at);
        step(&world).await;
        assert_eq!(server.to(OWN).len(), mails, "{at}");
        left.push(mails);
    }
    let mail = server.to(OWN)[0].parsed();
    assert_eq!(mail.header("Content-Language"), "fr");
    assert!(mail.header("Subject").starts_with("Rapport du matin, lundi 2\u{a0}novembre 2026"), "{}", mail.header("Subject"));
    let kinds: Vec<&str> = mail.parts.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["text/plain; charset=utf-8", "text/html; charset=utf-8"]);
    assert!(mail.text().contains("Rapport du matin") && !mail.text().contains("peut-être déjà"));
    world.finish().await;
}

#[tokio::test]
async fn off_says_so_and_several_get_a_copy_each() {
    let server = Smtp::start().await;
    let world = sunday(Config::mail(server.port)).await;
    world.set("2026-11-02T08:00:00+01:00");
    step(&world).await;
    assert_eq!(server.begun().len(), 0);
    world.finish().await;
    let own = "to = [\"anne@canal.example\", \"bob@canal.example\"]";
    let world = sunday(config(&server).report_line(own).guard_line("redirect_to = \"me@canal.example\"")).await;
    world.set("2026-11-02T08:00:00+01:00");
    step(&world).await;
    step(&world).await;
    let mails = server.to("me@canal.example");
    let subjects: Vec<String> = mails.iter().map(|m| m.parsed().header("Subject").chars().take(24).collect()).collect();
    assert_eq!(subjects, ["[to: anne@canal.example]", "[to: bob@canal.example] "]);
    assert_ne!(mails[0].message_id(), mails[1].message_id());
    world.finish().await;
}

/// It goes to the creditor's own people and tells what would leave: a trial is when it is wanted most.
#[tokio::test]
async fn a_dry_run_sends_it_and_says_that_nothing_else_leaves() {
    let server = Smtp::start().await;
    let world = sunday(config(&server).guard_line("dry_run = true")).await;
    world.set("2026-11-02T08:00:00+01:00");
    world.round().await;
    step(&world).await;
    assert_eq!(server.accepted().len(), 1);
    let mail = server.only().parsed();
    assert!(mail.header("Subject").starts_with("Envois à l’arrêt – "), "{}", mail.header("Subject"));
    assert!(mail.text().contains("Essai à blanc"), "{}", mail.text());
    world.finish().await;
}

/// Half past midnight did not come in Amman on Friday, 25 February 2022: the clocks went from midnight to one.
#[tokio::test]
async fn an_hour_in_a_gap_comes_with_the_first_moment_after_it() {
    let server = Smtp::start().await;
    let zone = "[creditor]\ntimezone = \"Asia/Amman\"\n";
    let config = Config::mail(server.port).report_line("morning = \"00:30\"").file("conf.d/zone.toml", zone);
    let world = World::new(config).await;
    for (at, mails) in [("2022-02-24T21:59:59Z", 0), ("2022-02-24T22:00:00Z", 1), ("2022-02-24T22:40:00Z", 1)] {
        world.set(at);
        step(&world).await;
        let friday = server.to(OWN).iter().filter(|m| m.parsed().header("Subject").contains("vendredi 25")).count();
        assert_eq!(friday, mails, "{at}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_restart_sends_nothing_twice() {
    let server = Smtp::start().await;
    let mut world = sunday(config(&server)).await;
    world.set("2026-11-02T07:30:00+01:00");
    step(&world).await;
    world.crash().await;
    step(&world).await;
    assert_eq!(server.to(OWN).len(), 1);
    world.finish().await;
}

/// Between the mark and the answer the program died: it may have left. It leaves once more under the same Message-ID, and says
/// that it may be the second.
#[tokio::test]
async fn a_crash_between_mark_and_answer_is_told_in_the_second_copy_and_there_is_no_third() {
    let server = Smtp::start().await;
    let mut world = sunday(config(&server)).await;
    let day = "2026-11-02".parse().unwrap();
    world.set("2026-11-02T07:30:00+01:00");
    assert_eq!(world.store().begin_report(day, OWN, world.clock.now()).await.unwrap(), Some(0));
    world.crash().await;
    world.minutes(1);
    step(&world).await;
    let mail = server.to(OWN)[0].parsed();
    assert!(mail.text().contains("peut-être déjà parvenu"), "{}", mail.text());
    step(&world).await;
    assert_eq!(server.to(OWN).len(), 1);
    // And the next day, twice over: after that only `status` tells.
    let day = "2026-11-03".parse().unwrap();
    world.set("2026-11-03T07:30:00+01:00");
    for doubts in [0, 1] {
        assert_eq!(world.store().begin_report(day, OWN, world.clock.now()).await.unwrap(), Some(doubts));
        world.crash().await;
    }
    step(&world).await;
    assert_eq!(server.to(OWN).len(), 1);
    assert_eq!(world.store().newest_report().await.unwrap().unwrap().state, "doubtful");
    world.finish().await;
}

#[tokio::test]
async fn what_breaks_off_behind_the_final_dot_is_sent_once_more_under_the_same_id() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot), Act::Close(Stage::Dot)]);
    let world = sunday(config(&server)).await;
    world.set("2026-11-02T07:30:00+01:00");
    for _ in 0..5 {
        step(&world).await;
        world.minutes(30);
    }
    let mails = server.whole();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].message_id(), mails[1].message_id());
    assert!(mails[1].parsed().text().contains("peut-être déjà parvenu"));
    assert_eq!(world.store().newest_report().await.unwrap().unwrap().state, "doubtful");
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again_that_day_and_what_was_lost_is_told() {
    let server = Smtp::start().await;
    let world = sunday(config(&server)).await;
    server.always(OWN, Act::Reply(Stage::Rcpt, 451, "4.7.1 later"));
    world.set("2026-11-02T07:30:00+01:00");
    for _ in 0..60 {
        step(&world).await;
        world.minutes(20);
    }
    let tries = server.begun().len();
    assert!((4..=20).contains(&tries), "{tries}");
    server.always(OWN, Act::Accept);
    world.set("2026-11-03T07:30:00+01:00");
    step(&world).await;
    step(&world).await;
    let mails = server.to(OWN);
    assert_eq!(mails.len(), 1);
    let mail = mails[0].parsed();
    let text = mail.text();
    assert!(text.contains("Le rapport du 2\u{a0}novembre 2026 n’a pas pu"), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn of_several_daemons_one_sends_it() {
    let server = Smtp::start().await;
    let world = sunday(config(&server)).await;
    if !world.store().is_shared() {
        return world.finish().await;
    }
    let second = world.second().await;
    world.set("2026-11-02T07:30:00+01:00");
    let (first, other) = tokio::join!(report::step(world.desk()), report::step(&second));
    first.unwrap();
    other.unwrap();
    report::step(&second).await.unwrap();
    step(&world).await;
    assert_eq!(server.to(OWN).len(), 1);
    relance::flow::presence::leave(&second).await.unwrap();
    world.finish().await;
}
