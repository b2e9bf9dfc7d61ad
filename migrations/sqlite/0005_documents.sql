-- Copies of invoices that left with messages: each once, however often it left.

CREATE TABLE document (
  pk   INTEGER PRIMARY KEY,
  -- SHA-256 of the body.
  hash BLOB NOT NULL UNIQUE,
  body BLOB NOT NULL
) STRICT;

-- Where copies stand in a message that left: at this byte of the payload's body, in base64.
CREATE TABLE payload_document (
  payload_pk  INTEGER NOT NULL REFERENCES payload (pk),
  place       INTEGER NOT NULL CHECK (place >= 0),
  document_pk INTEGER NOT NULL REFERENCES document (pk),
  PRIMARY KEY (payload_pk, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX payload_of_document ON payload_document (document_pk);

-- A payload that is erased has no copies any more, whoever erases it.
CREATE TRIGGER payload_is_erased_whole BEFORE UPDATE ON payload WHEN NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL
BEGIN DELETE FROM payload_document WHERE payload_pk = OLD.pk; END;
