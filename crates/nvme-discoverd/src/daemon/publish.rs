//! Telling others how things are.

use std::time::Duration;

use tokio::time::Instant;

use super::Daemon;
use crate::bus::{Shown, View};
use crate::{notify, report};

/// How long a change of the status waits for others: a connect and its unit are one, mostly.
const PUBLISH_AFTER: Duration = Duration::from_millis(500);
/// What publishing costs with very many connections is this part of all time at most.
const SHARE: u32 = 20;

impl Daemon {
    pub(super) fn publish_soon(&mut self) {
        let soon = Instant::now() + self.publish_after.max(PUBLISH_AFTER);
        self.publish_at.get_or_insert(soon);
    }

    /// Tells systemd and the bus how things are, if that is new.
    pub(super) fn publish(&mut self) {
        self.publish_at = None;
        let began = Instant::now();
        // the bus is slower than what happens: the core keeps what it has not told
        let Ok(room) = self.parts.show.try_reserve() else {
            return self.publish_soon();
        };
        let changes = self.parts.core.status_changes(self.clock.now());
        let mut problems = self.problems(changes.counts.desired);
        problems.splice(0..0, changes.problems);
        let line = report::line(&changes.counts, problems.len());
        if line != self.published {
            notify::status(&line);
            self.published = line;
        }
        let queued = self.inbox.len();
        self.parts
            .metrics
            .shown(&changes.counts, problems.len(), queued);
        let views = changes.connections.into_iter();
        let views = views.map(|(id, it)| (id, it.map(|it| View::new(&it, &self.clock))));
        room.send(Shown {
            connections: views.collect(),
            problems,
        });
        self.publish_after = began.elapsed() * SHARE;
    }

    /// The shell's own problems.
    pub(super) fn problems(&self, desired: usize) -> Vec<String> {
        let mut problems = self.parts.problems.clone();
        problems.extend(self.own_problems.iter().cloned());
        problems.extend(self.names.problems.iter().cloned());
        let troubles = self.troubles.values().flat_map(|it| it.lines());
        problems.extend(troubles.map(str::to_owned));
        problems.extend(self.unwatched.iter().cloned());
        if desired > 0 && !self.parts.root.dev().join("nvme-fabrics").exists() {
            problems.push(
                "/dev/nvme-fabrics is missing: load the kernel module with `modprobe nvme-fabrics` \
                 (kernel configuration NVME_FABRICS)"
                    .to_owned(),
            );
        }
        problems
    }
}
