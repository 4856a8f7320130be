//! Packages of what is in `dist`, with some program in the place of ours.

use super::*;
use crate::install;

/// Everything but the manual pages, laid out; they take a build.
fn staged(folder: &Path) {
    let program = |name: &str| Executable {
        name: name.to_owned(),
        path: "/bin/true".into(),
    };
    let built = ["nvmf", "nvme-discoverd", "nvmf-connector"].map(program);
    install::lay_out(&host::workspace(), &built, folder, Path::new("/usr")).unwrap();
    for page in ["man5/nvme-discoverd.conf.5", "man8/nvme-discoverd.8"] {
        let (_, name) = page.split_once('/').unwrap();
        let text = fs::read(host::workspace().join("dist/man").join(name)).unwrap();
        let to = folder.join("usr/share/man").join(page);
        install::put(&to, &text, 0o644, &mut Vec::new()).unwrap();
    }
}

fn release() -> Release {
    Release {
        version: "0.0.1".to_owned(),
        epoch: "1790000000".to_owned(),
        architecture: host::output(Command::new("dpkg").arg("--print-architecture"))
            .unwrap()
            .trim()
            .to_owned(),
        multiarch: "x86_64-linux-gnu".to_owned(),
        maintainer: "Somebody <somebody@nvmf.test.org>".to_owned(),
    }
}

fn packed() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let staging = folder.path().join("staging");
    staged(&staging);
    let packages = pack::all(&staging, &folder.path().join("out"), &release()).unwrap();
    (folder, packages)
}

/// What `dpkg-deb` says about a package.
fn asked(package: &Path, question: &[&str]) -> String {
    host::output(Command::new("dpkg-deb").args(question).arg(package)).unwrap()
}

#[test]
fn the_same_files_make_the_same_bytes() {
    let ((_a, a), (_b, b)) = (packed(), packed());
    assert!(!a.is_empty() && a.len() == b.len());
    for (a, b) in a.iter().zip(&b) {
        assert_ne!(a, b);
        assert_eq!(a.file_name(), b.file_name());
        assert!(
            fs::read(a).unwrap() == fs::read(b).unwrap(),
            "{}",
            a.display()
        );
    }
}

#[test]
fn lintian_finds_no_error() {
    let (_folder, packages) = packed();
    lint(&packages).unwrap();
}

#[test]
fn what_is_in_which_package() {
    let (_folder, packages) = packed();
    let of = |name: &str| {
        let begins = |path: &&PathBuf| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(name)
        };
        packages.iter().find(begins).unwrap()
    };
    let (nvmf, daemon) = (of("nvmf_"), of("nvme-discoverd_"));
    let contents = asked(nvmf, &["-c"]);
    for line in [
        "-rwxr-xr-x root/root",
        "./usr/bin/nvmf",
        "70-nvmf-reap.rules",
        "./usr/share/doc/nvmf/copyright",
        "hooks/nvmf-boot",
        "96nvmf-boot/module-setup.sh",
    ] {
        assert!(contents.contains(line), "{line}: {contents}");
    }
    assert!(
        !contents.contains("systemd") && !contents.contains("sbin"),
        "{contents}"
    );
    let contents = asked(daemon, &["-c"]);
    for line in [
        "./usr/sbin/nvme-discoverd",
        "./usr/libexec/nvmf/connector",
        "nvme-discoverd-wait.service",
        "man8/nvme-discoverd.8.gz",
    ] {
        assert!(contents.contains(line), "{line}: {contents}");
    }
    // a package that is installed enables nothing
    assert!(!contents.contains(".wants"), "{contents}");
    let conffiles = |package: &Path| {
        let mut info = Command::new("dpkg-deb");
        host::output(info.arg("-I").arg(package).arg("conffiles")).unwrap()
    };
    assert_eq!(conffiles(nvmf), "/etc/nvme/nvme-fabrics.conf\n");
    assert_eq!(conffiles(daemon), "/etc/nvme/nvme-discoverd.conf\n");
    let depends = asked(daemon, &["-f"]);
    assert!(
        depends.contains("nvmf (= 0.0.1)") && depends.contains("libc6"),
        "{depends}"
    );
}

#[test]
fn a_file_of_no_package_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let stray = folder.path().join("usr/lib/stray");
    install::put(&stray, b"", 0o644, &mut Vec::new()).unwrap();
    let error = pack::all(folder.path(), &folder.path().join("out"), &release()).unwrap_err();
    assert!(error.to_string().contains("`usr/lib/stray`"), "{error}");
}

#[test]
fn a_program_may_not_outgrow_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    let built = ["nvmf", "nvme-discoverd"].map(|name| Executable {
        name: name.to_owned(),
        path: path.clone(),
    });
    fs::write(&path, "small").unwrap();
    weigh(&built).unwrap();
    let file = fs::File::create(&path).unwrap();
    file.set_len(3_000_001).unwrap();
    let error = weigh(&built).unwrap_err().to_string();
    assert!(
        error.contains("`nvme-discoverd` has 3000001 bytes"),
        "{error}"
    );
}

#[test]
fn the_spec_for_rpm_can_be_read() {
    let spec = host::workspace().join("dist/rpm/nvmf.spec");
    let mut rpmspec = Command::new("rpmspec");
    // systemd's macros are not on a Debian system
    rpmspec.args(["-D", "_unitdir /usr/lib/systemd/system", "-P"]);
    let text = host::output(rpmspec.arg(&spec)).unwrap();
    assert!(!text.contains("%{"), "an unknown macro: {text}");
    let version = format!("Version:        {}\n", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version), "{text}");
}
