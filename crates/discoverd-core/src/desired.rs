//! What is desired, and by whom: the configuration, and what the discovery log pages of desired
//! discovery controllers name, referrals followed.
//!
//! Every discovery controller has a depth: 0 if the configuration has it, else one more than the
//! nearest one that refers to it, at most [`MAX_DEPTH`]. What cannot be reached from the
//! configuration any more is not desired, so a ring of referrals does not keep itself alive.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nvmf_types::config::{Connection, Scope};
use nvmf_types::{ConnectOptions, ControllerClass, TransportId};

use crate::key::Key;

/// Referrals are followed this far from the configuration.
pub(crate) const MAX_DEPTH: u8 = 8;

/// What is desired.
#[derive(Debug, Default)]
pub(crate) struct Desired {
    configured: BTreeMap<Key, Connection>,
    /// What the log pages of desired discovery controllers name.
    pages: BTreeMap<Key, Page>,
    wanted: BTreeMap<Key, Wanted>,
}

#[derive(Debug, Default)]
struct Page {
    io: BTreeSet<Key>,
    referrals: BTreeSet<Key>,
}

/// Who desires one connection; at least one of both.
#[derive(Debug, Default)]
struct Wanted {
    configured: bool,
    named_by: BTreeSet<Key>,
    /// Of a discovery controller.
    depth: u8,
}

/// How what is desired changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Diff {
    /// Desired from now on.
    pub(crate) added: BTreeSet<Key>,
    /// Not desired any more.
    pub(crate) removed: BTreeSet<Key>,
}

impl Desired {
    /// Whether anything desires the connection.
    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.wanted.contains_key(key)
    }

    /// Whether the configuration desires it.
    pub(crate) fn is_configured(&self, key: &Key) -> bool {
        self.configured.contains_key(key)
    }

    /// The discovery controllers that are desired.
    pub(crate) fn discovery_controllers(&self) -> impl Iterator<Item = &Key> {
        self.wanted.keys().take_while(|key| key.is_discovery())
    }

    /// The configuration's connections.
    pub(crate) fn configured(&self) -> impl Iterator<Item = &Connection> {
        self.configured.values()
    }

    /// Who desires the connection, for people.
    pub(crate) fn sources(&self, key: &Key) -> Vec<String> {
        let configured = self.configured.get(key).map(|c| c.origin.to_string());
        let named_by = self.wanted.get(key).map(|wanted| &wanted.named_by);
        let pages = named_by.into_iter().flatten().map(page_name);
        configured.into_iter().chain(pages).collect()
    }

    /// The options to connect with: the configuration's, or what the nearest discovery controller
    /// that names it inherited for its log page.
    pub(crate) fn options(&self, key: &Key) -> ConnectOptions {
        if let Some(connection) = self.configured.get(key) {
            return connection.options.clone();
        }
        let scope = self.parent(key).and_then(|dc| self.scope(dc));
        scope
            .map(|scope| match key.class() {
                ControllerClass::Io => scope.io.clone(),
                ControllerClass::Discovery => scope.dc.clone(),
            })
            .unwrap_or_default()
    }

    /// The transport id from which the log page of `dc` inherits.
    pub(crate) fn via(&self, dc: &Key) -> TransportId {
        let mut via = dc.tid().clone();
        if let Some(scope) = self.scope(dc) {
            via.hostnqn = scope.hostnqn.clone().or(via.hostnqn);
            via.hostid = scope.hostid.or(via.hostid);
        }
        via
    }

    /// Replaces the configuration. Of connections given twice the first counts.
    pub(crate) fn set_config(&mut self, connections: Vec<Connection>) -> Diff {
        let mut diff = Diff::default();
        let mut configured = BTreeMap::new();
        for connection in connections {
            let key = Key::new(connection.class, connection.tid.clone());
            configured.entry(key).or_insert(connection);
        }
        let before = std::mem::replace(&mut self.configured, configured);
        for key in before.keys().filter(|key| !key.is_discovery()) {
            if !self.configured.contains_key(key) {
                self.release(key, &mut diff, |wanted| wanted.configured = false);
            }
        }
        let io = self.configured.keys().filter(|key| !key.is_discovery());
        for key in io {
            let wanted = self.wanted.entry(key.clone()).or_insert_with(|| {
                diff.added.insert(key.clone());
                Wanted::default()
            });
            wanted.configured = true;
        }
        self.grade(&mut diff);
        diff
    }

    /// Replaces what the log page of `dc` names. Nothing happens if `dc` is not desired.
    pub(crate) fn set_page(&mut self, dc: &Key, named: BTreeSet<Key>) -> Diff {
        let mut diff = Diff::default();
        if !self.contains(dc) {
            return diff;
        }
        let (referrals, io) = named.into_iter().partition(Key::is_discovery);
        let page = Page { io, referrals };
        let before = self.pages.remove(dc).unwrap_or_default();
        for key in before.io.difference(&page.io) {
            self.release(key, &mut diff, |wanted| {
                wanted.named_by.remove(dc);
            });
        }
        for key in page.io.difference(&before.io) {
            let wanted = self.wanted.entry(key.clone()).or_insert_with(|| {
                diff.added.insert(key.clone());
                Wanted::default()
            });
            wanted.named_by.insert(dc.clone());
        }
        let regrade = page.referrals != before.referrals;
        self.pages.insert(dc.clone(), page);
        if regrade {
            self.grade(&mut diff);
        }
        diff
    }

    /// Finds the discovery controllers that can be reached from the configuration, nearest first.
    /// Costs the number of discovery controllers and referrals.
    fn grade(&mut self, diff: &mut Diff) {
        let mut reached: BTreeMap<Key, Wanted> = BTreeMap::new();
        let mut queue = VecDeque::new();
        for key in self.configured.keys().filter(|key| key.is_discovery()) {
            let wanted = Wanted {
                configured: true,
                ..Wanted::default()
            };
            reached.insert(key.clone(), wanted);
            queue.push_back((key.clone(), 0));
        }
        while let Some((dc, depth)) = queue.pop_front() {
            let referrals = self.pages.get(&dc).map(|page| &page.referrals);
            for key in referrals.into_iter().flatten() {
                if depth == MAX_DEPTH || *key == dc {
                    continue;
                }
                let wanted = reached.entry(key.clone()).or_insert_with(|| {
                    queue.push_back((key.clone(), depth + 1));
                    Wanted {
                        depth: depth + 1,
                        ..Wanted::default()
                    }
                });
                wanted.named_by.insert(dc.clone());
            }
        }
        let before: Vec<Key> = self.discovery_controllers().cloned().collect();
        for dc in before {
            if reached.contains_key(&dc) {
                continue;
            }
            self.wanted.remove(&dc);
            diff.removed.insert(dc.clone());
            for key in self.pages.remove(&dc).unwrap_or_default().io {
                self.release(&key, diff, |wanted| {
                    wanted.named_by.remove(&dc);
                });
            }
        }
        for (dc, wanted) in reached {
            if self.wanted.insert(dc.clone(), wanted).is_none() {
                diff.added.insert(dc);
            }
        }
    }

    /// Takes one source away from an I/O controller, and drops it with its last one.
    fn release(&mut self, key: &Key, diff: &mut Diff, take: impl FnOnce(&mut Wanted)) {
        let Some(wanted) = self.wanted.get_mut(key) else {
            return;
        };
        take(wanted);
        if !wanted.configured && wanted.named_by.is_empty() {
            self.wanted.remove(key);
            if !diff.added.remove(key) {
                diff.removed.insert(key.clone());
            }
        }
    }

    /// The discovery controller that counts for what a log page's connection inherits.
    fn parent(&self, key: &Key) -> Option<&Key> {
        let named_by = &self.wanted.get(key)?.named_by;
        named_by.iter().min_by_key(|dc| self.depth(dc))
    }

    fn scope(&self, dc: &Key) -> Option<&Scope> {
        let mut dc = dc;
        // The nearest one that refers to a discovery controller is nearer than itself.
        for _ in 0..=MAX_DEPTH {
            if let Some(connection) = self.configured.get(dc) {
                return Some(&connection.inherits);
            }
            dc = self.parent(dc)?;
        }
        None
    }

    fn depth(&self, dc: &Key) -> u8 {
        self.wanted.get(dc).map_or(MAX_DEPTH, |wanted| wanted.depth)
    }
}

fn page_name(dc: &Key) -> String {
    format!("discovery log page of {}", dc.tid().log_form())
}

#[cfg(test)]
mod tests {
    use nvmf_types::Origin;

    use super::*;

    fn dc(n: u8) -> Key {
        let nqn = "nqn.2014-08.org.nvmexpress.discovery";
        let tid = format!("transport=tcp;traddr=192.0.2.{n};nqn={nqn}");
        Key::new(ControllerClass::Discovery, tid.parse().unwrap())
    }

    fn io(n: u8) -> Key {
        let tid = format!("transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.org.example:{n}");
        Key::new(ControllerClass::Io, tid.parse().unwrap())
    }

    fn connection(key: &Key, line: usize) -> Connection {
        let mut inherits = Scope::default();
        inherits.io.keep_alive_tmo = u32::try_from(line).ok();
        Connection {
            inherits,
            ..Connection::new(key.tid().clone(), key.class(), Origin::new("f", line))
        }
    }

    fn configured(keys: &[Key]) -> Vec<Connection> {
        let lines = keys.iter().zip(1..);
        lines.map(|(key, line)| connection(key, line)).collect()
    }

    fn set(keys: &[Key]) -> BTreeSet<Key> {
        keys.iter().cloned().collect()
    }

    fn all(desired: &Desired) -> Vec<Key> {
        desired.wanted.keys().cloned().collect()
    }

    #[test]
    fn a_spelled_out_default_port_is_the_same_connection() {
        let tid = "transport=tcp;traddr=192.0.2.1;trsvcid=4420;nqn=nqn.2014-08.org.example:1";
        assert_eq!(Key::new(ControllerClass::Io, tid.parse().unwrap()), io(1));
        assert_eq!(io(1).tid().to_string(), tid);
    }

    #[test]
    fn the_last_source_counts() {
        let mut desired = Desired::default();
        desired.set_config(configured(&[dc(1), dc(2), io(1)]));
        let diff = desired.set_page(&dc(1), set(&[io(1), io(2)]));
        assert_eq!(diff.added, set(&[io(2)]));
        desired.set_page(&dc(2), set(&[io(2)]));
        assert_eq!(desired.sources(&io(1)).len(), 2);
        assert_eq!(desired.sources(&io(1))[0], "f:3");
        assert_eq!(
            desired.sources(&io(2))[1],
            "discovery log page of (tcp, 192.0.2.2, 8009, nqn.2014-08.org.nvmexpress.discovery)"
        );
        assert_eq!(desired.set_page(&dc(1), set(&[])), Diff::default());
        let diff = desired.set_config(configured(&[dc(1)]));
        assert_eq!(diff.removed, set(&[dc(2), io(1), io(2)]));
        assert_eq!(all(&desired), [dc(1)]);
    }

    #[test]
    fn a_ring_of_referrals_does_not_keep_itself() {
        let mut desired = Desired::default();
        desired.set_config(configured(&[dc(1)]));
        assert_eq!(
            desired.set_page(&dc(1), set(&[dc(1), dc(2)])).added,
            set(&[dc(2)])
        );
        assert_eq!(
            desired.set_page(&dc(2), set(&[dc(3), io(2)])).added,
            set(&[dc(3), io(2)])
        );
        assert_eq!(
            desired.set_page(&dc(3), set(&[dc(2), dc(1)])),
            Diff::default()
        );
        let diff = desired.set_page(&dc(1), set(&[]));
        assert_eq!(diff.removed, set(&[dc(2), dc(3), io(2)]));
        assert_eq!(all(&desired), [dc(1)]);
        assert_eq!(
            desired.set_page(&dc(2), set(&[io(3)])),
            Diff::default(),
            "not desired"
        );
    }

    #[test]
    fn depth_is_bounded_and_follows_the_shortest_way() {
        let mut desired = Desired::default();
        desired.set_config(configured(&[dc(0)]));
        for n in 0..20 {
            desired.set_page(&dc(n), set(&[dc(n + 1)]));
        }
        assert_eq!(all(&desired).len(), usize::from(MAX_DEPTH) + 1);
        let diff = desired.set_page(&dc(0), set(&[dc(1), dc(8)]));
        assert_eq!(diff.added, set(&[dc(9)]), "dc 8 is nearer now");
    }

    #[test]
    fn discovered_ones_inherit_from_the_nearest() {
        let mut desired = Desired::default();
        desired.set_config(configured(&[dc(9), dc(1)]));
        desired.set_page(&dc(9), set(&[dc(5)]));
        desired.set_page(&dc(5), set(&[io(1), io(2)]));
        assert_eq!(
            desired.options(&io(1)).keep_alive_tmo,
            Some(1),
            "by referral from dc 9"
        );
        desired.set_page(&dc(1), set(&[io(1)]));
        assert_eq!(
            desired.options(&io(1)).keep_alive_tmo,
            Some(2),
            "by dc 1 itself"
        );
        assert_eq!(desired.options(&io(2)).keep_alive_tmo, Some(1));
        assert_eq!(desired.options(&dc(5)), ConnectOptions::default());
    }
}
