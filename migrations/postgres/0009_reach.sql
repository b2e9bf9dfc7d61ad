-- Who can still be reached: an address may be suspect as well as dead.

ALTER TABLE point RENAME COLUMN dead_at TO since;
-- suspect: too much speaks against it, and it is used last; dead: there is nobody behind it. What is good or unknown has no row.
ALTER TABLE point ADD COLUMN state TEXT COLLATE "C" NOT NULL DEFAULT 'dead' CHECK (state IN ('suspect', 'dead'));
