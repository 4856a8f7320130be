//! Targets that appear, refuse, hang and lie; discovery controllers with changing log pages.

use nvmf_types::log_page::{DiscoveryLog, LogEntry, Subtype};

use super::name::{ALL, Name, Names};

/// How a target behaves to who wants to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It lets the host in.
    Up,
    /// The port is closed.
    Refuses,
    /// It answers nothing at all.
    Silent,
    /// It passes a shallow probe, and then the kernel waits for it in vain.
    Hangs,
    /// It does not know the subsystem or the host.
    Rejects,
}

/// All there are.
pub(super) const MODES: [Mode; 5] = [
    Mode::Up,
    Mode::Refuses,
    Mode::Silent,
    Mode::Hangs,
    Mode::Rejects,
];

/// One target.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) mode: Mode,
    /// What its log page names.
    pub(super) page: Names,
    pub(super) generation: u64,
    /// Its generation moves by itself, and some entries are nonsense.
    pub(super) lies: bool,
    /// It supports explicit persistent connections, and says so.
    pub(super) persistent: bool,
}

/// Targets by name.
pub(super) fn targets() -> Vec<Target> {
    let target = |number: u8| Target {
        mode: Mode::Up,
        page: Names::default(),
        generation: 1,
        lies: false,
        persistent: number.is_multiple_of(2),
    };
    (0..ALL).map(target).collect()
}

impl Target {
    /// What a read of the log page gives.
    pub(super) fn log(&mut self, name: Name) -> DiscoveryLog {
        let mut current = name.record();
        current.subtype = Subtype::Current;
        current.eflags = if self.persistent { 2 } else { 0 };
        let mut entries = vec![current];
        entries.extend(self.page.iter().map(Name::record));
        if self.lies {
            self.generation += 1;
            entries.push(LogEntry {
                traddr: "nowhere".to_owned(),
                ..Name::nth(9).record()
            });
        }
        DiscoveryLog {
            genctr: self.generation,
            entries,
            ignored: Vec::new(),
        }
    }
}
