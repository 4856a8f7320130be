//! Host names to addresses.
//!
//! The system's resolver (getaddrinfo) blocks for as long as its name servers let it, and cannot
//! be interrupted. It runs on threads of its own, which are left behind when the time is up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::io;
use std::net::{SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nvmf_types::{HostName, Traddr, Transport};
use thiserror::Error;

use crate::net::interface_name;

/// A host name without an address.
#[derive(Debug)]
pub struct ResolveError {
    /// The name.
    pub name: HostName,
    /// Why there is none.
    pub kind: ResolveErrorKind,
}

/// Why a name has no address.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResolveErrorKind {
    /// The resolver says no.
    #[error("{0}")]
    Resolver(io::Error),
    /// The resolver has no answer yet.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// An answer without an address.
    #[error("it has no address")]
    NoAddress,
}

/// What became of each name.
pub type Resolved = BTreeMap<HostName, Result<Vec<Traddr>, ResolveError>>;

/// Names that are looked up at once.
const THREADS: usize = 16;

/// All addresses of `name`, at least one, in the resolver's order (RFC 6724 §6), each once. A link-local
/// address comes with its interface if the resolver knows it.
///
/// # Errors
/// No address within `timeout`.
pub fn resolve(name: &HostName, timeout: Duration) -> Result<Vec<Traddr>, ResolveError> {
    let late = || Err(ResolveErrorKind::Timeout(timeout).of(name));
    let mut all = resolve_all([name.clone()], timeout);
    all.remove(name).unwrap_or_else(late)
}

/// [`resolve`] for many names, in `timeout` altogether.
#[must_use]
pub fn resolve_all(names: impl IntoIterator<Item = HostName>, timeout: Duration) -> Resolved {
    resolve_with(names.into_iter().collect(), timeout, look_up)
}

type Answer = io::Result<Vec<SocketAddr>>;

fn resolve_with(
    names: BTreeSet<HostName>,
    timeout: Duration,
    look_up: impl Fn(&HostName) -> Answer + Copy + Send + 'static,
) -> Resolved {
    let deadline = Instant::now() + timeout;
    let (answers, answered) = mpsc::channel();
    let queue: Arc<Mutex<VecDeque<HostName>>> =
        Arc::new(Mutex::new(names.iter().cloned().collect()));
    for _ in 0..THREADS.min(names.len()) {
        let (queue, answers) = (Arc::clone(&queue), answers.clone());
        let work = move || {
            while let Some(name) = next(&queue) {
                let answer = look_up(&name);
                // nobody waits any more
                if answers.send((name, answer)).is_err() {
                    return;
                }
            }
        };
        if thread::Builder::new()
            .name("resolve".into())
            .spawn(work)
            .is_err()
        {
            break;
        }
    }
    drop(answers);
    let mut resolved = Resolved::new();
    while resolved.len() < names.len() {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok((name, answer)) = answered.recv_timeout(left) else {
            break;
        };
        let addresses = addresses(answer).map_err(|kind| kind.of(&name));
        resolved.insert(name, addresses);
    }
    for name in names {
        let late = || Err(ResolveErrorKind::Timeout(timeout).of(&name));
        resolved.entry(name.clone()).or_insert_with(late);
    }
    resolved
}

fn next(queue: &Mutex<VecDeque<HostName>>) -> Option<HostName> {
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
}

fn look_up(name: &HostName) -> Answer {
    (name.as_str(), 0).to_socket_addrs().map(Iterator::collect)
}

fn addresses(answer: Answer) -> Result<Vec<Traddr>, ResolveErrorKind> {
    let mut addresses = Vec::new();
    for address in answer.map_err(ResolveErrorKind::Resolver)? {
        let address = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => scoped(v6),
            other => Traddr::from_ip(other.ip()),
        };
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match addresses.is_empty() {
        true => Err(ResolveErrorKind::NoAddress),
        false => Ok(addresses),
    }
}

/// With the interface's name, as people and sysfs have it, or else its number.
fn scoped(address: SocketAddrV6) -> Traddr {
    let number = address.scope_id();
    let scope = interface_name(number).unwrap_or_else(|_| number.to_string());
    let text = format!("{}%{scope}", address.ip());
    Traddr::parse(Transport::Tcp, &text).unwrap_or(Traddr::from_ip((*address.ip()).into()))
}

impl ResolveErrorKind {
    fn of(self, name: &HostName) -> ResolveError {
        ResolveError {
            name: name.clone(),
            kind: self,
        }
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot resolve the host name `{}`: {}; check it, or give a numeric address",
            self.name, self.kind
        )
    }
}

impl std::error::Error for ResolveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message has the cause in it already.
        None
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::sync::OnceLock;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    fn texts(resolved: &Resolved, of: &str) -> Vec<String> {
        let addresses = resolved[&name(of)].as_ref().unwrap();
        addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_addresses_once_and_in_order() {
        let resolved = resolve_with([name("a"), name("b")].into(), LONG, |name| {
            let v6 = |ip: &str, scope| {
                SocketAddr::V6(SocketAddrV6::new(ip.parse().unwrap(), 0, 0, scope))
            };
            let v4 = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 0));
            match name.as_str() {
                "a" => Ok(vec![v6("2001:db8::1", 0), v4, v4, v6("fe80::1", 1)]),
                _ => Ok(vec![v6("fe80::1", u32::MAX), v6("::1", 1)]),
            }
        });
        assert_eq!(
            texts(&resolved, "a"),
            ["2001:db8::1", "192.0.2.1", "fe80::1%lo"]
        );
        assert_eq!(
            texts(&resolved, "b"),
            ["fe80::1%4294967295", "::1"],
            "a number where there is no such interface, and no scope where it means nothing"
        );
    }

    #[test]
    fn a_resolver_that_is_silent_costs_the_timeout_and_nobody_else() {
        static NEVER: OnceLock<Mutex<mpsc::Receiver<()>>> = OnceLock::new();
        let (_keep, never) = mpsc::channel();
        NEVER.set(Mutex::new(never)).unwrap();
        let wait = Duration::from_millis(200);
        let begun = Instant::now();
        let names = [name("silent"), name("unknown"), name("empty"), name("good")];
        let mut resolved = resolve_with(names.into(), wait, |name| match name.as_str() {
            "silent" => {
                let _ = NEVER.get().unwrap().lock().unwrap().recv();
                Ok(Vec::new())
            }
            "unknown" => Err(io::Error::other("Name or service not known")),
            "empty" => Ok(Vec::new()),
            _ => Ok(vec![(IpAddr::V6(Ipv6Addr::LOCALHOST), 0).into()]),
        });
        assert!(begun.elapsed() >= wait && begun.elapsed() < LONG);
        assert_eq!(texts(&resolved, "good"), ["::1"]);
        let mut why = |of| resolved.remove(&name(of)).unwrap().unwrap_err().to_string();
        let start = "cannot resolve the host name";
        let end = "check it, or give a numeric address";
        assert_eq!(
            why("silent"),
            format!("{start} `silent`: no answer within 0.2 s; {end}")
        );
        assert_eq!(
            why("unknown"),
            format!("{start} `unknown`: Name or service not known; {end}")
        );
        assert_eq!(
            why("empty"),
            format!("{start} `empty`: it has no address; {end}")
        );
    }

    #[test]
    fn more_names_than_threads() {
        let names = (0..5 * THREADS).map(|n| name(&format!("h{n}"))).collect();
        let address = |_: &HostName| Ok(vec![(IpAddr::from([192, 0, 2, 1]), 0).into()]);
        let resolved = resolve_with(names, LONG, address);
        assert_eq!(resolved.len(), 5 * THREADS);
        assert!(resolved.values().all(Result::is_ok));
    }

    #[test]
    fn the_system_knows_itself() {
        let addresses = resolve(&name("localhost"), LONG).unwrap();
        assert!(addresses.iter().all(|a| a.ip().unwrap().is_loopback()));
    }
}
