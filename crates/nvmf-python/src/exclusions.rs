//! The exclusion lists.

use std::path::PathBuf;

use nvmf::Root;
use nvmf::exclusions::{self, List, ListName, Saved};
use nvmf_types::ControllerClass;
use nvmf_types::exclusion::{Document, Entry, Rule};
use pyo3::prelude::*;

use crate::errors::{InvalidInput, NoSuchEntry, of_edit, parsed};
use crate::tid::AnyTid;

/// What the administrator does not want to be connected: /etc/nvme/exclusions.conf and the lists
/// beside it, read anew by every method. `root` is as for Registry.
#[pyclass(frozen, module = "nvmf")]
#[derive(Debug)]
pub(crate) struct Exclusions(Root);

/// One entry of a list; str() is its text.
#[pyclass(frozen, get_all, eq, module = "nvmf")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exclusion {
    /// What stands there: "key=value;key=value".
    text: String,
    /// The list's file.
    file: String,
    /// The line in it, from 1.
    line: usize,
    /// Why it excludes nothing; None: it is valid.
    problem: Option<String>,
}

#[pymethods]
impl Exclusions {
    #[new]
    #[pyo3(signature = (root=None))]
    fn new(root: Option<PathBuf>) -> Self {
        Self(root.map_or_else(Root::system, Root::new))
    }

    /// The first entry that says that this connection, a TransportId or its text, must not be made;
    /// None: it may. A list that cannot be read excludes nothing.
    ///
    /// `discovery` says that the controller is a discovery controller, whose default port is
    /// another one; the well-known discovery NQN says so by itself.
    #[pyo3(signature = (tid, *, discovery=false))]
    fn r#match(
        &self,
        py: Python<'_>,
        tid: AnyTid<'_>,
        discovery: bool,
    ) -> PyResult<Option<Exclusion>> {
        let tid = tid.tid()?;
        let class = match discovery {
            true => ControllerClass::Discovery,
            false => tid.class_by_nqn(),
        };
        let found =
            |set: &nvmf_types::exclusion::ExclusionSet| set.matches(&tid, class).map(Exclusion::of);
        Ok(py.detach(|| found(&exclusions::load(&self.0).set)))
    }

    /// All entries of all lists, those that exclude nothing included.
    fn entries(&self, py: Python<'_>) -> Vec<Exclusion> {
        py.detach(|| {
            let loaded = exclusions::load(&self.0);
            loaded.set.entries().iter().map(Exclusion::of).collect()
        })
    }

    /// What keeps lists from being read, one sentence each: they exclude nothing.
    fn problems(&self, py: Python<'_>) -> Vec<String> {
        py.detach(|| exclusions::load(&self.0).problems)
    }

    /// Adds an entry, and makes the list where there is none (None: the default list). `comment` is
    /// written above it.
    ///
    /// True; False: it stands there already. Raises InvalidInput if it would exclude nothing.
    #[pyo3(signature = (entry, *, list=None, comment=None))]
    fn add(
        &self,
        py: Python<'_>,
        entry: &str,
        list: Option<&str>,
        comment: Option<&str>,
    ) -> PyResult<bool> {
        let rule: Rule = parsed("entry", entry)?;
        let list = self.named(list)?;
        let added = py.detach(|| {
            exclusions::edit(&self.0, &list, |document| {
                let added = document.add(&rule, comment);
                added.map_err(|e| InvalidInput::new_err(e.to_string()))
            })
        });
        let edited = added.map_err(|e| of_edit(py, e))?;
        Ok(edited.saved == Saved::Written)
    }

    /// Removes an entry from a list (None: the default one): the one that is written so, else one
    /// that says the same. Raises NoSuchEntry.
    #[pyo3(signature = (entry, *, list=None))]
    fn remove(&self, py: Python<'_>, entry: &str, list: Option<&str>) -> PyResult<()> {
        let list = self.named(list)?;
        let removed = py.detach(|| {
            exclusions::edit(&self.0, &list, |document| {
                let line = line_of(document, entry).ok_or_else(|| {
                    let (path, entry) = (list.path.display(), entry.escape_debug());
                    NoSuchEntry::new_err(format!("`{path}` has no entry `{entry}`"))
                })?;
                let removed = document.remove(line);
                removed.map_err(|e| NoSuchEntry::new_err(e.to_string()))
            })
        });
        removed.map_err(|e| of_edit(py, e))?;
        Ok(())
    }
}

impl Exclusions {
    fn named(&self, list: Option<&str>) -> PyResult<List> {
        let name: Option<ListName> = list.map(|name| parsed("list", name)).transpose()?;
        Ok(exclusions::find(&self.0, name.as_ref()))
    }
}

/// Where an entry stands.
fn line_of(document: &Document, entry: &str) -> Option<usize> {
    let mut entries = document.entries().iter();
    let written = entries.find(|written| written.text == entry);
    let same = || document.find(entry.parse::<Rule>().as_ref().ok()?).next();
    written.or_else(same).map(|entry| entry.source.line)
}

impl Exclusion {
    fn of(entry: &Entry) -> Self {
        Self {
            text: entry.text.clone(),
            file: entry.source.file.to_string(),
            line: entry.source.line,
            problem: entry.kind.as_ref().err().map(ToString::to_string),
        }
    }
}

#[pymethods]
impl Exclusion {
    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> String {
        format!(
            "<nvmf.Exclusion {}:{}: {}>",
            self.file, self.line, self.text
        )
    }
}
