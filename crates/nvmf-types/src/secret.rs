//! Values that must not be shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret (DH-CHAP or TLS key). `Debug` shows asterisks and there is no `Display`, so it does
/// not slip into a log; [`Secret::expose`] is easy to find in a review. Serialised in the clear:
/// only ever to a socket that root alone can open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

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
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
