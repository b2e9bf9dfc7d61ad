-- What comes back: reports on messages, answers of machines, answers of people.

-- One row a thing that came. What nothing of ours could be matched with is listed and changes nothing.
CREATE TABLE inbound (
  pk         INTEGER PRIMARY KEY,
  -- The same for the same thing whenever it comes again.
  key        TEXT NOT NULL,
  at         INTEGER NOT NULL,
  via        TEXT NOT NULL CHECK (via IN ('mail', 'sms', 'page')),
  kind       TEXT NOT NULL CHECK (kind IN ('failed', 'delayed', 'delivered', 'automatic', 'reply', 'stop', 'other')),
  -- What it was matched by, from the surest to the weakest.
  matched_by TEXT CHECK (matched_by IN ('token', 'envelope_id', 'returned_id', 'answers', 'gateway_id', 'address')),
  message_pk INTEGER REFERENCES message (pk),
  debtor_pk  INTEGER REFERENCES debtor (pk),
  sender     TEXT,
  subject    TEXT NOT NULL,
  text       TEXT NOT NULL,
  class      TEXT,
  -- What it speaks of that only a person may judge.
  grave      TEXT CHECK (grave IN ('insolvency', 'mediation', 'death', 'lawyer')),
  back_on    TEXT,
  dated      INTEGER,
  -- unread: waits for a person; read: a person has seen to it; none: there is nothing to read.
  state      TEXT NOT NULL CHECK (state IN ('unread', 'read', 'none')),
  read_at    INTEGER,
  said_by    TEXT,
  remark     TEXT,
  erased_at  INTEGER,
  CHECK ((read_at IS NOT NULL) = (state = 'read')),
  CHECK ((matched_by IS NULL) = (debtor_pk IS NULL)),
  CHECK (state = 'none' OR debtor_pk IS NOT NULL)
) STRICT;
-- One thing may be about several customers with one address; it is none twice.
CREATE UNIQUE INDEX inbound_once ON inbound (key, debtor_pk) WHERE debtor_pk IS NOT NULL;
CREATE UNIQUE INDEX inbound_once_nobodys ON inbound (key) WHERE debtor_pk IS NULL;
CREATE INDEX inbound_of_debtor ON inbound (debtor_pk, at) WHERE debtor_pk IS NOT NULL;
CREATE INDEX inbound_unread ON inbound (pk) WHERE state = 'unread';
CREATE INDEX inbound_kept ON inbound (at, pk) WHERE erased_at IS NULL;

-- How far a mailbox has been read, in its own words.
CREATE TABLE bookmark (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE hold_of_more (
  pk         INTEGER PRIMARY KEY,
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  invoice_pk INTEGER REFERENCES invoice (pk),
  kind       TEXT NOT NULL CHECK (kind IN ('operator', 'promise', 'call', 'dispute', 'reply')),
  until_day  TEXT NOT NULL,
  reason     TEXT NOT NULL CHECK (reason <> ''),
  created_at INTEGER NOT NULL,
  ended_at   INTEGER,
  -- Of a dispute about a part of an invoice: how much, in minor units.
  part       INTEGER CHECK (part IS NULL OR (part > 0 AND kind = 'dispute' AND invoice_pk IS NOT NULL)),
  -- What came that holds.
  inbound_pk INTEGER REFERENCES inbound (pk)
) STRICT;
INSERT INTO hold_of_more (pk, debtor_pk, invoice_pk, kind, until_day, reason, created_at, ended_at, part)
  SELECT pk, debtor_pk, invoice_pk, kind, until_day, reason, created_at, ended_at, part FROM hold;
DROP TABLE hold;
ALTER TABLE hold_of_more RENAME TO hold;
CREATE INDEX hold_of_debtor ON hold (debtor_pk) WHERE ended_at IS NULL;
CREATE INDEX hold_by_debtor ON hold (debtor_pk);
CREATE INDEX hold_of_inbound ON hold (inbound_pk) WHERE inbound_pk IS NOT NULL;

-- What the gateway calls the message, and when the telephone had it.
ALTER TABLE message ADD COLUMN gateway_id TEXT;
ALTER TABLE message ADD COLUMN delivered_at INTEGER;
CREATE INDEX message_by_gateway ON message (gateway_id) WHERE gateway_id IS NOT NULL;

-- A number whose owner wants no more SMS, for whatever customers it stands.
CREATE TABLE stopped (
  channel TEXT NOT NULL CHECK (channel IN ('sms')),
  address TEXT NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (channel, address)
) STRICT, WITHOUT ROWID;
