//! Attempts: one try to reach a contact point, written once and never rewritten (rule R26).

use super::money::Money;
use std::fmt;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The other side took responsibility for the message.
    Accepted,
    /// A temporary failure; it is tried again.
    Deferred,
    /// A permanent refusal.
    Refused,
    /// There was no usable address.
    NoAddress,
    /// It may or may not have left.
    Unknown,
    /// It was planned and did not leave.
    Cancelled,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Outcome; 6] =
        [Outcome::Accepted, Outcome::Deferred, Outcome::Refused, Outcome::NoAddress, Outcome::Unknown, Outcome::Cancelled];

    /// The word in the log, in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Deferred => "deferred",
            Outcome::Refused => "refused",
            Outcome::NoAddress => "no_address",
            Outcome::Unknown => "unknown",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|o| o.as_str() == text)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a failure is about. Only what concerns the address counts against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultClass {
    /// The address does not exist (5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10, 5.2.1): it is dead.
    Address,
    /// The mailbox or phone cannot take it now or is full.
    Mailbox,
    /// The other side does not want this message (policy, content, size).
    Message,
    /// Too many at once; the other side asks for patience.
    Throttled,
    /// Our login was refused.
    Authentication,
    /// Our sender's address, domain or host is refused, or relaying for us.
    Sender,
    /// No connection, or it broke before anything could have left.
    Network,
    /// The server said no without saying more.
    Server,
}

impl FaultClass {
    /// All classes.
    pub const ALL: [FaultClass; 8] = [
        FaultClass::Address,
        FaultClass::Mailbox,
        FaultClass::Message,
        FaultClass::Throttled,
        FaultClass::Authentication,
        FaultClass::Sender,
        FaultClass::Network,
        FaultClass::Server,
    ];

    /// The word in the log and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultClass::Address => "address",
            FaultClass::Mailbox => "mailbox",
            FaultClass::Message => "message",
            FaultClass::Throttled => "throttled",
            FaultClass::Authentication => "authentication",
            FaultClass::Sender => "sender",
            FaultClass::Network => "network",
            FaultClass::Server => "server",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<FaultClass> {
        FaultClass::ALL.into_iter().find(|c| c.as_str() == text)
    }

    /// Ours, or the way there: says nothing about the address, and its age does not count against the message.
    pub fn is_ours(self) -> bool {
        self == FaultClass::Throttled || self.stops_channel()
    }

    /// Would meet every message alike: nothing more is sent until it is over.
    pub fn stops_channel(self) -> bool {
        matches!(self, FaultClass::Authentication | FaultClass::Sender | FaultClass::Network)
    }
}

/// An invoice as an attempt keeps it: the documented, stable fields.
pub fn about(id: &str, number: &str, balance: Money, stage: Option<&str>, days_late: i64) -> serde_json::Value {
    serde_json::json!({ "id": id, "number": number, "balance": balance.decimal(), "currency": balance.currency.code(),
        "stage": stage, "days_late": days_late })
}

/// How long to wait before the n-th try, in seconds: minutes at first, then hours.
pub fn retry_delay(tries: u32) -> i64 {
    const LADDER: [i64; 8] = [300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 6 * 3600, 8 * 3600];
    LADDER[(tries.max(1) as usize - 1).min(LADDER.len() - 1)]
}

/// Spreads retries by up to a fifth, by the message's own number, so that a burst does not come back as a burst.
pub fn spread(delay: i64, message: i64) -> i64 {
    delay + (message.wrapping_mul(2_654_435_761) & 0xffff) * delay / (5 * 0x10000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_spread_over_hours_and_never_shrink() {
        let delays: Vec<i64> = (1..12).map(retry_delay).collect();
        assert!(delays.windows(2).all(|w| w[0] <= w[1]));
        assert!(delays.iter().sum::<i64>() > 24 * 3600);
        for message in 0..1000 {
            let d = spread(600, message);
            assert!((600..=720).contains(&d), "{d}");
        }
    }

    #[test]
    fn words_read_back() {
        for o in Outcome::ALL {
            assert_eq!(Outcome::parse(o.as_str()), Some(o));
        }
        for c in FaultClass::ALL {
            assert_eq!(FaultClass::parse(c.as_str()), Some(c));
        }
    }
}
