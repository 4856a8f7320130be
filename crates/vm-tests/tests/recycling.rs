//! A controller goes and another one gets its number, before udev has handled the first one's end.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use nvmf_testkit::host::Controller;
use nvmf_testkit::target::Target;
use nvmf_testkit::{World, registry};

const NQN: &str = "nqn.2026-11.recycled:1";

const OURS: &str = "70-nvmf-reap.rules";
const OTHERS: &str = "71-nvmf-test.rules";

/// Removes by name, whosever entry that is by now.
const NAIVE: &str = r#"ACTION=="remove", SUBSYSTEM=="nvme", KERNEL=="nvme[0-9]*", RUN+="/bin/rm -rf /run/nvme/registry/%k""#;

/// nvme-cli 3.0's: it tests, and then removes by name.
const PEERS: &str = r#"ACTION=="remove", SUBSYSTEM=="nvme", KERNEL=="nvme[0-9]*", RUN+="/bin/sh /run/nvmf-test-peer %k $env{SEQNUM}""#;

/// The program of [`PEERS`]. It puts what it removes aside instead, by one rename of the same name,
/// so that one can see what it was.
const PEERS_PROGRAM: &str = r#"
entry=/run/nvme/registry/$1
[ -d "$entry" ] || exit 0
if [ -e "/dev/$1" ]; then
    written=$(cat "$entry/seqnum" 2>/dev/null)
    [ "${written:-0}" -ge "$2" ] && exit 0
fi
mv -T "$entry" "/run/nvmf-test-removed/$2"
"#;

const REMOVED: &str = "/run/nvmf-test-removed";

/// With udev's handling of the first one's end still to come: a controller goes, and another one,
/// which `connect` makes, gets its number.
fn recycle(world: &World, first: &Controller, connect: impl FnOnce()) -> Controller {
    // Whoever looks at the first one now could hold its number.
    world.settle();
    world.while_udev_waits(|| {
        first.delete();
        assert!(world.controllers().is_empty());
        connect();
        let second = world.controller(NQN);
        assert_eq!(second.device, first.device, "the number is used again");
        assert_ne!(second.ino, first.ino, "by another one");
        second
    })
}

fn owned(world: &World, target: &Target, owner: &str) -> Controller {
    world
        .nvmf_connect(target, NQN, &["--owner", owner])
        .expect_success();
    let controller = world.controller(NQN);
    assert!(controller.is_owned_by(owner), "{controller}");
    controller
}

fn recycled_with_owners(name: &str, prepare: impl FnOnce(&World)) -> bool {
    let world = World::new(name);
    prepare(&world);
    let target = Target::tcp("127.0.0.1", 4420).subsystem(NQN);
    let first = owned(&world, &target, "first");
    let second = recycle(&world, &first, || {
        owned(&world, &target, "second");
    });
    registry::says(&second.device, second.ino, "second")
}

#[test]
fn the_successors_entry_stays() {
    assert!(recycled_with_owners("the_successors_entry_stays", |_| {}));
}

#[test]
fn a_naive_rule_destroys_the_successors_entry() {
    let kept = recycled_with_owners("a_naive_rule_destroys_the_successors_entry", naive_rule);
    assert!(!kept, "what the other tests are about is not produced");
}

#[test]
fn beside_nvme_clis_rule_the_successors_entry_stays() {
    let name = "beside_nvme_clis_rule_the_successors_entry_stays";
    assert!(recycled_with_owners(name, peers_rule));
}

#[test]
fn an_entry_without_a_stamp_goes_with_its_controller_only() {
    let world = World::new("an_entry_without_a_stamp_goes_with_its_controller_only");
    let target = Target::tcp("127.0.0.1", 4420).subsystem(NQN);
    let connect = || {
        world.nvme_connect(&target, NQN);
        world.controller(NQN)
    };
    let write = |controller: &Controller| registry::write_as_nvme_cli(controller, "stas");

    let mut controller = connect();
    write(&controller);
    controller = recycle(&world, &controller, || write(&connect()));
    let said = world.nvmf(&["registry", "retrieve", &controller.device, "-a", "owner"]);
    assert_eq!(said.expect_success(), "stas\n", "the second one's entry");

    controller = recycle(&world, &controller, || {
        connect();
    });
    let entry = registry::entry(&controller.device);
    assert!(!entry.exists(), "the second one's entry names the third");

    write(&controller);
    controller.delete();
    world.settle();
    assert!(!entry.exists(), "its controller is gone, and no other came");
}

#[test]
fn a_remove_event_of_no_removal_reaps_nothing() {
    let world = World::new("a_remove_event_of_no_removal_reaps_nothing");
    let target = Target::tcp("127.0.0.1", 4420).subsystem(NQN);
    world.nvme_connect(&target, NQN);
    let controller = world.controller(NQN);
    registry::write_as_nvme_cli(&controller, "stas");
    let trigger = ["trigger", "--action=remove", "--subsystem-match=nvme"];
    world.run("udevadm", &trigger).expect_success();
    world.settle();
    assert!(world.controller(NQN).is_owned_by("stas"));
}

#[test]
fn in_two_hundred_rounds_no_entry_is_lost() {
    let world = World::new("in_two_hundred_rounds_no_entry_is_lost");
    assert_eq!(rounds(&world, 200).lost(&world), [0; 0]);
}

#[test]
fn a_naive_rule_loses_entries_in_rounds() {
    let world = World::new("a_naive_rule_loses_entries_in_rounds");
    naive_rule(&world);
    let rounds = world.while_udev_waits(|| rounds(&world, 8));
    assert_ne!(rounds.lost(&world), [0; 0], "rounds recycle no number");
}

#[test]
fn beside_nvme_clis_rule_no_entry_is_lost_by_ours() {
    let world = World::new("beside_nvme_clis_rule_no_entry_is_lost_by_ours");
    peers_rule(&world);
    let lost = rounds(&world, 48).lost(&world);
    let of_peer = removed_by_peer();
    for ino in lost {
        assert!(
            of_peer.contains(&ino),
            "{ino} was not nvme-cli's: {of_peer:?}"
        );
    }
}

fn naive_rule(world: &World) {
    world.rules(OURS, "");
    world.rules(OTHERS, NAIVE);
}

fn peers_rule(world: &World) {
    let _ = fs::remove_dir_all(REMOVED);
    fs::create_dir(REMOVED).expect("a place for what goes");
    fs::write("/run/nvmf-test-peer", PEERS_PROGRAM).expect("its program");
    world.rules(OTHERS, PEERS);
}

/// The incarnations whose entries nvme-cli's rule removed.
fn removed_by_peer() -> Vec<u64> {
    let stamp = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("sysfs-ino")).ok()?;
        text.trim().parse().ok()
    };
    let entries = fs::read_dir(REMOVED).expect("what went");
    entries.flatten().filter_map(stamp).collect()
}

/// How many connect and disconnect at once, each with four controllers of its own.
const TOOLS: usize = 2;

/// A controller that one of them made.
struct Made {
    device: String,
    ino: u64,
    owner: String,
}

/// What became of the entries.
struct Rounds {
    /// Kept until the last look at its controllers.
    _target: Target,
    /// The incarnations whose entries were lost while they lived.
    lost: Vec<u64>,
    /// The controllers at the end.
    left: Vec<Made>,
}

/// Disconnects and connects so many times, with no pause.
fn rounds(world: &World, count: usize) -> Rounds {
    let target = Target::tcp("127.0.0.1", 4420).empty_subsystems("nqn.2026-11.rounds:", 4 * TOOLS);
    world.without_modprobe();
    let started = Instant::now();
    let of_tools: Vec<_> = thread::scope(|scope| {
        let tools = target.nqns().chunks(4).enumerate().map(|(number, nqns)| {
            let (target, owner) = (&target, format!("tool{number}"));
            scope.spawn(move || tool(target, nqns, &owner, count / TOOLS))
        });
        let tools: Vec<_> = tools.collect();
        let end = |tool: ScopedJoinHandle<'_, _>| tool.join().expect("a tool's end");
        tools.into_iter().map(end).collect()
    });
    world.note(format_args!(
        "{count} rounds took {:.1?}",
        started.elapsed()
    ));
    let (lost, left): (Vec<_>, Vec<_>) = of_tools.into_iter().unzip();
    Rounds {
        _target: target,
        lost: lost.concat(),
        left: left.into_iter().flatten().collect(),
    }
}

impl Rounds {
    /// The incarnations whose entries were lost while they lived, when udev is done.
    fn lost(mut self, world: &World) -> Vec<u64> {
        world.settle();
        let gone = self.left.iter().filter(|it| !it.has_entry());
        self.lost.extend(gone.map(|it| it.ino));
        world.note(format_args!("{} entries were lost", self.lost.len()));
        self.lost
    }
}

/// Has one controller of each subsystem, and replaces one after the other.
fn tool(
    target: &Target,
    nqns: &[String],
    owner: &str,
    rounds: usize,
) -> (Vec<u64>, VecDeque<Made>) {
    let mut lost = Vec::new();
    let mut made: VecDeque<Made> = nqns
        .iter()
        .map(|nqn| Made::new(target, nqn, owner))
        .collect();
    for nqn in nqns.iter().cycle().take(rounds) {
        let oldest = made.pop_front().expect("the oldest one");
        // Long after it was made: whoever removes late has done so.
        if !oldest.has_entry() {
            lost.push(oldest.ino);
        }
        let delete = format!("/sys/class/nvme/{}/delete_controller", oldest.device);
        fs::write(delete, "1").expect("disconnect it");
        made.push_back(Made::new(target, nqn, owner));
    }
    (lost, made)
}

impl Made {
    fn new(target: &Target, nqn: &str, owner: &str) -> Self {
        let connect = Command::new("nvmf")
            .args(target.connect_arguments(nqn))
            .args(["--owner", owner])
            .output()
            .expect("run nvmf");
        assert!(connect.status.success(), "{connect:?}");
        let said = String::from_utf8_lossy(&connect.stdout);
        let device = said.trim().rsplit(' ').next().unwrap_or_default();
        let sysfs = Path::new("/sys/class/nvme").join(device);
        Self {
            device: device.to_owned(),
            ino: fs::metadata(sysfs).expect("the controller").ino(),
            owner: owner.to_owned(),
        }
    }

    fn has_entry(&self) -> bool {
        registry::says(&self.device, self.ino, &self.owner)
    }
}
