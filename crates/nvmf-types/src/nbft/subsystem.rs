//! Namespaces, and the ways to their subsystems.

use std::net::IpAddr;

use super::decode::{Descriptor, expect_id, expect_tcp, expect_version, ip};
use super::discovery::usable_hfi;
use super::heap::Reader;
use super::raw::{RawDiagnostic, RawExtendedInfo, RawSubsystem};
use super::{DescriptorKind, Flaw, Nbft, Place};
use crate::{Nqn, Trsvcid};

/// A namespace that the firmware had, or was to have (SSNS descriptor).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubsystemNamespace {
    /// Its index.
    pub index: u16,
    /// Name of the subsystem.
    pub nqn: Nqn,
    /// Address of the subsystem; zeros: the firmware did not know.
    pub traddr: IpAddr,
    /// Port of the subsystem; `None`: the default one.
    pub trsvcid: Option<Trsvcid>,
    /// The subsystem's own number for its port.
    pub port_id: u16,
    /// Namespace id; 0: not specified.
    pub nsid: u32,
    /// The namespace's name.
    pub nid: NamespaceId,
    /// Indexes of the interfaces that lead there, the primary one first, each once. Only those
    /// that the table describes.
    pub hfis: Vec<u8>,
    /// Index of the security profile; `None`: nothing is demanded.
    pub security: Option<u8>,
    /// Index of the discovery controller that named it; `None`: none did.
    pub discovery: Option<u8>,
    /// Whether it came by discovery; otherwise an administrator entered it.
    pub discovered: bool,
    /// Whether the firmware could not, or did not try to, get at it.
    pub unavailable: bool,
    /// Whether the header digest is demanded.
    pub header_digest: bool,
    /// Whether the data digest is demanded.
    pub data_digest: bool,
    /// More about it.
    pub extended: Option<ExtendedInfo>,
}

/// A namespace's globally unique name (Base Specification 2.x, Namespace Identification
/// Descriptor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceId {
    /// None is given, or one of an unknown type.
    None,
    /// IEEE EUI-64.
    Eui64([u8; 8]),
    /// Namespace GUID.
    Nguid([u8; 16]),
    /// UUID.
    Uuid([u8; 16]),
}

/// Extended information of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtendedInfo {
    /// Controller id that the firmware had; 0: not specified.
    pub cntlid: u16,
    /// Entries of the admin submission queue; `None`: the administrator did not say.
    pub asqsz: Option<u16>,
    /// The root path that DHCP gave.
    pub dhcp_root_path: Option<String>,
    /// Why it is unavailable (NAED; revision 1.1); 0: not said.
    pub naed: u8,
    /// More on an invalid parameter of Connect (CIPEEC; revision 1.1); 0: not said.
    pub cipeec: u8,
    /// Seconds that the firmware waited for a connection (revision 1.1); `None`: not said.
    pub connection_timeout: Option<u16>,
    /// More on a network error (NCEEC; revision 1.1); 0: not said.
    pub nceec: u8,
}

impl ExtendedInfo {
    /// [`Self::naed`] in words; `None`: it says nothing.
    #[must_use]
    pub const fn naed_str(&self) -> Option<&'static str> {
        Some(match self.naed {
            0 => return None,
            0x01 => "network error",
            0x02 => "connection failed",
            0x03 => "invalid parameter at connect",
            0x04 => "invalid host at connect",
            0x05 => "connection timed out",
            0x06 => "timeout while following the discovery log page",
            0x07 => "namespace missing",
            0x08 => "namespace not ready",
            0x09 => "no secret from Redfish",
            0x10 => "secure channel failed",
            0x11 => "authentication failed",
            0x12 => "authentication required",
            0x13 => "DHCP failed",
            0x14 => "bad DHCP root path",
            _ => "unknown reason",
        })
    }
}

impl Descriptor for SubsystemNamespace {
    type Raw = RawSubsystem;
    const KIND: DescriptorKind = DescriptorKind::Ssns;
    const ID: u8 = 4;

    fn head(raw: &RawSubsystem) -> (bool, u8, u16) {
        let valid = raw.flags.get() & 1 != 0;
        (valid, raw.structure_id, raw.index.get())
    }

    fn decode(
        raw: &RawSubsystem,
        place: Place,
        reader: &mut Reader<'_>,
        before: &Nbft,
    ) -> Result<Option<Self>, Flaw> {
        expect_tcp(raw.trtype)?;
        let flags = raw.flags.get();
        let nqn = reader.text("NQN", raw.nqn)?.ok_or(Flaw::Missing("NQN"))?;
        let digests = match raw.trflags.get() {
            trflags if trflags & 1 != 0 => trflags,
            _ => 0,
        };
        let extended = (flags & 0x10 != 0).then(|| extended_info(raw, place, reader));
        let extended = extended.and_then(|found| reader.noted(place, found));
        Ok(Some(Self {
            index: raw.index.get(),
            nqn: Nqn::reported(nqn).map_err(|e| Flaw::Nqn("NQN", e))?,
            traddr: traddr(raw, reader)?,
            trsvcid: trsvcid(raw, reader)?,
            port_id: raw.port_id.get(),
            nsid: raw.nsid.get(),
            nid: NamespaceId::decode(raw.nid_type, raw.nid),
            hfis: hfis(raw, place, reader, before),
            security: security(raw, before)?,
            discovery: discovery(raw, place, reader, before),
            discovered: flags & 0x40 != 0,
            unavailable: flags & 0x180 == 0x100,
            header_digest: digests & 2 != 0,
            data_digest: digests & 4 != 0,
            extended,
        }))
    }
}

impl NamespaceId {
    fn decode(kind: u8, bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = bytes;
        match kind {
            1 => Self::Eui64([a, b, c, d, e, f, g, h]),
            2 => Self::Nguid(bytes),
            3 => Self::Uuid(bytes),
            _ => Self::None,
        }
    }
}

fn traddr(raw: &RawSubsystem, reader: &Reader<'_>) -> Result<IpAddr, Flaw> {
    let bytes = reader
        .object("transport address", raw.traddr)?
        .ok_or(Flaw::Missing("transport address"))?;
    let bytes = bytes.try_into().map_err(|_| Flaw::ObjectLength {
        field: "transport address",
        have: bytes.len(),
        want: "16",
    })?;
    Ok(ip(bytes))
}

fn trsvcid(raw: &RawSubsystem, reader: &Reader<'_>) -> Result<Option<Trsvcid>, Flaw> {
    let text = reader.text("transport service id", raw.trsvcid)?;
    text.map(str::parse)
        .transpose()
        .map_err(|e| Flaw::Address("transport service id", e))
}

fn hfis(raw: &RawSubsystem, place: Place, reader: &mut Reader<'_>, before: &Nbft) -> Vec<u8> {
    let secondary = reader.object("secondary HFIs", raw.secondary_hfis);
    let secondary = reader.noted(place, secondary).unwrap_or_default();
    let mut seen = Vec::new();
    let mut usable = Vec::new();
    for index in [&[raw.primary_hfi], secondary].concat() {
        if !seen.contains(&index) {
            seen.push(index);
            usable.extend(usable_hfi(index, place, reader, before));
        }
    }
    usable
}

/// A profile that is not there costs the descriptor: who does not know what is demanded must not
/// connect.
fn security(raw: &RawSubsystem, before: &Nbft) -> Result<Option<u8>, Flaw> {
    if raw.flags.get() & 4 == 0 {
        return Ok(None);
    }
    let index = raw.security;
    if before.security(index).is_none() {
        let kind = DescriptorKind::Security;
        return Err(Flaw::Dangling { kind, index });
    }
    Ok(Some(index))
}

fn discovery(
    raw: &RawSubsystem,
    place: Place,
    reader: &mut Reader<'_>,
    before: &Nbft,
) -> Option<u8> {
    let index = Some(raw.discovery).filter(|index| *index != 0)?;
    if before.discovery(index).is_none() {
        let kind = DescriptorKind::Discovery;
        reader.note(place, Flaw::Dangling { kind, index });
        return None;
    }
    Some(index)
}

fn extended_info(
    raw: &RawSubsystem,
    place: Place,
    reader: &mut Reader<'_>,
) -> Result<Option<ExtendedInfo>, Flaw> {
    const WHAT: &str = "extended information";
    let found = reader.structure::<RawExtendedInfo>(WHAT, raw.extended, "at least 18")?;
    let Some((info, rest)) = found.filter(|(info, _)| info.flags.get() & 1 != 0) else {
        return Ok(None);
    };
    expect_id("extended information has ", info.structure_id, 9)?;
    expect_version(WHAT, info.version)?;
    if info.ssns_index.get() != raw.index.get() {
        let index = info.ssns_index.get();
        return Err(Flaw::Stray { what: WHAT, index });
    }
    let root_path = reader.text("DHCP root path", info.dhcp_root_path);
    let root_path = reader.noted(place, root_path);
    let diagnostic = <RawDiagnostic as zerocopy::FromBytes>::ref_from_prefix(rest);
    let diagnostic = diagnostic.ok().map(|(diagnostic, _)| diagnostic);
    Ok(Some(ExtendedInfo {
        cntlid: info.cntlid.get(),
        asqsz: (info.flags.get() & 2 != 0).then_some(info.asqsz.get()),
        dhcp_root_path: root_path.map(str::to_owned),
        naed: diagnostic.map_or(0, |d| d.naed),
        cipeec: diagnostic.map_or(0, |d| d.cipeec),
        connection_timeout: diagnostic
            .map(|d| d.connection_timeout.get())
            .filter(|seconds| *seconds != 0xffff),
        nceec: diagnostic.map_or(0, |d| d.nceec),
    }))
}
