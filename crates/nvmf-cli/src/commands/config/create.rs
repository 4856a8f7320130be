//! `nvmf config create`

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::bail;
use clap::Args;
use nvmf::Root;
use nvmf::config::{Edited, WriteError, edit};
use nvmf_types::config::{Added, EditError, Persistence, Persona, Wish};
use nvmf_types::{ControllerClass, HostIdentity, Nqn, Origin};
use serde::Serialize;

use super::problems;
use crate::args::{OutputArgs, TargetArgs, TunableArgs};
use crate::cli::{Outcome, Usage};
use crate::output::Output;

/// Add a connection, or a host, to the configuration
///
/// What stands there stays as it is, to the byte; a further path to a subsystem joins the section of
/// that. A host of its own (-q, -I) has a drop-in of its own, which is made if need be. What is
/// there already is not added again. What holds secrets is only written where nobody else can read
/// it; better write -S file:/path, because arguments can be seen by others.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nvmf config create -t tcp -a 192.0.2.10 --discovery\n  nvmf config create -t tcp -a 192.0.2.20 -n nqn.2014-08.org.example:volume1 -l 600\n  nvmf config create -q nqn.2014-08.org.example:lab -I f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
)]
pub(crate) struct Create {
    /// Add a discovery controller; -n may be left out then
    #[arg(long)]
    discovery: bool,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    tunables: TunableArgs,
    /// Whether the discovery controller stays connected; auto: as it wishes
    #[arg(short, long, value_name = "no|auto|force", num_args = 0..=1, require_equals = true,
          default_missing_value = "force")]
    persistent: Option<Persistence>,
    /// What people call the host of -q, for a host that is new
    #[arg(long, alias = "hostsymname", value_name = "NAME", requires = "hostnqn")]
    host_symname: Option<String>,
    /// Write into the drop-in NAME.conf
    #[arg(short = 'N', long, value_name = "NAME")]
    drop_in: Option<DropInName>,
    /// Configuration to write to [default: /etc/nvme/nvme-fabrics.conf]
    #[arg(short = 'J', long, alias = "output", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    file: String,
    line: usize,
    /// `added` or `already-there`
    outcome: &'static str,
}

/// A drop-in's name: `[A-Za-z0-9_-]+`.
#[derive(Clone, Debug)]
struct DropInName(String);

impl FromStr for DropInName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if (1..=200).contains(&text.len()) && text.bytes().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        let text = text.escape_debug();
        Err(format!(
            "`{text}` is no name of a drop-in: expected A-Z a-z 0-9 _ -"
        ))
    }
}

impl Create {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let drop_in = self.drop_in.as_ref().map(|name| name.0.as_str());
        let edited = match self.persona()? {
            Some(persona) => self.edit(root, |edits| edits.add_persona(&persona, drop_in)),
            None => {
                let wish = self.wish()?;
                self.edit(root, |edits| {
                    if self.host_symname.is_some() {
                        let _ = edits.add_persona(&self.host(), drop_in)?;
                    }
                    edits.add(&wish, drop_in)
                })
            }
        };
        match edited {
            Ok(edited) => report(edited.value, out),
            Err(error) => problems::rejected(out, "config create", error),
        }
    }

    fn edit(
        &self,
        root: &Root,
        change: impl FnOnce(&mut nvmf_types::config::Edits) -> Result<Added, EditError>,
    ) -> Result<Edited<Added>, WriteError> {
        edit(root, self.config.as_deref(), change)
    }

    /// The host that is to be added, if no connection is.
    fn persona(&self) -> anyhow::Result<Option<Persona>> {
        let target = &self.target;
        let connects =
            target.transport.is_some() || target.traddr.is_some() || target.nqn.is_some();
        if connects || self.discovery || target.hostnqn.is_none() {
            return Ok(None);
        }
        if !self.tunables.given().is_empty() || self.persistent.is_some() {
            bail!(Usage(
                "options need a connection: give -t and -a, and -n or --discovery".to_owned()
            ));
        }
        Ok(Some(self.host()))
    }

    fn host(&self) -> Persona {
        Persona {
            identity: HostIdentity {
                hostnqn: self.target.hostnqn.clone(),
                hostid: self.target.hostid,
            },
            hostsymname: self.host_symname.clone(),
            secret: None,
        }
    }

    fn wish(&self) -> anyhow::Result<Wish> {
        let nqn = self.target.nqn.as_ref();
        let class = match nqn.is_some_and(Nqn::is_discovery) || self.discovery {
            true => ControllerClass::Discovery,
            false => ControllerClass::Io,
        };
        if nqn.is_none() && class == ControllerClass::Io {
            bail!(Usage(
                "give the name of the subsystem with -n, or --discovery".to_owned()
            ));
        }
        if self.persistent.is_some() && class == ControllerClass::Io {
            bail!(Usage(
                "--persistent is for discovery controllers".to_owned()
            ));
        }
        let mut wish = Wish::new(class, Origin::new("command line", 1));
        let options = self.tunables.given().into_iter();
        let options = options.map(|(key, value)| (key, Some(value)));
        for (key, value) in self.target.fields().into_iter().chain(options) {
            let value = value.unwrap_or_default();
            wish.set(key, &value).map_err(|e| Usage(e.to_string()))?;
        }
        wish.persistent = self.persistent;
        match wish.problems().first() {
            Some(problem) => bail!(Usage(problem.to_string())),
            None => Ok(wish),
        }
    }
}

fn report(added: Added, out: &mut Output) -> anyhow::Result<Outcome> {
    let (outcome, origin, same_options) = match added {
        Added::Added(origin) => ("added", origin, true),
        Added::AlreadyThere {
            origin,
            same_options,
        } => ("already-there", origin, same_options),
    };
    if !same_options {
        bail!("{origin} has this connection with other options: change them there");
    }
    let report = Report {
        file: origin.file,
        line: origin.line,
        outcome,
    };
    out.result(
        &report,
        |Report {
             file,
             line,
             outcome,
         }| match *outcome {
            "added" => format!("added {file}:{line}"),
            _ => format!("already there: {file}:{line}"),
        },
    )?;
    Ok(Outcome::Done)
}
