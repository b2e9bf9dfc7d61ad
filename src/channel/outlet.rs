//! An outlet that leads nowhere: what leaves stays in memory, for cadence tests and the year of a firm.

use super::{Answer, Sent};
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::step::Channel;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Takes messages on all channels, or refuses them as another side would.
#[derive(Clone, Debug, Default)]
pub struct Outlet(Arc<Mutex<Kept>>);

/// A message that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its number.
    pub number: String,
    /// The way it came.
    pub channel: Channel,
    /// Where it goes.
    pub address: String,
    /// All of it.
    pub message: Vec<u8>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The messages taken, by their number.
    taken: BTreeMap<String, Taken>,
    /// Addresses that do not exist; all of them do not, where an empty one is among them.
    dead: Vec<String>,
}

impl Outlet {
    /// Takes a message, unless its address is dead.
    pub(super) fn take(&self, number: &str, channel: Channel, address: &str, message: &[u8]) -> Sent {
        let mut kept = self.kept();
        if kept.dead.iter().any(|d| d.is_empty() || d == address) {
            let text = "550 5.1.1 there is nobody of this name (a test)".to_owned();
            return Sent::Answered(Answer { outcome: Outcome::Refused, class: Some(FaultClass::Address), text, id: None });
        }
        let taken = Taken { number: number.to_owned(), channel, address: address.to_owned(), message: message.to_vec() };
        kept.taken.insert(number.to_owned(), taken);
        Sent::Answered(Answer::accepted("taken by the rehearsal"))
    }

    /// From now on an address does not exist; with an empty one, none does.
    pub fn refuse(&self, address: &str) {
        self.kept().dead.push(address.to_owned());
    }

    /// What was taken under a message's number.
    pub fn taken(&self, number: &str) -> Option<Vec<u8>> {
        self.kept().taken.get(number).map(|t| t.message.clone())
    }

    /// All that was taken, by number.
    pub fn all(&self) -> Vec<Taken> {
        self.kept().taken.values().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
