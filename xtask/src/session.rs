//! A guest's life across reboots: one overlay disk and one shared folder, QEMU after QEMU.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::guest::Guest;
use crate::image::Image;
use crate::kvm::{self, Accel};
use crate::qemu::{Config, Qemu};
use crate::{host, out};

/// How long a boot may take before it counts as failed.
const BOOT_LIMIT: Duration = Duration::from_secs(180);

/// The same with an initramfs of a test's own, which looks for devices and networks by itself.
const LONG_BOOT_LIMIT: Duration = Duration::from_secs(360);

/// How long a machine may take to shut down.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(150);

/// Lines of the console that are shown when a boot fails.
const TAIL: usize = 40;

/// Prefix of the folders in the system's folder for temporary files.
const PREFIX: &str = "nvmf-vm-";

/// Where what a test wished for the boot is during that boot, below the session's folder.
const THIS_BOOT: &str = "this-boot";

/// How many processors a machine has, unless it is for measuring.
///
/// One: a kernel with several patches its own code (static keys, alternatives of loaded modules)
/// while another processor runs it, and QEMU before 8.1 under software emulation may keep a translation
/// of what was there for a moment only. Of some forty boots with two processors one ended in a panic. The
/// tests take a little longer at most: what they do mostly waits.
const PROCESSORS: u8 = 1;

/// The console says all the kernel and systemd say from now on: tests read its log of the shutdown.
const LOUD_CONSOLE: &str = "dmesg -n 8";

/// One disk and one share, with the machine that runs on them, if one does.
#[derive(Debug)]
pub(crate) struct Session {
    vm: Option<Vm>,
    image: Image,
    accel: Accel,
    processors: u8,
    dir: TempDir,
    _lock: File,
}

/// A machine that is up.
#[derive(Debug)]
pub(crate) struct Vm {
    /// The line to its agent.
    pub(crate) guest: Guest,
    /// The machine itself.
    pub(crate) qemu: Qemu,
    /// Whether it was booted in a way that a test wished.
    special: bool,
}

impl Session {
    /// Prepares a session on a fresh disk, with an empty share.
    pub(crate) fn new(image: Image) -> anyhow::Result<Self> {
        sweep(&std::env::temp_dir());
        let accel = kvm::accel(&image);
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        let lock = File::create(dir.path().join("lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        for folder in ["share/bin", "share/stage", "share/console"] {
            fs::create_dir_all(dir.path().join(folder))?;
        }
        let session = Self {
            vm: None,
            image,
            accel,
            processors: PROCESSORS,
            dir,
            _lock: lock,
        };
        session.fresh_disk()?;
        Ok(session)
    }

    /// The same, for machines with so many processors.
    pub(crate) fn with_processors(self, processors: u8) -> Self {
        Self { processors, ..self }
    }

    /// The folder that the guest has at `/host`.
    pub(crate) fn share(&self) -> PathBuf {
        self.dir.path().join("share")
    }

    /// The running machine; booted first if there is none.
    pub(crate) fn vm(&mut self) -> anyhow::Result<&mut Vm> {
        let vm = match self.vm.take() {
            Some(vm) => vm,
            None => self.boot()?,
        };
        Ok(self.vm.insert(vm))
    }

    /// Throws the machine away if a test wished how it was booted: what that test's firmware has, others
    /// must not see.
    pub(crate) fn discard_special(&mut self) -> anyhow::Result<()> {
        match &self.vm {
            Some(vm) if vm.special => self.discard(),
            _ => Ok(()),
        }
    }

    /// Throws the machine and all it wrote to its disk away.
    pub(crate) fn discard(&mut self) -> anyhow::Result<()> {
        self.vm = None;
        self.fresh_disk()
    }

    /// Waits until a machine that is shutting down is off; returns its console log. The next
    /// [`Self::vm`] boots the same disk again.
    pub(crate) fn wait_for_poweroff(&mut self) -> anyhow::Result<String> {
        let mut vm = self.vm.take().context("no machine runs")?;
        let ended = vm.qemu.wait(SHUTDOWN_LIMIT)?;
        let console = vm.qemu.console();
        if ended.is_none() {
            let seconds = SHUTDOWN_LIMIT.as_secs();
            return Err(anyhow!(
                "the guest did not shut down within {seconds} s\n{}",
                tail(&console)
            ));
        }
        Ok(console)
    }

    fn boot(&self) -> anyhow::Result<Vm> {
        let progress = out::Progress::start("booting the guest");
        let dir = self.dir.path();
        self.take_wishes()?;
        let wished = |name: &str| Some(dir.join(THIS_BOOT).join(name)).filter(|path| path.exists());
        let initrd = wished("initrd");
        let acpi_table = wished("acpi-table");
        let special = initrd.is_some() || acpi_table.is_some();
        let limit = match initrd {
            Some(_) => LONG_BOOT_LIMIT,
            None => BOOT_LIMIT,
        };
        let (qemu, stream) = Qemu::start(&Config {
            image: &self.image,
            overlay: &self.overlay(),
            share: &self.share(),
            dir,
            accel: self.accel,
            initrd,
            acpi_table,
            processors: self.processors,
        })?;
        let guest = Guest::connect(stream, limit).map_err(|error| {
            let (said, console) = (qemu.errors(), qemu.console());
            anyhow!("boot failed: {error}\n{said}\n{}", tail(&console))
        })?;
        progress.done("guest is up");
        guest.script(LOUD_CONSOLE, Duration::from_secs(30))?;
        Ok(Vm {
            guest,
            qemu,
            special,
        })
    }

    /// What a test left in `/host/next-boot` counts for one boot: `initrd`, another initramfs, and
    /// `acpi-table`, a table that the firmware has.
    fn take_wishes(&self) -> anyhow::Result<()> {
        let taken = self.dir.path().join(THIS_BOOT);
        if taken.exists() {
            fs::remove_dir_all(&taken)?;
        }
        match fs::rename(self.share().join("next-boot"), &taken) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn overlay(&self) -> PathBuf {
        self.dir.path().join("disk.qcow2")
    }

    fn fresh_disk(&self) -> anyhow::Result<()> {
        // what was wished for belongs to the disk that is thrown away
        self.take_wishes()?;
        let mut command = Command::new("qemu-img");
        command.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]);
        host::output(command.arg(self.image.disk()).arg(self.overlay()))?;
        Ok(())
    }
}

impl Vm {
    /// When the machine was switched on.
    pub(crate) fn started(&self) -> Instant {
        self.qemu.started()
    }
}

/// The last lines of a console log, marked as such.
pub(crate) fn tail(console: &str) -> String {
    let lines: Vec<_> = console.lines().collect();
    let from = lines.len().saturating_sub(TAIL);
    let mut text = String::from("--- the guest's console, its last lines ---");
    for line in lines.iter().skip(from) {
        text.push_str("\n  | ");
        text.push_str(line.trim_end());
    }
    text
}

/// Removes what sessions left behind that were killed: nobody holds their lock.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join("lock")) else {
            continue;
        };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // Somebody else's, or swept by somebody else just now: not ours to care.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_short_and_whole() {
        let log: String = (0..100).map(|n| format!("line {n}\r\n")).collect();
        let tail = tail(&log);
        assert_eq!(tail.lines().count(), TAIL + 1);
        assert!(tail.ends_with("  | line 99"), "{tail}");
    }

    #[test]
    fn only_sessions_that_nobody_holds_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let dir = folder.path().join(name);
            fs::create_dir(&dir).unwrap();
            (File::create(dir.join("lock")).unwrap(), dir)
        };
        let (held, alive) = make("nvmf-vm-alive");
        flock(&held, FlockOperation::LockExclusive).unwrap();
        let (_, dead) = make("nvmf-vm-dead");
        let (_, other) = make("other");
        sweep(folder.path());
        assert!(alive.exists() && other.exists() && !dead.exists());
    }
}
