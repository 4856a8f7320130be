//! How much is done at once.

use std::collections::VecDeque;

use super::Action;

/// Actions that share a limit; urgent ones first, otherwise in their order.
#[derive(Debug)]
pub(super) struct Lane {
    free: usize,
    urgent: VecDeque<Action>,
    others: VecDeque<Action>,
}

impl Lane {
    pub(super) const fn new(at_once: usize) -> Self {
        Self {
            free: at_once,
            urgent: VecDeque::new(),
            others: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, action: Action, urgent: bool) {
        match urgent {
            true => self.urgent.push_back(action),
            false => self.others.push_back(action),
        }
    }

    /// The next one, if there is room; it occupies the room until [`Self::done`].
    pub(super) fn next(&mut self) -> Option<Action> {
        let free = self.free.checked_sub(1)?;
        let next = self.urgent.pop_front().or_else(|| self.others.pop_front());
        if next.is_some() {
            self.free = free;
        }
        next
    }

    /// What [`Self::next`] would give.
    pub(super) fn peek(&self) -> Option<&Action> {
        let next = self.urgent.front().or_else(|| self.others.front());
        next.filter(|_| self.free > 0)
    }

    pub(super) const fn done(&mut self) {
        self.free += 1;
    }

    /// Drops what is not urgent and was not begun.
    pub(super) fn drop_others(&mut self) {
        self.others.clear();
    }

    /// Drops all that was not begun.
    pub(super) fn drop_all(&mut self) {
        self.urgent.clear();
        self.others.clear();
    }
}
