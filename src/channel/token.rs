//! Keyed marks: Message-IDs that are the same whenever the same contact is planned again, and tokens by
//! which a bounce or reply is known as ours (HMAC-SHA-256 with the store's key).

use crate::domain::hex::hex;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The purpose of the mark that goes with an SMS and comes back with its receipts.
pub const RECEIPT: &str = "receipt";

/// The purpose of the mark in the link to the answer page.
pub const ANSWER: &str = "answer";

/// The purpose of the value that a page's forms send back, with the token of its link behind it.
pub const ANSWER_FORM: &str = "answer-form";

/// Whether two texts are the same, in a time that does not tell how much of them is.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0u8, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// The store's key.
#[derive(Clone)]
pub struct Keys([u8; 32]);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(key)")
    }
}

impl Keys {
    /// Wraps the key.
    pub fn new(key: [u8; 32]) -> Keys {
        Keys(key)
    }

    fn mac(&self, parts: &[&str]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    /// An id for a contact on a channel, from what makes it that contact.
    pub fn message_id(&self, parts: &[&str]) -> String {
        let mut all = vec!["message-id"];
        all.extend(parts);
        hex(&self.mac(&all)[..16])
    }

    /// A token for an address of ours: the message's number, the day (since 1970) and a proof of both.
    /// `purpose` keeps a token for bounces from serving for replies.
    pub fn token(&self, purpose: &str, message: i64, day: i64) -> String {
        let head = format!("{message:x}-{day:x}");
        let proof = hex(&self.mac(&["token", purpose, &head])[..8]);
        format!("{head}-{proof}")
    }

    /// The same for the same answer to a message from the page of a day.
    pub fn answer(&self, message: i64, day: i64, parts: &[&str]) -> String {
        let (message, day) = (message.to_string(), day.to_string());
        let mut all = vec!["answer", &message, &day];
        all.extend(parts);
        hex(&self.mac(&all)[..16])
    }

    /// The secret part of the URL to which a gateway sends what comes back.
    pub fn hook(&self, gateway: &str) -> String {
        hex(&self.mac(&["hook", gateway])[..16])
    }

    /// The message's number and day of a token that is ours.
    pub fn verify(&self, purpose: &str, token: &str) -> Option<(i64, i64)> {
        let (head, proof) = token.rsplit_once('-')?;
        let expected = hex(&self.mac(&["token", purpose, head])[..8]);
        let (message, day) = head.split_once('-')?;
        let number = |t: &str| i64::from_str_radix(t, 16).ok();
        same(expected.as_bytes(), proof.as_bytes()).then_some(())?;
        Some((number(message)?, number(day)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_verify_and_cannot_be_made_up() {
        let keys = Keys::new([7; 32]);
        let token = keys.token("bounce", 4711, 20_778);
        assert_eq!(keys.verify("bounce", &token), Some((4711, 20_778)));
        assert_eq!(keys.verify("reply", &token), None);
        assert_eq!(Keys::new([8; 32]).verify("bounce", &token), None);
        assert_eq!(keys.verify("bounce", &token.replace("1267", "1268")), None);
        assert_eq!(keys.verify("bounce", ""), None);
        assert_eq!(keys.verify("bounce", "x-y-z"), None);
    }

    #[test]
    fn each_gateway_has_a_url_of_its_own() {
        let keys = Keys::new([7; 32]);
        assert_eq!(keys.hook("kannel").len(), 32);
        assert_ne!(keys.hook("kannel"), keys.hook("twilio"));
        assert_ne!(keys.hook("kannel"), Keys::new([8; 32]).hook("kannel"));
    }

    #[test]
    fn ids_depend_on_every_part() {
        let keys = Keys::new([7; 32]);
        assert_eq!(keys.message_id(&["a", "b"]), keys.message_id(&["a", "b"]));
        assert_ne!(keys.message_id(&["a", "b"]), keys.message_id(&["ab", ""]));
    }
}
