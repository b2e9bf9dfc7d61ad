//! The one list of what may hold something of a person, with the statement that takes it away; and of what does not, with
//! the reason. A test reads the schema: whatever column holds text or bytes stands in one of the two.
//!
//! Whoever adds a table or a column adds it here, and where it is personal to what `person export` tells.

use crate::store::documents::DOCUMENTS_GO;
use crate::store::sql::Sql;
use crate::store::statements;

statements! {
    ERASE_WORDS = each!(
        sqlite "UPDATE words SET salt = x'', why = NULL, answer = NULL, erased_at = $2
            WHERE erased_at IS NULL AND attempt_pk IN (SELECT a.pk FROM attempt a WHERE a.debtor_pk = $1)",
        postgres "UPDATE words SET salt = '', why = NULL, answer = NULL, erased_at = $2
            WHERE erased_at IS NULL AND attempt_pk IN (SELECT a.pk FROM attempt a WHERE a.debtor_pk = $1)");
    /// The salt goes as well: with it, whoever guesses an address could see whether it was this one.
    ERASE_PAYLOADS = each!(
        sqlite "UPDATE payload SET salt = x'', address = NULL, body = NULL, body_hash = x'', dictionary_pk = NULL, erased_at = $2
            WHERE erased_at IS NULL AND pk IN (SELECT a.payload_pk FROM attempt a WHERE a.debtor_pk = $1 AND a.payload_pk IS NOT NULL
                UNION SELECT m.payload_pk FROM contact c JOIN message m ON m.contact_pk = c.pk WHERE c.debtor_pk = $1 AND m.payload_pk IS NOT NULL)",
        postgres "UPDATE payload SET salt = '', address = NULL, body = NULL, body_hash = '', dictionary_pk = NULL, erased_at = $2
            WHERE erased_at IS NULL AND pk IN (SELECT a.payload_pk FROM attempt a WHERE a.debtor_pk = $1 AND a.payload_pk IS NOT NULL
                UNION SELECT m.payload_pk FROM contact c JOIN message m ON m.contact_pk = c.pk WHERE c.debtor_pk = $1 AND m.payload_pk IS NOT NULL)");
    /// Copies of invoices that left with messages to this customer.
    FIND_DOCUMENTS = each!(
        sqlite "SELECT d.pk FROM document d WHERE d.pk IN (SELECT u.document_pk FROM payload_document u WHERE u.payload_pk IN (
            SELECT a.payload_pk FROM attempt a WHERE a.debtor_pk = $1 AND a.payload_pk IS NOT NULL
            UNION SELECT m.payload_pk FROM contact c JOIN message m ON m.contact_pk = c.pk WHERE c.debtor_pk = $1 AND m.payload_pk IS NOT NULL))",
        postgres "SELECT d.pk FROM document d WHERE d.pk IN (SELECT u.document_pk FROM payload_document u WHERE u.payload_pk IN (
            SELECT a.payload_pk FROM attempt a WHERE a.debtor_pk = $1 AND a.payload_pk IS NOT NULL
            UNION SELECT m.payload_pk FROM contact c JOIN message m ON m.contact_pk = c.pk WHERE c.debtor_pk = $1 AND m.payload_pk IS NOT NULL))
            FOR UPDATE OF d SKIP LOCKED");
    ERASE_MESSAGES = "UPDATE message SET address = '' WHERE address <> '' AND contact_pk IN (SELECT c.pk FROM contact c WHERE c.debtor_pk = $1)";
    ERASE_CONTACTS = "UPDATE contact SET erased_at = $2 WHERE erased_at IS NULL AND debtor_pk = $1";
    ERASE_POINTS = "DELETE FROM point WHERE debtor_pk = $1";
    ERASE_EVENTS = "UPDATE event SET text = '' WHERE text <> '' AND debtor_pk = $1";
    ERASE_BANK = "UPDATE bank_entry SET reference = '[]', text = '', end_to_end = NULL, name = NULL, iban = NULL, said_by = NULL, remark = NULL, erased_at = $2
        WHERE erased_at IS NULL AND pk IN (SELECT m.entry_pk FROM bank_match m WHERE m.debtor_pk = $1)";
    ERASE_HOLDS = "UPDATE hold SET reason = 'erased' WHERE reason <> 'erased' AND debtor_pk = $1";
    ERASE_INBOUND = "UPDATE inbound SET sender = NULL, subject = '', text = '', class = NULL, grave = NULL, back_on = NULL, said_by = NULL, remark = NULL,
            erased_at = $2 WHERE erased_at IS NULL AND debtor_pk = $1";
    ERASE_PROPOSALS = "UPDATE proposal SET on_day = NULL, amount = NULL, currency = NULL, text = '', said_by = NULL, reason = NULL, erased_at = $2
        WHERE erased_at IS NULL AND debtor_pk = $1";
    ERASE_STANDINGS = "UPDATE standing SET value = NULL, reason = 'erased', said_by = NULL WHERE reason <> 'erased' AND debtor_pk = $1";
    ERASE_TASKS = "UPDATE task SET text = '', owner = NULL, why = NULL WHERE text <> '' AND debtor_pk = $1";
    ERASE_CALLS = "UPDATE call SET excuse = NULL, note = NULL, number = NULL, said_by = NULL
        WHERE debtor_pk = $1 AND (excuse IS NOT NULL OR note IS NOT NULL OR number IS NOT NULL OR said_by IS NOT NULL)";
    ERASE_QUESTIONS = "UPDATE question SET owner = NULL, said_by = NULL, reason = NULL
        WHERE debtor_pk = $1 AND (owner IS NOT NULL OR said_by IS NOT NULL OR reason IS NOT NULL)";
    ERASE_ALERTS = "DELETE FROM alert WHERE key IN (SELECT 'unreachable:' || d.source_id FROM debtor d WHERE d.pk = $1
        UNION ALL SELECT 'refused:' || d.source_id FROM debtor d WHERE d.pk = $1
        UNION ALL SELECT 'notice:' || CAST(q.pk AS TEXT) FROM question q WHERE q.debtor_pk = $1
        UNION ALL SELECT 'inbound:' || CAST(b.pk AS TEXT) FROM inbound b WHERE b.debtor_pk = $1
        UNION ALL SELECT 'bank:' || CAST(m.pk AS TEXT) FROM bank_match m WHERE m.debtor_pk = $1)";
    ERASE_UNREADABLE = "DELETE FROM unreadable WHERE source_id IN (SELECT i.source_id FROM invoice i WHERE i.debtor_pk = $1 AND i.presence = 'closed')";
    ERASE_INVOICES = "UPDATE invoice SET reference = NULL, pay_url = NULL, document = NULL, po_number = NULL, owner = NULL, for_invoice = NULL,
            tags = '[]', thread = NULL, erased_at = $2
        WHERE erased_at IS NULL AND debtor_pk = $1 AND presence = 'closed'";
    ERASE_DEBTOR = "UPDATE debtor SET name = '', language = NULL, country = NULL, kind = NULL, timezone = NULL, state = NULL, email = NULL, phone = NULL,
            enterprise_no = NULL, contacts = NULL, pay_runs = NULL, customer_since = NULL, next_at = NULL, reason = NULL, entry_released = 0, last_sign_at = NULL, unreachable_since = NULL,
            unreachable_why = NULL, erased_at = $2
        WHERE erased_at IS NULL AND pk = $1";
}

/// A table with something of a person in it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// Its columns that may hold something of a person.
    pub columns: &'static [&'static str],
    /// What finds its rows while there is still a way to them, where that goes by rows which go first; $1 is the customer's
    /// key.
    pub find: Option<Sql>,
    /// Takes it away: $1 is the customer's key, or the list of what was found.
    pub erase: Sql,
    /// Whether $2 is the moment.
    pub dated: bool,
}

const fn place(table: &'static str, columns: &'static [&'static str], erase: Sql) -> Place {
    Place { table, columns, find: None, erase, dated: true }
}

const fn undated(table: &'static str, columns: &'static [&'static str], erase: Sql) -> Place {
    Place { table, columns, find: None, erase, dated: false }
}

/// All of it, in the order in which it is erased: what is found by way of other rows goes before those, or is found before.
pub const PERSONAL: [Place; 19] = [
    place("words", &["salt", "why", "answer"], ERASE_WORDS),
    place("payload", &["salt", "address", "body", "body_hash"], ERASE_PAYLOADS),
    // What left with messages to others as well stays for them.
    Place { find: Some(FIND_DOCUMENTS), ..undated("document", &["hash", "body"], DOCUMENTS_GO) },
    undated("message", &["address"], ERASE_MESSAGES),
    place("contact", &[], ERASE_CONTACTS),
    undated("point", &["channel", "address", "evidence"], ERASE_POINTS),
    undated("event", &["text"], ERASE_EVENTS),
    place("inbound", &["sender", "subject", "text", "class", "grave", "back_on", "said_by", "remark"], ERASE_INBOUND),
    place("proposal", &["on_day", "text", "said_by", "reason"], ERASE_PROPOSALS),
    place("bank_entry", &["reference", "text", "end_to_end", "name", "iban", "said_by", "remark"], ERASE_BANK),
    undated("hold", &["reason"], ERASE_HOLDS),
    undated("standing", &["value", "reason", "said_by"], ERASE_STANDINGS),
    undated("task", &["text", "owner", "why"], ERASE_TASKS),
    undated("call", &["excuse", "note", "number", "said_by"], ERASE_CALLS),
    undated("question", &["owner", "said_by", "reason"], ERASE_QUESTIONS),
    undated("alert", &["key", "subject", "text", "address"], ERASE_ALERTS),
    undated("unreadable", &["source_id", "text"], ERASE_UNREADABLE),
    place(
        "invoice",
        &["reference", "pay_url", "document", "po_number", "owner", "for_invoice", "tags", "thread"],
        ERASE_INVOICES,
    ),
    place(
        "debtor",
        &[
            "name",
            "language",
            "country",
            "kind",
            "timezone",
            "state",
            "email",
            "phone",
            "enterprise_no",
            "contacts",
            "pay_runs",
            "customer_since",
            "unreachable_why",
            "reason",
        ],
        ERASE_DEBTOR,
    ),
];

/// Columns of text or bytes that hold nothing of a person, or stay by right.
#[derive(Clone, Copy, Debug)]
pub struct Harmless {
    /// The table.
    pub table: &'static str,
    /// Its columns.
    pub columns: &'static [&'static str],
    /// Why they stay.
    pub why: &'static str,
}

const fn stays(table: &'static str, columns: &'static [&'static str], why: &'static str) -> Harmless {
    Harmless { table, columns, why }
}

/// All that stays.
pub const HARMLESS: [Harmless; 46] = [
    stays("meta", &["key", "value"], "relance's own: keys, the chain's head, counts"),
    stays("poll", &["outcome", "kind", "booked_through", "text"], "about the ledger as a whole, and let go after 90 days"),
    stays("brake", &["kind", "text"], "about a channel, without the address that met with it; gone when it works again"),
    stays("session", &["name", "agreement"], "about a daemon"),
    stays("duty", &["name"], "about a daemon"),
    stays(
        "report",
        &["day", "address", "state"],
        "to whom of the creditor's own firm a morning report went; let go after 90 days",
    ),
    stays("payload_document", &[], "keys and places in messages, which go with the messages"),
    stays("dictionary", &["hash", "text"], "made from letters with sample data"),
    stays(
        "debtor",
        &["source_id"],
        "the customer's number: without it the ledger's rows of somebody erased would be taken in anew",
    ),
    stays("invoice", &["source_id", "number"], "the same, and what the books know it by"),
    stays("invoice", &["kind", "status", "presence", "issued_on", "due_on", "currency", "booked_through"], "facts of the books"),
    stays(
        "invoice",
        &["cadence", "first_seen", "paused_until", "pending_since", "promised_on"],
        "words and days of relance's own",
    ),
    stays("event", &["kind"], "a word of relance's own"),
    stays("inbound", &["key"], "a digest of what came, by which it is known when it comes again"),
    stays("inbound", &["via", "kind", "matched_by", "state"], "words of relance's own"),
    stays(
        "bank_file",
        &["name", "digest", "kind", "state", "problem"],
        "about a file of the firm's own bank, and its form; let go after 400 days",
    ),
    stays("bank_entry", &["key"], "a digest of what the bank shows, by which it is known when it comes again"),
    stays("bank_entry", &["account", "statement", "bank_ref"], "the firm's own account, and the bank's own numbers"),
    stays(
        "bank_entry",
        &["kind", "booked_on", "currency", "state", "why"],
        "facts of the books, words of relance's own, codes of banks",
    ),
    stays("bank_match", &["state", "until_day"], "a word of relance's own, and a day"),
    stays("bookmark", &["name", "value"], "how far a mailbox has been read, in its own numbers"),
    stays("stopped", &["channel", "address"], "a number whose owner wants no more SMS: without it, it would be written to again"),
    stays("point", &["state"], "a word of relance's own; the row goes whole"),
    stays("proposal", &["kind", "invoices", "currency", "state"], "words of relance's own, keys, a code of a currency"),
    stays("hold", &["kind", "until_day"], "a word of relance's own, and a day"),
    stays("standing", &["matter", "on_day"], "a word of relance's own, and a day"),
    stays(
        "task",
        &["kind", "state", "cadence", "currency", "step", "rank", "invoices", "due_on", "key"],
        "words of the configuration, states, keys, days",
    ),
    stays("call", &["outcome", "next_on", "role"], "words of relance's own, and a day"),
    stays("promise", &["until_day", "known_on", "invoices", "state"], "days, keys, states"),
    stays("question", &["kind", "until_day", "balances", "state"], "words of relance's own, days, keys and amounts"),
    stays("contact", &["cadence", "currency", "step", "state", "invoices"], "words of the configuration, states, keys"),
    stays("mark", &["step", "cadence", "rank", "kind", "on_day", "why"], "words of the configuration, states, codes"),
    stays("message", &["channel", "step", "cadence", "letter", "state"], "words of the configuration, states"),
    stays("message", &["role"], "what the person is for the customer, never a name"),
    stays("message", &["gateway_id"], "the gateway's own number of a message"),
    stays("message", &["message_id"], "made with a key from what it is about, and not to be turned back"),
    stays("attempt", &["debtor"], "the customer's number; the log is append-only"),
    stays("attempt", &["person"], "a role or a number, never a name"),
    stays(
        "attempt",
        &["channel", "cadence", "step", "letter", "language", "outcome", "class"],
        "words of the configuration, codes",
    ),
    stays("attempt", &["invoices"], "numbers and amounts of the books"),
    stays("attempt", &["why"], "a code; before version 3 of the store also words, which the chain covers"),
    stays("attempt", &["answer"], "empty since version 3 of the store; before, words that the chain covers"),
    stays("attempt", &["message_id"], "as in message"),
    stays("attempt", &["digest", "words", "prev", "hash"], "salted digests, whose salts are erased, and links of the chain"),
    stays("tombstone", &["cause", "author", "counts"], "what was erased, and at whose word"),
    stays("tombstone", &["reason"], "the operator's word for the erasure, kept as the proof of it"),
];
