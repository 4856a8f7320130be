use super::*;
use crate::args::Format;
use crate::testing::{FakeHost, parse};

const OURS: &str = "nqn.2014-08.org.example:ours";

fn host() -> FakeHost {
    let host = FakeHost::new();
    let section = |name: &str| {
        format!(
            "[Subsystem]\nnqn = nqn.2014-08.org.example:{name}\ncontroller = transport=tcp;traddr=192.0.2.10\n"
        )
    };
    let text = ["ours", "theirs", "missing", "unwanted", "free"].map(section);
    host.file("etc/nvme/nvme-fabrics.conf", &text.concat());
    let list = "[exclusions]\nexclusion = nqn=nqn.2014-08.org.example:unwanted\n";
    host.file("etc/nvme/exclusions.conf", list);
    host.tcp("nvme1", OURS);
    host.own("nvme1", "discoverd");
    host.tcp("nvme2", "nqn.2014-08.org.example:theirs");
    host.own("nvme2", "stas");
    host.tcp("nvme3", "nqn.2014-08.org.example:by-hand");
    host.tcp("nvme4", "nqn.2014-08.org.example:free");
    host
}

/// What is said without a daemon.
fn explain(host: &FakeHost, what: &str) -> String {
    let mut out = Output::captured(Format::Normal, false);
    let subject = parse::<Explain>(&[what]).what.subject(&host.root());
    let text = offline::explain(&Host::read(&host.root(), None), &subject.unwrap(), &mut out);
    assert_eq!(out.stderr(), "");
    host.relative(&text)
}

fn name(last: &str) -> String {
    format!("(tcp, 192.0.2.10, 4420, nqn.2014-08.org.example:{last})")
}

#[test]
fn each_state_in_sentences() {
    let host = host();
    let asked = |line: u8| {
        format!("  The configuration asks for it (/etc/nvme/nvme-fabrics.conf:{line}).\n")
    };
    assert_eq!(
        explain(&host, "nvme1"),
        format!(
            "{}: connected\n{}  It is connected as nvme1.\n  Its owner is discoverd: the daemon.\n  \
             Should it go, the daemon connects it again.\n",
            name("ours"),
            asked(3)
        )
    );
    assert_eq!(
        explain(&host, "nqn.2014-08.org.example:theirs"),
        format!(
            "{}: foreign\n{}  It is connected as nvme2.\n  \
             Its owner is stas: the daemon leaves it alone.\n  \
             The daemon connects it when that controller is gone.\n  \
             To hand it over, disconnect it: `nvmf disconnect -d nvme2`; the daemon connects it \
             anew.\n",
            name("theirs"),
            asked(6)
        )
    );
    let missing = "transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:missing";
    assert_eq!(
        explain(&host, missing),
        format!(
            "{}: waiting\n{}  The daemon is not running; it connects it when it starts.\n  \
             Start it: `systemctl start nvme-discoverd`; or connect by hand: `nvmf connect-all`.\n",
            name("missing"),
            asked(9)
        )
    );
    let excluded = explain(&host, "nqn.2014-08.org.example:unwanted");
    assert!(
        excluded.contains("  It is excluded by /etc/nvme/exclusions.conf:2.\n"),
        "{excluded}"
    );
    let free = explain(&host, "/dev/nvme4");
    assert!(free.starts_with(&format!("{}: foreign\n", name("free"))));
    assert!(
        free.ends_with(
            "  It has no owner.\n  The daemon is not running; it takes it over when it starts.\n"
        ),
        "{free}"
    );
    let by_hand = explain(&host, "nvme3");
    assert!(
        by_hand.contains("by-hand): not desired\n  No boot table and no line"),
        "{by_hand}"
    );
}

#[test]
fn text_and_json() {
    let host = host();
    let run = |format, what: &str| {
        let mut out = Output::captured(format, false);
        let done = parse::<Explain>(&[what]).run(&host.root(), &mut out);
        (done, host.relative(out.stdout()))
    };
    let (done, text) = run(Format::Normal, "nvme1");
    done.unwrap().expect_done();
    let text = anstream::adapter::strip_str(&text).to_string();
    assert!(
        text.starts_with(&format!("{}: connected\n  The conf", name("ours"))),
        "{text}"
    );
    let (done, json) = run(Format::Json, "nvme1");
    done.unwrap().expect_done();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let one = &json["connections"][0];
    assert_eq!(json["daemon"], false);
    assert_eq!(one["connection"], name("ours"));
    assert_eq!(one["state"], "connected");
    assert_eq!(one["sentences"].as_array().unwrap().len(), 4);
}

#[test]
fn what_is_not_there_is_no_success() {
    let host = host();
    host.pcie("nvme0");
    let error = |what: &str| {
        let mut out = Output::captured(Format::Normal, false);
        let done = parse::<Explain>(&[what]).run(&host.root(), &mut out);
        assert_eq!(out.stdout(), "");
        done.unwrap_err().to_string()
    };
    assert_eq!(
        error("nvme9"),
        "nvme9: there is no such controller, and nothing asks for one"
    );
    assert_eq!(
        error("nvme0"),
        "nvme0 is a local controller (pcie), none of a fabric"
    );
    for (what, expected) in [
        ("transport=tcp", "`nqn` is missing"),
        ("a\u{7}", "neither a device (nvme3)"),
    ] {
        let error = what.parse::<Asked>().unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_answer_is_taken_apart() {
    let text = "(a): retrying\n  One: two.\n  Three.\n(b): not desired\n  Four.\n";
    let all = Explained::all(text);
    let [a, b] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!((&*a.connection, &*a.state), ("(a)", "retrying"));
    assert_eq!(a.sentences, ["One: two.", "Three."]);
    assert_eq!((&*b.state, b.sentences.len()), ("not desired", 1));
    assert_eq!(Explained::all("nvme9: there is none.\n"), []);
}
