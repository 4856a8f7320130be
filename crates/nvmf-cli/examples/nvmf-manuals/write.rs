//! What is generated of the command line.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use clap::Command;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};
use clap_mangen::Man;

/// What every page ends with.
const STATUS: &str = r#".SH "EXIT STATUS"
.TP
\fB0\fR
All that was asked was done.
.TP
\fB1\fR
Something was not; standard error says what.
.TP
\fB2\fR
Wrong usage.
.TP
\fB130\fR
Stopped by Ctrl\-C.
"#;

/// The end of zsh's file.
const ZSH_FIRST: &str = "[ \"${funcstack[1]}\" != _nvmf ] || _clap_dynamic_completer_nvmf \"$@\"\n";

/// Pages of the files and of the daemon, which every page refers to.
const RELATED: &[&str] = &[
    "nvme-fabrics.conf(5)",
    "nvmf-exclusions(5)",
    "nvmf-registry(7)",
    "nvme-discoverd(8)",
];

/// Writes the page of `nvmf` and one for each command into `dir`.
///
/// # Errors
/// A file cannot be written, or a part belongs to no page.
pub(crate) fn pages(dir: &Path, parts: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    let mut command = nvmf_cli::command().disable_help_subcommand(true);
    command.build();
    let mut written = Vec::new();
    page_and_below(&command, None, dir, parts, &mut written)?;
    for part in fs::read_dir(parts).with_context(|| format!("no `{}`", parts.display()))? {
        let name = part?.file_name().to_string_lossy().into_owned();
        if let Some(page) = name.strip_suffix(".part") {
            ensure!(
                written.iter().any(|it| it == page),
                "`{name}` belongs to no page"
            );
        }
    }
    Ok(())
}

fn page_and_below(
    command: &Command,
    above: Option<&str>,
    dir: &Path,
    parts: &Path,
    written: &mut Vec<String>,
) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let below = || command.get_subcommands().filter(|it| !it.is_hide_set());
    let mut text = title(name).into_bytes();
    let man = Man::new(command.clone());
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut text)?;
    }
    if below().next().is_some() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut text = without_preambles(&String::from_utf8(text)?);
    text.push_str(&fs::read_to_string(parts.join(format!("{name}.1.part"))).unwrap_or_default());
    text.push_str(STATUS);
    text.push_str(&see_also(above));
    let file = format!("{name}.1");
    fs::write(dir.join(&file), text)?;
    written.push(file);
    for command in below() {
        page_and_below(command, Some(name), dir, parts, written)?;
    }
    Ok(())
}

/// The first line: no date, so that the same sources make the same page.
fn title(name: &str) -> String {
    let name = name.to_uppercase().replace('-', "\\-");
    let version = env!("CARGO_PKG_VERSION");
    format!(".TH {name} 1 \"\" \"nvmf {version}\" \"NVMe over Fabrics\"\n")
}

/// Each section comes with a definition of the apostrophe, `.ie … .el …`; the first one will do.
fn without_preambles(text: &str) -> String {
    let preamble = |line: &&str| line.starts_with(".ie \\n(.g") || line.starts_with(".el .ds Aq");
    let first: Vec<_> = text.lines().filter(preamble).take(2).collect();
    let rest = text.lines().filter(|line| !preamble(line));
    let lines: Vec<_> = first.into_iter().chain(rest).collect();
    lines.join("\n") + "\n"
}

fn see_also(above: Option<&str>) -> String {
    let above = above.map(|name| format!("{name}(1)"));
    let names = above
        .iter()
        .map(String::as_str)
        .chain(RELATED.iter().copied());
    let names: Vec<_> = names
        .filter_map(|name| name.split_once('('))
        .map(|(name, section)| format!(".BR {} ({section}", name.replace('-', "\\-")))
        .collect();
    format!(".SH \"SEE ALSO\"\n{}\n", names.join(",\n"))
}

/// Writes what each shell loads; the program answers for the rest.
///
/// # Errors
/// A file cannot be written.
pub(crate) fn completions(dir: &Path) -> anyhow::Result<()> {
    let shells: [(&dyn EnvCompleter, &str); 3] = [
        (&Bash, "bash/nvmf"),
        (&Zsh, "zsh/_nvmf"),
        (&Fish, "fish/nvmf.fish"),
    ];
    for (shell, place) in shells {
        let place = dir.join(place);
        fs::create_dir_all(place.parent().context("no folder")?)?;
        let mut text = Vec::new();
        shell.write_registration(nvmf_cli::COMPLETE, "nvmf", "nvmf", "nvmf", &mut text)?;
        if shell.name() == "zsh" {
            // zsh loads the file as a function when it is first asked: it is to answer then, too
            text.extend_from_slice(ZSH_FIRST.as_bytes());
        }
        fs::write(place, text)?;
    }
    Ok(())
}
