//! The questions to the daemon.

use std::time::Duration;

use discoverd_core::StepView;
use nvmf::Root;
use zbus::Connection;
use zbus::connection::Builder;

/// How long the daemon may take to answer. It answers at once, whatever it waits for itself.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long it may take to read everything anew: host names are looked up.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(60);

const NAME: &str = "org.nvmexpress.Discoverd1";
const PATH: &str = "/org/nvmexpress/discoverd";
const INTERFACE: &str = "org.nvmexpress.Discoverd1.Manager";

/// The daemon's status as JSON, or why it cannot be had.
pub(super) fn daemon_status() -> Result<String, String> {
    let reply = call("Status", None, TIMEOUT, "asked")?;
    reply.body().deserialize().map_err(|e| misunderstood(&e))
}

/// `question` to the daemon, whose files are those below `root`.
pub(super) fn of<T>(
    root: &Root,
    question: impl FnOnce() -> Result<T, String>,
) -> Result<T, String> {
    match root.is_system() {
        true => question(),
        false => Err("nvme-discoverd runs elsewhere".to_owned()),
    }
}

/// The daemon's explanation of a [`discoverd_core::Subject`], or why it cannot be had.
pub(super) fn explanation(subject: &str) -> Result<String, String> {
    let reply = call("Explain", Some(subject), TIMEOUT, "asked")?;
    reply.body().deserialize().map_err(|e| misunderstood(&e))
}

/// What the daemon would do from now on, or why it cannot be asked.
pub(super) fn plan() -> Result<Vec<StepView>, String> {
    let reply = call("Plan", None, TIMEOUT, "asked")?;
    let json: String = reply.body().deserialize().map_err(|e| misunderstood(&e))?;
    serde_json::from_str(&json).map_err(|e| misunderstood(&e))
}

fn misunderstood(error: &impl std::fmt::Display) -> String {
    format!("the answer of nvme-discoverd is not understood ({error})")
}

/// Has the daemon read everything anew, and waits for that; or why it did not.
pub(super) fn reload_daemon() -> Result<(), String> {
    call("Reload", None, RELOAD_TIMEOUT, "told").map(|_| ())
}

/// Has the daemon make the attempt at one connection now, or at all (empty), or says why it does not.
pub(super) fn retry(tid: &str) -> Result<(), String> {
    call("RetryNow", Some(tid), TIMEOUT, "told").map(|_| ())
}

fn call(
    method: &str,
    argument: Option<&str>,
    timeout: Duration,
    what: &str,
) -> Result<zbus::Message, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("nvme-discoverd cannot be {what}: {e}"))?;
    runtime.block_on(async {
        let called = async {
            let bus = Builder::system().build().await.map_err(|e| {
                format!("there is no system bus, nvme-discoverd cannot be {what} ({e})")
            })?;
            ask(&bus, method, argument).await
        };
        tokio::time::timeout(timeout, called)
            .await
            .unwrap_or_else(|_| Err("nvme-discoverd does not answer".to_owned()))
    })
}

async fn ask(
    bus: &Connection,
    method: &str,
    argument: Option<&str>,
) -> Result<zbus::Message, String> {
    let (to, of) = (Some(NAME), Some(INTERFACE));
    let reply = match argument {
        Some(argument) => bus.call_method(to, PATH, of, method, &argument).await,
        None => bus.call_method(to, PATH, of, method, &()).await,
    };
    reply.map_err(|e| refused(&e))
}

fn refused(error: &zbus::Error) -> String {
    use zbus::fdo;
    match error {
        zbus::Error::FDO(e)
            if matches!(
                **e,
                fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_)
            ) =>
        {
            "nvme-discoverd is not running".to_owned()
        }
        // the daemon's own words
        zbus::Error::MethodError(name, Some(text), _) if name.starts_with(NAME) => text.clone(),
        other => format!("nvme-discoverd does not answer ({other})"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    struct Manager;

    #[derive(Debug, zbus::DBusError)]
    #[zbus(prefix = "org.nvmexpress.Discoverd1.Error")]
    enum Refusal {
        #[zbus(error)]
        Bus(zbus::Error),
        ConfigRejected(String),
    }

    #[zbus::interface(name = "org.nvmexpress.Discoverd1.Manager")]
    impl Manager {
        #[expect(clippy::unused_self, reason = "the form of a method on the bus")]
        fn status(&self) -> String {
            "{}".to_owned()
        }

        #[expect(clippy::unused_self, reason = "the form of a method on the bus")]
        fn explain(&self, subject: &str) -> String {
            format!("about {subject}")
        }

        #[expect(clippy::unused_self, reason = "the form of a method on the bus")]
        fn reload(&self) -> Result<(), Refusal> {
            Err(Refusal::ConfigRejected("f:3: error: x; y".to_owned()))
        }
    }

    async fn bus_of_two(path: &str) -> (Connection, Connection) {
        let (daemon, client) = UnixStream::pair().unwrap();
        let daemon = Builder::unix_stream(daemon)
            .server(zbus::Guid::generate())
            .p2p()
            .serve_at(path.to_owned(), Manager);
        let client = Builder::unix_stream(client).p2p();
        let (daemon, client) = tokio::join!(daemon.build(), client.build());
        (daemon.unwrap(), client.unwrap())
    }

    #[tokio::test]
    async fn the_daemon_answers() {
        let (_daemon, client) = bus_of_two(PATH).await;
        let answer = ask(&client, "Status", None).await.unwrap();
        assert_eq!(answer.body().deserialize::<String>().unwrap(), "{}");
        let answer = ask(&client, "Explain", Some("nvme3")).await.unwrap();
        let answer = answer.body().deserialize::<String>();
        assert_eq!(answer.unwrap(), "about nvme3");
        let error = ask(&client, "Reload", None).await.unwrap_err();
        assert_eq!(error, "f:3: error: x; y");
    }

    #[tokio::test]
    async fn or_says_why_not() {
        let (_daemon, client) = bus_of_two("/elsewhere").await;
        let error = ask(&client, "Status", None).await.unwrap_err();
        assert!(
            error.starts_with("nvme-discoverd does not answer ("),
            "{error}"
        );
    }

    #[test]
    fn not_running_is_no_riddle() {
        let unknown = zbus::fdo::Error::ServiceUnknown("x".into());
        assert_eq!(
            refused(&zbus::Error::FDO(Box::new(unknown))),
            "nvme-discoverd is not running"
        );
    }
}
