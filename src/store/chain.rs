//! The chain over the log: each row's hash covers every fact of it and the hash before (rule R26). Address, message, and
//! what others said are covered by salted digests, so that they can be erased and the chain still holds.

use super::attempts::{AttemptRow, LogFilter, Said};
use super::db::Store;
use super::error::StoreError;
use super::payloads::{self, Kept};
use super::said;
use crate::domain::hex::hex;
use sha2::{Digest as _, Sha256};

/// The head of an empty chain.
pub const GENESIS: [u8; 32] = [0; 32];

/// The name under which the store keeps the hash of the last attempt besides.
pub(super) const HEAD: &str = "head";

/// More than so many faults are not listed.
const MOST_BROKEN: usize = 100;

/// Every fact of a row.
pub(super) struct Facts<'a> {
    pub(super) id: i64,
    pub(super) at: i64,
    pub(super) debtor_pk: i64,
    pub(super) debtor: &'a str,
    pub(super) person: Option<&'a str>,
    pub(super) channel: Option<&'a str>,
    pub(super) cadence: &'a str,
    pub(super) step: &'a str,
    pub(super) letter: &'a str,
    pub(super) language: Option<&'a str>,
    pub(super) invoices: &'a str,
    pub(super) outcome: &'a str,
    pub(super) class: Option<&'a str>,
    pub(super) why: Option<&'a str>,
    pub(super) answer: Option<&'a str>,
    pub(super) message_id: Option<&'a str>,
    pub(super) message_pk: Option<i64>,
    pub(super) payload_pk: Option<i64>,
    pub(super) digest: Option<&'a [u8]>,
    pub(super) words: Option<&'a [u8]>,
}

impl Facts<'_> {
    /// The hash of the row behind the one before. A fact that is not there goes in otherwise than an empty one.
    pub(super) fn hash(&self, prev: &[u8]) -> [u8; 32] {
        // Taken apart by name: a fact that is added and forgotten here does not compile.
        let Facts {
            id,
            at,
            debtor_pk,
            debtor,
            person,
            channel,
            cadence,
            step,
            letter,
            language,
            invoices,
            outcome,
            class,
            why,
            answer,
            message_id,
            message_pk,
            payload_pk,
            digest,
            words,
        } = *self;
        let mut hash = Sha256::new_with_prefix(prev);
        for number in [Some(id), Some(at), Some(debtor_pk), message_pk, payload_pk] {
            add(&mut hash, number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        }
        for text in [debtor, cadence, step, letter, invoices, outcome] {
            add(&mut hash, Some(text.as_bytes()));
        }
        for text in [person, channel, language, class, why, answer, message_id] {
            add(&mut hash, text.map(str::as_bytes));
        }
        add(&mut hash, digest);
        // Rows from before there were words beside the log end here, and their hashes stay what they were. None of them can
        // pass for one with words, nor the other way round: all that comes before has its length with it.
        if words.is_some() {
            add(&mut hash, words);
        }
        hash.finalize().into()
    }
}

/// Adds a fact with its length; no fact has the length that stands for none.
fn add(hash: &mut Sha256, fact: Option<&[u8]>) {
    hash.update(fact.map_or(u64::MAX, |f| f.len() as u64).to_be_bytes());
    hash.update(fact.unwrap_or_default());
}

/// What `log verify` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Rows read.
    pub rows: u64,
    /// Payloads that match their digest (with `--deep`).
    pub payloads: u64,
    /// Attempts of which address and message, or what others said, were erased by right: their facts, the digests and the
    /// tombstone are left.
    pub erased: u64,
    /// Head of the chain.
    pub head: String,
    /// What does not hold; empty when all does. At most 100.
    pub broken: Vec<String>,
}

impl Verified {
    fn tell(&mut self, attempt: i64, text: &str) {
        if self.broken.len() < MOST_BROKEN {
            self.broken.push(format!("attempt {attempt}: {text}"));
        }
    }
}

impl Store {
    /// Walks the chain from its beginning, a page at a time; with `deep`, unpacks and checks every payload too.
    pub async fn verify_log(&self, deep: bool) -> Result<Verified, StoreError> {
        let mut found = Verified { head: hex(&GENESIS), ..Verified::default() };
        // Read first: what is appended meanwhile comes behind it.
        let mut recorded = self.meta(HEAD).await?;
        let mut prev = GENESIS.to_vec();
        // From the very first number there can be: nothing may hide below the first that relance gives.
        let mut after = i64::MIN;
        loop {
            let page = self.log_page(after, &LogFilter::default()).await?;
            let Some(last) = page.last() else {
                if recorded.is_some() {
                    found.broken.push("the log ends before the last attempt that was recorded: its end was removed".to_owned());
                }
                return Ok(found);
            };
            after = last.id;
            for row in &page {
                found.rows += 1;
                if !row.links(&prev) {
                    found.tell(row.id, "the row or the one before it was changed, added or removed");
                }
                let broken = found.broken.len();
                if deep {
                    self.verify_payload(row, &mut found).await?;
                    verify_words(row, &mut found);
                }
                // With something broken about it, nobody can say that it was erased by right.
                if row.erased_at.is_some() && found.broken.len() == broken {
                    found.erased += 1;
                }
                prev.clone_from(&row.hash);
                recorded = recorded.filter(|head| *head != hex(&prev));
            }
            found.head = hex(&prev);
        }
    }

    async fn verify_payload(&self, row: &AttemptRow, found: &mut Verified) -> Result<(), StoreError> {
        let Some(pk) = row.payload_pk else { return Ok(()) };
        match self.payload(pk).await {
            Ok(Some(kept)) => match state(&kept, row.digest.as_deref()) {
                PayloadState::Whole => found.payloads += 1,
                PayloadState::Erased => {}
                PayloadState::Broken(text) => found.tell(row.id, text),
            },
            Ok(None) | Err(StoreError::Corrupt(_)) => found.tell(row.id, "its payload is gone or cannot be unpacked"),
            Err(e) => return Err(e),
        }
        Ok(())
    }
}

/// Whether what others said is what the chain covers, or was erased by right.
fn verify_words(row: &AttemptRow, found: &mut Verified) {
    let Some(digest) = &row.words else {
        if row.said.is_some() {
            found.tell(row.id, "it has words of others that the log does not know of");
        }
        return;
    };
    match &row.said {
        None => found.tell(row.id, "what others said of it is gone, and nothing says that it was erased"),
        Some(Said { erased: true, why: None, answer: None, .. }) => {}
        Some(Said { erased: true, .. }) => {
            found.tell(row.id, "it says that the words of others were erased, but they are still there")
        }
        Some(kept) => {
            if said::digest(&kept.salt, kept.why.as_deref(), kept.answer.as_deref()).as_slice() != digest {
                found.tell(row.id, "what others said of it was changed");
            }
        }
    }
}

enum PayloadState {
    Whole,
    Erased,
    Broken(&'static str),
}

/// Whether a payload is what left, or was erased by right: an erasure leaves a tombstone, and nothing else.
fn state(kept: &Kept, digest: Option<&[u8]>) -> PayloadState {
    let Some(address) = &kept.address else {
        return match (kept.erased, &kept.message) {
            (true, None) => PayloadState::Erased,
            (true, Some(_)) => PayloadState::Broken("it says that its payload was erased, but the message is still there"),
            (false, _) => PayloadState::Broken("its address is gone, and nothing says that it was erased"),
        };
    };
    if kept.erased {
        return PayloadState::Broken("it says that its payload was erased, but the address is still there");
    }
    let body = payloads::body_hash(&kept.salt, kept.message.as_deref().unwrap_or_default());
    let whole =
        body.as_slice() == kept.body_hash && digest == Some(payloads::digest(&kept.salt, address, &kept.body_hash).as_slice());
    if whole { PayloadState::Whole } else { PayloadState::Broken("its address or message was changed") }
}
