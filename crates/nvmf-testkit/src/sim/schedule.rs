//! Schedules: made from a seed, run, and cut down to what matters.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use discoverd_core::Timestamp;

use super::name::{Names, VISITED};
use super::random::Random;
use super::step::{self, Step};
use super::world::World;

/// After so many steps the status is looked at.
const LOOK: usize = 16;

/// A world's beginning, and what happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What the configuration names at first.
    pub configured: Names,
    /// What is not to stay connected where the configuration names it.
    pub visited: Names,
    /// What the boot tables name at first.
    pub boot: Names,
    /// One after the other.
    pub steps: Vec<Step>,
}

/// What must not be, and when it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Steps that had been taken; more than there are: when all was quiet again.
    pub step: usize,
    /// What it was.
    pub what: String,
}

impl Schedule {
    /// The schedule of that seed, with so many steps.
    #[must_use]
    pub fn random(seed: u64, length: usize) -> Self {
        let mut random = Random::new(seed);
        let configured = step::names(&mut random);
        let boot = step::few(&mut random);
        // Each seed leaves out half of what can happen, so that what is left happens often enough to
        // meet itself (Groce et al. 2012, swarm testing).
        let never = random.next();
        let steps = (0..length).map(|_| Step::random(&mut random, never));
        let steps = steps.collect();
        Self {
            configured,
            visited: if seed % 4 == 3 {
                VISITED
            } else {
                Names::default()
            },
            boot,
            steps,
        }
    }

    /// Runs it from the beginning.
    ///
    /// # Errors
    /// What must not be; a panic counts.
    pub fn run(&self) -> Result<(), Failure> {
        let mut step = 0;
        let done = catch_unwind(AssertUnwindSafe(|| {
            self.take_steps(&mut self.begin(), &mut step)
        }));
        let what = match done {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(what)) => what,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                format!("panic: {}", text.unwrap_or("without words"))
            }
        };
        Err(Failure { step, what })
    }

    /// Runs it and tells what the daemon's last life heard and wanted, one line each.
    #[must_use]
    pub fn story(&self) -> String {
        let mut world = self.begin();
        world.daemon.story = Some(String::new());
        let mut step = 0;
        // how it ends is known
        let _ = catch_unwind(AssertUnwindSafe(|| self.take_steps(&mut world, &mut step)));
        world.daemon.story.unwrap_or_default()
    }

    fn begin(&self) -> World {
        World::new(self.configured, self.visited, self.boot)
    }

    fn take_steps(&self, world: &mut World, taken: &mut usize) -> Result<(), String> {
        for step in &self.steps {
            *taken += 1;
            world.step(*step)?;
            if taken.is_multiple_of(LOOK) {
                let status = world.daemon.core.status(Timestamp(world.now));
                world.daemon.watch.check_status(&status)?;
            }
        }
        *taken += 1;
        world.calm_down()
    }

    /// The shortest schedule found by leaving out steps that still fails, and how.
    #[must_use]
    pub fn shrink(&self, failure: Failure) -> (Self, Failure) {
        let mut best = (self.clone(), failure);
        best.0.steps.truncate(best.1.step);
        let mut chunk = best.0.steps.len().div_ceil(2);
        while chunk > 0 {
            let mut at = 0;
            while at < best.0.steps.len() {
                let mut shorter = best.0.clone();
                let end = (at + chunk).min(shorter.steps.len());
                shorter.steps.drain(at..end);
                match shorter.run() {
                    Err(failure) if failure.is_like(&best.1) => best = (shorter, failure),
                    _ => at += chunk,
                }
            }
            chunk /= 2;
        }
        best
    }
}

impl Failure {
    /// Whether it is the same promise that is broken.
    fn is_like(&self, other: &Self) -> bool {
        self.what.split(' ').next() == other.what.split(' ').next()
    }
}

impl fmt::Display for Schedule {
    /// One step a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "configured: {}, not kept of these: {}, boot tables: {}",
            self.configured, self.visited, self.boot
        )?;
        for (number, step) in (1..).zip(&self.steps) {
            writeln!(f, "{number:4}  {step:?}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after step {}: {}", self.step, self.what)
    }
}
