//! Changes that are rejected, and why.

use nvmf::config::{LoadError, WriteError};
use nvmf_types::config::{EditError, Problems};

use crate::cli::Outcome;
use crate::output::Output;

/// Says why nothing was written.
pub(super) fn rejected(
    out: &mut Output,
    command: &str,
    error: WriteError,
) -> anyhow::Result<Outcome> {
    let (problems, why) = match error {
        WriteError::Load(LoadError::Problems(problems)) => (problems, ""),
        WriteError::Edit(EditError::Existing(problems)) => {
            (problems, "the configuration has errors: ")
        }
        WriteError::Edit(EditError::Wrong(problems)) => {
            (problems, "it would be no configuration: ")
        }
        other => return Err(other.into()),
    };
    let Problems(problems) = problems;
    for problem in problems {
        out.problem(&problem);
    }
    out.diagnostic(&format!("nvmf: {command}: {why}nothing was written"));
    Ok(Outcome::Incomplete)
}
