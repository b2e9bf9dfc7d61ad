//! `log verify`: a log that shows when somebody with the file in their hands has touched it.

use super::{Place, attempt, verified, with_log};
use crate::support::home::Home;
use relance::domain::attempt::Outcome;
use relance::domain::case::MarkKind;
use relance::store::attempts::NewAttempt;
use relance::store::chain::Verified;
use relance::store::plan::{Looks, NewMark};
use relance::store::settle::NoAddress;

/// What the chain covers of a row; its columns besides are the links themselves.
const FACTS: usize = 20;

/// A step that found no address.
fn no_address() -> NoAddress {
    let mark = NewMark {
        invoice_pk: 1,
        term: 1,
        step: "reminder".to_owned(),
        rank: None,
        overdue: true,
        kind: MarkKind::Undelivered,
        on: "2026-11-02".parse().unwrap(),
        why: None,
    };
    let bare = NewAttempt { outcome: Outcome::NoAddress, channel: None, answer: None, message_id: None, ..attempt() };
    NoAddress { marks: vec![mark], cadence: "standard".to_owned(), redirected: false, attempt: bare }
}

/// Changes the log as somebody with the file in their hands could, on a log of four messages.
async fn tampered(sql: &str) -> (Verified, Verified) {
    let place = Place::new().await;
    let (store, head) = with_log(&place, &["one", "two", "three", "four"]).await;
    let whole = verified(&store, true).await;
    assert_eq!((whole.rows, whole.payloads, whole.erased, &whole.head, whole.broken.len()), (4, 4, 0, &head, 0));
    place.sql("DROP TRIGGER attempt_is_never_rewritten; DROP TRIGGER attempt_is_never_deleted").await.unwrap();
    // The words beside the log name their row by a key.
    place.sql(&format!("PRAGMA foreign_keys = OFF; {sql}")).await.unwrap();
    (verified(&store, false).await, verified(&store, true).await)
}

#[tokio::test]
async fn a_changed_fact_is_found() {
    for change in [
        "at = at + 1",
        "debtor_pk = 7",
        "debtor = 'C2'",
        "person = 'Marie'",
        "person = ''",
        "channel = 'sms'",
        "cadence = 'other'",
        "step = 'firm'",
        "letter = 'firm'",
        "language = 'nl'",
        "invoices = '[1]'",
        "outcome = 'refused'",
        "class = 'address'",
        "why = 'paid'",
        "answer = '550 never'",
        "answer = ''",
        "words = x'00'",
        "words = NULL",
        "message_id = 'x'",
        "message_pk = 1",
        "message_pk = NULL",
        "payload_pk = 1",
        "payload_pk = NULL",
        "digest = x'00'",
        "prev = x'00'",
        "hash = x'00'",
    ] {
        let (quick, _) = tampered(&format!("PRAGMA foreign_keys = OFF; UPDATE attempt SET {change} WHERE pk = 2")).await;
        let expected = "attempt 2: the row or the one before it was changed, added or removed";
        assert_eq!(quick.broken.first().map(String::as_str), Some(expected), "{change}");
        // The row behind it no longer fits when it is the hash that was changed.
        assert_eq!(quick.broken.len(), if change.starts_with("hash") { 2 } else { 1 }, "{change}: {:?}", quick.broken);
    }
    // Its number is a fact too: `log show` and people name it by that.
    let (quick, _) = tampered("UPDATE attempt SET pk = 44 WHERE pk = 4").await;
    assert_eq!(quick.broken, ["attempt 44: the row or the one before it was changed, added or removed"]);
}

/// A row that never had a payload has its facts, and its answer, in the chain all the same.
#[tokio::test]
async fn a_row_without_a_payload_is_covered_as_well() {
    let place = Place::new().await;
    let (store, _) = with_log(&place, &["one"]).await;
    store.commit_plan(0, &Looks { undelivered: vec![no_address()], ..Looks::default() }, false, super::now()).await.unwrap();
    assert_eq!(verified(&store, true).await.broken, Vec::<String>::new());
    place.sql("DROP TRIGGER attempt_is_never_rewritten; DROP TRIGGER attempt_is_never_deleted").await.unwrap();
    for change in
        ["answer = '250 OK'", "outcome = 'accepted'", "digest = x''", "debtor_pk = 2", "message_pk = 1", "payload_pk = 1"]
    {
        let saved = "CREATE TABLE saved AS SELECT * FROM attempt WHERE pk = 2";
        place.sql(&format!("PRAGMA foreign_keys = OFF; {saved}; UPDATE attempt SET {change} WHERE pk = 2")).await.unwrap();
        let found = verified(&store, false).await;
        assert_eq!(found.broken, ["attempt 2: the row or the one before it was changed, added or removed"], "{change}");
        let back = "PRAGMA foreign_keys = OFF; DELETE FROM attempt WHERE pk = 2; INSERT INTO attempt SELECT * FROM saved; DROP TABLE saved";
        place.sql(back).await.unwrap();
    }
    assert_eq!(verified(&store, true).await.broken, Vec::<String>::new(), "put back, it is whole again");
}

/// The chain covers every column but its own two links, so that none is forgotten when the schema gains one.
#[tokio::test]
async fn every_column_is_a_fact() {
    let place = Place::new().await;
    with_log(&place, &["one"]).await;
    let columns = match place.home {
        Home::File(_) => "SELECT name FROM pragma_table_info('attempt')",
        Home::Database(_) => {
            "SELECT CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_schema = 'relance' AND table_name = 'attempt'"
        }
    };
    let columns = place.home.texts(columns).await;
    assert_eq!(
        columns.len(),
        FACTS + 2,
        "{columns:?}: a new column wants a line in a_changed_fact_is_found, and its place in the chain"
    );
}

#[tokio::test]
async fn a_row_that_is_gone_or_slipped_in_is_found() {
    let (quick, _) = tampered("DELETE FROM attempt WHERE pk = 2").await;
    assert_eq!(quick.broken, ["attempt 3: the row or the one before it was changed, added or removed"]);
    let (quick, _) = tampered("DELETE FROM attempt WHERE pk = 1").await;
    assert_eq!(quick.broken, ["attempt 2: the row or the one before it was changed, added or removed"]);
    let copy = "INSERT INTO attempt SELECT 9, at, debtor_pk, debtor, person, channel, cadence, step, letter, language, invoices, outcome, \
                class, why, answer, message_id, message_pk, payload_pk, digest, prev, hash, words FROM attempt WHERE pk = 4";
    let (quick, _) = tampered(copy).await;
    assert_eq!(quick.broken, ["attempt 9: the row or the one before it was changed, added or removed"]);
    // Below the first number as well, where no list would begin.
    let below = copy.replace("SELECT 9, ", "SELECT -9, ");
    let (quick, _) = tampered(&format!("PRAGMA ignore_check_constraints = ON; {below}")).await;
    assert!(quick.rows == 5 && quick.broken[0].starts_with("attempt -9: "), "{quick:?}");
    // What is cut off at the end leaves a whole chain behind, but not the head that the store and the journal keep.
    let (quick, _) = tampered("DELETE FROM attempt WHERE pk = 4").await;
    assert_eq!(quick.broken, ["the log ends before the last attempt that was recorded: its end was removed"]);
    let (quick, _) = tampered("DELETE FROM attempt WHERE pk = 4; DELETE FROM meta WHERE key = 'head'").await;
    assert_eq!((quick.rows, quick.broken.len()), (3, 0));
    let (whole, _) = tampered("SELECT 1").await;
    assert_ne!(quick.head, whole.head);
}

#[tokio::test]
async fn a_changed_payload_is_found_by_looking_deep() {
    let text = "attempt 3: its address or message was changed";
    let unpacked = "attempt 3: its payload is gone or cannot be unpacked";
    let of_three = "WHERE pk = (SELECT payload_pk FROM attempt WHERE pk = 3)";
    for (change, expected) in [
        (format!("UPDATE payload SET address = 'other@debtor.example' {of_three}"), text),
        (format!("UPDATE payload SET body = (SELECT body FROM payload WHERE pk = 1) {of_three}"), text),
        (format!("UPDATE payload SET body = NULL {of_three}"), text),
        (format!("UPDATE payload SET body_hash = x'00' {of_three}"), text),
        (format!("UPDATE payload SET salt = x'00' {of_three}"), text),
        (format!("UPDATE payload SET body = x'00' {of_three}"), unpacked),
        (format!("UPDATE message SET payload_pk = NULL; DELETE FROM payload {of_three}"), unpacked),
    ] {
        let change = format!("PRAGMA foreign_keys = OFF; {change}");
        let (quick, deep) = tampered(&change).await;
        assert_eq!(quick.broken, Vec::<String>::new(), "{change}");
        assert_eq!((deep.broken.as_slice(), deep.payloads), ([expected.to_owned()].as_slice(), 3), "{change}");
    }
}

#[tokio::test]
async fn an_erased_payload_verifies_as_erased() {
    let erase =
        "UPDATE payload SET address = NULL, body = NULL, erased_at = 1 WHERE pk = (SELECT payload_pk FROM attempt WHERE pk = 3)";
    let (quick, deep) = tampered(erase).await;
    assert_eq!((quick.broken.len(), deep.broken.len(), deep.payloads, deep.erased), (0, 0, 3, 1));
}

/// Only the tombstone makes a gap an erasure; and where it stands there must be a gap.
#[tokio::test]
async fn what_is_missing_without_a_tombstone_is_no_erasure() {
    let gone = "attempt 3: its address is gone, and nothing says that it was erased";
    let half = |what: &str| format!("attempt 3: it says that its payload was erased, but the {what} is still there");
    for (change, expected) in [
        ("address = NULL", gone.to_owned()),
        ("address = NULL, body = NULL", gone.to_owned()),
        ("erased_at = 1", half("address")),
        ("erased_at = 1, body = NULL", half("address")),
        ("erased_at = 1, address = NULL", half("message")),
    ] {
        let of_three = "WHERE pk = (SELECT payload_pk FROM attempt WHERE pk = 3)";
        let place = Place::new().await;
        with_log(&place, &["one", "two", "three"]).await;
        let change = format!("UPDATE payload SET {change} {of_three}");
        let refused = place.sql(&change).await.unwrap_err();
        let said = ["CHECK constraint failed", "violates check constraint"];
        assert!(said.iter().any(|s| refused.contains(s)), "the schema itself refuses: {refused}");
        let (quick, deep) = tampered(&format!("PRAGMA ignore_check_constraints = ON; {change}")).await;
        assert_eq!((quick.broken.len(), deep.payloads, deep.erased), (0, 3, 0), "{change}");
        assert_eq!(deep.broken, [expected], "{change}");
    }
}

#[tokio::test]
async fn a_long_log_is_verified_page_by_page() {
    let place = Place::new().await;
    let texts: Vec<String> = (0..1203).map(|n| format!("message {n}")).collect();
    let store = place.store().await;
    store.close().await;
    let mut expected = 0;
    for part in texts.chunks(100) {
        let parts: Vec<&str> = part.iter().map(String::as_str).collect();
        let (store, head) = with_log(&place, &parts).await;
        expected += part.len() as u64;
        if expected == 1203 {
            let found = verified(&store, false).await;
            assert_eq!((found.rows, found.head.as_str(), found.broken.len()), (1203, head.as_str(), 0));
        }
        store.close().await;
    }
}
