//! The world of one test: configuration, daemon, and what must become true within which time.

mod daemon;
mod etc;
mod neighbour;
mod outcome;
mod report;
mod stopped;
mod terminal;
mod udev;

pub use neighbour::HOST_MODULES;
pub use outcome::{Ran, Status, TimedOut};
pub(crate) use stopped::go_first;
pub use stopped::{Moment, Stopped};
pub use terminal::Terminal;

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::files::OrFail;
use crate::host::{self, Controller};
use crate::target;
use crate::uevent::{Recorder, Uevent};

/// Enough for what should happen at once, on a machine under emulation.
pub const SOON: Duration = Duration::from_secs(30);

/// Enough for what happens after a time limit or a retry.
pub const LATER: Duration = Duration::from_secs(90);

/// How often a condition is looked at although no uevent came: sysfs `state` changes without one.
const GLANCE: Duration = Duration::from_millis(50);

/// One test's world. Making one clears what an earlier test left (targets, controllers,
/// configuration, daemon); dropping it undoes what this one did, and prints what can be known
/// about it if the test failed.
pub struct World {
    name: String,
    since: SystemTime,
    started: Instant,
    uevents: RefCell<Recorder>,
    undo: RefCell<Vec<(String, Undo)>>,
    kept: bool,
}

type Undo = Box<dyn FnOnce()>;

impl World {
    /// An empty world: no configuration, no daemon, no fabrics controller. `name` is printed if
    /// the test fails.
    ///
    /// Make it before the targets: it removes those that it finds.
    #[track_caller]
    #[must_use]
    pub fn new(name: &str) -> Self {
        let world = Self::as_it_is(name);
        world.clear();
        etc::save_or_restore();
        etc::clear();
        world
    }

    /// The world as it is, for a test that goes on after a reboot: nothing is cleared.
    #[track_caller]
    #[must_use]
    pub fn as_it_is(name: &str) -> Self {
        host::assert_guest();
        Self {
            name: name.to_owned(),
            since: SystemTime::now(),
            started: Instant::now(),
            uevents: RefCell::new(Recorder::start().or_fail("listen to uevents")),
            undo: RefCell::default(),
            kept: false,
        }
    }

    /// Waits until a condition is true and says how long that took.
    ///
    /// The condition is looked at after every uevent, and every 50 ms, because the kernel changes
    /// a controller's `state` without telling.
    ///
    /// # Errors
    /// It was not true within `limit`.
    pub fn try_wait(
        &self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut() -> bool,
    ) -> Result<Duration, TimedOut> {
        let started = Instant::now();
        loop {
            if condition() {
                return Ok(started.elapsed());
            }
            if started.elapsed() > limit {
                return Err(TimedOut {
                    what: what.to_owned(),
                    limit,
                });
            }
            self.uevents.borrow_mut().wait(GLANCE);
        }
    }

    /// Like [`Self::try_wait`]; the test fails if it does not come true.
    #[track_caller]
    pub fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        condition: impl FnMut() -> bool,
    ) -> Duration {
        match self.try_wait(what, limit, condition) {
            Ok(taken) => {
                self.note(format_args!("{what} ({taken:.3?})"));
                taken
            }
            Err(timed_out) => panic!("{timed_out}"),
        }
    }

    /// Fails the test if a condition does not stay true for so long.
    #[track_caller]
    pub fn stays(&self, what: &str, long: Duration, mut condition: impl FnMut() -> bool) {
        if self.try_wait("", long, || !condition()).is_ok() {
            panic!("no longer true: {what}");
        }
    }

    /// Waits until all these subsystems have one live controller each that discoverd owns.
    #[track_caller]
    pub fn wait_connected(&self, nqns: &[impl AsRef<str>], limit: Duration) -> Duration {
        let what = format!("{} controllers are live and discoverd's", nqns.len());
        self.wait_for(&what, limit, || {
            let controllers = self.controllers();
            nqns.iter().all(|nqn| {
                let mut of_it = controllers.iter().filter(|it| it.nqn == nqn.as_ref());
                of_it
                    .next()
                    .is_some_and(|it| it.is_live() && it.is_owned_by("discoverd"))
                    && of_it.next().is_none()
            })
        })
    }

    /// The host's fabrics controllers.
    #[must_use]
    pub fn controllers(&self) -> Vec<Controller> {
        host::controllers()
    }

    /// The one controller of a subsystem; the test fails if there is none or more than one.
    #[track_caller]
    #[must_use]
    pub fn controller(&self, nqn: &str) -> Controller {
        let mut all = self.controllers();
        all.retain(|it| it.nqn == nqn);
        assert_eq!(all.len(), 1, "controllers of {nqn}: {all:?}");
        all.remove(0)
    }

    /// The kernel's nvme uevents since the world was made.
    #[must_use]
    pub fn uevents(&self) -> Vec<Uevent> {
        self.uevents.borrow_mut().seen().to_vec()
    }

    /// How many controllers the kernel has made since the world was made, failed attempts included.
    #[must_use]
    pub fn controllers_made(&self) -> usize {
        let made = |event: &&Uevent| event.is_of_controller() && event.action == "add";
        self.uevents().iter().filter(made).count()
    }

    /// Runs `nvmf` with these arguments.
    #[track_caller]
    pub fn nvmf(&self, arguments: &[impl AsRef<str>]) -> Ran {
        self.run("nvmf", arguments)
    }

    /// Runs a program with these arguments to its end.
    #[track_caller]
    pub fn run(&self, program: &str, arguments: &[impl AsRef<str>]) -> Ran {
        let mut command = Command::new(program);
        command
            .args(arguments.iter().map(AsRef::as_ref))
            .env("NO_COLOR", "1");
        let started = Instant::now();
        let output = command.output().or_fail(format_args!("run `{program}`"));
        Ran::new(&command, &output, started.elapsed())
    }

    /// What `nvmf status -o json` says; the test fails if that fails.
    #[track_caller]
    #[must_use]
    pub fn status(&self) -> Status {
        Status::parse(&self.nvmf(&["status", "-o", "json"]).expect_success())
    }

    /// Prints what was measured, with the time since the world was made.
    pub fn note(&self, what: impl std::fmt::Display) {
        eprintln!("[{:7.3}] {what}", self.started.elapsed().as_secs_f64());
    }

    /// Has something done when the world ends, whether the test failed or not, last first.
    pub fn on_end(&self, what: &str, undo: impl FnOnce() + 'static) {
        self.undo
            .borrow_mut()
            .push((what.to_owned(), Box::new(undo)));
    }

    /// Leaves everything as it is instead of undoing it.
    pub fn keep(mut self) {
        self.kept = true;
    }

    /// Removes what is there of daemon, controllers, registry and targets.
    fn clear(&self) {
        self.stop_everything();
        host::disconnect_everything();
        let gone = self.try_wait(
            "no fabrics controller is left",
            Duration::from_secs(75),
            || host::controllers().is_empty(),
        );
        if let Err(timed_out) = gone {
            eprintln!("{timed_out}");
        }
        target::remove_everything();
        empty(Path::new(crate::registry::REGISTRY));
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if thread::panicking() {
            self.report();
        }
        if self.kept {
            return;
        }
        while let Some((_, undo)) = { self.undo.borrow_mut().pop() } {
            undo();
        }
        self.clear();
        etc::save_or_restore();
    }
}

/// Removes all that is in a folder.
fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // Gone already is as good.
        let _ = fs::remove_dir_all(entry.path());
    }
}
