//! The status as text.

use anstyle::{AnsiColor, Style};
use nvmf_types::ControllerState;

use super::page::{HEADER, Mood, Page, Shown};
use super::view::{Row, View};
use crate::table;

/// Sums, the table, then what needs a person.
pub(super) fn render(
    view: &View,
    kernel: impl Fn(&Row) -> Option<ControllerState>,
    verbose: bool,
) -> String {
    let page = Page::new(view, kernel);
    let mut lines = vec![page.sums];
    if !page.rows.is_empty() {
        lines.extend(table_of(&page.rows, verbose));
    }
    lines.extend(page.problems.iter().map(|problem| paint(problem, RED)));
    lines.join("\n")
}

const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();

fn table_of(rows: &[Shown], verbose: bool) -> Vec<String> {
    let cells = rows.iter().map(|row| row.cells.clone());
    let mut table = table::lines(HEADER, cells.collect()).into_iter();
    let mut lines: Vec<String> = table
        .next()
        .map(|h| paint(&h, Style::new().bold()))
        .into_iter()
        .collect();
    for (line, row) in table.zip(rows) {
        lines.push(paint(&line, row.mood.style()));
        if verbose {
            lines.extend(row.details.iter().map(|detail| format!("    {detail}")));
        }
    }
    lines
}

impl Mood {
    fn style(self) -> Style {
        match self {
            Self::Well => Style::new(),
            Self::Quiet => Style::new().dimmed(),
            Self::Doubtful => YELLOW,
            Self::Bad => RED,
        }
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
}
