//! Which lists there are.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

use crate::Root;

/// The name of a list that is not the default one: 1 to 200 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListName(String);

/// The text is no [`ListName`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is no name of a list: expected 1 to 200 of A-Z a-z 0-9 _ -", .0.escape_debug())]
pub struct ListNameError(pub String);

/// Where lists are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `exclusions.conf`, the default list.
    Default,
    /// `exclusions.conf.d/NAME.conf`.
    DropIn,
    /// `exclusions/NAME.conf`, the layout of the first design: read, never written.
    FirstDesign,
}

/// One list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct List {
    /// Where it is.
    pub place: Place,
    /// Its name; `None`: the default list.
    pub name: Option<ListName>,
    /// Its file. Entries name it as their source, as [`Path::display`] shows it.
    pub path: PathBuf,
}

/// The lists that have a file, in the order in which they are read, and what is wrong with the
/// folders: each problem as a sentence.
#[must_use]
pub fn lists(root: &Root) -> (Vec<List>, Vec<String>) {
    let (mut lists, mut problems) = (Vec::new(), Vec::new());
    let default = List::at(root, Place::Default, None);
    if exists(&default.path) {
        lists.push(default);
    }
    for place in [Place::DropIn, Place::FirstDesign] {
        let dir = place.path(root);
        let mut found = match names(&dir, &mut problems) {
            Ok(found) => found,
            Err(e) => {
                problems.push(not_read(&dir, &e));
                continue;
            }
        };
        found.sort();
        lists.extend(
            found
                .into_iter()
                .map(|name| List::at(root, place, Some(name))),
        );
    }
    (lists, problems)
}

/// The list of that name (`None`: the default list), whether it has a file or not. A name that
/// only the first design's folder has is found there.
#[must_use]
pub fn find(root: &Root, name: Option<&ListName>) -> List {
    let Some(name) = name else {
        return List::at(root, Place::Default, None);
    };
    let list = List::at(root, Place::DropIn, Some(name.clone()));
    let old = List::at(root, Place::FirstDesign, Some(name.clone()));
    if !exists(&list.path) && exists(&old.path) {
        old
    } else {
        list
    }
}

/// What keeps a file from being read, as a sentence.
pub(super) fn not_read(path: &Path, why: &dyn fmt::Display) -> String {
    format!(
        "cannot read `{}`, it excludes nothing: {why}",
        path.display()
    )
}

/// Whether there is anything of that name, a dangling link too.
fn exists(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(e) if is_missing(&e))
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The names of the lists in a folder.
fn names(dir: &Path, problems: &mut Vec<String>) -> io::Result<Vec<ListName>> {
    let listing = match std::fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !exists(dir) => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut found = Vec::new();
    for file in listing {
        let file = match file {
            Ok(file) => file.file_name(),
            // What could be listed is read.
            Err(e) => {
                problems.push(not_read(dir, &e));
                break;
            }
        };
        let bytes = file.as_encoded_bytes();
        // One with a dot is an editor's.
        let Some(stem) = bytes
            .strip_suffix(b".conf")
            .filter(|_| !bytes.starts_with(b"."))
        else {
            continue;
        };
        match std::str::from_utf8(stem).ok().and_then(|s| s.parse().ok()) {
            Some(name) => found.push(name),
            None => problems.push(format!(
                "`{}` is not read, it excludes nothing: rename it, a list's name has only \
                 A-Z a-z 0-9 _ -, 200 at most",
                dir.join(&file).display().to_string().escape_debug()
            )),
        }
    }
    Ok(found)
}

impl Place {
    /// The file of the default list, or the folder.
    pub(super) fn path(self, root: &Root) -> PathBuf {
        root.etc_nvme().join(match self {
            Self::Default => "exclusions.conf",
            Self::DropIn => "exclusions.conf.d",
            Self::FirstDesign => "exclusions",
        })
    }
}

impl List {
    fn at(root: &Root, place: Place, name: Option<ListName>) -> Self {
        let path = match &name {
            Some(name) => place.path(root).join(format!("{name}.conf")),
            None => place.path(root),
        };
        Self { place, name, path }
    }

    /// The text that names the list; empty: the default list.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_ref().map_or("", ListName::as_str)
    }
}

impl ListName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ListName {
    type Err = ListNameError;

    fn from_str(text: &str) -> Result<Self, ListNameError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if (1..=200).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ListNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
