use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::args::Format;
use crate::testing::{FakeHost, parse};

const MAIN: &str = "etc/nvme/nvme-fabrics.conf";
const OTHER: &str = "nqn.2014-08.org.example:other";
const ID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

fn run(host: &FakeHost, words: &[&str], format: Format) -> (Outcome, String, String) {
    let mut out = Output::captured(format, false);
    let outcome = parse::<Convert>(words).run(&host.root(), &mut out);
    let outcome = outcome.unwrap_or_else(|e| panic!("{e:#}"));
    (
        outcome,
        host.relative(out.stdout()),
        host.relative(out.stderr()),
    )
}

fn json(secret: &str) -> String {
    let port = format!(r#"{{"transport":"tcp","traddr":"192.0.2.20"{secret}}}"#);
    let subsystems = format!(r#"[{{"nqn":"nqn.2014-08.org.example:a","ports":[{port}]}}]"#);
    format!(
        r#"[{{"subsystems":{subsystems}}},
{{"hostnqn":"{OTHER}","hostid":"{ID}","hostsymname":"lab","subsystems":{subsystems}}}]"#
    )
}

fn mode(host: &FakeHost, path: &str) -> u32 {
    let path = host.root().etc().join(path.strip_prefix("etc/").unwrap());
    path.metadata().unwrap().permissions().mode() & 0o7777
}

fn exists(host: &FakeHost, path: &str) -> bool {
    host.root().etc().join("nvme").join(path).exists()
}

#[test]
fn both_files_and_then_nothing_is_left_to_do() {
    let host = FakeHost::new();
    host.file(
        "etc/nvme/discovery.conf",
        "# DCs\n-t tcp -a dc.example -s 8009 -p\n-t tcp -a 192.0.2.10\n",
    );
    host.file("etc/nvme/config.json", &json(""));
    let (outcome, stdout, stderr) = run(&host, &[], Format::Normal);
    assert_eq!((outcome, stderr.as_str()), (Outcome::Done, ""));
    assert_eq!(
        stdout,
        "\
/etc/nvme/config.json:1: added /etc/nvme/nvme-fabrics.conf:3
/etc/nvme/config.json:2: added /etc/nvme/nvme-fabrics.conf.d/lab.conf:8
/etc/nvme/config.json: kept as /etc/nvme/config.json.converted
/etc/nvme/discovery.conf:2: added /etc/nvme/nvme-fabrics.conf:6
/etc/nvme/discovery.conf:3: added /etc/nvme/nvme-fabrics.conf:7
/etc/nvme/discovery.conf: kept as /etc/nvme/discovery.conf.converted
"
    );
    let section = "[Subsystem]\nnqn = nqn.2014-08.org.example:a\ncontroller = transport=tcp;traddr=192.0.2.20\n";
    assert_eq!(
        host.read(MAIN),
        format!(
            "{section}\n[Discovery Controller]\ncontroller = transport=tcp;traddr=dc.example;trsvcid=8009;persistent=force\n\
             controller = transport=tcp;traddr=192.0.2.10\n"
        )
    );
    let lab = "etc/nvme/nvme-fabrics.conf.d/lab.conf";
    let persona =
        format!("[Host]\nhostnqn = {OTHER}\nhostid = {ID}\nhostsymname = lab\n\n{section}");
    assert_eq!(host.read(lab), persona);
    assert_eq!((mode(&host, MAIN), mode(&host, lab)), (0o644, 0o644));
    assert!(exists(&host, "config.json.converted") && !exists(&host, "config.json"));

    for words in [&[][..], &["-J", "/etc/nvme/x.conf"]] {
        let (outcome, stdout, _) = run(&host, words, Format::Normal);
        assert_eq!(
            (outcome, stdout.as_str()),
            (Outcome::Done, "nothing to convert\n")
        );
    }
    // the same connections once more
    host.file("etc/nvme/discovery.conf", "-t tcp -a 192.0.2.10 -k 7\n");
    let (outcome, stdout, _) = run(&host, &[], Format::Normal);
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(
        stdout,
        "/etc/nvme/discovery.conf:1: already there: /etc/nvme/nvme-fabrics.conf:7 with other options, which stay\n\
         /etc/nvme/discovery.conf: kept as /etc/nvme/discovery.conf.converted.2\n"
    );
}

#[test]
fn secrets_go_where_nobody_else_reads() {
    let host = FakeHost::new();
    host.file(
        "etc/nvme/config.json",
        &json(r#","dhchap_key":"DHHC-1:00:hush:""#),
    );
    let (_, stdout, _) = run(&host, &["--dry-run"], Format::Normal);
    assert!(
        stdout.starts_with("nothing is written; it would be:\n"),
        "{stdout}"
    );
    assert!(
        stdout.contains("kxchap-secret = ***") && !stdout.contains("hush"),
        "{stdout}"
    );
    assert!(!exists(&host, "nvme-fabrics.conf") && exists(&host, "config.json"));

    host.file(MAIN, "# mine\n");
    let _ = run(&host, &[], Format::Normal);
    assert_eq!(host.read(MAIN), "# mine\n");
    for name in ["private", "lab"] {
        let path = format!("{MAIN}.d/{name}.conf");
        assert_eq!(mode(&host, &path), 0o600);
        assert!(host.read(&path).contains("kxchap-secret = DHHC-1:00:hush:"));
    }
}

#[test]
fn nothing_is_written_if_anything_is_wrong() {
    let host = FakeHost::new();
    host.file("etc/nvme/discovery.conf", "-t tcp -a 192.0.2.10\n-t tcp\n");
    host.file("etc/nvme/config.json", &json(""));
    let rejected = |words: &[&str], expected: &[&str]| {
        let (outcome, stdout, stderr) = run(&host, words, Format::Json);
        assert_eq!((outcome, stdout.as_str()), (Outcome::Incomplete, ""));
        for expected in expected {
            assert!(stderr.contains(expected), "{stderr}");
        }
        assert!(stderr.ends_with("nothing was written\n"), "{stderr}");
        assert!(!exists(&host, "config.json.converted"));
    };
    rejected(&[], &["/etc/nvme/discovery.conf:2"]);
    host.file("etc/nvme/config.json", "[{]");
    rejected(
        &[],
        &["/etc/nvme/discovery.conf:2", "/etc/nvme/config.json:1"],
    );
    host.file("etc/nvme/discovery.conf", "-t loop\n");
    host.file("etc/nvme/config.json", "[]");
    host.file(MAIN, "junk\n");
    rejected(
        &[],
        &[
            "/etc/nvme/nvme-fabrics.conf:1",
            "the configuration has errors",
        ],
    );
    let twice = json("").replace(
        r#""subsystems""#,
        r#""hostid":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6","subsystems""#,
    );
    host.file("etc/nvme/hostnqn", "nqn.2014-08.org.example:default\n");
    host.file("etc/nvme/hostid", &format!("{ID}\n"));
    host.file("etc/nvme/config.json", &twice);
    host.file(MAIN, "");
    rejected(&[], &["lab.conf:3", "it would be no configuration"]);
}

#[test]
fn other_files() {
    let host = FakeHost::new();
    let path = |name: &str| host.root().etc().join(name).display().to_string();
    host.file("etc/a.json", &json(""));
    host.file("etc/b.conf", "-t loop\n");
    let (from, to, lines) = (path("a.json"), path("x.conf"), path("b.conf"));
    let words = ["--config", &from, "--output", &to];
    let (outcome, _, _) = run(&host, &words, Format::Normal);
    assert_eq!(outcome, Outcome::Done);
    assert!(host.read("etc/x.conf").contains("192.0.2.20"));
    assert!(host.read("etc/x.conf.d/lab.conf").contains(OTHER));
    // converted before
    let (outcome, stdout, _) = run(&host, &words, Format::Json);
    assert_eq!(outcome, Outcome::Done);
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let empty = serde_json::json!({"dry-run": false, "sources": [], "files": []});
    assert_eq!(report, empty);

    let words = ["--discovery-conf", &lines, "-J", &to];
    let (_, stdout, _) = run(&host, &words, Format::Json);
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["sources"][0]["connections"][0]["outcome"], "added");
    assert_eq!(
        report["files"],
        serde_json::json!([{"file": "/etc/x.conf", "new": false, "text": null}])
    );

    for (words, expected) in [
        (
            ["--json", "/nowhere", "-J", "/x.conf"],
            "cannot read `/nowhere`",
        ),
        (["--json", "/a", "-J", "/b.json"], "give the JSON file once"),
        (
            ["--output", "/a", "-J", "/b"],
            "give the configuration to write to once",
        ),
    ] {
        let mut out = Output::captured(Format::Normal, false);
        let error = parse::<Convert>(&words)
            .run(&host.root(), &mut out)
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
