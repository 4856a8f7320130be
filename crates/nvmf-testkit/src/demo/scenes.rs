//! The scenes, in their order.

use std::mem;
use std::time::{Duration, Instant};

use super::story::Story;
use crate::host::{Controller, DISCOVERY_NQN};
use crate::target::Target;
use crate::{LATER, SOON, World};

const DAEMON: &str = "discoverd";
const NQN: &str = "nqn.2026-11.org.example:disk";
const THEIRS: &str = "nqn.2026-11.org.example:somebody-elses";

/// What the scenes play on. Fields are dropped in this order: targets first, then the world.
pub(super) struct Stage {
    pub(super) target: Target,
    pub(super) neighbour: Target,
    pub(super) world: World,
}

impl Stage {
    /// Leaves everything as it is.
    pub(super) fn keep(self) {
        mem::forget(self.target);
        mem::forget(self.neighbour);
        self.world.keep();
    }

    /// The controllers that the daemon is to keep connected, once each.
    fn all_connected(&self) -> bool {
        let controllers = self.world.controllers();
        let connected = |nqn: &str| {
            let mut of_it = controllers.iter().filter(|it| it.nqn == nqn);
            of_it
                .next()
                .is_some_and(|it| it.is_live() && it.is_owned_by(DAEMON))
                && of_it.next().is_none()
        };
        self.target.nqns().iter().all(|nqn| connected(nqn)) && connected(DISCOVERY_NQN)
    }

    fn controller(&self, nqn: &str) -> Option<Controller> {
        self.world
            .controllers()
            .into_iter()
            .find(|it| it.nqn == nqn)
    }

    /// A field of the daemon's status; empty if there is no answer.
    fn status(&self, nqn: &str, field: &str) -> String {
        let ran = self.world.nvmf(&["status", "-o", "json"]);
        if !ran.status.success() {
            return String::new();
        }
        crate::Status::parse(&ran.stdout)
            .connection(nqn, field)
            .unwrap_or_default()
    }
}

/// Plays the scenes, until one went wrong: each needs what the one before it left.
pub(super) fn play(mut stage: Stage, story: &mut Story) -> Stage {
    let scenes = [desired, connected, added, failing, owners, excluded, killed];
    for scene in scenes {
        if story.is_true_so_far() {
            scene(&mut stage, story);
        }
    }
    if !story.is_true_so_far() {
        story.quote("What the daemon said:", &stage.world.journal());
    }
    stage
}

fn desired(stage: &mut Stage, story: &mut Story) {
    story.step("What is there, and what is desired");
    for number in 1..=4 {
        stage.target.add_subsystem(&format!("{NQN}{number}"));
    }
    story.say(
        "The kernel of this machine plays the storage array: one TCP port, 127.0.0.1:8009, with a\n\
         discovery controller and four subsystems. The host is told of the discovery controller only.",
    );
    let config = format!(
        "{}reconnect-delay = 1\n\n[I/O Controller Defaults]\nreconnect-delay = 1\n",
        stage.target.as_discovery_controller()
    );
    stage.world.config(&config);
    story.quote("/etc/nvme/nvme-fabrics.conf", &config);
    story.check(
        "no controller is connected",
        stage.world.controllers().is_empty(),
    );
}

fn connected(stage: &mut Stage, story: &mut Story) {
    story.step("nvme-discoverd connects all of it");
    let began = Instant::now();
    let started = stage.world.run("systemctl", &["start", "nvme-discoverd"]);
    story.show(&started);
    story.check(
        format_args!(
            "the daemon is ready ({:.1} s)",
            began.elapsed().as_secs_f64()
        ),
        started.status.success(),
    );
    let first = stage.world.try_wait("first", SOON, || {
        stage
            .world
            .controllers()
            .iter()
            .any(|it| it.is_live() && it.is_owned_by(DAEMON))
    });
    let taken = began.elapsed().as_secs_f64();
    let mut what = format!("first controller connected after {taken:.1} s");
    if let Some(since) = story.since_power_on() {
        what += &format!(
            ", {:.1} s after the machine was switched on",
            since.as_secs_f64()
        );
    }
    story.check(what, first.is_ok());
    let all = stage.world.try_wait("all", SOON, || stage.all_connected());
    let taken = began.elapsed().as_secs_f64();
    story.check(
        format_args!("the discovery controller and the four it names are, after {taken:.1} s"),
        all.is_ok(),
    );
    let agreed = stage.world.try_wait("status", SOON, || {
        stage
            .target
            .nqns()
            .iter()
            .all(|nqn| stage.status(nqn, "state") == "connected")
    });
    let status = stage.world.nvmf(&["status"]);
    story.show(&status);
    story.check(
        "the status shows them connected",
        agreed.is_ok() && status.status.success(),
    );
    let registry = stage.world.nvmf(&["registry", "list"]);
    story.show(&registry);
    story.check(
        "each is registered as the daemon's, for every other tool on this host to see",
        registry.stdout.matches(DAEMON).count() == 5,
    );
}

fn added(stage: &mut Stage, story: &mut Story) {
    story.step("The array gets another subsystem");
    stage.target.add_subsystem(&format!("{NQN}5"));
    let waited = stage
        .world
        .try_wait("added", SOON, || stage.all_connected());
    story.check_wait("nobody said a word to the host: it is connected", &waited);
}

fn failing(stage: &mut Stage, story: &mut Story) {
    story.step("The array fails and comes back");
    let before = stage.world.controllers();
    stage.target.disable();
    let lost = stage.world.try_wait("lost", SOON, || {
        !stage.world.controllers().iter().any(Controller::is_live)
    });
    story.check_wait("the port is down: all controllers are lost", &lost);
    story.show(&stage.world.nvmf(&["status"]));
    stage.target.enable();
    let back = stage
        .world
        .try_wait("back", LATER, || stage.all_connected());
    story.check_wait("the port is up again: all are reconnected", &back);
    let same = stage.world.controllers() == before;
    story.check(
        "by the kernel, as the same devices, still the daemon's",
        same,
    );

    let gone = stage.controller(&format!("{NQN}2"));
    if let Some(gone) = &gone {
        story.say(format_args!(
            "Now {} is torn down behind the daemon's back.",
            gone.device
        ));
        gone.delete();
    }
    let back = stage.world.try_wait("back", SOON, || {
        let now = stage.controller(&format!("{NQN}2"));
        now.is_some_and(|it| Some(it.ino) != gone.as_ref().map(|it| it.ino))
            && stage.all_connected()
    });
    story.check_wait("the daemon has connected it again", &back);
}

fn owners(stage: &mut Stage, story: &mut Story) {
    story.step("Others use NVMe over Fabrics on this host too");
    stage.neighbour.add_subsystem(THEIRS);
    let theirs = stage
        .world
        .run("nvme", &stage.neighbour.connect_arguments(THEIRS));
    story.show(&theirs);
    let unowned = stage
        .controller(THEIRS)
        .is_some_and(|it| it.owner.is_none());
    story.check(
        "stock `nvme connect` made a controller that nobody owns",
        unowned,
    );
    let before = stage.world.controllers();
    let everything = stage.world.nvmf(&["disconnect-all"]);
    story.show(&everything);
    let mut expected = before;
    expected.retain(|it| it.nqn != THEIRS);
    story.check(
        "disconnect-all took that one, and left the daemon's alone",
        everything.status.success() && stage.world.controllers() == expected,
    );
}

fn excluded(stage: &mut Stage, story: &mut Story) {
    story.step("An exclusion");
    let nqn = format!("{NQN}4");
    let entry = format!("nqn={nqn}");
    let place = stage.world.exclude(&entry);
    story.quote(&place, &format!("exclusion = {entry}"));
    let known = stage.world.try_wait("known", SOON, || {
        stage.status(&nqn, "reason").contains(&place)
    });
    let connected = stage.controller(&nqn).is_some_and(|it| it.is_live());
    story.check_wait("the daemon knows it", &known);
    story.check(
        "what is connected stays connected: it may be in use",
        connected,
    );
    let device = stage
        .controller(&nqn)
        .map_or_else(String::new, |it| it.device);
    story.show(&stage.world.nvmf(&["disconnect", "-d", &device]));
    let excluded = stage.world.try_wait("excluded", SOON, || {
        stage.status(&nqn, "state") == "excluded"
    });
    story.check_wait("disconnected by hand", &excluded);
    let back = stage.world.try_wait("", Duration::from_secs(4), || {
        stage.controller(&nqn).is_some()
    });
    story.check(
        format_args!("it stays away: {}", stage.status(&nqn, "reason")),
        back.is_err() && stage.status(&nqn, "reason").contains(&place),
    );
    story.show(&stage.world.nvmf(&["status"]));
    stage.world.include(&entry);
    let back = stage.world.try_wait("back", SOON, || stage.all_connected());
    story.check_wait("the exclusion is taken out: it is connected again", &back);
}

fn killed(stage: &mut Stage, story: &mut Story) {
    story.step("The daemon dies");
    let (before, made) = (stage.world.controllers(), stage.world.controllers_made());
    let pid = stage
        .world
        .pid()
        .map_or_else(String::new, |pid| pid.to_string());
    story.show(&stage.world.run("kill", &["-9", &pid]));
    let adopted = stage.world.try_wait("adopted", SOON, || {
        let another = stage.world.pid().is_some_and(|it| it.to_string() != pid);
        let known = |nqn: &String| stage.status(nqn, "state") == "connected";
        another && stage.target.nqns().iter().all(known)
    });
    story.check_wait(
        "systemd has started another one, and it knows every controller",
        &adopted,
    );
    let untouched = stage.world.controllers() == before;
    story.check(
        "no connection was dropped, no second one made",
        untouched && stage.world.controllers_made() == made,
    );
}
