//! Files of a fake host.

use super::*;
use crate::testing::FakeHost;

fn write(host: &FakeHost, path: &str, text: &str) -> PathBuf {
    let path = host.path(&format!("etc/nvme/{path}"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

fn subsystem(name: &str) -> String {
    format!(
        "[Subsystem]\nnqn = nqn.2014-08.org.example:{name}\ncontroller = transport=tcp;traddr=192.0.2.1\n"
    )
}

fn names(config: &Config) -> Vec<&str> {
    let name = |nqn: &str| nqn.len() - 1;
    config
        .connections
        .iter()
        .map(|c| &c.tid.nqn.as_str()[name(c.tid.nqn.as_str())..])
        .collect()
}

#[test]
fn main_file_and_drop_ins_in_order() {
    let host = FakeHost::new();
    assert!(
        load(&host.root(), None).unwrap().connections.is_empty(),
        "no files, no wishes"
    );
    write(&host, "nvme-fabrics.conf.d/b.conf", &subsystem("b"));
    write(&host, "nvme-fabrics.conf.d/a.conf", &subsystem("a"));
    write(&host, "nvme-fabrics.conf.d/.c.conf", &subsystem("c"));
    write(&host, "nvme-fabrics.conf.d/d.conf~", &subsystem("d"));
    assert_eq!(names(&load(&host.root(), None).unwrap()), ["a", "b"]);
    write(&host, "nvme-fabrics.conf", &subsystem("m"));
    write(&host, "hostnqn", "nqn.2014-08.org.example:host\n");
    let config = load(&host.root(), None).unwrap();
    assert_eq!(names(&config), ["m", "a", "b"]);
    assert_eq!(
        config.host.hostnqn.unwrap().as_str(),
        "nqn.2014-08.org.example:host"
    );

    let other = write(&host, "other.conf", &subsystem("o"));
    assert_eq!(names(&load(&host.root(), Some(&other)).unwrap()), ["o"]);
}

#[test]
fn errors_say_where_and_what_to_do() {
    let host = FakeHost::new();
    let message = |file: Option<&Path>| load(&host.root(), file).unwrap_err().to_string();
    let absent = host.path("etc/nvme/absent.conf");
    assert!(message(Some(&absent)).contains("give the name of a file that there is"));
    let json = message(Some(Path::new("/etc/nvme/config.json")));
    assert!(
        json.ends_with("convert it with `nvmf config convert`"),
        "{json}"
    );
    let main = write(&host, "nvme-fabrics.conf", "junk\n");
    let wrong = message(None);
    assert!(
        wrong.contains("etc/nvme/nvme-fabrics.conf:1:1: error: "),
        "{wrong}"
    );
    std::fs::write(&main, b"\xff\xfe").unwrap();
    assert!(
        message(None).ends_with("; save it as UTF-8"),
        "{}",
        message(None)
    );
    write(&host, "hostid", "12\n");
    let id = message(None);
    assert!(
        id.contains("etc/nvme/hostid:1: error: `12` is not a host id"),
        "{id}"
    );
}

#[test]
fn the_daemons_own_file() {
    let host = FakeHost::new();
    assert_eq!(
        load_daemon(&host.root()).unwrap().0,
        DaemonConfig::default()
    );
    write(&host, "nvme-discoverd.conf", "[Global]\nretry-max = 10\n");
    assert_eq!(load_daemon(&host.root()).unwrap().0.retry_max_ms, 10_000);
    let folder = host.path("etc/nvme/nvme-discoverd.conf.d");
    std::fs::create_dir(&folder).unwrap();
    let drop_in = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    drop_in("b.conf", "[Global]\nretry-max = 12\n");
    drop_in("a.conf", "[Global]\nretry-max = 11\nretry-up = 1\n");
    drop_in("c.off", "[Global]\nretry-max = 13\n");
    let (config, warnings) = load_daemon(&host.root()).unwrap();
    assert_eq!(config.retry_max_ms, 12_000);
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    let said = warning.to_string();
    assert!(said.contains("conf.d/a.conf:3:1: warning: "), "{said}");

    std::fs::create_dir(folder.join("d.conf")).unwrap();
    let error = load_daemon(&host.root()).unwrap_err().to_string();
    assert!(error.contains("d.conf`: it is a directory"), "{error}");
    std::fs::remove_dir(folder.join("d.conf")).unwrap();

    write(&host, "nvme-discoverd.conf", "[Global]\nretry-max = x\n");
    let error = load_daemon(&host.root()).unwrap_err().to_string();
    assert!(
        error.contains("nvme-discoverd.conf:2:13: error: "),
        "{error}"
    );
}

#[test]
fn whatever_is_in_a_files_place_is_named_and_not_waited_for() {
    let host = FakeHost::new();
    let nvme = host.path("etc/nvme");
    let dir = nvme.join("nvme-fabrics.conf.d");
    std::fs::create_dir_all(&dir).unwrap();
    let main = nvme.join("nvme-fabrics.conf");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(CWD, &main, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    std::fs::create_dir(dir.join("a.conf")).unwrap();
    std::fs::write(dir.join("b.conf"), b"[Host]\n\n\xff\n").unwrap();
    std::fs::write(dir.join("c.conf"), "#".repeat(1 + (1 << 20))).unwrap();
    std::fs::write(nvme.join("hostnqn"), "me").unwrap();
    std::fs::write(nvme.join("hostid"), "0").unwrap();
    let said = load(&host.root(), None).unwrap_err().to_string();
    let said = said.replace(nvme.to_str().unwrap(), "");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "/hostnqn:1: error: `me` is not an NQN: expected `nqn.yyyy-mm.reverse.domain[:name]`; write one line with the value, or remove the file",
            "/hostid:1: error: `0` is not a host id: expected a UUID such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6; write one line with the value, or remove the file",
            "cannot read `/nvme-fabrics.conf`: it is a pipe; move it out of the way",
            "cannot read `/nvme-fabrics.conf.d/a.conf`: it is a directory; move it out of the way",
            "/nvme-fabrics.conf.d/b.conf:3: error: it is not UTF-8; save it as UTF-8",
            "cannot read `/nvme-fabrics.conf.d/c.conf`: it has more than 1 MiB, the most that a configuration file has; split it into drop-ins",
        ]
    );
}

#[test]
fn secrets_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;

    let host = FakeHost::new();
    let good = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
    let keys = ["open", "closed", "empty"].map(|name| write(&host, name, good));
    let [open, closed, empty] = &keys;
    std::fs::write(empty, "").unwrap();
    let text = format!(
        "[Host]\nkxchap-secret = {good}\n[Subsystem]\nnqn = nqn.2014-08.org.example:a\nkxchap-secret = file:/etc/nvme/open\ncontroller = transport=loop\n\
         [Subsystem]\nnqn = nqn.2014-08.org.example:b\nkxchap-secret = file:/etc/nvme/closed\nkxchap-ctrl-secret = file:/etc/nvme/none\ncontroller = transport=loop\n\
         [Subsystem]\nnqn = nqn.2014-08.org.example:c\nkxchap-secret = credential:x\nkxchap-ctrl-secret = file:/etc/nvme/empty\ncontroller = transport=loop\n"
    );
    let main = write(&host, "nvme-fabrics.conf", &text);
    for (path, mode) in [
        (&main, 0o604),
        (open, 0o644),
        (closed, 0o640),
        (empty, 0o600),
    ] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let warnings = load(&host.root(), None).unwrap().warnings;
    let nvme = host.path("etc/nvme").display().to_string();
    let said: Vec<String> = warnings
        .iter()
        .map(|w| w.to_string().replace(&nvme, ""))
        .collect();
    assert_eq!(
        said,
        [
            "/nvme-fabrics.conf:2:17: warning: everybody can read this secret: the file's mode is 0604; type `chmod 0600 /nvme-fabrics.conf`",
            "/nvme-fabrics.conf:5:17: warning: everybody can read the secret in `file:/etc/nvme/open`: its mode is 0644; type `chmod 0600 /etc/nvme/open`",
            "/nvme-fabrics.conf:10:22: warning: cannot read `/none`: No such file or directory (os error 2); mend it: until then the connection cannot be made",
            "/nvme-fabrics.conf:15:22: warning: `/empty` is empty: write one line with the secret; mend it: until then the connection cannot be made",
        ]
    );
    assert_eq!(
        warnings[1].place.excerpt,
        "kxchap-secret = file:/etc/nvme/open"
    );
}

#[test]
fn host_names_are_looked_up_on_request() {
    let host = FakeHost::new();
    let text = "[Discovery Controller]\ncontroller = transport=tcp;traddr=localhost\n";
    write(&host, "nvme-fabrics.conf", text);
    let mut config = load(&host.root(), None).unwrap();
    assert_eq!((config.connections.len(), config.unresolved.len()), (0, 1));
    let errors = resolve(&mut config, Duration::from_secs(20));
    assert!(errors.is_empty(), "{errors:?}");
    let connection = &config.connections[0];
    let mut all = connection.tids().into_iter().filter_map(|tid| tid.traddr);
    assert!(all.all(|a| a.ip().unwrap().is_loopback()));

    // `.invalid` has no addresses (RFC 6761 §6.4), whatever the resolver is
    let text = text.replace("localhost", "nvmf.invalid");
    write(&host, "nvme-fabrics.conf", &text);
    let mut config = load(&host.root(), None).unwrap();
    let errors = resolve(&mut config, Duration::from_secs(20));
    let start = "nvme-fabrics.conf:2: cannot resolve the host name `nvmf.invalid`: ";
    assert!(errors[0].contains(start), "{errors:?}");
    assert_eq!((config.connections.len(), config.unresolved.len()), (0, 1));
}
