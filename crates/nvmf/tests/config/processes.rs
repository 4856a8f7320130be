//! Processes that convert and add at the same time, some of them killed.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nvmf::Root;
use nvmf_types::config::Added;

use crate::host::{Host, content, converted, created, fill};

/// What a child is to do, as `what:number:ROOT`.
const WORK: &str = "NVMF_TEST_CONFIG";

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
    let number: usize = fields[1].parse().unwrap();
    let root = Root::new(PathBuf::from(fields[2]));
    match fields[0] {
        "convert" => drop(converted(&root).unwrap()),
        "create" => {
            for path in [number, number + 100] {
                let edited = created(&root, path).unwrap();
                assert!(matches!(edited.value, Added::Added(_)));
                let again = created(&root, path).unwrap();
                assert!(matches!(again.value, Added::AlreadyThere { .. }));
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn many_at_once_convert_once_and_lose_nothing() {
    let host = Host::new(20);
    let started: Vec<Child> = (0..16)
        .flat_map(|number| [start("convert", 0, &host), start("create", number, &host)])
        .collect();
    for mut child in started {
        assert!(child.wait().unwrap().success());
    }
    let config = host.load();
    assert_eq!(config.connections.len(), 2 * 20 + 2 + 2 * 16);
    let files = content(host.top());
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(
        names,
        [
            "config.json.converted",
            "discovery.conf.converted",
            "nvme-fabrics.conf",
            "nvme-fabrics.conf.d/other.conf"
        ]
    );
    // all paths to the one subsystem are in one section
    let main = &files["nvme-fabrics.conf"];
    assert_eq!(main.matches(":paths").count(), 1);
}

/// How far it came: the originals that are left, and the files that are written.
fn progress(host: &Host) -> (usize, usize) {
    let files = content(host.top());
    let there = |names: [&str; 2]| names.iter().filter(|n| files.contains_key(**n)).count();
    let left = there(["config.json", "discovery.conf"]);
    let kept = there(["config.json.converted", "discovery.conf.converted"]);
    assert_eq!(left + kept, 2, "an original is lost: {:?}", files.keys());
    (
        left,
        there(["nvme-fabrics.conf", "nvme-fabrics.conf.d/other.conf"]),
    )
}

#[test]
fn a_kill_loses_nothing_and_the_next_run_does_the_rest() {
    let subsystems = 400;
    let host = Host::new(subsystems);
    converted(&host.root()).unwrap();
    let whole = content(host.top());
    let mut seen = Vec::new();
    for round in 0..60_u64 {
        fill(host.top(), subsystems);
        let mut child = start("convert", 0, &host);
        // A random instant is what this is about.
        std::thread::sleep(Duration::from_micros(round * 7919 % 60_000));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() || status.signal() == Some(9), "{status}");
        let (left, written) = progress(&host);
        assert!(left == 2 || written == 2, "renamed before all was written");
        // whatever is there is a configuration
        let config = host.load();
        assert!(config.connections.len() <= 2 * subsystems + 2);
        seen.push((left, written));

        assert!(start("convert", 0, &host).wait().unwrap().success());
        assert_eq!(
            content(host.top()),
            whole,
            "after {left} left, {written} written"
        );
    }
    seen.sort_unstable();
    seen.dedup();
    eprintln!("left and written when killed: {seen:?}");
}
