//! The hook for initramfs-tools and what it puts into an initramfs, run with functions that only
//! say what they are asked for.

#![expect(clippy::unwrap_used, reason = "a test: it may panic")]

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A root in which a script of `dist/initramfs-tools` runs: all places are below it.
struct Host {
    root: TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self {
            root: tempfile::tempdir().unwrap(),
        };
        host.file(
            "usr/share/initramfs-tools/hook-functions",
            "copy_exec() { echo \"exec $*\"; }\ncopy_file() { echo \"file $*\"; }\n\
             manual_add_modules() { echo \"modules $*\"; }\nauto_add_modules() { echo \"auto $*\"; }\n",
        );
        host.file(
            "scripts/functions",
            "configure_networking() { echo network; }\nmodprobe() { :; }\nsleep() { :; }\n\
             log_warning_msg() { echo \"warning $*\"; }\n",
        );
        host.file("run/empty", "");
        host.file("usr/lib/udev/rules.d/70-nvmf-reap.rules", "rule\n");
        host.file("proc/cmdline", "root=/dev/nvme0n1 quiet\n");
        host.file("etc/nvme/hostnqn", "nqn\n");
        host
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn program(&self, name: &str, text: &str) {
        self.file(name, text);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(self.root.path().join(name), mode).unwrap();
    }

    /// A script of ours, with all places below the root.
    fn script(&self, script: &str) -> String {
        let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/initramfs-tools");
        let root = self.root.path().to_str().unwrap();
        let mut text = fs::read_to_string(dist.join(script)).unwrap();
        text = text.replace("@PREFIX@", &format!("{root}/usr"));
        for place in [
            "/usr/share/",
            "/scripts/",
            "/sys/",
            "/proc/",
            "/etc/nvme/",
            "/run/",
        ] {
            text = text.replace(&format!(" {place}"), &format!(" {root}{place}"));
            text = text.replace(&format!(">{place}"), &format!(">{root}{place}"));
            text = text.replace(&format!("\"{place}"), &format!("\"{root}{place}"));
        }
        text
    }

    fn run(&self, script: &str, arguments: &[&str]) -> String {
        let root = self.root.path().to_str().unwrap();
        let mut sh = Command::new("sh");
        sh.args(["-ec", &self.script(script), "script"]);
        sh.args(arguments);
        sh.env("DESTDIR", self.root.path().join("initramfs"));
        sh.env("CONFDIR", self.root.path().join("conf"));
        let done = sh.output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().replace(root, "")
    }
}

const TABLE: &str = "sys/firmware/acpi/tables/NBFT";

#[test]
fn the_hook_takes_in_what_a_host_with_boot_tables_needs() {
    let host = Host::new();
    assert_eq!(host.run("hooks/nvmf-boot", &["prereqs"]), "udev\n");
    assert_eq!(host.run("hooks/nvmf-boot", &[]), "", "no tables");
    let expected = "exec /usr/bin/nvmf\nfile identity /etc/nvme/hostnqn\n\
        modules nvme_fabrics nvme_tcp 8021q\nauto net\n";
    let conf = "conf/conf.d/nvmf";
    host.file(conf, "NVMF_BOOT=y\n");
    assert_eq!(host.run("hooks/nvmf-boot", &[]), expected);
    host.file(conf, "NVMF_BOOT=n\n");
    assert_eq!(host.run("hooks/nvmf-boot", &[]), "", "not asked for");
    host.file(TABLE, "");
    assert_eq!(host.run("hooks/nvmf-boot", &[]), expected);
    let rule = "initramfs/usr/lib/udev/rules.d/70-nvmf-reap.rules";
    assert!(host.root.path().join(rule).exists());
}

#[test]
fn the_script_connects_what_the_tables_name_until_it_is_there() {
    let host = Host::new();
    let script = "scripts/local-top/nvmf-boot";
    let nvmf = |text: &str| host.program("usr/bin/nvmf", text);
    let again = "scripts/local-block/nvmf-boot";
    host.program(again, &host.script(again));
    let tried = || fs::read_to_string(host.root.path().join("tried")).unwrap_or_default();
    let log = host.root.path().join("tried");
    nvmf(&format!(
        "#!/bin/sh\necho \"$*\" >>{0}\n[ $(wc -l <{0}) -ge 3 ]\n",
        log.display()
    ));
    assert_eq!(host.run(script, &[]), "", "no tables");
    assert_eq!(tried(), "");
    host.file(TABLE, "");
    assert_eq!(host.run(script, &[]), "network\n");
    assert_eq!(tried(), "connect-all --nbft --quiet\n".repeat(3));

    nvmf("#!/bin/sh\necho no route >&2\nexit 1\n");
    let said = host.run(script, &[]);
    assert_eq!(said, "network\nwarning nvmf-boot: no route\n");
    let left = host.root.path().join("run/nvmf-boot.tried");
    assert_eq!(fs::read_to_string(&left).unwrap(), "no route\n");
    // as long as the root file system is not there
    nvmf("#!/bin/sh\necho no answer >&2\nexit 1\n");
    host.run(again, &[]);
    assert_eq!(fs::read_to_string(&left).unwrap(), "no answer\n");
    nvmf("#!/bin/sh\n");
    host.run(again, &[]);
    assert!(!left.exists(), "all is connected");
    nvmf("#!/bin/sh\nexit 1\n");
    host.run(again, &[]);
    assert!(!left.exists(), "nothing is missing");
    host.file("proc/cmdline", "root=/dev/nvme0n1 rd.nvmf.nonbft quiet\n");
    assert_eq!(host.run(script, &[]), "", "forbidden");
    host.file("proc/cmdline", "root=/dev/nvme0n1\n");
    fs::remove_file(host.root.path().join("usr/bin/nvmf")).unwrap();
    let said = host.run(script, &[]);
    assert!(
        said.starts_with("warning nvmf-boot: nvmf is not in this initramfs"),
        "{said}"
    );
}
