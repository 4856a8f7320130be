//! Options as they are shown.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{ConnectOptions, KeyName, SecretSource};

/// The value of one option. `Display` and JSON mask a secret, but not where it is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionValue<'a> {
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A key or keyring.
    Key(&'a KeyName),
    /// A secret.
    Secret(&'a SecretSource),
}

impl ConnectOptions {
    /// The options that are set, by their names in [`Self::KEYS`] and in that order.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, OptionValue<'_>)> {
        let settings = Self::KEYS.into_iter();
        let set = settings.filter_map(|key| Some((key, self.value(key)?)));
        set.collect()
    }

    fn value(&self, key: &str) -> Option<OptionValue<'_>> {
        let number = |value: Option<u32>| value.map(|n| OptionValue::Number(n.into()));
        let signed = |value: Option<i32>| value.map(|n| OptionValue::Number(n.into()));
        let flag = |value: Option<bool>| value.map(OptionValue::Flag);
        let described = |key: &&KeyName| key.serial().is_none();
        let tls_key = self.tls_key.as_ref();
        match key {
            "nr-io-queues" => number(self.nr_io_queues),
            "nr-write-queues" => number(self.nr_write_queues),
            "nr-poll-queues" => number(self.nr_poll_queues),
            "queue-size" => number(self.queue_size),
            "keep-alive-tmo" => number(self.keep_alive_tmo),
            "reconnect-delay" => number(self.reconnect_delay),
            "ctrl-loss-tmo" => signed(self.ctrl_loss_tmo),
            "fast-io-fail-tmo" => signed(self.fast_io_fail_tmo),
            "tos" => number(self.tos),
            "duplicate-connect" => flag(self.duplicate_connect),
            "disable-sqflow" => flag(self.disable_sqflow),
            "hdr-digest" => flag(self.hdr_digest),
            "data-digest" => flag(self.data_digest),
            "tls" => flag(self.tls),
            "concat" => flag(self.concat),
            "keyring" => self.keyring.as_ref().map(OptionValue::Key),
            "tls-key" => tls_key.filter(|k| !described(k)).map(OptionValue::Key),
            "tls-key-identity" => tls_key.filter(described).map(OptionValue::Key),
            "kxchap-secret" => self.dhchap_secret.as_ref().map(OptionValue::Secret),
            "kxchap-ctrl-secret" => self.dhchap_ctrl_secret.as_ref().map(OptionValue::Secret),
            _ => None,
        }
    }
}

impl OptionValue<'_> {
    /// The text that [`ConnectOptions::set`] reads as this value. It may be a secret.
    #[must_use]
    pub fn expose(&self) -> String {
        match self {
            Self::Secret(SecretSource::Literal(secret)) => secret.expose().to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for OptionValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
            Self::Key(key) => key.fmt(f),
            Self::Secret(source) => source.fmt(f),
        }
    }
}

impl Serialize for OptionValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Key(key) => key.serialize(serializer),
            Self::Secret(source) => serializer.collect_str(source),
        }
    }
}
