-- The morning report: whose copy of which day has left, and what was paid in figures.

-- How much an event was about, in minor units of its invoice's currency: of a payment what had been open, of a part payment
-- what came in, of a returned one what is open again. NULL of events from before this version.
ALTER TABLE event ADD COLUMN amount INTEGER;

-- A copy of the report of a day, to one of the creditor's own people. due: to be tried at next_at; sending: may have left;
-- doubtful: may have left, and is not sent again; refused: the other side does not want it.
CREATE TABLE report (
  day     TEXT NOT NULL,
  address TEXT NOT NULL,
  state   TEXT NOT NULL CHECK (state IN ('due', 'sending', 'sent', 'doubtful', 'refused')),
  doubts  INTEGER NOT NULL DEFAULT 0,
  tries   INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (day, address)
) STRICT, WITHOUT ROWID;
