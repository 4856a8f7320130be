//! `nvmf connect-all`

mod progress;
mod report;

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use nvmf::Root;
use nvmf_types::TransportId;

use super::raw::RawFile;
use super::wishes::Wishes;
use crate::args::{OutputArgs, WalkArgs};
use crate::cli::Outcome as Exit;
use crate::output::Output;
use crate::walk::{Hand, Host, Listener, Outcome, Page, Policy, Target, Walker, drive, words};
use progress::Progress;
use report::Report;

/// Connect to everything that discovery controllers name
///
/// Asks the discovery controller that the options name, or else those of the configuration, of the
/// firmware's boot tables and of discovery.conf, and connects what their log pages name, referrals
/// followed. All targets are asked at once whether they answer, so that a dead one holds up nobody.
/// What an exclusion names is not connected, unless it was typed. Prints what became of each.
#[derive(Debug, Args)]
pub(crate) struct ConnectAll {
    #[command(flatten)]
    walk: WalkArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl ConnectAll {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Exit> {
        let mut raw = RawFile::open(self.walk.raw.as_deref())?;
        let wanted = Wishes::collect(root, &self.walk)?;
        if wanted.is_empty() {
            out.diagnostic("nvmf: connect-all: nothing is configured: give a discovery controller with -t and -a, or see nvmf config");
        }
        let loaded = nvmf::exclusions::load(root);
        for text in wanted.said().chain(&loaded.problems) {
            out.diagnostic(&format!("nvmf: connect-all: {text}"));
        }
        let (hand, controllers) = Hand::new(root, &wanted.identity)?;
        let host = Host {
            identity: wanted.identity,
            exclusions: loaded.set,
            controllers,
        };
        let policy = Policy {
            subsystems: true,
            referrals: true,
            reuse: self.walk.reuse(),
        };
        let mut walker = Walker::new(policy, host, wanted.wishes);
        let mut teller = Teller {
            quiet: self.walk.quiet,
            progress: Progress::start(!self.walk.quiet && !out.json()),
            out,
            raw: &mut raw,
            unwritten: None,
        };
        drive(&mut walker, &Arc::new(hand), &mut teller);
        teller.progress.end();
        let unwritten = teller.unwritten;
        let report = Report::new(&walker, wanted.problems);
        if out.json() || !self.walk.quiet {
            out.result(&report, Report::render)?;
        }
        if let Some(error) = unwritten {
            return Err(error).context("not all log pages were written");
        }
        Ok(report.exit(walker.is_interrupted()))
    }
}

/// Tells the user at once what went wrong; the rest is in the table at the end.
struct Teller<'a> {
    quiet: bool,
    progress: Progress,
    out: &'a mut Output,
    raw: &'a mut RawFile,
    unwritten: Option<anyhow::Error>,
}

impl Teller<'_> {
    fn say(&mut self, target: &Target, text: &str) {
        let name = target.tid().map(TransportId::log_form).unwrap_or_default();
        let out = &mut *self.out;
        self.progress
            .aside(|| out.diagnostic(&format!("nvmf: connect-all: {name}: {text}")));
    }
}

impl Listener for Teller<'_> {
    fn settled(&mut self, walker: &Walker, target: &Target) {
        self.progress.show(walker);
        match target.outcome() {
            Some(Outcome::Failed(reason)) => self.say(target, reason),
            Some(Outcome::Foreign { device, owner }) if !self.quiet => {
                self.say(target, &words::skipped(device, owner));
            }
            _ => {}
        }
        for note in target.notes() {
            self.say(target, note);
        }
    }

    fn page(&mut self, _: &Target, page: &Page) {
        if let Err(error) = self.raw.write(&page.bytes) {
            self.unwritten.get_or_insert(error);
        }
    }

    fn interrupted(&mut self, walker: &Walker) {
        if let Some(target) = walker.in_the_kernel() {
            self.say(target, words::IN_THE_KERNEL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    fn run(host: &FakeHost, line: &str, format: Format) -> (Exit, Output) {
        let command: ConnectAll = parse(&line.split_whitespace().collect::<Vec<_>>());
        let mut out = Output::captured(format, false);
        let exit = command.run(&host.root(), &mut out);
        (exit.unwrap(), out)
    }

    fn config(host: &FakeHost, text: &str) {
        host.file("etc/nvme/nvme-fabrics.conf", text);
    }

    const SUBSYSTEMS: &str = "[Subsystem]
nqn = nqn.2014-08.org.example:a
controller = transport=tcp;traddr=192.0.2.10
[Subsystem]
nqn = nqn.2014-08.org.example:b
controller = transport=tcp;traddr=192.0.2.10
";

    #[test]
    fn nothing_to_do_is_said() {
        let host = FakeHost::new();
        let (exit, out) = run(&host, "", Format::Normal);
        assert_eq!(exit, Exit::Done);
        assert!(
            out.stderr().contains("nothing is configured"),
            "{}",
            out.stderr()
        );
    }

    #[test]
    fn connected_already_and_excluded() {
        let host = FakeHost::new();
        config(&host, SUBSYSTEMS);
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.own("nvme3", "discoverd");
        host.file(
            "etc/nvme/exclusions.conf",
            "[exclusions]\nexclusion = nqn=nqn.2014-08.org.example:b\n",
        );
        let (exit, out) = run(&host, "", Format::Normal);
        assert_eq!(exit, Exit::Done);
        assert_eq!(
            host.relative(out.stdout()),
            "\
OUTCOME            DEVICE  TRANSPORT  TRADDR      TRSVCID  NQN                        DETAIL
already connected  nvme3   tcp        192.0.2.10  -        nqn.2014-08.org.example:a  owned by discoverd
excluded           -       tcp        192.0.2.10  -        nqn.2014-08.org.example:b  by /etc/nvme/exclusions.conf:2
1 already connected, 1 excluded
"
        );
        let (_, out) = run(&host, "--quiet", Format::Normal);
        assert_eq!((out.stdout(), out.stderr()), ("", ""));
    }

    #[test]
    fn an_owner_claims_what_is_nobodys() {
        let host = FakeHost::new();
        config(&host, SUBSYSTEMS);
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.tcp("nvme4", "nqn.2014-08.org.example:b");
        host.own("nvme4", "discoverd");
        let (exit, out) = run(&host, "--owner me", Format::Json);
        assert_eq!(exit, Exit::Done);
        assert_eq!(host.owner("nvme3").as_deref(), Some("me"));
        assert_eq!(host.owner("nvme4").as_deref(), Some("discoverd"));
        let json: serde_json::Value = serde_json::from_str(out.stdout()).unwrap();
        assert_eq!(json["targets"][1]["owner"], "discoverd");
        assert_eq!(json["counts"]["already-connected"], 2);
    }

    #[test]
    fn a_refusing_target_fails_it_and_says_so_at_once() {
        let host = FakeHost::new();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let line = format!("-t tcp -a 127.0.0.1 -s {port}");
        let (exit, out) = run(&host, &line, Format::Normal);
        assert_eq!(exit, Exit::Incomplete);
        let said = format!(
            "nvmf: connect-all: (tcp, 127.0.0.1, {port}, nqn.2014-08.org.nvmexpress.discovery): the target refuses: nothing listens on this port\n"
        );
        assert_eq!(out.stderr(), said);
        assert!(out.stdout().contains("\n1 failed\n"), "{}", out.stdout());
    }

    #[test]
    fn a_typed_discovery_controller_of_another_is_not_asked() {
        let host = FakeHost::new();
        host.dc("nvme1");
        host.own("nvme1", "stas");
        for line in ["-t tcp -a 192.0.2.10", "-d nvme1"] {
            let (exit, out) = run(&host, line, Format::Normal);
            assert_eq!(exit, Exit::Incomplete, "{line}");
            assert!(
                out.stderr().contains("nvme1 is owned by stas, skipped"),
                "{}",
                out.stderr()
            );
            assert!(out.stdout().contains("\n1 foreign\n"), "{}", out.stdout());
        }
    }
}
