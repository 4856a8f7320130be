//! One connection, by the first way that works.

use nvmf::Root;
use nvmf::connect::Existing;
use nvmf_types::TransportId;

use crate::connect::{ask_target, connect};
use crate::protocol::{Connect, FailureKind, Outcome};
use crate::targets::Targets;

/// A request under way: its ways in their order, and how those before this one failed.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) call: Box<Connect>,
    /// The way that is tried now; the first one is the request's own.
    at: usize,
    failed: Vec<Outcome>,
}

impl Attempt {
    pub(crate) const fn new(call: Box<Connect>) -> Self {
        Self {
            call,
            at: 0,
            failed: Vec::new(),
        }
    }

    /// Goes on to the first way, from this one on, whose target answers.
    ///
    /// # Errors
    /// None does: the outcome.
    pub(crate) fn probe(&mut self, root: &Root, targets: &Targets) -> Result<(), Outcome> {
        while let Some(way) = self.way() {
            match ask_target(root, targets, way, &self.call) {
                None => return Ok(()),
                Some(outcome) => self.next(outcome),
            }
        }
        Err(self.end())
    }

    /// Connects by this way. `None`: that failed, and another one is left to be probed.
    pub(crate) fn connect(&mut self, root: &Root, existing: &mut Existing) -> Option<Outcome> {
        let Some(way) = self.way() else {
            return Some(self.end());
        };
        let outcome = connect(root, existing, way, &self.call);
        let may_work_elsewhere = match &outcome {
            Outcome::Excluded(_) => true,
            // one that hung has held up everybody: not twice in a row
            Outcome::Failed { kind, .. } => {
                !matches!(kind, FailureKind::Hung | FailureKind::Unregistered)
            }
            _ => false,
        };
        if !may_work_elsewhere {
            return Some(outcome);
        }
        self.next(outcome);
        self.way().is_none().then(|| self.end())
    }

    /// The way that is tried now; `None`: none is left.
    pub(crate) fn way(&self) -> Option<&TransportId> {
        match self.at.checked_sub(1) {
            None => Some(&self.call.tid),
            Some(further) => self.call.alternatives.get(further),
        }
    }

    /// That way's name in the log; empty: none is left.
    pub(crate) fn name(&self) -> String {
        self.way().map(TransportId::log_form).unwrap_or_default()
    }

    fn next(&mut self, failed: Outcome) {
        self.failed.push(failed);
        self.at += 1;
    }

    /// What came of all ways together: a failure if there is one, all of them said.
    fn end(&mut self) -> Outcome {
        let mut messages = Vec::new();
        let mut last = None;
        for outcome in &self.failed {
            if let Outcome::Failed { kind, message } = outcome {
                messages.push(message.as_str());
                last = Some(*kind);
            }
        }
        match (last, self.failed.first()) {
            (Some(kind), _) => Outcome::Failed {
                kind,
                message: messages.join("; "),
            },
            (None, Some(excluded)) => excluded.clone(),
            (None, None) => Outcome::other("there is no way to connect it"),
        }
    }
}
