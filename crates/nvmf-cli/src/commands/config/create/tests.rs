use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::args::Format;
use crate::testing::{FakeHost, parse};

const A: &str = "nqn.2014-08.org.example:a";
const OTHER: &str = "nqn.2014-08.org.example:other";
const ID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const MAIN: &str = "etc/nvme/nvme-fabrics.conf";

/// The standard output, or why not.
fn create(host: &FakeHost, words: &str) -> Result<String, String> {
    let mut out = Output::captured(Format::Normal, false);
    let words: Vec<&str> = words.split_whitespace().collect();
    let outcome = parse::<Create>(&words).run(&host.root(), &mut out);
    match outcome {
        Ok(Outcome::Done) => Ok(host.relative(out.stdout())),
        Ok(_) => Err(host.relative(out.stderr())),
        Err(error) => Err(host.relative(&format!("{error:#}"))),
    }
}

#[test]
fn what_is_there_stays_to_the_byte() {
    let host = FakeHost::new();
    let before = format!(
        "# mine\r\n[Subsystem]\r\nnqn={A}\r\ncontroller = transport=tcp;traddr=::1\r\n#end"
    );
    let path = host.file(MAIN, &before);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let words = format!("-t tcp -a ::2 -n {A} -s 4421 -f eth0 -l -1 -g");
    let place = "/etc/nvme/nvme-fabrics.conf";
    assert_eq!(create(&host, &words), Ok(format!("added {place}:5\n")));
    let line = "controller = transport=tcp;traddr=::2;trsvcid=4421;host-iface=eth0;ctrl-loss-tmo=-1;hdr-digest=yes";
    assert_eq!(
        host.read(MAIN),
        before.replace("#end", &format!("{line}\r\n#end"))
    );
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);

    let after = host.read(MAIN);
    assert_eq!(
        create(&host, &words),
        Ok(format!("already there: {place}:5\n"))
    );
    let fewer = words.replace(" -l -1 -g", "");
    assert_eq!(
        create(&host, &fewer),
        Ok(format!("already there: {place}:5\n"))
    );
    let other = words.replace("-l -1", "-l 5");
    let refused = create(&host, &other).unwrap_err();
    assert_eq!(
        refused,
        format!("{place}:5 has this connection with other options: change them there")
    );
    assert_eq!(host.read(MAIN), after);
}

#[test]
fn hosts_of_their_own() {
    let host = FakeHost::new();
    let lab = "/etc/nvme/nvme-fabrics.conf.d/lab.conf";
    let persona = format!("-q {OTHER} -I {ID} --host-symname lab");
    assert_eq!(create(&host, &persona), Ok(format!("added {lab}:1\n")));
    assert_eq!(
        create(&host, &persona),
        Ok(format!("already there: {lab}:1\n"))
    );
    let dc = format!("-t tcp -a dc.example --discovery -q {OTHER} -p=auto");
    assert_eq!(create(&host, &dc), Ok(format!("added {lab}:7\n")));
    assert_eq!(
        host.read(&lab[1..]),
        format!(
            "[Host]\nhostnqn = {OTHER}\nhostid = {ID}\nhostsymname = lab\n\n\
             [Discovery Controller]\ncontroller = transport=tcp;traddr=dc.example;persistent=auto\n"
        )
    );
    let new = format!(
        "-t loop -n {A} -q nqn.2014-08.org.example:n -I {} --host-symname New",
        ID.replace("f8", "f9")
    );
    let place = "/etc/nvme/nvme-fabrics.conf.d/New.conf";
    assert_eq!(create(&host, &new), Ok(format!("added {place}:8\n")));
}

#[test]
fn secrets() {
    let host = FakeHost::new();
    host.file(MAIN, "");
    let words = format!("-t tcp -a ::1 -n {A}");
    let private = "/etc/nvme/nvme-fabrics.conf.d/private.conf";
    let secret = format!("{words} -S DHHC-1:00:hush:");
    assert_eq!(create(&host, &secret), Ok(format!("added {private}:4\n")));
    let path = host
        .root()
        .etc()
        .join("nvme/nvme-fabrics.conf.d/private.conf");
    assert_eq!(
        path.metadata().unwrap().permissions().mode() & 0o7777,
        0o600
    );
    host.file("etc/nvme/nvme-fabrics.conf.d/open.conf", "");
    let open = format!("{secret} -N open -a ::2").replace("-a ::1", "");
    let refused = create(&host, &open).unwrap_err();
    assert!(
        refused.contains("open.conf` is readable by others"),
        "{refused}"
    );
    let reference = "-t tcp -a ::3 -n nqn.2014-08.org.example:b -S file:/etc/nvme/key";
    assert_eq!(
        create(&host, reference),
        Ok("added /etc/nvme/nvme-fabrics.conf:4\n".to_owned())
    );
}

#[test]
fn what_makes_no_sense() {
    let host = FakeHost::new();
    for (words, expected) in [
        (
            "-t tcp -a ::1",
            "give the name of the subsystem with -n, or --discovery",
        ),
        ("-t tcp --discovery", "field `traddr` is missing"),
        ("--discovery -a ::1", "field `transport` is missing"),
        ("-t fc -a ::1 --discovery", "not a Fibre Channel address"),
        (
            "-t loop -n nqn.2014-08.org.example:a -p",
            "--persistent is for discovery controllers",
        ),
        (
            "-q nqn.2014-08.org.example:x -l 5",
            "options need a connection",
        ),
        ("-q nqn.2014-08.org.example:x", "has no hostid"),
        (
            "-t loop --discovery -J /etc/x.json",
            "convert it with `nvmf config convert`",
        ),
    ] {
        let error = create(&host, words).unwrap_err();
        assert!(error.contains(expected), "{words}: {error}");
    }
    assert!("a/b".parse::<DropInName>().is_err() && "".parse::<DropInName>().is_err());
    host.file(MAIN, "junk\n");
    let error = create(&host, "-t loop --discovery").unwrap_err();
    assert!(
        error.contains("nvme-fabrics.conf:1") && error.ends_with("nothing was written\n"),
        "{error}"
    );
    assert_eq!(host.read(MAIN), "junk\n");
}
