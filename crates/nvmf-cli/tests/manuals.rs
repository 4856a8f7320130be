//! The manual pages and completions as a package has them: are they sound, and do they say what is
//! so? They need man-db, groff, zsh and fish; `cargo xtask test` installs them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test: it may panic")]

#[path = "../examples/nvmf-manuals/write.rs"]
mod write;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nvmf_types::ConnectOptions;
use nvmf_types::config::DaemonConfig;
use tempfile::TempDir;

const NVMF: &str = env!("CARGO_BIN_EXE_nvmf");

fn dist(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../dist")
        .join(name)
}

fn generated() -> TempDir {
    let dir = TempDir::new().unwrap();
    write::pages(&dir.path().join("man1"), &dist("man")).unwrap();
    write::completions(dir.path()).unwrap();
    dir
}

/// The files of a folder whose names end in one of these.
fn files(dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let wanted = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| endings.contains(&ending))
    };
    let mut files: Vec<_> = entries.filter(wanted).collect();
    files.sort();
    assert!(!files.is_empty(), "nothing in {}", dir.display());
    files
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap()
}

fn run(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot start `{program}`, which `cargo xtask test` installs: {error}")
        })
}

/// What a page looks like, and what man and groff have to say against it.
fn shown(page: &Path) -> (String, String) {
    let mut man = Command::new("man");
    man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8"])
        .arg(page);
    man.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80");
    man.env("GROFF_NO_SGR", "1")
        .env_remove("MANPAGER")
        .env("PAGER", "cat");
    let done = run(&mut man);
    let complaints = String::from_utf8_lossy(&done.stderr).into_owned();
    let complaints = match done.status.success() {
        true => complaints,
        false => format!("{}: {complaints}", done.status),
    };
    // bold is a letter, a backspace and the letter again
    let text = String::from_utf8(done.stdout).unwrap();
    let next = text.chars().skip(1).chain(['\n']);
    let plain = text
        .chars()
        .zip(next)
        .filter(|&(it, next)| it != '\u{8}' && next != '\u{8}');
    (plain.map(|(it, _)| it).collect(), complaints)
}

#[test]
fn man_has_nothing_to_say_against_the_pages() {
    let dir = generated();
    let mut pages = files(&dir.path().join("man1"), &["1"]);
    pages.extend(files(&dist("man"), &["5", "7", "8"]));
    assert!(pages.len() > 40, "{}", pages.len());
    for page in pages {
        let (text, complaints) = shown(&page);
        assert_eq!(complaints, "", "{}", page.display());
        assert!(text.contains("DESCRIPTION"), "{}: {text}", page.display());
    }
}

/// `NAME(SECTION)` wherever a page refers to one of ours.
#[test]
fn the_pages_refer_to_pages_that_there_are() {
    let dir = generated();
    let mut pages = files(&dir.path().join("man1"), &["1"]);
    pages.extend(files(&dist("man"), &["5", "7", "8"]));
    let known: BTreeSet<String> = pages.iter().map(|page| name(page).to_owned()).collect();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap().replace("\\-", "-");
        for line in text.lines().filter_map(|line| line.strip_prefix(".BR ")) {
            let Some((target, section)) = line.split_once(" (") else {
                continue;
            };
            let section = section.split(')').next().unwrap();
            let file = format!("{target}.{section}");
            let ours = target.starts_with("nvm");
            assert!(!ours || known.contains(&file), "{}: {file}", page.display());
        }
    }
}

/// The words in bold that have a paragraph of their own (`.TP`, then `.B word`) in some sections.
fn terms(page: &str, sections: &[&str]) -> BTreeSet<String> {
    let text = fs::read_to_string(dist("man").join(page)).unwrap();
    let text = text.replace("\\-", "-");
    let (mut inside, mut tagged, mut found) = (false, false, BTreeSet::new());
    for line in text.lines() {
        if let Some(section) = line.strip_prefix(".SH ") {
            inside = sections.contains(&section.trim_matches('"'));
        } else if inside && tagged {
            let word = line
                .strip_prefix(".B ")
                .or_else(|| line.strip_prefix(".BI "));
            found.extend(
                word.and_then(|word| word.split(' ').next())
                    .map(str::to_owned),
            );
        }
        tagged = line == ".TP";
    }
    found
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_pages_of_files_have_all_keys_and_no_others() {
    assert_eq!(
        terms("nvme-discoverd.conf.5", &["OPTIONS"]),
        set(&DaemonConfig::KEYS)
    );
    assert_eq!(
        terms("nvme-fabrics.conf.5", &["OPTIONS", "SECURITY"]),
        set(&ConnectOptions::KEYS)
    );
    let who = [
        "hostnqn",
        "hostid",
        "hostsymname",
        "nqn",
        "controller",
        "persistent",
    ];
    assert_eq!(terms("nvme-fabrics.conf.5", &["WHO AND WHERE"]), set(&who));
    let fields = "transport traddr trsvcid nqn host-traddr host-iface hostnqn hostid";
    let fields: Vec<_> = fields.split(' ').collect();
    assert_eq!(terms("nvmf-exclusions.5", &["FIELDS"]), set(&fields));
}

/// What each key's paragraph says is its default, is.
#[test]
fn defaults_are_as_the_page_says() {
    let text = fs::read_to_string(dist("man/nvme-discoverd.conf.5")).unwrap();
    let text = text.replace("\\-", "-").replace('\n', " ");
    let sample = fs::read_to_string(dist("etc/nvme-discoverd.conf")).unwrap();
    for key in DaemonConfig::KEYS {
        let (_, paragraph) = text.split_once(&format!(".TP .B {key} ")).unwrap();
        let paragraph = paragraph.split(".TP").next().unwrap();
        let (_, default) = paragraph.split_once("Default: ").unwrap();
        let default = default.split('.').next().unwrap().trim();
        let line = format!("#{key} = {default}");
        // a place to serve at has no default, and the sample file shows one that could be
        assert!(
            key == "metrics-listen" || sample.lines().any(|it| it == line),
            "{line} is not in the sample file"
        );
    }
}

/// What bash offers for a line of which the last word is being typed.
fn bash(completion: &Path, words: &[&str]) -> Vec<String> {
    let script = r#"
        source "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        $(complete -p nvmf | sed 's/.*-F \([^ ]*\) .*/\1/') nvmf "${@: -1}" "${@: -2:1}"
        [ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut command = Command::new("bash");
    command.args(["--norc", "--noprofile", "-c", script, "bash"]);
    let done = run(with_nvmf(command.arg(completion).args(words)));
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// The program under test comes first in `PATH`, as `nvmf`.
fn with_nvmf(command: &mut Command) -> &mut Command {
    let folder = Path::new(NVMF).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", folder.display()))
}

#[test]
fn bash_completes() {
    let dir = generated();
    let completion = dir.path().join("bash/nvmf");
    let offered = |words: &[&str]| bash(&completion, words);
    assert_eq!(offered(&["nvmf", "disconnect-"]), ["disconnect-all"]);
    assert_eq!(offered(&["nvmf", "exclusion", "re"]), ["remove"]);
    assert_eq!(offered(&["nvmf", "connect", "-t", "r"]), ["rdma"]);
    assert_eq!(
        offered(&["nvmf", "connect", "--ctrl-l"]),
        ["--ctrl-loss-tmo"]
    );
    assert_eq!(offered(&["nvmf", "list", "-o", ""]), ["normal", "json"]);
    assert!(offered(&["nvmf", ""]).iter().any(|it| it == "connect-all"));
    assert_eq!(
        offered(&["nvmf", "no-such-command", "--x"]),
        Vec::<String>::new()
    );
}

#[test]
fn zsh_loads_its_completion_and_is_answered() {
    let dir = generated();
    let mut zsh = Command::new("zsh");
    zsh.args(["-f", "-c"]);
    zsh.arg("autoload -Uz compinit; compinit -D; source \"$1\"; print -- ${_comps[nvmf]}");
    let done = run(zsh.arg("zsh").arg(dir.path().join("zsh/_nvmf")));
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(text.starts_with("_clap_dynamic_completer_nvmf"), "{done:?}");
    let mut asked = Command::new(NVMF);
    asked
        .env("NVMF_COMPLETE", "zsh")
        .env("_CLAP_COMPLETE_INDEX", "2");
    let done = run(asked.args(["--", "nvmf", "connect", "-t"]));
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn fish_completes() {
    let dir = generated();
    let script = format!(
        "source {}; complete -C 'nvmf disconnect-'",
        dir.path().join("fish/nvmf.fish").display()
    );
    let mut fish = Command::new("fish");
    let done = run(with_nvmf(fish.args(["--no-config", "-c", &script])));
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(text.starts_with("disconnect-all"), "{done:?}");
}
