//! `nvmf registry gc`

use clap::Args;
use nvmf::Root;
use nvmf::registry::{Collected, Registry};
use nvmf_types::DeviceName;
use serde::Serialize;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::commands::join;
use crate::output::Output;

/// Remove what dead controllers and killed writers left behind
///
/// Entries of controllers that are there stay, and so does what is younger than a minute and may
/// be another tool's work in progress.
#[derive(Debug, Args)]
pub(crate) struct Gc {
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    stale: Vec<DeviceName>,
    leftovers: usize,
    young: usize,
}

impl Gc {
    #[expect(clippy::unused_self, reason = "the form of every command")]
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let Collected {
            stale,
            leftovers,
            young,
            ..
        } = Registry::open(root).collect_garbage()?;
        let report = Report {
            stale,
            leftovers,
            young,
        };
        out.result(&report, render)?;
        Ok(Outcome::Done)
    }
}

fn render(report: &Report) -> String {
    let mut lines = Vec::new();
    match report.stale.len() {
        0 => {}
        1 => lines.push(format!("removed 1 stale entry: {}", join(&report.stale))),
        n => lines.push(format!(
            "removed {n} stale entries: {}",
            join(&report.stale)
        )),
    }
    let leftovers = |n| match n {
        1 => "1 leftover".to_owned(),
        n => format!("{n} leftovers"),
    };
    if report.leftovers > 0 {
        let count = leftovers(report.leftovers);
        lines.push(format!("removed {count} of killed writers"));
    }
    if lines.is_empty() {
        lines.push("nothing to remove".to_owned());
    }
    if report.young > 0 {
        let count = leftovers(report.young);
        lines.push(format!(
            "left {count} younger than a minute, maybe somebody's work in progress"
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    fn gc(host: &FakeHost, format: Format) -> String {
        let mut out = Output::captured(format, false);
        let output = FakeHost::output_args();
        let outcome = Gc { output }.run(&host.root(), &mut out).unwrap();
        assert_eq!(outcome, Outcome::Done);
        out.stdout().to_owned()
    }

    #[test]
    fn what_went_and_what_stays() {
        let host = FakeHost::new();
        assert_eq!(gc(&host, Format::Normal), "nothing to remove\n");
        for device in ["nvme2", "nvme3", "nvme10"] {
            host.tcp(device, "nqn.2014-08.org.example:a");
            host.own(device, "me");
        }
        assert_eq!(gc(&host, Format::Normal), "nothing to remove\n");
        host.remove("nvme2");
        host.remove("nvme10");
        host.file("run/nvme/registry/.nvme3.tmp.abcdef/owner", "half\n");
        assert_eq!(
            gc(&host, Format::Normal),
            "removed 2 stale entries: nvme2, nvme10\n\
             left 1 leftover younger than a minute, maybe somebody's work in progress\n"
        );
        assert_eq!(host.owner("nvme3").unwrap(), "me");
        host.remove("nvme3");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&gc(&host, Format::Json)).unwrap(),
            serde_json::json!({"stale": ["nvme3"], "leftovers": 0, "young": 1})
        );
    }

    #[test]
    fn counted_in_words() {
        let report = |stale: &[u32], leftovers, young| {
            render(&Report {
                stale: stale.iter().copied().map(DeviceName::from_number).collect(),
                leftovers,
                young,
            })
        };
        assert_eq!(report(&[3], 0, 0), "removed 1 stale entry: nvme3");
        assert_eq!(report(&[], 1, 0), "removed 1 leftover of killed writers");
        assert!(report(&[], 0, 2).starts_with("nothing to remove\nleft 2 leftovers younger"));
    }
}
