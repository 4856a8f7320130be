//! The question to the daemon.

use std::time::Duration;

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
        tokio::time::timeout(TIMEOUT, ask())
            .await
            .unwrap_or_else(|_| Err("nvme-discoverd does not answer".to_owned()))
    })
}

async fn ask() -> Result<String, String> {
    let bus = Builder::system()
        .build()
        .await
        .map_err(|e| format!("cannot reach nvme-discoverd, there is no system bus ({e})"))?;
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
