//! Hosts that a target knows, and their keys.

use std::fs;
use std::path::{Path, PathBuf};

use super::NVMET;
use crate::files::{make_dir, names, put};

/// A DH-HMAC-CHAP secret that may be a host's (Base Specification, 8.3.5.5: the form of secrets).
pub const HOST_KEY: &str = "DHHC-1:00:AQgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM09pl1OOC:";
/// One that may be a target's.
pub const CTRL_KEY: &str = "DHHC-1:00:Ji00O0JJUFdeZWxzeoGIj5adpKuyucDHztXc4+rx+P87KWuw:";
/// One that is nobody's.
pub const WRONG_KEY: &str = "DHHC-1:00:S1JZYGdudXyDipGYn6attLvCydDX3uXs8/oBCA8WHSRp5A42:";

/// A host that may use a subsystem.
#[derive(Clone, Debug)]
pub struct AllowedHost {
    nqn: String,
    attributes: Vec<(&'static str, String)>,
}

impl AllowedHost {
    /// A host that needs no key.
    #[must_use]
    pub fn new(nqn: &str) -> Self {
        Self {
            nqn: nqn.to_owned(),
            attributes: Vec::new(),
        }
    }

    /// It has to prove that it has this key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.with("dhchap_key", key)
    }

    /// The target proves in turn that it has this key, if it is asked to.
    #[must_use]
    pub fn ctrl_key(self, key: &str) -> Self {
        self.with("dhchap_ctrl_key", key)
    }

    /// The hash function, such as `hmac(sha384)`; `hmac(sha256)` if not said.
    #[must_use]
    pub fn hash(self, hash: &str) -> Self {
        self.with("dhchap_hash", hash)
    }

    /// The Diffie-Hellman group, such as `ffdhe2048`; none if not said.
    #[must_use]
    pub fn dhgroup(self, group: &str) -> Self {
        self.with("dhchap_dhgroup", group)
    }

    pub(super) fn nqn(&self) -> &str {
        &self.nqn
    }

    /// Makes it known to the kernel's target: its folder.
    #[track_caller]
    pub(super) fn make(&self) -> PathBuf {
        let dir = Path::new(NVMET).join("hosts").join(&self.nqn);
        make_dir(&dir);
        for (name, value) in &self.attributes {
            put(dir.join(name), value);
        }
        dir
    }

    fn with(mut self, attribute: &'static str, value: &str) -> Self {
        self.attributes.push((attribute, value.to_owned()));
        self
    }
}

/// Removes all hosts that there are; no subsystem may allow them any more.
pub(super) fn remove_all() {
    for host in names(Path::new(NVMET).join("hosts")) {
        let _ = fs::remove_dir(Path::new(NVMET).join("hosts").join(host));
    }
}
