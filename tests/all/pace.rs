//! How fast messages leave: the operator's limit, the server's patience, and the freshness of what is sent.

use crate::support::{Act, Config, Row, Smtp, Stage, World};
use std::time::Duration;

fn debtors(count: usize) -> Vec<Row> {
    (1..=count).map(|i| Row::new(&format!("F-{i:03}"), &format!("C{i:03}"))).collect()
}

/// Messages and addresses that are kept though no attempt speaks of them: nothing would ever erase them.
const ORPHANS: &str = "SELECT count(*) || '' FROM payload WHERE (address IS NOT NULL OR body IS NOT NULL)
    AND pk NOT IN (SELECT payload_pk FROM attempt WHERE payload_pk IS NOT NULL)";

#[tokio::test]
async fn all_that_may_leave_leaves_in_one_step_however_slow_the_relay() {
    let server = Smtp::start().await;
    server.state().slow = Duration::from_millis(60);
    let world = World::with(Config::mail(server.port).email_line("connections = 1"), &debtors(40)).await;
    world.plan().await;
    let delivered = world.deliver().await;
    assert_eq!(delivered.accepted, 40);
    assert_eq!(server.accepted().len(), 40);
    assert_eq!(world.queue().await, Vec::<String>::new());
    assert_eq!(world.peek(ORPHANS).await, ["0"]);
    assert_eq!(world.peek("SELECT DISTINCT tries || '' FROM message").await, ["1"], "a mark that was lost is no try");
    world.finish().await;
}

#[tokio::test]
async fn what_has_waited_too_long_behind_a_slow_message_is_read_again() {
    let server = Smtp::start().await;
    server.next(&[Act::Late(Duration::from_millis(1200))]);
    let world = World::with(Config::mail(server.port).email_line("connections = 1"), &debtors(3)).await;
    world.plan().await;
    let pay = async {
        while server.begun().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.pay("F-002").await;
    };
    tokio::join!(world.deliver(), pay);
    assert_eq!(world.whose("accepted").await, ["C001", "C003"]);
    assert_eq!(world.whose("cancelled").await, ["C002"], "it had been marked, but its payment came before it left");
    assert_eq!(world.peek(ORPHANS).await, ["0"]);
    assert_eq!(world.peek("SELECT tries || '' FROM message ORDER BY pk").await, ["1", "0", "1"]);
    world.finish().await;
}

#[tokio::test]
async fn no_more_leave_in_a_minute_than_the_operator_allows() {
    let server = Smtp::start().await;
    server.state().slow = Duration::from_millis(2);
    let config = Config::mail(server.port).email_line("connections = 4").email_line("max_per_minute = 5");
    let world = World::with(config, &debtors(12)).await;
    world.plan().await;
    for _ in 0..3 {
        world.deliver().await;
        assert_eq!(server.begun().len(), 5);
    }
    world.minutes(1);
    world.deliver().await;
    assert_eq!(server.begun().len(), 5, "a minute has not quite passed for the first five");
    world.advance(jiff::Span::new().seconds(1));
    for _ in 0..3 {
        world.deliver().await;
        assert_eq!(server.begun().len(), 10);
    }
    world.minutes(2);
    world.deliver().await;
    assert_eq!(server.accepted().len(), 12);
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_fewer_connections_at_once() {
    let server = Smtp::start().await;
    server.state().slow = Duration::from_millis(3);
    server.next(&[Act::Reply(Stage::Rcpt, 450, "4.7.1 slow down"); 8]);
    let world = World::with(Config::mail(server.port).email_line("connections = 8"), &debtors(120)).await;
    world.plan().await;
    world.deliver().await;
    let begun = server.begun();
    assert_eq!(begun.len(), 120);
    assert!(begun[..8].iter().any(|t| t.at_once >= 2), "it begins with several at once");
    // The eight were under way together; each may have taken one more before it heard of the others.
    let after: Vec<usize> = begun[24..58].iter().map(|t| t.at_once).collect();
    assert!(after.iter().all(|n| *n == 1), "one at a time: {after:?}");
    let recovered = begun[58..].iter().map(|t| t.at_once).max().unwrap();
    assert!((2..=3).contains(&recovered), "slowly more again: {recovered}");
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes.iter().filter(|o| *o == "deferred email reminder throttled").count(), 8);
    assert_eq!(outcomes.iter().filter(|o| *o == "accepted email reminder").count(), 112);
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
    world.finish().await;
}
