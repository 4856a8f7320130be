//! Discovery controllers.

use super::decode::Descriptor;
use super::heap::Reader;
use super::raw::RawDiscovery;
use super::{DescriptorKind, Flaw, Nbft, Place};
use crate::Nqn;

/// A discovery controller that the firmware asked, through one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Its index; namespaces refer to it by this.
    pub index: u8,
    /// Index of the interface; `None`: none that the table describes.
    pub hfi: Option<u8>,
    /// Index of the security profile; `None`: nothing is demanded.
    pub security: Option<u8>,
    /// Its address; [`BootUri`](super::BootUri) reads it.
    pub uri: String,
    /// Its name; `None`: the well-known one.
    pub nqn: Option<Nqn>,
}

impl Descriptor for Discovery {
    type Raw = RawDiscovery;
    const KIND: DescriptorKind = DescriptorKind::Discovery;
    const ID: u8 = 6;

    fn head(raw: &RawDiscovery) -> (bool, u8, u16) {
        (raw.flags & 1 != 0, raw.structure_id, raw.index.into())
    }

    fn decode(
        raw: &RawDiscovery,
        place: Place,
        reader: &mut Reader<'_>,
        before: &Nbft,
    ) -> Result<Option<Self>, Flaw> {
        let uri = reader.text("URI", raw.uri)?.ok_or(Flaw::Missing("URI"))?;
        let nqn = reader
            .text("NQN", raw.nqn)?
            .map(Nqn::reported)
            .transpose()
            .map_err(|e| Flaw::Nqn("NQN", e))?;
        let security = Some(raw.security).filter(|index| *index != 0);
        if let Some(index) = security
            && before.security(index).is_none()
        {
            let kind = DescriptorKind::Security;
            return Err(Flaw::Dangling { kind, index });
        }
        Ok(Some(Self {
            index: raw.index,
            hfi: usable_hfi(raw.hfi, place, reader, before),
            security,
            uri: uri.to_owned(),
            nqn,
        }))
    }
}

/// The interface that a descriptor refers to, if the table has it. 0: it refers to none.
pub(super) fn usable_hfi(
    index: u8,
    place: Place,
    reader: &mut Reader<'_>,
    before: &Nbft,
) -> Option<u8> {
    if index == 0 {
        return None;
    }
    if before.hfi(index).is_none() {
        let kind = DescriptorKind::Hfi;
        reader.note(place, Flaw::Dangling { kind, index });
        return None;
    }
    Some(index)
}
