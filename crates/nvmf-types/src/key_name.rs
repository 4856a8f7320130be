//! Keys of the kernel's key service.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A key or a keyring (keyrings(7)): by its serial number, or by its description, whose serial
/// number is looked up when it is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyName {
    /// The serial number: 1 to 2147483647.
    Serial(u32),
    /// The description: `.nvme`, or the identity of a TLS key.
    Description(String),
}

impl KeyName {
    /// The serial number, if it is known.
    #[must_use]
    pub const fn serial(&self) -> Option<u32> {
        match self {
            Self::Serial(serial) => Some(*serial),
            Self::Description(_) => None,
        }
    }

    /// A key by its description; `None`: a text that is none, or that is a key itself.
    pub(crate) fn described(text: &str) -> Option<Self> {
        let key_itself = ["NVMeTLSkey-1:", "DHHC-1:"].map(|start| text.starts_with(start));
        let usable = (1..=4095).contains(&text.len())
            && !text.contains(char::is_control)
            && !key_itself.contains(&true);
        usable.then(|| Self::Description(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(serial) => serial.fmt(f),
            Self::Description(text) => f.write_str(text),
        }
    }
}
