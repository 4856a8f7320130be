//! Many processes that change one list, some of them killed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nvmf::Root;
use nvmf::exclusions::{self, Saved};
use nvmf_types::exclusion::{Added, Document};

use crate::host::{Host, add, list, rule};

/// What a child is to do, as `what:number:ROOT`.
const WORK: &str = "NVMF_TEST_EXCLUSIONS";
const PROCESSES: usize = 20;
const EACH: usize = 25;
/// How long everything may take, at most.
const DEADLINE: Duration = Duration::from_secs(120);

fn start(what: &str, number: usize, host: &Host) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::work", "--ignored", "--nocapture"])
        .env(WORK, format!("{what}:{number}:{}", host.top().display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "it is a child of the other tests"]
fn work() {
    let Ok(work) = std::env::var(WORK) else {
        return;
    };
    let fields: Vec<&str> = work.splitn(3, ':').collect();
    let (number, root) = (
        fields[1].parse().unwrap(),
        Root::new(PathBuf::from(fields[2])),
    );
    match fields[0] {
        "add" => add_many(&root, number),
        "flip" => flip(&root),
        "umask" => {
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
            add(&root, &list(&root, "lab"), "nqn=x").unwrap();
        }
        other => panic!("{other}"),
    }
}

fn entry(process: usize, number: usize) -> String {
    format!("nqn=nqn.2014-08.org.example:p{process}.{number}")
}

/// Adds entries, and takes every fifth out again.
fn add_many(root: &Root, process: usize) {
    let list = list(root, "");
    for number in 0..EACH {
        let edited = add(root, &list, &entry(process, number)).unwrap();
        assert!(matches!(edited.value, Added::Appended(_)), "{edited:?}");
        if number % 5 == 0 {
            let wanted = rule(&entry(process, number));
            let removed = exclusions::edit(root, &list, |document| {
                let line = document.find(&wanted).next().unwrap().source.line;
                document.remove(line)
            });
            assert_eq!(removed.unwrap().saved, Saved::Written);
        }
    }
}

#[test]
fn twenty_processes_lose_nothing() {
    let host = Host::new();
    // also the folder is made by whoever is first
    fs::remove_dir_all(host.path("")).unwrap();
    let started = Instant::now();
    let mut children: Vec<Child> = (0..PROCESSES).map(|n| start("add", n, &host)).collect();
    let mut looks = 0;
    while children.iter_mut().any(|c| c.try_wait().unwrap().is_none()) {
        assert!(started.elapsed() < DEADLINE, "it takes too long");
        // what is read meanwhile is whole
        let loaded = host.load();
        assert_eq!(loaded.problems, [""; 0]);
        assert_eq!(loaded.set.invalid().count(), 0);
        looks += 1;
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let text = host.text("exclusions.conf");
    let document = Document::parse("x", text.as_str());
    let found: Vec<String> = document.entries().iter().map(|e| e.text.clone()).collect();
    let all = (0..PROCESSES).flat_map(|p| (0..EACH).map(move |n| (p, n)));
    let kept = all.filter(|(_, n)| n % 5 != 0);
    let want: BTreeSet<String> = kept.map(|(p, n)| entry(p, n)).collect();
    assert_eq!(found.len(), want.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), want);
    assert_eq!(text.lines().count(), 3 + want.len());
    assert_eq!(host.content().len(), 1, "{:?}", host.content().keys());
    eprintln!("{looks} looks in {:?}", started.elapsed());
}

const FLIP: &str = "nqn=nqn.2014-08.org.example:flip";

/// Adds one entry and takes it out again, without end.
fn flip(root: &Root) {
    let list = list(root, "lab");
    loop {
        let edited = exclusions::edit(root, &list, |document| {
            let there = document.find(&rule(FLIP)).next().map(|e| e.source.line);
            match there {
                Some(line) => document.remove(line).map(|_| ()).map_err(|e| e.to_string()),
                None => document
                    .add(&rule(FLIP), None)
                    .map(|_| ())
                    .map_err(|e| e.to_string()),
            }
        });
        assert_eq!(edited.unwrap().saved, Saved::Written);
    }
}

#[test]
fn a_kill_leaves_the_old_file_or_the_new_one() {
    let host = Host::new();
    let mut text = "# a long list\n[exclusions]\n".to_owned();
    for number in 0..5_000 {
        text.push_str(&format!("exclusion = {}\n", entry(0, number)));
    }
    let file = "exclusions.conf.d/lab.conf";
    let path = host.write(file, &text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let states = [text.clone(), format!("{text}exclusion = {FLIP}\n")];
    let started = Instant::now();
    let (mut seen, mut left) = ([0, 0], 0);
    for round in 0..80_u64 {
        let before = path.metadata().unwrap().ino();
        let mut child = start("flip", 0, &host);
        // until it works
        while path.metadata().unwrap().ino() == before {
            assert!(started.elapsed() < DEADLINE, "it takes too long");
            assert_eq!(child.try_wait().unwrap(), None);
            std::thread::yield_now();
        }
        // A random instant is what this is about.
        std::thread::sleep(Duration::from_micros(round * 7919 % 10_000));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9), "it failed before");
        let now = host.text(file);
        let state = states.iter().position(|state| *state == now);
        seen[state.unwrap_or_else(|| panic!("half a file: {} bytes", now.len()))] += 1;
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o640);
        left += usize::from(host.path("exclusions.conf.d/.exclusions.next").exists());
        assert_eq!(host.load().problems, [""; 0]);
    }
    eprintln!("{seen:?}, {left} leftovers in {:?}", started.elapsed());
    assert!(
        seen[0] > 0 && seen[1] > 0,
        "the kills came at the wrong time"
    );
    // the lock went with the killed, and the next writer tidies up
    host.add("lab", "nqn=x").unwrap();
    assert_eq!(host.content().len(), 2, "{:?}", host.content().keys());
}

#[test]
fn everybody_may_read_a_new_list_whatever_the_umask_is() {
    let host = Host::new();
    fs::remove_dir_all(host.path("")).unwrap();
    assert!(start("umask", 0, &host).wait().unwrap().success());
    let mode = |path: &str| host.path(path).metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode("exclusions.conf.d/lab.conf"), 0o644);
    assert_eq!((mode("exclusions.conf.d"), mode("")), (0o755, 0o755));
    assert_eq!(mode(".exclusions.lock"), 0o600);
}
