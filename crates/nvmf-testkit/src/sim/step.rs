//! What can happen, and in which order: at random, from a seed.

use super::name::{ALL, FC, Name, Names, TCP_DCS};
use super::random::Random;
use super::target::{MODES, Mode};

/// Tools that look after controllers, besides us. The empty one: a person, who registers nothing.
/// `nbft`: what dracut connects.
pub(super) const OTHERS: [&str; 4] = ["", "stas", "csi", "nbft"];

/// One thing that happens. Numbers are taken modulo what there is, so that a schedule from which
/// steps were dropped is still one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something that is under way goes one step further: a worker, the connector, an event on its
    /// way to the daemon.
    Work(u16),
    /// Milliseconds go by, and timers fire when they are due.
    Pass(u32),
    /// The machine slept for so many milliseconds: timers fire late.
    Jump(u32),
    /// A target changes its ways.
    Behaves(Name, Mode),
    /// A target begins or ceases to lie.
    Lies(Name),
    /// A log page changes.
    Page(Name, Names),
    /// The log page changes that is being read, if one is.
    PageMeanwhile(u16, Names),
    /// A controller loses its target. No event.
    Lose(u16),
    /// A controller that lost its target, or was being made, is live.
    Revive(u16),
    /// A controller goes: somebody disconnected it, or the kernel gave up.
    Remove(u16),
    /// Another tool connects something; registered or not (index into `OTHERS`), stamped or not;
    /// half: the first connect is still under way.
    Connect(Name, u8, bool, bool),
    /// Another tool claims a controller that nobody owns.
    Claim(u16, u8),
    /// A controller's owner, whoever it is, lets it go.
    Release(u16),
    /// The configuration is edited, and the daemon told to read it.
    Config(Names),
    /// The configuration is edited badly.
    BadConfig,
    /// The boot tables name something else, and the daemon is told to read them.
    Boot(Names),
    /// What mDNS names changes.
    Services(Names),
    /// What the Fibre Channel ports see changes.
    Fabric(Names),
    /// The network comes up.
    Network,
    /// Somebody asks for an attempt now: at that connection, or at all.
    RetryNow(Option<Name>),
    /// The daemon's own settings change: hours, minutes, minutes.
    Settings(u8, u8, u8),
    /// The exclusion files are edited.
    Exclude(Names),
    /// Uevents are lost.
    Overflow,
    /// The registry cannot be written any more, or can again.
    Registry,
    /// systemd does not answer any more, or does again.
    Bus,
    /// The daemon dies, and is started again.
    Daemon,
    /// The connector dies, and is started again when asked.
    Connector,
    /// systemd takes no units any more.
    Shutdown,
}

impl Step {
    /// The next step of a sequence in which the kinds of the bits of `never` do not happen.
    pub(super) fn random(random: &mut Random, never: u64) -> Self {
        let step = Self::any(random);
        match step.kind() {
            Some(kind) if never >> kind & 1 == 1 => Self::Work(wide(random)),
            _ => step,
        }
    }

    /// What kind of trouble it is.
    const fn kind(self) -> Option<u8> {
        Some(match self {
            Self::Work(_) | Self::Pass(_) | Self::Remove(_) | Self::Behaves(..) => return None,
            Self::Jump(_) => 0,
            Self::Lies(_) => 1,
            Self::Page(..) => 2,
            Self::PageMeanwhile(..) => 3,
            Self::Lose(_) => 4,
            Self::Revive(_) => 5,
            Self::Connect(..) => 6,
            Self::Claim(..) => 7,
            Self::Release(_) => 8,
            Self::Config(_) => 9,
            Self::BadConfig => 10,
            Self::Boot(_) => 11,
            Self::Services(_) => 12,
            Self::Fabric(_) => 13,
            Self::Network => 14,
            Self::RetryNow(_) => 15,
            Self::Settings(..) => 16,
            Self::Exclude(_) => 17,
            Self::Overflow => 18,
            Self::Registry => 19,
            Self::Bus => 20,
            Self::Daemon => 21,
            Self::Connector => 22,
            Self::Shutdown => 23,
        })
    }

    fn any(random: &mut Random) -> Self {
        let name = |random: &mut Random| Name::nth(number(random));
        let dc = |random: &mut Random| Name::dc(number(random));
        match random.below(1_000) {
            0..480 => Self::Work(wide(random)),
            480..555 => Self::Pass(duration(random)),
            555..559 => Self::Jump(duration(random)),
            559..610 => Self::Behaves(name(random), mode(random)),
            610..615 => Self::Lies(dc(random)),
            615..655 => Self::Page(dc(random), names(random)),
            655..670 => Self::PageMeanwhile(wide(random), names(random)),
            670..695 => Self::Lose(wide(random)),
            695..730 => Self::Revive(wide(random)),
            730..780 => Self::Remove(wide(random)),
            780..820 => {
                let who = number(random);
                let how = random.below(8);
                Self::Connect(name(random), who, how & 3 != 0, how & 4 != 0)
            }
            820..840 => Self::Claim(wide(random), number(random)),
            840..850 => Self::Release(wide(random)),
            850..868 => Self::Config(names(random)),
            868..873 => Self::BadConfig,
            873..880 => Self::Boot(few(random)),
            880..892 => Self::Services(names(random).and(TCP_DCS)),
            892..906 => Self::Fabric(names(random).and(FC)),
            906..914 => Self::Network,
            914..918 => Self::RetryNow((random.below(2) == 0).then(|| name(random))),
            918..922 => {
                let hours = random.pick(&[0, 1, 72], 72);
                Self::Settings(hours, random.pick(&[0, 15], 15), random.pick(&[0, 30], 0))
            }
            922..950 => Self::Exclude(few(random)),
            950..960 => Self::Overflow,
            960..968 => Self::Registry,
            968..976 => Self::Bus,
            976..986 => Self::Daemon,
            986..997 => Self::Connector,
            _ if random.below(20) == 0 => Self::Shutdown,
            _ => Self::Work(wide(random)),
        }
    }
}

/// Any set: each name with even odds.
pub(super) fn names(random: &mut Random) -> Names {
    Names(u16::try_from(random.below(1 << ALL)).unwrap_or(0))
}

pub(super) fn few(random: &mut Random) -> Names {
    Names(names(random).0 & names(random).0 & names(random).0)
}

fn number(random: &mut Random) -> u8 {
    u8::try_from(random.below(256)).unwrap_or(0)
}

fn wide(random: &mut Random) -> u16 {
    u16::try_from(random.below(1 << 16)).unwrap_or(0)
}

fn mode(random: &mut Random) -> Mode {
    if random.below(3) == 0 {
        Mode::Up
    } else {
        random.pick(&MODES, Mode::Up)
    }
}

fn duration(random: &mut Random) -> u32 {
    let most = random.pick(&[500, 3_000, 3_000, 60_000, 400_000, 10_000_000], 500);
    u32::try_from(random.below(most)).unwrap_or(0)
}
