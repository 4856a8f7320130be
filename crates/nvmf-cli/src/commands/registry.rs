//! `nvmf registry`

mod claim;
mod delete;
mod gc;
mod list;
mod reap;
mod release;
mod retrieve;
mod update;
mod watch;

use anyhow::bail;
use clap::Subcommand;
use nvmf::Root;
use nvmf::sysfs::{self, ControllerKind};
use nvmf_types::{AttrName, DeviceName};
use serde::Serialize;

use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::commands::Confirm;
use crate::output::Output;
use crate::prompt;

/// Show and change who owns which controller
///
/// The registry is what tools on this host tell each other: a controller without an owner there is
/// anybody's. Everybody may read it; changing it takes root.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    List(list::List),
    Retrieve(retrieve::Retrieve),
    Update(update::Update),
    Delete(delete::Delete),
    Claim(claim::Claim),
    Release(release::Release),
    Watch(watch::Watch),
    Gc(gc::Gc),
    Reap(reap::Reap),
}

impl Registry {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        match self {
            Self::List(args) => args.run(root, out),
            Self::Retrieve(args) => args.run(root, out),
            Self::Update(args) => args.run(root, out, prompt::confirm),
            Self::Delete(args) => args.run(root, out, prompt::confirm),
            Self::Claim(args) => args.run(root, out),
            Self::Release(args) => args.run(root, out),
            Self::Watch(args) => args.run(root, out),
            Self::Gc(args) => args.run(root, out),
            Self::Reap(args) => args.run(root, out),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::List(_) => "registry list",
            Self::Retrieve(_) => "registry retrieve",
            Self::Update(_) => "registry update",
            Self::Delete(_) => "registry delete",
            Self::Claim(_) => "registry claim",
            Self::Release(_) => "registry release",
            Self::Watch(_) => "registry watch",
            Self::Gc(_) => "registry gc",
            Self::Reap(_) => "registry reap",
        }
    }

    /// Whether it takes root.
    pub(crate) const fn changes(&self) -> bool {
        match self {
            Self::List(_) | Self::Retrieve(_) | Self::Watch(_) => false,
            Self::Update(_)
            | Self::Delete(_)
            | Self::Claim(_)
            | Self::Release(_)
            | Self::Gc(_)
            | Self::Reap(_) => true,
        }
    }

    pub(crate) const fn output(&self) -> &OutputArgs {
        match self {
            Self::List(args) => &args.output,
            Self::Retrieve(args) => &args.output,
            Self::Update(args) => &args.output,
            Self::Delete(args) => &args.output,
            Self::Claim(args) => &args.output,
            Self::Release(args) => &args.output,
            Self::Watch(args) => &args.output,
            Self::Gc(args) => &args.output,
            Self::Reap(args) => &args.output,
        }
    }
}

/// What `retrieve -o json` and `update -o json` show.
#[derive(Debug, Serialize)]
struct Attribute<'a> {
    device: &'a DeviceName,
    attribute: &'a AttrName,
    value: String,
}

/// The controller that is meant, unless it is one that nobody can own.
fn controller(root: &Root, device: &DeviceArg) -> anyhow::Result<DeviceName> {
    let device = device.resolve(root)?;
    refuse_local(root, &device)?;
    Ok(device)
}

fn refuse_local(root: &Root, device: &DeviceName) -> anyhow::Result<()> {
    match sysfs::kind(root, device)? {
        Some(ControllerKind::Local) => {
            bail!("{device} is no fabrics controller, it is managed by the kernel")
        }
        Some(ControllerKind::Fabrics) | None => Ok(()),
    }
}

fn no_such_controller(device: &DeviceName) -> anyhow::Error {
    anyhow::anyhow!("there is no controller {device}: see nvmf list")
}

fn is_owner(attribute: &AttrName) -> bool {
    attribute.as_str() == "owner"
}

fn unchanged(out: &mut Output, command: &str) -> anyhow::Result<Outcome> {
    out.diagnostic(&format!("nvmf: registry {command}: nothing was changed"));
    Ok(Outcome::Incomplete)
}

#[cfg(test)]
mod tests {
    use super::Confirm;

    pub(super) const NOBODY_ASKED: Confirm = |question| panic!("asked: {question}");
    pub(super) const YES: Confirm = |_| Ok(true);
    pub(super) const NO: Confirm = |_| Ok(false);
}
