//! Changes of the registry.

use pyo3::prelude::*;

/// One change of the registry; str() is a line for logs.
#[pyclass(frozen, eq, module = "nvmf")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The controller's name.
    #[pyo3(get)]
    device: String,
    /// "appeared" or "gone": the whole entry, whose owner is in `after` or `before`; "changed": one
    /// attribute. An entry that is about another controller than before goes, and then appears.
    #[pyo3(get)]
    kind: &'static str,
    /// The attribute that was set, changed or removed; "owner" for a whole entry.
    #[pyo3(get)]
    attribute: String,
    /// Its value before; None: there was none.
    #[pyo3(get)]
    before: Option<String>,
    /// Its value now; None: there is none.
    #[pyo3(get)]
    after: Option<String>,
    text: String,
}

impl Change {
    pub(crate) fn new(change: &nvmf::registry::Change) -> Self {
        use nvmf::registry::Change as Theirs;
        let owner = |entry: &nvmf::registry::Entry| entry.attributes.get("owner").cloned();
        let (kind, attribute, before, after) = match change {
            Theirs::Appeared(entry) => ("appeared", "owner".to_owned(), None, owner(entry)),
            Theirs::Gone(entry) => ("gone", "owner".to_owned(), owner(entry), None),
            Theirs::Changed {
                attribute,
                before,
                after,
                ..
            } => ("changed", attribute.clone(), before.clone(), after.clone()),
        };
        Self {
            device: change.device().to_string(),
            kind,
            attribute,
            before,
            after,
            text: change.to_string(),
        }
    }
}

#[pymethods]
impl Change {
    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> String {
        format!("<nvmf.Change {}>", self.text)
    }
}
