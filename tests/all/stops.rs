//! What stops the machine, tells the creditor once, and lets go again: bad polls, old data, silent debtors.

use crate::support::{Act, Config, Row, Smtp, Stage, World};
use relance::store::plan::{Looked, Looks};
use relance::store::polls::PollOutcome;

fn debtors(count: usize) -> Vec<Row> {
    (1..=count).map(|i| Row::new(&format!("F-{i:02}"), &format!("C{i:02}"))).collect()
}

/// Mails to the creditor, by subject.
fn alerts(server: &Smtp) -> Vec<String> {
    server.to("compta@canal.example").iter().map(|m| m.parsed().header("Subject")).collect()
}

#[tokio::test]
async fn data_that_is_too_old_stops_sending_until_the_next_good_poll() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2").with("due_on", "2026-10-28")];
    let world = World::with(Config::mail(server.port), &rows).await;
    world.plan().await;
    assert_eq!(world.queue().await, ["queued 1"]);
    world.days(2);
    world.plan().await;
    world.deliver().await;
    for _ in 0..3 {
        world.review().await;
        world.minutes(20);
        world.plan().await;
    }
    assert_eq!(world.outcomes().await, ["cancelled email reminder stale_data"]);
    assert_eq!(world.reasons().await, ["stale_data 2"]);
    assert_eq!(alerts(&server), ["relance: the invoice data is too old, nothing is sent"]);
    let text = server.only().parsed().text().to_owned();
    assert!(text.contains("the ledger was last read 48 h ago; after 36 h nothing is sent ([guard] max_data_age)"), "{text}");
    world.poll().await;
    world.minutes(10);
    world.plan().await;
    world.deliver().await;
    world.review().await;
    assert_eq!(server.accepted().len(), 1 + 2);
    assert_eq!(world.alerts().await, Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn a_poll_that_fails_stops_sending_and_tells_once() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &debtors(2)).await;
    sqlx::raw_sql("ALTER TABLE relance_invoices RENAME COLUMN balance TO saldo").execute(&world.ledger).await.unwrap();
    for _ in 0..3 {
        assert_eq!(world.poll().await.outcome, PollOutcome::Failed);
        world.plan().await;
        world.deliver().await;
        world.review().await;
        world.minutes(10);
    }
    assert_eq!(world.reasons().await, ["poll_failed 2"]);
    assert_eq!(alerts(&server), ["relance: the ledger cannot be read, nothing is sent"]);
    let text = server.only().parsed().text().to_owned();
    assert!(text.contains("balance"), "the column that is missing is named: {text}");
    sqlx::raw_sql("ALTER TABLE relance_invoices RENAME COLUMN saldo TO balance").execute(&world.ledger).await.unwrap();
    world.round().await;
    world.review().await;
    assert_eq!(server.accepted().len(), 1 + 2);
    // The condition is over; when it comes back it is a new one.
    sqlx::raw_sql("ALTER TABLE relance_invoices RENAME COLUMN balance TO saldo").execute(&world.ledger).await.unwrap();
    world.poll().await;
    world.review().await;
    assert_eq!(alerts(&server).len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn before_the_first_poll_nothing_leaves() {
    let server = Smtp::start().await;
    let world = World::new(Config::mail(server.port)).await;
    world.insert(&debtors(1)).await;
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    let brakes = world.desk().conditions(world.clock.now()).await.unwrap().brakes;
    assert_eq!(brakes[0].text, "the ledger has not been read yet; nothing is wrong if relance was started just now");
    world.finish().await;
}

#[tokio::test]
async fn a_ledger_that_shrinks_too_much_stops_sending_until_a_person_says_it_is_right() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &debtors(10)).await;
    for gone in ["F-01", "F-02", "F-03", "F-04"] {
        world.delete(gone).await;
    }
    for _ in 0..2 {
        let poll = world.poll().await;
        assert_eq!((poll.outcome, poll.vanished), (PollOutcome::Shrunk, 4));
        world.plan().await;
        world.deliver().await;
        world.review().await;
        world.minutes(10);
    }
    assert_eq!(world.reasons().await, ["ledger_shrunk 10"]);
    assert_eq!(alerts(&server), ["relance: the ledger shrank, nothing is sent"]);
    assert!(server.only().parsed().text().contains("4 of 10 open invoices are gone"));
    assert_eq!(world.peek("SELECT DISTINCT presence FROM invoice").await, ["open"], "nothing is taken for paid");
    world.release_ledger().await;
    world.round().await;
    world.review().await;
    assert_eq!(server.accepted().len(), 1 + 6);
    assert_eq!(world.peek("SELECT count(*) || '' FROM invoice WHERE presence = 'closed'").await, ["4"]);
    assert_eq!(world.alerts().await, Vec::<String>::new());
    // The word was for this once.
    for gone in ["F-05", "F-06"] {
        world.delete(gone).await;
    }
    assert_eq!(world.poll().await.outcome, PollOutcome::Good, "6 open rows are too few for suspicion");
    world.finish().await;
}

#[tokio::test]
async fn thirty_percent_may_go_and_a_small_ledger_may_go_whole() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &debtors(10)).await;
    for gone in ["F-01", "F-02", "F-03"] {
        world.delete(gone).await;
    }
    assert_eq!(world.poll().await.outcome, PollOutcome::Good, "exactly 30 %");
    sqlx::raw_sql("DELETE FROM relance_invoices").execute(&world.ledger).await.unwrap();
    assert_eq!(world.poll().await.outcome, PollOutcome::Good, "7 rows are fewer than 10");
    world.finish().await;
}

#[tokio::test]
async fn a_ledger_whose_rows_come_back_needs_no_word() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &debtors(10)).await;
    sqlx::raw_sql("ALTER TABLE relance_invoices RENAME TO away; CREATE TABLE relance_invoices AS SELECT * FROM away LIMIT 0")
        .execute(&world.ledger)
        .await
        .unwrap();
    assert_eq!(world.poll().await.outcome, PollOutcome::Shrunk);
    sqlx::raw_sql("DROP TABLE relance_invoices; ALTER TABLE away RENAME TO relance_invoices")
        .execute(&world.ledger)
        .await
        .unwrap();
    world.round().await;
    assert_eq!(server.accepted().len(), 10);
    assert_eq!(world.peek("SELECT kind FROM event").await, Vec::<String>::new(), "nobody is taken for having paid");
    world.finish().await;
}

#[tokio::test]
async fn an_alert_that_cannot_leave_is_tried_again_later_and_arrives_once() {
    let server = Smtp::start().await;
    server.next(&[Act::Reply(Stage::Rcpt, 451, "4.3.0 later")]);
    let world = World::with(Config::mail(server.port), &debtors(1)).await;
    world.days(2);
    for _ in 0..3 {
        world.review().await;
    }
    assert_eq!(server.begun().len(), 1, "not at every look");
    for _ in 0..3 {
        world.minutes(10);
        world.review().await;
    }
    assert_eq!(alerts(&server).len(), 1);
    let alert = server.only().parsed();
    assert_eq!(alert.header("Auto-Submitted"), "auto-generated");
    assert!(alert.header("Message-ID").ends_with("@canal.example>"));
    world.finish().await;
}

#[tokio::test]
async fn an_alert_in_doubt_is_not_sent_twice() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot)]);
    let world = World::with(Config::mail(server.port), &debtors(1)).await;
    world.days(2);
    for _ in 0..3 {
        world.review().await;
        world.minutes(20);
    }
    assert_eq!(server.begun().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_debtor_who_never_answers_becomes_unreachable_and_a_payment_undoes_it() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).file("reach.toml", "[silence]\ncontacts = 2\ndays = 7\n");
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C1").with("due_on", "2026-10-27")];
    let world = World::with(config, &rows).await;
    world.round().await;
    world.review().await;
    assert_eq!(world.store().unreachable().await.unwrap(), vec![]);
    world.days(10);
    world.round().await;
    for _ in 0..3 {
        world.review().await;
        world.minutes(20);
    }
    let unreachable = world.store().unreachable().await.unwrap();
    assert_eq!(unreachable[0].debtor, "C1");
    assert_eq!(unreachable[0].why, "2 contacts from 2026-11-02 to 2026-11-12 without a payment or any other sign of life");
    assert_eq!(alerts(&server), ["relance: C1 cannot be reached"]);
    world.pay("F-1").await;
    world.poll().await;
    world.review().await;
    assert_eq!(world.store().unreachable().await.unwrap(), vec![], "a payment is a sign of life");
    assert_eq!(world.alerts().await, Vec::<String>::new());
    // Silence begins anew: two more contacts over a week, and the creditor hears of it again.
    world.days(8);
    world.round().await;
    world.insert(&[Row::new("F-3", "C1").with("due_on", "2026-11-16")]).await;
    world.poll().await;
    world.days(10);
    world.round().await;
    world.review().await;
    assert_eq!(world.store().unreachable().await.unwrap().len(), 1, "{:?}", world.outcomes().await);
    assert_eq!(alerts(&server).len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_debtor_without_an_address_is_shown_told_once_and_written_to_when_there_is_one() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1").without("email"), Row::new("F-2", "C2").with("email", "ask Marie")];
    let world = World::with(Config::mail(server.port), &rows).await;
    for _ in 0..3 {
        world.round().await;
        world.review().await;
        world.minutes(20);
    }
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes.len(), 2, "once each: {outcomes:?}");
    assert!(outcomes.contains(&"no_address - reminder no email address; sms is not configured".to_owned()), "{outcomes:?}");
    let odd = "no_address - reminder email: the ledger's e-mail is not an address; sms is not configured".to_owned();
    assert!(outcomes.contains(&odd), "{outcomes:?}");
    assert_eq!(world.reasons().await, ["no_address 2"]);
    assert_eq!(alerts(&server), ["relance: 2 customers cannot be reached"], "one letter for both");
    let letter = server.to("compta@canal.example")[0].parsed();
    assert!(letter.text().contains("(C1): no usable address") && letter.text().contains("(C2): no usable"), "{}", letter.text());
    world.change("F-1", "email", "c1@client.example").await;
    world.round().await;
    world.review().await;
    assert_eq!(server.to("c1@client.example").len(), 1);
    assert_eq!(world.alerts().await, ["unreachable:C2"]);
    world.finish().await;
}

/// A look that began before a poll and ends after it knows nothing of it: it is thrown away, or what waited for that
/// poll would wait on.
#[tokio::test]
async fn a_look_that_a_poll_overtakes_is_done_anew() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    let (store, now) = (world.store(), world.clock.now());
    let (due, poll) = (store.due_debtors(now, 10).await.unwrap(), store.newest_poll().await.unwrap());
    let braked = Looked { debtor_pk: due[0].0, was: due[0].1, next: None, reason: "stale_data" };
    world.poll().await;
    assert!(!store.commit_plan(poll, &Looks { looked: vec![braked], ..Looks::default() }, false, now).await.unwrap());
    assert_eq!(store.due_debtors(now, 10).await.unwrap(), due);
    world.plan().await;
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    world.finish().await;
}
