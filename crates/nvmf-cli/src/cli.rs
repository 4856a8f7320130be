//! The command line as a whole, and what its errors look like.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nvmf::Root;

#[cfg(feature = "tui")]
use crate::commands::top;
use crate::commands::{
    config, connect, connect_all, disconnect, disconnect_all, discover, exclusion, explain, list,
    list_subsys, nbft, plan, registry, reload, retry, status, wait,
};
use crate::output::Output;
use crate::{completion, privilege, prompt};

/// Connects this host to NVMe over Fabrics controllers, and shows what is connected and whose it
/// is.
///
/// The commands and options are those of `nvme`. Exit status: 0 only if all that was asked was
/// done, 1 if not, 2 for wrong usage. The output of `-o json` is documented in cli-json.md.
#[derive(Debug, Parser)]
#[command(name = "nvmf", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(subcommand)]
    Config(config::Config),
    Connect(Box<connect::Connect>),
    ConnectAll(Box<connect_all::ConnectAll>),
    Disconnect(disconnect::Disconnect),
    DisconnectAll(disconnect_all::DisconnectAll),
    Discover(Box<discover::Discover>),
    #[command(subcommand)]
    Exclusion(exclusion::Exclusion),
    Explain(explain::Explain),
    List(list::List),
    ListSubsys(list_subsys::ListSubsys),
    #[command(subcommand)]
    Nbft(nbft::Nbft),
    Plan(plan::Plan),
    #[command(subcommand)]
    Registry(registry::Registry),
    Reload(reload::Reload),
    Retry(retry::Retry),
    Status(status::Status),
    #[cfg(feature = "tui")]
    Top(top::Top),
    Wait(wait::Wait),
}

/// What became of a command that reported its results itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Outcome {
    /// All that was asked was done.
    Done,
    /// Something was not, and the user was told what.
    Incomplete,
    /// The user stopped it.
    Interrupted,
}

/// A command line that clap accepts and that still makes no sense: exit status 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Runs the process's command line on the running system.
pub fn main() -> ExitCode {
    completion::answer();
    let command = Cli::parse().command;
    let mut out = Output::new(command.output_args());
    let result = match command.needs_root() {
        true => privilege::require_root(),
        false => Ok(()),
    };
    let result = result.and_then(|()| command.run(&system(), &mut out));
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Incomplete) => ExitCode::FAILURE,
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) if prompt::is_interrupt(&error) => ExitCode::from(130),
        Err(error) => {
            out.diagnostic(&format!("nvmf: {}: {}", command.name(), chain(&error)));
            match error.downcast_ref::<Usage>() {
                Some(_) => ExitCode::from(2),
                None => ExitCode::FAILURE,
            }
        }
    }
}

/// The running system, with the credentials of the service that this is run by.
fn system() -> Root {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    Root::system().with_credentials(credentials.map(Into::into))
}

impl Command {
    fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        match self {
            Self::Config(args) => args.run(root, out),
            Self::Connect(args) => args.run(root, out),
            Self::ConnectAll(args) => args.run(root, out),
            Self::Disconnect(args) => args.run(root, out),
            Self::DisconnectAll(args) => args.run(root, out),
            Self::Discover(args) => args.run(root, out),
            Self::Exclusion(args) => args.run(root, out),
            Self::Explain(args) => args.run(root, out),
            Self::List(args) => args.run(root, out),
            Self::ListSubsys(args) => args.run(root, out),
            Self::Nbft(args) => args.run(root, out),
            Self::Plan(args) => args.run(root, out),
            Self::Registry(args) => args.run(root, out),
            Self::Reload(args) => args.run(out),
            Self::Retry(args) => args.run(out),
            Self::Status(args) => args.run(root, out),
            #[cfg(feature = "tui")]
            Self::Top(args) => args.run(root, out),
            Self::Wait(args) => args.run(root, out),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Config(args) => args.name(),
            Self::Connect(_) => "connect",
            Self::ConnectAll(_) => "connect-all",
            Self::Disconnect(_) => "disconnect",
            Self::DisconnectAll(_) => "disconnect-all",
            Self::Discover(_) => "discover",
            Self::Exclusion(args) => args.name(),
            Self::Explain(_) => "explain",
            Self::List(_) => "list",
            Self::ListSubsys(_) => "list-subsys",
            Self::Nbft(args) => args.name(),
            Self::Plan(_) => "plan",
            Self::Registry(args) => args.name(),
            Self::Reload(_) => "reload",
            Self::Retry(_) => "retry",
            Self::Status(_) => "status",
            #[cfg(feature = "tui")]
            Self::Top(_) => "top",
            Self::Wait(_) => "wait",
        }
    }

    const fn needs_root(&self) -> bool {
        match self {
            Self::Connect(_)
            | Self::ConnectAll(_)
            | Self::Disconnect(_)
            | Self::DisconnectAll(_)
            | Self::Discover(_)
            | Self::Reload(_)
            | Self::Retry(_) => true,
            Self::Config(args) => args.changes(),
            Self::Exclusion(args) => args.changes(),
            Self::Registry(args) => args.changes(),
            Self::Explain(_)
            | Self::Plan(_)
            | Self::List(_)
            | Self::ListSubsys(_)
            | Self::Nbft(_)
            | Self::Status(_)
            | Self::Wait(_) => false,
            #[cfg(feature = "tui")]
            Self::Top(_) => false,
        }
    }

    const fn output_args(&self) -> &crate::args::OutputArgs {
        match self {
            Self::Config(args) => args.output(),
            Self::Connect(args) => &args.output,
            Self::ConnectAll(args) => &args.output,
            Self::Disconnect(args) => &args.output,
            Self::DisconnectAll(args) => &args.output,
            Self::Discover(args) => &args.output,
            Self::Exclusion(args) => args.output(),
            Self::Explain(args) => &args.output,
            Self::List(args) => &args.output,
            Self::ListSubsys(args) => &args.output,
            Self::Nbft(args) => args.output(),
            Self::Plan(args) => &args.output,
            Self::Registry(args) => args.output(),
            Self::Reload(args) => &args.output,
            Self::Retry(args) => &args.output,
            Self::Status(args) => &args.output,
            #[cfg(feature = "tui")]
            Self::Top(args) => &args.output,
            Self::Wait(args) => &args.output,
        }
    }
}

/// The error and its causes in one text; a cause that is quoted already is not said twice.
fn chain(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) {
            text
        } else if text.is_empty() {
            cause
        } else {
            format!("{text}: {cause}")
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn scripts_written_for_nvme_are_understood() {
        for line in [
            "nvmf connect -t tcp -n nqn.2014-08.org.example:a -a 192.0.2.1 -s 4420 -w 192.0.2.9 -f eth0 -q nqn.2014-08.org.example:h -I f81d4fae-7dec-11d0-a765-00a0c91e6bf6 -i 4 -W 1 -P 1 -Q 128 -k 5 -c 10 -l -1 --fast-io-fail-tmo -1 -T 0 -D -g -G --disable-sqflow --tls --concat --keyring 7 --tls-key 8 -S DHHC-1:00:x: -C DHHC-1:00:y: --owner me --idempotent --devid-file /run/x -J /etc/x.conf -o json -v",
            "nvmf connect --transport=tcp --nqn=nqn.2014-08.org.example:a --traddr=::1 --trsvcid=4420 --host-traddr=::1 --host-iface=lo --hostnqn=nqn.2014-08.org.example:h --hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6 --nr-io-queues=4 --nr-write-queues=1 --nr-poll-queues=1 --queue-size=128 --keep-alive-tmo=5 --reconnect-delay=10 --ctrl-loss-tmo=-1 --tos=0 --duplicate-connect --hdr-digest --data-digest --kxchap-secret=x --kxchap-ctrl-secret=y --output-format=normal --verbose",
            "nvmf connect -t tcp --dhchap-secret=x --tls_key_identity=y",
            "nvmf config validate /etc/x.conf -o json",
            "nvmf config show --config /etc/x.conf",
            "nvmf disconnect -d nvme1,/dev/nvme2 -n testnqn",
            "nvmf disconnect-all -t tcp --owner me",
            "nvmf disconnect-all --force",
            "nvmf discover -t tcp -a 192.0.2.1 -p -o json",
            "nvmf discover -t tcp -a 192.0.2.1 -r /tmp/page",
            "nvmf discover --referrals",
            "nvmf connect-all",
            "nvmf connect-all -t tcp -a 192.0.2.1 -s 8009 -w 192.0.2.9 -f eth0 -q nqn.2014-08.org.example:h -I f81d4fae-7dec-11d0-a765-00a0c91e6bf6 -i 4 -k 30 -c 10 -l 600 -p -o json -v -J /etc/x.conf --owner me --no-reuse --raw=/tmp/x --no-nbft --nbft-path=/tmp",
            "nvmf connect-all --nbft --persistent=auto --quiet",
            "nvmf connect-all --context=autoconnect --quiet --device=nvme3 --transport=tcp --traddr=192.0.2.1 --trsvcid=8009 --host-traddr=none --host-iface=none",
            "nvmf connect-all --context=autoconnect --quiet --device=none --transport=fc --traddr=nn-0x10001100ab000001:pn-0x20001100ab000001 --trsvcid=none --host-traddr=nn-0x10001100aa000001:pn-0x20001100aa000001",
            "nvmf discover -d nvme0 --persistent=auto --quiet --no-reuse --owner me",
            "nvmf list -v -o json",
            "nvmf list-subsys",
            "nvmf list-subsys /dev/nvme0n1 -o json -v",
            "nvmf list-subsys nvme-subsys0",
            "nvmf list-subsys nqn.2014-08.org.example:a",
            "nvmf nbft show -H -s -d --nbft-path /x -o json",
            "nvmf nbft show --hfi --subsystem --discovery",
            "nvmf config convert --json /a --discovery-conf=/b -J /c --dry-run -o json",
            "nvmf config convert --config /tmp/config.json --output /tmp/nvme-fabrics.conf",
            "nvmf config create --transport tcp --traddr=192.168.1.20 --trsvcid=4420 --nqn=nqn.2024-01.com.example:data.vol1 --output=/tmp/nvme-fabrics.conf",
            "nvmf config create -t fc -a nn-0x58ccf090c92006da:pn-0x58ccf091492806da -w nn-0x20000024ff7fa448:pn-0x21000024ff7fa448 -q nqn.2014-08.org.example:h --host-symname=x --discovery -p -N lab -S file:/k -v",
            "nvmf registry list",
            "nvmf registry retrieve /dev/nvme3 -a owner",
            "nvmf registry update nvme3 --attribute note --value x",
            "nvmf registry delete nvme3",
            "nvmf registry claim /dev/nvme3n1 --owner me -o json",
            "nvmf registry release nvme3 --owner=me",
            "nvmf registry gc -v",
            "nvmf registry watch -o json",
            "nvmf disconnect -d nvme1n1,/dev/nvme2",
            "nvmf discover -d /dev/nvme3",
            "nvmf reload",
            "nvmf retry",
            "nvmf retry testnqn -o json",
            "nvmf retry transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a",
            "nvmf status -o json",
            "nvmf explain nvme3n1 -o json",
            "nvmf explain testnqn",
            "nvmf explain transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a",
            "nvmf plan -J /etc/x.conf -o json",
            "nvmf status --watch",
            #[cfg(feature = "tui")]
            "nvmf top",
            "nvmf wait",
            "nvmf wait --all --timeout 0 -o json",
            "nvmf wait nqn.2014-08.org.example:a testnqn",
            "nvmf disconnect -x -d nvme1",
            "nvmf disconnect --exclude -n testnqn",
            "nvmf exclusion list",
            "nvmf exclusion list -N lab -v -o json",
            "nvmf exclusion add -e transport=tcp;nqn=a -N lab",
            "nvmf exclusion add --entry=nqn=a --name=lab --comment=x",
            "nvmf exclusion add -t tcp -a ::1 -s 4420 -n a -w ::1 -f lo -q a -I f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "nvmf exclusion add --device nvme3n1",
            "nvmf exclusion remove",
            "nvmf exclusion remove /etc/nvme/exclusions.conf:5",
            "nvmf exclusion remove 5 -N lab",
            "nvmf exclusion remove -e nqn=a",
            "nvmf exclusion edit -N lab",
            "nvmf exclusion create -N lab",
            "nvmf exclusion delete --name lab",
            "nvmf exclusion check /dev/nvme3",
            "nvmf exclusion check transport=loop;nqn=nqn.2014-08.org.example:a -o json",
        ] {
            if let Err(error) = Cli::try_parse_from(line.split(' ')) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn wrong_usage_says_what_would_be_right() {
        for (line, expected) in [
            ("nvmf connect -t pcie", "expected tcp, rdma, fc or loop"),
            ("nvmf connect -Q 7", "expected 16 to 1024"),
            ("nvmf connect -n foo", "expected `nqn.yyyy-mm"),
            ("nvmf connect --owner a/b", "1 to 64 characters"),
            ("nvmf registry retrieve sda -a x", "expected nvmeN"),
            (
                "nvmf registry retrieve nvme1 -a ../x",
                "not an attribute name",
            ),
            ("nvmf registry claim nvme1", "--owner"),
            ("nvmf disconnect -d nvme1,sda", "`sda` is not a controller"),
            ("nvmf disconnect", "required"),
            (
                "nvmf disconnect-all --force --owner x",
                "cannot be used with",
            ),
            ("nvmf list -o xml", "normal, json"),
            ("nvmf exclusion create", "--name"),
            ("nvmf exclusion create -N a/b", "no name of a list"),
            ("nvmf exclusion add -e nqn=a -n a", "cannot be used with"),
            (
                "nvmf exclusion add -e nqn=a -d nvme3",
                "cannot be used with",
            ),
            ("nvmf exclusion add -d nvme3 -n a", "cannot be used with"),
            ("nvmf exclusion remove first", "expected FILE:LINE"),
            ("nvmf exclusion check sda", "neither a controller"),
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn causes_are_said_once() {
        let cause = std::io::Error::from(std::io::ErrorKind::NotFound);
        let error = anyhow::Error::new(cause).context("cannot read `x`: entity not found");
        assert_eq!(chain(&error), "cannot read `x`: entity not found");
        let error = anyhow::anyhow!("inner").context("outer");
        assert_eq!(chain(&error), "outer: inner");
    }

    #[test]
    fn secrets_do_not_show() {
        let line = "nvmf connect -t tcp -S DHHC-1:00:hush: -C DHHC-1:00:hush:";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        assert!(!format!("{cli:?}").contains("hush"));
    }
}
