//! The production operations, one step at a time.
//!
//! An operation is run from its beginning with the answers that it got so far. Where it asks for
//! one more, the run is broken off and the question is its next step: so an operation can stop
//! between any two steps without knowing it, and what it does is what the production code does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use nvmf_types::DeviceName;
use rustix::io::{Errno, Result};

use crate::registry::steps::{Attributes, Existing, Step, Steps};

/// A name in the registry's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Name {
    Entry(u32),
    Hidden(u64),
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Request {
    Lock,
    Current(u32),
    Seqnum,
    Open(u32),
    InodeInPlace(u32),
    ReadInPlace(u32, String),
    Build(Attributes),
    Place(u64, u32),
    Exchange(u64, u32),
    Hide(u32),
    Destroy(u64),
    RemoveEmpty(u32),
    Read(u64, String),
    Write(u64, String, String, Existing),
    Take(u64, String),
    Unlink(u64, String),
    StripNotes(u64),
    /// Whether an owner's connect is under way that may have made this incarnation.
    UnderWay(u64),
    /// Disconnect exactly this incarnation.
    Delete(u32, u64),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reply {
    Unit,
    Bool(bool),
    Inode(Option<u64>),
    Text(Option<String>),
    Step(Step),
}

/// Answers questions.
pub(super) trait Ask {
    fn ask(&self, request: Request) -> Result<Reply>;

    /// Set while the lock is held.
    fn locked(&self) -> Rc<Cell<bool>>;

    fn inode_of(&self, request: Request) -> Result<Option<u64>> {
        match self.ask(request)? {
            Reply::Inode(inode) => Ok(inode),
            other => unreachable!("{other:?}"),
        }
    }

    fn is_under_way(&self, ino: u64) -> Result<bool> {
        self.bool(Request::UnderWay(ino))
    }

    fn bool(&self, request: Request) -> Result<bool> {
        match self.ask(request)? {
            Reply::Bool(is) => Ok(is),
            other => unreachable!("{other:?}"),
        }
    }

    fn text(&self, request: Request) -> Result<Option<String>> {
        match self.ask(request)? {
            Reply::Text(text) => Ok(text),
            other => unreachable!("{other:?}"),
        }
    }

    fn step(&self, request: Request) -> Result<Step> {
        match self.ask(request)? {
            Reply::Step(step) => Ok(step),
            other => unreachable!("{other:?}"),
        }
    }
}

/// An operation up to the question that it has no answer for.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    replies: &'a [Reply],
    next: Cell<usize>,
    pending: RefCell<Option<(Request, bool)>>,
    locked: Rc<Cell<bool>>,
}

/// Where a run stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stop<T> {
    /// Before this step; whether it holds the lock.
    Before(Request, bool),
    /// At its end.
    Done(T),
}

/// Runs an operation with the answers that there are.
pub(super) fn replay<T>(replies: &[Reply], run: impl FnOnce(&Replay<'_>) -> T) -> Stop<T> {
    let replay = Replay {
        replies,
        next: Cell::new(0),
        pending: RefCell::new(None),
        locked: Rc::default(),
    };
    let outcome = run(&replay);
    match replay.pending.into_inner() {
        Some((request, locked)) => Stop::Before(request, locked),
        None => Stop::Done(outcome),
    }
}

impl Ask for Replay<'_> {
    fn ask(&self, request: Request) -> Result<Reply> {
        if self.pending.borrow().is_some() {
            return Err(Errno::CANCELED);
        }
        if let Some(reply) = self.replies.get(self.next.get()) {
            self.next.set(self.next.get() + 1);
            return Ok(reply.clone());
        }
        *self.pending.borrow_mut() = Some((request, self.locked.get()));
        Err(Errno::CANCELED)
    }

    fn locked(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.locked)
    }
}

/// The lock, for as long as it lives.
#[derive(Debug)]
pub(in crate::registry) struct Held(Rc<Cell<bool>>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

fn number(device: &DeviceName) -> u32 {
    let digits = device.as_str().trim_start_matches("nvme");
    digits.parse().expect("a small number")
}

impl<A: Ask> Steps for A {
    type Lock = Held;
    type Entry = u64;
    type Hidden = u64;
    type Taken = String;

    fn lock(&self) -> Result<Held> {
        self.ask(Request::Lock)?;
        self.locked().set(true);
        Ok(Held(self.locked()))
    }

    fn lock_existing(&self) -> Result<Option<Held>> {
        self.lock().map(Some)
    }

    fn current(&self, device: &DeviceName) -> Result<Option<u64>> {
        self.inode_of(Request::Current(number(device)))
    }

    fn seqnum(&self) -> Option<u64> {
        self.inode_of(Request::Seqnum).ok().flatten()
    }

    fn open(&self, device: &DeviceName) -> Result<Option<u64>> {
        self.inode_of(Request::Open(number(device)))
    }

    fn inode(&self, entry: &u64) -> u64 {
        *entry
    }

    fn inode_in_place(&self, device: &DeviceName) -> Result<Option<u64>> {
        self.inode_of(Request::InodeInPlace(number(device)))
    }

    fn read_in_place(&self, device: &DeviceName, attribute: &str) -> Result<Option<String>> {
        self.text(Request::ReadInPlace(number(device), attribute.to_owned()))
    }

    fn build(&self, _: &DeviceName, attributes: &Attributes) -> Result<u64> {
        let built = self.inode_of(Request::Build(attributes.clone()))?;
        built.ok_or(Errno::IO)
    }

    fn place(&self, hidden: &u64, device: &DeviceName) -> Result<Step> {
        self.step(Request::Place(*hidden, number(device)))
    }

    fn exchange(&self, hidden: &u64, device: &DeviceName) -> Result<Option<u64>> {
        self.inode_of(Request::Exchange(*hidden, number(device)))
    }

    fn hide(&self, device: &DeviceName) -> Result<Option<u64>> {
        self.inode_of(Request::Hide(number(device)))
    }

    fn destroy(&self, hidden: u64) {
        let _ = self.ask(Request::Destroy(hidden));
    }

    fn remove_empty(&self, device: &DeviceName) -> Result<Step> {
        self.step(Request::RemoveEmpty(number(device)))
    }

    fn read(&self, entry: &u64, attribute: &str) -> Result<Option<String>> {
        self.text(Request::Read(*entry, attribute.to_owned()))
    }

    fn write(&self, entry: &u64, name: &str, value: &str, existing: Existing) -> Result<Step> {
        self.step(Request::Write(
            *entry,
            name.to_owned(),
            value.to_owned(),
            existing,
        ))
    }

    fn take(&self, entry: &u64, attribute: &str) -> Result<Option<(String, Option<String>)>> {
        let text = self.text(Request::Take(*entry, attribute.to_owned()))?;
        Ok(text.map(|text| (text.clone(), Some(text))))
    }

    fn put_back(&self, entry: &u64, taken: String, attribute: &str) -> Result<Step> {
        self.write(entry, attribute, &taken, Existing::Keep)
    }

    fn drop_taken(&self, _: &u64, _: String) {}

    fn unlink(&self, entry: &u64, attribute: &str) -> Result<bool> {
        self.bool(Request::Unlink(*entry, attribute.to_owned()))
    }

    fn strip(&self, entry: &u64) -> Result<()> {
        self.ask(Request::StripNotes(*entry))?;
        self.unlink(entry, crate::registry::stamp::SYSFS_INO)?;
        Ok(())
    }
}
