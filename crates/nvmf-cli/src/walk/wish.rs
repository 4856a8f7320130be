//! What is wanted, and what became of it.

use nvmf_types::config::{Persistence, Scope};
use nvmf_types::log_page::{DiscoveryLog, Named, TlsUse};
use nvmf_types::{
    ConnectOptions, ControllerClass, DeviceName, LiveController, Origin, Owner, TransportId,
};

/// A connection that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Where it leads, and as whom, the host's identity filled in: alternatives, tried in turn.
    pub(crate) addresses: Vec<TransportId>,
    pub(crate) class: ControllerClass,
    pub(crate) options: ConnectOptions,
    /// What the connections get that its log page names.
    pub(crate) scope: Scope,
    /// Whether a discovery controller stays.
    pub(crate) persistent: Persistence,
    /// Whose it becomes.
    pub(crate) owner: Option<Owner>,
    /// Who wants it, for people.
    pub(crate) source: String,
    /// The user typed it: exclusions do not count.
    pub(crate) typed: bool,
    /// The connected discovery controller that is meant.
    pub(crate) device: Option<Box<LiveController>>,
}

/// One target of the walk.
#[derive(Debug)]
pub(crate) struct Target {
    pub(super) wish: Wish,
    /// Referrals between what was asked for and this.
    pub(super) depth: u8,
    /// Which of the addresses is being tried.
    pub(super) turn: usize,
    pub(super) state: State,
    /// Why earlier addresses failed.
    pub(super) failures: Vec<String>,
    /// Its log page.
    pub(super) log: Option<DiscoveryLog>,
    /// What else there is to say.
    pub(super) notes: Vec<String>,
}

/// How far a target is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its place is being probed.
    Waiting,
    /// The kernel has others to connect first.
    Ready,
    Connecting,
    /// It was there, and is to be its owner's.
    Claiming(DeviceName),
    /// Its log page is being read; `made` by this walk.
    Reading {
        device: super::Device,
        made: bool,
        /// Whose it is.
        owner: Option<Owner>,
    },
    /// It is being disconnected, and then this is the outcome.
    Leaving(Outcome),
    Done(Outcome),
}

/// What became of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is connected, and stays.
    Connected {
        device: DeviceName,
        owner: Option<Owner>,
    },
    /// A discovery controller was connected, asked and disconnected.
    Asked,
    /// It was connected before.
    AlreadyConnected {
        device: DeviceName,
        owner: Option<Owner>,
    },
    /// An exclusion says so.
    Excluded(Origin),
    /// A discovery controller that is another's is not asked.
    Foreign { device: DeviceName, owner: Owner },
    /// Why it is not connected, or could not be asked.
    Failed(String),
    /// The user stopped before.
    Interrupted,
}

impl Wish {
    /// What a log page names that was read through `self`, at `via`.
    pub(super) fn named(&self, via: &TransportId, named: Named) -> Self {
        let mut options = match named.class {
            ControllerClass::Io => self.scope.io.clone(),
            ControllerClass::Discovery => self.scope.dc.clone(),
        };
        // Never less than what was asked for: an entry may be forged on the way.
        if named.tls == TlsUse::Required {
            options.tls = Some(true);
        }
        Self {
            addresses: vec![named.tid],
            class: named.class,
            options,
            scope: self.scope.clone(),
            persistent: self.persistent,
            owner: self.owner.clone(),
            source: format!("discovery log page of {}", via.log_form()),
            typed: false,
            device: None,
        }
    }

    /// The transport id from which the entries of the log page read at `at` inherit.
    pub(super) fn via(&self, at: &TransportId) -> TransportId {
        let mut via = at.clone();
        via.hostnqn = self.scope.hostnqn.clone().or(via.hostnqn);
        via.hostid = self.scope.hostid.or(via.hostid);
        via
    }
}

impl Target {
    pub(super) const fn new(wish: Wish, depth: u8) -> Self {
        Self {
            wish,
            depth,
            turn: 0,
            state: State::Waiting,
            failures: Vec::new(),
            log: None,
            notes: Vec::new(),
        }
    }

    /// Who wants what.
    pub(crate) const fn wish(&self) -> &Wish {
        &self.wish
    }

    /// The address that was tried last, or is being tried.
    pub(crate) fn tid(&self) -> Option<&TransportId> {
        let addresses = &self.wish.addresses;
        let live = || self.wish.device.as_ref().map(|live| &live.tid);
        addresses
            .get(self.turn)
            .or_else(|| addresses.last())
            .or_else(live)
    }

    /// What became of it; `None`: it is not over yet.
    pub(crate) const fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Its log page, if that was read.
    pub(crate) const fn log(&self) -> Option<&DiscoveryLog> {
        self.log.as_ref()
    }

    /// What else there is to say.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }
}
