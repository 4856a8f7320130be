//! `[Host]` sections and the rules of identity between files.

use std::fmt::Display;
use std::str::FromStr;

use crate::ini::{Entry, Section};
use crate::{HostId, HostIdentity, Nqn};

use super::Place;
use super::layer::{Layer, unknown_key};
use super::report::{FileReport, Report};

/// A `[Host]` section.
pub(super) struct Host {
    pub(super) place: Place,
    pub(super) hostnqn: Given<Nqn>,
    pub(super) hostid: Given<HostId>,
    pub(super) hostsymname: Given<String>,
    pub(super) layer: Layer,
}

/// A value of a section.
pub(super) enum Given<T> {
    Missing,
    /// It was reported.
    Bad,
    Value(T, Place),
}

/// An identity and who has it.
pub(super) struct Persona {
    pub(super) identity: HostIdentity,
    /// Its `[Host]`; `None`: the host's default identity.
    pub(super) place: Option<Place>,
}

/// What the name of a host may have at most, in bytes (Base Specification 2.x, Extended
/// Attribute "Symbolic Name" of TP 8010's registrations).
const SYMNAME_MAX: usize = 256;

impl Host {
    pub(super) fn read(section: &Section, report: &mut FileReport<'_>) -> Self {
        let mut host = Self {
            place: report.place(section.span),
            hostnqn: Given::Missing,
            hostid: Given::Missing,
            hostsymname: Given::Missing,
            layer: Layer::default(),
        };
        for entry in &section.entries {
            match entry.key.as_str() {
                "hostnqn" => {
                    let remedy = "write `nqn.yyyy-mm.reverse.domain:name`";
                    host.hostnqn = Given::read(entry, remedy, report);
                }
                "hostid" => {
                    let remedy = "write another, for example from `uuidgen`";
                    host.hostid = Given::read(entry, remedy, report);
                }
                "hostsymname" => host.hostsymname = symname(entry, report),
                _ if host.layer.accept(entry, false, report) => {}
                _ => unknown_key(entry, "[Host]", report),
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
        if let (Given::Value(_, place), Given::Missing, None) =
            (&self.hostnqn, &self.hostid, hostid)
        {
            report.warning(
                place.clone(),
                "hostnqn without hostid: the kernel makes one up",
                "add `hostid =` and a UUID, for example from `uuidgen`",
            );
        }
        HostIdentity { hostnqn, hostid }
    }

    /// Who the host is for one drop-in, which must say both.
    pub(super) fn drop_in_identity(&self, report: &mut Report) -> HostIdentity {
        if let Given::Missing = self.hostnqn {
            report.error(
                self.place.clone(),
                "[Host] of a drop-in has no hostnqn",
                "add `hostnqn =`, or move the section to the main file",
            );
        }
        if let (Given::Value(_, place), Given::Missing) = (&self.hostnqn, &self.hostid) {
            report.error(
                place.clone(),
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
        let whose = match &other.place {
            Some(place) => format!("[Host] at {}", place.origin),
            None => "the host's default identity".to_owned(),
        };
        let same_name = hostnqn.is_some() && hostnqn == other.identity.hostnqn.as_ref();
        let same_id = hostid.is_some() && hostid == other.identity.hostid;
        if let (true, Given::Value(nqn, place)) = (same_name, &persona.hostnqn) {
            // saying again what is the default anyway does no harm
            if other.place.is_some() || !same_id {
                report.error(
                    place.clone(),
                    &format!("hostnqn `{nqn}` is already that of {whose}"),
                    "give each file its own hostnqn, or put the connections into that file",
                );
            }
        } else if let (true, Given::Value(id, place)) = (same_id, &persona.hostid) {
            report.error(
                place.clone(),
                &format!("hostid `{id}` is already that of {whose}, which has another hostnqn"),
                "write another UUID, for example from `uuidgen`",
            );
        }
    }
}

/// The name that people know the host by. `hostsymname =` is no name.
fn symname(entry: &Entry, report: &mut FileReport<'_>) -> Given<String> {
    match entry.value.as_str() {
        "" => Given::Missing,
        text if text.len() > SYMNAME_MAX || text.contains(char::is_control) => {
            let message = "this is no hostsymname";
            let remedy = format!("write {SYMNAME_MAX} bytes at most, without control characters");
            report.error(entry.value_span, message, &remedy);
            Given::Bad
        }
        text => Given::Value(text.to_owned(), report.place(entry.key_span)),
    }
}

impl<T: FromStr<Err: Display>> Given<T> {
    fn read(entry: &Entry, remedy: &str, report: &mut FileReport<'_>) -> Self {
        let key = &entry.key;
        if entry.value.is_empty() {
            let message = format!("`{key}` has no value");
            let remedy = "write a value, or remove the line";
            report.error(entry.value_span, &message, remedy);
            return Self::Bad;
        }
        match entry.value.parse() {
            Ok(value) => Self::Value(value, report.place(entry.key_span)),
            Err(error) => {
                let error: T::Err = error;
                report.bad_value(entry.value_span, &format!("{key}: {error}"), remedy);
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

    pub(super) const fn place(&self) -> Option<&Place> {
        match self {
            Self::Value(_, place) => Some(place),
            _ => None,
        }
    }
}
