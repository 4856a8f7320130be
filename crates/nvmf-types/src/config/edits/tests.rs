use super::*;
use crate::config::legacy::{LegacyHost, parse_config_json};
use crate::{ControllerClass, HostId, Nqn};

const A: &str = "nqn.2014-08.org.example:a";
const HOST: &str = "nqn.2014-08.org.example:default";
const OTHER: &str = "nqn.2014-08.org.example:other";
const ID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6b00";
const ID2: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6b02";

fn identity(hostnqn: &str, hostid: &str) -> HostIdentity {
    HostIdentity {
        hostnqn: hostnqn.parse().ok(),
        hostid: hostid.parse().ok(),
    }
}

fn file(path: &str, text: Option<&str>, private: bool) -> ExistingFile {
    ExistingFile {
        path: path.to_owned(),
        text: text.map(str::to_owned),
        private,
    }
}

/// Main file `m`, private if it starts with `#private`, and drop-ins.
fn edits(main: Option<&str>, drop_ins: &[(&str, &str)]) -> Edits {
    let private = |text: &str| text.starts_with("#private");
    let main = file("m", main, main.is_some_and(private));
    let drop_ins = drop_ins.iter();
    let drop_ins = drop_ins.map(|(name, text)| {
        let path = format!("m.d/{name}.conf");
        file(&path, Some(text), private(text))
    });
    Edits::new(main, drop_ins.collect(), &identity(HOST, ID)).unwrap()
}

/// A path to subsystem a.
fn path(more: &[(&str, &str)]) -> Wish {
    let mut wish = Wish::new(ControllerClass::Io, Origin::new("cli", 1));
    let base = [("transport", "tcp"), ("traddr", "::1"), ("nqn", A)];
    for (key, value) in base.iter().chain(more) {
        wish.set(key, value).unwrap();
    }
    wish
}

/// The files as `path (private): text`.
fn shown(edits: Edits) -> Vec<String> {
    let changed = edits.finish().unwrap_or_else(|e| panic!("{e}"));
    let shown = changed.iter().map(|file| {
        let private = if file.private { " private" } else { "" };
        format!("{}{private}: {}", file.path, file.text)
    });
    shown.collect()
}

fn added(origin: &str) -> Added {
    let (file, line) = origin.rsplit_once(':').unwrap();
    Added::Added(Origin::new(file, line.parse().unwrap()))
}

fn there(origin: &str, same_options: bool) -> Added {
    let Added::Added(origin) = added(origin) else {
        panic!()
    };
    Added::AlreadyThere {
        origin,
        same_options,
    }
}

const SECTION: &str = "[Subsystem]\nnqn = nqn.2014-08.org.example:a\n";
const LINE: &str = "controller = transport=tcp;traddr=::1\n";

#[test]
fn a_new_file_and_once_only() {
    let mut new = edits(None, &[]);
    assert_eq!(new.add(&path(&[]), None), Ok(added("m:3")));
    assert_eq!(new.add(&path(&[]), None), Ok(there("m:3", true)));
    assert_eq!(shown(new), [format!("m: {SECTION}{LINE}")]);

    let text = format!("{SECTION}controller = transport=tcp;traddr=A.example\n");
    let mut named = edits(Some(&text), &[]);
    let name = named.add(&path(&[("traddr", "a.EXAMPLE")]), None);
    assert_eq!(name, Ok(there("m:3", true)));

    let text = format!("{SECTION}ctrl-loss-tmo = 5\n{LINE}");
    for (more, same) in [
        (&[][..], true),
        (&[("trsvcid", "4420")], true),
        (&[("traddr", "0::1")], true),
        (&[("hostnqn", HOST)], true),
        (&[("hostnqn", HOST), ("hostid", ID)], true),
        (&[("hostid", ID)], true),
        (&[("ctrl-loss-tmo", "0x5")], true),
        (&[("ctrl-loss-tmo", "6")], false),
        (&[("kxchap-secret", "s")], false),
    ] {
        let mut old = edits(Some(&text), &[]);
        assert_eq!(
            old.add(&path(more), None),
            Ok(there("m:4", same)),
            "{more:?}"
        );
        assert_eq!(shown(old), [""; 0]);
    }
}

#[test]
fn where_it_goes() {
    let persona = format!("[Host]\nhostnqn = {OTHER}\nhostid = {ID2}\n");
    let other = [("hostnqn", OTHER)];
    let secret = [("kxchap-secret", "s")];
    let reference = [("kxchap-secret", "file:/etc/nvme/key")];
    let own = "nqn.2014-08.org.nvmexpress:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6b09";
    let new = [("hostnqn", own)];
    for (main, drop_ins, more, name, want) in [
        (None, vec![], &[][..], None, "m:3"),
        (None, vec![], &[], Some("lab"), "m.d/lab.conf:3"),
        (None, vec![], &secret, None, "m:4 private"),
        (
            Some("# c\n"),
            vec![],
            &secret,
            None,
            "m.d/private.conf:4 private",
        ),
        (Some("#private\n"), vec![], &secret, None, "m:6 private"),
        (Some("# c\n"), vec![], &reference, None, "m:6"),
        (
            Some("# c\n"),
            vec![("private", "#private\n")],
            &secret,
            None,
            "m.d/private.conf:6 private",
        ),
        (None, vec![("p", &*persona)], &other, None, "m.d/p.conf:7"),
        (
            None,
            vec![("p", &*persona)],
            &other,
            Some("p"),
            "m.d/p.conf:7",
        ),
        (
            None,
            vec![("p", &*persona)],
            &new,
            None,
            "m.d/f81d4fae-7dec-11d0-a765-00a0c91e6b09.conf:7",
        ),
        (
            None,
            vec![("f81d4fae-7dec-11d0-a765-00a0c91e6b09", "")],
            &new,
            None,
            "m.d/f81d4fae-7dec-11d0-a765-00a0c91e6b09-2.conf:7",
        ),
        (None, vec![], &new, Some("lab"), "m.d/lab.conf:7"),
    ] {
        let mut edits = edits(main, &drop_ins);
        let done = edits
            .add(&path(more), name)
            .unwrap_or_else(|e| panic!("{want}: {e}"));
        let Added::Added(origin) = done else { panic!() };
        let changed = edits.finish().unwrap();
        let [file] = changed.as_slice() else {
            panic!("{changed:?}")
        };
        assert_eq!(file.path, origin.file);
        let private = if file.private { " private" } else { "" };
        assert_eq!(format!("{origin}{private}"), want);
    }
}

#[test]
fn where_it_cannot_go() {
    let persona = format!("[Host]\nhostnqn = {OTHER}\nhostid = {ID2}\n");
    for (more, name, want) in [
        (&[("hostid", ID2)][..], None, "give its hostnqn too"),
        (&[("hostnqn", A)], None, "has no hostid: give one"),
        (
            &[("hostnqn", OTHER), ("hostid", ID)],
            None,
            "has another hostid in `m.d/p.conf`",
        ),
        (
            &[("hostnqn", OTHER)],
            Some("lab"),
            "has its place in `m.d/p.conf`",
        ),
        (
            &[("hostnqn", A), ("hostid", ID2)],
            Some("p"),
            "`m.d/p.conf` is another host's",
        ),
        (&[], Some("p"), "`m.d/p.conf` is another host's"),
        (
            &[("hostnqn", OTHER), ("kxchap-secret", "s")],
            None,
            "`chmod 600` it first",
        ),
        (
            &[("kxchap-secret", "s")],
            Some("open"),
            "`chmod 600` it first",
        ),
    ] {
        let mut edits = edits(None, &[("open", ""), ("p", &persona)]);
        let error = edits.add(&path(more), name).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
        assert!(!error.contains("kxchap"), "{error}");
    }
    // one id for two hosts is found when it is read back
    let mut twice = edits(None, &[("p", &persona)]);
    twice
        .add(&path(&[("hostnqn", A), ("hostid", ID2)]), None)
        .unwrap();
    let error = twice.finish().unwrap_err().to_string();
    assert!(
        error.contains("the configuration would have errors:\nm.d/a.conf:3"),
        "{error}"
    );
    let broken = Edits::new(
        file("m", Some("junk"), false),
        vec![],
        &HostIdentity::default(),
    );
    let error = broken.unwrap_err().to_string();
    assert!(error.contains("correct them first:\nm:1"), "{error}");
}

#[test]
fn personas() {
    let persona = |nqn: &str| Persona {
        identity: identity(nqn, ID2),
        hostsymname: Some("Lab host/1".to_owned()),
        secret: None,
    };
    let mut edits = edits(None, &[]);
    let done = edits.add_persona(&persona(OTHER), None);
    assert_eq!(done, Ok(added("m.d/Lab-host-1.conf:1")));
    let again = edits.add_persona(&persona(OTHER), None);
    assert_eq!(again, Ok(there("m.d/Lab-host-1.conf:1", true)));
    let default = Persona {
        identity: identity(HOST, ID),
        ..Persona::default()
    };
    assert_eq!(
        edits.add_persona(&default, None),
        Err(EditError::DefaultHost)
    );
    let text = format!("[Host]\nhostnqn = {OTHER}\nhostid = {ID2}\nhostsymname = Lab host/1\n");
    assert_eq!(shown(edits), [format!("m.d/Lab-host-1.conf: {text}")]);
}

fn hosts(text: &str) -> Vec<LegacyHost> {
    parse_config_json("c.json", text).unwrap().0
}

/// A host with a secret, two subsystems (one twice) and a discovery controller.
fn host(hostnqn: &str, hostid: &str) -> String {
    format!(
        r#"{{"hostnqn":"{hostnqn}","hostid":"{hostid}","dhchap_key":"host","subsystems":[
          {{"nqn":"{A}","ports":[{{"transport":"tcp","traddr":"::1"}},{{"transport":"tcp","traddr":"::2","dhchap_key":"own"}},
                                 {{"transport":"tcp","traddr":"0::1"}}]}},
          {{"nqn":"{dc}","ports":[{{"transport":"tcp","traddr":"::3"}}]}}]}}"#,
        dc = Nqn::DISCOVERY
    )
}

/// What is left to do after everything was written.
fn again(edits: &Edits) -> Edits {
    let changed = edits.clone().finish().unwrap();
    let mut written = changed.into_iter().map(|file| ExistingFile {
        path: file.path,
        text: Some(file.text),
        private: file.private,
    });
    let main = written.next().unwrap();
    Edits::new(main, written.collect(), &identity(HOST, ID)).unwrap()
}

#[test]
fn whole_hosts() {
    let all = hosts(&format!("[{},{}]", host(HOST, ID), host(OTHER, ID2)));
    let mut edits = edits(None, &[]);
    let (first, odd) = edits.add_host(&all[0]).unwrap();
    let want = [
        added("m:6"),
        added("m:11"),
        there("m:6", true),
        added("m:14"),
    ];
    assert_eq!((first.as_slice(), odd.as_slice()), (&want[..], &[][..]));
    let (second, _) = edits.add_host(&all[1]).unwrap();
    assert_eq!(second[0], added("m.d/other.conf:8"));
    let mut again = again(&edits);
    let sections = format!(
        "{SECTION}{LINE}\n{SECTION}kxchap-secret = own\ncontroller = transport=tcp;traddr=::2\n\n\
         [Discovery Controller]\ncontroller = transport=tcp;traddr=::3\n"
    );
    assert_eq!(
        shown(edits),
        [
            format!("m private: [Host]\nkxchap-secret = host\n\n{sections}"),
            format!(
                "m.d/other.conf private: [Host]\nhostnqn = {OTHER}\nhostid = {ID2}\nkxchap-secret = host\n\n{sections}"
            ),
        ]
    );

    for host in &all {
        let (added, odd) = again.add_host(host).unwrap();
        let same = |added: &Added| {
            matches!(
                added,
                Added::AlreadyThere {
                    same_options: true,
                    ..
                }
            )
        };
        assert!(added.iter().all(same), "{added:?}");
        assert_eq!(odd, []);
    }
    assert_eq!(shown(again), [""; 0]);
}

#[test]
fn a_hosts_secret_holds_for_nothing_else() {
    let all = hosts(&format!("[{}]", host(HOST, ID)));
    for main in [
        "# readable\n",
        "#private\n[Discovery Controller]\ncontroller = transport=loop\n",
    ] {
        let mut edits = edits(Some(main), &[]);
        let (_, odd) = edits.add_host(&all[0]).unwrap();
        let [odd] = odd.as_slice() else {
            panic!("{odd:?}")
        };
        assert!(odd.to_string().contains("not for what its log page names"));
        let changed = edits.finish().unwrap();
        let [file] = changed.as_slice() else { panic!() };
        assert!(
            file.private && !file.text.contains("[Host]"),
            "{}",
            file.text
        );
        assert_eq!(file.text.matches("kxchap-secret = host").count(), 2);
    }
}

#[test]
fn secrets_are_masked() {
    let mut edits = edits(None, &[]);
    for (traddr, secret) in [("::1", "DHHC-1:00:hush:"), ("::2", "file:/etc/nvme/key")] {
        let wish = path(&[("traddr", traddr), ("kxchap-secret", secret)]);
        edits.add(&wish, None).unwrap();
    }
    assert!(!format!("{edits:?}").contains("hush"));
    let changed = edits.finish().unwrap();
    assert!(changed[0].text.contains("hush") && !format!("{changed:?}").contains("hush"));
    let masked = changed[0].text.replace("DHHC-1:00:hush:", "***");
    assert_eq!(changed[0].masked(), masked);
}

#[test]
fn the_id_of_a_name() {
    let of = |name: &str| HostId::of_name(&name.parse().unwrap());
    assert_eq!(of(HOST), None);
    assert_eq!(
        of(&format!("nqn.2014-08.org.nvmexpress:uuid:{ID}")),
        ID.parse().ok()
    );
}
