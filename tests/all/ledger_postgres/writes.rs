//! The ledger is only read, whatever the query tries.

use super::{all, line, one_row, source, told};
use crate::support::Database;

/// A table, and functions that write into it.
const TRAPS: &str = "
    CREATE TABLE books (id int, balance text);
    INSERT INTO books VALUES (1, '120.00');
    CREATE SEQUENCE numbers;
    CREATE FUNCTION pay() RETURNS text LANGUAGE plpgsql AS $$ BEGIN UPDATE books SET balance = '0.00'; RETURN 'i1'; END $$;
    CREATE FUNCTION unlock(how text) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN PERFORM set_config(how, 'off', false); UPDATE books SET balance = '0.00'; RETURN 'i1'; END $$;
    CREATE FUNCTION leave() RETURNS text LANGUAGE plpgsql AS $$ BEGIN ROLLBACK; UPDATE books SET balance = '0.00'; RETURN 'i1'; END $$;";

#[tokio::test]
async fn no_query_writes() {
    let Some(database) = Database::new().await else { return };
    database.run(TRAPS).await;
    let with = |id: &str| one_row(&[("invoice_id", id)]);
    let read_only = "in a read-only transaction; the ledger is only read; wanted a query that writes nothing";
    let plain = one_row(&[]);
    for (query, word) in [
        (with("pay()"), format!("cannot execute UPDATE {read_only}")),
        (with("unlock('default_transaction_read_only')"), format!("cannot execute UPDATE {read_only}")),
        (with("unlock('transaction_read_only')"), "transaction read-write mode must be set before any query".to_owned()),
        (with("leave()"), "invalid transaction termination".to_owned()),
        (with("nextval('numbers')::text"), format!("cannot execute nextval() {read_only}")),
        (format!("{plain} FROM books FOR UPDATE"), format!("cannot execute SELECT FOR UPDATE {read_only}")),
        (format!("{plain}; DELETE FROM books"), "syntax error at or near \";\"".to_owned()),
        (
            format!("{plain}) AS r; DELETE FROM books; SELECT * FROM ({plain}"),
            "cannot insert multiple commands into a prepared statement".to_owned(),
        ),
        (
            format!("WITH gone AS (DELETE FROM books RETURNING id) {plain} FROM gone"),
            "WITH clause containing a data-modifying statement must be at the top level".to_owned(),
        ),
        ("DELETE FROM books RETURNING id AS invoice_id".to_owned(), "syntax error at or near \"FROM\"".to_owned()),
    ] {
        let said = told(database.url(), &line("query", &query)).await;
        assert!(said.starts_with("the ledger's query failed: ") && said.contains(&word), "{query}: {said}");
        assert_eq!(database.texts("SELECT balance FROM books").await, ["120.00"], "{query}");
    }
    let booked = line("booked_through", "SELECT pay()");
    let said = told(database.url(), &format!("{}\n{booked}", line("query", &plain))).await;
    assert!(said.contains("booked_through failed: cannot execute UPDATE"), "{said}");
    let reread = line("reread", &format!("{} WHERE 'i1' = ANY(:ids)", with("pay()")));
    let said = told(database.url(), &format!("{}\n{reread}", line("query", &plain))).await;
    assert!(said.contains("re-read failed: cannot execute UPDATE"), "{said}");
    assert_eq!(database.texts("SELECT balance FROM books").await, ["120.00"]);
}

/// What a query sets in its session ends with its transaction.
#[tokio::test]
async fn a_query_that_unlocks_its_session_unlocks_nothing_for_the_next() {
    let Some(database) = Database::new().await else { return };
    let setting = "default_transaction_read_only";
    let (shown, set) = (format!("current_setting('{setting}')"), format!("set_config('{setting}', 'off', false)"));
    let query = one_row(&[("customer_name", &shown), ("reference", &set)]);
    let source = source(database.url(), &line("query", &query)).await.unwrap();
    for _ in 0..3 {
        let (columns, rows, _) = all(&source, 10).await;
        let row = rows[0].read(&columns, "BE").unwrap();
        assert_eq!((row.customer.name.as_str(), row.reference.as_deref()), ("on", Some("off")));
        assert_eq!(source.reread(&columns, &["i1".to_owned()]).await.unwrap()[0].digest, rows[0].digest);
    }
}
