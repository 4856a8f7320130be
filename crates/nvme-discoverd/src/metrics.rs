//! Counts for monitoring, in OpenMetrics. Labels are words of our own, never what a network says.

mod served;

use std::collections::BTreeMap;
use std::sync::Arc;

use discoverd_core::{
    ActionId, ActionKind, Change, ConnectOutcome, Counts, Event, State, UnitOutcome,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

pub(crate) use served::Served;

type Label = [(&'static str, &'static str); 1];

/// The counts. [`Served`] shows them.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    controllers: Family<Label, Gauge>,
    desired: Gauge,
    problems: Gauge,
    connects: Family<Label, Counter>,
    failures: Family<Label, Counter>,
    retries: Counter,
    log_pages: Family<Label, Counter>,
    units: Family<Label, Counter>,
    uevents_lost: Counter,
    seconds: Family<Label, Histogram>,
    queues: Family<Label, Gauge>,
    /// What is under way, and since when.
    flights: BTreeMap<ActionId, (&'static str, Instant)>,
}

const CONNECT: &str = "connect";
const LOG_PAGE: &str = "log-page";
const UNIT: &str = "unit";

impl Metrics {
    /// All zero.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Arc::default(),
            controllers: Family::default(),
            desired: Gauge::default(),
            problems: Gauge::default(),
            connects: Family::default(),
            failures: Family::default(),
            retries: Counter::default(),
            log_pages: Family::default(),
            units: Family::default(),
            uevents_lost: Counter::default(),
            // 1 ms to 65 s, the longest that the kernel waits for a target
            seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.001, 2.0, 17))
            }),
            queues: Family::default(),
            flights: BTreeMap::new(),
        };
        metrics.registry = Arc::new(metrics.registered());
        metrics
    }

    fn registered(&self) -> Registry {
        let mut all = Registry::with_prefix("nvme_discoverd");
        let help = "Connections by state";
        all.register("controllers", help, self.controllers.clone());
        let help = "Connections that something asks for";
        all.register("desired", help, self.desired.clone());
        let help = "What needs a person";
        all.register("problems", help, self.problems.clone());
        let help = "Attempts to connect that are over, by result";
        all.register("connects", help, self.connects.clone());
        let help = "Attempts to connect that failed, by reason";
        all.register("connect_failures", help, self.failures.clone());
        let help = "Further attempts that were planned";
        all.register("retries", help, self.retries.clone());
        let help = "Reads of discovery log pages, by result";
        all.register("log_pages", help, self.log_pages.clone());
        let help = "Starts of units, by result";
        all.register("units", help, self.units.clone());
        let help = "Times that the kernel had more events than could be kept";
        all.register("uevents_lost", help, self.uevents_lost.clone());
        let help = "How long work took, by kind";
        let seconds = self.seconds.clone();
        all.register_with_unit("work", help, Unit::Seconds, seconds);
        let help = "What waits or is under way, by kind";
        all.register("queue_depth", help, self.queues.clone());
        all
    }

    /// Something is about to be done.
    pub(crate) fn begins(&mut self, id: ActionId, kind: &ActionKind) {
        let kind = match kind {
            ActionKind::Connect(_) => CONNECT,
            ActionKind::FetchLog { .. } => LOG_PAGE,
            ActionKind::StartUnit(_) => UNIT,
            _ => return,
        };
        self.flights.insert(id, (kind, Instant::now()));
    }

    /// Something was done.
    pub(crate) fn heard(&mut self, event: &Event) {
        match event {
            Event::ConnectFinished { id, outcome } => {
                self.ends(*id);
                let result = match outcome {
                    ConnectOutcome::Connected { .. } => "connected",
                    ConnectOutcome::AlreadyConnected(_) => "already-connected",
                    ConnectOutcome::Excluded { .. } => "excluded",
                    ConnectOutcome::Failed { kind, .. } => {
                        count(&self.failures, "reason", kind.as_str());
                        "failed"
                    }
                };
                count(&self.connects, "result", result);
            }
            Event::LogFetched { id, result } => {
                self.ends(*id);
                let result = if result.is_ok() { "read" } else { "failed" };
                count(&self.log_pages, "result", result);
            }
            Event::UnitStarted { id, result } => {
                self.ends(*id);
                let result = match result {
                    UnitOutcome::Started => "started",
                    UnitOutcome::AlreadyThere => "already-there",
                    UnitOutcome::Refused(_) => "refused",
                    UnitOutcome::Failed(_) => "failed",
                };
                count(&self.units, "result", result);
            }
            _ => {}
        }
    }

    fn ends(&mut self, id: ActionId) {
        if let Some((kind, began)) = self.flights.remove(&id) {
            let seconds = self.seconds.get_or_create(&[("kind", kind)]);
            seconds.observe(began.elapsed().as_secs_f64());
        }
    }

    /// A connection went from one state to another.
    pub(crate) fn changed(&self, change: &Change) {
        if change.state == State::Retrying {
            self.retries.inc();
        }
    }

    /// The kernel had more to say than could be kept.
    pub(crate) fn uevents_lost(&self) {
        self.uevents_lost.inc();
    }

    /// How things are.
    pub(crate) fn shown(&self, counts: &Counts, problems: usize, inputs: usize) {
        for (state, number) in [
            (State::Waiting, counts.waiting),
            (State::Starting, counts.starting),
            (State::Connected, counts.connected),
            (State::Lost, counts.lost),
            (State::Retrying, counts.retrying),
            (State::Excluded, counts.excluded),
            (State::Foreign, counts.foreign),
            (State::Idle, counts.idle),
            (State::GaveUp, counts.gave_up),
        ] {
            let gauge = self.controllers.get_or_create(&[("state", state.as_str())]);
            gauge.set(signed(number));
        }
        self.desired.set(signed(counts.desired));
        self.problems.set(signed(problems));
        let depth = |kind: &'static str, number: usize| {
            let gauge = self.queues.get_or_create(&[("queue", kind)]);
            gauge.set(signed(number));
        };
        depth("inputs", inputs);
        for kind in [CONNECT, LOG_PAGE, UNIT] {
            let all = self.flights.values();
            depth(kind, all.filter(|(it, _)| *it == kind).count());
        }
    }
}

fn count(family: &Family<Label, Counter>, name: &'static str, value: &'static str) {
    family.get_or_create(&[(name, value)]).inc();
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
