//! `log verify`: a log that shows when somebody with the file in their hands has touched it.

use super::{Place, verified, with_log};
use relance::store::attempts::Verified;

/// Changes the log as somebody with the file in their hands could, on a log of four messages.
async fn tampered(sql: &str) -> (Verified, Verified) {
    let place = Place::new();
    let (store, head) = with_log(&place, &["one", "two", "three", "four"]).await;
    let whole = verified(&store, true).await;
    assert_eq!((whole.rows, whole.payloads, whole.erased, &whole.head, whole.broken.len()), (4, 4, 0, &head, 0));
    place.sql("DROP TRIGGER attempt_is_never_rewritten; DROP TRIGGER attempt_is_never_deleted").await.unwrap();
    place.sql(sql).await.unwrap();
    (verified(&store, false).await, verified(&store, true).await)
}

#[tokio::test]
async fn a_changed_fact_is_found() {
    for change in [
        "at = at + 1",
        "debtor = 'C2'",
        "person = 'Marie'",
        "channel = 'sms'",
        "cadence = 'other'",
        "step = 'firm'",
        "letter = 'firm'",
        "language = 'nl'",
        "invoices = '[1]'",
        "outcome = 'refused'",
        "class = 'address'",
        "why = 'paid'",
        "message_id = 'x'",
        "payload_pk = 1",
        "digest = x'00'",
        "prev = x'00'",
        "hash = x'00'",
    ] {
        let (quick, _) = tampered(&format!("UPDATE attempt SET {change} WHERE pk = 2")).await;
        let expected = "attempt 2: the row or the one before it was changed, added or removed";
        assert_eq!(quick.broken.first().map(String::as_str), Some(expected), "{change}");
        // The row behind it no longer fits when it is the hash that was changed.
        assert_eq!(quick.broken.len(), if change.starts_with("hash") { 2 } else { 1 }, "{change}: {:?}", quick.broken);
    }
}

#[tokio::test]
async fn a_row_that_is_gone_or_slipped_in_is_found() {
    let (quick, _) = tampered("DELETE FROM attempt WHERE pk = 2").await;
    assert_eq!(quick.broken, ["attempt 3: the row or the one before it was changed, added or removed"]);
    let (quick, _) = tampered("DELETE FROM attempt WHERE pk = 1").await;
    assert_eq!(quick.broken, ["attempt 2: the row or the one before it was changed, added or removed"]);
    let copy = "INSERT INTO attempt SELECT 9, at, debtor_pk, debtor, person, channel, cadence, step, letter, language, invoices, outcome, \
                class, why, answer, message_id, message_pk, payload_pk, digest, prev, hash FROM attempt WHERE pk = 4";
    let (quick, _) = tampered(copy).await;
    assert_eq!(quick.broken, ["attempt 9: the row or the one before it was changed, added or removed"]);
    // What is cut off at the end leaves a whole chain behind, but another head: that is why the journal keeps it.
    let (quick, _) = tampered("DELETE FROM attempt WHERE pk = 4").await;
    assert_eq!((quick.rows, quick.broken.len()), (3, 0));
    let (whole, _) = tampered("SELECT 1").await;
    assert_ne!(quick.head, whole.head);
}

#[tokio::test]
async fn a_changed_payload_is_found_by_looking_deep() {
    let text = "attempt 3: address, message or answer was changed";
    let unpacked = "attempt 3: its payload is gone or cannot be unpacked";
    let of_three = "WHERE pk = (SELECT payload_pk FROM attempt WHERE pk = 3)";
    for (change, expected) in [
        (format!("UPDATE payload SET address = 'other@debtor.example' {of_three}"), text),
        (format!("UPDATE payload SET body = (SELECT body FROM payload WHERE pk = 1) {of_three}"), text),
        (format!("UPDATE payload SET body = NULL {of_three}"), text),
        (format!("UPDATE payload SET body_hash = x'00' {of_three}"), text),
        (format!("UPDATE payload SET salt = x'00' {of_three}"), text),
        (format!("UPDATE payload SET body = x'00' {of_three}"), unpacked),
        ("UPDATE attempt SET answer = '550 never' WHERE pk = 3".to_owned(), text),
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

#[tokio::test]
async fn a_long_log_is_verified_page_by_page() {
    let place = Place::new();
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
