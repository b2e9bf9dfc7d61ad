//! Copies of invoices that left with messages. A payload is kept without them, and each copy once by its SHA-256, however
//! many reminders it left with; on reading they are put back, so that the payload's digest covers them too.

use super::access::Tx;
use super::db::Store;
use super::error::StoreError;
use super::payloads::Payload;
use super::sql::query;
use super::{keys, statements};
use crate::domain::base64;
use crate::domain::document::Document;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

statements! {
    /// It stays until this transaction has said that it needs it.
    DOCUMENT_FIND = each!(sqlite "SELECT pk FROM document WHERE hash = $1", postgres "SELECT pk FROM document WHERE hash = $1 FOR KEY SHARE");
    DOCUMENT_KEEP = "INSERT INTO document (hash, body) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    DOCUMENT_USE = "INSERT INTO payload_document (payload_pk, place, document_pk) VALUES ($1, $2, $3)";
    DOCUMENTS_OF = "SELECT u.place, d.body FROM payload_document u JOIN document d ON d.pk = u.document_pk WHERE u.payload_pk = $1 ORDER BY u.place";
    /// What is about to leave with somebody just now is passed over; the next sweep looks at it again.
    DOCUMENTS_LEFT = each!(sqlite "SELECT d.pk FROM document d WHERE NOT EXISTS (SELECT 1 FROM payload_document u WHERE u.document_pk = d.pk) LIMIT 200",
        postgres "SELECT d.pk FROM document d WHERE NOT EXISTS (SELECT 1 FROM payload_document u WHERE u.document_pk = d.pk) LIMIT 200 FOR UPDATE SKIP LOCKED");
    /// By themselves, after they were found and locked: only now is it sure that nothing refers to them.
    DOCUMENTS_GO = "DELETE FROM document WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        AND NOT EXISTS (SELECT 1 FROM payload_document u WHERE u.document_pk = document.pk)";
}

/// A copy, and where it stands in a message.
pub type Placed = (Range<usize>, Arc<Document>);

/// A message without its copies, and where each is to be put back. Both are in the order of the message.
pub(super) fn cut(message: &[u8], copies: &[Placed]) -> (Vec<u8>, Vec<(i64, Arc<Document>)>) {
    let taken: usize = copies.iter().map(|(at, _)| at.len()).sum();
    let mut rest = Vec::with_capacity(message.len().saturating_sub(taken));
    let (mut from, mut places) = (0, Vec::with_capacity(copies.len()));
    for (at, document) in copies {
        rest.extend_from_slice(message.get(from..at.start).unwrap_or_default());
        places.push((rest.len() as i64, document.clone()));
        from = at.end;
    }
    rest.extend_from_slice(message.get(from..).unwrap_or_default());
    (rest, places)
}

/// The message with its copies; `None` where they cannot have stood there.
fn whole(rest: &[u8], copies: &[(i64, Vec<u8>)]) -> Option<Vec<u8>> {
    let more: usize = copies.iter().map(|(_, body)| base64::lines_len(body.len())).sum();
    let mut message = Vec::with_capacity(rest.len() + more);
    let mut from = 0;
    for (place, body) in copies {
        let place = usize::try_from(*place).ok()?;
        message.extend_from_slice(rest.get(from..place)?);
        base64::lines(body, &mut message);
        from = place;
    }
    message.extend_from_slice(rest.get(from..)?);
    Some(message)
}

/// Keeps the copies of payloads that were just written, each with its number. Several daemons keep theirs in the same
/// order, so that no two wait for each other.
pub(super) async fn keep(tx: &mut Tx, payloads: &[(i64, &Payload)]) -> Result<(), StoreError> {
    let mut documents: BTreeMap<[u8; 32], Arc<Document>> = BTreeMap::new();
    let mut places: Vec<(i64, i64, [u8; 32])> = Vec::new();
    for (pk, payload) in payloads {
        for (place, document) in &payload.copies {
            places.push((*pk, *place, document.hash));
            documents.insert(document.hash, document.clone());
        }
    }
    let mut known: BTreeMap<[u8; 32], i64> = BTreeMap::new();
    for (hash, document) in documents {
        let found = query(DOCUMENT_FIND).bind(hash.as_slice()).value(&mut *tx).await?;
        let pk = match found {
            Some(pk) => pk,
            None => {
                query(DOCUMENT_KEEP).bind(hash.as_slice()).bind(document.bytes.as_slice()).execute(&mut *tx).await?;
                query(DOCUMENT_FIND).bind(hash.as_slice()).sure(&mut *tx).await?
            }
        };
        known.insert(hash, pk);
    }
    for (payload, place, hash) in places {
        let Some(pk) = known.get(&hash) else { continue };
        query(DOCUMENT_USE).bind(payload).bind(place).bind(*pk).execute(&mut *tx).await?;
    }
    Ok(())
}

impl Store {
    /// A payload's message with its copies.
    pub(super) async fn with_documents(&self, payload: i64, rest: &[u8]) -> Result<Vec<u8>, StoreError> {
        let rows = query(DOCUMENTS_OF).bind(payload).all(&self.reader).await?;
        let copies: Result<Vec<(i64, Vec<u8>)>, StoreError> =
            rows.iter().map(|r| Ok((r.get("place")?, r.get("body")?))).collect();
        whole(rest, &copies?).ok_or_else(|| StoreError::Corrupt(format!("payload {payload}: its copies do not fit into it")))
    }

    /// Lets go of some of the documents that no payload refers to any more; gives how many. Once it gives none, none is
    /// left but what is in somebody's hands just now.
    pub async fn sweep_documents(&self) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let left: Vec<i64> = query(DOCUMENTS_LEFT).list(&mut tx).await?;
        if left.is_empty() {
            tx.undo().await?;
            return Ok(0);
        }
        let gone = query(DOCUMENTS_GO).bind(keys(left)).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::DocumentKind;

    #[test]
    fn what_is_cut_out_can_be_put_back() {
        let document =
            |fill: u8, size: usize| Arc::new(Document { kind: DocumentKind::Pdf, hash: [fill; 32], bytes: vec![fill; size] });
        let mut message = b"head\r\n".to_vec();
        let mut copies = Vec::new();
        for (fill, size) in [(1, 1), (2, 57), (3, 400)] {
            let start = message.len();
            let document = document(fill, size);
            base64::lines(&document.bytes, &mut message);
            copies.push((start..message.len(), document));
            message.extend_from_slice(b"--b\r\n");
        }
        let (rest, places) = cut(&message, &copies);
        assert_eq!(rest, b"head\r\n--b\r\n--b\r\n--b\r\n");
        let bodies: Vec<(i64, Vec<u8>)> = places.iter().map(|(at, d)| (*at, d.bytes.clone())).collect();
        assert_eq!(whole(&rest, &bodies), Some(message.clone()));
        assert_eq!(cut(&message, &[]), (message.clone(), vec![]));
        for wrong in [vec![(-1, vec![])], vec![(1000, vec![])], vec![(8, vec![]), (2, vec![])]] {
            assert_eq!(whole(&rest, &wrong), None);
        }
    }
}
