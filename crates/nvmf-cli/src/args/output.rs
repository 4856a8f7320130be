//! `-o` and `-v`.

use clap::{Args, ValueEnum};

/// How a command shows its results.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputArgs {
    /// Text for people, or JSON for programs
    #[arg(short, long, value_name = "FORMAT", default_value = "normal")]
    pub(crate) output_format: Format,
    /// Say more
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people
    Normal,
    /// JSON for programs
    Json,
}
