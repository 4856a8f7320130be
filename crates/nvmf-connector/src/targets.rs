//! Asking a target once, however many connections lead there: each answer costs the target a connection
//! that it makes and takes down again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nvmf_types::{Nqn, TransportId};

use crate::protocol::FailureKind;

/// For how long a target that answered is taken to answer.
const FRESH: Duration = Duration::from_secs(1);
/// So many targets are never too many to remember.
const FEW: usize = 64;

/// Why a target cannot be connected to.
pub(crate) type Failure = (FailureKind, String);

/// The targets that were asked of late.
#[derive(Debug, Default)]
pub(crate) struct Targets(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    places: BTreeMap<Place, Asked>,
    /// How many there were when the old ones were forgotten last.
    kept: usize,
}

/// What decides how a target answers, and from where it is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(TransportId, bool);

/// Locked while somebody asks.
type Asked = Arc<Mutex<Option<Answer>>>;

#[derive(Clone, Debug)]
struct Answer {
    at: Instant,
    result: Result<(), Failure>,
}

impl Place {
    /// Where `way` leads, with or without TLS.
    pub(crate) fn new(way: &TransportId, tls: bool) -> Self {
        let anybody = TransportId {
            nqn: Nqn::discovery(),
            hostnqn: None,
            hostid: None,
            ..way.clone()
        };
        Self(anybody, tls)
    }
}

impl Targets {
    /// What `ask` says of the target, or said to somebody else: since this was called, or, if it was well, a
    /// moment before. Who comes while somebody asks waits for that.
    pub(crate) fn ask(
        &self,
        place: Place,
        ask: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let asked = self.asked(place);
        let mut last = asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref().filter(|it| it.holds(began)) {
            return last.result.clone();
        }
        let result = ask();
        *last = Some(Answer {
            at: Instant::now(),
            result: result.clone(),
        });
        result
    }

    fn asked(&self, place: Place) -> Asked {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.places.len() > 2 * known.kept.max(FEW) {
            known.forget_old_ones();
        }
        Arc::clone(known.places.entry(place).or_default())
    }
}

impl Known {
    fn forget_old_ones(&mut self) {
        let now = Instant::now();
        // one that is being asked is not old
        self.places.retain(|_, asked| {
            let last = asked.try_lock();
            last.map_or(true, |it| it.as_ref().is_none_or(|it| it.holds(now)))
        });
        self.kept = self.places.len();
    }
}

impl Answer {
    /// Whether it answers who began to ask then.
    fn holds(&self, began: Instant) -> bool {
        let fresh = self.result.is_ok() && began.saturating_duration_since(self.at) < FRESH;
        fresh || self.at >= began
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn place(text: &str) -> Place {
        Place::new(&text.parse().unwrap(), false)
    }

    const ONE: &str = "transport=tcp;traddr=192.0.2.1;trsvcid=4420;nqn=nqn.2014-08.org.example:a";

    fn refused() -> Result<(), Failure> {
        Err((FailureKind::Refused, "refused".to_owned()))
    }

    #[test]
    fn what_leads_elsewhere_is_asked_for_itself() {
        let same = ONE.replace(":a", ":b") + ";hostnqn=nqn.2014-08.org.example:host";
        assert_eq!(place(ONE), place(&same));
        for other in [
            ONE.replace("4420", "4421"),
            ONE.replace("192.0.2.1", "192.0.2.2"),
            format!("{ONE};host-traddr=192.0.2.9"),
            format!("{ONE};host-iface=eth0"),
        ] {
            assert_ne!(place(ONE), place(&other), "{other}");
        }
        assert_ne!(place(ONE), Place::new(&ONE.parse().unwrap(), true));
    }

    #[test]
    fn a_good_answer_lasts_and_a_bad_one_does_not() {
        let (targets, asked) = (Targets::default(), AtomicUsize::new(0));
        let ask = |result: Result<(), Failure>| {
            targets.ask(place(ONE), || {
                asked.fetch_add(1, Ordering::Relaxed);
                result
            })
        };
        assert_eq!(ask(refused()), refused());
        assert_eq!(ask(Ok(())), Ok(()));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        let well = Answer {
            at: Instant::now(),
            result: Ok(()),
        };
        assert!(well.holds(well.at + FRESH / 2));
        assert!(!well.holds(well.at + FRESH));
    }

    #[test]
    fn who_comes_while_somebody_asks_is_told_the_same() {
        let targets = Targets::default();
        let (begun, begins) = mpsc::channel();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                let asked = targets.asked(place(ONE));
                targets.ask(place(ONE), || {
                    begun.send(()).unwrap();
                    // of the table, of these two, and of who comes
                    while Arc::strong_count(&asked) < 4 {
                        std::thread::yield_now();
                    }
                    refused()
                })
            });
            begins.recv().unwrap();
            let second = targets.ask(place(ONE), || panic!("asked twice"));
            assert_eq!((first.join().unwrap(), second), (refused(), refused()));
        });
    }

    #[test]
    fn only_what_is_fresh_is_remembered() {
        let targets = Targets::default();
        for port in 1..=10_000 {
            let text = ONE.replace("4420", &port.to_string());
            assert_eq!(targets.ask(place(&text), refused), refused());
        }
        assert!(targets.0.lock().unwrap().places.len() <= 2 * FEW + 1);
    }
}
