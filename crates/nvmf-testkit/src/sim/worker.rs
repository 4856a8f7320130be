//! What the daemon's workers do.

use discoverd_core::{
    Action, ActionId, ActionKind, ClaimOutcome, Event, Timestamp, UnitOutcome, UnitSpec,
};
use nvmf_types::{ControllerState, DeviceName, Owner};

use super::daemon::Job;
use super::host::Host;

/// Does what a worker does; gives what is left to do.
pub(super) fn perform(
    action: Action,
    host: &mut Host,
    now: Timestamp,
) -> Result<Option<Job>, String> {
    let id = action.id;
    let event = match action.kind {
        ActionKind::FetchLog { device, sysfs_ino } => {
            return Ok(Some(fetch(id, device, sysfs_ino, host)));
        }
        ActionKind::Claim {
            device,
            sysfs_ino,
            owner,
        } => Event::Claimed {
            id,
            outcome: claim(&device, sysfs_ino, owner, host),
        },
        ActionKind::StartUnit(spec) => Event::UnitStarted {
            id,
            result: start_unit(&spec, host),
        },
        ActionKind::StopUnit { device, sysfs_ino } => {
            if host.kernel.exact(&device, sysfs_ino).is_some() {
                return Err(format!("disconnects {device} by stopping its unit"));
            }
            host.units.remove(&(device, sysfs_ino));
            return Ok(None);
        }
        ActionKind::Disconnect {
            device,
            sysfs_ino,
            owner,
        } => {
            let there = host.kernel.exact(&device, sysfs_ino).is_some();
            if there && host.owner(&device, sysfs_ino) == Some(&owner) {
                host.kernel.remove(&device);
            }
            return Ok(None);
        }
        ActionKind::KickFc => {
            host.kick();
            Event::FcKicked { began: now }
        }
        ActionKind::LoadExclusions => Event::ExclusionsLoaded {
            set: host.excluded.exclusions(),
            problems: Vec::new(),
        },
        other => return Err(format!("wants what nobody can do: {other:?}")),
    };
    Ok(Some(Job::done(event)))
}

fn fetch(id: ActionId, device: DeviceName, ino: u64, host: &mut Host) -> Job {
    let name = host.kernel.exact(&device, ino).map(|controller| {
        let live = controller.state == ControllerState::Live;
        (controller.name, live)
    });
    let target = match name {
        Some((name, true)) => host.target(name).map(|target| target.log(name)),
        _ => None,
    };
    match target {
        Some(log) => Job::Read(id, device, ino, log),
        None => Job::done(Event::LogFetched {
            id,
            result: Err("no answer".to_owned()),
        }),
    }
}

fn claim(device: &DeviceName, ino: u64, owner: Owner, host: &mut Host) -> ClaimOutcome {
    if host.registry_broken {
        return ClaimOutcome::Failed("no space".to_owned());
    }
    if host.kernel.exact(device, ino).is_none() {
        return ClaimOutcome::NoSuchController;
    }
    match host.owner(device, ino).cloned() {
        None => {
            host.own(device, Some(ino), owner);
            ClaimOutcome::Granted
        }
        Some(other) if other == owner => ClaimOutcome::AlreadyMine,
        Some(other) => ClaimOutcome::OwnedBy(other),
    }
}

fn start_unit(spec: &UnitSpec, host: &mut Host) -> UnitOutcome {
    if host.shutting_down {
        return UnitOutcome::Refused("shutting down".to_owned());
    }
    if host.bus_broken {
        return UnitOutcome::Failed("no bus".to_owned());
    }
    if host.units.insert((spec.device.clone(), spec.sysfs_ino)) {
        UnitOutcome::Started
    } else {
        UnitOutcome::AlreadyThere
    }
}
