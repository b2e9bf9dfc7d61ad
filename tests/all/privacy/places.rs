//! The list of what holds personal data is whole: whoever adds a column says what it is.

use crate::store::filled::{documents, dump, fill, script};
use crate::store::old::{NUMBERS, make, newest};
use crate::support::home::Home;
use relance::config::Environment;
use relance::store::Store;
use relance::store::person::erase::{Erasure, Word};
use relance::store::person::places::{HARMLESS, PERSONAL};
use std::collections::BTreeMap;
use tempfile::TempDir;

/// What the list says of each column: how often.
fn listed() -> BTreeMap<String, usize> {
    let personal = PERSONAL.iter().flat_map(|p| p.columns.iter().map(move |c| format!("{}.{c}", p.table)));
    let harmless = HARMLESS.iter().flat_map(|h| h.columns.iter().map(move |c| format!("{}.{c}", h.table)));
    let mut listed = BTreeMap::new();
    personal.chain(harmless).for_each(|name| *listed.entry(name).or_default() += 1);
    listed
}

#[tokio::test]
async fn every_column_is_personal_or_harmless() {
    let folder = TempDir::new().unwrap();
    let home = Home::new(folder.path()).await;
    make(&home, newest()).await;
    let (columns, tables) = match &home {
        Home::File(_) => (
            "SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
                WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND c.type <> 'INTEGER'",
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        ),
        Home::Database(_) => (
            "SELECT CAST(c.table_name || '.' || c.column_name AS TEXT) FROM information_schema.columns c JOIN information_schema.tables t
                ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
                WHERE c.table_schema = 'relance' AND c.data_type <> 'bigint'",
            "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'relance'",
        ),
    };
    let mut there = home.texts(columns).await;
    there.sort();
    let listed = listed();
    let known: Vec<&String> = listed.keys().collect();
    assert_eq!(there.iter().collect::<Vec<_>>(), known, "a new column wants its place in src/store/person/places.rs");
    let twice: Vec<_> = listed.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    for table in home.texts(tables).await {
        let listed = PERSONAL.iter().map(|p| p.table).chain(HARMLESS.iter().map(|h| h.table));
        assert!(listed.into_iter().any(|t| t == table), "the table {table} stands nowhere in src/store/person/places.rs");
    }
    assert!(HARMLESS.iter().all(|h| !h.why.is_empty()));
}

/// Each statement takes away all columns that the list says it does.
#[test]
fn every_personal_column_is_erased_by_its_statement() {
    for place in &PERSONAL {
        for sql in [place.erase.sqlite, place.erase.postgres] {
            let (verb, table) = (sql.starts_with("DELETE FROM "), format!("{} ", place.table));
            assert!(sql.trim_start_matches("DELETE FROM ").trim_start_matches("UPDATE ").starts_with(&table), "{sql}");
            for column in place.columns {
                assert!(verb || sql.contains(&format!("{column} = ")), "{}.{column} is not erased: {sql}", place.table);
            }
            assert_eq!(sql.contains("$2"), place.dated, "{sql}");
        }
    }
}

/// In a store with a row of every kind: whatever the list calls personal is gone with its customer, in every row.
#[tokio::test]
async fn what_the_list_calls_personal_is_gone_from_every_row() {
    let folder = TempDir::new().unwrap();
    let home = Home::new(folder.path()).await;
    make(&home, newest()).await;
    fill(&home, &format!("{}{}", script(newest()), documents())).await;
    if let Home::Database(_) = home {
        home.run(NUMBERS).await.unwrap();
    }
    // A mark in every text that is personal, whoever's it is; and nothing open.
    home.run(
        "UPDATE invoice SET presence = 'closed', closed_at = 1, erased_at = NULL;
        DELETE FROM unreadable; INSERT INTO unreadable VALUES ('i1', 'x', 1);
        DELETE FROM alert; INSERT INTO alert (key, at, subject, text, next_at) VALUES ('unreachable:C1', 1, 'x', 'x', 1), ('refused:C1', 1, 'x', 'x', 1);
        UPDATE hold SET ended_at = 1;
        UPDATE message SET payload_pk = 5 WHERE pk = 2; UPDATE message SET payload_pk = 6 WHERE pk = 3;
        DELETE FROM mark; UPDATE message SET state = 'accepted', settled_at = 1, session_pk = NULL WHERE settled_at IS NULL;
        UPDATE contact SET debtor_pk = 1; UPDATE event SET debtor_pk = 1; UPDATE hold SET debtor_pk = 1; UPDATE proposal SET debtor_pk = 1, erased_at = NULL; UPDATE inbound SET debtor_pk = 1, key = pk || 'k', matched_by = 'token', erased_at = NULL; UPDATE bank_entry SET erased_at = NULL; UPDATE invoice SET debtor_pk = 1;
        DELETE FROM point WHERE debtor_pk <> 1",
    )
    .await
    .unwrap();
    for place in &PERSONAL {
        for column in place.columns.iter().filter(|c| {
            !["key", "excuse", "source_id", "salt", "hash", "body", "body_hash", "kind", "channel", "grave"].contains(c)
        }) {
            let at = if *column == "address" && place.table == "point" { "'marked' || channel || address" } else { "'marked'" };
            let only = match (place.table, *column) {
                ("words" | "payload", _) => "WHERE erased_at IS NULL",
                ("debtor", _) => "WHERE pk = 1",
                ("inbound" | "proposal", _) => "WHERE debtor_pk = 1",
                _ => "",
            };
            home.run(&format!("UPDATE {} SET {column} = {at} {only}", place.table)).await.unwrap();
        }
    }
    let store = Store::open(&home.settings(), &Environment::new()).await.unwrap();
    let file = serde_json::to_string(&store.person(1, |at| at.to_string()).await.unwrap()).unwrap();
    assert!(file.matches("marked").count() > 30, "{file}");
    let word = Word { cause: "person", reason: "asked", author: None };
    let (today, now) = ("2027-01-01".parse().unwrap(), "2027-01-01T10:00:00Z".parse().unwrap());
    let done = store.erase_person(1, word, today, now).await.unwrap();
    let Erasure::Done(counts) = done else { panic!("{done:?}") };
    let tables: Vec<&str> = PERSONAL.iter().map(|p| p.table).filter(|t| counts.contains_key(t)).collect();
    assert_eq!(tables.len(), PERSONAL.len(), "{counts:?}");
    let mut every = PERSONAL.iter().map(|p| p.table).collect::<Vec<_>>();
    every.extend(HARMLESS.iter().map(|h| h.table));
    for table in every {
        let rows = dump(&home, table).await;
        assert!(!rows.iter().any(|row| row.contains("marked")), "{table}: {rows:?}");
    }
    // And what stays can still be told.
    let file = store.person(1, |at| at.to_string()).await.unwrap();
    assert_eq!(file["tombstones"].as_array().unwrap().len(), 1);
    assert_eq!(file["customer"]["name"], "");
    let whole = store.verify_log(true).await.unwrap();
    assert_eq!((whole.broken, whole.payloads), (vec![], 0));
    let again = store.erase_person(1, word, today, now).await.unwrap();
    assert_eq!(again, Erasure::Nothing(Some(1798797600000)));
}
