//! The administrator's list of what must not be connected.
//!
//! An entry has up to eight fields, and a connection is excluded if it matches all fields of any
//! entry. An entry that cannot be understood excludes nothing, and says so.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use crate::{ControllerClass, HostId, Origin, Traddr, TransportId};

/// The reader of exclusion files.
#[derive(Clone, Copy, Debug)]
pub enum Exclusions {}

/// One entry of a file, valid or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub source: Origin,
    /// Its text, as it stands there.
    pub text: String,
    /// What it means.
    pub kind: Result<Rule, InvalidEntry>,
}

/// What an entry asks of a connection: at least one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    fields: [Option<String>; 8],
}

/// Why an entry excludes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidEntry {
    /// A line of the section that is no entry.
    #[error("not an entry: expected `exclusion = key=value;key=value`")]
    NotAnEntry,
}

/// All entries of all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExclusionSet {
    entries: Vec<Entry>,
}

impl Exclusions {
    /// Reads the text of `file`.
    #[must_use]
    pub fn parse(_file: &str, _text: &str) -> Vec<Entry> {
        Vec::new()
    }
}

impl ExclusionSet {
    /// A set of these entries; earlier ones are found first.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }

    /// The first entry that excludes the connection.
    #[must_use]
    pub fn matches(&self, _tid: &TransportId, _class: ControllerClass) -> Option<&Entry> {
        None
    }

    /// The entries that exclude nothing.
    pub fn invalid(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| e.kind.is_err())
    }

    /// All entries, valid or not.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether nothing can be excluded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.iter().all(|e| e.kind.is_err())
    }
}
