use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::testing::FakeHost;

const SEEN: &str = r#"{"daemon":{"version":"0.1.0","pid":7},"connections":[
    {"transport":"tcp","traddr":"192.0.2.10","trsvcid":"4420","nqn":"nqn.2014-08.org.example:b","state":"retrying",
     "reason":"refused","sources":["f:2"],"last-error":"no route","next-retry-ms":12300,"attempts":3},
    {"transport":"tcp","traddr":"192.0.2.10","trsvcid":"4420","nqn":"nqn.2014-08.org.example:a","state":"connected",
     "reason":"connected as nvme1","device":"nvme1","owner":"discoverd","sources":["f:1"]}],
    "problems":["f:9: error: x; y"]}"#;

fn app(json: &str) -> App {
    let seen = Look::of_daemon(json).unwrap();
    let page = seen.page(&FakeHost::new().root(), 0);
    let mut app = App::new(&seen, page);
    app.colours = true;
    app
}

fn drawn(app: &mut App, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(app, frame)).unwrap();
    terminal
}

fn press(app: &mut App, code: KeyCode) -> bool {
    app.take(&Event::Key(KeyEvent::from(code)))
}

#[test]
fn all_of_it_on_one_screen() {
    let mut app = app(SEEN);
    let lines = [
        "2 desired: 1 connected, 1 retrying",
        "SUBSYSTEM                  ADDRESS          STATE      OWNER      DEVICE  WHY",
        "nqn.2014-08.org.example:a  192.0.2.10:4420  connected  discoverd  nvme1   f:1",
        "nqn.2014-08.org.example:b  192.0.2.10:4420  retrying   -          -       refused: no route; next attempt in 12 s",
        "",
        "problem: f:9: error: x; y",
        "↑ ↓ choose   q end\n",
    ];
    assert_eq!(text(drawn(&mut app, 120, 7).backend()), lines.join("\n"));
}

#[test]
fn the_chosen_one_has_more_to_say() {
    let mut app = app(SEEN);
    press(&mut app, KeyCode::End);
    let terminal = drawn(&mut app, 60, 14);
    let text = text(terminal.backend());
    assert!(text.contains("asked for by: f:2\n"), "{text}");
    assert!(text.contains("last error: no route\n"), "{text}");
    let buffer = terminal.backend().buffer();
    let chosen = buffer.cell((0, 3)).unwrap().style();
    assert_eq!(chosen.fg, Some(Color::Red));
    assert!(chosen.add_modifier.contains(Modifier::REVERSED));
    app.colours = false;
    let plain = drawn(&mut app, 60, 14);
    let plain = plain.backend().buffer().cell((0, 3)).unwrap().style();
    assert_eq!(plain.fg, Some(Color::Reset));
}

#[test]
fn keys() {
    let mut app = app(SEEN);
    drawn(&mut app, 80, 7);
    for (key, chosen) in [
        (KeyCode::Down, 0),
        (KeyCode::Down, 1),
        (KeyCode::Down, 1),
        (KeyCode::Up, 0),
        (KeyCode::Up, 0),
        (KeyCode::PageDown, 1),
        (KeyCode::PageUp, 0),
        (KeyCode::End, 1),
        (KeyCode::Home, 0),
        (KeyCode::Char('x'), 0),
    ] {
        assert!(!press(&mut app, key));
        assert_eq!(app.table.selected(), Some(chosen), "{key:?}");
    }
    assert!(press(&mut app, KeyCode::Char('q')) && press(&mut app, KeyCode::Esc));
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(app.take(&Event::Key(interrupt)));
    assert!(!press(&mut app, KeyCode::Char('c')));
    let mut empty = self::app("{}");
    assert!(!press(&mut empty, KeyCode::Down));
    assert_eq!(empty.table.selected(), None);
}

#[test]
fn the_choice_stays_with_its_connection() {
    let mut app = app(SEEN);
    press(&mut app, KeyCode::End);
    let more = SEEN.replace(
        r#""connections":["#,
        r#""connections":[{"nqn":"nqn.2014-08.org.example:aa","sources":["f:3"],"state":"waiting"},"#,
    );
    let mut seen = Look::of_daemon(&more).unwrap();
    seen.without_daemon = Some("nvme-discoverd is not running".to_owned());
    let page = seen.page(&FakeHost::new().root(), 0);
    app.show(&seen, page);
    assert_eq!(app.table.selected(), Some(2));
    let text = text(drawn(&mut app, 80, 12).backend());
    assert!(text.starts_with("3 desired: "), "{text}");
    assert!(text.contains("\nnvme-discoverd is not running\n"), "{text}");
    let seen = Look::of_daemon("{}").unwrap();
    let page = seen.page(&FakeHost::new().root(), 0);
    app.show(&seen, page);
    assert_eq!(app.table.selected(), None);
}

#[test]
fn a_small_screen_is_no_disaster() {
    let mut app = app(SEEN);
    press(&mut app, KeyCode::End);
    for (width, height) in [(1, 1), (10, 3), (0, 0), (200, 2)] {
        drawn(&mut app, width, height);
    }
}

/// Without what fills the lines up.
fn text(backend: &TestBackend) -> String {
    let buffer = backend.buffer();
    let width = usize::from(buffer.area.width);
    let lines = buffer.content.chunks(width);
    let line = |cells: &[ratatui::buffer::Cell]| {
        let line: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned() + "\n"
    };
    lines.map(line).collect()
}
