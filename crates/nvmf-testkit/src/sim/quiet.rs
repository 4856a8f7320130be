//! When nothing bad happens any more: what is desired gets connected, and then there is peace.

use std::collections::{BTreeMap, BTreeSet};

use discoverd_core::{ActionKind, ConnectionStatus, Event, State, Timestamp};
use nvmf_types::{ControllerState, DeviceName, Owner};

use super::daemon::Job;
use super::host::Host;
use super::kernel::Uevent;
use super::name::{self, FC, Name, Names, TCP_DCS};
use super::target::Mode;
use super::watch::ARRIVED_MS;
use super::world::{World, settings};

/// Within so many milliseconds everything is tried again: the longest retry with its jitter, what a
/// claim or a second look waits for, and the turn of a discovery controller that keeps no
/// connection.
const BOUND_MS: u64 = 1_000_000;

/// For so long nothing may happen then.
const IDLE_MS: u64 = 7_200_000;

/// So many log pages may be read in that time: three discovery controllers, every 15 minutes.
const READS: u32 = 3 * 8;

/// For so long visits are counted, and so many connects and units they come to each: one of both
/// every 15 minutes, and what a page names anew.
const VISITS_MS: u64 = 3_600_000;
const VISITS: u64 = 2 * 5;

/// How a log page changes while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    /// Before the read is done, so that the controller says nothing.
    Unheard,
    /// After it.
    Heard,
    /// After it, the page had not changed before, and the core hears of it before it hears the page.
    HeardBefore,
}

/// Whether the log page of a discovery controller is known.
fn was_read(shown: &ConnectionStatus) -> bool {
    matches!(shown.state, State::Connected | State::Idle)
}

/// What is not to stay connected.
const fn host_visits(host: &Host) -> Names {
    host.configured.and(host.visited).minus(host.boot)
}

impl World {
    /// Ends all trouble, waits for as long as a retry may take, and looks whether all is well.
    ///
    /// # Errors
    /// What is not.
    pub(super) fn calm_down(&mut self) -> Result<(), String> {
        if self.host.shutting_down {
            return Ok(());
        }
        self.heal();
        if self.host.visited != Names::default() {
            // so that they are visited again, whatever was set before
            self.settle()?;
            self.daemon.hear(Event::SettingsLoaded(settings(0)));
        }
        self.let_pass(BOUND_MS)?;
        self.check_peace()?;
        self.check_visits()?;
        self.check_idle()?;
        self.check_pages()?;
        self.check_oblivion()
    }

    fn heal(&mut self) {
        let host = &mut self.host;
        for target in &mut host.targets {
            target.mode = Mode::Up;
            target.lies = false;
        }
        (host.registry_broken, host.bus_broken) = (false, false);
        host.set_fabric(FC);
        host.kick();
        if std::mem::take(&mut host.config_broken) {
            self.daemon.reload();
        }
        let kernel = &mut self.host.kernel;
        let trouble = kernel.controllers.iter().filter(|(_, controller)| {
            !controller.ready || controller.state != ControllerState::Live
        });
        let devices: Vec<DeviceName> = trouble.map(|(device, _)| device.clone()).collect();
        for device in devices {
            kernel.revive(&device);
        }
    }

    /// Lets everything that is under way come to its end, each in its turn.
    fn settle(&mut self) -> Result<(), String> {
        for turn in 0..5_000 {
            if self.under_way() == 0 {
                return Ok(());
            }
            self.work(turn)?;
        }
        Err("it does not come to rest".to_owned())
    }

    /// Time passes, and what comes of it is done at once.
    fn let_pass(&mut self, ms: u64) -> Result<(), String> {
        let end = self.now + ms;
        self.settle()?;
        while let Some(at) = self.daemon.core.next_deadline().filter(|at| at.0 <= end) {
            self.pass(at.0.saturating_sub(self.now))?;
            self.settle()?;
        }
        self.pass(end.saturating_sub(self.now))
    }

    fn check_peace(&self) -> Result<(), String> {
        let status = self.daemon.core.status(Timestamp(self.now));
        self.daemon.watch.check_status(&status)?;
        let shown: BTreeMap<Name, &ConnectionStatus> = status
            .connections
            .iter()
            .filter(|shown| !shown.sources.is_empty())
            .filter_map(|shown| Some((name::of_status(shown)?, shown)))
            .collect();
        for name in self.desired(&shown).iter() {
            let shown = shown.get(&name).ok_or(format!("{name} is not known"))?;
            self.check_connection(name, shown)
                .map_err(|why| format!("{name} {why}: {shown:?}"))?;
        }
        self.check_nothing_else(&shown)?;
        self.check_units()
    }

    /// What the sources name, and, step by step, the log pages of those of them that are
    /// ours to read.
    fn desired(&self, shown: &BTreeMap<Name, &ConnectionStatus>) -> Names {
        let host = &self.host;
        let mut desired = host.configured.plus(host.boot).plus(host.services);
        desired = desired.plus(self.daemon.watch.announced.names(Timestamp(self.now)));
        loop {
            let before = desired;
            for dc in before.iter().filter(|name| name.is_discovery()) {
                let read = shown.get(&dc).is_some_and(|shown| was_read(shown));
                if let Some(target) = self.host.targets.get(dc.index()).filter(|_| read) {
                    desired.0 |= target.page.0;
                }
            }
            if desired == before {
                return desired;
            }
        }
    }

    /// Nothing is desired that no source names any more. Of a discovery controller that cannot be
    /// asked nobody knows what it would name.
    fn check_nothing_else(&self, shown: &BTreeMap<Name, &ConnectionStatus>) -> Result<(), String> {
        let desired = self.desired(shown);
        let mut dcs = desired.iter().filter(|name| name.is_discovery());
        let all_asked = dcs.all(|dc| {
            let shown = shown.get(&dc);
            shown.is_some_and(|shown| was_read(shown))
        });
        let else_desired = shown.keys().find(|name| !desired.has(**name));
        match else_desired {
            Some(name) if all_asked => Err(format!("{name} is desired, and nothing names it")),
            _ => Ok(()),
        }
    }

    /// A log page changes while it is read.
    fn check_pages(&mut self) -> Result<(), String> {
        let mut all = self.host.kernel.controllers.iter();
        let us = Owner::discoverd();
        let ours = |device: &DeviceName, ino| self.host.owner(device, ino) == Some(&us);
        let dc = all.find(|(device, c)| TCP_DCS.has(c.name) && ours(device, c.ino));
        let Some((device, name)) = dc.map(|(device, c)| (device.clone(), c.name)) else {
            return Ok(());
        };
        let page = |host: &Host| host.targets.get(name.index()).map(|target| target.page);
        let other = |host: &mut Host, io: u8| {
            let now = page(host).unwrap_or_default();
            host.set_page(name, Names(now.0 ^ 1 << io));
        };
        for meanwhile in [Meanwhile::Unheard, Meanwhile::Heard, Meanwhile::HeardBefore] {
            match meanwhile {
                // for nothing
                Meanwhile::HeardBefore => self.host.kernel.tell(Uevent::Discovery(device.clone())),
                _ => other(&mut self.host, 4),
            }
            let mut reading = None;
            for turn in 0..100 {
                let is_read = |job: &Job| matches!(job, Job::Read(_, at, ..) if *at == device);
                reading = self.daemon.jobs.iter().position(is_read);
                if reading.is_some() || self.under_way() == 0 {
                    break;
                }
                self.work(turn)?;
            }
            // not desired: not read
            let Some(index) = reading else {
                return Ok(());
            };
            if meanwhile == Meanwhile::Unheard {
                other(&mut self.host, 5);
            }
            self.work(index)?;
            if meanwhile != Meanwhile::Unheard {
                other(&mut self.host, 6);
            }
            while meanwhile == Meanwhile::HeardBefore && self.hears() {
                self.work(self.daemon.jobs.len() + self.connector.attempts.len())?;
            }
            self.let_pass(5_000)?;
            self.check_peace()?;
        }
        Ok(())
    }

    /// Whether news of the kernel are on their way to the core.
    fn hears(&self) -> bool {
        self.daemon.is_looking() || !self.host.kernel.events.is_empty()
    }

    fn check_connection(&self, name: Name, shown: &ConnectionStatus) -> Result<(), &'static str> {
        let mut controllers = self.host.kernel.of(name);
        let us = Owner::discoverd();
        let boot = self.host.boot;
        let ours = |name, owner: Option<&Owner>| {
            owner == Some(&us) || owner == Some(&Owner::nbft()) && boot.has(name)
        };
        let visited = host_visits(&self.host).has(name);
        let made = |ino| self.daemon.watch.visits.is_visit(ino);
        match shown.state {
            State::Connected if visited && shown.sysfs_ino.is_some_and(made) => Err("is kept"),
            State::Idle if !visited => Err("is not kept"),
            State::Idle if controllers.next().is_some() => Err("is connected"),
            State::Idle => Ok(()),
            State::Connected => controllers
                .find(|(device, controller)| {
                    Some(controller.ino) == shown.sysfs_ino
                        && ours(name, self.host.owner(device, controller.ino))
                })
                .map(|_| ())
                .ok_or("is not connected, or not ours"),
            State::Foreign => {
                let mut any = controllers.by_ref().peekable();
                if any.peek().is_none() {
                    Err("is nobody's")
                } else if any.any(|(device, c)| ours(name, self.host.owner(device, c.ino))) {
                    Err("is ours")
                } else {
                    Ok(())
                }
            }
            State::Excluded if !self.host.excluded.has(name) => Err("is not excluded"),
            State::Excluded if controllers.next().is_some() => Err("is connected"),
            State::Excluded => Ok(()),
            // announced by nobody since
            State::GaveUp if self.host.services.has(name) || !FC.has(name) => Ok(()),
            _ => Err("is not connected in time"),
        }
    }

    /// Every controller of ours has its unit, and no other unit is left.
    fn check_units(&self) -> Result<(), String> {
        let us = Owner::discoverd();
        let ours: BTreeSet<(DeviceName, u64)> = self
            .host
            .kernel
            .controllers
            .iter()
            .filter(|(device, controller)| self.host.owner(device, controller.ino) == Some(&us))
            .map(|(device, controller)| (device.clone(), controller.ino))
            .collect();
        match ours.difference(&self.host.units).next() {
            Some((device, _)) => Err(format!("{device} is ours and has no unit")),
            None => Ok(()),
        }
    }

    /// Nothing is left to do, whatever time passes, but to read now and then the log pages of
    /// discovery controllers that do not promise to tell of changes, and to kick the Fibre Channel
    /// ports.
    fn check_idle(&mut self) -> Result<(), String> {
        let end = self.now + IDLE_MS;
        let (mut reads, asked) = (0, self.daemon.watch.asked);
        while let Some(at) = self.daemon.core.next_deadline().filter(|at| at.0 <= end) {
            self.pass(at.0.saturating_sub(self.now))?;
            for job in &self.daemon.jobs {
                match job {
                    Job::Todo(action) if self.is_due_read(&action.kind) => reads += 1,
                    Job::Todo(action) if action.kind == ActionKind::KickFc => {}
                    job => return Err(format!("not idle: {job:?}")),
                }
            }
            if self.under_way() > self.daemon.jobs.len() {
                return Err("not idle: it looks or connects".to_owned());
            }
            self.settle()?;
        }
        if reads > READS || asked != self.daemon.watch.asked {
            return Err(format!("not idle: reads {reads} log pages, or connects"));
        }
        Ok(())
    }

    /// When nothing is desired any more, nothing is remembered but the controllers that there are.
    fn check_oblivion(&mut self) -> Result<(), String> {
        let host = &mut self.host;
        (host.configured, host.boot, host.services) = Default::default();
        // no port announces anything from now on, and all were asked
        host.fabric = Names::default();
        self.daemon.reload();
        self.daemon.browse();
        let began = Timestamp(self.now + 1);
        self.daemon.hear(Event::FcKicked { began });
        self.settle()?;
        self.pass(ARRIVED_MS)?;
        self.settle()?;
        let status = self.daemon.core.status(Timestamp(self.now));
        let shown = status.connections.iter();
        let shown = shown.filter(|shown| !shown.sources.is_empty());
        let shown = shown.filter_map(|shown| Some((name::of_status(shown)?, shown)));
        let shown: BTreeMap<Name, &ConnectionStatus> = shown.collect();
        self.check_nothing_else(&shown)?;
        let have = self.daemon.core.footprint();
        let there = self.host.kernel.controllers.len();
        if have.controllers != there || have.connections != shown.len() || have.named != 0 {
            return Err(format!("remembers what is gone: {have}"));
        }
        Ok(())
    }

    /// Of discovery controllers that are not to stay connected nothing is to be seen but a visit every
    /// quarter of an hour. When they are to stay, they do.
    fn check_visits(&mut self) -> Result<(), String> {
        let visited = self.host.visited;
        if visited == Names::default() {
            return Ok(());
        }
        for name in host_visits(&self.host).iter() {
            let page = self
                .host
                .targets
                .get(name.index())
                .map(|target| target.page);
            let other = Names(page.unwrap_or_default().0 ^ 1 << 4);
            self.host.set_page(name, other);
        }
        let asked = self.daemon.watch.asked;
        self.let_pass(VISITS_MS)?;
        self.check_peace()?;
        let asked = self.daemon.watch.asked - asked;
        if asked > 2 + VISITS * u64::try_from(visited.iter().count()).unwrap_or(0) {
            return Err(format!(
                "visits too often: asks for {asked} connects and units"
            ));
        }
        self.host.visited = Names::default();
        self.daemon.reload();
        self.let_pass(BOUND_MS)?;
        self.check_peace()
    }

    fn is_due_read(&self, kind: &ActionKind) -> bool {
        let ActionKind::FetchLog { device, sysfs_ino } = kind else {
            return false;
        };
        let controller = self.host.kernel.exact(device, *sysfs_ino);
        let target = controller.and_then(|c| self.host.targets.get(c.name.index()));
        target.is_some_and(|target| !target.persistent)
    }
}
