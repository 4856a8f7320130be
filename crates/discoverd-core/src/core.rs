//! The core: its inputs and outputs.

use std::collections::{BTreeMap, BTreeSet};

use nvmf_types::config::Config;
use nvmf_types::{HostIdentity, LiveController, Owner};

use crate::backoff::Jitter;
use crate::connection::Connections;
use crate::desired::Desired;
use crate::exclusions::Lists;
use crate::key::Key;
use crate::live::{Incarnation, Live};
use crate::outbox::Outbox;
use crate::timers::{Timer, Timers};
use crate::{Action, ActionId, Change, Event, Timestamp};

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whose name new controllers get and whose controllers are ours.
    pub owner: Owner,
    /// How long exclusion files must rest before they are read, in milliseconds.
    pub exclusion_soak_ms: u64,
    /// How long a target may take to answer the probe, in milliseconds.
    pub probe_timeout_ms: u64,
    /// The first delay before another attempt, in milliseconds.
    pub retry_initial_ms: u64,
    /// The longest delay before another attempt, in milliseconds (± 20 %).
    pub retry_max_ms: u64,
    /// Hours after which a discovery controller is given up that only announcements or referrals
    /// name and that could not be connected all the time; 0: never.
    pub dc_giveup_hours: u32,
    /// Minutes between two reads of the log page of a discovery controller that does not promise to
    /// tell of changes, or is not to stay connected; 0: it is read only when it is connected.
    pub dc_recheck_minutes: u32,
    /// Minutes between two kicks of the Fibre Channel ports ([`crate::ActionKind::KickFc`]); 0: only
    /// at the start, and when a controller over Fibre Channel is lost.
    pub fc_kickstart_interval_minutes: u32,
    /// Where the jitter of the delays starts.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            owner: Owner::discoverd(),
            exclusion_soak_ms: 1_000,
            probe_timeout_ms: 2_000,
            retry_initial_ms: 1_000,
            retry_max_ms: 300_000,
            dc_giveup_hours: 72,
            dc_recheck_minutes: 15,
            fc_kickstart_interval_minutes: 0,
            seed: 0,
        }
    }
}

/// The decisions. See the crate's documentation for how to drive it.
#[derive(Debug)]
pub struct Core {
    pub(crate) settings: Settings,
    pub(crate) phase: Phase,
    /// There was a good configuration: only what the first one names may be claimed.
    had_config: bool,
    /// There were boot tables, and so on.
    pub(crate) had_boot: bool,
    pub(crate) had_services: bool,
    /// The last time that the Fibre Channel ports announced everything.
    pub(crate) fc_kicked: Timestamp,
    /// When the first decision was made.
    pub(crate) began: Timestamp,
    pub(crate) desired: Desired,
    pub(crate) connections: Connections,
    pub(crate) live: Live,
    /// The host's default identity.
    pub(crate) identity: HostIdentity,
    pub(crate) lists: Lists,
    pub(crate) problems: Problems,
    /// Discovery controllers desired since the start whose first log page is still to come.
    pub(crate) first_pages: BTreeSet<Key>,
    /// Connections whose last attempt's result was lost, and when: whether there is a controller is
    /// only known after a listing that began later.
    pub(crate) unsure: BTreeMap<Key, Timestamp>,
    pub(crate) timers: Timers,
    pub(crate) jitter: Jitter,
    pub(crate) flights: BTreeMap<ActionId, Flight>,
    pub(crate) outbox: Outbox,
}

/// How far the core is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Some of what the first decision needs is still missing.
    Starting {
        config: bool,
        boot: bool,
        exclusions: bool,
        listed: bool,
    },
    Running,
    /// systemd takes no units any more: nothing is connected.
    ShuttingDown,
    /// The daemon stops.
    Stopped,
}

/// Whose result is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flight {
    /// Also in whose name.
    Connect(Key, Owner),
    Fetch(Key),
    /// Also for whom.
    Claim(Incarnation, Owner),
    Unit(Incarnation),
}

/// What the sources complained about.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) config: Option<String>,
    pub(crate) config_warnings: Vec<String>,
    pub(crate) boot: Vec<String>,
}

impl Core {
    /// A core that knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            jitter: Jitter::new(settings.seed),
            settings,
            phase: Phase::Starting {
                config: false,
                boot: false,
                exclusions: false,
                listed: false,
            },
            had_config: false,
            had_boot: false,
            had_services: false,
            fc_kicked: Timestamp::default(),
            began: Timestamp::default(),
            desired: Desired::default(),
            connections: Connections::default(),
            live: Live::default(),
            identity: HostIdentity::default(),
            lists: Lists::default(),
            problems: Problems::default(),
            first_pages: BTreeSet::new(),
            unsure: BTreeMap::new(),
            timers: Timers::default(),
            flights: BTreeMap::new(),
            outbox: Outbox::default(),
        }
    }

    /// Takes in what happened. Call [`Core::poll_action`] and [`Core::next_deadline`] again
    /// afterwards.
    pub fn handle(&mut self, event: Event, now: Timestamp) {
        if self.phase == Phase::Stopped {
            return;
        }
        match event {
            Event::ConfigLoaded(config) => self.config_loaded(config, now),
            Event::ConfigRejected(problems) => self.config_rejected(problems, now),
            Event::ExclusionsTouched => self.exclusions_touched(now),
            Event::ExclusionsLoaded { set, problems } => {
                self.exclusions_loaded(set, problems, now);
            }
            Event::Listed { controllers, began } => self.listed(controllers, began, now),
            Event::Controller {
                device,
                now: None,
                began,
            } => self.missed(&device, began, now),
            Event::Controller {
                now: Some(live),
                began,
                ..
            } => self.sighted(live, began, now),
            Event::DiscoveryChanged { device } => self.discovery_changed(&device),
            Event::OwnershipChanged { device } => self.outbox.look(&device),
            Event::ConnectFinished { id, outcome } => self.connect_finished(id, outcome, now),
            Event::LogFetched { id, result } => self.log_fetched(id, result, now),
            Event::Claimed { id, outcome } => self.claimed(id, outcome, now),
            Event::UnitStarted { id, result } => self.unit_started(id, result, now),
            Event::NetworkChanged => self.network_changed(now),
            Event::RetryNow(which) => self.retry_now(which.as_ref(), now),
            Event::SettingsLoaded(settings) => self.settings_loaded(settings, now),
            Event::BootTablesLoaded {
                connections,
                problems,
            } => self.boot_tables_loaded(connections, problems, now),
            Event::FcAnnounced {
                host_traddr,
                traddr,
            } => self.fc_announced(host_traddr, traddr, now),
            Event::FcKicked { began } => self.fc_kicked(began, now),
            Event::ServicesFound(services) => self.services_found(services, now),
            Event::Stop => {
                self.phase = Phase::Stopped;
                return self.outbox.clear();
            }
        }
        self.tell_of_touched();
    }

    /// Lets due timers fire. Calling it early or often does no harm.
    pub fn tick(&mut self, now: Timestamp) {
        if self.phase == Phase::Stopped {
            return;
        }
        while let Some(timer) = self.timers.take(now) {
            match timer {
                Timer::Soak => self.exclusions_settled(),
                Timer::Look(device) => self.outbox.look(&device),
                Timer::KickFc => self.kick_fc(now),
                Timer::ForgetFc => self.forget_fc(now),
                Timer::Retry(key) => self.decide(&key, now),
                Timer::Fetch(key) => self.fetch(&key),
                Timer::Claim(device) => self.decide_all_of(&device, now),
                Timer::Unit(device) => self.start_unit(&device),
            }
        }
        self.tell_of_touched();
    }

    /// Has the status published if any connection may be other than it was.
    fn tell_of_touched(&mut self) {
        let touched = !self.connections.touched.is_empty() || !self.live.touched.is_empty();
        self.outbox.status_changed |= touched;
    }

    /// The next thing to do; `None`: nothing for now. What is urgent comes first.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.outbox.pop()
    }

    /// The next change of a connection's state, for the log.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.outbox.changes.pop_front()
    }

    /// The controllers that there are, as they were when they were last looked at.
    pub fn controllers(&self) -> impl Iterator<Item = &LiveController> {
        self.live.iter().map(|known| &known.live)
    }

    /// When to call [`Core::tick`]; `None`: only events matter.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.timers.next().filter(|_| self.phase != Phase::Stopped)
    }

    fn config_loaded(&mut self, config: Config, now: Timestamp) {
        let at_start = !std::mem::replace(&mut self.had_config, true);
        self.problems.config = None;
        self.problems.config_warnings = config.warnings.iter().map(ToString::to_string).collect();
        let identity_changed = std::mem::replace(&mut self.identity, config.host) != self.identity;
        let diff = self.desired.set_config(config.connections);
        self.apply(diff, at_start, now);
        self.outbox.status_changed = true;
        if let Phase::Starting { config, .. } = &mut self.phase {
            *config = true;
            self.begin(now);
            return;
        }
        if identity_changed {
            for key in self.connections.keys() {
                self.judge(&key, now);
            }
        }
        self.sources_changed(now);
    }

    fn config_rejected(&mut self, problems: String, now: Timestamp) {
        self.problems.config = Some(problems);
        self.outbox.status_changed = true;
        if let Phase::Starting { config, .. } = &mut self.phase {
            *config = true;
            self.begin(now);
        }
    }

    /// Decides for the first time, as soon as everything is there that the decision needs.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        let Phase::Starting {
            config: true,
            boot: true,
            exclusions: true,
            listed: true,
        } = self.phase
        else {
            return;
        };
        self.phase = Phase::Running;
        self.began = now;
        self.kick_fc(now);
        for key in self.connections.keys() {
            self.judge(&key, now);
            self.decide(&key, now);
        }
        let ours = self.live.iter().map(|known| known.live.device.clone());
        for device in ours.collect::<Vec<_>>() {
            self.start_unit(&device);
        }
    }
}
