//! From an entry to a connection.

use std::net::IpAddr;

use thiserror::Error;

use crate::{
    AddressError, ControllerClass, Nqn, NqnError, TidError, Traddr, Transport, TransportId, Trsvcid,
};

use super::{LogEntry, Subtype, Trtype};

/// Why an entry names no possible connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryError {
    /// A subsystem type of the future.
    #[error("subsystem type `{0}` is unknown")]
    Subtype(u8),
    /// A transport type that Linux has none of.
    #[error("transport type `{0}` is unknown")]
    Trtype(u8),
    /// A name that cannot be one.
    #[error("subnqn: {0}")]
    Subnqn(#[source] NqnError),
    /// An address that cannot be one.
    #[error("{0}: {1}")]
    Address(&'static str, #[source] AddressError),
    /// "Any address", which is none to connect to.
    #[error("traddr: `{0}` is no address to connect to")]
    Unspecified(IpAddr),
    /// Fields that do not go together.
    #[error(transparent)]
    Tid(#[from] TidError),
}

impl LogEntry {
    /// The connection that the entry names, read from a discovery controller that was reached as
    /// `via`; `None` for the entry in which that controller speaks of itself.
    ///
    /// Host identity comes from `via`. So do host-traddr and host-iface on the same transport
    /// (host-traddr only within one address family: from another it could never connect), and the
    /// scope of a link-local address, which a target cannot know.
    ///
    /// # Errors
    /// The field that makes a connection impossible.
    pub fn connection(
        &self,
        via: &TransportId,
    ) -> Result<Option<(ControllerClass, TransportId)>, EntryError> {
        let class = match self.subtype {
            Subtype::Current => return Ok(None),
            Subtype::Referral => ControllerClass::Discovery,
            Subtype::Nvm => ControllerClass::Io,
            Subtype::Other(value) => return Err(EntryError::Subtype(value)),
        };
        let transport = match self.trtype {
            Trtype::Rdma => Transport::Rdma,
            Trtype::Fc => Transport::Fc,
            Trtype::Tcp => Transport::Tcp,
            Trtype::Loop => Transport::Loop,
            Trtype::Other(value) => return Err(EntryError::Trtype(value)),
        };
        let nqn = Nqn::reported(&self.subnqn).map_err(EntryError::Subnqn)?;
        let via_traddr = via.traddr.as_ref().filter(|_| via.transport == transport);
        let traddr = self.address(transport, via_traddr)?;
        let mut tid = TransportId::new(transport, traddr, nqn);
        if transport.is_ip() {
            tid.trsvcid = self.port()?;
        }
        if via.transport == transport {
            tid.host_traddr = via
                .host_traddr
                .clone()
                .filter(|host| same_family(host, tid.traddr.as_ref()));
            tid.host_iface.clone_from(&via.host_iface);
        }
        tid.hostnqn.clone_from(&via.hostnqn);
        tid.hostid = via.hostid;
        Ok(Some((class, tid.checked()?)))
    }

    fn address(
        &self,
        transport: Transport,
        via: Option<&Traddr>,
    ) -> Result<Option<Traddr>, EntryError> {
        let text = self.traddr.as_str();
        if transport == Transport::Loop && is_unset(text) {
            return Ok(None);
        }
        let mut traddr =
            Traddr::parse(transport, text).map_err(|e| EntryError::Address("traddr", e))?;
        if let Traddr::Ip { addr, scope } = &mut traddr {
            if addr.is_unspecified() {
                return Err(EntryError::Unspecified(*addr));
            }
            if let (
                IpAddr::V6(v6),
                Some(Traddr::Ip {
                    scope: Some(ours), ..
                }),
            ) = (addr, via)
                && v6.is_unicast_link_local()
            {
                *scope = Some(ours.clone());
            }
        }
        Ok(Some(traddr))
    }

    fn port(&self) -> Result<Option<Trsvcid>, EntryError> {
        if is_unset(&self.trsvcid) {
            return Ok(None);
        }
        let port = self.trsvcid.parse();
        port.map(Some)
            .map_err(|e| EntryError::Address("trsvcid", e))
    }
}

/// The words that Linux targets write where nothing is set.
fn is_unset(text: &str) -> bool {
    matches!(text, "" | "none" | "(null)")
}

fn same_family(host: &Traddr, target: Option<&Traddr>) -> bool {
    match (host.ip(), target.and_then(Traddr::ip)) {
        (Some(host), Some(target)) => host.is_ipv4() == target.is_ipv4(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_page::log::tests::bytes_of;

    const NQN: &str = "nqn.2014-08.org.example:a";

    fn entry(trtype: u8, subtype: u8, trsvcid: &str, traddr: &str) -> LogEntry {
        LogEntry::decode(&bytes_of(trtype, subtype, trsvcid, NQN, traddr)).unwrap()
    }

    fn via(fields: &str) -> TransportId {
        format!("nqn={};{fields}", Nqn::DISCOVERY).parse().unwrap()
    }

    #[test]
    fn what_is_inherited() {
        let tcp = "transport=tcp;traddr=192.0.2.1;host-traddr=192.0.2.9;host-iface=eth0;hostnqn=nqn.2014-08.org.example:h;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        let host = "hostnqn=nqn.2014-08.org.example:h;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        let link = "transport=tcp;traddr=fe80::9%eth1";
        let fc = "transport=fc;traddr=nn-0x10001100ab000001:pn-0x20001100ab000001;host-traddr=nn-0x10001100aa000001:pn-0x20001100aa000001";
        for (via_fields, (trtype, subtype, trsvcid, traddr), class, want) in [
            (
                tcp,
                (3, 2, "4420", "192.0.2.1"),
                ControllerClass::Io,
                format!(
                    "transport=tcp;traddr=192.0.2.1;trsvcid=4420;nqn={NQN};host-traddr=192.0.2.9;host-iface=eth0;{host}"
                ),
            ),
            (
                tcp,
                (3, 1, "", "2001:db8::1"),
                ControllerClass::Discovery,
                format!("transport=tcp;traddr=2001:db8::1;nqn={NQN};host-iface=eth0;{host}"),
            ),
            (
                tcp,
                (1, 2, "4420", "192.0.2.1"),
                ControllerClass::Io,
                format!("transport=rdma;traddr=192.0.2.1;trsvcid=4420;nqn={NQN};{host}"),
            ),
            (
                link,
                (3, 2, "none", "fe80::1%theirs"),
                ControllerClass::Io,
                format!("transport=tcp;traddr=fe80::1%eth1;nqn={NQN}"),
            ),
            (
                fc,
                (2, 2, "none", "nn-0x10001100ab000001:pn-0x20001100AB000001"),
                ControllerClass::Io,
                format!(
                    "transport=fc;traddr=nn-0x10001100ab000001:pn-0x20001100ab000001;nqn={NQN};host-traddr=nn-0x10001100aa000001:pn-0x20001100aa000001"
                ),
            ),
            (
                "transport=loop",
                (254, 2, "none", "(null)"),
                ControllerClass::Io,
                format!("transport=loop;nqn={NQN}"),
            ),
            (
                "transport=loop",
                (254, 2, "1", "port1"),
                ControllerClass::Io,
                format!("transport=loop;traddr=port1;nqn={NQN}"),
            ),
        ] {
            let (have_class, have) = entry(trtype, subtype, trsvcid, traddr)
                .connection(&via(via_fields))
                .unwrap()
                .unwrap();
            assert_eq!((have_class, have.to_string()), (class, want));
        }
    }

    #[test]
    fn what_is_no_connection() {
        let via = via("transport=tcp;traddr=192.0.2.1");
        assert_eq!(entry(3, 3, "8009", "192.0.2.1").connection(&via), Ok(None));
        for ((trtype, subtype, trsvcid, traddr), message) in [
            ((3, 9, "1", "::1"), "subsystem type `9` is unknown"),
            ((0, 2, "1", "::1"), "transport type `0` is unknown"),
            ((3, 2, "1", ""), "traddr: `` is not a numeric IP address"),
            (
                (3, 2, "1", "::"),
                "traddr: `::` is no address to connect to",
            ),
            (
                (3, 2, "0", "::1"),
                "trsvcid: `0` is not a port: expected 1 to 65535",
            ),
            (
                (254, 2, "1", "a,b"),
                "traddr: `a,b` is not an address: commas, blanks and control characters are not possible",
            ),
        ] {
            let error = entry(trtype, subtype, trsvcid, traddr)
                .connection(&via)
                .unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        let mut nameless = entry(3, 2, "1", "::1");
        nameless.subnqn.clear();
        assert_eq!(
            nameless.connection(&via),
            Err(EntryError::Subnqn(NqnError::Empty))
        );
    }
}
