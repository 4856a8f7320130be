//! The options that tune a connection.

use clap::Args;
use nvmf_types::{ConnectOptions, OptionError, Secret, SecretSource, SecretSourceError};

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
    #[arg(long, value_name = "KEYRING", value_parser = checked("keyring"))]
    keyring: Option<String>,
    /// TLS key: its serial number
    #[arg(long, alias = "tls_key", value_name = "SERIAL", value_parser = checked("tls-key"))]
    tls_key: Option<String>,
    /// TLS key: its description in the keyring
    #[arg(
        long,
        alias = "tls_key_identity",
        value_name = "IDENTITY",
        conflicts_with = "tls_key",
        value_parser = checked("tls-key-identity")
    )]
    tls_key_identity: Option<String>,
    /// DH-HMAC-CHAP secret of the host; better file:/path, because others see arguments
    #[arg(short = 'S', long, visible_alias = "kxchap-secret", value_name = "SECRET",
          value_parser = secret)]
    dhchap_secret: Option<SecretSource>,
    /// DH-HMAC-CHAP secret of the controller, for authentication both ways; better file:/path
    #[arg(short = 'C', long, visible_alias = "kxchap-ctrl-secret", value_name = "SECRET",
          value_parser = secret)]
    dhchap_ctrl_secret: Option<SecretSource>,
}

impl TunableArgs {
    /// Sets what was given in `options`.
    pub(crate) fn apply(&self, options: &mut ConnectOptions) -> anyhow::Result<()> {
        for (key, value) in self.given() {
            options.set(key, &value)?;
        }
        Ok(())
    }

    /// What was given, by the names that options have in a configuration file. Keys and keyrings
    /// are not looked up.
    pub(crate) fn given(&self) -> Vec<(&'static str, String)> {
        let secret = |source: &Option<SecretSource>| {
            let text = source.clone().map(Secret::from);
            text.map(|text| text.expose().to_owned())
        };
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

fn secret(text: &str) -> Result<SecretSource, SecretSourceError> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use nvmf_types::{ControllerClass, TransportId};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        tunables: TunableArgs,
    }

    fn options(args: &str) -> ConnectOptions {
        let line = Line::try_parse_from(format!("x {args}").split(' ')).unwrap();
        let mut options = ConnectOptions::default();
        line.tunables.apply(&mut options).unwrap();
        options
    }

    #[test]
    fn every_option_reaches_the_kernel() {
        let args = "-i 4 -W 1 -P 2 -Q 128 -k 5 -c 10 -l -1 --fast_io_fail_tmo=0x10 -T 3 -D --disable-sqflow -g -G --tls --concat --keyring 7 --tls-key 8 -S s -C t";
        let tid: TransportId = "transport=loop;nqn=nqn.2014-08.org.example:a"
            .parse()
            .unwrap();
        let line = options(args).connect_string(&tid, ControllerClass::Io);
        assert_eq!(
            line.unwrap().expose(),
            "nqn=nqn.2014-08.org.example:a,transport=loop,nr_io_queues=4,nr_write_queues=1,nr_poll_queues=2,queue_size=128,keep_alive_tmo=5,reconnect_delay=10,ctrl_loss_tmo=-1,fast_io_fail_tmo=16,tos=3,duplicate_connect,disable_sqflow,hdr_digest,data_digest,tls,concat,keyring=7,tls_key=8,dhchap_secret=s,dhchap_ctrl_secret=t"
        );
    }

    #[test]
    fn what_is_elsewhere_is_looked_up_later() {
        let options = options("--keyring .nvme --tls-key-identity id -S file:/k -C credential:c");
        let shown = options.settings();
        let shown: Vec<String> = shown.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let wanted = [
            "keyring=.nvme",
            "tls-key-identity=id",
            "kxchap-secret=file:/k",
            "kxchap-ctrl-secret=credential:c",
        ];
        assert_eq!(shown, wanted);
        assert!(Line::try_parse_from(["x", "-S", "file:k"]).is_err());
    }
}
