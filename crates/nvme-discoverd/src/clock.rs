//! The core's time scale.

use std::time::Duration;

use discoverd_core::Timestamp;
use tokio::time::{Instant, sleep_until};

/// Milliseconds since the daemon's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// A scale that begins now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Waits for a moment; for ever without one.
    pub(crate) async fn until(&self, moment: Option<Timestamp>) {
        match moment {
            Some(Timestamp(ms)) => sleep_until(self.0 + Duration::from_millis(ms)).await,
            None => std::future::pending().await,
        }
    }
}
