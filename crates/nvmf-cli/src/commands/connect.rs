//! `nvmf connect`

mod interrupt;
mod probe;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use nvmf::Root;
use nvmf::connect::{
    ConnectErrorKind, Connected, connect, connect_once, find_existing, wait_for_others,
};
use nvmf::registry::{Claim, Registry};
use nvmf_types::{
    ConnectOptions, ControllerClass, DeviceName, HostIdentity, LiveController, Owner, TransportId,
};
use rustix::fs::OFlags;
use serde::Serialize;

use probe::{Unconnected, ask};

use super::ownership;
use crate::args::{OutputArgs, RESOLVE_TIMEOUT, TargetArgs, TunableArgs, identify};
use crate::cli::Outcome;
use crate::output::Output;

/// How long a target may take to answer the probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

const OTHERS: &str = "nvmf: connect: another process is connecting the same: waiting for it";

/// Connect to a controller
///
/// A tcp target is asked first whether it answers, so that a dead or silent one is reported within
/// seconds and holds up nobody. With the well-known discovery name this connects to a discovery
/// controller, which stays.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    tunables: TunableArgs,
    /// Register the controller as owned by OWNER
    #[arg(long)]
    owner: Option<Owner>,
    /// Succeed if the controller is connected already; with --owner, claim it if nobody owns it
    #[arg(long)]
    idempotent: bool,
    /// Write the name of the device to FILE
    #[arg(long, value_name = "FILE")]
    devid_file: Option<PathBuf>,
    /// Take the host's identity, and this connection's options if it is there, from FILE
    #[arg(short = 'J', long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    device: DeviceName,
    owner: Option<Owner>,
    already_connected: bool,
}

impl Connect {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let mut tid = self.target.transport_id(None)?;
        let class = self.target.class();
        let base = Base::load(root, self.config.as_deref(), &mut tid, class)?;
        let mut options = base.options;
        self.tunables.apply(&mut options)?;
        let devid_file = self.devid_file.as_deref().map(open_devid_file);
        let mut devid_file = devid_file.transpose()?;

        let existing = || find_existing(root, &tid, class, &base.host);
        let found = match self.tunables.duplicate_connect {
            true => None,
            false => existing()?,
        };
        if let Some(live) = found {
            return self.already(root, out, &live, devid_file.as_mut());
        }
        note_exclusion(root, out, &tid, class);
        let mut complete = tid.clone();
        identify(&mut complete, &base.host);
        match self.establish(root, &complete, class, &options, &base.host) {
            Ok(None) => Ok(Outcome::Interrupted),
            Ok(Some(connected)) => Self::connected(out, &connected, devid_file.as_mut()),
            Err(Unconnected::Kernel(error))
                if matches!(error.kind, ConnectErrorKind::AlreadyConnected) =>
            {
                // Somebody else was faster.
                match existing()? {
                    Some(live) => self.already(root, out, &live, devid_file.as_mut()),
                    None => Err(error.into()),
                }
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Connects after a look whether the target answers; `None`: the user stopped it.
    fn establish(
        &self,
        root: &Root,
        tid: &TransportId,
        class: ControllerClass,
        options: &ConnectOptions,
        default: &HostIdentity,
    ) -> Result<Option<Connected>, Unconnected> {
        ask(tid, class, options, PROBE_TIMEOUT)?;
        let owner = self.owner.as_ref();
        if !self.tunables.duplicate_connect {
            // Ctrl-C ends this at once.
            wait_for_others(root, tid, || {
                // Nobody may be there to read it.
                let _ = writeln!(std::io::stderr(), "{OTHERS}");
            });
        }
        let connected = interrupt::to_its_end(root, || match self.tunables.duplicate_connect {
            true => connect(root, tid, class, options, owner),
            false => connect_once(root, tid, class, options, owner, default),
        });
        connected.map_err(Unconnected::Kernel)
    }

    fn connected(
        out: &mut Output,
        connected: &Connected,
        devid_file: Option<&mut File>,
    ) -> anyhow::Result<Outcome> {
        let report = Report {
            device: connected.device.clone(),
            owner: connected.owner.clone(),
            already_connected: false,
        };
        write_devid(devid_file, &report.device)?;
        out.result(&report, |r| format!("connecting to device: {}", r.device))?;
        if let Some(warning) = &connected.warning {
            let device = &connected.device;
            out.diagnostic(&format!(
                "nvmf: connect: {device} is connected, but {warning}"
            ));
            return Ok(Outcome::Incomplete);
        }
        Ok(Outcome::Done)
    }

    fn already(
        &self,
        root: &Root,
        out: &mut Output,
        live: &LiveController,
        devid_file: Option<&mut File>,
    ) -> anyhow::Result<Outcome> {
        let device = &live.device;
        if !self.idempotent {
            let owner = ownership(live.owner.as_ref());
            bail!("already connected as {device}, {owner}: add --idempotent if that will do");
        }
        let (owner, outcome) = match &self.owner {
            None => (live.owner.clone(), Outcome::Done),
            Some(mine) => match Registry::open(root).claim_of(device, live.sysfs_ino, mine)? {
                Claim::Granted | Claim::AlreadyMine => (Some(mine.clone()), Outcome::Done),
                Claim::OwnedBy(other) => (Some(other), Outcome::Incomplete),
                Claim::NoSuchController => {
                    bail!("{device} was connected and is gone now: try again")
                }
            },
        };
        write_devid(devid_file, device)?;
        let report = Report {
            device: device.clone(),
            owner,
            already_connected: true,
        };
        out.result(&report, |r| {
            let owner = ownership(r.owner.as_ref());
            format!("already connected to device: {}, {owner}", r.device)
        })?;
        if outcome == Outcome::Incomplete {
            let owner = ownership(report.owner.as_ref());
            out.diagnostic(&format!("nvmf: connect: {device} is {owner}: left alone"));
        }
        Ok(outcome)
    }
}

/// What holds where the command line says nothing.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) host: HostIdentity,
    pub(super) options: ConnectOptions,
}

impl Base {
    /// From the configuration file `config`, or else the default identity. Where the file has the
    /// connection `tid`, the host that it names for it goes into `tid`.
    pub(super) fn load(
        root: &Root,
        config: Option<&Path>,
        tid: &mut TransportId,
        class: ControllerClass,
    ) -> anyhow::Result<Self> {
        if config.is_none() {
            return Ok(Self {
                host: nvmf::config::host_identity(root)?,
                options: ConnectOptions::default(),
            });
        }
        let mut config = nvmf::config::load(root, config)?;
        // a name without an address cannot be this connection
        let _ = nvmf::config::resolve(&mut config, RESOLVE_TIMEOUT);
        let same = |other: &TransportId| {
            other.transport == tid.transport
                && other.traddr == tid.traddr
                && other.port(class) == tid.port(class)
                && other.nqn == tid.nqn
                && other.host_traddr == tid.host_traddr
                && other.host_iface == tid.host_iface
        };
        let mut connections = config.connections.into_iter();
        let found = connections.find(|c| c.class == class && c.tids().iter().any(same));
        let options = found.map(|found| {
            if tid.hostnqn.is_none() {
                tid.hostnqn = found.tid.hostnqn;
                tid.hostid = tid.hostid.or(found.tid.hostid);
            }
            found.options
        });
        Ok(Self {
            host: config.host,
            options: options.unwrap_or_default(),
        })
    }
}

/// With `-v`, says that an exclusion would keep the daemon from this connection. A connect by hand
/// is a targeted human act and is done all the same.
fn note_exclusion(root: &Root, out: &mut Output, tid: &TransportId, class: ControllerClass) {
    if !out.verbose() {
        return;
    }
    let loaded = nvmf::exclusions::load(root);
    for problem in &loaded.problems {
        out.detail(&format!("nvmf: connect: {problem}"));
    }
    if let Some(entry) = loaded.set.matches(tid, class) {
        let text =
            "excludes this connection from being made automatically; connecting all the same";
        out.detail(&format!("nvmf: connect: {} {text}", entry.source));
    }
}

/// Opened before the connect, so that it cannot fail for want of the file; a name recorded earlier
/// survives a connect that fails.
fn open_devid_file(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits())?)
        .open(path)
        .with_context(|| format!("cannot write `{}`", path.display()))
}

fn write_devid(file: Option<&mut File>, device: &DeviceName) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    file.set_len(0)
        .and_then(|()| writeln!(file, "{device}"))
        .with_context(|| format!("{device} is connected, but its name cannot be written"))
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
        connect: Connect,
    }

    const NQN: &str = "nqn.2014-08.org.example:a";

    fn connect(host: &FakeHost, more: &str, format: Format) -> (anyhow::Result<Outcome>, Output) {
        let line = format!("connect -t tcp -a 192.0.2.10 -n {NQN} {more}");
        let line = Line::try_parse_from(line.split_whitespace()).unwrap();
        let mut out = Output::captured(format, false);
        (line.connect.run(&host.root(), &mut out), out)
    }

    #[test]
    fn what_is_connected_already() {
        let host = FakeHost::new();
        let device = host.tcp("nvme3", NQN);
        let (result, out) = connect(&host, "", Format::Normal);
        assert_eq!(
            result.unwrap_err().to_string(),
            "already connected as nvme3, unowned: add --idempotent if that will do"
        );
        assert_eq!(out.stdout(), "");

        let (result, out) = connect(&host, "--idempotent", Format::Normal);
        assert_eq!(result.unwrap(), Outcome::Done);
        assert_eq!(
            out.stdout(),
            "already connected to device: nvme3, unowned\n"
        );
        let owner = || Registry::open(&host.root()).owner(&device).unwrap();
        assert_eq!(owner(), None, "the registry stays untouched");

        let (result, _) = connect(&host, "--idempotent --owner me", Format::Normal);
        assert_eq!(result.unwrap(), Outcome::Done);
        assert_eq!(owner().unwrap().as_str(), "me");

        let (result, out) = connect(&host, "--idempotent --owner you", Format::Normal);
        assert_eq!(result.unwrap(), Outcome::Incomplete);
        assert_eq!(
            out.stderr(),
            "nvmf: connect: nvme3 is owned by me: left alone\n"
        );
        assert_eq!(owner().unwrap().as_str(), "me");
    }

    #[test]
    fn json_and_devid_file() {
        let host = FakeHost::new();
        host.tcp("nvme3", NQN);
        let file = host.file("devid", "nvme12345\n");
        let more = format!("--idempotent --devid-file {}", file.display());
        let (result, out) = connect(&host, &more, Format::Json);
        assert_eq!(result.unwrap(), Outcome::Done);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(out.stdout()).unwrap(),
            serde_json::json!({"device": "nvme3", "owner": null, "already-connected": true})
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "nvme3\n");
    }

    #[test]
    fn a_devid_file_is_no_link() {
        let host = FakeHost::new();
        host.tcp("nvme3", NQN);
        let target = host.file("precious", "x");
        let link = target.with_file_name("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let more = format!("--idempotent --devid-file {}", link.display());
        let (result, _) = connect(&host, &more, Format::Normal);
        assert!(result.unwrap_err().to_string().contains("cannot write"));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "x");
    }

    #[test]
    fn a_target_that_does_not_answer_never_reaches_the_kernel() {
        let host = FakeHost::new();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let line = format!("connect -t tcp -a 127.0.0.1 -s {port} -n {NQN}");
        let line = Line::try_parse_from(line.split(' ')).unwrap();
        let mut out = Output::captured(Format::Normal, false);
        let error = line.connect.run(&host.root(), &mut out).unwrap_err();
        let text = error.to_string();
        let start = format!("cannot connect (tcp, 127.0.0.1, {port}, {NQN}): ");
        assert!(
            text.starts_with(&start) && text.contains("refuses"),
            "{text}"
        );
    }
}
