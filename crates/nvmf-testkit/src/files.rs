//! Small helpers that fail a test with a reason.

use std::fmt;
use std::fs;
use std::path::Path;

/// Takes the value out of a `Result` or fails the test, saying what could not be done.
pub trait OrFail<T> {
    /// The value; panics with "cannot `what`: cause" if there is none.
    #[track_caller]
    fn or_fail(self, what: impl fmt::Display) -> T;
}

impl<T, E: fmt::Display> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self, what: impl fmt::Display) -> T {
        match self {
            Ok(value) => value,
            Err(cause) => panic!("cannot {what}: {cause}"),
        }
    }
}

impl<T> OrFail<T> for Option<T> {
    #[track_caller]
    fn or_fail(self, what: impl fmt::Display) -> T {
        self.ok_or("it is not there").or_fail(what)
    }
}

/// Writes a file or a configfs or sysfs attribute.
#[track_caller]
pub(crate) fn put(path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::write(path, text).or_fail(format_args!("write `{}`", path.display()));
}

/// Makes a folder and those above it.
#[track_caller]
pub(crate) fn make_dir(path: impl AsRef<Path>) {
    let path = path.as_ref();
    fs::create_dir_all(path).or_fail(format_args!("make `{}`", path.display()));
}

/// The names in a folder, sorted; none if it cannot be read.
pub(crate) fn names(path: impl AsRef<Path>) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// An attribute without its newline; `None` if it cannot be read.
pub(crate) fn attribute(path: impl AsRef<Path>) -> Option<String> {
    let text = fs::read(path).ok()?;
    Some(
        String::from_utf8_lossy(&text)
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
    )
}
