//! What the daemon answers while it is at work.

use std::process::{Command, Stdio};

use nvmf_testkit::fake::RefusingPort;
use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, OrFail, SOON, World};

const CONNECTED: &str = "nqn.2026-11.asked:connected";
const EXCLUDED: &str = "nqn.2026-11.asked:excluded";
const REFUSED: &str = "nqn.2026-11.asked:refused";

/// Seconds until an attempt that no test lives to see: what is refused stays `retrying` meanwhile.
const NOT_AGAIN: u32 = 300;

/// One connection of each kind.
struct Kinds {
    world: World,
    refusing: RefusingPort,
    _target: Target,
}

impl Kinds {
    /// `retry` is how many seconds the one that is refused waits at first for its next attempt.
    fn new(name: &str, retry: u32) -> Self {
        let world = World::new(name);
        world.daemon_config(&format!("[Global]\nretry-initial = {retry}\n"));
        let target = Target::tcp("127.0.0.1", 4420).subsystem(CONNECTED);
        let target = target.subsystem(EXCLUDED);
        world.exclude(&format!("nqn={EXCLUDED}"));
        let refusing = RefusingPort::take();
        let refused = format!(
            "[Subsystem]\nnqn = {REFUSED}\ncontroller = {}\n",
            refusing.controller()
        );
        world.config(&(target.as_subsystems() + &refused));
        world.start();
        world.wait_connected(&[CONNECTED], SOON);
        world.wait_for("all is decided", LATER, || {
            let status = world.status();
            status.state(EXCLUDED) == "excluded" && status.state(REFUSED) == "retrying"
        });
        Self {
            world,
            refusing,
            _target: target,
        }
    }
}

#[test]
fn status_explain_plan_and_reload() {
    let Kinds {
        world,
        refusing,
        _target,
    } = Kinds::new("status_explain_plan_and_reload", NOT_AGAIN);
    let device = world.controller(CONNECTED).device;
    let text = world.nvmf(&["status"]).expect_success();
    for (nqn, state) in [
        (CONNECTED, "connected"),
        (EXCLUDED, "excluded"),
        (REFUSED, "retrying"),
    ] {
        let line = text.lines().find(|line| line.contains(nqn));
        assert!(line.is_some_and(|line| line.contains(state)), "{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour in pipes: {text}");

    let explained = |what: &str| world.nvmf(&["explain", what]).expect_success();
    assert!(explained(&device).contains("/etc/nvme/nvme-fabrics.conf:"));
    assert!(explained(EXCLUDED).contains("/etc/nvme/exclusions.conf:2"));
    assert!(explained(REFUSED).contains("refused"));
    world
        .nvmf(&["explain", "nqn.2026-11.asked:nobody"])
        .expect_failure(1);

    let plan = world.nvmf(&["plan"]).expect_success();
    assert!(plan.contains(REFUSED), "{plan}");
    let plan = world.nvmf(&["plan", "-o", "json"]).expect_success();
    for part in [
        r#""daemon": true"#,
        r#""action": "connect""#,
        r#""action": "keep""#,
    ] {
        assert!(plan.contains(part), "{part} is not in {plan}");
    }
    let other = "/etc/nvme/other.conf";
    world.etc(
        "other.conf",
        "[Subsystem]\nnqn = nqn.2026-11.asked:other\n\
         controller = transport=tcp;traddr=127.0.0.1;trsvcid=4420\n",
    );
    let plan = world.nvmf(&["plan", "--config", other]).expect_success();
    assert!(plan.contains("nqn.2026-11.asked:other"), "{plan}");
    assert_eq!(world.controllers().len(), 1, "a plan does nothing");

    // A mistake keeps what is in force, and says where it is.
    world.config(&format!(
        "[Subsystem]\nnqn = {REFUSED}\ncontroller = traddr\n"
    ));
    let said = world.nvmf(&["reload"]).expect_failure(1);
    assert!(said.contains("/etc/nvme/nvme-fabrics.conf:3"), "{said}");
    assert_eq!(world.status().state(CONNECTED), "connected");
    // What nothing asks for any more is shown no more, and stays connected.
    world.config(&format!(
        "[Subsystem]\nnqn = {REFUSED}\ncontroller = {}\n",
        refusing.controller()
    ));
    world.nvmf(&["reload"]).expect_success();
    world.wait_for("it is not desired any more", SOON, || {
        world.status().state(EXCLUDED).is_empty()
    });
    assert!(world.controller(CONNECTED).is_live());
}

#[test]
fn wait_for_all_or_for_one() {
    let kinds = Kinds::new("wait_for_all_or_for_one", 1);
    let world = &kinds.world;
    world.nvmf(&["wait", CONNECTED]).expect_success();
    let said = world.nvmf(&["wait", "--timeout", "1"]).expect_failure(1);
    assert!(said.contains(REFUSED) && !said.contains(EXCLUDED), "{said}");
    // What is awaited comes while somebody waits.
    let waiting = Command::new("nvmf")
        .args(["wait", "--timeout", "90"])
        .stdout(Stdio::piped())
        .spawn()
        .or_fail("start nvmf wait");
    let port = kinds.refusing.port();
    let Kinds {
        world,
        refusing,
        _target,
    } = kinds;
    drop(refusing);
    let target = Target::tcp("127.0.0.1", port).subsystem(REFUSED);
    world.nvmf(&["reload"]).expect_success();
    let output = waiting.wait_with_output().or_fail("wait for nvmf wait");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("2 of 2"), "{said}");
    world.wait_connected(target.nqns(), SOON);
}

#[test]
fn top_on_a_terminal() {
    let kinds = Kinds::new("top_on_a_terminal", NOT_AGAIN);
    let world = &kinds.world;
    let mut terminal = world.on_a_terminal("nvmf top");
    world.wait_for("it shows them", SOON, || {
        let seen = terminal.seen();
        seen.contains("asked:connected") && seen.contains("asked:refused")
    });
    terminal.press("q");
    let (status, seen) = terminal.end();
    assert!(status.success(), "{status}: {seen}");
}
