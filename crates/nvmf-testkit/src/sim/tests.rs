//! The daemon's decisions in many worlds.

use std::str::FromStr;

use super::{Schedule, search};

/// Schedules of one run, unless `NVMF_SIM_SCHEDULES` says otherwise.
const SCHEDULES: u64 = 1_000;
/// Steps of one schedule, unless `NVMF_SIM_STEPS` says otherwise.
const STEPS: usize = 200;

fn setting<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let value = text.parse().ok();
    Some(value.unwrap_or_else(|| panic!("{name}={text}: expected a number")))
}

/// `NVMF_SIM_SEED` replays one seed; with `NVMF_SIM_SCHEDULES` it is the first.
#[test]
fn nothing_that_happens_breaks_a_promise() {
    let steps = setting("NVMF_SIM_STEPS").unwrap_or(STEPS);
    let first = setting("NVMF_SIM_SEED");
    let schedules = setting("NVMF_SIM_SCHEDULES").unwrap_or(first.map_or(SCHEDULES, |_| 1));
    let first = first.unwrap_or(0);
    if let Some(found) = search(first..first + schedules, steps) {
        panic!("{found}");
    }
}

#[test]
fn a_seed_is_one_schedule() {
    let schedule = Schedule::random(7, 50);
    assert_eq!(schedule, Schedule::random(7, 50));
    assert_ne!(schedule, Schedule::random(8, 50));
    assert_eq!(schedule.steps.len(), 50);
}
