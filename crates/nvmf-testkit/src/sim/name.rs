//! The small universe: a few discovery controllers and subsystems.

use std::fmt;
use std::sync::OnceLock;

use discoverd_core::ConnectionStatus;
use nvmf_types::exclusion::{ExclusionSet, Exclusions};
use nvmf_types::log_page::{LogEntry, Subtype, Trtype};
use nvmf_types::nbft::{BootConnection, BootEntry, BootOrigin};
use nvmf_types::{
    ConnectOptions, ControllerClass, FcName, HostIdentity, Nqn, Traddr, Transport, TransportId,
};

/// One connection that can be desired: `dc0` to `dc3` and `io4` to `io9` over TCP, `dc10`, `dc11`
/// and `io12` over Fibre Channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u8);

/// Discovery controllers in the universe.
const DISCOVERY: [u8; 6] = [0, 1, 2, 3, 10, 11];
/// Connections in the universe.
pub(super) const ALL: u8 = 13;
/// What is reached over Fibre Channel.
pub(super) const FC: Names = Names(0b1_1100_0000_0000);
/// Some discovery controllers, that promise to tell of changes and that do not.
pub(super) const VISITED: Names = Names(0b0100_0000_1100);
/// The discovery controllers over TCP.
pub(super) const TCP_DCS: Names = Names(0b1111);

/// A set of [`Name`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names(pub(super) u16);

impl Name {
    /// Any number names one.
    pub(super) const fn nth(number: u8) -> Self {
        Self(number % ALL)
    }

    /// Any number names a discovery controller.
    pub(super) fn dc(number: u8) -> Self {
        let mut all = DISCOVERY.into_iter().cycle();
        Self(all.nth(usize::from(number % 6)).unwrap_or(0))
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(super) const fn class(self) -> ControllerClass {
        if self.is_discovery() {
            ControllerClass::Discovery
        } else {
            ControllerClass::Io
        }
    }

    pub(super) const fn is_discovery(self) -> bool {
        matches!(self.0, 0..4 | 10 | 11)
    }

    /// The ports between which it is, over Fibre Channel.
    pub(super) fn ports(self) -> Option<(FcName, FcName)> {
        let number = u64::from(self.0);
        let port = |n| FcName { node: n, port: n };
        FC.has(self).then(|| (port(1), port(0x100 + number)))
    }

    /// As a boot table asks for it.
    pub(super) fn boot(self) -> BootConnection {
        BootConnection {
            tid: self.wanted(),
            class: self.class(),
            options: ConnectOptions::default(),
            retry_without_host_traddr: false,
            interface: None,
            authentication: false,
            origin: BootOrigin {
                table: "NBFT".to_owned(),
                entry: BootEntry::Ssns(vec![u16::from(self.0)]),
                hfi: Some(1),
            },
        }
    }

    /// As the configuration writes it: what need not be said is left out.
    pub(super) fn wanted(self) -> TransportId {
        let tids = tids();
        tids.get(self.index())
            .unwrap_or_else(|| no_name(self))
            .0
            .clone()
    }

    /// As the kernel shows it.
    pub(super) fn shown(self) -> TransportId {
        let tids = tids();
        tids.get(self.index())
            .unwrap_or_else(|| no_name(self))
            .1
            .clone()
    }

    /// As the core spells it.
    pub(super) fn spelled_out(self) -> TransportId {
        let mut tid = self.wanted();
        let port = tid.port(self.class());
        tid.trsvcid = port.and_then(|port| nvmf_types::Trsvcid::from_port(port).ok());
        tid
    }

    /// The name of a connection that the core speaks of.
    pub(super) fn find(tid: &TransportId) -> Option<Self> {
        let same = |name: &Self| {
            let (wanted, _) = tids().get(name.index()).unwrap_or_else(|| no_name(*name));
            wanted.nqn == tid.nqn && wanted.traddr == tid.traddr
        };
        (0..ALL).map(Self).find(same)
    }

    /// As a log page says it.
    pub(super) fn record(self) -> LogEntry {
        let tid = self.wanted();
        let tcp = tid.transport == Transport::Tcp;
        LogEntry {
            trtype: if tcp { Trtype::Tcp } else { Trtype::Fc },
            adrfam: 1,
            subtype: match self.class() {
                ControllerClass::Io => Subtype::Nvm,
                ControllerClass::Discovery => Subtype::Referral,
            },
            treq: 0,
            portid: 1,
            cntlid: 0xffff,
            asqsz: 32,
            eflags: 0,
            trsvcid: match (tcp, self.is_discovery()) {
                (true, true) => "8009",
                (true, false) => "4420",
                (false, _) => "none",
            }
            .to_owned(),
            subnqn: tid.nqn.to_string(),
            traddr: tid.field("traddr").unwrap_or_default(),
            tsas: [0; 256],
        }
    }
}

/// The name of a connection that is shown.
pub(super) fn of_status(shown: &ConnectionStatus) -> Option<Name> {
    let traddr = shown.traddr.as_deref()?;
    let nqn = &shown.nqn;
    let tid = format!("transport={};traddr={traddr};nqn={nqn}", shown.transport);
    Name::find(&tid.parse().ok()?)
}

impl Names {
    /// All that there are.
    pub(super) const fn all() -> Self {
        Self((1 << ALL) - 1)
    }

    /// Those.
    pub(super) fn of(names: impl IntoIterator<Item = Name>) -> Self {
        names.into_iter().fold(Self::default(), Self::with)
    }

    pub(super) const fn has(self, name: Name) -> bool {
        self.0 & (1 << name.0) != 0
    }

    pub(super) const fn with(self, name: Name) -> Self {
        Self(self.0 | 1 << name.0)
    }

    pub(super) const fn without(self, name: Name) -> Self {
        Self(self.0 & !(1 << name.0))
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Name> {
        (0..ALL).map(Name).filter(move |name| self.has(*name))
    }

    /// The set as exclusion entries, one line each.
    pub(super) fn exclusions(self) -> ExclusionSet {
        let entries = self
            .iter()
            .map(|name| format!("exclusion = {}\n", name.wanted()));
        let text = format!("[exclusions]\n{}", entries.collect::<String>());
        ExclusionSet::new(Exclusions::parse("exclusions.conf", &text))
    }
}

/// The host's default identity.
pub(super) fn host() -> HostIdentity {
    HostIdentity {
        hostnqn: "nqn.2014-08.org.example:host".parse().ok(),
        hostid: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6".parse().ok(),
    }
}

fn tids() -> &'static [(TransportId, TransportId)] {
    static TIDS: OnceLock<Vec<(TransportId, TransportId)>> = OnceLock::new();
    TIDS.get_or_init(|| (0..ALL).map(|number| both(Name(number))).collect())
}

fn both(name: Name) -> (TransportId, TransportId) {
    if let Some(ports) = name.ports() {
        return over_fc(name, ports);
    }
    let (text, port) = if name.is_discovery() {
        (
            format!(
                "transport=tcp;traddr=192.0.2.{};nqn={}",
                name.0,
                Nqn::DISCOVERY
            ),
            8009,
        )
    } else {
        let nqn = format!("nqn.2014-08.org.example:{}", name.0);
        (format!("transport=tcp;traddr=192.0.2.100;nqn={nqn}"), 4420)
    };
    let parse = |text: &str| {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let wanted = parse(&text);
    let mut shown: TransportId = parse(&format!("{text};trsvcid={port};host-iface=eth0"));
    let host = host();
    (shown.hostnqn, shown.hostid) = (host.hostnqn, host.hostid);
    (wanted, shown)
}

fn over_fc(name: Name, (host, target): (FcName, FcName)) -> (TransportId, TransportId) {
    let nqn = if name.is_discovery() {
        Nqn::discovery()
    } else {
        let text = format!("nqn.2014-08.org.example:{}", name.0);
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let wanted = TransportId {
        host_traddr: Some(Traddr::Fc(host)),
        ..TransportId::new(Transport::Fc, Some(Traddr::Fc(target)), nqn)
    };
    let identity = self::host();
    let shown = TransportId {
        hostnqn: identity.hostnqn,
        hostid: identity.hostid,
        ..wanted.clone()
    };
    (wanted, shown)
}

fn no_name(name: Name) -> ! {
    panic!("{name} is not in the universe")
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = if self.is_discovery() { "dc" } else { "io" };
        write!(f, "{class}{}", self.0)
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.iter().map(|name| name.to_string()).collect();
        write!(f, "{{{}}}", names.join(" "))
    }
}
