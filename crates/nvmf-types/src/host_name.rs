//! Names of hosts, which stand for addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A host name that can be looked up (RFC 1123 §2.1, RFC 952): labels of letters, digits and `-`
/// (and `_`, which some networks use) with dots between them, 253 characters at most. The last
/// label is no number, so that no misspelt address is looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// The text is no [`HostName`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is not a host name", .0.escape_debug())]
pub struct HostNameError(pub String);

impl HostName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for HostName {
    type Error = HostNameError;

    fn try_from(text: String) -> Result<Self, HostNameError> {
        // the dot at the end says that nothing is to be added
        let mut labels = text.strip_suffix('.').unwrap_or(&text).split('.');
        let number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
        if text.len() <= 253
            && labels.clone().all(is_label)
            && labels.next_back().is_some_and(|label| !number(label))
        {
            Ok(Self(text))
        } else {
            Err(HostNameError(text))
        }
    }
}

fn is_label(label: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=63).contains(&label.len())
        && label.bytes().all(fits)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_is_none() {
        let long = "a".repeat(63);
        let longest = format!("{long}.{long}.{long}.{}", "a".repeat(61));
        for name in [
            "a",
            "storage-1.example",
            "x_y.example.",
            "3com.example",
            &longest,
        ] {
            assert_eq!(name.parse::<HostName>().unwrap().as_str(), name);
        }
        let too_long = format!("{longest}a");
        for bad in [
            "",
            ".",
            "a..b",
            "-a",
            "a-",
            "192.0.2",
            "192.0.2.1.",
            "1.2.3.4.5",
            "fe80::1",
            "fe80::1%eth0",
            "a b",
            "a,b",
            "ä",
            "nn-0x1:pn-0x2",
            &too_long,
            &format!("{long}a.example"),
        ] {
            assert!(bad.parse::<HostName>().is_err(), "{bad}");
        }
    }
}
