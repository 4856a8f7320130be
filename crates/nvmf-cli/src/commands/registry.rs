//! `nvmf registry`

use std::collections::BTreeMap;
use std::io::IsTerminal;

use anyhow::bail;
use clap::{Args, Subcommand};
use nvmf::Root;
use nvmf::registry;
use nvmf_types::{AttrName, DeviceName};
use serde::Serialize;

mod reap;

use self::reap::Reap;
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::{Output, clean};
use crate::prompt;

/// Show and change who owns which controller
///
/// The registry is what tools on this host tell each other: a controller without an owner there is
/// anybody's.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    List(List),
    Retrieve(Retrieve),
    Update(Update),
    Delete(Delete),
    Reap(Reap),
}

/// List all entries
#[derive(Debug, Args)]
#[command(after_help = "With -v entries of controllers that are gone are shown too.")]
pub(crate) struct List {
    #[command(flatten)]
    output: OutputArgs,
}

/// Print one attribute
#[derive(Debug, Args)]
pub(crate) struct Retrieve {
    /// The controller: nvme3 or /dev/nvme3
    device: DeviceName,
    /// The attribute, such as owner
    #[arg(short, long)]
    attribute: AttrName,
    #[command(flatten)]
    output: OutputArgs,
}

/// Set one attribute
#[derive(Debug, Args)]
#[command(after_help = "Changing an owner asks on a terminal.")]
pub(crate) struct Update {
    /// The controller: nvme3 or /dev/nvme3
    device: DeviceName,
    /// The attribute, such as owner
    #[arg(short, long)]
    attribute: AttrName,
    /// Its new value: one line of text
    #[arg(short = 'V', long, allow_hyphen_values = true)]
    value: String,
    #[command(flatten)]
    output: OutputArgs,
}

/// Delete one attribute, or a whole entry
#[derive(Debug, Args)]
#[command(after_help = "Deleting an owner asks on a terminal. The controller stays connected.")]
pub(crate) struct Delete {
    /// The controller: nvme3 or /dev/nvme3
    device: DeviceName,
    /// The attribute; without it the whole entry goes
    #[arg(short, long)]
    attribute: Option<AttrName>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What `list -o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    device: DeviceName,
    stale: bool,
    attributes: BTreeMap<String, String>,
}

/// What `retrieve -o json` and `update -o json` show.
#[derive(Debug, Serialize)]
struct Attribute<'a> {
    device: &'a DeviceName,
    attribute: &'a AttrName,
    value: String,
}

/// What `delete -o json` shows.
#[derive(Debug, Serialize)]
struct Deleted<'a> {
    device: &'a DeviceName,
    attribute: Option<&'a AttrName>,
}

impl Registry {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let registry = registry::Registry::open(root);
        match self {
            Self::List(_) => list(&registry, out),
            Self::Retrieve(args) => args.run(&registry, out),
            Self::Update(args) => args.run(&registry, out, prompt::confirm),
            Self::Delete(args) => args.run(&registry, out, prompt::confirm),
            Self::Reap(args) => args.run(&registry, out),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::List(_) => "registry list",
            Self::Retrieve(_) => "registry retrieve",
            Self::Update(_) => "registry update",
            Self::Delete(_) => "registry delete",
            Self::Reap(_) => "registry reap",
        }
    }

    /// Whether it takes root.
    pub(crate) const fn changes(&self) -> bool {
        matches!(self, Self::Update(_) | Self::Delete(_) | Self::Reap(_))
    }

    pub(crate) const fn output(&self) -> &OutputArgs {
        match self {
            Self::List(args) => &args.output,
            Self::Retrieve(args) => &args.output,
            Self::Update(args) => &args.output,
            Self::Delete(args) => &args.output,
            Self::Reap(args) => args.output(),
        }
    }
}

fn list(registry: &registry::Registry, out: &mut Output) -> anyhow::Result<Outcome> {
    let entries = match out.verbose() {
        true => registry.all_entries()?,
        false => registry.entries()?,
    };
    let entries = entries.into_iter().map(|entry| Entry {
        device: entry.device,
        stale: entry.stale,
        attributes: entry.attributes,
    });
    let report = Report {
        entries: entries.collect(),
    };
    out.result(&report, render)?;
    Ok(Outcome::Done)
}

/// The device on a line, then its attributes, indented.
fn render(report: &Report) -> String {
    let mut lines = Vec::new();
    for entry in &report.entries {
        let stale = if entry.stale { " (stale)" } else { "" };
        lines.push(format!("{}{stale}", entry.device));
        for (attribute, value) in &entry.attributes {
            lines.push(format!("  {attribute:12} {}", clean(value)));
        }
    }
    lines.join("\n")
}

impl Retrieve {
    fn run(&self, registry: &registry::Registry, out: &mut Output) -> anyhow::Result<Outcome> {
        let (device, attribute) = (&self.device, &self.attribute);
        let Some(value) = registry.attribute(device, attribute)? else {
            bail!("{device} has no attribute `{attribute}`: see nvmf registry list");
        };
        let report = Attribute {
            device,
            attribute,
            value,
        };
        out.result(&report, |report| match std::io::stdout().is_terminal() {
            true => clean(&report.value).into_owned(),
            false => report.value.clone(),
        })?;
        Ok(Outcome::Done)
    }
}

/// Asks the person, if there is one.
type Confirm = fn(&str) -> anyhow::Result<bool>;

impl Update {
    fn run(
        &self,
        registry: &registry::Registry,
        out: &mut Output,
        confirm: Confirm,
    ) -> anyhow::Result<Outcome> {
        let (device, attribute) = (&self.device, &self.attribute);
        if is_owner(attribute)
            && let Some(owner) = registry.owner(device)?
            && owner.as_str() != self.value
            && !confirm(&format!("{device} is owned by {owner}. Change its owner?"))?
        {
            return unchanged(out, "update");
        }
        registry.set(device, attribute, &self.value)?;
        let value = self.value.clone();
        out.result(
            &Attribute {
                device,
                attribute,
                value,
            },
            |_| String::new(),
        )?;
        Ok(Outcome::Done)
    }
}

impl Delete {
    fn run(
        &self,
        registry: &registry::Registry,
        out: &mut Output,
        confirm: Confirm,
    ) -> anyhow::Result<Outcome> {
        let (device, attribute) = (&self.device, self.attribute.as_ref());
        if attribute.is_none_or(is_owner)
            && let Some(owner) = registry.owner(device)?
            && !confirm(&format!("{device} is owned by {owner}. Delete its owner?"))?
        {
            return unchanged(out, "delete");
        }
        match attribute {
            Some(attribute) => registry.remove(device, attribute)?,
            None => registry.delete(device)?,
        }
        out.result(&Deleted { device, attribute }, |_| String::new())?;
        Ok(Outcome::Done)
    }
}

fn is_owner(attribute: &AttrName) -> bool {
    attribute.as_str() == "owner"
}

fn unchanged(out: &mut Output, command: &str) -> anyhow::Result<Outcome> {
    out.diagnostic(&format!("nvmf: registry {command}: nothing was changed"));
    Ok(Outcome::Incomplete)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    fn host() -> FakeHost {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.own("nvme3", "discoverd");
        host
    }

    fn retrieve(host: &FakeHost, attribute: &str) -> anyhow::Result<String> {
        let mut out = Output::captured(Format::Normal, false);
        let command = Retrieve {
            device: "nvme3".parse().unwrap(),
            attribute: attribute.parse().unwrap(),
            output: FakeHost::output_args(),
        };
        let _ = command.run(&registry::Registry::open(&host.root()), &mut out)?;
        Ok(out.stdout().to_owned())
    }

    fn update(host: &FakeHost, attribute: &str, value: &str, confirm: Confirm) -> Outcome {
        let mut out = Output::captured(Format::Normal, false);
        let command = Update {
            device: "nvme3".parse().unwrap(),
            attribute: attribute.parse().unwrap(),
            value: value.to_owned(),
            output: FakeHost::output_args(),
        };
        let registry = registry::Registry::open(&host.root());
        command.run(&registry, &mut out, confirm).unwrap()
    }

    fn delete(
        host: &FakeHost,
        attribute: Option<&str>,
        confirm: Confirm,
    ) -> anyhow::Result<Outcome> {
        let mut out = Output::captured(Format::Normal, false);
        let command = Delete {
            device: "nvme3".parse().unwrap(),
            attribute: attribute.map(|a| a.parse().unwrap()),
            output: FakeHost::output_args(),
        };
        command.run(&registry::Registry::open(&host.root()), &mut out, confirm)
    }

    const NOBODY_ASKED: Confirm = |question| panic!("asked: {question}");
    const YES: Confirm = |_| Ok(true);
    const NO: Confirm = |_| Ok(false);

    #[test]
    fn listing() {
        let host = host();
        let _ = update(&host, "a-long-attribute", "x y", NOBODY_ASKED);
        let mut out = Output::captured(Format::Normal, false);
        let registry = registry::Registry::open(&host.root());
        let _ = list(&registry, &mut out).unwrap();
        let mut lines: Vec<&str> = out.stdout().lines().collect();
        lines.retain(|l| !l.contains("seqnum") && !l.contains("sysfs-ino"));
        assert_eq!(
            lines,
            [
                "nvme3",
                "  a-long-attribute x y",
                "  owner        discoverd"
            ]
        );

        let mut out = Output::captured(Format::Json, false);
        let _ = list(&registry, &mut out).unwrap();
        let json: serde_json::Value = serde_json::from_str(out.stdout()).unwrap();
        assert_eq!(json["entries"][0]["device"], "nvme3");
        assert_eq!(json["entries"][0]["stale"], false);
        assert_eq!(json["entries"][0]["attributes"]["owner"], "discoverd");
    }

    #[test]
    fn values_come_back_as_they_were() {
        let host = host();
        assert_eq!(retrieve(&host, "owner").unwrap(), "discoverd\n");
        assert_eq!(
            update(&host, "note", " \"a\" ", NOBODY_ASKED),
            Outcome::Done
        );
        assert_eq!(retrieve(&host, "note").unwrap(), " \"a\" \n");
        let error = retrieve(&host, "nothing").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("nvme3 has no attribute `nothing`")
        );
    }

    #[test]
    fn owners_are_changed_after_a_question() {
        let host = host();
        assert_eq!(update(&host, "owner", "me", NO), Outcome::Incomplete);
        assert_eq!(retrieve(&host, "owner").unwrap(), "discoverd\n");
        assert_eq!(update(&host, "owner", "me", YES), Outcome::Done);
        assert_eq!(update(&host, "owner", "me", NOBODY_ASKED), Outcome::Done);
        assert_eq!(retrieve(&host, "owner").unwrap(), "me\n");
    }

    #[test]
    fn deleting() {
        let host = host();
        assert_eq!(delete(&host, None, NO).unwrap(), Outcome::Incomplete);
        assert_eq!(
            delete(&host, Some("owner"), NO).unwrap(),
            Outcome::Incomplete
        );
        assert!(delete(&host, Some("nothing"), NOBODY_ASKED).is_err());
        assert_eq!(delete(&host, Some("owner"), YES).unwrap(), Outcome::Done);
        assert!(retrieve(&host, "owner").is_err());
        host.own("nvme3", "discoverd");
        assert_eq!(delete(&host, None, YES).unwrap(), Outcome::Done);
        assert!(delete(&host, None, NOBODY_ASKED).is_err(), "nothing left");
    }
}
