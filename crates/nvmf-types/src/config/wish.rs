//! Connections that are asked for elsewhere than in the configuration files.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{
    ConnectOptions, ControllerClass, HostId, HostIdentity, HostName, Nqn, OptionError, Origin,
    Secret, TidError, Traddr, Transport, TransportId, Trsvcid,
};

use super::layer::SECURITY;
use super::{Persistence, UnknownPersistence};

/// A connection that a command line asks for, or a file of an older format: texts that are valid
/// one by one, as they can be written into a configuration file. It may hold secrets, which
/// `Debug` does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// I/O or discovery.
    pub class: ControllerClass,
    /// Whether a discovery controller is to stay connected, where that is said.
    pub persistent: Option<Persistence>,
    /// Where it is asked for.
    pub origin: Origin,
    fields: BTreeMap<&'static str, String>,
    settings: BTreeMap<&'static str, Secret>,
}

/// Why a wish cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WishError {
    /// No field, option or other thing to set.
    #[error("unknown option `{}`", .0.escape_debug())]
    UnknownKey(String),
    /// Fields that are wrong, or do not go together.
    #[error(transparent)]
    Field(#[from] TidError),
    /// An option's value.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A value of `persistent`.
    #[error(transparent)]
    Persistent(#[from] UnknownPersistence),
    /// A text that a configuration file cannot hold.
    #[error("the value of {0} contains a control character or `;`, or blanks at its ends")]
    NotWritable(&'static str),
}

/// What names a connection, in canonical order.
const FIELDS: [&str; 8] = crate::tid::KEYS;

impl Wish {
    /// A wish for a controller of `class` that says nothing yet.
    #[must_use]
    pub const fn new(class: ControllerClass, origin: Origin) -> Self {
        Self {
            class,
            persistent: None,
            origin,
            fields: BTreeMap::new(),
            settings: BTreeMap::new(),
        }
    }

    /// Sets a field of the transport id, an option of the connection or `persistent`, by its name
    /// in the configuration files. An empty text unsets it; so does the word `none` for addresses,
    /// because that is how nvme-cli and the kernel spell it. Host names are not resolved.
    ///
    /// # Errors
    /// No such key, or a value that is wrong whatever the rest is. Nothing was changed.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), WishError> {
        if key == "persistent" {
            self.persistent = match text {
                "" => None,
                _ => Some(text.parse()?),
            };
        } else if let Some(field) = FIELDS.iter().find(|field| **field == key) {
            let unset = text.is_empty() || text == "none" && is_address(key);
            if !unset {
                check_field(field, text)?;
            }
            put(&mut self.fields, field, (!unset).then(|| text.to_owned()));
        } else {
            let Some(name) = ConnectOptions::canonical_key(key) else {
                return Err(WishError::UnknownKey(key.to_owned()));
            };
            check_option(name, text)?;
            let value = (!text.is_empty()).then(|| Secret::new(text.to_owned()));
            put(&mut self.settings, name, value);
        }
        Ok(())
    }

    /// What is wrong with the fields taken together; empty if nothing is. A host name as `traddr`
    /// is right where there are IP addresses.
    #[must_use]
    pub fn problems(&self) -> Vec<WishError> {
        let Some(Ok(transport)) = self.field("transport").map(str::parse::<Transport>) else {
            return vec![TidError::Missing("transport").into()];
        };
        let address = |key: &'static str| {
            let text = self.field(key)?;
            let name = key == "traddr" && self.host_name().is_some();
            let error = Traddr::parse(transport, text).err().filter(|_| !name)?;
            Some(TidError::Address(key, error))
        };
        let mut wrong: Vec<TidError> = ["traddr", "host-traddr"]
            .into_iter()
            .filter_map(address)
            .collect();
        if wrong.is_empty() {
            wrong.extend(self.any_tid().err());
        }
        wrong.into_iter().map(WishError::Field).collect()
    }

    /// The value of a field, by its key in a transport id's text.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(String::as_str)
    }

    /// The subsystem; the well-known one of discovery where none is said.
    #[must_use]
    pub fn nqn(&self) -> Nqn {
        let given = self.field("nqn").and_then(|text| text.parse().ok());
        given.unwrap_or_else(Nqn::discovery)
    }

    /// Who the host is to be, where that is said.
    #[must_use]
    pub fn identity(&self) -> HostIdentity {
        HostIdentity {
            hostnqn: self.field("hostnqn").and_then(|text| text.parse().ok()),
            hostid: self.field("hostid").and_then(|text| text.parse().ok()),
        }
    }

    /// `traddr` if it is a name that has to be resolved.
    #[must_use]
    pub fn host_name(&self) -> Option<HostName> {
        let transport: Transport = self.field("transport")?.parse().ok()?;
        let name = self.field("traddr")?;
        let named = transport.is_ip() && Traddr::parse(transport, name).is_err();
        named.then(|| name.parse().ok())?
    }

    /// The connection with `traddr` as the target's address in place of the one that was said: what
    /// its host name resolves to.
    ///
    /// # Errors
    /// The first thing that is wrong with the fields.
    pub fn tid_at(&self, traddr: Option<&str>) -> Result<TransportId, TidError> {
        let nqn = self.nqn();
        TransportId::from_fields(|key| match key {
            "traddr" => traddr,
            "nqn" => Some(nqn.as_str()),
            _ => self.field(key),
        })
    }

    /// The connection as it is said.
    ///
    /// # Errors
    /// The first thing that is wrong with the fields; a host name is no address.
    pub fn tid(&self) -> Result<TransportId, TidError> {
        self.tid_at(self.field("traddr"))
    }

    /// The options, over `below`.
    #[must_use]
    pub fn options_over(&self, below: &ConnectOptions) -> ConnectOptions {
        let mut options = below.clone();
        for (key, value) in &self.settings {
            // `set` has tried it
            let _ = options.set(key, value.expose());
        }
        options
    }

    /// The options that may stand anywhere, by the names that they have in a configuration file.
    pub fn tunables(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        let settings = self.settings.iter().map(|(key, value)| (*key, value));
        settings.filter(|(key, _)| !SECURITY.contains(key))
    }

    /// The options that hold for all paths to a subsystem alike: TLS and authentication.
    pub fn security(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        let settings = self.settings.iter().map(|(key, value)| (*key, value));
        settings.filter(|(key, _)| SECURITY.contains(key))
    }

    /// The connection with a stand-in for the address of a host name: [`TransportId::at`] makes of it
    /// what the name resolves to.
    ///
    /// # Errors
    /// The first thing that is wrong with the fields.
    pub fn any_tid(&self) -> Result<TransportId, TidError> {
        match self.host_name() {
            Some(_) => self.tid_at(Some("::")),
            None => self.tid(),
        }
    }
}

fn put<T>(map: &mut BTreeMap<&'static str, T>, key: &'static str, value: Option<T>) {
    match value {
        Some(value) => {
            map.insert(key, value);
        }
        None => {
            map.remove(key);
        }
    }
}

fn is_address(key: &str) -> bool {
    matches!(key, "traddr" | "trsvcid" | "host-traddr" | "host-iface")
}

/// What can be told of a field alone; addresses depend on the transport.
fn check_field(field: &'static str, text: &str) -> Result<(), WishError> {
    let wrong = match field {
        "transport" => text.parse::<Transport>().err().map(TidError::from),
        "nqn" | "hostnqn" => text.parse::<Nqn>().err().map(|e| TidError::Nqn(field, e)),
        "hostid" => text.parse::<HostId>().err().map(TidError::from),
        "trsvcid" => text
            .parse::<Trsvcid>()
            .err()
            .map(|e| TidError::Address(field, e)),
        _ => None,
    };
    let blank = text.trim() != text;
    if blank || text.contains(|c: char| c.is_control() || c == ';') {
        return Err(WishError::NotWritable(field));
    }
    wrong.map_or(Ok(()), |error| Err(error.into()))
}

fn check_option(name: &'static str, text: &str) -> Result<(), WishError> {
    if text.contains(char::is_control) || text.trim() != text {
        return Err(WishError::NotWritable(name));
    }
    Ok(ConnectOptions::default().set(name, text)?)
}
