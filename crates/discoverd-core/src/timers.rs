//! Deadlines: one enum and one table.

use std::collections::{BTreeMap, BTreeSet};

use nvmf_types::DeviceName;

use crate::key::Key;

/// A moment in milliseconds on a monotonic scale that the shell gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// `ms` milliseconds later.
    #[must_use]
    pub const fn after_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`; 0 if that is later.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The exclusion files have rested, or have changed for long enough.
    Soak,
    /// Time for another look at a controller.
    Look(DeviceName),
    /// Time to have the Fibre Channel ports announce what they see.
    KickFc,
    /// What they announced has arrived: what they see no more may be forgotten.
    ForgetFc,
    /// Time to connect again.
    Retry(Key),
    /// Time to read a discovery log page again.
    Fetch(Key),
    /// Time to claim a controller again.
    Claim(DeviceName),
    /// Time to start a controller's unit again.
    Unit(DeviceName),
}

/// All deadlines. Setting, clearing and taking cost the logarithm of their number.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<Timer, Timestamp>,
    order: BTreeSet<(Timestamp, Timer)>,
}

impl Timers {
    /// Sets or moves a deadline.
    pub(crate) fn set(&mut self, timer: Timer, at: Timestamp) {
        self.clear(&timer);
        self.due.insert(timer.clone(), at);
        self.order.insert((at, timer));
    }

    /// Sets a deadline, unless it has one.
    pub(crate) fn set_once(&mut self, timer: Timer, at: Timestamp) {
        if !self.due.contains_key(&timer) {
            self.set(timer, at);
        }
    }

    /// Forgets a deadline.
    pub(crate) fn clear(&mut self, timer: &Timer) {
        if let Some((timer, at)) = self.due.remove_entry(timer) {
            self.order.remove(&(at, timer));
        }
    }

    /// How many deadlines there are.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// When `timer` is due.
    pub(crate) fn due(&self, timer: &Timer) -> Option<Timestamp> {
        self.due.get(timer).copied()
    }

    /// The next deadline.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes one timer that is due at `now`.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Timer> {
        let (_, timer) = self.order.first().filter(|(at, _)| *at <= now)?.clone();
        self.clear(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earliest_first_and_each_once() {
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set(Timer::Soak, Timestamp(30));
        timers.set(Timer::KickFc, Timestamp(20));
        timers.set(Timer::Soak, Timestamp(10));
        timers.set_once(Timer::Soak, Timestamp(1));
        assert_eq!(timers.next(), Some(Timestamp(10)));
        assert_eq!(timers.take(Timestamp(9)), None);
        assert_eq!(timers.take(Timestamp(25)), Some(Timer::Soak));
        assert_eq!(timers.take(Timestamp(25)), Some(Timer::KickFc));
        assert_eq!(timers.take(Timestamp(u64::MAX)), None);
    }

    #[test]
    fn a_cleared_one_does_not_fire() {
        let mut timers = Timers::default();
        let unit = Timer::Unit("nvme1".parse().unwrap());
        timers.set(unit.clone(), Timestamp(5));
        timers.clear(&unit);
        assert_eq!((timers.due(&unit), timers.next()), (None, None));
    }
}
