//! The whole table.

use zerocopy::FromBytes;

use super::decode::{check_list, read_list};
use super::heap::Reader;
use super::raw::{HeapRef, RawControl, RawHeader, RawHost};
use super::{
    DescriptorKind, Discovery, Flaw, Hfi, Host, NbftError, NbftProblem, Place, SecurityProfile,
    SubsystemNamespace,
};

/// A boot table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nbft {
    /// Minor revision of the major revision 1.
    pub minor_revision: u8,
    /// Who the firmware said the host is.
    pub host: Option<Host>,
    /// The interfaces that the firmware used.
    pub hfis: Vec<Hfi>,
    /// What is demanded of connections.
    pub security: Vec<SecurityProfile>,
    /// The discovery controllers that the firmware asked.
    pub discovery: Vec<Discovery>,
    /// The namespaces, and the ways to them.
    pub subsystems: Vec<SubsystemNamespace>,
    /// What could not be read, in the order in which it was found.
    pub problems: Vec<NbftProblem>,
}

const CONTROL: usize = size_of::<RawHeader>();

impl Nbft {
    /// Decodes a table. What follows the table's own length is ignored; descriptors of lists that
    /// are marked invalid are as if they were not there.
    ///
    /// # Errors
    /// Header, checksum or control descriptor are wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, NbftError> {
        let need = CONTROL + size_of::<RawControl>();
        let short = NbftError::Short {
            have: bytes.len(),
            need,
        };
        let Ok((header, _)) = RawHeader::ref_from_prefix(bytes) else {
            return Err(short);
        };
        if header.signature != *b"NBFT" {
            return Err(NbftError::Signature(header.signature));
        }
        let length = header.length.get();
        let table = usize::try_from(length)
            .ok()
            .and_then(|length| bytes.get(..length))
            .ok_or(NbftError::Length {
                length,
                have: bytes.len(),
            })?;
        let Some(Ok((control, _))) = table.get(CONTROL..).map(RawControl::ref_from_prefix) else {
            return Err(NbftError::Short {
                have: table.len(),
                need,
            });
        };
        check_header(header, table)?;
        check_control(control, table)?;
        let heap = (header.heap_offset.get(), header.heap_length.get());
        let reader =
            Reader::new(table, heap.0 as usize, heap.1 as usize).ok_or(NbftError::Heap {
                offset: heap.0,
                length: heap.1,
                table: table.len(),
            })?;
        Ok(Self {
            minor_revision: header.minor_revision,
            ..Self::default()
        }
        .filled(control, reader))
    }

    fn filled(mut self, control: &RawControl, mut reader: Reader<'_>) -> Self {
        self.host = host(control.host, &mut reader);
        self.hfis = read_list(control.hfis, &mut reader, &self);
        self.security = read_list(control.security, &mut reader, &self);
        self.discovery = read_list(control.discovery, &mut reader, &self);
        self.subsystems = read_list(control.subsystems, &mut reader, &self);
        self.problems = reader.problems;
        self
    }

    /// The interface with this index.
    #[must_use]
    pub fn hfi(&self, index: u8) -> Option<&Hfi> {
        self.hfis.iter().find(|hfi| hfi.index == index)
    }

    /// The security profile with this index.
    #[must_use]
    pub fn security(&self, index: u8) -> Option<&SecurityProfile> {
        self.security.iter().find(|profile| profile.index == index)
    }

    /// The discovery controller with this index.
    #[must_use]
    pub fn discovery(&self, index: u8) -> Option<&Discovery> {
        self.discovery.iter().find(|entry| entry.index == index)
    }
}

fn check_header(header: &RawHeader, table: &[u8]) -> Result<(), NbftError> {
    let sum = table.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if sum != 0 {
        return Err(NbftError::Checksum(sum));
    }
    match header.major_revision {
        1 => Ok(()),
        revision => Err(NbftError::Revision {
            what: "header at offset 0x8",
            revision,
        }),
    }
}

fn check_control(control: &RawControl, table: &[u8]) -> Result<(), NbftError> {
    if control.structure_id != 1 {
        return Err(NbftError::ControlId(control.structure_id));
    }
    if control.major_revision != 1 {
        return Err(NbftError::Revision {
            what: "control descriptor at offset 0x41",
            revision: control.major_revision,
        });
    }
    let (have, need) = (control.length.get(), size_of::<RawControl>());
    if usize::from(have) < need {
        return Err(NbftError::ControlLength { have, need });
    }
    if control.flags & 1 == 0 {
        return Err(NbftError::ControlInvalid(control.flags));
    }
    check_list::<Hfi>(control.hfis, table.len())?;
    check_list::<SecurityProfile>(control.security, table.len())?;
    check_list::<Discovery>(control.discovery, table.len())?;
    check_list::<SubsystemNamespace>(control.subsystems, table.len())
}

fn host(at: HeapRef, reader: &mut Reader<'_>) -> Option<Host> {
    let (offset, length) = (at.offset.get(), at.length.get());
    let place = Place {
        kind: DescriptorKind::Host,
        index: None,
        offset: offset as usize,
    };
    let raw = reader
        .slice(offset as usize, usize::from(length))
        .and_then(|bytes| RawHost::ref_from_prefix(bytes).ok());
    let Some((raw, _)) = raw else {
        reader.leave_out(place, Flaw::Outside { offset, length });
        return None;
    };
    Host::decode(raw, place, reader).unwrap_or_else(|flaw| {
        reader.leave_out(place, flaw);
        None
    })
}

#[cfg(test)]
pub(super) mod tests;
