//! The commands that documents and manual pages show are commands that there are, and their links
//! lead somewhere.
#![expect(clippy::unwrap_used, reason = "a test: it may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use nvmf_types::ConnectOptions;
use nvmf_types::config::DaemonConfig;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn texts(folder: &str, ending: &[&str]) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        ending.iter().any(|ending| name.ends_with(ending))
    };
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.filter(wanted).map(read).collect()
}

/// Everything in Markdown that people read.
fn documents() -> Vec<(PathBuf, String)> {
    let mut all = texts("docs", &[".md"]);
    all.extend(texts(".", &[".md"]));
    assert!(all.len() > 10);
    all
}

/// The lines in blocks of code.
fn code(markdown: &str) -> Vec<&str> {
    let blocks = markdown.split("\n```").skip(1).step_by(2);
    blocks.flat_map(|block| block.lines().skip(1)).collect()
}

/// The lines in examples of a manual page.
fn examples(page: &str) -> Vec<String> {
    let blocks = page.split(".EX\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split(".EE").next());
    let lines = blocks.flat_map(str::lines);
    lines.map(|line| line.replace("\\-", "-")).collect()
}

/// Whether the program takes a line: what stands before a pipe or `&&`, without comments.
fn check(path: &Path, line: &str) -> usize {
    let line = line
        .trim_start()
        .trim_start_matches("# ")
        .trim_start_matches("sudo ");
    // a picture, and a command with something left out
    if !line.starts_with("nvmf ") || line.starts_with("nvmf  ") || line.contains('…') {
        return 0;
    }
    let words = shlex::split(line).unwrap_or_default();
    let words = words.split(|word| ["|", "&&", ">", "#"].contains(&word.as_str()));
    let words = words.map(<[String]>::to_vec).next().unwrap_or_default();
    let taken = nvmf_cli::command().try_get_matches_from(words);
    if let Err(error) = taken {
        let kind = error.kind();
        let shown = [
            clap::error::ErrorKind::DisplayHelp,
            clap::error::ErrorKind::DisplayVersion,
        ];
        assert!(shown.contains(&kind), "{}: {line}: {error}", path.display());
    }
    1
}

#[test]
fn the_commands_that_are_shown_are_commands() {
    let mut seen = 0;
    for (path, text) in documents() {
        seen += code(&text)
            .iter()
            .map(|line| check(&path, line))
            .sum::<usize>();
    }
    for (path, text) in texts("dist/man", &[".5", ".7", ".8", ".part"]) {
        let lines = examples(&text);
        seen += lines.iter().map(|line| check(&path, line)).sum::<usize>();
    }
    assert!(seen > 100, "only {seen} commands were found");
}

/// What a heading is called in a link, as GitHub does it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_to_what_is_there() {
    let mut seen = 0;
    for (path, text) in documents() {
        for link in text.split("](").skip(1) {
            let link = link.split([')', ' ']).next().unwrap();
            if link.starts_with("http") {
                continue;
            }
            seen += 1;
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link}", path.display());
            if !part.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#').trim()));
                assert!(anchors.any(|it| it == part), "{}: {link}", path.display());
            }
        }
    }
    assert!(seen > 30, "only {seen} links were found");
}

/// All keys of both configuration files are described, and the daemon's are in the example.
#[test]
fn every_key_is_described() {
    let described = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let keys = ConnectOptions::KEYS.iter().chain(&DaemonConfig::KEYS);
    for key in keys {
        assert!(described.contains(&format!("`{key}`")), "{key}");
    }
    let example = fs::read_to_string(root().join("dist/etc/nvme-discoverd.conf")).unwrap();
    for key in DaemonConfig::KEYS {
        assert!(example.contains(&format!("#{key} = ")), "{key}");
    }
}
