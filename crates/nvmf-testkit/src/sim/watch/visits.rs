//! Discovery controllers that are connected only to be read, and who may be disconnected for that.

use std::collections::{BTreeMap, BTreeSet};

use discoverd_core::{ActionId, ConnectOutcome, Event};
use nvmf_types::ControllerClass;
use nvmf_types::config::Persistence;

use super::super::name::{Name, Names};

/// What the configuration says, and what was made and read since.
#[derive(Debug, Default)]
pub(in super::super) struct Visits {
    /// What the configuration names, and what of that it does not want kept.
    configured: Names,
    unkept: Names,
    boot: Names,
    /// Connects for a visit; false: it was not configured since.
    asked: BTreeMap<ActionId, (Name, bool)>,
    /// Incarnations that were made for a visit, and that nothing wanted kept since.
    made: BTreeMap<u64, Name>,
    /// Those of them that were configured ever since.
    only_visited: BTreeMap<u64, Name>,
    reads: BTreeMap<ActionId, u64>,
    read: BTreeSet<u64>,
}

impl Visits {
    /// Notes what the core is about to hear.
    pub(super) fn told(&mut self, event: &Event) {
        match event {
            Event::ConfigLoaded(config) => {
                let all = config.connections.iter();
                self.configured = Names::of(all.filter_map(|c| Name::find(&c.tid)));
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
                let Some((name, only)) = self.asked.remove(id) else {
                    return;
                };
                match outcome {
                    ConnectOutcome::Connected { sysfs_ino, .. } => {
                        self.made.insert(*sysfs_ino, name);
                        self.only_visited.extend(only.then_some((*sysfs_ino, name)));
                    }
                    // an attempt without an answer may have made it
                    ConnectOutcome::AlreadyConnected(live) => {
                        self.made.insert(live.sysfs_ino, name);
                    }
                    _ => {}
                }
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
        let (visited, kept) = (self.visited(), self.kept());
        self.only_visited.retain(|_, name| visited.has(*name));
        self.made.retain(|_, name| !kept.has(*name));
        self.asked.retain(|_, (name, _)| !kept.has(*name));
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

    /// Whether that controller may be left now: it was read, or is not configured any more.
    pub(super) fn is_over(&self, ino: u64) -> bool {
        let name = self.made.get(&ino);
        name.is_some_and(|name| self.read.contains(&ino) || !self.configured.has(*name))
    }

    const fn visited(&self) -> Names {
        self.unkept.minus(self.boot)
    }

    const fn kept(&self) -> Names {
        self.configured.minus(self.unkept).plus(self.boot)
    }
}
