//! A host, a daemon and a connector, and everything that happens to them.

use discoverd_core::{Event, Settings, Timestamp};
use nvmf_types::{ControllerState, DeviceName, Owner};

use super::connector::{Answer, Connector};
use super::daemon::{Daemon, Job};
use super::host::Host;
use super::name::{Name, Names};
use super::step::{OTHERS, Step};

/// All of it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) host: Host,
    pub(super) daemon: Daemon,
    pub(super) connector: Connector,
    /// Milliseconds on the daemon's clock.
    pub(super) now: u64,
    life: u32,
}

impl World {
    /// A host on which the daemon was just started.
    pub(super) fn new(configured: Names, visited: Names, boot: Names) -> Self {
        let mut host = Host::new();
        (host.configured, host.visited, host.boot) = (configured, visited, boot);
        Self {
            host,
            daemon: Daemon::start(settings(0)),
            connector: Connector::default(),
            now: 0,
            life: 0,
        }
    }

    /// Something happens.
    ///
    /// # Errors
    /// What must not be.
    pub(super) fn step(&mut self, step: Step) -> Result<(), String> {
        let host = &mut self.host;
        match step {
            Step::Work(number) => return self.work(usize::from(number)),
            Step::Pass(ms) => return self.pass(u64::from(ms)),
            Step::Jump(ms) => {
                self.now += u64::from(ms);
                return self.daemon.tick(self.now);
            }
            Step::Behaves(name, mode) => {
                if let Some(target) = host.target(name) {
                    target.mode = mode;
                }
            }
            Step::Lies(name) => {
                if let Some(target) = host.target(name) {
                    target.lies = !target.lies;
                }
            }
            Step::Page(name, page) => host.set_page(name, page),
            Step::PageMeanwhile(number, page) => self.change_page_meanwhile(number, page),
            Step::Lose(number) => self.lose(number),
            Step::Revive(number) => {
                if let Some(device) = host.kernel.nth(number) {
                    host.kernel.revive(&device);
                }
            }
            Step::Remove(number) => {
                if let Some(device) = host.kernel.nth(number) {
                    host.kernel.remove(&device);
                }
            }
            Step::Connect(name, who, stamped, half) => self.connect(name, who, stamped, half),
            Step::Claim(number, who) => self.claim(number, who),
            Step::Release(number) => {
                if let Some(device) = host.kernel.nth(number) {
                    host.disown(&device);
                }
            }
            Step::Config(names) => {
                (host.configured, host.config_broken) = (names, false);
                self.daemon.reload();
            }
            Step::BadConfig => {
                host.config_broken = true;
                self.daemon.reload();
            }
            Step::Boot(names) => {
                host.boot = names;
                self.daemon.reload();
            }
            Step::Services(names) => {
                host.services = names;
                self.daemon.browse();
            }
            Step::Fabric(names) => host.set_fabric(names),
            Step::Network => self.daemon.hear(Event::NetworkChanged),
            Step::RetryNow(name) => {
                let which = name.map(Name::spelled_out);
                self.daemon.hear(Event::RetryNow(which));
            }
            Step::Settings(hours, recheck, kick) => {
                let settings = other_settings(hours, recheck, kick);
                self.daemon.hear(Event::SettingsLoaded(settings));
            }
            Step::Exclude(names) => {
                host.excluded = names;
                self.daemon.touch();
            }
            Step::Overflow => {
                host.kernel.events.clear();
                host.kernel.overflow = true;
            }
            Step::Registry => host.registry_broken = !host.registry_broken,
            Step::Bus => host.bus_broken = !host.bus_broken,
            Step::Daemon => self.restart(),
            Step::Connector => self.lose_connector(),
            Step::Shutdown => host.shutting_down = true,
        }
        Ok(())
    }

    /// How many things are under way.
    pub(super) fn under_way(&self) -> usize {
        let kernel = &self.host.kernel;
        self.daemon.jobs.len()
            + self.connector.attempts.len()
            + usize::from(self.daemon.is_looking())
            + usize::from(kernel.overflow || !kernel.events.is_empty())
            + usize::from(!kernel.udev.is_empty())
            + usize::from(!self.host.touched.is_empty())
    }

    /// Of the things that are under way, one goes a step further.
    pub(super) fn work(&mut self, number: usize) -> Result<(), String> {
        let Some(mut index) = number.checked_rem(self.under_way()) else {
            return Ok(());
        };
        self.now += 1;
        if index < self.daemon.jobs.len() {
            self.daemon.work(index, &mut self.host, self.now)?;
            return self.forward();
        }
        index -= self.daemon.jobs.len();
        if index < self.connector.attempts.len() {
            let answer = self.connector.go_on(index, &mut self.host)?;
            answer.into_iter().for_each(|answer| self.answered(answer));
            return Ok(());
        }
        index -= self.connector.attempts.len();
        let others = [
            (self.daemon.is_looking(), Other::Look),
            (self.has_events(), Other::Event),
            (!self.host.kernel.udev.is_empty(), Other::Udev),
            (!self.host.touched.is_empty(), Other::Registry),
        ];
        let mut waiting = others.into_iter().filter(|(waits, _)| *waits);
        match waiting.nth(index).map(|(_, other)| other) {
            Some(Other::Look) => {
                self.daemon.look(&self.host, self.now)?;
                self.forward()
            }
            Some(Other::Event) => {
                self.hear();
                Ok(())
            }
            Some(Other::Udev) => {
                self.host.reap();
                Ok(())
            }
            Some(Other::Registry) => {
                for device in std::mem::take(&mut self.host.touched) {
                    let event = Event::OwnershipChanged { device };
                    self.daemon.jobs.push(Job::done(event));
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Time passes; timers fire when they are due.
    pub(super) fn pass(&mut self, ms: u64) -> Result<(), String> {
        let end = self.now + ms;
        for _ in 0..10_000 {
            let Some(at) = self.daemon.core.next_deadline().filter(|at| at.0 <= end) else {
                self.now = end;
                return Ok(());
            };
            self.now = self.now.max(at.0);
            self.daemon.tick(self.now)?;
            self.forward()?;
        }
        Err(format!("timers without end before {:?}", Timestamp(end)))
    }

    fn has_events(&self) -> bool {
        self.host.kernel.overflow || !self.host.kernel.events.is_empty()
    }

    /// What the daemon wants connected reaches the connector.
    fn forward(&mut self) -> Result<(), String> {
        for (id, name, request) in std::mem::take(&mut self.daemon.connects) {
            self.connector.ask(self.life, id, name, request);
        }
        Ok(())
    }

    fn answered(&mut self, answer: Answer) {
        if answer.life == self.life {
            let Answer { id, outcome, .. } = answer;
            let event = Event::ConnectFinished { id, outcome };
            self.daemon.jobs.push(Job::done(event));
        }
    }

    /// The daemon takes one event from its socket.
    fn hear(&mut self) {
        let kernel = &mut self.host.kernel;
        match kernel.events.pop_front() {
            Some(event) => self.daemon.uevent(event),
            None => {
                kernel.overflow = false;
                self.host.kick();
                self.daemon.overflow(Timestamp(self.now));
            }
        }
    }

    fn change_page_meanwhile(&mut self, number: u16, page: Names) {
        if let Some(name) = self.daemon.being_read(number, &self.host) {
            self.host.set_page(name, page);
        }
    }

    fn lose(&mut self, number: u16) {
        let kernel = &mut self.host.kernel;
        let Some(device) = kernel.nth(number) else {
            return;
        };
        if let Some(controller) = kernel.controllers.get_mut(&device).filter(|c| c.ready) {
            controller.state = ControllerState::Connecting;
        }
    }

    fn connect(&mut self, name: Name, who: u8, stamped: bool, half: bool) {
        let (device, ino) = self.host.kernel.create(name, !half, false);
        if let Some(owner) = other(who) {
            self.host.own(&device, stamped.then_some(ino), owner);
        }
    }

    fn claim(&mut self, number: u16, who: u8) {
        let Some((device, ino)) = self.nth(number) else {
            return;
        };
        if let (None, Some(owner)) = (self.host.owner(&device, ino), other(who)) {
            self.host.own(&device, Some(ino), owner);
        }
    }

    fn nth(&self, number: u16) -> Option<(DeviceName, u64)> {
        let device = self.host.kernel.nth(number)?;
        let ino = self.host.kernel.controllers.get(&device)?.ino;
        Some((device, ino))
    }

    fn restart(&mut self) {
        self.life += 1;
        self.connector.abandoned();
        let kernel = &mut self.host.kernel;
        kernel.events.clear();
        kernel.overflow = false;
        self.host.touched.clear();
        let story = self.daemon.story.take().map(|_| String::new());
        self.daemon = Daemon::start(settings(u64::from(self.life)));
        self.daemon.story = story;
    }

    fn lose_connector(&mut self) {
        for answer in self.connector.die() {
            self.answered(answer);
        }
    }
}

enum Other {
    Look,
    Event,
    Udev,
    Registry,
}

pub(super) fn settings(seed: u64) -> Settings {
    Settings {
        seed,
        dc_giveup_hours: 2,
        ..Settings::default()
    }
}

fn other_settings(hours: u8, recheck: u8, kick: u8) -> Settings {
    Settings {
        dc_giveup_hours: hours.into(),
        dc_recheck_minutes: recheck.into(),
        fc_kickstart_interval_minutes: kick.into(),
        ..Settings::default()
    }
}

/// The owner that the tool registers, if it does.
fn other(who: u8) -> Option<Owner> {
    let name = OTHERS.get(usize::from(who) % OTHERS.len())?;
    name.parse().ok()
}
