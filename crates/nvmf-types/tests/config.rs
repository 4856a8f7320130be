//! What is said about configurations with something wrong in them: every error and warning, with
//! the piece of the line that is meant. The cases are in `config/*.txt`; a changed text is taken
//! over with `BLESS=1 cargo test -p nvmf-types --test config`, and is then to be read.

#![expect(clippy::unwrap_used, reason = "a test: it may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "the cases are files; the crate itself reads none"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use nvmf_types::HostIdentity;
use nvmf_types::config::{ConfigFile, DaemonConfig, Problem, parse};

/// One case: a title, the files, and what is said about them.
struct Case {
    title: String,
    files: Vec<ConfigFile>,
    said: String,
}

#[test]
fn sections() {
    check("sections", connections);
}

#[test]
fn controller_lines() {
    check("controller-lines", connections);
}

#[test]
fn identity() {
    check("identity", connections);
}

#[test]
fn warnings() {
    check("warnings", connections);
}

#[test]
fn secrets() {
    check("secrets", connections);
}

#[test]
fn daemon() {
    check("daemon", |files| match DaemonConfig::parse(files) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems.0,
    });
}

fn connections(files: &[ConfigFile]) -> Vec<Problem> {
    let default = HostIdentity {
        hostnqn: Some("nqn.2014-08.org.example:default".parse().unwrap()),
        hostid: Some("f81d4fae-7dec-11d0-a765-00a0c91e6b00".parse().unwrap()),
    };
    match parse(files, &default) {
        Ok(config) => config.warnings,
        Err(problems) => problems.0,
    }
}

fn check(name: &str, problems: fn(&[ConfigFile]) -> Vec<Problem>) {
    let path = path(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut cases = cases(&text);
    for case in &mut cases {
        let said = shown(&problems(&case.files));
        assert!(!said.contains("hush"), "{}: {said}", case.title);
        if std::env::var_os("BLESS").is_none() {
            assert_eq!(said, case.said, "{}: {}", path.display(), case.title);
        }
        case.said = said;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, written(&cases)).unwrap();
    }
}

/// Each problem, its line, and what of the line is meant.
fn shown(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let place = &problem.place;
        let marks = "^".repeat(place.length.max(1));
        let blanks = " ".repeat(place.column - 1);
        writeln!(text, "{problem}").unwrap();
        writeln!(text, "    | {}", place.excerpt).unwrap();
        writeln!(text, "    | {blanks}{marks}").unwrap();
    }
    text
}

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    folder.join(format!("{name}.txt"))
}

/// `==== title`, then `---- file [mode]` and its text for each file, then `---- says`.
fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut into = String::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("==== ") {
            cases.push(Case {
                title: title.to_owned(),
                files: Vec::new(),
                said: String::new(),
            });
            continue;
        }
        let case = cases.last_mut().unwrap();
        if let Some(part) = line.strip_prefix("---- ") {
            part.clone_into(&mut into);
            if part != "says" {
                case.files.push(file(part));
            }
            continue;
        }
        let text = match into.as_str() {
            "says" => &mut case.said,
            _ => &mut case.files.last_mut().unwrap().text,
        };
        text.push_str(line);
        text.push('\n');
    }
    assert!(!cases.is_empty(), "no cases");
    cases
}

fn file(header: &str) -> ConfigFile {
    let (name, mode) = header.split_once(' ').unwrap_or((header, ""));
    let mut file = ConfigFile::new(name, "");
    file.mode = u32::from_str_radix(mode, 8).ok();
    file
}

fn written(cases: &[Case]) -> String {
    let mut text = String::new();
    for case in cases {
        writeln!(text, "==== {}", case.title).unwrap();
        for file in &case.files {
            let mode = file.mode.map(|mode| format!(" {mode:04o}"));
            writeln!(text, "---- {}{}", file.path, mode.unwrap_or_default()).unwrap();
            text.push_str(&file.text);
        }
        writeln!(text, "---- says").unwrap();
        text.push_str(&case.said);
    }
    text
}
