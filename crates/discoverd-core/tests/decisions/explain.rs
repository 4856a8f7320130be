//! What people are told: explanations and plans, word for word.

use discoverd_core::{Event, FailureKind, Subject, Timestamp, UnitOutcome};
use nvmf_types::ControllerState;

use crate::sources::boot;
use crate::world::{World, live, ours};

/// What is said about `nvme3`, a transport id or a subsystem.
fn explain(world: &World, subject: &str) -> String {
    let subject: Subject = subject.parse().unwrap();
    let explanation = world.core.explain(&subject, Timestamp(world.now));
    explanation.to_string()
}

fn plan(world: &World) -> Vec<String> {
    let steps = world.core.plan(Timestamp(world.now));
    steps.iter().map(ToString::to_string).collect()
}

const IO1: &str = "(tcp, 192.0.2.100, 4420, nqn.2014-08.org.example:1)";
const DC1: &str = "(tcp, 192.0.2.1, 8009, nqn.2014-08.org.nvmexpress.discovery)";

#[test]
fn connected_by_a_chain() {
    let (mut world, _) = World::started(&["dc1"], vec![]);
    world.connected("dc1", "nvme0");
    world.logged("nvme0", &["io1"]);
    world.connected("io1", "nvme1");
    world.unit("nvme1", UnitOutcome::Started);
    world.pass(300_000);
    let text = format!(
        "{IO1}: connected\n  \
         The discovery log page of {DC1} names it; as for that one, the configuration asks for it \
         (nvme-fabrics.conf:1).\n  \
         It is connected as nvme1, for 5 min.\n  \
         Its owner is discoverd: this daemon.\n  \
         Its unit orders its disconnect at shutdown.\n  \
         Should it go, the daemon connects it again.\n"
    );
    assert_eq!(explain(&world, "nvme1"), text);
    assert_eq!(explain(&world, "/dev/nvme1"), text);
    assert_eq!(explain(&world, "nqn.2014-08.org.example:1"), text);
    assert_eq!(
        explain(
            &world,
            "transport=tcp;traddr=192.0.2.100;nqn=nqn.2014-08.org.example:1"
        ),
        text
    );
    let dc = explain(&world, "nvme0");
    assert!(
        dc.contains("\n  Its discovery log page names 1 connection.\n"),
        "{dc}"
    );
}

#[test]
fn retrying() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    world.failed("io1", FailureKind::Refused);
    world.pass(1_200);
    world.failed("io1", FailureKind::Hung);
    let next = world.connection("io1").next_retry_ms.unwrap() / 1000;
    assert_eq!(
        explain(&world, "nqn.2014-08.org.example:1"),
        format!(
            "{IO1}: retrying\n  \
             The configuration asks for it (nvme-fabrics.conf:1).\n  \
             It was tried 2 times since it was last connected for a while, the last time 0 s ago.\n  \
             What went wrong last, 0 s ago: no luck.\n  \
             The target answered the probe and then hung the kernel, so it is tried after all others, \
             and probed deeper before.\n  \
             The next attempt is in {next} s.\n  \
             See to the target at 192.0.2.100, port 4420: it takes connections and does not answer \
             them.\n"
        )
    );
}

#[test]
fn excluded_and_somebody_elses() {
    let (mut world, _) = World::started(&["io1", "io2"], vec![live("io2", "nvme2", 2, "stas")]);
    world.failed("io1", FailureKind::Refused);
    world.exclude(&["io1"]);
    let excluded = explain(&world, "nqn.2014-08.org.example:1");
    assert!(
        excluded.ends_with(
            "\n  It is connected as soon as nothing excludes it.\n  \
             To have it connected, remove that entry: line 2 of x.conf, or `nvmf exclusion remove`.\n"
        ),
        "{excluded}"
    );
    assert!(
        excluded.contains("\n  It is excluded by x.conf:2.\n"),
        "{excluded}"
    );
    assert_eq!(
        explain(&world, "nvme2"),
        "(tcp, 192.0.2.100, 4420, nqn.2014-08.org.example:2): foreign\n  \
         The configuration asks for it (nvme-fabrics.conf:2).\n  \
         It is connected as nvme2, for 0 s.\n  \
         Its owner is stas: the daemon leaves it alone.\n  \
         The daemon connects it when that controller is gone.\n  \
         To hand it over, disconnect it: `nvmf disconnect -d nvme2`; the daemon connects it anew.\n"
    );
}

#[test]
fn the_boot_tables() {
    let mut lost = live("io1", "nvme1", 1, "nbft");
    lost.state = ControllerState::Connecting;
    let (mut world, _) = World::started(&[], vec![lost]);
    world.boot(vec![boot("io1")]);
    assert_eq!(
        explain(&world, "nvme1"),
        format!(
            "{IO1}: lost\n  \
             The boot table asks for it (NBFT entry SSNS 1, HFI 1).\n  \
             It is nvme1, which lost its target; the kernel is reconnecting it.\n  \
             Its owner is nbft, and a boot table names it: the daemon reconnects it, and leaves it \
             connected at shutdown.\n  \
             Should the kernel give up, the daemon connects it again.\n"
        )
    );
}

#[test]
fn what_nobody_asks_for() {
    let found = vec![
        live("io8", "nvme8", 8, ""),
        live("io9", "nvme9", 9, &ours()),
    ];
    let (world, _) = World::started(&[], found);
    let hand = explain(&world, "nvme8");
    assert!(
        hand.contains("example:8): not desired\n  Nothing asks for it:"),
        "{hand}"
    );
    assert!(
        hand.contains("\n  The daemon does nothing about it.\n"),
        "{hand}"
    );
    let left = explain(&world, "nvme9");
    assert!(
        left.contains("\n  It stays connected, and is not connected again when it goes.\n"),
        "{left}"
    );
    assert_eq!(
        explain(&world, "nvme7"),
        "nvme7: there is no such controller, and nothing asks for one.\n"
    );
    let unknown = explain(&world, "transport=loop;nqn=nqn.2014-08.org.example:z");
    assert!(
        unknown.starts_with("(loop, nqn.2014-08.org.example:z): not desired\n"),
        "{unknown}"
    );
    assert!("transport=x".parse::<Subject>().is_err());
    let error = "a b\u{7}".parse::<Subject>().unwrap_err().to_string();
    assert!(error.starts_with("neither a device (nvme3)"), "{error}");
}

#[test]
fn given_up() {
    let (mut world, _) = World::started(&[], vec![]);
    world.send(Event::ServicesFound(vec![discoverd_core::Service {
        name: "lab".to_owned(),
        tid: crate::world::tid("dc1"),
    }]));
    while !world.state("dc1").starts_with("gave-up") {
        world.failed("dc1", FailureKind::Refused);
        world.pass(400_000);
    }
    let text = explain(&world, "nqn.2014-08.org.nvmexpress.discovery");
    assert!(
        text.starts_with(&format!("{DC1}: gave-up\n  mDNS announces it as `lab`.\n")),
        "{text}"
    );
    assert!(
        text.contains(
            "\n  It is not tried any more before it is announced or named anew, or somebody asks.\n"
        ),
        "{text}"
    );
    assert_eq!(
        plan(&world),
        [format!(
            "do not try {DC1} any more, it was given up, because of mDNS service `lab`"
        )]
    );
}

#[test]
fn a_plan_says_what_comes_first() {
    let found = vec![
        live("dc2", "nvme0", 1, &ours()),
        live("io2", "nvme2", 2, "stas"),
        live("io3", "nvme3", 3, ""),
        live("io5", "nvme5", 5, &ours()),
    ];
    let names = ["dc1", "dc2", "io1", "io2", "io3", "io4", "io5", "io6"];
    let (mut world, _) = World::started(&names, found);
    world.failed("io1", FailureKind::Refused);
    world.exclude(&["io4"]);
    world.failed("io4", FailureKind::Refused);
    world.boot(vec![boot("io7")]);
    world.pass(100);
    let next = world.connection("io1").next_retry_ms.unwrap() / 1000;
    let io = |n: u8| format!("(tcp, 192.0.2.100, 4420, nqn.2014-08.org.example:{n})");
    let dc2 = DC1.replace("192.0.2.1", "192.0.2.2");
    assert_eq!(
        plan(&world),
        [
            format!(
                "now: await the connect of {}, because of boot table NBFT entry SSNS 1, HFI 1",
                io(7)
            ),
            format!("now: await the connect of {DC1}, because of nvme-fabrics.conf:1"),
            format!(
                "now: read the discovery log page of nvme0, which is {dc2}, because of nvme-fabrics.conf:2"
            ),
            format!(
                "now: claim nvme3, which is {} and nobody's, for discoverd, because of nvme-fabrics.conf:5",
                io(3)
            ),
            format!(
                "now: await the connect of {}, because of nvme-fabrics.conf:8",
                io(6)
            ),
            format!(
                "in {next} s: connect {} as discoverd, attempt 2, because of nvme-fabrics.conf:3",
                io(1)
            ),
            format!(
                "leave nvme2 alone, which is {} and stas's, because of nvme-fabrics.conf:4",
                io(2)
            ),
            format!(
                "do not connect {}, excluded by x.conf:2, because of nvme-fabrics.conf:6",
                io(4)
            ),
            format!(
                "keep nvme5, which is {}, because of nvme-fabrics.conf:7",
                io(5)
            ),
        ]
    );
}

#[test]
fn a_plan_without_a_daemon() {
    let mut world = World::new();
    let now = Timestamp(world.now);
    assert_eq!(plan(&world), [""; 0]);
    world
        .core
        .handle(Event::ConfigLoaded(crate::world::config(&["io1"])), now);
    assert_eq!(
        plan(&world),
        [format!(
            "do nothing about {IO1}: waiting for the first look at configuration, exclusions and \
             controllers, because of nvme-fabrics.conf:1"
        )]
    );
    world.core.handle(crate::world::no_boot_tables(), now);
    let none = Event::ExclusionsLoaded {
        set: crate::world::exclusions(&[]),
        problems: vec![],
    };
    world.core.handle(none, now);
    world.core.handle(crate::world::listed(vec![], now), now);
    // nobody took the action
    assert_eq!(
        plan(&world),
        [format!(
            "now: connect {IO1} as discoverd, because of nvme-fabrics.conf:1"
        )]
    );
}
