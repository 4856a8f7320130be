//! Discovery controllers that are connected only to be read, and who may be disconnected for that.

use std::collections::{BTreeMap, BTreeSet};

use discoverd_core::{ActionId, ConnectOutcome, Event};
use nvmf_types::ControllerClass;
use nvmf_types::config::Persistence;

use super::super::name::{Name, Names};

/// What the configuration says, and what was made and read since.
#[derive(Debug, Default)]
pub(in super::super) struct Visits {
    /// What the configuration names and does not want kept, and no boot table wants.
    unkept: Names,
    boot: Names,
    /// Connects for a visit; false: something wanted it otherwise since.
    asked: BTreeMap<ActionId, (Name, bool)>,
    /// Incarnations that were made for a visit.
    made: BTreeMap<u64, Name>,
    /// Those of them that nothing wanted otherwise since.
    only_visited: BTreeMap<u64, Name>,
    reads: BTreeMap<ActionId, u64>,
    read: BTreeSet<u64>,
}

impl Visits {
    /// Notes what the core is about to hear.
    pub(super) fn told(&mut self, event: &Event) {
        match event {
            Event::ConfigLoaded(config) => {
                let unkept = config.connections.iter().filter(|connection| {
                    connection.class == ControllerClass::Discovery
                        && connection.persistent == Persistence::No
                });
                self.unkept = Names::of(unkept.filter_map(|c| Name::find(&c.tid)));
                self.forget_kept();
            }
            Event::BootTablesLoaded { connections, .. } => {
                let all = connections.iter();
                self.boot = Names::of(all.filter_map(|c| Name::find(&c.tid)));
                self.forget_kept();
            }
            Event::ConnectFinished { id, outcome } => {
                let asked = self.asked.remove(id);
                let ino = match outcome {
                    ConnectOutcome::Connected { sysfs_ino, .. } => *sysfs_ino,
                    ConnectOutcome::AlreadyConnected(live) => live.sysfs_ino,
                    _ => return,
                };
                self.made.extend(asked.map(|(name, _)| (ino, name)));
                let only = asked.filter(|(_, only)| *only);
                self.only_visited.extend(only.map(|(name, _)| (ino, name)));
            }
            Event::LogFetched { id, result } => {
                let ino = self.reads.remove(id);
                self.read.extend(ino.filter(|_| result.is_ok()));
            }
            _ => {}
        }
    }

    /// What is wanted otherwise meanwhile stays.
    fn forget_kept(&mut self) {
        let visited = self.visited();
        self.only_visited.retain(|_, name| visited.has(*name));
        for (name, only) in self.asked.values_mut() {
            *only &= visited.has(*name);
        }
    }

    /// A connect is asked for.
    pub(super) fn connects(&mut self, id: ActionId, name: Name) {
        if self.visited().has(name) {
            self.asked.insert(id, (name, true));
        }
    }

    /// A log page is to be read.
    pub(super) fn reads(&mut self, id: ActionId, ino: u64) {
        self.reads.insert(id, ino);
    }

    /// Whether that controller has no reason to be there but a visit.
    pub(in super::super) fn is_visit(&self, ino: u64) -> bool {
        self.only_visited.contains_key(&ino)
    }

    /// Whether that controller may be left now.
    pub(super) fn is_over(&self, ino: u64) -> bool {
        let name = self.made.get(&ino);
        name.is_some_and(|name| self.visited().has(*name)) && self.read.contains(&ino)
    }

    const fn visited(&self) -> Names {
        self.unkept.minus(self.boot)
    }
}
