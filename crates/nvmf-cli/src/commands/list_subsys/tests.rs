use super::*;
use crate::args::Format;
use crate::testing::{FakeHost, parse};

const A: &str = "nqn.2014-08.org.example:a";

/// Subsystem a has two paths and two namespaces.
fn host() -> FakeHost {
    let host = FakeHost::new();
    host.pcie("nvme0");
    host.subsystem(
        "nvme-subsys0",
        "nqn.2014.08.org.nvmexpress:80868086",
        &["nvme0"],
    );
    for device in ["nvme1", "nvme2"] {
        host.tcp(device, A);
        host.attribute(device, "hostnqn", "nqn.2014-08.org.example:h\n");
    }
    host.subsystem("nvme-subsys1", A, &["nvme2", "nvme1"]);
    host.namespace("nvme1n1", &["nvme1", "nvme2"]);
    host.namespace("nvme1n2", &["nvme2"]);
    host.attribute("nvme1", "nvme1c1n1/ana_state", "optimized\n");
    host.attribute("nvme2", "nvme1c2n1/ana_state", "inaccessible\n");
    host.attribute("nvme2", "nvme1c2n2/ana_state", "optimized\n");
    host.attribute("nvme2", "state", "connecting\n");
    host.own("nvme1", "discoverd");
    host
}

fn list(host: &FakeHost, words: &[&str], format: Format, verbose: bool) -> (Outcome, Output) {
    let mut out = Output::captured(format, verbose);
    let outcome = parse::<ListSubsys>(words).run(&host.root(), &mut out);
    (outcome.unwrap(), out)
}

const TREE: &str = "\
nvme-subsys1 - NQN=nqn.2014-08.org.example:a
               hostnqn=nqn.2014-08.org.example:h
               iopolicy=numa
\\
 +- nvme1 tcp traddr=192.0.2.10,trsvcid=4420,src_addr=192.0.2.1 live optimized owner=discoverd
 +- nvme2 tcp traddr=192.0.2.10,trsvcid=4420,src_addr=192.0.2.1 connecting inaccessible,optimized
";

#[test]
fn the_tree() {
    let host = host();
    let text = |words: &[&str], verbose| {
        let (outcome, out) = list(&host, words, Format::Normal, verbose);
        assert_eq!(outcome, Outcome::Done);
        out.stdout().to_owned()
    };
    for words in [&[][..], &[A], &["nvme-subsys1"], &["/dev/nvme2"]] {
        assert_eq!(text(words, false), TREE, "{words:?}");
    }
    let one = text(&["nvme1n2"], true);
    let end = "connecting optimized\n     - nvme1n2 through nvme1c2n2 optimized\n";
    assert!(one.ends_with(end), "{one}");
    assert_eq!(one.matches(" +- ").count(), 1);
    let all = text(&[], true);
    assert!(
        all.starts_with(
            "nvme-subsys0 - NQN=nqn.2014.08.org.nvmexpress:80868086\n               iopolicy=numa\n\\\n +- nvme0 pcie 0000:00:04.0 live owner=kernel\n"
        ),
        "{all}"
    );
    assert_eq!(
        text(&["nvme0"], false).lines().count(),
        4,
        "asked for, it is shown"
    );
    assert_eq!(
        list(&FakeHost::new(), &[], Format::Normal, false)
            .1
            .stdout(),
        ""
    );

    host.file("sys/module/nvme_core/parameters/multipath", "N\n");
    assert!(text(&[], false).contains("\n               multipath=off\n\\\n"));
}

#[test]
fn json_with_the_keys_of_nvme() {
    let host = host();
    host.attribute("nvme2", "hostnqn", "nqn.2014-08.org.example:other\n");
    host.file("sys/module/nvme_core/parameters/multipath", "Y\n");
    let (_, out) = list(&host, &[], Format::Json, false);
    let json: serde_json::Value = serde_json::from_str(out.stdout()).unwrap();
    assert_eq!(
        json[0],
        serde_json::json!({
            "HostNQN": "nqn.2014-08.org.example:h", "HostID": null,
            "Subsystems": [{
                "Name": "nvme-subsys1", "NQN": A, "IOPolicy": "numa", "Type": null, "Multipath": true,
                "Paths": [{
                    "Name": "nvme1", "Transport": "tcp", "State": "live", "ANAState": "optimized",
                    "Address": "traddr=192.0.2.10,trsvcid=4420,src_addr=192.0.2.1",
                    "Class": "io", "Owner": "discoverd",
                    "Namespaces": [{"Name": "nvme1n1", "Path": "nvme1c1n1", "NSID": null, "ANAState": "optimized"}]
                }]
            }]
        })
    );
    let other = &json[1]["Subsystems"][0]["Paths"][0];
    assert_eq!(json[1]["HostNQN"], "nqn.2014-08.org.example:other");
    assert_eq!(
        (&other["Name"], &other["ANAState"]),
        (&"nvme2".into(), &serde_json::Value::Null)
    );
    assert_eq!(json.as_array().unwrap().len(), 2);
}

#[test]
fn what_there_is_not() {
    let host = host();
    for what in [
        "nqn.2014-08.org.example:b",
        "nvme-subsys7",
        "nvme7",
        "nvme1n7",
    ] {
        let (outcome, out) = list(&host, &[what], Format::Json, false);
        assert_eq!((outcome, out.stdout()), (Outcome::Incomplete, ""));
        let said = format!(
            "nvmf: list-subsys: there is no subsystem of `{what}`: see nvmf list-subsys -v\n"
        );
        assert_eq!(out.stderr(), said);
    }
}
