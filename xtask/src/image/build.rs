//! Builds the image: mmdebstrap makes a tree, the tree is trimmed, mkfs.ext4 makes a disk of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::{initramfs, recipe};
use crate::{host, out};

/// Prefix of the folders in which images are built.
const WORK: &str = "building-";

/// Builds into a folder beside `target` and renames it into place.
pub(crate) fn build(cache: &Path, target: &Path) -> anyhow::Result<()> {
    let progress = out::Progress::start("building the guest image (once, a minute or two)");
    sweep(cache);
    let work = tempfile::Builder::new().prefix(WORK).tempdir_in(cache)?;
    if host::is_root() {
        build_into(work.path(), &|note| progress.note(note))?;
    } else {
        build_with_sudo(work.path(), &|note| progress.note(note))?;
    }
    fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755))?;
    if target.exists() {
        fs::remove_dir_all(target)?;
    }
    fs::rename(work.keep(), target)
        .with_context(|| format!("cannot put the image at `{}`", target.display()))?;
    progress.done("guest image built");
    Ok(())
}

/// Removes what a killed builder left; the caller holds the lock, so nobody else builds.
fn sweep(cache: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(WORK) {
            // Root's leftovers cannot be removed by a user; they only take room.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The part that needs root: leaves `disk.img`, `vmlinuz` and `initrd` in `dir`.
pub(crate) fn build_into(dir: &Path, note: &dyn Fn(&str)) -> anyhow::Result<()> {
    let tree = dir.join("tree");
    let made = make(dir, &tree, note);
    // Root's files go in any case: the user for whom they were made could not remove them.
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    made?;
    hand_over(dir)
}

fn make(dir: &Path, tree: &Path, note: &dyn Fn(&str)) -> anyhow::Result<()> {
    bootstrap(tree, note)?;
    let kernel = kernel_version(tree)?;
    note(&format!("trimming the modules of kernel {kernel}"));
    trim_modules(tree, &kernel)?;
    note("writing the guest's own files");
    write_files(tree)?;
    fs::copy(
        tree.join("boot").join(format!("vmlinuz-{kernel}")),
        dir.join("vmlinuz"),
    )?;
    fs::write(dir.join("initrd"), initramfs::build(tree, &kernel)?)?;
    clear_folder(&tree.join("boot"))?;
    note("making the disk");
    let disk = dir.join("disk.img");
    let mkfs = host::find("mkfs.ext4").unwrap_or_else(|| "mkfs.ext4".into());
    host::output(
        Command::new(mkfs)
            .args(["-q", "-F", "-L", "nvmf-vm"])
            .args(["-E", "lazy_itable_init=0,lazy_journal_init=0"])
            .args(["-N", "65536", "-d"])
            .args([tree, disk.as_path()])
            .arg(recipe::DISK_SIZE),
    )?;
    Ok(())
}

/// Runs [`build_into`] in an xtask of its own that sudo makes root.
fn build_with_sudo(dir: &Path, note: &dyn Fn(&str)) -> anyhow::Result<()> {
    let mut command = host::as_root(std::env::current_exe()?)?;
    command.arg("build-image").arg(dir);
    stream(&mut command, note)
}

fn bootstrap(tree: &Path, note: &dyn Fn(&str)) -> anyhow::Result<()> {
    let mut command = Command::new("mmdebstrap");
    command.args(["--mode=root", "--variant=minbase", "--format=directory"]);
    command.arg(format!("--include={}", recipe::PACKAGES.join(",")));
    command.args(
        recipe::DPKG_OPTIONS
            .iter()
            .map(|option| format!("--dpkgopt={option}")),
    );
    // Debian's kernel package would build its own, large initramfs otherwise.
    command.env("INITRD", "No");
    command.arg(recipe::SUITE).arg(tree);
    stream(&mut command, note).context("cannot make a Debian tree with mmdebstrap")
}

/// Runs a command; each line it says on its way is a note, and its last lines are the error's cause.
fn stream(command: &mut Command, note: &dyn Fn(&str)) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let (reader, writer) = std::io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{program}`"))?;
    // The command holds the pipe's writing ends; only the child's copies must be left.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut said: Vec<String> = Vec::new();
    for chunk in BufReader::new(reader.take(u64::MAX)).split(b'\n') {
        let text = String::from_utf8_lossy(&chunk?).trim().to_owned();
        // apt draws its progress with carriage returns; only whole messages are of interest.
        if let Some(message) = text.strip_prefix("I: ") {
            note(message);
        } else if !text.contains('\r') {
            said.push(text);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        let tail = said
            .iter()
            .rev()
            .take(15)
            .rev()
            .cloned()
            .collect::<Vec<_>>()
            .join("\n");
        bail!("`{program}` failed: {status}\n{tail}");
    }
    Ok(())
}

/// The one kernel version in the tree.
fn kernel_version(tree: &Path) -> anyhow::Result<String> {
    let dir = tree.join("usr/lib/modules");
    let entries = fs::read_dir(&dir).with_context(|| format!("no `{}`", dir.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    names.pop().context("the tree has no kernel")
}

/// Drops what is not needed, uncompresses the rest (xz is dear under emulation), indexes it anew.
fn trim_modules(tree: &Path, kernel: &str) -> anyhow::Result<()> {
    let root = tree.join("usr/lib/modules").join(kernel);
    for folder in recipe::DROPPED_MODULES {
        let folder = root.join("kernel").join(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
    }
    let mut packed = Vec::new();
    files_below(&root.join("kernel"), &mut packed)?;
    packed.retain(|file| file.extension().is_some_and(|extension| extension == "xz"));
    for some in packed.chunks(256) {
        host::output(Command::new("xz").args(["-d", "--"]).args(some))?;
    }
    host::output(
        Command::new("chroot")
            .arg(tree)
            .args(["depmod", "-a", kernel]),
    )?;
    Ok(())
}

fn files_below(dir: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files_below(&entry.path(), found)?;
        } else {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn write_files(tree: &Path) -> anyhow::Result<()> {
    for path in recipe::REMOVED {
        remove(&tree.join(path))?;
    }
    for (path, content) in recipe::FILES {
        let path = fresh(tree, path)?;
        fs::write(&path, content).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let masks = [
        ("etc/systemd/system", recipe::MASKED_UNITS),
        ("etc/systemd/system-generators", recipe::MASKED_GENERATORS),
        ("etc/udev/rules.d", recipe::MASKED_RULES),
    ];
    for (folder, names) in masks {
        for name in names {
            symlink("/dev/null", fresh(tree, &format!("{folder}/{name}"))?)?;
        }
    }
    for (path, target) in recipe::LINKS {
        symlink(target, fresh(tree, path)?)?;
    }
    fs::create_dir_all(tree.join("host"))?;
    let shadow = tree.join("etc/shadow");
    fs::write(
        &shadow,
        without_root_password(&fs::read_to_string(&shadow)?),
    )?;
    // Newer than everything in /usr: systemd has nothing to bring up to date at boot.
    for stamp in ["etc/.updated", "var/.updated"] {
        fs::write(tree.join(stamp), "")?;
    }
    Ok(())
}

/// A path of the tree where nothing stands and whose folder exists.
fn fresh(tree: &Path, path: &str) -> anyhow::Result<PathBuf> {
    let path = tree.join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    remove(&path)?;
    Ok(path)
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// `/etc/shadow` with an empty password for root: the machine has no network.
fn without_root_password(shadow: &str) -> String {
    let lines = shadow.lines().map(|line| match line.strip_prefix("root:") {
        Some(rest) => format!(
            "root::{}\n",
            rest.split_once(':').map_or("", |(_, rest)| rest)
        ),
        None => format!("{line}\n"),
    });
    lines.collect()
}

fn clear_folder(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Gives the results to the user who called sudo.
fn hand_over(dir: &Path) -> anyhow::Result<()> {
    let id = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|id| id.parse::<u32>().ok())
    };
    let (Some(user), Some(group)) = (id("SUDO_UID"), id("SUDO_GID")) else {
        return Ok(());
    };
    for entry in fs::read_dir(dir)? {
        chown(entry?.path(), Some(user), Some(group))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_roots_password_becomes_empty() {
        let shadow = "root:*:20000:0:99999:7:::\nroots:!:1::::::\ndaemon:*:20000::::::\n";
        assert_eq!(
            without_root_password(shadow),
            "root::20000:0:99999:7:::\nroots:!:1::::::\ndaemon:*:20000::::::\n"
        );
    }

    #[test]
    fn masks_replace_what_was_there() {
        let tree = tempfile::tempdir().unwrap();
        let rule = tree
            .path()
            .join("etc/udev/rules.d/70-nvmf-autoconnect.rules");
        fs::create_dir_all(rule.parent().unwrap()).unwrap();
        fs::write(&rule, "RUN+=…").unwrap();
        fs::write(tree.path().join("etc/shadow"), "root:*:1::::::\n").unwrap();
        fs::create_dir_all(tree.path().join("var")).unwrap();
        write_files(tree.path()).unwrap();
        assert_eq!(fs::read_link(&rule).unwrap(), Path::new("/dev/null"));
        let agent = "etc/systemd/system/multi-user.target.wants/nvmf-agent.service";
        assert!(tree.path().join(agent).is_symlink());
    }

    #[test]
    fn what_a_failed_command_said_last_is_in_the_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'I: going on'; echo E: no network >&2; exit 7"]);
        let notes = std::cell::RefCell::new(Vec::new());
        let error = stream(&mut command, &|note| {
            notes.borrow_mut().push(note.to_owned());
        });
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("E: no network") && error.contains('7'),
            "{error}"
        );
        assert_eq!(*notes.borrow(), ["going on"]);
    }
}
