//! From what a resolver found to what can be connected.

use std::net::{IpAddr, SocketAddr};

use discoverd_core::Service;
use nvmf_types::{Nqn, Traddr, Transport, TransportId, Trsvcid};

/// What Avahi's resolver says of one instance on one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The instance's name, for people.
    pub(super) name: String,
    /// The interface's name, where it has one.
    pub(super) interface: Option<String>,
    /// Numeric.
    pub(super) address: String,
    pub(super) port: u16,
    /// `key=value`, each.
    pub(super) txt: Vec<Vec<u8>>,
}

impl Found {
    /// The discovery controller, or why it is none that can be connected.
    pub(super) fn service(&self) -> Result<Service, String> {
        let protocols = self.value("p").unwrap_or_else(|| "tcp".to_owned());
        if !protocols
            .split(',')
            .any(|p| p.trim().eq_ignore_ascii_case("tcp"))
        {
            return Err(format!(
                "protocol `{}` is not tcp",
                protocols.escape_debug()
            ));
        }
        let nqn = match self.value("nqn").filter(|nqn| !nqn.is_empty()) {
            Some(nqn) => nqn.parse::<Nqn>().map_err(|e| e.to_string())?,
            None => Nqn::discovery(),
        };
        let address: IpAddr = self
            .address
            .parse()
            .map_err(|_| format!("`{}` is no address", self.address.escape_debug()))?;
        let text = match (address, &self.interface) {
            (IpAddr::V6(v6), Some(interface)) if v6.is_unicast_link_local() => {
                format!("{v6}%{interface}")
            }
            _ => address.to_string(),
        };
        let traddr = Traddr::parse(Transport::Tcp, &text).map_err(|e| e.to_string())?;
        let trsvcid: Trsvcid = self
            .port
            .to_string()
            .parse()
            .map_err(|_| "it has no port".to_owned())?;
        let mut tid = TransportId::new(Transport::Tcp, Some(traddr), nqn);
        tid.trsvcid = Some(trsvcid);
        Ok(Service {
            name: self.name.clone(),
            tid,
        })
    }

    /// For the log.
    pub(super) fn place(&self) -> String {
        let address: Result<IpAddr, _> = self.address.parse();
        let place = address.map_or_else(
            |_| format!("{}:{}", self.address.escape_debug(), self.port),
            |ip| SocketAddr::new(ip, self.port).to_string(),
        );
        format!("`{}` at {place}", self.name.escape_debug())
    }

    /// The first value of a key (RFC 6763 §6.4: the case of keys does not matter).
    fn value(&self, key: &str) -> Option<String> {
        self.txt.iter().find_map(|entry| {
            let text = String::from_utf8_lossy(entry);
            let (name, value) = text.split_once('=')?;
            name.eq_ignore_ascii_case(key).then(|| value.to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(address: &str, txt: &[&str]) -> Found {
        Found {
            name: "lab".into(),
            interface: Some("eth0".into()),
            address: address.into(),
            port: 8009,
            txt: txt.iter().map(|entry| entry.as_bytes().to_vec()).collect(),
        }
    }

    #[test]
    fn what_can_be_connected() {
        let nqn = "nqn.2014-08.org.nvmexpress.discovery";
        for (address, txt, expected) in [
            (
                "192.0.2.1",
                &["p=tcp"][..],
                format!("traddr=192.0.2.1;trsvcid=8009;nqn={nqn}"),
            ),
            (
                "2001:db8::1",
                &[],
                format!("traddr=2001:db8::1;trsvcid=8009;nqn={nqn}"),
            ),
            (
                "fe80::1",
                &["P=RoCE, TCP", "p=none"],
                format!("traddr=fe80::1%eth0;trsvcid=8009;nqn={nqn}"),
            ),
            (
                "192.0.2.1",
                &["nqn=nqn.2014-08.org.example:dc", "nqn=x", "other"],
                "traddr=192.0.2.1;trsvcid=8009;nqn=nqn.2014-08.org.example:dc".into(),
            ),
        ] {
            let service = found(address, txt).service().unwrap();
            assert_eq!(
                service.tid,
                format!("transport=tcp;{expected}").parse().unwrap()
            );
            assert_eq!(service.name, "lab");
        }
    }

    #[test]
    fn what_cannot() {
        for (address, txt, port, expected) in [
            (
                "192.0.2.1",
                &["p=rdma"][..],
                8009,
                "protocol `rdma` is not tcp",
            ),
            ("192.0.2.1", &["nqn=what,transport=rdma"], 8009, "nqn"),
            ("lab.local", &[], 8009, "`lab.local` is no address"),
            ("192.0.2.1", &[], 0, "no port"),
        ] {
            let found = Found {
                port,
                ..found(address, txt)
            };
            let error = found.service().unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(found("fe80::1", &[]).place(), "`lab` at [fe80::1]:8009");
    }
}
