//! Transport addresses and service ids.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Transport;

/// A transport address (`traddr`, `host-traddr`) in canonical form: texts that mean the same
/// address are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Traddr {
    /// TCP and RDMA: a numeric address; v4-mapped IPv6 is kept as IPv4.
    Ip {
        /// The address.
        addr: IpAddr,
        /// IPv6 scope: what follows `%`, an interface name or number.
        scope: Option<String>,
    },
    /// Fibre Channel: node and port name.
    Fc(FcName),
    /// Loop: whatever the target port was given.
    Text(String),
}

/// `nn-0x<16 hex>:pn-0x<16 hex>` (FC-NVMe; Linux `drivers/nvme/host/fc.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FcName {
    /// World wide node name.
    pub node: u64,
    /// World wide port name.
    pub port: u64,
}

/// A transport service id that is a TCP port: 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trsvcid(std::num::NonZeroU16);

/// Why a text is not an address or service id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not a numeric IP address.
    #[error("`{}` is not a numeric IP address", .0.escape_debug())]
    Ip(String),
    /// `%` without a usable scope, or behind an IPv4 address.
    #[error("`{}` has a bad scope: expected an interface name behind the `%` of an IPv6 address", .0.escape_debug())]
    Scope(String),
    /// Not an FC address.
    #[error("`{}` is not a Fibre Channel address: expected nn-0x<16 hex digits>:pn-0x<16 hex digits>", .0.escape_debug())]
    Fc(String),
    /// Text that the kernel's option string cannot carry.
    #[error("`{}` is not an address: commas, blanks and control characters are not possible", .0.escape_debug())]
    Text(String),
    /// Not a port.
    #[error("`{}` is not a port: expected 1 to 65535", .0.escape_debug())]
    Port(String),
}

impl Traddr {
    /// Reads an address of `transport`.
    ///
    /// # Errors
    /// The text is not an address of that family; names are not resolved.
    pub fn parse(transport: Transport, text: &str) -> Result<Self, AddressError> {
        match transport {
            Transport::Tcp | Transport::Rdma => parse_ip(text),
            Transport::Fc => text.parse().map(Self::Fc),
            Transport::Loop => {
                let bad = |c: char| c == ',' || c == ';' || c.is_whitespace() || c.is_control();
                if text.is_empty() || text.len() > 255 || text.contains(bad) {
                    return Err(AddressError::Text(text.to_owned()));
                }
                Ok(Self::Text(text.to_owned()))
            }
        }
    }

    /// The address of `addr` without a scope.
    #[must_use]
    pub const fn from_ip(addr: IpAddr) -> Self {
        Self::Ip {
            addr: addr.to_canonical(),
            scope: None,
        }
    }

    /// The IP address, if it is one.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip { addr, .. } => Some(*addr),
            _ => None,
        }
    }

    /// Whether both mean one address; a missing IPv6 scope means any.
    #[must_use]
    pub fn same_address(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ip { addr: a, scope: s }, Self::Ip { addr: b, scope: t }) => {
                a == b && (s.is_none() || t.is_none() || s == t)
            }
            _ => self == other,
        }
    }
}

fn parse_ip(text: &str) -> Result<Traddr, AddressError> {
    let (number, scope) = match text.split_once('%') {
        Some((number, scope)) => (number, Some(scope)),
        None => (text, None),
    };
    let addr: IpAddr = number
        .parse()
        .map_err(|_| AddressError::Ip(text.to_owned()))?;
    if let Some(scope) = scope {
        let fits =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':' | b'@');
        if !addr.is_ipv6() || !(1..=15).contains(&scope.len()) || !scope.bytes().all(fits) {
            return Err(AddressError::Scope(text.to_owned()));
        }
    }
    let addr = addr.to_canonical();
    // A link-local address keeps its scope; it means nothing on the others.
    let scope = scope.filter(|_| matches!(addr, IpAddr::V6(v6) if is_link_local(v6)));
    Ok(Traddr::Ip {
        addr,
        scope: scope.map(str::to_owned),
    })
}

const fn is_link_local(addr: Ipv6Addr) -> bool {
    addr.is_unicast_link_local() || addr.is_multicast()
}

impl FromStr for FcName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bad = || AddressError::Fc(text.to_owned());
        let (node, port) = text.split_once([':', ',']).ok_or_else(bad)?;
        let name = |field: &str, prefix: &str| {
            let lower = field.to_ascii_lowercase();
            let hex = lower.strip_prefix(prefix)?.strip_prefix("0x")?;
            let digits = hex.len() == 16 && hex.bytes().all(|b| b.is_ascii_hexdigit());
            digits.then(|| u64::from_str_radix(hex, 16).ok()).flatten()
        };
        match (name(node, "nn-"), name(port, "pn-")) {
            (Some(node), Some(port)) => Ok(Self { node, port }),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for FcName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nn-0x{:016x}:pn-0x{:016x}", self.node, self.port)
    }
}

impl fmt::Display for Traddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip { addr, scope: None } => addr.fmt(f),
            Self::Ip {
                addr,
                scope: Some(scope),
            } => write!(f, "{addr}%{scope}"),
            Self::Fc(name) => name.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Trsvcid {
    /// The service id of a port number.
    ///
    /// # Errors
    /// Port 0.
    pub fn from_port(port: u16) -> Result<Self, AddressError> {
        std::num::NonZeroU16::new(port)
            .map(Self)
            .ok_or_else(|| AddressError::Port(port.to_string()))
    }

    /// The port number.
    #[must_use]
    pub const fn port(self) -> u16 {
        self.0.get()
    }
}

impl FromStr for Trsvcid {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bad = || AddressError::Port(text.to_owned());
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        text.parse().map(Self).map_err(|_| bad())
    }
}

impl fmt::Display for Trsvcid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> Result<Traddr, AddressError> {
        Traddr::parse(Transport::Tcp, text)
    }

    #[test]
    fn ip_addresses_compare_by_value() {
        assert_eq!(tcp("::1").unwrap(), tcp("0:0::1").unwrap());
        assert_eq!(tcp("::ffff:192.0.2.1").unwrap(), tcp("192.0.2.1").unwrap());
        assert_eq!(tcp("FE80::1%eth0").unwrap().to_string(), "fe80::1%eth0");
        assert_ne!(tcp("fe80::1%eth0").unwrap(), tcp("fe80::1%eth1").unwrap());
        assert!(
            tcp("fe80::1%eth0")
                .unwrap()
                .same_address(&tcp("fe80::1").unwrap())
        );
        assert!(
            !tcp("fe80::1%eth0")
                .unwrap()
                .same_address(&tcp("fe80::1%eth1").unwrap())
        );
    }

    #[test]
    fn bad_ip_addresses() {
        for text in [
            "",
            "host.example",
            "192.0.2",
            "192.0.2.1:4420",
            "[::1]",
            "192.0.2.1 ",
        ] {
            assert_eq!(tcp(text), Err(AddressError::Ip(text.into())));
        }
        for text in [
            "192.0.2.1%eth0",
            "fe80::1%",
            "fe80::1%a b",
            "fe80::1%a,b",
            "fe80::1%0123456789abcdef",
        ] {
            assert_eq!(tcp(text), Err(AddressError::Scope(text.into())));
        }
    }

    #[test]
    fn fc_addresses() {
        let canonical = "nn-0x10001100ab000001:pn-0x20001100ab000001";
        for text in [canonical, "NN-0X10001100AB000001,PN-0x20001100AB000001"] {
            assert_eq!(
                Traddr::parse(Transport::Fc, text).unwrap().to_string(),
                canonical
            );
        }
        for text in [
            "",
            "nn-0x1:pn-0x2",
            "nn-0x10001100ab000001",
            "192.0.2.1",
            "nn-0x+0001100ab000001:pn-0x20001100ab000001",
        ] {
            assert!(Traddr::parse(Transport::Fc, text).is_err(), "{text}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!("4420".parse::<Trsvcid>().unwrap().port(), 4420);
        for text in ["", "0", "65536", "-1", "+1", " 1", "none"] {
            assert!(text.parse::<Trsvcid>().is_err(), "{text}");
        }
    }
}
