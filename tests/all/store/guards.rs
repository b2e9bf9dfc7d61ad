//! What the schema itself refuses, whoever asks.

use super::{Place, verified, with_log};

#[tokio::test]
async fn attempts_are_never_rewritten() {
    let place = Place::new().await;
    let (store, _) = with_log(&place, &["one", "two"]).await;
    for sql in ["UPDATE attempt SET outcome = 'refused' WHERE pk = 1", "DELETE FROM attempt WHERE pk = 2", "DELETE FROM attempt"]
    {
        let refused = place.sql(sql).await.unwrap_err();
        assert!(refused.contains("attempts are append-only"), "{sql}: {refused}");
    }
    assert_eq!(verified(&store, true).await.rows, 2);
}

#[tokio::test]
async fn the_schema_refuses_states_that_cannot_be() {
    let place = Place::new().await;
    with_log(&place, &["one"]).await;
    let checked = [
        "UPDATE debtor SET kind = 'firm'",
        "UPDATE debtor SET entry_released = -1",
        "UPDATE invoice SET kind = 'order'",
        "UPDATE invoice SET status = 'lost'",
        "UPDATE invoice SET presence = 'perhaps'",
        "UPDATE invoice SET term = 0",
        "UPDATE invoice SET reopened = 2",
        "UPDATE invoice SET kind = 'payment'", // whose balance is positive
        "UPDATE contact SET state = 'gone'",
        "UPDATE contact SET redirected = 3",
        "UPDATE message SET state = 'lost'",
        "UPDATE message SET channel = 'fax'",
        "UPDATE message SET released = 7",
        "UPDATE message SET settled_at = NULL",
        "UPDATE message SET state = 'queued'",
        "UPDATE message SET session_pk = (SELECT min(pk) FROM session)", // nobody has a settled message in hand
        "UPDATE message SET state = 'sending', settled_at = NULL, payload_pk = NULL",
        "INSERT INTO poll (pk, started_at, finished_at, outcome, rows, unreadable, vanished, booked_through, text) VALUES (NULL, 1, 2, 'fine', 0, 0, 0, NULL, '')",
        "INSERT INTO mark VALUES (1, 1, 'reminder', 'standard', NULL, 2, 'left', '2026-11-02', NULL, 0, NULL)",
        "INSERT INTO mark VALUES (1, 1, 'reminder', 'standard', NULL, 1, 'sent', '2026-11-02', NULL, 0, NULL)",
        "INSERT INTO payload_document VALUES (1, -1, 1)",
        "INSERT INTO hold (debtor_pk, kind, until_day, reason, created_at) VALUES (1, 'whim', '2026-12-01', 'r', 1)",
        "INSERT INTO hold (debtor_pk, kind, until_day, reason, created_at) VALUES (1, 'operator', '2026-12-01', '', 1)",
        "INSERT INTO hold (debtor_pk, kind, until_day, reason, created_at, part) VALUES (1, 'operator', '2026-12-01', 'r', 1, 100)",
        "INSERT INTO standing (debtor_pk, matter, value, on_day, at, reason) VALUES (1, 'mood', 'bad', '2026-12-01', 1, 'r')",
        "INSERT INTO task (debtor_pk, kind, state, text, invoices, redirected, created_at, due_on) VALUES (1, 'call', 'done', 't', '[]', 0, 1, '2026-12-01')",
        "INSERT INTO question (debtor_pk, kind, asked_at, until_day, balances, state) VALUES (1, 'approval', 1, '2026-12-01', '[]', 'waiting')",
        "UPDATE message SET awaits = 1",
        "INSERT INTO attempt SELECT pk + 1, at, debtor_pk, debtor, person, channel, cadence, step, letter, language, invoices, 'lost', \
         class, why, answer, message_id, message_pk, payload_pk, digest, prev, hash, words FROM attempt",
        "UPDATE words SET answer = NULL",
        "UPDATE words SET erased_at = 1",
        "UPDATE invoice SET closed_at = 1", // which is open
        "UPDATE invoice SET erased_at = 1",
        "INSERT INTO tombstone VALUES (1, 1, 1, 'whim', 'r', NULL, '{}')",
        "INSERT INTO tombstone VALUES (1, 1, 1, 'person', '', NULL, '{}')",
    ];
    for sql in checked {
        let refused = place.sql(sql).await.expect_err(sql);
        let said = ["CHECK constraint failed", "violates check constraint"];
        assert!(said.iter().any(|s| refused.contains(s)), "{sql}: {refused}");
    }
    let twice = ["UNIQUE constraint failed", "violates unique constraint"];
    for (sql, said) in [
        (
            "UPDATE invoice SET balance = 'much'",
            ["cannot store TEXT value in INTEGER column", "invalid input syntax for type bigint"],
        ),
        ("UPDATE message SET contact_pk = 77", ["FOREIGN KEY constraint failed", "violates foreign key constraint"]),
        ("UPDATE invoice SET debtor_pk = NULL", ["NOT NULL constraint failed", "violates not-null constraint"]),
        ("INSERT INTO alert (key, at, subject, text, next_at) VALUES ('k', 1, 's', 't', 1), ('k', 2, 's', 't', 1)", twice),
        (
            "INSERT INTO mark VALUES (1, 1, 'reminder', 'a', NULL, 1, 'left', '2026-11-02', NULL, 0, NULL), \
             (1, 1, 'reminder', 'b', NULL, 1, 'left', '2026-11-02', NULL, 0, NULL)",
            twice,
        ),
    ] {
        let refused = place.sql(sql).await.expect_err(sql);
        assert!(said.iter().any(|s| refused.contains(s)), "{sql}: {refused}");
    }
}
