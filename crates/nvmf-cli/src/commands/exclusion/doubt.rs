//! Entries that are valid and still cannot exclude anything.

use nvmf_types::exclusion::Rule;
use nvmf_types::{ControllerClass, Nqn, Transport, TransportId};

use crate::output::Output;

/// Why it seems that no connection can have all fields of `rule`: a host name for an address, a
/// transport in capitals, a port with Fibre Channel. Names (nqn, hostnqn) are not judged.
pub(super) fn doubt(rule: &Rule) -> Option<String> {
    if let Some(transport) = rule.field("transport") {
        return match transport.parse() {
            Ok(transport) => fits(rule, transport).err(),
            Err(error) => Some(nvmf_types::UnknownTransport::to_string(&error)),
        };
    }
    // A loop port's address may be any text: without its transport it is taken for a host name.
    let mut transports = vec![Transport::Tcp, Transport::Rdma, Transport::Fc];
    if rule.field("traddr").is_none() {
        transports.push(Transport::Loop);
    }
    let mut reasons = Vec::new();
    for transport in transports {
        reasons.push(fits(rule, transport).err()?);
    }
    // The first one is by far the most likely to be meant.
    reasons.into_iter().next()
}

/// Says so where there is a doubt.
pub(super) fn warn(out: &mut Output, command: &str, rule: &Rule) {
    if let Some(doubt) = doubt(rule) {
        let rule = rule.to_string();
        out.diagnostic(&format!(
            "nvmf: {command}: warning: `{rule}` seems to match no connection at all: {doubt}"
        ));
    }
}

/// Whether a connection over `transport` can have the fields.
fn fits(rule: &Rule, transport: Transport) -> Result<(), String> {
    let somewhere = match transport {
        Transport::Tcp | Transport::Rdma => "192.0.2.1",
        Transport::Fc => "nn-0x1000000000000001:pn-0x1000000000000002",
        Transport::Loop => "1",
    };
    let tid = TransportId::from_fields(|key| match key {
        "transport" => Some(transport.as_str()),
        "nqn" => Some(Nqn::DISCOVERY),
        "traddr" => rule.field(key).or(Some(somewhere)),
        "hostnqn" => None,
        other => rule.field(other),
    });
    let tid = tid.map_err(|error| error.to_string())?;
    for key in ["transport", "traddr", "trsvcid", "host-traddr", "hostid"] {
        if let (Some(written), Some(meant)) = (rule.field(key), tid.field(key))
            && !same(key, written, &tid)
        {
            return Err(format!(
                "{key}: write `{meant}`, `{written}` is compared as it stands"
            ));
        }
    }
    Ok(())
}

fn same(key: &str, written: &str, tid: &TransportId) -> bool {
    let alone = format!("{key}={written}").parse::<Rule>();
    alone.is_ok_and(|rule| rule.matches(tid, ControllerClass::Io))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_and_what_does_not() {
        for (rule, expected) in [
            ("nqn=whatever it is", None),
            ("transport=tcp;traddr=192.0.2.10;trsvcid=4420", None),
            ("traddr=fe80::1%eth0;host-iface=eth0", None),
            ("traddr=NN-0x10001100AB000001:PN-0x20001100AB000001", None),
            ("transport=loop;traddr=Port1", None),
            ("traddr=Port1", Some("not a numeric IP address")),
            ("hostid=F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", None),
            ("trsvcid=4420;hostnqn=x", None),
            ("transport=TCP", Some("unknown transport `TCP`")),
            (
                "transport=tcp;traddr=storage.example",
                Some("not a numeric IP address"),
            ),
            (
                "traddr=storage.example;trsvcid=4420",
                Some("not a numeric IP address"),
            ),
            (
                "trsvcid=04420",
                Some("trsvcid: write `4420`, `04420` is compared"),
            ),
            ("trsvcid=0", Some("1 to 65535")),
            (
                "transport=fc;trsvcid=4420",
                Some("not possible with transport fc"),
            ),
            (
                "transport=rdma;host-iface=eth0",
                Some("not possible with transport rdma"),
            ),
            ("hostid=x", Some("expected a UUID")),
        ] {
            let doubt = doubt(&rule.parse().unwrap());
            match expected {
                None => assert_eq!(doubt, None, "{rule}"),
                Some(text) => {
                    let doubt = doubt.unwrap_or_else(|| panic!("{rule} is believed"));
                    assert!(doubt.contains(text), "{rule}: {doubt}");
                }
            }
        }
    }
}
