use super::*;
use crate::args::Format;
use crate::testing::{FakeHost, parse};

fn discover(host: &FakeHost, line: &str) -> (anyhow::Result<Exit>, Output) {
    let command: Discover = parse(&line.split_whitespace().collect::<Vec<_>>());
    let mut out = Output::captured(Format::Normal, false);
    (command.run(&host.root(), &mut out), out)
}

/// The controllers of a fake host have no log page: which one was asked shows in the error.
fn asked(host: &FakeHost, line: &str) -> String {
    let (result, out) = discover(host, line);
    match result {
        Ok(_) => out.stderr().to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn which_controller_is_asked() {
    let host = FakeHost::new();
    host.dc("nvme1");
    host.tcp("nvme2", "nqn.2014-08.org.example:a");
    host.namespace("nvme5n1", &["nvme2"]);
    let target = "-t tcp -a 192.0.2.10";
    let no_page = "there is no such controller (any more)";
    for line in [
        target.to_owned(),
        format!("{target} -d nvme1"),
        format!("{target} -d none"),
        format!("{target} -d nvme2"),
        format!("{target} -d nvme9n1"),
        "-d nvme1".to_owned(),
    ] {
        let said = asked(&host, &line);
        assert!(said.contains(no_page), "{line}: {said}");
    }
    for (line, expected) in [
        ("-d nvme2", "an I/O controller"),
        ("-d nvme9", "no fabrics"),
        ("-d nvme5n1", "an I/O controller"),
        ("-d nvme9n1", "no namespace"),
    ] {
        let said = asked(&host, line);
        assert!(said.contains(expected), "{line}: {said}");
    }
}

#[test]
fn another_one_where_it_may_not_be_asked() {
    let host = FakeHost::new();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    host.dc("nvme1");
    let address = format!("traddr=127.0.0.1,trsvcid={port}\n");
    host.attribute("nvme1", "address", &address);
    let target = format!("-t tcp -a 127.0.0.1 -s {port}");
    assert!(asked(&host, &target).contains("no such controller"));
    let refused = "nothing listens on this port";
    assert!(asked(&host, &format!("{target} --no-reuse")).contains(refused));
    host.attribute("nvme1", "state", "connecting\n");
    assert!(asked(&host, &target).contains(refused), "not usable now");
}

#[test]
fn a_foreign_one_is_skipped_with_a_line() {
    let host = FakeHost::new();
    host.dc("nvme1");
    host.own("nvme1", "stas");
    let said = asked(&host, "-t tcp -a 192.0.2.10");
    let expected = "nvmf: discover: (tcp, 192.0.2.10, nqn.2014-08.org.nvmexpress.discovery): nvme1 is owned by stas, skipped";
    assert!(said.starts_with(expected), "{said}");
    assert_eq!(asked(&host, "-t tcp -a 192.0.2.10 --quiet"), "");
    let (result, _) = discover(&host, "-t tcp -a 192.0.2.10 --quiet");
    assert_eq!(result.unwrap(), Exit::Incomplete);
    assert!(asked(&host, "-d nvme1 --owner stas").contains("no such controller"));
}

#[test]
fn something_to_ask_is_needed() {
    let (result, _) = discover(&FakeHost::new(), "");
    assert!(result.unwrap_err().is::<Usage>());
}

#[test]
fn a_file_that_cannot_be_written_is_found_first() {
    let host = FakeHost::new();
    host.dc("nvme1");
    let said = asked(&host, "-d nvme1 -r /nonexistent/page");
    assert!(
        said.starts_with("cannot write `/nonexistent/page`"),
        "{said}"
    );
}
