//! `nvmf nbft show`

use std::path::PathBuf;

use clap::Args;
use nvmf::Root;
use nvmf::nbft::{BootTables, load, load_folder};

use super::text;
use super::view::TableView;
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;

/// Show what the firmware connected before the system started
///
/// The tables are /sys/firmware/acpi/tables/NBFT*, which only root can read. A host that was not
/// started over NVMe-oF has none: then there is nothing to show, and that is no failure. It is one
/// if a table cannot be read; what is wrong inside a table is shown with it, and is none.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Show the interfaces, and what else is asked for, only
    #[arg(short = 'H', long)]
    hfi: bool,
    /// Show the subsystems, and what else is asked for, only
    #[arg(short, long)]
    subsystem: bool,
    /// Show the discovery controllers, and what else is asked for, only
    #[arg(short, long)]
    discovery: bool,
    /// Read the files NBFT* of this folder instead of the firmware's tables
    #[arg(long, value_name = "DIR")]
    nbft_path: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Which parts of a table are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) hfi: bool,
    pub(super) subsystem: bool,
    pub(super) discovery: bool,
    pub(super) security: bool,
}

impl Show {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let found = match &self.nbft_path {
            Some(folder) => load_folder(folder)?,
            None => load(root)?,
        };
        for error in &found.failed {
            out.diagnostic(&format!("nvmf: nbft show: {error}"));
        }
        if found.tables.is_empty() && found.failed.is_empty() {
            let folder = found.folder.display();
            out.diagnostic(&format!("no boot table: there is no `{folder}/NBFT`"));
        }
        let views = self.views(&found);
        out.result(&views, |_| text::render(&found, self.parts()))?;
        Ok(if found.failed.is_empty() {
            Outcome::Done
        } else {
            Outcome::Incomplete
        })
    }

    fn views<'a>(&self, found: &'a BootTables) -> Vec<TableView<'a>> {
        let view = |table| TableView::new(found.path(table), table, self.parts());
        found.tables.iter().map(view).collect()
    }

    const fn parts(&self) -> Parts {
        let all = !(self.hfi || self.subsystem || self.discovery);
        Parts {
            hfi: all || self.hfi,
            subsystem: all || self.subsystem,
            discovery: all || self.discovery,
            security: all,
        }
    }
}

#[cfg(test)]
mod tests;
