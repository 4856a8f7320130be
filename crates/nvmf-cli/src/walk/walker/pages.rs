//! Discovery log pages, and the controllers that were for the moment.

use nvmf_types::log_page::DiscoveryLog;
use nvmf_types::{ControllerClass, Owner};

use super::{TargetId, Walker, kept_outcome};
use crate::walk::wish::State;
use crate::walk::{Action, Device, Outcome, Page};

impl Walker {
    /// Asks a discovery controller for its log page, unless it has been asked.
    pub(super) fn read(&mut self, id: TargetId, device: Device, made: bool, owner: Option<Owner>) {
        if !self.read.insert(device.clone()) {
            return self.settle(id, kept_outcome(false, &device, owner));
        }
        self.reads.push(Action::Read(id, device.clone()), false);
        let state = State::Reading {
            device,
            made,
            owner,
        };
        self.set(id, state);
    }

    pub(super) fn was_read(&mut self, id: TargetId, page: Result<Page, String>) {
        let Some(target) = self.targets.get_mut(id.0) else {
            return;
        };
        let State::Reading {
            device,
            made,
            owner,
        } = &target.state
        else {
            return;
        };
        let (device, made, owner) = (device.clone(), *made, owner.clone());
        let page = match page {
            Ok(page) => page,
            Err(reason) if made => return self.leave(id, device, Outcome::Failed(reason)),
            Err(reason) => return self.settle(id, Outcome::Failed(reason)),
        };
        let stays = self.take_in(id, page.log);
        match made && !stays {
            true => self.leave(id, device, Outcome::Asked),
            false => self.settle(id, kept_outcome(made, &device, owner)),
        }
    }

    /// Walks on to what a log page names; whether its controller stays.
    fn take_in(&mut self, id: TargetId, log: DiscoveryLog) -> bool {
        let Some(target) = self.targets.get_mut(id.0) else {
            return false;
        };
        let Some(at) = target.tid().cloned() else {
            return false;
        };
        let (named, problems) = log.connections(&target.wish.via(&at));
        let stays = log.stays(target.wish.persistent, &at);
        target.notes.extend(problems);
        target.log = Some(log);
        let (wish, depth) = (target.wish.clone(), target.depth);
        for named in named {
            match named.class {
                ControllerClass::Io if self.policy.subsystems => {
                    self.admit(wish.named(&at, named), depth);
                }
                ControllerClass::Discovery if self.policy.referrals => {
                    self.admit(wish.named(&at, named), depth + 1);
                }
                _ => {}
            }
        }
        stays
    }

    pub(super) fn leave(&mut self, id: TargetId, device: Device, then: Outcome) {
        self.calls.push(Action::Disconnect(id, device), true);
        self.set(id, State::Leaving(then));
    }

    pub(super) fn disconnected(&mut self, id: TargetId, result: Result<(), String>) {
        let Some(State::Leaving(then)) = self.target(id).map(|target| &target.state) else {
            return;
        };
        let outcome = match result {
            Ok(()) => then.clone(),
            Err(reason) => Outcome::Failed(reason),
        };
        self.settle(id, outcome);
    }
}
