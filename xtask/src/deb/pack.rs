//! Packs a folder: the same folder and version give the same bytes.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::packages::{ELSEWHERE, LEFT_OUT, MULTIARCH, PACKAGES, Package, of_path};
use crate::host;

/// What is the same in all packages.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(super) version: String,
    /// Seconds since 1970: the commit's. No file of a package is younger.
    pub(super) epoch: String,
    pub(super) architecture: String,
    /// The folder below `/usr/lib` of this architecture's libraries.
    pub(super) multiarch: String,
    /// `NAME <MAIL>`: DEBFULLNAME and DEBEMAIL, or the author of the commit.
    pub(super) maintainer: String,
}

impl Release {
    /// That of the checkout.
    pub(super) fn current(version: Option<&str>) -> anyhow::Result<Self> {
        let git = |format: &str| -> anyhow::Result<String> {
            let mut git = Command::new("git");
            git.current_dir(host::workspace());
            let said = host::output(git.args(["log", "-1", format]))?;
            Ok(said.trim().to_owned())
        };
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(epoch) => epoch,
            Err(_) => git("--format=%ct").context("no commit: set SOURCE_DATE_EPOCH")?,
        };
        let given = |name| std::env::var(name).ok();
        let maintainer = match (given("DEBFULLNAME"), given("DEBEMAIL")) {
            (Some(name), Some(mail)) => format!("{name} <{mail}>"),
            _ => git("--format=%an <%ae>").context("set DEBFULLNAME and DEBEMAIL")?,
        };
        let architecture = host::output(Command::new("dpkg").arg("--print-architecture"))?;
        let mut dpkg = Command::new("dpkg-architecture");
        let multiarch = host::output(dpkg.arg("-qDEB_HOST_MULTIARCH"))?;
        Ok(Self {
            multiarch: multiarch.trim().to_owned(),
            version: version.unwrap_or(env!("CARGO_PKG_VERSION")).to_owned(),
            epoch,
            architecture: architecture.trim().to_owned(),
            maintainer,
        })
    }
}

/// Packs what is below `staging` into `output`; returns the packages' files.
///
/// # Errors
/// A file belongs to no package, or something cannot be read, written or run; it is named.
pub(super) fn all(
    staging: &Path,
    output: &Path,
    release: &Release,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    files(staging, &mut paths)?;
    paths.sort();
    let work = tempfile::tempdir()?;
    let mut filled = Vec::new();
    for path in &paths {
        let name = path.strip_prefix(staging)?;
        let name = name.to_str().context("a name that is no UTF-8")?;
        if LEFT_OUT.contains(&name) {
            continue;
        }
        let package = of_path(&name.replace(&release.multiarch, MULTIARCH));
        let package = package.with_context(|| format!("`{name}` belongs to no package"))?;
        if !filled.iter().any(|it: &&Package| it.name == package.name) {
            filled.push(package);
        }
        copy(path, &work.path().join(package.name).join(place(name)))?;
    }
    fs::create_dir_all(output)?;
    let mut packed = Vec::new();
    for package in PACKAGES
        .iter()
        .filter(|it| filled.iter().any(|in_it| in_it.name == it.name))
    {
        packed.push(one(
            package,
            &work.path().join(package.name),
            output,
            release,
        )?);
    }
    Ok(packed)
}

/// Where Debian has a file.
fn place(name: &str) -> String {
    let moved = ELSEWHERE
        .iter()
        .find_map(|(from, to)| Some((name.strip_prefix(from)?, to)));
    moved.map_or_else(|| name.to_owned(), |(rest, to)| format!("{to}{rest}"))
}

fn one(
    package: &Package,
    tree: &Path,
    output: &Path,
    release: &Release,
) -> anyhow::Result<PathBuf> {
    documents(package, tree, release)?;
    let mut inside = Vec::new();
    files(tree, &mut inside)?;
    inside.sort();
    for path in &inside {
        let name = path.strip_prefix(tree)?.to_string_lossy().into_owned();
        if name.starts_with("usr/share/man/") {
            gzip(path)?;
        }
    }
    let control = tree.join("DEBIAN");
    write(
        &control.join("control"),
        &self::control(package, tree, release)?,
        0o644,
    )?;
    scripts(package, &control)?;
    let file = format!(
        "{}_{}_{}.deb",
        package.name, release.version, release.architecture
    );
    let file = output.join(file);
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.env("SOURCE_DATE_EPOCH", &release.epoch);
    // one thread: how many there are shows in the bytes
    dpkg.args(["--root-owner-group", "-Zxz", "--threads-max=1", "--build"]);
    host::output(dpkg.args([tree, &file]))?;
    Ok(file)
}

/// Changelog and copyright.
fn documents(package: &Package, tree: &Path, release: &Release) -> anyhow::Result<()> {
    let folder = tree.join("usr/share/doc").join(package.name);
    let date = host::output(
        Command::new("date")
            .args(["-u", "-R", "-d"])
            .arg(format!("@{}", release.epoch)),
    )?;
    let changelog = folder.join("changelog");
    let text = format!(
        "nvmf ({}) unstable; urgency=medium\n\n  * See /usr/share/doc/nvmf/CHANGELOG.md.gz.\n\n -- {}  {}\n",
        release.version,
        release.maintainer,
        date.trim()
    );
    write(&changelog, &text, 0o644)?;
    gzip(&changelog)?;
    let source = host::workspace();
    let licence = fs::read_to_string(source.join("LICENSE-MIT"))?;
    let lines = licence.lines().map(|line| match line {
        "" => " .\n".to_owned(),
        line => format!(" {line}\n"),
    });
    let text = fs::read_to_string(source.join("dist/debian/copyright"))?;
    let text = text.replace("@MIT@\n", &lines.collect::<String>());
    write(&folder.join("copyright"), &text, 0o644)?;
    let large = folder.join("CHANGELOG.md");
    if large.exists() {
        gzip(&large)?;
    }
    Ok(())
}

/// The file `control`.
fn control(package: &Package, tree: &Path, release: &Release) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut inside = Vec::new();
    files(tree, &mut inside)?;
    let bytes = inside
        .iter()
        .map(|path| fs::metadata(path).map_or(0, |it| it.len()));
    // each file takes whole blocks, and each folder one
    let kibibytes: u64 = bytes.map(|size| size.div_ceil(1024) + 1).sum();
    writeln!(text, "Package: {}", package.name)?;
    writeln!(text, "Source: nvmf")?;
    writeln!(text, "Version: {}", release.version)?;
    writeln!(text, "Architecture: {}", release.architecture)?;
    writeln!(text, "Maintainer: {}", release.maintainer)?;
    writeln!(text, "Installed-Size: {kibibytes}")?;
    let needed = needed(&inside)?;
    for field in ["Multi-Arch", "Depends", "Recommends", "Suggests"] {
        let own = package.relations.iter().filter(|(of, _)| *of == field);
        let own = own.map(|(_, relation)| relation.replace("@VERSION@", &release.version));
        let needed = needed.iter().filter(|_| field == "Depends").cloned();
        let all: Vec<_> = needed.chain(own).collect();
        if !all.is_empty() {
            writeln!(text, "{field}: {}", all.join(", "))?;
        }
    }
    writeln!(text, "Section: {}\nPriority: optional", package.section)?;
    writeln!(text, "Description: {}", package.summary)?;
    for line in package.description.lines() {
        writeln!(text, " {line}")?;
    }
    Ok(text)
}

/// The packages that the programs of a package need.
fn needed(inside: &[PathBuf]) -> anyhow::Result<Option<String>> {
    let elf = |path: &&PathBuf| {
        let start = fs::read(path).unwrap_or_default();
        start.starts_with(b"\x7fELF")
    };
    let programs: Vec<_> = inside.iter().filter(elf).collect();
    if programs.is_empty() {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    write(
        &folder.path().join("debian/control"),
        "Source: nvmf\n\nPackage: x\nArchitecture: any\n",
        0o644,
    )?;
    let mut shlibdeps = Command::new("dpkg-shlibdeps");
    shlibdeps.current_dir(folder.path()).arg("-O");
    for program in programs {
        shlibdeps.arg(format!("-e{}", program.display()));
    }
    let said = host::output(&mut shlibdeps)?;
    let found = said
        .lines()
        .find_map(|line| line.strip_prefix("shlibs:Depends="));
    Ok(found.map(str::to_owned))
}

/// Scripts of the maintainer, the files that are configuration, and checksums.
fn scripts(package: &Package, control: &Path) -> anyhow::Result<()> {
    for script in ["preinst", "postinst", "prerm", "postrm"] {
        let file = host::workspace().join(format!("dist/debian/{}.{script}", package.name));
        if let Ok(text) = fs::read_to_string(file) {
            write(&control.join(script), &text, 0o755)?;
        }
    }
    let tree = control.parent().context("no folder")?;
    let mut inside = Vec::new();
    files(tree, &mut inside)?;
    inside.sort();
    let (mut sums, mut conffiles) = (String::new(), String::new());
    for path in inside {
        let name = path.strip_prefix(tree)?.to_string_lossy().into_owned();
        if name.starts_with("etc/") {
            writeln!(conffiles, "/{name}")?;
        } else if !name.starts_with("DEBIAN/") && !path.is_symlink() {
            let sum = host::output(Command::new("md5sum").arg(&path))?;
            let sum = sum.split(' ').next().unwrap_or_default().to_owned();
            writeln!(sums, "{sum}  {name}")?;
        }
    }
    write(&control.join("md5sums"), &sums, 0o644)?;
    if !conffiles.is_empty() {
        write(&control.join("conffiles"), &conffiles, 0o644)?;
    }
    if package.libraries {
        write(
            &control.join("triggers"),
            "activate-noawait ldconfig\n",
            0o644,
        )?;
        write(&control.join("shlibs"), "libnvmf 1 libnvmf1\n", 0o644)?;
    }
    Ok(())
}

/// The files below a folder, links included.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("no `{}`", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files(&entry.path(), found)?;
        } else {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Copies a file with its mode, or a link as it is.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    folder_of(to)?;
    if from.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
    } else {
        fs::copy(from, to)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    folder_of(path)?;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Makes the folders of a file, with the mode that they are to have in a package.
fn folder_of(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().context("no folder")?;
    if !folder.exists() {
        folder_of(folder)?;
        fs::create_dir(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Compresses a file in its place; no name and no time in it.
fn gzip(path: &Path) -> anyhow::Result<()> {
    let done = Command::new("gzip")
        .args(["-9", "-n", "-f"])
        .arg(path)
        .status()?;
    ensure!(done.success(), "cannot compress `{}`", path.display());
    Ok(())
}
