//! What became of each target.

use nvmf_types::{ControllerClass, DeviceName, Owner};
use serde::Serialize;

use crate::cli::Outcome as Exit;
use crate::commands::ownership;
use crate::table;
use crate::walk::{Outcome, Target, Walker};

/// What `-o json` shows.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    targets: Vec<Row>,
    counts: Counts,
    /// What could not even be tried.
    problems: Vec<String>,
    #[serde(skip)]
    incomplete: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row {
    outcome: Word,
    device: Option<DeviceName>,
    owner: Option<Owner>,
    #[serde(rename = "is_dc")]
    is_dc: bool,
    transport: Option<&'static str>,
    traddr: Option<String>,
    trsvcid: Option<String>,
    nqn: Option<String>,
    host_traddr: Option<String>,
    host_iface: Option<String>,
    source: String,
    /// Entries of its log page.
    entries: Option<usize>,
    excluded_by: Option<String>,
    error: Option<String>,
    notes: Vec<String>,
}

/// An outcome in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Connected,
    Asked,
    AlreadyConnected,
    Excluded,
    Foreign,
    Failed,
    Interrupted,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Counts {
    connected: usize,
    asked: usize,
    already_connected: usize,
    excluded: usize,
    foreign: usize,
    failed: usize,
    interrupted: usize,
}

impl Report {
    pub(super) fn new(walker: &Walker, problems: Vec<String>) -> Self {
        let mut report = Self {
            targets: Vec::new(),
            counts: Counts::default(),
            incomplete: !problems.is_empty(),
            problems,
        };
        for target in walker.targets() {
            let row = Row::new(target);
            report.counts.add(row.outcome);
            report.incomplete |= row.outcome == Word::Failed
                || !row.notes.is_empty()
                || (row.outcome == Word::Foreign && target.wish().typed);
            report.targets.push(row);
        }
        report
    }

    pub(super) fn exit(&self, interrupted: bool) -> Exit {
        match self.incomplete {
            _ if interrupted => Exit::Interrupted,
            true => Exit::Incomplete,
            false => Exit::Done,
        }
    }

    pub(super) fn render(&self) -> String {
        if self.targets.is_empty() {
            return String::new();
        }
        let header = [
            "OUTCOME",
            "DEVICE",
            "TRANSPORT",
            "TRADDR",
            "TRSVCID",
            "NQN",
            "DETAIL",
        ];
        let rows = self.targets.iter().map(Row::cells).collect();
        let mut lines = table::lines(header, rows);
        lines.push(self.counts.to_string());
        lines.join("\n")
    }
}

impl Row {
    fn new(target: &Target) -> Self {
        let (wish, tid) = (target.wish(), target.tid());
        let mut row = Self {
            outcome: Word::Interrupted,
            device: None,
            owner: None,
            is_dc: wish.class == ControllerClass::Discovery,
            transport: tid.map(|tid| tid.transport.as_str()),
            traddr: tid.and_then(|tid| Some(tid.traddr.as_ref()?.to_string())),
            trsvcid: tid.and_then(|tid| Some(tid.trsvcid?.to_string())),
            nqn: tid.map(|tid| tid.nqn.to_string()),
            host_traddr: tid.and_then(|tid| Some(tid.host_traddr.as_ref()?.to_string())),
            host_iface: tid.and_then(|tid| tid.host_iface.clone()),
            source: wish.source.clone(),
            entries: target.log().map(|log| log.entries.len()),
            excluded_by: None,
            error: None,
            notes: target.notes().to_vec(),
        };
        match target.outcome() {
            Some(Outcome::Connected { device, owner }) => {
                row.outcome = Word::Connected;
                (row.device, row.owner) = (Some(device.clone()), owner.clone());
            }
            Some(Outcome::AlreadyConnected { device, owner }) => {
                row.outcome = Word::AlreadyConnected;
                (row.device, row.owner) = (Some(device.clone()), owner.clone());
            }
            Some(Outcome::Foreign { device, owner }) => {
                row.outcome = Word::Foreign;
                (row.device, row.owner) = (Some(device.clone()), Some(owner.clone()));
            }
            Some(Outcome::Asked) => row.outcome = Word::Asked,
            Some(Outcome::Excluded(origin)) => {
                row.outcome = Word::Excluded;
                row.excluded_by = Some(origin.to_string());
            }
            Some(Outcome::Failed(reason)) => {
                row.outcome = Word::Failed;
                row.error = Some(reason.clone());
            }
            Some(Outcome::Interrupted) | None => {}
        }
        row
    }

    fn cells(&self) -> [String; 7] {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let device = self.device.as_ref().map(DeviceName::to_string);
        [
            self.outcome.text().to_owned(),
            device.unwrap_or_default(),
            self.transport.unwrap_or_default().to_owned(),
            text(&self.traddr),
            text(&self.trsvcid),
            text(&self.nqn),
            self.detail(),
        ]
    }

    fn detail(&self) -> String {
        let mut parts = Vec::new();
        match self.outcome {
            Word::AlreadyConnected => parts.push(ownership(self.owner.as_ref())),
            Word::Connected | Word::Foreign if self.owner.is_some() => {
                parts.push(ownership(self.owner.as_ref()));
            }
            Word::Asked => parts.push("disconnected again".to_owned()),
            Word::Interrupted => parts.push("not tried".to_owned()),
            _ => {}
        }
        parts.extend(self.excluded_by.as_ref().map(|by| format!("by {by}")));
        parts.extend(self.error.clone());
        match self.entries {
            Some(1) => parts.push("1 entry".to_owned()),
            Some(entries) => parts.push(format!("{entries} entries")),
            None => {}
        }
        parts.join(", ")
    }
}

impl Word {
    const fn text(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Asked => "asked",
            Self::AlreadyConnected => "already connected",
            Self::Excluded => "excluded",
            Self::Foreign => "foreign",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Counts {
    const fn add(&mut self, word: Word) {
        let count = match word {
            Word::Connected => &mut self.connected,
            Word::Asked => &mut self.asked,
            Word::AlreadyConnected => &mut self.already_connected,
            Word::Excluded => &mut self.excluded,
            Word::Foreign => &mut self.foreign,
            Word::Failed => &mut self.failed,
            Word::Interrupted => &mut self.interrupted,
        };
        *count += 1;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = [
            (self.connected, Word::Connected),
            (self.asked, Word::Asked),
            (self.already_connected, Word::AlreadyConnected),
            (self.excluded, Word::Excluded),
            (self.foreign, Word::Foreign),
            (self.failed, Word::Failed),
            (self.interrupted, Word::Interrupted),
        ];
        let counted = counts.iter().filter(|(count, _)| *count > 0);
        let texts: Vec<String> = counted
            .map(|(count, word)| format!("{count} {}", word.text()))
            .collect();
        f.write_str(&texts.join(", "))
    }
}
