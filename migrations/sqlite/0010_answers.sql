-- What customers say on the answer page: evidence, and a proposal for a person, who says yes or no to it.

CREATE TABLE proposal (
  pk         INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('paid', 'promise', 'arrangement', 'wrong', 'person', 'missing', 'papers')),
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  -- The invoices that it is about, by key.
  invoices   TEXT NOT NULL,
  -- What came that it was made from.
  inbound_pk INTEGER REFERENCES inbound (pk),
  at         INTEGER NOT NULL,
  -- The day that was named: paid on, will pay on.
  on_day     TEXT,
  -- In minor units of the currency.
  amount     INTEGER,
  currency   TEXT,
  text       TEXT NOT NULL,
  -- lapsed: nothing of what it is about is open any more.
  state      TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'refused', 'lapsed')),
  decided_at INTEGER,
  said_by    TEXT,
  reason     TEXT,
  erased_at  INTEGER,
  CHECK ((decided_at IS NULL) = (state = 'open')),
  CHECK ((amount IS NULL) = (currency IS NULL))
) STRICT;
CREATE UNIQUE INDEX proposal_of_inbound ON proposal (inbound_pk) WHERE inbound_pk IS NOT NULL;
CREATE INDEX proposal_of_debtor ON proposal (debtor_pk);
CREATE INDEX proposal_open ON proposal (pk) WHERE state = 'open';
CREATE INDEX proposal_kept ON proposal (at, pk) WHERE erased_at IS NULL;

CREATE TABLE hold_of_more (
  pk          INTEGER PRIMARY KEY,
  debtor_pk   INTEGER NOT NULL REFERENCES debtor (pk),
  invoice_pk  INTEGER REFERENCES invoice (pk),
  kind        TEXT NOT NULL CHECK (kind IN ('operator', 'promise', 'call', 'dispute', 'reply', 'answer')),
  until_day   TEXT NOT NULL,
  reason      TEXT NOT NULL CHECK (reason <> ''),
  created_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  -- Of a dispute about a part of an invoice: how much, in minor units.
  part        INTEGER CHECK (part IS NULL OR (part > 0 AND kind = 'dispute' AND invoice_pk IS NOT NULL)),
  -- What came that holds.
  inbound_pk  INTEGER REFERENCES inbound (pk),
  -- The proposal that holds, or held.
  proposal_pk INTEGER REFERENCES proposal (pk)
) STRICT;
INSERT INTO hold_of_more (pk, debtor_pk, invoice_pk, kind, until_day, reason, created_at, ended_at, part, inbound_pk)
  SELECT pk, debtor_pk, invoice_pk, kind, until_day, reason, created_at, ended_at, part, inbound_pk FROM hold;
DROP TABLE hold;
ALTER TABLE hold_of_more RENAME TO hold;
CREATE INDEX hold_of_debtor ON hold (debtor_pk) WHERE ended_at IS NULL;
CREATE INDEX hold_by_debtor ON hold (debtor_pk);
CREATE INDEX hold_of_inbound ON hold (inbound_pk) WHERE inbound_pk IS NOT NULL;
CREATE INDEX hold_of_proposal ON hold (proposal_pk) WHERE proposal_pk IS NOT NULL;

-- A promise that was made on the page holds as its proposal does.
ALTER TABLE promise ADD COLUMN proposal_pk INTEGER REFERENCES proposal (pk);
