-- The controller's rules: who a customer is, people's words, tasks, calls, promises, approvals.

ALTER TABLE debtor ADD COLUMN contacts TEXT;
ALTER TABLE debtor ADD COLUMN pay_runs TEXT;
ALTER TABLE debtor ADD COLUMN customer_since TEXT;
-- When relance first saw the customer; 0 of those who were there before it counted.
ALTER TABLE debtor ADD COLUMN known_since INTEGER NOT NULL DEFAULT 0;
-- How it has paid so far: invoices seen, paid, and paid late.
ALTER TABLE debtor ADD COLUMN invoices_seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE debtor ADD COLUMN invoices_paid INTEGER NOT NULL DEFAULT 0;
ALTER TABLE debtor ADD COLUMN invoices_late INTEGER NOT NULL DEFAULT 0;
UPDATE debtor SET
  invoices_seen = (SELECT count(*) FROM invoice i WHERE i.debtor_pk = debtor.pk AND i.kind = 'invoice'),
  invoices_paid = (SELECT count(*) FROM invoice i WHERE i.debtor_pk = debtor.pk AND i.kind = 'invoice' AND i.presence = 'closed'),
  invoices_late = (SELECT count(*) FROM invoice i WHERE i.debtor_pk = debtor.pk AND i.kind = 'invoice' AND i.presence = 'closed'
                   AND EXISTS (SELECT 1 FROM mark m WHERE m.invoice_pk = i.pk AND m.overdue = 1 AND m.kind = 'left'));

-- The cadence that a row of the ledger names itself; which one takes it is worked out from what the customer is. Every
-- row is read anew, so that this holds what the ledger says.
UPDATE invoice SET cadence = NULL, digest = 0 WHERE presence <> 'closed';

CREATE TABLE hold_of_kind (
  pk         INTEGER PRIMARY KEY,
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  invoice_pk INTEGER REFERENCES invoice (pk),
  kind       TEXT NOT NULL CHECK (kind IN ('operator', 'promise', 'call', 'dispute')),
  until_day  TEXT NOT NULL,
  reason     TEXT NOT NULL CHECK (reason <> ''),
  created_at INTEGER NOT NULL,
  ended_at   INTEGER,
  -- Of a dispute about a part of an invoice: how much, in minor units.
  part       INTEGER CHECK (part IS NULL OR (part > 0 AND kind = 'dispute' AND invoice_pk IS NOT NULL))
) STRICT;
INSERT INTO hold_of_kind (pk, debtor_pk, invoice_pk, kind, until_day, reason, created_at, ended_at)
  SELECT pk, debtor_pk, invoice_pk, kind, until_day, reason, created_at, ended_at FROM hold;
DROP TABLE hold;
ALTER TABLE hold_of_kind RENAME TO hold;
CREATE INDEX hold_of_debtor ON hold (debtor_pk) WHERE ended_at IS NULL;
CREATE INDEX hold_by_debtor ON hold (debtor_pk);

-- What a person said about a customer; of each matter the last one counts. NULL: as if nobody had ever said anything.
CREATE TABLE standing (
  pk        INTEGER PRIMARY KEY,
  debtor_pk INTEGER NOT NULL REFERENCES debtor (pk),
  matter    TEXT NOT NULL CHECK (matter IN ('state', 'kind', 'pay_runs', 'contacts')),
  value     TEXT,
  on_day    TEXT NOT NULL,
  at        INTEGER NOT NULL,
  reason    TEXT NOT NULL CHECK (reason <> ''),
  said_by   TEXT,
  ended_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX standing_that_counts ON standing (debtor_pk, matter) WHERE ended_at IS NULL;

-- Something for a person to do. proposed: waits for a yes; open: to be done; done, dropped: by a person; closed: there is
-- nothing to do any more.
CREATE TABLE task (
  pk         INTEGER PRIMARY KEY,
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  kind       TEXT NOT NULL CHECK (kind IN ('call', 'task')),
  state      TEXT NOT NULL CHECK (state IN ('proposed', 'open', 'done', 'dropped', 'closed')),
  cadence    TEXT,
  currency   TEXT,
  step       TEXT,
  rank       TEXT,
  text       TEXT NOT NULL,
  owner      TEXT,
  invoices   TEXT NOT NULL,
  redirected INTEGER NOT NULL CHECK (redirected IN (0, 1)),
  created_at INTEGER NOT NULL,
  due_on     TEXT NOT NULL,
  tries      INTEGER NOT NULL DEFAULT 0,
  settled_at INTEGER,
  why        TEXT,
  -- What may be there once only, such as the task about a customer's state.
  key        TEXT UNIQUE,
  CHECK ((settled_at IS NULL) = (state IN ('proposed', 'open'))),
  CHECK ((step IS NULL) = (cadence IS NULL))
) STRICT;
CREATE INDEX task_of_debtor ON task (debtor_pk) WHERE settled_at IS NULL;
CREATE INDEX task_due ON task (kind, due_on) WHERE settled_at IS NULL;

-- Calls that were made.
CREATE TABLE call (
  pk        INTEGER PRIMARY KEY,
  task_pk   INTEGER NOT NULL REFERENCES task (pk),
  debtor_pk INTEGER NOT NULL REFERENCES debtor (pk),
  at        INTEGER NOT NULL,
  outcome   TEXT NOT NULL CHECK (outcome IN ('reached', 'voicemail', 'no_answer', 'wrong_number', 'refused')),
  excuse    TEXT CHECK (excuse IN ('awaiting_approval', 'not_received', 'dispute', 'under_way', 'cash_trouble', 'absence', 'other')),
  note      TEXT,
  next_on   TEXT,
  role      TEXT,
  number    TEXT,
  said_by   TEXT
) STRICT;
CREATE INDEX call_of_debtor ON call (debtor_pk, at);

-- What a debtor promised to pay, and by when.
CREATE TABLE promise (
  pk         INTEGER PRIMARY KEY,
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  call_pk    INTEGER REFERENCES call (pk),
  hold_pk    INTEGER,
  at         INTEGER NOT NULL,
  until_day  TEXT NOT NULL,
  -- The day by which it is known whether it was kept.
  known_on   TEXT NOT NULL,
  invoices   TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('open', 'kept', 'broken', 'replaced')),
  settled_at INTEGER,
  CHECK ((settled_at IS NULL) = (state = 'open'))
) STRICT;
CREATE INDEX promise_of_debtor ON promise (debtor_pk);
CREATE INDEX promise_open ON promise (known_on) WHERE settled_at IS NULL;

-- What a contact or a task waits for: a person's yes (approval), or a day on which silence becomes one (notice).
CREATE TABLE question (
  pk          INTEGER PRIMARY KEY,
  debtor_pk   INTEGER NOT NULL REFERENCES debtor (pk),
  contact_pk  INTEGER REFERENCES contact (pk),
  task_pk     INTEGER REFERENCES task (pk),
  kind        TEXT NOT NULL CHECK (kind IN ('approval', 'notice')),
  asked_at    INTEGER NOT NULL,
  until_day   TEXT NOT NULL,
  owner       TEXT,
  -- What it was asked about: [[invoice, balance in minor units], …]. Another balance is another question.
  balances    TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'yes', 'no', 'lapsed')),
  answered_at INTEGER,
  said_by     TEXT,
  reason      TEXT,
  CHECK ((contact_pk IS NULL) <> (task_pk IS NULL)),
  CHECK ((answered_at IS NULL) = (state = 'waiting'))
) STRICT;
CREATE INDEX question_waiting ON question (debtor_pk) WHERE state = 'waiting';
CREATE UNIQUE INDEX question_of_contact ON question (contact_pk) WHERE contact_pk IS NOT NULL;
CREATE UNIQUE INDEX question_of_task ON question (task_pk) WHERE task_pk IS NOT NULL;

-- A copy for somebody else of a mail: whether it arrives moves nothing. awaits: its contact waits for an answer.
ALTER TABLE message ADD COLUMN copy INTEGER NOT NULL DEFAULT 0 CHECK (copy IN (0, 1));
ALTER TABLE message ADD COLUMN role TEXT;
ALTER TABLE message ADD COLUMN awaits INTEGER NOT NULL DEFAULT 0 CHECK (awaits IN (0, 1) AND (awaits = 0 OR state IN ('planned', 'cancelled', 'dropped')));

-- Letters to others in the creditor's firm than the one who keeps the books.
ALTER TABLE alert ADD COLUMN address TEXT;
