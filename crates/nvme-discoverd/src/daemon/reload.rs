//! Reading everything anew, and taking it over as a whole or not at all.
//!
//! At the start what is good is taken: defaults for the daemon's own files, nothing for the
//! connections. Later an error in any of them keeps all that held before.

use std::time::Duration;

use discoverd_core::Event;
use nvmf_types::config::{Config, DaemonConfig};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::Daemon;
use crate::notify;
use crate::reading::{Boot, Reading};
use crate::startup::core_settings;

/// Tells who asked for a reload how it went.
pub(crate) type Answer = oneshot::Sender<Result<(), String>>;

/// A reload under way.
#[derive(Debug, Default)]
pub(super) struct Reload {
    under_way: bool,
    again: bool,
    /// Told by the read under way.
    waiting: Vec<Answer>,
    /// Told by the one after: what they changed may have come too late for this one.
    next: Vec<Answer>,
}

/// Host names of the last good configuration that have no address yet.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Of which configuration; an answer about another one is late.
    generation: u64,
    /// The configuration, as far as its names are known.
    config: Option<Config>,
    looking: bool,
    /// When they are looked up again.
    pub(super) at: Option<Instant>,
    /// What is unknown, and why.
    pub(super) problems: Vec<String>,
}

/// How long names without an address wait: the next resolver may be another one.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(30);

impl Daemon {
    pub(super) fn reload_asked(&mut self, answer: Option<Answer>) {
        if self.reload.under_way {
            self.reload.again = true;
            self.reload.next.extend(answer);
            return;
        }
        self.reload.waiting.extend(answer);
        info!("reading the configuration again");
        notify::reloading();
        // in case something could not be watched
        self.parts.watch.look();
        self.parts.mounts.look();
        self.read_everything();
    }

    pub(super) fn read_everything(&mut self) {
        self.reload.under_way = true;
        self.parts.workers.read_everything(self.parts.own.nbft);
    }

    /// Everything was read.
    pub(super) fn everything(&mut self, reading: Reading) {
        let at_start = !std::mem::replace(&mut self.first.config, true);
        if let Some(wrong) = reading.wrong() {
            for line in wrong.lines() {
                error!("{line}");
            }
            if !at_start {
                return self.rejected(wrong);
            }
        }
        self.own_problems = match reading.own {
            Ok((own, warnings)) => {
                for warning in &warnings {
                    warn!("{warning}");
                }
                self.behave(own);
                warnings
            }
            Err(wrong) => wrong.lines().map(str::to_owned).collect(),
        };
        self.boot_tables(reading.boot);
        self.event(Event::ExclusionsLoaded {
            set: reading.exclusions.set,
            problems: reading.exclusions.problems,
        });
        match reading.connections {
            Ok(config) => self.connections(config),
            Err(wrong) => self.rejected(wrong),
        }
    }

    /// The boot tables were read; nothing new is no news.
    pub(super) fn boot_tables(&mut self, boot: Boot) {
        if self.boot.as_ref() == Some(&boot) {
            return;
        }
        for problem in &boot.problems {
            warn!("{problem}");
        }
        for note in &boot.notes {
            info!("{note}");
        }
        self.boot = Some(boot.clone());
        self.event(boot.event());
    }

    /// Behaves so from now on.
    fn behave(&mut self, own: DaemonConfig) {
        self.parts.level.set(own.debug_level);
        self.parts.mdns.set(own.zeroconf);
        self.parts.served.at(own.metrics_listen);
        self.event(Event::SettingsLoaded(core_settings(&own)));
        self.parts.own = own;
    }

    fn connections(&mut self, config: Config) {
        for warning in &config.warnings {
            warn!("{warning}");
        }
        self.names = Names {
            generation: self.names.generation + 1,
            ..Names::default()
        };
        if config.unresolved.is_empty() {
            self.configured(config);
        } else {
            self.look_up(config);
        }
    }

    fn look_up(&mut self, config: Config) {
        self.names.looking = true;
        self.names.at = None;
        let generation = self.names.generation;
        self.parts.workers.resolve(generation, config);
    }

    /// Looks up what has no address, now.
    pub(super) fn look_up_again(&mut self) {
        self.names.at = None;
        if !self.names.looking
            && let Some(config) = self.names.config.clone()
        {
            self.look_up(config);
        }
    }

    /// Names were looked up. What is found is connected; what is not is looked up again.
    pub(super) fn named(&mut self, generation: u64, config: Config, problems: Vec<String>) {
        if generation != self.names.generation {
            return;
        }
        self.names.looking = false;
        for problem in problems.iter().filter(|p| !self.names.problems.contains(p)) {
            warn!("{problem}");
        }
        self.names.problems = problems;
        let left = config.unresolved.len();
        let before = self.names.config.take();
        if left > 0 {
            self.names.at = Some(Instant::now() + LOOK_UP_AGAIN);
            self.names.config = Some(config.clone());
        }
        if before.is_none_or(|before| left < before.unresolved.len()) {
            self.configured(config);
        }
    }

    fn configured(&mut self, config: Config) {
        self.host = config.host.clone();
        self.event(Event::ConfigLoaded(config));
        self.reloaded(Ok(()));
    }

    fn rejected(&mut self, wrong: String) {
        self.event(Event::ConfigRejected(wrong.clone()));
        self.reloaded(Err(wrong));
    }

    fn reloaded(&mut self, result: Result<(), String>) {
        if !std::mem::take(&mut self.reload.under_way) {
            return;
        }
        // before the answer: who asked may be systemd's command, which is over then
        if self.first.ready && !self.reload.again {
            notify::ready();
        }
        for waiting in self.reload.waiting.drain(..) {
            // who asked may have gone
            let _ = waiting.send(result.clone());
        }
        if std::mem::take(&mut self.reload.again) {
            self.reload.waiting = std::mem::take(&mut self.reload.next);
            self.read_everything();
        }
    }
}
