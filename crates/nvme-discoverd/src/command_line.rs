//! The command line and the program's frame.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use lexopt::Arg;
use nvmf::Root;

use crate::startup::{self, Place};

/// What `--help` prints.
const HELP: &str = "\
Keeps the NVMe over Fabrics controllers of this host connected, as /etc/nvme/nvme-fabrics.conf
and the discovery controllers named there say.

Started by systemd as nvme-discoverd.service. SIGHUP reads the configuration again; SIGTERM
ends the daemon and disconnects nothing. `nvmf status` shows what it does and why.

Usage: nvme-discoverd [OPTIONS]

Options:
      --connector <PATH>  Program that a controller's unit runs to disconnect it
                          [default: PREFIX/libexec/nvmf/connector]
  -h, --help              Print help
  -V, --version           Print version
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// To run, with this connector, in a root that only tests give (`--root DIR`).
    Run { connector: PathBuf, root: PathBuf },
    /// To print this, and end.
    Print(String),
}

/// Threads for what blocks. Log pages have a share of their own, so a target that keeps one of
/// them waiting holds up no reading of sysfs.
const BLOCKING_THREADS: usize = 32;

/// Exit status for a command line that makes no sense; systemd does not start it again then.
const USAGE: u8 = 2;

/// Runs the daemon until it is told to stop: status 0, 1 with a line on standard error, or 2 for
/// a wrong command line.
pub(crate) fn run() -> ExitCode {
    let asked = match parse(lexopt::Parser::from_env()) {
        Ok(asked) => asked,
        Err(error) => {
            say(&format!("{error}; see nvme-discoverd --help"));
            return ExitCode::from(USAGE);
        }
    };
    let done = match asked {
        Asked::Run { connector, root } => start(connector, root),
        Asked::Print(text) => std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn say(what: &str) {
    // with standard error closed there is nobody to tell
    let _ = writeln!(std::io::stderr(), "nvme-discoverd: {what}");
}

/// By hand and not by clap: two options are not worth a tenth of the program.
fn parse(mut words: lexopt::Parser) -> Result<Asked, lexopt::Error> {
    let (mut connector, mut root) = (None, PathBuf::from("/"));
    while let Some(word) = words.next()? {
        match word {
            Arg::Long("connector") => connector = Some(words.value()?.into()),
            Arg::Long("root") => root = words.value()?.into(),
            Arg::Short('h') | Arg::Long("help") => return Ok(Asked::Print(HELP.to_owned())),
            Arg::Short('V') | Arg::Long("version") => {
                let version = concat!("nvme-discoverd ", env!("CARGO_PKG_VERSION"), "\n");
                return Ok(Asked::Print(version.to_owned()));
            }
            other => return Err(other.unexpected()),
        }
    }
    let connector = connector.unwrap_or_else(beside_this_program);
    Ok(Asked::Run { connector, root })
}

fn start(connector: PathBuf, root: PathBuf) -> anyhow::Result<()> {
    anyhow::ensure!(rustix::process::geteuid().is_root(), "must run as root");
    let place = Place {
        root: Root::new(root),
        connector,
    };
    let settings = startup::settings(&place.root);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .context("cannot start the event loop")?;
    let done = runtime.block_on(startup::run(place, settings));
    // what still blocks in the kernel ends by itself
    runtime.shutdown_timeout(Duration::ZERO);
    done
}

/// `PREFIX/libexec/nvmf/connector` for a daemon in `PREFIX/sbin`.
fn beside_this_program() -> PathBuf {
    let this = std::env::current_exe().unwrap_or_else(|_| "/usr/sbin/nvme-discoverd".into());
    let prefix = this.ancestors().nth(2).map(PathBuf::from);
    prefix
        .unwrap_or_else(|| "/usr".into())
        .join("libexec/nvmf/connector")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Asked, String> {
        parse(lexopt::Parser::from_args(words)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_can_be_asked_for() {
        let run = |connector: &str, root: &str| {
            Ok(Asked::Run {
                connector: connector.into(),
                root: root.into(),
            })
        };
        let beside = beside_this_program();
        assert!(beside.ends_with("libexec/nvmf/connector"));
        assert_eq!(parsed(&[]), run(beside.to_str().unwrap(), "/"));
        assert_eq!(parsed(&["--connector", "/c"]), run("/c", "/"));
        assert_eq!(parsed(&["--root=/r", "--connector=/c"]), run("/c", "/r"));
        assert_eq!(parsed(&["-h"]), parsed(&["--help"]));
        assert!(matches!(parsed(&["-V"]), Ok(Asked::Print(text)) if text.ends_with("\n")));
    }

    #[test]
    fn the_manual_page_has_these_options() {
        let page = include_str!("../../../dist/man/nvme-discoverd.8").replace("\\-", "-");
        let options = |text: &str| {
            let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
            let options = words.filter(|word| word.starts_with("--") && word.len() > 3);
            options
                .map(str::to_owned)
                .collect::<std::collections::BTreeSet<_>>()
        };
        let (_, page) = page.split_once(".SH OPTIONS").unwrap();
        let (page, _) = page.split_once(".SH SIGNALS").unwrap();
        assert_eq!(options(page), options(HELP));
    }

    #[test]
    fn what_cannot() {
        for (words, expected) in [
            (&["--config"][..], "invalid option '--config'"),
            (&["file"], "unexpected argument \"file\""),
            (
                &["--connector"],
                "missing argument for option '--connector'",
            ),
        ] {
            assert_eq!(parsed(words), Err(expected.to_owned()));
        }
    }
}
