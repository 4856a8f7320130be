//! Adding connections to a configuration: which file each goes to, and whether it stands there
//! already. What is to be written is read back first, as everybody else will read it.

mod error;
mod hosts;
mod place;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use crate::{ConnectOptions, HostIdentity, HostName, Origin, TransportId};

use super::document::{Document, masked};
use super::parse::spelled_out;
use super::{Config, ConfigFile, Connection, Persistence, Problems, Wish, WishError, parse};

pub use error::EditError;
pub use place::Persona;
pub(super) use place::is_literal;
use place::{Whose, holds_a_secret};

/// A file of a configuration, as it is before it is edited. It may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct ExistingFile {
    /// The path.
    pub path: String,
    /// The content; `None`: there is no such file.
    pub text: Option<String>,
    /// Whether its owner alone can read it.
    pub private: bool,
}

/// A file that is to be written. It may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// The path.
    pub path: String,
    /// What was there; `None`: it is new.
    pub before: Option<String>,
    /// What is to be there.
    pub text: String,
    /// Whether it holds secrets, so that nobody else may read it.
    pub private: bool,
}

/// What adding a connection came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is to stand here.
    Added(Origin),
    /// It stands here already.
    AlreadyThere {
        /// The `controller` line.
        origin: Origin,
        /// Whether its options are those that were asked for.
        same_options: bool,
    },
}

/// A configuration that is being added to. It may hold secrets.
#[derive(Clone)]
pub struct Edits {
    /// The main file first.
    files: Vec<File>,
    default: HostIdentity,
    /// Who the host is by the main file.
    host: HostIdentity,
    /// Whether it connects to anything so far.
    empty: bool,
    known: BTreeMap<Key, Known>,
}

#[derive(Clone)]
struct File {
    path: String,
    before: Option<String>,
    document: Document,
    private: bool,
}

/// What is the same connection.
type Key = (TransportId, Option<String>);

#[derive(Clone, Debug)]
struct Known {
    origin: Origin,
    options: ConnectOptions,
    persistent: Option<Persistence>,
}

impl Edits {
    /// Starts with the main file and its drop-ins in the order in which they are read. `default` is
    /// the host's identity where no `[Host]` section says otherwise.
    ///
    /// # Errors
    /// Something is wrong with what there is.
    pub fn new(
        main: ExistingFile,
        drop_ins: Vec<ExistingFile>,
        default: &HostIdentity,
    ) -> Result<Self, EditError> {
        let files = [main].into_iter().chain(drop_ins).map(File::new);
        let files: Vec<File> = files.collect();
        let config = read(&files, default).map_err(EditError::Existing)?;
        let known = config.in_order().into_iter();
        let known = known.map(|(c, name)| {
            let tid = spelled_out(&c.tid, c.class, &config.host);
            ((tid, name.map(lower_case)), Known::of(c))
        });
        Ok(Self {
            known: known.collect(),
            empty: config.connections.is_empty() && config.unresolved.is_empty(),
            host: config.host,
            default: default.clone(),
            files,
        })
    }

    /// Adds a connection: to the drop-in that is named (without `.conf`), or to the file of its
    /// host. A further path to a subsystem joins the section of that.
    ///
    /// # Errors
    /// It cannot be written there.
    pub fn add(&mut self, wish: &Wish, drop_in: Option<&str>) -> Result<Added, EditError> {
        let whose = self.whose(&wish.identity())?;
        let key = self.key(wish, &whose)?;
        if let Some(known) = self.known.get(&key) {
            return Ok(known.against(wish));
        }
        let secret = holds_a_secret(wish);
        let file = self.file_for(&whose, drop_in, secret)?;
        let line = file.document.add(wish);
        let origin = Origin::new(file.path.clone(), line);
        self.known.insert(key, Known::wished(wish, &origin));
        Ok(Added::Added(origin))
    }

    /// Adds a host that connects to nothing yet: a drop-in of its own, with the name that is given
    /// (without `.conf`), or one after the host.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add_persona(
        &mut self,
        persona: &Persona,
        drop_in: Option<&str>,
    ) -> Result<Added, EditError> {
        let there = |file: &File| Added::AlreadyThere {
            origin: file.host_origin(),
            same_options: true,
        };
        match self.whose(&persona.identity)? {
            Whose::Default => Err(EditError::DefaultHost),
            Whose::File(index) => {
                let file = self.files.get(index);
                file.map(there).ok_or(EditError::DefaultHost)
            }
            Whose::New(identity) => {
                let persona = Persona {
                    identity,
                    ..persona.clone()
                };
                let file = self.new_persona(&persona, drop_in)?;
                Ok(Added::Added(file.host_origin()))
            }
        }
    }

    /// What is to be written. Of these files, any some are a configuration too: it does not matter
    /// where the writing is broken off.
    ///
    /// # Errors
    /// It would be no configuration.
    pub fn finish(self) -> Result<Vec<ChangedFile>, EditError> {
        read(&self.files, &self.default).map_err(EditError::Wrong)?;
        let changed = self.files.into_iter().filter(File::is_changed);
        Ok(changed.map(File::changed).collect())
    }

    fn key(&self, wish: &Wish, whose: &Whose) -> Result<Key, EditError> {
        let mut tid = wish.any_tid().map_err(WishError::from)?;
        let identity = match whose {
            Whose::Default => self.host.clone(),
            Whose::File(index) => self.host_of(*index).unwrap_or_default(),
            Whose::New(identity) => identity.clone(),
        };
        tid.hostnqn = identity.hostnqn;
        tid.hostid = identity.hostid;
        let name = wish.host_name();
        let tid = spelled_out(&tid, wish.class, &self.host);
        Ok((tid, name.as_ref().map(lower_case)))
    }
}

impl ChangedFile {
    /// What is to be there, with asterisks for secrets.
    #[must_use]
    pub fn masked(&self) -> String {
        masked(&self.text)
    }
}

impl fmt::Debug for ChangedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChangedFile({:?})", self.path)
    }
}

impl fmt::Debug for ExistingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExistingFile({:?})", self.path)
    }
}

impl fmt::Debug for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.files.iter().map(|file| &file.path);
        f.debug_list().entries(paths).finish()
    }
}

impl Known {
    fn of(connection: &Connection) -> Self {
        Self {
            origin: connection.origin.clone(),
            options: connection.options.clone(),
            persistent: Some(connection.persistent),
        }
    }

    fn wished(wish: &Wish, origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            options: wish.options_over(&ConnectOptions::default()),
            persistent: wish.persistent,
        }
    }

    /// What adding a wish for the same connection comes to.
    fn against(&self, wish: &Wish) -> Added {
        let persistent = wish.persistent.is_none() || wish.persistent == self.persistent;
        Added::AlreadyThere {
            origin: self.origin.clone(),
            same_options: persistent && wish.options_over(&self.options) == self.options,
        }
    }
}

impl File {
    fn new(file: ExistingFile) -> Self {
        Self {
            path: file.path,
            document: Document::new(file.text.clone().unwrap_or_default()),
            before: file.text,
            private: file.private,
        }
    }

    fn is_new(&self) -> bool {
        self.before.is_none()
    }

    fn is_changed(&self) -> bool {
        self.document.text() != self.before.as_deref().unwrap_or_default()
    }

    fn changed(self) -> ChangedFile {
        ChangedFile {
            path: self.path,
            text: self.document.text().to_owned(),
            before: self.before,
            private: self.private,
        }
    }

    /// Its `[Host]`.
    fn host_origin(&self) -> Origin {
        let line = self.document.host_line().unwrap_or(1);
        Origin::new(self.path.clone(), line)
    }
}

/// Names that differ in case are the same (RFC 4343).
fn lower_case(name: &HostName) -> String {
    name.as_str().to_ascii_lowercase()
}

fn read(files: &[File], default: &HostIdentity) -> Result<Config, Problems> {
    let text = |file: &File| ConfigFile::new(&*file.path, file.document.text());
    parse(&files.iter().map(text).collect::<Vec<_>>(), default)
}
