use super::*;
use crate::Origin;

const A: &str = "nqn.2014-08.org.example:a";

fn wish(class: ControllerClass, settings: &[(&str, &str)]) -> Wish {
    let mut wish = Wish::new(class, Origin::new("x", 1));
    for (key, value) in settings {
        wish.set(key, value).unwrap();
    }
    wish
}

/// A path to subsystem a.
fn path(more: &[(&str, &str)]) -> Wish {
    let mut wish = wish(
        ControllerClass::Io,
        &[("transport", "tcp"), ("traddr", "::9"), ("nqn", A)],
    );
    for (key, value) in more {
        wish.set(key, value).unwrap();
    }
    wish
}

fn added(text: &str, wish: &Wish) -> (usize, String) {
    let mut document = Document::new(text.to_owned());
    let line = document.add(wish);
    (line, document.text().to_owned())
}

const NEW: &str = "controller = transport=tcp;traddr=::9";

#[test]
fn a_further_path_joins_its_section() {
    for (before, after, line) in [
        ("[Subsystem]\nnqn = NQN\ncontroller = x\n", "", 4),
        ("[Subsystem]\ncontroller = x\n", "nqn = NQN", 3),
        ("[Subsystem]\r\nnqn=NQN\r\ncontroller = x\r\n", "", 4),
        (
            "# c\n[Subsystem]\nnqn = NQN\ncontroller = x\n",
            "# d\n\n[Host]\nhostnqn = h",
            5,
        ),
        (
            "[Subsystem]\nnqn = NQN\nkxchap-secret = s\n",
            "[Subsystem]\nnqn = NQN\ncontroller = y\n",
            4,
        ),
        (
            "\u{feff}[Subsystem]\nnqn = other\ncontroller = x\n[Subsystem]\nnqn = other\nnqn = NQN\n# c\ncontroller = y\n",
            "\n",
            9,
        ),
    ] {
        let (before, after) = (before.replace("NQN", A), after.replace("NQN", A));
        let text = format!("{before}{after}");
        let end = if before.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let want = format!("{before}{NEW}{end}{after}");
        assert_eq!(added(&text, &path(&[])), (line, want), "{text}");
    }
}

#[test]
fn otherwise_it_gets_a_section_at_the_end() {
    let section = format!("[Subsystem]\nnqn = {A}\n{NEW}\n");
    for (text, between, line) in [
        ("", "", 3),
        ("\u{feff}", "", 3),
        ("# only a comment", "\n\n", 5),
        ("[Subsystem]\nnqn = other\ncontroller = x\n\n", "", 7),
        (
            "[Discovery Controller]\nnqn = NQN\ncontroller = x\n",
            "\n",
            7,
        ),
        ("[Subsystem Defaults]\nnqn = NQN\n", "\n", 6),
    ] {
        let text = text.replace("NQN", A);
        let want = format!("{text}{between}{section}");
        assert_eq!(added(&text, &path(&[])), (line, want), "{text}");
    }
    let (_, crlf) = added("# c\r\n", &path(&[]));
    assert!(crlf.ends_with(&format!("# c\r\n\r\n{}", section.replace('\n', "\r\n"))));
}

#[test]
fn security_keeps_sections_apart() {
    let text = format!("[Subsystem]\nnqn = {A}\ndhchap-secret = s\ntls = 1\ncontroller = x\n");
    for (more, joins) in [
        (&[][..], true),
        (&[("kxchap-secret", "s")], true),
        (&[("dhchap-secret", "s"), ("tls", "1")], true),
        (&[("kxchap-secret", "t")], false),
        (&[("concat", "yes")], false),
    ] {
        let (line, _) = added(&text, &path(more));
        assert_eq!(line == 6, joins, "{more:?}: {line}");
    }
}

#[test]
fn many_at_once() {
    let io = ControllerClass::Io;
    let paths = [
        path(&[("ctrl-loss-tmo", "-1"), ("hdr-digest", "yes")]),
        wish(
            ControllerClass::Discovery,
            &[("transport", "loop"), ("persistent", "force")],
        ),
        path(&[("traddr", "::8"), ("trsvcid", "4421")]),
        path(&[("kxchap-secret", "s"), ("tls", "yes")]),
        wish(
            io,
            &[
                ("transport", "tcp"),
                ("traddr", "a.example"),
                ("nqn", "nqn.2014-08.org.example:b"),
            ],
        ),
    ];
    let mut document = Document::new("# c\n".to_owned());
    let host = Persona {
        identity: HostIdentity {
            hostnqn: "nqn.2014-08.org.example:h".parse().ok(),
            hostid: None,
        },
        hostsymname: Some("lab".to_owned()),
        secret: Some(Secret::new("s".to_owned())),
    };
    assert_eq!((document.host(), document.host_line()), (None, None));
    document.add_host(&host);
    assert_eq!(
        (document.host(), document.host_line()),
        (Some(host.identity), Some(3))
    );
    let lines = document.append(&paths.iter().collect::<Vec<_>>());
    assert_eq!(
        document.text(),
        format!(
            "# c\n\n[Host]\nhostnqn = nqn.2014-08.org.example:h\nhostsymname = lab\nkxchap-secret = s\n\n\
             [Subsystem]\nnqn = {A}\n{NEW};ctrl-loss-tmo=-1;hdr-digest=yes\n\
             controller = transport=tcp;traddr=::8;trsvcid=4421\n\n\
             [Discovery Controller]\ncontroller = transport=loop;persistent=force\n\n\
             [Subsystem]\nnqn = {A}\nkxchap-secret = s\ntls = yes\n{NEW}\n\n\
             [Subsystem]\nnqn = nqn.2014-08.org.example:b\ncontroller = transport=tcp;traddr=a.example\n"
        )
    );
    assert_eq!(lines, [10, 14, 11, 20, 24]);
    let numbered: Vec<&str> = document.text().lines().collect();
    assert!(
        lines
            .iter()
            .all(|line| numbered[line - 1].starts_with("controller = "))
    );
}
