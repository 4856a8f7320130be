//! Reading one list.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nvmf_types::exclusion::Document;
use rustix::fs::{AtFlags, CWD, FileType, OFlags, Stat};
use rustix::io::Errno;

use super::error::{ListError, ListErrorKind};
use super::list::List;
use crate::file::{self, bad_line};

/// What a list may have at most, in bytes.
pub(super) const LIMIT: u64 = 64 << 20;

/// What a list's file was when it was read: a change can be based on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(Option<String>);

/// Reads a list in order to change it.
///
/// # Errors
/// [`ListErrorKind::NoSuchList`], or it is nothing that can be changed: a link, no file, no
/// text, too large, unreadable.
pub fn read(list: &List) -> Result<(Document, Version), ListError> {
    match read_or_new(list)? {
        (_, Version(None)) => Err(ListErrorKind::NoSuchList.of("read", &list.path)),
        found => Ok(found),
    }
}

/// Reads a list in order to change it; one that has no file yet is new and has no entries.
///
/// # Errors
/// As [`read`], except that it may be missing.
pub fn read_or_new(list: &List) -> Result<(Document, Version), ListError> {
    let text = match text(CWD, &list.path) {
        Ok(found) => found.map(|(text, _)| text),
        Err(kind) => return Err(kind.of("read", &list.path)),
    };
    Ok((document(list, text.clone()), Version::of(text)))
}

/// The document that a list's text is; `None`: a new one.
pub(super) fn document(list: &List, text: Option<String>) -> Document {
    let file = list.path.display().to_string();
    match text {
        Some(text) => Document::parse(&file, text),
        None => Document::new(&file, list.name.as_ref().map(super::ListName::as_str)),
    }
}

impl Version {
    pub(super) const fn of(text: Option<String>) -> Self {
        Self(text)
    }

    /// Whether there was no file.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.0.is_none()
    }
}

/// The text and the status of a file that can be changed; `None`: there is none.
pub(super) fn text(dir: impl AsFd, path: &Path) -> Result<Option<(String, Stat)>, ListErrorKind> {
    let stat = match rustix::fs::statat(&dir, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
        let target = rustix::fs::readlinkat(&dir, path, Vec::new())?;
        let target = PathBuf::from(target.to_string_lossy().into_owned());
        return Err(ListErrorKind::Symlink(target));
    }
    let (content, stat) = content(dir, path, OFlags::NOFOLLOW)?;
    match String::from_utf8(content) {
        Ok(text) => Ok(Some((text, stat))),
        Err(e) => Err(ListErrorKind::NotUtf8(bad_line(e.as_bytes()))),
    }
}

/// The content of a file, whatever bytes it has, and its status.
pub(super) fn content(
    dir: impl AsFd,
    path: &Path,
    flags: OFlags,
) -> Result<(Vec<u8>, Stat), ListErrorKind> {
    Ok(file::content(dir, path, flags, LIMIT)?)
}
