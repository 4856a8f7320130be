//! Changes of the exclusion files as inputs.
//!
//! Watched are the folders, not the files: `/etc` for `nvme`, `/etc/nvme` for the default list and
//! the two folders, the folders for their lists, and, where one of these is a symbolic link, the
//! folders that it leads through. Any of them may be missing, come, go, be renamed or replaced at
//! any time. What exactly changed does not matter, because all files are read again; so a lost
//! event, an overflow and a removed watch are all "something changed".

mod places;

use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

use discoverd_core::Event;
use nvmf::Root;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags};
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tracing::{error, info};

use crate::inputs::{Input, Inputs, put};
use crate::ready;
use places::Folder;

/// The watched folders.
#[derive(Debug)]
pub(crate) struct Watch {
    inotify: OwnedFd,
    etc: PathBuf,
    watched: BTreeMap<i32, Folder>,
    problems: Vec<String>,
}

/// After these a watch may not be where it should be, or events may be missing.
const UNSETTLED: ReadFlags = ReadFlags::QUEUE_OVERFLOW
    .union(ReadFlags::IGNORED)
    .union(ReadFlags::DELETE_SELF)
    .union(ReadFlags::MOVE_SELF)
    .union(ReadFlags::UNMOUNT);

/// After these, of a name that matters, other folders may matter.
const STRUCTURE: ReadFlags = ReadFlags::CREATE
    .union(ReadFlags::DELETE)
    .union(ReadFlags::MOVED_FROM)
    .union(ReadFlags::MOVED_TO)
    .union(ReadFlags::ATTRIB);

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
            problems: Vec::new(),
        };
        watch.arm();
        Ok(watch)
    }

    /// Takes what the kernel has to say; whether exclusions may have changed.
    ///
    /// # Errors
    /// `WouldBlock`: nothing (more) to read.
    pub(crate) fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let (mut changed, mut rearm) = (false, false);
        loop {
            let event = reader.next()?;
            let flags = event.events();
            let overflow = flags.contains(ReadFlags::QUEUE_OVERFLOW);
            if let Some(folder) = self.watched.get(&event.wd()) {
                let concerns = event.file_name().is_some_and(|name| folder.concerns(name));
                let unsettled = flags.intersects(UNSETTLED);
                changed |= concerns || unsettled;
                rearm |= unsettled || concerns && flags.intersects(STRUCTURE);
            } else if overflow {
                (changed, rearm) = (true, true);
            }
            if reader.is_buffer_empty() {
                break;
            }
        }
        if rearm {
            self.arm();
        }
        Ok(changed)
    }

    /// What is not watched and should be, one line each.
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Watches what is there, and no longer what was renamed or replaced. Adding a watch that
    /// exists gives the same number again.
    fn arm(&mut self) {
        let (now, problems) = places::watch(&self.inotify, &self.etc);
        for wd in self.watched.keys().filter(|wd| !now.contains_key(wd)) {
            // one that went by itself meanwhile is as good
            let _ = inotify::remove_watch(&self.inotify, *wd);
        }
        self.watched = now;
        self.problems = problems;
    }
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.inotify.as_raw_fd()
    }
}

/// Has the watch look at everything again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Again(Arc<Notify>);

impl Again {
    /// Puts [`Event::ExclusionsTouched`], after whatever can be watched now is watched.
    pub(crate) fn look(&self) {
        self.0.notify_one();
    }
}

/// Forwards changes as [`Event::ExclusionsTouched`] and what cannot be watched as
/// [`Input::Unwatched`], on a task of its own.
///
/// # Errors
/// The watch cannot be awaited.
pub(crate) fn forward(watch: Watch, inputs: Inputs) -> io::Result<Again> {
    let mut told = Vec::new();
    tell(&watch, &mut told, &inputs);
    let mut watch = ready::readable(watch)?;
    let again = Again::default();
    let asked = again.clone();
    tokio::spawn(async move {
        let error = loop {
            let changed = tokio::select! {
                changed = next(&mut watch) => changed,
                () = asked.0.notified() => {
                    watch.get_mut().arm();
                    Ok(true)
                }
            };
            match changed {
                Ok(true) => put(&inputs, Event::ExclusionsTouched),
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error,
            }
            tell(watch.get_ref(), &mut told, &inputs);
        };
        let why = format!("cannot watch the exclusion files: {error}");
        put(&inputs, Input::Fatal(why));
    });
    Ok(again)
}

/// Waits for the kernel to say something; whether exclusions may have changed.
async fn next(watch: &mut AsyncFd<Watch>) -> io::Result<bool> {
    let mut guard = watch.readable_mut().await?;
    let read = guard.try_io(|watch| watch.get_mut().read());
    // the other way to say that there was nothing
    read.unwrap_or(Ok(false))
}

/// Tells what cannot be watched, if that is new.
fn tell(watch: &Watch, told: &mut Vec<String>, inputs: &Inputs) {
    if told.as_slice() == watch.problems() {
        return;
    }
    *told = watch.problems().to_vec();
    for problem in &*told {
        error!("{problem}");
    }
    if told.is_empty() {
        info!("all exclusion files are watched again");
    }
    put(inputs, Input::Unwatched(told.clone()));
}

#[cfg(test)]
mod tests;
