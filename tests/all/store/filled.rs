//! A store with a row of every kind in every table, written past the program: every state, texts that a format might trip
//! over, every byte, what is not there beside what is empty, numbers below zero. The log holds together. The words are
//! those of version 1 of the schema, and of all later ones; what a later version has besides comes in words of its own.

use crate::support::home::Home;
use relance::store::payloads::{Payload, digest};
use sha2::{Digest as _, Sha256};

/// What a text may hold that a format must not stumble over.
pub const ODD: &str = "tab\tnew\nline\r\nback\\slash \\N \\. \\t 'single' \"double\" , ; é ß 漢字 🦀 \u{7f}\u{1} end \\";

/// An attempt, for the chain.
struct Attempt {
    pk: i64,
    debtor: &'static str,
    person: Option<&'static str>,
    channel: Option<&'static str>,
    outcome: &'static str,
    class: Option<&'static str>,
    why: Option<&'static str>,
    answer: Option<&'static str>,
    message: Option<(i64, i64)>,
    digest: Option<Vec<u8>>,
    /// Why and answer beside the log, with their salt; erased where both are missing.
    words: Option<(Option<&'static str>, Option<&'static str>)>,
}

/// What version 3 has besides: rows beside the log and tombstones, and who was erased.
const PRIVACY: &str = "UPDATE debtor SET name = '', erased_at = 7 WHERE pk = 7;
    UPDATE invoice SET closed_at = -1, erased_at = 7 WHERE pk = 6;
    UPDATE contact SET erased_at = 7 WHERE pk = 5;
    INSERT INTO tombstone VALUES (1, 7, 7, 'person', 'asked by letter', 'marie', '{\"debtor\":1}'), (2, 7, 8, 'retention', 'kept long enough', NULL, '{}');\n";

/// What version 4 has besides: what people said, their tasks, calls, promises and questions.
const CONTROLLER: &str = "UPDATE debtor SET contacts = '[]', pay_runs = '10, 25', customer_since = '2026-01-02', known_since = -4, invoices_seen = 3, invoices_paid = 2, invoices_late = 1 WHERE pk = 1;
    UPDATE hold SET kind = 'dispute', part = 5 WHERE pk = 1;
    UPDATE message SET copy = 1, role = 'manager' WHERE pk = 1;
    INSERT INTO standing VALUES (1, 1, 'state', 'legal', '2026-11-02', -1, 'by phone', 'Anne', NULL), (2, 1, 'kind', NULL, '2026-11-02', 5, 'who knows', NULL, 6);
    INSERT INTO task VALUES (1, 1, 'call', 'open', 'standard', 'EUR', 'phone', NULL, 'ask', 'sales', '[1]', 0, 5, '2026-11-02', 2, NULL, NULL, NULL),
        (2, 1, 'task', 'closed', NULL, NULL, NULL, NULL, 'see to it', NULL, '[]', 1, 5, '2026-11-02', 0, 6, 'paid', 'state:legal:1');
    INSERT INTO call VALUES (1, 1, 1, 7, 'reached', 'absence', 'away', '2026-11-03', 'accounts', '+32470000001', 'Anne'), (2, 1, 1, 8, 'no_answer', NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO promise (pk, debtor_pk, call_pk, hold_pk, at, until_day, known_on, invoices, state, settled_at) VALUES (1, 1, 1, 2, 7, '2026-11-09', '2026-11-12', '[1]', 'open', NULL), (2, 1, NULL, NULL, 7, '2026-11-09', '2026-11-12', '[]', 'broken', 9);
    INSERT INTO question VALUES (1, 1, 1, NULL, 'approval', 5, '2026-11-09', 'sales', '[[1,5]]', 'no', 6, 'Anne', 'not now'), (2, 1, NULL, 1, 'notice', 5, '2026-11-09', NULL, '[]', 'waiting', NULL, NULL, NULL);\n";

/// What version 6 has besides: amounts of events, and whose copy of a report left.
const REPORT: &str = "UPDATE event SET amount = -7 WHERE pk = 1;
    INSERT INTO report VALUES ('2026-11-02', 'compta@canal.example', 'sent', 0, 1, 5, 6), ('2026-11-03', '', 'sending', 1, 2, -5, 7);\n";

/// What version 8 has besides: what came back.
const RETURNS: &str = "INSERT INTO inbound VALUES
        (1, 'a', 5, 'mail', 'reply', 'token', 1, 1, 'c1@debtor.example', 'Re: F-1', 'tomorrow', NULL, 'lawyer', NULL, -4, 'read', 9, 'Anne', 'seen to', NULL),
        (2, 'b', -5, 'sms', 'failed', NULL, NULL, NULL, NULL, '', '', 'address', NULL, '2026-11-09', NULL, 'none', NULL, NULL, NULL, 7),
        (3, 'a', 6, 'page', 'reply', 'address', NULL, 2, '', '', '', NULL, NULL, NULL, NULL, 'unread', NULL, NULL, NULL, NULL);
    INSERT INTO bookmark VALUES ('inbox', '7:42', 5), ('', '', -5);
    INSERT INTO stopped VALUES ('sms', '+32470000001', 5), ('sms', '', -5);
    UPDATE hold SET kind = 'reply', inbound_pk = 1, part = NULL WHERE pk = 1;
    UPDATE message SET gateway_id = 'g-1', delivered_at = -7 WHERE pk = 1;\n";

/// What version 9 has besides: addresses that are suspect.
const REACH: &str = "UPDATE point SET state = 'suspect' WHERE debtor_pk = 2 AND address = 'gone@debtor.example';\n";

/// What version 10 has besides: answers on the page.
const ANSWERS: &str = "INSERT INTO proposal VALUES
        (1, 'paid', 1, '[1]', 1, 5, '2026-11-02', 12000, 'EUR', 'by card', 'open', NULL, NULL, NULL, NULL),
        (2, 'wrong', 2, '[]', NULL, -5, NULL, NULL, NULL, '', 'refused', 7, 'Anne', 'it is right', 8),
        (3, 'missing', 1, '[1,2]', NULL, 6, NULL, -1, 'JPY', 'x', 'lapsed', -7, NULL, NULL, NULL);
    UPDATE hold SET kind = 'answer', proposal_pk = 1 WHERE pk = 2;
    UPDATE promise SET proposal_pk = 1 WHERE pk = 1;\n";
/// What version 11 has besides: what the bank's statements show.
const BANK: &str = "INSERT INTO bank_file VALUES (1, 's1.xml', 5, -5, 'd', 'camt.053', 'read', NULL, 3, 2, 5), (2, '', 0, 0, '', NULL, 'failed', 'record 1', 0, 0, -5);
    INSERT INTO bank_entry VALUES
        (1, 'a', 5, 'BE68539007547034', '2026/211', 'X1', 'credit', '2026-10-30', 'EUR', 12000, '[\"010806817183\"]', 'merci', 'E1', 'C1', 'BE71096123456769', 'matched', NULL, NULL, 6, 'Anne', 'seen', NULL),
        (2, 'b', -5, 'BE68539007547034', '', NULL, 'reversal', '2026-10-30', 'EUR', 0, '[]', '', NULL, NULL, NULL, 'done', 'AC04', 1, NULL, NULL, NULL, 7);
    INSERT INTO bank_match VALUES (1, 1, 1, 1, 'live', 12000, 12000, '2026-11-16', 6, 5, NULL), (2, 2, 1, 1, 'reversed', 0, -5, NULL, NULL, -5, 7);\n";
/// What version 12 has besides: polls of changes, payments under way, days of promises.
const SOURCES: &str = "UPDATE poll SET kind = 'changes' WHERE pk = 1;
    UPDATE invoice SET pending_since = '2026-10-01', promised_on = '2026-11-20' WHERE pk = 1;\n";

/// The SQL that fills a store of a version whose tables are there and empty.
pub fn script(version: usize) -> String {
    let every: Vec<u8> = (0..=255).cycle().take(600).collect();
    let dictionary = bytes(&every);
    let packed = {
        let mut compressor = zstd::bulk::Compressor::with_dictionary(1, &every).unwrap();
        compressor.compress(&every).unwrap()
    };
    let (mut payloads, mut digests) = (String::new(), Vec::new());
    for (pk, message) in [(1, ODD.as_bytes()), (2, b"erased"), (3, b""), (4, &every), (5, b"under way")] {
        let address = format!("c{pk}@debtor.example");
        let payload = Payload::new(&address, message).unwrap();
        digests.push(digest(&payload.salt, &address, &payload.body_hash).to_vec());
        let (salt, hash) = (bytes(&payload.salt), bytes(&payload.body_hash));
        let body = payload.body.as_deref().map_or("NULL".to_owned(), bytes);
        payloads += &match pk {
            2 => format!("INSERT INTO payload VALUES (2, {salt}, NULL, NULL, {hash}, NULL, -5);\n"),
            4 => format!("INSERT INTO payload VALUES (4, {salt}, '{address}', {}, {hash}, 9, NULL);\n", bytes(&packed)),
            _ => format!("INSERT INTO payload VALUES ({pk}, {salt}, '{address}', {body}, {hash}, NULL, NULL);\n"),
        };
    }
    let (attempts, head) = attempts(&digests, version);
    let privacy = if version < 3 { "" } else { PRIVACY };
    let controller = if version < 4 { "" } else { CONTROLLER };
    let report = if version < 6 { "" } else { REPORT };
    let returns = if version < 8 { "" } else { RETURNS };
    let reach = if version < 9 { "" } else { REACH };
    let answers = if version < 10 { "" } else { ANSWERS };
    let bank = if version < 11 { "" } else { BANK };
    let sources = if version < 12 { "" } else { SOURCES };
    let dictionary = format!("INSERT INTO dictionary VALUES (9, {}, {dictionary});\n", bytes(&Sha256::digest(&every)));
    [
        fixed(version),
        dictionary,
        payloads,
        messages(),
        attempts,
        format!("INSERT INTO meta VALUES ('head', '{head}');\n"),
        privacy.to_owned(),
        controller.to_owned(),
        report.to_owned(),
        returns.to_owned(),
        reach.to_owned(),
        answers.to_owned(),
        bank.to_owned(),
        sources.to_owned(),
    ]
    .concat()
}

/// What only a store of version 5 and later has: copies of invoices. Payload 6 is [`WITH_COPIES`] then.
pub fn documents() -> String {
    let whole = Payload::new("c6@debtor.example", WITH_COPIES).unwrap();
    let rest = zstd::bulk::compress(b"head tail", 1).unwrap();
    let (salt, hash) = (bytes(&whole.salt), bytes(&whole.body_hash));
    let mut text =
        format!("INSERT INTO payload VALUES (6, {salt}, 'c6@debtor.example', {}, {hash}, NULL, NULL);\n", bytes(&rest));
    for (pk, body) in [(3, &b"%PDF-1"[..]), (8, b"\0\xff")] {
        text += &format!("INSERT INTO document VALUES ({pk}, {}, {});\n", bytes(&Sha256::digest(body)), bytes(body));
    }
    text + "INSERT INTO payload_document VALUES (6, 4, 3), (6, 5, 8);\n"
}

/// A message with two copies.
pub const WITH_COPIES: &[u8] = b"headJVBERi0x\r\n AP8=\r\ntail";

/// What no hash depends on.
fn fixed(version: usize) -> String {
    let since = if version < 9 { "dead_at" } else { "since" };
    let odd = ODD.replace('\'', "''");
    format!(
        "INSERT INTO meta VALUES ('key', '{}'), ('fingerprint', ''), ('a note', '{odd}');
        INSERT INTO poll (pk, started_at, finished_at, outcome, rows, unreadable, vanished, booked_through, text) VALUES (1, 10, 11, 'good', 3, 0, 0, NULL, ''), (2, 20, 21, 'shrunk', 3, 1, 2, '2026-10-30', '{odd}'), (3, -30, -29, 'failed', 0, 0, 0, '', 'x');
        INSERT INTO debtor (pk, source_id, name, language, country, kind, email, phone, next_at, reason, entry_released, last_sign_at, unreachable_since, unreachable_why)
            VALUES (1, 'C1', '{odd}', NULL, 'BE', 'business', 'c1@debtor.example', NULL, NULL, NULL, 0, -1, NULL, NULL),
                   (2, 'C2', '', '', NULL, 'consumer', '', '+3212', 1793610000000, 'not_yet', 4, NULL, 7, '{odd}'),
                   (7, '漢', 'Ünïcødé', 'nl', 'NL', NULL, NULL, NULL, -9223372036854775808, '', 0, 9223372036854775807, NULL, NULL);
        INSERT INTO invoice (pk, source_id, debtor_pk, number, kind, status, presence, issued_on, due_on, currency, total, balance, disputed, reference, for_invoice, tags, cadence, term, first_seen, reopened, paused_until, thread, digest)
            VALUES (1, 'i1', 1, 'F-1', 'invoice', 'open', 'open', '2026-09-01', '2026-10-01', 'EUR', 12000, 10000, 0, '{odd}', NULL, '[]', 'standard', 1, '2026-09-01', 0, NULL, NULL, -9223372036854775808),
                   (2, 'i2', 1, 'F-2', 'credit_note', 'open', 'missing', NULL, '2026-10-01', 'EUR', NULL, -2500, NULL, '', 'F-1', '[\"a\\\\b\"]', NULL, 2, '2026-09-02', 1, '2026-12-01', '<t@canal.example>', 9223372036854775807),
                   (5, 'i5', 2, 'F-5', 'invoice', 'disputed', 'unreadable', NULL, '2026-10-01', 'JPY', 7, 7, 7, NULL, NULL, '[]', NULL, 1, '2026-09-02', 0, NULL, NULL, 0),
                   (6, 'i6', 7, 'F-6', 'payment', 'paid', 'closed', NULL, '2026-10-01', 'EUR', 0, 0, NULL, NULL, 'i1', '[]', NULL, 1, '2026-09-02', 0, NULL, NULL, -1);
        INSERT INTO unreadable VALUES ('row \t one', '{odd}', 5), ('', '', -5);
        INSERT INTO event (pk, debtor_pk, invoice_pk, at, kind, text) VALUES (1, 1, 1, 5, 'part_payment', '{odd}'), (2, 1, NULL, -5, 'payment', ''), (40, 7, 6, 6, 'due_moved', 'x');
        INSERT INTO hold (pk, debtor_pk, invoice_pk, kind, until_day, reason, created_at, ended_at)
            VALUES (1, 1, 1, 'operator', '2026-12-01', '{odd}', 5, NULL), (2, 2, NULL, 'operator', '2026-12-01', 'x', 5, 6);
        INSERT INTO contact (pk, debtor_pk, cadence, currency, step, state, at, redirected, invoices) VALUES (1, 1, 'standard', 'EUR', 'reminder', 'left', 5, 0, '[1]'), (2, 1, 'standard', 'EUR', 'firm', 'in_hand', 6, 1, '[1,2]'),
            (3, 2, 'standard', 'JPY', 'reminder', 'maybe', 6, 0, '[5]'), (4, 2, 'standard', 'JPY', 'firm', 'failed', 6, 0, '[5]'),
            (5, 7, 'standard', 'EUR', 'firm', 'cancelled', 6, 0, '[]'), (6, 7, 'standard', 'EUR', 'final', 'dropped', 6, 0, '[6]');
        INSERT INTO mark VALUES (1, 1, 'reminder', 'standard', '2', 1, 'left', '2026-10-05', 1, 0, NULL), (1, 1, 'firm', 'standard', NULL, 1, 'in_hand', '2026-10-15', 2, 1, ''),
            (5, 1, 'reminder', 'standard', '', 1, 'maybe', '2026-10-15', 3, 0, '{odd}'), (6, 1, 'final', 'standard', NULL, 0, 'skipped', '2026-10-15', NULL, 0, 'dropped');
        INSERT INTO point (debtor_pk, channel, address, {since}, evidence) VALUES (1, 'email', 'gone@debtor.example', 5, '{odd}'), (1, 'sms', '', -5, ''), (2, 'email', 'GONE@debtor.example', 5, 'x'), (2, 'email', 'gone@debtor.example', 5, 'x');
        INSERT INTO brake VALUES ('volume', 5, NULL, 0, '{odd}'), ('channel:email', -5, 6, 3, '');
        INSERT INTO alert (pk, key, at, subject, text, sent_at, next_at, tries, ended_at) VALUES (1, 'uncertain', 5, '{odd}', '', 6, 7, 1, 8), (2, 'uncertain', 9, 's', '{odd}', NULL, 9, 0, NULL);
        ",
        crate::support::world::KEY
    )
}

/// A message in each state but those of a message in hand.
fn messages() -> String {
    let mut text = String::new();
    let open = ["planned", "braked", "queued", "deferred", "uncertain"].map(|s| (s, "NULL"));
    let settled = ["accepted", "refused", "cancelled", "expired", "dropped"].map(|s| (s, "77"));
    for (i, (state, at)) in open.into_iter().chain(settled).enumerate() {
        let pk = i + 1;
        let payload = if matches!(state, "uncertain" | "accepted" | "refused") { "1" } else { "NULL" };
        text += &format!(
            "INSERT INTO message (pk, contact_pk, debtor_pk, channel, address, step, cadence, letter, message_id, state, not_before, tries, doubts, first_try_at, payload_pk, settled_at, released)
            VALUES ({pk}, 1, 1, 'email', 'c1@debtor.example', 'reminder', 'standard', 'reminder', 'm{pk}@canal.example', '{state}', {pk}, {pk}, 0, NULL, {payload}, {at}, {});\n",
            pk % 2
        );
    }
    text
}

/// The log: an attempt with each outcome, chained.
fn attempts(digests: &[Vec<u8>], version: usize) -> (String, String) {
    let plain = |pk, outcome| Attempt {
        pk,
        debtor: "C1",
        person: None,
        channel: Some("email"),
        outcome,
        class: None,
        why: None,
        answer: None,
        message: None,
        digest: None,
        words: None,
    };
    let sent = |pk, outcome, message, payload: i64| Attempt {
        message: Some((message, payload)),
        digest: Some(digests[payload as usize - 1].clone()),
        ..plain(pk, outcome)
    };
    let mut list = vec![
        Attempt { answer: Some(ODD), ..sent(1, "accepted", 6, 1) },
        Attempt { class: Some("server"), answer: Some(""), ..sent(2, "deferred", 4, 2) },
        Attempt { class: Some("address"), answer: Some("550 5.1.1 no"), person: Some("Marie"), ..sent(3, "refused", 7, 4) },
        Attempt { channel: None, why: Some("there is none"), ..plain(4, "no_address") },
        Attempt { class: Some("network"), ..sent(5, "unknown", 5, 3) },
        Attempt { why: Some("paid"), person: Some(""), ..plain(8, "cancelled") },
    ];
    if version >= 3 {
        list.push(Attempt { words: Some((Some("email: dead"), None)), ..plain(9, "no_address") });
        list.push(Attempt { words: Some((Some(""), Some(ODD))), ..plain(10, "refused") });
        list.push(Attempt { words: Some((None, None)), ..plain(12, "refused") });
    }
    let (mut text, mut prev) = (String::new(), vec![0; 32]);
    for a in &list {
        let hash = a.hash(&prev);
        let word = |value: Option<&str>| value.map_or("NULL".to_owned(), |v| format!("'{}'", v.replace('\'', "''")));
        let number = |value: Option<i64>| value.map_or("NULL".to_owned(), |v| v.to_string());
        let digest = a.digest.as_deref().map_or("NULL".to_owned(), bytes);
        let (column, words) = a.words_digest().map_or(("", String::new()), |d| ("words, ", format!("{}, ", bytes(&d))));
        text += &format!(
            "INSERT INTO attempt (pk, at, debtor_pk, debtor, person, channel, cadence, step, letter, language, invoices, outcome, class, why, answer, message_id, message_pk, payload_pk, digest, {column}prev, hash)
            VALUES ({}, -5, 1, '{}', {}, {}, 'standard', 'reminder', 'reminder', NULL, '[]', '{}', {}, {}, {}, NULL, {}, {}, {digest}, {words}{}, {});\n",
            a.pk,
            a.debtor,
            word(a.person),
            word(a.channel),
            a.outcome,
            word(a.class),
            word(a.why),
            word(a.answer),
            number(a.message.map(|m| m.0)),
            number(a.message.map(|m| m.1)),
            bytes(&prev),
            bytes(&hash),
        );
        if let Some((why, answer)) = a.words {
            let (salt, erased) = if (why, answer) == (None, None) { ("BYTES''", "7") } else { ("BYTES'0A0B'", "NULL") };
            text += &format!("INSERT INTO words VALUES ({}, {salt}, {}, {}, {erased});\n", a.pk, word(why), word(answer));
        }
        prev = hash;
    }
    (text, prev.iter().map(|b| format!("{b:02x}")).collect())
}

impl Attempt {
    /// The hash of the row behind the one before, written down here once more: whoever changes it breaks every log there is.
    fn hash(&self, prev: &[u8]) -> Vec<u8> {
        let mut all = prev.to_vec();
        let mut add = |fact: Option<&[u8]>| {
            all.extend(fact.map_or(u64::MAX, |f| f.len() as u64).to_be_bytes());
            all.extend(fact.unwrap_or_default());
        };
        for number in [Some(self.pk), Some(-5), Some(1), self.message.map(|m| m.0), self.message.map(|m| m.1)] {
            add(number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        }
        for text in [self.debtor, "standard", "reminder", "reminder", "[]", self.outcome] {
            add(Some(text.as_bytes()));
        }
        for text in [self.person, self.channel, None, self.class, self.why, self.answer, None] {
            add(text.map(str::as_bytes));
        }
        add(self.digest.as_deref());
        if let Some(words) = self.words_digest() {
            add(Some(&words));
        }
        Sha256::digest(&all).to_vec()
    }

    /// The digest of the words beside the log, written down once more.
    fn words_digest(&self) -> Option<Vec<u8>> {
        let (why, answer) = self.words?;
        let mut all = Vec::new();
        for part in [Some(&[10, 11][..]), why.map(str::as_bytes), answer.map(str::as_bytes)] {
            all.extend(part.map_or(u64::MAX, |p| p.len() as u64).to_be_bytes());
            all.extend(part.unwrap_or_default());
        }
        Some(Sha256::digest(&all).to_vec())
    }
}

/// Bytes as a literal that [`fill`] turns into the words of the database.
fn bytes(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
    format!("BYTES'{text}'")
}

/// Runs such a script on a store.
pub async fn fill(home: &Home, script: &str) {
    let literal = if matches!(home, Home::File(_)) { "x'" } else { "'\\x" };
    home.run(&script.replace("BYTES'", literal)).await.unwrap();
}

/// The rows of a table as texts, in an order that is the same on both databases.
pub async fn dump(home: &Home, table: &str) -> Vec<String> {
    let schema = if matches!(home, Home::File(_)) { "main" } else { "relance" };
    dump_of(home, schema, table).await
}

/// The same in any schema.
pub async fn dump_of(home: &Home, schema: &str, table: &str) -> Vec<String> {
    let columns = match home {
        Home::File(_) => format!("SELECT name || ' ' || upper(type) FROM pragma_table_info('{table}')"),
        Home::Database(_) => format!(
            "SELECT column_name || ' ' || CASE data_type WHEN 'bytea' THEN 'BLOB' ELSE '' END FROM information_schema.columns
            WHERE table_schema = '{schema}' AND table_name = '{table}'"
        ),
    };
    let mut columns = home.all_texts(columns).await;
    columns.sort();
    let cell = |column: &String| {
        let (name, kind) = column.split_once(' ').unwrap();
        let text = match (kind, home) {
            ("BLOB", Home::File(_)) => format!("hex(\"{name}\")"),
            ("BLOB", Home::Database(_)) => format!("upper(encode(\"{name}\", 'hex'))"),
            _ => format!("CAST(\"{name}\" AS TEXT)"),
        };
        // Of a blob that is not there SQLite's hex() would give an empty text.
        format!("CASE WHEN \"{name}\" IS NULL THEN '{name}: none' ELSE '{name}: (' || {text} || ')' END")
    };
    let cells: Vec<String> = columns.iter().map(cell).collect();
    let mut rows = home.all_texts(format!("SELECT {} FROM {schema}.\"{table}\"", cells.join(" || ', ' || "))).await;
    rows.sort();
    rows
}
