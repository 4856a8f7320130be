//! The daemon on the system bus: [`Manager`] at [`PATH`], an object manager there, and below it one
//! [`controller::Controller`] for each connection.

mod controller;
mod objects;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use discoverd_core::{Event, Subject, SubjectError};
use nvmf_types::TransportId;
use tokio::sync::oneshot;
use zbus::fdo::{ObjectManager, RequestNameFlags};
use zbus::{Connection, DBusError, connection, interface};

use crate::daemon::Question;
use crate::inputs::{Input, Inputs, put};
pub(crate) use controller::View;
pub(crate) use objects::{Show, Shown};

/// The well-known name.
pub(crate) const NAME: &str = "org.nvmexpress.Discoverd1";
/// The object of the daemon itself.
pub(crate) const PATH: &str = "/org/nvmexpress/discoverd";
const MANAGER: &str = "org.nvmexpress.Discoverd1.Manager";

/// `org.nvmexpress.Discoverd1.Manager`.
#[derive(Debug)]
pub(crate) struct Manager {
    inputs: Inputs,
    problems: Arc<Mutex<Vec<String>>>,
}

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
    /// An argument is not what it should be: why.
    InvalidArgument(String),
    /// The daemon is ending.
    Stopping(String),
}

#[interface(name = "org.nvmexpress.Discoverd1.Manager")]
impl Manager {
    /// What is desired, what is connected, and why or why not, as JSON.
    async fn status(&self) -> Result<String, CallError> {
        let (answer, answered) = oneshot::channel();
        put(&self.inputs, Input::Ask(Question::Status(answer)));
        answered.await.map_err(|_| stopping())
    }

    /// Reads everything again: configuration, boot tables, exclusions. With an error in it all
    /// stays as it was. The bus policy lets root alone call this.
    async fn reload(&self) -> Result<(), CallError> {
        let (answer, answered) = oneshot::channel();
        put(&self.inputs, Input::Reload(Some(answer)));
        let read = answered.await.map_err(|_| stopping())?;
        read.map_err(CallError::ConfigRejected)
    }

    /// Why something is as it is, and what comes next, in sentences: `nvme3`, a transport id
    /// (`transport=…;traddr=…;…`) or the name of a subsystem.
    async fn explain(&self, subject: &str) -> Result<String, CallError> {
        let subject: Subject = subject
            .parse()
            .map_err(|error: SubjectError| CallError::InvalidArgument(error.to_string()))?;
        let (answer, answered) = oneshot::channel();
        put(&self.inputs, Input::Ask(Question::Explain(subject, answer)));
        answered.await.map_err(|_| stopping())
    }

    /// What would be done from now on, one step for each desired connection, the next one first, as JSON.
    async fn plan(&self) -> Result<String, CallError> {
        let (answer, answered) = oneshot::channel();
        put(&self.inputs, Input::Ask(Question::Plan(answer)));
        answered.await.map_err(|_| stopping())
    }

    /// Has waiting attempts made now: that of the connection with this transport id
    /// (`transport=…;traddr=…;…`), or all with an empty one. The bus policy lets root alone call this.
    fn retry_now(&self, connection: &str) -> Result<(), CallError> {
        let which: Option<TransportId> = match connection {
            "" => None,
            text => Some(text.parse().map_err(|error: nvmf_types::TidError| {
                CallError::InvalidArgument(error.to_string())
            })?),
        };
        put(&self.inputs, Event::RetryNow(which));
        Ok(())
    }

    /// The daemon's version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// What needs a person, one line each.
    #[zbus(property)]
    fn problems(&self) -> Vec<String> {
        let problems = self.problems.lock();
        problems.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn stopping() -> CallError {
    CallError::Stopping("nvme-discoverd is stopping".to_owned())
}

/// Connects to the system bus, takes the name and serves the objects.
///
/// # Errors
/// There is no system bus, the name is taken, or the policy forbids it.
pub(crate) async fn connect(
    bus: connection::Builder<'_>,
    inputs: Inputs,
) -> anyhow::Result<(Connection, Show)> {
    serve(bus, inputs).await.map_err(|error| match error {
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

async fn serve(
    builder: connection::Builder<'_>,
    inputs: Inputs,
) -> zbus::Result<(Connection, Show)> {
    let problems = Arc::default();
    let manager = Manager {
        inputs,
        problems: Arc::clone(&problems),
    };
    let bus = builder
        .serve_at(PATH, ObjectManager)
        .serve_at(PATH, manager)
        .build()
        .await?;
    // after the objects: who waits for the name finds them; and nobody takes it from another
    bus.request_name_with_flags(NAME, RequestNameFlags::DO_NOT_QUEUE)
        .await?;
    let show = objects::serve(&bus, problems);
    Ok((bus, show))
}
