//! Addresses of discovery controllers.

use thiserror::Error;

use crate::{AddressError, Traddr, Transport, Trsvcid};

/// `nvme+tcp://192.0.2.1:8009/` (NVM Express Boot Specification, URI format). What follows the
/// port is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootUri {
    /// The fabric.
    pub transport: Transport,
    /// The address.
    pub traddr: Traddr,
    /// The port; `None`: the default one.
    pub trsvcid: Option<Trsvcid>,
}

/// Why a text is not a [`BootUri`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UriError {
    /// Something else.
    #[error("`{}` is not a URI of a discovery controller: expected nvme+tcp://ADDRESS[:PORT]/", .0.escape_debug())]
    Syntax(String),
    /// A fabric that has no IP addresses, or none at all.
    #[error("URI: transport `{}` is not possible: expected tcp or rdma", .0.escape_debug())]
    Transport(String),
    /// A host's name, or no address.
    #[error("URI: {0}")]
    Address(#[from] AddressError),
}

impl std::str::FromStr for BootUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let syntax = || UriError::Syntax(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(syntax)?;
        let transport = scheme.strip_prefix("nvme+").ok_or_else(syntax)?;
        let transport = transport
            .parse()
            .ok()
            .filter(|transport: &Transport| transport.is_ip())
            .ok_or_else(|| UriError::Transport(transport.to_owned()))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (address, port) = split_port(authority).ok_or_else(syntax)?;
        Ok(Self {
            transport,
            traddr: Traddr::parse(transport, address)?,
            trsvcid: port.map(str::parse).transpose()?,
        })
    }
}

/// `[address]:port`, `address:port`, or either without the port.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let (address, rest) = match authority.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if rest.is_empty() {
        return Some((address, None));
    }
    let port = rest.strip_prefix(':')?;
    Some((address, Some(port).filter(|port| !port.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ports() {
        for (text, transport, traddr, port) in [
            (
                "nvme+tcp://192.0.2.1:8009/",
                Transport::Tcp,
                "192.0.2.1",
                Some(8009),
            ),
            ("nvme+tcp://192.0.2.1", Transport::Tcp, "192.0.2.1", None),
            ("nvme+tcp://192.0.2.1:/", Transport::Tcp, "192.0.2.1", None),
            (
                "nvme+rdma://[2001:DB8::1]:4420/x?y",
                Transport::Rdma,
                "2001:db8::1",
                Some(4420),
            ),
            (
                "nvme+tcp://[fe80::1%eth0]/",
                Transport::Tcp,
                "fe80::1%eth0",
                None,
            ),
        ] {
            let uri: BootUri = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(uri.transport, transport, "{text}");
            assert_eq!(uri.traddr.to_string(), traddr, "{text}");
            assert_eq!(uri.trsvcid.map(Trsvcid::port), port, "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        let syntax = "is not a URI of a discovery controller: expected nvme+tcp://ADDRESS[:PORT]/";
        for (text, message) in [
            ("", format!("`` {syntax}")),
            ("192.0.2.1", format!("`192.0.2.1` {syntax}")),
            ("http://192.0.2.1/", format!("`http://192.0.2.1/` {syntax}")),
            ("nvme+tcp://[::1/", format!("`nvme+tcp://[::1/` {syntax}")),
            (
                "nvme+tcp://[::1]8009/",
                format!("`nvme+tcp://[::1]8009/` {syntax}"),
            ),
            (
                "nvme+fc://x",
                "URI: transport `fc` is not possible: expected tcp or rdma".to_owned(),
            ),
            (
                "nvme+tcp://target.example:8009/",
                "URI: `target.example` is not a numeric IP address".to_owned(),
            ),
            (
                "nvme+tcp:///",
                "URI: `` is not a numeric IP address".to_owned(),
            ),
            (
                "nvme+tcp://192.0.2.1:80090/",
                "URI: `80090` is not a port: expected 1 to 65535".to_owned(),
            ),
        ] {
            assert_eq!(text.parse::<BootUri>().unwrap_err().to_string(), message);
        }
    }
}
