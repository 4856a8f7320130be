//! Which file a connection goes to.

use crate::config::Wish;
use crate::config::document::Document;
use crate::{HostId, HostIdentity, Nqn, Secret, SecretSource};

use super::{EditError, Edits, File};

/// Who connects.
#[derive(Clone, Debug)]
pub(super) enum Whose {
    /// The main file's host.
    Default,
    /// That of a drop-in, by its position.
    File(usize),
    /// One that has no file yet.
    New(HostIdentity),
}

/// A host besides the default one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persona {
    /// Who it says it is.
    pub identity: HostIdentity,
    /// A name for people.
    pub hostsymname: Option<String>,
    /// DH-HMAC-CHAP secret of all its connections.
    pub secret: Option<Secret>,
}

/// The drop-in of the default host's connections that have secrets, where others can read the
/// main file.
const PRIVATE: &str = "private";

impl Edits {
    /// Whose connections those with this identity are.
    pub(super) fn whose(&self, identity: &HostIdentity) -> Result<Whose, EditError> {
        let HostIdentity { hostnqn, hostid } = identity;
        let same_id = hostid.is_none() || *hostid == self.host.hostid;
        let hostnqn = match (hostnqn, hostid) {
            (None, _) if same_id => return Ok(Whose::Default),
            (None, Some(id)) => return Err(EditError::HostidAlone(*id)),
            (None, None) => return Ok(Whose::Default),
            (Some(name), _) if same_id && Some(name) == self.host.hostnqn.as_ref() => {
                return Ok(Whose::Default);
            }
            (Some(name), _) => name,
        };
        let drop_ins = self.files.iter().enumerate().skip(1);
        for (index, file) in drop_ins {
            let host = file.document.host().unwrap_or_default();
            if host.hostnqn.as_ref() != Some(hostnqn) {
                continue;
            }
            if hostid.is_some() && *hostid != host.hostid {
                let (hostnqn, path) = (hostnqn.clone(), file.path.clone());
                return Err(EditError::OtherHostid { hostnqn, path });
            }
            return Ok(Whose::File(index));
        }
        let Some(hostid) = hostid.or_else(|| HostId::of_name(hostnqn)) else {
            return Err(EditError::NoHostid(hostnqn.clone()));
        };
        Ok(Whose::New(HostIdentity {
            hostnqn: Some(hostnqn.clone()),
            hostid: Some(hostid),
        }))
    }

    pub(super) fn host_of(&self, file: usize) -> Option<HostIdentity> {
        self.files.get(file)?.document.host()
    }

    /// The file for a connection, which is made if there is none. Where it holds a secret and is
    /// there already, nobody else can read it.
    pub(super) fn file_for(
        &mut self,
        whose: &Whose,
        drop_in: Option<&str>,
        secret: bool,
    ) -> Result<&mut File, EditError> {
        let index = match (whose, drop_in) {
            (Whose::New(identity), _) => {
                let persona = Persona {
                    identity: identity.clone(),
                    ..Persona::default()
                };
                let file = self.new_persona(&persona, drop_in)?;
                file.private |= secret;
                return Ok(file);
            }
            (_, Some(name)) => self.drop_in(name, whose)?,
            (Whose::File(index), None) => *index,
            (Whose::Default, None) => match self.files.first() {
                Some(main) if secret && !main.is_new() && !main.private => {
                    self.drop_in(PRIVATE, whose)?
                }
                _ => 0,
            },
        };
        // there is one of that number
        let Some(file) = self.files.get_mut(index) else {
            return Err(EditError::DefaultHost);
        };
        if secret && !file.private {
            if !file.is_new() {
                return Err(EditError::Readable(file.path.clone()));
            }
            file.private = true;
        }
        Ok(file)
    }

    /// Makes a host's drop-in.
    pub(super) fn new_persona(
        &mut self,
        persona: &Persona,
        drop_in: Option<&str>,
    ) -> Result<&mut File, EditError> {
        let path = match drop_in {
            Some(name) => self.path(name),
            None => self.free_path(&file_name(persona)),
        };
        if self.files.iter().any(|file| file.path == path) {
            return Err(EditError::OtherHost(path));
        }
        let mut document = Document::default();
        document.add_host(persona);
        let secret = persona.secret.as_ref();
        self.files.push(File {
            path,
            before: None,
            document,
            private: secret.is_some_and(is_literal),
        });
        self.files.last_mut().ok_or(EditError::DefaultHost)
    }

    /// The position of the drop-in `name`, which is made if there is none; it is `whose`.
    fn drop_in(&mut self, name: &str, whose: &Whose) -> Result<usize, EditError> {
        let path = self.path(name);
        let found = self.files.iter().position(|file| file.path == path);
        match (found, whose) {
            (Some(index), Whose::File(own)) if index == *own => Ok(index),
            (Some(index), Whose::Default) if self.host_of(index).is_none() => Ok(index),
            (Some(_), Whose::Default) => Err(EditError::OtherHost(path)),
            (_, Whose::File(own)) => Err(self.elsewhere(*own)),
            (_, Whose::New(_)) => Err(EditError::OtherHost(path)),
            (None, Whose::Default) => {
                self.files.push(File {
                    path,
                    before: None,
                    document: Document::default(),
                    private: false,
                });
                Ok(self.files.len() - 1)
            }
        }
    }

    fn elsewhere(&self, file: usize) -> EditError {
        let host = self.host_of(file).unwrap_or_default();
        let path = self.files.get(file).map(|file| file.path.clone());
        EditError::Elsewhere {
            hostnqn: host.hostnqn.unwrap_or_else(Nqn::discovery),
            path: path.unwrap_or_default(),
        }
    }

    fn path(&self, name: &str) -> String {
        let main = self.files.first().map(|file| file.path.as_str());
        format!("{}.d/{name}.conf", main.unwrap_or_default())
    }

    /// A path that no file has, from `name` on.
    fn free_path(&self, name: &str) -> String {
        let numbered = (2..).map(|number| self.path(&format!("{name}-{number}")));
        let mut paths = [self.path(name)].into_iter().chain(numbered);
        let free = |path: &String| self.files.iter().all(|file| file.path != *path);
        paths.find(free).unwrap_or_default()
    }
}

/// What a host's drop-in is called: after its name for people, or the end of its NQN.
fn file_name(persona: &Persona) -> String {
    let nqn = persona.identity.hostnqn.as_ref().map(Nqn::as_str);
    let end = nqn.and_then(|nqn| nqn.rsplit(':').next());
    let name = persona.hostsymname.as_deref().or(end).unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String = name
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .collect();
    match name.trim_matches('-') {
        "" => "host".to_owned(),
        name => name.chars().take(64).collect(),
    }
}

/// Whether a connection brings a secret that nobody else may read.
pub(super) fn holds_a_secret(wish: &Wish) -> bool {
    let mut security = wish.security();
    security.any(|(key, value)| key.ends_with("-secret") && is_literal(value))
}

/// Whether it is a secret itself, not where one is to be read.
pub(in crate::config) fn is_literal(secret: &Secret) -> bool {
    matches!(
        secret.expose().parse(),
        Ok(SecretSource::Literal(_)) | Err(_)
    )
}
