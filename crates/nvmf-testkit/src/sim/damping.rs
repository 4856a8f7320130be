//! How soon after a failure the next attempt may come.
//!
//! Knows less than the core: whatever might be a reason to start over makes it forget. So what it
//! finds is wrong, and what it does not find is for others to find.

use discoverd_core::Timestamp;

use super::name::{ALL, FC, Name, Names};

/// The first delay, without the jitter that takes a fifth of it.
const FIRST_MS: u64 = 800;
/// The longest one.
const LONGEST_MS: u64 = 240_000;
/// No attempt follows another faster, whoever is in a hurry.
const HASTE_MS: u64 = 1_000;
/// A connection that lasted so long was a good one.
const GOOD_MS: u64 = 60_000;

/// What is known of the attempts at one connection.
#[derive(Clone, Copy, Debug, Default)]
struct Attempts {
    /// At least so many failed in a row.
    failures: u32,
    ended: Timestamp,
    hurried: bool,
    /// It became connected, and as which controller.
    bound: Option<(Timestamp, u64)>,
}

/// What is known of all attempts.
#[derive(Debug, Default)]
pub(super) struct Damping([Attempts; ALL as usize]);

impl Damping {
    /// An attempt failed.
    pub(super) fn failed(&mut self, name: Name, now: Timestamp) {
        if let Some(attempts) = self.0.get_mut(name.index()) {
            attempts.failures += 1;
            attempts.ended = now;
            attempts.hurried = false;
        }
    }

    /// It is connected.
    pub(super) fn bound(&mut self, name: Name, ino: u64, now: Timestamp) {
        if let Some(attempts) = self.0.get_mut(name.index()) {
            attempts.bound = Some((now, ino));
        }
    }

    /// Those of its connections whose controllers are gone; gives them back once.
    pub(super) fn gone(&mut self, is_there: impl Fn(u64) -> bool, now: Timestamp) -> Names {
        let mut gone = Names::default();
        for name in Names::all().iter() {
            let Some(attempts) = self.0.get_mut(name.index()) else {
                continue;
            };
            if let Some((since, _)) = attempts.bound.filter(|(_, ino)| !is_there(*ino)) {
                attempts.bound = None;
                if now.since_ms(since) >= GOOD_MS {
                    attempts.failures = 0;
                }
                gone = gone.with(name);
            }
        }
        gone
    }

    /// The network came up.
    pub(super) fn network(&mut self) {
        let ip = Names::all().minus(FC);
        ip.iter().for_each(|name| self.hurry(name));
    }

    /// The next attempt may come soon.
    pub(super) fn hurry(&mut self, name: Name) {
        if let Some(attempts) = self.0.get_mut(name.index()) {
            attempts.hurried = true;
        }
    }

    /// There may be a reason to start over with one.
    pub(super) fn forget(&mut self, name: Name) {
        if let Some(attempts) = self.0.get_mut(name.index()) {
            *attempts = Attempts::default();
        }
    }

    /// There may be a reason to start over with all.
    pub(super) fn forget_all(&mut self) {
        *self = Self::default();
    }

    /// An attempt begins.
    pub(super) fn check(&self, name: Name, now: Timestamp) -> Result<(), String> {
        let Some(attempts) = self.0.get(name.index()) else {
            return Ok(());
        };
        let doublings = match attempts.failures.checked_sub(1) {
            None => return Ok(()),
            Some(doublings) => doublings.min(20),
        };
        let unhurried = (FIRST_MS << doublings).min(LONGEST_MS);
        let least = if attempts.hurried {
            unhurried.min(HASTE_MS)
        } else {
            unhurried
        };
        let waited = now.since_ms(attempts.ended);
        if waited < least {
            let failures = attempts.failures;
            return Err(format!(
                "connects {name} {waited} ms after failure {failures} in a row, not {least}"
            ));
        }
        Ok(())
    }
}
