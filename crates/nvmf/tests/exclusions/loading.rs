//! Reading whatever is there.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode};

use crate::host::Host;

const GOOD: &str = "[exclusions]\nexclusion = nqn=good\n";

/// That all is read but this, which is reported once.
fn reported(host: &Host, path: &str, reason: &str) {
    let loaded = host.load();
    let [problem] = loaded.problems.as_slice() else {
        panic!("{path}: {:#?}", loaded.problems);
    };
    assert!(
        problem.contains(&host.path(path).display().to_string()),
        "{problem}"
    );
    assert!(problem.contains(reason), "{problem}");
    assert!(!problem.contains('\n'), "{problem}");
    let texts = loaded.set.entries().iter().map(|e| e.text.as_str());
    assert_eq!(texts.collect::<Vec<_>>(), ["nqn=good"]);
}

#[test]
fn what_is_no_file() {
    let host = Host::new();
    host.write("exclusions.conf.d/good.conf", GOOD);
    for relative in [
        "exclusions.conf",
        "exclusions.conf.d/x.conf",
        "exclusions/x.conf",
    ] {
        let path = host.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let not = |reason: &str| {
            let reason = format!("it excludes nothing: {reason}");
            reported(&host, relative, &reason);
            match path.is_dir() && !path.is_symlink() {
                true => fs::remove_dir(&path).unwrap(),
                false => fs::remove_file(&path).unwrap(),
            }
        };
        fs::create_dir(&path).unwrap();
        not("it is a directory");
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        not("it is a pipe");
        let _socket = UnixListener::bind(&path).unwrap();
        not("it is a socket");
        symlink("/dev/zero", &path).unwrap();
        not("it is a device");
        symlink("nowhere", &path).unwrap();
        not("it is a link to `nowhere`, which is not there");
        symlink(&path, &path).unwrap();
        not("Too many levels of symbolic links");
        File::create(&path)
            .unwrap()
            .set_len((64 << 20) + 1)
            .unwrap();
        not("it has more than 64 MiB");
        assert_eq!(host.load().problems, [""; 0]);
    }
}

#[test]
fn links_are_followed() {
    let host = Host::new();
    let elsewhere = host.write("elsewhere", GOOD);
    symlink(elsewhere, host.path("exclusions.conf")).unwrap();
    let loaded = host.load();
    assert_eq!(loaded.problems, [""; 0]);
    let source = loaded.set.entries()[0].source.to_string();
    assert!(source.ends_with("etc/nvme/exclusions.conf:2"), "{source}");
}

#[test]
fn folders_that_are_none() {
    let host = Host::new();
    host.write("exclusions.conf", GOOD);
    for folder in ["exclusions.conf.d", "exclusions"] {
        let path = host.path(folder);
        let _ = fs::remove_dir(&path);
        host.write(folder, "");
        reported(&host, folder, "Not a directory");
        fs::remove_file(&path).unwrap();
        symlink("nowhere", &path).unwrap();
        reported(&host, folder, "No such file or directory");
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(host.load().problems, [""; 0]);
}

#[test]
fn what_is_no_text_is_read_as_far_as_it_is() {
    let host = Host::new();
    let mut bytes = GOOD.as_bytes().to_vec();
    bytes.extend(b"# \xe9\n");
    host.write("exclusions.conf", &bytes);
    reported(&host, "exclusions.conf", "is not UTF-8 in line 3");
}

#[test]
fn odd_names() {
    let host = Host::new();
    host.write("exclusions.conf.d/good.conf", GOOD);
    for silent in [
        "README",
        "a.conf.bak",
        ".a.conf",
        ".a.conf.swp",
        "a.conf~",
        "conf",
        ".exclusions.next",
    ] {
        host.write(&format!("exclusions.conf.d/{silent}"), GOOD);
    }
    assert_eq!(host.load().problems, [""; 0]);
    for odd in ["a b.conf", "a.b.conf", "é.conf"] {
        let path = host.write(&format!("exclusions.conf.d/{odd}"), GOOD);
        reported(
            &host,
            &format!("exclusions.conf.d/{odd}")
                .escape_debug()
                .to_string(),
            "rename it",
        );
        fs::remove_file(path).unwrap();
    }
    let bytes: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"a\xff\n.conf");
    let path = host.path("exclusions.conf.d").join(bytes);
    fs::write(&path, GOOD).unwrap();
    reported(&host, "exclusions.conf.d", "rename it");
}

#[test]
fn what_may_not_be_read() {
    let host = Host::new();
    host.write("exclusions.conf.d/good.conf", GOOD);
    let secret = host.write("exclusions.conf", GOOD);
    fs::set_permissions(host.top(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o000)).unwrap();
    let attempts = || {
        if rustix::process::geteuid().is_root() {
            let nobody = Some(rustix::fs::Uid::from_raw(65534));
            // of this thread only
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
        reported(&host, "exclusions.conf", "Permission denied");
    };
    std::thread::scope(|scope| scope.spawn(attempts).join().unwrap());
}
