//! The line that the kernel takes.

use std::fmt;

use thiserror::Error;

use crate::{ConnectOptions, ControllerClass, KeyName, SecretSource, TransportId};

/// A field that the kernel's comma-separated line cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotExpressible {
    /// It holds a character that ends it.
    #[error(
        "`{0}` cannot be passed to the kernel: its value contains a comma or a control character"
    )]
    Value(&'static str),
    /// It stands for something that was not looked up.
    #[error("`{0}` cannot be passed to the kernel: what it refers to was not looked up")]
    Reference(&'static str),
}

/// The line for `/dev/nvme-fabrics`. It may hold secrets, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectString(String);

/// Keep-alive timeout of a discovery controller in seconds, where none is set.
const DC_KEEP_ALIVE_TMO: u32 = 30;

impl ConnectOptions {
    /// The kernel's line for connecting `tid` with these options (Linux
    /// `drivers/nvme/host/fabrics.c`, `opt_tokens`). The port is always spelled out, and a
    /// discovery controller gets a keep-alive timeout and, under another than the well-known name,
    /// the `discovery` flag.
    ///
    /// # Errors
    /// A value with a comma or a control character, which would be read as another option; a key or
    /// secret that is only referred to.
    pub fn connect_string(
        &self,
        tid: &TransportId,
        class: ControllerClass,
    ) -> Result<ConnectString, NotExpressible> {
        let mut line = Line(String::new());
        line.text("nqn", Some(tid.nqn.as_str()))?;
        line.text("transport", Some(tid.transport.as_str()))?;
        line.text(
            "traddr",
            tid.traddr.as_ref().map(ToString::to_string).as_deref(),
        )?;
        line.number("trsvcid", tid.port(class));
        line.text(
            "host_traddr",
            tid.host_traddr.as_ref().map(ToString::to_string).as_deref(),
        )?;
        line.text("host_iface", tid.host_iface.as_deref())?;
        line.text("hostnqn", tid.hostnqn.as_ref().map(crate::Nqn::as_str))?;
        line.text("hostid", tid.hostid.map(|id| id.to_string()).as_deref())?;
        let keep_alive = match class {
            ControllerClass::Discovery => Some(self.keep_alive_tmo.unwrap_or(DC_KEEP_ALIVE_TMO)),
            ControllerClass::Io => self.keep_alive_tmo,
        };
        line.number("nr_io_queues", self.nr_io_queues);
        line.number("nr_write_queues", self.nr_write_queues);
        line.number("nr_poll_queues", self.nr_poll_queues);
        line.number("queue_size", self.queue_size);
        line.number("keep_alive_tmo", keep_alive);
        line.number("reconnect_delay", self.reconnect_delay);
        line.number("ctrl_loss_tmo", self.ctrl_loss_tmo);
        line.number("fast_io_fail_tmo", self.fast_io_fail_tmo);
        line.number("tos", self.tos);
        line.flag("duplicate_connect", self.duplicate_connect);
        line.flag("disable_sqflow", self.disable_sqflow);
        line.flag("hdr_digest", self.hdr_digest);
        line.flag("data_digest", self.data_digest);
        line.flag("tls", self.tls);
        line.flag("concat", self.concat);
        line.key("keyring", self.keyring.as_ref())?;
        line.key("tls_key", self.tls_key.as_ref())?;
        line.secret("dhchap_secret", self.dhchap_secret.as_ref())?;
        line.secret("dhchap_ctrl_secret", self.dhchap_ctrl_secret.as_ref())?;
        line.flag(
            "discovery",
            Some(class == ControllerClass::Discovery && !tid.nqn.is_discovery()),
        );
        Ok(ConnectString(line.0))
    }
}

/// A comma-separated line in the making.
struct Line(String);

impl Line {
    fn push(&mut self, key: &str, value: Option<&str>) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(key);
        if let Some(value) = value {
            self.0.push('=');
            self.0.push_str(value);
        }
    }

    fn text(&mut self, key: &'static str, value: Option<&str>) -> Result<(), NotExpressible> {
        let Some(value) = value else { return Ok(()) };
        if value.contains(|c: char| c == ',' || c.is_control()) {
            return Err(NotExpressible::Value(key));
        }
        self.push(key, Some(value));
        Ok(())
    }

    fn number(&mut self, key: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.push(key, Some(&value.to_string()));
        }
    }

    fn key(&mut self, key: &'static str, name: Option<&KeyName>) -> Result<(), NotExpressible> {
        let Some(name) = name else { return Ok(()) };
        let serial = name.serial().ok_or(NotExpressible::Reference(key))?;
        self.number(key, Some(serial));
        Ok(())
    }

    fn secret(
        &mut self,
        key: &'static str,
        source: Option<&SecretSource>,
    ) -> Result<(), NotExpressible> {
        match source {
            None => Ok(()),
            Some(SecretSource::Literal(secret)) => self.text(key, Some(secret.expose())),
            Some(_) => Err(NotExpressible::Reference(key)),
        }
    }

    fn flag(&mut self, key: &str, value: Option<bool>) {
        if value == Some(true) {
            self.push(key, None);
        }
    }
}

impl ConnectString {
    /// The line, without a newline. It may hold secrets.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ConnectString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectString(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tid(text: &str) -> TransportId {
        text.parse().unwrap()
    }

    #[test]
    fn io_controller() {
        let mut options = ConnectOptions::default();
        for (key, value) in [
            ("nr-io-queues", "0x4"),
            ("ctrl-loss-tmo", "-1"),
            ("hdr-digest", "Yes"),
            ("data-digest", "off"),
            ("dhchap-secret", "DHHC-1:00:x:"),
        ] {
            options.set(key, value).unwrap();
        }
        let tid = tid(
            "transport=tcp;traddr=::1;nqn=nqn.2014-08.org.example:a;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        );
        assert_eq!(
            options
                .connect_string(&tid, ControllerClass::Io)
                .unwrap()
                .expose(),
            "nqn=nqn.2014-08.org.example:a,transport=tcp,traddr=::1,trsvcid=4420,\
             hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6,nr_io_queues=4,ctrl_loss_tmo=-1,hdr_digest,dhchap_secret=DHHC-1:00:x:"
        );
    }

    #[test]
    fn discovery_controllers_are_kept_alive() {
        let line = |text: &str| {
            ConnectOptions::default()
                .connect_string(&tid(text), ControllerClass::Discovery)
                .unwrap()
                .expose()
                .to_owned()
        };
        assert_eq!(
            line("transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.org.nvmexpress.discovery"),
            "nqn=nqn.2014-08.org.nvmexpress.discovery,transport=tcp,traddr=192.0.2.1,trsvcid=8009,keep_alive_tmo=30"
        );
        assert_eq!(
            line("transport=loop;nqn=nqn.2014-08.org.example:dc"),
            "nqn=nqn.2014-08.org.example:dc,transport=loop,keep_alive_tmo=30,discovery"
        );
    }

    #[test]
    fn a_comma_smuggles_nothing_in() {
        let mut tid = tid("transport=loop;nqn=nqn.2014-08.org.example:a");
        tid.nqn = crate::Nqn::reported("nqn.2014-08.org.example:a,duplicate_connect").unwrap();
        let result = ConnectOptions::default().connect_string(&tid, ControllerClass::Io);
        assert_eq!(result, Err(NotExpressible::Value("nqn")));
    }

    #[test]
    fn a_reference_is_no_secret() {
        let tid = tid("transport=loop;nqn=nqn.2014-08.org.example:a");
        for (key, value, named) in [
            ("kxchap-secret", "file:/k", "dhchap_secret"),
            ("kxchap-ctrl-secret", "credential:k", "dhchap_ctrl_secret"),
            ("keyring", ".nvme", "keyring"),
            ("tls-key-identity", "k", "tls_key"),
        ] {
            let mut options = ConnectOptions::default();
            options.set(key, value).unwrap();
            let line = options.connect_string(&tid, ControllerClass::Io);
            assert_eq!(line, Err(NotExpressible::Reference(named)), "{key}");
        }
    }

    #[test]
    fn the_line_is_not_shown() {
        let mut options = ConnectOptions::default();
        options.set("dhchap-secret", "DHHC-1:00:hush:").unwrap();
        let line = options
            .connect_string(
                &tid("transport=loop;nqn=nqn.2014-08.org.example:a"),
                ControllerClass::Io,
            )
            .unwrap();
        assert!(!format!("{line:?}").contains("hush"));
    }
}
