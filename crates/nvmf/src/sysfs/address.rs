//! The `address` attribute: `traddr=…,trsvcid=…[,host_traddr=…][,host_iface=…][,src_addr=…]`.

use std::net::IpAddr;

use nvmf_types::{Traddr, Transport, Trsvcid};

/// What `address` says; what is absent, empty, `none` or malformed is unset.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Address {
    pub(super) traddr: Option<Traddr>,
    pub(super) trsvcid: Option<Trsvcid>,
    pub(super) host_traddr: Option<Traddr>,
    pub(super) host_iface: Option<String>,
    pub(super) src_addr: Option<IpAddr>,
}

impl Address {
    pub(super) fn parse(transport: Transport, text: &str) -> Self {
        let mut address = Self::default();
        let words = text
            .split(',')
            .filter_map(|field| field.trim().split_once('='));
        for (key, value) in words.filter(|(_, v)| !matches!(*v, "" | "none" | "(null)")) {
            match key {
                "traddr" => address.traddr = Traddr::parse(transport, value).ok(),
                "trsvcid" if transport.is_ip() => address.trsvcid = value.parse().ok(),
                "host_traddr" => address.host_traddr = Traddr::parse(transport, value).ok(),
                "host_iface" => address.host_iface = Some(value.to_owned()),
                "src_addr" => {
                    address.src_addr = Traddr::parse(transport, value).ok().and_then(|a| a.ip());
                }
                _ => {}
            }
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transport() {
        let tcp = Address::parse(
            Transport::Tcp,
            "traddr=fe80::2%eth0,trsvcid=4420,host_traddr=fe80::1%eth0,host_iface=eth0,src_addr=fe80::1%eth0",
        );
        assert_eq!(tcp.traddr.unwrap().to_string(), "fe80::2%eth0");
        assert_eq!(tcp.trsvcid.unwrap().port(), 4420);
        assert_eq!(tcp.host_traddr.unwrap().to_string(), "fe80::1%eth0");
        assert_eq!(tcp.host_iface.as_deref(), Some("eth0"));
        assert_eq!(tcp.src_addr, Some("fe80::1".parse().unwrap()));

        let fc = Address::parse(
            Transport::Fc,
            "traddr=nn-0x10001100ab000001:pn-0x20001100ab000001,host_traddr=nn-0x10001100aa000001:pn-0x20001100aa000001",
        );
        assert_eq!(
            fc.traddr.unwrap().to_string(),
            "nn-0x10001100ab000001:pn-0x20001100ab000001"
        );
        assert!(fc.host_traddr.is_some());
    }

    #[test]
    fn nothing_and_nonsense_are_unset() {
        for text in [
            "",
            "\n",
            "traddr=(null)",
            "traddr=none,trsvcid=none",
            "traddr",
            "0000:00:04.0",
        ] {
            assert_eq!(
                Address::parse(Transport::Loop, text),
                Address::default(),
                "{text}"
            );
        }
        let half = Address::parse(Transport::Tcp, "traddr=x,trsvcid=99999,src_addr=");
        assert_eq!(half, Address::default());
    }
}
