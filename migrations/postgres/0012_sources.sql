-- Invoicing systems with an HTTP API.

-- Since when a row has been on the way to paid, in the debtor's zone.
ALTER TABLE invoice ADD COLUMN pending_since TEXT COLLATE "C";
-- The day for which the ledger itself has payment promised, as it was read last.
ALTER TABLE invoice ADD COLUMN promised_on TEXT COLLATE "C";
-- full: the whole was read; changes: what has changed since the last poll, of which nothing follows for what it does not show.
ALTER TABLE poll ADD COLUMN kind TEXT COLLATE "C" NOT NULL DEFAULT 'full' CHECK (kind IN ('full', 'changes'));
