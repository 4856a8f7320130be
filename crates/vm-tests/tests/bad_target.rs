//! Targets that lie, refuse or stay silent: the others are not to suffer.
#![expect(
    clippy::print_stdout,
    reason = "the figures are for the reader of the log"
)]

use std::time::{Duration, Instant};

use nvmf_testkit::fake::{FakeDiscovery, FakeLog, FakeRecord, RefusingPort, SilentTarget};
use nvmf_testkit::host::DISCOVERY_NQN;
use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, SOON, World};

#[test]
fn a_log_page_that_lies_about_numrec_is_refused() {
    for numrec in [3, 1_000_000, u64::MAX] {
        let world = World::new(&format!("a log page that claims {numrec} records"));
        let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.honest:", 1);
        let records = vec![FakeRecord::subsystem("nqn.2026-11.liar:1", 4420)];
        let log = FakeLog {
            genctr: 1,
            numrec: Some(numrec),
            records,
            ..FakeLog::default()
        };
        let liar = FakeDiscovery::start(log).unwrap();
        let section = format!(
            "[Discovery Controller]\ncontroller = {}\n",
            liar.controller()
        );
        world.config(&(section + &target.as_subsystems()));
        world.start();
        world.wait_connected(target.nqns(), SOON);
        world.wait_for("the status says what is wrong", SOON, || {
            let error = world.status().connection(DISCOVERY_NQN, "last-error");
            error.is_some_and(|error| error.contains(&numrec.to_string()))
        });
        let kib = world.peak_memory_kib();
        assert!(kib < 64 * 1024, "the daemon took {kib} KiB");
        let port = liar.port().to_string();
        let discover = [
            "discover",
            "-t",
            "tcp",
            "-a",
            "127.0.0.1",
            "-s",
            &port,
            "--no-reuse",
        ];
        let said = world.nvmf(&discover).expect_failure(1);
        assert!(said.contains(&numrec.to_string()), "{said}");
    }
}

#[test]
fn a_log_page_that_never_rests_is_given_up_for_now() {
    let world = World::new("a_log_page_that_never_rests_is_given_up_for_now");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.rest:", 1);
    let records = vec![FakeRecord::subsystem("nqn.2026-11.rest:1", 4420)];
    let log = FakeLog {
        genctr: 1,
        numrec: None,
        records,
        restless: true,
        ..FakeLog::default()
    };
    let fake = FakeDiscovery::start(log.clone()).unwrap();
    world.config(&format!(
        "[Discovery Controller]\ncontroller = {}\n",
        fake.controller()
    ));
    world.daemon_config("[Global]\nretry-max = 2\n");
    world.start();
    world.wait_for("the status says what is wrong", SOON, || {
        world
            .status()
            .connection(DISCOVERY_NQN, "last-error")
            .is_some()
    });
    assert!(world.controllers().iter().all(|it| it.is_discovery()));
    fake.set_log(FakeLog {
        restless: false,
        ..log
    });
    world.wait_connected(target.nqns(), LATER);
}

#[test]
fn a_target_that_refuses_is_tried_again() {
    let world = World::new("a_target_that_refuses_is_tried_again");
    let good = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.good:", 2);
    let refusing = RefusingPort::take();
    let (port, nqn) = (refusing.port(), "nqn.2026-11.refused:1");
    let section = format!(
        "[Subsystem]\nnqn = {nqn}\ncontroller = {}\n",
        refusing.controller()
    );
    world.config(&(section + &good.as_subsystems()));
    world.daemon_config("[Global]\nretry-max = 4\n");
    world.start();
    world.wait_connected(good.nqns(), SOON);
    world.wait_for("the status says why it is not connected", SOON, || {
        let status = world.status();
        let error = status.connection(nqn, "last-error").unwrap_or_default();
        status.state(nqn) == "retrying" && error.contains("refused")
    });
    assert_eq!(
        world.controllers_made(),
        2,
        "what refuses does not get to the kernel"
    );
    drop(refusing);
    let target = Target::tcp("127.0.0.1", port).subsystem(nqn);
    world.wait_connected(target.nqns(), LATER);
}

#[test]
fn a_silent_target_holds_up_nobody() {
    let world = World::new("a_silent_target_holds_up_nobody");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.five:", 5);
    let silent = SilentTarget::start();
    let nqn = "nqn.2026-11.silent:1";
    let section = format!(
        "[Subsystem]\nnqn = {nqn}\ncontroller = {}\n",
        silent.controller()
    );
    world.config(&(section + &target.as_subsystems()));
    // One attempt takes that long: whoever is held up by it is late, and so he is if the kernel has it.
    world.daemon_config("[Global]\nprobe-timeout-ms = 20000\n");
    let error = || world.status().connection(nqn, "last-error");
    let started = Instant::now();
    world.start();
    world.wait_for("the silent target is being tried", SOON, || {
        silent.taken() > 0
    });
    world.wait_connected(target.nqns(), LATER);
    println!("five subsystems: {:.2?}", started.elapsed());
    assert_eq!(error(), None, "its first attempt is under way still");
    Answers::measure(&world).check();
    world.wait_for("the status says why it is not connected", LATER, || {
        error().is_some_and(|it| it.contains("silent"))
    });
}

/// Medians of what `nvmf status` and the mere start of the program take.
struct Answers {
    status: Duration,
    start: Duration,
}

impl Answers {
    /// Runs both in turns, so that both see the same machine.
    fn measure(world: &World) -> Self {
        let (mut status, mut start) = (Vec::new(), Vec::new());
        for _ in 0..9 {
            status.push(world.nvmf(&["status"]).taken);
            start.push(world.nvmf(&["--version"]).taken);
        }
        let median = |mut runs: Vec<Duration>| {
            runs.sort();
            runs.into_iter().nth(4).unwrap_or_default()
        };
        Self {
            status: median(status),
            start: median(start),
        }
    }

    /// The whole command takes 100 ms at most. The start of a program costs about 15 ms under
    /// emulation, and the command as much as two or three of them; where it costs more than 20 ms,
    /// others use the machine, and everything costs as much more.
    fn check(&self) {
        let Self { status, start } = self;
        println!("nvmf status: {status:.1?}, of which the start of the program {start:.1?}");
        let bound = Duration::from_millis(100).max(*start * 5);
        assert!(*status < bound, "{status:.1?} instead of {bound:.1?}");
    }
}
