//! Exceptions.

use std::fmt;
use std::io;
use std::str::FromStr;

use nvmf::exclusions::{EditError, ListError, ListErrorKind};
use nvmf::registry::{RegistryError, RegistryErrorKind};
use nvmf::sysfs::SysfsError;
use nvmf_types::{DeviceName, Owner};
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(
    nvmf,
    Error,
    PyException,
    "Something was not done. The text says what, where, why, and what to do about it."
);
create_exception!(
    nvmf,
    OwnedByOther,
    Error,
    "The controller is another's. Has the attributes `device` and `owner`."
);
create_exception!(
    nvmf,
    NoSuchController,
    Error,
    "There is no such fabrics controller (any more). Has the attribute `device`."
);
create_exception!(
    nvmf,
    NoSuchEntry,
    Error,
    "There is no such attribute, entry or list."
);
create_exception!(
    nvmf,
    InvalidInput,
    Error,
    "A name, value, entry or transport id that is none."
);
create_exception!(
    nvmf,
    OperationFailed,
    Error,
    "The files of the host could not be read or written. Has the attribute `errno`, an int or None."
);

/// A text as what it means.
pub(crate) fn parsed<T: FromStr<Err: fmt::Display>>(what: &str, text: &str) -> PyResult<T> {
    text.parse()
        .map_err(|e| InvalidInput::new_err(format!("{what}: {e}")))
}

/// The controller is another's.
pub(crate) fn owned_by(py: Python<'_>, device: &DeviceName, owner: &Owner) -> PyErr {
    let message = format!("the controller `{device}` is owned by `{owner}`");
    let error = OwnedByOther::new_err(message);
    with(
        py,
        error,
        &[("device", device.as_str()), ("owner", owner.as_str())],
    )
}

/// There is no such controller.
pub(crate) fn no_controller(py: Python<'_>, device: &DeviceName) -> PyErr {
    let error = NoSuchController::new_err(format!("there is no fabrics controller `{device}`"));
    with(py, error, &[("device", device.as_str())])
}

/// What the registry says.
pub(crate) fn of_registry(py: Python<'_>, error: &RegistryError) -> PyErr {
    let message = error.to_string();
    match &error.kind {
        RegistryErrorKind::NoSuchController(device) | RegistryErrorKind::NotFabrics(device) => {
            let error = NoSuchController::new_err(message);
            with(py, error, &[("device", device.as_str())])
        }
        RegistryErrorKind::NoSuchEntry(_) | RegistryErrorKind::NoSuchAttribute(_) => {
            NoSuchEntry::new_err(message)
        }
        RegistryErrorKind::Reserved(_)
        | RegistryErrorKind::Value(_)
        | RegistryErrorKind::Owner(_) => InvalidInput::new_err(message),
        RegistryErrorKind::Io(cause) => failed(py, message, Some(cause)),
        _ => failed(py, message, None),
    }
}

/// What a list of exclusions says.
pub(crate) fn of_list(py: Python<'_>, error: &ListError) -> PyErr {
    let message = error.to_string();
    match &error.kind {
        ListErrorKind::NoSuchList => NoSuchEntry::new_err(message),
        ListErrorKind::Dead(_) => InvalidInput::new_err(message),
        ListErrorKind::Io(cause) => failed(py, message, Some(cause)),
        _ => failed(py, message, None),
    }
}

/// What a change of a list says.
pub(crate) fn of_edit(py: Python<'_>, error: EditError<PyErr>) -> PyErr {
    match error {
        EditError::Refused(error) => error,
        EditError::List(error) => of_list(py, &error),
        _ => failed(py, "the list was not changed".to_owned(), None),
    }
}

/// What sysfs says.
pub(crate) fn of_sysfs(py: Python<'_>, error: &SysfsError) -> PyErr {
    failed(py, error.to_string(), Some(&error.source))
}

/// The host's files could not be read or written.
pub(crate) fn failed(py: Python<'_>, message: String, cause: Option<&io::Error>) -> PyErr {
    let error = OperationFailed::new_err(message);
    let errno = cause.and_then(io::Error::raw_os_error);
    let _ = error.value(py).setattr("errno", errno);
    error
}

fn with(py: Python<'_>, error: PyErr, attributes: &[(&str, &str)]) -> PyErr {
    for (name, value) in attributes {
        // What fails here fails for want of memory: the exception itself is worth more.
        let _ = error.value(py).setattr(*name, *value);
    }
    error
}
