//! Many schedules on all processors.

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::schedule::{Failure, Schedule};

/// A schedule that fails.
#[derive(Clone, Debug)]
pub struct Found {
    /// The seed that made it.
    pub seed: u64,
    /// How it failed as it was made.
    pub failure: Failure,
    /// What is left of it when all is left out that does not matter, and how that fails.
    pub shrunk: (Schedule, Failure),
}

/// Runs the schedules of `seeds`, each of `length` steps, until one fails. Of several that fail the
/// one with the lowest seed counts.
#[must_use]
pub fn search(seeds: Range<u64>, length: usize) -> Option<Found> {
    let next = AtomicU64::new(seeds.start);
    let end = AtomicU64::new(seeds.end);
    let found = Mutex::new(None::<(u64, Failure)>);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Err(failure) = Schedule::random(seed, length).run() {
                        end.fetch_min(seed, Ordering::Relaxed);
                        let mut found = found.lock().unwrap_or_else(|e| e.into_inner());
                        if found.as_ref().is_none_or(|(lowest, _)| seed < *lowest) {
                            *found = Some((seed, failure));
                        }
                    }
                }
            });
        }
    });
    let (seed, failure) = found.into_inner().unwrap_or_else(|e| e.into_inner())?;
    let shrunk = Schedule::random(seed, length).shrink(failure.clone());
    Some(Found {
        seed,
        failure,
        shrunk,
    })
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (schedule, failure) = &self.shrunk;
        writeln!(f, "seed {} fails {}", self.seed, self.failure)?;
        writeln!(
            f,
            "cut down to {} steps it fails {failure}",
            schedule.steps.len()
        )?;
        writeln!(f, "{schedule}\n{}", schedule.story())?;
        write!(
            f,
            "again: NVMF_SIM_SEED={} cargo nextest run -p nvmf-testkit sim",
            self.seed
        )
    }
}
