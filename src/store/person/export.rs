//! Telling all that is held about a customer, but for the attempts, which `log` reads: one list for each kind of row, each
//! field under the name that README documents.

use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::store::access::{Begin, Tx};
use crate::store::db::{Store, instant};
use crate::store::error::StoreError;
use crate::store::sql::{Row, Sql, query};
use crate::store::statements;
use jiff::Timestamp;
use serde_json::{Map, Value};

// Open rows and closed ones have an index each, and no row needs a third.
statements! {
    TELL_CUSTOMER = "SELECT d.source_id AS id, d.name, d.language, d.country, d.kind, d.timezone, d.state, d.email, d.phone, d.enterprise_no,
            d.contacts, d.pay_runs, d.customer_since, d.reason, d.next_at, d.last_sign_at, d.unreachable_since, d.unreachable_why, d.entry_released, d.erased_at FROM debtor d WHERE d.pk = $1";
    TELL_INVOICES = "SELECT i.source_id AS id, i.number, i.kind, i.status, i.presence, i.issued_on, i.due_on, i.currency, i.total, i.balance, i.disputed,
            i.reference, i.pay_url, i.document, i.po_number, i.owner, i.for_invoice, i.booked_through, i.tags, i.cadence, i.term, i.first_seen,
            i.reopened, i.paused_until, i.pending_since, i.promised_on, i.thread, i.closed_at, i.erased_at FROM invoice i
        WHERE i.pk IN (SELECT pk FROM invoice WHERE debtor_pk = $1 AND presence <> 'closed' UNION ALL SELECT pk FROM invoice WHERE debtor_pk = $1 AND presence = 'closed') ORDER BY i.pk";
    TELL_STEPS = "SELECT i.number AS invoice, k.term, k.step, k.cadence, k.rank, k.kind, k.on_day, k.why FROM invoice i
        JOIN mark k ON k.invoice_pk = i.pk WHERE i.pk IN (SELECT pk FROM invoice WHERE debtor_pk = $1 AND presence <> 'closed' UNION ALL SELECT pk FROM invoice WHERE debtor_pk = $1 AND presence = 'closed') ORDER BY i.pk, k.term, k.on_day, k.step";
    TELL_HOLDS = "SELECT h.pk AS id, h.kind, h.part, i.number AS invoice, i.currency, h.until_day, h.reason, h.created_at, h.ended_at FROM hold h
        LEFT JOIN invoice i ON i.pk = h.invoice_pk WHERE h.debtor_pk = $1 ORDER BY h.pk";
    TELL_EVENTS = "SELECT e.at, e.kind, e.text, e.amount, i.currency, i.number AS invoice FROM event e LEFT JOIN invoice i ON i.pk = e.invoice_pk
        WHERE e.debtor_pk = $1 ORDER BY e.pk";
    TELL_CONTACTS = "SELECT c.pk AS id, c.at, c.cadence, c.currency, c.step, c.state, c.redirected, c.erased_at FROM contact c
        WHERE c.debtor_pk = $1 ORDER BY c.pk";
    TELL_MESSAGES = "SELECT m.pk AS id, m.contact_pk AS contact, m.channel, m.address, m.step, m.letter, m.message_id, m.state, m.tries, m.settled_at, m.gateway_id, m.delivered_at
        FROM contact c JOIN message m ON m.contact_pk = c.pk WHERE c.debtor_pk = $1 ORDER BY m.pk";
    TELL_POINTS = "SELECT channel, address, state, since, evidence FROM point WHERE debtor_pk = $1 ORDER BY channel, address";
    TELL_ALERTS = "SELECT a.at, a.subject, a.text, a.sent_at, a.ended_at FROM alert a
        WHERE a.key IN (SELECT 'unreachable:' || d.source_id FROM debtor d WHERE d.pk = $1 UNION ALL SELECT 'refused:' || d.source_id FROM debtor d WHERE d.pk = $1
        UNION ALL SELECT 'notice:' || CAST(q.pk AS TEXT) FROM question q WHERE q.debtor_pk = $1
        UNION ALL SELECT 'inbound:' || CAST(b.pk AS TEXT) FROM inbound b WHERE b.debtor_pk = $1
        UNION ALL SELECT 'bank:' || CAST(m.pk AS TEXT) FROM bank_match m WHERE m.debtor_pk = $1)
        ORDER BY a.pk";
    TELL_UNREADABLE = "SELECT u.source_id AS invoice, u.text, u.seen_at FROM invoice i JOIN unreadable u ON u.source_id = i.source_id
        WHERE i.pk IN (SELECT pk FROM invoice WHERE debtor_pk = $1 AND presence <> 'closed' UNION ALL SELECT pk FROM invoice WHERE debtor_pk = $1 AND presence = 'closed') ORDER BY i.pk";
    TELL_WORDS = "SELECT s.matter, s.value, s.on_day, s.at, s.reason, s.said_by, s.ended_at FROM standing s WHERE s.debtor_pk = $1 ORDER BY s.pk";
    TELL_INBOUND = "SELECT b.pk AS id, b.at, b.via, b.kind, b.matched_by, b.message_pk AS message, b.sender, b.subject, b.text, b.class, b.grave, b.back_on, b.dated,
            b.state, b.read_at, b.said_by, b.remark, b.erased_at FROM inbound b WHERE b.debtor_pk = $1 ORDER BY b.pk";
    TELL_PROPOSALS = "SELECT p.pk AS id, p.kind, p.inbound_pk AS inbox, p.at, p.on_day, p.amount, p.currency, p.text, p.state, p.decided_at, p.said_by, p.reason, p.erased_at
        FROM proposal p WHERE p.debtor_pk = $1 ORDER BY p.pk";
    TELL_BANK = "SELECT e.pk AS id, e.at, e.kind, e.state, e.why, e.account, e.statement, e.booked_on, e.currency, e.amount, e.reference, e.text, e.end_to_end, e.name, e.iban,
            e.said_at, e.said_by, e.remark, e.erased_at, i.number AS invoice, m.state AS pays, m.until_day FROM bank_match m
        JOIN bank_entry e ON e.pk = m.entry_pk JOIN invoice i ON i.pk = m.invoice_pk WHERE m.debtor_pk = $1 ORDER BY m.pk";
    TELL_TASKS = "SELECT t.pk AS id, t.kind, t.state, t.cadence, t.currency, t.step, t.text, t.owner, t.redirected, t.created_at, t.due_on, t.tries, t.settled_at, t.why
        FROM task t WHERE t.debtor_pk = $1 ORDER BY t.pk";
    TELL_CALLS = "SELECT c.task_pk AS task, c.at, c.outcome, c.excuse, c.note, c.next_on, c.role, c.number, c.said_by FROM call c WHERE c.debtor_pk = $1 ORDER BY c.pk";
    TELL_PROMISES = "SELECT p.at, p.until_day, p.known_on, p.state, p.settled_at FROM promise p WHERE p.debtor_pk = $1 ORDER BY p.pk";
    TELL_QUESTIONS = "SELECT q.pk AS id, q.contact_pk AS contact, q.task_pk AS task, q.kind, q.asked_at, q.until_day, q.owner, q.state, q.answered_at, q.said_by, q.reason
        FROM question q WHERE q.debtor_pk = $1 ORDER BY q.pk";
    TELL_TOMBSTONES = "SELECT at, cause, reason, author, counts FROM tombstone WHERE debtor_pk = $1 ORDER BY pk";
}

/// How a column is told.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    /// True or false.
    Flag,
    /// An instant.
    Time,
    /// Minor units of the row's `currency`.
    Money,
    /// JSON as it is kept.
    Json,
}

use Kind::{Flag, Json, Money as Amount, Number, Text, Time};

/// Rows of a kind: the name of their list, what reads them, and their fields by column and name.
struct List {
    name: &'static str,
    sql: Sql,
    fields: &'static [(&'static str, &'static str, Kind)],
}

const CUSTOMER: List = List {
    name: "customer",
    sql: TELL_CUSTOMER,
    fields: &[
        ("id", "id", Text),
        ("name", "name", Text),
        ("language", "language", Text),
        ("country", "country", Text),
        ("kind", "customer_kind", Text),
        ("timezone", "timezone", Text),
        ("state", "state", Text),
        ("email", "email", Text),
        ("phone", "phone", Text),
        ("enterprise_no", "enterprise_no", Text),
        ("contacts", "contacts", Json),
        ("pay_runs", "pay_runs", Text),
        ("customer_since", "customer_since", Text),
        ("reason", "reason", Text),
        ("next_at", "next_look_at", Time),
        ("last_sign_at", "last_payment_seen_at", Time),
        ("unreachable_since", "unreachable_since", Time),
        ("unreachable_why", "unreachable_why", Text),
        ("entry_released", "old_debts_released", Flag),
        ("erased_at", "erased_at", Time),
    ],
};

const LISTS: [List; 18] = [
    List {
        name: "invoices",
        sql: TELL_INVOICES,
        fields: &[
            ("id", "id", Text),
            ("number", "number", Text),
            ("kind", "kind", Text),
            ("status", "status", Text),
            ("presence", "presence", Text),
            ("issued_on", "issued_on", Text),
            ("due_on", "due_on", Text),
            ("currency", "currency", Text),
            ("total", "total", Amount),
            ("balance", "balance", Amount),
            ("disputed", "disputed_amount", Amount),
            ("reference", "reference", Text),
            ("pay_url", "pay_url", Text),
            ("document", "document", Text),
            ("po_number", "po_number", Text),
            ("owner", "owner", Text),
            ("for_invoice", "for_invoice", Text),
            ("booked_through", "booked_through", Text),
            ("tags", "tags", Json),
            ("cadence", "cadence", Text),
            ("term", "term", Number),
            ("first_seen", "first_seen", Text),
            ("reopened", "reopened", Flag),
            ("paused_until", "paused_until", Text),
            ("pending_since", "pending_since", Text),
            ("promised_on", "promised_on", Text),
            ("thread", "thread", Text),
            ("closed_at", "closed_at", Time),
            ("erased_at", "erased_at", Time),
        ],
    },
    List {
        name: "steps",
        sql: TELL_STEPS,
        fields: &[
            ("invoice", "invoice", Text),
            ("term", "term", Number),
            ("step", "step", Text),
            ("cadence", "cadence", Text),
            ("rank", "rank", Text),
            ("kind", "state", Text),
            ("on_day", "on", Text),
            ("why", "why", Text),
        ],
    },
    List {
        name: "holds",
        sql: TELL_HOLDS,
        fields: &[
            ("id", "id", Number),
            ("kind", "kind", Text),
            ("invoice", "invoice", Text),
            ("part", "disputed_amount", Amount),
            ("until_day", "until", Text),
            ("reason", "reason", Text),
            ("created_at", "created_at", Time),
            ("ended_at", "ended_at", Time),
        ],
    },
    List {
        name: "events",
        sql: TELL_EVENTS,
        fields: &[
            ("at", "at", Time),
            ("kind", "kind", Text),
            ("text", "text", Text),
            ("amount", "amount", Amount),
            ("invoice", "invoice", Text),
        ],
    },
    List {
        name: "contacts",
        sql: TELL_CONTACTS,
        fields: &[
            ("id", "id", Number),
            ("at", "at", Time),
            ("cadence", "cadence", Text),
            ("currency", "currency", Text),
            ("step", "step", Text),
            ("state", "state", Text),
            ("redirected", "redirected", Flag),
            ("erased_at", "erased_at", Time),
        ],
    },
    List {
        name: "messages",
        sql: TELL_MESSAGES,
        fields: &[
            ("id", "id", Number),
            ("contact", "contact", Number),
            ("channel", "channel", Text),
            ("address", "address", Text),
            ("step", "step", Text),
            ("letter", "letter", Text),
            ("message_id", "message_id", Text),
            ("state", "state", Text),
            ("tries", "tries", Number),
            ("settled_at", "settled_at", Time),
            ("gateway_id", "gateway_id", Text),
            ("delivered_at", "delivered_at", Time),
        ],
    },
    List {
        name: "inbox",
        sql: TELL_INBOUND,
        fields: &[
            ("id", "id", Number),
            ("at", "at", Time),
            ("via", "via", Text),
            ("kind", "kind", Text),
            ("matched_by", "matched_by", Text),
            ("message", "message", Number),
            ("sender", "from", Text),
            ("subject", "subject", Text),
            ("text", "text", Text),
            ("class", "class", Text),
            ("grave", "speaks_of", Text),
            ("back_on", "back_on", Text),
            ("dated", "dated", Time),
            ("state", "state", Text),
            ("read_at", "read_at", Time),
            ("said_by", "said_by", Text),
            ("remark", "remark", Text),
            ("erased_at", "erased_at", Time),
        ],
    },
    List {
        name: "proposals",
        sql: TELL_PROPOSALS,
        fields: &[
            ("id", "id", Number),
            ("kind", "kind", Text),
            ("inbox", "inbox", Number),
            ("at", "at", Time),
            ("on_day", "on", Text),
            ("amount", "amount", Amount),
            ("text", "text", Text),
            ("state", "state", Text),
            ("decided_at", "decided_at", Time),
            ("said_by", "by", Text),
            ("reason", "reason", Text),
            ("erased_at", "erased_at", Time),
        ],
    },
    List {
        name: "dead_addresses",
        sql: TELL_POINTS,
        fields: &[
            ("channel", "channel", Text),
            ("address", "address", Text),
            ("state", "state", Text),
            ("since", "at", Time),
            ("evidence", "evidence", Text),
        ],
    },
    List {
        name: "letters_to_you",
        sql: TELL_ALERTS,
        fields: &[
            ("at", "at", Time),
            ("subject", "subject", Text),
            ("text", "text", Text),
            ("sent_at", "sent_at", Time),
            ("ended_at", "ended_at", Time),
        ],
    },
    List {
        name: "unreadable",
        sql: TELL_UNREADABLE,
        fields: &[("invoice", "invoice", Text), ("text", "text", Text), ("seen_at", "seen_at", Time)],
    },
    List {
        name: "words",
        sql: TELL_WORDS,
        fields: &[
            ("matter", "matter", Text),
            ("value", "value", Text),
            ("on_day", "on", Text),
            ("at", "at", Time),
            ("reason", "reason", Text),
            ("said_by", "by", Text),
            ("ended_at", "ended_at", Time),
        ],
    },
    List {
        name: "bank",
        sql: TELL_BANK,
        fields: &[
            ("id", "id", Number),
            ("at", "at", Time),
            ("kind", "kind", Text),
            ("state", "state", Text),
            ("why", "why", Text),
            ("account", "account", Text),
            ("statement", "statement", Text),
            ("booked_on", "booked_on", Text),
            ("currency", "currency", Text),
            ("amount", "amount", Amount),
            ("reference", "references", Json),
            ("text", "text", Text),
            ("end_to_end", "end_to_end", Text),
            ("name", "name", Text),
            ("iban", "iban", Text),
            ("invoice", "invoice", Text),
            ("pays", "pays", Text),
            ("until_day", "until", Text),
            ("said_at", "said_at", Time),
            ("said_by", "by", Text),
            ("remark", "remark", Text),
            ("erased_at", "erased_at", Time),
        ],
    },
    List {
        name: "tasks",
        sql: TELL_TASKS,
        fields: &[
            ("id", "id", Number),
            ("kind", "kind", Text),
            ("state", "state", Text),
            ("cadence", "cadence", Text),
            ("currency", "currency", Text),
            ("step", "step", Text),
            ("text", "text", Text),
            ("owner", "owner", Text),
            ("redirected", "redirected", Flag),
            ("created_at", "created_at", Time),
            ("due_on", "due_on", Text),
            ("tries", "tries", Number),
            ("settled_at", "settled_at", Time),
            ("why", "why", Text),
        ],
    },
    List {
        name: "calls",
        sql: TELL_CALLS,
        fields: &[
            ("task", "task", Number),
            ("at", "at", Time),
            ("outcome", "outcome", Text),
            ("excuse", "excuse", Text),
            ("note", "note", Text),
            ("next_on", "next_on", Text),
            ("role", "role", Text),
            ("number", "number", Text),
            ("said_by", "by", Text),
        ],
    },
    List {
        name: "promises",
        sql: TELL_PROMISES,
        fields: &[
            ("at", "at", Time),
            ("until_day", "until", Text),
            ("known_on", "known_on", Text),
            ("state", "state", Text),
            ("settled_at", "settled_at", Time),
        ],
    },
    List {
        name: "questions",
        sql: TELL_QUESTIONS,
        fields: &[
            ("id", "id", Number),
            ("contact", "contact", Number),
            ("task", "task", Number),
            ("kind", "kind", Text),
            ("asked_at", "asked_at", Time),
            ("until_day", "until", Text),
            ("owner", "owner", Text),
            ("state", "state", Text),
            ("answered_at", "answered_at", Time),
            ("said_by", "by", Text),
            ("reason", "reason", Text),
        ],
    },
    List {
        name: "tombstones",
        sql: TELL_TOMBSTONES,
        fields: &[
            ("at", "at", Time),
            ("cause", "cause", Text),
            ("reason", "reason", Text),
            ("author", "by", Text),
            ("counts", "counts", Json),
        ],
    },
];

impl Store {
    /// All that is held about a customer as of one moment, but for the attempts. `time` writes an instant.
    pub async fn person(
        &self,
        debtor_pk: i64,
        time: impl Fn(Timestamp) -> String + Sync,
    ) -> Result<Map<String, Value>, StoreError> {
        let mut tx = self.reader.begin(Begin::Read).await?;
        let customer = CUSTOMER.read(&mut tx, debtor_pk, &time).await?.into_iter().next().unwrap_or(Value::Null);
        let mut file = Map::from_iter([(CUSTOMER.name.to_owned(), customer)]);
        for list in &LISTS {
            let rows = list.read(&mut tx, debtor_pk, &time).await?;
            file.insert(list.name.to_owned(), Value::Array(rows));
        }
        tx.undo().await?;
        Ok(file)
    }
}

impl List {
    async fn read(
        &self,
        tx: &mut Tx,
        debtor_pk: i64,
        time: &(dyn Fn(Timestamp) -> String + Sync),
    ) -> Result<Vec<Value>, StoreError> {
        let rows = query(self.sql).bind(debtor_pk).all(tx).await?;
        let object = |row: &Row| {
            let fields = self.fields.iter().map(|(column, name, kind)| Ok(((*name).to_owned(), kind.read(row, column, time)?)));
            Ok(Value::Object(fields.collect::<Result<_, StoreError>>()?))
        };
        rows.iter().map(object).collect()
    }
}

impl Kind {
    fn read(self, row: &Row, column: &str, time: &dyn Fn(Timestamp) -> String) -> Result<Value, StoreError> {
        let number = |row: &Row| row.get::<Option<i64>>(column);
        Ok(match self {
            Kind::Text => Value::from(row.get::<Option<String>>(column)?),
            Kind::Number => Value::from(number(row)?),
            Kind::Flag => Value::from(number(row)?.map(|n| n != 0)),
            // What no calendar holds is told as the number that it is.
            Kind::Time => number(row)?.map_or(Value::Null, |ms| instant(ms).map_or(Value::from(ms), |at| Value::from(time(at)))),
            Kind::Money => {
                // An event about no invoice is about no money.
                let currency = row.get::<Option<String>>("currency")?.and_then(|code| Currency::parse(&code));
                let decimal = |minor| currency.map_or(Value::from(minor), |c| Value::from(Money::new(minor, c).decimal()));
                number(row)?.map_or(Value::Null, decimal)
            }
            Kind::Json => {
                let text: Option<String> = row.get(column)?;
                text.map_or(Value::Null, |t| serde_json::from_str(&t).unwrap_or(Value::from(t)))
            }
        })
    }
}
