//! What to do with a text that cannot be saved.

use crate::prompt;

/// What to do with a text that cannot be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    EditAgain,
    Discard,
    /// Save nothing, and leave the copy.
    Keep,
    /// The same, and go.
    Interrupted,
}

/// Asks on the terminal; without one the text is kept.
pub(super) fn choose() -> anyhow::Result<Choice> {
    if !prompt::is_interactive()? {
        return Ok(Choice::Keep);
    }
    let choices = [
        ("Edit it again", Choice::EditAgain),
        ("Save nothing, and throw it away", Choice::Discard),
        ("Save nothing, and keep the text there", Choice::Keep),
    ];
    let chosen = prompt::select(
        "It is not saved like this",
        &choices.map(|(text, _)| text.to_owned()),
    );
    match chosen {
        Ok(chosen) => {
            let chosen = chosen.and_then(|index| choices.get(index));
            Ok(chosen.map_or(Choice::Keep, |(_, choice)| *choice))
        }
        Err(error) if prompt::is_interrupt(&error) => Ok(Choice::Interrupted),
        Err(error) => Err(error),
    }
}
