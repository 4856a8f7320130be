//! Questions, asked on terminals only.

use std::io::IsTerminal;

use anyhow::Context;

/// Whether there is a person to ask.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a typed `yes`; true at once where nobody can be asked.
pub(crate) fn typed_yes(question: &str) -> anyhow::Result<bool> {
    if !is_interactive() {
        return Ok(true);
    }
    let answer: String = dialoguer::Input::new()
        .with_prompt(format!("{question} Type yes to go on"))
        .allow_empty(true)
        .interact_text()
        .context("cannot ask")?;
    Ok(answer.trim() == "yes")
}

/// Asks `[y/N]`; true at once where nobody can be asked.
pub(crate) fn confirm(question: &str) -> anyhow::Result<bool> {
    if !is_interactive() {
        return Ok(true);
    }
    dialoguer::Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .context("cannot ask")
}
