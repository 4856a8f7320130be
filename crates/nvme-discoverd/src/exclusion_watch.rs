//! Changes of the exclusion files as inputs.
//!
//! Watched are the folders, not the files: `/etc` for `nvme`, `/etc/nvme` for the default list and
//! the two folders, and the folders for their lists. Any of them may be missing, come, go, be
//! renamed or replaced at any time. What exactly changed does not matter, because all files are
//! read again; so a lost event, an overflow and a removed watch are all "something changed".

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;

use discoverd_core::Event;
use nvmf::Root;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::inputs::{Input, Inputs, put};
use crate::ready;

/// The watched folders.
#[derive(Debug)]
pub(crate) struct Watch {
    inotify: OwnedFd,
    etc: PathBuf,
    watched: BTreeMap<i32, Folder>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Folder {
    Etc,
    Nvme,
    Lists,
}

/// The folders from the outside in: a folder that appears is seen by the one before it.
const FOLDERS: [(&str, Folder); 4] = [
    ("", Folder::Etc),
    ("nvme", Folder::Nvme),
    ("nvme/exclusions.conf.d", Folder::Lists),
    ("nvme/exclusions", Folder::Lists),
];

impl Watch {
    /// Watches from now on.
    ///
    /// # Errors
    /// inotify cannot be used.
    pub(crate) fn start(root: &Root) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut watch = Self {
            inotify,
            etc: root.etc(),
            watched: BTreeMap::new(),
        };
        watch.arm()?;
        Ok(watch)
    }

    /// Takes what the kernel has to say; whether exclusions may have changed.
    ///
    /// # Errors
    /// `WouldBlock`: nothing (more) to read.
    pub(crate) fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let (mut changed, mut rearm, mut moved) = (false, false, Vec::new());
        loop {
            let event = reader.next()?;
            let flags = event.events();
            let folder = self.watched.get(&event.wd()).copied();
            if flags.contains(ReadFlags::MOVE_SELF) {
                // the watch would follow the folder to its new place
                moved.push(event.wd());
            }
            let unsettled = ReadFlags::QUEUE_OVERFLOW
                | ReadFlags::IGNORED
                | ReadFlags::DELETE_SELF
                | ReadFlags::MOVE_SELF
                | ReadFlags::UNMOUNT;
            let (concerns, structure) = concern(folder, event.file_name());
            changed |= concerns || flags.intersects(unsettled);
            rearm |= structure || flags.intersects(unsettled);
            if reader.is_buffer_empty() {
                break;
            }
        }
        for wd in moved {
            // a watch that went by itself meanwhile is as good
            let _ = inotify::remove_watch(&self.inotify, wd);
        }
        if rearm {
            self.arm()?;
        }
        Ok(changed)
    }

    /// Watches what is there, and no longer what was renamed or replaced. Adding a watch that
    /// exists gives the same number again.
    fn arm(&mut self) -> io::Result<()> {
        let flags = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let mut now = BTreeMap::new();
        for (name, folder) in FOLDERS {
            match inotify::add_watch(&self.inotify, self.etc.join(name), flags) {
                Ok(wd) => {
                    now.insert(wd, folder);
                }
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for wd in self.watched.keys().filter(|wd| !now.contains_key(wd)) {
            let _ = inotify::remove_watch(&self.inotify, *wd);
        }
        self.watched = now;
        Ok(())
    }
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.inotify.as_raw_fd()
    }
}

/// Whether an event in a folder concerns the exclusions, and whether a watched folder may have
/// come or gone.
fn concern(folder: Option<Folder>, name: Option<&CStr>) -> (bool, bool) {
    let name = name.map(CStr::to_bytes).unwrap_or_default();
    match folder {
        Some(Folder::Etc) => (name == b"nvme", name == b"nvme"),
        Some(Folder::Nvme) => match name {
            b"exclusions.conf" => (true, false),
            b"exclusions.conf.d" | b"exclusions" => (true, true),
            _ => (false, false),
        },
        Some(Folder::Lists) => (name.ends_with(b".conf"), false),
        None => (false, false),
    }
}

/// Forwards changes as [`Event::ExclusionsTouched`], on a task of its own.
///
/// # Errors
/// The watch cannot be awaited.
pub(crate) fn forward(watch: Watch, inputs: Inputs) -> io::Result<()> {
    let mut watch = ready::readable(watch)?;
    tokio::spawn(async move {
        let error = loop {
            let mut guard = match watch.readable_mut().await {
                Ok(guard) => guard,
                Err(error) => break error,
            };
            match guard.try_io(|watch| watch.get_mut().read()) {
                Ok(Ok(true)) => put(&inputs, Event::ExclusionsTouched),
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => break error,
            }
        };
        let why = format!("cannot watch the exclusion files: {error}");
        put(&inputs, Input::Fatal(why));
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Reads all that is there; inotify events are queued before the system call that caused
    /// them returns, so nothing needs to be awaited.
    fn changed(watch: &mut Watch) -> bool {
        let mut any = false;
        loop {
            match watch.read() {
                Ok(changed) => any |= changed,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return any,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn world() -> (tempfile::TempDir, PathBuf, Watch) {
        let dir = tempfile::tempdir().unwrap();
        let etc = dir.path().join("etc");
        fs::create_dir(&etc).unwrap();
        let watch = Watch::start(&Root::new(dir.path())).unwrap();
        (dir, etc, watch)
    }

    fn write(path: impl AsRef<Path>) {
        fs::write(path, "[exclusions]\n").unwrap();
    }

    #[test]
    fn folders_that_come_later_are_watched() {
        let (_dir, etc, mut watch) = world();
        assert!(!changed(&mut watch));
        fs::create_dir(etc.join("nvme")).unwrap();
        assert!(changed(&mut watch), "nvme appeared");
        write(etc.join("nvme/exclusions.conf"));
        assert!(changed(&mut watch), "the default list");
        for folder in ["exclusions.conf.d", "exclusions"] {
            fs::create_dir(etc.join("nvme").join(folder)).unwrap();
            assert!(changed(&mut watch), "{folder} appeared");
            write(etc.join("nvme").join(folder).join("a.conf"));
            assert!(changed(&mut watch), "a list in {folder}");
        }
    }

    #[test]
    fn a_folder_that_is_removed_and_made_again() {
        let (_dir, etc, mut watch) = world();
        let lists = etc.join("nvme/exclusions.conf.d");
        for _ in 0..3 {
            fs::create_dir_all(&lists).unwrap();
            assert!(changed(&mut watch));
            // what was made too fast to be watched is watched now
            write(lists.join("a.conf"));
            assert!(changed(&mut watch));
            fs::remove_dir_all(etc.join("nvme")).unwrap();
            assert!(changed(&mut watch));
        }
    }

    #[test]
    fn a_folder_that_is_renamed_away_is_no_longer_watched() {
        let (_dir, etc, mut watch) = world();
        let lists = etc.join("nvme/exclusions");
        fs::create_dir_all(&lists).unwrap();
        assert!(changed(&mut watch));
        let old = etc.join("nvme/old");
        fs::rename(&lists, &old).unwrap();
        assert!(changed(&mut watch));
        write(old.join("a.conf"));
        assert!(!changed(&mut watch), "not a list any more");
        fs::create_dir(&lists).unwrap();
        assert!(changed(&mut watch));
        write(lists.join("a.conf"));
        assert!(changed(&mut watch));
    }

    #[test]
    fn lists_that_are_replaced_or_removed() {
        let (_dir, etc, mut watch) = world();
        let nvme = etc.join("nvme");
        fs::create_dir(&nvme).unwrap();
        write(nvme.join("exclusions.conf"));
        assert!(changed(&mut watch));
        write(nvme.join(".exclusions.conf.new"));
        assert!(!changed(&mut watch), "not yet in place");
        fs::rename(
            nvme.join(".exclusions.conf.new"),
            nvme.join("exclusions.conf"),
        )
        .unwrap();
        assert!(changed(&mut watch));
        fs::remove_file(nvme.join("exclusions.conf")).unwrap();
        assert!(changed(&mut watch));
    }

    #[test]
    fn other_files_do_not_matter() {
        let (_dir, etc, mut watch) = world();
        fs::create_dir_all(etc.join("nvme/exclusions")).unwrap();
        assert!(changed(&mut watch));
        write(etc.join("hosts"));
        write(etc.join("nvme/hostnqn"));
        write(etc.join("nvme/nvme-fabrics.conf"));
        write(etc.join("nvme/exclusions/a.conf~"));
        assert!(!changed(&mut watch));
    }
}
