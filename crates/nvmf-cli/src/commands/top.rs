//! `nvmf top`

mod draw;

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use nvmf::Root;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::feed::{Feed, Wake};
use super::status::{self, Look, Page};
use crate::args::OutputArgs;
use crate::cli::{Outcome, Usage};
use crate::output::{Output, is_terminal};

/// Show live what should be connected, what is, and why not
///
/// The same as nvmf status, on the whole terminal. Keys: up, down, page up, page down, home and end
/// choose a connection, about which more is shown below; q ends.
#[derive(Debug, Args)]
pub(crate) struct Top {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How old what is drawn may become: times go on, and the kernel tells nobody of a lost target.
const PACE: Duration = Duration::from_secs(1);
/// How old the daemon's answer may become if nobody tells of a change.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What is on the screen.
#[derive(Debug)]
struct App {
    page: Page,
    without_daemon: Option<String>,
    /// Which row is chosen, and which is the first to be seen.
    table: ratatui::widgets::TableState,
    /// Rows that fit, from the last drawing.
    room: usize,
    colours: bool,
}

impl Top {
    #[expect(clippy::unused_self, reason = "the form of every command")]
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        if out.json() {
            return Err(
                Usage("for programs there is `nvmf status --watch -o json`".to_owned()).into(),
            );
        }
        if !is_terminal() {
            bail!("needs a terminal: elsewhere there is `nvmf status --watch`");
        }
        let feed = Feed::start();
        let mut seen = status::look(root)?;
        let mut at = Instant::now();
        let mut app = App::new(&seen, seen.page(root, 0));
        let mut terminal = ratatui::try_init().context("cannot take the terminal over")?;
        let ended = (|| {
            loop {
                terminal.draw(|frame| draw::draw(&mut app, frame))?;
                if event::poll(PACE)? && app.take(&event::read()?) {
                    return Ok(Outcome::Done);
                }
                let wake = feed.next(Duration::ZERO);
                if wake == Wake::Stop {
                    return Ok(Outcome::Done);
                }
                if wake == Wake::Changed || at.elapsed() >= LOOK_AGAIN {
                    (seen, at) = (status::look(root)?, Instant::now());
                }
                let ms = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
                app.show(&seen, seen.page(root, ms));
            }
        })();
        ratatui::restore();
        ended
    }
}

impl App {
    fn new(seen: &Look, page: Page) -> Self {
        Self {
            page,
            without_daemon: seen.without_daemon.clone(),
            table: ratatui::widgets::TableState::new(),
            room: 0,
            colours: crate::output::colours(),
        }
    }

    /// Puts something newer in place; the choice stays with its connection.
    fn show(&mut self, seen: &Look, page: Page) {
        let same = |cells: &[String; 6], row: &status::Shown| row.cells[..2] == cells[..2];
        if let Some(chosen) = self.table.selected().and_then(|at| self.page.rows.get(at)) {
            let at = page.rows.iter().position(|row| same(&chosen.cells, row));
            self.table.select(at);
        }
        self.without_daemon.clone_from(&seen.without_daemon);
        self.page = page;
    }

    /// `true`: it is the end.
    fn take(&mut self, event: &Event) -> bool {
        let Event::Key(KeyEvent {
            code,
            modifiers,
            kind: KeyEventKind::Press | KeyEventKind::Repeat,
            ..
        }) = event
        else {
            return false;
        };
        let last = self.page.rows.len().saturating_sub(1);
        let at = self.table.selected();
        let page = self.room.max(1);
        let chosen = match code {
            KeyCode::Char('q') | KeyCode::Esc => return true,
            KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => return true,
            KeyCode::Down | KeyCode::Char('j') => at.map_or(0, |at| at + 1),
            KeyCode::Up | KeyCode::Char('k') => at.unwrap_or(0).saturating_sub(1),
            KeyCode::PageDown => at.unwrap_or(0) + page,
            KeyCode::PageUp => at.unwrap_or(0).saturating_sub(page),
            KeyCode::Home => 0,
            KeyCode::End => last,
            _ => return false,
        };
        self.table
            .select((!self.page.rows.is_empty()).then(|| chosen.min(last)));
        false
    }
}

#[cfg(test)]
mod tests;
