//! What all descriptors have in common.

use std::net::{IpAddr, Ipv6Addr};

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::heap::Reader;
use super::raw::RawList;
use super::{DescriptorKind, Flaw, Nbft, NbftError, Place};

/// A descriptor of a list.
pub(super) trait Descriptor: Sized {
    /// Its bytes.
    type Raw: FromBytes + Immutable + KnownLayout + Unaligned;
    const KIND: DescriptorKind;
    /// The structure id that it has to have.
    const ID: u8;

    /// Whether it is marked valid, its structure id, and its index.
    fn head(raw: &Self::Raw) -> (bool, u8, u16);

    /// Decodes what follows; `None`: a part of it says that it is not valid. `before` is what was
    /// decoded already: HFIs, then security profiles, discovery controllers, and namespaces.
    fn decode(
        raw: &Self::Raw,
        place: Place,
        reader: &mut Reader<'_>,
        before: &Nbft,
    ) -> Result<Option<Self>, Flaw>;
}

/// Checks that a list is within the table.
pub(super) fn check_list<D: Descriptor>(list: RawList, table: usize) -> Result<(), NbftError> {
    let (offset, length, count) = (list.offset.get(), list.length.get(), list.count);
    let need = size_of::<D::Raw>();
    if count == 0 {
        return Ok(());
    }
    if usize::from(length) < need {
        return Err(NbftError::DescriptorLength {
            kind: D::KIND,
            have: length,
            need,
        });
    }
    let end = u64::from(offset) + u64::from(length) * u64::from(count);
    if offset != 0 && usize::try_from(end).is_ok_and(|end| end <= table) {
        return Ok(());
    }
    Err(NbftError::List {
        kind: D::KIND,
        offset,
        length,
        count,
        table,
    })
}

/// Decodes a list that [`check_list`] found to be within the table.
pub(super) fn read_list<D: Descriptor>(
    list: RawList,
    reader: &mut Reader<'_>,
    before: &Nbft,
) -> Vec<D> {
    let mut found: Vec<(u16, D)> = Vec::new();
    let length = usize::from(list.length.get());
    for position in 0..usize::from(list.count) {
        let offset = list.offset.get() as usize + position * length;
        let Some((raw, _)) = reader
            .slice(offset, length)
            .and_then(|bytes| D::Raw::ref_from_prefix(bytes).ok())
        else {
            continue;
        };
        let (valid, id, index) = D::head(raw);
        if !valid {
            continue;
        }
        let place = Place {
            kind: D::KIND,
            index: Some(index),
            offset,
        };
        if found.iter().any(|(earlier, _)| *earlier == index) {
            reader.leave_out(place, Flaw::IndexTwice(D::KIND));
            continue;
        }
        let decoded = expect_id("", id, D::ID).and_then(|()| D::decode(raw, place, reader, before));
        match decoded {
            Ok(Some(descriptor)) => found.push((index, descriptor)),
            Ok(None) => {}
            Err(flaw) => reader.leave_out(place, flaw),
        }
    }
    found
        .into_iter()
        .map(|(_, descriptor)| descriptor)
        .collect()
}

/// Checks a structure id; `what` is empty, or a part of the descriptor followed by a blank.
pub(super) fn expect_id(what: &'static str, have: u8, want: u8) -> Result<(), Flaw> {
    if have == want {
        return Ok(());
    }
    Err(Flaw::Id { what, have, want })
}

/// Checks the version of a part.
pub(super) fn expect_version(what: &'static str, have: u8) -> Result<(), Flaw> {
    if have == 1 {
        return Ok(());
    }
    Err(Flaw::Version { what, have })
}

/// TCP over Ethernet is the only transport that the table has a number for.
pub(super) fn expect_tcp(trtype: u8) -> Result<(), Flaw> {
    if trtype == 3 {
        return Ok(());
    }
    Err(Flaw::Transport(trtype))
}

/// An address of 16 bytes: IPv6, or IPv4 mapped into it.
pub(super) fn ip(bytes: [u8; 16]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
}
