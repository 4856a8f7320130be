//! The status as text.

use std::net::IpAddr;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use nvmf_types::{ControllerClass, ControllerState};

use super::super::list::address_text;
use super::view::{Row, View};
use crate::output::clean;
use crate::table;

/// Sums, the table, then what needs a person.
pub(super) fn render(
    view: &View,
    kernel: impl Fn(&Row) -> Option<ControllerState>,
    verbose: bool,
) -> String {
    let rows = view.connections.iter();
    let mut rows: Vec<(&Row, String)> = rows.map(|row| (row, state(row, kernel(row)))).collect();
    rows.sort_by_cached_key(|(row, _)| order(row));
    let mut lines = vec![sums(&rows)];
    if !rows.is_empty() {
        lines.extend(table_of(&rows, verbose));
    }
    for problem in &view.problems {
        let text = problem.lines().map(clean).collect::<Vec<_>>().join("\n  ");
        lines.push(paint(&format!("problem: {text}"), RED));
    }
    lines.join("\n")
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

const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();

fn table_of(rows: &[(&Row, String)], verbose: bool) -> Vec<String> {
    let cells = |(row, state): &(&Row, String)| {
        [
            row.nqn.clone(),
            address_text(row.traddr.as_deref(), row.trsvcid.as_deref()),
            state.clone(),
            row.owner.clone().unwrap_or_default(),
            row.device.clone().unwrap_or_default(),
            why(row),
        ]
    };
    let header = ["SUBSYSTEM", "ADDRESS", "STATE", "OWNER", "DEVICE", "WHY"];
    let table = table::lines(header, rows.iter().map(cells).collect());
    let mut table = table.into_iter();
    let mut lines: Vec<String> = table
        .next()
        .map(|h| paint(&h, Style::new().bold()))
        .into_iter()
        .collect();
    for (line, (row, state)) in table.zip(rows) {
        lines.push(paint(&line, style(state)));
        if verbose {
            lines.extend(details(row));
        }
    }
    lines
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

fn style(state: &str) -> Style {
    match state {
        "connected" | "foreign" => Style::new(),
        "excluded" => Style::new().dimmed(),
        "retrying" => RED,
        _ => YELLOW,
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
    let mut detail = |key: &str, value: &str| details.push(format!("    {key}: {}", clean(value)));
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

fn paint(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

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

    fn view() -> View {
        let mut connected = row("a", "connected", "connected by nvme-discoverd");
        connected.owner = Some("discoverd".into());
        connected.device = Some("nvme1".into());
        let mut retrying = row("b", "retrying", "target refuses");
        retrying.next_retry_ms = Some(12_300);
        retrying.last_error = Some("connection refused".into());
        let mut gone = row("c\u{1b}[2J", "connected", "no longer asked for");
        gone.sources.clear();
        gone.device = Some("nvme3".into());
        View {
            connections: vec![connected, retrying, gone],
            problems: vec!["nvme-fabrics.conf:3: error: x; y".into()],
            ..View::default()
        }
    }

    fn plain(view: &View, verbose: bool) -> String {
        let kernel = |row: &Row| {
            let lost = row.device.as_deref() == Some("nvme3");
            lost.then_some(ControllerState::Connecting)
        };
        strip_str(&render(view, kernel, verbose)).to_string()
    }

    #[test]
    fn sums_table_problems() {
        assert_eq!(
            plain(&view(), false),
            "\
2 desired: 1 connected, 1 retrying; 1 more not asked for
SUBSYSTEM                           ADDRESS          STATE                  OWNER      DEVICE  WHY
nqn.2014-08.org.example:a           192.0.2.10:4420  connected              discoverd  nvme1   connected by nvme-discoverd
nqn.2014-08.org.example:b           192.0.2.10:4420  retrying               -          -       target refuses: connection refused; next attempt in 12 s
nqn.2014-08.org.example:c\\u{1b}[2J  192.0.2.10:4420  reconnecting (kernel)  -          nvme3   no longer asked for
problem: nvme-fabrics.conf:3: error: x; y"
        );
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
    fn colour_is_only_around_lines() {
        let text = render(&view(), |_| None, false);
        assert!(text.contains("\u{1b}[31mnqn.2014-08.org.example:b"));
        assert!(!text.contains("\u{1b}[2J"), "nothing of a target's");
    }

    #[test]
    fn verbose_says_who_asks() {
        let text = plain(&view(), true);
        assert!(text.contains("\n    asked for by: /etc/nvme/nvme-fabrics.conf:4\n"));
        assert!(text.contains("\n    last error: connection refused\n"));
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
}
