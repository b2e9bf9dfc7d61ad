-- Personal data: what others said goes beside the log and not into it, what is erased leaves a tombstone, and it is known
-- since when nothing has been claimed.

-- When a row was closed: what is about it is kept for so long after that. Of rows closed before this version the day of
-- the payment that was seen, or the last poll.
ALTER TABLE invoice ADD COLUMN closed_at INTEGER CHECK (closed_at IS NULL OR presence = 'closed');
UPDATE invoice SET closed_at = coalesce(
    (SELECT max(e.at) FROM event e WHERE e.debtor_pk = invoice.debtor_pk AND e.invoice_pk = invoice.pk AND e.kind = 'paid'),
    (SELECT max(p.finished_at) FROM poll p)) WHERE presence = 'closed';
CREATE INDEX invoice_closed ON invoice (debtor_pk, closed_at) WHERE presence = 'closed';

-- Set while nothing of the person is left in the row; what the ledger says of a row that is still closed is not taken in.
ALTER TABLE invoice ADD COLUMN erased_at INTEGER CHECK (erased_at IS NULL OR presence = 'closed');
ALTER TABLE debtor ADD COLUMN erased_at INTEGER;

-- Set when the messages of the contact were erased. The index finds the oldest that were not.
ALTER TABLE contact ADD COLUMN erased_at INTEGER;
CREATE INDEX contact_kept ON contact (at, pk) WHERE erased_at IS NULL;
CREATE INDEX event_told ON event (at, pk) WHERE text <> '';
CREATE INDEX hold_by_debtor ON hold (debtor_pk);

-- The salted digest of what others said of an attempt: the chain covers it, and never the words themselves.
ALTER TABLE attempt ADD COLUMN words BLOB;

-- The words themselves: a server may name a person in its answer. May be erased, as a payload may.
CREATE TABLE words (
  attempt_pk INTEGER PRIMARY KEY REFERENCES attempt (pk),
  salt       BLOB NOT NULL,
  why        TEXT,
  answer     TEXT,
  erased_at  INTEGER,
  CHECK (erased_at IS NULL OR (why IS NULL AND answer IS NULL)),
  CHECK (erased_at IS NOT NULL OR why IS NOT NULL OR answer IS NOT NULL)
) STRICT;

DROP VIEW last_refusal;
CREATE VIEW last_refusal AS
  SELECT m.debtor_pk, a.step, coalesce(w.answer, a.answer) AS answer FROM message m JOIN debtor d ON d.pk = m.debtor_pk AND m.address IN (d.email, d.phone)
  JOIN attempt a ON a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk AND a.outcome = 'refused' AND a.class IN ('message', 'server')
  LEFT JOIN words w ON w.attempt_pk = a.pk
  WHERE m.pk = (SELECT max(o.pk) FROM message o WHERE o.debtor_pk = m.debtor_pk AND o.state IN ('refused', 'expired'));

-- A customer was erased: when, why, at whose word, and how many rows of which table (JSON).
CREATE TABLE tombstone (
  pk        INTEGER PRIMARY KEY,
  debtor_pk INTEGER NOT NULL REFERENCES debtor (pk),
  at        INTEGER NOT NULL,
  cause     TEXT NOT NULL CHECK (cause IN ('person', 'retention')),
  reason    TEXT NOT NULL CHECK (reason <> ''),
  author    TEXT,
  counts    TEXT NOT NULL
) STRICT;
CREATE INDEX tombstone_of_debtor ON tombstone (debtor_pk);
