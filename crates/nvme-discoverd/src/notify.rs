//! What systemd is told about the daemon itself.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::debug;

/// The daemon answers and its first look at the host is done.
pub(crate) fn ready() {
    send(&[NotifyState::Ready]);
}

/// The configuration is being read again; [`ready`] ends that.
pub(crate) fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    states.extend(NotifyState::monotonic_usec_now());
    send(&states);
}

/// The daemon ends.
pub(crate) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// The daemon's task works; systemd ends a daemon of which it does not hear that in time.
pub(crate) fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// How often to say so: twice in the time that systemd gives; `None`: it does not want to know.
pub(crate) fn alive_every() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// One line for `systemctl status`.
pub(crate) fn status(line: &str) {
    send(&[NotifyState::Status(line)]);
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        debug!("cannot notify systemd: {error}");
    }
}
