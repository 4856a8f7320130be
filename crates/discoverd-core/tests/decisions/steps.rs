//! What can happen, at random.

use nvmf_types::ControllerState;
use proptest::prelude::*;

pub(crate) const NAMES: [&str; 7] = ["dc1", "dc2", "dc3", "io1", "io2", "io3", "io4"];
pub(crate) const OWNERS: [&str; 3] = ["", "stas", "discoverd"];

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Config(Vec<&'static str>),
    BadConfig,
    Exclude(Vec<&'static str>),
    Touch,
    /// Somebody connects something; half: still in the making.
    Appears(&'static str, &'static str, bool),
    Gone(usize),
    /// The registry changes, and we are told or not.
    Owner(usize, &'static str, bool),
    Target(usize, ControllerState),
    List,
    Changed(usize),
    Answer(usize, u8, Vec<&'static str>),
    Pass(u64),
}

pub(crate) fn names() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(NAMES.to_vec(), 0..=NAMES.len())
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let name = || proptest::sample::select(NAMES.to_vec());
    let owner = || proptest::sample::select(OWNERS.to_vec());
    let state = proptest::sample::select(vec![
        ControllerState::Live,
        ControllerState::Connecting,
        ControllerState::Deleting,
    ]);
    prop_oneof![
        2 => names().prop_map(Step::Config),
        1 => Just(Step::BadConfig),
        2 => names().prop_map(Step::Exclude),
        1 => Just(Step::Touch),
        3 => (name(), owner(), any::<bool>()).prop_map(|(n, o, h)| Step::Appears(n, o, h)),
        4 => any::<usize>().prop_map(Step::Gone),
        2 => (any::<usize>(), owner(), any::<bool>()).prop_map(|(i, o, t)| Step::Owner(i, o, t)),
        2 => (any::<usize>(), state).prop_map(|(i, s)| Step::Target(i, s)),
        1 => Just(Step::List),
        2 => any::<usize>().prop_map(Step::Changed),
        20 => (any::<usize>(), any::<u8>(), names()).prop_map(|(i, how, n)| Step::Answer(i, how, n)),
        4 => (0_u64..100_000).prop_map(Step::Pass),
    ]
}
