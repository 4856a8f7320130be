//! The question to the daemon.

use std::time::Duration;

use zbus::Connection;
use zbus::connection::Builder;

/// How long the daemon may take to answer. It answers at once, whatever it waits for itself.
const TIMEOUT: Duration = Duration::from_secs(5);

const NAME: &str = "org.nvmexpress.Discoverd1";
const PATH: &str = "/org/nvmexpress/discoverd";
const INTERFACE: &str = "org.nvmexpress.Discoverd1.Manager";

/// The daemon's status as JSON, or why it cannot be had.
pub(super) fn daemon_status() -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("cannot ask nvme-discoverd: {e}"))?;
    runtime.block_on(async {
        let asked = async { ask(&system_bus().await?).await };
        tokio::time::timeout(TIMEOUT, asked)
            .await
            .unwrap_or_else(|_| Err("nvme-discoverd does not answer".to_owned()))
    })
}

async fn system_bus() -> Result<Connection, String> {
    let built = Builder::system().build().await;
    built.map_err(|e| format!("there is no system bus, nvme-discoverd cannot be asked ({e})"))
}

async fn ask(bus: &Connection) -> Result<String, String> {
    let reply = bus
        .call_method(Some(NAME), PATH, Some(INTERFACE), "Status", &())
        .await
        .map_err(|e| refused(&e))?;
    reply
        .body()
        .deserialize::<String>()
        .map_err(|e| format!("the answer of nvme-discoverd is not understood ({e})"))
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
        other => format!("nvme-discoverd does not answer ({other})"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    struct Manager;

    #[zbus::interface(name = "org.nvmexpress.Discoverd1.Manager")]
    impl Manager {
        #[expect(clippy::unused_self, reason = "the form of a method on the bus")]
        fn status(&self) -> String {
            "{}".to_owned()
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
        assert_eq!(ask(&client).await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn or_says_why_not() {
        let (_daemon, client) = bus_of_two("/elsewhere").await;
        let error = ask(&client).await.unwrap_err();
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
