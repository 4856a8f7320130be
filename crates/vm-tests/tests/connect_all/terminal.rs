//! On a terminal.

use nvmf_testkit::target::Target;
use nvmf_testkit::{OrFail, SOON, World};

use super::configure_beside_a_mute_one;

/// What a terminal sends for the key that interrupts.
const CTRL_C: &str = "\u{3}";

#[test]
fn how_far_it_is_is_seen_while_it_lasts() {
    let world = World::new("how_far_it_is_is_seen_while_it_lasts");
    let target = Target::tcp("127.0.0.1", 8009).empty_subsystems("nqn.2026-11.seen:", 2);
    let _mute = configure_beside_a_mute_one(&world, &target);
    let mut terminal = world.on_a_terminal("nvmf connect-all");
    // Two discovery controllers and two subsystems, of which the mute one is not done.
    world.wait_for("three of four are done", SOON, || {
        terminal.seen().contains(" 3/4 ")
    });
    terminal.press(CTRL_C);
    let (status, seen) = terminal.end();
    assert_eq!(status.code(), Some(130), "{status}: {seen}");
    let (_, last) = seen.rsplit_once(" 3/4 ").or_fail("see it");
    assert!(last.contains("\u{1b}[2K"), "the line is cleared: {last:?}");
    assert!(
        last.contains("interrupted") && last.contains("2 connected"),
        "{last:?}"
    );
}
