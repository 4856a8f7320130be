//! The firmware's boot tables (NBFT), read from files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nvmf_types::nbft::{BootTable, Nbft, NbftError};
use rustix::fs::{CWD, OFlags};
use thiserror::Error;

use crate::Root;
use crate::file::{self, FileError};

/// What a table may have at most, in bytes. Firmware reserves 100 KiB.
const LIMIT: u64 = 1 << 20;

/// The tables of a folder.
#[derive(Debug)]
pub struct BootTables {
    /// The folder.
    pub folder: PathBuf,
    /// Those that could be read, `NBFT` first, then by number.
    pub tables: Vec<BootTable>,
    /// The others.
    pub failed: Vec<TableError>,
}

/// A table, or a folder of tables, that could not be read.
#[derive(Debug)]
pub struct TableError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why not.
    pub kind: TableErrorKind,
}

/// Why a table could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableErrorKind {
    /// Something else of that name: a directory, a device.
    #[error("it is {0}: a boot table is a file")]
    NotAFile(&'static str),
    /// More than a table has.
    #[error("it has more than {} KiB, the most that a boot table has", LIMIT >> 10)]
    TooLarge,
    /// What is in it is no table.
    #[error("{0}")]
    Table(NbftError),
    /// The file system says no.
    #[error("{cause}{}", remedy(.0), cause = .0)]
    Io(io::Error),
}

impl BootTables {
    /// Where a table of these was read from.
    #[must_use]
    pub fn path(&self, table: &BootTable) -> PathBuf {
        self.folder.join(&table.name)
    }
}

/// Reads the tables that the firmware left: `/sys/firmware/acpi/tables/NBFT*`. A host without
/// them, or without ACPI, has none.
///
/// # Errors
/// The folder is there and cannot be listed.
pub fn load(root: &Root) -> Result<BootTables, TableError> {
    let folder = root.sys().join("firmware/acpi/tables");
    match load_folder(&folder) {
        Err(TableError {
            kind: TableErrorKind::Io(e),
            ..
        }) if e.kind() == io::ErrorKind::NotFound => Ok(BootTables {
            folder,
            tables: Vec::new(),
            failed: Vec::new(),
        }),
        other => other,
    }
}

/// Reads the tables of `folder`: its files `NBFT*`.
///
/// # Errors
/// The folder cannot be listed.
pub fn load_folder(folder: &Path) -> Result<BootTables, TableError> {
    let names = names(folder).map_err(|e| TableError {
        path: folder.to_owned(),
        kind: TableErrorKind::Io(e),
    })?;
    let mut found = BootTables {
        folder: folder.to_owned(),
        tables: Vec::new(),
        failed: Vec::new(),
    };
    for name in names {
        let path = folder.join(&name);
        match read(&path) {
            Ok(table) => found.tables.push(BootTable { name, table }),
            Err(kind) => found.failed.push(TableError { path, kind }),
        }
    }
    Ok(found)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("NBFT") {
            names.push(name);
        }
    }
    names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    Ok(names)
}

fn read(path: &Path) -> Result<Nbft, TableErrorKind> {
    let (bytes, _) = file::content(CWD, path, OFlags::empty(), LIMIT)?;
    Nbft::decode(&bytes).map_err(TableErrorKind::Table)
}

impl From<FileError> for TableErrorKind {
    fn from(error: FileError) -> Self {
        match error {
            FileError::NotAFile(what) => Self::NotAFile(what),
            FileError::TooLarge => Self::TooLarge,
            FileError::Io(e) => Self::Io(e),
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => ": only root can read the firmware's tables",
        _ => "",
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "cannot read boot table `{path}`: {}", self.kind)
    }
}

impl std::error::Error for TableError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message has the cause in it already.
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    const STATIC_IPV4: &[u8] = include_bytes!("../../nvmf-types/tests/data/nbft/NBFT-static-ipv4");

    fn table(host: &FakeHost, name: &str, bytes: &[u8]) {
        let folder = host.path("sys/firmware/acpi/tables");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    }

    #[test]
    fn in_the_order_of_their_numbers() {
        let host = FakeHost::new();
        let none = load(&host.root()).unwrap();
        assert!(none.tables.is_empty() && none.failed.is_empty());

        for name in ["NBFT10", "NBFT2", "NBFT", "DSDT"] {
            table(&host, name, STATIC_IPV4);
        }
        let found = load(&host.root()).unwrap();
        let names: Vec<_> = found.tables.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["NBFT", "NBFT2", "NBFT10"]);
        assert!(found.failed.is_empty());
        let path = found.path(&found.tables[1]);
        assert!(path.ends_with("sys/firmware/acpi/tables/NBFT2"));
    }

    #[test]
    fn each_that_cannot_be_read_is_reported_and_costs_no_other() {
        let host = FakeHost::new();
        table(&host, "NBFT", STATIC_IPV4);
        table(&host, "NBFT1", b"");
        table(&host, "NBFT2", &vec![0; (1 << 20) + 1]);
        let folder = host.path("sys/firmware/acpi/tables");
        std::fs::create_dir(folder.join("NBFT3")).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let pipe = folder.join("NBFT4");
        rustix::fs::mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join("NBFT5")).unwrap();

        let found = load(&host.root()).unwrap();
        assert_eq!(found.tables.len(), 1);
        let errors: Vec<_> = found.failed.iter().map(ToString::to_string).collect();
        for (error, (name, why)) in errors.iter().zip([
            (
                "NBFT1",
                "it has 0 bytes: header and control descriptor alone need 128",
            ),
            (
                "NBFT2",
                "it has more than 1024 KiB, the most that a boot table has",
            ),
            ("NBFT3", "it is a directory: a boot table is a file"),
            ("NBFT4", "it is a pipe: a boot table is a file"),
            ("NBFT5", "No such file or directory (os error 2)"),
        ]) {
            let path = folder.join(name).display().to_string();
            assert_eq!(error, &format!("cannot read boot table `{path}`: {why}"));
        }
        assert_eq!(errors.len(), 5);
    }

    #[test]
    fn a_folder_that_was_named_has_to_be_there() {
        let host = FakeHost::new();
        let error = load_folder(&host.path("nowhere")).unwrap_err().to_string();
        assert!(
            error.contains("nowhere`: No such file or directory"),
            "{error}"
        );
    }
}
