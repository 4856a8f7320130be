//! Connections whose address is a host name.

use std::fmt;

use crate::{HostName, Traddr};

use super::{Config, Connection};

/// A connection whose address is a host name, which is to be looked up before it can be connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The name.
    pub name: HostName,
    /// The connection, with the unspecified address in the place of the one that is not known.
    connection: Connection,
    /// Its position among all connections, in the order of the files.
    position: usize,
}

impl Unresolved {
    pub(super) const fn new(name: HostName, connection: Connection, position: usize) -> Self {
        Self {
            name,
            connection,
            position,
        }
    }

    /// What is known of the connection: everything but its address, for which the unspecified one
    /// stands.
    #[must_use]
    pub const fn without_address(&self) -> &Connection {
        &self.connection
    }

    /// The connection to the first of these addresses that its host-traddr can reach, the others
    /// being its alternatives; `None`: none of them can be reached.
    #[must_use]
    pub fn at(&self, addresses: &[Traddr]) -> Option<Connection> {
        let reached = |address: &&Traddr| self.connection.tid.at((*address).clone()).is_some();
        let mut addresses = addresses.iter().filter(reached).cloned();
        let mut connection = self.connection.clone();
        connection.tid.traddr = Some(addresses.next()?);
        connection.alternatives = addresses.collect();
        Some(connection)
    }
}

impl Config {
    /// All connections in the order of the files, those without an address with their host names.
    #[must_use]
    pub fn in_order(&self) -> Vec<(&Connection, Option<&HostName>)> {
        let total = self.connections.len() + self.unresolved.len();
        let mut known = self.connections.iter();
        let mut named = self.unresolved.iter().peekable();
        let all = (0..total).filter_map(|position| {
            match named.next_if(|named| named.position == position) {
                Some(named) => Some((&named.connection, Some(&named.name))),
                None => known.next().map(|connection| (connection, None)),
            }
        });
        all.collect()
    }

    /// Looks the host names up with `look_up`, and moves what has an address to the connections,
    /// where it takes its place in the order of the files.
    pub fn resolve(&mut self, look_up: impl Fn(&HostName) -> Vec<Traddr>) {
        let total = self.connections.len() + self.unresolved.len();
        let mut known = std::mem::take(&mut self.connections).into_iter();
        let mut named = std::mem::take(&mut self.unresolved).into_iter().peekable();
        for position in 0..total {
            let Some(unresolved) = named.next_if(|named| named.position == position) else {
                self.connections.extend(known.next());
                continue;
            };
            match unresolved.at(&look_up(&unresolved.name)) {
                Some(connection) => self.connections.push(connection),
                None => self.unresolved.push(unresolved),
            }
        }
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: host name `{}`", self.connection.origin, self.name)
    }
}
