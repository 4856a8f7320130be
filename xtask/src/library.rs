//! libnvmf for programs in C: `nvmf-capi`, built and laid out.
//!
//! | from | to |
//! | --- | --- |
//! | the shared library | `LIBDIR/libnvmf.so.1`, and a link `libnvmf.so` |
//! | the static library | `LIBDIR/libnvmf.a` |
//! | `crates/nvmf-capi/include` | `PREFIX/include/` |
//! | `dist/pkgconfig` | `LIBDIR/pkgconfig/` |
//!
//! And `nvmf-python`, for a package.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::install::{below_root, put, text, texts};
use crate::{host, programs};

const PACKAGE: &str = "nvmf-capi";
const PYTHON: &str = "nvmf-python";
/// The name by which programs ask for the shared library, and that by which they are linked.
const SHARED: (&str, &str) = ("libnvmf.so.1", "libnvmf.so");

/// Builds both libraries as they are shipped, and copies everything below `destdir`: to `libdir`
/// and, headers, to the prefix; adds what was written to `written`.
///
/// # Errors
/// Something cannot be built, read or written; it is named.
pub(crate) fn lay_out(
    source: &Path,
    destdir: &Path,
    prefix: &Path,
    libdir: &Path,
    written: &mut Vec<PathBuf>,
) -> anyhow::Result<()> {
    let root = destdir.join(below_root(prefix)?);
    let libraries = destdir.join(below_root(libdir)?);
    for (kind, built, name) in [
        ("cdylib", "libnvmf_capi.so", SHARED.0),
        ("staticlib", "libnvmf_capi.a", "libnvmf.a"),
    ] {
        let data = build(PACKAGE, kind, built)?;
        put(&libraries.join(name), &data, 0o644, written)?;
    }
    let link = libraries.join(SHARED.1);
    if link.is_symlink() {
        fs::remove_file(&link)?;
    }
    symlink(SHARED.0, &link).with_context(|| format!("cannot make `{}`", link.display()))?;
    written.push(link);
    let headers = source.join("crates").join(PACKAGE).join("include");
    copy_headers(&headers, &root.join("include"), written)?;
    let prefix = prefix.to_str().context("the prefix is no UTF-8")?;
    let libdir = libdir
        .to_str()
        .context("the libraries' folder is no UTF-8")?;
    // who moves the prefix moves what is below it
    let libdir = match libdir.strip_prefix(prefix.trim_end_matches('/')) {
        Some(below) => format!("${{prefix}}{below}"),
        None => libdir.to_owned(),
    };
    for file in texts(&source.join("dist/pkgconfig"), &["pc"])? {
        let to = libraries.join("pkgconfig");
        let to = to.join(file.file_name().unwrap_or_default());
        let text = text(&file, prefix)?.replace("@LIBDIR@", &libdir);
        put(&to, text.as_bytes(), 0o644, written)?;
    }
    Ok(())
}

/// Builds the Python module, and copies it with its type stubs to where Debian's Python looks; adds
/// what was written to `written`. Elsewhere it comes as a wheel.
///
/// # Errors
/// As [`lay_out`].
pub(crate) fn lay_out_python(
    source: &Path,
    root: &Path,
    written: &mut Vec<PathBuf>,
) -> anyhow::Result<()> {
    let modules = root.join("lib/python3/dist-packages");
    let module = build(PYTHON, "cdylib", "libnvmf_python.so")?;
    put(&modules.join("nvmf.abi3.so"), &module, 0o644, written)?;
    let stubs = source.join("crates").join(PYTHON).join("nvmf.pyi");
    put(&modules.join("nvmf.pyi"), &fs::read(stubs)?, 0o644, written)
}

/// One kind of a library, as bytes.
fn build(package: &str, kind: &str, name: &str) -> anyhow::Result<Vec<u8>> {
    programs::cargo(&[
        "rustc",
        "-p",
        package,
        "--lib",
        "--release",
        "--crate-type",
        kind,
    ])?;
    let file = host::target_dir().join("release").join(name);
    let data = fs::read(&file).with_context(|| format!("cargo built no `{}`", file.display()))?;
    Ok(data)
}

fn copy_headers(from: &Path, to: &Path, written: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("no `{}`", from.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry?.path());
    }
    ensure!(!paths.is_empty(), "`{}` is empty", from.display());
    paths.sort();
    for path in paths {
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_headers(&path, &to, written)?;
        } else if path.extension().is_some_and(|ending| ending == "h") {
            put(&to, &fs::read(&path)?, 0o644, written)?;
        }
    }
    Ok(())
}
