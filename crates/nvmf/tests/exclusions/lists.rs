//! Making, finding and deleting lists.

use std::fs;

use nvmf::exclusions::{self, Created, ListErrorKind, ListName, Place};

use crate::host::{Host, kind, name};

#[test]
fn names() {
    for good in ["a", "A-Z_09", "-", &"x".repeat(200)] {
        assert_eq!(good.parse::<ListName>().unwrap().to_string(), good);
    }
    for bad in [
        "",
        "a.b",
        "a/b",
        "..",
        " a",
        "é",
        "a\n",
        "a\0",
        &"x".repeat(201),
    ] {
        let error = bad.parse::<ListName>().unwrap_err().to_string();
        assert!(
            error.contains("no name of a list") && !error.contains('\n'),
            "{error}"
        );
    }
}

#[test]
fn a_list_is_made_once_and_deleted_once() {
    let host = Host::new();
    fs::remove_dir_all(host.path("")).unwrap();
    let (root, lab) = (host.root(), name("lab"));
    let path = host.path("exclusions.conf.d/lab.conf");
    let no_such = exclusions::delete(&root, &lab).unwrap_err();
    assert!(matches!(no_such.kind, ListErrorKind::NoSuchList));
    let want = format!("cannot delete `{}`: there is no such list", path.display());
    assert_eq!(no_such.to_string(), want);

    let created = exclusions::create(&root, &lab).unwrap();
    assert_eq!(created, Created::Created(path.clone()));
    assert_eq!(created.to_string(), format!("created {}", path.display()));
    host.add("lab", "nqn=x").unwrap();
    let text = host.text("exclusions.conf.d/lab.conf");
    let again = exclusions::create(&root, &lab).unwrap();
    assert_eq!(again, Created::AlreadyThere(path.clone()));
    assert_eq!(host.text("exclusions.conf.d/lab.conf"), text);

    exclusions::delete(&root, &lab).unwrap();
    assert_eq!(host.content().len(), 1, "{:?}", host.content());
    assert!(exclusions::delete(&root, &lab).is_err());
}

#[test]
fn what_cannot_be_read_can_be_deleted() {
    let host = Host::new();
    for bytes in [b"\xff".as_slice(), b"junk", b""] {
        host.write("exclusions.conf.d/bad.conf", bytes);
        exclusions::delete(&host.root(), &name("bad")).unwrap();
        assert!(!host.path("exclusions.conf.d/bad.conf").exists());
    }
}

/// The layout of the first design is read only; in the present one the name is free again.
#[test]
fn lists_of_the_first_design() {
    let host = Host::new();
    let (root, lab) = (host.root(), name("lab"));
    let old = host.write("exclusions/lab.conf", "[exclusions]\nexclusion = nqn=x\n");
    let list = host.list("lab");
    assert_eq!((list.place, &list.path), (Place::FirstDesign, &old));
    assert_eq!(list.label(), "lab");
    assert!(exclusions::read(&list).is_ok());

    let refused = host.add("lab", "nqn=y");
    let message = refused.as_ref().unwrap_err().to_string();
    let remedy = format!("move it to `{}`", host.path("exclusions.conf.d").display());
    assert!(message.contains(&remedy), "{message}");
    assert!(matches!(kind(refused), ListErrorKind::FirstDesign(_)));
    let refused = exclusions::delete(&root, &lab).unwrap_err();
    assert!(matches!(refused.kind, ListErrorKind::FirstDesign(_)));
    assert_eq!(
        exclusions::create(&root, &lab).unwrap(),
        Created::AlreadyThere(old.clone())
    );
    assert_eq!(
        host.text("exclusions/lab.conf"),
        "[exclusions]\nexclusion = nqn=x\n"
    );

    // the remedy
    fs::rename(&old, host.path("exclusions.conf.d/lab.conf")).unwrap();
    host.add("lab", "nqn=y").unwrap();
    // both: the present layout is meant, and both are read
    host.write("exclusions/lab.conf", "[exclusions]\nexclusion = nqn=z\n");
    assert_eq!(host.list("lab").place, Place::DropIn);
    let loaded = host.load();
    assert_eq!(loaded.set.entries().len(), 3);
    let places: Vec<Place> = loaded.lists.iter().map(|list| list.place).collect();
    assert_eq!(places, [Place::DropIn, Place::FirstDesign]);
    // entries tell their list
    for entry in loaded.set.entries() {
        let of = |list: &&exclusions::List| list.path.display().to_string() == entry.source.file;
        assert_eq!(
            loaded.lists.iter().filter(of).count(),
            1,
            "{}",
            entry.source
        );
    }
}
