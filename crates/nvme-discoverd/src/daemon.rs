//! The task that owns the core.

mod asked;
mod perform;
mod publish;
mod reload;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use discoverd_core::{Core, Event, Timestamp};
use nvmf::Root;
use nvmf_types::config::DaemonConfig;
use nvmf_types::{HostIdentity, LiveController};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use crate::bus::Show;
use crate::clock::Clock;
use crate::connector_client::Connector;
use crate::devices::Devices;
use crate::exclusion_watch::Again;
use crate::inputs::{Input, Inputs, Trouble, put};
use crate::logging::Level;
use crate::mdns::Mdns;
use crate::metrics::{Metrics, Served};
use crate::reading::Boot;
use crate::units::Units;
use crate::workers::Workers;
use crate::{mounts, notify, report, uevents};
use asked::Asked;
use reload::{Names, Reload};

pub(crate) use asked::Question;
pub(crate) use reload::Answer;

/// What the daemon is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Who decides.
    pub(crate) core: Core,
    /// Who reads.
    pub(crate) workers: Workers,
    /// Who connects.
    pub(crate) connector: Connector,
    /// Who keeps the shutdown order.
    pub(crate) units: Units,
    /// Who watches the exclusion files.
    pub(crate) watch: Again,
    /// Who shows the status on the bus.
    pub(crate) show: Show,
    /// Who counts.
    pub(crate) metrics: Metrics,
    /// Who serves the counts.
    pub(crate) served: Served,
    /// Who finds discovery controllers by mDNS.
    pub(crate) mdns: Mdns,
    /// Who watches the mounts.
    pub(crate) mounts: mounts::Again,
    /// Where the files are.
    pub(crate) root: Root,
    /// How to behave, by the last good configuration.
    pub(crate) own: DaemonConfig,
    /// What is logged.
    pub(crate) level: Level,
    /// What was wrong at the start.
    pub(crate) problems: Vec<String>,
}

/// The daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    parts: Parts,
    inputs: Inputs,
    inbox: mpsc::UnboundedReceiver<Input>,
    clock: Clock,
    devices: Devices,
    /// The host's default identity by the last good configuration.
    host: HostIdentity,
    first: First,
    /// What does not work, while the rest does.
    troubles: BTreeMap<Trouble, String>,
    /// Where changes of the exclusion files go unnoticed.
    unwatched: Vec<String>,
    /// What was odd about the daemon's own configuration.
    own_problems: Vec<String>,
    /// What the boot tables said last.
    boot: Option<Boot>,
    names: Names,
    reload: Reload,
    asked: Asked,
    /// When systemd is to hear that all is well.
    alive_at: Option<Instant>,
    publish_at: Option<Instant>,
    publish_after: Duration,
    published: String,
}

/// What of the first look at the host is done.
#[derive(Debug, Default)]
struct First {
    config: bool,
    exclusions: bool,
    listed: bool,
    ready: bool,
}

/// Inputs taken before actions are carried out: a burst costs one round.
const BURST: usize = 256;
/// How long a failed listing waits for the next.
const LIST_AGAIN: Duration = Duration::from_secs(5);

impl Daemon {
    /// A daemon that has not begun.
    pub(crate) fn new(parts: Parts, inputs: Inputs, inbox: mpsc::UnboundedReceiver<Input>) -> Self {
        Self {
            parts,
            inputs,
            inbox,
            clock: Clock::start(),
            devices: Devices::default(),
            host: HostIdentity::default(),
            first: First::default(),
            troubles: BTreeMap::new(),
            unwatched: Vec::new(),
            own_problems: Vec::new(),
            boot: None,
            names: Names::default(),
            reload: Reload::default(),
            asked: Asked::default(),
            alive_at: None,
            publish_at: None,
            publish_after: Duration::ZERO,
            published: String::new(),
        }
    }

    /// Runs until told to stop. Stopping disconnects nothing.
    ///
    /// # Errors
    /// A source failed that the daemon cannot do without.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        self.parts.workers.collect_garbage();
        self.read_everything();
        self.devices.list();
        self.say_alive();
        loop {
            self.carry_out();
            let deadline = self.parts.core.next_deadline();
            let next = tokio::select! {
                input = self.inbox.recv() => input,
                () = self.clock.until(deadline) => {
                    self.parts.core.tick(self.clock.now());
                    continue;
                }
                () = until(self.publish_at) => {
                    self.publish();
                    continue;
                }
                () = until(self.alive_at) => {
                    self.say_alive();
                    continue;
                }
                () = until(self.devices.next_due()) => {
                    self.devices.due(Instant::now());
                    continue;
                }
                () = until(self.names.at) => {
                    self.look_up_again();
                    continue;
                }
            };
            let mut taken = 0;
            let mut next = next;
            while let Some(input) = next {
                if let ControlFlow::Break(end) = self.take(input) {
                    notify::stopping();
                    return end;
                }
                taken += 1;
                next = (taken < BURST)
                    .then(|| self.inbox.try_recv().ok())
                    .flatten();
            }
        }
    }

    fn take(&mut self, input: Input) -> ControlFlow<anyhow::Result<()>> {
        match input {
            Input::Event(event) => {
                if matches!(event, Event::NetworkChanged) {
                    self.network_changed();
                }
                self.event(event);
            }
            Input::Uevent(event) => {
                if let Some(device) = uevents::controller(&event) {
                    debug!(
                        "uevent {} {device}: {:?}",
                        event.action,
                        event.props.get("NVME_EVENT")
                    );
                    let removed = uevents::removed(&event);
                    let changed = uevents::discovery_changed(&event);
                    if removed {
                        self.parts.workers.reap(device.clone(), event.seqnum);
                    }
                    if removed || changed {
                        self.devices.touched(device, changed);
                    } else {
                        self.devices.touched_lightly(device, Instant::now());
                    }
                }
            }
            Input::UeventsLost => {
                warn!("uevents were lost: listing all controllers");
                self.parts.metrics.uevents_lost();
                self.parts.workers.collect_garbage();
                self.parts.workers.kick_fc(self.clock.now());
                self.devices.list();
            }
            Input::ListAgain => self.devices.list(),
            Input::Touched(device) => {
                self.devices.touched_lightly(device, Instant::now());
            }
            Input::Boot(boot) => self.boot_tables(*boot),
            Input::Trouble(source, trouble) => self.trouble(source, trouble),
            Input::Read(device, began, read) => {
                let changed = self.devices.read(&device);
                match read {
                    Ok(now) => {
                        let device = device.clone();
                        self.event(Event::Controller { device, now, began });
                    }
                    Err(error) => error!("{error}"),
                }
                self.state_read(&device);
                if changed {
                    self.event(Event::DiscoveryChanged { device });
                }
            }
            Input::Listed(began, listed) => self.listed(began, listed),
            Input::Everything(reading) => self.everything(*reading),
            Input::Named(generation, config, problems) => {
                self.named(generation, *config, problems);
            }
            Input::Unwatched(problems) => {
                self.unwatched = problems;
                self.publish_soon();
            }
            Input::Reload(answer) => self.reload_asked(answer),
            Input::Ask(question) => self.asked(question),
            Input::States(changed) => self.states_looked_at(changed),
            Input::Stop(signal) => {
                info!("{signal}: stopping; controllers stay connected");
                self.event(Event::Stop);
                return ControlFlow::Break(Ok(()));
            }
            Input::Fatal(why) => return ControlFlow::Break(Err(anyhow::anyhow!(why))),
        }
        ControlFlow::Continue(())
    }

    /// From this task and no other: it is this one that must not stand still.
    fn say_alive(&mut self) {
        if let Some(every) = notify::alive_every() {
            notify::alive();
            self.alive_at = Some(Instant::now() + every);
            self.look_at_states();
        }
    }

    fn event(&mut self, event: Event) {
        self.parts.metrics.heard(&event);
        let core = &mut self.parts.core;
        if let Event::ExclusionsLoaded { set, .. } = &event {
            let (entries, before) = (set.entries().len(), core.exclusion_problems());
            core.handle(event, self.clock.now());
            report::exclusions(entries, &before, &core.exclusion_problems());
            self.first.exclusions = true;
        } else {
            core.handle(event, self.clock.now());
        }
    }

    /// What needs the network may work now: names, and interfaces of boot tables.
    fn network_changed(&mut self) {
        self.look_up_again();
        let any = |boot: &Boot| !boot.connections.is_empty();
        if self.parts.own.nbft && self.boot.as_ref().is_some_and(any) {
            self.parts.workers.read_boot_tables();
        }
    }

    fn trouble(&mut self, source: Trouble, trouble: Option<String>) {
        let before = match &trouble {
            Some(why) => self.troubles.insert(source, why.clone()),
            None => self.troubles.remove(&source),
        };
        match trouble.filter(|why| Some(why) != before.as_ref()) {
            Some(why) => why.lines().for_each(|line| warn!("{line}")),
            None if before.is_none() => return,
            None => {}
        }
        self.publish_soon();
    }

    fn listed(&mut self, began: Timestamp, listed: Result<Vec<LiveController>, String>) {
        self.devices.listed();
        match listed {
            Ok(controllers) => {
                self.event(Event::Listed { controllers, began });
                self.first.listed = true;
            }
            Err(error) => {
                error!("{error}");
                let inputs = self.inputs.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(LIST_AGAIN).await;
                    put(&inputs, Input::ListAgain);
                });
            }
        }
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
pub(crate) mod tests;
