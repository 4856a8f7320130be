//! Repeatable randomness.

/// splitmix64 (Steele, Lea, Flood 2014): one seed, one sequence, on every machine.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of `all`.
    pub(super) fn pick<T: Copy>(&mut self, all: &[T], otherwise: T) -> T {
        let index = usize::try_from(self.next() >> 1).unwrap_or(0) % all.len().max(1);
        all.get(index).copied().unwrap_or(otherwise)
    }
}
