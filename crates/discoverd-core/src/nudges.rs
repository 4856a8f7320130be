//! Reasons not to wait any longer, and another way to behave.

use nvmf_types::TransportId;

use crate::core::{Core, Settings};
use crate::key::Key;
use crate::timers::Timer;
use crate::{State, Timestamp};

impl Core {
    /// Attempts over IP may succeed now.
    pub(crate) fn network_changed(&mut self, now: Timestamp) {
        self.nudge(|key| key.tid().transport.is_ip(), now);
    }

    /// Somebody wants to see the attempt at `which`, or at all, now.
    pub(crate) fn retry_now(&mut self, which: Option<&TransportId>, now: Timestamp) {
        self.nudge(|key| which.is_none_or(|tid| tid == key.tid()), now);
    }

    /// Takes in how to behave. What waits already waits for as long as it was told.
    pub(crate) fn settings_loaded(&mut self, settings: Settings) {
        self.settings = Settings {
            owner: self.settings.owner.clone(),
            seed: self.settings.seed,
            ..settings
        };
    }

    /// Makes the waiting attempts that are `meant`; their failures were of other times.
    fn nudge(&mut self, meant: impl Fn(&Key) -> bool, now: Timestamp) {
        for key in self.connections.keys().into_iter().filter(|key| meant(key)) {
            let Some(connection) = self.connections.get_mut(&key) else {
                continue;
            };
            if connection.life.state() == State::Retrying {
                connection.forget_failures();
                self.timers.clear(&Timer::Retry(key.clone()));
                self.decide(&key, now);
            }
        }
    }
}
