//! Carrying a walk out.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nvmf::Root;
use nvmf::connect::{ConnectErrorKind, connect_once, find_existing};
use nvmf::log_page::fetch_page_of;
use nvmf::registry::Registry;
use nvmf::sysfs::{self, Known, Pinned, SysfsError};
use nvmf_types::log_page::DiscoveryLog;
use nvmf_types::{
    ControllerClass, ControllerState, HostIdentity, LiveController, Origin, Owner, TransportId,
};

use super::{Action, Device, Event, Fault, Made, Page, Request, Target, Walker, interrupt};

/// How long a target may take to answer the probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// A connect that fails after so long hung: what is refused is refused at once (Linux 6.12: TCP
/// gives up after 3 s, the first answer of a controller is waited for 10 s, that to the Connect
/// command 60 s).
const HUNG: Duration = Duration::from_secs(8);

/// A probe needs little, and there may be hundreds.
const STACK: usize = 256 * 1024;

/// Who is told how the walk goes.
pub(crate) trait Listener {
    /// A target has got its outcome.
    fn settled(&mut self, walker: &Walker, target: &Target);
    /// A log page was read.
    fn page(&mut self, target: &Target, page: &Page);
    /// The user stops it, and what is under way is being finished.
    fn interrupted(&mut self, walker: &Walker);
}

/// The host that the actions are carried out on.
#[derive(Debug)]
pub(crate) struct Hand {
    root: Root,
    identity: HostIdentity,
    seen: Mutex<Seen>,
}

/// The controllers that appear while the walk is under way.
#[derive(Debug, Default)]
struct Seen {
    known: Known,
    appeared: Vec<LiveController>,
}

impl Hand {
    /// Also gives the controllers that are connected now.
    pub(crate) fn new(
        root: &Root,
        identity: &HostIdentity,
    ) -> Result<(Self, Vec<LiveController>), SysfsError> {
        let mut seen = Seen::default();
        let connected = seen.known.newcomers(root)?;
        let hand = Self {
            root: root.clone(),
            identity: identity.clone(),
            seen: Mutex::new(seen),
        };
        Ok((hand, connected))
    }

    /// Does it, and blocks as long as that takes.
    fn perform(&self, action: Action) -> Event {
        match action {
            Action::Probe {
                place,
                tid,
                class,
                tls,
            } => {
                let answer = nvmf::probe::probe(&tid, class, tls, PROBE_TIMEOUT);
                Event::Probed(place, answer.map_err(|e| e.to_string()))
            }
            Action::Connect(id, request) => Event::Connected(id, self.connect(&request)),
            Action::Claim(id, device, owner) => {
                let registry = Registry::open(&self.root);
                let claim = registry.claim_of(&device.name, device.sysfs_ino, &owner);
                Event::Claimed(id, claim.map_err(|e| e.to_string()))
            }
            Action::Read(id, device) => Event::Read(id, self.read(&device)),
            Action::Disconnect(id, device) => Event::Disconnected(id, self.disconnect(&device)),
        }
    }

    fn connect(&self, request: &Request) -> Made {
        let Request {
            tid,
            class,
            options,
            owner,
            reuse,
            typed,
        } = request;
        if !typed && let Some(origin) = self.exclusion(tid, *class) {
            return Made::Excluded(origin);
        }
        if *reuse && let Some(live) = self.appeared(request) {
            return Made::Existing(Box::new(live));
        }
        let began = Instant::now();
        let (root, owner) = (&self.root, owner.as_ref());
        let made = match reuse {
            true => connect_once(root, tid, *class, options, owner, &self.identity),
            false => nvmf::connect::connect(root, tid, *class, options, owner),
        };
        let error = match made {
            Ok(new) => {
                self.note(request, &new);
                return self.made(new, owner);
            }
            Err(error) => error,
        };
        if matches!(error.kind, ConnectErrorKind::AlreadyConnected)
            && let Ok(Some(live)) = find_existing(&self.root, tid, *class, &self.identity)
        {
            return Made::Existing(Box::new(live));
        }
        Made::Failed {
            fault: fault(&error.kind, began.elapsed()),
            reason: error.why(),
        }
    }

    /// What the lists say now: a walk may take minutes. What is wrong with them was said when it
    /// began.
    fn exclusion(&self, tid: &TransportId, class: ControllerClass) -> Option<Origin> {
        let lists = nvmf::exclusions::load(&self.root).set;
        let entry = lists.matches(tid, class);
        entry.map(|entry| entry.source.clone())
    }

    fn made(&self, new: nvmf::connect::Connected, owner: Option<&Owner>) -> Made {
        let warning = new
            .warning
            .filter(|_| owner.is_some())
            .map(|why| format!("it is connected, but {why}"));
        Made::New {
            device: Device {
                name: new.device,
                sysfs_ino: new.sysfs_ino,
            },
            owner: new.owner,
            warning,
        }
    }

    /// What is ours need not be read when it is met.
    fn note(&self, request: &Request, new: &nvmf::connect::Connected) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.known.add(&self.root, &new.device) {
            seen.appeared.push(LiveController {
                device: new.device.clone(),
                sysfs_ino: new.sysfs_ino,
                tid: request.tid.clone(),
                class: Some(request.class),
                state: ControllerState::Live,
                src_addr: None,
                cntlid: Some(new.cntlid),
                owner: new.owner.clone(),
            });
        }
    }

    /// A controller that came since the walk began and is this connection: two targets may turn out
    /// to be one, and the kernel does not refuse every duplicate.
    fn appeared(&self, request: &Request) -> Option<LiveController> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // If it cannot be told the kernel will have to.
        let newcomers = seen.known.newcomers(&self.root).unwrap_or_default();
        seen.appeared.extend(newcomers);
        let found = seen.appeared.iter().find(|live| {
            let Request { tid, class, .. } = request;
            tid.is_satisfied_by(*class, live, &self.identity)
        });
        let found = found?;
        let now = sysfs::controller(&self.root, &found.device)
            .ok()
            .flatten()?;
        let going = [ControllerState::Deleting, ControllerState::Dead];
        (now.sysfs_ino == found.sysfs_ino && !going.contains(&now.state)).then_some(now)
    }

    fn read(&self, device: &Device) -> Result<Page, String> {
        let bytes = fetch_page_of(&self.root, &device.name, device.sysfs_ino)
            .map_err(|e| e.kind.to_string())?;
        let log = DiscoveryLog::from_page(&bytes).map_err(|e| e.to_string())?;
        Ok(Page { log, bytes })
    }

    /// Disconnects exactly this controller; its registry entry goes, too.
    fn disconnect(&self, device: &Device) -> Result<(), String> {
        let name = &device.name;
        let stays = |error: SysfsError| {
            format!(
                "{name} is still connected: {error}: disconnect it with nvmf disconnect -d {name}"
            )
        };
        let Some(pinned) = Pinned::open(&self.root, name).map_err(stays)? else {
            return Ok(());
        };
        if pinned.sysfs_ino() == device.sysfs_ino {
            pinned.delete().map_err(stays)?;
            // An entry that stays is known to be stale all the same.
            let _ = Registry::open(&self.root).reap(name, None);
        }
        Ok(())
    }
}

/// Walks to the end, or until the user stops it and nothing half made is left.
pub(crate) fn drive(walker: &mut Walker, hand: &Arc<Hand>, listener: &mut impl Listener) {
    let (events, inbox) = mpsc::channel();
    let stop = events.clone();
    interrupt::catch(move || {
        // Nobody listens any more: it is over anyway.
        let _ = stop.send(Event::Interrupted);
    });
    loop {
        while let Some(action) = walker.next_action() {
            begin(hand, action, &events);
        }
        for id in walker.take_settled() {
            if let Some(target) = walker.target(id) {
                listener.settled(walker, target);
            }
        }
        if walker.is_done() {
            return;
        }
        let Ok(event) = inbox.recv() else {
            return;
        };
        let was_interrupted = walker.is_interrupted();
        if let Event::Read(id, Ok(page)) = &event
            && !was_interrupted
            && let Some(target) = walker.target(*id)
        {
            listener.page(target, page);
        }
        walker.handle(event);
        if walker.is_interrupted() && !was_interrupted {
            listener.interrupted(walker);
        }
    }
}

/// Carries an action out on a thread of its own; where there is none to be had, at once.
fn begin(hand: &Arc<Hand>, action: Action, events: &Sender<Event>) {
    let (there, then, todo) = (Arc::clone(hand), events.clone(), action.clone());
    let thread = thread::Builder::new().stack_size(STACK);
    let spawned = thread.spawn(move || {
        // Nobody listens any more after the end.
        let _ = then.send(there.perform(todo));
    });
    if spawned.is_err() {
        let _ = events.send(hand.perform(action));
    }
}

fn fault(kind: &ConnectErrorKind, taken: Duration) -> Fault {
    match kind {
        _ if taken > HUNG => Fault::Hung,
        ConnectErrorKind::Refused(_)
        | ConnectErrorKind::Unreachable(_)
        | ConnectErrorKind::Local(_)
        | ConnectErrorKind::Timeout(_) => Fault::Place,
        _ => Fault::Own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    fn hand(host: &FakeHost) -> Hand {
        Hand::new(&host.root(), &HostIdentity::default()).unwrap().0
    }

    fn device(host: &FakeHost, name: &str) -> Device {
        let device = name.parse().unwrap();
        let live = sysfs::controller(&host.root(), &device).unwrap().unwrap();
        Device::from(&live)
    }

    #[test]
    fn a_controller_for_the_moment_goes_and_its_entry_with_it() {
        let host = FakeHost::new();
        host.dc("nvme5");
        host.own("nvme5", "me");
        let device = device(&host, "nvme5");
        let kernel = host.goes_when_deleted("nvme5");
        hand(&host).disconnect(&device).unwrap();
        kernel.join().unwrap();
        assert!(!host.has_entry("nvme5"));
        hand(&host).disconnect(&device).unwrap();
    }

    #[test]
    fn never_a_successor() {
        let host = FakeHost::new();
        host.dc("nvme5");
        let mut device = device(&host, "nvme5");
        device.sysfs_ino += 1;
        hand(&host).disconnect(&device).unwrap();
        assert_eq!(host.deletes("nvme5"), "");
    }

    #[test]
    fn what_appears_meanwhile_is_not_connected_twice() {
        let host = FakeHost::new();
        host.tcp("nvme1", "nqn.2014-08.org.example:a");
        let hand = hand(&host);
        let request = |nqn: &str| Request {
            tid: format!("transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:{nqn}")
                .parse()
                .unwrap(),
            class: ControllerClass::Io,
            options: nvmf_types::ConnectOptions::default(),
            owner: None,
            reuse: true,
            typed: true,
        };
        assert_eq!(hand.appeared(&request("a")), None, "it was there before");
        host.tcp("nvme2", "nqn.2014-08.org.example:b");
        let found = hand.appeared(&request("b")).unwrap();
        assert_eq!(found.device.as_str(), "nvme2");
        assert!(matches!(
            hand.connect(&request("b")),
            Made::Existing(live) if live.device.as_str() == "nvme2"
        ));
        host.attribute("nvme2", "state", "deleting\n");
        assert_eq!(hand.appeared(&request("b")), None);
    }

    #[test]
    fn an_exclusion_that_came_meanwhile_holds() {
        let host = FakeHost::new();
        let hand = hand(&host);
        host.file(
            "etc/nvme/exclusions.conf",
            "[exclusions]\nexclusion = traddr=192.0.2.10\n",
        );
        let tid = "transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a";
        let request = Request {
            tid: tid.parse().unwrap(),
            class: ControllerClass::Io,
            options: nvmf_types::ConnectOptions::default(),
            owner: None,
            reuse: false,
            typed: false,
        };
        let Made::Excluded(origin) = hand.connect(&request) else {
            panic!("not excluded");
        };
        assert!(origin.to_string().ends_with("exclusions.conf:2"));
        let request = Request {
            typed: true,
            ..request
        };
        assert!(matches!(hand.connect(&request), Made::Failed { .. }));
    }

    #[test]
    fn whose_fault_it_is() {
        let now = Duration::from_millis(5);
        let refused = ConnectErrorKind::Refused(std::io::ErrorKind::ConnectionRefused.into());
        assert_eq!(fault(&refused, now), Fault::Place);
        let invalid = ConnectErrorKind::Invalid(std::io::ErrorKind::InvalidInput.into());
        assert_eq!(fault(&invalid, now), Fault::Own);
        let minute = Duration::from_secs(60);
        assert_eq!(fault(&invalid, minute), Fault::Hung);
    }
}
