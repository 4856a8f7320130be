//! From tables to the connections that they ask for.

use std::net::IpAddr;

use thiserror::Error;

use super::{
    BootEntry, BootOrigin, BootUri, Discovery, ExtendedInfo, Hfi, MacAddr, Nbft, Requirement,
    SubsystemNamespace, UriError,
};
use crate::{
    ConnectOptions, ControllerClass, HostIdentity, Nqn, Traddr, Transport, TransportId, Trsvcid,
};

/// A table and the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootTable {
    /// `NBFT`, `NBFT1`, …
    pub name: String,
    /// What it says.
    pub table: Nbft,
}

/// A connection that a table asks for: one path, through one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootConnection {
    /// What to connect. host-iface is not set and a link-local address has no scope before
    /// [`Self::through`] adds them; host-traddr is what the firmware had, hostnqn and hostid are set
    /// where the table's count.
    pub tid: TransportId,
    /// A discovery controller's log page is to be followed.
    pub class: ControllerClass,
    /// TLS and digests, where the table demands them.
    pub options: ConnectOptions,
    /// Whether the interface may have got another address since: where connecting fails, it is to
    /// be tried once more [`Self::without_host_traddr`].
    pub retry_without_host_traddr: bool,
    /// The interface; `None`: whichever the route leads to.
    pub interface: Option<BootInterface>,
    /// Whether the controller demands authentication. The table cannot carry the secret.
    pub authentication: bool,
    /// Where it stands.
    pub origin: BootOrigin,
}

/// How an interface is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootInterface {
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// Its VLAN id; 0: none.
    pub vlan: u16,
}

/// An entry that is not connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotConnected {
    /// Where it stands.
    pub origin: BootOrigin,
    /// Name of the subsystem.
    pub nqn: Nqn,
    /// Why it is not.
    pub reason: SkipReason,
}

impl NotConnected {
    /// A line for people; `None`: it is not worth one, because another entry stands for it.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let Self {
            origin,
            nqn,
            reason,
        } = self;
        match reason {
            SkipReason::DiscoveryEntry(_) | SkipReason::Followed(_) => None,
            _ => Some(format!("{origin}: `{nqn}` is not connected: {reason}")),
        }
    }
}

/// Why an entry is not connected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// The firmware says that it could not have it.
    #[error("the firmware marked it as unavailable{}", .0.map(|why| format!(" ({why})")).unwrap_or_default())]
    Unavailable(Option<&'static str>),
    /// The address consists of zeros.
    #[error("it has no address")]
    NoAddress,
    /// It names a discovery controller that has an entry of its own.
    #[error("it stands for entry Discovery {0}, which is followed by itself")]
    DiscoveryEntry(u8),
    /// What it led to has entries of its own.
    #[error("what it led the firmware to has an entry of its own: {0}")]
    Followed(BootEntry),
    /// An address that cannot be connected to.
    #[error(transparent)]
    Uri(#[from] UriError),
}

/// What tables ask to be connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootPlan {
    /// The connections, each once, subsystems of a table before its discovery controllers.
    pub connections: Vec<BootConnection>,
    /// The entries that are not connected.
    pub not_connected: Vec<NotConnected>,
}

impl BootPlan {
    /// The connections of all `tables`.
    ///
    /// The host's name and id are the table's, whether an administrator or the firmware chose
    /// them: it is to this name that the target gave access at boot, and the name that the system
    /// has for itself is often another.
    #[must_use]
    pub fn new(tables: &[BootTable]) -> Self {
        let mut plan = Self::default();
        for BootTable { name, table } in tables {
            let identity = identity(table);
            let planner = Planner {
                name,
                table,
                identity,
            };
            for entry in &table.subsystems {
                planner.subsystem(entry, &mut plan);
            }
            for entry in &table.discovery {
                planner.discovery(entry, &mut plan);
            }
        }
        plan
    }

    fn add(&mut self, new: BootConnection) {
        let same = |old: &&mut BootConnection| {
            old.tid == new.tid && old.class == new.class && old.interface == new.interface
        };
        let Some(old) = self.connections.iter_mut().find(same) else {
            self.connections.push(new);
            return;
        };
        // another namespace of the same controller: what either demands counts
        old.options.hdr_digest = old.options.hdr_digest.or(new.options.hdr_digest);
        old.options.data_digest = old.options.data_digest.or(new.options.data_digest);
        old.options.tls = old.options.tls.or(new.options.tls);
        old.authentication |= new.authentication;
        old.retry_without_host_traddr |= new.retry_without_host_traddr;
        if let (BootEntry::Ssns(indexes), BootEntry::Ssns(more)) =
            (&mut old.origin.entry, new.origin.entry)
            && old.origin.table == new.origin.table
        {
            indexes.extend(more);
        }
    }
}

impl BootConnection {
    /// The connection through the interface `name`, which has [`Self::interface`]'s address.
    #[must_use]
    pub fn through(&self, name: &str) -> Self {
        let mut bound = self.clone();
        if bound.tid.transport == Transport::Tcp {
            bound.tid.host_iface = Some(name.to_owned());
        }
        for traddr in [&mut bound.tid.traddr, &mut bound.tid.host_traddr] {
            if let Some(Traddr::Ip {
                addr: IpAddr::V6(addr),
                scope,
            }) = traddr
                && addr.is_unicast_link_local()
            {
                *scope = Some(name.to_owned());
            }
        }
        bound
    }

    /// The connection from whatever address the interface has now.
    #[must_use]
    pub fn without_host_traddr(&self) -> Self {
        let mut free = self.clone();
        free.tid.host_traddr = None;
        free.retry_without_host_traddr = false;
        free
    }
}

/// An id without a name is left out: the kernel takes one id for each name only (Linux
/// `drivers/nvme/host/fabrics.c`, `nvmf_host_add`), and that name would be the system's own.
fn identity(table: &Nbft) -> HostIdentity {
    let host = table.host.as_ref();
    let named = host.and_then(|host| Some((host.nqn.clone()?, host.id)));
    named.map_or_else(HostIdentity::default, |(hostnqn, hostid)| HostIdentity {
        hostnqn: Some(hostnqn),
        hostid,
    })
}

/// One table's way into the plan.
struct Planner<'a> {
    name: &'a str,
    table: &'a Nbft,
    identity: HostIdentity,
}

/// What an entry wants, whatever the interface.
struct Wish {
    class: ControllerClass,
    transport: Transport,
    traddr: Traddr,
    trsvcid: Option<Trsvcid>,
    nqn: Nqn,
    security: Option<u8>,
    options: ConnectOptions,
}

impl Planner<'_> {
    fn subsystem(&self, entry: &SubsystemNamespace, plan: &mut BootPlan) {
        let origin = self.origin(BootEntry::Ssns(vec![entry.index]), None);
        if let Some(reason) = self.reason_against(entry) {
            plan.not_connected.push(NotConnected {
                origin,
                nqn: entry.nqn.clone(),
                reason,
            });
            return;
        }
        let class = if entry.nqn.is_discovery() {
            ControllerClass::Discovery
        } else {
            ControllerClass::Io
        };
        let wish = Wish {
            class,
            transport: Transport::Tcp,
            traddr: Traddr::from_ip(entry.traddr),
            trsvcid: entry.trsvcid,
            nqn: entry.nqn.clone(),
            security: entry.security,
            options: ConnectOptions {
                hdr_digest: entry.header_digest.then_some(true),
                data_digest: entry.data_digest.then_some(true),
                ..ConnectOptions::default()
            },
        };
        let hfis = entry.hfis.iter().filter_map(|index| self.table.hfi(*index));
        let mut paths = 0;
        for hfi in hfis {
            plan.add(self.connection(&wish, Some(hfi), &origin));
            paths += 1;
        }
        if paths == 0 {
            plan.add(self.connection(&wish, None, &origin));
        }
    }

    fn reason_against(&self, entry: &SubsystemNamespace) -> Option<SkipReason> {
        if entry.unavailable {
            return Some(SkipReason::Unavailable(
                entry.extended.as_ref().and_then(ExtendedInfo::naed_str),
            ));
        }
        if entry.traddr.is_unspecified() {
            return Some(SkipReason::NoAddress);
        }
        let by_itself = entry.discovery.filter(|_| entry.nqn.is_discovery());
        by_itself.map(SkipReason::DiscoveryEntry)
    }

    fn discovery(&self, entry: &Discovery, plan: &mut BootPlan) {
        let origin = self.origin(BootEntry::Discovery(entry.index), None);
        let nqn = entry.nqn.clone().unwrap_or_else(Nqn::discovery);
        let uri = match (self.followed(entry), entry.uri.parse::<BootUri>()) {
            (None, Ok(uri)) if uri.traddr.ip().is_some_and(|ip| !ip.is_unspecified()) => uri,
            (followed, uri) => {
                let reason = followed.map_or_else(
                    || uri.err().map_or(SkipReason::NoAddress, SkipReason::Uri),
                    SkipReason::Followed,
                );
                plan.not_connected.push(NotConnected {
                    origin,
                    nqn,
                    reason,
                });
                return;
            }
        };
        let wish = Wish {
            class: ControllerClass::Discovery,
            transport: uri.transport,
            traddr: uri.traddr,
            trsvcid: uri.trsvcid,
            nqn,
            security: entry.security,
            options: ConnectOptions::default(),
        };
        let hfi = entry.hfi.and_then(|index| self.table.hfi(index));
        plan.add(self.connection(&wish, hfi, &origin));
    }

    /// The namespaces that a discovery controller led the firmware to. An unavailable one, or one
    /// that only stands for the discovery controller, was not found by it.
    fn followed(&self, entry: &Discovery) -> Option<BootEntry> {
        let found = self.table.subsystems.iter().filter(|ssns| {
            ssns.discovery == Some(entry.index) && !ssns.unavailable && !ssns.nqn.is_discovery()
        });
        let found: Vec<u16> = found.map(|ssns| ssns.index).collect();
        (!found.is_empty()).then_some(BootEntry::Ssns(found))
    }

    fn connection(&self, wish: &Wish, hfi: Option<&Hfi>, origin: &BootOrigin) -> BootConnection {
        let host_traddr = hfi.map(|hfi| hfi.ip_address).filter(|ours| {
            let theirs = wish.traddr.ip();
            !ours.is_unspecified() && theirs.is_some_and(|ip| ip.is_ipv4() == ours.is_ipv4())
        });
        let profile = wish.security.and_then(|index| self.table.security(index));
        let tls = profile.is_some_and(|p| p.secure_channel == Requirement::Required);
        let default_port = wish.transport.default_port(wish.class);
        BootConnection {
            tid: TransportId {
                trsvcid: wish
                    .trsvcid
                    .or(default_port.and_then(|port| Trsvcid::from_port(port).ok())),
                host_traddr: host_traddr.map(Traddr::from_ip),
                hostnqn: self.identity.hostnqn.clone(),
                hostid: self.identity.hostid,
                ..TransportId::new(wish.transport, Some(wish.traddr.clone()), wish.nqn.clone())
            },
            class: wish.class,
            options: ConnectOptions {
                tls: tls.then_some(true),
                ..wish.options.clone()
            },
            retry_without_host_traddr: host_traddr.is_some()
                && hfi.is_some_and(Hfi::address_may_change),
            interface: hfi.map(|hfi| BootInterface {
                mac: hfi.mac,
                vlan: hfi.vlan,
            }),
            authentication: profile.is_some_and(|p| p.authentication == Requirement::Required),
            origin: BootOrigin {
                hfi: hfi.map(|hfi| hfi.index),
                ..origin.clone()
            },
        }
    }

    fn origin(&self, entry: BootEntry, hfi: Option<u8>) -> BootOrigin {
        BootOrigin {
            table: self.name.to_owned(),
            entry,
            hfi,
        }
    }
}

#[cfg(test)]
mod tests;
