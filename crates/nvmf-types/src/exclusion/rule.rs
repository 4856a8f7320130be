//! What one entry asks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use crate::{FcName, HostId, Traddr, Transport, TransportId, tid};

use super::InvalidEntry;

/// What an entry asks of a connection: at least one field.
///
/// Values are kept as written, because an entry with a value that no connection can have is valid
/// and simply never matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The fields in canonical order, `key=value;key=value`.
    text: Box<str>,
    /// Where each field ends in the text; 0: there is none.
    ends: [usize; tid::KEYS.len()],
    pub(super) means: Means,
}

/// What the fields mean that do not compare as text. `None`: no connection can have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Means {
    pub(super) transport: Option<Transport>,
    pub(super) traddr: Address,
    pub(super) port: Option<u16>,
    pub(super) host_traddr: Address,
    pub(super) hostid: Option<HostId>,
}

/// What an address means whose fabric is not known. It is small, because lists are long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Address {
    /// Just text.
    #[default]
    Text,
    /// An IP address in any scope.
    Ip(IpAddr),
    /// An IPv6 address in one scope.
    Scoped(Box<(IpAddr, String)>),
    /// A Fibre Channel address.
    Fc(FcName),
}

/// Why a rule cannot be written as an entry that reads back the same.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// No field at all, which would ask nothing.
    #[error("an entry needs at least one field: `key=value`")]
    NoField,
    /// A field with an empty text.
    #[error("{0} is empty: leave it out, or give it a value")]
    Empty(&'static str),
    /// Blanks round the value, which reading takes away.
    #[error("{key} `{}` starts or ends with blanks, which cannot be written to a list: leave them out", .value.escape_debug())]
    Blanks {
        /// The field.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// A `;` in the value, which ends it.
    #[error("{key} `{}` contains `;`, which separates fields: it cannot be written to a list", .value.escape_debug())]
    Semicolon {
        /// The field.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// A line end or another control character in the value.
    #[error("{key} `{}` contains a line end or another control character: it cannot be written to a list", .value.escape_debug())]
    Control {
        /// The field.
        key: &'static str,
        /// Its value.
        value: String,
    },
}

impl Rule {
    /// A rule of field texts, looked up by the keys of an entry, each as it is to be written.
    ///
    /// # Errors
    /// A text that would not read back the same, or no field.
    pub fn from_fields<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Result<Self, RuleError> {
        let mut values = [""; tid::KEYS.len()];
        for (value, key) in values.iter_mut().zip(tid::KEYS) {
            if let Some(text) = field(key) {
                *value = writable(key, text)?;
            }
        }
        Self::of_values(values).ok_or(RuleError::NoField)
    }

    /// A rule that excludes this connection: the target and, where the connection names them, the
    /// host's address and interface. The host's name and id are left out, because a controller
    /// always reports them, and a connection that is wanted rarely names them.
    ///
    /// # Errors
    /// A name that cannot be written; targets may report any text.
    pub fn of_connection(tid: &TransportId) -> Result<Self, RuleError> {
        let keys = [
            "transport",
            "traddr",
            "trsvcid",
            "nqn",
            "host-traddr",
            "host-iface",
        ];
        let texts = keys.map(|key| (key, tid.field(key)));
        Self::from_fields(|wanted| {
            let found = texts.iter().find(|(key, _)| *key == wanted);
            found.and_then(|(_, text)| text.as_deref())
        })
    }

    /// Whether the rule can be written as an entry that reads back the same. One that was read
    /// from a file can; one that was read from other text may have control characters in it.
    ///
    /// # Errors
    /// The first value that cannot.
    pub fn writable(&self) -> Result<(), RuleError> {
        self.fields()
            .try_for_each(|(key, value)| writable(key, value).map(|_| ()))
    }

    /// The value of one field, as written, by its key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&str> {
        let index = tid::KEYS.iter().position(|k| *k == key)?;
        self.value(index)
    }

    /// The fields that the rule asks for, with their values as written, in canonical order.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let keys = tid::KEYS.into_iter().enumerate();
        keys.filter_map(|(index, key)| Some((key, self.value(index)?)))
    }

    /// The value of a field by its place in the canonical order.
    pub(super) fn value(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index).filter(|end| **end > 0)?;
        let before = self.ends.get(..index)?.iter().max().copied();
        let start = before.filter(|end| *end > 0).map_or(0, |end| end + 1);
        self.text.get(start + tid::KEYS.get(index)?.len() + 1..end)
    }

    /// A rule of values in canonical order; empty: not asked for.
    fn of_values(values: [&str; tid::KEYS.len()]) -> Option<Self> {
        let room = tid::KEYS.iter().zip(values).filter(|(_, v)| !v.is_empty());
        let room = room.map(|(k, v)| k.len() + v.len() + 2).sum::<usize>();
        let mut text = String::with_capacity(room.checked_sub(1)?);
        let mut ends = [0; tid::KEYS.len()];
        for ((key, value), end) in tid::KEYS.iter().zip(values).zip(&mut ends) {
            if value.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push(';');
            }
            text.push_str(key);
            text.push('=');
            text.push_str(value);
            *end = text.len();
        }
        Some(Self {
            text: text.into_boxed_str(),
            ends,
            means: Means::of(values),
        })
    }
}

impl Means {
    fn of(values: [&str; tid::KEYS.len()]) -> Self {
        let [transport, traddr, trsvcid, _, host_traddr, _, _, hostid] = values;
        let transport = Transport::ALL.into_iter().find(|t| t.as_str() == transport);
        let id = || hostid.parse().ok();
        Self {
            transport,
            traddr: Address::of(traddr),
            port: port(trsvcid),
            host_traddr: Address::of(host_traddr),
            hostid: if hostid.is_empty() { None } else { id() },
        }
    }
}

impl Address {
    /// What `text` means.
    pub(super) fn of(text: &str) -> Self {
        if text.starts_with(['n', 'N']) {
            return text.parse().map_or(Self::Text, Self::Fc);
        }
        if let Ok(addr) = text.parse::<IpAddr>() {
            return Self::Ip(addr.to_canonical());
        }
        if !text.contains('%') {
            return Self::Text;
        }
        match Traddr::parse(Transport::Tcp, text) {
            Ok(Traddr::Ip { addr, scope: None }) => Self::Ip(addr),
            Ok(Traddr::Ip {
                addr,
                scope: Some(scope),
            }) => Self::Scoped(Box::new((addr, scope))),
            _ => Self::Text,
        }
    }
}

/// The port that is written so; `04420` is none.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

fn writable<'a>(key: &'static str, text: &'a str) -> Result<&'a str, RuleError> {
    let value = || text.to_owned();
    if text.is_empty() {
        Err(RuleError::Empty(key))
    } else if text.contains(char::is_control) {
        Err(RuleError::Control {
            key,
            value: value(),
        })
    } else if text.contains(';') {
        Err(RuleError::Semicolon {
            key,
            value: value(),
        })
    } else if text.trim() != text {
        Err(RuleError::Blanks {
            key,
            value: value(),
        })
    } else {
        Ok(text)
    }
}

impl FromStr for Rule {
    type Err = InvalidEntry;

    fn from_str(text: &str) -> Result<Self, InvalidEntry> {
        let mut values = [""; tid::KEYS.len()];
        for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| InvalidEntry::NotKeyValue(part.to_owned()))?;
            let (key, value) = (key.trim(), value.trim());
            let (slot, name) = values
                .iter_mut()
                .zip(tid::KEYS)
                .find(|(_, name)| *name == key)
                .ok_or_else(|| InvalidEntry::UnknownKey(key.to_owned()))?;
            if value.is_empty() {
                return Err(InvalidEntry::EmptyValue(name));
            }
            *slot = value;
        }
        Self::of_values(values).ok_or(InvalidEntry::NoField)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rule() {
        for (text, want) in [
            ("", InvalidEntry::NoField),
            (" ; ;", InvalidEntry::NoField),
            ("nqn=a;tcp", InvalidEntry::NotKeyValue("tcp".into())),
            ("NQN=a", InvalidEntry::UnknownKey("NQN".into())),
            (
                "host_traddr=a",
                InvalidEntry::UnknownKey("host_traddr".into()),
            ),
            ("=a", InvalidEntry::UnknownKey(String::new())),
            ("nqn=", InvalidEntry::EmptyValue("nqn")),
            ("nqn=;nqn=a", InvalidEntry::EmptyValue("nqn")),
        ] {
            assert_eq!(text.parse::<Rule>(), Err(want), "{text}");
        }
    }

    #[test]
    fn the_first_equals_sign_splits_and_values_stay_as_written() {
        let rule: Rule = " nqn = a=b c ; traddr=0:0::1 ;".parse().unwrap();
        assert_eq!(rule.to_string(), "traddr=0:0::1;nqn=a=b c");
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }

    #[test]
    fn what_cannot_be_written() {
        let rule = |nqn: &str| Rule::from_fields(|key| (key == "nqn").then_some(nqn));
        for (nqn, reason) in [
            ("", "nqn is empty: leave it out"),
            (" a", "nqn ` a` starts or ends with blanks"),
            ("a\u{2003}", "starts or ends with blanks"),
            ("a;transport=tcp", "nqn `a;transport=tcp` contains `;`"),
            (
                "a\nb",
                "nqn `a\\nb` contains a line end or another control character",
            ),
            ("a\r", "contains a line end"),
            ("a\0", "another control character"),
            ("a\u{85}b", "another control character"),
        ] {
            let error = rule(nqn).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert_eq!(Rule::from_fields(|_| None), Err(RuleError::NoField));
        let odd = "#a = b [c] \"d\" \u{feff}";
        assert_eq!(rule(odd).unwrap().field("nqn"), Some(odd));

        // from text that is no file's
        let read: Rule = "nqn=a\nb".parse().unwrap();
        assert!(matches!(
            read.writable(),
            Err(RuleError::Control { key: "nqn", .. })
        ));
    }

    #[test]
    fn of_a_connection() {
        let target = "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:a";
        let path = format!("{target};host-traddr=192.0.2.9;host-iface=eth0");
        let host = "hostnqn=nqn.2014-08.org.example:h;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        let tid: TransportId = format!("{path};{host}").parse().unwrap();
        assert_eq!(Rule::of_connection(&tid).unwrap().to_string(), path);
        let tid: TransportId = target.parse().unwrap();
        let rule = Rule::of_connection(&tid).unwrap();
        assert_eq!(rule.to_string(), target);
        assert_eq!(rule.field("host-iface"), None);
        assert_eq!(rule.field("hostiface"), None);
    }
}
