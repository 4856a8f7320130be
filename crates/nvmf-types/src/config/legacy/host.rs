//! Who connects.

use crate::config::Wish;
use crate::{HostIdentity, Origin, Secret};

/// A host and what it connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyHost {
    /// Where it stands.
    pub origin: Origin,
    /// Who it says it is; unset: the host's default identity.
    pub identity: HostIdentity,
    /// A name for people.
    pub hostsymname: Option<String>,
    /// DH-HMAC-CHAP key of the host, where a connection has none of its own.
    pub secret: Option<Secret>,
    /// Its connections; each knows the identity too.
    pub wishes: Vec<Wish>,
}

impl LegacyHost {
    /// A host that says nothing yet.
    #[must_use]
    pub const fn new(origin: Origin) -> Self {
        Self {
            origin,
            identity: HostIdentity {
                hostnqn: None,
                hostid: None,
            },
            hostsymname: None,
            secret: None,
            wishes: Vec::new(),
        }
    }
}

/// The hosts of wishes that stand one by one, in the order in which they occur.
#[must_use]
pub fn by_host(wishes: Vec<Wish>) -> Vec<LegacyHost> {
    let mut hosts: Vec<LegacyHost> = Vec::new();
    for wish in wishes {
        let identity = wish.identity();
        match hosts.iter_mut().find(|host| host.identity == identity) {
            Some(host) => host.wishes.push(wish),
            None => hosts.push(LegacyHost {
                identity,
                wishes: vec![wish.clone()],
                ..LegacyHost::new(wish.origin)
            }),
        }
    }
    hosts
}
