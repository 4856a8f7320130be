//! A system that says no: one clear error, the old content intact, no leftovers.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use nvmf::Root;
use nvmf::exclusions::{self, EditError, ListError, ListErrorKind};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::host::{Host, add, content, list, name, nvme, parsed};
use crate::small_file_system;

/// What the child is to do, as `space:ROOT`.
const INSIDE: &str = "NVMF_TEST_EXCLUSIONS_FAILURE";

/// An operation that has to write, the verb of its error, and the file.
type Operation = (
    &'static str,
    &'static str,
    fn(&Root) -> Result<(), ListError>,
);

const OPERATIONS: [Operation; 5] = [
    ("change", "exclusions.conf", |root| added(root, "")),
    ("change", "exclusions.conf.d/new.conf", |root| {
        added(root, "new")
    }),
    ("change", "exclusions.conf", |root| {
        let list = list(root, "");
        let (document, version) = exclusions::read(&list)?;
        let text = format!("{document}# {}\n", "x".repeat(9000));
        exclusions::replace(root, &list, &version, parsed(&list, &text)).map(|_| ())
    }),
    ("create", "exclusions.conf.d/new.conf", |root| {
        exclusions::create(root, &name("new")).map(|_| ())
    }),
    ("delete", "exclusions.conf.d/lab.conf", |root| {
        exclusions::delete(root, &name("lab"))
    }),
];

fn added(root: &Root, to: &str) -> Result<(), ListError> {
    match add(root, &list(root, to), "nqn=new") {
        Ok(_) => Ok(()),
        Err(EditError::List(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

/// A long default list and a short one.
fn fill(root: &Path) {
    for file in fs::read_dir(nvme(root)).unwrap() {
        let path = file.unwrap().path();
        match path.is_dir() {
            true => fs::remove_dir_all(path).unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
    }
    let text = format!(
        "[exclusions]\n# {}\nexclusion = nqn=old\n",
        "x".repeat(9000)
    );
    fs::write(nvme(root).join("exclusions.conf"), text).unwrap();
    fs::create_dir(nvme(root).join("exclusions.conf.d")).unwrap();
    fs::write(
        nvme(root).join("exclusions.conf.d/lab.conf"),
        "[exclusions]\n",
    )
    .unwrap();
}

/// Does one operation in a situation in which it fails with `errno`, or happens. Returns whether
/// it failed.
fn attempt(root: &Path, operation: &Operation, errno: Errno, around: impl Fn(&dyn Fn())) -> bool {
    let (verb, file, run) = operation;
    let before = content(root);
    let result = std::cell::RefCell::new(None);
    around(&|| *result.borrow_mut() = Some(run(&Root::new(root))));
    let after = content(root);
    let Err(error) = result.into_inner().unwrap() else {
        assert!(
            !after.keys().any(|name| name.contains(".next")),
            "{verb} left {after:#?}"
        );
        assert_ne!(after, before);
        return false;
    };
    let ListErrorKind::Io(io) = &error.kind else {
        panic!("{error:?}");
    };
    assert_eq!(io.raw_os_error(), Some(errno.raw_os_error()), "{error}");
    let message = error.to_string();
    let read = format!("cannot read `{}`", nvme(root).join(file).display());
    let start = format!("cannot {verb} `{}`", nvme(root).join(file).display());
    assert!(
        message.starts_with(&start) || message.starts_with(&read),
        "{message}"
    );
    let remedy = match errno {
        Errno::NOSPC => "`df` shows",
        Errno::ROFS => "`findmnt -T` shows",
        Errno::MFILE => "`ulimit -n` shows",
        _ => "only root can change lists",
    };
    assert!(message.contains(remedy), "{message}");
    assert_eq!(after, before, "{error}");
    true
}

#[test]
#[ignore = "it is a child of the other tests"]
fn inside() {
    let Ok(work) = std::env::var(INSIDE) else {
        return;
    };
    let (what, root) = work.split_once(':').unwrap();
    let root = Path::new(root);
    match what {
        "space" => no_space(root),
        "read-only" => read_only(root),
        "files" => no_files(root),
        other => panic!("{other}"),
    }
}

/// With 0, 1, 2… free inodes or pages, until it works.
fn no_space(root: &Path) {
    let mut failed = 0;
    let both = |operation| [("inodes", operation), ("pages", operation)];
    for (what, operation) in OPERATIONS.iter().flat_map(both) {
        for free in 0..20 {
            fill(root);
            small_file_system::fill_up(&nvme(root), what, free);
            if !attempt(root, operation, Errno::NOSPC, |run| run()) {
                break;
            }
            failed += 1;
            assert!(free < 19, "it never works");
        }
    }
    eprintln!("{failed} failures");
    assert!(failed >= 10, "only {failed} failures");
}

fn read_only(root: &Path) {
    fill(root);
    added(&Root::new(root), "").unwrap();
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(nvme(root))
        .status();
    assert!(remounted.unwrap().success());
    for operation in &OPERATIONS {
        assert!(attempt(root, operation, Errno::ROFS, |run| run()));
    }
    let loaded = exclusions::load(&Root::new(root));
    assert_eq!((loaded.set.entries().len(), loaded.problems.len()), (2, 0));
}

/// With 0, 1, 2… free file descriptors, until it works.
fn no_files(root: &Path) {
    let mut failed = 0;
    for operation in &OPERATIONS {
        for free in 0..20 {
            fill(root);
            let limited = |run: &dyn Fn()| {
                let limits = getrlimit(Resource::Nofile);
                let next = File::open("/dev/null").unwrap();
                let number = std::os::fd::AsRawFd::as_raw_fd(&next);
                drop(next);
                let current = Some(u64::try_from(number).unwrap() + free);
                setrlimit(Resource::Nofile, Rlimit { current, ..limits }).unwrap();
                run();
                setrlimit(Resource::Nofile, limits).unwrap();
            };
            if !attempt(root, operation, Errno::MFILE, limited) {
                break;
            }
            failed += 1;
            assert!(free < 19, "it never works");
        }
    }
    eprintln!("{failed} failures");
    assert!(failed >= 10, "only {failed} failures");
}

fn host() -> Host {
    let host = Host::new();
    // for those who are not root
    fs::set_permissions(host.top(), Permissions::from_mode(0o755)).unwrap();
    host
}

/// This program again, for `what` in `root`.
fn child(what: &str, root: &Path) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "failures::inside", "--ignored", "--nocapture"]);
    child.env(INSIDE, format!("{what}:{}", root.display()));
    child
}

/// Runs `what` where `/etc/nvme` is a small file system.
fn on_a_small_file_system(what: &str) {
    let host = host();
    small_file_system::run(&host.path(""), &child(what, host.top()));
}

#[test]
fn a_full_file_system() {
    on_a_small_file_system("space");
}

#[test]
fn a_read_only_file_system() {
    on_a_small_file_system("read-only");
}

#[test]
fn too_many_open_files() {
    let host = host();
    assert!(child("files", host.top()).status().unwrap().success());
}

#[test]
fn somebody_who_is_not_root() {
    let host = host();
    let root = host.top();
    fill(root);
    added(&host.root(), "lab").unwrap();
    let attempts = || {
        if rustix::process::geteuid().is_root() {
            let nobody = Some(rustix::fs::Uid::from_raw(65534));
            // of this thread only
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        } else {
            let lock = host.path(".exclusions.lock");
            fs::set_permissions(lock, Permissions::from_mode(0o000)).unwrap();
        }
        for operation in &OPERATIONS {
            assert!(attempt(root, operation, Errno::ACCESS, |run| run()));
        }
        assert_eq!(host.load().set.entries().len(), 2);
    };
    std::thread::scope(|scope| scope.spawn(attempts).join().unwrap());
}
