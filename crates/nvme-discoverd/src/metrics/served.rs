//! Where the metrics are to be had: `GET` on a Unix socket, and on a loopback address if one is set.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nvmf::Root;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tracing::{debug, warn};

use super::Metrics;
use crate::inputs::{Input, Inputs, Trouble, put};

/// The socket's place below `/run`.
const SOCKET: &str = "nvme-discoverd/metrics.sock";
/// Everybody may look.
const MODE: u32 = 0o666;

/// Who asks has so long to do so, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who asks at one time; the others wait.
const CLIENTS: usize = 8;
/// What a request may have in bytes.
const REQUEST: usize = 4096;

const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The servers.
#[derive(Debug)]
pub(crate) struct Served {
    registry: Arc<Registry>,
    inputs: Inputs,
    turns: Arc<Semaphore>,
    address: Option<SocketAddr>,
    server: Option<AbortHandle>,
}

impl Served {
    /// Serves on the Unix socket from now on. Without it the daemon works as well: that it is
    /// missing is told.
    pub(crate) fn start(root: &Root, metrics: &Metrics, inputs: Inputs) -> Self {
        let served = Self {
            registry: Arc::clone(&metrics.registry),
            inputs,
            turns: Arc::new(Semaphore::new(CLIENTS)),
            address: None,
            server: None,
        };
        let path = root.run().join(SOCKET);
        match bind(&path) {
            Ok(listener) => {
                let (registry, turns) = (Arc::clone(&served.registry), Arc::clone(&served.turns));
                tokio::spawn(async move {
                    loop {
                        let accepted = listener.accept().await.map(|(stream, _)| stream);
                        admit(accepted, &registry, &turns).await;
                    }
                });
            }
            Err(error) => warn!("no metrics at `{}`: {error}", path.display()),
        }
        served
    }

    /// Serves at this address too, and at no other any more.
    pub(crate) fn at(&mut self, address: Option<SocketAddr>) {
        if address == self.address {
            return;
        }
        self.address = address;
        if let Some(server) = self.server.take() {
            server.abort();
        }
        put(&self.inputs, Input::Trouble(Trouble::Metrics, None));
        let Some(address) = address else {
            return;
        };
        let (registry, turns) = (Arc::clone(&self.registry), Arc::clone(&self.turns));
        let inputs = self.inputs.clone();
        let serving = tokio::spawn(async move {
            let listener = match TcpListener::bind(address).await {
                Ok(listener) => listener,
                Err(error) => {
                    let why = format!("no metrics at {address} (metrics-listen): {error}");
                    put(&inputs, Input::Trouble(Trouble::Metrics, Some(why)));
                    return;
                }
            };
            loop {
                let accepted = listener.accept().await.map(|(stream, _)| stream);
                admit(accepted, &registry, &turns).await;
            }
        });
        self.server = Some(serving.abort_handle());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

/// In the place of what a daemon before left.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
    Ok(listener)
}

async fn admit<S>(accepted: io::Result<S>, registry: &Arc<Registry>, turns: &Arc<Semaphore>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = match accepted {
        Ok(stream) => stream,
        Err(error) => {
            debug!("a reader of metrics was lost: {error}");
            // out of descriptors perhaps: not at full speed
            tokio::time::sleep(Duration::from_millis(100)).await;
            return;
        }
    };
    // never closed
    let turn = Arc::clone(turns).acquire_owned().await;
    let registry = Arc::clone(registry);
    tokio::spawn(async move {
        let answered = tokio::time::timeout(PATIENCE, answer(stream, &registry)).await;
        if !matches!(answered, Ok(Ok(()))) {
            debug!("a reader of metrics went away, or was too slow");
        }
        drop(turn);
    });
}

/// One request, one answer (RFC 9112).
async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    registry: &Registry,
) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && !request.ends_with(b"\n\n") {
        if request.len() >= REQUEST || stream.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let mut text = String::new();
    let (status, body) = if request.starts_with(b"GET ") {
        // a String takes everything
        let _ = encode(&mut text, registry);
        ("200 OK", text)
    } else {
        ("405 Method Not Allowed", "only GET\n".to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {TYPE}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use discoverd_core::{ActionId, ConnectOutcome, Counts, Event, FailureKind};
    use tokio::net::{TcpStream, UnixStream};
    use tokio::sync::mpsc;

    use super::*;

    async fn get(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn root() -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("run/nvme-discoverd")).unwrap();
        let root = Root::new(dir.path());
        (dir, root)
    }

    #[tokio::test]
    async fn on_the_socket() {
        let (dir, root) = root();
        let socket = dir.path().join("run").join(SOCKET);
        std::fs::write(&socket, "left by another").unwrap();
        let (inputs, _inbox) = mpsc::unbounded_channel();
        let mut metrics = Metrics::new();
        let _served = Served::start(&root, &metrics, inputs);
        metrics.heard(&Event::ConnectFinished {
            id: ActionId(1),
            outcome: ConnectOutcome::Failed {
                message: "no".into(),
                kind: FailureKind::Refused,
            },
        });
        let counts = Counts {
            desired: 3,
            retrying: 2,
            ..Counts::default()
        };
        metrics.shown(&counts, 1, 0);
        let stream = UnixStream::connect(&socket).await.unwrap();
        let answer = get(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        for line in [
            "nvme_discoverd_desired 3",
            "nvme_discoverd_controllers{state=\"retrying\"} 2",
            "nvme_discoverd_connects_total{result=\"failed\"} 1",
            "nvme_discoverd_connect_failures_total{reason=\"refused\"} 1",
            "nvme_discoverd_problems 1",
        ] {
            assert!(answer.lines().any(|it| it == line), "{line}: {answer}");
        }
        assert!(answer.ends_with("# EOF\n"), "{answer}");
        let stream = UnixStream::connect(&socket).await.unwrap();
        let answer = get(stream, "POST / HTTP/1.1\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    }

    /// A port that nobody has at the moment.
    fn free() -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    }

    async fn trouble(inbox: &mut mpsc::UnboundedReceiver<Input>) -> Option<String> {
        match inbox.recv().await {
            Some(Input::Trouble(Trouble::Metrics, trouble)) => trouble,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn at_an_address_that_moves() {
        let (_dir, root) = root();
        let (inputs, mut inbox) = mpsc::unbounded_channel();
        let mut served = Served::start(&root, &Metrics::new(), inputs);
        let address = free();
        let taken = std::net::TcpListener::bind(address).unwrap();
        served.at(Some(address));
        assert_eq!(trouble(&mut inbox).await, None);
        let why = trouble(&mut inbox).await.unwrap();
        assert!(why.contains(&address.to_string()), "{why}");
        drop(taken);
        served.at(None);
        served.at(Some(address));
        let connected = async {
            loop {
                if let Ok(stream) = TcpStream::connect(address).await {
                    return stream;
                }
                tokio::task::yield_now().await;
            }
        };
        let stream = tokio::time::timeout(Duration::from_secs(30), connected).await;
        let answer = get(stream.unwrap(), "GET / HTTP/1.0\n\n").await;
        assert!(answer.ends_with("# EOF\n"), "{answer}");
        served.at(None);
        let left = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        let left = tokio::time::timeout(Duration::from_secs(30), left).await;
        left.expect("nobody listens there any more");
    }
}
