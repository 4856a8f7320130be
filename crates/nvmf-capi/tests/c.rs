//! Programs in C, compiled with all warnings as errors, run as they are and under valgrind.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test: it may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// What valgrind ends with when it finds something.
const FOUND: &str = "--error-exitcode=97";

#[test]
fn our_own_face() {
    let built = Built::new("tests/c/own.c");
    for run in [Built::plainly, Built::under_valgrind] {
        run(&built, &[made_up_host().path()]);
    }
}

#[test]
fn the_face_of_libnvme() {
    let built = Built::new("tests/c/libnvme.c");
    for run in [Built::plainly, Built::under_valgrind] {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        run(&built, &[folder.path()]);
    }
}

#[test]
fn nothing_crashes() {
    let built = Built::new("tests/c/hostile.c");
    for run in [Built::plainly, Built::under_valgrind] {
        run(&built, &[made_up_host().path()]);
    }
}

#[test]
fn many_threads() {
    let built = Built::new("tests/c/threads.c");
    for run in [Built::plainly, Built::under_valgrind] {
        run(&built, &[made_up_host().path()]);
    }
}

#[test]
fn signatures_are_those_of_libnvme() {
    Built::new("tests/c/signatures.c").plainly(&[]);
}

/// The example, from connect to release, then refused by an exclusion and by another owner.
#[test]
fn the_example() {
    const TID: &str = "transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a";
    let example = Built::new("examples/orchestrator.c");
    let host = made_up_host();
    let said = |me: &str, device: &str| {
        let arguments = [
            Path::new(me),
            Path::new(device),
            Path::new(TID),
            host.path(),
        ];
        let done = example.run(&mut valgrind(), &arguments);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        (done.status.code(), text)
    };
    let (status, text) = said("me", "nvme3");
    assert_eq!(status, Some(0), "{text}");
    assert_eq!(text, "nvme3 owner: - -> -\n");

    let gone = (Some(1), String::new());
    assert_eq!(said("me", "nvme9"), gone);
    fs::write(host.path().join("run/nvme/registry/nvme3/owner"), "you\n").unwrap();
    let refused = (Some(1), "nvme3 is you's: hands off\n".to_owned());
    assert_eq!(said("me", "nvme3"), refused);
    let list = host.path().join("etc/nvme/exclusions.conf");
    fs::write(&list, "[exclusions]\nexclusion = transport=tcp\n").unwrap();
    let (status, text) = said("me", "nvme3");
    assert_eq!(status, Some(1));
    let why = format!(
        "must not be connected: {}:2: transport=tcp\n",
        list.display()
    );
    assert_eq!(text, why);
}

/// The programs of docs/c-api.md, compiled as it says.
#[test]
fn the_documentation() {
    let text = fs::read_to_string(package().join("../../docs/c-api.md")).unwrap();
    let blocks = text.split("```c\n").skip(1);
    let programs: Vec<&str> = blocks
        .filter_map(|b| b.split_once("```"))
        .map(|b| b.0)
        .collect();
    assert_eq!(programs.len(), 2);
    for (program, module) in programs.iter().zip(["nvmf", "nvmf-libnvme"]) {
        let source = tempfile::NamedTempFile::with_suffix(".c").unwrap();
        fs::write(&source, program).unwrap();
        let built = Built::installed(source.path(), module);
        let host = made_up_host();
        let done = built.run(&mut valgrind(), &[host.path()]);
        let (said, why) = (&done.stdout, String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{module}: {}: {why}", done.status);
        let owned = String::from_utf8_lossy(said) == "owned by my-csi-driver\n";
        assert_eq!(owned, module == "nvmf", "{said:?}");
    }
}

#[test]
fn pkg_config_has_this_version() {
    for module in ["nvmf", "nvmf-libnvme"] {
        let file = package().join(format!("../../dist/pkgconfig/{module}.pc"));
        let text = fs::read_to_string(file).unwrap();
        let version = text.lines().find_map(|line| line.strip_prefix("Version: "));
        assert_eq!(version, Some(env!("CARGO_PKG_VERSION")), "{module}");
    }
}

/// A program that takes the library into itself, as an initramfs would have it.
#[test]
fn the_static_library() {
    let built = Built::linked("examples/orchestrator.c", |command| {
        command.arg(library("libnvmf_capi.a"));
        command.args(["-lgcc_s", "-lpthread", "-lm", "-ldl"]);
    });
    let done = built.run(&mut Vec::new(), &[]);
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).starts_with("usage: "));
}

#[test]
fn what_is_exported_is_what_the_headers_declare() {
    let mut declared = BTreeSet::new();
    for header in ["include/nvmf.h", "include/nvmf/libnvme.h"] {
        let text = fs::read_to_string(package().join(header)).unwrap();
        declared.extend(functions(&text));
    }
    assert!(declared.len() > 60, "{declared:?}");
    let library = library("libnvmf_capi.so");
    let mut nm = Command::new("nm");
    let table = output(nm.args(["-D", "--defined-only"]).arg(&library));
    let exported = table
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    let exported: BTreeSet<String> = exported.map(str::to_owned).collect();
    assert_eq!(exported, declared);

    let dynamic = output(Command::new("readelf").arg("-d").arg(&library));
    assert!(
        dynamic.contains("Library soname: [libnvmf.so.1]"),
        "{dynamic}"
    );
}

/// The names of the functions that a header declares.
fn functions(header: &str) -> impl Iterator<Item = String> {
    let lines = header
        .lines()
        .filter(|line| !line.starts_with([' ', '/', '#', '}', 't']));
    lines.filter_map(|line| {
        let name = line.split_once('(')?.0;
        name.rsplit([' ', '*']).next().map(str::to_owned)
    })
}

/// A program in C, and where it is.
struct Built {
    folder: TempDir,
}

impl Built {
    /// Compiles `source` against the shared library.
    fn new(source: &str) -> Self {
        Self::linked(source, |command| {
            command.args(["-lnvmf", "-lpthread"]);
        })
    }

    fn linked(source: &str, link: impl Fn(&mut Command)) -> Self {
        Self::compiled(&package().join(source), |command, folder| {
            for include in ["include", "include/nvmf", "tests/c"] {
                command.arg("-I").arg(package().join(include));
            }
            command.arg("-L").arg(folder.join("lib"));
            link(command);
        })
    }

    /// Compiles `source` as somebody would who has the library's packages.
    fn installed(source: &Path, module: &str) -> Self {
        Self::compiled(source, |command, prefix| {
            symlink(package().join("include"), prefix.join("include")).unwrap();
            let modules = prefix.join("lib/pkgconfig");
            fs::create_dir_all(&modules).unwrap();
            for module in ["nvmf.pc", "nvmf-libnvme.pc"] {
                let file = package().join("../../dist/pkgconfig").join(module);
                let text = fs::read_to_string(file).unwrap();
                let text = text.replace("@PREFIX@", prefix.to_str().unwrap());
                let text = text.replace("@LIBDIR@", prefix.join("lib").to_str().unwrap());
                fs::write(modules.join(module), text).unwrap();
            }
            let mut flags = Command::new("pkg-config");
            flags.env("PKG_CONFIG_PATH", &modules);
            let flags = output(flags.args(["--cflags", "--libs", module]));
            command.args(flags.split_whitespace());
        })
    }

    fn compiled(source: &Path, how: impl Fn(&mut Command, &Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lib = folder.path().join("lib");
        fs::create_dir(&lib).unwrap();
        for name in ["libnvmf.so", "libnvmf.so.1"] {
            symlink(library("libnvmf_capi.so"), lib.join(name)).unwrap();
        }
        let mut command = Command::new("cc");
        command.args([
            "-std=gnu11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-g",
        ]);
        command.arg(source);
        command.arg("-o").arg(folder.path().join("program"));
        how(&mut command, folder.path());
        output(&mut command);
        Self { folder }
    }

    fn plainly(&self, arguments: &[&Path]) {
        self.succeeds(&mut Vec::new(), arguments);
    }

    fn under_valgrind(&self, arguments: &[&Path]) {
        self.succeeds(&mut valgrind(), arguments);
    }

    fn succeeds(&self, before: &mut Vec<&str>, arguments: &[&Path]) {
        let done = self.run(before, arguments);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{before:?} {}: {said}", done.status);
    }

    fn run(&self, before: &mut Vec<&str>, arguments: &[&Path]) -> Output {
        let program = self.folder.path().join("program");
        let mut words = before.iter().map(Path::new).chain([program.as_path()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(arguments);
        command.env("LD_LIBRARY_PATH", self.folder.path().join("lib"));
        started(&mut command)
    }
}

fn valgrind() -> Vec<&'static str> {
    vec![
        "valgrind",
        "--quiet",
        FOUND,
        "--leak-check=full",
        "--show-leak-kinds=all",
        "--errors-for-leak-kinds=all",
        "--track-fds=no",
    ]
}

/// A host of files: nvme0 is local, nvme3 and nvme4 are fabrics controllers.
fn made_up_host() -> TempDir {
    let host = tempfile::tempdir_in("/tmp").unwrap();
    let path = |relative: &str| host.path().join(relative);
    for folder in ["run", "etc/nvme", "sys/kernel", "flat"] {
        fs::create_dir_all(path(folder)).unwrap();
    }
    fs::write(path("sys/kernel/uevent_seqnum"), "4711\n").unwrap();
    for (device, transport) in [("nvme0", "pcie"), ("nvme3", "tcp"), ("nvme4", "rdma")] {
        let controller = path("sys/class/nvme").join(device);
        fs::create_dir_all(&controller).unwrap();
        fs::write(controller.join("transport"), format!("{transport}\n")).unwrap();
        fs::write(controller.join("state"), "live\n").unwrap();
        fs::write(controller.join("delete_controller"), "").unwrap();
    }
    host
}

/// A file that cargo built of this package, beside this test.
fn library(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let file = test.with_file_name(name);
    assert!(file.is_file(), "cargo built no `{}`", file.display());
    file
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a command prints; it has to succeed.
fn output(command: &mut Command) -> String {
    let done = started(command);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
    String::from_utf8(done.stdout).unwrap()
}

fn started(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| match e.kind() {
        ErrorKind::NotFound => panic!(
            "there is no {:?}: `apt-get install gcc libc6-dev pkgconf valgrind`, or `cargo xtask \
             test`, which does it",
            command.get_program()
        ),
        _ => panic!("{command:?}: {e}"),
    })
}
