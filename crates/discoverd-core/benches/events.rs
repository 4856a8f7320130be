//! How fast decisions are: `taskset -c 0 cargo bench -p discoverd-core --bench events`.
//!
//! See docs/benchmarks.md.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark may panic"
)]

use discoverd_core::{
    ActionId, ActionKind, ConnectOutcome, Core, Event, Settings, Timestamp, UnitOutcome,
};
use divan::Bencher;
use divan::counter::ItemsCount;
use nvmf_types::config::{Config, Connection};
use nvmf_types::exclusion::ExclusionSet;
use nvmf_types::{
    ControllerClass, ControllerState, DeviceName, LiveController, Origin, Owner, TransportId,
};

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// Events of one round of [`World::round`], in which one controller goes through its life.
const ROUND: usize = 8;

fn main() {
    divan::main();
}

/// A host with many controllers of ours, and what it answers.
struct World {
    core: Core,
    now: u64,
    tids: Vec<TransportId>,
    inos: Vec<u64>,
    next_ino: u64,
    next: usize,
}

fn tid(number: usize) -> TransportId {
    let [_, a, b, c] = u32::try_from(number / 8).unwrap().to_be_bytes();
    let nqn = format!("nqn=nqn.2014-08.org.example:array.{number:06}");
    let text = format!("transport=tcp;traddr=10.{a}.{b}.{c};trsvcid=4420;{nqn}");
    text.parse().unwrap()
}

fn device(number: usize) -> DeviceName {
    DeviceName::from_number(u32::try_from(number).unwrap())
}

impl World {
    /// All are desired by the configuration, and none is there.
    fn new(count: usize) -> (Self, Vec<ActionId>) {
        let tids: Vec<TransportId> = (0..count).map(tid).collect();
        let connection = |(tid, line): (&TransportId, usize)| {
            let origin = Origin::new("nvme-fabrics.conf", line);
            Connection::new(tid.clone(), ControllerClass::Io, origin)
        };
        let config = Config {
            connections: tids.iter().zip(1..).map(connection).collect(),
            ..Config::default()
        };
        let mut world = Self {
            core: Core::new(Settings::default()),
            now: 0,
            inos: vec![0; count],
            tids,
            next_ino: 0,
            next: 0,
        };
        world.tell(Event::ConfigLoaded(config));
        world.tell(Event::BootTablesLoaded {
            connections: Vec::new(),
            problems: Vec::new(),
        });
        world.tell(Event::ExclusionsLoaded {
            set: ExclusionSet::default(),
            problems: Vec::new(),
        });
        let began = Timestamp(0);
        let controllers = Vec::new();
        let asked = world.tell(Event::Listed { controllers, began });
        (world, asked)
    }

    /// All are there.
    fn connected(count: usize) -> Self {
        let (mut world, asked) = Self::new(count);
        // in the order of their names, as the table has them
        for (number, id) in asked.into_iter().enumerate() {
            world.connect(number, id);
        }
        assert_eq!(world.core.status(Timestamp(0)).counts.connected, count);
        world
    }

    /// Gives the connects that are asked for; units are started at once.
    fn tell(&mut self, event: Event) -> Vec<ActionId> {
        self.core.handle(event, Timestamp(self.now));
        self.drain()
    }

    fn drain(&mut self) -> Vec<ActionId> {
        let mut connects = Vec::new();
        while let Some(action) = self.core.poll_action() {
            let id = action.id;
            match action.kind {
                ActionKind::Connect(_) => connects.push(id),
                ActionKind::StartUnit(_) => {
                    let result = UnitOutcome::Started;
                    let event = Event::UnitStarted { id, result };
                    self.core.handle(event, Timestamp(self.now));
                }
                _ => {}
            }
        }
        while self.core.poll_change().is_some() {}
        connects
    }

    fn connect(&mut self, number: usize, id: ActionId) {
        self.next_ino += 1;
        self.inos[number] = self.next_ino;
        self.sight(number, ControllerState::Live, None);
        self.tell(Event::ConnectFinished {
            id,
            outcome: ConnectOutcome::Connected {
                device: device(number),
                sysfs_ino: self.next_ino,
                cntlid: 1,
            },
        });
    }

    fn sight(&mut self, number: usize, state: ControllerState, owner: Option<Owner>) {
        let live = LiveController {
            device: device(number),
            sysfs_ino: self.inos[number],
            tid: self.tids[number].clone(),
            class: Some(ControllerClass::Io),
            state,
            src_addr: None,
            cntlid: Some(1),
            owner,
        };
        self.tell(Event::Controller {
            device: device(number),
            now: Some(live),
            began: Timestamp(self.now + 1),
        });
    }

    /// One controller is seen, loses its target and is back, is gone, is connected again, gets its
    /// unit, and is claimed to have changed its owner.
    fn round(&mut self) {
        self.next = (self.next + 7919) % self.tids.len();
        let number = self.next;
        let ours = Some(Owner::discoverd());
        self.sight(number, ControllerState::Live, ours.clone());
        self.sight(number, ControllerState::Connecting, ours.clone());
        self.sight(number, ControllerState::Live, ours);
        // it lasted, so the next attempt is soon
        self.now += 61_000;
        self.tell(Event::Controller {
            device: device(number),
            now: None,
            began: Timestamp(self.now + 1),
        });
        self.now += 1_200;
        self.core.tick(Timestamp(self.now));
        let asked = self.drain();
        assert_eq!(asked.len(), 1);
        self.connect(number, asked[0]);
        self.tell(Event::OwnershipChanged {
            device: device(number),
        });
    }
}

/// Eight events in the life of one among many.
#[divan::bench(args = SIZES)]
fn life(bencher: Bencher<'_, '_>, count: usize) {
    let mut world = World::connected(count);
    bencher
        .counter(ItemsCount::new(ROUND))
        .bench_local(|| world.round());
}

/// The start: everything is decided for the first time, and connected. An item is one connection.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn start(bencher: Bencher<'_, '_>, count: usize) {
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| World::connected(count));
}

/// A full listing in which nothing is new, as after lost events. An item is one controller.
#[divan::bench(args = SIZES, sample_count = 5)]
fn listing(bencher: Bencher<'_, '_>, count: usize) {
    let mut world = World::connected(count);
    let live = |number: usize| LiveController {
        device: device(number),
        sysfs_ino: world.inos[number],
        tid: world.tids[number].clone(),
        class: Some(ControllerClass::Io),
        state: ControllerState::Live,
        src_addr: None,
        cntlid: Some(1),
        owner: Some(Owner::discoverd()),
    };
    let all: Vec<LiveController> = (0..count).map(live).collect();
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(|| all.clone())
        .bench_local_values(|controllers| {
            world.now += 1;
            let began = Timestamp(world.now);
            world.tell(Event::Listed { controllers, began })
        });
}

/// What people see. An item is one connection.
#[divan::bench(args = SIZES, sample_count = 5)]
fn status(bencher: Bencher<'_, '_>, count: usize) {
    let world = World::connected(count);
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| world.core.status(Timestamp(world.now)));
}
