//! Rows of a whole ledger that cannot be trusted: they are reported and left out, and stop no other.

use crate::support::{Config, Row, Smtp, World};
use relance::store::polls::PollOutcome;
use sqlx::AssertSqlSafe;

/// A ledger whose ids keep the type that they are given, and rows that differ only in id and customer.
async fn untyped(world: &World, ids: &[(&str, &str)]) {
    sqlx::query("ALTER TABLE relance_invoices RENAME TO typed").execute(&world.ledger).await.unwrap();
    sqlx::query("CREATE TABLE relance_invoices AS SELECT * FROM typed WHERE 0").execute(&world.ledger).await.unwrap();
    sqlx::query("ALTER TABLE relance_invoices DROP COLUMN invoice_id").execute(&world.ledger).await.unwrap();
    sqlx::query("ALTER TABLE relance_invoices ADD COLUMN invoice_id").execute(&world.ledger).await.unwrap();
    for (i, (id, customer)) in ids.iter().enumerate() {
        let email = format!("{}@client.example", customer.to_ascii_lowercase());
        let sql = format!(
            "INSERT INTO relance_invoices (invoice_id, number, customer_id, customer_name, due_on, currency, balance, email, country) \
             VALUES ({id}, 'F-{i}', '{customer}', 'Maison {customer}', '2026-10-26', 'EUR', '120.00', '{email}', 'BE')"
        );
        sqlx::query(AssertSqlSafe(sql)).execute(&world.ledger).await.unwrap();
    }
}

async fn unreadable(world: &World) -> Vec<String> {
    world.store().unreadable_rows().await.unwrap().into_iter().map(|(id, why)| format!("{id}: {why}")).collect()
}

const TWICE: &str = "the id stands more than once; the query must give one row for each invoice";

#[tokio::test]
async fn an_id_that_is_a_number_here_and_text_there_stands_twice() {
    let server = Smtp::start().await;
    let world = World::new(Config::mail(server.port)).await;
    untyped(&world, &[("5", "C1"), ("'5'", "C2"), ("6", "C3"), ("'7'", "C4"), ("'05'", "C5")]).await;
    for _ in 0..3 {
        world.round().await;
    }
    assert_eq!(unreadable(&world).await, [format!("5: {TWICE}")]);
    let mut left = world.whose("accepted").await;
    left.sort();
    assert_eq!(left, ["C3", "C4", "C5"]);
    assert_eq!(world.outcomes().await.len(), 3, "nothing is planned and cancelled in turn");
    world.finish().await;
}

#[tokio::test]
async fn an_id_that_doubles_before_a_message_leaves_stops_that_message() {
    let server = Smtp::start().await;
    let world = World::new(Config::mail(server.port)).await;
    untyped(&world, &[("5", "C1"), ("6", "C3")]).await;
    world.poll().await;
    world.plan().await;
    let sql = "INSERT INTO relance_invoices (number, customer_id, customer_name, issued_on, due_on, currency, total, balance, status, \
               kind, email, phone, language, country, customer_kind, reference, pay_url, disputed_amount, for_invoice, tags, \
               booked_through, document, invoice_id) SELECT number, 'C2', customer_name, issued_on, due_on, currency, total, balance, \
               status, kind, email, phone, language, country, customer_kind, reference, pay_url, disputed_amount, for_invoice, \
               tags, booked_through, document, '5' FROM relance_invoices WHERE invoice_id = 5";
    sqlx::query(sql).execute(&world.ledger).await.unwrap();
    world.deliver().await;
    assert_eq!(world.whose("accepted").await, ["C3"]);
    assert_eq!(unreadable(&world).await, [format!("5: {TWICE}")]);
    world.finish().await;
}

#[tokio::test]
async fn rows_without_a_usable_id_are_reported_and_stop_no_other() {
    let server = Smtp::start().await;
    let world = World::new(Config::mail(server.port)).await;
    untyped(&world, &[("NULL", "C1"), ("NULL", "C2"), ("5.5", "C3"), ("x'00ff'", "C4"), ("''", "C5"), ("'good'", "C6")]).await;
    world.round().await;
    assert_eq!(
        unreadable(&world).await,
        [
            "(no invoice_id; number F-0): invoice_id is empty",
            "(no invoice_id; number F-1): invoice_id is empty",
            "(no invoice_id; number F-3): invoice_id is neither text nor a whole number",
            "(no invoice_id; number F-4): invoice_id is empty",
            "5.5: invoice_id is a fraction; wanted text or a whole number",
        ]
    );
    assert_eq!(world.whose("accepted").await, ["C6"]);
    world.finish().await;
}

#[tokio::test]
async fn an_id_that_became_a_fraction_is_not_taken_for_paid() {
    let server = Smtp::start().await;
    let world = World::new(Config::mail(server.port)).await;
    untyped(&world, &[("5", "C1"), ("6", "C3")]).await;
    world.poll().await;
    sqlx::query("UPDATE relance_invoices SET invoice_id = 5.0 WHERE invoice_id = 5").execute(&world.ledger).await.unwrap();
    world.round().await;
    assert_eq!(world.peek("SELECT source_id || ' ' || presence FROM invoice ORDER BY 1").await, ["5 unreadable", "6 open"]);
    assert_eq!(world.whose("accepted").await, ["C3"]);
    world.finish().await;
}

/// Then which invoices are there is not known, and nothing may be taken for paid.
#[tokio::test]
async fn a_ledger_in_which_no_row_has_an_id_is_a_poll_that_failed() {
    let world = World::new(Config::mail(25)).await;
    untyped(&world, &[("5", "C1"), ("6", "C3")]).await;
    world.poll().await;
    sqlx::query("UPDATE relance_invoices SET invoice_id = NULL").execute(&world.ledger).await.unwrap();
    let poll = world.poll().await;
    assert_eq!(poll.outcome, PollOutcome::Failed);
    assert!(poll.text.contains("no row of the ledger's query has an invoice_id"), "{}", poll.text);
    assert_eq!(world.peek("SELECT presence FROM invoice").await, ["open", "open"]);
    world.finish().await;
}

#[tokio::test]
async fn absurd_amounts_and_dates_are_left_out_and_the_sums_still_add_up() {
    let server = Smtp::start().await;
    let rows = [
        Row::new("F-1", "C1").with("balance", "92233720368547758.07"),
        Row::new("F-2", "C2").with("balance", "92233720368547758.07"),
        Row::new("F-3", "C3").with("due_on", "0001-01-01"),
        Row::new("F-4", "C4").with("balance", "100.000"),
        Row::new("F-5", "C5"),
        Row::new("F-6", "C6").with("balance", "1000000000000.00"),
        Row::new("F-7", "C7").with("balance", "1000000000000.00"),
    ];
    let world = World::with(Config::mail(server.port), &rows).await;
    world.round().await;
    let wrong = unreadable(&world).await;
    assert_eq!(wrong.len(), 4, "{wrong:?}");
    assert_eq!(wrong[2], "F-3: due_on is 0001-01-01; wanted a year from 1970 to 2199");
    assert_eq!(wrong[3], "F-4: balance in EUR: more decimals than the currency has");
    let mut left = world.whose("accepted").await;
    left.sort();
    assert_eq!(left, ["C5", "C6", "C7"]);
    assert_eq!(world.peek("SELECT sum(balance) || '' FROM invoice").await, ["200000000012000"]);
    world.finish().await;
}

#[tokio::test]
async fn a_receipt_for_another_customers_invoice_covers_that_one_only() {
    let server = Smtp::start().await;
    let receipt = Row::new("P-1", "C1").with("kind", "payment").with("balance", "120.00").with("for_invoice", "F-2");
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1"), Row::new("F-2", "C2"), receipt]).await;
    world.round().await;
    assert_eq!(world.whose("accepted").await, ["C1"], "who paid for another still owes; who was paid for is not asked");
    let mut reasons = world.reasons().await;
    reasons.sort();
    assert_eq!(reasons, ["due 1", "unallocated_covers 1"]);
    world.delete("P-1").await;
    world.round().await;
    assert_eq!(world.whose("accepted").await, ["C1", "C2"], "looked at again once the receipt is gone");
    world.finish().await;
}

/// A NUL in a text, a key too long for an index: such a row hurts only itself, wherever the store is.
#[tokio::test]
async fn what_postgresql_cannot_hold_hurts_only_its_row() {
    let server = Smtp::start().await;
    let rows = [
        Row::new("F-\0-1", "C1"),
        Row::new("F-2", "C2").with("customer_name", "Brasserie\0 du Parvis").with("number", "2026\0-2"),
        Row::new("", "C3").with("number", "\0"),
        Row::new("F-4", "C4"),
        Row::new(&"9".repeat(2001), "C5").with("number", "2026-5"),
        Row::new("F-6", &"6".repeat(3000)),
    ];
    let world = World::with(Config::mail(server.port), &rows).await;
    world.plan().await;
    world.deliver().await;
    assert_eq!(world.whose("accepted").await, ["C2", "C4"]);
    let told = world.store().unreadable_rows().await.unwrap();
    let told: Vec<(&str, &str)> = told.iter().map(|(id, why)| (id.as_str(), why.as_str())).collect();
    let expected = [
        ("(no invoice_id; number 2026-5)", "invoice_id is longer than 2000 bytes"),
        ("(no invoice_id; number F-\u{fffd}-1)", "invoice_id holds a NUL character"),
        ("(no invoice_id; number \u{fffd})", "invoice_id is empty"),
        ("F-6", "customer_id is longer than 2000 bytes"),
    ];
    assert_eq!(told, expected);
    world.finish().await;
}
