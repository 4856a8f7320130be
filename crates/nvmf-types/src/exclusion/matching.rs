//! Whether a connection has what a rule asks.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{ControllerClass, Traddr, TransportId};

use super::Rule;
use super::rule::Address;

/// The places of the fields in the canonical order, and two more: the scopes of addresses.
const TRANSPORT: usize = 0;
const TRADDR: usize = 1;
const TRSVCID: usize = 2;
const NQN: usize = 3;
const HOST_TRADDR: usize = 4;
const HOST_IFACE: usize = 5;
const HOSTNQN: usize = 6;
const HOSTID: usize = 7;
const SCOPE: usize = 8;
const HOST_SCOPE: usize = 9;
const FIELDS: usize = 10;

impl Rule {
    /// Whether a connection to `tid`, of a controller of `class`, has all fields of the entry.
    ///
    /// Addresses and host ids compare by value, a missing port is the default one, the rest
    /// compares byte for byte. A field that the connection lacks does not match; in particular
    /// an unset hostnqn is not looked up elsewhere. An IPv6 address without scope matches any.
    #[must_use]
    pub fn matches(&self, tid: &TransportId, class: ControllerClass) -> bool {
        let means = &self.means;
        let same = |index: usize, have: Option<&str>| {
            let want = self.value(index);
            want.is_none() || want == have
        };
        same(NQN, Some(tid.nqn.as_str()))
            && self.asks(TRADDR, &means.traddr, tid.traddr.as_ref())
            && (self.value(TRANSPORT).is_none() || means.transport == Some(tid.transport))
            && (self.value(TRSVCID).is_none()
                || (means.port.is_some() && means.port == tid.port(class)))
            && self.asks(HOST_TRADDR, &means.host_traddr, tid.host_traddr.as_ref())
            && same(HOST_IFACE, tid.host_iface.as_deref())
            && same(HOSTNQN, tid.hostnqn.as_ref().map(|nqn| nqn.as_str()))
            && (self.value(HOSTID).is_none()
                || (means.hostid.is_some() && means.hostid == tid.hostid))
    }

    /// Like [`Rule::matches`], for a connection of which only the fields of `known` are known. A
    /// field that is not known does not match; a missing port is the default one of the known
    /// transport.
    #[must_use]
    pub fn matches_known(&self, known: &Self, class: ControllerClass) -> bool {
        let (want, have) = (&self.means, &known.means);
        let given = |index: usize| self.value(index).is_some();
        let same = |index: usize| !given(index) || self.value(index) == known.value(index);
        let address = |index: usize, want: &Address, have: &Address| match (want, have) {
            _ if !given(index) => true,
            (_, Address::Text) => self.value(index) == known.value(index),
            (Address::Ip(want), Address::Ip(have)) => want == have,
            (Address::Ip(want), Address::Scoped(have)) => *want == have.0,
            (want, have) => want == have,
        };
        let port = match known.value(TRSVCID) {
            Some(_) => have.port,
            None => have.transport.and_then(|t| t.default_port(class)),
        };
        [NQN, HOST_IFACE, HOSTNQN].into_iter().all(same)
            && address(TRADDR, &want.traddr, &have.traddr)
            && address(HOST_TRADDR, &want.host_traddr, &have.host_traddr)
            && (!given(TRANSPORT) || (want.transport.is_some() && want.transport == have.transport))
            && (!given(TRSVCID) || (want.port.is_some() && want.port == port))
            && (!given(HOSTID) || (want.hostid.is_some() && want.hostid == have.hostid))
    }

    fn asks(&self, index: usize, means: &Address, have: Option<&Traddr>) -> bool {
        let Some(text) = self.value(index) else {
            return true;
        };
        match (have, means) {
            (Some(Traddr::Ip { addr, .. }), Address::Ip(want)) => addr == want,
            (Some(Traddr::Ip { addr, scope }), Address::Scoped(want)) => {
                *addr == want.0 && scope.as_ref() == Some(&want.1)
            }
            (Some(Traddr::Fc(name)), Address::Fc(want)) => name == want,
            (Some(Traddr::Text(have)), _) => have == text,
            _ => false,
        }
    }
}

/// Which fields there are, and a hash of each one's value. A rule that matches a connection has
/// no field that the connection lacks, and the same hashes; the reverse is nearly true.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    shape: Shape,
    hashes: [u64; FIELDS],
}

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape(u16);

impl Fields {
    /// The fields of a rule; `None`: no connection can match it.
    pub(super) fn of_rule(rule: &Rule) -> Option<Self> {
        let means = &rule.means;
        let mut fields = Self::default();
        if rule.value(TRANSPORT).is_some() {
            fields.put(TRANSPORT, means.transport?);
        }
        if rule.value(TRSVCID).is_some() {
            fields.put(TRSVCID, means.port?);
        }
        if rule.value(HOSTID).is_some() {
            fields.put(HOSTID, means.hostid?);
        }
        for index in [NQN, HOST_IFACE, HOSTNQN] {
            if let Some(text) = rule.value(index) {
                fields.put(index, text);
            }
        }
        if let Some(text) = rule.value(TRADDR) {
            fields.put_address(TRADDR, SCOPE, text, &means.traddr);
        }
        if let Some(text) = rule.value(HOST_TRADDR) {
            fields.put_address(HOST_TRADDR, HOST_SCOPE, text, &means.host_traddr);
        }
        Some(fields)
    }

    /// The fields of a connection to a controller of `class`.
    pub(super) fn of_connection(tid: &TransportId, class: ControllerClass) -> Self {
        let mut fields = Self::default();
        fields.put(TRANSPORT, tid.transport);
        fields.put(NQN, tid.nqn.as_str());
        let addresses = [
            (TRADDR, SCOPE, &tid.traddr),
            (HOST_TRADDR, HOST_SCOPE, &tid.host_traddr),
        ];
        for (index, scope, have) in addresses {
            match have {
                Some(Traddr::Ip { addr, scope: name }) => {
                    fields.put(index, addr);
                    if let Some(name) = name {
                        fields.put(scope, name.as_str());
                    }
                }
                Some(Traddr::Fc(name)) => fields.put(index, name),
                // An entry that has the same text means the same by it.
                Some(Traddr::Text(text)) => {
                    fields.put_address(index, scope, text, &Address::of(text));
                }
                None => {}
            }
        }
        if let Some(port) = tid.port(class) {
            fields.put(TRSVCID, port);
        }
        if let Some(iface) = &tid.host_iface {
            fields.put(HOST_IFACE, iface.as_str());
        }
        if let Some(hostnqn) = &tid.hostnqn {
            fields.put(HOSTNQN, hostnqn.as_str());
        }
        if let Some(hostid) = tid.hostid {
            fields.put(HOSTID, hostid);
        }
        fields
    }

    /// Which fields there are.
    pub(super) const fn shape(&self) -> Shape {
        self.shape
    }

    /// One number for the values of the fields in `shape`; `None`: some are missing.
    pub(super) fn key(&self, shape: Shape) -> Option<u64> {
        if shape.0 & !self.shape.0 != 0 {
            return None;
        }
        let mut key = mix(shape.0.into());
        for (index, hash) in self.hashes.iter().enumerate() {
            if shape.0 & (1 << index) != 0 {
                key = mix(key ^ hash);
            }
        }
        Some(key)
    }

    fn put(&mut self, index: usize, value: impl Hash) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        if let Some(hash) = self.hashes.get_mut(index) {
            *hash = hasher.finish();
            self.shape.0 |= 1 << index;
        }
    }

    fn put_address(&mut self, index: usize, scope: usize, text: &str, means: &Address) {
        match means {
            Address::Ip(addr) => self.put(index, addr),
            Address::Scoped(scoped) => {
                self.put(index, scoped.0);
                self.put(scope, scoped.1.as_str());
            }
            Address::Fc(name) => self.put(index, name),
            Address::Text => self.put(index, text),
        }
    }
}

/// Spreads what there is over all bits.
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number ^ (number >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NQN: &str = "nqn.2014-08.org.example:a";
    const FULL: &str = "transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a;host-traddr=192.0.2.9;host-iface=eth0;hostnqn=nqn.2014-08.org.example:h;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

    fn excludes(rule: &str, tid: &str, class: ControllerClass) -> bool {
        let rule: Rule = rule.parse().unwrap_or_else(|e| panic!("{rule}: {e}"));
        rule.matches(&tid.parse().unwrap_or_else(|e| panic!("{tid}: {e}")), class)
    }

    #[test]
    fn matching() {
        let io = ControllerClass::Io;
        let tcp = |rest: &str| format!("transport=tcp;nqn={NQN};{rest}");
        let loopback = format!("transport=loop;traddr=Port1;nqn={NQN}");
        let fc =
            format!("transport=fc;traddr=nn-0x10001100ab000001:pn-0x20001100ab000001;nqn={NQN}");
        for (rule, tid, class, want) in [
            ("transport=tcp", FULL, io, true),
            ("transport=TCP", FULL, io, false),
            (
                "transport=tcp;nqn=nqn.2014-08.org.example:b",
                FULL,
                io,
                false,
            ),
            ("nqn=nqn.2014-08.org.example:A", FULL, io, false),
            ("nqn=a;nqn=nqn.2014-08.org.example:a", FULL, io, true),
            ("traddr=::ffff:192.0.2.10", FULL, io, true),
            ("traddr=192.0.2.1", FULL, io, false),
            ("traddr=name.example", FULL, io, false),
            ("traddr=::1", &tcp("traddr=0:0::1"), io, true),
            ("traddr=fe80::1", &tcp("traddr=fe80::1%eth0"), io, true),
            ("traddr=fe80::1%eth0", &tcp("traddr=fe80::1%eth0"), io, true),
            (
                "traddr=fe80::1%eth0",
                &tcp("traddr=fe80::1%eth1"),
                io,
                false,
            ),
            ("traddr=fe80::1%eth0", &tcp("traddr=fe80::1"), io, false),
            (
                "traddr=NN-0x10001100AB000001:pn-0x20001100AB000001",
                &fc,
                io,
                true,
            ),
            (
                "traddr=nn-0x10001100ab000001:pn-0x20001100ab000002",
                &fc,
                io,
                false,
            ),
            ("traddr=Port1", &loopback, io, true),
            ("traddr=port1", &loopback, io, false),
        ] {
            assert_eq!(excludes(rule, tid, class), want, "{rule} / {tid} / {class}");
        }
    }

    #[test]
    fn what_is_not_known_does_not_match() {
        let (io, dc) = (ControllerClass::Io, ControllerClass::Discovery);
        for (rule, known, class, want) in [
            ("transport=tcp", "transport=tcp", io, true),
            ("transport=tcp", "traddr=::1", io, false),
            ("transport=TCP", "transport=TCP", io, false),
            ("traddr=::1", "traddr=0:0::1", io, true),
            ("traddr=fe80::1", "traddr=fe80::1%eth0", io, true),
            ("traddr=fe80::1%eth0", "traddr=fe80::1", io, false),
            ("traddr=::1", "transport=tcp", io, false),
            ("traddr=Port1", "traddr=Port1", io, true),
            ("traddr=Port1", "traddr=::1", io, false),
            ("trsvcid=4420", "transport=tcp", io, true),
            ("trsvcid=4420", "transport=tcp", dc, false),
            ("trsvcid=4420", "nqn=a", io, false),
            ("trsvcid=4420", "trsvcid=x;transport=tcp", io, false),
            ("hostid=x", "hostid=x", io, false),
            ("nqn=a;host-iface=e", "nqn=a", io, false),
            ("host-iface=e", "nqn=a;host-iface=e", io, true),
        ] {
            let read = |text: &str| text.parse::<Rule>().unwrap();
            let matches = read(rule).matches_known(&read(known), class);
            assert_eq!(matches, want, "{rule} / {known} / {class}");
        }
    }

    #[test]
    fn matching_ports_and_hosts() {
        let io = ControllerClass::Io;
        let dc = ControllerClass::Discovery;
        let tcp = |rest: &str| format!("transport=tcp;nqn={NQN};{rest}");
        let loopback = format!("transport=loop;traddr=Port1;nqn={NQN}");
        for (rule, tid, class, want) in [
            ("trsvcid=4420", FULL, io, true),
            ("trsvcid=4420", FULL, dc, false),
            ("trsvcid=8009", FULL, dc, true),
            ("trsvcid=8009", &tcp("traddr=::1;trsvcid=4420"), dc, false),
            ("trsvcid=04420", FULL, io, false),
            ("trsvcid=4420", &loopback, io, false),
            (
                "trsvcid=4420",
                &format!("transport=rdma;traddr=::1;nqn={NQN}"),
                dc,
                true,
            ),
            ("host-traddr=192.0.2.9", FULL, io, true),
            ("host-traddr=192.0.2.9", &tcp("traddr=::1"), io, false),
            ("host-iface=eth0", FULL, io, true),
            ("host-iface=eth", FULL, io, false),
            ("host-iface=eth0", &tcp("traddr=::1"), io, false),
            ("hostnqn=nqn.2014-08.org.example:h", FULL, io, true),
            (
                "hostnqn=nqn.2014-08.org.example:h",
                &tcp("traddr=::1"),
                io,
                false,
            ),
            (
                "hostid=F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
                FULL,
                io,
                true,
            ),
            (
                "hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf7",
                FULL,
                io,
                false,
            ),
            ("hostid=x", FULL, io, false),
            (FULL, FULL, io, true),
        ] {
            assert_eq!(excludes(rule, tid, class), want, "{rule} / {tid} / {class}");
        }
    }
}
