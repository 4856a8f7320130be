//! Avahi's D-Bus interface: browser and resolvers.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::time::Duration;

use discoverd_core::{Event, Service};
use nvmf::net::interface_name;
use tracing::{debug, info};
use zbus::fdo::DBusProxy;
use zbus::message::Type;
use zbus::names::{BusName, OwnedUniqueName};
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedObjectPath};

use super::service::Found;
use crate::inputs::{Input, Inputs, Trouble, put};
use crate::streams::next;

const NAME: &str = "org.freedesktop.Avahi";
const SERVER: &str = "org.freedesktop.Avahi.Server";
const BROWSER: &str = "org.freedesktop.Avahi.ServiceBrowser";
const RESOLVER: &str = "org.freedesktop.Avahi.ServiceResolver";

/// The service of discovery controllers. Instances of its subtypes are instances of it
/// (RFC 6763 §7.1).
const SERVICE: &str = "_nvme-disc._tcp";
/// Any interface, any protocol.
const UNSPEC: i32 = -1;

/// How long a browser that failed waits for the next try.
const AGAIN: Duration = Duration::from_secs(30);

/// Signals that may wait: a network full of services announces itself at once.
const QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// One instance on one interface: interface, protocol, name, type, domain.
type Item = (i32, i32, String, String, String);

/// Follows avahi-daemon for ever, wherever it goes.
pub(super) async fn follow(bus: Connection, inputs: Inputs) {
    let mut said = Said::new(inputs);
    loop {
        if let Err(error) = watch_daemon(&bus, &mut said).await {
            said.trouble(Some(format!("no discovery controllers by mDNS: {error}")));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Browses whenever there is an avahi-daemon. Ends with an error.
async fn watch_daemon(bus: &Connection, said: &mut Said) -> zbus::Result<()> {
    let dbus = DBusProxy::new(bus).await?;
    let mut changes = dbus
        .receive_name_owner_changed_with_args(&[(0, NAME)])
        .await?;
    loop {
        let owner = dbus.get_name_owner(BusName::try_from(NAME)?).await.ok();
        let Some(owner) = owner else {
            said.trouble(Some(
                "zeroconf is on and avahi-daemon does not run: start it, or set `zeroconf = no`"
                    .to_owned(),
            ));
            if next(&mut changes).await.is_none() {
                return Err(lost());
            }
            continue;
        };
        said.trouble(None);
        let browsing = pin!(browse(bus, owner, said));
        tokio::select! {
            ended = browsing => return ended,
            changed = next(&mut changes) => {
                if changed.is_none() {
                    return Err(lost());
                }
                info!("avahi-daemon was restarted or stopped");
            }
        }
    }
}

/// Browses for as long as this avahi-daemon lives; ends with an error only.
async fn browse(bus: &Connection, owner: OwnedUniqueName, said: &mut Said) -> zbus::Result<()> {
    // before the first call: results come before its answer
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(owner.clone())
        .build()?;
    let mut signals = MessageStream::for_match_rule(rule, bus, Some(QUEUE)).await?;
    let avahi = Avahi { bus, owner };
    let arguments = (UNSPEC, UNSPEC, SERVICE, "", 0_u32);
    let browser: OwnedObjectPath = avahi.call("ServiceBrowserNew", &arguments).await?;
    info!("looking for discovery controllers by mDNS");
    let mut view = View::default();
    while let Some(signal) = next(&mut signals).await {
        let signal = signal?;
        let header = signal.header();
        let (Some(interface), Some(member), Some(path)) =
            (header.interface(), header.member(), header.path())
        else {
            continue;
        };
        match (interface.as_str(), member.as_str()) {
            (BROWSER, _) if *path != *browser => {}
            (BROWSER, "ItemNew") => {
                let item = item(&signal)?;
                let (interface, protocol, name, kind, domain) = &item;
                let arguments = (interface, protocol, name, kind, domain, protocol, 0_u32);
                match avahi.call("ServiceResolverNew", &arguments).await {
                    Ok(resolver) => view.resolving(item, resolver),
                    Err(error) => debug!("`{name}` cannot be resolved: {error}"),
                }
            }
            (BROWSER, "ItemRemove") => {
                if let Some(resolver) = view.removed(&item(&signal)?) {
                    avahi.free(&resolver).await;
                }
            }
            (BROWSER, "AllForNow") => view.complete = true,
            (BROWSER, "Failure") => {
                let why: String = signal.body().deserialize()?;
                return Err(zbus::Error::Failure(why));
            }
            (RESOLVER, "Found") => view.found(path.as_str(), found(&signal)?.service_or_line()),
            (RESOLVER, "Failure") => view.found(path.as_str(), None),
            _ => {}
        }
        if let Some(services) = view.settled() {
            said.services(services);
        }
    }
    Err(lost())
}

/// One avahi-daemon.
struct Avahi<'a> {
    bus: &'a Connection,
    owner: OwnedUniqueName,
}

impl Avahi<'_> {
    async fn call<B>(&self, method: &str, arguments: &B) -> zbus::Result<OwnedObjectPath>
    where
        B: serde::Serialize + zbus::Type,
    {
        let to = Some(self.owner.as_ref());
        let reply = self
            .bus
            .call_method(to, "/", Some(SERVER), method, arguments);
        reply.await?.body().deserialize()
    }

    async fn free(&self, resolver: &str) {
        let to = Some(self.owner.as_ref());
        let freed = self
            .bus
            .call_method(to, resolver, Some(RESOLVER), "Free", &());
        if let Err(error) = freed.await {
            debug!("avahi-daemon keeps a resolver: {error}");
        }
    }
}

/// What one avahi-daemon has said so far.
#[derive(Debug, Default)]
struct View {
    resolvers: BTreeMap<Item, String>,
    /// What each resolver said last; `None`: nothing that can be connected.
    found: BTreeMap<String, Option<Service>>,
    /// All that was known at the beginning has been said.
    complete: bool,
}

impl View {
    fn resolving(&mut self, item: Item, resolver: OwnedObjectPath) {
        self.resolvers.insert(item, resolver.as_str().to_owned());
    }

    /// An instance went; its resolver.
    fn removed(&mut self, item: &Item) -> Option<String> {
        let resolver = self.resolvers.remove(item)?;
        self.found.remove(&resolver);
        Some(resolver)
    }

    /// A resolver, known or about to be, has something to say.
    fn found(&mut self, resolver: &str, service: Option<Service>) {
        self.found.insert(resolver.to_owned(), service);
    }

    /// The services, if all that was said to be there is resolved.
    fn settled(&self) -> Option<Vec<Service>> {
        let mut all = self.resolvers.values().map(|it| self.found.get(it));
        if !self.complete || all.any(|found| found.is_none()) {
            return None;
        }
        let services = self
            .resolvers
            .values()
            .filter_map(|it| self.found.get(it)?.clone());
        // one on several interfaces is one
        let mut seen = BTreeSet::new();
        let mut services: Vec<Service> = services.collect();
        services.sort();
        services.retain(|service| seen.insert(service.tid.clone()));
        Some(services)
    }
}

/// What was told last, so that nothing is told twice.
struct Said {
    inputs: Inputs,
    services: Vec<Service>,
    trouble: Option<String>,
}

impl Said {
    const fn new(inputs: Inputs) -> Self {
        Self {
            inputs,
            services: Vec::new(),
            trouble: None,
        }
    }

    fn services(&mut self, services: Vec<Service>) {
        if self.services != services {
            self.services.clone_from(&services);
            put(&self.inputs, Event::ServicesFound(services));
        }
    }

    fn trouble(&mut self, trouble: Option<String>) {
        if self.trouble != trouble {
            self.trouble.clone_from(&trouble);
            put(&self.inputs, Input::Trouble(Trouble::Mdns, trouble));
        }
    }
}

fn lost() -> zbus::Error {
    zbus::Error::Failure("the connection to the system bus is lost".to_owned())
}

fn item(signal: &Message) -> zbus::Result<Item> {
    type New = (i32, i32, String, String, String, u32);
    let (interface, protocol, name, kind, domain, _) = signal.body().deserialize::<New>()?;
    Ok((interface, protocol, name, kind, domain))
}

fn found(signal: &Message) -> zbus::Result<Found> {
    /// Interface, protocol, name, type, domain, host, protocol, address, port, TXT, flags.
    type Signal = (
        i32,
        i32,
        String,
        String,
        String,
        String,
        i32,
        String,
        u16,
        Vec<Vec<u8>>,
        u32,
    );
    let (interface, _, name, _, _, _, _, address, port, txt, _) =
        signal.body().deserialize::<Signal>()?;
    let number = u32::try_from(interface).ok();
    Ok(Found {
        name,
        interface: number.and_then(|number| interface_name(number).ok()),
        address,
        port,
        txt,
    })
}

impl Found {
    fn service_or_line(&self) -> Option<Service> {
        let service = self.service();
        if let Err(why) = &service {
            info!(
                "{} announces itself by mDNS and is not connected: {why}",
                self.place()
            );
        }
        service.ok()
    }
}

#[cfg(test)]
mod tests;
