//! Which wishes become targets, and what is there already.

use nvmf::registry::Claim;
use nvmf_types::exclusion::Entry;
use nvmf_types::{ControllerClass, ControllerState, LiveController, Origin, TransportId};

use super::{MAX_DEPTH, TargetId, Walker};
use crate::walk::live::is_foreign;
use crate::walk::wish::State;
use crate::walk::{Action, Outcome, Target, Wish};

impl Walker {
    /// Notes a wish, unless it leads to a target that there is already.
    pub(super) fn admit(&mut self, mut wish: Wish, depth: u8) {
        if depth > MAX_DEPTH {
            return self.deep.push(wish);
        }
        let excluded = self.exclude(&mut wish);
        let Some(id) = self.add(wish, depth) else {
            return;
        };
        if let Some(origin) = excluded {
            return self.settle(id, Outcome::Excluded(origin));
        }
        match self.existing(id) {
            Some(live) => self.exists(id, &live),
            None => self.attempt(id),
        }
    }

    /// All others are done: there is no shorter way.
    pub(super) fn give_up_deep_ones(&mut self) {
        for wish in std::mem::take(&mut self.deep) {
            if let Some(id) = self.add(wish, MAX_DEPTH) {
                let reason = format!(
                    "more than {MAX_DEPTH} referrals away: ask it by itself if it is wanted"
                );
                self.settle(id, Outcome::Failed(reason));
            }
        }
    }

    fn add(&mut self, wish: Wish, depth: u8) -> Option<TargetId> {
        self.known.insert(&wish).then(|| {
            self.targets.push(Target::new(wish, depth));
            TargetId(self.targets.len() - 1)
        })
    }

    /// Takes the excluded addresses out of a wish that was not typed; the exclusion if no other is
    /// left.
    fn exclude(&self, wish: &mut Wish) -> Option<Origin> {
        if wish.typed {
            return None;
        }
        let class = wish.class;
        let entry = |tid: &TransportId| self.exclusions.matches(tid, class);
        let first = wish.addresses.iter().find_map(entry).map(origin)?;
        if wish.addresses.iter().all(|tid| entry(tid).is_some()) {
            return Some(first);
        }
        wish.addresses.retain(|tid| entry(tid).is_none());
        None
    }

    /// The controller that the target is already.
    fn existing(&self, id: TargetId) -> Option<LiveController> {
        let wish = &self.target(id)?.wish;
        if let Some(live) = &wish.device {
            return Some((**live).clone());
        }
        self.may_be(wish)
            .then(|| self.live.find(wish, &self.identity))
            .flatten()
            .cloned()
    }

    /// Whether one that is there will do.
    pub(super) fn may_be(&self, wish: &Wish) -> bool {
        match wish.class {
            ControllerClass::Io => wish.options.duplicate_connect != Some(true),
            ControllerClass::Discovery => self.policy.reuse,
        }
    }

    pub(super) fn exists(&mut self, id: TargetId, live: &LiveController) {
        let Some(target) = self.target(id) else {
            return;
        };
        let (device, owner) = (live.device.clone(), live.owner.clone());
        let wanted = target.wish.owner.clone();
        if target.wish.class == ControllerClass::Io {
            if let (None, Some(wanted)) = (&owner, wanted) {
                let claim = Action::Claim(id, live.into(), wanted);
                self.calls.push(claim, false);
                return self.set(id, State::Claiming(device));
            }
            return self.settle(id, Outcome::AlreadyConnected { device, owner });
        }
        if let Some(owner) = owner.filter(|_| is_foreign(live, wanted.as_ref())) {
            return self.settle(id, Outcome::Foreign { device, owner });
        }
        let is_usable = live.state == ControllerState::Live || target.wish.addresses.is_empty();
        match is_usable {
            true => self.read(id, live.into(), false, live.owner.clone()),
            // It cannot be asked now, and another one perhaps can.
            false => self.attempt(id),
        }
    }

    pub(super) fn claimed(&mut self, id: TargetId, claim: Result<Claim, String>) {
        let Some(target) = self.target(id) else {
            return;
        };
        let State::Claiming(device) = &target.state else {
            return;
        };
        let (device, wanted) = (device.clone(), target.wish.owner.clone());
        let outcome = match claim {
            Ok(Claim::Granted | Claim::AlreadyMine) => Outcome::AlreadyConnected {
                device,
                owner: wanted,
            },
            Ok(Claim::OwnedBy(other)) => Outcome::AlreadyConnected {
                device,
                owner: Some(other),
            },
            Ok(Claim::NoSuchController) => {
                Outcome::Failed(format!("{device} was connected and is gone now: try again"))
            }
            Err(reason) => Outcome::Failed(reason),
        };
        self.settle(id, outcome);
    }
}

fn origin(entry: &Entry) -> Origin {
    entry.source.clone()
}
