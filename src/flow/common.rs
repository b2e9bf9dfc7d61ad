//! What mails have in common, found in letters with sample data: the dictionary with which they are kept.

use crate::channel::email::{MailParts, build};
use crate::config::settings::EmailSettings;
use crate::domain::mail::Mail;
use crate::letter::Letters;
use jiff::Timestamp;
use std::collections::HashSet;

/// Every line that stands in a sample mail, once. No customer's data is in it.
pub(super) fn lines(letters: &Letters, settings: Option<&EmailSettings>) -> Vec<u8> {
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let mut text = Vec::new();
    for mail in letters.sample_mails() {
        for line in wire(&mail, settings).split_inclusive(|b| *b == b'\n') {
            if seen.insert(line.to_vec()) {
                text.extend_from_slice(line);
            }
        }
    }
    text
}

/// A mail as it would leave; just its words where there is no e-mail or it cannot be built.
fn wire(mail: &Mail, settings: Option<&EmailSettings>) -> Vec<u8> {
    let built = settings.and_then(|settings| {
        let parts = MailParts {
            mail,
            from: &settings.from,
            reply_to: &settings.from.email,
            name: "",
            to: &settings.from.email,
            cc: &[],
            redirected_from: None,
            message_id: settings.from.email.domain(),
            thread: None,
            date: Timestamp::UNIX_EPOCH,
            copies: &[],
        };
        build(&parts).ok().map(|built| built.bytes)
    });
    built.unwrap_or_else(|| format!("{}\n{}", mail.text, mail.html).into_bytes())
}
