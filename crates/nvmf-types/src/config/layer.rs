//! Tunables as one place gives them, and laying them over each other.

use crate::ini::Entry;
use crate::{ConnectOptions, OptionError, Origin, Secret, SecretSource};

use super::excerpt::spelt_right;
use super::report::FileReport;
use super::{Origins, Persistence, UnknownPersistence};

/// The tunables that one section or `controller =` line gives, in the order of the file; all of
/// them valid. It may hold secrets.
#[derive(Default)]
pub(super) struct Layer(Vec<Setting>);

struct Setting {
    key: &'static str,
    value: Value,
    origin: Origin,
}

enum Value {
    Option(Secret),
    Persistent(Persistence),
}

/// What comes out of the cascade.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) options: ConnectOptions,
    pub(super) persistent: Persistence,
    pub(super) origins: Origins,
}

/// Options that must not stand on a `controller =` line.
pub(super) const SECURITY: [&str; 9] = [
    "tls",
    "tls-key",
    "tls-key-identity",
    "keyring",
    "concat",
    "kxchap-secret",
    "kxchap-ctrl-secret",
    "dhchap-secret",
    "dhchap-ctrl-secret",
];

const PERSISTENT: &str = "persistent";

impl Layer {
    /// Takes an entry whose key is that of a tunable, and says whether it is one. An empty value
    /// resets to the default.
    pub(super) fn accept(
        &mut self,
        entry: &Entry,
        discovery: bool,
        report: &mut FileReport<'_>,
    ) -> bool {
        if entry.key == PERSISTENT && discovery {
            self.persistent(entry, report);
            return true;
        }
        let Some(key) = ConnectOptions::canonical_key(&entry.key) else {
            return false;
        };
        let mut tried = ConnectOptions::default();
        match tried.set(key, &entry.value) {
            Ok(()) => {
                let value = Value::Option(Secret::new(entry.value.clone()));
                self.push(key, value, report.origin(entry.key_span));
            }
            Err(OptionError::Unknown(_)) => return false,
            Err(e) => report.bad_value(entry.value_span, &e.to_string(), "write another value"),
        }
        let secrets = [tried.dhchap_secret, tried.dhchap_ctrl_secret];
        for source in secrets.into_iter().flatten() {
            check_secret(entry, &source, report);
            report.secret(source, entry.value_span);
        }
        true
    }

    fn persistent(&mut self, entry: &Entry, report: &mut FileReport<'_>) {
        let parsed: Result<Persistence, UnknownPersistence> = match entry.value.as_str() {
            "" => Ok(Persistence::default()),
            value => value.parse(),
        };
        match parsed {
            Ok(persistent) => {
                let origin = report.origin(entry.key_span);
                self.push(PERSISTENT, Value::Persistent(persistent), origin);
            }
            Err(e) => report.bad_value(entry.value_span, &e.to_string(), ""),
        }
    }

    fn push(&mut self, key: &'static str, value: Value, origin: Origin) {
        self.0.push(Setting { key, value, origin });
    }
}

/// The kernel refuses a secret that is none, and says so in its log only.
fn check_secret(entry: &Entry, source: &SecretSource, report: &mut FileReport<'_>) {
    if let SecretSource::Literal(secret) = source
        && let Err(why) = secret.check_dhchap()
    {
        let message = format!("`{}` is not a DH-HMAC-CHAP secret: {why}", entry.key);
        let remedy = "write one, or `file:/path` or `credential:NAME` where it is to be found";
        report.warning(entry.value_span, &message, remedy);
    }
}

impl Settings {
    /// These settings with a layer of higher precedence over them.
    pub(super) fn with(mut self, layer: &Layer) -> Self {
        for Setting { key, value, origin } in &layer.0 {
            match value {
                Value::Option(value) => {
                    // `accept` has tried it
                    let set = self.options.set(key, value.expose());
                    debug_assert!(set.is_ok(), "{key}");
                }
                Value::Persistent(persistent) => self.persistent = *persistent,
            }
            match *key {
                // two names of one option: the last one counts
                "tls-key" => self.origins.remove("tls-key-identity"),
                "tls-key-identity" => self.origins.remove("tls-key"),
                _ => None,
            };
            self.origins.insert((*key).to_owned(), origin.clone());
        }
        self
    }
}

/// As much of a text that is no key as may be shown. With a blank in the place of `=`, or on a
/// line of its own, the rest is a value, and may be a secret: what does not look like a key is
/// cut after a few characters.
pub(super) fn first_word(text: &str) -> &str {
    let word = text.split_whitespace().next().unwrap_or_default();
    let like_a_key = word.len() <= 24 && !word.contains(':');
    let shown = if like_a_key { 24 } else { 6 };
    let end = word
        .char_indices()
        .nth(shown)
        .map_or(word.len(), |(end, _)| end);
    word.get(..end).unwrap_or_default()
}

/// Warns of a key that means nothing in `place`.
pub(super) fn unknown_key(entry: &Entry, place: &str, report: &mut FileReport<'_>) {
    let key = entry.key.as_str();
    let meant = spelt_right(key);
    let known = |key: &str| {
        matches!(
            key,
            "nqn" | "controller" | "hostnqn" | "hostid" | "hostsymname" | PERSISTENT
        ) || ConnectOptions::canonical_key(key).is_some()
    };
    let remedy = if meant != key && known(&meant) {
        format!("write `{meant}`")
    } else if known(key) {
        "move it to a section where it has a meaning".to_owned()
    } else {
        "correct or remove it: it does nothing".to_owned()
    };
    let shown = first_word(key).escape_debug();
    let message = format!("unknown key `{shown}` in {place}");
    report.warning(entry.key_span, &message, &remedy);
}
