//! `/etc/nvme`: written by tests, and put back as it was.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::World;
use crate::files::{OrFail, attribute, make_dir, names, put};

const ETC: &str = "/etc/nvme";
/// The folder as the machine came with it. On disk, for tests that reboot.
const SAVED: &str = "/var/lib/nvmf-testkit/etc-nvme";

impl World {
    /// Writes `/etc/nvme/nvme-fabrics.conf`.
    #[track_caller]
    pub fn config(&self, text: &str) {
        replace(&Path::new(ETC).join("nvme-fabrics.conf"), text);
    }

    /// Writes `/etc/nvme/nvme-discoverd.conf`.
    #[track_caller]
    pub fn daemon_config(&self, text: &str) {
        replace(&Path::new(ETC).join("nvme-discoverd.conf"), text);
    }

    /// Writes any other file below `/etc/nvme`.
    #[track_caller]
    pub fn etc(&self, name: &str, text: &str) {
        replace(&Path::new(ETC).join(name), text);
    }

    /// Sets a sysctl, such as `fs.inotify.max_user_watches`, until the end of the world.
    #[track_caller]
    pub fn sysctl(&self, name: &str, value: impl std::fmt::Display) {
        let path = Path::new("/proc/sys").join(name.replace('.', "/"));
        let before = attribute(&path).or_fail(format_args!("read the sysctl {name}"));
        put(&path, value.to_string());
        self.on_end(name, move || put(&path, &before));
    }

    /// Adds an entry to the default exclusion list; returns its place, as `file:line`.
    #[track_caller]
    pub fn exclude(&self, entry: &str) -> String {
        let path = exclusions();
        let mut text = fs::read_to_string(&path).unwrap_or_else(|_| "[exclusions]\n".to_owned());
        text.push_str(&format!("exclusion = {entry}\n"));
        replace(&path, &text);
        format!("{}:{}", path.display(), text.lines().count())
    }

    /// Takes an entry out of the default exclusion list.
    #[track_caller]
    pub fn include(&self, entry: &str) {
        let path = exclusions();
        let text = fs::read_to_string(&path).or_fail("read the exclusion list");
        let line = format!("exclusion = {entry}");
        assert!(
            text.lines().any(|it| it == line),
            "`{line}` is not in {}",
            path.display()
        );
        let kept: String = text
            .lines()
            .filter(|it| *it != line)
            .map(|it| format!("{it}\n"))
            .collect();
        replace(&path, &kept);
    }
}

/// Saves the folder, or puts it back if it has been saved before.
pub(super) fn save_or_restore() {
    let (etc, saved) = (Path::new(ETC), Path::new(SAVED));
    if saved.is_dir() {
        super::empty(etc);
        for name in names(etc) {
            let _ = fs::remove_file(etc.join(name));
        }
        copy(saved, etc);
    } else {
        let new = saved.with_extension("new");
        let _ = fs::remove_dir_all(&new);
        copy(etc, &new);
        fs::rename(&new, saved).or_fail("save /etc/nvme");
    }
}

/// Leaves only the host's identity, which is made if there is none.
pub(super) fn clear() {
    for name in names(ETC) {
        let path = Path::new(ETC).join(&name);
        if path.is_dir() {
            fs::remove_dir_all(&path).or_fail(format_args!("remove `{}`", path.display()));
        } else if name != "hostnqn" && name != "hostid" {
            fs::remove_file(&path).or_fail(format_args!("remove `{}`", path.display()));
        }
    }
    let id = "5f0f3d41-6d4c-4f0e-9a53-1f9f5c0a1b2c";
    for (name, text) in [
        ("hostnqn", format!("nqn.2014-08.org.nvmexpress:uuid:{id}\n")),
        ("hostid", format!("{id}\n")),
    ] {
        let path = Path::new(ETC).join(name);
        if fs::metadata(&path).map_or(0, |it| it.len()) == 0 {
            put(path, text);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    make_dir(to);
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).or_fail(format_args!("copy `{}`", from.display()));
        }
    }
}

fn exclusions() -> PathBuf {
    Path::new(ETC).join("exclusions.conf")
}

/// Replaces a file as an editor does: a new one, renamed over the old.
#[track_caller]
fn replace(path: &Path, text: &str) {
    if let Some(folder) = path.parent() {
        make_dir(folder);
    }
    let new = path.with_extension("testkit-new");
    let mut file = fs::File::create(&new).or_fail(format_args!("write `{}`", new.display()));
    file.write_all(text.as_bytes())
        .or_fail(format_args!("write `{}`", new.display()));
    fs::rename(&new, path).or_fail(format_args!("replace `{}`", path.display()));
}
