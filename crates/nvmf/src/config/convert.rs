//! From the older formats to the configuration.

use std::path::{Path, PathBuf};

use nvmf_types::Origin;
use nvmf_types::config::legacy::{LegacyHost, by_host, parse_config_json, parse_discovery_conf};
use nvmf_types::config::{Added, ChangedFile, EditError, Edits, Problem, Problems};
use rustix::fs::RenameFlags;
use rustix::io::Errno;

use super::edit::{Edited, Writer, folder, preview};
use super::edit_error::{WriteError, io};
use super::load::read_optional;
use super::{FileError, FileErrorKind, LoadError};
use crate::Root;
use crate::replace::{open_dir, sync_dir};

/// A format that is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyFormat {
    /// `discovery.conf`: lines of options.
    DiscoveryConf,
    /// `config.json`
    ConfigJson,
}

/// A file that is to be converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its format.
    pub format: LegacyFormat,
    /// The file.
    pub path: PathBuf,
    /// Whether it must be there, or have been converted before.
    pub needed: bool,
}

/// What came of a file.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The file.
    pub path: PathBuf,
    /// What became of each of its connections, with its place in the file.
    pub connections: Vec<(Origin, Added)>,
    /// The name that it was kept under, or would be; `None`: it stays, because there is nothing in
    /// it.
    pub kept_as: Option<PathBuf>,
}

/// What came of a conversion.
#[derive(Debug)]
pub struct Conversion {
    /// The files that were there.
    pub sources: Vec<Converted>,
    /// The files that were written, or would be.
    pub files: Vec<ChangedFile>,
    /// What is odd in the sources.
    pub warnings: Vec<Problem>,
}

/// Writes what `sources` ask for into the configuration whose main file is `file`, or
/// `/etc/nvme/nvme-fabrics.conf`, and keeps them under another name: first the one, then the other, so
/// that doing it again does what is left. What is there already is not added again. With `dry_run`
/// nothing is written.
///
/// # Errors
/// Something is wrong in one of the sources or with the outcome, and nothing was written; or a file
/// cannot be read, written or renamed.
pub fn convert(
    root: &Root,
    file: Option<&Path>,
    sources: &[Source],
    dry_run: bool,
) -> Result<Conversion, WriteError> {
    let work = Work::read(sources)?;
    if work.files.iter().all(|file| file.hosts.is_empty()) {
        return Ok(work.done(Vec::new(), Vec::new()));
    }
    if dry_run {
        let edited = preview(root, file, |edits| work.add_to(edits))?;
        return Ok(work.done(edited.value, edited.files));
    }
    let writer = Writer::lock(root, file)?;
    // by another one, while it was waited for
    let work = Work::read(sources)?;
    let Edited { value, files } = writer.edit(|edits| work.add_to(edits))?;
    let written: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    for file in work.files.iter().filter(|file| !file.hosts.is_empty()) {
        file.keep().map_err(|error| error.after(&written))?;
    }
    Ok(work.done(value, files))
}

/// What is to be done.
struct Work {
    files: Vec<SourceFile>,
    warnings: Vec<Problem>,
}

struct SourceFile {
    path: PathBuf,
    text: String,
    hosts: Vec<LegacyHost>,
    /// What it is renamed to.
    kept_as: PathBuf,
}

/// What became of each file's connections.
type Outcomes = Vec<(Vec<(Origin, Added)>, Vec<Problem>)>;

impl Work {
    /// Reads the sources that are there; everything that is wrong is said at once.
    fn read(sources: &[Source]) -> Result<Self, WriteError> {
        let (mut files, mut warnings, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for source in sources {
            let Some(text) = source.text()? else { continue };
            match source.parse(&text) {
                Ok((hosts, odd)) => {
                    warnings.extend(odd);
                    let path = source.path.clone();
                    let kept_as = free_name(&path);
                    files.push(SourceFile {
                        path,
                        text,
                        hosts,
                        kept_as,
                    });
                }
                Err(Problems(problems)) => wrong.extend(problems),
            }
        }
        if wrong.is_empty() {
            Ok(Self { files, warnings })
        } else {
            warnings.extend(wrong);
            Err(LoadError::Problems(Problems(warnings)).into())
        }
    }

    fn add_to(&self, edits: &mut Edits) -> Result<Outcomes, EditError> {
        let file = |file: &SourceFile| {
            let (mut all, mut odd) = (Vec::new(), Vec::new());
            for host in &file.hosts {
                let (added, problems) = edits.add_host(host)?;
                let origins = host.wishes.iter().map(|wish| wish.origin.clone());
                all.extend(origins.zip(added));
                odd.extend(problems);
            }
            Ok((all, odd))
        };
        self.files.iter().map(file).collect()
    }

    fn done(self, outcomes: Outcomes, files: Vec<ChangedFile>) -> Conversion {
        let mut warnings = self.warnings;
        let mut outcomes = outcomes.into_iter();
        let mut sources = Vec::new();
        for file in self.files {
            let (connections, odd) = outcomes.next().unwrap_or_default();
            warnings.extend(odd);
            sources.push(Converted {
                kept_as: (!file.hosts.is_empty()).then_some(file.kept_as),
                path: file.path,
                connections,
            });
        }
        Conversion {
            sources,
            files,
            warnings,
        }
    }
}

impl Source {
    /// Its content; `None`: it is not there, and need not be.
    fn text(&self) -> Result<Option<String>, WriteError> {
        let text = read_optional(&self.path)?;
        if text.is_none() && self.needed && !converted(&self.path, 1).exists() {
            let reason = std::io::ErrorKind::NotFound.into();
            let error = FileError::new(&self.path, FileErrorKind::Io(reason));
            return Err(LoadError::from(error).into());
        }
        Ok(text)
    }

    fn parse(&self, text: &str) -> Result<(Vec<LegacyHost>, Vec<Problem>), Problems> {
        let path = self.path.display().to_string();
        match self.format {
            LegacyFormat::DiscoveryConf => {
                let (wishes, warnings) = parse_discovery_conf(&path, text)?;
                Ok((by_host(wishes), warnings))
            }
            LegacyFormat::ConfigJson => {
                let (mut hosts, warnings) = parse_config_json(&path, text)?;
                hosts.retain(|host| !host.wishes.is_empty());
                Ok((hosts, warnings))
            }
        }
    }
}

impl SourceFile {
    /// Renames it, unless it has been changed since it was read.
    fn keep(&self) -> Result<(), WriteError> {
        if read_optional(&self.path)?.as_deref() != Some(&self.text) {
            return Err(WriteError::Changed(self.path.clone()));
        }
        let rename = || {
            let dir = open_dir(folder(&self.path))?;
            let (from, to) = (self.path.file_name(), self.kept_as.file_name());
            let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
            rustix::fs::renameat_with(&dir, from, &dir, to, RenameFlags::NOREPLACE)?;
            sync_dir(dir)
        };
        rename().map_err(|errno| match errno {
            Errno::EXIST => WriteError::Changed(self.kept_as.clone()),
            errno => io("rename", &self.path)(errno),
        })
    }
}

/// `FILE.converted`, or where there is one already with a number.
fn free_name(path: &Path) -> PathBuf {
    let mut names = (1..).map(|number| converted(path, number));
    let free = |name: &PathBuf| name.symlink_metadata().is_err();
    names.find(free).unwrap_or_default()
}

fn converted(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".converted");
    if number > 1 {
        name.push(format!(".{number}"));
    }
    name.into()
}
