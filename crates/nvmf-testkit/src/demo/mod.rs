//! The main job as a story: what is desired, what happens, what was seen.

mod scenes;
mod story;

pub use story::Color;

use std::process::ExitCode;

use crate::World;
use crate::target::Target;
use scenes::Stage;
use story::Story;

/// Tells the story. Failure if anything was not seen to be true.
#[must_use]
pub fn run(color: Color, keep: bool) -> ExitCode {
    let mut story = Story::begin(color);
    let stage = Stage {
        world: World::new("demo"),
        target: Target::tcp("127.0.0.1", 8009),
        neighbour: Target::tcp("127.0.0.1", 4420),
    };
    let stage = scenes::play(stage, &mut story);
    let code = story.end();
    if keep {
        stage.keep();
    }
    code
}
