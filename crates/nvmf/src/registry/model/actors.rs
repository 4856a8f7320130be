//! Who acts: tools with the production code's operations, and rules that are known to be wrong.

use nvmf_types::{DeviceName, Owner};
use rustix::io::Errno;

use super::steps::{Ask, Reply, Request};
use crate::registry::protocol::{self, New};
use crate::registry::stamp::{OWNER, SEQNUM};
use crate::registry::steps::{Attributes, Existing, Step, Steps};
use crate::registry::{Claim, Registered, Release};

/// A kind of process. Its owner's name tells the processes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Actor {
    /// `nvmf connect --owner`.
    Connect(&'static str),
    /// A tool that claims whatever has this number.
    Claim(&'static str, u32),
    /// A tool that claims it in its own way: no lock, no stamp.
    ForeignClaim(&'static str, u32),
    /// A tool that connects and writes its entry in its own way.
    ForeignConnect(&'static str),
    /// A person who says whose it is.
    Set(&'static str, u32),
    /// The same with another tool.
    ForeignSet(&'static str, u32),
    /// `rm -r` of an entry.
    ForeignDelete(u32),
    /// Somebody who gives up what is this owner's.
    Release(&'static str, u32),
    /// `nvmf disconnect-all`.
    DisconnectAll,
    /// One that goes by the number it looked at.
    DisconnectByName,
    /// One that asks for the owner alone.
    DisconnectUnowned,
    /// Somebody who asks who owns a number.
    Read(u32),
    /// `nvmf registry gc`, at one entry.
    Collect(u32),
    /// udev, with our rule.
    Udev(u32),
    /// udev with `rm -rf`.
    BlindUdev(u32),
    /// udev with a rule that looks whether the device is there before it does the same.
    LookingUdev(u32),
}

/// What it is about, known when it begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Task {
    /// A controller; the uevent number before it was connected.
    Controller {
        number: u32,
        ino: u64,
        since: Option<u64>,
    },
    /// Controllers, as they were found.
    Controllers(Vec<(u32, u64)>),
    /// A removal that the kernel told about.
    Removal { number: u32, seqnum: Option<u64> },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Outcome {
    /// It was told that the controller is its own.
    Owns,
    /// It was told whose the controller is.
    Owner(Option<Owner>),
    /// It was told that the controller is nobody's now.
    GaveUp(&'static str),
    /// It has destroyed the entry of whoever owned it.
    Destroyed,
    /// Nothing to remember.
    Over,
}

impl Actor {
    /// The owner that it acts for.
    pub(super) const fn owner(self) -> Option<&'static str> {
        match self {
            Self::Connect(owner)
            | Self::Claim(owner, _)
            | Self::ForeignClaim(owner, _)
            | Self::Set(owner, _)
            | Self::ForeignSet(owner, _)
            | Self::ForeignConnect(owner) => Some(owner),
            _ => None,
        }
    }

    pub(super) const fn is_foreign(self) -> bool {
        let changes = matches!(self, Self::ForeignSet(..) | Self::ForeignDelete(_));
        changes || matches!(self, Self::ForeignClaim(..) | Self::ForeignConnect(_))
    }

    /// Whether it changes the owner whoever that is.
    pub(super) const fn overrules(self) -> bool {
        let sets = matches!(self, Self::Set(..) | Self::ForeignSet(..));
        let gives_up = matches!(self, Self::Release(..) | Self::ForeignDelete(_));
        sets || gives_up || matches!(self, Self::ForeignConnect(_))
    }

    /// The number that it is about from the beginning.
    pub(super) const fn number(self) -> Option<u32> {
        match self {
            Self::Claim(_, number)
            | Self::ForeignClaim(_, number)
            | Self::Set(_, number)
            | Self::ForeignSet(_, number)
            | Self::ForeignDelete(number)
            | Self::Release(_, number)
            | Self::Collect(number) => Some(number),
            _ => None,
        }
    }

    pub(super) const fn connects(self) -> bool {
        matches!(self, Self::Connect(_) | Self::ForeignConnect(_))
    }

    pub(super) const fn disconnects(self) -> bool {
        let known_as_wrong = matches!(self, Self::DisconnectByName | Self::DisconnectUnowned);
        known_as_wrong || matches!(self, Self::DisconnectAll)
    }

    /// The number whose removals it waits for.
    pub(super) const fn reaps(self) -> Option<u32> {
        match self {
            Self::Udev(number) | Self::BlindUdev(number) | Self::LookingUdev(number) => {
                Some(number)
            }
            _ => None,
        }
    }

    /// What it does, by the steps `on`.
    pub(super) fn run(self, task: &Task, on: &impl Ask) -> Outcome {
        // An interrupted run has no outcome; nobody looks at it.
        self.try_run(task, on).unwrap_or(Outcome::Over)
    }

    fn try_run(self, task: &Task, on: &impl Ask) -> Result<Outcome, Errno> {
        let owner = self.owner().map(|owner| owner.parse::<Owner>().unwrap());
        match (self, task) {
            (Self::Connect(_), Task::Controller { number, ino, since }) => {
                let device = DeviceName::from_number(*number);
                let new = New {
                    device: &device,
                    sysfs_ino: *ino,
                    since: *since,
                };
                let registered = protocol::register(on, new, owner.as_ref(), &Attributes::new());
                Ok(owns(matches!(registered, Ok(Registered::Owned))))
            }
            (Self::Claim(..), Task::Controller { number, ino, .. }) => {
                let device = DeviceName::from_number(*number);
                let owner = owner.unwrap();
                let claim = protocol::claim(on, &device, *ino, &owner);
                Ok(owns(matches!(claim, Ok(Claim::Granted))))
            }
            (Self::Set(..), Task::Controller { number, ino, .. }) => {
                let (device, name) = (DeviceName::from_number(*number), OWNER.parse().unwrap());
                let (owner, value) = (owner.as_ref(), owner.as_ref().unwrap().as_str());
                let set = protocol::set(on, &device, *ino, (&name, value), owner);
                Ok(owns(set.is_ok()))
            }
            (Self::Release(owner, _), Task::Controller { number, .. }) => {
                let device = DeviceName::from_number(*number);
                let released = protocol::release(on, &device, &owner.parse().unwrap());
                Ok(match released {
                    Ok(Release::Released) => Outcome::GaveUp(owner),
                    _ => Outcome::Over,
                })
            }
            (_, Task::Controllers(found)) => {
                for (number, ino) in found {
                    let device = DeviceName::from_number(*number);
                    let hit = match self {
                        Self::DisconnectByName => on.current(&device)?.unwrap_or_default(),
                        _ => *ino,
                    };
                    let is_under_way = || match self {
                        Self::DisconnectUnowned => Ok(false),
                        _ => on.is_under_way(*ino),
                    };
                    let delete = || on.ask(Request::Delete(*number, hit));
                    let goes = |owner: Option<&Owner>| owner.is_none();
                    let _ = protocol::delete_if(on, &device, *ino, goes, is_under_way, delete);
                }
                Ok(Outcome::Over)
            }
            (Self::Read(_), Task::Controller { number, .. }) => {
                let owner = protocol::owner(on, &DeviceName::from_number(*number));
                Ok(owner.map_or(Outcome::Over, Outcome::Owner))
            }
            (Self::Collect(_), Task::Controller { number, .. }) => {
                let _lock = on.lock()?;
                let _ = protocol::remove_if_stale(on, &DeviceName::from_number(*number));
                Ok(Outcome::Over)
            }
            (Self::Udev(_), Task::Removal { number, seqnum }) => {
                let _ = protocol::reap(on, &DeviceName::from_number(*number), *seqnum);
                Ok(Outcome::Over)
            }
            _ => self.run_as_others_do(task, on),
        }
    }

    /// Other tools' ways: some that must be borne with, some that are wrong.
    fn run_as_others_do(self, task: &Task, on: &impl Ask) -> Result<Outcome, Errno> {
        match (self, task) {
            (Self::ForeignDelete(_), Task::Controller { number, .. }) => {
                let hidden = on.hide(&DeviceName::from_number(*number))?;
                Ok(hidden.map_or(Outcome::Over, |_| Outcome::Destroyed))
            }
            (Self::ForeignSet(owner, _), Task::Controller { number, .. }) => {
                let device = DeviceName::from_number(*number);
                let Some(entry) = on.open(&device)? else {
                    return Ok(Outcome::Over);
                };
                let step = on.write(&entry, OWNER, owner, Existing::Replace)?;
                let in_place = on.inode_in_place(&device)? == Some(entry);
                Ok(owns(step == Step::Done && in_place))
            }
            (Self::ForeignClaim(..), Task::Controller { number, .. }) => {
                let device = DeviceName::from_number(*number);
                if on.read_in_place(&device, OWNER)?.is_some() {
                    return Ok(Outcome::Over);
                }
                let built = on.build(&device, &unstamped(on, self))?;
                Ok(owns(on.place(&built, &device)? == Step::Done))
            }
            (Self::ForeignConnect(_), Task::Controller { number, .. }) => {
                let device = DeviceName::from_number(*number);
                let built = on.build(&device, &unstamped(on, self))?;
                if on.exchange(&built, &device)?.is_some() {
                    return Ok(owns(true));
                }
                Ok(owns(on.place(&built, &device)? == Step::Done))
            }
            (Self::BlindUdev(_) | Self::LookingUdev(_), Task::Removal { number, .. }) => {
                let device = DeviceName::from_number(*number);
                if self == Self::BlindUdev(*number) || on.current(&device)?.is_none() {
                    let _ = on.hide(&device)?;
                }
                Ok(Outcome::Over)
            }
            (actor, task) => unreachable!("{actor:?} does not do {task:?}"),
        }
    }
}

/// An entry in the way of a tool that writes no `sysfs-ino`.
fn unstamped(on: &impl Ask, actor: Actor) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.extend(
        actor
            .owner()
            .map(|owner| (OWNER.to_owned(), owner.to_owned())),
    );
    if let Ok(Reply::Inode(Some(seqnum))) = on.ask(Request::Seqnum) {
        attributes.insert(SEQNUM.to_owned(), seqnum.to_string());
    }
    attributes
}

const fn owns(owns: bool) -> Outcome {
    if owns { Outcome::Owns } else { Outcome::Over }
}
