//! Which folders are watched, and for what in them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, OsStr, OsString};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, WatchFlags};
use rustix::io::Errno;

/// What matters in a watched folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// What was looked up in it.
    names: BTreeSet<OsString>,
    /// It holds lists.
    lists: bool,
}

/// As many symbolic links as the kernel follows on one path.
const MAX_LINKS: usize = 40;

/// Relative to `/etc`.
const DEFAULT_LIST: &str = "nvme/exclusions.conf";
const FOLDERS: [&str; 2] = ["nvme/exclusions.conf.d", "nvme/exclusions"];

/// Watches all folders in which something could change what the exclusion files say; gives them
/// by the numbers of their watches, and what could not be watched, one line each.
///
/// A folder is watched before it is looked at: what comes after the look is told.
pub(super) fn watch(inotify: &OwnedFd, etc: &Path) -> (BTreeMap<i32, Folder>, Vec<String>) {
    let mut places = Places {
        inotify,
        watched: BTreeMap::new(),
        problems: BTreeSet::new(),
    };
    let etc = etc.canonicalize().unwrap_or_else(|_| etc.to_owned());
    places.follow(&etc, Path::new(DEFAULT_LIST));
    for folder in FOLDERS {
        if let Some(lists) = places.follow(&etc, Path::new(folder)) {
            places.lists(&lists);
        }
    }
    (places.watched, places.problems.into_iter().collect())
}

impl Folder {
    /// Whether something of that name matters.
    pub(super) fn concerns(&self, name: &CStr) -> bool {
        let name = OsStr::from_bytes(name.to_bytes());
        self.names.contains(name) || self.lists && is_list(name)
    }
}

/// Whether a file of that name is read in a folder of lists; one with a dot first is an editor's.
fn is_list(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.ends_with(b".conf") && !name.starts_with(b".")
}

struct Places<'a> {
    inotify: &'a OwnedFd,
    watched: BTreeMap<i32, Folder>,
    problems: BTreeSet<String>,
}

impl Places<'_> {
    /// Goes from the folder `from` along `path` as the kernel does, through symbolic links, and
    /// watches each folder for the name that is looked up in it, whether it is there or not.
    /// Where that leads to; `None`: something on the way is missing.
    fn follow(&mut self, from: &Path, path: &Path) -> Option<PathBuf> {
        let mut at = from.to_owned();
        let mut rest = steps(path);
        let mut links = 0;
        while let Some(step) = rest.pop() {
            match step.as_bytes() {
                b"/" => at = PathBuf::from("/"),
                b"." => {}
                b".." => {
                    at.pop();
                }
                _ => {
                    if let Some(folder) = self.watch(&at) {
                        folder.names.insert(step.clone());
                    }
                    let place = at.join(&step);
                    if let Ok(target) = fs::read_link(&place) {
                        links += 1;
                        if links > MAX_LINKS {
                            return None;
                        }
                        rest.extend(steps(&target));
                    } else if place.symlink_metadata().is_ok() {
                        at = place;
                    } else {
                        return None;
                    }
                }
            }
        }
        Some(at)
    }

    /// Watches a folder of lists, and what those lead to that are symbolic links.
    fn lists(&mut self, dir: &Path) {
        let Some(folder) = self.watch(dir) else {
            return;
        };
        folder.lists = true;
        let files = fs::read_dir(dir).into_iter().flatten().flatten();
        for file in files.filter(|file| is_list(&file.file_name())) {
            if file.file_type().is_ok_and(|kind| kind.is_symlink()) {
                self.follow(dir, Path::new(&file.file_name()));
            }
        }
    }

    /// Watches one folder; `None`: it is not there, or cannot be watched.
    fn watch(&mut self, dir: &Path) -> Option<&mut Folder> {
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        match inotify::add_watch(self.inotify, dir, flags) {
            Ok(wd) => return Some(self.watched.entry(wd).or_default()),
            // what is between us and it is watched
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(error) => {
                let remedy = match error {
                    Errno::NOSPC => "raise the sysctl fs.inotify.max_user_watches, then ",
                    _ => "",
                };
                self.problems.insert(format!(
                    "cannot watch `{}` for exclusions: {error}; {remedy}have changes noticed with \
                     `systemctl reload nvme-discoverd`",
                    dir.display()
                ));
            }
        }
        None
    }
}

/// The steps of a path, the last one first.
fn steps(path: &Path) -> Vec<OsString> {
    let steps = path.components().rev();
    steps.map(|step| step.as_os_str().to_owned()).collect()
}
