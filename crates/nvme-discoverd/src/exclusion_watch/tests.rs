//! Whatever happens to the three places is noticed, and what happens beside them is not.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

/// Reads all that is there; inotify events are queued before the system call that caused
/// them returns, so nothing needs to be awaited.
fn changed(watch: &mut Watch) -> bool {
    let mut any = false;
    loop {
        match watch.read() {
            Ok(changed) => any |= changed,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return any,
            Err(error) => panic!("{error}"),
        }
    }
}

fn world() -> (tempfile::TempDir, PathBuf, Watch) {
    let dir = tempfile::tempdir().unwrap();
    let etc = dir.path().join("etc");
    fs::create_dir(&etc).unwrap();
    let watch = Watch::start(&Root::new(dir.path())).unwrap();
    (dir, etc, watch)
}

fn write(path: impl AsRef<Path>) {
    fs::write(path, "[exclusions]\n").unwrap();
}

#[test]
fn folders_that_come_later_are_watched() {
    let (_dir, etc, mut watch) = world();
    assert!(!changed(&mut watch));
    fs::create_dir(etc.join("nvme")).unwrap();
    assert!(changed(&mut watch), "nvme appeared");
    write(etc.join("nvme/exclusions.conf"));
    assert!(changed(&mut watch), "the default list");
    for folder in ["exclusions.conf.d", "exclusions"] {
        fs::create_dir(etc.join("nvme").join(folder)).unwrap();
        assert!(changed(&mut watch), "{folder} appeared");
        write(etc.join("nvme").join(folder).join("a.conf"));
        assert!(changed(&mut watch), "a list in {folder}");
    }
}

#[test]
fn a_folder_that_is_removed_and_made_again() {
    let (_dir, etc, mut watch) = world();
    let lists = etc.join("nvme/exclusions.conf.d");
    for _ in 0..3 {
        fs::create_dir_all(&lists).unwrap();
        assert!(changed(&mut watch));
        // what was made too fast to be watched is watched now
        write(lists.join("a.conf"));
        assert!(changed(&mut watch));
        fs::remove_dir_all(etc.join("nvme")).unwrap();
        assert!(changed(&mut watch));
    }
}

#[test]
fn a_folder_that_is_renamed_away_is_no_longer_watched() {
    let (_dir, etc, mut watch) = world();
    let lists = etc.join("nvme/exclusions");
    fs::create_dir_all(&lists).unwrap();
    assert!(changed(&mut watch));
    let old = etc.join("nvme/old");
    fs::rename(&lists, &old).unwrap();
    assert!(changed(&mut watch));
    write(old.join("a.conf"));
    assert!(!changed(&mut watch), "not a list any more");
    fs::create_dir(&lists).unwrap();
    assert!(changed(&mut watch));
    write(lists.join("a.conf"));
    assert!(changed(&mut watch));
}

#[test]
fn lists_that_are_replaced_or_removed() {
    let (_dir, etc, mut watch) = world();
    let nvme = etc.join("nvme");
    fs::create_dir(&nvme).unwrap();
    write(nvme.join("exclusions.conf"));
    assert!(changed(&mut watch));
    write(nvme.join(".exclusions.conf.new"));
    assert!(!changed(&mut watch), "not yet in place");
    fs::rename(
        nvme.join(".exclusions.conf.new"),
        nvme.join("exclusions.conf"),
    )
    .unwrap();
    assert!(changed(&mut watch));
    fs::remove_file(nvme.join("exclusions.conf")).unwrap();
    assert!(changed(&mut watch));
}

#[test]
fn other_files_do_not_matter() {
    let (_dir, etc, mut watch) = world();
    fs::create_dir_all(etc.join("nvme/exclusions")).unwrap();
    assert!(changed(&mut watch));
    write(etc.join("hosts"));
    write(etc.join("nvme/hostnqn"));
    write(etc.join("nvme/nvme-fabrics.conf"));
    write(etc.join("nvme/exclusions/a.conf~"));
    assert!(!changed(&mut watch));
}

#[test]
fn a_list_that_is_written_and_not_closed() {
    let (_dir, etc, mut watch) = world();
    fs::create_dir(etc.join("nvme")).unwrap();
    let mut list = fs::File::create(etc.join("nvme/exclusions.conf")).unwrap();
    assert!(changed(&mut watch));
    list.write_all(b"[exclusions]\n").unwrap();
    assert!(changed(&mut watch));
}

#[test]
fn an_editors_file_is_no_list() {
    let (_dir, etc, mut watch) = world();
    fs::create_dir_all(etc.join("nvme/exclusions.conf.d")).unwrap();
    assert!(changed(&mut watch));
    write(etc.join("nvme/exclusions.conf.d/.a.conf"));
    assert!(!changed(&mut watch));
}

#[test]
fn a_folder_that_replaces_another() {
    let (_dir, etc, mut watch) = world();
    let (lists, new) = (etc.join("nvme/exclusions.conf.d"), etc.join("nvme/new"));
    for _ in 0..3 {
        fs::create_dir_all(&lists).unwrap();
        fs::create_dir_all(&new).unwrap();
        write(new.join("a.conf"));
        changed(&mut watch);
        fs::remove_dir_all(&lists).unwrap();
        fs::rename(&new, &lists).unwrap();
        assert!(changed(&mut watch));
        fs::remove_file(lists.join("a.conf")).unwrap();
        assert!(changed(&mut watch), "in the new one");
    }
}

#[test]
fn nvme_may_be_a_link_whose_target_comes_goes_and_changes() {
    let (dir, etc, mut watch) = world();
    let site = dir.path().join("srv/site/nvme");
    fs::create_dir_all(site.join("exclusions.conf.d")).unwrap();
    symlink("../srv/site/nvme", etc.join("nvme")).unwrap();
    assert!(changed(&mut watch), "the link appeared");
    for round in 0..2 {
        write(site.join("exclusions.conf"));
        assert!(changed(&mut watch), "{round}: the default list");
        write(site.join("exclusions.conf.d/a.conf"));
        assert!(changed(&mut watch), "{round}: a list");
        fs::remove_dir_all(dir.path().join("srv")).unwrap();
        assert!(changed(&mut watch), "{round}: all gone");
        write(etc.join("hosts"));
        assert!(!changed(&mut watch));
        fs::create_dir_all(site.join("exclusions.conf.d")).unwrap();
        assert!(changed(&mut watch), "{round}: all there again");
    }
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    symlink(&other, etc.join("nvme.new")).unwrap();
    assert!(!changed(&mut watch), "not yet in place");
    fs::rename(etc.join("nvme.new"), etc.join("nvme")).unwrap();
    assert!(changed(&mut watch), "it leads elsewhere");
    write(site.join("exclusions.conf"));
    assert!(!changed(&mut watch), "where it led before");
    write(other.join("exclusions.conf"));
    assert!(changed(&mut watch), "where it leads now");
}

#[test]
fn a_list_may_be_a_link() {
    let (dir, etc, mut watch) = world();
    let lists = etc.join("nvme/exclusions.conf.d");
    fs::create_dir_all(&lists).unwrap();
    symlink("../../srv/default", etc.join("nvme/exclusions.conf")).unwrap();
    symlink("../../../srv/a", lists.join("a.conf")).unwrap();
    assert!(changed(&mut watch));
    let srv = dir.path().join("srv");
    fs::create_dir(&srv).unwrap();
    assert!(changed(&mut watch), "there is something on the way");
    for name in ["default", "a"] {
        write(srv.join(name));
        assert!(changed(&mut watch), "{name} appeared");
        write(srv.join(name));
        assert!(changed(&mut watch), "{name} was changed in place");
        fs::remove_file(srv.join(name)).unwrap();
        assert!(changed(&mut watch), "{name} went");
    }
    write(srv.join("b"));
    assert!(!changed(&mut watch), "nothing leads there");
    fs::remove_file(lists.join("a.conf")).unwrap();
    assert!(changed(&mut watch), "the link went");
    write(srv.join("a"));
    assert!(!changed(&mut watch), "nothing leads there any more");
}

#[test]
fn what_matters_no_more_costs_no_watch() {
    let (dir, etc, mut watch) = world();
    let watches = |watch: &Watch| {
        let about = format!("/proc/self/fdinfo/{}", watch.as_raw_fd());
        fs::read_to_string(about)
            .unwrap()
            .matches("inotify wd:")
            .count()
    };
    assert_eq!(watches(&watch), 1);
    let site = dir.path().join("site");
    fs::create_dir(&site).unwrap();
    symlink(&site, etc.join("nvme")).unwrap();
    assert!(changed(&mut watch));
    assert!(watches(&watch) > 3, "the way from / to there");
    fs::remove_file(etc.join("nvme")).unwrap();
    assert!(changed(&mut watch));
    assert_eq!(watches(&watch), 1);
}

#[test]
fn links_in_a_ring_lead_nowhere() {
    let (_dir, etc, mut watch) = world();
    symlink("nvme2", etc.join("nvme")).unwrap();
    symlink("nvme", etc.join("nvme2")).unwrap();
    assert!(changed(&mut watch));
    assert_eq!(watch.problems(), [""; 0]);
    fs::remove_file(etc.join("nvme2")).unwrap();
    assert!(changed(&mut watch));
}

#[test]
fn when_events_were_lost_everything_may_have_changed() {
    let (_dir, etc, mut watch) = world();
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let (a, b) = (etc.join("nvme"), etc.join("nvme2"));
    fs::create_dir(&a).unwrap();
    assert!(changed(&mut watch));
    let (noise, other) = (etc.join("nvme/noise"), etc.join("nvme/other"));
    write(&noise);
    for _ in 0..=limit / 4 {
        fs::rename(&noise, &other).unwrap();
        fs::rename(&other, &noise).unwrap();
    }
    // of this nobody is told any more
    fs::rename(&a, &b).unwrap();
    fs::create_dir(&a).unwrap();
    write(a.join("exclusions.conf"));
    assert!(changed(&mut watch));
    write(a.join("exclusions.conf"));
    assert!(changed(&mut watch), "the new folder is watched");
}
