//! How what is desired changes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nvmf_types::config::Connection;
use nvmf_types::nbft::BootConnection;
use nvmf_types::{ControllerClass, FcName, Nqn, Traddr, Transport, TransportId};

use super::{Desired, Diff, MAX_DEPTH, Page, Wanted};
use crate::key::Key;
use crate::{Service, Source, Timestamp};

impl Desired {
    /// Replaces what the boot tables ask for.
    pub(crate) fn set_boot(&mut self, connections: Vec<BootConnection>) -> Diff {
        let mut boot: BTreeMap<Key, Vec<BootConnection>> = BTreeMap::new();
        for connection in connections {
            let key = Key::new(connection.class, connection.tid.clone());
            boot.entry(key).or_default().push(connection);
        }
        let before = std::mem::replace(&mut self.boot, boot);
        let now: Vec<Key> = self.boot.keys().cloned().collect();
        self.sources_changed(before.into_keys(), now)
    }

    /// Replaces the configuration. Of connections given twice the first counts.
    pub(crate) fn set_config(&mut self, connections: Vec<Connection>) -> Diff {
        let mut configured = BTreeMap::new();
        for connection in connections {
            let key = Key::new(connection.class, connection.tid.clone());
            configured.entry(key).or_insert(connection);
        }
        let before = std::mem::replace(&mut self.configured, configured);
        let now: Vec<Key> = self.configured.keys().cloned().collect();
        self.sources_changed(before.into_keys(), now)
    }

    /// Replaces what mDNS names; gives what it did not name before, too.
    pub(crate) fn set_services(&mut self, found: Vec<Service>) -> (Vec<Key>, Diff) {
        let mut services: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
        for service in found {
            let key = Key::new(ControllerClass::Discovery, service.tid);
            services.entry(key).or_default().insert(service.name);
        }
        let before = std::mem::replace(&mut self.services, services);
        let now: Vec<Key> = self.services.keys().cloned().collect();
        let new = now.iter().filter(|key| !before.contains_key(key));
        let new = new.cloned().collect();
        (new, self.sources_changed(before.into_keys(), now))
    }

    /// Adds a discovery controller that a Fibre Channel port announced; gives its name, too.
    pub(crate) fn announce(
        &mut self,
        host_traddr: FcName,
        traddr: FcName,
        now: Timestamp,
    ) -> (Key, Diff) {
        let target = Some(Traddr::Fc(traddr));
        let tid = TransportId {
            host_traddr: Some(Traddr::Fc(host_traddr)),
            ..TransportId::new(Transport::Fc, target, Nqn::discovery())
        };
        let key = Key::new(ControllerClass::Discovery, tid);
        let source = Source::FcAnnouncement {
            host_traddr,
            traddr,
        };
        let diff = match self.announced.insert(key.clone(), (source, now)) {
            Some(_) => Diff::default(),
            None => self.sources_changed([], vec![key.clone()]),
        };
        (key, diff)
    }

    /// Drops the discovery controllers that no Fibre Channel port has announced since then.
    pub(crate) fn forget_announced(&mut self, since: Timestamp) -> Diff {
        let old = self.announced.extract_if(.., |_, (_, at)| *at < since);
        let gone: Vec<Key> = old.map(|(key, _)| key).collect();
        if gone.is_empty() {
            return Diff::default();
        }
        self.sources_changed(gone, Vec::new())
    }

    /// Replaces what the log page of `dc` names. Nothing happens if `dc` is not desired.
    pub(crate) fn set_page(&mut self, dc: &Key, page: Page) -> Diff {
        let mut diff = Diff::default();
        if !self.contains(dc) {
            return diff;
        }
        let before = self.pages.remove(dc).unwrap_or_default();
        for key in before.io.difference(&page.io) {
            self.release(key, Some(dc), &mut diff);
        }
        for key in page.io.difference(&before.io) {
            self.want(key, &mut diff).named_by.insert(dc.clone());
        }
        self.changed |= page != before;
        let regrade = page.referrals != before.referrals;
        self.pages.insert(dc.clone(), page);
        if regrade {
            self.grade(&mut diff);
        }
        diff
    }

    /// Takes in that one kind of source named `before` and names `now`.
    fn sources_changed(&mut self, before: impl IntoIterator<Item = Key>, now: Vec<Key>) -> Diff {
        self.changed = true;
        let mut diff = Diff::default();
        let mut regrade = false;
        for key in before {
            if key.is_discovery() {
                regrade |= !self.has_own_source(&key);
            } else {
                self.release(&key, None, &mut diff);
            }
        }
        for key in now {
            // one that nobody wanted has no page: nothing else can depend on it
            regrade |= key.is_discovery() && self.contains(&key);
            self.want(&key, &mut diff);
        }
        if regrade {
            self.grade(&mut diff);
        }
        diff
    }

    /// Finds the discovery controllers that can be reached from a source, nearest first. Costs the
    /// number of discovery controllers and referrals.
    fn grade(&mut self, diff: &mut Diff) {
        let mut reached: BTreeMap<Key, Wanted> = BTreeMap::new();
        let mut queue = VecDeque::new();
        let dcs: Vec<Key> = self.discovery_controllers().cloned().collect();
        for key in dcs.iter().filter(|key| self.has_own_source(key)) {
            reached.insert(key.clone(), Wanted::default());
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
        for dc in dcs {
            if reached.contains_key(&dc) {
                continue;
            }
            self.wanted.remove(&dc);
            if !diff.added.remove(&dc) {
                diff.removed.insert(dc.clone());
            }
            for key in self.pages.remove(&dc).unwrap_or_default().io {
                self.release(&key, Some(&dc), diff);
            }
        }
        for (dc, wanted) in reached {
            if self.wanted.insert(dc.clone(), wanted).is_none() {
                diff.added.insert(dc);
            }
        }
    }

    /// Notes that something desires a connection.
    fn want(&mut self, key: &Key, diff: &mut Diff) -> &mut Wanted {
        self.wanted.entry(key.clone()).or_insert_with(|| {
            diff.added.insert(key.clone());
            Wanted::default()
        })
    }

    /// A source of an I/O controller is gone: the page of `dc`, or one of its own. Drops it with
    /// its last one.
    fn release(&mut self, key: &Key, dc: Option<&Key>, diff: &mut Diff) {
        let own = self.has_own_source(key);
        let Some(wanted) = self.wanted.get_mut(key) else {
            return;
        };
        if let Some(dc) = dc {
            wanted.named_by.remove(dc);
        }
        if !own && wanted.named_by.is_empty() {
            self.wanted.remove(key);
            if !diff.added.remove(key) {
                diff.removed.insert(key.clone());
            }
        }
    }
}
