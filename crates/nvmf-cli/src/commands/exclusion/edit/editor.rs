//! The user's editor, and what it edits.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};

use crate::interrupts;

/// Which program edits: `$VISUAL`, `$EDITOR`, or the first of the usual ones that is there. Its
/// text may hold options.
pub(super) fn choose() -> anyhow::Result<OsString> {
    let set = |name| std::env::var_os(name).filter(|text| !text.is_empty());
    let path = std::env::var_os("PATH").unwrap_or_default();
    set("VISUAL")
        .or_else(|| set("EDITOR"))
        .or_else(|| usual(&path))
        .context("there is no editor: install one, or name it with EDITOR=…")
}

/// The first usual editor in the folders of `path`.
fn usual(path: &OsString) -> Option<OsString> {
    let names = ["editor", "sensible-editor", "vi", "nano"];
    let is_there = |name: &&str| {
        let mut folders = std::env::split_paths(path).filter(|dir| dir.is_absolute());
        folders.any(|dir| dir.join(name).is_file())
    };
    names.into_iter().find(is_there).map(OsString::from)
}

/// An editor that can be run. The terminal's Ctrl-C reaches this process too, and must not end it
/// below the editor.
#[derive(Debug)]
pub(super) struct Editor(OsString);

impl Editor {
    /// The editor `command`, a command line of the shell.
    pub(super) fn new(command: OsString) -> Self {
        interrupts::only_at_questions();
        Self(command)
    }

    /// Runs it on `file` until it ends.
    ///
    /// # Errors
    /// It cannot be run, or says that it failed.
    pub(super) fn run(&self, file: &Path) -> anyhow::Result<()> {
        let name = self.0.to_string_lossy();
        // As everywhere, the shell splits what is set; the file is an argument of its own. Nor
        // must the shell be ended below the editor.
        let mut script = OsString::from("trap : INT QUIT\n");
        script.push(&self.0);
        script.push(" \"$1\"");
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(script).arg("editor").arg(file);
        let status = shell.status();
        let status = status.with_context(|| format!("cannot run the editor `{name}`"))?;
        if !status.success() {
            bail!("the editor `{name}` failed ({status})");
        }
        Ok(())
    }
}

/// A copy of a list that only its user can read, removed at the end unless it is kept.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    kept: bool,
}

impl Draft {
    /// Writes `text` into a new file in `folder`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn new(folder: &Path, text: &[u8]) -> anyhow::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        // `create_new` follows no link and takes no file that is there.
        let name = format!("nvmf-exclusions.{}.{now}.conf", std::process::id());
        let path = folder.join(name);
        let cannot = || format!("cannot write `{}`", path.display());
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(&path).with_context(cannot)?;
        let draft = Self {
            path: path.clone(),
            kept: false,
        };
        file.write_all(text).with_context(cannot)?;
        Ok(draft)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds now.
    ///
    /// # Errors
    /// It cannot be read, or is not UTF-8.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        let text = fs::read_to_string(&self.path);
        text.with_context(|| format!("cannot read `{}`", self.path.display()))
    }

    /// It stays, for its user to take up again.
    pub(super) fn keep(&mut self) -> &Path {
        self.kept = true;
        &self.path
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing depends on it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_draft_is_private_and_goes_unless_kept() {
        let folder = TempDir::new().unwrap();
        let draft = Draft::new(folder.path(), b"[exclusions]\n").unwrap();
        let path = draft.path().to_owned();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(draft.text().unwrap(), "[exclusions]\n");
        drop(draft);
        assert!(!path.exists());
        let mut draft = Draft::new(folder.path(), b"\xff").unwrap();
        assert!(
            draft
                .text()
                .unwrap_err()
                .to_string()
                .contains("cannot read")
        );
        let path = draft.keep().to_owned();
        drop(draft);
        assert!(path.exists());
        let missing = Draft::new(&folder.path().join("x"), b"").unwrap_err();
        assert!(missing.to_string().contains("cannot write"), "{missing}");
    }

    #[test]
    fn editors_may_have_options_and_may_fail() {
        let folder = TempDir::new().unwrap();
        let draft = Draft::new(folder.path(), b"a\n").unwrap();
        let sed = OsString::from("sed -i -e s/a/b/");
        Editor::new(sed).run(draft.path()).unwrap();
        assert_eq!(draft.text().unwrap(), "b\n");
        let failing = Editor::new("exit 3;".into());
        let error = failing.run(draft.path()).unwrap_err().to_string();
        assert!(
            error.contains("`exit 3;` failed (exit status: 3)"),
            "{error}"
        );
    }

    /// The editor interrupts itself and who started it, as a terminal does with the whole group.
    #[test]
    fn an_interrupt_is_the_editors() {
        let folder = TempDir::new().unwrap();
        let draft = Draft::new(folder.path(), b"a\n").unwrap();
        let editor = "kill -INT $$ $PPID; sed -i -e s/a/b/";
        Editor::new(editor.into()).run(draft.path()).unwrap();
        assert_eq!(draft.text().unwrap(), "b\n");
    }

    #[test]
    fn the_usual_editors_in_their_order() {
        let folder = TempDir::new().unwrap();
        let path = OsString::from(folder.path());
        assert_eq!(usual(&path), None);
        for name in ["nano", "vi", "sensible-editor", "editor"] {
            fs::write(folder.path().join(name), "").unwrap();
            assert_eq!(usual(&path), Some(name.into()));
        }
        assert_eq!(usual(&OsString::new()), None);
    }
}
