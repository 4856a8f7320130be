//! `-r FILE`: log pages as they are.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where log pages go, one after the other: each says in its header how long it is.
#[derive(Debug)]
pub(super) struct RawFile(Option<(PathBuf, File)>);

impl RawFile {
    /// Opened first, so that a file that cannot be written is no reason to have connected anything.
    /// Without a path nothing is written.
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| -> anyhow::Result<(PathBuf, File)> {
            let file =
                File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
            Ok((path.to_owned(), file))
        };
        path.map(open).transpose().map(Self)
    }

    /// Whether there is one.
    pub(super) const fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn write(&mut self, page: &[u8]) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.0 else {
            return Ok(());
        };
        file.write_all(page)
            .with_context(|| format!("cannot write `{}`", path.display()))
    }
}
