//! One port: a path to a subsystem.

use crate::config::{Persistence, Wish, WishError};
use crate::json::Kind;
use crate::{ControllerClass, HostIdentity, Nqn};

use super::{At, Reader};

/// What holds for a port besides what it says.
pub(super) struct Above<'a> {
    pub(super) identity: &'a HostIdentity,
    pub(super) nqn: Option<Nqn>,
    /// The subsystem's DH-HMAC-CHAP key.
    pub(super) secret: Option<String>,
    /// Of discovery controllers.
    pub(super) persistent: Option<Persistence>,
}

impl Reader<'_> {
    /// `None`: something is wrong with it.
    pub(super) fn port(&mut self, port: &At<'_>, above: &Above<'_>) -> Option<Wish> {
        let mut wish = Wish::new(ControllerClass::Io, self.origin(port));
        if above.nqn.as_ref().is_some_and(Nqn::is_discovery) {
            wish.class = ControllerClass::Discovery;
        }
        let mut good = true;
        if let Some(secret) = &above.secret {
            good &= self.set(&mut wish, port, "dhchap-secret", secret);
        }
        let mut persistent = None;
        for (key, at) in self.members(port) {
            match key.as_str() {
                "discovery" if at.text().as_deref() == Some("true") => {
                    wish.class = ControllerClass::Discovery;
                }
                "discovery" => {}
                "persistent" => persistent = self.persistence(&at).map(|value| (value, at)),
                "dhchap-key" => good &= self.option(&mut wish, &at, "dhchap-secret"),
                "dhchap-ctrl-key" => good &= self.option(&mut wish, &at, "dhchap-ctrl-secret"),
                // they have their place elsewhere
                "nqn" | "hostnqn" | "hostid" => self.unknown(&at),
                key => good &= self.option(&mut wish, &at, key),
            }
        }
        match (wish.class, persistent) {
            (ControllerClass::Discovery, own) => {
                wish.persistent = own.map(|(value, _)| value).or(above.persistent);
            }
            (ControllerClass::Io, Some((_, at))) => self.without_meaning(&at),
            (ControllerClass::Io, None) => {}
        }
        self.name(&mut wish, port, above).filter(|()| good)?;
        Some(wish)
    }

    /// Gives the wish its names, and checks what belongs together.
    fn name(&mut self, wish: &mut Wish, port: &At<'_>, above: &Above<'_>) -> Option<()> {
        let identity = above.identity;
        let names = [
            ("nqn", above.nqn.as_ref().map(Nqn::to_string)),
            ("hostnqn", identity.hostnqn.as_ref().map(Nqn::to_string)),
            ("hostid", identity.hostid.map(|id| id.to_string())),
        ];
        let mut good = true;
        for (key, value) in names {
            good &= self.set(wish, port, key, &value.unwrap_or_default());
        }
        if above.nqn.is_none() && wish.class == ControllerClass::Io {
            let message = "its subsystem has no `nqn`";
            self.error(
                port,
                message,
                "write `\"nqn\":` and the subsystem's name there",
            );
            good = false;
        }
        for problem in wish.problems() {
            self.bad(port, &problem.to_string());
            good = false;
        }
        good.then_some(())
    }

    fn option(&mut self, wish: &mut Wish, at: &At<'_>, key: &str) -> bool {
        let Some(text) = at.text() else {
            let message = "it is no text, number or boolean";
            self.error(at, message, "write one of these");
            return false;
        };
        let unset = at.value.kind == Kind::Bool(false) || is_default(key, &text);
        self.set(wish, at, key, if unset { "" } else { &text })
    }

    /// `false`: it is wrong, which was reported.
    fn set(&mut self, wish: &mut Wish, at: &At<'_>, key: &str, text: &str) -> bool {
        match wish.set(key, text) {
            Ok(()) => true,
            Err(WishError::UnknownKey(_)) => {
                self.unknown(at);
                true
            }
            Err(error) => {
                self.bad(at, &error.to_string());
                false
            }
        }
    }
}

/// The numbers that mean the kernel's default in libnvme.
fn is_default(key: &str, text: &str) -> bool {
    match key {
        "tos" => text == "-1",
        "nr-io-queues" | "nr-write-queues" | "nr-poll-queues" | "queue-size" | "keep-alive-tmo"
        | "reconnect-delay" | "fast-io-fail-tmo" => text == "0",
        _ => false,
    }
}
