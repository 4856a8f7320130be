//! A picture of a terminal, for the README: what the demo said, drawn as SVG.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// How many of the demo's steps are in the picture.
const STEPS: usize = 2;
/// How many columns the terminal has: longer lines would make the letters small.
const COLUMNS: usize = 118;

/// Draws the first steps of a story that was told in colours.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn draw(file: &Path, said: &[String]) -> anyhow::Result<()> {
    let lines = first_steps(said).iter().map(|line| cut(line));
    let text = lines.collect::<Vec<_>>().join("\n");
    let picture = anstyle_svg::Term::new().render_svg(&text);
    fs::write(file, picture).with_context(|| format!("cannot write `{}`", file.display()))
}

/// The lines before the step that comes after the last one that is wanted.
fn first_steps(said: &[String]) -> &[String] {
    let next = format!("{}. ", STEPS + 1);
    let is_next = |line: &String| {
        anstream::adapter::strip_str(line)
            .to_string()
            .starts_with(&next)
    };
    let end = said.iter().position(is_next).unwrap_or(said.len());
    said.get(..end).unwrap_or(said)
}

/// A line as far as the terminal is wide. What changes colours takes no column.
fn cut(line: &str) -> String {
    let (mut kept, mut columns, mut escape) = (String::new(), 0, false);
    for c in line.chars() {
        escape |= c == '\u{1b}';
        columns += usize::from(!escape);
        if columns > COLUMNS {
            kept.push_str("…\u{1b}[0m");
            break;
        }
        kept.push(c);
        escape &= !c.is_ascii_alphabetic();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_colours_are_no_part_of_their_length() {
        let full = format!("\u{1b}[1m{}\u{1b}[0m", "x".repeat(COLUMNS));
        assert_eq!(cut(&full), full);
        let long = "y".repeat(COLUMNS + 1);
        assert_eq!(cut(&long), format!("{}…\u{1b}[0m", "y".repeat(COLUMNS)));
    }

    #[test]
    fn the_first_steps_are_drawn_in_their_colours() {
        let lines = [
            "\u{1b}[1;36m1. One\u{1b}[0m",
            "   this & that",
            "2. Two",
            "\u{1b}[1m3. Three\u{1b}[0m",
        ];
        let lines = lines.map(str::to_owned);
        assert_eq!(first_steps(&lines), &lines[..3]);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("picture.svg");
        draw(&file, &lines).unwrap();
        let picture = fs::read_to_string(&file).unwrap();
        assert!(
            picture.starts_with("<svg") && picture.contains("this &amp; that"),
            "{picture}"
        );
        assert!(
            picture.contains("1. One") && !picture.contains("Three"),
            "{picture}"
        );
    }
}
