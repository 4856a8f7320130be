//! `nvmf config`

mod convert;
mod create;
mod problems;
mod show;
mod validate;
mod verdict;

use clap::Subcommand;
use nvmf::Root;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;

/// Show, check and change what the configuration files say
///
/// The main file is /etc/nvme/nvme-fabrics.conf; the drop-ins beside it,
/// nvme-fabrics.conf.d/*.conf, are read after it in alphabetical order.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    Validate(validate::Validate),
    Show(show::Show),
    Convert(convert::Convert),
    Create(Box<create::Create>),
}

impl Config {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        match self {
            Self::Validate(args) => args.run(root, out),
            Self::Show(args) => args.run(root, out),
            Self::Convert(args) => args.run(root, out),
            Self::Create(args) => args.run(root, out),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Validate(_) => "config validate",
            Self::Show(_) => "config show",
            Self::Convert(_) => "config convert",
            Self::Create(_) => "config create",
        }
    }

    /// Whether it takes root.
    pub(crate) const fn changes(&self) -> bool {
        match self {
            Self::Validate(_) | Self::Show(_) => false,
            Self::Convert(args) => args.changes(),
            Self::Create(_) => true,
        }
    }

    pub(crate) const fn output(&self) -> &OutputArgs {
        match self {
            Self::Validate(args) => &args.output,
            Self::Show(args) => &args.output,
            Self::Convert(args) => &args.output,
            Self::Create(args) => &args.output,
        }
    }
}
