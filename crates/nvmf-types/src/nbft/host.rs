//! The host descriptor.

use uuid::Uuid;

use super::decode::expect_id;
use super::heap::Reader;
use super::raw::RawHost;
use super::{Flaw, Place};
use crate::{HostId, Nqn};

/// Who the firmware said the host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The host's name.
    pub nqn: Option<Nqn>,
    /// The host's identifier, its bytes in the order in which they go over the wire; `None` if
    /// they are zero.
    pub id: Option<HostId>,
    /// Whether an administrator chose the name; otherwise it is the firmware's own.
    pub nqn_configured: bool,
    /// Whether an administrator chose the identifier.
    pub id_configured: bool,
    /// Whether this table is the one of several that names the platform.
    pub primary: PrimaryAdmin,
}

/// Whether a table is to be preferred among several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrimaryAdmin {
    /// It does not say.
    NotIndicated,
    /// It is not.
    Unselected,
    /// It is.
    Selected,
    /// A value that has no meaning.
    Reserved,
}

impl PrimaryAdmin {
    /// The state in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotIndicated => "not indicated",
            Self::Unselected => "unselected",
            Self::Selected => "selected",
            Self::Reserved => "reserved",
        }
    }
}

impl Host {
    pub(super) fn decode(
        raw: &RawHost,
        place: Place,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Self>, Flaw> {
        if raw.flags & 1 == 0 {
            return Ok(None);
        }
        expect_id("", raw.structure_id, 2)?;
        let nqn = reader.text("host NQN", raw.nqn).and_then(|text| {
            text.map(Nqn::reported)
                .transpose()
                .map_err(|e| Flaw::Nqn("host NQN", e))
        });
        Ok(Some(Self {
            nqn: reader.noted(place, nqn),
            id: HostId::try_from(Uuid::from_bytes(raw.id)).ok(),
            id_configured: raw.flags & 2 != 0,
            nqn_configured: raw.flags & 4 != 0,
            primary: match raw.flags >> 3 & 3 {
                0 => PrimaryAdmin::NotIndicated,
                1 => PrimaryAdmin::Unselected,
                2 => PrimaryAdmin::Selected,
                _ => PrimaryAdmin::Reserved,
            },
        }))
    }
}
