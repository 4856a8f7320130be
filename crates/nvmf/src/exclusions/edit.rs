//! Changing a list.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nvmf_types::exclusion::{Document, Entry};
use rustix::fs::{AtFlags, Stat};
use rustix::io::Errno;
use thiserror::Error;

use super::error::{ListError, ListErrorKind};
use super::file::{Version, document, text};
use super::list::{List, ListName, Place, find};
use super::lock::Lock;
use crate::Root;
use crate::replace::{Attributes, Staged, make_dir, open_dir, sweep, sync_dir};

/// The next content of a list while it is written. There is one at a time, because there is one
/// lock.
const NEXT: &str = ".exclusions.next";

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edited<T> {
    /// What the change returned.
    pub value: T,
    /// Whether the file was written.
    pub saved: Saved,
}

/// Whether a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It was.
    Written,
    /// There was nothing to change.
    Unchanged,
}

/// Why a list was not changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EditError<E> {
    /// The change itself said no.
    #[error("{0}")]
    Refused(E),
    /// It could not be read or written.
    #[error(transparent)]
    List(#[from] ListError),
}

/// What came of creating a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// There is a new file.
    Created(PathBuf),
    /// There was a list of that name, this file; nothing was changed.
    AlreadyThere(PathBuf),
}

/// Changes a list, one writer after the other. A list that has no file yet is new and has no
/// entries, and gets a file if `change` changes it. The file is replaced as a whole, keeps its
/// owner and mode, and is written only if there is something to write.
///
/// # Errors
/// `change` refused; the list cannot be read or written; it would have entries that exclude
/// nothing, unless `change` only took lines away. The file is as it was; only if the last step
/// failed, which makes sure that a crash does not undo it, it is changed.
pub fn edit<T, E>(
    root: &Root,
    list: &List,
    change: impl FnOnce(&mut Document) -> Result<T, E>,
) -> Result<Edited<T>, EditError<E>> {
    let failed = |kind: ListErrorKind| EditError::List(kind.of("change", &list.path));
    let open = Open::new(root, list).map_err(failed)?;
    let mut document = document(list, open.text.clone());
    let before = document.text().to_owned();
    let value = change(&mut document).map_err(EditError::Refused)?;
    if document.text() == before {
        let saved = Saved::Unchanged;
        return Ok(Edited { value, saved });
    }
    // taking an entry away kills no other
    if document.has_additions() {
        alive(&document).map_err(failed)?;
    }
    let saved = open.save(document).map_err(failed)?;
    Ok(Edited { value, saved })
}

/// Gives a list a new text, based on the version that was read.
///
/// # Errors
/// [`ListErrorKind::Changed`]: somebody changed it since; the text would have entries that
/// exclude nothing; the list cannot be read or written. The file is as it was.
pub fn replace(
    root: &Root,
    list: &List,
    based_on: &Version,
    document: Document,
) -> Result<Saved, ListError> {
    let replaced = alive(&document).and_then(|()| {
        let open = Open::new(root, list)?;
        if Version::of(open.text.clone()) != *based_on {
            return Err(ListErrorKind::Changed);
        }
        if open.text.as_deref() == Some(document.text()) {
            return Ok(Saved::Unchanged);
        }
        open.save(document)
    });
    replaced.map_err(|kind| kind.of("change", &list.path))
}

/// Makes an empty list, if there is none of that name.
///
/// # Errors
/// It cannot be written.
pub fn create(root: &Root, name: &ListName) -> Result<Created, ListError> {
    create_list(root, find(root, Some(name)))
}

/// Like [`create`], for a list that may be the default one.
///
/// # Errors
/// It cannot be written.
pub fn create_list(root: &Root, list: List) -> Result<Created, ListError> {
    let failed = |kind: ListErrorKind| kind.of("create", &list.path);
    if list.place == Place::FirstDesign {
        return Ok(Created::AlreadyThere(list.path));
    }
    let open = Open::new(root, &list).map_err(failed)?;
    if open.text.is_some() {
        return Ok(Created::AlreadyThere(list.path));
    }
    let new = document(&list, None);
    open.save(new).map_err(failed)?;
    Ok(Created::Created(list.path))
}

/// Deletes a list with all its entries.
///
/// # Errors
/// [`ListErrorKind::NoSuchList`]; it is a link, no file, or one of the first design's folder; it
/// cannot be deleted.
pub fn delete(root: &Root, name: &ListName) -> Result<(), ListError> {
    delete_list(root, &find(root, Some(name)))
}

/// Like [`delete`], for a list that may be the default one.
///
/// # Errors
/// As of [`delete`].
pub fn delete_list(root: &Root, list: &List) -> Result<(), ListError> {
    let deleted = Lock::acquire(root).and_then(|_lock| {
        changeable(root, list)?;
        let dir = match open_dir(folder(list)) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Err(ListErrorKind::NoSuchList),
            Err(e) => return Err(e.into()),
        };
        sweep(&dir, Path::new(NEXT))?;
        match text(&dir, file(list)) {
            Ok(Some(_)) | Err(ListErrorKind::NotUtf8(_) | ListErrorKind::TooLarge) => {}
            Ok(None) => return Err(ListErrorKind::NoSuchList),
            Err(e) => return Err(e),
        }
        rustix::fs::unlinkat(&dir, file(list), AtFlags::empty())?;
        Ok(sync_dir(dir)?)
    });
    deleted.map_err(|kind| kind.of("delete", &list.path))
}

/// A list that is about to be changed: nobody else of ours changes it meanwhile.
struct Open<'a> {
    _lock: Lock,
    list: &'a List,
    /// `None`: the folder is not there.
    dir: Option<OwnedFd>,
    /// `None`: there is no file.
    text: Option<String>,
    stat: Option<Stat>,
}

impl<'a> Open<'a> {
    fn new(root: &Root, list: &'a List) -> Result<Self, ListErrorKind> {
        changeable(root, list)?;
        let lock = Lock::acquire(root)?;
        let dir = match open_dir(folder(list)) {
            Ok(dir) => Some(dir),
            Err(Errno::NOENT) => None,
            Err(e) => return Err(e.into()),
        };
        let found = match &dir {
            Some(dir) => text(dir, file(list))?,
            None => None,
        };
        let (text, stat) = found.unzip();
        Ok(Self {
            _lock: lock,
            list,
            dir,
            text,
            stat,
        })
    }

    fn save(self, mut document: Document) -> Result<Saved, ListErrorKind> {
        let dir = match self.dir {
            Some(dir) => dir,
            None => {
                make_dir(folder(self.list))?;
                open_dir(folder(self.list))?
            }
        };
        document.end_last_line();
        let old = self.stat.as_ref();
        let attributes = old.map_or(Attributes::New(0o644), Attributes::Like);
        let staged = Staged::new(dir, NEXT, file(self.list), document.text(), attributes);
        match staged.and_then(Staged::put) {
            Ok(()) => Ok(Saved::Written),
            // one that is none of ours
            Err(Errno::EXIST) if old.is_none() => Err(ListErrorKind::Changed),
            Err(e) => Err(e.into()),
        }
    }
}

/// Whether all entries mean something.
fn alive(document: &Document) -> Result<(), ListErrorKind> {
    let dead: Vec<Entry> = document.problems().into_iter().cloned().collect();
    if dead.is_empty() {
        Ok(())
    } else {
        Err(ListErrorKind::Dead(dead))
    }
}

fn changeable(root: &Root, list: &List) -> Result<(), ListErrorKind> {
    match list.place {
        Place::Default | Place::DropIn => Ok(()),
        Place::FirstDesign => Err(ListErrorKind::FirstDesign(Place::DropIn.path(root))),
    }
}

fn folder(list: &List) -> &Path {
    list.path.parent().unwrap_or(&list.path)
}

fn file(list: &List) -> &Path {
    list.path.file_name().map_or(&list.path, Path::new)
}

impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Written => "written",
            Self::Unchanged => "nothing to change",
        })
    }
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created(path) => write!(f, "created {}", path.display()),
            Self::AlreadyThere(path) => write!(f, "there is {} already", path.display()),
        }
    }
}
