//! `nvmf config show`

mod view;

use std::path::PathBuf;

use clap::Args;
use nvmf::Root;

use super::verdict::Verdict;
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;
use view::View;

/// Show what would be connected
///
/// Each value with the line of the file that it comes from; what is not shown is left to the kernel.
/// Nothing is connected and no host name is looked up.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The main file; its drop-ins are FILE.d/*.conf [default: /etc/nvme/nvme-fabrics.conf]
    #[arg(short = 'J', long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Show secrets as they are, not `***`
    #[arg(long)]
    show_secrets: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Show {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let verdict = Verdict::of(root, self.config.as_deref());
        verdict.tell(out);
        let Some(loaded) = &verdict.loaded else {
            let counts = verdict.counts();
            out.diagnostic(&format!(
                "nvmf: config show: nothing is connected: {counts}"
            ));
            return Ok(Outcome::Incomplete);
        };
        let view = View::of(root, &loaded.config, self.show_secrets);
        out.result(&view, View::text)?;
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    const ID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    fn host() -> FakeHost {
        let host = FakeHost::new();
        let main = format!(
            "[Host]\nkxchap-secret = {SECRET}\nkxchap-ctrl-secret = file:/k\n[I/O Controller Defaults]\nqueue-size = 64\ntos = 1\n\
             [Discovery Controller]\npersistent = force\ncontroller = transport=tcp;traddr=dc.example\n"
        );
        host.file("etc/nvme/nvme-fabrics.conf", &main);
        let persona = format!(
            "[Host]\nhostnqn = nqn.2014-08.org.example:p\nhostid = {ID}\nhostsymname = lab\n\
             [Subsystem]\nnqn = nqn.2014-08.org.example:a\nqueue-size =\nhdr-digest = yes\n\
             controller = transport=tcp;traddr=fe80::1%eth0;trsvcid=4421;ctrl-loss-tmo=-1\n"
        );
        host.file("etc/nvme/nvme-fabrics.conf.d/p.conf", &persona);
        host.file("etc/nvme/hostnqn", "nqn.2014-08.org.example:h\n");
        host.file("k", SECRET);
        host
    }

    fn show(host: &FakeHost, args: &[&str], format: Format) -> String {
        let mut out = Output::captured(format, false);
        let outcome = parse::<Show>(args).run(&host.root(), &mut out).unwrap();
        outcome.expect_done();
        host.relative(out.stdout())
    }

    #[test]
    fn each_value_with_its_origin() {
        let text = show(&host(), &[], Format::Normal);
        let main = "/etc/nvme/nvme-fabrics.conf";
        let drop_in = "/etc/nvme/nvme-fabrics.conf.d/p.conf";
        let words: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            words,
            [
                format!("discovery controller {main}:9"),
                format!("transport tcp {main}:9"),
                format!("traddr dc.example {main}:9"),
                format!("nqn nqn.2014-08.org.nvmexpress.discovery {main}:7"),
                "hostnqn nqn.2014-08.org.example:h /etc/nvme/hostnqn:1".to_owned(),
                format!("kxchap-ctrl-secret file:/k {main}:3"),
                format!("kxchap-secret *** {main}:2"),
                format!("persistent force {main}:8"),
                String::new(),
                format!("I/O controller {drop_in}:9"),
                format!("transport tcp {drop_in}:9"),
                format!("traddr fe80::1%eth0 {drop_in}:9"),
                format!("trsvcid 4421 {drop_in}:9"),
                format!("nqn nqn.2014-08.org.example:a {drop_in}:6"),
                format!("hostnqn nqn.2014-08.org.example:p {drop_in}:2"),
                format!("hostid {ID} {drop_in}:3"),
                format!("hostsymname lab {drop_in}:4"),
                format!("ctrl-loss-tmo -1 {drop_in}:9"),
                format!("hdr-digest yes {drop_in}:8"),
                format!("queue-size (kernel's default) {drop_in}:7"),
                format!("tos 1 {main}:6"),
            ]
        );
    }

    #[test]
    fn json_has_the_keys_that_others_know() {
        let host = host();
        let text = show(&host, &[], Format::Json);
        assert!(!text.contains("AAEC"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let main = "/etc/nvme/nvme-fabrics.conf";
        assert_eq!(
            json["connections"][0],
            serde_json::json!({
                "source": format!("{main}:9"), "is_dc": true, "transport": "tcp", "traddr": "dc.example",
                "trsvcid": null, "nqn": "nqn.2014-08.org.nvmexpress.discovery", "host-traddr": null,
                "host-iface": null, "hostnqn": "nqn.2014-08.org.example:h", "hostid": null,
                "hostsymname": null,
                "params": {"persistent": "force", "kxchap-secret": "***", "kxchap-ctrl-secret": "file:/k"},
                "origins": {
                    "transport": format!("{main}:9"), "traddr": format!("{main}:9"), "nqn": format!("{main}:7"),
                    "hostnqn": "/etc/nvme/hostnqn:1", "persistent": format!("{main}:8"),
                    "kxchap-secret": format!("{main}:2"), "kxchap-ctrl-secret": format!("{main}:3"),
                },
            })
        );
        let params = serde_json::json!({"queue-size": null, "ctrl-loss-tmo": -1, "tos": 1, "hdr-digest": true});
        assert_eq!(json["connections"][1]["params"], params);
        assert_eq!(json["connections"][1]["hostsymname"], "lab");
        assert!(show(&host, &["--show-secrets"], Format::Json).contains(SECRET));
        assert!(show(&host, &["--show-secrets"], Format::Normal).contains(SECRET));
    }

    #[test]
    fn nothing_is_shown_of_what_is_wrong() {
        let host = FakeHost::new();
        host.file("etc/nvme/nvme-fabrics.conf", "junk\n");
        let mut out = Output::captured(Format::Normal, false);
        let outcome = parse::<Show>(&[]).run(&host.root(), &mut out).unwrap();
        assert_eq!((outcome, out.stdout()), (Outcome::Incomplete, ""));
        assert!(out.stderr().ends_with("nothing is connected: 1 error\n"));
    }
}
