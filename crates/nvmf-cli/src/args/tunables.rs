//! The options that tune a connection.

use clap::Args;
use nvmf::Root;
use nvmf_types::{ConnectOptions, OptionError, Secret};

use crate::keys;

/// How to connect; what is not given is left to the kernel.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TunableArgs {
    /// Number of I/O queues
    #[arg(short = 'i', long, value_name = "N", value_parser = checked("nr-io-queues"))]
    nr_io_queues: Option<String>,
    /// Number of additional queues for writes
    #[arg(short = 'W', long, value_name = "N", value_parser = checked("nr-write-queues"))]
    nr_write_queues: Option<String>,
    /// Number of additional queues for polling
    #[arg(short = 'P', long, value_name = "N", value_parser = checked("nr-poll-queues"))]
    nr_poll_queues: Option<String>,
    /// Elements of an I/O queue: 16 to 1024
    #[arg(short = 'Q', long, value_name = "N", value_parser = checked("queue-size"))]
    queue_size: Option<String>,
    /// Keep-alive timeout
    #[arg(short = 'k', long, value_name = "SECONDS", value_parser = checked("keep-alive-tmo"))]
    keep_alive_tmo: Option<String>,
    /// Time between two attempts of the kernel to reconnect
    #[arg(short = 'c', long, value_name = "SECONDS", value_parser = checked("reconnect-delay"))]
    reconnect_delay: Option<String>,
    /// Time after which the kernel gives a lost controller up; -1: never
    #[arg(short = 'l', long, value_name = "SECONDS", allow_negative_numbers = true,
          value_parser = checked("ctrl-loss-tmo"))]
    ctrl_loss_tmo: Option<String>,
    /// Time after which I/O to a lost controller fails; -1: off
    #[arg(long, alias = "fast_io_fail_tmo", value_name = "SECONDS", allow_negative_numbers = true,
          value_parser = checked("fast-io-fail-tmo"))]
    fast_io_fail_tmo: Option<String>,
    /// IP type of service: 0 to 255
    #[arg(short = 'T', long, value_name = "TOS", value_parser = checked("tos"))]
    tos: Option<String>,
    /// Allow a second connection to the same port and subsystem
    #[arg(short = 'D', long)]
    pub(crate) duplicate_connect: bool,
    /// Disable submission queue flow control
    #[arg(long)]
    disable_sqflow: bool,
    /// Protect headers with a digest (tcp)
    #[arg(short = 'g', long, alias = "hdr_digest")]
    hdr_digest: bool,
    /// Protect data with a digest (tcp)
    #[arg(short = 'G', long, alias = "data_digest")]
    data_digest: bool,
    /// Use TLS
    #[arg(long)]
    tls: bool,
    /// Set TLS up after authentication (secure concatenation)
    #[arg(long)]
    concat: bool,
    /// Keyring with the TLS key: its serial number or name
    #[arg(long, value_name = "KEYRING")]
    keyring: Option<String>,
    /// TLS key: its serial number
    #[arg(long, alias = "tls_key", value_name = "SERIAL", value_parser = checked("tls-key"))]
    tls_key: Option<String>,
    /// TLS key: its description in the keyring
    #[arg(
        long,
        alias = "tls_key_identity",
        value_name = "IDENTITY",
        conflicts_with = "tls_key"
    )]
    tls_key_identity: Option<String>,
    /// DH-HMAC-CHAP secret of the host
    #[arg(short = 'S', long, visible_alias = "kxchap-secret", value_name = "SECRET",
          value_parser = secret)]
    dhchap_secret: Option<Secret>,
    /// DH-HMAC-CHAP secret of the controller, for authentication both ways
    #[arg(short = 'C', long, visible_alias = "kxchap-ctrl-secret", value_name = "SECRET",
          value_parser = secret)]
    dhchap_ctrl_secret: Option<Secret>,
}

impl TunableArgs {
    /// Sets what was given in `options`.
    pub(crate) fn apply(&self, root: &Root, options: &mut ConnectOptions) -> anyhow::Result<()> {
        for (key, value) in [
            ("nr-io-queues", &self.nr_io_queues),
            ("nr-write-queues", &self.nr_write_queues),
            ("nr-poll-queues", &self.nr_poll_queues),
            ("queue-size", &self.queue_size),
            ("keep-alive-tmo", &self.keep_alive_tmo),
            ("reconnect-delay", &self.reconnect_delay),
            ("ctrl-loss-tmo", &self.ctrl_loss_tmo),
            ("fast-io-fail-tmo", &self.fast_io_fail_tmo),
            ("tos", &self.tos),
            ("tls-key", &self.tls_key),
        ] {
            if let Some(value) = value {
                options.set(key, value)?;
            }
        }
        for (given, option) in [
            (self.duplicate_connect, &mut options.duplicate_connect),
            (self.disable_sqflow, &mut options.disable_sqflow),
            (self.hdr_digest, &mut options.hdr_digest),
            (self.data_digest, &mut options.data_digest),
            (self.tls, &mut options.tls),
            (self.concat, &mut options.concat),
        ] {
            if given {
                *option = Some(true);
            }
        }
        if let Some(keyring) = &self.keyring
            && options.set("keyring", keyring).is_err()
        {
            options.keyring = Some(keys::serial(root, "keyring", keyring)?);
        }
        if let Some(identity) = &self.tls_key_identity {
            options.tls_key = Some(keys::serial(root, "psk", identity)?);
        }
        for (given, option) in [
            (&self.dhchap_secret, &mut options.dhchap_secret),
            (&self.dhchap_ctrl_secret, &mut options.dhchap_ctrl_secret),
        ] {
            if given.is_some() {
                option.clone_from(given);
            }
        }
        Ok(())
    }
}

impl TunableArgs {
    /// What was given, by the names that options have in a configuration file. Keys and keyrings
    /// are not looked up.
    pub(crate) fn given(&self) -> Vec<(&'static str, String)> {
        let secret = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned());
        let flag = |given: bool| given.then(|| "yes".to_owned());
        let all = [
            ("nr-io-queues", self.nr_io_queues.clone()),
            ("nr-write-queues", self.nr_write_queues.clone()),
            ("nr-poll-queues", self.nr_poll_queues.clone()),
            ("queue-size", self.queue_size.clone()),
            ("keep-alive-tmo", self.keep_alive_tmo.clone()),
            ("reconnect-delay", self.reconnect_delay.clone()),
            ("ctrl-loss-tmo", self.ctrl_loss_tmo.clone()),
            ("fast-io-fail-tmo", self.fast_io_fail_tmo.clone()),
            ("tos", self.tos.clone()),
            ("duplicate-connect", flag(self.duplicate_connect)),
            ("disable-sqflow", flag(self.disable_sqflow)),
            ("hdr-digest", flag(self.hdr_digest)),
            ("data-digest", flag(self.data_digest)),
            ("tls", flag(self.tls)),
            ("concat", flag(self.concat)),
            ("keyring", self.keyring.clone()),
            ("tls-key", self.tls_key.clone()),
            ("tls-key-identity", self.tls_key_identity.clone()),
            ("kxchap-secret", secret(&self.dhchap_secret)),
            ("kxchap-ctrl-secret", secret(&self.dhchap_ctrl_secret)),
        ];
        let given = all.into_iter();
        given
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }
}

/// Lets an option's value through if [`ConnectOptions::set`] takes it.
fn checked(
    key: &'static str,
) -> impl Fn(&str) -> Result<String, OptionError> + Clone + Send + Sync + 'static {
    move |text| {
        ConnectOptions::default()
            .set(key, text)
            .map(|()| text.to_owned())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a clap value parser")]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use nvmf_types::{ControllerClass, TransportId};

    use super::*;
    use crate::testing::FakeHost;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        tunables: TunableArgs,
    }

    fn kernel_line(host: &FakeHost, args: &str) -> String {
        let line = Line::try_parse_from(format!("x {args}").split(' ')).unwrap();
        let mut options = ConnectOptions::default();
        line.tunables.apply(&host.root(), &mut options).unwrap();
        let tid: TransportId = "transport=loop;nqn=nqn.2014-08.org.example:a"
            .parse()
            .unwrap();
        let line = options.connect_string(&tid, ControllerClass::Io).unwrap();
        line.expose().to_owned()
    }

    #[test]
    fn every_option_reaches_the_kernel() {
        let host = FakeHost::new();
        assert_eq!(
            kernel_line(
                &host,
                "-i 4 -W 1 -P 2 -Q 128 -k 5 -c 10 -l -1 --fast_io_fail_tmo=0x10 -T 3 -D --disable-sqflow -g -G --tls --concat --keyring 7 --tls-key 8 -S s -C t"
            ),
            "nqn=nqn.2014-08.org.example:a,transport=loop,nr_io_queues=4,nr_write_queues=1,nr_poll_queues=2,queue_size=128,keep_alive_tmo=5,reconnect_delay=10,ctrl_loss_tmo=-1,fast_io_fail_tmo=16,tos=3,duplicate_connect,disable_sqflow,hdr_digest,data_digest,tls,concat,keyring=7,tls_key=8,dhchap_secret=s,dhchap_ctrl_secret=t"
        );
    }

    #[test]
    fn keys_by_name() {
        let host = FakeHost::new();
        host.file(
            "proc/keys",
            "0000000a I 1 perm 0 0 0 keyring .nvme: 1\n0000000b I 1 perm 0 0 0 psk id: 32\n",
        );
        assert!(
            kernel_line(&host, "--keyring .nvme --tls-key-identity id")
                .ends_with("keyring=10,tls_key=11")
        );
    }
}
