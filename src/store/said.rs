//! What others said of an attempt: a server's answer may name a person, so the words lie beside the log. The chain covers
//! their salted digest and never themselves; they can be erased, and the chain still holds (rule R26).

use super::access::Tx;
use super::db::random;
use super::error::StoreError;
use super::sql::{Value, insert_many};
use super::statements;
use sha2::{Digest as _, Sha256};

statements! {
    WORDS_PUT = "INSERT INTO words (attempt_pk, salt, why, answer) VALUES ($1, $2, $3, $4)";
}

/// Words that are about to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    salt: [u8; 16],
    why: Option<String>,
    answer: Option<String>,
}

impl Words {
    /// The words of an attempt; `None` where nobody said anything.
    pub(super) fn new(why: Option<&str>, answer: Option<&str>) -> Result<Option<Words>, StoreError> {
        if why.is_none() && answer.is_none() {
            return Ok(None);
        }
        let mut salt = [0u8; 16];
        salt.copy_from_slice(&random()?[..16]);
        Ok(Some(Words { salt, why: why.map(str::to_owned), answer: answer.map(str::to_owned) }))
    }

    /// What the chain covers of them.
    pub(super) fn digest(&self) -> [u8; 32] {
        digest(&self.salt, self.why.as_deref(), self.answer.as_deref())
    }

    fn values(&self, attempt: i64) -> Vec<Value> {
        vec![attempt.into(), self.salt.as_slice().into(), (&self.why).into(), (&self.answer).into()]
    }
}

/// SHA-256 over salt and words, each with its length; what was not said goes in otherwise than an empty word.
pub(super) fn digest(salt: &[u8], why: Option<&str>, answer: Option<&str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [Some(salt), why.map(str::as_bytes), answer.map(str::as_bytes)] {
        hash.update(part.map_or(u64::MAX, |p| p.len() as u64).to_be_bytes());
        hash.update(part.unwrap_or_default());
    }
    hash.finalize().into()
}

/// Whether a reason is one of our own codes, which name nobody; all else may quote somebody.
pub(super) fn is_code(why: &str) -> bool {
    !why.is_empty() && why.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Keeps the words of attempts, by the attempts' numbers.
pub(super) async fn insert(tx: &mut Tx, list: &[(i64, &Words)]) -> Result<(), StoreError> {
    for chunk in super::chunks(list) {
        insert_many(WORDS_PUT, chunk.iter().map(|(attempt, words)| words.values(*attempt))).execute(&mut *tx).await?;
    }
    Ok(())
}
