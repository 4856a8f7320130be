//! `nvmf discover`

mod interrupt;
mod temporary;
mod text;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use nvmf::Root;
use nvmf::connect::find_existing;
use nvmf::log_page::fetch_of;
use nvmf::sysfs;
use nvmf_types::config::Persistence;
use nvmf_types::log_page::DiscoveryLog;
use nvmf_types::{
    ControllerClass, ControllerState, DeviceName, LiveController, Nqn, Owner, TransportId,
};
use serde::Serialize;

use super::connect::{Base, establish};
use crate::args::{DeviceArg, DeviceArgError, OutputArgs, TargetArgs, TunableArgs, identify};
use crate::cli::{Outcome, Usage};
use crate::output::Output;
use temporary::Temporary;

/// Show what a discovery controller knows
///
/// Prints its discovery log page and connects nothing. A discovery controller that is connected
/// already is asked if nobody owns it; otherwise one is connected for the moment.
#[derive(Debug, Args)]
pub(crate) struct Discover {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    tunables: TunableArgs,
    /// Ask this discovery controller, which is connected already
    #[arg(short, long, value_parser = device_or_none)]
    device: Option<Named>,
    /// Leave the discovery controller connected; auto: as it wishes
    #[arg(short, long, value_name = "no|auto|force", num_args = 0..=1, require_equals = true,
          default_value = "no", default_missing_value = "force", hide_default_value = true)]
    persistent: Persistence,
    /// Say nothing of a discovery controller that is skipped because of its owner
    #[arg(long)]
    quiet: bool,
    /// Connect, even if the discovery controller is connected already
    #[arg(long)]
    no_reuse: bool,
    /// Ask through a discovery controller that OWNER owns; one that is made is registered so
    #[arg(long)]
    owner: Option<Owner>,
    /// Take the host's identity, and this connection's options if it is there, from FILE
    #[arg(short = 'J', long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `nvme3`, or `none` as scripts started by udev rules write it.
#[derive(Clone, Debug)]
struct Named(Option<DeviceArg>);

fn device_or_none(text: &str) -> Result<Named, DeviceArgError> {
    match text {
        "none" => Ok(Named(None)),
        name => name.parse().map(|device| Named(Some(device))),
    }
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    /// The discovery controller, if it is still connected.
    device: Option<DeviceName>,
    #[serde(flatten)]
    log: DiscoveryLog,
}

/// What there is to ask.
enum Existing {
    Use(Box<LiveController>),
    Foreign(DeviceName, Owner),
    None,
}

impl Discover {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let device = self.device.as_ref().and_then(|named| named.0.as_ref());
        let mut tid = match (device, self.target.transport) {
            (Some(_), None) => None,
            (None, None) => bail!(Usage(
                "give a discovery controller with -t and -a, or with -d".to_owned()
            )),
            (_, Some(_)) => Some(self.target.transport_id(Some(Nqn::discovery()))?),
        };
        let base = tid.as_mut().map(|tid| {
            Base::load(
                root,
                self.config.as_deref(),
                tid,
                ControllerClass::Discovery,
            )
        });
        let base = base.transpose()?;
        let wanted = tid.as_ref().zip(base.as_ref());
        match self.existing(root, device, wanted)? {
            Existing::Use(live) => {
                let log = fetch_of(root, &live.device, live.sysfs_ino)?;
                show(out, Some(live.device), log)
            }
            Existing::Foreign(device, owner) => {
                if !self.quiet {
                    out.diagnostic(&format!(
                        "nvmf: discover: {device} is owned by {owner}, skipped: --owner {owner} asks it, --no-reuse connects another one"
                    ));
                }
                Ok(Outcome::Incomplete)
            }
            Existing::None => {
                let (tid, base) = tid.zip(base).context("there is no such controller")?;
                self.ask_new(root, out, tid, base)
            }
        }
    }

    /// The connected discovery controller that is meant, if there is one.
    fn existing(
        &self,
        root: &Root,
        device: Option<&DeviceArg>,
        wanted: Option<(&TransportId, &Base)>,
    ) -> anyhow::Result<Existing> {
        let mut found = None;
        let device = match device.map(|arg| arg.resolve(root)) {
            // What the options say counts.
            Some(Err(_)) if wanted.is_some() => None,
            other => other.transpose()?,
        };
        if let Some(device) = device {
            found = sysfs::controller(root, &device)?;
            match (&found, wanted) {
                (None, None) => bail!("{device} is no fabrics controller: see nvmf list"),
                (Some(live), None) if live.class == Some(ControllerClass::Io) => {
                    bail!("{device} is an I/O controller: it has no discovery log page");
                }
                // Another one has got the number: what the options say counts.
                (Some(live), Some((tid, base)))
                    if !tid.is_satisfied_by(ControllerClass::Discovery, live, &base.host) =>
                {
                    found = None;
                }
                _ => {}
            }
        }
        if let (None, Some((tid, base)), false) = (&found, wanted, self.no_reuse) {
            found = find_existing(root, tid, ControllerClass::Discovery, &base.host)?
                .filter(|live| live.state == ControllerState::Live);
        }
        Ok(match found {
            None => Existing::None,
            Some(live) => match live.owner.clone() {
                Some(owner) if self.owner.as_ref() != Some(&owner) => {
                    Existing::Foreign(live.device, owner)
                }
                _ => Existing::Use(Box::new(live)),
            },
        })
    }

    /// Asks through a connection made for it.
    fn ask_new(
        &self,
        root: &Root,
        out: &mut Output,
        mut tid: TransportId,
        base: Base,
    ) -> anyhow::Result<Outcome> {
        let class = ControllerClass::Discovery;
        let mut options = base.options;
        self.tunables.apply(root, &mut options)?;
        identify(&mut tid, &base.host);
        let interrupt = interrupt::Interrupt::catch();
        let connected = establish(root, &tid, class, &options, self.owner.as_ref())?;
        let temporary = Temporary::new(root, &connected)?;
        if interrupt.came() {
            return Ok(Outcome::Interrupted);
        }
        let log = fetch_of(root, &connected.device, connected.sysfs_ino)?;
        if interrupt.came() {
            return Ok(Outcome::Interrupted);
        }
        if self.stays(&log) {
            temporary.keep();
            return show(out, Some(connected.device), log);
        }
        let removed = temporary.remove();
        let outcome = show(out, None, log)?;
        removed?;
        Ok(outcome)
    }

    /// Whether the discovery controller stays connected: with `auto` unless it says that it cannot
    /// (Base Specification 2.x, discovery log page entry, EFLAGS.EPCSD).
    fn stays(&self, log: &DiscoveryLog) -> bool {
        match self.persistent {
            Persistence::No => false,
            Persistence::Force => true,
            Persistence::Auto => log.current().is_none_or(|e| e.explicit_persistent()),
        }
    }
}

fn show(
    out: &mut Output,
    device: Option<DeviceName>,
    log: DiscoveryLog,
) -> anyhow::Result<Outcome> {
    let report = Report { device, log };
    out.result(&report, |r| text::render(r.device.as_ref(), &r.log))?;
    for ignored in &report.log.ignored {
        out.diagnostic(&format!("nvmf: discover: {ignored}: left out"));
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        discover: Discover,
    }

    fn parse(line: &str) -> Discover {
        Line::try_parse_from(format!("discover {line}").split_whitespace())
            .unwrap_or_else(|e| panic!("{e}"))
            .discover
    }

    fn existing(host: &FakeHost, line: &str) -> anyhow::Result<String> {
        let command = parse(line);
        let mut tid = match command.target.transport {
            Some(_) => Some(command.target.transport_id(Some(Nqn::discovery())).unwrap()),
            None => None,
        };
        let base = tid
            .as_mut()
            .map(|tid| Base::load(&host.root(), None, tid, ControllerClass::Discovery).unwrap());
        let device = command.device.clone().and_then(|n| n.0);
        let found = command.existing(
            &host.root(),
            device.as_ref(),
            tid.as_ref().zip(base.as_ref()),
        )?;
        Ok(match found {
            Existing::Use(live) => live.device.to_string(),
            Existing::Foreign(device, owner) => format!("{device} of {owner}"),
            Existing::None => "none".to_owned(),
        })
    }

    #[test]
    fn which_controller_is_asked() {
        let host = FakeHost::new();
        host.dc("nvme1");
        host.tcp("nvme2", "nqn.2014-08.org.example:a");
        host.namespace("nvme5n1", &["nvme2"]);
        let target = "-t tcp -a 192.0.2.10";
        for (line, expected) in [
            (target.to_owned(), "nvme1"),
            (format!("{target} --no-reuse"), "none"),
            (format!("{target} -s 8010"), "none"),
            (format!("{target} -d nvme1"), "nvme1"),
            (format!("{target} -d none"), "nvme1"),
            (format!("{target} -d nvme2"), "nvme1"),
            (format!("{target} -d nvme9n1"), "nvme1"),
            ("-d nvme1".to_owned(), "nvme1"),
        ] {
            assert_eq!(existing(&host, &line).unwrap(), expected, "{line}");
        }
        for (line, expected) in [
            ("-d nvme2", "an I/O controller"),
            ("-d nvme9", "no fabrics"),
            ("-d nvme5n1", "an I/O controller"),
            ("-d nvme9n1", "no namespace"),
        ] {
            let error = existing(&host, line).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        host.own("nvme1", "discoverd");
        assert_eq!(existing(&host, target).unwrap(), "nvme1 of discoverd");
        assert_eq!(existing(&host, "-d nvme1").unwrap(), "nvme1 of discoverd");
        let mine = format!("{target} --owner discoverd");
        assert_eq!(existing(&host, &mine).unwrap(), "nvme1");
        host.attribute("nvme1", "state", "connecting\n");
        assert_eq!(existing(&host, target).unwrap(), "none", "not usable now");
    }

    #[test]
    fn a_foreign_one_is_skipped_with_a_line() {
        let host = FakeHost::new();
        host.dc("nvme1");
        host.own("nvme1", "stas");
        let run = |line: &str| {
            let mut out = Output::captured(Format::Normal, false);
            let outcome = parse(line).run(&host.root(), &mut out).unwrap();
            assert_eq!(outcome, Outcome::Incomplete);
            out.stderr().to_owned()
        };
        let said = run("-t tcp -a 192.0.2.10");
        assert!(
            said.starts_with("nvmf: discover: nvme1 is owned by stas, skipped"),
            "{said}"
        );
        assert_eq!(run("-t tcp -a 192.0.2.10 --quiet"), "");
    }

    #[test]
    fn persistence() {
        let log = DiscoveryLog::default();
        for (line, stays) in [
            ("-t tcp", false),
            ("-t tcp -p", true),
            ("-t tcp --persistent=no", false),
            ("-t tcp -p=auto", true),
            ("-p -t tcp", true),
        ] {
            assert_eq!(parse(line).stays(&log), stays, "{line}");
        }
    }

    #[test]
    fn something_to_ask_is_needed() {
        let mut out = Output::captured(Format::Normal, false);
        let root = FakeHost::new().root();
        let error = parse("").run(&root, &mut out).unwrap_err();
        assert!(error.is::<Usage>());
    }
}
