//! Exclusions that come and go while the daemon runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, OrFail, SOON, World};

/// The subsystem that is excluded, and one that is not.
const NQN: &str = "nqn.2026-11.excluded:1";
const OTHER: &str = "nqn.2026-11.excluded:2";
const ENTRY: &str = "nqn=nqn.2026-11.excluded:1";
const LIST: &str = "[exclusions]\nexclusion = nqn=nqn.2026-11.excluded:1\n";

/// Loses a target quickly, and gives it up quickly.
const IMPATIENT: &str = "[I/O Controller Defaults]\nreconnect-delay = 1\nctrl-loss-tmo = 3\n";
/// Loses a target quickly, and is patient with it.
const PATIENT: &str = "[I/O Controller Defaults]\nreconnect-delay = 2\nctrl-loss-tmo = 600\n";

fn target() -> Target {
    Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.excluded:", 2)
}

fn reason(world: &World, nqn: &str) -> String {
    world.status().connection(nqn, "reason").unwrap_or_default()
}

fn is_excluded(world: &World) -> bool {
    world.status().state(NQN) == "excluded"
}

/// A daemon that tries often, notices quickly, and finds nobody at home.
fn in_vain(name: &str) -> (World, Target) {
    let world = World::new(name);
    let mut target = target();
    target.disable();
    world.config(&target.as_subsystems());
    world.daemon_config("[Global]\nretry-max = 2\nexclusion-soak-ms = 100\n");
    (world, target)
}

#[test]
fn a_script_that_adds_fifty_entries_causes_one_reconciliation() {
    let world = World::new("a_script_that_adds_fifty_entries_causes_one_reconciliation");
    let target = target();
    world.config(&target.as_subsystems());
    // Longer than the machine may pause between two entries.
    world.daemon_config("[Global]\nexclusion-soak-ms = 5000\n");
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let before = world.exclusions_read();
    let script = "for n in $(seq 50); do nvmf exclusion add -n nqn.2026-11.script:$n || exit; done";
    let ran = world.run("sh", &["-c", script]);
    world.note(format_args!("fifty entries in {:.1?}", ran.taken));
    // After ten seconds the daemon reads what is there, although the script is at it still.
    let meanwhile = usize::try_from(ran.taken.as_secs() / 10).or_fail("count");
    let most = before + 1 + meanwhile;
    ran.expect_success();
    world.wait_for("they are read", SOON, || {
        world.journal().contains("exclusions read: 50 entries")
    });
    world.stays("read once", Duration::from_secs(2), || {
        world.exclusions_read() <= most
    });
}

#[test]
fn excluded_while_down_stays_down_until_it_is_no_longer_excluded() {
    let world = World::new("excluded_while_down_stays_down_until_it_is_no_longer_excluded");
    let mut target = target();
    world.config(&(IMPATIENT.to_owned() + &target.as_subsystems()));
    world.daemon_config("[Global]\nretry-max = 10\n");
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let before = world.controllers();
    let place = world.exclude(ENTRY);
    let words = format!("connected, excluded: will not be reconnected ({place})");
    world.wait_for("the status says so", SOON, || reason(&world, NQN) == words);
    assert_eq!(world.controllers(), before, "nothing is disconnected");
    target.disable();
    world.wait_for("the kernel gives all up", LATER, || {
        world.controllers().is_empty()
    });
    target.enable();
    world.wait_connected(&[OTHER], LATER);
    // The one is told of before the other, or after it.
    let words = format!("excluded by {place}");
    world.wait_for("the status says so", SOON, || reason(&world, NQN) == words);
    assert_eq!(world.controllers().len(), 1, "{:?}", world.controllers());
    world.include(ENTRY);
    // Sooner than any retry.
    world.wait_connected(&[NQN], Duration::from_secs(8));
}

#[test]
fn excluded_while_the_kernel_reconnects_is_left_to_the_kernel() {
    let world = World::new("excluded_while_the_kernel_reconnects_is_left_to_the_kernel");
    let mut target = target();
    world.config(&(PATIENT.to_owned() + &target.as_subsystems()));
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let before = world.controllers();
    target.disable();
    world.wait_for("all are lost", SOON, || {
        !world.controllers().iter().any(|it| it.is_live())
    });
    let place = world.exclude(ENTRY);
    world.wait_for("the status says so", SOON, || {
        // In words that depend on whether the daemon knows of the loss: the kernel does not tell.
        let reason = reason(&world, NQN);
        reason.contains(&place) && reason.contains("will not be reconnected")
    });
    target.enable();
    world.wait_connected(target.nqns(), LATER);
    assert_eq!(world.controllers(), before, "the same ones");
}

#[test]
fn an_entry_of_a_moment_before_the_attempt_is_honoured() {
    let world = World::new("an_entry_of_a_moment_before_the_attempt_is_honoured");
    let mut target = target();
    target.disable();
    world.config(&target.as_subsystems());
    // If this test is too slow for the one attempt, the next comes inside the soak as well.
    world.daemon_config("[Global]\nretry-max = 2\nexclusion-soak-ms = 10000\n");
    world.start();
    let before = world.exclusions_read();
    world.wait_for("an attempt is 0.2 s away", LATER, || {
        let next = world.status().connection(NQN, "next-retry-ms");
        let next: Option<u64> = next.and_then(|ms| ms.parse().ok());
        next.is_some_and(|ms| (150..250).contains(&ms))
    });
    let place = world.exclude(ENTRY);
    target.enable();
    world.wait_for("the attempt is stopped", SOON, || is_excluded(&world));
    assert_eq!(world.exclusions_read(), before, "still inside the soak");
    assert_eq!(reason(&world, NQN), format!("excluded by {place}"));
    world.wait_for("the soak is over", SOON, || {
        world.exclusions_read() == before + 1
    });
    world.wait_connected(&[OTHER], LATER);
    assert_eq!(world.controllers_made(), 1, "only the other one");
}

#[test]
fn every_way_of_editing_is_noticed() {
    let (world, _target) = in_vain("every_way_of_editing_is_noticed");
    world.start();
    let etc = Path::new("/etc/nvme");
    let (default, folder) = (etc.join("exclusions.conf"), etc.join("exclusions.conf.d"));
    let (list, away) = (folder.join("a.conf"), etc.join("away"));
    let make = || fs::create_dir(&folder).and_then(|()| fs::write(&list, LIST));
    let edit = |what: &str, done: std::io::Result<()>, excludes: bool| {
        done.or_fail(what);
        world.wait_for(what, SOON, || is_excluded(&world) == excludes);
    };
    world.exclude(ENTRY);
    edit("a list that is renamed into place", Ok(()), true);
    world.include(ENTRY);
    edit("a list that is renamed over another", Ok(()), false);
    edit("written in place", fs::write(&default, LIST), true);
    edit("emptied in place", fs::write(&default, ""), false);
    edit("written again", fs::write(&default, LIST), true);
    edit("deleted", fs::remove_file(&default), false);
    edit("a folder that is made", make(), true);
    edit("deleted as a whole", fs::remove_dir_all(&folder), false);
    edit("made again", make(), true);
    edit("renamed away", fs::rename(&folder, &away), false);
    edit("renamed back", fs::rename(&away, &folder), true);
    edit("a list in it deleted", fs::remove_file(&list), false);
}

#[test]
fn the_folder_of_all_folders_may_go_come_and_be_a_link() {
    let (world, _target) = in_vain("the_folder_of_all_folders_may_go_come_and_be_a_link");
    let (etc, site) = (Path::new("/etc/nvme"), Path::new("/etc/nvmf-test-site"));
    world.on_end("/etc/nvme", move || {
        // A link or nothing is there only if the test failed.
        let _ = fs::remove_file(etc);
        let _ = fs::rename(site, etc);
    });
    world.start();
    world.exclude(ENTRY);
    let until = |what: &str, excludes: bool| {
        world.wait_for(what, SOON, || is_excluded(&world) == excludes);
    };
    until("excluded", true);
    fs::rename(etc, site).or_fail("move /etc/nvme");
    until("gone with its lists", false);
    symlink("nvmf-test-site", etc).or_fail("link /etc/nvme");
    until("a link leads to them", true);
    fs::write(site.join("exclusions.conf"), "").or_fail("empty the list");
    until("changed where the link leads to", false);
    fs::remove_file(etc).or_fail("remove the link");
    fs::rename(site, etc).or_fail("move /etc/nvme back");
    world.etc("exclusions.conf", LIST);
    until("excluded after all that", true);
}

#[test]
fn lists_of_nvme_cli_and_ours_count_together() {
    let world = World::new("lists_of_nvme_cli_and_ours_count_together");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.excluded:", 4);
    let lists = [
        "exclusions.conf",
        "exclusions.conf.d/ours.conf",
        "exclusions/theirs.conf",
    ];
    for (list, nqn) in lists.iter().zip(target.nqns()) {
        let text = format!("# A list\n\n[exclusions]\nexclusion = transport=tcp;nqn={nqn}\n");
        world.etc(list, &text);
    }
    world.config(&target.as_subsystems());
    world.start();
    world.wait_connected(&["nqn.2026-11.excluded:4"], SOON);
    for (list, nqn) in lists.iter().zip(target.nqns()) {
        let place = format!("excluded by /etc/nvme/{list}:4");
        assert_eq!(reason(&world, nqn), place);
    }
    assert_eq!(world.controllers().len(), 1, "{:?}", world.controllers());
    for (list, nqn) in lists.iter().zip(target.nqns()) {
        fs::remove_file(Path::new("/etc/nvme").join(list)).or_fail("remove a list");
        world.wait_connected(&[nqn], SOON);
    }
    assert_eq!(world.status().problems(), "");
}

#[test]
fn events_that_are_lost_cost_nothing() {
    let (world, _target) = in_vain("events_that_are_lost_cost_nothing");
    world.sysctl("fs.inotify.max_queued_events", 4);
    world.start();
    let noise = Path::new("/etc/nvme/noise");
    for excludes in [true, false] {
        world.while_the_daemon_sleeps(|| {
            for _ in 0..10 {
                // Nothing to anybody, but more than the queue holds.
                fs::write(noise, "noise").or_fail("make noise");
                fs::remove_file(noise).or_fail("end the noise");
            }
            match excludes {
                true => drop(world.exclude(ENTRY)),
                false => world.include(ENTRY),
            }
        });
        world.wait_for("it is read all the same", SOON, || {
            is_excluded(&world) == excludes
        });
    }
}

#[test]
fn what_cannot_be_watched_is_a_problem_and_read_at_a_reload() {
    let (world, _target) = in_vain("what_cannot_be_watched_is_a_problem_and_read_at_a_reload");
    let unwatched = |world: &World| world.status().problems().contains("cannot watch `/etc");
    let limit = "fs.inotify.max_user_watches";
    let before = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
    let before = before.or_fail("read the limit");
    world.sysctl(limit, 1);
    world.start();
    world.wait_for("it says so", SOON, || unwatched(&world));
    world.exclude(ENTRY);
    world.reload();
    world.wait_for("read all the same", SOON, || is_excluded(&world));
    world.include(ENTRY);
    world.reload();
    world.wait_for("read all the same", SOON, || !is_excluded(&world));
    world.exclude(ENTRY);
    world.wait_for("seen by the connector", SOON, || is_excluded(&world));
    world.sysctl(limit, before.trim());
    world.reload();
    world.wait_for("watched again", SOON, || !unwatched(&world));
    world.include(ENTRY);
    world.wait_for("noticed", SOON, || !is_excluded(&world));
}

#[test]
fn a_list_that_cannot_be_read_excludes_nothing_and_is_told_once() {
    let (world, _target) = in_vain("a_list_that_cannot_be_read_excludes_nothing_and_is_told_once");
    world.start();
    world.exclude(ENTRY);
    world.wait_for("excluded", SOON, || is_excluded(&world));
    let (list, kept) = (
        Path::new("/etc/nvme/exclusions.conf"),
        Path::new("/etc/nvme/kept"),
    );
    fs::rename(list, kept).or_fail("move the list");
    fs::create_dir(list).or_fail("put a folder in its place");
    let why = "cannot read `/etc/nvme/exclusions.conf`, it excludes nothing: ";
    let problem = || world.status().problems().matches(why).count();
    world.wait_for("the status says so", SOON, || problem() == 1);
    world.wait_for("nothing is excluded", SOON, || !is_excluded(&world));
    let reads = world.exclusions_read();
    world.etc("exclusions.conf.d/other.conf", "[exclusions]\n");
    world.wait_for("read again", SOON, || world.exclusions_read() > reads);
    let told = |how: &str| {
        let journal = world.journal();
        journal.lines().filter(|it| it.starts_with(how)).count()
    };
    assert_eq!((problem(), told(why)), (1, 1), "once");
    fs::remove_dir(list).or_fail("take the folder away");
    fs::rename(kept, list).or_fail("move the list back");
    world.wait_for("excluded again", SOON, || is_excluded(&world));
    // The connector may have seen it before the daemon has read it.
    world.wait_for("the problem is over", SOON, || problem() == 0);
    assert_eq!(told(&format!("over: {why}")), 1, "once");
}
