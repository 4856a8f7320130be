//! What can happen, and in which order: at random, from a seed.

use super::name::{ALL, Name, Names};
use super::random::Random;
use super::target::{MODES, Mode};

/// Tools that look after controllers, besides us. The empty one: a person, who registers nothing.
pub(super) const OTHERS: [&str; 3] = ["", "stas", "csi"];

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
    /// The next step of a sequence.
    pub(super) fn random(random: &mut Random) -> Self {
        let name = |random: &mut Random| Name::of(number(random));
        let dc = |random: &mut Random| Name::dc(number(random));
        match random.below(1_000) {
            0..500 => Self::Work(wide(random)),
            500..580 => Self::Pass(duration(random)),
            580..584 => Self::Jump(duration(random)),
            584..640 => Self::Behaves(name(random), mode(random)),
            640..645 => Self::Lies(dc(random)),
            645..700 => Self::Page(dc(random), names(random)),
            700..730 => Self::Lose(wide(random)),
            730..770 => Self::Revive(wide(random)),
            770..825 => Self::Remove(wide(random)),
            825..860 => {
                let who = number(random);
                let how = random.below(8);
                Self::Connect(name(random), who, how & 3 != 0, how & 4 != 0)
            }
            860..880 => Self::Claim(wide(random), number(random)),
            880..890 => Self::Release(wide(random)),
            890..910 => Self::Config(names(random)),
            910..915 => Self::BadConfig,
            915..945 => Self::Exclude(few(random)),
            945..955 => Self::Overflow,
            955..965 => Self::Registry,
            965..975 => Self::Bus,
            975..985 => Self::Daemon,
            985..997 => Self::Connector,
            _ if random.below(20) == 0 => Self::Shutdown,
            _ => Self::Work(wide(random)),
        }
    }
}

/// Any set: each name with even odds.
pub(super) fn names(random: &mut Random) -> Names {
    Names(u16::try_from(random.below(1 << ALL)).unwrap_or(0))
}

fn few(random: &mut Random) -> Names {
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
