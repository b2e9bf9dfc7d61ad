//! The cursor: pages, their edges, and a reading that is not ended.

use super::{all, line, one_row, open_transactions, source};
use crate::program::wait_for_async;
use crate::support::{Config, Database, Row, Smtp, World};
use relance::store::polls::PollOutcome;
use std::collections::BTreeMap;

/// Rows whose ids are those of an array.
fn with_ids(array: &str) -> String {
    let row = one_row(&[("invoice_id", "x"), ("balance", "12.50")]);
    line("query", &format!("{row} FROM unnest({array}) x"))
}

#[tokio::test]
async fn an_id_that_stands_twice_is_seen_across_every_edge() {
    let Some(database) = Database::new().await else { return };
    let query = with_ids("ARRAY['d','c','a','c','e','b','c','a','c','e','f']");
    let source = source(database.url(), &query).await.unwrap();
    let columns = source.columns().await.unwrap();
    for limit in 1..=12 {
        let mut reading = source.read(&columns, limit).await.unwrap();
        let mut pages: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut doubled = Vec::new();
        let mut count = 0;
        while let Some(page) = reading.next_page().await.unwrap() {
            page.rows.iter().for_each(|row| pages.entry(row.id.clone()).or_default().push(count));
            doubled.extend(page.doubled.into_iter().map(|id| (id, count)));
            count += 1;
        }
        let ids: Vec<&String> = pages.keys().collect();
        assert_eq!(ids, ["a", "b", "c", "d", "e", "f"], "pages of {limit}");
        let named: Vec<&str> = doubled.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(named, ["a", "c", "e"], "each once, in pages of {limit}");
        for (id, page) in &doubled {
            assert!(pages[id].iter().all(|p| p == page), "no page takes {id} for good, in pages of {limit}: {pages:?}");
        }
        assert!(reading.next_page().await.unwrap().is_none(), "the end stays the end");
    }
    assert_eq!(open_transactions(&database).await, 0);
}

#[tokio::test]
async fn rows_without_an_id_are_reported_and_end_no_reading_early() {
    let Some(database) = Database::new().await else { return };
    let source = source(database.url(), &with_ids("ARRAY[NULL, 'b', NULL, '', 'a', NULL, NULL, NULL]")).await.unwrap();
    for (limit, nameless) in [(2, 3), (3, 4), (100, 6)] {
        let (_, rows, doubled) = all(&source, limit).await;
        let ids: Vec<&str> = rows.iter().filter(|r| r.has_id()).map(|r| r.id.as_str()).collect();
        assert_eq!((ids, doubled), (vec!["a", "b"], vec![]), "in pages of {limit}");
        assert_eq!(rows.iter().filter(|r| !r.has_id()).count(), nameless, "a page of them is enough, and the empty text");
    }
    assert_eq!(open_transactions(&database).await, 0);
}

#[tokio::test]
async fn a_poll_reads_many_pages_and_sees_an_id_that_stands_on_two() {
    let server = Smtp::start().await;
    let Some(world) = World::on_postgres(Config::mail(server.port)).await else { return };
    world
        .books()
        .run(
            "INSERT INTO relance_invoices (invoice_id, number, customer_id, customer_name, due_on, currency, balance)
             SELECT 'F-' || lpad((CASE WHEN n > 1000 THEN n - 1 ELSE n END)::text, 5, '0'), 'N', 'C', 'Maison C',
                    '2026-12-26', 'EUR', '120.00' FROM generate_series(1, 2500) n",
        )
        .await;
    world.insert(&[Row::new("F-00001a", "C1")]).await;
    // In the order of the ids the twice told one is the last of the first page and the first of the second.
    world.delete("F-00002").await;
    let poll = world.poll().await;
    assert_eq!((poll.outcome, poll.rows, poll.unreadable), (PollOutcome::Good, 2500, 1), "{}", poll.text);
    let wrong = world.store().unreadable_rows().await.unwrap();
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].0, "F-01000");
    assert_eq!(world.peek("SELECT count(*) || '' FROM invoice WHERE presence = 'open'").await, ["2498"]);
    world.finish().await;
}

/// The firm's own program writes all the while: a page never shows what the one before did not.
#[tokio::test]
async fn all_pages_show_one_moment_and_keep_nobody_waiting() {
    let Some(database) = Database::new().await else { return };
    database.run("CREATE TABLE books AS SELECT n AS id FROM generate_series(1, 30) n").await;
    let query = one_row(&[("invoice_id", "id")]);
    let source = source(database.url(), &line("query", &format!("{query} FROM books"))).await.unwrap();
    let columns = source.columns().await.unwrap();
    let mut reading = source.read(&columns, 10).await.unwrap();
    let mut ids: Vec<String> = reading.next_page().await.unwrap().unwrap().rows.into_iter().map(|r| r.id).collect();
    database.run("DELETE FROM books WHERE id > 15; INSERT INTO books VALUES (31)").await;
    database.run("VACUUM books").await;
    while let Some(page) = reading.next_page().await.unwrap() {
        ids.extend(page.rows.into_iter().map(|r| r.id));
    }
    assert_eq!(ids, (1..=30).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(all(&source, 10).await.1.len(), 16);
}

#[tokio::test]
async fn a_reading_that_is_dropped_leaves_nothing_open() {
    let Some(database) = Database::new().await else { return };
    let row = one_row(&[("invoice_id", "x"), ("balance", "12.50")]);
    let waits = "(SELECT pg_advisory_xact_lock_shared(7)) waits";
    let query = line("query", &format!("{row} FROM unnest(ARRAY['a','b','c']) x, {waits}"));
    let source = source(database.url(), &query).await.unwrap();
    let columns = source.columns().await.unwrap();
    let mut reading = source.read(&columns, 1).await.unwrap();
    reading.next_page().await.unwrap().unwrap();
    assert_eq!(open_transactions(&database).await, 1);
    drop(reading);
    wait_for_async("the end of the transaction", async || open_transactions(&database).await == 0).await;
    // Also one whose answer nobody waited for: it cannot come before another lets go of a lock.
    let mut reading = source.read(&columns, 1).await.unwrap();
    let mut other = database.pool().begin().await.unwrap();
    sqlx::raw_sql("SELECT pg_advisory_xact_lock(7)").execute(&mut *other).await.unwrap();
    {
        let mut next = std::pin::pin!(reading.next_page());
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx).is_pending())).await);
    }
    other.rollback().await.unwrap();
    assert!(reading.next_page().await.is_err(), "half a reading is not taken for a whole one");
    wait_for_async("the end of the transaction", async || open_transactions(&database).await == 0).await;
    // One that is ended keeps its connection.
    let backends =
        "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'relance' AND datname = current_database()";
    let mut reading = source.read(&columns, 1).await.unwrap();
    reading.next_page().await.unwrap().unwrap();
    let before = database.texts(backends).await;
    reading.end().await;
    assert_eq!((open_transactions(&database).await, database.texts(backends).await), (0, before));
    assert_eq!(all(&source, 1).await.1.len(), 3);
}
