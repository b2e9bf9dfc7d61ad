//! From the database to the mail: polls, re-reads, what is paid and what is gone.

use super::line;
use crate::program::wait_for_async;
use crate::support::{Config, Database, Relay, Row, Smtp, World};
use relance::store::polls::PollOutcome;

/// Books as a firm keeps them, in types of their own.
const BOOKS: &str = "
    CREATE TABLE customers (id int PRIMARY KEY, name varchar(80) NOT NULL, email text, country char(2), vat_number text);
    CREATE TABLE invoices (id bigint PRIMARY KEY, number varchar(20), customer_id int REFERENCES customers,
        issued_on date, due_on date, total numeric(12,2), open numeric(24,8));
    INSERT INTO customers VALUES (1, 'Brasserie du Parvis', 'parvis@client.example', 'BE', 'BE0123'),
        (2, 'Garage De Smet', 'desmet@client.example', 'BE', 'BE0456');
    INSERT INTO invoices VALUES (101, '2026-0101', 1, '2026-09-26', '2026-10-26', 120.00, 120),
        (102, '2026-0102', 1, '2026-09-26', '2026-10-26', 80.50, 80.5), (103, '2026-0103', 2, '2026-09-26', '2026-10-26', 40, 40);";

const QUERY: &str = "SELECT i.id AS invoice_id, i.number, c.id AS customer_id, c.name AS customer_name, i.issued_on, i.due_on,
       'EUR' AS currency, i.total, i.open AS balance, c.email, c.country,
       CASE WHEN c.vat_number <> '' THEN 'business' ELSE 'consumer' END AS customer_kind
FROM invoices i JOIN customers c ON c.id = i.customer_id;
-- all of them, the paid ones too";

#[tokio::test]
async fn a_firms_books_become_mails() {
    let server = Smtp::start().await;
    let Some(books) = Database::new().await else { return };
    books.run(BOOKS).await;
    let config = Config::mail(server.port).ledger(books.url()).source_line(&line("query", QUERY));
    let world = World::on(books, config).await;
    let poll = world.poll().await;
    assert_eq!((poll.outcome, poll.rows, poll.unreadable), (PollOutcome::Good, 3, 0), "{}", poll.text);
    assert_eq!(
        world.peek("SELECT source_id || ' ' || balance || ' ' || total FROM invoice ORDER BY 1").await,
        ["101 12000 12000", "102 8050 8050", "103 4000 4000"]
    );
    world.plan().await;
    // Between plan and delivery one is paid in part, and one wholly.
    world.books().run("UPDATE invoices SET open = 0 WHERE id = 103").await;
    world.deliver().await;
    assert_eq!(world.whose("accepted").await, ["1"]);
    assert_eq!(world.outcomes().await, ["cancelled email reminder paid", "accepted email reminder"]);
    let text = server.only().parsed().text().to_owned();
    assert!(text.contains("2026-0101") && text.contains("2026-0102") && text.contains("200,50"), "{text}");
    world.books().run("DELETE FROM invoices WHERE id = 101").await;
    world.poll().await;
    assert_eq!(
        world.peek("SELECT source_id || ' ' || presence FROM invoice ORDER BY 1").await,
        ["101 closed", "102 open", "103 closed"]
    );
    assert_eq!(super::open_transactions(world.books()).await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_payment_between_plan_and_delivery_is_seen_by_the_firms_own_re_read() {
    for condition in ["i.id = ANY(:ids::bigint[])", "i.id::text = ANY(:ids) AND i.id::text IN (SELECT unnest(:ids)) -- once more"]
    {
        let server = Smtp::start().await;
        let Some(books) = Database::new().await else { return };
        books.run(BOOKS).await;
        let own = QUERY.replace(";\n-- all of them, the paid ones too", &format!(" WHERE {condition}"));
        let config = Config::mail(server.port).ledger(books.url()).source_line(&line("query", QUERY));
        let world = World::on(books, config.source_line(&line("reread", &own))).await;
        world.poll().await;
        world.plan().await;
        world.books().run("UPDATE invoices SET open = 0 WHERE customer_id = 1; DELETE FROM invoices WHERE id = 103").await;
        world.deliver().await;
        let mut outcomes = world.outcomes().await;
        outcomes.sort();
        assert_eq!(outcomes, ["cancelled email reminder missing", "cancelled email reminder paid"]);
        assert_eq!(server.state().connections, 0);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_view_of_that_name_needs_no_query_and_rows_that_cannot_be_read_stop_no_other() {
    let server = Smtp::start().await;
    let Some(world) = World::on_postgres(Config::mail(server.port)).await else { return };
    let rows = [
        Row::new("F-1", "C1"),
        Row::new("F-2", "C2").with("due_on", "26/10/2026"),
        Row::new("F-3", "C3").with("balance", "100.000"),
        Row::new("F-4", "C4"),
        Row::new("F-4", "C4"),
        Row::new("F-5", "C5").without("invoice_id"),
    ];
    world.insert(&rows).await;
    world.round().await;
    let wrong: Vec<String> =
        world.store().unreadable_rows().await.unwrap().into_iter().map(|(id, why)| format!("{id}: {why}")).collect();
    assert_eq!(
        wrong,
        [
            "(no invoice_id; number F-5): invoice_id is empty",
            "F-2: due_on is \"26/10/2026\"; wanted a date YYYY-MM-DD",
            "F-3: balance in EUR: more decimals than the currency has",
            "F-4: the id stands more than once; the query must give one row for each invoice",
        ]
    );
    assert_eq!(world.whose("accepted").await, ["C1"]);
    world.change("F-3", "balance", "100.00").await;
    world.round().await;
    assert_eq!(world.whose("accepted").await, ["C1", "C3"]);
    world.finish().await;
}

#[tokio::test]
async fn receipts_are_booked_through_what_a_query_says() {
    let Some(books) = Database::new().await else { return };
    books.run("CREATE TABLE bank_lines (booked timestamptz); INSERT INTO bank_lines VALUES ('2026-10-29T23:30:00Z')").await;
    let query = line("booked_through", "SELECT max(booked), count(*) FROM bank_lines; -- the newest");
    let config = Config::mail(25).ledger(books.url()).source_line(&query);
    let world = World::on(books, config).await;
    let poll = world.poll().await;
    assert_eq!(poll.booked_through.map(|d| d.to_string()).as_deref(), Some("2026-10-30"), "by the firm's own calendar");
    world.books().run("TRUNCATE bank_lines").await;
    assert_eq!(world.poll().await.text, "the ledger's booked_through failed: it gave no date");
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_goes_away_stops_all_sending_until_it_is_back() {
    let server = Smtp::start().await;
    let Some(books) = Database::new().await else { return };
    let mut relay = Relay::to(&books.address()).await;
    let url = books.url_by(&relay.address.to_string());
    let world = World::on(books, Config::mail(server.port).ledger(&url)).await;
    world.insert(&[Row::new("F-1", "C1"), Row::new("F-2", "C2")]).await;
    assert_eq!(world.poll().await.outcome, PollOutcome::Good);
    world.plan().await;
    relay.cut().await;
    for _ in 0..3 {
        world.deliver().await;
    }
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.queue().await, ["queued 2"], "the messages keep their place");
    let last = world.store().last_poll().await.unwrap().unwrap();
    assert_eq!(last.outcome, PollOutcome::Failed);
    let away = "Connection refused (os error 111); see that the server runs and that this machine may reach it. It is tried again by itself, and nothing leaves before";
    assert_eq!(last.text, format!("the re-read before sending failed: cannot reach the ledger {url}: {away}"));
    world.minutes(10);
    assert_eq!(world.poll().await.text, format!("cannot reach the ledger {url}: {away}"));
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    relay.mend().await;
    world.minutes(10);
    world.pay("F-2").await;
    for _ in 0..2 {
        world.round().await;
        world.minutes(10);
    }
    let mut outcomes = world.outcomes().await;
    outcomes.retain(|o| o.starts_with("accepted"));
    assert_eq!(outcomes.len(), 1, "one leaves, the other was paid meanwhile");
    world.finish().await;
}

#[tokio::test]
async fn connections_that_broke_meanwhile_are_no_failure() {
    let server = Smtp::start().await;
    let Some(books) = Database::new().await else { return };
    let mut relay = Relay::to(&books.address()).await;
    let url = books.url_by(&relay.address.to_string());
    let world = World::on(books, Config::mail(server.port).ledger(&url)).await;
    world.insert(&[Row::new("F-1", "C1")]).await;
    world.poll().await;
    relay.shake().await;
    world.minutes(10);
    assert_eq!(world.poll().await.outcome, PollOutcome::Good);
    world.plan().await;
    relay.shake().await;
    world.deliver().await;
    assert_eq!(world.whose("accepted").await, ["C1"]);
    // The server ends them itself, as it does at a restart.
    let end = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE application_name = 'relance' AND datname = current_database()";
    assert!(!world.books().texts(end).await.is_empty());
    wait_for_async("their end", async || world.books().texts(end).await.is_empty()).await;
    assert_eq!(world.poll().await.outcome, PollOutcome::Good);
    world.finish().await;
}
