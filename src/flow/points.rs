//! A debtor's addresses, and whether each can be one.

use crate::channel::email::address;
use crate::domain::case::{ContactPoint, PointState};
use crate::domain::debtor::{Debtor, Person};
use crate::domain::step::Channel;

/// The debtor's addresses, checked for their form.
pub fn points(debtor: &Debtor) -> Vec<ContactPoint> {
    let mut points = Vec::new();
    for person in debtor.everybody() {
        let Person { role, name, email, phone, language } = person;
        let point = |channel, address: String, state| ContactPoint {
            channel,
            address,
            state,
            role,
            name: name.clone(),
            language: language.clone(),
        };
        if let Some(text) = email {
            let state = match address::parse(&text) {
                Some(_) => PointState::Usable,
                None => PointState::Invalid("the ledger's e-mail is not an address".to_owned()),
            };
            points.push(point(Channel::Email, text, state));
        }
        if let Some(text) = phone {
            let digits = text.strip_prefix('+').is_some_and(|d| d.len() >= 8 && d.bytes().all(|b| b.is_ascii_digit()));
            let state = match digits {
                true => PointState::Usable,
                false => PointState::Invalid("the ledger's phone is not a number that can be dialled".to_owned()),
            };
            points.push(point(Channel::Sms, text, state));
        }
    }
    points
}
