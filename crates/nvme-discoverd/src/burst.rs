//! Changes that come in bursts.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When to look after changes that come in bursts, or without end.
#[derive(Debug, Default)]
pub(crate) struct Burst {
    /// When the look is due, and the latest moment for it.
    due: Option<(Instant, Instant)>,
    /// The last look, and how long the next one keeps away from it.
    last: Option<(Instant, Duration)>,
}

/// Without another change for so long, a burst is over.
const QUIET: Duration = Duration::from_millis(200);
/// A burst that does not end is looked at all the same.
const LONGEST: Duration = Duration::from_secs(2);
/// Looks keep at least this far apart, and twice as far each time when changes never stop.
const APART: Duration = Duration::from_secs(1);
const FAR_APART: Duration = Duration::from_secs(60);

impl Burst {
    /// Something changed.
    pub(crate) fn changed(&mut self) {
        self.changed_at(Instant::now());
    }

    /// Waits until it is time to look; for ever, if nothing changed.
    pub(crate) async fn over(&self) {
        match self.due() {
            Some(moment) => sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }

    /// It is being looked at.
    pub(crate) fn looked(&mut self) {
        self.looked_at(Instant::now());
    }

    fn changed_at(&mut self, now: Instant) {
        let (quiet, latest) = match self.due {
            Some((_, latest)) => (now + QUIET, latest),
            None => (now + QUIET, now + LONGEST),
        };
        let earliest = self.last.map_or(now, |(last, apart)| last + apart);
        self.due = Some((quiet.min(latest).max(earliest), latest));
    }

    const fn due(&self) -> Option<Instant> {
        match self.due {
            Some((due, _)) => Some(due),
            None => None,
        }
    }

    fn looked_at(&mut self, now: Instant) {
        self.due = None;
        let apart = match self.last {
            Some((last, apart)) if now < last + apart * 2 + QUIET => (apart * 2).min(FAR_APART),
            _ => APART,
        };
        self.last = Some((now, apart));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks for changes at these moments, in milliseconds.
    fn looks(changes: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut burst = Burst::default();
        let mut looks = Vec::new();
        let look = |burst: &mut Burst, until: Instant, looks: &mut Vec<u64>| {
            while let Some(due) = burst.due().filter(|due| *due <= until) {
                burst.looked_at(due);
                looks.push(u64::try_from((due - start).as_millis()).unwrap());
            }
        };
        for change in changes {
            look(&mut burst, at(change), &mut looks);
            burst.changed_at(at(change));
        }
        look(&mut burst, at(1_000_000_000), &mut looks);
        looks
    }

    #[test]
    fn one_look_a_burst() {
        assert_eq!(looks([]), [0; 0]);
        assert_eq!(looks([0, 50, 150]), [350]);
        assert_eq!(looks([0, 10_000]), [200, 10_200], "two are two");
        assert_eq!(looks([0, 300]), [200, 1200], "but not at once");
    }

    #[test]
    fn changes_without_end_are_looked_at_ever_more_rarely() {
        let all = looks((0..600_000).step_by(100));
        assert_eq!(all[..4], [2000, 4000, 6000, 10_000]);
        let gaps: Vec<u64> = all.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| *gap <= 62_000), "{gaps:?}");
        assert!(all.len() < 20, "{all:?}");
    }

    #[test]
    fn after_a_quiet_time_it_is_as_at_first() {
        let mut changes: Vec<u64> = (0..60_000).step_by(100).collect();
        changes.extend([400_000, 402_000]);
        let all = looks(changes);
        assert_eq!(all[all.len() - 2..], [400_200, 402_200]);
    }
}
