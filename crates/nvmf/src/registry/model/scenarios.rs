//! Who is there, and what the checker says.

use stateright::{Checker, Model, Property};

use super::actors::Actor::{self, *};
use super::world::{Event, World};

/// Some processes on a host.
#[derive(Clone, Debug, Default)]
struct Scenario {
    actors: Vec<Actor>,
    losses: u8,
    kills: u8,
}

impl Model for Scenario {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.actors, self.losses, self.kills)]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        events.extend(world.events());
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        Some(world.happen(event))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("promises are kept", |_, w: &World| w.keeps_promises()),
            Property::always("no predecessor's owner", |_, w: &World| {
                w.shows_no_predecessor()
            }),
            Property::always("nothing is broken", |_, w: &World| w.breaks_nothing()),
            Property::always("it ends clean", |_, w: &World| w.ends_clean()),
            Property::always("claims are accepted", |_, w: &World| w.accepts_claims()),
        ]
    }
}

impl Scenario {
    fn of(actors: &[Actor]) -> Self {
        Self {
            actors: actors.to_vec(),
            ..Self::default()
        }
    }

    fn with(self, losses: u8, kills: u8) -> Self {
        Self {
            losses,
            kills,
            ..self
        }
    }

    /// Everything that can happen is right.
    fn holds(self) {
        let shown = format!("{self:?}");
        let started = std::time::Instant::now();
        let checker = self.checker().threads(2).spawn_bfs().join();
        eprintln!(
            "{} states, {:.1?}: {shown}",
            checker.unique_state_count(),
            started.elapsed()
        );
        checker.assert_properties();
    }

    /// Something goes wrong that `property` forbids.
    fn fails(self, property: &'static str) {
        let checker = self.checker().threads(2).spawn_bfs().join();
        let path = checker.assert_any_discovery(property);
        let events = path.into_actions();
        eprintln!("{property}: {events:?}");
    }
}

const EVERYBODY: [Actor; 7] = [
    Connect("a"),
    Connect("b"),
    Claim("c", 0),
    Claim("d", 0),
    DisconnectAll,
    Udev(0),
    Udev(1),
];

#[test]
fn everybody_and_a_kill() {
    Scenario::of(&EVERYBODY).with(0, 1).holds();
}

#[test]
fn everybody_and_a_loss() {
    Scenario::of(&EVERYBODY).with(1, 0).holds();
}

#[test]
#[ignore = "minutes: 3.6 million states"]
fn everybody_a_kill_and_a_loss() {
    Scenario::of(&EVERYBODY).with(1, 1).holds();
}

#[test]
fn readers_are_told_what_is_or_was_so() {
    let actors = [Connect("a"), Connect("b"), Claim("c", 0), Read(0)];
    let udev = [Udev(0), Udev(1)];
    Scenario::of(&[actors.as_slice(), &udev].concat())
        .with(1, 1)
        .holds();
}

#[test]
fn owners_change_by_a_persons_word() {
    let actors = [Connect("a"), Claim("b", 0), Set("c", 0), Release("a", 0)];
    Scenario::of(&[actors.as_slice(), &[Udev(0)]].concat())
        .with(1, 1)
        .holds();
}

#[test]
fn beside_a_tool_that_connects_without_lock_or_stamp() {
    let actors = [ForeignConnect("a"), Connect("b"), Claim("c", 0), Udev(0)];
    Scenario::of(&actors).with(1, 1).holds();
}

#[test]
fn beside_a_tool_that_claims_without_lock_or_stamp() {
    let actors = [Connect("a"), ForeignClaim("b", 0), Claim("c", 0), Udev(0)];
    Scenario::of(&actors).with(1, 1).holds();
}

#[test]
fn beside_a_tool_that_changes_owners_without_lock_or_stamp() {
    let actors = [
        Connect("a"),
        ForeignSet("b", 0),
        Release("a", 0),
        Claim("c", 0),
    ];
    Scenario::of(&actors).with(0, 0).holds();
}

#[test]
fn beside_a_tool_that_removes_entries_without_lock() {
    let actors = [
        Connect("a"),
        Release("a", 0),
        ForeignDelete(0),
        Claim("c", 0),
    ];
    Scenario::of(&actors).with(0, 1).holds();
}

#[test]
fn garbage_is_collected_beside_all_kinds() {
    let actors = [Connect("a"), Connect("b"), ForeignClaim("c", 0), Collect(0)];
    Scenario::of(&actors).with(1, 1).holds();
}

#[test]
fn the_blind_rule_destroys_live_entries() {
    let actors = [Connect("a"), Connect("b"), BlindUdev(0)];
    Scenario::of(&actors).with(1, 0).fails("promises are kept");
}

#[test]
fn looking_before_removing_destroys_live_entries() {
    let actors = [Connect("a"), Connect("b"), LookingUdev(0)];
    Scenario::of(&actors).with(1, 0).fails("promises are kept");
}

#[test]
fn disconnecting_by_name_hits_others() {
    let actors = [Connect("a"), Connect("b"), DisconnectByName];
    Scenario::of(&actors).with(1, 0).fails("nothing is broken");
}

#[test]
fn asking_for_the_owner_alone_hits_what_was_just_connected() {
    let actors = [Connect("a"), DisconnectUnowned];
    Scenario::of(&actors).fails("nothing is broken");
}
