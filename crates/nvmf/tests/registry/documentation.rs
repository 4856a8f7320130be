//! The shell functions of docs/registry.md do what it says.

use std::process::Command;
use std::sync::Barrier;

use nvmf::registry::{Claim, Reaped};

use crate::host::{Host, attr, device, owner};

/// The document's shell functions.
fn functions() -> &'static str {
    let document = include_str!("../../../../docs/registry.md");
    let (_, rest) = document.split_once("\n```sh\n").unwrap();
    rest.split_once("\n```\n").unwrap().0
}

/// Runs `script` after the document's functions; what it printed, and whether it succeeded.
fn shell(host: &Host, script: &str) -> (String, bool) {
    let output = Command::new("sh")
        .args(["-c", &format!("{}\n{script}", functions())])
        .env("REGISTRY", host.path("run/nvme/registry"))
        .env("SYSFS", host.path("sys"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{script}");
    let printed = String::from_utf8(output.stdout).unwrap();
    (printed, output.status.success())
}

#[test]
fn the_shell_and_the_crate_agree() {
    let host = Host::new();
    let registry = host.registry();
    let nvme3 = device("nvme3");
    let printed = |script: &str| shell(&host, script).0;
    let works = |script: &str| shell(&host, script).1;

    assert!(!works("registry_claim nvme3 me"), "there is no controller");
    assert!(host.registry_paths().is_empty());
    let first = host.connect("nvme3");
    assert_eq!(printed("registry_owner nvme3"), "");

    // a new entry, like ours
    assert!(works("umask 077; registry_claim nvme3 me"));
    assert!(works("registry_claim nvme3 me"), "it is mine already");
    assert!(!works("registry_claim nvme3 you"));
    assert_eq!(printed("registry_owner nvme3"), "me\n");
    assert_eq!(registry.owner(&nvme3).unwrap(), Some(owner("me")));
    let entry = &registry.entries().unwrap()[0];
    assert_eq!(entry.attributes["sysfs-ino"], first.to_string());
    assert_eq!(entry.attributes["seqnum"], "4711");
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = host.path("run/nvme/registry").join(path);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("nvme3"), mode("nvme3/owner")), (0o755, 0o644));

    // an entry without an owner keeps its notes
    registry.set(&nvme3, &attr("note"), "kept").unwrap();
    assert!(!works("registry_release nvme3 you"));
    assert!(works("registry_release nvme3 me"));
    assert_eq!(registry.owner(&nvme3).unwrap(), None);
    assert!(works("registry_claim nvme3 you"));
    assert_eq!(
        registry.attribute(&nvme3, &attr("note")).unwrap().unwrap(),
        "kept"
    );

    // a predecessor's entry says nothing, and is replaced
    host.disconnect("nvme3");
    assert_eq!(printed("registry_owner nvme3"), "");
    host.connect("nvme3");
    assert_eq!(printed("registry_owner nvme3"), "");
    assert!(works("registry_claim nvme3 them"));
    assert_eq!(registry.owner(&nvme3).unwrap(), Some(owner("them")));
    assert_eq!(registry.reap(&nvme3, None).unwrap(), Reaped::Kept);

    // only a stale entry is swept
    assert!(works("registry_sweep nvme3; registry_sweep nvme4"));
    assert_eq!(printed("registry_owner nvme3"), "them\n");
    host.disconnect("nvme3");
    assert!(works("registry_sweep nvme3"));
    assert!(
        host.registry_paths().is_empty(),
        "{:?}",
        host.registry_paths()
    );
}

#[test]
fn of_scripts_and_ours_one_is_granted() {
    let host = Host::new();
    let registry = host.registry();
    let nvme3 = device("nvme3");
    for round in 0..12 {
        match round % 3 {
            // a stale entry, one without an owner, and none
            0 => {
                host.connect("nvme3");
                let _ = registry.claim(&nvme3, &owner("old")).unwrap();
                host.disconnect("nvme3");
                host.connect("nvme3");
            }
            1 => {
                host.connect("nvme3");
                registry.set(&nvme3, &attr("note"), "unowned").unwrap();
            }
            _ => {
                host.connect("nvme3");
            }
        }
        let start = Barrier::new(6);
        let claim = &|number: usize| {
            let me = format!("me-{number}");
            start.wait();
            let granted = match number % 2 {
                0 => registry.claim(&nvme3, &owner(&me)).unwrap() == Claim::Granted,
                _ => shell(&host, &format!("registry_claim nvme3 {me}")).1,
            };
            granted.then_some(me)
        };
        let winners: Vec<String> = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..6)
                .map(|number| scope.spawn(move || claim(number)))
                .collect();
            claims
                .into_iter()
                .filter_map(|claim| claim.join().unwrap())
                .collect()
        });
        let now = registry
            .owner(&nvme3)
            .unwrap()
            .map(|owner| owner.to_string());
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}, now {now:?}");
        assert_eq!(now.as_ref(), winners.first());
        host.disconnect("nvme3");
        let _ = registry.collect_garbage().unwrap();
        assert!(
            host.registry_paths().is_empty(),
            "{:?}",
            host.registry_paths()
        );
    }
}
