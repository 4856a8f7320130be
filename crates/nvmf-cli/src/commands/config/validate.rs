//! `nvmf config validate`

use std::path::PathBuf;

use clap::Args;
use nvmf::Root;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;

/// Check the configuration files
///
/// Exit status: 0 if they can be used, 1 if not.
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// The main file; its drop-ins are FILE.d/*.conf [default: /etc/nvme/nvme-fabrics.conf]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Validate {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let config = nvmf::config::load(root, self.file.as_deref())?;
        for warning in &config.warnings {
            out.diagnostic(&warning.to_string());
        }
        Ok(Outcome::Done)
    }
}
