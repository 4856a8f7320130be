//! What must hold.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use nvmf_types::{DeviceName, Owner};

use super::actors::{Actor, Outcome, Task};
use super::steps::{Ask, Reply, Request};
use super::world::{Process, State, World};
use crate::registry::protocol;
use crate::registry::{Claim, stamp};

/// Runs operations to their end at once.
struct Now {
    world: RefCell<World>,
    count: Cell<u64>,
    locked: Rc<Cell<bool>>,
}

impl Ask for Now {
    fn ask(&self, request: Request) -> rustix::io::Result<Reply> {
        self.count.set(self.count.get() + 1);
        let mut world = self.world.borrow_mut();
        Ok(match request {
            Request::Lock => Reply::Unit,
            Request::Current(number) => Reply::Inode(world.controllers.get(&number).copied()),
            Request::Seqnum => Reply::Inode(None),
            Request::UnderWay(_) => Reply::Bool(false),
            request => world.disk.call(&request, 1_000_000 + self.count.get()),
        })
    }

    fn locked(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.locked)
    }
}

impl World {
    fn now(&self) -> Now {
        Now {
            world: RefCell::new(self.clone()),
            count: Cell::default(),
            locked: Rc::default(),
        }
    }

    /// Who the registry says owns a number, to one who asks in this moment.
    fn shown(&self, number: u32) -> Option<Owner> {
        protocol::owner(&self.now(), &DeviceName::from_number(number)).unwrap()
    }

    /// Whoever was told that a controller is his finds it so for as long as it lives: no entry of
    /// a live controller is destroyed, no claim is lost in the moment before an entry appears.
    pub(super) fn keeps_promises(&self) -> bool {
        self.controllers.iter().all(|(number, ino)| {
            let promised = self.promises.granted.get(ino);
            let shown = self.shown(*number);
            match promised {
                None => true,
                // It is being taken from him, or somebody was killed at that.
                Some(_) if self.is_disturbed(*ino) => true,
                // A writer that met another tool's fresh entry is putting it back.
                Some(_) if self.promises.overruled.contains(ino) && self.is_locked() => true,
                Some(owner) => shown.is_some_and(|shown| shown.as_str() == *owner),
            }
        })
    }

    /// Nobody is shown as the owner of a controller but who means to own this very one. Only what
    /// tools write without a stamp can be about a predecessor.
    pub(super) fn shows_no_predecessor(&self) -> bool {
        self.controllers.iter().all(|(number, ino)| {
            let Some(shown) = self.shown(*number) else {
                return true;
            };
            let mut processes = self.processes.iter();
            let who = processes.find(|p| p.actor.owner() == Some(shown.as_str()));
            who.is_some_and(|who| who.actor.is_foreign())
                || self.promises.meant.get(shown.as_str()) == Some(ino)
        })
    }

    /// See [`super::world::Promises::broken`].
    pub(super) fn breaks_nothing(&self) -> bool {
        self.promises.broken.is_empty()
    }

    /// When all is over and udev has done its work, there are entries of live controllers only;
    /// after a kill, the next collection sees to it.
    pub(super) fn ends_clean(&self) -> bool {
        let foreign = self.processes.iter().any(|p| p.actor.is_foreign());
        if !self.is_quiet() || foreign {
            return true;
        }
        let now = self.now();
        if !self.nobody_was_killed() {
            for number in self.disk.entries() {
                let device = DeviceName::from_number(number);
                let removed = protocol::remove_if_stale(&now, &device).is_ok();
                assert!(removed, "a registry after a kill is accepted");
            }
        }
        let world = now.world.borrow();
        world.disk.entries().all(|number| {
            let entry = world.disk.entry(number).unwrap();
            let current = world.controllers.get(&number).copied();
            let left_by_kill = entry.is_empty() && !world.nobody_was_killed();
            left_by_kill || stamp::is_live(entry.get(stamp::SYSFS_INO).map(String::as_str), current)
        })
    }

    /// Whatever state a killed process left, the next claim gets an answer that is right.
    pub(super) fn accepts_claims(&self) -> bool {
        if !self.is_quiet() {
            return true;
        }
        self.controllers.iter().all(|(number, ino)| {
            let (now, device) = (self.now(), DeviceName::from_number(*number));
            let before = self.shown(*number);
            let claim = protocol::claim(&now, &device, *ino, &"last".parse().unwrap()).unwrap();
            match before {
                Some(owner) => claim == Claim::OwnedBy(owner),
                None => claim == Claim::Granted,
            }
        })
    }

    /// Notes what a process was told.
    pub(super) fn note(&mut self, pid: usize, task: &Task, outcome: Outcome) {
        let Task::Controller { number, ino, .. } = task else {
            return;
        };
        match outcome {
            Outcome::Owns if !self.was_shown(pid, *number, *ino) => {
                let untrue = "somebody owns what was never shown as his";
                self.promises.broken.insert(untrue);
            }
            // what was granted of a controller that is gone is worth nothing
            Outcome::Owns if !self.lives(*ino) => {}
            Outcome::Owns => {
                let actor = self.processes[pid].actor;
                let owner = actor.owner().unwrap();
                let mine = self
                    .shown(*number)
                    .is_some_and(|shown| shown.as_str() == owner);
                let taken = self.promises.overruled.contains(ino) && !mine;
                let twice = self.promises.granted.contains_key(ino);
                let excused = actor.overrules() || taken || self.is_disturbed(*ino);
                if twice && !excused {
                    self.promises.broken.insert("granted twice");
                }
                // It was his before another took it or destroyed the entry.
                if actor.overrules() || !taken {
                    self.promises.granted.insert(*ino, owner);
                }
            }
            Outcome::Owner(owner) => {
                let owner = owner.map(|owner| owner.to_string());
                let readable = self.promises.readable.remove(&pid).unwrap_or_default();
                if !readable.contains(&owner) {
                    self.promises
                        .broken
                        .insert("a reader was told what was never so");
                }
            }
            Outcome::GaveUp(owner) => {
                let granted = &mut self.promises.granted;
                granted.retain(|of, other| *of != *ino || *other != owner);
            }
            Outcome::Destroyed => {
                self.promises.granted.remove(ino);
            }
            Outcome::Over => {}
        }
    }

    /// Drops what no property looks at any more: fewer states are the same in fewer ways.
    fn forget(&mut self) {
        let lives: BTreeSet<u64> = self.controllers.values().copied().collect();
        let cared_for: BTreeSet<u64> = self.processes.iter().filter_map(Process::ino).collect();
        let promises = &mut self.promises;
        promises.meant.retain(|_, ino| lives.contains(ino));
        promises.granted.retain(|ino, _| lives.contains(ino));
        promises.overruled.retain(|ino| lives.contains(ino));
        promises.disturbed.retain(|ino| lives.contains(ino));
        promises.shown.retain(|(ino, _)| cared_for.contains(ino));
    }

    /// Whether a process was seen as the owner for a moment at least. Other tools do not look.
    fn was_shown(&self, pid: usize, number: u32, ino: u64) -> bool {
        let actor = self.processes[pid].actor;
        let owner = actor.owner().unwrap();
        let now = || self.lives(ino) && self.shown(number).is_some_and(|o| o.as_str() == owner);
        actor.is_foreign() || self.promises.shown.contains(&(ino, owner)) || now()
    }

    /// Whether somebody is just about to take or give up a controller, whosever it is, or was
    /// killed on it.
    fn is_disturbed(&self, ino: u64) -> bool {
        let mut processes = self.processes.iter();
        let overrules = |p: &Process| p.actor.overrules() && p.ino() == Some(ino);
        self.promises.disturbed.contains(&ino) || processes.any(overrules)
    }

    fn lives(&self, ino: u64) -> bool {
        self.controllers.values().any(|live| *live == ino)
    }

    /// Notes what readers could be told now, and who is entered.
    pub(super) fn watch(&mut self) {
        for (number, ino) in self.controllers.clone() {
            let shown = self.shown(number);
            let mut actors = self.processes.iter().map(|process| process.actor.owner());
            let owner = actors.find(|owner| *owner == shown.as_ref().map(Owner::as_str));
            if let Some(owner) = owner.flatten() {
                self.promises.shown.insert((ino, owner));
            }
        }
        self.forget();
        for pid in 0..self.processes.len() {
            let Process { actor, state } = &self.processes[pid];
            if let (Actor::Read(number), State::Running { .. }) = (actor, state) {
                let shown = self.shown(*number).map(|owner| owner.to_string());
                self.promises.readable.entry(pid).or_default().insert(shown);
            }
        }
    }

    /// Notes a disconnect that should not have happened. `granted`: who owned what when the
    /// process began.
    pub(super) fn check_delete(
        &mut self,
        pid: usize,
        number: u32,
        ino: u64,
        granted: &BTreeMap<u64, &'static str>,
    ) {
        let State::Running {
            task: Task::Controllers(found),
            ..
        } = &self.processes[pid].state
        else {
            unreachable!("only disconnecting processes delete")
        };
        let lives = self.controllers.get(&number) == Some(&ino);
        if lives && !found.contains(&(number, ino)) {
            self.promises
                .broken
                .insert("another controller was disconnected");
        }
        let mut processes = self.processes.iter().enumerate();
        let for_an_owner = processes.any(|(maker, process)| {
            let connects = matches!(process.actor, Actor::Connect(_));
            maker as u64 + 1 == ino && connects && process.state != State::Killed
        });
        if lives && for_an_owner && !self.is_disturbed(ino) {
            self.promises
                .broken
                .insert("what was just connected for an owner was disconnected");
        }
        if lives && granted.contains_key(&ino) {
            self.promises
                .broken
                .insert("an owned controller was disconnected");
        }
    }
}
