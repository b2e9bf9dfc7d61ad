-- relance's own records. Times are milliseconds since 1970 UTC, days are text YYYY-MM-DD in the
-- debtor's zone, money is whole minor units. States are guarded here, so that no program, this one
-- included, can write another.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a poll of the ledger.
CREATE TABLE poll (
  pk             INTEGER PRIMARY KEY,
  started_at     INTEGER NOT NULL,
  finished_at    INTEGER NOT NULL,
  outcome        TEXT NOT NULL CHECK (outcome IN ('good', 'shrunk', 'failed')),
  rows           INTEGER NOT NULL,
  unreadable     INTEGER NOT NULL,
  vanished       INTEGER NOT NULL,
  booked_through TEXT,
  text           TEXT NOT NULL
) STRICT;

CREATE TABLE debtor (
  pk                INTEGER PRIMARY KEY,
  source_id         TEXT NOT NULL UNIQUE,
  name              TEXT NOT NULL,
  language          TEXT,
  country           TEXT,
  kind              TEXT CHECK (kind IN ('business', 'consumer')),
  timezone          TEXT,
  state             TEXT,
  email             TEXT,
  phone             TEXT,
  enterprise_no     TEXT,
  -- When to look at the debtor next; NULL when only an event can change anything.
  next_at           INTEGER,
  -- Why the last look ended as it did.
  reason            TEXT,
  -- The operator let old debts enter (release DEBTOR): those known by then, whose pk goes up to this one.
  entry_released    INTEGER NOT NULL DEFAULT 0 CHECK (entry_released >= 0),
  last_sign_at      INTEGER,
  unreachable_since INTEGER,
  unreachable_why   TEXT
) STRICT;
CREATE INDEX debtor_next ON debtor (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE invoice (
  pk             INTEGER PRIMARY KEY,
  source_id      TEXT NOT NULL UNIQUE,
  debtor_pk      INTEGER NOT NULL REFERENCES debtor (pk),
  number         TEXT NOT NULL,
  kind           TEXT NOT NULL CHECK (kind IN ('invoice', 'credit_note', 'payment')),
  status         TEXT NOT NULL CHECK (status IN ('open', 'paid', 'void', 'disputed', 'draft')),
  presence       TEXT NOT NULL CHECK (presence IN ('open', 'missing', 'unreadable', 'closed')),
  issued_on      TEXT,
  due_on         TEXT NOT NULL,
  currency       TEXT NOT NULL,
  total          INTEGER,
  balance        INTEGER NOT NULL,
  disputed       INTEGER,
  reference      TEXT,
  pay_url        TEXT,
  document       TEXT,
  po_number      TEXT,
  owner          TEXT,
  for_invoice    TEXT,
  booked_through TEXT,
  tags           TEXT NOT NULL,
  cadence        TEXT,
  term           INTEGER NOT NULL CHECK (term > 0),
  first_seen     TEXT NOT NULL,
  reopened       INTEGER NOT NULL CHECK (reopened IN (0, 1)),
  paused_until   TEXT,
  thread         TEXT,
  digest         INTEGER NOT NULL,
  CHECK (kind = 'invoice' OR balance <= 0)
) STRICT;
CREATE INDEX invoice_of_debtor ON invoice (debtor_pk) WHERE presence <> 'closed';
CREATE INDEX invoice_by_number ON invoice (number);
-- What payments and credit notes name, for the few that name an invoice at all.
CREATE INDEX invoice_named ON invoice (for_invoice) WHERE for_invoice IS NOT NULL;

-- Receipts and credit notes that name an open invoice of another customer, and none of their own.
CREATE VIEW invoice_paid_for AS
SELECT o.pk, c.pk AS credit_pk, abs(c.balance) AS amount
FROM invoice c
JOIN invoice o ON o.source_id = c.for_invoice OR o.number = c.for_invoice
WHERE c.for_invoice IS NOT NULL AND c.presence <> 'closed' AND (c.kind <> 'invoice' OR c.balance < 0)
  AND o.debtor_pk <> c.debtor_pk AND o.kind = 'invoice' AND o.balance > 0 AND o.presence <> 'closed' AND o.currency = c.currency
  AND NOT EXISTS (SELECT 1 FROM invoice own WHERE own.debtor_pk = c.debtor_pk AND own.kind = 'invoice'
                  AND (own.source_id = c.for_invoice OR own.number = c.for_invoice));

-- Rows of the source that could not be read at the last poll.
CREATE TABLE unreadable (
  source_id TEXT PRIMARY KEY,
  text      TEXT NOT NULL,
  seen_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was seen to happen to a debtor: payments, part payments, changed due dates.
CREATE TABLE event (
  pk         INTEGER PRIMARY KEY,
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  invoice_pk INTEGER REFERENCES invoice (pk),
  at         INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  text       TEXT NOT NULL
) STRICT;
CREATE INDEX event_of_debtor ON event (debtor_pk, at);

CREATE TABLE hold (
  pk         INTEGER PRIMARY KEY,
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  invoice_pk INTEGER REFERENCES invoice (pk),
  kind       TEXT NOT NULL CHECK (kind IN ('operator')),
  until_day  TEXT NOT NULL,
  reason     TEXT NOT NULL CHECK (reason <> ''),
  created_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT;
CREATE INDEX hold_of_debtor ON hold (debtor_pk) WHERE ended_at IS NULL;

-- One step on one or more channels. dropped: it may have left, and a person said that it shall not leave (again).
CREATE TABLE contact (
  pk         INTEGER PRIMARY KEY,
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  cadence    TEXT NOT NULL,
  currency   TEXT NOT NULL,
  step       TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('in_hand', 'left', 'maybe', 'failed', 'cancelled', 'dropped')),
  at         INTEGER NOT NULL,
  redirected INTEGER NOT NULL CHECK (redirected IN (0, 1)),
  invoices   TEXT NOT NULL
) STRICT;
CREATE INDEX contact_of_debtor ON contact (debtor_pk, at);
CREATE INDEX contact_active ON contact (debtor_pk) WHERE state IN ('in_hand', 'maybe');

-- Steps that an invoice has had in a term. The key makes it impossible to have one twice.
CREATE TABLE mark (
  invoice_pk INTEGER NOT NULL REFERENCES invoice (pk),
  term       INTEGER NOT NULL,
  step       TEXT NOT NULL,
  cadence    TEXT NOT NULL,
  rank       TEXT,
  overdue    INTEGER NOT NULL CHECK (overdue IN (0, 1)),
  kind       TEXT NOT NULL CHECK (kind IN ('in_hand', 'left', 'maybe', 'undelivered', 'skipped')),
  on_day     TEXT NOT NULL,
  contact_pk INTEGER REFERENCES contact (pk),
  redirected INTEGER NOT NULL CHECK (redirected IN (0, 1)),
  why        TEXT,
  PRIMARY KEY (invoice_pk, term, step)
) STRICT, WITHOUT ROWID;
CREATE INDEX mark_of_contact ON mark (contact_pk);

-- The outbox: one message to one address.
CREATE TABLE message (
  pk           INTEGER PRIMARY KEY,
  contact_pk   INTEGER NOT NULL REFERENCES contact (pk),
  debtor_pk    INTEGER NOT NULL REFERENCES debtor (pk),
  channel      TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
  address      TEXT NOT NULL,
  step         TEXT NOT NULL,
  cadence      TEXT NOT NULL,
  letter       TEXT NOT NULL,
  message_id   TEXT NOT NULL,
  -- planned: not yet counted; braked: held by the volume brake; queued, deferred: may be claimed;
  -- leased: claimed, safe to redo; sending: may have left; uncertain: waits for the operator;
  -- dropped: the operator said that it shall not leave (again).
  state        TEXT NOT NULL CHECK (state IN ('planned', 'braked', 'queued', 'deferred', 'leased', 'sending', 'uncertain',
                                              'accepted', 'refused', 'cancelled', 'expired', 'dropped')),
  not_before   INTEGER NOT NULL,
  lease_until  INTEGER,
  tries        INTEGER NOT NULL DEFAULT 0,
  doubts       INTEGER NOT NULL DEFAULT 0,
  first_try_at INTEGER,
  payload_pk   INTEGER REFERENCES payload (pk),
  settled_at   INTEGER,
  -- Let through by `release`: does not count against the volume brake.
  released     INTEGER NOT NULL DEFAULT 0 CHECK (released IN (0, 1)),
  CHECK (state <> 'sending' OR payload_pk IS NOT NULL),
  CHECK ((settled_at IS NOT NULL) = (state IN ('accepted', 'refused', 'cancelled', 'expired', 'dropped')))
) STRICT;
CREATE INDEX message_ready ON message (channel, not_before) WHERE state IN ('queued', 'deferred');
CREATE INDEX message_active ON message (state) WHERE settled_at IS NULL;
CREATE INDEX message_of_contact ON message (contact_pk);
CREATE INDEX message_refused ON message (debtor_pk) WHERE state IN ('refused', 'expired');
CREATE INDEX message_settled ON message (settled_at) WHERE settled_at IS NOT NULL;

-- What messages have in common, made from letters with sample data: payloads are compressed with it.
CREATE TABLE dictionary (
  pk   INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  text BLOB NOT NULL
) STRICT;

-- What left or may have left: address and exact message. May be erased; the attempt's digest stays, and
-- erased_at is the tombstone without which an address cannot be gone.
CREATE TABLE payload (
  pk            INTEGER PRIMARY KEY,
  salt          BLOB NOT NULL,
  address       TEXT,
  body          BLOB,
  body_hash     BLOB NOT NULL,
  dictionary_pk INTEGER REFERENCES dictionary (pk),
  erased_at     INTEGER,
  CHECK ((address IS NULL) = (erased_at IS NOT NULL)),
  CHECK (erased_at IS NULL OR body IS NULL)
) STRICT;

-- Append-only; each row's hash covers every other column of it and the hash before it.
CREATE TABLE attempt (
  pk         INTEGER PRIMARY KEY CHECK (pk > 0),
  at         INTEGER NOT NULL,
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  debtor     TEXT NOT NULL,
  person     TEXT,
  channel    TEXT,
  cadence    TEXT NOT NULL,
  step       TEXT NOT NULL,
  letter     TEXT NOT NULL,
  language   TEXT,
  invoices   TEXT NOT NULL,
  outcome    TEXT NOT NULL CHECK (outcome IN ('accepted', 'deferred', 'refused', 'no_address', 'unknown', 'cancelled')),
  class      TEXT,
  why        TEXT,
  answer     TEXT,
  message_id TEXT,
  message_pk INTEGER REFERENCES message (pk),
  payload_pk INTEGER REFERENCES payload (pk),
  digest     BLOB,
  prev       BLOB NOT NULL,
  hash       BLOB NOT NULL
) STRICT;
CREATE INDEX attempt_of_debtor ON attempt (debtor_pk);
CREATE INDEX attempt_at ON attempt (at);
CREATE TRIGGER attempt_is_never_rewritten BEFORE UPDATE ON attempt
BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;
CREATE TRIGGER attempt_is_never_deleted BEFORE DELETE ON attempt
BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;

-- Whose last refusal was of the message and not of its address: that still is a way to reach them.
CREATE VIEW last_refusal AS
  SELECT m.debtor_pk, a.step, a.answer FROM message m JOIN debtor d ON d.pk = m.debtor_pk AND m.address IN (d.email, d.phone)
  JOIN attempt a ON a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk AND a.outcome = 'refused' AND a.class IN ('message', 'server')
  WHERE m.pk = (SELECT max(o.pk) FROM message o WHERE o.debtor_pk = m.debtor_pk AND o.state IN ('refused', 'expired'));

-- What an address is known for. A row exists only where there is something to tell.
CREATE TABLE point (
  debtor_pk INTEGER NOT NULL REFERENCES debtor (pk),
  channel   TEXT NOT NULL,
  address   TEXT NOT NULL,
  dead_at   INTEGER NOT NULL,
  evidence  TEXT NOT NULL,
  PRIMARY KEY (debtor_pk, channel, address)
) STRICT, WITHOUT ROWID;

-- Conditions that stop sending, or a channel; one row while the condition lasts.
CREATE TABLE brake (
  kind     TEXT PRIMARY KEY,
  since    INTEGER NOT NULL,
  until_at INTEGER,
  tries    INTEGER NOT NULL DEFAULT 0,
  text     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Letters to the creditor about such conditions: one each while it lasts.
CREATE TABLE alert (
  pk       INTEGER PRIMARY KEY,
  key      TEXT NOT NULL,
  at       INTEGER NOT NULL,
  subject  TEXT NOT NULL,
  text     TEXT NOT NULL,
  sent_at  INTEGER,
  next_at  INTEGER NOT NULL,
  tries    INTEGER NOT NULL DEFAULT 0,
  ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX alert_lasting ON alert (key) WHERE ended_at IS NULL;
CREATE INDEX alert_unsent ON alert (next_at) WHERE sent_at IS NULL;
