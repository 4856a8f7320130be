//! `nvmf connect-all`: everything that discovery controllers name, on a real kernel.

mod over;
mod terminal;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nvmf_testkit::fake::{FakeDiscovery, FakeLog, FakeRecord, RefusingPort, SilentTarget};
use nvmf_testkit::host::{Controller, DISCOVERY_NQN};
use nvmf_testkit::target::Target;
use nvmf_testkit::{OrFail, SOON, World};

/// `nvmf connect-all`, or another command, with the options that lead to a target.
fn at(command: &str, target: &Target, further: &[&str]) -> Vec<String> {
    let mut arguments = vec![command.to_owned()];
    arguments.extend(target.options());
    arguments.extend(further.iter().map(|&it| it.to_owned()));
    arguments
}

fn at_port(command: &str, port: u16, further: &[&str]) -> Vec<String> {
    let port = port.to_string();
    let leading = [command, "-t", "tcp", "-a", "127.0.0.1", "-s", &port];
    let all = leading.iter().chain(further);
    all.map(|&it| it.to_owned()).collect()
}

fn nqns(world: &World) -> BTreeSet<String> {
    world.controllers().into_iter().map(|it| it.nqn).collect()
}

fn expect_connected(world: &World, targets: &[&Target]) {
    let wanted = targets.iter().flat_map(|target| target.nqns().to_vec());
    assert_eq!(nqns(world), wanted.collect(), "{:?}", world.controllers());
    assert!(world.controllers().iter().all(Controller::is_live));
}

#[test]
fn two_discovery_controllers_and_a_subsystem_of_the_configuration() {
    let world = World::new("two_discovery_controllers_and_a_subsystem_of_the_configuration");
    let one = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.one:", 2);
    let two = Target::tcp("192.0.2.1", 8010).subsystems("nqn.2026-11.two:", 2);
    let three = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.three:", 1);
    world.config(
        &(one.as_discovery_controller() + &two.as_discovery_controller() + &three.as_subsystems()),
    );
    let said = world
        .nvmf(&["connect-all", "--owner", "me"])
        .expect_success();
    assert!(said.ends_with("5 connected, 2 asked\n"), "{said}");
    expect_connected(&world, &[&one, &two, &three]);
    assert!(world.controllers().iter().all(|it| it.is_owned_by("me")));

    let before = world.controllers();
    let again = world.nvmf(&["connect-all"]).expect_success();
    assert!(again.ends_with("2 asked, 5 already connected\n"), "{again}");
    assert!(again.contains("owned by me"), "{again}");
    assert_eq!(world.controllers(), before);
}

#[test]
fn of_the_old_discovery_conf() {
    let world = World::new("of_the_old_discovery_conf");
    let one = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.one:", 1);
    let two = Target::tcp("192.0.2.1", 8010).subsystems("nqn.2026-11.two:", 1);
    let lines = "# two\n-t tcp -a 127.0.0.1 -s 8009\n--transport=tcp --traddr=192.0.2.1 -s 8010\n";
    world.etc("discovery.conf", lines);
    let said = world.nvmf(&["connect-all"]).expect_success();
    assert!(said.ends_with("2 connected, 2 asked\n"), "{said}");
    expect_connected(&world, &[&one, &two]);
}

#[test]
fn a_ring_of_referrals() {
    let world = World::new("a_ring_of_referrals");
    let target =
        |port| Target::tcp("127.0.0.1", port).subsystem(&format!("nqn.2026-11.ring:{port}"));
    let (three, two) = (target(8011), target(8010));
    let one = target(8009).refer_to(&two);
    two.add_referral(&three);
    three.add_referral(&one);
    let said = world.nvmf(&at("connect-all", &one, &[])).expect_success();
    assert!(said.ends_with("3 connected, 3 asked\n"), "{said}");
    expect_connected(&world, &[&one, &two, &three]);

    let shown = world
        .nvmf(&at("discover", &one, &["--referrals"]))
        .expect_success();
    for nqn in nqns(&world) {
        assert_eq!(shown.matches(&format!("{nqn}\n")).count(), 1, "{shown}");
    }
    let only = world.nvmf(&at("discover", &one, &[])).expect_success();
    assert!(!only.contains("nqn.2026-11.ring:8010\n"), "{only}");
    assert!(world.controllers().iter().all(|it| !it.is_discovery()));
}

#[test]
fn an_excluded_entry_is_left_out() {
    let world = World::new("an_excluded_entry_is_left_out");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.some:", 2);
    let entry = "nqn=nqn.2026-11.some:1";
    world
        .nvmf(&["exclusion", "add", "-e", entry])
        .expect_success();
    let said = world
        .nvmf(&at("connect-all", &target, &[]))
        .expect_success();
    assert!(said.contains("by /etc/nvme/exclusions.conf:"), "{said}");
    assert!(
        said.ends_with("1 connected, 1 asked, 1 excluded\n"),
        "{said}"
    );
    assert_eq!(nqns(&world), ["nqn.2026-11.some:2".to_owned()].into());
}

#[test]
fn a_discovery_controller_of_another_is_skipped() {
    let world = World::new("a_discovery_controller_of_another_is_skipped");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.theirs:", 1);
    world
        .nvmf_connect(&target, DISCOVERY_NQN, &["--owner", "stas"])
        .expect_success();
    let theirs = world.controllers();
    let said = world
        .nvmf(&at("connect-all", &target, &[]))
        .expect_failure(1);
    assert!(said.contains("is owned by stas, skipped"), "{said}");
    world.config(&target.as_discovery_controller());
    let said = world.nvmf(&["connect-all"]).expect_success();
    assert!(said.ends_with("1 foreign\n"), "{said}");
    assert_eq!(world.controllers(), theirs);

    let mine = at("connect-all", &target, &["--no-reuse"]);
    world.nvmf(&mine).expect_success();
    assert_eq!(world.controllers().len(), 2, "theirs and the subsystem");
}

fn start(arguments: &[String]) -> Child {
    Command::new("nvmf")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .or_fail("start nvmf")
}

/// The lines of a command's stderr with the time since its start, its exit status and stdout.
fn timed(arguments: &[String]) -> (Vec<(Duration, String)>, Option<i32>, String) {
    let started = Instant::now();
    let mut child = start(arguments);
    let stderr = BufReader::new(child.stderr.take().or_fail("take stderr"));
    let lines = stderr.lines().map_while(Result::ok);
    let lines = lines.map(|line| (started.elapsed(), line)).collect();
    let output = child.wait_with_output().or_fail("wait for nvmf");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    (lines, output.status.code(), stdout)
}

/// Three seconds; more by what others use of the machine: the start of a program takes about 15 ms
/// under emulation, where nobody else does.
fn three_seconds(world: &World) -> Duration {
    let start = world.nvmf(&["--version"]).taken;
    Duration::from_secs(3).mul_f64((start.as_secs_f64() / 0.02).max(1.0))
}

#[test]
fn silent_and_refusing_targets_are_told_of_within_three_seconds_and_hold_up_nobody() {
    let world = World::new("silent_and_refusing_targets");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.good:", 8);
    let (silent, refusing) = (SilentTarget::start(), RefusingPort::take());
    let bad = |number: usize, controller: &str| {
        format!("[Subsystem]\nnqn = nqn.2026-11.bad:{number}\ncontroller = {controller}\n")
    };
    let good = target.as_discovery_controller();
    world.config(&good);
    let started = Instant::now();
    world.nvmf(&["connect-all"]).expect_success();
    let alone = started.elapsed();
    expect_connected(&world, &[&target]);
    world.nvmf(&["disconnect-all"]).expect_success();

    world.config(&(bad(1, &silent.controller()) + &bad(2, &refusing.controller()) + &good));
    let started = Instant::now();
    let (lines, status, stdout) = timed(&["connect-all".to_owned()]);
    let beside = started.elapsed();
    assert_eq!(status, Some(1), "{stdout}");
    assert!(
        stdout.ends_with("8 connected, 1 asked, 2 failed\n"),
        "{stdout}"
    );
    for expected in ["the target is silent", "the target refuses"] {
        let told = lines.iter().find(|(_, line)| line.contains(expected));
        let (after, line) = told.or_fail(format_args!("find `{expected}` in {lines:?}"));
        world.note(format_args!("{after:.2?}: {line}"));
        assert!(*after < three_seconds(&world), "{after:?}: {line}");
    }
    world.note(format_args!("{alone:.2?} alone, {beside:.2?} beside them"));
    let bound = alone + three_seconds(&world);
    assert!(beside < bound, "{beside:?} instead of {alone:?}");
    expect_connected(&world, &[&target]);
}

#[test]
fn a_target_that_dies_in_the_middle_takes_nobody_along() {
    let world = World::new("a_target_that_dies_in_the_middle_takes_nobody_along");
    let mut dying = Target::tcp("127.0.0.1", 8009).empty_subsystems("nqn.2026-11.dying:", 24);
    let good = Target::tcp("127.0.0.1", 8010).subsystems("nqn.2026-11.good:", 4);
    world.config(&(dying.as_discovery_controller() + &good.as_discovery_controller()));
    let child = start(&["connect-all".to_owned()]);
    world.wait_for("some of its subsystems are connected", SOON, || {
        nqns(&world).iter().any(|nqn| nqn.contains("dying"))
    });
    dying.disable();
    let output = child.wait_with_output().or_fail("wait for nvmf");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stderr.contains("nqn.2026-11.dying:"), "{stderr}");
    for nqn in good.nqns() {
        assert!(world.controller(nqn).is_live(), "{stdout}");
    }
    assert!(world.controllers().iter().all(|it| !it.is_discovery()));
}

#[test]
fn the_same_controllers_as_nvme() {
    let world = World::new("the_same_controllers_as_nvme");
    let two = Target::tcp("127.0.0.1", 8010).subsystems("nqn.2026-11.two:", 2);
    let one = Target::tcp("127.0.0.1", 8009)
        .subsystems("nqn.2026-11.one:", 3)
        .refer_to(&two);
    let set = || -> BTreeSet<(String, String)> {
        let without_source = |address: &str| {
            let fields = address.split(',').filter(|it| !it.starts_with("src_addr"));
            fields.collect::<Vec<_>>().join(",")
        };
        let controllers = world.controllers().into_iter();
        controllers
            .map(|it| (it.nqn, without_source(&it.address)))
            .collect()
    };
    for further in [&[][..], &["--persistent"]] {
        world.run("nvme", &at("connect-all", &one, further));
        let theirs = set();
        assert!(theirs.len() >= 5, "{theirs:?}");
        world.nvmf(&["disconnect-all"]).expect_success();
        world
            .nvmf(&at("connect-all", &one, further))
            .expect_success();
        assert_eq!(set(), theirs, "{further:?}");
        world.nvmf(&["disconnect-all"]).expect_success();
    }
}

#[test]
fn what_stays_by_the_flags_of_the_self_entry() {
    let world = World::new("what_stays_by_the_flags_of_the_self_entry");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.kept:", 1);
    let kept = |arguments: &[String]| {
        world.nvmf(arguments).expect_success();
        let controllers = world.controllers();
        let dc = controllers.iter().find(|it| it.is_discovery()).cloned();
        world.nvmf(&["disconnect-all"]).expect_success();
        dc
    };
    // Linux's target has a self entry, and never says that it supports it.
    for (further, stays) in [
        (&[][..], false),
        (&["-p=no"], false),
        (&["-p=auto"], false),
        (&["-p"], true),
        (&["-p=force"], true),
    ] {
        let dc = kept(&at("connect-all", &target, further));
        assert_eq!(dc.is_some(), stays, "{further:?}: {dc:?}");
    }
    for (own, stays) in [(Some(0), false), (Some(2), true), (None, true)] {
        let fake = FakeDiscovery::start(FakeLog::default()).or_fail("start a fake");
        let own = own.map(|eflags| FakeRecord::own(fake.port(), eflags));
        fake.set_log(FakeLog {
            genctr: 1,
            records: own.into_iter().collect(),
            ..FakeLog::default()
        });
        let dc = kept(&at_port("connect-all", fake.port(), &["-p=auto"]));
        assert_eq!(dc.is_some(), stays, "{dc:?}");
    }
}

#[test]
fn one_that_stays_is_kept_alive_and_asked_again() {
    let world = World::new("one_that_stays_is_kept_alive_and_asked_again");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.kept:", 1);
    world
        .nvmf(&at("connect-all", &target, &["-p"]))
        .expect_success();
    let controllers = world.controllers();
    let dc = controllers.iter().find(|it| it.is_discovery());
    let dc = dc.or_fail("find the discovery controller").clone();
    let kato = format!("/sys/class/nvme/{}/kato", dc.device);
    let kato = std::fs::read_to_string(kato).or_fail("read kato");
    assert_eq!(kato.trim(), "30", "0 would be dropped after 120 s");

    // as udev's rule for events of a discovery controller has it
    world.run("nvmf", &["disconnect", "-n", "nqn.2026-11.kept:1"]);
    let device = format!("--device={}", dc.device);
    let rule = [
        "--context=autoconnect",
        "--quiet",
        &device,
        "--host-traddr=none",
        "--host-iface=none",
    ];
    let said = world
        .nvmf(&at("connect-all", &target, &rule))
        .expect_success();
    assert_eq!(said, "");
    let controllers = world.controllers();
    assert_eq!(controllers.len(), 2);
    assert!(controllers.contains(&dc), "the same one was asked");
    let said = world
        .nvmf(&["connect-all", "-d", &dc.device])
        .expect_success();
    assert!(said.ends_with("2 already connected\n"), "{said}");
}

#[test]
fn a_page_as_it_is() {
    let world = World::new("a_page_as_it_is");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.raw:", 3);
    let (ours, theirs) = ("/run/page.nvmf", "/run/page.nvme");
    let said = world
        .nvmf(&at("discover", &target, &["-r", ours]))
        .expect_success();
    assert_eq!(said, "");
    world.run("nvme", &at("discover", &target, &["-r", theirs]));
    let read = |path| std::fs::read(path).or_fail(format_args!("read {path}"));
    assert_eq!(read(ours).len(), 1024 * 5);
    assert!(read(ours) == read(theirs), "as nvme writes it");
    assert!(world.controllers().is_empty());
}

/// Configures a discovery controller whose page is waited for in vain, and the target's.
fn configure_beside_a_mute_one(world: &World, target: &Target) -> FakeDiscovery {
    let mute = FakeDiscovery::start(FakeLog {
        mute: true,
        ..FakeLog::default()
    });
    let mute = mute.or_fail("start a fake");
    let section = format!(
        "[Discovery Controller]\ncontroller = {}\n",
        mute.controller()
    );
    world.config(&(section + &target.as_discovery_controller()));
    mute
}

#[test]
fn stopped_by_the_user_it_leaves_nothing_half_made() {
    let world = World::new("stopped_by_the_user_it_leaves_nothing_half_made");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.done:", 1);
    let _mute = configure_beside_a_mute_one(&world, &target);
    let child = start(&["connect-all".to_owned()]);
    world.wait_for("only the mute one is waited for", SOON, || {
        // Two are there before that, too: both discovery controllers.
        let controllers = world.controllers();
        controllers.len() == 2
            && controllers.iter().all(Controller::is_live)
            && controllers.iter().any(|it| !it.is_discovery())
    });
    let pid = child.id().to_string();
    world.run("kill", &["-INT", &pid]).expect_success();
    let stopped = Instant::now();
    let output = child.wait_with_output().or_fail("wait for nvmf");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("interrupted") && said.contains("1 connected"),
        "{said}"
    );
    // Its page would be waited for a minute.
    assert!(stopped.elapsed() < SOON, "{:?}", stopped.elapsed());
    assert_eq!(nqns(&world), ["nqn.2026-11.done:1".to_owned()].into());
}
