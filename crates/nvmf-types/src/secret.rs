//! Values that must not be shown.

mod dhchap;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use dhchap::MalformedDhchap;

/// A secret (DH-CHAP or TLS key). `Debug` shows asterisks and there is no `Display`, so it does
/// not slip into a log; [`Secret::expose`] is easy to find in a review. Serialised in the clear:
/// only ever to a socket that root alone can open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// A secret as it is configured: itself, or where it is to be read when it is needed. `Display`
/// and `Debug` show the place, but not the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Secret", into = "Secret")]
pub enum SecretSource {
    /// The secret itself.
    Literal(Secret),
    /// `file:/path`: the only line of that file; the path is absolute.
    File(String),
    /// `credential:NAME`: the credential that systemd passes to the service that connects
    /// (systemd.exec(5), `LoadCredential=`).
    Credential(String),
}

/// A reference that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretSourceError {
    /// `file:` without a path that is absolute.
    #[error("`file:{}` has no absolute path: expected file:/path", .0.escape_debug())]
    Path(String),
    /// `credential:` without a name that a credential can have.
    #[error("`credential:{}` has no name of a credential: expected credential:NAME with letters, digits and . _ -", .0.escape_debug())]
    Credential(String),
}

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is a DH-HMAC-CHAP secret.
    ///
    /// # Errors
    /// What is wrong with its form, without saying it.
    pub fn check_dhchap(&self) -> Result<(), MalformedDhchap> {
        dhchap::check(&self.0)
    }
}

impl FromStr for SecretSource {
    type Err = SecretSourceError;

    fn from_str(text: &str) -> Result<Self, SecretSourceError> {
        if let Some(path) = text.strip_prefix("file:") {
            let usable = path.starts_with('/') && !path.contains('\0');
            let path = path.to_owned();
            return match usable {
                true => Ok(Self::File(path)),
                false => Err(SecretSourceError::Path(path)),
            };
        }
        let Some(name) = text.strip_prefix("credential:") else {
            return Ok(Self::Literal(Secret::new(text.to_owned())));
        };
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let usable = (1..=255).contains(&name.len())
            && name.bytes().all(fits)
            && !matches!(name, "." | "..");
        let name = name.to_owned();
        match usable {
            true => Ok(Self::Credential(name)),
            false => Err(SecretSourceError::Credential(name)),
        }
    }
}

impl TryFrom<Secret> for SecretSource {
    type Error = SecretSourceError;

    fn try_from(text: Secret) -> Result<Self, SecretSourceError> {
        text.expose().parse()
    }
}

impl From<SecretSource> for Secret {
    fn from(source: SecretSource) -> Self {
        match source {
            SecretSource::Literal(secret) => secret,
            reference => Self::new(reference.to_string()),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("***"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Credential(name) => write!(f, "credential:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        for (text, shown) in [
            ("file:/etc/nvme/key", Ok("file:/etc/nvme/key")),
            ("credential:nvme.host-1", Ok("credential:nvme.host-1")),
            ("DHHC-1:00:hush:", Ok("***")),
            ("", Ok("***")),
            (
                "file:key",
                Err("`file:key` has no absolute path: expected file:/path"),
            ),
            (
                "credential:../x",
                Err(
                    "`credential:../x` has no name of a credential: expected credential:NAME with letters, digits and . _ -",
                ),
            ),
            (
                "credential:",
                Err(
                    "`credential:` has no name of a credential: expected credential:NAME with letters, digits and . _ -",
                ),
            ),
        ] {
            let source = text.parse::<SecretSource>();
            let said = source.as_ref().map(ToString::to_string);
            let said = said.map_err(ToString::to_string);
            assert_eq!(said, shown.map(str::to_owned).map_err(str::to_owned));
            let Ok(source) = source else { continue };
            assert!(!format!("{source:?}").contains("hush"));
            let json = serde_json::to_string(&source).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<SecretSource>(&json).unwrap(), source);
        }
    }
}
