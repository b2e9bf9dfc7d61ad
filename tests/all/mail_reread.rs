//! Between plan and delivery the world goes on: what is read again just before a message leaves decides (R13).

use crate::support::{Config, Row, Smtp, World};
use relance::store::polls::PollOutcome;

/// A world in which the reminder of F-1 is planned and has not left.
async fn planned(server: &Smtp) -> World {
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    assert_eq!(world.plan().await.messages, 1);
    world
}

#[tokio::test]
async fn paid_meanwhile_nobody_is_written_to() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    world.pay("F-1").await;
    assert_eq!(world.deliver().await.cancelled, 1);
    world.round().await;
    world.days(1);
    world.round().await;
    assert_eq!(server.state().connections, 0, "there was nobody to write to");
    assert_eq!(world.outcomes().await, ["cancelled email reminder paid"]);
    assert_eq!(world.peek("SELECT kind FROM event").await, ["paid"]);
    world.finish().await;
}

#[tokio::test]
async fn a_part_payment_meanwhile_stops_the_message_for_three_working_days() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    world.change("F-1", "balance", "70.00").await;
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["cancelled email reminder part_paid"]);
    for _ in 0..2 {
        world.days(1);
        world.round().await;
        assert_eq!(server.begun().len(), 0);
    }
    world.days(1);
    world.round().await;
    let text = server.only().parsed().text().to_owned();
    for amount in ["120,00\u{a0}€", "50,00\u{a0}€", "70,00\u{a0}€"] {
        assert!(text.contains(amount), "total, received and remaining are shown; {amount} is not in\n{text}");
    }
    assert_eq!(world.outcomes().await[1], "accepted email reminder", "the stage is kept");
    world.finish().await;
}

#[tokio::test]
async fn gone_at_the_re_read_it_is_dropped_and_the_next_poll_decides_that_it_is_gone() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    world.delete("F-1").await;
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["cancelled email reminder missing"]);
    assert_eq!(world.peek("SELECT presence FROM invoice").await, ["missing"], "gone is not paid");
    assert_eq!(world.peek("SELECT kind FROM event").await, Vec::<String>::new());
    world.round().await;
    assert_eq!(world.peek("SELECT presence FROM invoice").await, ["closed"]);
    assert_eq!(server.begun().len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn gone_at_the_re_read_and_back_at_the_next_poll_it_is_reminded_after_all() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    world.delete("F-1").await;
    world.deliver().await;
    world.plan().await;
    assert_eq!(world.reasons().await, ["missing 1"]);
    world.insert(&[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["cancelled email reminder missing", "accepted email reminder"]);
    server.only();
    world.finish().await;
}

#[tokio::test]
async fn of_two_invoices_the_one_that_is_gone_is_dropped_from_the_message() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C1").with("balance", "80.00").with("total", "80.00")];
    let world = World::with(Config::mail(server.port), &rows).await;
    world.plan().await;
    world.delete("F-1").await;
    world.deliver().await;
    let text = server.only().parsed().text().to_owned();
    assert!(text.contains("F-2") && text.contains("80,00") && !text.contains("F-1") && !text.contains("200,00"), "{text}");
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    assert_eq!(
        world.peek("SELECT i.source_id FROM mark m JOIN invoice i ON i.pk = m.invoice_pk WHERE m.kind = 'left'").await,
        ["F-2"]
    );
    world.insert(&[Row::new("F-1", "C1")]).await;
    world.days(4);
    world.round().await;
    assert_eq!(server.accepted().len(), 2, "the one that came back has not had its reminder yet");
    world.finish().await;
}

#[tokio::test]
async fn a_changed_balance_or_address_shows_in_what_leaves() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    world.change("F-1", "balance", "150.00").await;
    world.deliver().await;
    let text = server.only().parsed().text().to_owned();
    assert!(text.contains("150,00") && !text.contains("120,00\u{a0}€ à payer"), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn a_new_address_meanwhile_takes_the_old_ones_place() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    world.change("F-1", "email", "new@client.example").await;
    world.deliver().await;
    assert_eq!(server.begun().len(), 0, "the old address is no longer the debtor's");
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.only().to, "new@client.example");
    assert_eq!(world.outcomes().await, ["cancelled email reminder changed", "accepted email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_again_stops_everything() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    sqlx::raw_sql("ALTER TABLE relance_invoices RENAME TO away").execute(&world.ledger).await.unwrap();
    for _ in 0..3 {
        world.deliver().await;
    }
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.queue().await, ["queued 1"], "the message keeps its place");
    let last = world.store().last_poll().await.unwrap().unwrap();
    assert_eq!(last.outcome, PollOutcome::Failed);
    assert!(last.text.contains("no such table: relance_invoices"), "{}", last.text);
    world.review().await;
    assert!(world.alerts().await.contains(&"poll_failed".to_owned()));
    sqlx::raw_sql("ALTER TABLE away RENAME TO relance_invoices").execute(&world.ledger).await.unwrap();
    world.minutes(10);
    world.round().await;
    world.minutes(10);
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 1, "it leaves once the ledger can be read again");
    world.review().await;
    assert_eq!(world.alerts().await, Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn a_ledger_file_that_was_taken_away_is_noticed_though_it_was_open() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    std::fs::rename(world.path("ledger.db"), world.path("elsewhere.db")).unwrap();
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    let last = world.store().last_poll().await.unwrap().unwrap();
    assert_eq!(last.outcome, PollOutcome::Failed);
    assert!(last.text.contains("there is no such file"), "{}", last.text);
    std::fs::rename(world.path("elsewhere.db"), world.path("ledger.db")).unwrap();
    world.minutes(10);
    world.round().await;
    world.minutes(10);
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_ledger_file_that_was_replaced_is_read_anew() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    // As an export does it: a new file beside the old one, then moved over it.
    let fresh = crate::support::world::new_ledger(&world.path("fresh.db")).await;
    fresh.close().await;
    std::fs::rename(world.path("fresh.db"), world.path("ledger.db")).unwrap();
    world.deliver().await;
    assert_eq!(server.state().connections, 0, "the new ledger no longer has the invoice");
    assert_eq!(world.outcomes().await, ["cancelled email reminder missing"]);
    world.finish().await;
}

#[tokio::test]
async fn a_hold_put_between_plan_and_delivery_holds() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    world.hold("F-1", "2026-11-09").await;
    world.deliver().await;
    world.days(3);
    world.round().await;
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.outcomes().await, ["cancelled email reminder held"]);
    assert_eq!(world.reasons().await, ["held 1"]);
    world.set("2026-11-09T10:00:00+01:00");
    world.round().await;
    server.only();
    world.finish().await;
}

#[tokio::test]
async fn what_the_window_cuts_off_is_decided_again_when_it_opens() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    world.set("2026-11-02T17:31:00+01:00");
    world.deliver().await;
    world.plan().await;
    assert_eq!(world.outcomes().await, ["cancelled email reminder outside_window"]);
    world.set("2026-11-03T08:59:00+01:00");
    world.round().await;
    assert_eq!(server.state().connections, 0);
    world.set("2026-11-03T09:00:00+01:00");
    world.round().await;
    server.only();
    world.finish().await;
}

#[tokio::test]
async fn a_locked_ledger_is_a_poll_that_failed_and_says_so() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&world.ledger).await.unwrap();
    world.deliver().await;
    let last = world.store().last_poll().await.unwrap().unwrap();
    assert_eq!(last.outcome, PollOutcome::Failed);
    assert!(last.text.contains("locked"), "{}", last.text);
    assert_eq!(server.state().connections, 0);
    sqlx::raw_sql("COMMIT").execute(&world.ledger).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn columns_that_change_their_places_are_still_read_by_name() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    let mut columns = crate::support::row::COLUMNS;
    columns.reverse();
    let view = format!(
        "ALTER TABLE relance_invoices RENAME TO books; CREATE VIEW relance_invoices AS SELECT {} FROM books",
        columns.join(", ")
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(view)).execute(&world.ledger).await.unwrap();
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    assert_eq!(server.only().to, "c1@client.example");
    world.finish().await;
}

#[tokio::test]
async fn the_firms_own_re_read_may_give_its_columns_in_another_order() {
    let server = Smtp::start().await;
    let mut columns = crate::support::row::COLUMNS;
    columns.reverse();
    let list = columns.join(", ");
    let reread =
        format!("reread = \"SELECT {list} FROM relance_invoices WHERE invoice_id IN (SELECT value FROM json_each(:ids))\"");
    let world = World::with(Config::mail(server.port).source_line(&reread), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    assert_eq!(world.peek("SELECT kind FROM event").await, Vec::<String>::new(), "nothing has changed");
    world.finish().await;
}
