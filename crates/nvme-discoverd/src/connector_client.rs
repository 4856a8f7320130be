//! The connector, as the daemon sees it: requests go out, results come back as inputs.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use discoverd_core::{ActionId, ConnectOutcome, ConnectRequest, Event, FailureKind};
use nvmf_connector::protocol::{self, Call, Connect, Disconnect, Outcome, Request, Response};
use nvmf_types::HostIdentity;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::inputs::{Inputs, put};

/// A handle to the connector.
#[derive(Clone, Debug)]
pub(crate) struct Connector(mpsc::UnboundedSender<Request>);

impl Connector {
    /// Starts the task that talks to the connector. It connects when there is something to say,
    /// and again after the connector went away; what was under way then is reported as
    /// [`FailureKind::ConnectorLost`].
    pub(crate) fn start(socket: PathBuf, inputs: Inputs) -> Self {
        let (requests, wanted) = mpsc::unbounded_channel();
        let client = Client {
            socket,
            inputs,
            wanted,
            under_way: BTreeMap::new(),
        };
        tokio::spawn(client.run());
        Self(requests)
    }

    /// Has a controller connected; [`Event::ConnectFinished`].
    pub(crate) fn connect(&self, id: ActionId, request: ConnectRequest, host: HostIdentity) {
        let call = Connect {
            tid: request.tid,
            alternatives: request.alternatives,
            class: request.class,
            options: request.options,
            owner: request.owner,
            probe_timeout_ms: request.probe_timeout_ms,
            deep_probe: request.deep_probe,
            host,
        };
        self.send(id, Call::Connect(Box::new(call)));
    }

    /// Has a controller disconnected; no event.
    pub(crate) fn disconnect(&self, id: ActionId, call: Disconnect) {
        self.send(id, Call::Disconnect(call));
    }

    fn send(&self, id: ActionId, call: Call) {
        // the task ends only with the daemon
        let _ = self.0.send(Request { id: id.0, call });
    }
}

/// What an answer is for.
#[derive(Debug)]
enum Purpose {
    Connect,
    Disconnect(String),
}

struct Client {
    socket: PathBuf,
    inputs: Inputs,
    wanted: mpsc::UnboundedReceiver<Request>,
    under_way: BTreeMap<u64, Purpose>,
}

impl Client {
    async fn run(mut self) {
        while let Some(first) = self.wanted.recv().await {
            self.note(&first);
            let lost = match UnixStream::connect(&self.socket).await {
                Ok(stream) => match self.converse(first, stream).await {
                    Ok(()) => return,
                    Err(error) => format!("the connector went away: {error}"),
                },
                Err(error) => format!(
                    "cannot reach the connector at `{}`: {error}; is nvmf-connector.socket active?",
                    self.socket.display()
                ),
            };
            error!("{lost}");
            self.all_lost(&lost);
        }
    }

    /// Talks until the connection ends (an error) or the daemon does.
    async fn converse(&mut self, first: Request, stream: UnixStream) -> io::Result<()> {
        let (from, mut to) = stream.into_split();
        let mut lines = BufReader::new(from).lines();
        to.write_all(&line(&first)?).await?;
        loop {
            tokio::select! {
                wanted = self.wanted.recv() => {
                    let Some(request) = wanted else { return Ok(()) };
                    self.note(&request);
                    to.write_all(&line(&request)?).await?;
                }
                response = response(&mut lines) => self.answered(response?),
            }
        }
    }

    fn note(&mut self, request: &Request) {
        let purpose = match &request.call {
            Call::Disconnect(call) => Purpose::Disconnect(call.device.to_string()),
            _ => Purpose::Connect,
        };
        self.under_way.insert(request.id, purpose);
    }

    fn answered(&mut self, response: Response) {
        match self.under_way.remove(&response.id) {
            Some(Purpose::Connect) => self.finished(response.id, outcome(response.outcome)),
            Some(Purpose::Disconnect(device)) => info!("{device}: {}", response.outcome),
            None => warn!("the connector answered request {} twice", response.id),
        }
    }

    fn all_lost(&mut self, why: &str) {
        for (id, purpose) in std::mem::take(&mut self.under_way) {
            match purpose {
                Purpose::Connect => self.finished(
                    id,
                    ConnectOutcome::Failed {
                        message: why.to_owned(),
                        kind: FailureKind::ConnectorLost,
                    },
                ),
                Purpose::Disconnect(device) => error!("{device}: not disconnected: {why}"),
            }
        }
    }

    fn finished(&self, id: u64, outcome: ConnectOutcome) {
        let id = ActionId(id);
        put(&self.inputs, Event::ConnectFinished { id, outcome });
    }
}

fn line(request: &Request) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    Ok(line)
}

async fn response(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> io::Result<Response> {
    let line = lines.next_line().await?;
    let line = line.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(serde_json::from_str(&line)?)
}

fn outcome(outcome: Outcome) -> ConnectOutcome {
    match outcome {
        Outcome::Connected {
            device,
            sysfs_ino,
            cntlid,
        } => ConnectOutcome::Connected {
            device,
            sysfs_ino,
            cntlid,
        },
        Outcome::AlreadyConnected(live) => ConnectOutcome::AlreadyConnected(*live),
        Outcome::Excluded(origin) => ConnectOutcome::Excluded { origin },
        Outcome::Failed { kind, message } => ConnectOutcome::Failed {
            message,
            kind: failure(kind),
        },
        other => ConnectOutcome::Failed {
            message: format!("the connector gave an answer that fits no connect: {other}"),
            kind: FailureKind::Other,
        },
    }
}

const fn failure(kind: protocol::FailureKind) -> FailureKind {
    match kind {
        protocol::FailureKind::Unreachable => FailureKind::Unreachable,
        protocol::FailureKind::Refused => FailureKind::Refused,
        protocol::FailureKind::Silent => FailureKind::Silent,
        protocol::FailureKind::Hung => FailureKind::Hung,
        protocol::FailureKind::Rejected => FailureKind::Rejected,
        protocol::FailureKind::Unregistered => FailureKind::Unregistered,
        _ => FailureKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nvmf_types::{ConnectOptions, ControllerClass, Owner};
    use tokio::net::UnixListener;

    use super::*;
    use crate::inputs::Input;

    fn request() -> ConnectRequest {
        ConnectRequest {
            tid: "transport=loop;nqn=nqn.2014-08.org.example:a"
                .parse()
                .unwrap(),
            alternatives: Vec::new(),
            class: ControllerClass::Io,
            options: ConnectOptions::default(),
            owner: Owner::discoverd(),
            probe_timeout_ms: 1,
            deep_probe: false,
        }
    }

    struct World {
        _dir: tempfile::TempDir,
        path: PathBuf,
        connector: Connector,
        inbox: mpsc::UnboundedReceiver<Input>,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("s");
            let (inputs, inbox) = mpsc::unbounded_channel();
            Self {
                connector: Connector::start(path.clone(), inputs),
                _dir: dir,
                path,
                inbox,
            }
        }

        fn connect(&self, id: u64) {
            let host = HostIdentity::default();
            self.connector.connect(ActionId(id), request(), host);
        }

        async fn finished(&mut self) -> (u64, ConnectOutcome) {
            let next = tokio::time::timeout(Duration::from_secs(30), self.inbox.recv());
            match next.await.expect("an answer") {
                Some(Input::Event(Event::ConnectFinished { id, outcome })) => (id.0, outcome),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn requests(stream: &mut BufReader<UnixStream>, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let mut text = String::new();
            stream.read_line(&mut text).await.unwrap();
            ids.push(serde_json::from_str::<Request>(&text).unwrap().id);
        }
        ids
    }

    fn is_lost(outcome: &ConnectOutcome) -> bool {
        let kind = FailureKind::ConnectorLost;
        matches!(outcome, ConnectOutcome::Failed { kind: k, .. } if *k == kind)
    }

    #[tokio::test]
    async fn answers_find_their_requests_in_any_order() {
        let mut world = World::new();
        let listener = UnixListener::bind(&world.path).unwrap();
        for id in [1, 2] {
            world.connect(id);
        }
        let mut peer = BufReader::new(listener.accept().await.unwrap().0);
        assert_eq!(requests(&mut peer, 2).await, [1, 2]);
        for id in [2, 1] {
            let outcome = Outcome::Connected {
                device: format!("nvme{id}").parse().unwrap(),
                sysfs_ino: id,
                cntlid: 1,
            };
            let text = serde_json::to_string(&Response { id, outcome }).unwrap();
            peer.write_all(format!("{text}\n").as_bytes())
                .await
                .unwrap();
            let (answered, outcome) = world.finished().await;
            assert_eq!(answered, id);
            assert!(
                matches!(outcome, ConnectOutcome::Connected { sysfs_ino, .. } if sysfs_ino == id)
            );
        }
    }

    #[tokio::test]
    async fn a_connector_that_dies_loses_what_it_had_and_is_found_again() {
        let mut world = World::new();
        let listener = UnixListener::bind(&world.path).unwrap();
        for id in [1, 2] {
            world.connect(id);
        }
        let mut peer = BufReader::new(listener.accept().await.unwrap().0);
        requests(&mut peer, 2).await;
        drop(peer);
        for id in [1, 2] {
            let (lost, outcome) = world.finished().await;
            assert_eq!(lost, id);
            assert!(is_lost(&outcome), "{outcome:?}");
        }
        world.connect(3);
        let mut peer = BufReader::new(listener.accept().await.unwrap().0);
        assert_eq!(requests(&mut peer, 1).await, [3]);
    }

    #[tokio::test]
    async fn no_connector_is_an_answer_too() {
        let mut world = World::new();
        world.connect(1);
        let (_, outcome) = world.finished().await;
        assert!(is_lost(&outcome), "{outcome:?}");
    }

    #[tokio::test]
    async fn nonsense_ends_the_conversation() {
        let mut world = World::new();
        let listener = UnixListener::bind(&world.path).unwrap();
        world.connect(1);
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.write_all(b"nonsense\n").await.unwrap();
        assert!(is_lost(&world.finished().await.1));
    }
}
