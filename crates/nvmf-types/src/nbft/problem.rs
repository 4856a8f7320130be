//! What can be wrong with a table.

use std::fmt;

use thiserror::Error;

use crate::{AddressError, NqnError};

/// Why a table as a whole is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NbftError {
    /// Not even a header and a control descriptor.
    #[error("it has {have} bytes: header and control descriptor alone need {need}")]
    Short {
        /// Bytes that there are.
        have: usize,
        /// Bytes that there should be.
        need: usize,
    },
    /// Another table.
    #[error("the signature is `{}` instead of `NBFT`", .0.escape_ascii())]
    Signature([u8; 4]),
    /// More bytes promised than there are, or fewer than the header has.
    #[error("header at offset 0x4: the length is `{length}`, but the file has {have} bytes")]
    Length {
        /// What the header says.
        length: u32,
        /// Bytes that there are.
        have: usize,
    },
    /// The bytes do not sum up to 0: something was changed or lost.
    #[error(
        "header at offset 0x9: the checksum is wrong, the bytes sum up to `{0:#04x}` instead of 0"
    )]
    Checksum(u8),
    /// A table of the future.
    #[error("{what}: major revision `{revision}` is unknown: expected 1")]
    Revision {
        /// `header at offset 0x8` or `control descriptor at offset 0x41`.
        what: &'static str,
        /// The revision.
        revision: u8,
    },
    /// The heap lies elsewhere.
    #[error(
        "header at offset 0x24: the heap of {length} bytes at offset {offset:#x} is not within the table of {table} bytes"
    )]
    Heap {
        /// Where the heap begins.
        offset: u32,
        /// Bytes of the heap.
        length: u32,
        /// Bytes of the table.
        table: usize,
    },
    /// No control descriptor where it has to be.
    #[error("control descriptor at offset 0x40: structure id `{0}`: expected 1")]
    ControlId(u8),
    /// A control descriptor that does not say that it is valid.
    #[error(
        "control descriptor at offset 0x46: the flags `{0:#04x}` do not mark it as valid: expected bit 0 to be set"
    )]
    ControlInvalid(u8),
    /// A control descriptor that does not have all its fields.
    #[error("control descriptor at offset 0x44: the length is `{have}`: expected at least {need}")]
    ControlLength {
        /// What it says.
        have: u16,
        /// What its fields need.
        need: usize,
    },
    /// Descriptors that are too short.
    #[error(
        "control descriptor: {kind} descriptors have `{have}` bytes each: expected at least {need}"
    )]
    DescriptorLength {
        /// Whose list.
        kind: DescriptorKind,
        /// What it says.
        have: u16,
        /// What the fields need.
        need: usize,
    },
    /// A list that lies elsewhere.
    #[error(
        "control descriptor: the list of {count} {kind} descriptors with {length} bytes each at offset {offset:#x} is not within the table of {table} bytes"
    )]
    List {
        /// Whose list.
        kind: DescriptorKind,
        /// Where it begins.
        offset: u32,
        /// Bytes of each.
        length: u16,
        /// How many.
        count: u8,
        /// Bytes of the table.
        table: usize,
    },
}

/// What a descriptor describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DescriptorKind {
    /// The host's identity.
    Host,
    /// A host fabric interface.
    Hfi,
    /// A namespace and the way to its subsystem.
    Ssns,
    /// A security profile.
    Security,
    /// A discovery controller.
    Discovery,
}

impl fmt::Display for DescriptorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Hfi => "HFI",
            Self::Ssns => "SSNS",
            Self::Security => "security",
            Self::Discovery => "discovery",
        })
    }
}

/// Which descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it describes.
    pub kind: DescriptorKind,
    /// Its index, as it says itself; `None` where there is only one of the kind.
    pub index: Option<u16>,
    /// Where it begins, in bytes from the table's begin.
    pub offset: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(index) = self.index {
            write!(f, "{index} ")?;
        }
        write!(f, "at offset {:#x}", self.offset)
    }
}

/// A flaw of one descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NbftProblem {
    /// Where.
    pub place: Place,
    /// What.
    pub flaw: Flaw,
    /// Whether the descriptor is left out because of it; otherwise it is used as far as it goes.
    pub left_out: bool,
}

impl fmt::Display for NbftProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = if self.left_out { " is left out" } else { "" };
        write!(f, "{}{left_out}: {}", self.place, self.flaw)
    }
}

/// What is wrong with a descriptor.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Flaw {
    /// Another kind of structure than its place says.
    #[error("{what}structure id `{have}`: expected {want}")]
    Id {
        /// Empty, or which part of the descriptor followed by a blank.
        what: &'static str,
        /// What it says.
        have: u8,
        /// What belongs there.
        want: u8,
    },
    /// A version of the future.
    #[error("{what} version `{have}` is unknown: expected 1")]
    Version {
        /// Which part of the descriptor.
        what: &'static str,
        /// What it says.
        have: u8,
    },
    /// Not within the table.
    #[error("its {length} bytes at offset {offset:#x} are not within the table, or fewer than 32")]
    Outside {
        /// Where it would be.
        offset: u32,
        /// How long it would be.
        length: u16,
    },
    /// A heap object that is not in the heap.
    #[error("{field}: the {length} bytes at offset {offset:#x} are not within the heap")]
    OutsideHeap {
        /// Which.
        field: &'static str,
        /// Where it would be.
        offset: u32,
        /// How long it would be.
        length: u16,
    },
    /// A heap object of an impossible length.
    #[error("{field} has `{have}` bytes: expected {want}")]
    ObjectLength {
        /// Which.
        field: &'static str,
        /// How long it is.
        have: usize,
        /// How long it may be.
        want: &'static str,
    },
    /// A heap object that has to be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A text with other than printable UTF-8.
    #[error("{0} is not printable text")]
    Text(&'static str),
    /// A transport that the specification has no word for.
    #[error("transport type `{0}` is unknown: expected 3 (TCP)")]
    Transport(u8),
    /// A name that cannot be one.
    #[error("{0}: {1}")]
    Nqn(&'static str, #[source] NqnError),
    /// A port that cannot be one.
    #[error("{0}: {1}")]
    Address(&'static str, #[source] AddressError),
    /// A VLAN that cannot be one.
    #[error("VLAN `{0}` is not possible: expected 0 (none) to 4094")]
    Vlan(u16),
    /// An index that an earlier descriptor has.
    #[error("an earlier {0} descriptor has the same index")]
    IndexTwice(DescriptorKind),
    /// A part that says to be of another descriptor.
    #[error("{what} says to belong to index `{index}`")]
    Stray {
        /// Which part.
        what: &'static str,
        /// Whose it says to be.
        index: u16,
    },
    /// A reference to a descriptor that is not there, or was left out.
    #[error("there is no usable {kind} descriptor `{index}`, which it refers to")]
    Dangling {
        /// Of what kind.
        kind: DescriptorKind,
        /// Which.
        index: u8,
    },
}
