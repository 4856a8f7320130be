//! How fast controllers are connected and disconnected: `nvmf` beside `nvme`, and beside what the
//! kernel alone needs.
//!
//! What is compared takes turns within one run, and everything is a process, so that its start
//! counts alike. Only ratios mean something: the machine is emulated.
#![expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]

mod bare;
mod daemon;
mod many;
mod silent;
mod usage;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::files::OrFail;
use crate::host::{self, DISCOVERY_NQN};
use crate::target::Target;
use crate::{LATER, World};

pub use bare::{delete_all, write_lines};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The command, by hand.
    Command,
    /// nvme-discoverd.
    Daemon,
}

/// How much is compared.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Only this; `None`: everything.
    pub only: Option<Part>,
    /// Rounds of each comparison.
    pub rounds: usize,
    /// Subsystems that are connected; the daemon connects four times as many, too.
    pub subsystems: usize,
}

/// Times of one contestant.
#[derive(Debug, Default)]
struct Times(Vec<Duration>);

impl Times {
    fn median(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// To `other`'s.
    fn ratio(&self, other: &Self) -> f64 {
        self.median().as_secs_f64() / other.median().as_secs_f64()
    }

    fn print(&self, name: &str) {
        let all: Vec<String> = self.0.iter().map(|it| format!("{it:.2?}")).collect();
        println!(
            "{name:32} median {:8.2?}  ({})",
            self.median(),
            all.join(" ")
        );
    }
}

/// Where the programs are that are compared.
const PROGRAMS: &str = "/usr/local/bin";

/// Compares; the exit status tells whether all goals were met.
#[must_use]
pub fn run(plan: &Plan) -> ExitCode {
    install();
    let world = World::new("bench");
    let wanted = |part: Part| plan.only.is_none_or(|only| only == part);
    let mut met = true;
    if wanted(Part::Command) {
        let target =
            Target::tcp("127.0.0.1", 8009).empty_subsystems("nqn.2026-11.bench:", plan.subsystems);
        met &= connects(&world, &target, plan.rounds);
        met &= silent::compare(&world, &target, plan.rounds);
    }
    if wanted(Part::Daemon) {
        let counts = [plan.subsystems, 4 * plan.subsystems];
        met &= daemon::compare(&world, &counts, plan.rounds);
        many::show(&world);
    }
    match met {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Connect-all and disconnect-all, of the kernel alone, of `nvmf` and of `nvme`.
fn connects(world: &World, target: &Target, rounds: usize) -> bool {
    println!("{} subsystems, {rounds} rounds", target.nqns().len());
    let lines = bare::lines(target);
    let options = target.options();
    let (mut bare, mut nvmf, mut nvme) = (Times::default(), Times::default(), Times::default());
    let (mut deletes, mut disconnects, mut theirs) =
        (Times::default(), Times::default(), Times::default());
    // The first one loads modules and fills caches.
    for round in 0..=rounds {
        let this = format!("{PROGRAMS}/nvmf-bench");
        let mut turns = [
            (
                &mut bare,
                &mut deletes,
                [&this[..], "--write", &lines],
                [&this[..], "--delete"],
            ),
            (
                &mut nvmf,
                &mut disconnects,
                ["nvmf", "connect-all", "--quiet"],
                ["nvmf", "disconnect-all"],
            ),
            (
                &mut nvme,
                &mut theirs,
                ["nvme", "connect-all", "--quiet"],
                ["nvme", "disconnect-all"],
            ),
        ];
        turns.rotate_left(round % 3);
        for (connect, disconnect, connecting, disconnecting) in turns {
            let mut connecting: Vec<&str> = connecting.to_vec();
            if connecting.contains(&"connect-all") {
                connecting.extend(options.iter().map(String::as_str));
            }
            let connected = time(&connecting);
            expect(world, target.nqns().len());
            settle();
            let disconnected = time(&disconnecting);
            expect(world, 0);
            settle();
            if round > 0 {
                connect.0.push(connected);
                disconnect.0.push(disconnected);
            }
        }
    }
    bare.print("connect: bare writes");
    nvmf.print("connect: nvmf connect-all");
    nvme.print("connect: nvme connect-all");
    deletes.print("disconnect: bare deletes");
    disconnects.print("disconnect: nvmf disconnect-all");
    theirs.print("disconnect: nvme disconnect-all");
    println!("nvmf connect-all to nvme's: {:.2}", nvmf.ratio(&nvme));
    println!(
        "nvmf disconnect-all to nvme's: {:.2}",
        disconnects.ratio(&theirs)
    );
    goal("nvmf connect-all to bare writes", nvmf.ratio(&bare), 1.1)
        & goal(
            "nvmf disconnect-all to bare deletes",
            disconnects.ratio(&deletes),
            1.1,
        )
}

/// Copies `nvmf` and this program to where `nvme` is, too: the disk. The folder that they come in is
/// shared with the host, and from there the start of a program takes long.
fn install() {
    let this = std::env::current_exe().or_fail("find this program");
    let folder = this.parent().or_fail("find this program's folder");
    for name in ["nvmf", "nvmf-bench"] {
        let from = folder.join(name);
        let to = Path::new(PROGRAMS).join(name);
        fs::copy(&from, to).or_fail(format_args!("copy `{}`", from.display()));
    }
}

/// Runs a program to its end; how long that took.
#[track_caller]
fn time(arguments: &[&str]) -> Duration {
    let started = Instant::now();
    let output = run_program(arguments);
    let taken = started.elapsed();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    taken
}

#[track_caller]
fn run_program(arguments: &[&str]) -> std::process::Output {
    let (program, rest) = arguments.split_first().or_fail("have a program");
    let installed = Path::new(PROGRAMS).join(program);
    let program = match installed.exists() {
        true => installed.as_path(),
        false => Path::new(program),
    };
    let output = Command::new(program).args(rest).output();
    output.or_fail(format_args!("run `{}`", program.display()))
}

/// Waits until nothing but so many I/O controllers is there.
fn expect(world: &World, count: usize) {
    let found = world.try_wait("all are there", LATER, || {
        let controllers = host::controllers();
        controllers.len() == count && controllers.iter().all(|it| it.nqn != DISCOVERY_NQN)
    });
    if let Err(timed_out) = found {
        panic!(
            "{timed_out}: {count} controllers: {:?}",
            host::controllers()
        );
    }
}

/// Lets udev finish, so that nobody pays for another's events.
fn settle() {
    // Without udev there is nothing to wait for.
    let _ = Command::new("udevadm").arg("settle").status();
}

/// Prints a ratio and whether it is within its goal.
fn goal(what: &str, ratio: f64, most: f64) -> bool {
    let met = ratio <= most;
    println!("{what}: {ratio:.2}, goal {most}: {}", verdict(met));
    met
}

/// The word for whether a goal was met.
const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// Prints what silent targets cost the others, and whether that is within its goal.
fn goal_beside_silent(alone: &Times, beside: &Times) -> bool {
    let more = beside.median().saturating_sub(alone.median());
    let met = more <= Duration::from_secs(3);
    println!("more with them: {more:.2?}, goal 3 s: {}", verdict(met));
    met
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).or_fail(format_args!("write `{}`", path.display()));
}
