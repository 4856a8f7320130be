//! What waits to be handed out: actions by urgency, and lines for the log.

use std::collections::{BTreeMap, VecDeque};

use nvmf_types::DeviceName;

use crate::{Action, ActionId, ActionKind, Change};

/// What goes first. Within one urgency, first come, first served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Everything but connecting.
    Now,
    /// What boot tables name: the system may hang on it.
    Boot,
    /// Discovery controllers: others wait for what they name.
    Discovery,
    /// What the configuration names.
    Configured,
    /// What log pages name.
    Discovered,
    /// What hung the kernel before.
    Suspect,
}

/// The urgencies of connects.
const CONNECTS: [Urgency; 5] = [
    Urgency::Boot,
    Urgency::Discovery,
    Urgency::Configured,
    Urgency::Discovered,
    Urgency::Suspect,
];

/// Actions and changes that were not polled yet.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    last_id: u64,
    queue: BTreeMap<(Urgency, ActionId), ActionKind>,
    rescan: Option<ActionId>,
    kick: Option<ActionId>,
    looks: BTreeMap<DeviceName, ActionId>,
    /// The status is not what was last published.
    pub(crate) status_changed: bool,
    pub(crate) changes: VecDeque<Change>,
}

impl Outbox {
    /// Adds an action.
    pub(crate) fn push(&mut self, urgency: Urgency, kind: ActionKind) -> ActionId {
        let id = self.next_id();
        self.queue.insert((urgency, id), kind);
        id
    }

    /// Adds a rescan, unless one waits already.
    pub(crate) fn rescan(&mut self) {
        if self.rescan.is_none() {
            self.rescan = Some(self.push(Urgency::Now, ActionKind::Rescan));
        }
    }

    /// Adds a look at one device, unless it waits already, or a look at all.
    pub(crate) fn look(&mut self, device: &DeviceName) {
        if self.rescan.is_none() && !self.looks.contains_key(device) {
            let device = device.clone();
            let kind = ActionKind::Look {
                device: device.clone(),
            };
            let id = self.push(Urgency::Now, kind);
            self.looks.insert(device, id);
        }
    }

    /// Adds a kick of the Fibre Channel ports, unless one waits already.
    pub(crate) fn kick_fc(&mut self) {
        if self.kick.is_none() {
            self.kick = Some(self.push(Urgency::Now, ActionKind::KickFc));
        }
    }

    /// How many actions and changes wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.len() + self.changes.len()
    }

    /// Whether nobody has seen a connect yet.
    pub(crate) fn waits(&self, id: ActionId) -> bool {
        let mut urgencies = CONNECTS.into_iter();
        urgencies.any(|urgency| self.queue.contains_key(&(urgency, id)))
    }

    /// Takes back a connect that nobody has seen yet. False: it was handed out.
    pub(crate) fn take_back(&mut self, id: ActionId) -> bool {
        let mut urgencies = CONNECTS.into_iter();
        urgencies.any(|urgency| self.queue.remove(&(urgency, id)).is_some())
    }

    /// The next action; the status last.
    pub(crate) fn pop(&mut self) -> Option<Action> {
        if let Some(((_, id), kind)) = self.queue.pop_first() {
            match &kind {
                ActionKind::Rescan => self.rescan = None,
                ActionKind::KickFc => self.kick = None,
                ActionKind::Look { device } => {
                    self.looks.remove(device);
                }
                _ => {}
            }
            return Some(Action { id, kind });
        }
        std::mem::take(&mut self.status_changed).then(|| Action {
            id: self.next_id(),
            kind: ActionKind::PublishStatus,
        })
    }

    /// Forgets all actions.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.rescan = None;
        self.kick = None;
        self.looks.clear();
        self.status_changed = false;
    }

    fn next_id(&mut self) -> ActionId {
        self.last_id += 1;
        ActionId(self.last_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_urgency_then_by_age_and_the_status_last() {
        let mut outbox = Outbox {
            status_changed: true,
            ..Outbox::default()
        };
        let late = outbox.push(Urgency::Discovered, ActionKind::LoadExclusions);
        let gone = outbox.push(Urgency::Discovery, ActionKind::LoadExclusions);
        let soon = outbox.push(Urgency::Configured, ActionKind::LoadExclusions);
        outbox.rescan();
        outbox.rescan();
        assert!(outbox.take_back(gone));
        let polled: Vec<Action> = std::iter::from_fn(|| outbox.pop()).collect();
        assert_eq!(polled[0].kind, ActionKind::Rescan);
        assert_eq!((polled[1].id, polled[2].id), (soon, late));
        assert_eq!(polled[3].kind, ActionKind::PublishStatus);
        assert_eq!(polled.len(), 4);
        assert!(!outbox.take_back(soon), "handed out already");
        outbox.rescan();
        assert!(
            outbox.pop().is_some(),
            "another rescan, after the first was handed out"
        );
    }
}
