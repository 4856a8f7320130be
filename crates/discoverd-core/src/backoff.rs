//! How long to wait before another attempt.

/// Doubling delays. The owner decides when to start over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    failures: u32,
}

/// Repeatable randomness (xorshift64*, Vigna 2016) that spreads attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter(u64);

impl Backoff {
    /// The next delay in milliseconds: `initial_ms`, doubled with every call up to `max_ms`, then
    /// 20 % up or down, so that hosts that lost the same target do not come back as one.
    pub(crate) fn next_delay_ms(
        &mut self,
        initial_ms: u64,
        max_ms: u64,
        jitter: &mut Jitter,
    ) -> u64 {
        let doubled = initial_ms.saturating_mul(1_u64 << self.failures.min(63));
        self.failures = self.failures.saturating_add(1);
        jitter.spread(doubled.min(max_ms.max(initial_ms)))
    }

    /// Starts over.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }
}

impl Jitter {
    /// Any seed is good.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    /// `ms` ± 20 %.
    fn spread(&mut self, ms: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let random = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        let fifth = ms / 5;
        ms - fifth + random % (2 * fifth + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_maximum() {
        let mut jitter = Jitter::new(7);
        let mut backoff = Backoff::default();
        for nominal in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
            let delay = backoff.next_delay_ms(1_000, 10_000, &mut jitter);
            assert!(
                (nominal * 8 / 10..=nominal * 12 / 10).contains(&delay),
                "{delay} for {nominal}"
            );
        }
        backoff.reset();
        assert!(backoff.next_delay_ms(1_000, 10_000, &mut jitter) <= 1_200);
    }

    #[test]
    fn spreads_and_repeats() {
        let delays = |seed| {
            let mut jitter = Jitter::new(seed);
            (0..20)
                .map(|_| Backoff::default().next_delay_ms(1_000, 300_000, &mut jitter))
                .collect::<Vec<_>>()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
        let mut distinct = delays(3);
        distinct.sort_unstable();
        distinct.dedup();
        assert!(distinct.len() > 10, "{distinct:?}");
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut jitter = Jitter::new(u64::MAX);
        let mut backoff = Backoff::default();
        for _ in 0..200 {
            assert!(backoff.next_delay_ms(1_000, 300_000, &mut jitter) <= 360_000);
        }
        assert_eq!(Backoff::default().next_delay_ms(0, 0, &mut jitter), 0);
    }
}
