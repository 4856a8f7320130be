//! Questions, asked on terminals only.

use std::io::IsTerminal;

use anyhow::Context;

use crate::interrupts::Question;

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
    let _question = Question::begin();
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
    let _question = Question::begin();
    dialoguer::Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .context("cannot ask")
}

/// Lets a person choose one of `items`; `None`: Esc. To be asked only where
/// [`is_interactive`] says so.
pub(crate) fn select(question: &str, items: &[String]) -> anyhow::Result<Option<usize>> {
    let _question = Question::begin();
    dialoguer::Select::new()
        .with_prompt(question)
        .items(items)
        .default(0)
        .interact_opt()
        .context("cannot ask")
}

/// Whether a question failed because of Ctrl-C.
pub(crate) fn is_interrupt(error: &anyhow::Error) -> bool {
    let io = |cause: &(dyn std::error::Error + 'static)| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|e| e.kind() == std::io::ErrorKind::Interrupted)
    };
    let dialoguer = error.downcast_ref::<dialoguer::Error>();
    let own = dialoguer.is_some_and(|dialoguer::Error::IO(e)| io(e));
    own || error.chain().any(io)
}
