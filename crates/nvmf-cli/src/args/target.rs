//! The options that name a connection.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use nvmf::resolve::resolve;
use nvmf_types::{
    ControllerClass, HostId, HostIdentity, HostName, Nqn, TidError, Traddr, Transport, TransportId,
};

use crate::cli::Usage;

/// How long host names may take to be resolved.
pub(crate) const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Which controller, and from where.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TargetArgs {
    /// Fabric: tcp, rdma, fc or loop
    #[arg(short, long)]
    pub(crate) transport: Option<Transport>,
    /// Name of the subsystem
    #[arg(short, long)]
    pub(crate) nqn: Option<Nqn>,
    /// Address of the target; a host name is resolved
    #[arg(short = 'a', long, value_name = "ADDRESS")]
    pub(crate) traddr: Option<String>,
    /// Port of the target [default: 4420; 8009 for a discovery controller over tcp]
    #[arg(short = 's', long, value_name = "PORT")]
    pub(crate) trsvcid: Option<String>,
    /// Address of this host to connect from
    #[arg(short = 'w', long, value_name = "ADDRESS")]
    pub(crate) host_traddr: Option<String>,
    /// Network interface of this host to connect from (tcp)
    #[arg(short = 'f', long, value_name = "INTERFACE")]
    pub(crate) host_iface: Option<String>,
    /// Name of this host [default: that in /etc/nvme/hostnqn]
    #[arg(short = 'q', long, value_name = "NQN")]
    pub(crate) hostnqn: Option<Nqn>,
    /// Id of this host [default: that in /etc/nvme/hostid]
    #[arg(short = 'I', long, value_name = "UUID")]
    pub(crate) hostid: Option<HostId>,
}

impl TargetArgs {
    /// The connection that is meant, as given: the host's identity is only set where an option
    /// sets it. Without `-n` it is to the subsystem `nqn`, if there is one to assume. Of a host
    /// name it has the first address.
    pub(crate) fn transport_id(&self, nqn: Option<Nqn>) -> anyhow::Result<TransportId> {
        let mut all = self.alternatives(nqn)?;
        Ok(all.swap_remove(0))
    }

    /// [`Self::transport_id`] for each address of a host name, in the order in which they are to
    /// be tried until one is connected; at least one.
    pub(crate) fn alternatives(&self, nqn: Option<Nqn>) -> anyhow::Result<Vec<TransportId>> {
        let Some(transport) = self.transport else {
            bail!(Usage(
                "give the transport with -t: tcp, rdma, fc or loop".to_owned()
            ));
        };
        let Some(nqn) = self.nqn.clone().or(nqn) else {
            bail!(Usage("give the name of the subsystem with -n".to_owned()));
        };
        let with = |traddr: Option<&str>| self.with_address(transport, &nqn, traddr);
        let text = self.traddr.as_deref();
        let Some(name) = text.and_then(|text| host_name(transport, text)) else {
            return Ok(vec![with(text)?]);
        };
        // what is wrong besides is said before anybody is asked
        let tid = with(Some("::"))?;
        let addresses = resolve(&name, RESOLVE_TIMEOUT)?.into_iter();
        let all: Vec<_> = addresses.filter_map(|address| tid.at(address)).collect();
        if all.is_empty() {
            bail!("`{name}` has no address of the IP version that --host-traddr has");
        }
        Ok(all)
    }

    /// What was given, by the keys of a transport id; a host name is not resolved.
    pub(crate) fn fields(&self) -> [(&'static str, Option<String>); 8] {
        [
            (
                "transport",
                self.transport.map(|transport| transport.to_string()),
            ),
            ("traddr", self.traddr.clone()),
            ("trsvcid", self.trsvcid.clone()),
            ("nqn", self.nqn.as_ref().map(Nqn::to_string)),
            ("host-traddr", self.host_traddr.clone()),
            ("host-iface", self.host_iface.clone()),
            ("hostnqn", self.hostnqn.as_ref().map(Nqn::to_string)),
            ("hostid", self.hostid.map(|id| id.to_string())),
        ]
    }

    fn with_address(
        &self,
        transport: Transport,
        nqn: &Nqn,
        traddr: Option<&str>,
    ) -> anyhow::Result<TransportId> {
        let hostnqn = self.hostnqn.as_ref().map(Nqn::to_string);
        let hostid = self.hostid.map(|id| id.to_string());
        let tid = TransportId::from_fields(|key| match key {
            "transport" => Some(transport.as_str()),
            "nqn" => Some(nqn.as_str()),
            "traddr" => traddr,
            "trsvcid" => given(self.trsvcid.as_ref()),
            "host-traddr" => given(self.host_traddr.as_ref()),
            "host-iface" => given(self.host_iface.as_ref()),
            "hostnqn" => hostnqn.as_deref(),
            "hostid" => hostid.as_deref(),
            _ => None,
        });
        tid.map_err(|error| {
            let remedy = match error {
                TidError::Missing("traddr") => ": give the target's address with -a",
                _ => "",
            };
            Usage(format!("{error}{remedy}")).into()
        })
    }

    /// [`ControllerClass::Discovery`] for the well-known discovery subsystem.
    pub(crate) fn class(&self) -> ControllerClass {
        match &self.nqn {
            Some(nqn) if !nqn.is_discovery() => ControllerClass::Io,
            _ => ControllerClass::Discovery,
        }
    }
}

/// Fills in who the host is, so that the kernel does not make up an id of its own. A host name
/// that was given and holds a UUID brings its host id along; any other shares the host's.
pub(crate) fn identify(tid: &mut TransportId, default: &HostIdentity) {
    if tid.hostid.is_none() {
        let other_name = tid
            .hostnqn
            .as_ref()
            .filter(|n| Some(*n) != default.hostnqn.as_ref());
        tid.hostid = other_name.and_then(HostId::of_name).or(default.hostid);
    }
    if tid.hostnqn.is_none() {
        tid.hostnqn.clone_from(&default.hostnqn);
    }
}

/// Events of the kernel say `none` for what is unset, and udev rules hand that on.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|text| *text != "none")
}

/// The name, if the text is no address.
fn host_name(transport: Transport, text: &str) -> Option<HostName> {
    let named = transport.is_ip() && Traddr::parse(transport, text).is_err();
    named.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> TargetArgs {
        TargetArgs {
            transport: Some(Transport::Tcp),
            nqn: Some("nqn.2014-08.org.example:a".parse().unwrap()),
            traddr: Some("192.0.2.1".into()),
            ..TargetArgs::default()
        }
    }

    #[test]
    fn options_become_a_transport_id() {
        let mut args = args();
        args.trsvcid = Some("none".into());
        args.host_traddr = Some("none".into());
        args.host_iface = Some("none".into());
        let tid = args.transport_id(None).unwrap();
        assert_eq!(
            tid.to_string(),
            "transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.org.example:a"
        );
        assert_eq!(args.class(), ControllerClass::Io);
        args.nqn = None;
        assert_eq!(args.class(), ControllerClass::Discovery);
        let tid = args.transport_id(Some(Nqn::discovery())).unwrap();
        assert!(tid.nqn.is_discovery());
    }

    #[test]
    fn what_is_missing_or_wrong() {
        let says = |args: TargetArgs, expected: &str| {
            let error = args.transport_id(None).unwrap_err();
            assert!(error.is::<Usage>());
            assert!(error.to_string().contains(expected), "{error}");
        };
        says(
            TargetArgs {
                transport: None,
                ..args()
            },
            "with -t",
        );
        says(
            TargetArgs {
                nqn: None,
                ..args()
            },
            "with -n",
        );
        says(
            TargetArgs {
                traddr: None,
                ..args()
            },
            "with -a",
        );
        let traddr = Some("192.0.2.1.".into());
        says(TargetArgs { traddr, ..args() }, "not a numeric IP address");
        let trsvcid = Some("70000".into());
        says(TargetArgs { trsvcid, ..args() }, "1 to 65535");
    }

    #[test]
    fn host_names() {
        assert!(host_name(Transport::Tcp, "storage-1.example").is_some());
        assert_eq!(host_name(Transport::Tcp, "fe80::1%eth0"), None);
        assert_eq!(host_name(Transport::Fc, "a"), None);
        let named = |trsvcid: &str| TargetArgs {
            traddr: Some("localhost".into()),
            trsvcid: Some(trsvcid.into()),
            ..args()
        };
        let all = named("4421").alternatives(None).unwrap();
        for tid in &all {
            let local = tid.traddr.as_ref().and_then(Traddr::ip);
            assert!(local.is_some_and(|ip| ip.is_loopback()), "{tid}");
            assert_eq!(tid.port(ControllerClass::Io), Some(4421));
        }
        assert_eq!(named("4421").transport_id(None).unwrap(), all[0]);
        let error = named("70000").alternatives(None).unwrap_err();
        assert!(error.is::<Usage>(), "{error}");
    }

    #[test]
    fn who_the_host_is() {
        let default = HostIdentity {
            hostnqn: Some("nqn.2014-08.org.example:h".parse().unwrap()),
            hostid: Some("11111111-1111-1111-1111-111111111111".parse().unwrap()),
        };
        let identified = |hostnqn: Option<&str>| {
            let mut tid = args().transport_id(None).unwrap();
            tid.hostnqn = hostnqn.map(|n| n.parse().unwrap());
            identify(&mut tid, &default);
            (tid.hostnqn.unwrap().to_string(), tid.hostid)
        };
        let h = "nqn.2014-08.org.example:h";
        assert_eq!(identified(None), (h.to_owned(), default.hostid));
        let other = "nqn.2014-08.org.nvmexpress:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        let own = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6".parse().ok();
        assert_eq!(identified(Some(other)), (other.to_owned(), own));
        let plain = "nqn.2014-08.org.example:plain";
        assert_eq!(identified(Some(plain)), (plain.to_owned(), default.hostid));
    }
}
