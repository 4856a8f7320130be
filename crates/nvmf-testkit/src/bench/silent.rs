//! The same with silent targets among them.

use std::time::Instant;

use super::{Times, expect, goal_beside_silent, run_program, settle, time};
use crate::World;
use crate::fake::{FakeDiscovery, FakeLog, FakeRecord, SilentTarget};
use crate::files::OrFail;
use crate::target::Target;

/// Targets that say nothing.
const SILENT: usize = 8;

/// Longest time that `nvme` gets.
const CUT_OFF: &str = "300";

/// A discovery controller names the subsystems, with and without silent targets among them.
pub(super) fn compare(world: &World, target: &Target, rounds: usize) -> bool {
    println!("{SILENT} silent targets among them");
    let silent: Vec<SilentTarget> = (0..SILENT).map(|_| SilentTarget::start()).collect();
    let port = target.trsvcid().parse().or_fail("read the port");
    let nqns = target.nqns().iter();
    let good: Vec<FakeRecord> = nqns.map(|nqn| FakeRecord::subsystem(nqn, port)).collect();
    let mut all = good.clone();
    let distance = good.len() / SILENT + 1;
    for (number, target) in silent.iter().enumerate() {
        let nqn = format!("nqn.2026-11.silent:{number}");
        let at = (number * distance).min(all.len());
        all.insert(at, FakeRecord::subsystem(&nqn, target.port()));
    }
    let without = discovery(good);
    let with = discovery(all);

    let (mut alone, mut beside) = (Times::default(), Times::default());
    for round in 0..=rounds {
        let taken = time(&connect_all("nvmf", without.port()).each());
        disconnect(world, target);
        let started = Instant::now();
        let output = run_program(&connect_all("nvmf", with.port()).each());
        let taken_beside = started.elapsed();
        assert_eq!(output.status.code(), Some(1), "the silent ones fail");
        disconnect(world, target);
        if round > 0 {
            alone.0.push(taken);
            beside.0.push(taken_beside);
        }
    }
    let started = Instant::now();
    let nvme = connect_all("nvme", with.port());
    let mut cut_off = vec!["timeout", "--signal=KILL", CUT_OFF];
    cut_off.extend(nvme.each());
    let status = run_program(&cut_off).status;
    println!(
        "nvme connect-all, once: {:.1?} ({status})",
        started.elapsed()
    );

    alone.print("nvmf connect-all without them");
    beside.print("nvmf connect-all with them");
    goal_beside_silent(&alone, &beside)
}

fn discovery(records: Vec<FakeRecord>) -> FakeDiscovery {
    let log = FakeLog {
        genctr: 1,
        records,
        ..FakeLog::default()
    };
    FakeDiscovery::start(log).or_fail("start a discovery controller")
}

/// The words of a command.
struct Words(Vec<String>);

impl Words {
    fn each(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

fn connect_all(program: &str, port: u16) -> Words {
    let line = format!("{program} connect-all --quiet -t tcp -a 127.0.0.1 -s {port}");
    Words(line.split(' ').map(str::to_owned).collect())
}

fn disconnect(world: &World, target: &Target) {
    expect(world, target.nqns().len());
    settle();
    time(&["nvmf", "disconnect-all"]);
    expect(world, 0);
    settle();
}
