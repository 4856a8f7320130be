//! The host's identity.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::Nqn;

/// A Host Identifier (Base Specification 2.x §5.2.26.1.25): a UUID that is not zero. Texts that
/// differ in case or hyphens are the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Uuid", into = "Uuid")]
pub struct HostId(Uuid);

/// Why a text is not a [`HostId`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HostIdError {
    /// Not a UUID.
    #[error("`{0}` is not a host id: expected a UUID such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6")]
    Malformed(String),
    /// Only zeros, which the specification reserves.
    #[error("a host id must not be zero")]
    Zero,
}

impl HostId {
    /// The id that a host's name carries: the UUID behind `:uuid:`.
    #[must_use]
    pub fn of_name(hostnqn: &Nqn) -> Option<Self> {
        let (_, uuid) = hostnqn.as_str().split_once(":uuid:")?;
        uuid.parse().ok()
    }

    /// As it goes over the wire (Base Specification, Fabrics Connect command).
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        *self.0.as_bytes()
    }
}

impl FromStr for HostId {
    type Err = HostIdError;

    fn from_str(text: &str) -> Result<Self, HostIdError> {
        Uuid::try_parse(text)
            .map_err(|_| HostIdError::Malformed(text.to_owned()))?
            .try_into()
    }
}

impl TryFrom<Uuid> for HostId {
    type Error = HostIdError;

    fn try_from(uuid: Uuid) -> Result<Self, HostIdError> {
        if uuid.is_nil() {
            Err(HostIdError::Zero)
        } else {
            Ok(Self(uuid))
        }
    }
}

impl From<HostId> for Uuid {
    fn from(id: HostId) -> Self {
        id.0
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

/// Who the host says it is: what `/etc/nvme/hostnqn` and `/etc/nvme/hostid` hold, or what one
/// connection was told to say instead. Unset: the kernel's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HostIdentity {
    /// The host's NQN.
    pub hostnqn: Option<Nqn>,
    /// The host's identifier.
    pub hostid: Option<HostId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_as_uuid() {
        let a: HostId = "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6".parse().unwrap();
        let b: HostId = "f81d4fae7dec11d0a76500a0c91e6bf6".parse().unwrap();
        assert_eq!(a, b);
        assert_eq!(a.to_string(), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    }

    #[test]
    fn refuses_zero_and_nonsense() {
        let zero = "00000000-0000-0000-0000-000000000000";
        assert_eq!(zero.parse::<HostId>(), Err(HostIdError::Zero));
        assert!(matches!(
            "12".parse::<HostId>(),
            Err(HostIdError::Malformed(_))
        ));
    }
}
