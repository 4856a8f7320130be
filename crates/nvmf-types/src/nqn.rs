//! NVMe Qualified Names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An NVMe Qualified Name (Base Specification 2.x §4.7).
///
/// Two ways in, because names are typed by people and reported by machines:
/// [`str::parse`] accepts only the specified syntax, [`Nqn::reported`] accepts what targets and
/// the kernel really hand out (`testnqn`, or the kernel's own `nqn.2014.08.org.nvmexpress:…` for
/// old PCIe drives). Either way a name has 1 to 223 bytes and no control characters, and compares
/// byte for byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nqn(String);

/// Why a text is not an [`Nqn`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NqnError {
    /// No text at all.
    #[error("an NQN must not be empty")]
    Empty,
    /// Over [`Nqn::MAX_LEN`] bytes.
    #[error("an NQN has at most 223 bytes, this one has {0}")]
    TooLong(usize),
    /// A control character.
    #[error("an NQN must not contain control characters (byte {0})")]
    Control(usize),
    /// Not `nqn.yyyy-mm.reverse.domain[:name]`.
    #[error("`{0}` is not an NQN: expected `nqn.yyyy-mm.reverse.domain[:name]`")]
    Syntax(String),
    /// `nqn.2014-08.org.nvmexpress:uuid:` without a UUID behind it.
    #[error("`{0}` is not an NQN: what follows `uuid:` must be a UUID")]
    Uuid(String),
}

const UUID_PREFIX: &str = "nqn.2014-08.org.nvmexpress:uuid:";

impl Nqn {
    /// Longest name in bytes (Base Specification 2.x §4.7; 256-byte fields hold a terminator).
    pub const MAX_LEN: usize = 223;

    /// The well-known discovery subsystem (Base Specification 2.x §4.7).
    pub const DISCOVERY: &str = "nqn.2014-08.org.nvmexpress.discovery";

    /// The name of the well-known discovery subsystem.
    #[must_use]
    pub fn discovery() -> Self {
        Self(Self::DISCOVERY.to_owned())
    }

    /// A name that a target, the kernel or a log page reports: any 1 to 223 bytes of text.
    ///
    /// # Errors
    /// Empty, too long, or with control characters.
    pub fn reported(text: &str) -> Result<Self, NqnError> {
        if text.is_empty() {
            return Err(NqnError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(NqnError::TooLong(text.len()));
        }
        match text.char_indices().find(|(_, c)| c.is_control()) {
            Some((at, _)) => Err(NqnError::Control(at)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// Whether this is the well-known discovery subsystem.
    #[must_use]
    pub fn is_discovery(&self) -> bool {
        self.0 == Self::DISCOVERY
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Nqn {
    type Err = NqnError;

    fn from_str(text: &str) -> Result<Self, NqnError> {
        let nqn = Self::reported(text)?;
        if let Some(uuid) = text.strip_prefix(UUID_PREFIX) {
            return match uuid::Uuid::try_parse(uuid) {
                Ok(_) => Ok(nqn),
                Err(_) => Err(NqnError::Uuid(text.to_owned())),
            };
        }
        if has_nqn_syntax(text) {
            Ok(nqn)
        } else {
            Err(NqnError::Syntax(text.to_owned()))
        }
    }
}

/// `nqn.yyyy-mm.reverse.domain[:name]`
fn has_nqn_syntax(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("nqn.") else {
        return false;
    };
    let Some((date, rest)) = rest.split_once('.') else {
        return false;
    };
    let Some((year, month)) = date.split_once('-') else {
        return false;
    };
    let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    let month_fits = digits(month, 2) && (1..=12).contains(&month.parse::<u8>().unwrap_or(0));
    if !digits(year, 4) || !month_fits {
        return false;
    }
    let (domain, name) = match rest.split_once(':') {
        Some((domain, name)) => (domain, Some(name)),
        None => (rest, None),
    };
    let label = |l: &str| {
        !l.is_empty()
            && l.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    domain.split('.').all(label) && name.is_none_or(|n| !n.is_empty())
}

impl fmt::Display for Nqn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Nqn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nqn({})", self.0)
    }
}

impl TryFrom<String> for Nqn {
    type Error = NqnError;

    fn try_from(text: String) -> Result<Self, NqnError> {
        Self::reported(&text)
    }
}

impl From<Nqn> for String {
    fn from(nqn: Nqn) -> Self {
        nqn.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_specified_forms() {
        for text in [
            "nqn.2014-08.org.nvmexpress.discovery",
            "nqn.2014-08.org.nvmexpress:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "nqn.2014-08.com.example:nvme:nvm-subsystem-sn-d78432",
            "nqn.1988-11.com.dell:powerstore:00:2e4a41bd6ca6EB7A2BAE",
            "nqn.2019-08.org.qemu:a b",
        ] {
            assert_eq!(text.parse::<Nqn>().unwrap().as_str(), text);
        }
        let longest = format!("nqn.2014-08.org.example:{}", "x".repeat(Nqn::MAX_LEN - 24));
        assert_eq!(longest.len(), Nqn::MAX_LEN);
        assert!(longest.parse::<Nqn>().is_ok());
    }

    #[test]
    fn refuses_what_is_no_name() {
        for text in [
            "testnqn",
            "nqn.",
            "nqn.2014.08.org.nvmexpress:8086",
            "nqn.14-08.org.example:a",
            "nqn.2014-13.org.example:a",
            "nqn.2014-08.org.example:",
            "nqn.2014-08.:a",
            "nqn.2014-08.org..example:a",
            "NQN.2014-08.org.example:a",
        ] {
            assert_eq!(
                text.parse::<Nqn>(),
                Err(NqnError::Syntax(text.into())),
                "{text}"
            );
        }
        assert_eq!("".parse::<Nqn>(), Err(NqnError::Empty));
        assert_eq!("a".repeat(224).parse::<Nqn>(), Err(NqnError::TooLong(224)));
        assert_eq!(
            "nqn.2014-08.org.example:a\nb".parse::<Nqn>(),
            Err(NqnError::Control(25))
        );
        let no_uuid = "nqn.2014-08.org.nvmexpress:uuid:1234";
        assert_eq!(no_uuid.parse::<Nqn>(), Err(NqnError::Uuid(no_uuid.into())));
    }

    #[test]
    fn reported_names_may_be_anything_printable() {
        assert_eq!(Nqn::reported("testnqn").unwrap().as_str(), "testnqn");
        assert!(Nqn::reported("nqn.2014.08.org.nvmexpress:80868086").is_ok());
        assert_eq!(Nqn::reported(""), Err(NqnError::Empty));
        assert_eq!(Nqn::reported("a\0b"), Err(NqnError::Control(1)));
    }
}
