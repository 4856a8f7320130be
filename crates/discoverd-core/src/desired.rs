//! What is desired, and by whom: boot tables, the configuration, announcements over Fibre Channel
//! and mDNS, and what the discovery log pages of desired discovery controllers name, referrals
//! followed.
//!
//! Every discovery controller has a depth: 0 if a source of its own has it, else one more than the
//! nearest one that refers to it, at most [`MAX_DEPTH`]. What cannot be reached from a source any
//! more is not desired, so a ring of referrals does not keep itself alive.

mod change;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use nvmf_types::config::{Connection, Persistence, Scope};
use nvmf_types::nbft::BootConnection;
use nvmf_types::{ConnectOptions, ControllerClass, TransportId};

use crate::key::Key;
use crate::{Source, Timestamp};

/// Referrals are followed this far from a source.
pub(crate) const MAX_DEPTH: u8 = 8;

/// What is desired.
#[derive(Debug, Default)]
pub(crate) struct Desired {
    /// A connection may stand in several tables, and in one table twice.
    boot: BTreeMap<Key, Vec<BootConnection>>,
    configured: BTreeMap<Key, Connection>,
    /// Discovery controllers that Fibre Channel ports announced, and when they last did.
    announced: BTreeMap<Key, (Source, Timestamp)>,
    /// Discovery controllers by the names of the mDNS services that lead there.
    services: BTreeMap<Key, BTreeSet<String>>,
    /// What the log pages of desired discovery controllers name.
    pages: BTreeMap<Key, Page>,
    wanted: BTreeMap<Key, Wanted>,
    /// Who desires what is other than it was when this was taken.
    pub(crate) changed: bool,
}

/// What a log page names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) io: BTreeSet<Key>,
    pub(crate) referrals: BTreeSet<Key>,
    /// Those of both that accept nothing but TLS.
    pub(crate) secured: BTreeSet<Key>,
}

/// Who desires one connection, besides the sources of its own.
#[derive(Debug, Default)]
struct Wanted {
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

    /// Whether a boot table desires it.
    pub(crate) fn is_boot(&self, key: &Key) -> bool {
        self.boot.contains_key(key)
    }

    /// Whether the configuration desires it.
    pub(crate) fn is_configured(&self, key: &Key) -> bool {
        self.configured.contains_key(key)
    }

    /// Whether only what may vanish by itself desires it.
    pub(crate) fn is_dynamic(&self, key: &Key) -> bool {
        !self.is_boot(key) && !self.is_configured(key)
    }

    /// Whether it is desired other than by log pages.
    fn has_own_source(&self, key: &Key) -> bool {
        self.is_boot(key)
            || self.is_configured(key)
            || self.announced.contains_key(key)
            || self.services.contains_key(key)
    }

    /// The discovery controllers that are desired.
    pub(crate) fn discovery_controllers(&self) -> impl Iterator<Item = &Key> {
        self.wanted.keys().take_while(|key| key.is_discovery())
    }

    /// How many things are known: connections, and what pages name.
    pub(crate) fn size(&self) -> usize {
        let named = self.pages.values().map(|p| p.io.len() + p.referrals.len());
        self.boot.len()
            + self.configured.len()
            + self.announced.len()
            + self.services.len()
            + named.sum::<usize>()
    }

    /// Who desires the connection.
    pub(crate) fn sources(&self, key: &Key) -> Vec<Source> {
        let mut sources = self.own_sources(key);
        let named_by = self.wanted.get(key).map(|wanted| &wanted.named_by);
        let pages = named_by.into_iter().flatten().map(|dc| Source::LogPage {
            dc: dc.tid().clone(),
            from: self.nearest_source(dc, 0).map(Box::new),
        });
        sources.extend(pages);
        sources
    }

    fn own_sources(&self, key: &Key) -> Vec<Source> {
        let boot = self.boot.get(key).into_iter().flatten();
        let boot = boot.map(|boot| Source::BootTable(boot.origin.clone()));
        let configured = self.configured.get(key);
        let configured = configured.map(|c| Source::Configuration(c.origin.clone()));
        let announced = self.announced.get(key);
        let announced = announced.map(|(source, _)| source.clone());
        let services = self.services.get(key).into_iter().flatten();
        let services = services.map(|name| Source::Service(name.clone()));
        boot.chain(configured)
            .chain(announced)
            .chain(services)
            .collect()
    }

    /// The source of a discovery controller by the shortest way.
    fn nearest_source(&self, dc: &Key, turn: u8) -> Option<Source> {
        if let Some(own) = self.own_sources(dc).into_iter().next() {
            return Some(own);
        }
        let parent = self.parent(dc).filter(|_| turn <= MAX_DEPTH)?;
        Some(Source::LogPage {
            dc: parent.tid().clone(),
            from: self.nearest_source(parent, turn + 1).map(Box::new),
        })
    }

    /// The options to connect with: the configuration's, or the boot table's, or what the nearest
    /// discovery controller that names it inherited for its log page. What a boot table or a log
    /// page demands holds in any case.
    pub(crate) fn options(&self, key: &Key) -> ConnectOptions {
        let mut options = self.inherited_options(key);
        for boot in self.boot.get(key).into_iter().flatten() {
            options.hdr_digest = options.hdr_digest.or(boot.options.hdr_digest);
            options.data_digest = options.data_digest.or(boot.options.data_digest);
            options.tls = options.tls.or(boot.options.tls);
        }
        if self.is_secured(key) {
            options.tls = Some(true);
        }
        options
    }

    fn inherited_options(&self, key: &Key) -> ConnectOptions {
        if let Some(connection) = self.configured.get(key) {
            return connection.options.clone();
        }
        self.inherited_scope(key)
            .map(|scope| match key.class() {
                ControllerClass::Io => scope.io.clone(),
                ControllerClass::Discovery => scope.dc.clone(),
            })
            .unwrap_or_default()
    }

    /// Whether a discovery controller stays connected when its log page was read. The configuration
    /// can say no, for what it names or for what inherits from that; boot tables cannot.
    pub(crate) fn is_kept(&self, key: &Key) -> bool {
        if !key.is_discovery() || self.is_boot(key) {
            return true;
        }
        let said = match self.configured.get(key) {
            Some(connection) => Some(connection.persistent),
            None => self.inherited_scope(key).map(|scope| scope.persistent),
        };
        said != Some(Persistence::No)
    }

    /// Whether a log page that names it says that nothing but TLS is accepted. An administrator's
    /// own line about it counts more.
    fn is_secured(&self, key: &Key) -> bool {
        let said = self.configured.get(key).and_then(|c| c.options.tls);
        let named_by = self.wanted.get(key).map(|wanted| &wanted.named_by);
        let mut pages = named_by
            .into_iter()
            .flatten()
            .filter_map(|dc| self.pages.get(dc));
        said.is_none() && pages.any(|page| page.secured.contains(key))
    }

    /// Further ways to the same controller, to be tried after the connection's own: other
    /// addresses of the configured host name, and the interface's present address instead of the
    /// one that the firmware had.
    pub(crate) fn alternatives(&self, key: &Key) -> Vec<TransportId> {
        let configured = self.configured.get(key).map(Connection::tids);
        let mut tids: Vec<TransportId> = configured.into_iter().flatten().skip(1).collect();
        let boot = self.boot.get(key).into_iter().flatten();
        let free = boot.filter(|boot| boot.retry_without_host_traddr);
        tids.extend(free.map(|boot| boot.without_host_traddr().tid));
        for tid in &mut tids {
            *tid = Key::new(key.class(), tid.clone()).tid().clone();
        }
        tids.dedup();
        tids
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

    /// What a connection inherits that only log pages name.
    fn inherited_scope(&self, key: &Key) -> Option<&Scope> {
        self.scope(self.parent(key)?)
    }

    /// The discovery controller that counts for what a log page's connection inherits.
    fn parent(&self, key: &Key) -> Option<&Key> {
        let named_by = &self.wanted.get(key)?.named_by;
        named_by.iter().min_by_key(|dc| self.depth(dc))
    }

    /// The scope of the file that configured a discovery controller, or the nearest one that leads
    /// to it.
    fn scope(&self, dc: &Key) -> Option<&Scope> {
        let mut dc = dc;
        // The nearest one that refers to a discovery controller is nearer than itself.
        for _ in 0..=MAX_DEPTH {
            if let Some(connection) = self.configured.get(dc) {
                return Some(&connection.inherits);
            }
            if self.has_own_source(dc) {
                return None;
            }
            dc = self.parent(dc)?;
        }
        None
    }

    fn depth(&self, dc: &Key) -> u8 {
        self.wanted.get(dc).map_or(MAX_DEPTH, |wanted| wanted.depth)
    }
}
