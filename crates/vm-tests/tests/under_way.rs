//! Between a controller and its entry: nobody takes it for nobody's, and nobody makes it twice.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use nvmf_testkit::fake::{FakeDiscovery, FakeLog};
use nvmf_testkit::host::DISCOVERY_NQN;
use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, Moment, OrFail, World, registry};

const NQN: &str = "nqn.2026-11.way:1";

/// Connects, and disconnect-all beside them, that are enough.
const ENOUGH: usize = 25;

#[test]
fn disconnect_all_leaves_what_is_about_to_be_registered() {
    let world = World::new("disconnect_all_leaves_what_is_about_to_be_registered");
    let target = Target::tcp("127.0.0.1", 4420).subsystem(NQN);
    for moment in [Moment::Connected, Moment::EntryBegun] {
        let mut connect = target.connect_arguments(NQN);
        connect.push("--owner=me".to_owned());
        let stopped = world.nvmf_stopped_at(moment, &connect);
        let said = world.nvmf(&["disconnect-all"]).expect_success();
        assert!(said.contains("still being connected"), "{moment:?}: {said}");
        assert!(stopped.is_stopped());
        stopped.go_on().expect_success();
        let made = world.controller(NQN);
        assert!(made.is_live() && made.is_owned_by("me"), "{made}");
        world.nvmf(&["disconnect", "-n", NQN]).expect_success();
    }
}

#[test]
fn no_owner_loses_a_controller_to_disconnect_all() {
    let world = World::new("no_owner_loses_a_controller_to_disconnect_all");
    let target = Target::tcp("127.0.0.1", 4420).empty_subsystems("nqn.2026-11.many:", 4);
    let rounds = AtomicUsize::new(0);
    let sweeps = AtomicUsize::new(0);
    let enough = || rounds.load(SeqCst) >= ENOUGH && sweeps.load(SeqCst) >= ENOUGH;
    thread::scope(|scope| {
        for nqn in target.nqns() {
            let (target, rounds, enough) = (&target, &rounds, &enough);
            scope.spawn(move || {
                while !enough() {
                    connect_for_an_owner(target, nqn);
                    rounds.fetch_add(1, SeqCst);
                }
            });
        }
        while !enough() {
            world.nvmf(&["disconnect-all"]).expect_success();
            sweeps.fetch_add(1, SeqCst);
        }
    });
    world.note(format_args!(
        "{} owned connects beside {} disconnect-all",
        rounds.into_inner(),
        sweeps.into_inner()
    ));
}

/// Connects for an owner, finds it there, and disconnects it.
fn connect_for_an_owner(target: &Target, nqn: &str) {
    let mut connect = target.connect_arguments(nqn);
    connect.push("--owner=me".to_owned());
    nvmf(&connect);
    nvmf(&["disconnect", "-n", nqn]);
}

#[test]
fn one_connection_is_made_once() {
    let world = World::new("one_connection_is_made_once");
    let tcp = Target::tcp("127.0.0.1", 8009).subsystem(NQN);
    let looped = Target::looped().second_path_to(&tcp);
    let fc = Target::fc().second_path_to(&tcp);
    for (target, nqn) in [
        (&tcp, NQN),
        (&tcp, DISCOVERY_NQN),
        (&looped, NQN),
        (&fc, NQN),
    ] {
        let mut connect = target.connect_arguments(nqn);
        connect.extend(["--idempotent".to_owned(), "--owner=me".to_owned()]);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| nvmf(&connect));
            }
        });
        let controllers = world.controllers();
        assert_eq!(controllers.len(), 1, "{nqn}: {controllers:?}");
        world.nvmf(&["disconnect", "-n", nqn]).expect_success();
    }
}

#[test]
fn what_a_killed_connect_leaves_is_nobodys() {
    let world = World::new("what_a_killed_connect_leaves_is_nobodys");
    let target = Target::tcp("127.0.0.1", 4420).subsystem(NQN);
    let mut connect = target.connect_arguments(NQN);
    connect.push("--owner=me".to_owned());
    let stopped = world.nvmf_stopped_at(Moment::Connected, &connect);
    drop(stopped);
    // What is waited for in vain is kept.
    let said = world.nvmf(&["disconnect-all"]).expect_success();
    assert!(said.contains("disconnected 1 controller"), "{said}");
    world.nvmf(&["registry", "gc"]).expect_success();
    let left = std::fs::read_dir("/run/nvme/connecting").unwrap().count();
    assert_eq!(left, 0, "marks that are left");
}

/// A discovery controller that does not answer the Connect command, and a process that connects
/// it; returns when the kernel has a controller for that.
fn connect_aloof(world: &World) -> (FakeDiscovery, Child) {
    world.run("modprobe", &["nvme-tcp"]).expect_success();
    let log = FakeLog {
        aloof: true,
        ..FakeLog::default()
    };
    let fake = FakeDiscovery::start(log).or_fail("start a fake");
    let child = start_connect(fake.port());
    world.wait_for("the kernel is at it", LATER, || {
        world.controllers().len() == 1
    });
    (fake, child)
}

fn start_connect(port: u16) -> Child {
    let port = format!("--trsvcid={port}");
    let connect = [
        "connect",
        "-t",
        "tcp",
        "-a",
        "127.0.0.1",
        "-n",
        DISCOVERY_NQN,
    ];
    let child = Command::new("nvmf")
        .args(connect)
        .args([&port, "--owner=me"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    child.or_fail("start nvmf")
}

/// Stops it as Ctrl-C does.
fn interrupt(world: &World, child: &Child) {
    let pid = child.id().to_string();
    world.run("kill", &["-INT", &pid]).expect_success();
}

/// Waits until its next line, which says this.
fn says(child: &mut Child, what: &str) {
    let stderr = child.stderr.as_mut().or_fail("read its stderr");
    let mut said = String::new();
    BufReader::new(stderr)
        .read_line(&mut said)
        .or_fail("read a line");
    assert!(said.contains(what), "{said}");
}

/// It says so when it has heard of it; only then may the target answer.
fn hears_of_it(child: &mut Child) {
    says(child, "cannot be interrupted");
}

#[test]
fn a_first_connect_cannot_be_broken_off() {
    let world = World::new("a_first_connect_cannot_be_broken_off");
    let (fake, mut child) = connect_aloof(&world);
    let device = world.controllers()[0].device.clone();
    let said = world.nvmf(&["disconnect-all"]).expect_success();
    let kept = format!("kept 1 controller, still being connected: {device}");
    assert!(said.contains(&kept), "{said}");
    let said = world.nvmf(&["disconnect", "-d", &device]).expect_failure(1);
    assert!(said.contains("first connect is still under way"), "{said}");
    interrupt(&world, &child);
    hears_of_it(&mut child);
    drop(fake);
    let status = child.wait().or_fail("wait for nvmf");
    assert_eq!(status.code(), Some(130));
    assert_eq!(world.controllers(), []);
}

#[test]
fn a_connect_that_was_stopped_leaves_nothing() {
    let world = World::new("a_connect_that_was_stopped_leaves_nothing");
    let (fake, mut child) = connect_aloof(&world);
    interrupt(&world, &child);
    hears_of_it(&mut child);
    fake.set_log(FakeLog::default());
    let status = child.wait().or_fail("wait for nvmf");
    assert_eq!(status.code(), Some(130));
    assert_eq!(world.controllers(), []);
    assert!(registry::all().is_empty(), "{:?}", registry::all());
}

#[test]
fn who_waits_for_another_can_be_stopped_at_once() {
    let world = World::new("who_waits_for_another_can_be_stopped_at_once");
    let (fake, mut first) = connect_aloof(&world);
    let mut second = start_connect(fake.port());
    says(&mut second, "another process");
    interrupt(&world, &second);
    let status = second.wait().or_fail("wait for the second");
    assert_eq!(status.signal(), Some(2), "{status}");
    assert!(first.try_wait().is_ok_and(|it| it.is_none()));
    interrupt(&world, &first);
    hears_of_it(&mut first);
    fake.set_log(FakeLog::default());
    let status = first.wait().or_fail("wait for the first");
    assert_eq!(status.code(), Some(130));
    assert_eq!(world.controllers(), []);
}

/// Runs `nvmf` on a thread of its own, which has no world.
fn nvmf(arguments: &[impl AsRef<OsStr> + Debug]) {
    let output = Command::new("nvmf").args(arguments).output();
    let output = output.expect("nvmf runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}
