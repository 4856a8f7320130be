//! `cargo xtask install`: the files of a package, laid out below a folder.
//!
//! | from | to |
//! | --- | --- |
//! | `nvmf` | `PREFIX/bin/nvmf` |
//! | `nvme-discoverd` | `PREFIX/sbin/nvme-discoverd` |
//! | `nvmf-connector` | `PREFIX/libexec/nvmf/connector` |
//! | `dist/systemd` | `PREFIX/lib/systemd/system/` |
//! | `dist/udev` | `PREFIX/lib/udev/rules.d/` |
//! | `dist/dbus` | `PREFIX/share/dbus-1/system.d/`, `PREFIX/share/dbus-1/interfaces/` |
//! | `dist/tmpfiles`, `dist/sysusers` | `PREFIX/lib/tmpfiles.d/`, `PREFIX/lib/sysusers.d/` |
//! | `dist/dracut/MODULE` | `PREFIX/lib/dracut/modules.d/MODULE/` |
//! | `dist/initramfs-tools` | `PREFIX/share/initramfs-tools/` |
//! | manual pages, completions | see [`crate::manuals`] |
//! | libnvmf | see [`crate::library`] |
//! | `dist/etc` | `PREFIX/share/doc/nvmf/examples/`, and `/etc/nvme/` where there is no such file |
//! | README, CHANGELOG, licences, `docs` | `PREFIX/share/doc/nvmf/` |
//!
//! `@PREFIX@` in the texts of `dist` becomes the prefix.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, ensure};
use clap::Args;

use crate::programs::{self, Executable};
use crate::{host, library, manuals, out};

/// Where to install what.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Folder that stands for the root of the system
    #[arg(long, value_name = "DIR")]
    destdir: PathBuf,
    /// Where programs and their data go on that system
    #[arg(long, value_name = "PREFIX", default_value = "/usr")]
    prefix: PathBuf,
    /// Where libraries go on that system [default: PREFIX/lib]
    #[arg(long, value_name = "DIR")]
    libdir: Option<PathBuf>,
    /// Take debug builds instead of release builds
    #[arg(long)]
    debug: bool,
}

/// Builds and lays out.
pub(crate) fn run(args: &Install) -> anyhow::Result<ExitCode> {
    below_root(&args.prefix)?;
    args.libdir.as_deref().map(below_root).transpose()?;
    let progress = out::Progress::start("building the programs");
    let built = programs::build_shipped(!args.debug)?;
    progress.done("programs built");
    let source = host::workspace();
    let mut files = lay_out(&source, &built, &args.destdir, &args.prefix)?;
    let root = args.destdir.join(below_root(&args.prefix)?);
    manuals::lay_out(&source, &root, &mut files)?;
    let libdir = args.libdir.clone();
    let libdir = libdir.unwrap_or_else(|| args.prefix.join("lib"));
    library::lay_out(&source, &args.destdir, &args.prefix, &libdir, &mut files)?;
    for file in &files {
        out::line(file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Name of a program's binary and its place below the prefix.
const PROGRAMS: &[(&str, &str)] = &[
    ("nvmf", "bin/nvmf"),
    ("nvme-discoverd", "sbin/nvme-discoverd"),
    ("nvmf-connector", "libexec/nvmf/connector"),
];

/// Folder of `dist`, the endings of the files that count, and their place below the prefix.
const TEXTS: &[(&str, &[&str], &str)] = &[
    (
        "systemd",
        &["service", "socket", "target", "timer", "path"],
        "lib/systemd/system",
    ),
    ("udev", &["rules"], "lib/udev/rules.d"),
    ("dbus", &["conf"], "share/dbus-1/system.d"),
    ("dbus", &["xml"], "share/dbus-1/interfaces"),
    ("tmpfiles", &["conf"], "lib/tmpfiles.d"),
    ("sysusers", &["conf"], "lib/sysusers.d"),
    ("etc", &["conf"], "share/doc/nvmf/examples"),
];

/// Scripts of those that make an initramfs, folders and all: where they are in `dist`, and below
/// the prefix.
const SCRIPTS: &[(&str, &str)] = &[
    ("dracut", "lib/dracut/modules.d"),
    ("initramfs-tools", "share/initramfs-tools"),
];

/// Files of the workspace that go to the documentation, if they are there.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "docs/cli-json.md",
];

/// Copies everything below `destdir`; returns the files that were written.
///
/// # Errors
/// The prefix is not absolute, or a file cannot be read or written; it is named.
pub(crate) fn lay_out(
    source: &Path,
    built: &[Executable],
    destdir: &Path,
    prefix: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let below = below_root(prefix)?;
    let root = destdir.join(below);
    let mut written = Vec::new();
    for (name, place) in PROGRAMS {
        let program = built.iter().find(|program| program.name == *name);
        let program = program.with_context(|| format!("cargo built no `{name}`"))?;
        let data = fs::read(&program.path)
            .with_context(|| format!("cannot read `{}`", program.path.display()))?;
        put(&root.join(place), &data, 0o755, &mut written)?;
    }
    let prefix = prefix.to_str().context("the prefix is no UTF-8")?;
    for (folder, endings, place) in TEXTS {
        for file in texts(&source.join("dist").join(folder), endings)? {
            let text = text(&file, prefix)?;
            let name = file.file_name().unwrap_or_default();
            put(
                &root.join(place).join(name),
                text.as_bytes(),
                0o644,
                &mut written,
            )?;
            let live = destdir.join("etc/nvme").join(name);
            if *folder == "etc" && !live.exists() {
                put(&live, text.as_bytes(), 0o644, &mut written)?;
            }
        }
    }
    for (folder, place) in SCRIPTS {
        let folder = source.join("dist").join(folder);
        for file in scripts(&folder)? {
            let to = root.join(place).join(file.strip_prefix(&folder)?);
            put(&to, text(&file, prefix)?.as_bytes(), 0o755, &mut written)?;
        }
    }
    let documents = root.join("share/doc/nvmf");
    for file in texts(&source.join("docs"), &["md", "svg"])? {
        let to = documents
            .join("docs")
            .join(file.file_name().unwrap_or_default());
        put(&to, &fs::read(&file)?, 0o644, &mut written)?;
    }
    for name in DOCUMENTS {
        if let Ok(data) = fs::read(source.join(name)) {
            let name = Path::new(name).file_name().unwrap_or_default();
            put(&documents.join(name), &data, 0o644, &mut written)?;
        }
    }
    Ok(written)
}

/// A text of `dist` with the prefix in its places.
pub(crate) fn text(file: &Path, prefix: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read `{}`", file.display()))?
        .replace("@PREFIX@", prefix.trim_end_matches('/'));
    ensure!(
        !text.contains("@PREFIX"),
        "`{}` has a misspelt @PREFIX@",
        file.display()
    );
    Ok(text)
}

/// The scripts below a folder, sorted: what ends in `.sh` or has no ending.
fn scripts(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            files.extend(scripts(&path)?);
        } else if name.ends_with(".sh") || !name.contains(['.', '~']) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The prefix as seen from the root.
pub(crate) fn below_root(prefix: &Path) -> anyhow::Result<&Path> {
    prefix.strip_prefix("/").map_err(|_| {
        anyhow!(
            "`{}` is not absolute: give something like `/usr`, or `/usr/lib` for libraries",
            prefix.display()
        )
    })
}

/// The files of a folder with one of these endings, sorted; none if there is no such folder.
pub(crate) fn texts(folder: &Path, endings: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot read `{}`", folder.display()))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| endings.contains(&ending)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes one file: whole or not at all.
pub(crate) fn put(
    path: &Path,
    data: &[u8],
    mode: u32,
    written: &mut Vec<PathBuf>,
) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        let folder = path.parent().context("no folder")?;
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut file, data)?;
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode))?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))?;
    written.push(path.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source tree, an executable and a destination.
    fn world() -> (tempfile::TempDir, Vec<Executable>, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "dist/systemd/nvme-discoverd.service",
            "ExecStart=@PREFIX@/sbin/nvme-discoverd\n",
        );
        write("dist/systemd/notes.txt", "not to be installed");
        write("dist/udev/65-nvmf.rules", "# @PREFIX@\n");
        write("dist/dracut/96x/hook.sh", "@PREFIX@/bin/nvmf\n");
        write("dist/dracut/96x/hook.sh~", "not to be installed");
        write("dist/initramfs-tools/hooks/x", "@PREFIX@/bin/nvmf\n");
        write("dist/etc/nvme-discoverd.conf", "# sample\n");
        write("LICENSE-MIT", "MIT");
        let built = PROGRAMS.iter().map(|&(name, _)| {
            write(&format!("built/{name}"), "ELF");
            let path = dir.path().join("built").join(name);
            Executable {
                name: name.to_owned(),
                path,
            }
        });
        let built = built.collect();
        let destdir = dir.path().join("dest");
        (dir, built, destdir)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_go_where_a_package_has_them() {
        let (source, built, dest) = world();
        lay_out(source.path(), &built, &dest, Path::new("/opt/nvmf/")).unwrap();
        let unit = dest.join("opt/nvmf/lib/systemd/system/nvme-discoverd.service");
        assert_eq!(
            fs::read_to_string(&unit).unwrap(),
            "ExecStart=/opt/nvmf/sbin/nvme-discoverd\n"
        );
        assert_eq!(mode(&unit), 0o644);
        assert_eq!(mode(&dest.join("opt/nvmf/bin/nvmf")), 0o755);
        assert!(
            dest.join("opt/nvmf/lib/udev/rules.d/65-nvmf.rules")
                .exists()
        );
        assert!(dest.join("opt/nvmf/share/doc/nvmf/LICENSE-MIT").exists());
        assert!(
            dest.join("opt/nvmf/share/doc/nvmf/examples/nvme-discoverd.conf")
                .exists()
        );
        assert!(!dest.join("opt/nvmf/lib/systemd/system/notes.txt").exists());
        let module = dest.join("opt/nvmf/lib/dracut/modules.d/96x");
        let hook = fs::read_to_string(module.join("hook.sh")).unwrap();
        assert_eq!(hook, "/opt/nvmf/bin/nvmf\n");
        assert_eq!(mode(&module.join("hook.sh")), 0o755);
        assert!(!module.join("hook.sh~").exists());
    }

    #[test]
    fn what_units_and_rules_run_is_what_is_installed() {
        let dist = host::workspace().join("dist");
        let of_folder = |(folder, endings, _): &(&str, &[&str], &str)| {
            texts(&dist.join(folder), endings).unwrap()
        };
        let of_scripts = |(folder, _): &(&str, &str)| scripts(&dist.join(folder)).unwrap();
        let scripts: Vec<_> = SCRIPTS.iter().flat_map(of_scripts).collect();
        assert!(scripts.len() > 3, "{scripts:?}");
        for file in TEXTS.iter().flat_map(of_folder).chain(scripts) {
            let text = fs::read_to_string(&file).unwrap();
            for rest in text.split("@PREFIX@/").skip(1) {
                let place = rest.split([' ', '"', '\n']).next().unwrap_or_default();
                let known = PROGRAMS.iter().any(|(_, known)| *known == place)
                    || place == "lib/udev/rules.d/70-nvmf-reap.rules";
                assert!(known, "{}: `{place}` is not installed", file.display());
            }
        }
    }

    #[test]
    fn documents_are_where_the_readme_has_them() {
        let (_source, built, dest) = world();
        let workspace = host::workspace();
        lay_out(&workspace, &built, &dest, Path::new("/usr")).unwrap();
        let documents = dest.join("usr/share/doc/nvmf");
        assert!(documents.join("cli-json.md").exists());
        assert!(documents.join("docs/troubleshooting.md").exists());
    }

    #[test]
    fn a_configuration_that_is_there_stays() {
        let (source, built, dest) = world();
        let live = dest.join("etc/nvme/nvme-discoverd.conf");
        lay_out(source.path(), &built, &dest, Path::new("/usr")).unwrap();
        assert_eq!(fs::read_to_string(&live).unwrap(), "# sample\n");
        fs::write(&live, "mine\n").unwrap();
        lay_out(source.path(), &built, &dest, Path::new("/usr")).unwrap();
        assert_eq!(fs::read_to_string(&live).unwrap(), "mine\n");
    }

    #[test]
    fn nothing_but_files_is_left_and_all_are_reported() {
        let (source, built, dest) = world();
        let written = lay_out(source.path(), &built, &dest, Path::new("/usr")).unwrap();
        assert_eq!(written.len(), 10, "{written:?}");
        assert_eq!(
            fs::read_dir(dest.join("usr/bin")).unwrap().count(),
            1,
            "no temporary file"
        );
    }

    #[test]
    fn a_program_that_was_not_built_is_an_error() {
        let (source, mut built, dest) = world();
        built.retain(|program| program.name != "nvme-discoverd");
        let error = lay_out(source.path(), &built, &dest, Path::new("/usr")).unwrap_err();
        assert!(error.to_string().contains("`nvme-discoverd`"), "{error}");
    }

    #[test]
    fn a_relative_prefix_is_refused_before_anything_is_written() {
        let (source, built, dest) = world();
        let error = lay_out(source.path(), &built, &dest, Path::new("usr")).unwrap_err();
        assert!(error.to_string().contains("`usr`"), "{error}");
        assert!(!dest.exists());
    }
}
