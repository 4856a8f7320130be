//! The core's time scale.

use std::time::Duration;

use discoverd_core::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, sleep_until};

/// Milliseconds since the daemon's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    /// The start, in microseconds of CLOCK_MONOTONIC.
    start_usec: u64,
}

impl Clock {
    /// A scale that begins now.
    pub(crate) fn start() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        Self {
            start: Instant::now(),
            start_usec: u64::try_from(micros).unwrap_or_default(),
        }
    }

    /// A moment on this scale in microseconds of CLOCK_MONOTONIC, for other processes.
    pub(crate) const fn monotonic_usec(&self, ms: u64) -> u64 {
        self.start_usec.saturating_add(ms.saturating_mul(1000))
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Waits for a moment; for ever without one.
    pub(crate) async fn until(&self, moment: Option<Timestamp>) {
        match moment {
            Some(Timestamp(ms)) => sleep_until(self.start + Duration::from_millis(ms)).await,
            None => std::future::pending().await,
        }
    }
}
