//! Names that become file names: kernel devices and registry attributes.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A controller's kernel name: `nvme` and a decimal number. `/dev/nvme3` parses as `nvme3`.
/// Orders by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

/// The name of a registry attribute: `[A-Za-z0-9_-]+`, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttrName(String);

/// Why a text is not such a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Not a controller's device name.
    #[error("`{}` is not a controller: expected nvmeN or /dev/nvmeN", .0.escape_debug())]
    Device(String),
    /// Not an attribute name.
    #[error("`{}` is not an attribute name: expected 1 to 64 characters of A-Z a-z 0-9 _ -", .0.escape_debug())]
    Attribute(String),
}

impl DeviceName {
    /// The name of controller `number`.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self(format!("nvme{number}"))
    }

    /// The name as text, without `/dev/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn sort_key(&self) -> (usize, &str) {
        (self.0.len(), &self.0)
    }
}

impl FromStr for DeviceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.strip_prefix("/dev/").unwrap_or(text);
        let digits = name.strip_prefix("nvme").unwrap_or_default();
        let numbered =
            (1..=10).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if numbered {
            Ok(Self(name.to_owned()))
        } else {
            Err(NameError::Device(text.to_owned()))
        }
    }
}

impl Ord for DeviceName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for DeviceName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl AttrName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AttrName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Attribute(text.to_owned()))
        }
    }
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_conversions!(DeviceName);
text_conversions!(AttrName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices() {
        assert_eq!(
            "/dev/nvme3".parse::<DeviceName>().unwrap().as_str(),
            "nvme3"
        );
        for bad in [
            "",
            "nvme",
            "nvme3n1",
            "nvme-3",
            "../nvme3",
            "nvme3/..",
            "/dev/../nvme3",
            "nvme3\n",
            "sda",
        ] {
            assert_eq!(
                bad.parse::<DeviceName>(),
                Err(NameError::Device(bad.into()))
            );
        }
        let mut names: Vec<DeviceName> = ["nvme10", "nvme9", "nvme1"]
            .map(|n| n.parse().unwrap())
            .into();
        names.sort();
        assert_eq!(
            names.iter().map(DeviceName::as_str).collect::<Vec<_>>(),
            ["nvme1", "nvme9", "nvme10"]
        );
    }

    #[test]
    fn attributes() {
        assert!("sysfs-ino".parse::<AttrName>().is_ok());
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "../../../../etc/hostname",
            "a.tmp.b",
            "a b",
            "~",
            "a\0",
        ] {
            assert_eq!(
                bad.parse::<AttrName>(),
                Err(NameError::Attribute(bad.into()))
            );
        }
    }
}
