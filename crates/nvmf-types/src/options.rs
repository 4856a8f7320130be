//! Options of a connection.

mod value;

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{KeyName, SecretSource, SecretSourceError};

pub use value::OptionValue;

/// What can be set on a connection besides its [`TransportId`](crate::TransportId). Unset: the kernel's default.
/// Field names are those of the `nvme connect` options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ConnectOptions {
    /// Number of I/O queues, at least 1.
    pub nr_io_queues: Option<u32>,
    /// Number of additional queues for writes.
    pub nr_write_queues: Option<u32>,
    /// Number of additional queues for polling.
    pub nr_poll_queues: Option<u32>,
    /// Elements of an I/O queue: 16 to 1024.
    pub queue_size: Option<u32>,
    /// Keep-alive timeout in seconds. A discovery controller gets 30 where unset, because the
    /// kernel's 0 makes the target drop it after two minutes.
    pub keep_alive_tmo: Option<u32>,
    /// Seconds between two attempts of the kernel to reconnect.
    pub reconnect_delay: Option<u32>,
    /// Seconds after which the kernel gives a lost controller up; -1: never.
    pub ctrl_loss_tmo: Option<i32>,
    /// Seconds after which I/O to a lost controller fails; -1: off.
    pub fast_io_fail_tmo: Option<i32>,
    /// IP type of service: 0 to 255.
    pub tos: Option<u32>,
    /// Allow a second connection to the same port and subsystem.
    pub duplicate_connect: Option<bool>,
    /// Disable submission queue flow control.
    pub disable_sqflow: Option<bool>,
    /// NVMe/TCP header digest.
    pub hdr_digest: Option<bool>,
    /// NVMe/TCP data digest.
    pub data_digest: Option<bool>,
    /// Use TLS.
    pub tls: Option<bool>,
    /// Set TLS up after authentication (secure concatenation).
    pub concat: Option<bool>,
    /// The keyring with the TLS key.
    pub keyring: Option<KeyName>,
    /// The TLS key: `tls-key` by its serial number, `tls-key-identity` by its description.
    pub tls_key: Option<KeyName>,
    /// DH-HMAC-CHAP secret of the host.
    pub dhchap_secret: Option<SecretSource>,
    /// DH-HMAC-CHAP secret of the controller, for authentication both ways.
    pub dhchap_ctrl_secret: Option<SecretSource>,
}

/// Why an option cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OptionError {
    /// No such option.
    #[error("unknown option `{}`", .0.escape_debug())]
    Unknown(String),
    /// A number that is none or out of range.
    #[error("`{}` is not possible for {key}: expected {expected}", .value.escape_debug())]
    Value {
        /// The option.
        key: &'static str,
        /// What was given.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A reference to a secret that cannot be one.
    #[error("{0}: {1}")]
    Secret(&'static str, #[source] SecretSourceError),
}

impl ConnectOptions {
    /// The names that [`ConnectOptions::set`] knows.
    pub const KEYS: [&'static str; 20] = [
        "nr-io-queues",
        "nr-write-queues",
        "nr-poll-queues",
        "queue-size",
        "keep-alive-tmo",
        "reconnect-delay",
        "ctrl-loss-tmo",
        "fast-io-fail-tmo",
        "tos",
        "duplicate-connect",
        "disable-sqflow",
        "hdr-digest",
        "data-digest",
        "tls",
        "concat",
        "keyring",
        "tls-key",
        "tls-key-identity",
        "kxchap-secret",
        "kxchap-ctrl-secret",
    ];

    /// The name in [`Self::KEYS`] of the option that `key` names: `dhchap-secret` is another name of
    /// `kxchap-secret`.
    #[must_use]
    pub fn canonical_key(key: &str) -> Option<&'static str> {
        let key = match key {
            "dhchap-secret" => "kxchap-secret",
            "dhchap-ctrl-secret" => "kxchap-ctrl-secret",
            other => other,
        };
        Self::KEYS.into_iter().find(|known| *known == key)
    }

    /// Sets one option from its text; an empty text resets it to the kernel's default. Booleans:
    /// 1 yes y true t on / 0 no n false f off, any case; numbers decimal or 0x…; secrets as
    /// [`SecretSource`] reads them, whatever their form.
    ///
    /// # Errors
    /// No such option, or a value out of its range.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), OptionError> {
        match key {
            "nr-io-queues" => {
                self.nr_io_queues = number("nr-io-queues", text, 1..=65535, "1 to 65535")?;
            }
            "nr-write-queues" => {
                self.nr_write_queues = number("nr-write-queues", text, 1..=65535, "1 to 65535")?;
            }
            "nr-poll-queues" => {
                self.nr_poll_queues = number("nr-poll-queues", text, 1..=65535, "1 to 65535")?;
            }
            "queue-size" => self.queue_size = number("queue-size", text, 16..=1024, "16 to 1024")?,
            "keep-alive-tmo" => {
                self.keep_alive_tmo =
                    number("keep-alive-tmo", text, SECONDS, "seconds, 0 to 2147483")?;
            }
            "reconnect-delay" => {
                self.reconnect_delay = number(
                    "reconnect-delay",
                    text,
                    1..=2_147_483,
                    "seconds, 1 to 2147483",
                )?;
            }
            "ctrl-loss-tmo" => self.ctrl_loss_tmo = timeout("ctrl-loss-tmo", text)?,
            "fast-io-fail-tmo" => self.fast_io_fail_tmo = timeout("fast-io-fail-tmo", text)?,
            "tos" => self.tos = number("tos", text, 0..=255, "0 to 255")?,
            "duplicate-connect" => self.duplicate_connect = boolean("duplicate-connect", text)?,
            "disable-sqflow" => self.disable_sqflow = boolean("disable-sqflow", text)?,
            "hdr-digest" => self.hdr_digest = boolean("hdr-digest", text)?,
            "data-digest" => self.data_digest = boolean("data-digest", text)?,
            // of these the value may be the key itself, in the wrong place
            "tls" => self.tls = boolean("tls", text).map_err(OptionError::without_value)?,
            "concat" => {
                self.concat = boolean("concat", text).map_err(OptionError::without_value)?;
            }
            "keyring" => {
                self.keyring = keyring(text).map_err(OptionError::without_value)?;
            }
            "tls-key" => {
                let serial = number("tls-key", text, SERIAL, "a key serial number")
                    .map_err(OptionError::without_value)?;
                self.tls_key = serial.map(KeyName::Serial);
            }
            "tls-key-identity" => {
                self.tls_key = described("tls-key-identity", text, "the description of a key")?;
            }
            "kxchap-secret" | "dhchap-secret" => {
                self.dhchap_secret = secret("kxchap-secret", text)?;
            }
            "kxchap-ctrl-secret" | "dhchap-ctrl-secret" => {
                self.dhchap_ctrl_secret = secret("kxchap-ctrl-secret", text)?;
            }
            _ => return Err(OptionError::Unknown(key.to_owned())),
        }
        Ok(())
    }
}

impl OptionError {
    fn without_value(mut self) -> Self {
        if let Self::Value { value, .. } = &mut self {
            "***".clone_into(value);
        }
        self
    }
}

/// The kernel multiplies by 1000 in an int.
const SECONDS: std::ops::RangeInclusive<u32> = 0..=2_147_483;
const SERIAL: std::ops::RangeInclusive<u32> = 1..=2_147_483_647;

fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            i64::from_str_radix(hex, 16).ok()
        }
        Some(_) => None,
        None if text.starts_with('+') => None,
        None => i64::from_str(text).ok(),
    }
}

fn number(
    key: &'static str,
    text: &str,
    range: std::ops::RangeInclusive<u32>,
    expected: &'static str,
) -> Result<Option<u32>, OptionError> {
    if text.is_empty() {
        return Ok(None);
    }
    integer(text)
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| range.contains(n))
        .map(Some)
        .ok_or_else(|| OptionError::Value {
            key,
            value: text.to_owned(),
            expected,
        })
}

fn keyring(text: &str) -> Result<Option<KeyName>, OptionError> {
    let expected = "the serial number or description of a keyring";
    match integer(text) {
        Some(_) => Ok(number("keyring", text, SERIAL, expected)?.map(KeyName::Serial)),
        None => described("keyring", text, expected),
    }
}

fn described(
    key: &'static str,
    text: &str,
    expected: &'static str,
) -> Result<Option<KeyName>, OptionError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = OptionError::Value {
        key,
        value: text.to_owned(),
        expected,
    };
    let known = KeyName::described(text);
    known.map(Some).ok_or_else(|| wrong.without_value())
}

fn secret(key: &'static str, text: &str) -> Result<Option<SecretSource>, OptionError> {
    if text.is_empty() {
        return Ok(None);
    }
    let source = text.parse().map(Some);
    source.map_err(|e| OptionError::Secret(key, e))
}

fn timeout(key: &'static str, text: &str) -> Result<Option<i32>, OptionError> {
    if text.is_empty() {
        return Ok(None);
    }
    integer(text)
        .and_then(|n| i32::try_from(n).ok())
        .filter(|n| (-1..=2_147_483).contains(n))
        .map(Some)
        .ok_or_else(|| OptionError::Value {
            key,
            value: text.to_owned(),
            expected: "seconds, 0 to 2147483, or -1",
        })
}

/// The configuration files' booleans; an empty text is `None`.
pub(crate) fn boolean(key: &'static str, text: &str) -> Result<Option<bool>, OptionError> {
    match text.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "1" | "yes" | "y" | "true" | "t" | "on" => Ok(Some(true)),
        "0" | "no" | "n" | "false" | "f" | "off" => Ok(Some(false)),
        _ => Err(OptionError::Value {
            key,
            value: text.to_owned(),
            expected: "yes or no",
        }),
    }
}

#[cfg(test)]
mod tests;
