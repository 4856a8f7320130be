//! What is done next.

mod admit;
mod connect;
mod pages;

use std::collections::BTreeSet;

use nvmf_types::config::Persistence;
use nvmf_types::exclusion::ExclusionSet;
use nvmf_types::{HostIdentity, LiveController, Owner};

use super::known::Known;
use super::lanes::Lane;
use super::live::Live;
use super::places::Places;
use super::wish::State;
use super::{Action, Device, Event, Outcome, Target, Wish};

/// Referrals are followed this far.
pub(crate) const MAX_DEPTH: u8 = 8;

/// Probes at once. They take little more than a socket each, and the silent ones are to be told of
/// at the same time.
const PROBES: usize = 256;

/// Log pages at once.
const READS: usize = 8;

/// Claims and disconnects at once.
const CALLS: usize = 4;

/// Connects at once. The kernel takes one at a time; the next one stands at its door while what is
/// ours to do about the one before is being done.
const CONNECTS: usize = 2;

/// A target by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TargetId(usize);

/// How far the walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The subsystems that log pages name are connected.
    pub(crate) subsystems: bool,
    /// The discovery controllers that log pages name are asked.
    pub(crate) referrals: bool,
    /// Discovery controllers that are connected already are asked; else others are connected.
    pub(crate) reuse: bool,
}

/// What is known of the host when the walk begins.
#[derive(Debug, Default)]
pub(crate) struct Host {
    /// Who it is by default.
    pub(crate) identity: HostIdentity,
    pub(crate) exclusions: ExclusionSet,
    /// What is connected.
    pub(crate) controllers: Vec<LiveController>,
}

/// The state of a walk.
#[derive(Debug)]
pub(crate) struct Walker {
    policy: Policy,
    identity: HostIdentity,
    exclusions: ExclusionSet,
    live: Live,
    targets: Vec<Target>,
    known: Known,
    /// Too many referrals away, unless another way to them is shorter.
    deep: Vec<Wish>,
    places: Places,
    /// Discovery controllers whose log page was read or is being read.
    read: BTreeSet<Device>,
    probes: Lane,
    connects: Lane,
    reads: Lane,
    calls: Lane,
    /// Those that were given to the kernel, in this order.
    connecting: Vec<TargetId>,
    done: usize,
    settled: Vec<TargetId>,
    interrupted: bool,
}

impl Walker {
    /// A walk to `wishes`, none of which has been looked at yet.
    pub(crate) fn new(policy: Policy, host: Host, wishes: Vec<Wish>) -> Self {
        let mut walker = Self {
            policy,
            identity: host.identity,
            exclusions: host.exclusions,
            live: Live::new(host.controllers),
            targets: Vec::new(),
            known: Known::default(),
            deep: Vec::new(),
            places: Places::default(),
            read: BTreeSet::new(),
            probes: Lane::new(PROBES),
            connects: Lane::new(CONNECTS),
            reads: Lane::new(READS),
            calls: Lane::new(CALLS),
            connecting: Vec::new(),
            done: 0,
            settled: Vec::new(),
            interrupted: false,
        };
        for wish in wishes {
            walker.admit(wish, 0);
        }
        walker
    }

    /// What to do now; call again until there is nothing more, after each event.
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        let call = self.calls.next().or_else(|| self.reads.next());
        if call.is_some() {
            return call;
        }
        let connect = self.next_connect();
        if connect.is_some() {
            return connect;
        }
        let probe = self.probes.next();
        if probe.is_none() && self.is_done() {
            self.give_up_deep_ones();
        }
        probe
    }

    /// Takes in what happened.
    pub(crate) fn handle(&mut self, event: Event) {
        match event {
            Event::Probed(place, answer) => self.probed(place, answer),
            Event::Connected(id, made) => {
                self.connects.done();
                self.connecting.retain(|it| *it != id);
                self.connected(id, made);
            }
            Event::Claimed(id, claim) => {
                self.calls.done();
                self.claimed(id, claim);
            }
            Event::Read(id, page) => {
                self.reads.done();
                self.was_read(id, page);
            }
            Event::Disconnected(id, result) => {
                self.calls.done();
                self.disconnected(id, result);
            }
            Event::Interrupted => self.interrupt(),
        }
    }

    /// Whether every target has an outcome.
    pub(crate) const fn is_done(&self) -> bool {
        self.done == self.targets.len()
    }

    /// How many have one.
    pub(crate) const fn done(&self) -> usize {
        self.done
    }

    /// Whether the user has stopped it.
    pub(crate) const fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// All targets, in the order in which they were found.
    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    pub(crate) fn target(&self, id: TargetId) -> Option<&Target> {
        self.targets.get(id.0)
    }

    /// The targets that got their outcome since the last call.
    pub(crate) fn take_settled(&mut self) -> Vec<TargetId> {
        std::mem::take(&mut self.settled)
    }

    /// The target that the kernel is connecting.
    pub(crate) fn in_the_kernel(&self) -> Option<&Target> {
        self.target(*self.connecting.first()?)
    }

    /// Begins nothing new, and takes back what is half made. What the kernel is at goes on.
    fn interrupt(&mut self) {
        self.interrupted = true;
        self.probes.drop_all();
        self.connects.drop_all();
        self.reads.drop_all();
        // Disconnects are urgent, and still to be done.
        self.calls.drop_others();
        self.deep.clear();
        for index in 0..self.targets.len() {
            let id = TargetId(index);
            let Some(target) = self.target(id) else {
                return;
            };
            let kept = target.wish.persistent == Persistence::Force;
            match &target.state {
                State::Waiting | State::Ready | State::Claiming(_) => {
                    self.settle(id, Outcome::Interrupted);
                }
                State::Reading {
                    device, made: true, ..
                } if !kept => {
                    let device = device.clone();
                    self.leave(id, device, Outcome::Interrupted);
                }
                State::Reading {
                    device,
                    made,
                    owner,
                } => {
                    let outcome = kept_outcome(*made, device, owner.clone());
                    self.settle(id, outcome);
                }
                State::Connecting | State::Leaving(_) | State::Done(_) => {}
            }
        }
    }

    fn note(&mut self, id: TargetId, note: Option<String>) {
        if let Some(target) = self.targets.get_mut(id.0) {
            target.notes.extend(note);
        }
    }

    fn set(&mut self, id: TargetId, state: State) {
        if let Some(target) = self.targets.get_mut(id.0) {
            target.state = state;
        }
    }

    fn settle(&mut self, id: TargetId, outcome: Outcome) {
        self.set(id, State::Done(outcome));
        self.done += 1;
        self.settled.push(id);
    }
}

/// Of a controller that stays.
fn kept_outcome(made: bool, device: &Device, owner: Option<Owner>) -> Outcome {
    let device = device.name.clone();
    match made {
        true => Outcome::Connected { device, owner },
        false => Outcome::AlreadyConnected { device, owner },
    }
}
