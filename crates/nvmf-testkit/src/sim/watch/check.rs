//! The checks.

use discoverd_core::{Action, ActionId, ActionKind, Footprint, State, Status, Timestamp};
use nvmf_types::{DeviceName, Owner};

use super::Watch;
use crate::sim::name::{self, ALL, Name};

impl Watch {
    /// A new round of actions begins.
    pub(in crate::sim) const fn begin_batch(&mut self) {
        self.last = 0;
    }

    /// Checks one action.
    pub(in crate::sim) fn check(&mut self, action: &Action, now: Timestamp) -> Result<(), String> {
        let ready = self.config && self.boot && self.exclusions && self.listed;
        let harmless = matches!(
            action.kind,
            ActionKind::PublishStatus
                | ActionKind::Rescan
                | ActionKind::Look { .. }
                | ActionKind::LoadExclusions
        );
        if !ready && !harmless {
            return Err(format!("decided before everything was known: {action:?}"));
        }
        match &action.kind {
            ActionKind::Connect(request) => {
                let name = Name::find(&request.tid).ok_or("a connect to nowhere")?;
                self.asked += 1;
                self.check_rank(name, request.deep_probe)?;
                self.check_owner(name, &request.owner)?;
                if request.owner != self.us {
                    self.for_boot.insert(action.id);
                }
                self.damping.check(name, now)?;
                self.visits.connects(action.id, name);
                self.check_connect(action.id, name)
            }
            ActionKind::Claim {
                device,
                sysfs_ino,
                owner,
            } => {
                self.asked += 1;
                self.claims.insert(action.id, (device.clone(), *sysfs_ino));
                self.check_claim(device, *sysfs_ino, owner)
            }
            ActionKind::StartUnit(spec) => {
                self.asked += 1;
                if spec.owner != self.us {
                    return Err(format!(
                        "starts the unit of {}, which is not its own",
                        spec.device
                    ));
                }
                self.check_unit(action.id, &spec.device, spec.sysfs_ino)
            }
            ActionKind::FetchLog { sysfs_ino, .. } => {
                self.visits.reads(action.id, *sysfs_ino);
                Ok(())
            }
            ActionKind::StopUnit { sysfs_ino, .. } => {
                self.units.retain(|_, ino| ino != sysfs_ino);
                Ok(())
            }
            ActionKind::Disconnect {
                device, sysfs_ino, ..
            } if !self.refused.contains(sysfs_ino) && !self.visits.is_over(*sysfs_ino) => {
                Err(format!("disconnects {device}, which nobody asked for"))
            }
            _ => Ok(()),
        }
    }

    fn check_connect(&mut self, id: ActionId, name: Name) -> Result<(), String> {
        let mut tid = name.wanted();
        if self.excluded.matches(&tid, name.class()).is_some() {
            return Err(format!("connects {name}, which is excluded"));
        }
        if self.connects.values().any(|other| *other == name) {
            return Err(format!("connects {name}, which is being connected"));
        }
        let host = name::host();
        (tid.hostnqn, tid.hostid) = (host.hostnqn.clone(), host.hostid);
        let there = self
            .live
            .values()
            .find(|live| tid.is_satisfied_by(name.class(), live, &host));
        if let Some(live) = there {
            return Err(format!(
                "connects {name}, which is there as {}",
                live.device
            ));
        }
        if !self.refused.is_empty() {
            return Err(format!(
                "connects {name} while the machine is shutting down"
            ));
        }
        self.connects.insert(id, name);
        Ok(())
    }

    fn check_rank(&mut self, name: Name, deep_probe: bool) -> Result<(), String> {
        let wrong = if deep_probe {
            !self.suspect.has(name)
        } else {
            self.surely_suspect.has(name)
        };
        if wrong {
            return Err(format!("probes {name} as if it had never hung, or had"));
        }
        let rank = match name {
            _ if deep_probe => 4,
            _ if self.boot_named.has(name) => 0,
            _ if name.is_discovery() => 1,
            _ if self.configured.has(name) => 2,
            _ => 3,
        };
        if rank < std::mem::replace(&mut self.last, rank) {
            return Err(format!("connects {name} after what is less urgent"));
        }
        Ok(())
    }

    /// What the boot tables name is made in their name, all else in ours.
    fn check_owner(&self, name: Name, owner: &Owner) -> Result<(), String> {
        let right = if self.boot_named.has(name) {
            &Owner::nbft()
        } else {
            &self.us
        };
        if owner == right {
            Ok(())
        } else {
            Err(format!("takes {name} for {owner}, not {right}"))
        }
    }

    fn check_claim(&self, device: &DeviceName, ino: u64, owner: &Owner) -> Result<(), String> {
        let live = self.live.get(device).filter(|live| live.sysfs_ino == ino);
        let Some(live) = live else { return Ok(()) };
        if let Some(name) = Name::find(&live.tid) {
            self.check_owner(name, owner)?;
        }
        if live.owner.as_ref().is_some_and(|owner| *owner != self.us) {
            return Err(format!("steals {device} #{ino} of {:?}", live.owner));
        }
        let orphan = Name::find(&live.tid).is_some_and(|name| self.lost.has(name));
        if orphan || self.claimable.contains(&ino) {
            Ok(())
        } else {
            Err(format!("claims {device}, which somebody connected by hand"))
        }
    }

    /// What may be remembered of the world, with so many jobs under way.
    pub(in crate::sim) fn check_footprint(
        &self,
        have: &Footprint,
        jobs: usize,
    ) -> Result<(), String> {
        let all = usize::from(ALL);
        let fits = have.connections <= all
            && have.controllers <= self.live.len() + all
            && have.timers <= 2 * have.connections + 3 * have.controllers + 3
            && have.awaited <= have.connections + jobs
            && have.unpolled == 0
            && have.named <= 4 * all + 6 * all;
        if fits {
            Ok(())
        } else {
            Err(format!("remembers too much with {jobs} jobs: {have}"))
        }
    }

    /// A discovery controller that only announcements or referrals name.
    pub(super) const fn can_be_given_up(&self, name: Name) -> bool {
        let kept = self.configured.plus(self.boot_named);
        name.is_discovery() && !kept.has(name)
    }

    /// What holds for a status at any time.
    pub(in crate::sim) fn check_status(&self, status: &Status) -> Result<(), String> {
        for shown in &status.connections {
            let forgotten = shown.state == State::Retrying && shown.retry_at_ms.is_none();
            if shown.reason.is_empty() {
                return Err(format!("a state without a reason: {shown:?}"));
            }
            if forgotten {
                return Err(format!("waits for nothing: {shown:?}"));
            }
            if shown.state == State::GaveUp {
                let name = name::of_status(shown).ok_or("gave up what is nowhere")?;
                if !self.can_be_given_up(name) {
                    return Err(format!("gave up {name}"));
                }
            }
        }
        Ok(())
    }

    fn check_unit(&mut self, id: ActionId, device: &DeviceName, ino: u64) -> Result<(), String> {
        if self.units.values().any(|other| *other == ino) {
            return Err(format!("starts the unit of {device} twice"));
        }
        self.units.insert(id, ino);
        Ok(())
    }
}
