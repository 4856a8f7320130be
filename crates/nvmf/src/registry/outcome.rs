//! What becomes of the registry's operations; `Display` is the line for the log.

use std::fmt;

use nvmf_types::{DeviceName, Owner};

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claim {
    /// It was nobody's and is the claimant's now.
    Granted,
    /// It was the claimant's before.
    AlreadyMine,
    /// It is another's and stays so.
    OwnedBy(Owner),
    /// The kernel has no such controller (any more).
    NoSuchController,
}

/// What became of the registration of a new controller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Registered {
    /// The entry names the owner.
    Owned,
    /// Nobody owns it; a stale entry under its name is gone.
    Unowned,
    /// Another claimed it before its maker could register it.
    OwnedBy(Owner),
}

/// What became of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Release {
    /// It is nobody's now.
    Released,
    /// It was nobody's before.
    NotOwned,
    /// It is another's and stays so.
    OwnedBy(Owner),
}

/// What became of the entry of a controller that the kernel removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Reaped {
    /// It is gone.
    Removed,
    /// What is there is about a newer controller of the same name, and stays.
    Kept,
    /// There was none.
    NoEntry,
}

/// What a collection of garbage removed and left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Collected {
    /// Entries of controllers that are gone, in the order of their numbers: removed.
    pub stale: Vec<DeviceName>,
    /// How many leftovers of killed writers were removed.
    pub leftovers: usize,
    /// How many leftovers stayed because they are younger than a minute, and may be another tool's
    /// work in progress.
    pub young: usize,
}

impl fmt::Display for Reaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "entry removed",
            Self::Kept => "entry kept: it is about a newer controller",
            Self::NoEntry => "no entry",
        })
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("claimed"),
            Self::AlreadyMine => f.write_str("already owned by the claimant"),
            Self::OwnedBy(owner) => write!(f, "owned by `{owner}`"),
            Self::NoSuchController => f.write_str("no such controller"),
        }
    }
}

impl fmt::Display for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owned => f.write_str("registered"),
            Self::Unowned => f.write_str("unowned"),
            Self::OwnedBy(owner) => write!(f, "claimed by `{owner}` meanwhile"),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Released => f.write_str("released"),
            Self::NotOwned => f.write_str("not owned"),
            Self::OwnedBy(owner) => write!(f, "owned by `{owner}`"),
        }
    }
}
