//! From the mailbox to what is sent next: the pump over a real conversation, with the addresses that really left.

use super::server::{Act, Imap, PASSWORD};
use crate::support::{Config, Row, Smtp, World};
use jiff::civil::date;
use relance::flow::listen::mailbox::{self, Round};

const NOBODY: Vec<String> = Vec::new();

fn with_inbox(config: Config, port: u16, more: &str) -> Config {
    let inbox = format!(
        "[inbox]\nkind = \"imap\"\nurl = \"imap://127.0.0.1:{port}\"\ntls = \"none\"\nuser = \"bounces\"\npassword = {{ file = \"inbox.secret\" }}\n{more}"
    );
    config.file("conf.d/inbox.toml", &inbox).file("inbox.secret", PASSWORD)
}

/// A customer whose reminder has left, and the mailbox of the firm.
async fn reminded(more: &str) -> (World, Smtp, Imap) {
    let (smtp, imap) = (Smtp::start().await, Imap::start(|_| {}).await);
    let config = with_inbox(Config::mail(smtp.port), imap.port, more);
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    assert_eq!(step(&world).await, Round::default(), "nobody was written to yet, so nobody can have answered");
    assert_eq!(imap.state().connections, 0);
    world.plan().await;
    world.deliver().await;
    (world, smtp, imap)
}

async fn step(world: &World) -> Round {
    mailbox::step(world.desk()).await.unwrap().unwrap()
}

fn read(read: u64, matched: u64) -> Round {
    Round { read, matched, failed: false }
}

/// What Postfix sends back for a message to somebody who is not there.
fn report(smtp: &Smtp) -> Vec<u8> {
    let sent = smtp.only();
    let text = String::from_utf8(super::sample("postfix-3.7-failed-5.1.1-unk1.eml")).unwrap();
    let from = sent.from.trim_matches(['<', '>']);
    let to = sent.to.trim_matches(['<', '>']);
    text.replace("bounces+unk1@ops.test", from).replace("nobody@customer.test", to).into_bytes()
}

/// A person's answer to the only message.
fn answer(smtp: &Smtp, text: &str) -> Vec<u8> {
    let sent = String::from_utf8(smtp.only().bytes).unwrap();
    let header = |name: &str| {
        let line = sent.lines().find(|l| l.to_ascii_lowercase().starts_with(&format!("{name}: "))).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    format!(
        "From: Boss <boss@elsewhere.example>\r\nTo: {}\r\nSubject: Re: F-1\r\nIn-Reply-To: {}\r\nMessage-ID: <{}@elsewhere.example>\r\n\r\n{text}\r\n",
        header("reply-to"),
        header("message-id"),
        text.len()
    )
    .into_bytes()
}

#[tokio::test]
async fn a_report_from_the_mailbox_takes_the_step_back() {
    let (world, smtp, imap) = reminded("").await;
    imap.deliver(&report(&smtp));
    assert_eq!(step(&world).await, read(1, 1));
    assert_eq!(world.outcomes().await, ["accepted email reminder", "refused email reminder address returned"]);
    assert_eq!(world.peek("SELECT address FROM point").await, ["c1@client.example"]);
    assert_eq!(world.peek("SELECT matched_by FROM inbound").await, ["token"]);
    assert_eq!(step(&world).await, read(0, 0), "once");
    assert_eq!(imap.changes(), NOBODY);
    world.finish().await;
}

#[tokio::test]
async fn an_answer_from_the_mailbox_holds_the_case() {
    let (world, smtp, imap) = reminded("after = \"seen\"\n").await;
    imap.deliver(&answer(&smtp, "Our lawyer will write to you."));
    imap.deliver(b"From: shop@spam.example\r\nSubject: buy\r\n\r\nbuy\r\n");
    assert_eq!(step(&world).await, read(2, 1));
    assert!(imap.state().messages.iter().all(|m| m.flags == ["\\Seen"]));
    world.plan().await;
    assert_eq!(world.reasons().await, ["reply_unread 1"]);
    assert_eq!(
        world.peek("SELECT grave || ' ' || text FROM inbound WHERE grave IS NOT NULL").await,
        ["lawyer Our lawyer will write to you."]
    );
    assert_eq!(world.peek("SELECT until_day FROM hold").await, ["2026-12-01"], "twenty working days");
    let told = world.peek("SELECT text FROM alert WHERE key LIKE 'inbound:%'").await.concat();
    assert!(told.contains("It speaks of lawyer"), "{told}");
    world.finish().await;
}

/// The mailbox has been there for years: what lies in it from before is nobody's answer, also when the folder is made anew.
#[tokio::test]
async fn what_came_before_anything_left_is_not_read() {
    let (mut world, smtp, imap) = reminded("").await;
    imap.deliver_on(date(2026, 10, 31), &answer(&smtp, "old"));
    imap.deliver_on(date(2026, 11, 1), &answer(&smtp, "of the day before, by the server's clock"));
    assert_eq!(step(&world).await, read(1, 1));
    imap.state().validity = 8;
    world.crash().await;
    assert_eq!(step(&world).await, read(1, 0), "known by its key");
    assert_eq!(world.peek("SELECT count(*) || '' FROM inbound").await, ["1"]);
    world.finish().await;
}

#[tokio::test]
async fn a_crash_between_taking_and_remembering_takes_nothing_twice() {
    let (mut world, smtp, imap) = reminded("").await;
    imap.deliver(&answer(&smtp, "I shall pay on Friday."));
    assert_eq!(step(&world).await, read(1, 1));
    // As if the program had ended before it wrote down how far it has read.
    world.home.run("DELETE FROM bookmark WHERE name = 'inbox'").await.unwrap();
    world.crash().await;
    assert_eq!(step(&world).await, read(1, 0));
    assert_eq!(world.peek("SELECT count(*) || '' FROM hold").await, ["1"]);
    world.finish().await;
}

#[tokio::test]
async fn a_mailbox_that_is_away_keeps_nothing_from_leaving_and_is_told_of_when_it_lasts() {
    let (world, smtp, imap) = reminded("timeout = \"5s\"\n").await;
    let failed = Round { failed: true, ..Round::default() };
    for minutes in [0, 59] {
        world.minutes(minutes);
        imap.act("greeting", Act::Close);
        assert_eq!(step(&world).await, failed);
        world.review().await;
        assert_eq!(world.alerts().await, NOBODY, "after {minutes} minutes");
    }
    world.minutes(1);
    imap.act("greeting", Act::Bye("maintenance"));
    assert_eq!(step(&world).await, failed);
    assert_eq!(world.alerts().await, ["inbox"]);
    let told = world.peek("SELECT text FROM alert WHERE key = 'inbox'").await.concat();
    assert!(told.contains("maintenance") && told.contains("Sending goes on") && !told.contains(PASSWORD), "{told}");
    world.insert(&[Row::new("F-2", "C2")]).await;
    assert_eq!(world.round().await.accepted, 1, "sending goes on");
    assert_eq!(step(&world).await, read(0, 0));
    assert_eq!(world.alerts().await, NOBODY);
    drop(smtp);
    world.finish().await;
}
