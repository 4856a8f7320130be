//! The connector's process: it outlives the daemon, and dies at any point itself.

use discoverd_core::{ActionId, ConnectOutcome, ConnectRequest, FailureKind};
use nvmf_types::{DeviceName, HostIdentity, Origin};

use super::host::Host;
use super::name::{self, Name};
use super::target::Mode;

/// One request under way.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The daemon's life that asked.
    life: u32,
    id: ActionId,
    pub(super) name: Name,
    request: Box<ConnectRequest>,
    at: At,
}

/// How far an attempt is.
#[derive(Debug)]
enum At {
    /// To be probed.
    Asked,
    /// The target answered; the kernel comes next.
    Probed,
    /// The kernel has it; the registry comes next.
    Written(DeviceName, u64),
}

/// An answer for the daemon's life that asked.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) life: u32,
    pub(super) id: ActionId,
    pub(super) outcome: ConnectOutcome,
}

/// The connector.
#[derive(Debug, Default)]
pub(super) struct Connector {
    pub(super) attempts: Vec<Attempt>,
}

impl Connector {
    pub(super) fn ask(
        &mut self,
        life: u32,
        id: ActionId,
        name: Name,
        request: Box<ConnectRequest>,
    ) {
        self.attempts.push(Attempt {
            life,
            id,
            name,
            request,
            at: At::Asked,
        });
    }

    /// The daemon is gone: what was not begun is forgotten.
    pub(super) fn abandoned(&mut self) {
        self.attempts
            .retain(|attempt| !matches!(attempt.at, At::Asked));
    }

    /// The process dies, and all that it was about to do or to say.
    pub(super) fn die(&mut self) -> Vec<Answer> {
        let lost = std::mem::take(&mut self.attempts).into_iter();
        let lost = lost.map(|attempt| {
            attempt.answer(failed(
                FailureKind::ConnectorLost,
                "the connector went away",
            ))
        });
        lost.collect()
    }

    /// One attempt goes one step further.
    ///
    /// # Errors
    /// It made a second controller for one connection.
    pub(super) fn go_on(
        &mut self,
        index: usize,
        host: &mut Host,
    ) -> Result<Option<Answer>, String> {
        if index >= self.attempts.len() {
            return Ok(None);
        }
        let mut attempt = self.attempts.swap_remove(index);
        let outcome = match attempt.at {
            At::Asked => attempt.probe(host),
            At::Probed => attempt.write(host)?,
            At::Written(..) => Some(attempt.publish(host)),
        };
        Ok(match outcome {
            Some(outcome) => Some(attempt.answer(outcome)),
            None => {
                self.attempts.push(attempt);
                None
            }
        })
    }
}

impl Attempt {
    fn answer(self, outcome: ConnectOutcome) -> Answer {
        Answer {
            life: self.life,
            id: self.id,
            outcome,
        }
    }

    fn probe(&mut self, host: &Host) -> Option<ConnectOutcome> {
        if host.excluded.has(self.name) {
            return Some(excluded());
        }
        match host.mode(self.name) {
            Mode::Refuses => Some(failed(FailureKind::Refused, "connection refused")),
            Mode::Silent => Some(failed(FailureKind::Unreachable, "no answer")),
            Mode::Hangs if self.request.deep_probe => {
                Some(failed(FailureKind::Silent, "the Connect is not answered"))
            }
            Mode::Up | Mode::Hangs | Mode::Rejects => {
                self.at = At::Probed;
                None
            }
        }
    }

    /// The last questions and the kernel's answer are one step: nothing comes in between that
    /// would count.
    fn write(&mut self, host: &mut Host) -> Result<Option<ConnectOutcome>, String> {
        let name = self.name;
        if host.excluded.has(name) {
            return Ok(Some(excluded()));
        }
        let identity: HostIdentity = name::host();
        let there = host.list().into_iter().find(|live| {
            let request = &self.request;
            request.tid.is_satisfied_by(request.class, live, &identity)
        });
        if let Some(live) = there {
            return Ok(Some(ConnectOutcome::AlreadyConnected(live)));
        }
        match host.mode(name) {
            Mode::Hangs => Ok(Some(failed(FailureKind::Hung, "the kernel gave up"))),
            Mode::Rejects => Ok(Some(failed(FailureKind::Rejected, "unknown subsystem"))),
            Mode::Refuses | Mode::Silent => {
                Ok(Some(failed(FailureKind::Unreachable, "gone meanwhile")))
            }
            Mode::Up => {
                if host.kernel.of(name).any(|(_, controller)| controller.ours) {
                    return Err(format!("a second controller for {name}"));
                }
                let (device, ino) = host.kernel.create(name, true, true);
                self.at = At::Written(device, ino);
                Ok(None)
            }
        }
    }

    fn publish(&self, host: &mut Host) -> ConnectOutcome {
        let At::Written(device, ino) = &self.at else {
            return failed(FailureKind::Other, "published before it was written");
        };
        if host.kernel.exact(device, *ino).is_none() {
            return failed(FailureKind::Other, "it went at once");
        }
        let owner = host.owner(device, *ino);
        let theirs = owner.is_some_and(|owner| *owner != self.request.owner);
        if host.registry_broken || theirs {
            return failed(
                FailureKind::Unregistered,
                "the registry does not say that it is ours",
            );
        }
        host.own(device, Some(*ino), self.request.owner.clone());
        ConnectOutcome::Connected {
            device: device.clone(),
            sysfs_ino: *ino,
            cntlid: 1,
        }
    }
}

fn excluded() -> ConnectOutcome {
    ConnectOutcome::Excluded {
        origin: Origin::new("exclusions.conf", 2),
    }
}

fn failed(kind: FailureKind, message: &str) -> ConnectOutcome {
    ConnectOutcome::Failed {
        message: message.to_owned(),
        kind,
    }
}
