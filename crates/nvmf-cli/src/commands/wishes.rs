//! What `connect-all` and `discover` are asked for: by the command line, or else by all that the
//! host is configured with.

mod boot;
mod files;
mod typed;

use nvmf::Root;
use nvmf_types::HostIdentity;

use crate::args::WalkArgs;
use crate::walk::Wish;

/// What is wanted.
#[derive(Debug)]
pub(super) struct Wishes {
    /// Who the host is by default.
    pub(super) identity: HostIdentity,
    pub(super) wishes: Vec<Wish>,
    /// What is not done, and needs not be.
    pub(super) notes: Vec<String>,
    /// What should be done and cannot be.
    pub(super) problems: Vec<String>,
}

impl Wishes {
    /// By the options.
    pub(super) fn collect(root: &Root, args: &WalkArgs) -> anyhow::Result<Self> {
        if args.device().is_some() || args.target.transport.is_some() {
            return typed::typed(root, args);
        }
        if args.nbft {
            let mut wanted = Self::none(nvmf::config::host_identity(root)?);
            boot::add(root, args, &mut wanted)?;
            return Ok(wanted);
        }
        let mut wanted = files::configured(root, args)?;
        // A file that is named is all that is asked for.
        if args.config.is_none() {
            if !args.no_nbft {
                boot::add(root, args, &mut wanted)?;
            }
            files::add_legacy(root, args, &mut wanted)?;
        }
        Ok(wanted)
    }

    /// Whether nobody asks for anything.
    pub(super) const fn is_empty(&self) -> bool {
        self.wishes.is_empty() && self.problems.is_empty()
    }

    /// What is to be told at the beginning.
    pub(super) fn said(&self) -> impl Iterator<Item = &String> {
        self.notes.iter().chain(&self.problems)
    }

    const fn none(identity: HostIdentity) -> Self {
        Self {
            identity,
            wishes: Vec::new(),
            notes: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// The options of the command line hold for the controller and for all that it names.
fn tune(args: &WalkArgs, wish: &mut Wish) -> anyhow::Result<()> {
    for options in [&mut wish.options, &mut wish.scope.io, &mut wish.scope.dc] {
        args.tunables.apply(options)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
