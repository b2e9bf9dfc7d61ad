-- What the bank's statements show before the ledger has it.

-- One row a file by its name. failed: it cannot be read, and is tried again when it has changed.
CREATE TABLE bank_file (
  pk       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  size     INTEGER NOT NULL,
  changed  INTEGER NOT NULL,
  digest   TEXT NOT NULL,
  kind     TEXT CHECK (kind IN ('camt.053', 'coda')),
  state    TEXT NOT NULL CHECK (state IN ('read', 'failed')),
  problem  TEXT,
  entries  INTEGER NOT NULL,
  fresh    INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  CHECK ((problem IS NOT NULL) = (state = 'failed'))
) STRICT;
CREATE INDEX bank_file_by_digest ON bank_file (digest);

-- One row an entry, whichever files it stands in. Of what pays nothing that is known no words are kept.
CREATE TABLE bank_entry (
  pk         INTEGER PRIMARY KEY,
  -- The same for the same entry whenever it comes again.
  key        TEXT NOT NULL UNIQUE,
  at         INTEGER NOT NULL,
  account    TEXT NOT NULL,
  statement  TEXT NOT NULL,
  bank_ref   TEXT,
  kind       TEXT NOT NULL CHECK (kind IN ('credit', 'reversal', 'debit')),
  booked_on  TEXT NOT NULL,
  currency   TEXT NOT NULL,
  amount     INTEGER NOT NULL CHECK (amount >= 0),
  -- As a JSON list.
  reference  TEXT NOT NULL,
  text       TEXT NOT NULL,
  end_to_end TEXT,
  name       TEXT,
  iban       TEXT,
  -- unmatched: pays nothing known; matched: pays invoices; booked: the ledger has it; proposed: a person decides; refused: a
  -- person said no; reversed: the bank took it back; waiting: takes back what has not come yet; done: has taken back.
  state      TEXT NOT NULL CHECK (state IN ('unmatched', 'matched', 'booked', 'proposed', 'refused', 'reversed', 'waiting', 'done')),
  -- Why it is no more than a proposal, or why money went back.
  why        TEXT,
  -- The credit that it takes back.
  undoes_pk  INTEGER REFERENCES bank_entry (pk),
  said_at    INTEGER,
  said_by    TEXT,
  remark     TEXT,
  erased_at  INTEGER,
  CHECK (undoes_pk IS NULL OR kind <> 'credit')
) STRICT;
CREATE INDEX bank_entry_of_amount ON bank_entry (amount, currency, account);
CREATE INDEX bank_entry_open ON bank_entry (state, booked_on) WHERE state IN ('unmatched', 'proposed', 'waiting');
CREATE INDEX bank_entry_undone ON bank_entry (undoes_pk) WHERE undoes_pk IS NOT NULL;
CREATE INDEX bank_entry_kept ON bank_entry (at, pk) WHERE erased_at IS NULL;

-- What an entry pays, or may pay. live: it is held until the ledger has it; paused: likely, and held for a few days; perhaps:
-- one that may be meant; returned: a direct debit that came back.
CREATE TABLE bank_match (
  pk         INTEGER PRIMARY KEY,
  entry_pk   INTEGER NOT NULL REFERENCES bank_entry (pk),
  debtor_pk  INTEGER NOT NULL REFERENCES debtor (pk),
  invoice_pk INTEGER NOT NULL REFERENCES invoice (pk),
  state      TEXT NOT NULL CHECK (state IN ('live', 'paused', 'perhaps', 'booked', 'reversed', 'ended', 'returned')),
  amount     INTEGER NOT NULL CHECK (amount >= 0),
  -- What the ledger had open then.
  balance    INTEGER NOT NULL,
  until_day  TEXT,
  -- When a person was asked, because the ledger did not book it in time.
  asked_at   INTEGER,
  at         INTEGER NOT NULL,
  ended_at   INTEGER,
  CHECK ((ended_at IS NULL) = (state IN ('live', 'paused', 'perhaps', 'returned'))),
  CHECK (until_day IS NOT NULL OR state IN ('perhaps', 'booked', 'reversed', 'ended', 'returned')),
  UNIQUE (entry_pk, invoice_pk)
) STRICT;
CREATE INDEX bank_match_of_invoice ON bank_match (invoice_pk) WHERE ended_at IS NULL;
CREATE INDEX bank_match_of_debtor ON bank_match (debtor_pk);
CREATE INDEX bank_match_live ON bank_match (until_day) WHERE state = 'live';
