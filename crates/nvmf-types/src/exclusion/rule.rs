//! What one entry asks.

use std::fmt;
use std::str::FromStr;

use crate::{ControllerClass, FcName, HostId, Traddr, Transport, TransportId, tid};

use super::InvalidEntry;

/// What an entry asks of a connection: at least one field.
///
/// Values are kept as written, because an entry with a value that no connection can have is valid
/// and simply never matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    transport: Option<String>,
    traddr: Option<Address>,
    trsvcid: Option<String>,
    nqn: Option<String>,
    host_traddr: Option<Address>,
    host_iface: Option<String>,
    hostnqn: Option<String>,
    hostid: Option<Id>,
}

/// An address as written, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    text: String,
    ip: Option<Traddr>,
    fc: Option<FcName>,
}

/// A host id as written, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Id {
    text: String,
    id: Option<HostId>,
}

impl Rule {
    /// Whether a connection to `tid`, of a controller of `class`, has all fields of the entry.
    ///
    /// Addresses and host ids compare by value, a missing port is the default one, the rest
    /// compares byte for byte. A field that the connection lacks does not match; in particular
    /// an unset hostnqn is not looked up elsewhere. An IPv6 address without scope matches any.
    #[must_use]
    pub fn matches(&self, tid: &TransportId, class: ControllerClass) -> bool {
        asks(
            self.transport.as_ref(),
            Some(&tid.transport),
            |want, have| want == have.as_str(),
        ) && asks(self.nqn.as_ref(), Some(&tid.nqn), |want, have| {
            want == have.as_str()
        }) && asks(self.traddr.as_ref(), tid.traddr.as_ref(), Address::is)
            && asks(
                self.trsvcid.as_ref(),
                tid.port(class).as_ref(),
                |want, have| *want == have.to_string(),
            )
            && asks(
                self.host_traddr.as_ref(),
                tid.host_traddr.as_ref(),
                Address::is,
            )
            && asks(
                self.host_iface.as_ref(),
                tid.host_iface.as_ref(),
                String::eq,
            )
            && asks(self.hostnqn.as_ref(), tid.hostnqn.as_ref(), |want, have| {
                want == have.as_str()
            })
            && asks(self.hostid.as_ref(), tid.hostid.as_ref(), |want, have| {
                want.id == Some(*have)
            })
    }

    /// The value of one field, as written, by its key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&str> {
        match key {
            "transport" => self.transport.as_deref(),
            "traddr" => self.traddr.as_ref().map(|a| a.text.as_str()),
            "trsvcid" => self.trsvcid.as_deref(),
            "nqn" => self.nqn.as_deref(),
            "host-traddr" => self.host_traddr.as_ref().map(|a| a.text.as_str()),
            "host-iface" => self.host_iface.as_deref(),
            "hostnqn" => self.hostnqn.as_deref(),
            "hostid" => self.hostid.as_ref().map(|h| h.text.as_str()),
            _ => None,
        }
    }
}

/// A field that is not asked for matches; one that is must be there and fit.
fn asks<W, H>(want: Option<&W>, have: Option<&H>, fits: impl FnOnce(&W, &H) -> bool) -> bool {
    match (want, have) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(want), Some(have)) => fits(want, have),
    }
}

impl Address {
    fn new(text: String) -> Self {
        Self {
            ip: Traddr::parse(Transport::Tcp, &text).ok(),
            fc: text.parse().ok(),
            text,
        }
    }

    fn is(&self, have: &Traddr) -> bool {
        match (have, &self.ip) {
            (
                Traddr::Ip { addr, scope },
                Some(Traddr::Ip {
                    addr: want,
                    scope: want_scope,
                }),
            ) => addr == want && (want_scope.is_none() || want_scope == scope),
            (Traddr::Ip { .. }, _) => false,
            (Traddr::Fc(name), _) => self.fc == Some(*name),
            (Traddr::Text(text), _) => *text == self.text,
        }
    }
}

impl FromStr for Rule {
    type Err = InvalidEntry;

    fn from_str(text: &str) -> Result<Self, InvalidEntry> {
        let mut values: [Option<String>; tid::KEYS.len()] = Default::default();
        for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| InvalidEntry::NotKeyValue(part.to_owned()))?;
            let (key, value) = (key.trim(), value.trim());
            let (slot, name) = values
                .iter_mut()
                .zip(tid::KEYS)
                .find(|(_, name)| *name == key)
                .ok_or_else(|| InvalidEntry::UnknownKey(key.to_owned()))?;
            if value.is_empty() {
                return Err(InvalidEntry::EmptyValue(name));
            }
            *slot = Some(value.to_owned());
        }
        if values.iter().all(Option::is_none) {
            return Err(InvalidEntry::NoField);
        }
        let [
            transport,
            traddr,
            trsvcid,
            nqn,
            host_traddr,
            host_iface,
            hostnqn,
            hostid,
        ] = values;
        Ok(Self {
            transport,
            traddr: traddr.map(Address::new),
            trsvcid,
            nqn,
            host_traddr: host_traddr.map(Address::new),
            host_iface,
            hostnqn,
            hostid: hostid.map(|text| Id {
                id: text.parse().ok(),
                text,
            }),
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = tid::KEYS
            .iter()
            .filter_map(|key| Some((key, self.field(key)?)));
        for (index, (key, value)) in fields.enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{key}={value}")?;
        }
        Ok(())
    }
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

    #[test]
    fn what_is_no_rule() {
        for (text, want) in [
            ("", InvalidEntry::NoField),
            (" ; ;", InvalidEntry::NoField),
            ("nqn=a;tcp", InvalidEntry::NotKeyValue("tcp".into())),
            ("NQN=a", InvalidEntry::UnknownKey("NQN".into())),
            (
                "host_traddr=a",
                InvalidEntry::UnknownKey("host_traddr".into()),
            ),
            ("=a", InvalidEntry::UnknownKey(String::new())),
            ("nqn=", InvalidEntry::EmptyValue("nqn")),
            ("nqn=;nqn=a", InvalidEntry::EmptyValue("nqn")),
        ] {
            assert_eq!(text.parse::<Rule>(), Err(want), "{text}");
        }
    }

    #[test]
    fn the_first_equals_sign_splits_and_values_stay_as_written() {
        let rule: Rule = " nqn = a=b c ; traddr=0:0::1 ;".parse().unwrap();
        assert_eq!(rule.to_string(), "traddr=0:0::1;nqn=a=b c");
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
}
