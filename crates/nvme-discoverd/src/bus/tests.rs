//! The daemon as others on the bus see it.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;

use discoverd_core::{ConnectionStatus, State, StatusId};
use nvmf_types::ControllerClass;
use tokio::sync::mpsc;
use zbus::{Guid, MessageStream, OwnedVariant};

use super::*;
use crate::clock::Clock;
use crate::streams::next;
use crate::testing::PrivateBus;

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
    fn retry_now(&self, connection: &str) -> zbus::Result<()>;
    fn explain(&self, subject: &str) -> zbus::Result<String>;
    fn plan(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn problems(&self) -> zbus::Result<Vec<String>>;
}

fn manager(inputs: Inputs) -> Manager {
    Manager {
        inputs,
        problems: Arc::default(),
    }
}

#[tokio::test]
async fn status_and_reload() {
    let (inputs, mut inbox) = mpsc::unbounded_channel();
    let (_server, client) = pair(|b| b.serve_at(PATH, manager(inputs))).await;
    tokio::spawn(async move {
        while let Some(input) = inbox.recv().await {
            match input {
                Input::Ask(Question::Status(to)) => to.send("{}".to_owned()).unwrap(),
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
    let (_server, client) = pair(|b| b.serve_at(PATH, manager(inputs))).await;
    let proxy = DiscoverdProxy::new(&client).await.unwrap();
    let error = proxy.status().await.unwrap_err().to_string();
    assert!(error.contains("stopping"), "{error}");
}

#[tokio::test]
async fn retrying_one_all_or_nonsense() {
    let (inputs, mut inbox) = mpsc::unbounded_channel();
    let (_server, client) = pair(|b| b.serve_at(PATH, manager(inputs))).await;
    let proxy = DiscoverdProxy::new(&client).await.unwrap();
    let one = "transport=loop;nqn=nqn.2014-08.org.example:a";
    for (text, expected) in [("", None), (one, Some(one.parse().unwrap()))] {
        proxy.retry_now(text).await.unwrap();
        match inbox.recv().await {
            Some(Input::Event(Event::RetryNow(which))) => assert_eq!(which, expected),
            other => panic!("{other:?}"),
        }
    }
    let error = proxy.retry_now("transport=pcie").await.unwrap_err();
    assert!(error.to_string().contains("pcie"), "{error}");
}

#[tokio::test]
async fn explaining_and_planning() {
    let (inputs, mut inbox) = mpsc::unbounded_channel();
    let (_server, client) = pair(|b| b.serve_at(PATH, manager(inputs))).await;
    tokio::spawn(async move {
        while let Some(input) = inbox.recv().await {
            match input {
                Input::Ask(Question::Explain(subject, to)) => {
                    to.send(format!("about {subject}")).unwrap();
                }
                Input::Ask(Question::Plan(to)) => to.send("[]".to_owned()).unwrap(),
                other => panic!("{other:?}"),
            }
        }
    });
    let proxy = DiscoverdProxy::new(&client).await.unwrap();
    assert_eq!(proxy.explain("/dev/nvme3").await.unwrap(), "about nvme3");
    assert_eq!(proxy.plan().await.unwrap(), "[]");
    let error = proxy.explain("transport=pcie").await.unwrap_err();
    let zbus::Error::MethodError(name, Some(text), _) = error else {
        panic!("{error}");
    };
    assert!(
        name.ends_with(".InvalidArgument") && text.contains("pcie"),
        "{name}: {text}"
    );
}

/// A status of one connection, as the core would give it.
fn status(nqn: &str, state: State) -> ConnectionStatus {
    let json = serde_json::json!({
        "transport": "loop", "nqn": nqn, "class": "io", "state": state, "reason": "because",
        "for-ms": 1, "sources": ["f.conf:3"], "attempts": 2,
    });
    serde_json::from_value(json).unwrap()
}

fn connection_id(nqn: &str) -> StatusId {
    let tid = format!("transport=loop;nqn={nqn}").parse().unwrap();
    StatusId::connection(ControllerClass::Io, tid)
}

struct World {
    _bus: PrivateBus,
    _server: Connection,
    client: Connection,
    show: Show,
    clock: Clock,
}

impl World {
    async fn new() -> Self {
        let bus = PrivateBus::start();
        let (inputs, _) = mpsc::unbounded_channel();
        let (server, show) = serve(bus.builder(), inputs).await.unwrap();
        Self {
            client: bus.connect().await,
            _bus: bus,
            _server: server,
            show,
            clock: Clock::start(),
        }
    }

    /// What is desired by somebody; `None`: no more.
    async fn show(&self, connections: &[(&str, Option<State>)], problems: &[&str]) {
        let shown = connections.iter().map(|(nqn, state)| {
            let view = state.map(|state| View::new(&status(nqn, state), &self.clock));
            (connection_id(nqn), view)
        });
        self.send(shown.collect(), problems).await;
    }

    /// Controllers that nobody desires.
    async fn left(&self, controllers: &[&ConnectionStatus]) {
        let shown = controllers.iter().map(|it| {
            let device = it.device.as_ref().unwrap().parse().unwrap();
            (StatusId::left(device), Some(View::new(it, &self.clock)))
        });
        self.send(shown.collect(), &[]).await;
    }

    async fn send(&self, connections: Vec<(StatusId, Option<View>)>, problems: &[&str]) {
        let shown = Shown {
            connections,
            problems: problems.iter().map(ToString::to_string).collect(),
        };
        self.show.send(shown).await.unwrap();
    }

    async fn objects(&self) -> zbus::fdo::ObjectManagerProxy<'static> {
        let builder = zbus::fdo::ObjectManagerProxy::builder(&self.client);
        let builder = builder.destination(NAME).path(PATH);
        builder.build().await.unwrap()
    }

    /// Of all objects, in their order.
    async fn paths(&self) -> Vec<String> {
        let all = self.objects().await.get_managed_objects().await.unwrap();
        let mut paths: Vec<String> = all.keys().map(ToString::to_string).collect();
        paths.sort();
        paths
    }

    /// Signals of the daemon from now on.
    async fn signals(&self) -> MessageStream {
        let rule = zbus::MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(NAME)
            .path_namespace(PATH)
            .build()
            .unwrap();
        MessageStream::for_match_rule(rule, &self.client, None)
            .await
            .unwrap()
    }
}

/// Path, member, and names of the properties in the next signal.
async fn signal(signals: &mut MessageStream) -> (String, String, Vec<String>) {
    let patience = std::time::Duration::from_secs(30);
    let next = tokio::time::timeout(patience, next(signals));
    let message = next.await.expect("a signal").unwrap().unwrap();
    let header = message.header();
    let (path, member) = (header.path().unwrap(), header.member().unwrap());
    let mut names = Vec::new();
    if member.as_str() == "PropertiesChanged" {
        type Changed = (String, HashMap<String, OwnedVariant>, Vec<String>);
        let (_, changed, _) = message.body().deserialize::<Changed>().unwrap();
        names.extend(changed.into_keys());
        names.sort();
    }
    (path.to_string(), member.to_string(), names)
}

#[tokio::test]
async fn one_object_a_connection_and_signals_for_what_changed() {
    let world = World::new().await;
    let mut signals = world.signals().await;
    let (a, b) = ("nqn.2014-08.org.example:a", "nqn.2014-08.org.example:b");
    let (waiting, connected) = (Some(State::Waiting), Some(State::Connected));
    world.show(&[(a, waiting), (b, waiting)], &[]).await;
    for _ in 0..2 {
        let (path, member, _) = signal(&mut signals).await;
        assert_eq!((path.as_str(), member.as_str()), (PATH, "InterfacesAdded"));
    }
    let objects = world.objects().await;
    let all = objects.get_managed_objects().await.unwrap();
    assert_eq!(all.len(), 2, "{all:?}");
    let of = |nqn: &str| {
        let (path, interfaces) = all
            .iter()
            .find(|(_, it)| {
                let properties = &it["org.nvmexpress.Discoverd1.Controller"];
                properties["Nqn"].downcast_ref::<&str>() == Ok(nqn)
            })
            .unwrap();
        (
            path.to_string(),
            interfaces["org.nvmexpress.Discoverd1.Controller"].clone(),
        )
    };
    let (path, properties) = of(a);
    assert_eq!(properties["State"].downcast_ref::<&str>(), Ok("waiting"));
    assert_eq!(properties["Attempts"].downcast_ref::<u32>(), Ok(2));
    assert_eq!(properties["Owner"].downcast_ref::<&str>(), Ok(""));

    // the same again is no news
    world.show(&[(a, waiting), (b, waiting)], &[]).await;
    world.show(&[(a, connected)], &[]).await;
    let changed = signal(&mut signals).await;
    let names = vec!["State".to_owned()];
    assert_eq!(
        changed,
        (path.clone(), "PropertiesChanged".to_owned(), names)
    );
    world.show(&[], &["broken"]).await;
    let changed = signal(&mut signals).await;
    let names = vec!["Problems".to_owned()];
    assert_eq!(
        changed,
        (PATH.to_owned(), "PropertiesChanged".to_owned(), names)
    );
    let proxy = DiscoverdProxy::new(&world.client).await.unwrap();
    assert_eq!(proxy.problems().await.unwrap(), ["broken"]);

    world.show(&[(b, None)], &["broken"]).await;
    let (at, member, _) = signal(&mut signals).await;
    assert_eq!((at.as_str(), member.as_str()), (PATH, "InterfacesRemoved"));
    let all = objects.get_managed_objects().await.unwrap();
    let left: Vec<String> = all.keys().map(ToString::to_string).collect();
    assert_eq!(left, [path], "the same object");
}

#[tokio::test]
async fn two_controllers_of_one_connection_are_two_objects() {
    let world = World::new().await;
    let mut signals = world.signals().await;
    let mut left = status("nqn.2014-08.org.example:a", State::Connected);
    left.device = Some("nvme3".into());
    left.sysfs_ino = Some(4711);
    let mut other = left.clone();
    other.device = Some("nvme4".into());
    world.left(&[&left, &other]).await;
    signal(&mut signals).await;
    signal(&mut signals).await;
    let paths = world.paths().await;
    assert_eq!(paths[1], format!("{}_nvme4_4711", paths[0]));
    // another incarnation, known by the same name
    other.sysfs_ino = Some(4712);
    world.left(&[&other]).await;
    signal(&mut signals).await;
    signal(&mut signals).await;
    let paths = world.paths().await;
    assert_eq!(paths[1], format!("{}_nvme4_4712", paths[0]));
}

/// A name that is taken ends the second daemon.
#[tokio::test]
async fn there_is_one_daemon() {
    let bus = PrivateBus::start();
    let (inputs, _inbox) = mpsc::unbounded_channel();
    let _first = serve(bus.builder(), inputs.clone()).await.unwrap();
    let second = serve(bus.builder(), inputs).await;
    assert!(matches!(second, Err(zbus::Error::NameTaken)));
}

/// What the objects say of themselves is what is installed. `BLESS=1` writes it.
#[tokio::test]
async fn the_interfaces_are_described() {
    let world = World::new().await;
    let mut signals = world.signals().await;
    let one = [("nqn.2014-08.org.example:a", Some(State::Waiting))];
    world.show(&one, &[]).await;
    signal(&mut signals).await;
    let all = world.objects().await.get_managed_objects().await.unwrap();
    let controller = all.keys().next().unwrap().to_string();
    let dist = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/dbus");
    for (path, name) in [
        (PATH, "org.nvmexpress.Discoverd1.Manager"),
        (&controller, "org.nvmexpress.Discoverd1.Controller"),
    ] {
        let proxy = zbus::fdo::IntrospectableProxy::builder(&world.client)
            .destination(NAME)
            .path(path)
            .build()
            .await
            .unwrap();
        let said = described(&proxy.introspect().await.unwrap(), name);
        let file = dist.join(format!("{name}.xml"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &said).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(written, said, "{}: BLESS=1 writes it", file.display());
    }
}

#[test]
fn every_property_that_can_change_is_compared() {
    let mut full = status("nqn.2014-08.org.example:a", State::Connected);
    full.since_ms = 1;
    full.owner = Some("discoverd".into());
    full.device = Some("nvme3".into());
    full.sysfs_ino = Some(4711);
    full.last_error = Some("refused".into());
    full.retry_at_ms = Some(2);
    full.unit = Some(discoverd_core::UnitState::Active);
    let full = View::new(&full, &Clock::start());
    let xml = include_str!("../../../../dist/dbus/org.nvmexpress.Discoverd1.Controller.xml");
    let all = xml.matches("<property ").count();
    let constant = xml.matches("value=\"const\"").count();
    let changed = full.changed_since(&View::default());
    assert_eq!(changed.len(), all - constant, "{changed:?}");
    assert_eq!(constant, full.identity().len());
}

/// One interface of an object's description, as a document of its own.
fn described(xml: &str, name: &str) -> String {
    let start = format!("<interface name=\"{name}\">");
    let from = xml.find(&start).unwrap();
    let from = xml[..from].rfind('\n').map_or(from, |at| at + 1);
    let end = xml[from..].find("</interface>").unwrap() + "</interface>".len();
    let head = r#"<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<!-- Generated from the running daemon. -->
<node>"#;
    format!("{head}\n{}\n</node>\n", &xml[from..from + end])
}
