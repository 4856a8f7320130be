//! `nvmf nbft`

mod show;
mod text;
mod view;

use clap::Subcommand;
use nvmf::Root;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;

/// Show the firmware's boot tables (NBFT)
#[derive(Debug, Subcommand)]
pub(crate) enum Nbft {
    Show(show::Show),
}

impl Nbft {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let Self::Show(args) = self;
        args.run(root, out)
    }

    pub(crate) const fn name(&self) -> &'static str {
        let Self::Show(_) = self;
        "nbft show"
    }

    pub(crate) const fn output(&self) -> &OutputArgs {
        let Self::Show(args) = self;
        &args.output
    }
}
