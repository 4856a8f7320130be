//! The daemon on the system bus.

use tokio::sync::oneshot;
use zbus::{Connection, DBusError, connection, interface};

use crate::inputs::{Input, Inputs, put};

/// The well-known name.
pub(crate) const NAME: &str = "org.nvmexpress.Discoverd1";
/// The one object.
pub(crate) const PATH: &str = "/org/nvmexpress/discoverd";

/// `org.nvmexpress.Discoverd1.Manager`.
#[derive(Debug)]
pub(crate) struct Manager(pub(crate) Inputs);

/// What a call can fail with.
#[derive(Debug, DBusError)]
#[zbus(prefix = "org.nvmexpress.Discoverd1.Error")]
pub(crate) enum CallError {
    /// The bus itself.
    #[zbus(error)]
    Bus(zbus::Error),
    /// The configuration has mistakes; the last good one stays. One line each, with file, line
    /// and remedy.
    ConfigRejected(String),
    /// The daemon is ending.
    Stopping(String),
}

#[interface(name = "org.nvmexpress.Discoverd1.Manager")]
impl Manager {
    /// What is desired, what is connected, and why or why not, as JSON.
    async fn status(&self) -> Result<String, CallError> {
        let (answer, answered) = oneshot::channel();
        put(&self.0, Input::Status(answer));
        answered.await.map_err(|_| stopping())
    }

    /// Reads everything again: configuration, boot tables, exclusions. With an error in it all
    /// stays as it was. The bus policy lets root alone call this.
    async fn reload(&self) -> Result<(), CallError> {
        let (answer, answered) = oneshot::channel();
        put(&self.0, Input::Reload(Some(answer)));
        let read = answered.await.map_err(|_| stopping())?;
        read.map_err(CallError::ConfigRejected)
    }
}

fn stopping() -> CallError {
    CallError::Stopping("nvme-discoverd is stopping".to_owned())
}

/// Connects to the system bus and takes the name.
///
/// # Errors
/// There is no system bus, the name is taken, or the policy forbids it.
pub(crate) async fn connect(inputs: Inputs) -> anyhow::Result<Connection> {
    let built = connection::Builder::system()
        .serve_at(PATH, Manager(inputs))
        .name(NAME)
        .build()
        .await;
    built.map_err(|error| match error {
        zbus::Error::NameTaken => {
            anyhow::anyhow!("another nvme-discoverd is running: `{NAME}` is taken on the bus")
        }
        zbus::Error::MethodError(name, detail, _) => anyhow::anyhow!(
            "the system bus refuses the name `{NAME}`: {}; is its policy file installed?",
            detail.unwrap_or_else(|| name.to_string())
        ),
        error => anyhow::anyhow!("no D-Bus system bus: {error}; is dbus.service running?"),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::net::UnixStream;

    use tokio::sync::mpsc;
    use zbus::Guid;

    use super::*;

    /// Two ends of a private bus of two.
    pub(crate) async fn pair<'a>(
        server: impl FnOnce(connection::Builder<'a>) -> connection::Builder<'a>,
    ) -> (Connection, Connection) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let builder = connection::Builder::unix_stream(ours)
            .server(Guid::generate())
            .p2p();
        let client = connection::Builder::unix_stream(theirs).p2p();
        let (server, client) = tokio::join!(server(builder).build(), client.build());
        (server.unwrap(), client.unwrap())
    }

    #[zbus::proxy(
        interface = "org.nvmexpress.Discoverd1.Manager",
        default_service = "org.nvmexpress.Discoverd1",
        default_path = "/org/nvmexpress/discoverd"
    )]
    trait Discoverd {
        fn status(&self) -> zbus::Result<String>;
        fn reload(&self) -> zbus::Result<()>;
    }

    #[tokio::test]
    async fn status_and_reload() {
        let (inputs, mut inbox) = mpsc::unbounded_channel();
        let (_server, client) = pair(|b| b.serve_at(PATH, Manager(inputs))).await;
        tokio::spawn(async move {
            while let Some(input) = inbox.recv().await {
                match input {
                    Input::Status(to) => to.send("{}".to_owned()).unwrap(),
                    Input::Reload(Some(to)) => to.send(Err("f:3: error: x; y".into())).unwrap(),
                    other => panic!("{other:?}"),
                }
            }
        });
        let proxy = DiscoverdProxy::new(&client).await.unwrap();
        assert_eq!(proxy.status().await.unwrap(), "{}");
        let error = proxy.reload().await.unwrap_err();
        let zbus::Error::MethodError(name, Some(text), _) = error else {
            panic!("{error}");
        };
        assert_eq!(
            name.as_str(),
            "org.nvmexpress.Discoverd1.Error.ConfigRejected"
        );
        assert_eq!(text, "f:3: error: x; y");
    }

    #[tokio::test]
    async fn a_daemon_that_ends_says_so() {
        let (inputs, inbox) = mpsc::unbounded_channel();
        drop(inbox);
        let (_server, client) = pair(|b| b.serve_at(PATH, Manager(inputs))).await;
        let proxy = DiscoverdProxy::new(&client).await.unwrap();
        let error = proxy.status().await.unwrap_err().to_string();
        assert!(error.contains("stopping"), "{error}");
    }
}
