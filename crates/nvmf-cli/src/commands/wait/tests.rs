use super::*;
use crate::args::Format;
use crate::testing::{FakeHost, parse};

const A: &str = "nqn.2014-08.org.example:a";
const B: &str = "nqn.2014-08.org.example:b";

fn section(nqn: &str) -> String {
    format!("[Subsystem]\nnqn = {nqn}\ncontroller = transport=tcp;traddr=192.0.2.10\n")
}

fn host() -> FakeHost {
    let host = FakeHost::new();
    host.file("etc/nvme/nvme-fabrics.conf", &(section(A) + &section(B)));
    host
}

/// Waits for ever, `change` being what happens after each look.
fn wait(host: &FakeHost, line: &[&str], mut change: impl FnMut(usize) -> Option<Wake>) -> Waited {
    let feed = Feed::scripted(&[]);
    let far = Instant::now() + Duration::from_secs(3600);
    let mut looks = 0;
    let look = || {
        let seen = look(&host.root());
        looks += 1;
        if let Some(wake) = change(looks) {
            feed.put(wake);
        }
        seen
    };
    let mut out = Output::captured(Format::Normal, false);
    let outcome = parse::<Wait>(line).wait(&feed, far, &mut out, look);
    Waited {
        outcome: outcome.unwrap(),
        looks,
        stdout: out.stdout().to_owned(),
        stderr: out.stderr().to_owned(),
    }
}

struct Waited {
    outcome: Outcome,
    looks: usize,
    stdout: String,
    stderr: String,
}

/// Only looks.
fn now(host: &FakeHost, line: &[&str], format: Format) -> (Outcome, String, String) {
    let mut out = Output::captured(format, false);
    let feed = Feed::scripted(&[]);
    let outcome = parse::<Wait>(line).wait(&feed, Instant::now(), &mut out, || look(&host.root()));
    let [stdout, stderr] = [out.stdout(), out.stderr()].map(|text| host.relative(text));
    (outcome.unwrap(), stdout, stderr)
}

#[test]
fn until_all_is_live() {
    let host = host();
    let waited = wait(&host, &[], |looks| {
        match looks {
            1 => drop(host.tcp("nvme1", A)),
            2 => {
                // there, and not usable yet
                host.tcp("nvme2", B);
                host.attribute("nvme2", "state", "connecting\n");
            }
            3 => host.attribute("nvme2", "state", "live\n"),
            _ => return None,
        }
        Some(Wake::Changed)
    });
    assert_eq!((waited.outcome, waited.looks), (Outcome::Done, 4));
    assert_eq!(
        (&*waited.stdout, &*waited.stderr),
        ("2 of 2 connected\n", "")
    );
}

#[test]
fn until_stopped() {
    let waited = wait(&host(), &[], |_| Some(Wake::Stop));
    assert_eq!((waited.outcome, waited.looks), (Outcome::Interrupted, 1));
    assert_eq!(waited.stdout, "");
}

#[test]
fn what_is_missing_is_said() {
    let host = host();
    host.tcp("nvme1", A);
    let (outcome, stdout, stderr) = now(&host, &[], Format::Normal);
    assert_eq!(
        (outcome, &*stdout),
        (Outcome::Incomplete, "1 of 2 connected\n")
    );
    let (first, rest) = stderr.split_once('\n').unwrap();
    assert_eq!(
        first,
        format!(
            "nvmf: wait: not connected: {B} (tcp 192.0.2.10:4420): waiting: nvme-discoverd is not running"
        )
    );
    assert!(rest.contains("systemctl start"), "{rest}");
    let (_, json, _) = now(&host, &[], Format::Json);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["connected"], &json["awaited"]),
        (&false.into(), &2.into())
    );
    assert_eq!(json["missing"][0]["nqn"], B);
    assert_eq!(json["missing"][0]["state"], "waiting");
}

#[test]
fn what_is_excluded_is_not_waited_for() {
    let host = host();
    host.tcp("nvme1", A);
    let list = format!("[exclusions]\nexclusion = nqn={B}\n");
    host.file("etc/nvme/exclusions.conf", &list);
    let (outcome, stdout, _) = now(&host, &[], Format::Normal);
    assert_eq!((outcome, &*stdout), (Outcome::Done, "1 of 1 connected\n"));
    let (outcome, stdout, _) = now(&FakeHost::new(), &[], Format::Normal);
    assert_eq!(
        (outcome, &*stdout),
        (Outcome::Done, "nothing is to be connected\n")
    );
}

#[test]
fn a_name_without_an_address_is_missing() {
    let host = FakeHost::new();
    let text =
        format!("[Subsystem]\nnqn = {A}\ncontroller = transport=tcp;traddr=target.example\n");
    host.file("etc/nvme/nvme-fabrics.conf", &text);
    let (outcome, _, stderr) = now(&host, &[], Format::Normal);
    assert_eq!(outcome, Outcome::Incomplete);
    assert!(
        stderr.contains("(tcp target.example): waiting: the host name has no address yet"),
        "{stderr}"
    );
}

#[test]
fn subsystems_by_name() {
    let host = host();
    let other = "nqn.2014-08.org.example:other";
    host.tcp("nvme1", other);
    assert_eq!(now(&host, &[other], Format::Normal).0, Outcome::Done);
    let (outcome, stdout, stderr) = now(&host, &[other, B, "x"], Format::Normal);
    assert_eq!(
        (outcome, &*stdout),
        (Outcome::Incomplete, "1 of 3 connected\n")
    );
    assert!(
        stderr.contains("b (tcp 192.0.2.10:4420): waiting"),
        "{stderr}"
    );
    assert!(
        stderr.contains("not connected: x: nothing asks for it\n"),
        "{stderr}"
    );
}

/// What a daemon says.
fn daemon(json: &str, host: &FakeHost) -> Seen {
    Seen {
        daemon: true,
        view: serde_json::from_str(json).unwrap(),
        ..look(&host.root())
    }
}

#[test]
fn a_daemon_may_not_know_everything_yet() {
    let host = host();
    host.tcp("nvme1", A);
    host.tcp("nvme2", B);
    let row = |nqn: &str, device: &str| {
        format!(
            r#"{{"transport":"tcp","traddr":"192.0.2.10","trsvcid":"4420","nqn":"{nqn}","class":"io",
                "state":"connected","reason":"","device":"{device}","sources":["f:1"]}}"#
        )
    };
    let json = format!(r#"{{"connections":[{}]}}"#, row(A, "nvme1"));
    let tally = Tally::of(&daemon(&json, &host), &What::Configured);
    assert_eq!((tally.awaited, tally.missing.len()), (2, 1));
    assert!(tally.missing[0].reason.contains("`nvmf reload`"));
    let both = [row(A, "nvme1"), row(B, "nvme2")].join(",");
    let json = format!(r#"{{"connections":[{both}]}}"#);
    let tally = Tally::of(&daemon(&json, &host), &What::Configured);
    assert_eq!((tally.awaited, tally.missing.len()), (2, 0));
}

#[test]
fn all_is_more_than_what_is_configured() {
    let host = FakeHost::new();
    host.dc("nvme0");
    let dc = |reason: &str| {
        format!(
            r#"{{"transport":"tcp","nqn":"nqn.2014-08.org.nvmexpress.discovery","state":"connected",
                "class":"discovery","device":"nvme0","reason":"{reason}","sources":["f:1"]}}"#
        )
    };
    let io = r#"{"transport":"tcp","nqn":"x","state":"retrying","reason":"refused","last-error":"no route",
                 "sources":["discovery log page of (tcp, …), from f:1"]}"#;
    let seen = |rows: &[&str]| {
        let json = format!(r#"{{"connections":[{}]}}"#, rows.join(","));
        daemon(&json, &host)
    };
    let read = dc("connected as nvme0; its discovery log page names 1 connection");
    let all = seen(&[&read, io]);
    assert!(Tally::of(&all, &What::Configured).missing.is_empty());
    let tally = Tally::of(&all, &What::Desired);
    assert_eq!(tally.awaited, 2);
    assert_eq!(
        tally.missing[0].to_string(),
        "x (tcp): retrying: refused: no route"
    );
    let unread = Tally::of(&seen(&[&dc("connected as nvme0")]), &What::Desired);
    assert!(unread.missing[0].reason.contains("not read yet"));
}

#[test]
fn a_discovery_controller_that_is_not_to_stay_is_not_waited_for() {
    let host = host();
    let dc =
        "[Discovery Controller]\npersistent = no\ncontroller = transport=tcp;traddr=192.0.2.9\n";
    host.file("etc/nvme/nvme-fabrics.conf", &(section(A) + dc));
    host.tcp("nvme1", A);
    let (outcome, stdout, _) = now(&host, &[], Format::Normal);
    assert_eq!((outcome, &*stdout), (Outcome::Done, "1 of 1 connected\n"));
}
