//! One drawing of the screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Row, Table, Wrap};

use super::App;
use crate::commands::status::{HEADER, Mood, Shown};

/// Sums, table, what is known of the chosen connection, what needs a person, keys.
pub(super) fn draw(app: &mut App, frame: &mut Frame<'_>) {
    let details = details(app);
    let problems = app.page.problems.iter();
    let problems: Vec<&str> = problems.flat_map(|problem| problem.lines()).collect();
    let few = |lines: usize| u16::try_from(lines.min(8)).unwrap_or(8);
    let top = 1 + u16::from(app.without_daemon.is_some());
    let [title, table, below, wrong, keys] = Layout::vertical([
        Constraint::Length(top),
        Constraint::Min(3),
        Constraint::Length(few(details.len())),
        Constraint::Length(few(problems.len()).min(4)),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let mut titles = vec![Line::styled(app.page.sums.as_str(), Modifier::BOLD)];
    titles.extend(
        app.without_daemon
            .as_deref()
            .map(|why| Line::styled(why, mood(app, Mood::Doubtful))),
    );
    frame.render_widget(Text::from(titles), title);
    frame.render_widget(
        Paragraph::new(Text::from_iter(details)).wrap(Wrap { trim: false }),
        below,
    );
    let bad = mood(app, Mood::Bad);
    frame.render_widget(Text::from_iter(problems).style(bad), wrong);
    let help = "↑ ↓ choose   q end";
    frame.render_widget(Line::styled(help, Modifier::DIM), keys);
    rows(app, frame, table);
}

fn rows(app: &mut App, frame: &mut Frame<'_>, area: Rect) {
    let widest = |column: usize| {
        let cells = app.page.rows.iter().filter_map(|row| row.cells.get(column));
        let header = HEADER.get(column).map_or(0, |title| title.len());
        let widest = cells.map(|cell| cell.chars().count()).max();
        u16::try_from(widest.unwrap_or(0).max(header)).unwrap_or(u16::MAX)
    };
    // the last takes what is left, and the first gives way
    let widths = [
        Constraint::Max(widest(0)),
        Constraint::Max(widest(1)),
        Constraint::Length(widest(2)),
        Constraint::Length(widest(3)),
        Constraint::Length(widest(4)),
        Constraint::Fill(1),
    ];
    let row = |shown: &Shown| {
        let cells = shown.cells.iter().map(|cell| match cell.as_str() {
            "" => "-".to_owned(),
            cell => cell.to_owned(),
        });
        Row::new(cells.collect::<Vec<_>>()).style(mood(app, shown.mood))
    };
    let table = Table::new(app.page.rows.iter().map(row), widths)
        .header(Row::new(HEADER).style(Modifier::BOLD))
        .column_spacing(2)
        .row_highlight_style(Modifier::REVERSED);
    app.room = usize::from(area.height.saturating_sub(1));
    frame.render_stateful_widget(table, area, &mut app.table);
}

/// Of the chosen connection, also what the table may have cut off.
fn details(app: &App) -> Vec<String> {
    let chosen = app.table.selected().and_then(|at| app.page.rows.get(at));
    let Some(row) = chosen else { return Vec::new() };
    let [name, address, state, .., why] = &row.cells;
    let first = format!("{name} ({address}): {state}: {why}");
    [first]
        .into_iter()
        .chain(row.details.iter().cloned())
        .collect()
}

fn mood(app: &App, mood: Mood) -> Style {
    match mood {
        Mood::Well => Style::new(),
        Mood::Quiet => Style::new().add_modifier(Modifier::DIM),
        Mood::Doubtful if app.colours => Style::new().fg(Color::Yellow),
        Mood::Bad if app.colours => Style::new().fg(Color::Red),
        Mood::Doubtful | Mood::Bad => Style::new(),
    }
}
