//! Sources that announce themselves: boot tables, Fibre Channel ports, mDNS services.

use nvmf_types::nbft::BootConnection;
use nvmf_types::{FcName, Transport};

use crate::core::{Core, Phase};
use crate::key::Key;
use crate::timers::Timer;
use crate::{Service, Timestamp};

const MINUTE_MS: u64 = 60_000;

/// What Fibre Channel ports announce within so many milliseconds of the start answers the first
/// kick, and may be claimed if it was there before.
const FIRST_ANNOUNCEMENTS_MS: u64 = 30_000;

/// What the ports announce when they are asked has arrived after so many milliseconds. The kernel sends it
/// before it answers (Linux `nvme_fc_nvme_discovery_store`); it only has to be read.
const ARRIVED_MS: u64 = 10_000;

impl Core {
    /// Takes in what the boot tables ask for.
    pub(crate) fn boot_tables_loaded(
        &mut self,
        connections: Vec<BootConnection>,
        problems: Vec<String>,
        now: Timestamp,
    ) {
        let at_start = !std::mem::replace(&mut self.had_boot, true);
        self.problems.boot = problems;
        self.outbox.status_changed = true;
        let diff = self.desired.set_boot(connections);
        self.apply(diff, at_start, now);
        if let Phase::Starting { boot, .. } = &mut self.phase {
            *boot = true;
            self.begin(now);
        } else {
            self.sources_changed(now);
        }
    }

    /// Takes in that a port of this host sees one with a discovery controller.
    pub(crate) fn fc_announced(&mut self, host_traddr: FcName, traddr: FcName, now: Timestamp) {
        let starting = matches!(self.phase, Phase::Starting { .. });
        let at_start = starting || now.since_ms(self.began) <= FIRST_ANNOUNCEMENTS_MS;
        let (key, diff) = self.desired.announce(host_traddr, traddr, now);
        self.apply(diff, at_start, now);
        self.named_again(&key, now);
    }

    /// Takes in that all ports announced what they see.
    pub(crate) fn fc_kicked(&mut self, began: Timestamp, now: Timestamp) {
        self.fc_kicked = began;
        self.timers.set(Timer::ForgetFc, now.after_ms(ARRIVED_MS));
    }

    /// Forgets what no port has announced since all were asked.
    pub(crate) fn forget_fc(&mut self, now: Timestamp) {
        let diff = self.desired.forget_announced(self.fc_kicked);
        self.apply(diff, false, now);
    }

    /// Takes in all discovery controllers that mDNS names now.
    pub(crate) fn services_found(&mut self, services: Vec<Service>, now: Timestamp) {
        let at_start = !std::mem::replace(&mut self.had_services, true);
        let (new, diff) = self.desired.set_services(services);
        self.apply(diff, at_start, now);
        for key in new {
            self.named_again(&key, now);
        }
    }

    /// Has the Fibre Channel ports announce what they see.
    pub(crate) fn kick_fc(&mut self, now: Timestamp) {
        if self.phase == Phase::Running {
            self.outbox.kick_fc();
            self.plan_kick(now);
        }
    }

    /// Plans the next kick.
    pub(crate) fn plan_kick(&mut self, now: Timestamp) {
        match u64::from(self.settings.fc_kickstart_interval_minutes) {
            0 => self.timers.clear(&Timer::KickFc),
            minutes => {
                let at = now.after_ms(minutes.saturating_mul(MINUTE_MS));
                self.timers.set(Timer::KickFc, at);
            }
        }
    }

    /// A controller of ours lost its target, or is gone. Nothing tells when a Fibre Channel port is
    /// back, unless it is asked.
    pub(crate) fn fc_lost(&mut self, key: &Key) {
        if key.tid().transport == Transport::Fc && self.phase == Phase::Running {
            self.outbox.kick_fc();
        }
    }
}
