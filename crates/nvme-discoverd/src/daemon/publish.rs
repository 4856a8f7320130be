//! Telling others how things are.

use std::time::Duration;

use tokio::time::Instant;

use super::Daemon;
use crate::{notify, report};

/// How long a change of the status waits for others.
const PUBLISH_AFTER: Duration = Duration::from_millis(200);

impl Daemon {
    pub(super) fn publish_soon(&mut self) {
        let soon = Instant::now() + PUBLISH_AFTER;
        self.publish_at.get_or_insert(soon);
    }

    /// Tells systemd how things are, if that is new.
    pub(super) fn publish(&mut self) {
        self.publish_at = None;
        let status = self.parts.core.status(self.clock.now());
        let line = report::line(&status, &self.problems(status.counts.desired));
        if line != self.published {
            notify::status(&line);
            self.published = line;
        }
    }

    /// The shell's own problems.
    pub(super) fn problems(&self, desired: usize) -> Vec<String> {
        let mut problems = self.parts.problems.clone();
        problems.extend(self.own_problems.iter().cloned());
        problems.extend(self.names.problems.iter().cloned());
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
