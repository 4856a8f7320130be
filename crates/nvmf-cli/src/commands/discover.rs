//! `nvmf discover`

mod pages;
mod text;

use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use nvmf::Root;
use nvmf_types::ControllerClass;

use super::raw::RawFile;
use super::wishes::Wishes;
use crate::args::{OutputArgs, WalkArgs};
use crate::cli::{Outcome as Exit, Usage};
use crate::output::Output;
use crate::walk::{Hand, Host, Policy, Walker, drive};
use pages::Pages;

/// Show what discovery controllers know
///
/// Prints the discovery log page of the discovery controller that the options name, or else those
/// of all that are configured. Connects nothing: a discovery controller that is connected already
/// is asked if nobody owns it; otherwise one is connected for the moment.
#[derive(Debug, Args)]
pub(crate) struct Discover {
    #[command(flatten)]
    walk: WalkArgs,
    /// Also ask the discovery controllers that log pages refer to
    #[arg(long)]
    referrals: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl Discover {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Exit> {
        let mut wanted = Wishes::collect(root, &self.walk)?;
        wanted
            .wishes
            .retain(|wish| wish.class == ControllerClass::Discovery);
        let single = !self.referrals && wanted.wishes.iter().all(|wish| wish.typed);
        if wanted.is_empty() {
            bail!(Usage(
                "no discovery controller is configured: give one with -t and -a, or with -d"
                    .to_owned()
            ));
        }
        for text in wanted.said() {
            out.diagnostic(&format!("nvmf: discover: {text}"));
        }
        let mut raw = RawFile::open(self.walk.raw.as_deref())?;
        let (hand, controllers) = Hand::new(root, &wanted.identity)?;
        let host = Host {
            identity: wanted.identity,
            exclusions: nvmf::exclusions::load(root).set,
            controllers,
        };
        let policy = Policy {
            subsystems: false,
            referrals: self.referrals,
            reuse: self.walk.reuse(),
        };
        let mut walker = Walker::new(policy, host, wanted.wishes);
        let mut pages = Pages::new(out, self.walk.quiet, &mut raw);
        drive(&mut walker, &Arc::new(hand), &mut pages);
        let exit = pages.print(&walker, single)?;
        match exit {
            Exit::Done if !wanted.problems.is_empty() => Ok(Exit::Incomplete),
            other => Ok(other),
        }
    }
}

#[cfg(test)]
mod tests;
