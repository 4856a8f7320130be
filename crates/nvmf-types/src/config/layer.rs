//! Tunables as one place gives them, and laying them over each other.

use crate::{ConnectOptions, OptionError, Origin};

use super::report::Report;
use super::{Persistence, UnknownPersistence};

/// The tunables that one section or `controller =` line gives, in the order of the file; all of
/// them valid. It may hold secrets.
#[derive(Default)]
pub(super) struct Layer(Vec<Setting>);

enum Setting {
    Option(String, String),
    Persistent(Persistence),
}

/// What comes out of the cascade.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) options: ConnectOptions,
    pub(super) persistent: Persistence,
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

impl Layer {
    /// Takes an entry whose key is that of a tunable, and says whether it is one. An empty value
    /// resets to the default.
    pub(super) fn accept(
        &mut self,
        (key, value): (&str, &str),
        discovery: bool,
        origin: &Origin,
        report: &mut Report,
    ) -> bool {
        if key == "persistent" && discovery {
            let parsed: Result<Persistence, UnknownPersistence> = match value {
                "" => Ok(Persistence::default()),
                _ => value.parse(),
            };
            match parsed {
                Ok(persistent) => self.0.push(Setting::Persistent(persistent)),
                Err(e) => report.bad_value(origin.clone(), &e.to_string(), ""),
            }
            return true;
        }
        if key == "tls-key-identity" {
            not_supported(key, origin, report);
            return true;
        }
        match ConnectOptions::default().set(key, value) {
            Ok(()) => self
                .0
                .push(Setting::Option(key.to_owned(), value.to_owned())),
            Err(OptionError::Unknown(_)) => return false,
            Err(e) => report.bad_value(origin.clone(), &e.to_string(), "write another value"),
        }
        true
    }
}

impl Settings {
    /// These settings with a layer of higher precedence over them.
    pub(super) fn with(mut self, layer: &Layer) -> Self {
        for setting in &layer.0 {
            match setting {
                Setting::Option(key, value) => {
                    // `accept` has tried it
                    let set = self.options.set(key, value);
                    debug_assert!(set.is_ok(), "{key}");
                }
                Setting::Persistent(persistent) => self.persistent = *persistent,
            }
        }
        self
    }
}

/// Warns of a key that is known and does nothing.
pub(super) fn not_supported(key: &str, origin: &Origin, report: &mut Report) {
    report.warning(
        origin.clone(),
        format!("`{key}` is not supported yet and does nothing"),
        "remove the line",
    );
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
pub(super) fn unknown_key(key: &str, place: &str, origin: &Origin, report: &mut Report) {
    let hyphens = key.replace('_', "-").to_ascii_lowercase();
    let known = |k: &str| {
        matches!(
            k,
            "nqn" | "controller" | "hostnqn" | "hostid" | "hostsymname" | "persistent"
        ) || SECURITY.contains(&k)
            || ConnectOptions::KEYS.contains(&k)
    };
    let remedy = if hyphens != key && known(&hyphens) {
        format!("write `{hyphens}`")
    } else if known(key) {
        "move it to a section where it has a meaning".to_owned()
    } else {
        "correct or remove it: it does nothing".to_owned()
    };
    report.warning(
        origin.clone(),
        format!(
            "unknown key `{}` in {place}",
            first_word(key).escape_debug()
        ),
        remedy,
    );
}
