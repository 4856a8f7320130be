//! Adding to the configuration: one writer after the other, all files or none.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nvmf_types::config::{ChangedFile, EditError, Edits, ExistingFile};
use rustix::fs::{AtFlags, CWD, FileType, Stat};
use rustix::io::Errno;

use super::edit_error::{WriteError, io};
use super::load::{drop_ins, host_identity, main_file, read_optional};
use crate::replace::{Attributes, Staged, make_dir, open_dir};
use crate::{Root, lock};

/// What came of a change.
#[derive(Debug)]
pub struct Edited<T> {
    /// What the change returned.
    pub value: T,
    /// The files that were written, or would be; empty if there was nothing to change.
    pub files: Vec<ChangedFile>,
}

/// Adds to the configuration whose main file is `file`, or `/etc/nvme/nvme-fabrics.conf`. Files are
/// replaced as a whole and keep their owner and mode; a new one that holds secrets has mode 0600, any
/// other 0644. All are on the disk before the first one is put in its place.
///
/// # Errors
/// `change` refused, or what is there or would be there is no configuration; a file cannot be read
/// or written. Nothing was changed, unless the error says so.
pub fn edit<T>(
    root: &Root,
    file: Option<&Path>,
    change: impl FnOnce(&mut Edits) -> Result<T, EditError>,
) -> Result<Edited<T>, WriteError> {
    Writer::lock(root, file)?.edit(change)
}

/// [`edit`] without writing anything; it needs no lock.
///
/// # Errors
/// As those of [`edit`], except those of writing.
pub fn preview<T>(
    root: &Root,
    file: Option<&Path>,
    change: impl FnOnce(&mut Edits) -> Result<T, EditError>,
) -> Result<Edited<T>, WriteError> {
    edited(root, &main_file(root, file)?, change)
}

/// The only one who changes a configuration at the moment.
pub(super) struct Writer<'a> {
    root: &'a Root,
    main: PathBuf,
    _lock: OwnedFd,
}

impl<'a> Writer<'a> {
    /// Waits for its turn.
    pub(super) fn lock(root: &'a Root, file: Option<&Path>) -> Result<Self, WriteError> {
        let main = main_file(root, file)?;
        let folder = folder(&main);
        make_dir(folder).map_err(io("create", folder))?;
        // no configuration file, and nobody reads it
        let path = folder.join(hidden(&main, "lock"));
        let lock = lock::acquire(&path).map_err(|errno| match errno {
            Errno::AGAIN => WriteError::Locked {
                lock: path.clone(),
                waited: lock::PATIENCE,
            },
            errno => io("lock", &path)(errno),
        })?;
        Ok(Self {
            root,
            main,
            _lock: lock,
        })
    }

    pub(super) fn edit<T>(
        &self,
        change: impl FnOnce(&mut Edits) -> Result<T, EditError>,
    ) -> Result<Edited<T>, WriteError> {
        let edited = edited(self.root, &self.main, change)?;
        let staged: Result<Vec<_>, _> = edited.files.iter().map(stage).collect();
        let mut written = Vec::new();
        for (file, staged) in edited.files.iter().zip(staged?) {
            let failed = |errno| match errno {
                // one that is none of ours
                Errno::EXIST => WriteError::Changed(file.path.clone().into()),
                errno => io("write", Path::new(&file.path))(errno),
            };
            staged.put().map_err(|e| failed(e).after(&written))?;
            written.push(file.path.clone());
        }
        Ok(edited)
    }
}

fn edited<T>(
    root: &Root,
    main: &Path,
    change: impl FnOnce(&mut Edits) -> Result<T, EditError>,
) -> Result<Edited<T>, WriteError> {
    let default = host_identity(root)?;
    let paths = drop_ins(main)?.unwrap_or_default();
    let mut existing = Vec::new();
    for path in &paths {
        let file = existing_file(path)?;
        // one that vanished meanwhile says nothing
        existing.extend(file.text.is_some().then_some(file));
    }
    let mut edits = Edits::new(existing_file(main)?, existing, &default)?;
    let value = change(&mut edits)?;
    let files = edits.finish()?;
    Ok(Edited { value, files })
}

fn existing_file(path: &Path) -> Result<ExistingFile, WriteError> {
    let text = read_optional(path)?;
    let stat = rustix::fs::stat(path);
    Ok(ExistingFile {
        path: path.display().to_string(),
        text,
        private: stat.is_ok_and(|stat| stat.st_mode & 0o077 == 0),
    })
}

/// Writes what is to be a file's content beside it.
fn stage(file: &ChangedFile) -> Result<Staged, WriteError> {
    let path = Path::new(&file.path);
    let old = match &file.before {
        Some(_) => Some(replaceable(path)?),
        None => None,
    };
    let mode = if file.private { 0o600 } else { 0o644 };
    let attributes = old.as_ref().map_or(Attributes::New(mode), Attributes::Like);
    let name = path.file_name().map_or(path, Path::new);
    let stage = || {
        make_dir(folder(path))?;
        let dir = open_dir(folder(path))?;
        Staged::new(dir, hidden(path, "next"), name, &file.text, attributes)
    };
    stage().map_err(io("write", path))
}

/// The status of a file that replacing turns into nothing else.
fn replaceable(path: &Path) -> Result<Stat, WriteError> {
    let stat = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    let stat = stat.map_err(io("read", path))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(stat),
        FileType::Symlink => Err(WriteError::Symlink(path.to_owned())),
        _ => Err(WriteError::NotAFile(path.to_owned())),
    }
}

/// `.NAME.what`, beside the file.
fn hidden(path: &Path, what: &str) -> OsString {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(what);
    name
}

pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}
