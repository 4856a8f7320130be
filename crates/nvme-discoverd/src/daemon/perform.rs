//! Carrying out what the core asks for.

use discoverd_core::{Action, ActionId, ActionKind};
use nvmf_connector::protocol::Disconnect;
use tracing::error;

use super::Daemon;
use crate::devices::Work;
use crate::{notify, report};

impl Daemon {
    /// Does what the core and the order of reads ask for.
    pub(super) fn carry_out(&mut self) {
        while let Some(change) = self.parts.core.poll_change() {
            report::log(&change);
            self.parts.metrics.changed(&change);
        }
        while let Some(Action { id, kind }) = self.parts.core.poll_action() {
            self.perform(id, kind);
        }
        for work in self.devices.next() {
            match work {
                Work::List => self.parts.workers.list(self.clock.now()),
                Work::Read(device) => self.parts.workers.read(device, self.clock.now()),
            }
        }
        let first = &mut self.first;
        if !first.ready && first.config && first.exclusions && first.listed {
            first.ready = true;
            self.publish();
            notify::ready();
        }
    }

    fn perform(&mut self, id: ActionId, kind: ActionKind) {
        let parts = &mut self.parts;
        parts.metrics.begins(id, &kind);
        match kind {
            ActionKind::Connect(request) => {
                parts.connector.connect(id, *request, self.host.clone());
            }
            ActionKind::FetchLog { device, sysfs_ino } => {
                parts.workers.fetch_log(id, device, sysfs_ino);
            }
            ActionKind::Claim {
                device,
                sysfs_ino,
                owner,
            } => parts.workers.claim(id, device, sysfs_ino, owner),
            ActionKind::StartUnit(spec) => parts.units.start(id, spec),
            ActionKind::StopUnit { device, sysfs_ino } => parts.units.stop(&device, sysfs_ino),
            ActionKind::Disconnect {
                device,
                sysfs_ino,
                owner,
            } => parts.connector.disconnect(
                id,
                Disconnect {
                    device,
                    sysfs_ino,
                    owner,
                },
            ),
            ActionKind::LoadExclusions => parts.workers.read_exclusions(),
            ActionKind::Rescan => self.devices.list(),
            ActionKind::Look { device } => self.devices.touched(device, false),
            ActionKind::KickFc => parts.workers.kick_fc(self.clock.now()),
            ActionKind::PublishStatus => self.publish_soon(),
            other => error!("an action that this version cannot carry out: {other:?}"),
        }
    }
}
