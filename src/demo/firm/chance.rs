//! Chance with a seed: the same seed gives the same year.

/// The generator SplitMix64 (Steele, Lea and Flood, 2014): small, and good enough for a story.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number of the range, both ends included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(0).unsigned_abs() + 1;
        low + (self.next() % width) as i64
    }

    /// True in so many of a hundred cases.
    pub(super) fn odds(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of a list; `None` of an empty one.
    pub(super) fn one<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        list.get(self.between(0, list.len() as i64 - 1) as usize)
    }

    /// An amount whose logarithm is spread evenly, in minor units.
    pub(super) fn amount(&mut self, low: i64, high: i64) -> i64 {
        let part = self.between(0, 10_000) as f64 / 10_000.0;
        (low as f64 * (high as f64 / low as f64).powf(part)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_seed_is_a_year() {
        let draw = |seed| (0..5).scan(Chance::new(seed), |c, _| Some(c.between(1, 6))).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn draws_lie_in_their_range() {
        let mut chance = Chance::new(1);
        assert!((0..1000).all(|_| (3..=9).contains(&chance.between(3, 9))));
        assert!((0..1000).all(|_| (99..=100_001).contains(&chance.amount(100, 100_000))));
        assert_eq!(chance.one::<u8>(&[]), None);
    }
}
