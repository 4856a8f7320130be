//! The directories that inotify watches, and what its events are about.
//!
//! Watched are the registry, each entry, and the directories on the way to the registry, from the
//! root on: there is always one that tells when the next one comes, goes or is replaced. (The end
//! of a directory itself is no such sign: it is told only when nobody has it open any more.)

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nvmf_types::{AttrName, DeviceName};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// What is to be looked at again.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Whatever there is.
    pub(super) everything: bool,
    /// These entries.
    pub(super) devices: BTreeSet<DeviceName>,
}

/// Which directory each watch is for.
#[derive(Debug)]
pub(super) struct Places {
    /// `/`, `/run`, `/run/nvme` and the registry, each in the one before it.
    levels: Vec<PathBuf>,
    registry: PathBuf,
    by_watch: BTreeMap<i32, Place>,
    entries: BTreeMap<DeviceName, i32>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Level(usize),
    Entry(DeviceName),
}

/// `/`, `/run`, `/run/nvme` and `/run/nvme/registry`.
const LEVELS: usize = 4;

/// How many events are taken at once. After more, everything is looked at: whoever writes that
/// fast could keep a reader at it for ever.
const FLOOD: usize = 100_000;

/// Room for 500 events with short names.
const BUFFER: usize = 16 * 1024;

/// Names that come and go. ATTRIB, for those who may read only now.
const NAMES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::ONLYDIR);

/// Names and what is in the files, of which those that were deleted do not matter.
const CONTENT: WatchFlags = NAMES
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::EXCL_UNLINK)
    .union(WatchFlags::DONT_FOLLOW);

/// A new inotify instance, which never blocks.
pub(super) fn inotify() -> io::Result<OwnedFd> {
    inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(explained)
}

/// Takes all events that there are.
pub(super) fn drain(
    inotify: &OwnedFd,
    places: &mut Places,
    touched: &mut Touched,
) -> io::Result<()> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = inotify::Reader::new(inotify, &mut buffer);
    for _ in 0..FLOOD {
        match reader.next() {
            Ok(event) => {
                let name = event.file_name().map(|name| name.to_bytes());
                places.note(event.wd(), event.events(), name, touched);
            }
            Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    touched.everything = true;
    Ok(())
}

impl Touched {
    pub(super) fn everything() -> Self {
        Self {
            everything: true,
            devices: BTreeSet::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.everything && self.devices.is_empty()
    }
}

impl Places {
    pub(super) fn new(registry: &Path) -> Self {
        let mut levels: Vec<PathBuf> = registry
            .ancestors()
            .take(LEVELS)
            .map(Path::to_owned)
            .collect();
        levels.reverse();
        Self {
            levels,
            registry: registry.to_owned(),
            by_watch: BTreeMap::new(),
            entries: BTreeMap::new(),
        }
    }

    /// The entries that are watched.
    pub(super) fn devices(&self) -> impl Iterator<Item = &DeviceName> {
        self.entries.keys()
    }

    /// Watches the registry and the directories above it, as far as they exist.
    pub(super) fn anchor(&mut self, inotify: &OwnedFd) -> io::Result<()> {
        let mut now = Vec::with_capacity(LEVELS);
        for path in &self.levels {
            let mut flags = NAMES;
            flags.set(WatchFlags::DONT_FOLLOW, *path == self.registry);
            match add(inotify, path, flags)? {
                Some(watch) => now.push(watch),
                None if now.is_empty() => return Err(Errno::NOENT.into()),
                None => break,
            }
        }
        let is_old =
            |watch: &i32, place: &Place| matches!(place, Place::Level(_)) && !now.contains(watch);
        let old = self
            .by_watch
            .extract_if(.., |watch, place| is_old(watch, place));
        for (watch, _) in old {
            remove(inotify, watch);
        }
        let now = now.into_iter().enumerate();
        self.by_watch
            .extend(now.map(|(level, watch)| (watch, Place::Level(level))));
        Ok(())
    }

    /// Watches the directory that is the entry of `device` now, and no other one for it.
    pub(super) fn follow(&mut self, inotify: &OwnedFd, device: &DeviceName) -> io::Result<()> {
        let now = add(inotify, &self.registry.join(device.as_str()), CONTENT)?;
        let before = match now {
            Some(watch) => {
                let place = Place::Entry(device.clone());
                self.by_watch.insert(watch, place);
                self.entries.insert(device.clone(), watch)
            }
            None => self.entries.remove(device),
        };
        // The directory of before may be another device's by now, which goes on to watch it.
        if let Some(before) = before.filter(|before| now != Some(*before))
            && self.by_watch.get(&before) == Some(&Place::Entry(device.clone()))
        {
            self.by_watch.remove(&before);
            remove(inotify, before);
        }
        Ok(())
    }

    /// What an event is about.
    pub(super) fn note(
        &mut self,
        watch: i32,
        flags: ReadFlags,
        name: Option<&[u8]>,
        touched: &mut Touched,
    ) {
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            touched.everything = true;
            return;
        }
        if flags.contains(ReadFlags::IGNORED) {
            self.ended(watch, touched);
            return;
        }
        // No place: of a watch that was removed meanwhile.
        let (Some(place), Some(name)) = (self.by_watch.get(&watch), name) else {
            return;
        };
        match place {
            Place::Level(level) => match self.levels.get(level + 1) {
                Some(next) if next.file_name() != Some(OsStr::from_bytes(name)) => {}
                Some(_) => touched.everything = true,
                None => touched.devices.extend(parse::<DeviceName>(name)),
            },
            Place::Entry(device) => {
                if parse::<AttrName>(name).is_some() {
                    touched.devices.insert(device.clone());
                }
            }
        }
    }

    /// The watch is no more, because the directory is none or its file system was unmounted.
    fn ended(&mut self, watch: i32, touched: &mut Touched) {
        match self.by_watch.remove(&watch) {
            None => {}
            Some(Place::Level(_)) => touched.everything = true,
            Some(Place::Entry(device)) => {
                if self.entries.get(&device) == Some(&watch) {
                    self.entries.remove(&device);
                }
                touched.devices.insert(device);
            }
        }
    }
}

fn parse<T: std::str::FromStr>(name: &[u8]) -> Option<T> {
    str::from_utf8(name).ok()?.parse().ok()
}

/// Watches the directory `path`, or `None` if there is none. One that is watched already has the
/// same number again.
fn add(inotify: &OwnedFd, path: &Path, flags: WatchFlags) -> io::Result<Option<i32>> {
    match inotify::add_watch(inotify, path, flags) {
        Ok(watch) => Ok(Some(watch)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(e) => Err(explained(e)),
    }
}

fn remove(inotify: &OwnedFd, watch: i32) {
    // One that ended by itself meanwhile is as good.
    let _ = inotify::remove_watch(inotify, watch);
}

/// The limits of inotify hide behind the errors of other things.
fn explained(error: Errno) -> io::Error {
    let reason = match error {
        Errno::MFILE => {
            "too many inotify instances or open files: \
             raise the sysctl fs.inotify.max_user_instances, or the limit of open files"
        }
        Errno::NOSPC => "too many inotify watches: raise the sysctl fs.inotify.max_user_watches",
        _ => return error.into(),
    };
    io::Error::new(io::Error::from(error).kind(), reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_named() {
        for (errno, named) in [
            (Errno::MFILE, "fs.inotify.max_user_instances"),
            (Errno::NOSPC, "fs.inotify.max_user_watches"),
            (Errno::ACCESS, "Permission denied"),
        ] {
            let shown = explained(errno).to_string();
            assert!(shown.contains(named), "{shown}");
        }
    }

    #[test]
    fn only_names_that_matter_touch_anything() {
        let mut places = Places::new(Path::new("/run/nvme/registry"));
        let levels = (0..).zip(0..LEVELS);
        places
            .by_watch
            .extend(levels.map(|(watch, level)| (watch, Place::Level(level))));
        let device = DeviceName::from_number(3);
        places.by_watch.insert(9, Place::Entry(device.clone()));
        places.entries.insert(device.clone(), 9);
        let mut note = |watch, flags, name: &str| {
            let mut touched = Touched::default();
            let name = Some(name).filter(|name| !name.is_empty());
            places.note(watch, flags, name.map(str::as_bytes), &mut touched);
            let devices: Vec<String> = touched.devices.iter().map(ToString::to_string).collect();
            (touched.everything, devices.join(" "))
        };
        let (nothing, all) = ((false, String::new()), (true, String::new()));
        let three = (false, "nvme3".to_owned());
        let moved = ReadFlags::MOVED_TO;
        for (watch, name, touched) in [
            (0, "run", &all),
            (0, "nvme", &nothing),
            (1, "nvme", &all),
            (1, "systemd", &nothing),
            (2, "registry", &all),
            (2, "registry.lock", &nothing),
            (3, "nvme3", &three),
            (3, ".nvme3.tmp.abcdef", &nothing),
            (3, ".trash.abcdef", &nothing),
            (3, "null", &nothing),
            (3, "", &nothing),
            (9, "owner", &three),
            (9, "owner.tmp.abcdef", &nothing),
            (8, "owner", &nothing),
        ] {
            assert_eq!(note(watch, moved, name), *touched, "{watch} `{name}`");
        }
        assert_eq!(note(-1, ReadFlags::QUEUE_OVERFLOW, ""), all);
        assert_eq!(note(8, ReadFlags::IGNORED, ""), nothing);
        assert_eq!(note(9, ReadFlags::IGNORED, ""), three);
        assert_eq!(note(9, ReadFlags::IGNORED, ""), nothing, "once");
        assert_eq!(note(1, ReadFlags::IGNORED, ""), all);
        assert_eq!(places.devices().next(), None);
    }
}
