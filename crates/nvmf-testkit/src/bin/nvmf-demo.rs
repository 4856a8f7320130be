//! Shows the main job in the guest, step by step; see [`nvmf_testkit::demo`].

use std::process::ExitCode;

use clap::Parser;
use nvmf_testkit::demo::{self, Color};

/// Show how nvme-discoverd keeps controllers connected, against targets of the real kernel.
///
/// Wants a machine of its own, as root: it removes all targets and fabrics controllers it finds.
/// The exit status is 0 only if each step was seen to be true.
#[derive(Debug, Parser)]
struct Arguments {
    /// Leave targets, daemon and controllers as they are at the end
    #[arg(long)]
    keep: bool,
    /// When to use colours
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    demo::run(arguments.color, arguments.keep)
}
