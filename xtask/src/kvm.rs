//! Whether KVM really boots a guest here. A `/dev/kvm` that exists proves nothing: on nested or
//! containerised hosts guests abort on it. So a probe boots our kernel as far as the initramfs.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::image::Image;
use crate::{out, qemu};

/// How the guest's processors are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accel {
    /// By the host's processors.
    Kvm,
    /// In software.
    Tcg,
}

/// What the initramfs prints in a probe.
const MARKER: &str = "nvmf-probe-ok";

/// How long a guest may take to get there on real hardware.
const LIMIT: Duration = Duration::from_secs(8);

/// KVM if a guest was seen to boot with it, software otherwise. The answer is kept with the image.
pub(crate) fn accel(image: &Image) -> Accel {
    if fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .is_err()
    {
        return Accel::Tcg;
    }
    let answer = image.dir().join("accel");
    match fs::read_to_string(&answer).as_deref().map(str::trim) {
        Ok("kvm") => return Accel::Kvm,
        Ok("tcg") => return Accel::Tcg,
        _ => {}
    }
    let progress = out::Progress::start("probing whether KVM boots a guest");
    let boots = probe(image).unwrap_or(false);
    let (accel, word, text) = if boots {
        (Accel::Kvm, "kvm", "KVM works")
    } else {
        (
            Accel::Tcg,
            "tcg",
            "KVM boots no guest here: software emulation it is",
        )
    };
    progress.done(text);
    // Without the file it is probed again next time.
    let _ = fs::write(answer, word);
    accel
}

fn probe(image: &Image) -> anyhow::Result<bool> {
    let dir = tempfile::Builder::new().prefix("nvmf-vm-").tempdir()?;
    let console = dir.path().join("console.log");
    let mut command = qemu::bare(Accel::Kvm, image);
    command.args([
        "-append",
        "quiet console=ttyS0 panic=-1 nvmf_probe=1",
        "-serial",
    ]);
    command.arg(format!("file:{}", console.display()));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let ended = qemu::wait(&mut child, LIMIT);
    let _ = child.kill();
    let _ = child.wait();
    Ok(ended?.is_some() && has_marker(&console))
}

fn has_marker(console: &Path) -> bool {
    fs::read(console).is_ok_and(|text| String::from_utf8_lossy(&text).contains(MARKER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marker_counts() {
        let dir = tempfile::tempdir().unwrap();
        let console = dir.path().join("console");
        assert!(!has_marker(&console));
        fs::write(&console, b"\xff SeaBIOS\r\n").unwrap();
        assert!(!has_marker(&console));
        fs::write(&console, b"\xff SeaBIOS\r\nnvmf-probe-ok\r\n").unwrap();
        assert!(has_marker(&console));
    }
}
