//! `[answers]`: the page on which customers answer a reminder. Off unless it is configured, and behind the firm's own proxy,
//! which has the certificate.

use super::listen::public;
use super::section::Section;
use crate::domain::when::{Delay, Unit};
use std::net::SocketAddr;

/// The answer page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerSettings {
    /// The address to listen on.
    pub address: SocketAddr,
    /// What customers call it, without a `/` at the end: the proxy hands on what comes there.
    pub public: String,
    /// SMS carry the link as well. It makes most of them two SMS.
    pub sms: bool,
    /// A link is good for so many days from the day on which its message left.
    pub valid: Delay,
    /// So long "already paid" holds, counted on the creditor's calendar.
    pub hold_paid: Delay,
    /// So long everything else holds, but for a promise, which has a day of its own.
    pub hold: Delay,
}

/// The longest that an answer which nobody has looked at may hold anything, in days of any kind.
const LONGEST_HOLD: u32 = 20;

/// A link that is good for less is dead before a letter of the month is answered; one that is good for longer is a door that
/// nobody remembers.
const VALID: std::ops::RangeInclusive<u32> = 7..=400;

/// Reads the section.
pub(super) fn read(s: Section) -> Option<AnswerSettings> {
    let wanted = "an address and port such as \"127.0.0.1:8481\"";
    if !s.has("address") {
        s.missing("address", wanted);
    }
    let address = s.parse("address", wanted, |t| t.parse().ok());
    if !s.has("public") {
        s.missing("public", PUBLIC);
    }
    let public = s.parse("public", PUBLIC, public);
    let sms = s.bool("sms").unwrap_or(false);
    let delay = |key: &str, usual: Delay, read: fn(&str) -> Result<Delay, String>| match s.has(key) {
        true => s.parse_with(key, read),
        false => Some(usual),
    };
    let valid = delay("valid", Delay { count: 90, unit: Unit::Days }, valid);
    let five = Delay { count: 5, unit: Unit::WorkingDays };
    let (hold_paid, hold) = (delay("hold_paid", five, hold), delay("hold", five, hold));
    s.finish();
    Some(AnswerSettings { address: address?, public: public?, sms, valid: valid?, hold_paid: hold_paid?, hold: hold? })
}

const PUBLIC: &str = "what customers call it, such as \"https://answers.example.org\": https, no login, no query";

fn valid(text: &str) -> Result<Delay, String> {
    let delay = Delay::parse(text).map_err(|e| e.to_string())?;
    match delay.unit == Unit::Days && VALID.contains(&delay.count) {
        true => Ok(delay),
        false => Err(format!("wanted from {} to {} days, such as \"90 days\"", VALID.start(), VALID.end())),
    }
}

/// What a stranger could hold by a link that fell into the wrong hands has an end.
fn hold(text: &str) -> Result<Delay, String> {
    let delay = Delay::parse(text).map_err(|e| e.to_string())?;
    match (delay.unit, delay.count) {
        (Unit::Days | Unit::WorkingDays, 1..=LONGEST_HOLD) | (Unit::Weeks, 1..=2) => Ok(delay),
        _ => Err(format!("wanted from 1 to {LONGEST_HOLD} days, such as \"5 working days\": no answer silences a case for ever")),
    }
}
