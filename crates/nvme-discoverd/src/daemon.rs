//! The task that owns the core.

use std::ops::ControlFlow;
use std::time::Duration;

use discoverd_core::{Action, ActionId, ActionKind, Core, Event, Timestamp};
use nvmf::Root;
use nvmf_connector::protocol::Disconnect;
use nvmf_types::config::Config;
use nvmf_types::{HostIdentity, LiveController};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use crate::clock::Clock;
use crate::connector_client::Connector;
use crate::devices::{Devices, Work};
use crate::exclusion_watch::Again;
use crate::inputs::{Input, Inputs, put};
use crate::units::Units;
use crate::workers::Workers;
use crate::{notify, report, uevents};

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
    /// Where the files are.
    pub(crate) root: Root,
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
    /// Where changes of the exclusion files go unnoticed.
    unwatched: Vec<String>,
    /// The configuration is being read, and who wants to know how that went.
    reload: Reload,
    publish_at: Option<Instant>,
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

#[derive(Debug, Default)]
struct Reload {
    under_way: bool,
    again: bool,
    /// Told by the read under way.
    waiting: Vec<oneshot::Sender<Result<(), String>>>,
    /// Told by the one after: what they changed may have come too late for this one.
    next: Vec<oneshot::Sender<Result<(), String>>>,
}

/// Inputs taken before actions are carried out: a burst costs one round.
const BURST: usize = 256;
/// How long a change of the status waits for others.
const PUBLISH_AFTER: Duration = Duration::from_millis(200);
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
            unwatched: Vec::new(),
            reload: Reload::default(),
            publish_at: None,
            published: String::new(),
        }
    }

    /// Runs until told to stop. Stopping disconnects nothing.
    ///
    /// # Errors
    /// A source failed that the daemon cannot do without.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        self.parts.workers.collect_garbage();
        self.read_configuration();
        // nobody reads boot tables yet, and the core waits for them
        self.event(Event::BootTablesLoaded {
            connections: Vec::new(),
            problems: Vec::new(),
        });
        self.parts.workers.read_exclusions();
        self.devices.list();
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
            Input::Event(event) => self.event(event),
            Input::Uevent(event) => {
                if let Some(device) = uevents::controller(&event) {
                    debug!(
                        "uevent {} {device}: {:?}",
                        event.action,
                        event.props.get("NVME_EVENT")
                    );
                    if uevents::removed(&event) {
                        self.parts.workers.reap(device.clone(), event.seqnum);
                    }
                    let changed = uevents::discovery_changed(&event);
                    self.devices.touched(device, changed);
                }
            }
            Input::UeventsLost => {
                warn!("uevents were lost: listing all controllers");
                self.parts.workers.collect_garbage();
                self.devices.list();
            }
            Input::ListAgain => self.devices.list(),
            Input::Read(device, began, read) => {
                let changed = self.devices.read(&device);
                match read {
                    Ok(now) => {
                        let device = device.clone();
                        self.event(Event::Controller { device, now, began });
                    }
                    Err(error) => error!("{error}"),
                }
                if changed {
                    self.event(Event::DiscoveryChanged { device });
                }
            }
            Input::Listed(began, listed) => self.listed(began, listed),
            Input::Configuration(read) => self.configuration(read),
            Input::Unwatched(problems) => {
                self.unwatched = problems;
                self.publish_soon();
            }
            Input::Reload(answer) => self.reload_asked(answer),
            Input::Status(answer) => {
                let status = self.parts.core.status(self.clock.now());
                // who asked may have gone
                let _ = answer.send(report::json(&status, &self.problems(status.counts.desired)));
            }
            Input::Stop(signal) => {
                info!("{signal}: stopping; controllers stay connected");
                self.event(Event::Stop);
                return ControlFlow::Break(Ok(()));
            }
            Input::Fatal(why) => return ControlFlow::Break(Err(anyhow::anyhow!(why))),
        }
        ControlFlow::Continue(())
    }

    fn event(&mut self, event: Event) {
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

    fn reload_asked(&mut self, answer: Option<oneshot::Sender<Result<(), String>>>) {
        if self.reload.under_way {
            self.reload.again = true;
            self.reload.next.extend(answer);
            return;
        }
        self.reload.waiting.extend(answer);
        info!("reading the configuration again");
        notify::reloading();
        // in case something could not be watched
        self.parts.watch.look();
        self.event(Event::ExclusionsTouched);
        self.read_configuration();
    }

    fn read_configuration(&mut self) {
        self.reload.under_way = true;
        self.parts.workers.read_configuration();
    }

    fn configuration(&mut self, read: Result<Box<Config>, String>) {
        let answer = match read {
            Ok(config) => {
                for warning in &config.warnings {
                    warn!("{warning}");
                }
                self.host = config.host.clone();
                self.event(Event::ConfigLoaded(*config));
                Ok(())
            }
            Err(problems) => {
                for line in problems.lines() {
                    error!("{line}");
                }
                self.event(Event::ConfigRejected(problems.clone()));
                Err(problems)
            }
        };
        for waiting in self.reload.waiting.drain(..) {
            let _ = waiting.send(answer.clone());
        }
        self.reload.under_way = false;
        if std::mem::take(&mut self.reload.again) {
            self.reload.waiting = std::mem::take(&mut self.reload.next);
            self.read_configuration();
        } else if self.first.ready {
            notify::ready();
        }
        self.first.config = true;
    }

    /// Does what the core and the order of reads ask for.
    fn carry_out(&mut self) {
        while let Some(change) = self.parts.core.poll_change() {
            report::log(&change);
        }
        while let Some(Action { id, kind }) = self.parts.core.poll_action() {
            self.perform(id, kind);
        }
        for work in self.devices.next() {
            match work {
                Work::List => self.parts.workers.list(self.clock.now()),
                Work::Read(device) => self.parts.workers.read(device, self.clock.now()),
            }
        }
        let first = &mut self.first;
        if !first.ready && first.config && first.exclusions && first.listed {
            first.ready = true;
            self.publish();
            notify::ready();
        }
    }

    fn perform(&mut self, id: ActionId, kind: ActionKind) {
        let parts = &self.parts;
        match kind {
            ActionKind::Connect(request) => {
                parts.connector.connect(id, *request, self.host.clone());
            }
            ActionKind::FetchLog { device, sysfs_ino } => {
                parts.workers.fetch_log(id, device, sysfs_ino);
            }
            ActionKind::Claim {
                device,
                sysfs_ino,
                owner,
            } => parts.workers.claim(id, device, sysfs_ino, owner),
            ActionKind::StartUnit(spec) => parts.units.start(id, spec),
            ActionKind::StopUnit { device, sysfs_ino } => parts.units.stop(&device, sysfs_ino),
            ActionKind::Disconnect {
                device,
                sysfs_ino,
                owner,
            } => parts.connector.disconnect(
                id,
                Disconnect {
                    device,
                    sysfs_ino,
                    owner,
                },
            ),
            ActionKind::LoadExclusions => parts.workers.read_exclusions(),
            ActionKind::Rescan => self.devices.list(),
            ActionKind::Look { device } => self.devices.touched(device, false),
            // nobody hears the answer yet
            ActionKind::KickFc => debug!("FC ports are not asked yet"),
            ActionKind::PublishStatus => self.publish_soon(),
            other => error!("an action that this version cannot carry out: {other:?}"),
        }
    }

    fn publish_soon(&mut self) {
        let soon = Instant::now() + PUBLISH_AFTER;
        self.publish_at.get_or_insert(soon);
    }

    /// Tells systemd how things are, if that is new.
    fn publish(&mut self) {
        self.publish_at = None;
        let status = self.parts.core.status(self.clock.now());
        let line = report::line(&status, &self.problems(status.counts.desired));
        if line != self.published {
            notify::status(&line);
            self.published = line;
        }
    }

    /// The shell's own problems.
    fn problems(&self, desired: usize) -> Vec<String> {
        let mut problems = self.parts.problems.clone();
        problems.extend(self.unwatched.iter().cloned());
        if desired > 0 && !self.parts.root.dev().join("nvme-fabrics").exists() {
            problems.push(
                "/dev/nvme-fabrics is missing: load the kernel module with `modprobe nvme-fabrics` \
                 (kernel configuration NVME_FABRICS)"
                    .to_owned(),
            );
        }
        problems
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
