//! What left or may have left: address and exact message, with a salted digest that outlives them.

use super::db::{Store, StoreError, random};
use super::statements;
use sha2::{Digest as _, Sha256};
use sqlx::{Row, Sqlite, Transaction};

statements! {
    PAYLOAD_PUT = "INSERT INTO payload (pk, salt, address, body, body_hash) VALUES ($1, $2, $3, $4, $5)";
    PAYLOAD_LAST = "SELECT coalesce(max(pk), 0) FROM payload";
    PAYLOAD_GET = "SELECT salt, address, body, body_hash, erased_at FROM payload WHERE pk = $1";
}

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
}

impl Payload {
    /// Compresses and hashes a message. An empty message is none.
    pub fn new(address: &str, message: &[u8]) -> Result<Payload, StoreError> {
        let mut salt = [0u8; 16];
        salt.copy_from_slice(&random()?[..16]);
        let body = match message {
            [] => None,
            bytes => Some(compress(bytes).map_err(|e| StoreError::Corrupt(format!("compression failed: {e}")))?),
        };
        Ok(Payload { salt, address: address.to_owned(), body, body_hash: body_hash(&salt, message) })
    }
}

/// Compresses with a compressor that each thread keeps: setting one up costs more than a letter does.
fn compress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    thread_local! {
        static COMPRESSOR: std::cell::RefCell<Option<zstd::bulk::Compressor<'static>>> = const { std::cell::RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(zstd::bulk::Compressor::new(1)?);
        }
        slot.as_mut().map_or_else(|| zstd::bulk::compress(bytes, 1), |c| c.compress(bytes))
    })
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
pub(super) async fn insert<'p>(
    tx: &mut Transaction<'_, Sqlite>,
    payloads: impl IntoIterator<Item = &'p Payload>,
) -> Result<Vec<i64>, StoreError> {
    let payloads: Vec<&Payload> = payloads.into_iter().collect();
    let last: i64 = sqlx::query_scalar(PAYLOAD_LAST).fetch_one(&mut **tx).await?;
    let numbers: Vec<i64> = (0..payloads.len() as i64).map(|n| last + 1 + n).collect();
    let numbered: Vec<(i64, &Payload)> = numbers.iter().copied().zip(payloads).collect();
    for chunk in super::chunks(&numbered) {
        let mut query = super::many_rows(PAYLOAD_PUT);
        query.push_values(chunk, |mut row, (pk, payload)| {
            row.push_bind(*pk).push_bind(payload.salt.as_slice()).push_bind(&payload.address);
            row.push_bind(&payload.body).push_bind(payload.body_hash.as_slice());
        });
        query.build().execute(&mut **tx).await?;
    }
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
    /// A payload by its number, unpacked.
    pub async fn payload(&self, pk: i64) -> Result<Option<Kept>, StoreError> {
        let Some(row) = sqlx::query(PAYLOAD_GET).bind(pk).fetch_optional(&self.reader).await? else { return Ok(None) };
        let unpack =
            |b: Vec<u8>| zstd::bulk::decompress(&b, MAX_BODY).map_err(|e| StoreError::Corrupt(format!("payload {pk}: {e}")));
        let message = row.get::<Option<Vec<u8>>, _>("body").map(unpack).transpose()?;
        let erased = row.get::<Option<i64>, _>("erased_at").is_some();
        Ok(Some(Kept { salt: row.get("salt"), address: row.get("address"), message, body_hash: row.get("body_hash"), erased }))
    }
}
