//! One change after the other.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nvmf::exclusions::{self, EditError, ListErrorKind, Saved, Version};
use nvmf_types::exclusion::{AddError, Added, Document};

use crate::host::{Host, inode, kind, list, parsed, rule};

const A: &str = "nqn=nqn.2014-08.org.example:a";
const B: &str = "transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:b";

#[test]
fn the_first_entry_makes_the_file_and_the_folders() {
    let host = Host::new();
    fs::remove_dir_all(host.path("")).unwrap();
    for (name, file) in [
        ("", "exclusions.conf"),
        ("lab", "exclusions.conf.d/lab.conf"),
    ] {
        let edited = host.add(name, A).unwrap();
        assert_eq!(edited.value, Added::Appended(4));
        assert_eq!(edited.saved, Saved::Written);
        let mode = |path: &str| host.path(path).metadata().unwrap().mode() & 0o7777;
        assert_eq!(mode(file), 0o644);
        assert_eq!(mode(".exclusions.lock"), 0o600);
        assert_eq!(mode(""), 0o755);
        assert_eq!(
            host.text(file).lines().next_back().unwrap(),
            format!("exclusion = {A}")
        );
    }
    let loaded = host.load();
    assert_eq!(loaded.problems, [""; 0]);
    assert_eq!(loaded.set.entries().len(), 2);
    assert_eq!(host.content().len(), 3, "{:?}", host.content());
}

#[test]
fn every_other_byte_stays() {
    let host = Host::new();
    let entry = format!("exclusion = {A}");
    for (before, after) in [
        (String::new(), format!("[exclusions]\n{entry}\n")),
        (
            "\u{feff}# c\r\n[exclusions]\r\n\texclusion=nqn=x;;\r\n".to_owned(),
            format!("\u{feff}# c\r\n[exclusions]\r\n\texclusion=nqn=x;;\r\n{entry}\r\n"),
        ),
        (
            "[exclusions]\nexclusion = nqn=x".to_owned(),
            format!("[exclusions]\nexclusion = nqn=x\n{entry}\n"),
        ),
        (
            "[exclusions]\n\n[x]\n\u{1}junk\n\n".to_owned(),
            format!("[exclusions]\n{entry}\n\n[x]\n\u{1}junk\n\n"),
        ),
        (
            "[exclusions]\n[x]\nk = v".to_owned(),
            // a writer ends the file in a newline
            format!("[exclusions]\n{entry}\n[x]\nk = v\n"),
        ),
    ] {
        host.write("exclusions.conf", &before);
        let Added::Appended(line) = host.add("", A).unwrap().value else {
            panic!("{before:?}");
        };
        assert_eq!(host.text("exclusions.conf"), after, "{before:?}");
        assert_eq!(host.remove("", line).unwrap(), Saved::Written);
        let left = host.text("exclusions.conf");
        assert!(left.starts_with(&before) || before.is_empty(), "{left:?}");
        assert!(left.ends_with('\n'), "{left:?}");
    }
}

#[test]
fn a_long_list_is_changed_too() {
    let host = Host::new();
    let mut text = format!("# {}\n[exclusions]\n", "x".repeat(1 << 20));
    while text.len() < 10_000_000 {
        text.push_str(&format!(
            "exclusion = nqn=nqn.2014-08.org.example:{}\n",
            text.len()
        ));
    }
    host.write("exclusions.conf", &text);
    host.add("", A).unwrap();
    assert_eq!(
        host.text("exclusions.conf"),
        format!("{text}exclusion = {A}\n")
    );
    assert!(host.load().problems.is_empty());
}

#[test]
fn owner_and_mode_stay() {
    let host = Host::new();
    let path = host.write("exclusions.conf", "[exclusions]\n");
    let root = rustix::process::geteuid().is_root();
    if root {
        std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
    }
    for mode in [0o600, 0o664, 0o444] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        host.add("", &format!("{A}{mode}")).unwrap();
        let file = path.metadata().unwrap();
        assert_eq!(file.mode() & 0o7777, mode);
        if root {
            assert_eq!((file.uid(), file.gid()), (1234, 4321));
        }
    }
}

#[test]
fn without_a_change_nothing_is_written() {
    let host = Host::new();
    let text = format!("[exclusions]\nexclusion = {B}");
    let path = host.write("exclusions.conf", &text);
    let before = inode(&path);
    let swapped = "nqn=nqn.2014-08.org.example:b;traddr=192.0.2.10;transport=tcp";
    for entry in [B, swapped] {
        let edited = host.add("", entry).unwrap();
        assert_eq!(edited.value, Added::AlreadyThere(2));
        assert_eq!(edited.saved, Saved::Unchanged);
    }
    let list = host.list("");
    let (document, version) = exclusions::read(&list).unwrap();
    let saved = exclusions::replace(&host.root(), &list, &version, document).unwrap();
    assert_eq!(saved, Saved::Unchanged);
    // a change that says no, and one that is taken back
    let refused = exclusions::edit(&host.root(), &list, |document| {
        document.add(&rule(A), None).unwrap();
        Err::<(), _>("no")
    });
    assert!(matches!(refused, Err(EditError::Refused("no"))));
    let back = exclusions::edit(&host.root(), &list, |document| {
        let Ok(Added::Appended(line)) = document.add(&rule(A), None) else {
            panic!()
        };
        document.remove(line)
    });
    assert_eq!(
        back.unwrap().saved,
        Saved::Written,
        "the last line has an end now"
    );
    assert_eq!(host.text("exclusions.conf"), format!("{text}\n"));

    let path = host.write("exclusions.conf", &text);
    assert_ne!(inode(&path), before);
    // nothing is made for nothing
    let missing = exclusions::edit(&host.root(), &host.list("lab"), |_| Ok::<_, AddError>(()));
    assert_eq!(missing.unwrap().saved, Saved::Unchanged);
    assert!(!host.path("exclusions.conf.d/lab.conf").exists());
}

#[test]
fn unchanged_files_are_not_touched() {
    let host = Host::new();
    let path = host.write(
        "exclusions.conf",
        format!("[exclusions]\nexclusion = {B}\n"),
    );
    let before = inode(&path);
    host.add("", B).unwrap();
    let (document, version) = exclusions::read(&host.list("")).unwrap();
    exclusions::replace(&host.root(), &host.list(""), &version, document).unwrap();
    assert_eq!(inode(&path), before);
}

#[test]
fn a_change_of_an_old_version_is_refused() {
    let host = Host::new();
    let (root, list) = (host.root(), host.list("lab"));
    let file = "exclusions.conf.d/lab.conf";
    let replace = |version: &Version, text: &str| {
        let result = exclusions::replace(&root, &list, version, parsed(&list, text));
        result.map_err(|error| (error.to_string(), error.kind))
    };
    let changed = |result: Result<Saved, (String, ListErrorKind)>| {
        let Err((message, ListErrorKind::Changed)) = result else {
            panic!("{result:?}");
        };
        assert!(
            message.contains(file) && message.contains("changed meanwhile"),
            "{message}"
        );
    };

    // made by somebody else meanwhile
    assert!(matches!(
        exclusions::read(&list).unwrap_err().kind,
        ListErrorKind::NoSuchList
    ));
    let (new, nothing) = exclusions::read_or_new(&list).unwrap();
    assert_eq!(
        new,
        Document::new(&list.path.display().to_string(), Some("lab"))
    );
    host.add("lab", A).unwrap();
    changed(replace(&nothing, "[exclusions]\n"));

    // changed: also by an editor that knows no lock
    let (_, first) = exclusions::read(&list).unwrap();
    host.add("lab", B).unwrap();
    changed(replace(&first, "[exclusions]\n"));
    let (_, second) = exclusions::read(&list).unwrap();
    let text = host.text(file);
    host.write(file, text.replace(":b", ":c"));
    changed(replace(&second, "[exclusions]\n"));
    // and back
    host.write(file, &text);
    assert_eq!(
        replace(&second, "[exclusions]\nexclusion = nqn=x").unwrap(),
        Saved::Written
    );
    assert_eq!(host.text(file), "[exclusions]\nexclusion = nqn=x\n");

    // deleted
    let (_, third) = exclusions::read(&list).unwrap();
    fs::remove_file(host.path(file)).unwrap();
    changed(replace(&third, "[exclusions]\n"));
    assert!(!host.path(file).exists());
    assert_eq!(replace(&nothing, "[exclusions]\n").unwrap(), Saved::Written);
}

#[test]
fn no_file_with_a_dead_entry_is_saved() {
    let host = Host::new();
    let text = "[exclusions]\nexclusion = tcp\nexclusion = nqn=x\nexclude = nqn=y\n[other]\nexclusion = nqn=z\n";
    let path = host.write("exclusions.conf", text);
    let before = inode(&path);
    let refused = host.add("", A);
    let message = refused.as_ref().unwrap_err().to_string();
    let want = "exclusions.conf`: line 2 `tcp` (and 2 more) excludes nothing, `tcp` is not key=value: correct it or take it out first";
    assert!(message.ends_with(want), "{message}");
    assert!(matches!(kind(refused), ListErrorKind::Dead(dead) if dead.len() == 3));
    let list = host.list("");
    let (_, version) = exclusions::read(&list).unwrap();
    for dead in [
        "[exclusions]\nnqn=a\n",
        "exclusion = nqn=a\n",
        "[Exclusions]\nexclusion = nqn=a\n",
    ] {
        let document = parsed(&list, dead);
        let refused = exclusions::replace(&host.root(), &list, &version, document);
        assert!(
            matches!(refused.unwrap_err().kind, ListErrorKind::Dead(_)),
            "{dead}"
        );
    }
    assert_eq!(inode(&path), before);

    // One that stands there already needs no writing; one can be taken out, dead or not.
    assert_eq!(host.add("", "nqn=x").unwrap().value, Added::AlreadyThere(3));
    for line in [6, 3, 2, 2] {
        assert_eq!(host.remove("", line).unwrap(), Saved::Written);
    }
    assert_eq!(host.text("exclusions.conf"), "[exclusions]\n[other]\n");
    host.add("", A).unwrap();
}

#[test]
fn entries_that_would_not_read_back_are_refused() {
    let host = Host::new();
    let list = list(&host.root(), "");
    let refused = exclusions::edit(&host.root(), &list, |document| {
        document.add(&"nqn=a\nexclusion = transport=tcp".parse().unwrap(), None)
    });
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("contains a line end"), "{message}");
    let refused = exclusions::edit(&host.root(), &list, |document| {
        document.add(&rule(A), Some("a\u{1b}[2J"))
    });
    assert!(refused.unwrap_err().to_string().contains("the comment"));
    assert_eq!(host.content().len(), 1, "only the folder");
}
