//! A system that says no: one clear error, the old content intact, no leftovers.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use nvmf::Root;
use nvmf::registry::{Registry, RegistryError, RegistryErrorKind};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::host::{Host, attr, device, owner};

/// What the child is to do, as `space:ROOT`.
const INSIDE: &str = "NVMF_TEST_FAILURE";

/// A host's root, with controllers `nvme0` to `nvme3`.
struct Place(PathBuf);

/// An operation that has to write, the verb of its error, and what it is about.
type Operation = (
    &'static str,
    &'static str,
    fn(&Place) -> Result<(), RegistryError>,
);

const OPERATIONS: [Operation; 9] = [
    // unowned, without an entry, and with one
    ("claim", "nvme2", |place| claim(place, "nvme2")),
    ("claim", "nvme1", |place| claim(place, "nvme1")),
    ("change", "nvme0", |place| {
        let long = "new".repeat(2000);
        place.registry().set(&device("nvme0"), &attr("note"), &long)
    }),
    ("change", "nvme0", |place| {
        place
            .registry()
            .set(&device("nvme0"), &attr("owner"), "other")
    }),
    ("change", "nvme0", |place| {
        place.registry().remove(&device("nvme0"), &attr("note"))
    }),
    ("register", "nvme3", |place| {
        let path = place.0.join("sys/class/nvme/nvme3");
        let ino = fs::metadata(path).unwrap().ino();
        let notes = [(attr("note"), "new".to_owned())];
        let (registry, me) = (place.registry(), owner("me"));
        let registered = registry.register(&device("nvme3"), ino, None, Some(&me), &notes);
        registered.map(|_| ())
    }),
    ("release", "nvme0", |place| {
        let registry = place.registry();
        registry.release(&device("nvme0"), &owner("me")).map(|_| ())
    }),
    ("delete", "nvme0", |place| {
        place.registry().delete(&device("nvme0"))
    }),
    ("clean up", "nvme3", |place| {
        place.registry().reap(&device("nvme3"), None).map(|_| ())
    }),
];

fn claim(place: &Place, name: &str) -> Result<(), RegistryError> {
    place
        .registry()
        .claim(&device(name), &owner("me"))
        .map(|_| ())
}

impl Place {
    fn registry(&self) -> Registry {
        Registry::open(&Root::new(&self.0))
    }

    /// An owned entry, an unowned one, and a stale one.
    fn fill(&self) {
        let (registry, note) = (self.registry(), attr("note"));
        claim(self, "nvme0").unwrap();
        registry.set(&device("nvme0"), &note, "old").unwrap();
        registry.set(&device("nvme1"), &note, "old").unwrap();
        claim(self, "nvme3").unwrap();
        let stamp = self.0.join("run/nvme/registry/nvme3/sysfs-ino");
        fs::write(stamp, "1\n").unwrap();
    }

    fn clear(&self) {
        for file in fs::read_dir(self.0.join("run")).unwrap() {
            let path = file.unwrap().path();
            match path.is_dir() {
                true => fs::remove_dir_all(path).unwrap(),
                false => fs::remove_file(path).unwrap(),
            }
        }
    }

    /// Everything in the registry, by path.
    fn content(&self) -> BTreeMap<PathBuf, Option<String>> {
        let mut content = BTreeMap::new();
        let mut folders = vec![self.0.join("run/nvme/registry")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                content.insert(path.clone(), fs::read_to_string(&path).ok());
                folders.extend(path.is_dir().then_some(path));
            }
        }
        content
    }

    /// Does one operation in a situation in which it fails with `errno`, or happens. Returns
    /// whether it failed.
    fn attempt(&self, operation: &Operation, errno: Errno, around: impl Fn(&dyn Fn())) -> bool {
        let (verb, name, run) = operation;
        let before = self.content();
        let result = std::cell::RefCell::new(None);
        around(&|| *result.borrow_mut() = Some(run(self)));
        let after = self.content();
        let leftover = |path: &PathBuf| path.to_string_lossy().contains(".tmp.");
        let Err(error) = result.into_inner().unwrap() else {
            assert!(!after.keys().any(leftover), "{verb} {name} left {after:#?}");
            return false;
        };
        let RegistryErrorKind::Io(io) = &error.kind else {
            panic!("{error:?}");
        };
        assert_eq!(io.raw_os_error(), Some(errno.raw_os_error()), "{error}");
        let start = format!(
            "cannot {verb} `{}",
            self.0.join("run/nvme/registry").display()
        );
        assert!(error.to_string().starts_with(&start), "{error}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(after, before, "{error}");
        true
    }
}

#[test]
#[ignore = "it is a child of the other tests"]
fn inside() {
    let Ok(work) = std::env::var(INSIDE) else {
        return;
    };
    let (what, root) = work.split_once(':').unwrap();
    let place = Place(root.into());
    match what {
        "space" => no_space(&place),
        "read-only" => read_only(&place),
        "files" => no_files(&place),
        other => panic!("{other}"),
    }
}

/// With 0, 1, 2… free inodes or pages, until it works.
fn no_space(place: &Place) {
    let run = place.0.join("run");
    let mut failed = 0;
    for (what, operation) in OPERATIONS
        .iter()
        .enumerate()
        .flat_map(|o| [("inodes", o), ("pages", o)])
    {
        for free in 0..20 {
            place.clear();
            // The first registry of all is made by the first operation.
            if operation.0 != 0 {
                place.fill();
            }
            let fail = |fillers: &mut Vec<PathBuf>| loop {
                let path = run.join(format!("filler-{}", fillers.len()));
                let text = if what == "pages" { "x" } else { "" };
                let full = fs::write(&path, text).is_err();
                if path.exists() {
                    fillers.push(path);
                }
                if full {
                    return;
                }
            };
            let mut fillers = Vec::new();
            fail(&mut fillers);
            for path in fillers.drain(..).take(free) {
                fs::remove_file(path).unwrap();
            }
            if !place.attempt(operation.1, Errno::NOSPC, |run| run()) {
                break;
            }
            failed += 1;
            assert!(free < 19, "it never works");
        }
    }
    assert!(failed > 20, "only {failed} failures");
}

fn read_only(place: &Place) {
    place.fill();
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(place.0.join("run"))
        .status();
    assert!(remounted.unwrap().success());
    for operation in &OPERATIONS {
        assert!(place.attempt(operation, Errno::ROFS, |run| run()));
    }
    assert_eq!(
        place.registry().owner(&device("nvme0")).unwrap(),
        Some(owner("me"))
    );
    assert_eq!(place.registry().all_entries().unwrap().len(), 3);
}

/// With 0, 1, 2… free file descriptors, until it works.
fn no_files(place: &Place) {
    let mut failed = 0;
    for operation in &OPERATIONS {
        for free in 0..20 {
            place.clear();
            place.fill();
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
            if !place.attempt(operation, Errno::MFILE, limited) {
                break;
            }
            failed += 1;
            assert!(free < 19, "it never works");
        }
    }
    assert!(failed > 20, "only {failed} failures");
}

fn host() -> Host {
    let host = Host::new();
    for name in ["nvme0", "nvme1", "nvme2", "nvme3"] {
        host.connect(name);
    }
    // for those who are not root
    fs::set_permissions(host.path(""), Permissions::from_mode(0o755)).unwrap();
    host
}

/// This program again, for `what` in `root`.
fn child(what: &str, root: &Path) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "failures::inside", "--ignored", "--nocapture"]);
    child.env(INSIDE, format!("{what}:{}", root.display()));
    child
}

/// Runs `what` in a mount namespace of its own in which `run` is a small file system, or says why
/// it cannot.
fn on_a_small_file_system(what: &str) {
    let host = host();
    let root = host.path("");
    let mut namespace = vec!["unshare", "-m"];
    if !rustix::process::geteuid().is_root() {
        namespace.push("-r");
    }
    let namespace = |script: &str| {
        let mut command = Command::new(namespace[0]);
        command
            .args(&namespace[1..])
            .args(["sh", "-c", script, "sh"]);
        command.arg(host.path("run"));
        command
    };
    let mount = r#"mount -t tmpfs -o size=128k,nr_inodes=40 small "$1""#;
    let possible = namespace(mount).output().unwrap();
    if !possible.status.success() {
        let why = String::from_utf8_lossy(&possible.stderr).into_owned();
        eprintln!("SKIP: no mount namespace: {}", why.trim());
        return;
    }
    let again = child(what, &root);
    let script = format!(r#"{mount} && shift && exec "$@""#);
    let status = namespace(&script)
        .arg(again.get_program())
        .args(again.get_args())
        .env(INSIDE, format!("{what}:{}", root.display()))
        .status();
    assert!(status.unwrap().success());
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
    assert!(child("files", &host.path("")).status().unwrap().success());
}

#[test]
fn somebody_who_is_not_root() {
    let host = host();
    let place = Place(host.path(""));
    place.fill();
    let attempts = || {
        if rustix::process::geteuid().is_root() {
            let nobody = Some(rustix::fs::Uid::from_raw(65534));
            // of this thread only
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        } else {
            for path in ["run/nvme/registry", "run/nvme/registry.lock"] {
                fs::set_permissions(host.path(path), Permissions::from_mode(0o555)).unwrap();
            }
        }
        for operation in &OPERATIONS {
            assert!(place.attempt(operation, Errno::ACCESS, |run| run()));
            let error = operation.2(&place).unwrap_err().to_string();
            assert!(
                error.ends_with("only root can change the registry"),
                "{error}"
            );
        }
        assert_eq!(
            place.registry().owner(&device("nvme0")).unwrap(),
            Some(owner("me"))
        );
        assert_eq!(place.registry().entries().unwrap().len(), 2);
    };
    std::thread::scope(|scope| scope.spawn(attempts).join().unwrap());
}
