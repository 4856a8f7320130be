//! Subsystems and paths as the real kernel shows them.

use std::fs;

use nvmf_testkit::host::Controller;
use nvmf_testkit::target::Target;
use nvmf_testkit::{SOON, World};

/// Whether the kernel knows the state of the controller's path to a namespace.
fn optimized(controller: &Controller) -> bool {
    let of_it = fs::read_dir(format!("/sys/class/nvme/{}", controller.device));
    let mut of_it = of_it.into_iter().flatten().flatten();
    of_it.any(|it| {
        let state = fs::read_to_string(it.path().join("ana_state"));
        state.is_ok_and(|state| state == "optimized\n")
    })
}

#[test]
fn two_paths_to_one_subsystem() {
    let world = World::new("two_paths_to_one_subsystem");
    let nqn = "nqn.2026-11.paths:1";
    let first = Target::tcp("127.0.0.1", 4420).subsystem(nqn);
    let second = Target::tcp("127.0.0.1", 4421).second_path_to(&first);
    world
        .nvmf_connect(&first, nqn, &["--owner", "me"])
        .expect_success();
    world.nvmf_connect(&second, nqn, &[]).expect_success();
    // The kernel looks for namespaces after it has said that it is connected.
    world.wait_for("the namespace is there over both", SOON, || {
        world.controllers().iter().all(optimized)
    });

    let tree = world.nvmf(&["list-subsys"]).expect_success();
    assert!(tree.contains(&format!(" - NQN={nqn}\n")), "{tree}");
    assert!(tree.contains("iopolicy="), "{tree}");
    let mut paths: Vec<&str> = tree
        .lines()
        .filter(|line| line.starts_with(" +- "))
        .collect();
    paths.sort_unstable_by_key(|path| path.contains("trsvcid=4421"));
    assert_eq!(paths.len(), 2, "{tree}");
    assert!(paths[0].ends_with(" live optimized owner=me"), "{tree}");
    assert!(
        paths[1].contains("trsvcid=4421") && paths[1].ends_with(" live optimized"),
        "{tree}"
    );

    let json = world
        .nvmf(&["list-subsys", nqn, "-o", "json"])
        .expect_success();
    assert!(json.contains("\"ANAState\": \"optimized\""), "{json}");
    assert!(json.contains("\"Multipath\": true"), "{json}");
    let gone = world.nvmf(&["disconnect", "-n", nqn]).expect_success();
    assert_eq!(
        gone.trim_end(),
        format!("NQN:{nqn} disconnected 2 controller(s)")
    );
    assert_eq!(world.nvmf(&["list-subsys"]).expect_success(), "");
    world.nvmf(&["list-subsys", nqn]).expect_failure(1);
}
