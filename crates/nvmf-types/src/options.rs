//! Options of a connection.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Secret;

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
    /// Serial number of the keyring with the TLS key.
    pub keyring: Option<u32>,
    /// Serial number of the TLS key.
    pub tls_key: Option<u32>,
    /// DH-HMAC-CHAP secret of the host.
    pub dhchap_secret: Option<Secret>,
    /// DH-HMAC-CHAP secret of the controller, for authentication both ways.
    pub dhchap_ctrl_secret: Option<Secret>,
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
}

impl ConnectOptions {
    /// The names that [`ConnectOptions::set`] knows.
    pub const KEYS: [&'static str; 19] = [
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
        "dhchap-secret",
        "dhchap-ctrl-secret",
    ];

    /// Sets one option from its text; an empty text resets it to the kernel's default. Booleans:
    /// 1 yes y true t on / 0 no n false f off, any case; numbers decimal or 0x…; `kxchap-secret`
    /// and `kxchap-ctrl-secret` are other names of the `dhchap-…` ones.
    ///
    /// # Errors
    /// No such option, or a value out of its range.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), OptionError> {
        let secret = || (!text.is_empty()).then(|| Secret::new(text.to_owned()));
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
                self.keyring = number("keyring", text, SERIAL, "a key serial number")
                    .map_err(OptionError::without_value)?;
            }
            "tls-key" => {
                self.tls_key = number("tls-key", text, SERIAL, "a key serial number")
                    .map_err(OptionError::without_value)?;
            }
            "dhchap-secret" | "kxchap-secret" => self.dhchap_secret = secret(),
            "dhchap-ctrl-secret" | "kxchap-ctrl-secret" => self.dhchap_ctrl_secret = secret(),
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
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range() {
        let mut options = ConnectOptions::default();
        for (key, value) in [
            ("nr-io-queues", "0"),
            ("queue-size", "15"),
            ("tos", "256"),
            ("ctrl-loss-tmo", "-2"),
            ("reconnect-delay", "0x"),
            ("tls", "maybe"),
            ("keep-alive-tmo", "+5"),
        ] {
            assert!(
                matches!(options.set(key, value), Err(OptionError::Value { .. })),
                "{key}={value}"
            );
        }
        assert_eq!(
            options.set("nonsense", "1"),
            Err(OptionError::Unknown("nonsense".into()))
        );
        assert_eq!(
            options,
            ConnectOptions::default(),
            "an error changes nothing"
        );
    }

    #[test]
    fn every_key_can_be_set_and_reset() {
        for key in ConnectOptions::KEYS {
            let mut options = ConnectOptions::default();
            options
                .set(key, if key.ends_with("-size") { "32" } else { "1" })
                .unwrap();
            assert_ne!(options, ConnectOptions::default(), "{key}");
            options.set(key, "").unwrap();
            assert_eq!(options, ConnectOptions::default(), "{key}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut options = ConnectOptions::default();
        options.set("dhchap-secret", "DHHC-1:00:hush:").unwrap();
        assert!(!format!("{options:?}").contains("hush"));
        for key in ["tls", "concat", "keyring", "tls-key"] {
            let error = options.set(key, "NVMeTLSkey-1:01:hush:").unwrap_err();
            assert!(!format!("{error:?} {error}").contains("hush"), "{key}");
        }
    }
}
