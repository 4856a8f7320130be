//! Owners of controllers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Who looks after a controller: 1 to 64 characters of `[A-Za-z0-9._-]`. The set is open; known
/// owners are `nbft`, `discoverd`, `stas` and `autoconnect`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Owner(String);

/// Why a text is not an [`Owner`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is not an owner: expected 1 to 64 characters of A-Z a-z 0-9 . _ -", .0.escape_debug())]
pub struct OwnerError(String);

impl Owner {
    /// Longest owner in bytes.
    pub const MAX_LEN: usize = 64;

    /// `discoverd`: what nvme-discoverd connects.
    #[must_use]
    pub fn discoverd() -> Self {
        Self("discoverd".to_owned())
    }

    /// `nbft`: what the firmware boot table names.
    #[must_use]
    pub fn nbft() -> Self {
        Self("nbft".to_owned())
    }

    /// The owner as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if (1..=Self::MAX_LEN).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(OwnerError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for Owner {
    type Error = OwnerError;

    fn try_from(text: String) -> Result<Self, OwnerError> {
        text.parse()
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words() {
        for good in ["nbft", "my.csi-driver_2", &"x".repeat(64)] {
            assert_eq!(good.parse::<Owner>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "a\n", "é", &"x".repeat(65)] {
            assert!(bad.parse::<Owner>().is_err(), "{bad:?}");
        }
    }
}
