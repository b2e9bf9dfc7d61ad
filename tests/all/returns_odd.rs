//! What comes back twice, too early, from a trial, by a machine that must be heard, or in another's name.

use super::returns::{DAY, NOBODY, answer, from, incoming, reason, reminded, report, take, token};
use crate::support::{Config, Row, Smtp, World};
use relance::domain::attempt::FaultClass;
use relance::domain::inbound::{Came, Clues, Incoming, Returned, Via};
use relance::flow::listen::mailbox::take_mail;
use relance::flow::listen::{self, Taken};

#[tokio::test]
async fn who_wrote_twice_is_held_until_both_are_read() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    take(&world, &answer("a", 1)).await;
    world.days(2);
    let second = Incoming { text: "Paid yesterday.".to_owned(), ..answer("b", 1) };
    take(&world, &second).await;
    assert!(world.store().mark_read(1, Some("anna"), None, world.clock.now()).await.unwrap());
    assert_eq!(
        world.peek("SELECT inbound_pk || ' ' || until_day || ' ' || reason FROM hold WHERE ended_at IS NULL").await,
        ["2 2026-11-17 unread answer from boss@elsewhere.example"],
        "the other one holds, and no longer than the first would have"
    );
    assert_eq!(reason(&world).await, "reply_unread 1");
    assert!(world.store().mark_read(2, Some("anna"), None, world.clock.now()).await.unwrap());
    assert_eq!(world.peek("SELECT pk || '' FROM hold WHERE ended_at IS NULL").await, NOBODY);
    world.finish().await;
}

#[tokio::test]
async fn what_only_bears_an_address_holds_once_a_month_and_sends_one_letter() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    for n in 1..=20 {
        take(&world, &from(&n.to_string(), "c1@client.example")).await;
        world.store().mark_read(n, None, None, world.clock.now()).await.unwrap();
    }
    assert_eq!(world.peek("SELECT count(*) || '' FROM hold").await, ["1"]);
    assert_eq!(world.peek("SELECT count(*) || '' FROM alert WHERE key LIKE 'inbound:%'").await, ["1"]);
    assert_eq!(world.peek("SELECT count(*) || '' FROM inbound").await, ["20"], "all are listed");
    world.days(31);
    take(&world, &from("later", "c1@client.example")).await;
    assert_eq!(world.peek("SELECT count(*) || '' FROM hold").await, ["2"]);
    world.finish().await;
}

/// A report as Postfix writes it, on message 1.
fn bounced(world_token: &str) -> Vec<u8> {
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mail.example\r\nTo: compta+{world_token}@canal.example\r\nSubject: Undelivered\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mail.example\r\n\r\nFinal-Recipient: rfc822; c1@client.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn a_report_that_overtakes_the_record_comes_again() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    let mail = bounced(&token("bounce", 1, DAY).token);
    // As it stands while the outcome is being put on record.
    world.home.run("UPDATE message SET state = 'sending', settled_at = NULL WHERE pk = 1").await.unwrap();
    assert_eq!(take_mail(world.desk(), mail.clone()).await.unwrap(), Some(Taken::Early));
    assert_eq!(world.peek("SELECT pk || '' FROM inbound").await, NOBODY, "nothing of it is on record, and it may come again");
    world.home.run("UPDATE message SET state = 'accepted', settled_at = 5 WHERE pk = 1").await.unwrap();
    assert_eq!(take_mail(world.desk(), mail).await.unwrap(), Some(Taken::Matched(vec!["C1".to_owned()])));
    assert_eq!(world.peek("SELECT state FROM message").await, ["refused"]);
    world.finish().await;
}

#[tokio::test]
async fn who_has_seen_a_mail_can_make_no_address_dead() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    let returned = || Came::Failed(Returned { class: FaultClass::Address, expired: false, words: "550 5.1.1 gone".to_owned() });
    // The address to answer to stands in the mail for all to see; no report comes there.
    let to_answers = Clues { tokens: vec![token("reply", 1, DAY)], ..Clues::default() };
    assert_eq!(take(&world, &incoming("r", returned(), to_answers)).await, Taken::Unmatched);
    // So does the Message-ID: it voids the step, as the issue of a doubt, and kills nothing.
    let id = world.peek("SELECT message_id FROM message").await.concat();
    let by_id = Clues { returned_id: Some(id.clone()), ..Clues::default() };
    assert_eq!(take(&world, &incoming("i", returned(), by_id.clone())).await, Taken::Matched(vec!["C1".to_owned()]));
    assert_eq!(world.outcomes().await[1..], ["refused email reminder mailbox returned"]);
    assert_eq!(world.peek("SELECT address FROM point WHERE state = 'dead'").await, NOBODY);
    // Sixty days, as for a mark.
    world.days(61);
    assert_eq!(take(&world, &incoming("late", returned(), by_id)).await, Taken::Unmatched);
    // Another's id is not looked for.
    let other = Clues { answers: vec![format!("{}@evil.example", id.split('@').next().unwrap())], ..Clues::default() };
    assert_eq!(take(&world, &incoming("o", Came::Reply, other)).await, Taken::Unmatched);
    world.finish().await;
}

#[tokio::test]
async fn a_machine_that_speaks_of_bankruptcy_is_heard() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    let text = "Réponse automatique : la société a été déclarée en faillite. Curateur : Me Dupont.".to_owned();
    let machine = Incoming { text, came: Came::Automatic { back_on: None }, ..answer("m", 1) };
    take(&world, &machine).await;
    assert_eq!(reason(&world).await, "reply_unread 1");
    let told = world.peek("SELECT text FROM alert WHERE key LIKE 'inbound:%'").await.concat();
    assert!(told.contains("has answered by a machine") && told.contains("faillite"), "{told}");
    assert_eq!(world.peek("SELECT 'sign' FROM debtor WHERE last_sign_at IS NOT NULL").await, NOBODY);
    world.finish().await;
}

#[tokio::test]
async fn what_is_answered_in_a_trial_holds_nobody() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).guard_line("redirect_to = \"me@canal.example\"");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    world.deliver().await;
    let said = Incoming { text: "Our lawyer agrees.".to_owned(), ..answer("t", 1) };
    take(&world, &said).await;
    assert_eq!(world.peek("SELECT pk || '' FROM hold").await, NOBODY);
    assert_eq!(world.peek("SELECT 'sign' FROM debtor WHERE last_sign_at IS NOT NULL").await, NOBODY);
    assert_eq!(world.peek("SELECT state FROM inbound").await, ["none"]);
    world.finish().await;
}

#[tokio::test]
async fn an_absence_counts_only_where_it_is_surely_theirs() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    let back_on = Some("2027-01-20".parse().unwrap());
    let forged = Incoming { came: Came::Automatic { back_on }, ..from("f", "c1@client.example") };
    take(&world, &forged).await;
    let real = Incoming { came: Came::Automatic { back_on }, ..answer("g", 1) };
    let count = |found: &relance::domain::reach::Evidence| {
        matches!(found.kind, relance::domain::reach::Kind::Automatic { back_on: Some(_) })
    };
    let pk = world.peek("SELECT pk || '' FROM debtor").await.concat().parse().unwrap();
    let known = world.store().reach_known(&[pk]).await.unwrap();
    assert_eq!(known[&pk].evidence.iter().filter(|e| count(e)).count(), 0);
    take(&world, &real).await;
    let known = world.store().reach_known(&[pk]).await.unwrap();
    assert_eq!(known[&pk].evidence.iter().filter(|e| count(e)).count(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_stop_is_taken_back_by_a_person_and_stays_in_the_history() {
    let server = Smtp::start().await;
    let world = reminded(&server, true).await;
    let clues = Clues { from: Some("+32470123456".to_owned()), ..Clues::default() };
    let stop = Incoming { via: Via::Sms, ..incoming("stop", Came::Stop, clues) };
    listen::take(world.desk(), &stop, world.clock.now()).await.unwrap();
    assert!(world.store().is_stopped("+32470123456").await.unwrap());
    let now = world.clock.now();
    let pk = world.peek("SELECT pk || '' FROM debtor").await.concat().parse().unwrap();
    assert!(!world.store().allow_sms(pk, "+32470999999", "no", None, now).await.unwrap());
    assert!(world.store().allow_sms(pk, "+32470123456", "asked for it by phone", Some("Anne"), now).await.unwrap());
    assert!(!world.store().is_stopped("+32470123456").await.unwrap());
    let events = world.peek("SELECT text FROM event WHERE kind IN ('stop', 'allowed') ORDER BY pk").await;
    assert_eq!(events, ["wants no more SMS at this number", "SMS to +32470123456 again: asked for it by phone (Anne)"]);
    world.finish().await;
}

#[tokio::test]
async fn an_ordinary_report_is_as_sure_as_ever() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    take(&world, &report(1, FaultClass::Address, "550 5.1.1 no such user")).await;
    assert_eq!(world.peek("SELECT address FROM point WHERE state = 'dead'").await, ["c1@client.example"]);
    world.finish().await;
}
