//! Against an Avahi of our own on a bus of our own.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::mpsc;
use zbus::object_server::SignalEmitter;
use zbus::{ObjectPath, interface};

use super::*;
use crate::mdns::Mdns;
use crate::testing::PrivateBus;

const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon that knows these instances from the beginning.
struct Fake {
    instances: Vec<(i32, &'static str)>,
    resolvers: AtomicU32,
    freed: mpsc::UnboundedSender<String>,
}

impl Fake {
    const fn item(
        &(interface, name): &(i32, &'static str),
    ) -> (i32, i32, &'static str, &'static str, &'static str, u32) {
        (interface, 0, name, SERVICE, "local", 0)
    }
}

impl Fake {
    /// What is known late belongs to the beginning, too.
    async fn say_last(&self, bus: &Connection, last: &(i32, &'static str)) {
        emit(bus, "/browser", BROWSER, "ItemNew", &Self::item(last)).await;
        emit(bus, "/browser", BROWSER, "AllForNow", &()).await;
    }
}

#[interface(name = "org.freedesktop.Avahi.Server")]
impl Fake {
    async fn service_browser_new(
        &self,
        #[zbus(connection)] bus: &Connection,
        _interface: i32,
        _protocol: i32,
        kind: String,
        domain: String,
        _flags: u32,
    ) -> ObjectPath<'static> {
        assert_eq!((kind.as_str(), domain.as_str()), (SERVICE, ""));
        // said before the answer, as the real one does
        let (last, first) = self.instances.split_last().unwrap();
        for instance in first {
            emit(bus, "/browser", BROWSER, "ItemNew", &Self::item(instance)).await;
        }
        if first.is_empty() {
            self.say_last(bus, last).await;
        }
        ObjectPath::from_static_str_unchecked("/browser")
    }

    #[expect(clippy::too_many_arguments, reason = "Avahi's own")]
    async fn service_resolver_new(
        &self,
        #[zbus(object_server)] server: &zbus::ObjectServer,
        #[zbus(connection)] bus: &Connection,
        interface: i32,
        protocol: i32,
        name: String,
        kind: String,
        domain: String,
        _aprotocol: i32,
        _flags: u32,
    ) -> ObjectPath<'static> {
        let number = self.resolvers.fetch_add(1, Ordering::Relaxed);
        let path = ObjectPath::try_from(format!("/resolver{number}")).unwrap();
        let resolver = Resolver(self.freed.clone());
        server.at(&path, resolver).await.unwrap();
        match name.as_str() {
            "silent" => emit(bus, path.as_str(), RESOLVER, "Failure", &"timeout").await,
            name => {
                let txt = [b"p=tcp".to_vec()];
                let found = (
                    interface,
                    protocol,
                    name,
                    kind,
                    domain,
                    "h.local",
                    0,
                    address(name),
                    8009_u16,
                    txt.as_slice(),
                    0_u32,
                );
                emit(bus, path.as_str(), RESOLVER, "Found", &found).await;
            }
        }
        if usize::try_from(number).unwrap() + 2 == self.instances.len() {
            self.say_last(bus, self.instances.last().unwrap()).await;
        }
        path
    }
}

struct Resolver(mpsc::UnboundedSender<String>);

#[interface(name = "org.freedesktop.Avahi.ServiceResolver")]
impl Resolver {
    fn free(&self, #[zbus(signal_emitter)] emitter: SignalEmitter<'_>) {
        self.0.send(emitter.path().to_string()).unwrap();
    }
}

fn address(name: &str) -> String {
    format!("192.0.2.{}", name.trim_start_matches("dc"))
}

async fn emit<B>(bus: &Connection, path: &str, interface: &str, member: &str, body: &B)
where
    B: serde::Serialize + zbus::Type,
{
    let sent = bus.emit_signal(None::<&str>, path, interface, member, body);
    sent.await.unwrap();
}

struct World {
    bus: PrivateBus,
    mdns: Mdns,
    inbox: mpsc::UnboundedReceiver<Input>,
    freed: mpsc::UnboundedReceiver<String>,
    free: mpsc::UnboundedSender<String>,
}

impl World {
    async fn new() -> Self {
        let bus = PrivateBus::start();
        let (inputs, inbox) = mpsc::unbounded_channel();
        let (free, freed) = mpsc::unbounded_channel();
        Self {
            mdns: Mdns::new(bus.connect().await, inputs),
            bus,
            inbox,
            freed,
            free,
        }
    }

    async fn avahi(&self, instances: &[(i32, &'static str)]) -> Connection {
        let fake = Fake {
            instances: instances.to_vec(),
            resolvers: AtomicU32::new(0),
            freed: self.free.clone(),
        };
        let builder = self.bus.builder().serve_at("/", fake);
        builder.name(NAME).build().await.unwrap()
    }

    async fn next(&mut self) -> Input {
        let next = tokio::time::timeout(PATIENCE, self.inbox.recv());
        next.await.expect("an input").unwrap()
    }

    /// The names of the services that are told next.
    async fn services(&mut self) -> Vec<String> {
        loop {
            match self.next().await {
                Input::Event(Event::ServicesFound(services)) => {
                    return services.into_iter().map(|service| service.name).collect();
                }
                Input::Trouble(Trouble::Mdns, _) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn services_come_change_and_go() {
    let mut world = World::new().await;
    let avahi = world
        .avahi(&[(2, "dc1"), (3, "dc1"), (2, "dc2"), (2, "silent")])
        .await;
    world.mdns.set(true);
    assert_eq!(
        world.services().await,
        ["dc1", "dc2"],
        "once, and when all is known"
    );

    let item = Fake::item(&(2, "dc3"));
    emit(
        &avahi,
        "/elsewhere",
        BROWSER,
        "ItemNew",
        &Fake::item(&(2, "dc9")),
    )
    .await;
    emit(&avahi, "/browser", BROWSER, "ItemNew", &item).await;
    assert_eq!(world.services().await, ["dc1", "dc2", "dc3"]);
    emit(&avahi, "/browser", BROWSER, "ItemRemove", &item).await;
    assert_eq!(world.services().await, ["dc1", "dc2"]);
    assert_eq!(world.freed.recv().await.unwrap(), "/resolver4");
    emit(
        &avahi,
        "/browser",
        BROWSER,
        "ItemRemove",
        &Fake::item(&(3, "dc1")),
    )
    .await;
    emit(
        &avahi,
        "/browser",
        BROWSER,
        "ItemRemove",
        &Fake::item(&(2, "dc2")),
    )
    .await;
    assert_eq!(
        world.services().await,
        ["dc1"],
        "it is there on the other interface"
    );

    world.mdns.set(false);
    assert_eq!(world.services().await, [""; 0]);
}

#[tokio::test]
async fn an_avahi_that_comes_goes_and_comes_back() {
    let mut world = World::new().await;
    world.mdns.set(true);
    match world.next().await {
        Input::Trouble(Trouble::Mdns, Some(why)) => assert!(why.contains("start it"), "{why}"),
        other => panic!("{other:?}"),
    }
    let first = world.avahi(&[(2, "dc1"), (2, "dc2")]).await;
    match world.next().await {
        Input::Trouble(Trouble::Mdns, None) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(world.services().await, ["dc1", "dc2"]);
    first.close().await.unwrap();
    match world.next().await {
        Input::Trouble(Trouble::Mdns, Some(_)) => {}
        other => panic!("what it said stays: {other:?}"),
    }
    let _second = world.avahi(&[(2, "dc2"), (2, "dc3")]).await;
    assert_eq!(world.services().await, ["dc2", "dc3"]);
}
