//! One life of the daemon: the real core, and a shell around it that is as slow as it likes.

use std::collections::BTreeMap;

use discoverd_core::{
    Action, ActionId, ActionKind, ConnectRequest, Core, Event, Service, Settings, Timestamp,
};
use nvmf_types::log_page::DiscoveryLog;
use nvmf_types::{DeviceName, LiveController};

use super::host::Host;
use super::kernel::Uevent;
use super::name::Name;
use super::story;
use super::watch::Watch;
use super::worker::perform;

/// The daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) core: Core,
    pub(super) watch: Watch,
    pub(super) jobs: Vec<Job>,
    looks: Looks,
    reload_again: bool,
    /// What mDNS names is asked, and again.
    browsing: bool,
    browse_again: bool,
    /// What the core heard and wanted, if somebody wants to read it.
    pub(super) story: Option<String>,
    /// Connects for the connector.
    pub(super) connects: Vec<(ActionId, Name, Box<ConnectRequest>)>,
}

/// Something that a worker does.
#[derive(Debug)]
pub(super) enum Job {
    /// Not begun.
    Todo(Action),
    /// The configuration is to be read.
    Config,
    /// The boot tables are to be read.
    Boot,
    /// What mDNS names is to be asked.
    Browse,
    /// A log page was read; that its discovery controller speaks again comes next.
    Read(ActionId, DeviceName, u64, DiscoveryLog),
    /// Done; the core has still to hear of it.
    Done(Box<Event>),
}

impl Job {
    /// Something happened; the core has still to hear of it.
    pub(super) fn done(event: Event) -> Self {
        Self::Done(Box::new(event))
    }
}

/// Looks at sysfs: for one device one at a time, and a listing alone, because the older of two
/// answers must not arrive last.
#[derive(Debug, Default)]
struct Looks {
    /// Devices to look at; whether their log page changed before.
    wanted: BTreeMap<DeviceName, bool>,
    list: bool,
    seen: Option<Seen>,
}

#[derive(Debug)]
enum Seen {
    All(u64, Vec<LiveController>),
    One(u64, DeviceName, Option<Box<LiveController>>, bool),
}

impl Daemon {
    /// A daemon that was just started.
    pub(super) fn start(settings: Settings) -> Self {
        let read = Action {
            id: ActionId(0),
            kind: ActionKind::LoadExclusions,
        };
        Self {
            watch: Watch::new(settings.owner.clone()),
            core: Core::new(settings),
            jobs: vec![Job::Config, Job::Todo(read), Job::Boot, Job::Browse],
            looks: Looks {
                list: true,
                ..Looks::default()
            },
            reload_again: false,
            browsing: true,
            browse_again: false,
            story: None,
            connects: Vec::new(),
        }
    }

    /// Whether sysfs is to be looked at, or was, and the core has not heard of it.
    pub(super) fn is_looking(&self) -> bool {
        self.looks.list || !self.looks.wanted.is_empty() || self.looks.seen.is_some()
    }

    /// The configuration is to be read.
    pub(super) fn reload(&mut self) {
        let reads = |job: &Job| match job {
            Job::Config | Job::Boot => true,
            Job::Done(event) => is_config(event),
            _ => false,
        };
        if self.jobs.iter().any(reads) {
            self.reload_again = true;
        } else {
            self.jobs.extend([Job::Config, Job::Boot]);
        }
    }

    /// What mDNS names changed.
    pub(super) fn browse(&mut self) {
        if std::mem::replace(&mut self.browsing, true) {
            self.browse_again = true;
        } else {
            self.jobs.push(Job::Browse);
        }
    }

    /// The core is told something that needs no reading.
    pub(super) fn hear(&mut self, event: Event) {
        self.jobs.push(Job::done(event));
    }

    /// Of the discovery controllers whose log page is being read one, if there are any.
    pub(super) fn being_read(&self, number: u16, host: &Host) -> Option<Name> {
        let devices = self.jobs.iter().filter_map(|job| match job {
            Job::Todo(action) => match &action.kind {
                ActionKind::FetchLog { device, .. } => Some(device),
                _ => None,
            },
            Job::Read(_, device, ..) => Some(device),
            _ => None,
        });
        let devices: Vec<&DeviceName> = devices.collect();
        let index = usize::from(number).checked_rem(devices.len())?;
        let controller = host.kernel.controllers.get(*devices.get(index)?)?;
        Some(controller.name)
    }

    /// The exclusion files were touched.
    pub(super) fn touch(&mut self) {
        self.jobs.push(Job::done(Event::ExclusionsTouched));
    }

    /// An event of the kernel.
    pub(super) fn uevent(&mut self, event: Uevent) {
        let (device, changed) = match event {
            Uevent::Touched(device) => (device, false),
            Uevent::Discovery(device) => (device, true),
            Uevent::Fc(name) => {
                let announced = name.ports();
                let event = announced.map(|(host_traddr, traddr)| Event::FcAnnounced {
                    host_traddr,
                    traddr,
                });
                self.jobs.extend(event.map(Job::done));
                return;
            }
        };
        *self.looks.wanted.entry(device).or_default() |= changed;
    }

    /// Events of the kernel were lost, and the Fibre Channel ports have been asked again.
    pub(super) fn overflow(&mut self, now: Timestamp) {
        self.looks.list = true;
        self.jobs.push(Job::done(Event::FcKicked { began: now }));
    }

    /// The look at sysfs goes one step further.
    pub(super) fn look(&mut self, host: &Host, now: u64) -> Result<(), String> {
        match self.looks.seen.take() {
            Some(Seen::All(began, controllers)) => {
                let began = Timestamp(began);
                self.deliver(Event::Listed { controllers, began }, now)
            }
            Some(Seen::One(began, device, seen, changed)) => {
                let event = Event::Controller {
                    device: device.clone(),
                    now: seen.map(|live| *live),
                    began: Timestamp(began),
                };
                self.deliver(event, now)?;
                if changed {
                    self.deliver(Event::DiscoveryChanged { device }, now)?;
                }
                Ok(())
            }
            None if std::mem::take(&mut self.looks.list) => {
                self.looks.seen = Some(Seen::All(now, host.list()));
                Ok(())
            }
            None => {
                if let Some((device, changed)) = self.looks.wanted.pop_first() {
                    let seen = host.look(&device).map(Box::new);
                    self.looks.seen = Some(Seen::One(now, device, seen, changed));
                }
                Ok(())
            }
        }
    }

    /// A job goes one step further.
    pub(super) fn work(&mut self, index: usize, host: &mut Host, now: u64) -> Result<(), String> {
        match self.jobs.remove(index) {
            Job::Todo(action) => {
                let next = perform(action, host, Timestamp(now))?;
                self.jobs.extend(next);
            }
            Job::Config => {
                let event = match host.config() {
                    Ok(config) => Event::ConfigLoaded(config),
                    Err(problems) => Event::ConfigRejected(problems),
                };
                self.jobs.push(Job::done(event));
            }
            Job::Boot => self.jobs.push(Job::done(Event::BootTablesLoaded {
                connections: host.boot.iter().map(Name::boot).collect(),
                problems: Vec::new(),
            })),
            Job::Browse => {
                let services = host.services.iter().map(|name| Service {
                    name: name.to_string(),
                    tid: name.wanted(),
                });
                let event = Event::ServicesFound(services.collect());
                self.jobs.push(Job::done(event));
            }
            Job::Read(id, device, ino, log) => {
                let controller = host.kernel.controllers.get_mut(&device);
                if let Some(controller) = controller.filter(|controller| controller.ino == ino) {
                    controller.told = false;
                }
                let result = Ok(log);
                self.jobs.push(Job::done(Event::LogFetched { id, result }));
            }
            Job::Done(event) => {
                let config = is_config(&event);
                let browsed = matches!(*event, Event::ServicesFound(_));
                self.deliver(*event, now)?;
                let others = self.jobs.iter().any(|job| match job {
                    Job::Config | Job::Boot => true,
                    Job::Done(event) => is_config(event),
                    _ => false,
                });
                if config && !others && std::mem::take(&mut self.reload_again) {
                    self.jobs.extend([Job::Config, Job::Boot]);
                }
                if browsed {
                    self.browsing = std::mem::take(&mut self.browse_again);
                    self.jobs.extend(self.browsing.then_some(Job::Browse));
                }
            }
        }
        Ok(())
    }

    /// Tells the core, and takes what it wants done.
    pub(super) fn deliver(&mut self, event: Event, now: u64) -> Result<(), String> {
        self.tell(now, || format!("heard {}", story::event(&event)));
        self.watch.told(&event, Timestamp(now));
        self.core.handle(event, Timestamp(now));
        self.drain(now)
    }

    /// Lets timers fire that are due.
    pub(super) fn tick(&mut self, now: u64) -> Result<(), String> {
        self.tell(now, || "timers".to_owned());
        self.core.tick(Timestamp(now));
        self.drain(now)
    }

    fn drain(&mut self, now: u64) -> Result<(), String> {
        self.watch.begin_batch();
        for turn in 0.. {
            let Some(action) = self.core.poll_action() else {
                break;
            };
            if turn > 10_000 {
                return Err("wants without end".to_owned());
            }
            self.tell(now, || {
                format!("  {}: {}", action.id, story::action(&action.kind))
            });
            self.watch.check(&action, Timestamp(now))?;
            match action.kind {
                ActionKind::PublishStatus => {}
                ActionKind::Rescan => self.looks.list = true,
                ActionKind::Look { device } => {
                    self.looks.wanted.entry(device).or_default();
                }
                ActionKind::Connect(request) => {
                    let name = Name::find(&request.tid).ok_or("a connect to nowhere")?;
                    self.connects.push((action.id, name, request));
                }
                kind => self.jobs.push(Job::Todo(Action {
                    id: action.id,
                    kind,
                })),
            }
        }
        while let Some(change) = self.core.poll_change() {
            if change.reason.is_empty() {
                return Err(format!("a change without a reason: {change:?}"));
            }
        }
        let jobs = self.jobs.len();
        self.watch.check_footprint(&self.core.footprint(), jobs)
    }

    fn tell(&mut self, now: u64, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push_str(&format!("{now:>9}  {}\n", line()));
        }
    }
}

const fn is_config(event: &Event) -> bool {
    matches!(
        event,
        Event::ConfigLoaded(_) | Event::ConfigRejected(_) | Event::BootTablesLoaded { .. }
    )
}
