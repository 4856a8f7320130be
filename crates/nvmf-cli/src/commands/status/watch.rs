//! `nvmf status --watch`

use std::time::{Duration, Instant};

use nvmf::Root;
use serde_json::Value;

use super::view::View;
use super::{Look, text, view};
use crate::cli::Outcome;
use crate::commands::feed::{Feed, Wake};
use crate::hangup;
use crate::output::{Output, Reader, Screen};

/// Drawn at most so often; the kernel tells nobody when a target is lost, so it is looked for.
const PACE: Duration = Duration::from_secs(1);
/// How old what is shown may become if nobody tells of a change.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Shows how things are until told to stop.
pub(super) fn run(root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
    let feed = Feed::start();
    let screen = Screen::of_stdout(out);
    if screen.is_none() {
        hangup::exit_when_nobody_reads();
    }
    watch(root, out, &feed, screen.as_ref(), PACE, || {
        super::look(root)
    })
}

/// On a screen it is drawn anew all the time, otherwise printed when it changed.
fn watch(
    root: &Root,
    out: &mut Output,
    feed: &Feed,
    screen: Option<&Screen>,
    pace: Duration,
    mut look: impl FnMut() -> anyhow::Result<Look>,
) -> anyhow::Result<Outcome> {
    let mut printed = None;
    loop {
        let (seen, at) = (look()?, Instant::now());
        loop {
            let ms = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
            match screen {
                Some(screen) => screen.draw(&page(root, &seen, ms, out.verbose()))?,
                None => {
                    let now = settled(root, &seen, out);
                    if printed.as_ref() != Some(&now)
                        && print(root, &seen, out, printed.is_some())? == Reader::Gone
                    {
                        return Ok(Outcome::Done);
                    }
                    printed = Some(now);
                }
            }
            if !feed.rest(pace) {
                return Ok(Outcome::Done);
            }
            match feed.next(Duration::ZERO) {
                Wake::Stop => return Ok(Outcome::Done),
                Wake::Changed => break,
                Wake::Time if at.elapsed() >= LOOK_AGAIN => break,
                Wake::Time => {}
            }
        }
    }
}

fn table(root: &Root, view: &View, verbose: bool) -> String {
    text::render(view, |row| view::kernel_state(root, row), verbose)
}

fn page(root: &Root, seen: &Look, age_ms: u64, verbose: bool) -> String {
    let table = table(root, &seen.view.clone().aged(age_ms), verbose);
    match &seen.without_daemon {
        Some(why) => format!("{why}\n{table}"),
        None => table,
    }
}

fn print(root: &Root, seen: &Look, out: &mut Output, again: bool) -> anyhow::Result<Reader> {
    if out.json() {
        return out.text(&seen.json);
    }
    let page = page(root, seen, 0, out.verbose());
    match again {
        true => out.text(&format!("\n{page}")),
        false => out.text(&page),
    }
}

/// What does not change by itself: without times that only pass.
fn settled(root: &Root, seen: &Look, out: &Output) -> String {
    if out.json() {
        let mut json: Value = serde_json::from_str(&seen.json).unwrap_or_default();
        let rows = json.get_mut("connections").and_then(Value::as_array_mut);
        for row in rows.into_iter().flatten().filter_map(Value::as_object_mut) {
            row.remove("for-ms");
            row.remove("next-retry-ms");
        }
        return json.to_string();
    }
    let mut view = seen.view.clone();
    for row in &mut view.connections {
        (row.for_ms, row.next_retry_ms) = (None, None);
    }
    table(root, &view, out.verbose()) + seen.without_daemon.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    /// What is printed if these are seen one after the other.
    fn watched(format: Format, seen: &[&str]) -> String {
        let (host, feed) = (FakeHost::new(), Feed::scripted(&[]));
        let mut seen = seen.iter();
        let mut out = Output::captured(format, false);
        let look = || {
            let json = seen.next().unwrap();
            let more = seen.len() > 0;
            feed.put(if more { Wake::Changed } else { Wake::Stop });
            Look::of_daemon(json)
        };
        let root = host.root();
        watch(&root, &mut out, &feed, None, Duration::ZERO, look)
            .unwrap()
            .expect_done();
        out.stdout().to_owned()
    }

    const A: &str = r#"{"connections":[{"nqn":"nqn.2014-08.org.example:a","state":"retrying","reason":"refused","sources":["f:1"],"for-ms":1,"next-retry-ms":2000}]}"#;

    #[test]
    fn a_pipe_gets_what_changed() {
        let later = A.replace(":1,", ":1001,").replace("2000", "1000");
        let other = A.replace("retrying", "connected");
        let text = watched(Format::Normal, &[A, &later, &other, &other]);
        let tables: Vec<&str> = text.split("\n\n").collect();
        assert_eq!(tables.len(), 2, "{text}");
        assert!(tables[0].contains("next attempt in 2.0 s"), "{text}");
        assert!(tables[1].starts_with("1 desired: 1 connected\n"), "{text}");
        let lines = watched(Format::Json, &[A, &later, &other]);
        assert_eq!(lines.lines().count(), 2, "{lines}");
        let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(first["connections"][0]["next-retry-ms"], 2000);
    }

    #[test]
    fn time_passes_on_a_screen() {
        let host = FakeHost::new();
        let seen = Look {
            without_daemon: Some("nvme-discoverd is not running".to_owned()),
            ..Look::of_daemon(A).unwrap()
        };
        let page = page(&host.root(), &seen, 800, false);
        assert!(page.starts_with("nvme-discoverd is not running\n1 desired"));
        assert!(page.contains("next attempt in 1.2 s"), "{page}");
    }
}
