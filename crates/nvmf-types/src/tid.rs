//! Transport ids: which host is to be connected to which controller, and how.

mod same_connection;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AddressError, ControllerClass, HostId, HostIdError, Nqn, NqnError, Traddr, Transport, Trsvcid,
    UnknownTransport,
};

/// The eight fields that name one association of a host with a controller.
///
/// The canonical text (`Display`, [`str::parse`]) is
/// `transport=…;traddr=…;trsvcid=…;nqn=…;host-traddr=…;host-iface=…;hostnqn=…;hostid=…` with unset
/// fields left out. Equality is equality of the fields; whether a live controller *is* a wanted
/// connection is another question: [`TransportId::is_satisfied_by`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TransportId {
    /// The fabric.
    pub transport: Transport,
    /// The target's address; every fabric but loop needs one.
    pub traddr: Option<Traddr>,
    /// The target's port (tcp, rdma); unset: the default port.
    pub trsvcid: Option<Trsvcid>,
    /// The subsystem.
    pub nqn: Nqn,
    /// The host's address that is to be used.
    pub host_traddr: Option<Traddr>,
    /// The host's network interface that is to be used (tcp).
    pub host_iface: Option<String>,
    /// The host's name, where it is not the default one.
    pub hostnqn: Option<Nqn>,
    /// The host's identifier, where it is not the default one.
    pub hostid: Option<HostId>,
}

/// Why a text or a set of fields is not a [`TransportId`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TidError {
    /// A part without `=`.
    #[error("`{}` is not key=value", .0.escape_debug())]
    NotKeyValue(String),
    /// A key that no transport id has.
    #[error("unknown field `{}`: expected transport, traddr, trsvcid, nqn, host-traddr, host-iface, hostnqn or hostid", .0.escape_debug())]
    UnknownKey(String),
    /// A key twice.
    #[error("field `{0}` is given twice")]
    Twice(&'static str),
    /// A field that is needed.
    #[error("field `{0}` is missing")]
    Missing(&'static str),
    /// A field that the transport does not have.
    #[error("`{0}` is not possible with transport {1}")]
    NotForTransport(&'static str, Transport),
    /// Not an interface name.
    #[error("`{}` is not a network interface name: expected 1 to 15 characters without blanks, `/` and `,`", .0.escape_debug())]
    HostIface(String),
    /// An address or port that is none.
    #[error("{0}: {1}")]
    Address(&'static str, #[source] AddressError),
    /// A name that is none.
    #[error("{0}: {1}")]
    Nqn(&'static str, #[source] NqnError),
    /// A host id that is none.
    #[error("hostid: {0}")]
    HostId(#[from] HostIdError),
    /// A transport that is none.
    #[error(transparent)]
    Transport(#[from] UnknownTransport),
}

impl TidError {
    /// The field that is wrong, if it is one that a text form has.
    pub(crate) fn field(&self) -> &'static str {
        match self {
            Self::NotKeyValue(_) | Self::UnknownKey(_) => "",
            Self::Twice(field)
            | Self::Missing(field)
            | Self::NotForTransport(field, _)
            | Self::Address(field, _)
            | Self::Nqn(field, _) => field,
            Self::HostIface(_) => "host-iface",
            Self::HostId(_) => "hostid",
            Self::Transport(_) => "transport",
        }
    }
}

/// The keys of the text forms, in canonical order.
pub(crate) const KEYS: [&str; 8] = [
    "transport",
    "traddr",
    "trsvcid",
    "nqn",
    "host-traddr",
    "host-iface",
    "hostnqn",
    "hostid",
];

impl TransportId {
    /// An id with the three fields that matter most, the others unset.
    #[must_use]
    pub const fn new(transport: Transport, traddr: Option<Traddr>, nqn: Nqn) -> Self {
        Self {
            transport,
            traddr,
            trsvcid: None,
            nqn,
            host_traddr: None,
            host_iface: None,
            hostnqn: None,
            hostid: None,
        }
    }

    /// Builds an id from field texts, looked up by the keys of the canonical form; empty texts
    /// count as unset.
    ///
    /// # Errors
    /// The first field that is missing, malformed or not possible with the transport.
    pub fn from_fields<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Result<Self, TidError> {
        let field = |key: &str| field(key).filter(|text| !text.is_empty());
        let transport: Transport = field("transport")
            .ok_or(TidError::Missing("transport"))?
            .parse()?;
        let address = |key: &'static str| {
            field(key)
                .map(|text| Traddr::parse(transport, text).map_err(|e| TidError::Address(key, e)))
                .transpose()
        };
        let nqn = |key: &'static str| {
            field(key)
                .map(|text| text.parse().map_err(|e| TidError::Nqn(key, e)))
                .transpose()
        };
        let tid = Self {
            transport,
            traddr: address("traddr")?,
            trsvcid: field("trsvcid")
                .map(|text| text.parse().map_err(|e| TidError::Address("trsvcid", e)))
                .transpose()?,
            nqn: nqn("nqn")?.ok_or(TidError::Missing("nqn"))?,
            host_traddr: address("host-traddr")?,
            host_iface: field("host-iface").map(str::to_owned),
            hostnqn: nqn("hostnqn")?,
            hostid: field("hostid").map(str::parse).transpose()?,
        };
        tid.checked()
    }

    /// Checks what no single field can: which fields the transport needs and allows (Linux
    /// `drivers/nvme/host/{tcp,rdma,fc}.c` and `target/loop.c`, `required_opts`, `allowed_opts`).
    ///
    /// # Errors
    /// The first field that is missing or not possible.
    pub fn checked(self) -> Result<Self, TidError> {
        let t = self.transport;
        if self.traddr.is_none() && t != Transport::Loop {
            return Err(TidError::Missing("traddr"));
        }
        if self.trsvcid.is_some() && !t.is_ip() {
            return Err(TidError::NotForTransport("trsvcid", t));
        }
        if self.host_traddr.is_some() && t == Transport::Loop {
            return Err(TidError::NotForTransport("host-traddr", t));
        }
        if let Some(iface) = &self.host_iface {
            if t != Transport::Tcp {
                return Err(TidError::NotForTransport("host-iface", t));
            }
            let bad = |c: char| matches!(c, '/' | ',' | ';') || c.is_whitespace() || c.is_control();
            if iface.len() > 15 || iface.contains(bad) {
                return Err(TidError::HostIface(iface.clone()));
            }
        }
        Ok(self)
    }

    /// This id with another address of the target; `None`: one that its host-traddr does not reach,
    /// being of the other IP version.
    #[must_use]
    pub fn at(&self, traddr: Traddr) -> Option<Self> {
        let version = |address: &Traddr| address.ip().map(|ip| ip.is_ipv4());
        let from = self.host_traddr.as_ref();
        let reached = from.is_none_or(|from| version(from) == version(&traddr));
        reached.then(|| Self {
            traddr: Some(traddr),
            ..self.clone()
        })
    }

    /// The port that is meant: the one given, or the default one of the transport and class.
    #[must_use]
    pub fn port(&self, class: ControllerClass) -> Option<u16> {
        self.trsvcid
            .map(Trsvcid::port)
            .or_else(|| self.transport.default_port(class))
    }

    /// [`ControllerClass::Discovery`] for the well-known discovery subsystem.
    #[must_use]
    pub fn class_by_nqn(&self) -> ControllerClass {
        if self.nqn.is_discovery() {
            ControllerClass::Discovery
        } else {
            ControllerClass::Io
        }
    }

    /// The form for logs: `(transport, traddr, trsvcid[, nqn][, host_iface][, host_traddr])`.
    #[must_use]
    pub fn log_form(&self) -> String {
        let mut parts = vec![self.transport.to_string()];
        parts.extend(self.traddr.as_ref().map(Traddr::to_string));
        parts.extend(self.trsvcid.map(|t| t.to_string()));
        parts.push(self.nqn.to_string());
        parts.extend(self.host_iface.clone());
        parts.extend(self.host_traddr.as_ref().map(Traddr::to_string));
        format!("({})", parts.join(", "))
    }

    /// The value of one field by its key in the canonical form.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<String> {
        match key {
            "transport" => Some(self.transport.to_string()),
            "traddr" => self.traddr.as_ref().map(Traddr::to_string),
            "trsvcid" => self.trsvcid.map(|t| t.to_string()),
            "nqn" => Some(self.nqn.to_string()),
            "host-traddr" => self.host_traddr.as_ref().map(Traddr::to_string),
            "host-iface" => self.host_iface.clone(),
            "hostnqn" => self.hostnqn.as_ref().map(Nqn::to_string),
            "hostid" => self.hostid.map(|h| h.to_string()),
            _ => None,
        }
    }
}

impl fmt::Display for TransportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for key in KEYS {
            if let Some(value) = self.field(key) {
                write!(f, "{separator}{key}={value}")?;
                separator = ";";
            }
        }
        Ok(())
    }
}

impl FromStr for TransportId {
    type Err = TidError;

    fn from_str(text: &str) -> Result<Self, TidError> {
        let mut found: [Option<&str>; KEYS.len()] = [None; KEYS.len()];
        for part in text
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| TidError::NotKeyValue(part.to_owned()))?;
            let (key, value) = (key.trim(), value.trim());
            let (slot, name) = found
                .iter_mut()
                .zip(KEYS)
                .find(|(_, name)| *name == key)
                .ok_or_else(|| TidError::UnknownKey(key.to_owned()))?;
            if slot.replace(value).is_some() {
                return Err(TidError::Twice(name));
            }
        }
        Self::from_fields(|key| {
            KEYS.iter()
                .zip(found)
                .find(|(name, _)| **name == key)
                .and_then(|(_, v)| v)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IOC: &str = "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:a";

    fn tid(text: &str) -> TransportId {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn canonical_form_round_trips() {
        for text in [
            IOC,
            "transport=loop;nqn=nqn.2014-08.org.example:a",
            "transport=fc;traddr=nn-0x10001100ab000001:pn-0x20001100ab000001;nqn=nqn.2014-08.org.nvmexpress.discovery;host-traddr=nn-0x10001100aa000001:pn-0x20001100aa000001",
            "transport=tcp;traddr=fe80::1%eth0;trsvcid=8009;nqn=nqn.2014-08.org.nvmexpress.discovery;host-iface=eth0;hostnqn=nqn.2014-08.org.example:h;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        ] {
            assert_eq!(tid(text).to_string(), text);
        }
        assert_eq!(tid(" transport = tcp ; traddr=::ffff:192.0.2.10;;trsvcid=4420;nqn=nqn.2014-08.org.example:a;").to_string(), IOC);
    }

    #[test]
    fn errors_name_the_field() {
        for (text, message) in [
            ("", "field `transport` is missing"),
            ("tcp", "`tcp` is not key=value"),
            (
                "transport=pcie",
                "unknown transport `pcie`: expected tcp, rdma, fc or loop",
            ),
            (
                "transport=tcp;nqn=nqn.2014-08.org.example:a",
                "field `traddr` is missing",
            ),
            (
                "transport=tcp;traddr=x;nqn=nqn.2014-08.org.example:a",
                "traddr: `x` is not a numeric IP address",
            ),
            ("transport=tcp;traddr=::1", "field `nqn` is missing"),
            (
                "transport=tcp;transport=tcp",
                "field `transport` is given twice",
            ),
            (
                "transport=loop;trsvcid=1;nqn=nqn.2014-08.org.example:a",
                "`trsvcid` is not possible with transport loop",
            ),
            (
                "transport=rdma;traddr=::1;nqn=nqn.2014-08.org.example:a;host-iface=e",
                "`host-iface` is not possible with transport rdma",
            ),
        ] {
            assert_eq!(
                text.parse::<TransportId>().unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
        assert!(matches!(
            "host_traddr=1".parse::<TransportId>(),
            Err(TidError::UnknownKey(_))
        ));
    }

    #[test]
    fn other_addresses_of_one_target() {
        let (v4, v6) = (Traddr::from_ip([192, 0, 2, 1].into()), "::1".parse());
        let v6 = Traddr::from_ip(v6.unwrap());
        let from = |host: &str| tid(&format!("{IOC}{host}"));
        let at = |host: &str, address: &Traddr| from(host).at(address.clone());
        assert_eq!(at("", &v6), Some(tid(&IOC.replace("192.0.2.10", "::1"))));
        assert!(at(";host-traddr=192.0.2.9", &v4).is_some());
        assert_eq!(at(";host-traddr=192.0.2.9", &v6), None);
        assert!(at(";host-traddr=2001:db8::9", &v6).is_some());
    }

    #[test]
    fn log_form_leaves_out_what_is_unset() {
        assert_eq!(
            tid(IOC).log_form(),
            "(tcp, 192.0.2.10, 4420, nqn.2014-08.org.example:a)"
        );
        assert_eq!(
            tid("transport=loop;nqn=nqn.2014-08.org.example:a").log_form(),
            "(loop, nqn.2014-08.org.example:a)"
        );
    }
}
