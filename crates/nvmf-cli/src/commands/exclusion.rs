//! `nvmf exclusion`

mod add;
mod check;
mod connections;
mod create;
mod delete;
mod doubt;
mod edit;
mod hits;
mod list;
mod meaning;
mod remove;
mod root_disk;

use clap::Subcommand;
use nvmf::Root;
use nvmf::exclusions::EditError;
use serde::Serialize;

use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::Output;
use crate::prompt;

pub(super) use connections::Connections;
pub(super) use hits::{hits, warn};

/// Show and change what must not be connected
///
/// An entry names connections by their fields. What has all fields of any entry is not connected
/// by anything that acts by itself; what is connected stays connected. Everybody may read the
/// lists; changing them takes root.
#[derive(Debug, Subcommand)]
pub(crate) enum Exclusion {
    List(list::List),
    Add(Box<add::Add>),
    Remove(Box<remove::Remove>),
    Edit(edit::Edit),
    Create(create::Create),
    Delete(delete::Delete),
    Check(check::Check),
}

impl Exclusion {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        match self {
            Self::List(args) => args.run(root, out),
            Self::Add(args) => args.run(root, out),
            Self::Remove(args) => args.run(root, out, remove::pick),
            Self::Edit(args) => args.run(root, out),
            Self::Create(args) => args.run(root, out),
            Self::Delete(args) => args.run(root, out, prompt::confirm),
            Self::Check(args) => args.run(root, out),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::List(_) => "exclusion list",
            Self::Add(_) => "exclusion add",
            Self::Remove(_) => "exclusion remove",
            Self::Edit(_) => "exclusion edit",
            Self::Create(_) => "exclusion create",
            Self::Delete(_) => "exclusion delete",
            Self::Check(_) => "exclusion check",
        }
    }

    /// Whether it takes root.
    pub(crate) const fn changes(&self) -> bool {
        match self {
            Self::List(_) | Self::Check(_) => false,
            Self::Add(_) | Self::Remove(_) | Self::Edit(_) | Self::Create(_) | Self::Delete(_) => {
                true
            }
        }
    }

    pub(crate) const fn output(&self) -> &OutputArgs {
        match self {
            Self::List(args) => &args.output,
            Self::Add(args) => &args.output,
            Self::Remove(args) => &args.output,
            Self::Edit(args) => &args.output,
            Self::Create(args) => &args.output,
            Self::Delete(args) => &args.output,
            Self::Check(args) => &args.output,
        }
    }
}

/// An entry that stands in a list, as all commands show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Standing {
    pub(super) file: String,
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) entry: String,
}

/// The message of whichever it is, with its causes.
pub(super) fn failed<E: std::error::Error + Send + Sync + 'static>(
    error: EditError<E>,
) -> anyhow::Error {
    match error {
        EditError::Refused(why) => why.into(),
        other => anyhow::Error::msg(other.to_string()),
    }
}

/// The entry for what a controller is connected to.
fn rule_of(
    root: &Root,
    connections: &Connections,
    device: &DeviceArg,
) -> anyhow::Result<nvmf_types::exclusion::Rule> {
    let device = device.resolve(root)?;
    let live = connections.live(&device);
    let live = live.ok_or_else(|| no_such_controller(&device))?;
    Ok(connections.entry_for(live)?)
}

fn no_such_controller(device: &nvmf_types::DeviceName) -> anyhow::Error {
    anyhow::anyhow!("there is no fabrics controller {device}: see nvmf list")
}
