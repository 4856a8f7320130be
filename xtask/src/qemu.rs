//! One run of QEMU, from its start to its end.

use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::guest::PORT;
use crate::image::Image;
use crate::kvm::Accel;

/// What the kernel is told. `quiet` keeps the slow serial console out of the boot; the agent's
/// client turns the console up afterwards. systemd logs to the kernel log so that its words at
/// shutdown reach the console. `norandmaps`: emulated code is kept by its address, so a program
/// that is loaded at the same address again costs a quarter.
const KERNEL: &str = "root=/dev/vda rw quiet console=ttyS0 panic=-1 mitigations=off audit=0 \
    selinux=0 apparmor=0 nokaslr norandmaps no_timer_check tsc=reliable random.trust_cpu=on \
    random.trust_bootloader=on 8250.nr_uarts=1 rcupdate.rcu_expedited=1 \
    cryptomgr.notests=1 raid=noautodetect printk.devkmsg=on systemd.show_status=0 \
    systemd.log_target=kmsg systemd.log_color=0 net.ifnames=0";

/// What one machine is made of.
#[derive(Debug)]
pub(crate) struct Config<'a> {
    /// Kernel and initramfs.
    pub(crate) image: &'a Image,
    /// The disk: an overlay over the image.
    pub(crate) overlay: &'a Path,
    /// The folder that the guest sees as `/host`.
    pub(crate) share: &'a Path,
    /// Where sockets and the console log go; must be short enough for a socket's path.
    pub(crate) dir: &'a Path,
    /// Hardware or software.
    pub(crate) accel: Accel,
    /// Another initramfs than the image's.
    pub(crate) initrd: Option<PathBuf>,
    /// One more ACPI table, header included.
    pub(crate) acpi_table: Option<PathBuf>,
    /// How many processors it has.
    pub(crate) processors: u8,
}

/// A running QEMU. It is killed when this is dropped, and when xtask dies.
#[derive(Debug)]
pub(crate) struct Qemu {
    child: Child,
    console: PathBuf,
    errors: PathBuf,
    started: Instant,
    shell: UnixListener,
}

impl Qemu {
    /// Starts a machine; returns it with the line to its agent.
    pub(crate) fn start(config: &Config<'_>) -> anyhow::Result<(Self, UnixStream)> {
        let console = config.dir.join("console.log");
        let errors = config.dir.join("qemu.log");
        let agent = listen(&config.dir.join("agent"))?;
        let shell = listen(&config.dir.join("shell"))?;
        let started = Instant::now();
        let mut command = bare(config.accel, config.image);
        command.args(["-smp", &config.processors.to_string()]);
        // of two initramfs the last one counts
        if let Some(initrd) = &config.initrd {
            command.arg("-initrd").arg(initrd);
        }
        if let Some(table) = &config.acpi_table {
            command.arg("-acpitable");
            command.arg(format!("file={}", table.display()));
        }
        command
            .args(["-append", KERNEL])
            .arg("-serial")
            .arg(format!("file:{}", console.display()))
            .arg("-drive")
            .arg(format!(
                "file={},if=virtio,format=qcow2,cache=unsafe,discard=unmap",
                config.overlay.display()
            ))
            .arg("-virtfs")
            .arg(format!(
                "local,path={},mount_tag=host,security_model=none,multidevs=remap",
                config.share.display()
            ))
            .args(["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"])
            .arg("-chardev")
            .arg(format!(
                "socket,id=agent,path={}",
                config.dir.join("agent").display()
            ))
            .arg("-device")
            .arg(format!("virtserialport,chardev=agent,name={PORT}"))
            .arg("-chardev")
            .arg(format!(
                "socket,id=shell,path={}",
                config.dir.join("shell").display()
            ))
            .args(["-device", "virtconsole,chardev=shell"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(&errors)?);
        let child = command.spawn().context("cannot start QEMU")?;
        let mut qemu = Self {
            child,
            console,
            errors,
            started,
            shell,
        };
        match qemu.accept(&agent) {
            Ok(stream) => Ok((qemu, stream)),
            Err(error) => Err(error.context(format!("QEMU did not start: {}", qemu.errors()))),
        }
    }

    /// When it was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Everything that came over the serial console so far.
    pub(crate) fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.console).unwrap_or_default()).into_owned()
    }

    /// What QEMU itself complained about.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(&self.errors)
            .unwrap_or_default()
            .trim()
            .to_owned()
    }

    /// The line to the guest's hvc0. To be asked once.
    pub(crate) fn shell(&mut self) -> anyhow::Result<UnixStream> {
        let listener = self.shell.try_clone()?;
        self.accept(&listener)
    }

    /// Waits for QEMU's own end; `None` if it still runs after `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
        wait(&mut self.child, limit)
    }

    fn accept(&mut self, listener: &UnixListener) -> anyhow::Result<UnixStream> {
        loop {
            let mut fds = [PollFd::new(listener, PollFlags::IN)];
            let moment = Timespec {
                tv_sec: 0,
                tv_nsec: 50_000_000,
            };
            if poll(&mut fds, Some(&moment))? > 0 {
                return Ok(listener.accept()?.0);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}");
            }
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // Already gone: that is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a child's end; `None` if it still runs after `limit`.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > until {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The part of the command line that every machine has. `setpriv` asks the kernel to kill QEMU
/// when we die, however we die.
pub(crate) fn bare(accel: Accel, image: &Image) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"]);
    command.args([
        "-M",
        "q35,vmport=off,smbus=off,sata=off,usb=off,hpet=off",
        "-accel",
    ]);
    command.arg(match accel {
        Accel::Kvm => "kvm",
        Accel::Tcg => "tcg,thread=multi",
    });
    command.args(["-cpu", "max", "-m", "3072", "-nodefaults"]);
    command.args(["-display", "none", "-no-reboot", "-no-user-config"]);
    command
        .arg("-kernel")
        .arg(image.kernel())
        .arg("-initrd")
        .arg(image.initrd());
    command.stdin(Stdio::null());
    command
}

fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    let _ = fs::remove_file(path);
    UnixListener::bind(path).with_context(|| format!("cannot listen on `{}`", path.display()))
}
