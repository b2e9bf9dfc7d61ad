//! So many a second and no more: a bucket that fills at a steady pace.

use crate::clock::Stopwatch;
use std::sync::{Mutex, PoisonError};

/// A bucket. It is full when it is made.
#[derive(Debug)]
pub struct Bucket {
    most: f64,
    a_second: f64,
    state: Mutex<(f64, Stopwatch)>,
}

impl Bucket {
    /// At most so many at once, and so many a second for ever.
    pub fn new(most: u32, a_second: u32) -> Bucket {
        Bucket { most: f64::from(most), a_second: f64::from(a_second), state: Mutex::new((f64::from(most), Stopwatch::start())) }
    }

    /// Takes one, if there is one.
    pub fn take(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = &mut *state;
        *left = (*left + since.elapsed().as_secs_f64() * self.a_second).min(self.most);
        *since = Stopwatch::start();
        let there = *left >= 1.0;
        if there {
            *left -= 1.0;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;

    #[test]
    fn what_is_taken_is_gone_until_it_fills_again() {
        let bucket = Bucket::new(3, 0);
        assert_eq!([(); 5].map(|()| bucket.take()), [true, true, true, false, false]);
    }
}
