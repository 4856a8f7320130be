//! The status as people see it, whatever it is drawn on.

use std::net::IpAddr;
use std::time::Duration;

use nvmf_types::{ControllerClass, ControllerState};

use super::super::list::address_text;
use super::view::{Row, View};
use crate::output::clean;

/// What is shown, however: no text in it can harm a terminal.
#[derive(Debug)]
pub(crate) struct Page {
    /// `5 desired: 4 connected, 1 retrying`
    pub(crate) sums: String,
    pub(crate) rows: Vec<Shown>,
    /// What needs a person.
    pub(crate) problems: Vec<String>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Shown {
    /// One for each of [`HEADER`].
    pub(crate) cells: [String; 6],
    pub(crate) mood: Mood,
    /// What a table has no room for, a line each.
    pub(crate) details: Vec<String>,
}

/// How much of somebody's attention it deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// As somebody wants it.
    Quiet,
    /// In between, and likely to go on by itself.
    Doubtful,
    Bad,
}

/// The columns.
pub(crate) const HEADER: [&str; 6] = ["SUBSYSTEM", "ADDRESS", "STATE", "OWNER", "DEVICE", "WHY"];

impl Page {
    /// Of a status; `kernel` is asked about each controller.
    pub(crate) fn new(view: &View, kernel: impl Fn(&Row) -> Option<ControllerState>) -> Self {
        let rows = view.connections.iter();
        let mut rows: Vec<(&Row, String)> =
            rows.map(|row| (row, state(row, kernel(row)))).collect();
        rows.sort_by_cached_key(|(row, _)| order(row));
        let problem = |problem: &String| {
            let text = problem.lines().map(clean).collect::<Vec<_>>();
            format!("problem: {}", text.join("\n  "))
        };
        Self {
            sums: sums(&rows),
            problems: view.problems.iter().map(problem).collect(),
            rows: rows
                .iter()
                .map(|(row, state)| Shown::new(row, state))
                .collect(),
        }
    }
}

impl Shown {
    fn new(row: &Row, state: &str) -> Self {
        let cells = [
            row.nqn.clone(),
            address_text(row.traddr.as_deref(), row.trsvcid.as_deref()),
            state.to_owned(),
            row.owner.clone().unwrap_or_default(),
            row.device.clone().unwrap_or_default(),
            why(row),
        ];
        Self {
            cells: cells.map(|cell| clean(&cell).into_owned()),
            mood: Mood::of(state),
            details: details(row),
        }
    }
}

impl Mood {
    fn of(state: &str) -> Self {
        match state {
            "connected" | "foreign" | "idle" => Self::Well,
            "excluded" => Self::Quiet,
            "retrying" | "gave-up" => Self::Bad,
            _ => Self::Doubtful,
        }
    }
}

/// What somebody asks for first; discovery controllers first; the paths of one subsystem together.
fn order(row: &Row) -> impl Ord + use<> {
    let address = row.traddr.clone().unwrap_or_default();
    let port = row.trsvcid.as_deref().and_then(|port| port.parse().ok());
    (
        row.sources.is_empty(),
        row.class() == ControllerClass::Io,
        row.nqn.clone(),
        row.transport.clone(),
        // numbers as numbers
        address.parse::<IpAddr>().ok(),
        address,
        port.unwrap_or(0_u16),
        row.device.clone(),
    )
}

/// `5 desired: 4 connected, 1 retrying; 1 more not asked for`
fn sums(rows: &[(&Row, String)]) -> String {
    let (desired, others): (Vec<_>, Vec<_>) =
        rows.iter().partition(|(row, _)| !row.sources.is_empty());
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (_, state) in &desired {
        match counts.iter_mut().find(|(name, _)| name == state) {
            Some((_, count)) => *count += 1,
            None => counts.push((state, 1)),
        }
    }
    // What is well first, then the words' order.
    counts.sort_by_key(|(state, _)| (*state != "connected", *state));
    let mut text = format!("{} desired", desired.len());
    for (index, (state, count)) in counts.iter().enumerate() {
        let separator = if index == 0 { ": " } else { ", " };
        text.push_str(&format!("{separator}{count} {}", clean(state)));
    }
    if !others.is_empty() {
        text.push_str(&format!("; {} more not asked for", others.len()));
    }
    text
}

/// The daemon's word, or the kernel's where that is fresher.
fn state(row: &Row, kernel: Option<ControllerState>) -> String {
    let connected = matches!(row.state.as_str(), "connected" | "lost" | "foreign");
    match kernel {
        Some(ControllerState::Live) if row.state == "lost" => "connected".to_owned(),
        Some(ControllerState::Connecting) if connected => "reconnecting (kernel)".to_owned(),
        Some(other) if connected && other != ControllerState::Live => format!("{other} (kernel)"),
        _ => row.state.clone(),
    }
}

/// Why it is in its state; where nothing is to be said but that it is connected, who asks for it.
fn why(row: &Row) -> String {
    let mut text = match (plainly_connected(row), row.sources.as_slice()) {
        (Some(rest), [source]) => format!("{source}{rest}"),
        (Some(rest), [source, others @ ..]) => {
            format!("{source} and {} more{rest}", others.len())
        }
        _ => row.reason.clone(),
    };
    if let Some(error) = &row.last_error
        && !text.contains(error.as_str())
        && row.state == "retrying"
    {
        text.push_str(&format!(": {error}"));
    }
    if let Some(next) = row.next_retry_ms {
        text.push_str(&format!("; next attempt in {}", duration(next)));
    }
    text
}

/// What the reason adds to the device and the state, which have columns of their own.
fn plainly_connected(row: &Row) -> Option<&str> {
    let device = row.device.as_deref()?;
    row.reason
        .strip_prefix("connected as ")?
        .strip_prefix(device)
}

fn details(row: &Row) -> Vec<String> {
    let mut details = Vec::new();
    let mut detail = |key: &str, value: &str| details.push(format!("{key}: {}", clean(value)));
    for source in &row.sources {
        detail("asked for by", source);
    }
    for (key, value) in [
        ("host-traddr", &row.host_traddr),
        ("host-iface", &row.host_iface),
        ("hostnqn", &row.hostnqn),
        ("hostid", &row.hostid),
        ("last error", &row.last_error),
    ] {
        if let Some(value) = value {
            detail(key, value);
        }
    }
    if row.attempts > 0 {
        detail("attempts", &row.attempts.to_string());
    }
    if let Some(ms) = row.for_ms {
        detail("in this state for", &duration(ms));
    }
    details
}

/// `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`
fn duration(ms: u64) -> String {
    let duration = Duration::from_millis(ms);
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f32()),
        s @ 10..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, state: &str, reason: &str) -> Row {
        Row {
            transport: "tcp".into(),
            traddr: Some("192.0.2.10".into()),
            trsvcid: Some("4420".into()),
            nqn: format!("nqn.2014-08.org.example:{name}"),
            state: state.into(),
            reason: reason.into(),
            sources: vec!["/etc/nvme/nvme-fabrics.conf:4".into()],
            ..Row::default()
        }
    }

    #[test]
    fn connected_things_say_who_asks() {
        let mut row = row(
            "a",
            "connected",
            "connected as nvme1; its log page names 2 connections",
        );
        row.device = Some("nvme1".to_owned());
        row.sources = vec!["/etc/nvme/nvme-fabrics.conf:4".to_owned()];
        assert_eq!(
            why(&row),
            "/etc/nvme/nvme-fabrics.conf:4; its log page names 2 connections"
        );
        row.sources.push("discovery log page of x".to_owned());
        row.reason = "connected as nvme1".to_owned();
        assert_eq!(why(&row), "/etc/nvme/nvme-fabrics.conf:4 and 1 more");
        row.reason = "connected, excluded: will not be reconnected (x.conf:2)".to_owned();
        assert_eq!(why(&row), row.reason);
    }

    #[test]
    fn the_kernel_knows_better() {
        for (said, kernel, shown) in [
            ("connected", Some(ControllerState::Live), "connected"),
            (
                "connected",
                Some(ControllerState::Connecting),
                "reconnecting (kernel)",
            ),
            (
                "foreign",
                Some(ControllerState::Resetting),
                "resetting (kernel)",
            ),
            ("lost", Some(ControllerState::Live), "connected"),
            ("lost", None, "lost"),
            ("starting", Some(ControllerState::Connecting), "starting"),
        ] {
            assert_eq!(state(&row("a", said, ""), kernel), shown, "{said}");
        }
    }

    #[test]
    fn durations() {
        for (ms, text) in [
            (400, "0.4 s"),
            (12_345, "12 s"),
            (180_000, "3 min"),
            (7_200_000, "2 h"),
            (259_200_000, "3 d"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn what_belongs_together_stands_together() {
        let at = |name: &str, traddr: &str, class: &str| Row {
            traddr: Some(traddr.to_owned()),
            class: Some(class.to_owned()),
            ..row(name, "connected", "")
        };
        let mut nobodys = at("a", "192.0.2.1", "io");
        nobodys.sources.clear();
        let view = View {
            connections: vec![
                nobodys,
                at("b", "192.0.2.1", "io"),
                at("a", "192.0.2.10", "io"),
                at("a", "192.0.2.9", "io"),
                at("z", "192.0.2.1", "discovery"),
            ],
            ..View::default()
        };
        let page = Page::new(&view, |_| None);
        let shown: Vec<String> = page
            .rows
            .iter()
            .map(|row| row.cells[..2].join(" "))
            .collect();
        let expected = [
            "z 192.0.2.1",
            "a 192.0.2.9",
            "a 192.0.2.10",
            "b 192.0.2.1",
            "a 192.0.2.1",
        ];
        let expected = expected.map(|it| format!("nqn.2014-08.org.example:{it}:4420"));
        assert_eq!(shown, expected);
    }
}
