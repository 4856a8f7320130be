//! Beside other tools and people, on one host.

use nvmf_testkit::target::Target;
use nvmf_testkit::{SOON, World, registry};
use std::time::Duration;

#[test]
fn disconnect_all_takes_only_what_nobody_owns() {
    let world = World::new("disconnect_all_takes_only_what_nobody_owns");
    let owned = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.owned:", 4);
    let free = Target::tcp("127.0.0.1", 4421).subsystems("nqn.2026-11.free:", 2);
    world.config(&owned.as_subsystems());
    world.start();
    world.wait_connected(owned.nqns(), SOON);
    let before = world.controllers();
    world
        .nvmf_connect(&free, "nqn.2026-11.free:1", &[])
        .expect_success();
    world.nvme_connect(&free, "nqn.2026-11.free:2");
    assert_eq!(world.controllers().len(), 6);
    let said = world.nvmf(&["disconnect-all"]).expect_success();
    assert_eq!(world.controllers(), before, "exactly the two went: {said}");
}

#[test]
fn disconnect_all_says_what_became_of_each() {
    let world = World::new("disconnect_all_says_what_became_of_each");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.mixed:", 12);
    let owners = [None, Some("me"), Some("you"), None];
    for (nqn, owner) in target.nqns().iter().zip(owners.iter().cycle()) {
        let owner: Vec<&str> = owner.iter().flat_map(|it| ["--owner", it]).collect();
        world.nvmf_connect(&target, nqn, &owner).expect_success();
    }
    let of = |owner: Option<&str>| {
        let mut all = world.controllers();
        all.retain(|it| it.owner.as_deref() == owner);
        all.sort_by_key(|it| (it.device.len(), it.device.clone()));
        let devices: Vec<String> = all.into_iter().map(|it| it.device).collect();
        format!("{} controllers: {}\n", devices.len(), devices.join(", "))
    };
    let (free, mine, yours) = (of(None), of(Some("me")), of(Some("you")));
    assert!(free.starts_with("6 ") && mine.starts_with("3 ") && yours.starts_with("3 "));
    let kept = |of: &str, owner: &str| {
        let of = of.replacen("controllers", &format!("controllers of {owner}"), 1);
        format!("kept {of}")
    };
    let disconnect = |further: &[&str]| {
        let ran = world.nvmf(&[&["disconnect-all"], further].concat());
        world.note(format_args!(
            "disconnect-all {further:?} took {:.2?}",
            ran.taken
        ));
        ran.expect_success()
    };
    assert_eq!(disconnect(&["-t", "loop"]), "nothing to disconnect\n");
    let (kept_mine, kept_yours) = (kept(&mine, "me"), kept(&yours, "you"));
    assert_eq!(
        disconnect(&[]),
        format!("disconnected {free}{kept_mine}{kept_yours}")
    );
    assert_eq!(
        (of(Some("me")), of(Some("you"))),
        (mine.clone(), yours.clone())
    );
    let said = disconnect(&["--owner", "me"]);
    assert_eq!(said, format!("disconnected {mine}{kept_yours}"));
    assert_eq!(of(Some("you")), yours);
    assert_eq!(disconnect(&["--force"]), format!("disconnected {yours}"));
    assert_eq!(disconnect(&[]), "nothing to disconnect\n");
    world.settle();
    assert_eq!(registry::all(), [""; 0]);
}

#[test]
fn what_others_connect_stays_theirs() {
    let world = World::new("what_others_connect_stays_theirs");
    let ours = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.ours:", 2);
    let theirs = Target::tcp("127.0.0.1", 4421).subsystems("nqn.2026-11.theirs:", 2);
    world.config(&ours.as_discovery_controller());
    world.nvme_connect(&theirs, "nqn.2026-11.theirs:1");
    world.start();
    world.wait_connected(ours.nqns(), SOON);
    world.nvme_connect(&theirs, "nqn.2026-11.theirs:2");
    let foreign = || {
        let mut all = world.controllers();
        all.retain(|it| it.nqn.starts_with("nqn.2026-11.theirs:"));
        all
    };
    let before = foreign();
    assert_eq!(before.len(), 2);
    assert!(
        before.iter().all(|it| it.is_live() && it.owner.is_none()),
        "{before:?}"
    );
    world.stop();
    world.start();
    world.wait_connected(ours.nqns(), SOON);
    assert_eq!(foreign(), before);
    // `nvme disconnect` of theirs is no business of the daemon's either.
    world
        .run("nvme", &["disconnect", "-n", "nqn.2026-11.theirs:1"])
        .expect_success();
    world.stays(
        "theirs is not connected again",
        Duration::from_secs(3),
        || foreign().len() == 1,
    );
}

#[test]
fn what_is_desired_but_connected_by_hand_is_left_alone_until_it_goes() {
    let world = World::new("what_is_desired_but_connected_by_hand_is_left_alone_until_it_goes");
    let mut target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.hand:", 1);
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let nqn = "nqn.2026-11.hand:2";
    let entry = format!("nqn={nqn}");
    let place = world.exclude(&entry);
    target.add_subsystem(nqn);
    world.wait_for("it is excluded", SOON, || {
        world.status().state(nqn) == "excluded"
    });
    let reason = world.status().connection(nqn, "reason").unwrap_or_default();
    assert!(reason.contains(&place), "`{reason}` names {place}");
    world.nvme_connect(&target, nqn);
    world.wait_for("it is another's", SOON, || {
        world.status().state(nqn) == "foreign"
    });
    world.include(&entry);
    world.stays("it is unowned", Duration::from_secs(4), || {
        world.controller(nqn).owner.is_none()
    });
    world.controller(nqn).delete();
    world.wait_connected(target.nqns(), SOON);
}
