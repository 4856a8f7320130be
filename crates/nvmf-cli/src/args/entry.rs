//! The options that name an exclusion entry.

use anyhow::bail;
use clap::Args;
use nvmf_types::exclusion::Rule;
use nvmf_types::{FcName, HostId, Nqn, Traddr, Transport, Trsvcid};

use super::DeviceArg;
use crate::cli::Usage;

/// An entry: as text, as a controller, or by its fields.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct EntryArgs {
    /// The entry as it stands in a list: 'traddr=192.0.2.10;nqn=nqn…'
    #[arg(short, long, value_name = "ENTRY", conflicts_with_all = FIELDS, conflicts_with = "device")]
    entry: Option<String>,
    /// What this controller is connected to: nvme3, /dev/nvme3 or its namespace nvme3n1
    #[arg(short, long, conflicts_with_all = FIELDS)]
    pub(crate) device: Option<DeviceArg>,
    /// Fabric: tcp, rdma, fc or loop
    #[arg(short, long)]
    transport: Option<Transport>,
    /// Name of the subsystem
    #[arg(short, long, value_parser = Nqn::reported)]
    nqn: Option<Nqn>,
    /// Numeric address of the target
    #[arg(short = 'a', long, value_name = "ADDRESS")]
    traddr: Option<String>,
    /// Port of the target; a connection without one has 4420, a tcp discovery controller 8009
    #[arg(short = 's', long, value_name = "PORT")]
    trsvcid: Option<Trsvcid>,
    /// Address of this host that the connection is pinned to
    #[arg(short = 'w', long, value_name = "ADDRESS")]
    host_traddr: Option<String>,
    /// Network interface of this host that the connection is pinned to (tcp)
    #[arg(short = 'f', long, value_name = "INTERFACE")]
    host_iface: Option<String>,
    /// Name of this host
    #[arg(short = 'q', long, value_name = "NQN", value_parser = Nqn::reported)]
    hostnqn: Option<Nqn>,
    /// Id of this host
    #[arg(short = 'I', long, value_name = "UUID")]
    hostid: Option<HostId>,
}

const FIELDS: [&str; 8] = [
    "transport",
    "nqn",
    "traddr",
    "trsvcid",
    "host_traddr",
    "host_iface",
    "hostnqn",
    "hostid",
];

impl EntryArgs {
    /// The entry, `None` if no option names one. `of_device` says which one a controller has.
    pub(crate) fn rule(
        &self,
        of_device: impl FnOnce(&DeviceArg) -> anyhow::Result<Rule>,
    ) -> anyhow::Result<Option<Rule>> {
        match (&self.entry, &self.device) {
            (Some(entry), _) => match entry.parse() {
                Ok(rule) => Ok(Some(rule)),
                Err(error) => bail!(Usage(format!("`{}`: {error}", entry.escape_debug()))),
            },
            (None, Some(device)) => of_device(device).map(Some),
            (None, None) => self.fields(),
        }
    }

    fn fields(&self) -> anyhow::Result<Option<Rule>> {
        let address = |option: &str, text: Option<&String>| {
            let checked = text.map(|text| address(self.transport, text));
            checked.transpose().map_err(|error| {
                let remedy = "an exclusion needs the numeric address";
                anyhow::Error::new(Usage(format!("{option}: {error}: {remedy}")))
            })
        };
        let fields = [
            ("transport", self.transport.map(|t| t.to_string())),
            ("traddr", address("--traddr", self.traddr.as_ref())?),
            ("trsvcid", self.trsvcid.map(|port| port.to_string())),
            ("nqn", self.nqn.as_ref().map(Nqn::to_string)),
            (
                "host-traddr",
                address("--host-traddr", self.host_traddr.as_ref())?,
            ),
            ("host-iface", self.host_iface.clone()),
            ("hostnqn", self.hostnqn.as_ref().map(Nqn::to_string)),
            ("hostid", self.hostid.map(|id| id.to_string())),
        ];
        if fields.iter().all(|(_, value)| value.is_none()) {
            return Ok(None);
        }
        let field = |wanted: &str| {
            let found = fields.iter().find(|(key, _)| *key == wanted);
            found.and_then(|(_, value)| value.as_deref())
        };
        match Rule::from_fields(field) {
            Ok(rule) => Ok(Some(rule)),
            Err(error) => bail!(Usage(error.to_string())),
        }
    }
}

/// The address as `transport` spells it; without one, as IP or Fibre Channel do.
fn address(transport: Option<Transport>, text: &str) -> Result<String, nvmf_types::AddressError> {
    let parsed = match transport {
        Some(transport) => Traddr::parse(transport, text),
        None => match text.parse::<FcName>() {
            Ok(name) => Ok(Traddr::Fc(name)),
            Err(_) => Traddr::parse(Transport::Tcp, text),
        },
    };
    parsed.map(|address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;

    fn text(line: &str) -> Result<Option<String>, anyhow::Error> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let args: EntryArgs = parse(&words);
        let rule = args.rule(|device| Ok(format!("nqn=of-{device}").parse()?))?;
        Ok(rule.map(|rule| rule.to_string()))
    }

    #[test]
    fn every_way_to_name_an_entry() {
        for (line, expected) in [
            ("", None),
            ("-e nqn=a;;traddr=::1;", Some("traddr=::1;nqn=a")),
            ("--device /dev/nvme3", Some("nqn=of-nvme3")),
            (
                "-t tcp -a 0:0::1 -s 4420 -n nqn.2014-08.org.example:a -w ::2 -f eth0 -q h -I F81D4FAE7DEC11D0A76500A0C91E6BF6",
                Some(
                    "transport=tcp;traddr=::1;trsvcid=4420;nqn=nqn.2014-08.org.example:a;host-traddr=::2;host-iface=eth0;hostnqn=h;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                ),
            ),
            (
                "--transport=loop --traddr=Port1",
                Some("transport=loop;traddr=Port1"),
            ),
            (
                "-a NN-0x10001100AB000001:pn-0x20001100AB000001",
                Some("traddr=nn-0x10001100ab000001:pn-0x20001100ab000001"),
            ),
        ] {
            assert_eq!(text(line).unwrap().as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn what_would_exclude_nothing_is_refused() {
        for (line, expected) in [
            ("-e tcp", "`tcp` is not key=value"),
            ("-e subsysnqn=a", "unknown field `subsysnqn`"),
            ("-e ;", "no field"),
            (
                "-a storage.example",
                "--traddr: `storage.example` is not a numeric IP address: an exclusion",
            ),
            (
                "-t fc -w 192.0.2.1",
                "--host-traddr: `192.0.2.1` is not a Fibre Channel",
            ),
            ("-f a;nqn=b", "host-iface `a;nqn=b` contains `;`"),
        ] {
            let error = text(line).unwrap_err();
            assert!(error.is::<Usage>(), "{line}");
            assert!(error.to_string().contains(expected), "{line}: {error}");
        }
    }
}
