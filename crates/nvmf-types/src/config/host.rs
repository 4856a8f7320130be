//! `[Host]` sections and the rules of identity between files.

use crate::ini::Section;
use crate::{HostId, HostIdentity, Nqn, Origin};

use super::layer::{Layer, not_supported, unknown_key};
use super::report::Report;

/// A `[Host]` section.
pub(super) struct Host {
    pub(super) origin: Origin,
    pub(super) hostnqn: Given<Nqn>,
    pub(super) hostid: Given<HostId>,
    pub(super) layer: Layer,
}

/// A value of a section.
pub(super) enum Given<T> {
    Missing,
    /// It was reported.
    Bad,
    Value(T, Origin),
}

/// An identity and who has it.
pub(super) struct Persona {
    pub(super) identity: HostIdentity,
    /// Its `[Host]`; `None`: the host's default identity.
    pub(super) origin: Option<Origin>,
}

impl Host {
    pub(super) fn read(section: &Section, path: &str, report: &mut Report) -> Self {
        let mut host = Self {
            origin: Origin::new(path, section.line),
            hostnqn: Given::Missing,
            hostid: Given::Missing,
            layer: Layer::default(),
        };
        for entry in &section.entries {
            let origin = Origin::new(path, entry.line);
            let (key, value) = (entry.key.as_str(), entry.value.as_str());
            match key {
                "hostnqn" => host.hostnqn = Given::read(key, value, &origin, report),
                "hostid" => host.hostid = Given::read(key, value, &origin, report),
                "hostsymname" => not_supported(key, &origin, report),
                _ if host.layer.accept((key, value), false, &origin, report) => {}
                _ => unknown_key(key, "[Host]", &origin, report),
            }
        }
        host
    }

    /// Who the host is by the main file, over `default`.
    pub(super) fn main_identity(
        &self,
        default: &HostIdentity,
        report: &mut Report,
    ) -> HostIdentity {
        let hostnqn = self.hostnqn.value().or(default.hostnqn.as_ref()).cloned();
        let same_name = hostnqn == default.hostnqn;
        let hostid = match &self.hostid {
            Given::Value(id, _) => Some(*id),
            _ if same_name => default.hostid,
            _ => None,
        };
        if let (Given::Value(..), Given::Missing, None) = (&self.hostnqn, &self.hostid, hostid) {
            report.warning(
                self.origin.clone(),
                "[Host] has a hostnqn and no hostid: the kernel makes one up",
                "add `hostid =` and a UUID, for example from `uuidgen`",
            );
        }
        HostIdentity { hostnqn, hostid }
    }

    /// Who the host is for one drop-in, which must say both.
    pub(super) fn drop_in_identity(&self, report: &mut Report) -> HostIdentity {
        if let Given::Missing = self.hostnqn {
            report.error(
                self.origin.clone(),
                "[Host] of a drop-in has no hostnqn",
                "add `hostnqn =`, or move the section to the main file",
            );
        }
        if let (Given::Value(_, origin), Given::Missing) = (&self.hostnqn, &self.hostid) {
            report.error(
                origin.clone(),
                "hostnqn without hostid in a drop-in",
                "add `hostid =` and a UUID of its own, for example from `uuidgen`",
            );
        }
        HostIdentity {
            hostnqn: self.hostnqn.value().cloned(),
            hostid: self.hostid.value().copied(),
        }
    }
}

/// Reports an identity that shares its hostnqn or hostid with an earlier one.
pub(super) fn check_apart(persona: &Host, earlier: &[Persona], report: &mut Report) {
    let (hostnqn, hostid) = (persona.hostnqn.value(), persona.hostid.value().copied());
    for other in earlier {
        let whose = match &other.origin {
            Some(origin) => format!("[Host] at {origin}"),
            None => "the host's default identity".to_owned(),
        };
        let same_name = hostnqn.is_some() && hostnqn == other.identity.hostnqn.as_ref();
        let same_id = hostid.is_some() && hostid == other.identity.hostid;
        if let (true, Given::Value(nqn, origin)) = (same_name, &persona.hostnqn) {
            // saying again what is the default anyway does no harm
            if other.origin.is_some() || !same_id {
                report.error(
                    origin.clone(),
                    format!("hostnqn `{nqn}` is already that of {whose}"),
                    "give each file its own hostnqn, or put the connections into that file",
                );
            }
        } else if let (true, Given::Value(id, origin)) = (same_id, &persona.hostid) {
            report.error(
                origin.clone(),
                format!("hostid `{id}` is already that of {whose}, which has another hostnqn"),
                "write another UUID, for example from `uuidgen`",
            );
        }
    }
}

impl<T: std::str::FromStr<Err: std::fmt::Display>> Given<T> {
    fn read(key: &str, value: &str, origin: &Origin, report: &mut Report) -> Self {
        let remedy = "write a value, or remove the line";
        if value.is_empty() {
            report.error(origin.clone(), format!("`{key}` has no value"), remedy);
            return Self::Bad;
        }
        match value.parse() {
            Ok(value) => Self::Value(value, origin.clone()),
            Err(error) => {
                let error: T::Err = error;
                let remedy = match key {
                    "hostid" => "write another, for example from `uuidgen`",
                    _ => "write `nqn.yyyy-mm.reverse.domain:name`",
                };
                report.bad_value(origin.clone(), &format!("{key}: {error}"), remedy);
                Self::Bad
            }
        }
    }
}

impl<T> Given<T> {
    pub(super) const fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value, _) => Some(value),
            _ => None,
        }
    }
}
