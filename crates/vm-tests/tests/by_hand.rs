//! What a person at the shell does.

use nvmf_testkit::World;
use nvmf_testkit::target::Target;

#[test]
fn discover_shows_the_log_page_and_leaves_nothing_behind() {
    let world = World::new("discover_shows_the_log_page_and_leaves_nothing_behind");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.shown:", 2);
    let discover = ["discover", "-t", "tcp", "-a", "127.0.0.1"];
    let said = world.nvmf(&discover).expect_success();
    assert!(said.contains("Number of Records 3"), "{said}");
    for nqn in target.nqns() {
        assert!(said.contains(&format!("subnqn:  {nqn}\n")), "{said}");
    }
    assert!(world.controllers().is_empty(), "{:?}", world.controllers());
}

#[test]
fn a_connection_by_hand_has_the_owner_it_was_given() {
    let world = World::new("a_connection_by_hand_has_the_owner_it_was_given");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.hand:", 1);
    let nqn = "nqn.2026-11.hand:1";
    let said = world
        .nvmf_connect(&target, nqn, &["--owner", "me"])
        .expect_success();
    let made = world.controller(nqn);
    assert!(made.is_live() && made.is_owned_by("me"), "{made:?}");
    assert_eq!(
        said.trim_end(),
        format!("connecting to device: {}", made.device)
    );
    let listed = world.nvmf(&["list", "-o", "json"]).expect_success();
    assert!(
        listed.contains(nqn) && listed.contains("\"owner\": \"me\""),
        "{listed}"
    );

    let again = world.nvmf_connect(&target, nqn, &[]).expect_failure(1);
    assert!(again.contains("owned by me"), "{again}");
    world
        .nvmf_connect(&target, nqn, &["--idempotent"])
        .expect_success();
    let other = ["--idempotent", "--owner", "you"];
    world.nvmf_connect(&target, nqn, &other).expect_failure(1);
    assert_eq!(world.controllers(), [made], "one, and still mine");

    let kept = world.nvmf(&["disconnect-all"]).expect_success();
    assert!(kept.contains("kept 1 controller of me"), "{kept}");
    world.nvmf(&["disconnect", "-n", nqn]).expect_success();
    world.nvmf(&["disconnect", "-n", nqn]).expect_failure(1);
    assert!(world.controllers().is_empty());
}

#[test]
fn a_target_that_says_no_is_explained() {
    let world = World::new("a_target_that_says_no_is_explained");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.no:", 1);
    let said = world
        .nvmf_connect(&target, "nqn.2026-11.no:other", &[])
        .expect_failure(1);
    assert!(said.contains("no subsystem of this name"), "{said}");
    let refused = [
        "connect",
        "-t",
        "tcp",
        "-a",
        "127.0.0.1",
        "-s",
        "4499",
        "-n",
    ];
    let refused = [&refused[..], &["nqn.2026-11.no:1"]].concat();
    let said = world.nvmf(&refused).expect_failure(1);
    assert!(said.contains("nothing listens"), "{said}");
    assert!(world.controllers().is_empty());
}
