//! One of the many processes: it does its operations and says in its log what it was told.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nvmf::Root;
use nvmf::registry::{
    Claim, Entry, Registered, Registry, RegistryError, RegistryErrorKind, Release,
};
use nvmf_types::{DeviceName, Owner};
use rustix::time::{ClockId, clock_gettime};

use crate::host::{attr, device, owner};
use crate::program::{self, NOTES, Op, PAIR, is_whole};
use crate::shell;

const WORK: &str = "NVMF_TEST_CHILD";

/// What a child is to do.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) root: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) seed: u64,
    pub(crate) slot: u64,
    /// The numbers of its operations.
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) manners: Manners,
    /// Whether it is a shell script.
    pub(crate) shell: bool,
}

/// Who else is at work, and how they behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manners {
    /// Our own processes only.
    Alone,
    /// Scripts too; nobody registers a controller as new, which replaces what scripts wrote.
    Orderly,
    /// Scripts that overwrite and delete.
    Wild,
    /// Readers only, beside one writer that replaces the whole entry of `nvme0` again and again.
    Watching,
}

impl Work {
    /// Starts this very program as a child that runs the test below.
    pub(crate) fn start(&self) -> Child {
        if self.shell {
            return shell::start(self);
        }
        let work = format!(
            "{}\n{}\n{}\n{}\n{}\n{}\n{:?}",
            self.root.display(),
            self.log.display(),
            self.seed,
            self.slot,
            self.from,
            self.to,
            self.manners
        );
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::work", "--ignored", "--nocapture"])
            .env(WORK, work)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap()
    }

    fn given() -> Option<Self> {
        let text = std::env::var(WORK).ok()?;
        let fields: Vec<&str> = text.split('\n').collect();
        let number = |field: usize| fields[field].parse().unwrap();
        Some(Self {
            root: fields[0].into(),
            log: fields[1].into(),
            seed: number(2),
            slot: number(3),
            from: number(4),
            to: number(5),
            manners: match fields[6] {
                "Orderly" => Manners::Orderly,
                "Watching" => Manners::Watching,
                _ => Manners::Alone,
            },
            shell: false,
        })
    }
}

#[test]
#[ignore = "it is a child of the other tests"]
fn work() {
    let Some(work) = Work::given() else { return };
    let root = Root::new(&work.root);
    let worker = Worker {
        registry: Registry::open(&root),
        sysfs: work.root.join("sys/class/nvme"),
        watching: work.manners == Manners::Watching,
    };
    let mut log = Log::append(&work.log);
    // A kill must not hide a failure.
    let last_words = work.log.clone();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        Log::append(&last_words).line(&format!("F {panic}").replace('\n', " "));
        hook(panic);
    }));
    for number in work.from..work.to {
        let (name, op) = match work.manners {
            Manners::Watching => ("nvme0".to_owned(), program::reading(number)),
            _ => program::operation(work.seed, work.slot, number),
        };
        if matches!(op, Op::Register(..)) && work.manners == Manners::Orderly {
            log.line(&format!("B {number} {} {name} other", now()));
            log.line(&format!("E {number} {} fine", now()));
            continue;
        }
        let device = device(&name);
        let current = worker.current(&device);
        log.line(&format!(
            "B {number} {} {name} {}",
            now(),
            describe(&op, current)
        ));
        let answer = worker.perform(&device, &op, current).unwrap_or_else(|e| {
            panic!(
                "seed {} slot {} number {number} {op:?}: {e}",
                work.seed, work.slot
            )
        });
        log.line(&format!("E {number} {} {answer}", now()));
    }
}

/// Nanoseconds on the clock that all processes, and `/proc/uptime`, share.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap()
}

/// A log whose lines are whole, or lack their last word.
struct Log(File);

impl Log {
    fn append(path: &Path) -> Self {
        Self(
            OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .unwrap(),
        )
    }

    fn line(&mut self, text: &str) {
        self.0.write_all(format!("{text} .\n").as_bytes()).unwrap();
    }
}

/// What the log says before the operation: as much as an inquest needs.
fn describe(op: &Op, current: Option<u64>) -> String {
    let ino = current.map_or_else(|| "-".to_owned(), |ino| ino.to_string());
    match op {
        Op::Claim(by) => format!("claim {by} -"),
        Op::ClaimOf(by) => format!("claim {by} {}", current.unwrap_or(1)),
        Op::Register(Some(by), _) => format!("register {by} {ino}"),
        Op::Register(None, _) => "note-new".to_owned(),
        Op::Release(by) => format!("release {by}"),
        Op::SetOwner(by) => format!("put {by}"),
        Op::RemoveOwner => "unset".to_owned(),
        Op::Delete => "delete".to_owned(),
        Op::Owner | Op::OwnerAttribute => "read".to_owned(),
        Op::Entries | Op::AllEntries => "list".to_owned(),
        Op::SetNote(..) | Op::RemoveNote(_) | Op::Note(_) | Op::Reap(_) | Op::Collect => {
            "other".to_owned()
        }
    }
}

struct Worker {
    registry: Registry,
    sysfs: PathBuf,
    watching: bool,
}

impl Worker {
    fn current(&self, device: &DeviceName) -> Option<u64> {
        use std::os::unix::fs::MetadataExt;
        let path = self.sysfs.join(device.as_str());
        std::fs::metadata(path).ok().map(|found| found.ino())
    }

    /// Does one operation; the answer as the log has it. Only what can be true is no failure.
    fn perform(
        &self,
        device: &DeviceName,
        op: &Op,
        current: Option<u64>,
    ) -> Result<String, RegistryError> {
        let registry = &self.registry;
        let word = match op {
            Op::Claim(by) => claimed(&registry.claim(device, &owner(by))?),
            Op::ClaimOf(by) => {
                claimed(&registry.claim_of(device, current.unwrap_or(1), &owner(by))?)
            }
            Op::Register(by, value) => self.register(device, current, by.as_deref(), value)?,
            Op::Release(by) => match registry.release(device, &owner(by))? {
                Release::Released => "done".to_owned(),
                Release::NotOwned => saw(None),
                Release::OwnedBy(other) => saw(Some(&other)),
            },
            Op::SetOwner(by) => expected(registry.set(device, &attr("owner"), by))?,
            Op::RemoveOwner => expected(registry.remove(device, &attr("owner")))?,
            Op::Delete => expected(registry.delete(device))?,
            Op::SetNote(note, value) => {
                expected(registry.set(device, &attr(note), value))?;
                "fine".to_owned()
            }
            Op::RemoveNote(note) => {
                expected(registry.remove(device, &attr(note)))?;
                "fine".to_owned()
            }
            Op::Owner => saw(registry.owner(device)?.as_ref()),
            Op::OwnerAttribute => {
                let value = registry.attribute(device, &attr("owner"))?;
                saw(value.as_deref().map(owner).as_ref())
            }
            Op::Note(note) => {
                let value = registry.attribute(device, &attr(note))?;
                assert!(
                    value.as_deref().is_none_or(is_whole),
                    "half a value: {value:?}"
                );
                "fine".to_owned()
            }
            Op::Entries => self.listing(registry.entries()?),
            Op::AllEntries => {
                let entries = registry.all_entries()?;
                assert!(
                    !self.watching || !entries.is_empty(),
                    "no entry for an instant"
                );
                self.listing(entries)
            }
            Op::Reap(seqnum) => {
                let _ = registry.reap(device, Some(*seqnum))?;
                "fine".to_owned()
            }
            Op::Collect => {
                let _ = registry.collect_garbage()?;
                "fine".to_owned()
            }
        };
        Ok(word)
    }

    /// The owners of the live entries, all of which must be whole.
    fn listing(&self, entries: Vec<Entry>) -> String {
        let mut text = "listed".to_owned();
        for entry in entries {
            assert_whole(&entry);
            if self.watching {
                // written together
                let of = |name: &str| &entry.attributes[name];
                assert!(
                    PAIR.iter().all(|name| of(name) == of("owner")),
                    "torn: {entry:?}"
                );
                assert_eq!(entry.attributes.len(), 5, "torn: {entry:?}");
            }
            if let Some(owner) = entry.attributes.get("owner").filter(|_| !entry.stale) {
                text.push_str(&format!(" {}={owner}", entry.device));
            }
        }
        text
    }

    fn register(
        &self,
        device: &DeviceName,
        current: Option<u64>,
        by: Option<&str>,
        value: &str,
    ) -> Result<String, RegistryError> {
        let Some(ino) = current else {
            return Ok("not-it".to_owned());
        };
        let notes = PAIR.map(|name| (attr(name), value.to_owned()));
        let by = by.map(owner);
        match self
            .registry
            .register(device, ino, None, by.as_ref(), &notes)
        {
            Ok(Registered::Owned) => Ok("done".to_owned()),
            Ok(Registered::Unowned) => Ok(saw(None)),
            Ok(Registered::OwnedBy(other)) => Ok(saw(Some(&other))),
            Err(e) if matches!(e.kind, RegistryErrorKind::NoSuchController(_)) => {
                Ok("not-it".to_owned())
            }
            Err(e) => Err(e),
        }
    }
}

fn claimed(claim: &Claim) -> String {
    match claim {
        Claim::Granted => "granted".to_owned(),
        Claim::AlreadyMine => "mine".to_owned(),
        Claim::OwnedBy(other) => saw(Some(other)),
        Claim::NoSuchController => "gone".to_owned(),
    }
}

fn saw(owner: Option<&Owner>) -> String {
    let Some(owner) = owner else {
        return "saw -".to_owned();
    };
    assert!(is_whole(owner.as_str()), "half an owner: {owner}");
    format!("saw {owner}")
}

/// That there is nothing to change is an answer, too.
fn expected(result: Result<(), RegistryError>) -> Result<String, RegistryError> {
    let Err(e) = result else {
        return Ok("done".to_owned());
    };
    match e.kind {
        RegistryErrorKind::NoSuchController(_) => Ok("absent".to_owned()),
        RegistryErrorKind::NoSuchEntry(_) | RegistryErrorKind::NoSuchAttribute(_) => {
            Ok("saw -".to_owned())
        }
        _ => Err(e),
    }
}

/// Every value is whole.
fn assert_whole(entry: &Entry) {
    for (name, value) in &entry.attributes {
        let right = match name.as_str() {
            "seqnum" | "sysfs-ino" => value.parse::<u64>().is_ok(),
            name if name == "owner" || NOTES.contains(&name) || PAIR.contains(&name) => {
                is_whole(value)
            }
            _ => false,
        };
        assert!(right, "half a value or a strange one: {name} in {entry:?}");
    }
}
