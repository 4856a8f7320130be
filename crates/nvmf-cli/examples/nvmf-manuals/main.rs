//! Writes the manual pages and the shells' completions of `nvmf` into a folder, for a package:
//! `man1/nvmf.1` and one page for each command, `bash/nvmf`, `zsh/_nvmf`, `fish/nvmf.fish`.
//!
//! `nvmf-manuals DIR PARTS`: PARTS is `dist/man`, where `NAME.1.part` has what is added to a page by
//! hand.

mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let dir = arguments.next().context("give the folder to write to")?;
    let parts = arguments.next().context("give the folder with the parts")?;
    write::pages(&dir.join("man1"), &parts)?;
    write::completions(&dir)?;
    Ok(ExitCode::SUCCESS)
}
