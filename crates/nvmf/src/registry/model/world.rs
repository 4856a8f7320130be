//! The kernel, udev's queue and the processes.

use std::collections::{BTreeMap, BTreeSet};

use super::actors::{Actor, Task};
use super::disk::Disk;
use super::steps::{Reply, Request, Stop, replay};

/// A host at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// The controllers that there are: number and incarnation.
    pub(super) controllers: BTreeMap<u32, u64>,
    /// `/sys/kernel/uevent_seqnum`; `None` where no tool in the scenario reads it.
    seqnum: Option<u64>,
    /// Removals that udev has not handled yet, in order for each device, with their numbers.
    removals: BTreeMap<u32, Vec<Option<u64>>>,
    pub(super) disk: Disk,
    lock: Option<usize>,
    pub(super) processes: Vec<Process>,
    /// How many controllers may be lost yet, and how many processes killed.
    losses: u8,
    kills: u8,
    /// What was promised to whom: see [`super::properties`].
    pub(super) promises: Promises,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) actor: Actor,
    pub(super) state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Idle,
    /// Connecting: the uevent number is read.
    Prepared(Option<u64>),
    Running {
        task: Task,
        replies: Vec<Reply>,
        next: Request,
        locked: bool,
        /// Who owned what when it began.
        granted: BTreeMap<u64, &'static str>,
    },
    Done,
    Killed,
}

/// Who was told that he owns what, and what must not have happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Promises {
    /// Which incarnation an owner means.
    pub(super) meant: BTreeMap<&'static str, u64>,
    /// Who was told that he owns an incarnation.
    pub(super) granted: BTreeMap<u64, &'static str>,
    /// Incarnations that somebody takes or gives up, whosever they are.
    pub(super) overruled: BTreeSet<u64>,
    /// Such ones on which somebody was killed.
    pub(super) disturbed: BTreeSet<u64>,
    /// Who was shown as the owner of a live incarnation, for a moment at least.
    pub(super) shown: BTreeSet<(u64, &'static str)>,
    /// What a reader could have been told, at one moment or another since it began to read.
    pub(super) readable: BTreeMap<usize, BTreeSet<Option<String>>>,
    pub(super) broken: BTreeSet<&'static str>,
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// A process makes its next step.
    Step(usize),
    Kill(usize),
    /// A controller goes by itself.
    Lose(u32),
}

impl World {
    pub(super) fn new(actors: &[Actor], losses: u8, kills: u8) -> Self {
        let process = |actor: &Actor| Process {
            actor: *actor,
            state: State::Idle,
        };
        Self {
            controllers: BTreeMap::new(),
            seqnum: actors.iter().any(|actor| actor.is_foreign()).then_some(1),
            removals: BTreeMap::new(),
            disk: Disk::default(),
            lock: None,
            processes: actors.iter().map(process).collect(),
            losses,
            kills,
            promises: Promises::default(),
        }
    }

    /// Everything that may happen now.
    pub(super) fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (pid, process) in self.processes.iter().enumerate() {
            if self.can_step(pid) {
                events.push(Event::Step(pid));
            }
            if self.kills > 0 && matches!(process.state, State::Running { .. }) {
                events.push(Event::Kill(pid));
            }
        }
        if self.losses > 0 {
            events.extend(self.controllers.keys().map(|number| Event::Lose(*number)));
        }
        events
    }

    /// Whether nothing but losses and kills can happen any more.
    pub(super) fn is_quiet(&self) -> bool {
        !(0..self.processes.len()).any(|pid| self.can_step(pid))
    }

    pub(super) const fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    pub(super) fn nobody_was_killed(&self) -> bool {
        self.processes.iter().all(|p| p.state != State::Killed)
    }

    pub(super) fn happen(&self, event: Event) -> Self {
        let mut next = self.clone();
        match event {
            Event::Step(pid) => next.step(pid),
            Event::Kill(pid) => {
                next.kills -= 1;
                let ino = next.processes[pid].ino();
                let overruled = |ino: &u64| self.promises.overruled.contains(ino);
                next.promises.disturbed.extend(ino.filter(overruled));
                next.processes[pid].state = State::Killed;
                next.let_go(pid);
            }
            Event::Lose(number) => {
                next.losses -= 1;
                let ino = next.controllers[&number];
                next.delete(number, ino);
            }
        }
        next.watch();
        next
    }

    fn can_step(&self, pid: usize) -> bool {
        let Process { actor, state } = &self.processes[pid];
        match state {
            State::Idle => match (actor, actor.reaps(), actor.number()) {
                (_, Some(number), _) => self.removals.get(&number).is_some_and(|q| !q.is_empty()),
                (_, _, Some(number)) => self.controllers.contains_key(&number),
                (actor, ..) if actor.disconnects() => !self.controllers.is_empty(),
                _ => true,
            },
            State::Prepared(_) => true,
            State::Running { next, .. } => *next != Request::Lock || self.lock.is_none(),
            State::Done | State::Killed => false,
        }
    }

    fn step(&mut self, pid: usize) {
        let Process { actor, state } = self.processes[pid].clone();
        match state {
            State::Idle if actor.connects() && self.seqnum.is_some() => {
                self.processes[pid].state = State::Prepared(self.seqnum);
            }
            State::Idle => self.begin(pid, None),
            State::Prepared(since) => self.begin(pid, since),
            State::Running {
                task,
                mut replies,
                next,
                granted,
                ..
            } => {
                let reply = self.answer(pid, &next, &replies, &granted);
                replies.push(reply);
                self.go_on(pid, task, replies, granted);
            }
            State::Done | State::Killed => unreachable!("{actor:?}"),
        }
    }

    /// Finds out what the process is about.
    fn begin(&mut self, pid: usize, since: Option<u64>) {
        let actor = self.processes[pid].actor;
        let task = match actor {
            Actor::Connect(_) | Actor::ForeignConnect(_) => {
                let number = self.free_number();
                let ino = pid as u64 + 1;
                self.controllers.insert(number, ino);
                self.uevent();
                Task::Controller { number, ino, since }
            }
            Actor::Claim(_, number)
            | Actor::ForeignClaim(_, number)
            | Actor::Set(_, number)
            | Actor::ForeignSet(_, number)
            | Actor::ForeignDelete(number)
            | Actor::Release(_, number)
            | Actor::Collect(number)
            | Actor::Read(number) => {
                let ino = self.controllers.get(&number).copied().unwrap_or_default();
                Task::Controller { number, ino, since }
            }
            Actor::DisconnectAll | Actor::DisconnectByName | Actor::DisconnectUnowned => {
                Task::Controllers(self.controllers.clone().into_iter().collect())
            }
            Actor::Udev(number) | Actor::BlindUdev(number) | Actor::LookingUdev(number) => {
                let queue = self.removals.get_mut(&number).unwrap();
                let seqnum = queue.remove(0);
                Task::Removal { number, seqnum }
            }
        };
        if let (Some(owner), Task::Controller { ino, .. }) = (actor.owner(), &task) {
            self.promises.meant.insert(owner, *ino);
        }
        if let (true, Task::Controller { ino, .. }) = (actor.overrules(), &task) {
            self.promises.overruled.insert(*ino);
        }
        let granted = match actor.disconnects() {
            true => self.promises.granted.clone(),
            false => BTreeMap::new(),
        };
        self.go_on(pid, task, Vec::new(), granted);
    }

    /// Runs on to the next step that others can notice.
    fn go_on(
        &mut self,
        pid: usize,
        task: Task,
        mut replies: Vec<Reply>,
        granted: BTreeMap<u64, &'static str>,
    ) {
        let actor = self.processes[pid].actor;
        loop {
            match replay(&replies, |on| actor.run(&task, on)) {
                Stop::Before(next, locked) => {
                    self.hold(pid, locked);
                    if self.is_noticed(&next, locked) {
                        self.processes[pid].state = State::Running {
                            task,
                            replies,
                            next,
                            locked,
                            granted,
                        };
                        return;
                    }
                    let reply = self.answer(pid, &next, &replies, &granted);
                    replies.push(reply);
                }
                Stop::Done(outcome) => {
                    self.hold(pid, false);
                    self.processes[pid].state = match actor.reaps() {
                        Some(_) => State::Idle,
                        None => State::Done,
                    };
                    self.note(pid, &task, outcome);
                    return;
                }
            }
        }
    }

    /// Whether the order of this step and other processes' makes a difference. Hidden directories
    /// are their maker's own; and where every writer takes the lock, what its holder reads cannot
    /// change.
    fn is_noticed(&self, next: &Request, locked: bool) -> bool {
        match next {
            Request::Build(_) | Request::Destroy(_) => false,
            Request::Seqnum => self.seqnum.is_some(),
            Request::Open(_) | Request::InodeInPlace(_) | Request::Read(..) => {
                !locked || self.seqnum.is_some()
            }
            _ => true,
        }
    }

    fn answer(
        &mut self,
        pid: usize,
        request: &Request,
        replies: &[Reply],
        granted: &BTreeMap<u64, &'static str>,
    ) -> Reply {
        match request {
            Request::Lock => Reply::Unit,
            Request::Current(number) => Reply::Inode(self.controllers.get(number).copied()),
            Request::Seqnum => Reply::Inode(self.seqnum),
            Request::UnderWay(ino) => Reply::Bool(self.is_under_way(*ino)),
            Request::Delete(number, ino) => {
                self.check_delete(pid, *number, *ino, granted);
                self.delete(*number, *ino);
                Reply::Unit
            }
            // an inode that does not depend on what others did before
            other => self
                .disk
                .call(other, (pid as u64 + 1) * 100 + replies.len() as u64),
        }
    }

    /// Whether the process that made a controller for an owner is still about to register it. Its
    /// mark is there before the controller, and goes with the process.
    fn is_under_way(&self, ino: u64) -> bool {
        let mut processes = self.processes.iter();
        processes.any(|p| matches!(p.actor, Actor::Connect(_)) && p.ino() == Some(ino))
    }

    fn hold(&mut self, pid: usize, locked: bool) {
        match locked {
            true => self.lock = Some(pid),
            false => self.let_go(pid),
        }
    }

    fn let_go(&mut self, pid: usize) {
        if self.lock == Some(pid) {
            self.lock = None;
        }
    }

    /// The lowest number that no controller has and no connecting process holds.
    fn free_number(&self) -> u32 {
        let held: BTreeSet<u32> = self.processes.iter().filter_map(Process::pins).collect();
        let is_free = |n: &u32| !self.controllers.contains_key(n) && !held.contains(n);
        (0..).find(is_free).unwrap()
    }

    fn delete(&mut self, number: u32, ino: u64) {
        if self.controllers.get(&number) == Some(&ino) {
            self.controllers.remove(&number);
            self.uevent();
            self.removals.entry(number).or_default().push(self.seqnum);
        }
    }

    fn uevent(&mut self) {
        self.seqnum = self.seqnum.map(|seqnum| seqnum + 1);
    }
}

impl Process {
    /// The number that it keeps from being given away: its `/dev/nvme-fabrics` is open.
    fn pins(&self) -> Option<u32> {
        match &self.state {
            State::Running {
                task: Task::Controller { number, .. },
                ..
            } if self.actor.connects() => Some(*number),
            _ => None,
        }
    }

    /// The incarnation that it is about.
    pub(super) fn ino(&self) -> Option<u64> {
        match &self.state {
            State::Running {
                task: Task::Controller { ino, .. },
                ..
            } => Some(*ino),
            _ => None,
        }
    }
}
