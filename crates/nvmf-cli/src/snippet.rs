//! Problems of a file as a terminal shows them: with the line, and the piece of it that is meant.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use nvmf_types::config::{Place, Problem, Severity};

use crate::output::clean;

/// The problem on several lines.
pub(crate) fn annotated(problem: &Problem, renderer: &Renderer) -> String {
    let place = &problem.place;
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let snippet = Snippet::source(place.excerpt.as_str())
        .line_start(place.origin.line)
        .path(clean(&place.origin.file))
        .annotation(AnnotationKind::Primary.span(bytes(place)));
    let title = level.primary_title(clean(&problem.message));
    let help = Level::HELP.message(clean(&problem.remedy));
    renderer.render(&[title.element(snippet).element(help)])
}

/// Where the place is in its excerpt, which may be shorter than the line.
fn bytes(place: &Place) -> Range<usize> {
    let text = &place.excerpt;
    let byte = |count| {
        text.char_indices()
            .nth(count)
            .map_or(text.len(), |(at, _)| at)
    };
    let start = place.column.saturating_sub(1);
    byte(start)..byte(start + place.length)
}

#[cfg(test)]
mod tests {
    use nvmf_types::HostIdentity;
    use nvmf_types::config::{ConfigFile, parse};

    use super::*;

    /// All problems of a file.
    fn shown(text: &str) -> String {
        let file = ConfigFile::new("/etc/nvme/nvme-fabrics.conf", text);
        let problems = match parse(&[file], &HostIdentity::default()) {
            Ok(config) => config.warnings,
            Err(problems) => problems.0,
        };
        let renderer = Renderer::plain();
        let texts: Vec<String> = problems.iter().map(|p| annotated(p, &renderer)).collect();
        texts.join("\n")
    }

    #[test]
    fn the_piece_is_marked() {
        let text = "[Subsystem]\nnqn =\ncontroller = transport=tcp;traddr=192.0.2\n\u{e4}toss = 1\nkxchap-secret hush\n";
        assert_eq!(shown(text), include_str!("snippet/expected.txt").trim_end());
    }

    #[test]
    fn no_place_is_too_far() {
        let line = format!("x{} = 1", " ".repeat(1000));
        assert!(shown(&format!("[Host]\ncontroller = {line}\n")).contains("unknown key"));
        assert!(shown(&format!("[Host]\n{line};\u{1b}[2J\n")).contains("unknown key"));
    }
}
