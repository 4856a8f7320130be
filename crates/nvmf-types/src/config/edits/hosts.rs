//! Adding whole hosts, as older formats have them.

use std::collections::BTreeMap;

use crate::config::legacy::LegacyHost;
use crate::config::{Place, Problem, Severity, Wish};
use crate::{ControllerClass, Origin};

use super::place::{Persona, Whose, holds_a_secret};
use super::{Added, EditError, Edits, Key, Known};

impl Edits {
    /// Adds a host's connections, in sections of their own, and says what is odd. What came of each
    /// is in the order of its wishes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add_host(&mut self, host: &LegacyHost) -> Result<(Vec<Added>, Vec<Problem>), EditError> {
        let mut whose = self.whose(&host.identity)?;
        let mut wishes = host.wishes.clone();
        let mut each_has_it = false;
        if let Whose::New(identity) = &whose {
            let persona = Persona {
                identity: identity.clone(),
                hostsymname: host.hostsymname.clone(),
                secret: host.secret.clone(),
            };
            self.new_persona(&persona, None)?;
            whose = Whose::File(self.files.len() - 1);
        } else if host.secret.is_some() && !self.give_main_a_host(&whose, host) {
            give_secret(&mut wishes, host);
            each_has_it = true;
        }
        let added = self.add_all(&wishes, &whose)?;
        let results = wishes.iter().zip(&added);
        let results = results.filter(|(wish, added)| {
            let discovery = wish.class == ControllerClass::Discovery;
            each_has_it && discovery && matches!(added, Added::Added(_))
        });
        let odd = results
            .map(|(wish, _)| no_secret_for_what_it_names(wish))
            .collect();
        Ok((added, odd))
    }

    /// Writes the host's secret into the main file's `[Host]`, if it has none and nothing connects
    /// yet for which it would hold too.
    fn give_main_a_host(&mut self, whose: &Whose, host: &LegacyHost) -> bool {
        let empty = self.empty && self.known.is_empty();
        let Some(main) = self.files.first_mut() else {
            return false;
        };
        let possible = matches!(whose, Whose::Default)
            && empty
            && main.document.host().is_none()
            && (main.is_new() || main.private);
        if possible {
            main.private = true;
            main.document.add_host(&Persona {
                secret: host.secret.clone(),
                ..Persona::default()
            });
        }
        possible
    }

    fn add_all(&mut self, wishes: &[Wish], whose: &Whose) -> Result<Vec<Added>, EditError> {
        let mut new: BTreeMap<String, Vec<&Wish>> = BTreeMap::new();
        let mut keys = Vec::new();
        for wish in wishes {
            let key = self.key(wish, whose)?;
            let is_new = !self.known.contains_key(&key);
            if is_new {
                // its line is known when all are added
                let nowhere = Known::wished(wish, &wish.origin);
                self.known.insert(key.clone(), nowhere);
                let file = self.file_for(whose, None, holds_a_secret(wish))?;
                new.entry(file.path.clone()).or_default().push(wish);
            }
            keys.push((key, is_new));
        }
        for (path, some) in new {
            self.append(&path, &some, whose)?;
        }
        let added = |(wish, (key, is_new)): (&Wish, &(Key, bool))| {
            let known = self.known.get(key)?;
            Some(match is_new {
                true => Added::Added(known.origin.clone()),
                false => known.against(wish),
            })
        };
        Ok(wishes.iter().zip(&keys).filter_map(added).collect())
    }

    fn append(&mut self, path: &str, some: &[&Wish], whose: &Whose) -> Result<(), EditError> {
        let file = self.files.iter_mut().find(|file| file.path == path);
        let lines = file
            .map(|file| file.document.append(some))
            .unwrap_or_default();
        for (wish, line) in some.iter().zip(lines) {
            let key = self.key(wish, whose)?;
            if let Some(known) = self.known.get_mut(&key) {
                known.origin = Origin::new(path, line);
            }
        }
        Ok(())
    }
}

/// Gives each connection the host's secret, if it has none of its own.
fn give_secret(wishes: &mut [Wish], host: &LegacyHost) {
    let Some(secret) = &host.secret else {
        return;
    };
    for wish in wishes.iter_mut() {
        if wish.security().all(|(key, _)| key != "kxchap-secret") {
            // what no line can hold was refused when it was read
            let _ = wish.set("kxchap-secret", secret.expose());
        }
    }
}

fn no_secret_for_what_it_names(dc: &Wish) -> Problem {
    let message = "the host's secret is written for this discovery controller, and not for what its log page names";
    Problem {
        place: Place::of_line(dc.origin.clone()),
        severity: Severity::Warning,
        message: message.to_owned(),
        remedy: "if that needs it too, write `kxchap-secret` into [Host]".to_owned(),
    }
}
