-- Several daemons on one store: who lives, who has which duty, and whose a claimed message is.

-- A daemon at work. Its number is never given again: what it claimed bears it, and whatever it writes is refused as soon
-- as others, who have not seen its beat change for longer than the lease, have ended the session.
CREATE TABLE session (
  pk          INTEGER PRIMARY KEY AUTOINCREMENT,
  name        TEXT NOT NULL,
  started_at  INTEGER NOT NULL,
  beat        INTEGER NOT NULL DEFAULT 0,
  -- Of what must be the same for all (rules, limits, letters): those who began with another rest.
  agreement   TEXT NOT NULL
) STRICT;

-- What one does at a time: to poll, to plan, to write to the creditor.
CREATE TABLE duty (
  name       TEXT PRIMARY KEY,
  session_pk INTEGER NOT NULL REFERENCES session (pk) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Only a session can have a message in hand; what an older program left so belongs to one that is over.
INSERT INTO session (name, started_at, agreement) SELECT 'before version 2', 0, '' WHERE EXISTS (SELECT 1 FROM message WHERE state IN ('leased', 'sending') AND settled_at IS NULL);
ALTER TABLE message ADD COLUMN session_pk INTEGER REFERENCES session (pk) CHECK (session_pk IS NULL OR state IN ('leased', 'sending'));
UPDATE message SET session_pk = (SELECT pk FROM session) WHERE state IN ('leased', 'sending') AND settled_at IS NULL;
ALTER TABLE message DROP COLUMN lease_until;
CREATE INDEX message_in_hand ON message (session_pk) WHERE session_pk IS NOT NULL;

-- Messages that are ready all at one moment are claimed in the order of their numbers, without sorting them anew each time.
DROP INDEX message_ready;
CREATE INDEX message_ready ON message (channel, not_before, pk) WHERE state IN ('queued', 'deferred');

-- Debtors that are due all at one moment, as all are after a first poll, are looked at in the order of their numbers in
-- the same way.
DROP INDEX debtor_next;
CREATE INDEX debtor_next ON debtor (next_at, pk) WHERE next_at IS NOT NULL;
