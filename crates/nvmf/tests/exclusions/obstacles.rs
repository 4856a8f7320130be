//! Something else in a list's place: it is reported, and stays.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use nvmf::exclusions::{self, ListErrorKind};
use rustix::fs::{CWD, FileType, Mode};

use crate::host::{Host, inode, kind, name, parsed};

/// That nothing can be changed, for this reason, and nothing is.
fn refused(host: &Host, list: &str, path: &Path, reason: &str) {
    let (before, content) = (inode(path), host.content());
    let (root, found) = (host.root(), host.list(list));
    let mut errors = vec![host.add(list, "nqn=x").unwrap_err().to_string()];
    errors.push(exclusions::read(&found).unwrap_err().to_string());
    let text = "[exclusions]\nexclusion = nqn=x\n";
    let (_, nothing) = exclusions::read_or_new(&host.list("nothing")).unwrap();
    let replaced = exclusions::replace(&root, &found, &nothing, parsed(&found, text));
    errors.push(replaced.unwrap_err().to_string());
    if !list.is_empty() {
        errors.push(
            exclusions::create(&root, &name(list))
                .unwrap_err()
                .to_string(),
        );
        errors.push(
            exclusions::delete(&root, &name(list))
                .unwrap_err()
                .to_string(),
        );
    }
    for error in errors {
        assert!(
            error.contains(&format!("`{}`: {reason}", path.display())),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
    assert_eq!((inode(path), host.content()), (before, content));
}

#[test]
fn what_is_no_file() {
    let host = Host::new();
    host.write("target", "[exclusions]\nexclusion = nqn=good\n");
    for (list, relative) in [
        ("", "exclusions.conf"),
        ("lab", "exclusions.conf.d/lab.conf"),
    ] {
        let path = host.path(relative);
        fs::create_dir(&path).unwrap();
        refused(&host, list, &path, "it is a directory: a list is a file");
        fs::remove_dir(&path).unwrap();
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        refused(&host, list, &path, "it is a pipe");
        fs::remove_file(&path).unwrap();
        for target in ["target", "nowhere", "/dev/zero"] {
            symlink(target, &path).unwrap();
            let reason = format!("it is a symbolic link to `{target}`: change that file, or put");
            refused(&host, list, &path, &reason);
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn what_is_no_text_or_too_much() {
    let host = Host::new();
    let path = host.write("exclusions.conf", b"[exclusions]\n# \xff\n");
    refused(&host, "", &path, "line 2 is not UTF-8: correct it");
    File::create(&path)
        .unwrap()
        .set_len((64 << 20) + 1)
        .unwrap();
    let error = host.add("", "nqn=x").unwrap_err().to_string();
    assert!(error.contains("more than 64 MiB"), "{error}");
    assert_eq!(path.metadata().unwrap().len(), (64 << 20) + 1);
}

#[test]
fn folders_that_are_none() {
    let host = Host::new();
    fs::remove_dir(host.path("exclusions.conf.d")).unwrap();
    let path = host.write("exclusions.conf.d", "mine");
    let error = host.add("lab", "nqn=x").unwrap_err().to_string();
    assert!(error.contains("lab.conf`: Not a directory"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    fs::remove_dir_all(host.path("")).unwrap();
    fs::write(host.path(""), "").unwrap_err();
    symlink("nowhere", host.path("").parent().unwrap().join("nvme")).unwrap();
    let error = host.add("", "nqn=x").unwrap_err().to_string();
    assert!(error.contains("No such file or directory"), "{error}");
}

/// A folder that is a link, as `stow` makes it, is as good as one.
#[test]
fn folders_that_are_links() {
    let host = Host::new();
    fs::rename(host.path("exclusions.conf.d"), host.path("real")).unwrap();
    symlink("real", host.path("exclusions.conf.d")).unwrap();
    host.add("lab", "nqn=x").unwrap();
    assert!(host.text("real/lab.conf").ends_with("exclusion = nqn=x\n"));
    assert!(host.path("exclusions.conf.d").is_symlink());
    assert_eq!(host.load().set.entries().len(), 1);
}

#[test]
fn what_a_killed_writer_left_is_removed() {
    let host = Host::new();
    for left in [".exclusions.next", "exclusions.conf.d/.exclusions.next"] {
        host.write(left, "half");
    }
    host.add("", "nqn=x").unwrap();
    host.add("lab", "nqn=x").unwrap();
    let names: Vec<String> = host.content().into_keys().collect();
    assert_eq!(
        names,
        [
            "exclusions.conf",
            "exclusions.conf.d",
            "exclusions.conf.d/lab.conf"
        ]
    );
    // in its way
    fs::create_dir(host.path(".exclusions.next")).unwrap();
    let before = host.content();
    assert!(matches!(kind(host.add("", "nqn=y")), ListErrorKind::Io(_)));
    assert_eq!(host.content(), before);
}
