//! `nvmf config show`

use std::path::PathBuf;

use clap::Args;
use nvmf::Root;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;

/// Show what would be connected
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The main file; its drop-ins are FILE.d/*.conf [default: /etc/nvme/nvme-fabrics.conf]
    #[arg(short = 'J', long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Show {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let config = nvmf::config::load(root, self.config.as_deref())?;
        for connection in &config.connections {
            out.line(&format!("{}: {}", connection.origin, connection.tid))?;
        }
        Ok(Outcome::Done)
    }
}
