//! Questions, asked on terminals only.

use std::io::IsTerminal;

use anyhow::Context;

/// Whether there is a person to ask.
///
/// # Errors
/// There is one, but the question would go into a file or a pipe.
pub(crate) fn is_interactive() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    anyhow::ensure!(
        std::io::stderr().is_terminal(),
        "cannot ask: standard error is no terminal; redirect standard input too (`</dev/null`) to go on without a question"
    );
    Ok(true)
}

/// Asks for a typed `yes`; true at once where nobody can be asked.
pub(crate) fn typed_yes(question: &str) -> anyhow::Result<bool> {
    if !is_interactive()? {
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
    if !is_interactive()? {
        return Ok(true);
    }
    dialoguer::Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .context("cannot ask")
}
