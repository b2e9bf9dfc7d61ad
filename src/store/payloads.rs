//! What left or may have left: address and exact message, with a salted digest that outlives them.

use super::access::Tx;
use super::db::{Store, random};
use super::documents::{self, Placed};
use super::error::StoreError;
use super::sql::{Value, insert_many, query};
use super::statements;
use crate::domain::document::Document;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::sync::Arc;

statements! {
    PAYLOAD_PUT = "INSERT INTO payload (pk, salt, address, body, body_hash, dictionary_pk) VALUES ($1, $2, $3, $4, $5, $6)";
    /// Numbers for so many new ones. SQLite has one writer; on PostgreSQL several insert at the same time.
    PAYLOAD_NUMBERS = each!(sqlite "WITH RECURSIVE n (i) AS (SELECT 1 WHERE $1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
            SELECT i + (SELECT coalesce(max(pk), 0) FROM payload) FROM n",
        postgres "SELECT nextval(pg_get_serial_sequence('payload', 'pk')) FROM generate_series(1, $1)");
    PAYLOAD_GET = "SELECT p.salt, p.address, p.body, p.body_hash, p.erased_at, d.text, (SELECT count(*) FROM payload_document u WHERE u.payload_pk = p.pk) AS copies FROM payload p LEFT JOIN dictionary d ON d.pk = p.dictionary_pk WHERE p.pk = $1";
    DICTIONARY_KEEP = "INSERT INTO dictionary (hash, text) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    DICTIONARY_FIND = "SELECT pk FROM dictionary WHERE hash = $1";
}

/// How hard zstd tries: a letter is small, and there are many. Below this it does not look far enough to find all of the dictionary, and
/// takes longer for more bytes; above it takes longer for hardly fewer.
const LEVEL: i32 = 3;

/// The largest message that is kept or shown.
pub const MAX_BODY: usize = 32 << 20;

/// A payload ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Random, so that a digest cannot be guessed from an address.
    pub salt: [u8; 16],
    /// Where it goes.
    pub address: String,
    /// The exact message, compressed; `None` when nothing was made.
    pub body: Option<Vec<u8>>,
    /// SHA-256 of salt and message.
    pub body_hash: [u8; 32],
    /// The dictionary that unpacking needs.
    pub dictionary: Option<i64>,
    /// The copies of invoices that were cut out of the body, and where each stood.
    pub copies: Vec<(i64, Arc<Document>)>,
}

/// What messages have in common, kept once: of each, only what is its own has to be written before it leaves.
pub struct Dictionary {
    pk: i64,
    prepared: zstd::dict::EncoderDictionary<'static>,
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "dictionary {}", self.pk)
    }
}

/// Packs messages, one after the other. Setting one up costs more than a letter does.
pub struct Packer<'d> {
    dictionary: &'d Dictionary,
    compressor: zstd::bulk::Compressor<'d>,
}

impl Dictionary {
    /// A packer with this dictionary.
    pub fn packer(&self) -> Result<Packer<'_>, StoreError> {
        let compressor = zstd::bulk::Compressor::with_prepared_dictionary(&self.prepared).map_err(failed)?;
        Ok(Packer { dictionary: self, compressor })
    }
}

impl Packer<'_> {
    /// Compresses and hashes a message. Its copies of invoices are kept apart.
    pub fn pack(&mut self, address: &str, message: &[u8], copies: &[Placed]) -> Result<Payload, StoreError> {
        let (rest, copies) = match copies {
            [] => (Cow::Borrowed(message), Vec::new()),
            _ => {
                let (rest, copies) = documents::cut(message, copies);
                (Cow::Owned(rest), copies)
            }
        };
        let mut body = self.compressor.compress(&rest).map_err(failed)?;
        body.shrink_to_fit();
        Ok(Payload { copies, ..Payload::of(address, message, Some(body), Some(self.dictionary.pk))? })
    }
}

fn failed(error: std::io::Error) -> StoreError {
    StoreError::Corrupt(format!("compression failed: {error}"))
}

impl Payload {
    fn values(&self, pk: i64) -> Vec<Value> {
        vec![
            pk.into(),
            self.salt.as_slice().into(),
            (&self.address).into(),
            (&self.body).into(),
            self.body_hash.as_slice().into(),
            self.dictionary.into(),
        ]
    }

    /// Compresses and hashes a message by itself. An empty message is none.
    pub fn new(address: &str, message: &[u8]) -> Result<Payload, StoreError> {
        let body = match message {
            [] => None,
            bytes => Some(zstd::bulk::compress(bytes, LEVEL).map_err(failed)?),
        };
        Payload::of(address, message, body, None)
    }

    fn of(address: &str, message: &[u8], body: Option<Vec<u8>>, dictionary: Option<i64>) -> Result<Payload, StoreError> {
        let mut salt = [0u8; 16];
        salt.copy_from_slice(&random()?[..16]);
        Ok(Payload {
            salt,
            address: address.to_owned(),
            body,
            body_hash: body_hash(&salt, message),
            dictionary,
            copies: Vec::new(),
        })
    }
}

/// SHA-256 over salt and message.
pub fn body_hash(salt: &[u8], message: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(message).finalize().into()
}

/// The digest that the chain covers: salt, address and message.
pub fn digest(salt: &[u8], address: &str, body_hash: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [salt, address.as_bytes(), body_hash] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Inserts payloads in chunks of a statement each; gives their numbers.
pub(super) async fn insert<'p>(tx: &mut Tx, payloads: impl IntoIterator<Item = &'p Payload>) -> Result<Vec<i64>, StoreError> {
    let payloads: Vec<&Payload> = payloads.into_iter().collect();
    let numbers: Vec<i64> = query(PAYLOAD_NUMBERS).bind(payloads.len() as i64).list(&mut *tx).await?;
    let numbered: Vec<(i64, &Payload)> = numbers.iter().copied().zip(payloads).collect();
    for chunk in super::chunks(&numbered) {
        insert_many(PAYLOAD_PUT, chunk.iter().map(|(pk, payload)| payload.values(*pk))).execute(&mut *tx).await?;
    }
    documents::keep(tx, &numbered).await?;
    Ok(numbers)
}

/// A payload as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The salt.
    pub salt: Vec<u8>,
    /// The address; `None` when erased.
    pub address: Option<String>,
    /// The message, unpacked; `None` when there was none or it is erased.
    pub message: Option<Vec<u8>>,
    /// Its hash.
    pub body_hash: Vec<u8>,
    /// The tombstone: it was erased by right.
    pub erased: bool,
}

impl Store {
    /// The dictionary with this text, kept from now on.
    pub async fn dictionary(&self, text: &[u8]) -> Result<Dictionary, StoreError> {
        let hash: [u8; 32] = Sha256::digest(text).into();
        // As a rule it is there, and verbs that only read need not wait for whoever is writing.
        let known = query(DICTIONARY_FIND).bind(hash.as_slice()).value(&self.reader).await?;
        let pk = match known {
            Some(pk) => pk,
            None => {
                let mut tx = self.begin().await?;
                query(DICTIONARY_KEEP).bind(hash.as_slice()).bind(text).execute(&mut tx).await?;
                let pk = query(DICTIONARY_FIND).bind(hash.as_slice()).sure(&mut tx).await?;
                tx.commit().await?;
                pk
            }
        };
        Ok(Dictionary { pk, prepared: zstd::dict::EncoderDictionary::copy(text, LEVEL) })
    }

    /// A payload by its number, unpacked.
    pub async fn payload(&self, pk: i64) -> Result<Option<Kept>, StoreError> {
        let Some(row) = query(PAYLOAD_GET).bind(pk).optional(&self.reader).await? else { return Ok(None) };
        let dictionary: Option<Vec<u8>> = row.get("text")?;
        let unpack = |body: Vec<u8>| {
            let with = zstd::bulk::Decompressor::with_dictionary(dictionary.as_deref().unwrap_or_default());
            with.and_then(|mut d| d.decompress(&body, MAX_BODY)).map_err(|e| StoreError::Corrupt(format!("payload {pk}: {e}")))
        };
        let mut message = row.get::<Option<Vec<u8>>>("body")?.map(unpack).transpose()?;
        if let Some(rest) = message.as_deref().filter(|_| row.count("copies").is_ok_and(|n| n > 0)) {
            message = Some(self.with_documents(pk, rest).await?);
        }
        let erased = row.get::<Option<i64>>("erased_at")?.is_some();
        Ok(Some(Kept { salt: row.get("salt")?, address: row.get("address")?, message, body_hash: row.get("body_hash")?, erased }))
    }
}
