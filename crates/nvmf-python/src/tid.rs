//! Transport ids.

use nvmf_types::TransportId as Tid;
use pyo3::prelude::*;

use crate::errors::{InvalidInput, parsed};

/// Which host is to be connected to which controller, and how.
///
/// `TransportId("transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:a")`, with
/// any of host-traddr, host-iface, hostnqn and hostid. Addresses are numeric: names are to be
/// resolved before. Raises InvalidInput. Equal ids have equal fields, addresses by value; str()
/// gives the canonical text.
#[pyclass(frozen, eq, hash, module = "nvmf")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TransportId(pub(crate) Tid);

/// A transport id, or its text.
#[derive(FromPyObject)]
pub(crate) enum AnyTid<'py> {
    /// The object.
    Tid(Bound<'py, TransportId>),
    /// The text.
    Text(String),
}

impl AnyTid<'_> {
    pub(crate) fn tid(self) -> PyResult<Tid> {
        match self {
            Self::Tid(tid) => Ok(tid.get().0.clone()),
            Self::Text(text) => parsed("transport id", &text),
        }
    }
}

#[pymethods]
impl TransportId {
    #[new]
    #[pyo3(signature = (text, /))]
    fn new(text: &str) -> PyResult<Self> {
        Ok(Self(parsed("transport id", text)?))
    }

    /// An id of its fields; None: not set.
    #[staticmethod]
    #[pyo3(signature = (*, transport, nqn, traddr=None, trsvcid=None, host_traddr=None, host_iface=None, hostnqn=None, hostid=None))]
    #[expect(clippy::too_many_arguments, reason = "a transport id has eight fields")]
    fn from_fields(
        transport: &str,
        nqn: &str,
        traddr: Option<&str>,
        trsvcid: Option<&str>,
        host_traddr: Option<&str>,
        host_iface: Option<&str>,
        hostnqn: Option<&str>,
        hostid: Option<&str>,
    ) -> PyResult<Self> {
        let tid = Tid::from_fields(|key| match key {
            "transport" => Some(transport),
            "traddr" => traddr,
            "trsvcid" => trsvcid,
            "nqn" => Some(nqn),
            "host-traddr" => host_traddr,
            "host-iface" => host_iface,
            "hostnqn" => hostnqn,
            "hostid" => hostid,
            _ => None,
        });
        tid.map(Self)
            .map_err(|e| InvalidInput::new_err(format!("transport id: {e}")))
    }

    /// The fabric: "tcp", "rdma", "fc" or "loop".
    #[getter]
    fn transport(&self) -> String {
        self.0.transport.to_string()
    }

    /// The target's address.
    #[getter]
    fn traddr(&self) -> Option<String> {
        self.0.field("traddr")
    }

    /// The target's port; None: the default one.
    #[getter]
    fn trsvcid(&self) -> Option<String> {
        self.0.field("trsvcid")
    }

    /// The subsystem.
    #[getter]
    fn nqn(&self) -> String {
        self.0.nqn.to_string()
    }

    /// The host's address that is to be used.
    #[getter]
    fn host_traddr(&self) -> Option<String> {
        self.0.field("host-traddr")
    }

    /// The host's network interface that is to be used.
    #[getter]
    fn host_iface(&self) -> Option<String> {
        self.0.field("host-iface")
    }

    /// The host's name, where it is not the default one.
    #[getter]
    fn hostnqn(&self) -> Option<String> {
        self.0.field("hostnqn")
    }

    /// The host's identifier, where it is not the default one.
    #[getter]
    fn hostid(&self) -> Option<String> {
        self.0.field("hostid")
    }

    /// The text for logs: "(transport, traddr, trsvcid, nqn[, host-iface][, host-traddr])".
    fn log_form(&self) -> String {
        self.0.log_form()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("TransportId('{}')", self.0)
    }
}
